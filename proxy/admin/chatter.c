/*
 * chatter.c - what clients, drivers and pools send by themselves when they connect: SELECT @@version_comment,
 * SET NAMES, COMMIT. The console has no data and no session variables; it answers what keeps them content and
 * refuses the rest, so that nobody believes to have changed something.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "pointsman/protocol/answer.h"

/* ---- variables ---- */

static const struct {
    const char *name, *value; /* ON and OFF are 1 and 0 in a SELECT */
} variables[] = {
    {"auto_increment_increment", "1"},
    {"autocommit", "ON"},
    {"character_set_client", "utf8mb4"},
    {"character_set_connection", "utf8mb4"},
    {"character_set_database", "utf8mb4"},
    {"character_set_results", "utf8mb4"},
    {"character_set_server", "utf8mb4"},
    {"collation_connection", "utf8mb4_general_ci"},
    {"collation_database", "utf8mb4_general_ci"},
    {"collation_server", "utf8mb4_general_ci"},
    {"foreign_key_checks", "ON"},
    {"init_connect", ""},
    {"interactive_timeout", "28800"},
    {"license", "GPL"},
    {"lower_case_table_names", "0"},
    {"max_allowed_packet", "65000"},
    {"net_buffer_length", "16384"},
    {"net_read_timeout", "30"},
    {"net_write_timeout", "60"},
    {"performance_schema", "OFF"},
    {"query_cache_size", "0"},
    {"query_cache_type", "OFF"},
    {"sql_auto_is_null", "OFF"},
    {"sql_mode", ""},
    {"sql_safe_updates", "OFF"},
    {"sql_select_limit", "18446744073709551615"},
    {"system_time_zone", "UTC"},
    {"time_zone", "UTC"},
    {"transaction_isolation", "REPEATABLE-READ"},
    {"transaction_read_only", "OFF"},
    {"tx_isolation", "REPEATABLE-READ"},
    {"tx_read_only", "OFF"},
    {"unique_checks", "ON"},
    {"version", "8.0.0-pointsman-" POINTSMAN_VERSION},
    {"version_comment", "Pointsman admin console"},
    {"wait_timeout", "28800"},
};
enum { VARIABLES = sizeof variables / sizeof *variables };

bool chatter_variable(size_t index, const char **ret_name, const char **ret_value)
{
    if (index >= VARIABLES)
        return false;
    *ret_name = variables[index].name;
    *ret_value = variables[index].value;
    return true;
}

/* "@@session.sql_mode", "sql_mode": what stands behind the scope. */
static const char *without_scope(const char *name)
{
    static const char *const scopes[] = {"@@", "session.", "local.", "global."};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        if (strncasecmp(name, scopes[i], strlen(scopes[i])) == 0)
            name += strlen(scopes[i]);
    return name;
}

/* NULL: there is no such variable. */
static const char *value_of(const char *name)
{
    for (size_t i = 0; i < VARIABLES; i++)
        if (strcasecmp(variables[i].name, name) == 0)
            return variables[i].value;
    return NULL;
}

/* ---- SELECT ---- */

/* One item of the select list: its name in the result goes to reply->names. */
struct item {
    const char *name;
    bool null, number;
    char value[512];
};

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits && digits < 19 && text[digits] == 0;
}

static bool read_variable(struct item *item, const char *name, struct reply *reply)
{
    const char *bare = without_scope(name), *value = value_of(bare);
    if (!value) {
        reply_err(reply, 1193, "HY000", "Unknown system variable '%s'", bare);
        return false;
    }
    if (strcmp(value, "ON") == 0 || strcmp(value, "OFF") == 0)
        value = value[1] == 'N' ? "1" : "0";
    snprintf(item->value, sizeof item->value, "%s", value);
    item->number = is_number(value);
    return true;
}

static bool read_function(struct item *item, const char *name, struct request *request, struct reply *reply)
{
    const struct asker *asker = request->asker;
    char id[16], account[300];
    snprintf(id, sizeof id, "%u", (unsigned)asker->id);
    snprintf(account, sizeof account, "%s@%s", asker->user, asker->host);
    const struct {
        const char *name, *value;
    } functions[] = {
        {"DATABASE", *asker->schema ? asker->schema : NULL},
        {"SCHEMA", *asker->schema ? asker->schema : NULL},
        {"VERSION", value_of("version")},
        {"CONNECTION_ID", id},
        {"USER", account},
        {"CURRENT_USER", account},
        {"SESSION_USER", account},
        {"SYSTEM_USER", account},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strcasecmp(name, functions[i].name) != 0)
            continue;
        item->null = !functions[i].value;
        item->number = functions[i].value == id;
        snprintf(item->value, sizeof item->value, "%s", item->null ? "" : functions[i].value);
        return true;
    }
    reply_err(reply, 1305, "42000", "FUNCTION %s does not exist", name);
    return false;
}

