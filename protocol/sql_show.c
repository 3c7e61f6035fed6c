/*
 * sql_show.c - SHOW, EXPLAIN and its kin, ANALYZE.
 *
 *   SHOW what ──> shows[]: the same on every server, this server's own state, or the last statement's
 * diagnostics EXPLAIN [options] statement ──> as the statement: proven, or a write ANALYZE [options]
 * statement ──> runs it, so it is that statement; ANALYZE TABLE is another matter
 */
#include "sql_reader.h"

/* ---- SHOW ---- */

enum shows { SAME_EVERYWHERE, SAME_IF_STATUS, CREATES, COUNTS, DIAGNOSTICS };

static const struct {
    const char *word;
    enum shows shows;
} subjects[] = {
    {"character", SAME_EVERYWHERE},
    {"charset", SAME_EVERYWHERE},
    {"collation", SAME_EVERYWHERE},
    {"columns", SAME_EVERYWHERE},
    {"count", COUNTS},
    {"create", CREATES},
    {"databases", SAME_EVERYWHERE},
    {"errors", DIAGNOSTICS},
    {"fields", SAME_EVERYWHERE},
    {"function", SAME_IF_STATUS},
    {"index", SAME_EVERYWHERE},
    {"indexes", SAME_EVERYWHERE},
    {"keys", SAME_EVERYWHERE},
    {"package", SAME_IF_STATUS},
    {"procedure", SAME_IF_STATUS},
    {"schemas", SAME_EVERYWHERE},
    {"table", SAME_IF_STATUS},
    {"tables", SAME_EVERYWHERE},
    {"triggers", SAME_EVERYWHERE},
    {"warnings", DIAGNOSTICS},
};

static void show_server_state(struct sql_reader *reader)
{
    sql_blame(reader, SQL_REASON_SERVER_STATE, sql_now(reader));
    sql_skip_statement(reader);
}

static void show_diagnostics(struct sql_reader *reader)
{
    sql_effect(reader, SQL_READS_DIAGNOSTICS);
    sql_prove(reader);
}

/* SHOW CREATE TABLE, VIEW, PROCEDURE, ...: the second word is no clause. Accounts are the primary's business.
 */
static void show_create(struct sql_reader *reader)
{
    sql_step(reader);
    if (sql_at_word(reader, "user")) {
        show_server_state(reader);
        return;
    }
    if (!sql_at_end(reader))
        sql_step(reader);
    sql_prove(reader);
}

/* SHOW COUNT(*) WARNINGS */
static void show_count(struct sql_reader *reader)
{
    while (!sql_at_end(reader) && !sql_at_word(reader, "warnings") && !sql_at_word(reader, "errors"))
        sql_step(reader);
    if (sql_at_end(reader))
        sql_blame(reader, SQL_REASON_UNKNOWN, NULL);
    else
        show_diagnostics(reader);
}

static void show_status(struct sql_reader *reader)
{
    sql_step(reader);
    sql_take_word(reader, "body");
    if (!sql_at_word(reader, "status")) {
        show_server_state(reader); /* SHOW PROCEDURE CODE */
        return;
    }
    sql_prove(reader);
}

static void show_subject(struct sql_reader *reader, enum shows shows)
{
    switch (shows) {
    case SAME_EVERYWHERE: sql_prove(reader); break;
    case SAME_IF_STATUS: show_status(reader); break;
    case CREATES: show_create(reader); break;
    case COUNTS: show_count(reader); break;
    case DIAGNOSTICS: show_diagnostics(reader); break;
    }
}

void sql_read_show(struct sql_reader *reader)
{
    sql_step(reader);
    sql_take_word(reader, "extended");
    sql_take_word(reader, "full");
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        if (sql_at_word(reader, subjects[i].word)) {
            show_subject(reader, subjects[i].shows);
            return;
        }
    }
    show_server_state(reader);
}

/* ---- EXPLAIN, ANALYZE ---- */

static bool at_query(const struct sql_reader *reader)
{
    return sql_now(reader)->punctuation == '(' || sql_at_word(reader, "select") ||
           sql_at_word(reader, "with") || sql_at_word(reader, "values") || sql_at_word(reader, "table");
}

