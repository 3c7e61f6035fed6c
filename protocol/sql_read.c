/*
 * sql_read.c - what kind of statement it is: the first word, looked up, names its verb, reason, effects and
 * reader.
 *
 *   sql_read() ──> sql_read_statement() ──> verbs[] ──> a reader: prove, show, ddl, set, or one of those
 * below └─> finish(): broken text, foreign modes, where the next statement begins
 */
#include "sql_reader.h"

#include <string.h>
#include <strings.h>

static void set_kind(struct sql_reader *reader, enum sql_verb verb, enum sql_reason reason)
{
    reader->facts->verb = verb;
    reader->facts->reason = reason;
}

/* ---- transactions ---- */

static void read_unknown(struct sql_reader *reader)
{
    set_kind(reader, SQL_UNKNOWN, SQL_REASON_UNKNOWN);
    sql_effect(reader, SQL_MAY_CHANGE_SESSION);
    sql_prove(reader);
}

/* IF, LOOP, BEGIN NOT ATOMIC, ...: their semicolons are not the end. */
static void read_compound(struct sql_reader *reader)
{
    set_kind(reader, SQL_UNKNOWN, SQL_REASON_UNKNOWN);
    sql_effect(reader,
               SQL_MAY_CHANGE_SESSION | SQL_SETS_INSERT_ID | SQL_SETS_USER_VARIABLE | SQL_LEAVES_UNKNOWN);
    sql_skip_text(reader);
}

static void read_begin(struct sql_reader *reader)
{
    sql_step(reader);
    sql_take_word(reader, "work");
    if (!sql_at_end(reader))
        read_compound(reader);
}

static void read_start(struct sql_reader *reader)
{
    sql_step(reader);
    if (!sql_take_word(reader, "transaction")) {
        set_kind(reader, SQL_DDL, SQL_REASON_WRITE); /* START REPLICA and so on */
        return;
    }
    while (!sql_at_end(reader)) {
        if (sql_take_word(reader, "read") && sql_at_word(reader, "only"))
            sql_effect(reader, SQL_READ_ONLY);
        else if (!sql_at_end(reader))
            sql_step(reader);
    }
}

/* COMMIT and ROLLBACK: [AND [NO] CHAIN] [[NO] RELEASE], ROLLBACK TO name. */
static void read_end_of_transaction(struct sql_reader *reader)
{
    sql_step(reader);
    sql_take_word(reader, "work");
    if (sql_at_word(reader, "to"))
        return;
    while (!sql_at_end(reader)) {
        bool no = sql_take_word(reader, "no");
        if (!no && sql_at_word(reader, "chain"))
            sql_effect(reader, SQL_CHAINS);
        if (!no && sql_at_word(reader, "release"))
            sql_effect(reader, SQL_RELEASES_SESSION);
        if (!sql_at_end(reader))
            sql_step(reader);
    }
}

static void read_xa(struct sql_reader *reader)
{
    sql_step(reader);
    if (!sql_at_word(reader, "recover") && !sql_at_word(reader, "commit") && !sql_at_word(reader, "rollback"))
        sql_effect(reader, SQL_USES_XA);
}

/* ---- writes ---- */

/* INSERT and REPLACE: the name before the first parenthesis is the table's. */
static void read_insert(struct sql_reader *reader)
{
    sql_step(reader);
    while (sql_take_word(reader, "low_priority") || sql_take_word(reader, "delayed") ||
           sql_take_word(reader, "high_priority") || sql_take_word(reader, "ignore"))
        continue;
    sql_take_word(reader, "into");
    sql_take_name(reader);
    if (sql_now(reader)->punctuation == '(') {
        reader->free_of_calls = true;
        sql_prove_token(reader);
        sql_step(reader);
        reader->free_of_calls = false;
    }
    sql_prove(reader);
}

/* LOAD DATA ... INTO TABLE t (a, @b) SET c = f(@b): variables in the list are assigned. */
static void read_load(struct sql_reader *reader)
{
    sql_step(reader);
    if (sql_at_word(reader, "index")) {
        set_kind(reader, SQL_DDL, SQL_REASON_WRITE);
        sql_effect(reader, SQL_IMPLICIT_COMMIT);
        return;
    }
    sql_effect(reader, SQL_SETS_INSERT_ID);
    reader->free_of_calls = true;
    sql_prove_to(reader, "set");
    reader->free_of_calls = false;
    sql_prove(reader);
    if (reader->facts->effects & SQL_READS_USER_VARIABLE)
        sql_effect(reader, SQL_SETS_USER_VARIABLE);
}

