/*
 * difference.c - what must be sent to a connection so that it is in another state: one merge of two sorted
 * lists, giving at most one COM_INIT_DB and one SET statement.
 *
 * The character set is one unit: if anything of it differs, SET NAMES and all its variables are sent again,
 * since NAMES overwrites them.
 */
#include <stdio.h>
#include <string.h>

#include "pointsman/state/state.h"
#include "pointsman/protocol/wire.h"
#include "state_entry.h"

struct sink {
    struct writer w;
    bool first;
};

static void put(struct sink *sink, const char *text)
{
    write_string(&sink->w, text);
}

static void put_separator(struct sink *sink)
{
    put(sink, sink->first ? "SET " : ", ");
    sink->first = false;
}

static bool is_number(const char *at, size_t length)
{
    size_t digits = 0, dots = 0, i = length && *at == '-';
    for (; i < length; i++)
        if (at[i] >= '0' && at[i] <= '9')
            digits++;
        else if (at[i] == '.' && digits)
            dots++;
        else
            return false;
    return digits && dots <= 1;
}

/* A value as a literal that means the same under every sql_mode: quotes are doubled, backslashes avoided. */
static void put_value(struct sink *sink, const char *at, size_t length)
{
    if (is_number(at, length)) {
        write_bytes(&sink->w, at, length);
    } else if (memchr(at, '\\', length)) {
        put(sink, "_utf8 X'");
        for (size_t i = 0; i < length; i++) {
            char hex[3];
            snprintf(hex, sizeof hex, "%02X", (unsigned char)at[i]);
            put(sink, hex);
        }
        put(sink, "'");
    } else {
        put(sink, "'");
        for (size_t i = 0; i < length; i++) {
            if (at[i] == '\'')
                put(sink, "'");
            write_u8(&sink->w, (uint8_t)at[i]);
        }
        put(sink, "'");
    }
}

static void put_user_name(struct sink *sink, const struct state_entry *entry)
{
    put(sink, "@`");
    for (size_t i = 0; i < entry->name_length; i++) {
        if (entry->name[i] == '`')
            put(sink, "`");
        write_u8(&sink->w, (uint8_t)entry->name[i]);
    }
    put(sink, "`=");
}

static void put_entry(struct sink *sink, const struct state_entry *entry)
{
    if (entry->kind == STATE_SCHEMA)
        return;
    put_separator(sink);
    switch (entry->kind) {
    case STATE_NAMES:
        put(sink, "NAMES ");
        write_bytes(&sink->w, entry->value, entry->value_length);
        break;
    case STATE_VARIABLE:
        write_bytes(&sink->w, entry->name, entry->name_length);
        put(sink, "=");
        /* character_set_results alone can be NULL, which the servers report as nothing */
        if (entry->value_length == 0 && state_entry_is(entry, "character_set_results"))
            put(sink, "NULL");
        else
            put_value(sink, entry->value, entry->value_length);
        break;
    case STATE_USER:
        put_user_name(sink, entry);
        write_bytes(&sink->w, entry->value, entry->value_length);
        break;
    case STATE_SCHEMA: break;
    }
}

/* What `from` has and `to` has not goes back to its default. */
static void put_undo(struct sink *sink, const struct state_entry *entry, struct state_difference *difference)
{
    switch (entry->kind) {
    case STATE_SCHEMA: difference->impossible = true; break;
    case STATE_NAMES: break;
    case STATE_VARIABLE:
        put_separator(sink);
        write_bytes(&sink->w, entry->name, entry->name_length);
        put(sink, "=DEFAULT");
        break;
    case STATE_USER:
        put_separator(sink);
        put_user_name(sink, entry);
        put(sink, "NULL");
        break;
    }
}

static bool is_charset(const struct state_entry *entry)
{
    return entry->kind == STATE_NAMES ||
           (entry->kind == STATE_VARIABLE && (state_entry_is(entry, "character_set_client") ||
                                              state_entry_is(entry, "character_set_connection") ||
                                              state_entry_is(entry, "character_set_results") ||
                                              state_entry_is(entry, "collation_connection")));
}

enum merged { ONLY_FROM, ONLY_TO, CHANGED, SAME, MERGED_END };

struct merge {
    struct state_walk from, to;
    struct state_entry a, b; /* of from, of to */
    bool have_a, have_b;
};

static struct merge merge_of(const struct state *from, const struct state *to)
{
    struct merge merge = {.from = state_walk_of(from), .to = state_walk_of(to)};
    merge.have_a = state_walk_next(&merge.from, &merge.a);
    merge.have_b = state_walk_next(&merge.to, &merge.b);
    return merge;
}

/* The next pair; the entries that count are copied to *a, *b before the walk moves on. */
static enum merged merge_next(struct merge *merge, struct state_entry *a, struct state_entry *b)
{
    if (!merge->have_a && !merge->have_b)
        return MERGED_END;
    int order = !merge->have_a ? 1 : !merge->have_b ? -1 : state_entry_compare(&merge->a, &merge->b);
    *a = merge->a;
    *b = merge->b;
    if (order <= 0)
        merge->have_a = state_walk_next(&merge->from, &merge->a);
    if (order >= 0)
        merge->have_b = state_walk_next(&merge->to, &merge->b);
    if (order)
        return order < 0 ? ONLY_FROM : ONLY_TO;
    return state_entry_same_value(a, b) ? SAME : CHANGED;
}

static bool charset_differs(const struct state *from, const struct state *to)
{
    struct merge merge = merge_of(from, to);
    struct state_entry a, b;
    for (enum merged what; (what = merge_next(&merge, &a, &b)) != MERGED_END;)
        if (what != SAME && is_charset(what == ONLY_FROM ? &a : &b))
            return true;
    return false;
}

bool state_difference(const struct state *from, const struct state *to, char *out, size_t size,
                      struct state_difference *ret)
{
    struct state_difference difference = {0};
    struct sink sink = {.w = writer_of(out, size), .first = true};
    bool charset = charset_differs(from, to);
    struct merge merge = merge_of(from, to);
    struct state_entry a, b;
    for (enum merged what; (what = merge_next(&merge, &a, &b)) != MERGED_END;) {
        const struct state_entry *entry = what == ONLY_FROM ? &a : &b;
        if (charset && is_charset(entry)) {
            if (what != ONLY_FROM)
                put_entry(&sink, entry);
        } else if (what == ONLY_FROM) {
            put_undo(&sink, entry, &difference);
        } else if (what != SAME && entry->kind == STATE_SCHEMA) {
            difference.schema = entry->value;
            difference.schema_length = entry->value_length;
        } else if (what != SAME) {
            put_entry(&sink, entry);
        }
    }
    if (sink.w.full)
        return false;
    difference.set_length = writer_length(&sink.w);
    *ret = difference;
    return true;
}