static bool at_change(const struct sql_reader *reader)
{
    return sql_at_word(reader, "insert") || sql_at_word(reader, "replace") || sql_at_word(reader, "update") ||
           sql_at_word(reader, "delete");
}

/* FORMAT = JSON, stepped over. True too if what stood there was a table named format. */
static bool take_format(struct sql_reader *reader)
{
    if (!sql_take_word(reader, "format"))
        return false;
    if (sql_take_punctuation(reader, '=') && !sql_at_end(reader))
        sql_step(reader);
    return true;
}

/* The statement behind EXPLAIN: what it does counts, what it is called does not. */
static void explain_statement(struct sql_reader *reader)
{
    if (at_change(reader))
        reader->facts->reason = SQL_REASON_WRITE;
    sql_read_statement(reader);
    if (reader->facts->verb == SQL_DML)
        sql_blame(reader, SQL_REASON_WRITE, NULL);
    reader->facts->verb = SQL_EXPLAIN;
}

void sql_read_explain(struct sql_reader *reader)
{
    sql_step(reader);
    while (sql_take_word(reader, "extended") || sql_take_word(reader, "partitions") ||
           sql_take_word(reader, "analyze") || take_format(reader))
        continue;
    if (sql_at_word(reader, "for")) { /* FOR CONNECTION n */
        show_server_state(reader);
    } else if (sql_at_word(reader, "into")) { /* INTO @v SELECT ... */
        sql_prove(reader);
    } else if (at_query(reader) || at_change(reader)) {
        explain_statement(reader);
    } else {
        sql_take_name(reader); /* DESCRIBE t [column] */
        sql_prove(reader);
    }
}

void sql_read_analyze(struct sql_reader *reader)
{
    sql_step(reader);
    take_format(reader);
    if (sql_at_word(reader, "table") || !(at_query(reader) || at_change(reader)))
        sql_effect(reader, SQL_IMPLICIT_COMMIT);
    else
        sql_read_statement(reader);
}

/* ---- SHOW WARNINGS [LIMIT ...], for who answers it ---- */

static bool take_number(struct sql_reader *reader, uint64_t *ret)
{
    const struct sql_token *token = sql_now(reader);
    if (token->kind != SQL_TOKEN_NUMBER || token->length > 18)
        return false;
    *ret = 0;
    for (uint32_t i = 0; i < token->length; i++) {
        if (token->text[i] < '0' || token->text[i] > '9')
            return false;
        *ret = *ret * 10 + (uint64_t)(token->text[i] - '0');
    }
    sql_step(reader);
    return true;
}

/* LIMIT n, LIMIT offset, n, LIMIT n OFFSET offset. */
static bool take_limit(struct sql_reader *reader, struct sql_shown *shown)
{
    if (!sql_take_word(reader, "limit"))
        return true;
    if (!take_number(reader, &shown->limit))
        return false;
    if (sql_take_word(reader, "offset"))
        return take_number(reader, &shown->offset);
    if (!sql_take_punctuation(reader, ','))
        return true;
    shown->offset = shown->limit;
    return take_number(reader, &shown->limit);
}

bool sql_show_diagnostics(const char *text, size_t length, const struct sql_options *options,
                          struct sql_shown *ret)
{
    struct sql_facts facts;
    struct sql_reader reader;
    struct sql_shown shown = {.limit = UINT64_MAX};

    sql_reader_init(&reader, text, length, options, &facts);
    sql_step(&reader);
    if (!sql_take_word(&reader, "show"))
        return false;
    shown.count = sql_take_word(&reader, "count");
    if (shown.count && !(sql_take_punctuation(&reader, '(') && sql_take_punctuation(&reader, '*') &&
                         sql_take_punctuation(&reader, ')')))
        return false;
    shown.errors = sql_take_word(&reader, "errors");
    if (!shown.errors && !sql_take_word(&reader, "warnings"))
        return false;
    if (!shown.count && !take_limit(&reader, &shown))
        return false;
    if (!sql_at_end(&reader) || reader.broken)
        return false;
    *ret = shown;
    return true;
}