/* CALL p(@out): what it assigns, only the server knows. Of the server's own procedures some run texts. */
static void read_call(struct sql_reader *reader)
{
    sql_step(reader);
    if (sql_is_name(sql_now(reader)) &&
        (sql_token_is(sql_now(reader), "sys") || sql_token_is(sql_now(reader), "mysql")))
        sql_effect(reader, SQL_LEAVES_UNKNOWN);
    sql_prove(reader);
    if (reader->facts->effects & SQL_READS_USER_VARIABLE)
        sql_effect(reader, SQL_SETS_USER_VARIABLE);
}

/* ---- locks ---- */

static void read_flush(struct sql_reader *reader)
{
    while (!sql_at_end(reader)) {
        bool locks = sql_at_word(reader, "export") ||
                     (sql_take_word(reader, "read") && sql_at_word(reader, "lock"));
        if (locks) {
            set_kind(reader, SQL_LOCK, SQL_REASON_LOCK);
            sql_effect(reader, SQL_TAKES_TABLE_LOCK);
        }
        if (!sql_at_end(reader))
            sql_step(reader);
    }
}

static void read_backup(struct sql_reader *reader)
{
    sql_step(reader);
    bool releases = sql_take_word(reader, "stage") ? sql_at_word(reader, "end")
                                                   : sql_at_word(reader, "unlock");
    if (releases)
        set_kind(reader, SQL_UNLOCK, SQL_REASON_LOCK);
    sql_effect(reader, releases ? SQL_RELEASES_TABLE_LOCK : SQL_TAKES_TABLE_LOCK);
}

static void read_handler(struct sql_reader *reader)
{
    sql_step(reader);
    sql_take_name(reader);
    if (sql_at_word(reader, "open"))
        sql_effect(reader, SQL_USES_HANDLER);
    sql_prove(reader);
}

/* ---- prepared statements, and the rest ---- */

static void read_prepare(struct sql_reader *reader)
{
    sql_step(reader);
    reader->facts->name = sql_take_name(reader);
    sql_prove(reader);
}

static void read_deallocate(struct sql_reader *reader)
{
    sql_step(reader);
    sql_take_word(reader, "prepare");
    reader->facts->name = sql_take_name(reader);
}

static void read_use(struct sql_reader *reader)
{
    sql_step(reader);
    if (sql_is_name(sql_now(reader))) {
        reader->facts->name = sql_now(reader)->name;
        sql_step(reader);
    }
}

/* RELEASE SAVEPOINT only. */
static void read_release(struct sql_reader *reader)
{
    sql_step(reader);
    if (!sql_at_word(reader, "savepoint"))
        read_unknown(reader);
}

/* GET DIAGNOSTICS only; it assigns variables. */
static void read_get(struct sql_reader *reader)
{
    sql_step(reader);
    if (!sql_take_word(reader, "current"))
        sql_take_word(reader, "stacked");
    if (!sql_at_word(reader, "diagnostics"))
        read_unknown(reader);
    else
        sql_effect(reader, SQL_READS_DIAGNOSTICS | SQL_SETS_USER_VARIABLE);
}

static uint64_t number_of(const struct sql_token *token)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < token->length; i++) {
        char c = token->text[i];
        if (c < '0' || c > '9' || number > (UINT64_MAX - 9) / 10)
            return 0;
        number = number * 10 + (uint64_t)(c - '0');
    }
    return number;
}