static bool read_item(struct request *request, struct item *item, struct reply *reply)
{
    char name[WORD_MAX];
    struct word word = word_next(&request->words);
    *item = (struct item){.number = word.kind == WORD_NUMBER};
    if (word.kind == WORD_NUMBER || word.kind == WORD_TEXT)
        return word_copy(&word, item->value, sizeof item->value);
    if (word.kind != WORD_NAME || !word_copy(&word, name, sizeof name)) {
        reply_err(
            reply, SERVER_ERROR_PARSE, "42000",
            "the console's SELECT knows constants and system variables; SHOW COMMANDS lists its commands");
        return false;
    }
    if (strncmp(name, "@@", 2) == 0)
        return read_variable(item, name, reply);
    if (word_take(&request->words, "(")) {
        if (word_take(&request->words, ")"))
            return read_function(item, name, request, reply);
    } else if (word_is(&word, "NULL")) {
        item->null = true;
        return true;
    }
    reply_err(reply, 1054, "42S22", "Unknown column '%s' in 'field list'", name);
    return false;
}

/* The item's name: its alias, else its text as written. False: no room. */
static bool name_item(struct request *request, const char *start, size_t *used, struct item *item,
                      struct reply *reply)
{
    char alias[WORD_MAX];
    size_t room = sizeof reply->names - *used;
    int length = snprintf(reply->names + *used, room, "%.*s", (int)(request->words.at - start), start);
    bool as = word_take(&request->words, "AS");
    struct word next = word_peek(&request->words);
    if (as || ((next.kind == WORD_NAME || next.kind == WORD_TEXT) && !word_is(&next, "LIMIT") &&
               !word_is(&next, "FROM"))) {
        struct word word = word_next(&request->words);
        if (!word_copy(&word, alias, sizeof alias))
            return false;
        length = snprintf(reply->names + *used, room, "%s", alias);
    }
    item->name = reply->names + *used;
    *used += (size_t)length + 1;
    return (size_t)length < room;
}

static bool end_select(struct request *request)
{
    struct words *words = &request->words;
    if (word_take(words, "FROM") && !word_take(words, "DUAL"))
        return false;
    if (word_take(words, "LIMIT"))
        word_next(words);
    return word_next(words).kind == WORD_END;
}

void chatter_select(struct request *request, struct reply *reply)
{
    struct item items[RESULT_COLUMNS_MAX];
    size_t count = 0, used = 0;
    do {
        const char *start = word_peek(&request->words).start;
        if (count == RESULT_COLUMNS_MAX || !read_item(request, &items[count], reply) ||
            !name_item(request, start, &used, &items[count], reply)) {
            if (reply->kind != REPLY_ERR)
                reply_unknown(request, reply);
            return;
        }
        reply->columns[count] = (struct column){items[count].name,
                                                items[count].number ? COLUMN_NUMBER : COLUMN_TEXT};
        count++;
    } while (word_take(&request->words, ","));
    if (!end_select(request)) {
        reply_unknown(request, reply);
        return;
    }
    reply->kind = REPLY_ROWS;
    result_set_begin(&reply->set, reply->columns, count);
    for (size_t i = 0; i < count; i++)
        result_text(&reply->set, items[i].null ? NULL : items[i].value);
    result_row_end(&reply->set);
}

/* ---- SET ---- */

/* Up to the comma that ends an assignment's value. */
static void skip_value(struct words *words)
{
    for (int depth = 0;;) {
        struct words before = *words;
        struct word word = word_next(words);
        depth += word_is(&word, "(") - word_is(&word, ")");
        if (word.kind == WORD_END || word.kind == WORD_BAD || (depth == 0 && word_is(&word, ","))) {
            *words = before;
            return;
        }
    }
}

static bool take_equals(struct words *words)
{
    return (word_take(words, ":"), word_take(words, "="));
}

/* One assignment; false: refused, or none at all. */
static bool read_assignment(struct request *request, struct reply *reply)
{
    struct words *words = &request->words;
    char name[WORD_MAX];
    bool global = word_take(words, "GLOBAL") || word_take(words, "PERSIST");
    if (!global && !word_take(words, "SESSION"))
        word_take(words, "LOCAL");
    struct word word = word_next(words);
    if (word.kind != WORD_NAME || !word_copy(&word, name, sizeof name) || !take_equals(words)) {
        reply_unknown(request, reply);
        return false;
    }
    const char *bare = without_scope(name);
    bool own = name[0] == '@' && name[1] != '@';
    if (global || strncasecmp(name, "@@global.", 9) == 0 || (!own && !value_of(bare))) {
        reply_err(reply, 1193, "HY000",
                  "Unknown system variable '%s'; the configuration is changed in its file, then RELOAD",
                  bare);
        return false;
    }
    skip_value(words);
    return true;
}

void chatter_set(struct request *request, struct reply *reply)
{
    static const char *const harmless[] = {"NAMES", "CHARACTER", "CHARSET", "TRANSACTION"};
    struct words start = request->words;
    if (!word_take(&request->words, "SESSION"))
        word_take(&request->words, "LOCAL");
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (word_take(&request->words, harmless[i])) {
            reply_ok(reply, "%s", "");
            return;
        }
    request->words = start;
    do {
        if (!read_assignment(request, reply))
            return;
    } while (word_take(&request->words, ","));
    reply_ok(reply, "%s", "");
}

/* ---- the rest ---- */

/* BEGIN, COMMIT, ROLLBACK: there are no transactions here, and drivers needn't know. */
void chatter_ok(struct request *request, struct reply *reply)
{
    (void)request;
    reply_ok(reply, "%s", "");
}

/* SHOW WARNINGS, SHOW DATABASES and so on: no rows. */
void chatter_nothing(struct request *request, struct reply *reply)
{
    (void)request, (void)reply;
}
