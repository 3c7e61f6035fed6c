/*
 * fuzz_sql_read.c - any text can be read: each statement consumes something, what is found lies inside of the
 * text, a second reading says the same, SET and what is defined can be walked, normalised text keeps to its
 * room, and as a routine's body it has no more names than there is room for.
 *
 *   input: one byte of options (charset: low 3 bits, ANSI_QUOTES 8, NO_BACKSLASH_ESCAPES 16, IGNORE_SPACE 32,
 *          MySQL 64, watched names 128), the text
 */
#include <stdlib.h>
#include <string.h>

#include "pointsman/protocol/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void inside(struct sql_span span, const char *text, size_t length)
{
    require(!span.at || (span.at >= text && span.at + span.length <= text + length));
}

static void facts_inside(const struct sql_facts *facts, const char *text, size_t length)
{
    inside(facts->because, text, length);
    inside(facts->name, text, length);
    inside(facts->set_text, text, length);
    inside(facts->defines, text, length);
    inside(facts->hint.server, text, length);
    inside(facts->hint.max_lag, text, length);
    inside(facts->hint.wait_for, text, length);
    require(facts->calls_count <= SQL_CALLS_MAX);
    for (uint8_t i = 0; i < facts->calls_count; i++) {
        const struct sql_call *call = &facts->calls[i];
        require(call->text.at && call->text.length > 0);
        inside(call->text, text, length);
        inside(call->item, text, length);
        if (call->item.at)
            require(call->text.at >= call->item.at &&
                    call->text.at + call->text.length <= call->item.at + call->item.length);
    }
    require((facts->digest == 0) == (facts->verb == SQL_EMPTY));
    require((unsigned)facts->verb <= SQL_UNKNOWN && (unsigned)facts->reason < SQL_REASONS);
}

static bool same_span(struct sql_span a, struct sql_span b)
{
    return a.at == b.at && a.length == b.length;
}

static void same_again(const char *text, size_t length, const struct sql_options *options, size_t consumed,
                       const struct sql_facts *first)
{
    struct sql_facts second;
    require(sql_read(text, length, options, &second) == consumed);
    require(first->verb == second.verb && first->reason == second.reason && first->effects == second.effects);
    require(first->digest == second.digest && first->kill_id == second.kill_id);
    require(first->calls_count == second.calls_count && first->calls_overflow == second.calls_overflow);
    require(same_span(first->because, second.because) && same_span(first->name, second.name));
    require(same_span(first->set_text, second.set_text) && same_span(first->defines, second.defines));
}

static void walk_set(const struct sql_facts *facts, const struct sql_options *options)
{
    struct sql_span rest = facts->set_text;
    struct sql_assignment assignment;
    bool bad = false;

    while (rest.at && sql_set_next(&rest, options, &assignment, &bad)) {
        require(!bad);
        inside(assignment.name, facts->set_text.at, facts->set_text.length);
        inside(assignment.value, facts->set_text.at, facts->set_text.length);
        require(assignment.value.at && assignment.value.length > 0);
        inside(rest, facts->set_text.at, facts->set_text.length);
    }
}

static void walk_defined(const struct sql_facts *facts, const struct sql_options *options)
{
    struct sql_span rest = facts->defines, name;

    while (sql_defined_next(&rest, options, &name)) {
        inside(name, facts->defines.at, facts->defines.length);
        inside(rest, facts->defines.at, facts->defines.length);
    }
}

static void read_body(const char *text, size_t length, const struct sql_options *options)
{
    uint64_t *keys = calloc(length / 2 + 1, sizeof *keys);
    unsigned habits;
    require(keys != NULL);
    require(sql_body_names(text, length, options, keys, &habits) <= length / 2 + 1);
    free(keys);
}

static void normalise(const char *text, size_t length, const struct sql_options *options)
{
    size_t size = length % 97 + 1;
    char *out = malloc(size);
    require(out != NULL);
    size_t written = sql_normalise(text, length, options, out, size);
    require(written < size && out[written] == '\0');
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a", "t", "v\303\251"};
    static const struct sql_names watched = {names, 3};
    if (size == 0)
        return 0;
    const bool mysql = data[0] & 64, watches = data[0] & 128;
    const struct sql_options options = {
        .charset = (enum sql_charset)((data[0] & 7) % (SQL_CHARSET_GB18030 + 1)),
        .mode = (data[0] >> 3) & 7,
        .mariadb = !mysql,
        .version = mysql ? 80036 : 101119,
        .watched = watches ? &watched : NULL,
        .unsafe_tables = watches ? &watched : NULL,
        .leaving = watches ? &watched : NULL,
    };
    const char *text = (const char *)data + 1;
    size_t length = size - 1;

    normalise(text, length, &options);
    read_body(text, length, &options);
    for (size_t at = 0; at < length;) {
        struct sql_facts facts;
        size_t consumed = sql_read(text + at, length - at, &options, &facts);
        require(consumed > 0 && consumed <= length - at);
        facts_inside(&facts, text + at, consumed);
        same_again(text + at, length - at, &options, consumed, &facts);
        walk_set(&facts, &options);
        walk_defined(&facts, &options);
        at += consumed;
    }
    return 0;
}