/* KILL [HARD | SOFT] [CONNECTION | QUERY [ID]] n. QUERY ID n names a query, not a connection. */
static void read_kill(struct sql_reader *reader)
{
    sql_step(reader);
    if (!sql_take_word(reader, "hard"))
        sql_take_word(reader, "soft");
    bool by_query = false;
    if (sql_take_word(reader, "query")) {
        sql_effect(reader, SQL_KILL_QUERY);
        by_query = sql_take_word(reader, "id");
    } else {
        sql_take_word(reader, "connection");
    }
    /* Ids have 32 bits. Drivers that have no unsigned numbers show those from 2^31 on as negative ones. */
    const struct sql_token first = *sql_now(reader);
    bool negative = sql_take_punctuation(reader, '-');
    const struct sql_token number = *sql_now(reader);
    if (number.kind == SQL_TOKEN_NUMBER && !by_query) {
        sql_step(reader);
        uint64_t id = number_of(&number), wrapped = (UINT64_C(1) << 32) - id;
        if (sql_at_end(reader) && (!negative || (id > 0 && id <= UINT64_C(1) << 31)))
            reader->facts->kill_id = negative ? wrapped : id;
    }
    sql_prove(reader);
    const struct sql_call *call = reader->facts->calls;
    const struct sql_token *last = sql_back(reader, 1);
    reader->facts->kill_own = !by_query && reader->facts->calls_count == 1 &&
                              call->kind == SQL_CALL_CONNECTION_ID && call->text.at == first.text &&
                              call->text.at + call->text.length == last->text + last->length;
}

/* ---- the verbs ---- */

struct verb {
    const char *word;
    enum sql_verb verb;
    enum sql_reason reason;
    uint32_t effects;
    void (*read)(struct sql_reader *reader); /* NULL: the first word says it all */
};

enum { CALLS = SQL_MAY_CHANGE_SESSION | SQL_SETS_INSERT_ID };

/* Sorted by word: the search relies on it. */
static const struct verb verbs[] = {
    {"alter", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, sql_read_alter},
    {"analyze", SQL_DDL, SQL_REASON_WRITE, 0, sql_read_analyze},
    {"backup", SQL_LOCK, SQL_REASON_LOCK, 0, read_backup},
    {"begin", SQL_BEGIN, SQL_REASON_TRANSACTION, SQL_IMPLICIT_COMMIT, read_begin},
    {"binlog", SQL_DDL, SQL_REASON_WRITE, SQL_MAY_CHANGE_SESSION, NULL},
    {"cache", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"call", SQL_CALL, SQL_REASON_CALL, CALLS, read_call},
    {"case", SQL_UNKNOWN, SQL_REASON_UNKNOWN, 0, read_compound},
    {"change", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"check", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"checksum", SQL_DDL, SQL_REASON_WRITE, 0, NULL},
    {"clone", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"commit", SQL_COMMIT, SQL_REASON_TRANSACTION, 0, read_end_of_transaction},
    {"create", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, sql_read_create},
    {"deallocate", SQL_DEALLOCATE, SQL_REASON_PREPARED, SQL_DROPS_PREPARED, read_deallocate},
    {"declare", SQL_UNKNOWN, SQL_REASON_UNKNOWN, 0, read_compound},
    {"delete", SQL_DML, SQL_REASON_WRITE, 0, sql_prove},
    {"desc", SQL_EXPLAIN, SQL_REASON_READ, 0, sql_read_explain},
    {"describe", SQL_EXPLAIN, SQL_REASON_READ, 0, sql_read_explain},
    {"do", SQL_DO, SQL_REASON_WRITE, 0, sql_prove},
    {"drop", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, sql_read_drop},
    {"execute", SQL_EXECUTE, SQL_REASON_PREPARED, CALLS | SQL_LEAVES_UNKNOWN, read_call},
    {"explain", SQL_EXPLAIN, SQL_REASON_READ, 0, sql_read_explain},
    {"flush", SQL_FLUSH, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, read_flush},
    {"for", SQL_UNKNOWN, SQL_REASON_UNKNOWN, 0, read_compound},
    {"get", SQL_DIAGNOSTICS, SQL_REASON_USER_VARIABLE, 0, read_get},
    {"grant", SQL_ACCOUNT, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"handler", SQL_HANDLER, SQL_REASON_LOCK, 0, read_handler},
    {"help", SQL_SHOW, SQL_REASON_SERVER_STATE, 0, NULL},
    {"if", SQL_UNKNOWN, SQL_REASON_UNKNOWN, 0, read_compound},
    {"import", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"insert", SQL_DML, SQL_REASON_WRITE, SQL_SETS_INSERT_ID, read_insert},
    {"install", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"kill", SQL_KILL, SQL_REASON_KILL, 0, read_kill},
    {"load", SQL_LOAD, SQL_REASON_WRITE, 0, read_load},
    {"lock", SQL_LOCK, SQL_REASON_LOCK, SQL_TAKES_TABLE_LOCK | SQL_IMPLICIT_COMMIT, NULL},
    {"loop", SQL_UNKNOWN, SQL_REASON_UNKNOWN, 0, read_compound},
    {"optimize", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"prepare", SQL_PREPARE, SQL_REASON_PREPARED, SQL_MAKES_PREPARED, read_prepare},
    {"purge", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"release", SQL_SAVEPOINT, SQL_REASON_TRANSACTION, 0, read_release},
    {"rename", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, sql_read_rename},
    {"repair", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"repeat", SQL_UNKNOWN, SQL_REASON_UNKNOWN, 0, read_compound},
    {"replace", SQL_DML, SQL_REASON_WRITE, SQL_SETS_INSERT_ID, read_insert},
    {"reset", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"restart", SQL_DDL, SQL_REASON_WRITE, 0, NULL},
    {"revoke", SQL_ACCOUNT, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"rollback", SQL_ROLLBACK, SQL_REASON_TRANSACTION, 0, read_end_of_transaction},
    {"savepoint", SQL_SAVEPOINT, SQL_REASON_TRANSACTION, 0, NULL},
    {"select", SQL_SELECT, SQL_REASON_READ, 0, sql_prove},
    {"set", SQL_SET, SQL_REASON_SESSION_STATE, 0, sql_read_set},
    {"show", SQL_SHOW, SQL_REASON_READ, 0, sql_read_show},
    {"shutdown", SQL_DDL, SQL_REASON_WRITE, 0, NULL},
    {"start", SQL_BEGIN, SQL_REASON_TRANSACTION, SQL_IMPLICIT_COMMIT, read_start},
    {"stop", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"table", SQL_SELECT, SQL_REASON_READ, 0, sql_prove},
    {"truncate", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"uninstall", SQL_DDL, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT, NULL},
    {"unlock", SQL_UNLOCK, SQL_REASON_LOCK, SQL_RELEASES_TABLE_LOCK | SQL_IMPLICIT_COMMIT, NULL},
    {"update", SQL_DML, SQL_REASON_WRITE, 0, sql_prove},
    {"use", SQL_USE, SQL_REASON_SESSION_STATE, 0, read_use},
    {"values", SQL_SELECT, SQL_REASON_READ, 0, sql_prove},
    {"while", SQL_UNKNOWN, SQL_REASON_UNKNOWN, 0, read_compound},
    {"with", SQL_SELECT, SQL_REASON_READ, 0, sql_prove},
    {"xa", SQL_XA, SQL_REASON_LOCK, 0, read_xa},
};

static int compare(const struct sql_token *token, const char *word)
{
    int order = strncasecmp(token->name.at, word, token->name.length);
    return order ? order : (strlen(word) > token->name.length ? -1 : 0);
}

static const struct verb *find_verb(const struct sql_token *token)
{
    size_t low = 0, high = sizeof(verbs) / sizeof(verbs[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(token, verbs[middle].word);
        if (order == 0)
            return &verbs[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* (SELECT ...) UNION ...: a query in parentheses, or nothing known. */
static void read_parenthesis(struct sql_reader *reader)
{
    set_kind(reader, SQL_SELECT, SQL_REASON_READ);
    while (sql_take_punctuation(reader, '(')) {
        if (reader->depth == SQL_DEPTH_MAX)
            sql_blame(reader, SQL_REASON_UNKNOWN, sql_now(reader));
        else
            reader->outer = ++reader->depth;
    }
    sql_prove(reader);
    if (reader->selects == 0)
        set_kind(reader, SQL_UNKNOWN, SQL_REASON_UNKNOWN);
}

void sql_read_statement(struct sql_reader *reader)
{
    const struct sql_token *first = sql_now(reader);
    const struct verb *verb = NULL;

    if (first->punctuation == '(') {
        read_parenthesis(reader);
        return;
    }
    if (first->kind == SQL_TOKEN_WORD && first->key == SQL_KEY('s', 'e', 'l', 'e', 'c', 't') &&
        first->length == 6) {
        set_kind(reader, SQL_SELECT, SQL_REASON_READ); /* the most frequent one needs no search */
        sql_prove(reader);
        return;
    }
    if (first->kind == SQL_TOKEN_WORD)
        verb = find_verb(first);
    if (!verb) {
        read_unknown(reader);
        return;
    }
    set_kind(reader, verb->verb, verb->reason);
    sql_effect(reader, verb->effects);
    if (verb->reason != SQL_REASON_READ)
        reader->facts->because = sql_token_span(first);
    if (verb->read)
        verb->read(reader);
}

/* Who is mentioned runs neither in a proven read nor where it is only defined, granted or dropped. */
static bool may_run_routines(const struct sql_reader *reader)
{
    const struct sql_facts *facts = reader->facts;
    switch (facts->reason) {
    case SQL_REASON_READ:
    case SQL_REASON_SESSION_STATE:
    case SQL_REASON_TRANSACTION: return false;
    default: break;
    }
    return facts->verb != SQL_ACCOUNT &&
           (facts->verb != SQL_DDL || (reader->selects > 0 && !facts->defines.at));
}

/* What only shows at the end: text that could not be read, and modes in which nothing is proven. */
static void judge(struct sql_reader *reader)
{
    struct sql_facts *facts = reader->facts;

    if (reader->broken) {
        facts->verb = SQL_UNKNOWN;
        facts->reason = SQL_REASON_UNKNOWN;
        facts->because = (struct sql_span){0};
        facts->effects |= SQL_MAY_CHANGE_SESSION;
        facts->calls_overflow = facts->calls_count > 0;
        return;
    }
    if (reader->lexer.in_code) /* a semicolon inside of an executable comment */
        sql_blame(reader, SQL_REASON_UNKNOWN, NULL);
    if (!may_run_routines(reader))
        facts->effects &= ~(uint32_t)SQL_LEAVES_UNKNOWN;
    if (reader->options->mode & SQL_MODE_FOREIGN)
        sql_blame(reader, SQL_REASON_FOREIGN_MODE, NULL);
    /* A temporary table may have a new name now. */
    if (facts->verb == SQL_DDL && (facts->effects & SQL_MENTIONS_WATCHED) &&
        !(facts->effects & SQL_DROPS_TABLE))
        facts->effects |= SQL_MAKES_TEMPORARY_TABLE;
}

/* Behind the statement's ';' and the blanks that follow it. */
static size_t consumed(const struct sql_reader *reader, const char *text, size_t length)
{
    const struct sql_token *last = sql_now(reader);
    if (last->punctuation != ';')
        return length;
    size_t at = (size_t)(last->text + 1 - text);
    while (at < length && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r')))
        at++;
    return at;
}

/* All but the calls, which count only up to calls_count: clearing them would cost as much as a short read. */
static void init_facts(struct sql_facts *facts)
{
    facts->verb = SQL_UNKNOWN;
    facts->reason = SQL_REASON_UNKNOWN;
    facts->effects = 0;
    facts->digest = 0;
    facts->because = facts->name = facts->set_text = facts->defines = (struct sql_span){0};
    facts->defines_as = SQL_DEFINES_NOTHING;
    facts->kill_id = 0;
    facts->kill_own = false;
    facts->hint = (struct sql_hint){0};
    facts->calls_count = 0;
    facts->calls_overflow = false;
}

size_t sql_read(const char *text, size_t length, const struct sql_options *options,
                struct sql_facts *ret_facts)
{
    struct sql_reader reader;

    init_facts(ret_facts);
    if (length > UINT32_MAX) {
        ret_facts->effects = SQL_MAY_CHANGE_SESSION;
        ret_facts->digest = 1;
        return length;
    }
    sql_reader_init(&reader, text, length, options, ret_facts);
    sql_step(&reader);
    if (sql_at_end(&reader) && !reader.broken) {
        ret_facts->verb = SQL_EMPTY;
        ret_facts->reason = SQL_REASON_EMPTY;
        return consumed(&reader, text, length);
    }
    sql_read_statement(&reader);
    sql_skip_statement(&reader);
    judge(&reader);
    ret_facts->digest = sql_digest_end(&reader.digest);
    return consumed(&reader, text, length);
}
