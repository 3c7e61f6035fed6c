/*
 * sql_proof.c - the proof that a statement only reads.
 *
 *   token ──> a name behind a dot?      the schema (performance_schema, ...), a scope (@@global.), NEXTVAL
 *         ──> a word that says more?    INTO, FOR UPDATE, LIMIT, ... (sql_words.c)
 *         ──> '(' behind a name?        a call: the allow-list decides (sql_functions.c)
 *         ──> a variable?               read, assigned (:=, INTO), or one server's
 *
 * Two expressions never stand side by side, so a name behind a value or a closing parenthesis is no call:
 * it is an alias with its columns, as is a name behind AS or between WITH and its SELECT. Every other name
 * before a parenthesis is taken for a call. The grammar is the server's business; all that could write,
 * lock or call begins with one of the tokens above.
 */
#include "sql_functions.h"
#include "sql_reader.h"
#include "sql_variables.h"

#include <string.h>
#include <strings.h>

static uint64_t here(const struct sql_reader *reader)
{
    return UINT64_C(1) << reader->depth;
}

/* ---- names behind a dot ---- */

/* information_schema's tables that tell about one server: names, or beginnings with a star, or ends. */
static bool is_server_table(struct sql_span name)
{
    static const char *const tables[] = {
        "processlist",  "innodb_*",           "global_*",        "session_*",   "*_status",
        "*_statistics", "profiling",          "optimizer_trace", "plugins",     "*_plugins",
        "thread_*",     "metadata_lock_info", "query_*",         "*_variables", "user_variables",
        "tp_*",         "temporary_*",        "wsrep_*",         "disks",       "files",
    };
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const char *pattern = tables[i];
        size_t fixed = strlen(pattern) - (pattern[0] == '*' || pattern[strlen(pattern) - 1] == '*');
        if (name.length < fixed || (fixed == strlen(pattern) && name.length != fixed))
            continue;
        bool tail = pattern[0] == '*';
        if (strncasecmp(tail ? name.at + name.length - fixed : name.at, pattern + tail, fixed) == 0)
            return true;
    }
    return false;
}

static void read_schema(struct sql_reader *reader, const struct sql_token *schema,
                        const struct sql_token *table)
{
    bool server = false;
    switch (schema->name.length) {
    case 3: server = sql_token_is(schema, "sys"); break;
    case 5: server = sql_token_is(schema, "mysql"); break;
    case 18:
        server = sql_token_is(schema, "performance_schema") ||
                 (sql_token_is(schema, "information_schema") && is_server_table(table->name));
        break;
    }
    if (server)
        sql_blame(reader, SQL_REASON_SERVER_STATE, table);
}

/* A variable's name is whole: text from its @@ to the current token. */
static void read_system_variable(struct sql_reader *reader, const struct sql_token *first,
                                 enum sql_scope scope)
{
    const struct sql_token *name = sql_now(reader);
    struct sql_span text = {first->text, (uint32_t)(name->text + name->length - first->text)};

    if (scope == SQL_SCOPE_SERVER) {
        sql_blame(reader, SQL_REASON_SERVER_VARIABLE, name);
        return;
    }
    switch (sql_variable_read(name->name.at, name->name.length)) {
    case SQL_VARIABLE_READ_PLAIN: break;
    case SQL_VARIABLE_READ_SERVER: sql_blame(reader, SQL_REASON_SERVER_VARIABLE, name); break;
    case SQL_VARIABLE_READ_INSERT_ID:
        sql_effect(reader, SQL_READS_INSERT_ID);
        sql_calls_add(reader, SQL_CALL_INSERT_ID, text);
        break;
    case SQL_VARIABLE_READ_CONNECTION_ID:
        sql_effect(reader, SQL_READS_CONNECTION_ID);
        sql_calls_add(reader, SQL_CALL_CONNECTION_ID, text);
        break;
    case SQL_VARIABLE_READ_DIAGNOSTICS:
        sql_effect(reader, SQL_READS_DIAGNOSTICS);
        sql_calls_add(
            reader, sql_token_is(name, "error_count") ? SQL_CALL_ERROR_COUNT : SQL_CALL_WARNING_COUNT, text);
        break;
    case SQL_VARIABLE_READ_TRACKING: sql_effect(reader, SQL_READS_SESSION_TRACK); break;
    }
}

static void prove_name_behind_dot(struct sql_reader *reader)
{
    const struct sql_token *token = sql_now(reader), *first = sql_back(reader, 2);

    if (first->kind == SQL_TOKEN_SYSTEM_VARIABLE) {
        enum sql_scope scope = sql_scope(first->name.at, first->name.length);
        if (scope != SQL_SCOPE_NONE)
            read_system_variable(reader, first, scope);
    } else if (sql_is_name(first)) {
        read_schema(reader, first, token);
    }
    if (sql_token_is(token, "nextval") || sql_token_is(token, "currval"))
        sql_blame(reader, SQL_REASON_SEQUENCE, token);
}

static void prove_system_variable(struct sql_reader *reader)
{
    const struct sql_token *token = sql_now(reader);
    if (sql_scope(token->name.at, token->name.length) == SQL_SCOPE_NONE)
        read_system_variable(reader, token, SQL_SCOPE_NONE);
}

/* ---- user variables ---- */

static void assign_user_variable(struct sql_reader *reader, const struct sql_token *variable)
{
    sql_effect(reader, SQL_SETS_USER_VARIABLE);
    if (reader->facts->reason == SQL_REASON_INTO && reader->into)
        reader->facts->reason = SQL_REASON_READ; /* blamed on INTO a moment ago: the variable says more */
    sql_blame(reader, SQL_REASON_USER_VARIABLE, variable);
}

static void prove_assignment(struct sql_reader *reader)
{
    const struct sql_token *variable = sql_back(reader, 1);
    if (variable->kind == SQL_TOKEN_USER_VARIABLE)
        assign_user_variable(reader, variable);
    else
        sql_blame(reader, SQL_REASON_UNKNOWN, sql_now(reader));
}

/* ---- words ---- */

static void end_list(struct sql_reader *reader)
{
    if (reader->in_list && reader->depth == reader->list_depth)
        sql_calls_list_end(reader);
}

static void end_tables(struct sql_reader *reader)
{
    reader->with_at &= ~here(reader);
    reader->from_at &= ~here(reader);
    end_list(reader);
}

static void prove_select(struct sql_reader *reader)
{
    end_list(reader);
    reader->with_at &= ~here(reader);
    reader->from_at &= ~here(reader);
    reader->select_at |= here(reader);
    reader->free_of_calls = false;
    sql_calls_select(reader);
}

static void prove_from(struct sql_reader *reader)
{
    if (!(reader->select_at & here(reader))) /* TRIM(x FROM y), EXTRACT(day FROM y) */
        return;
    reader->from_at |= here(reader);
    end_list(reader);
}

/* WITH begins a query, or stands behind it: GROUP BY a WITH ROLLUP, WITH TIES, WITH QUERY EXPANSION. */
static void prove_with(struct sql_reader *reader)
{
    const struct sql_token *before = sql_back(reader, 1);
    bool begins = before->kind == SQL_TOKEN_END || before->punctuation == '(';
    if (begins || !(reader->select_at & here(reader)))
        reader->with_at |= here(reader);
}

/* WITH c AS (...) UPDATE, and so on: what the statement itself is. */
static bool ends_with_clause(struct sql_reader *reader)
{
    if (!(reader->with_at & here(reader)) || reader->depth != reader->outer)
        return false;
    reader->with_at &= ~here(reader);
    if (reader->facts->verb == SQL_SELECT)
        reader->facts->verb = SQL_DML;
    sql_blame(reader, SQL_REASON_WRITE, sql_now(reader));
    return true;
}

static void prove_for(struct sql_reader *reader)
{
    const struct sql_token *value = sql_back(reader, 1), *next = sql_back(reader, 2);
    if (value->kind == SQL_TOKEN_WORD && sql_token_is(value, "value") &&
        (sql_token_is(next, "next") || sql_token_is(next, "previous")))
        sql_blame(reader, SQL_REASON_SEQUENCE, next);
}

static void prove_word(struct sql_reader *reader, enum sql_word word)
{
    const struct sql_token *token = sql_now(reader), *before = sql_back(reader, 1);

    reader->into = false;
    switch (word) {
    case SQL_WORD_OTHER: break;
    case SQL_WORD_SELECT: prove_select(reader); break;
    case SQL_WORD_FROM: prove_from(reader); break;
    case SQL_WORD_CLAUSE: end_tables(reader); break;
    case SQL_WORD_BY: reader->with_at &= ~here(reader); break;
    case SQL_WORD_LIMIT:
    case SQL_WORD_UNION:
        sql_effect(reader, SQL_FOUND_ROWS_UNCERTAIN);
        end_tables(reader);
        break;
    case SQL_WORD_CALC_FOUND: sql_effect(reader, SQL_FOUND_ROWS_UNCERTAIN); break;
    case SQL_WORD_WITH: prove_with(reader); break;
    case SQL_WORD_VALUES: reader->with_at &= ~here(reader); break;
    case SQL_WORD_INTO:
        end_list(reader);
        reader->into = true;
        sql_blame(reader, SQL_REASON_INTO, token);
        break;
    case SQL_WORD_FOR:
        end_list(reader);
        prove_for(reader);
        break;
    case SQL_WORD_SHARE:
        if (sql_token_is(before, "for"))
            sql_blame(reader, SQL_REASON_LOCKING_READ, token);
        break;
    case SQL_WORD_UPDATE:
        if (!ends_with_clause(reader))
            sql_blame(reader, SQL_REASON_LOCKING_READ, token);
        break;
    case SQL_WORD_LOCK:
        end_list(reader);
        sql_blame(reader, SQL_REASON_LOCKING_READ, token);
        break;
    case SQL_WORD_PROCEDURE:
        end_list(reader);
        sql_blame(reader, SQL_REASON_INTO, token);
        break;
    case SQL_WORD_INSERT: ends_with_clause(reader); break;
    case SQL_WORD_WRITE:
        if (!ends_with_clause(reader))
            sql_blame(reader, SQL_REASON_UNKNOWN, token);
        break;
    case SQL_WORD_UNPROVEN: sql_blame(reader, SQL_REASON_UNKNOWN, token); break;
    }
}

/* ---- calls ---- */

static bool is_value(const struct sql_token *token)
{
    switch (token->kind) {
    case SQL_TOKEN_QUOTED:
    case SQL_TOKEN_STRING:
    case SQL_TOKEN_NUMBER:
    case SQL_TOKEN_PARAMETER:
    case SQL_TOKEN_USER_VARIABLE:
    case SQL_TOKEN_SYSTEM_VARIABLE: return true;
    }
    return token->punctuation == ')';
}

static void unknown_call(struct sql_reader *reader, const struct sql_token *name)
{
    sql_effect(reader, SQL_MAY_CHANGE_SESSION);
    sql_blame(reader, SQL_REASON_FUNCTION, name);
}

/* The operator may declare functions harmless: f for f(), db.f for db.f(). */
static bool is_declared_safe(const struct sql_reader *reader, const struct sql_token *schema,
                             const struct sql_token *name)
{
    const struct sql_names *safe = reader->options->safe_functions;
    char full[256];

    if (!safe || safe->count == 0)
        return false;
    if (!schema)
        return sql_names_has(safe, name->name.at, name->name.length);
    if (!schema->name.at || (size_t)schema->name.length + name->name.length + 1 > sizeof(full))
        return false; /* 'x'.f(): a string is no schema */
    memcpy(full, schema->name.at, schema->name.length);
    full[schema->name.length] = '.';
    memcpy(full + schema->name.length + 1, name->name.at, name->name.length);
    return sql_names_has(safe, full, (size_t)schema->name.length + 1 + name->name.length);
}

/* At '(': does it follow its name at once, or behind blanks only where those don't count? */
static bool parenthesis_is_tight(const struct sql_reader *reader)
{
    const struct sql_token *name = sql_back(reader, 1), *open = sql_now(reader);
    const char *p = name->text + name->length;

    if (reader->options->mode & SQL_MODE_IGNORE_SPACE) {
        while (p < open->text && (sql_class(p) & CLASS_BLANK))
            p++;
    }
    return p == open->text;
}

/* Where a table may stand: behind FROM, JOIN or a comma, in a list of tables (not in TRIM(x FROM y)). */
static bool is_table_place(const struct sql_reader *reader, const struct sql_token *before)
{
    static const char *const words[] = {"from", "join", "straight_join", "lateral"};

    if (!(reader->from_at & here(reader)))
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (before->kind == SQL_TOKEN_WORD && sql_token_is(before, words[i]))
            return true;
    }
    return before->punctuation == ',';
}

static void prove_call(struct sql_reader *reader, const struct sql_token *name,
                       const struct sql_token *before)
{
    switch (sql_function_kind(reader->options, name->name.at, name->name.length)) {
    case SQL_FUNCTION_HARMLESS:
    case SQL_FUNCTION_SYNTAX: break;
    case SQL_FUNCTION_HARMLESS_TIGHT:
        if (!parenthesis_is_tight(reader))
            unknown_call(reader, name);
        break;
    case SQL_FUNCTION_TABLE:
        if (!is_table_place(reader, before))
            unknown_call(reader, name);
        break;
    case SQL_FUNCTION_PRIMARY: sql_blame(reader, SQL_REASON_FUNCTION, name); break;
    case SQL_FUNCTION_TAKE_LOCK:
        sql_effect(reader, SQL_TAKES_USER_LOCK);
        sql_blame(reader, SQL_REASON_USER_LOCK, name);
        break;
    case SQL_FUNCTION_RELEASE_LOCK:
        sql_effect(reader, SQL_RELEASES_USER_LOCK);
        sql_blame(reader, SQL_REASON_USER_LOCK, name);
        break;
    case SQL_FUNCTION_LOOK_AT_LOCK: sql_blame(reader, SQL_REASON_USER_LOCK, name); break;
    case SQL_FUNCTION_SEQUENCE: sql_blame(reader, SQL_REASON_SEQUENCE, name); break;
    case SQL_FUNCTION_INSERT_ID: sql_calls_open(reader, SQL_CALL_INSERT_ID, name); break;
    case SQL_FUNCTION_FOUND_ROWS: sql_calls_open(reader, SQL_CALL_FOUND_ROWS, name); break;
    case SQL_FUNCTION_ROW_COUNT: sql_calls_open(reader, SQL_CALL_ROW_COUNT, name); break;
    case SQL_FUNCTION_CONNECTION_ID: sql_calls_open(reader, SQL_CALL_CONNECTION_ID, name); break;
    case SQL_FUNCTION_UNKNOWN:
        if (!is_declared_safe(reader, NULL, name))
            unknown_call(reader, name);
        break;
    }
}

/* Between WITH and its SELECT: a name with its columns. */
static bool is_with_name(const struct sql_reader *reader, const struct sql_token *before)
{
    if (!(reader->with_at & here(reader)))
        return false;
    return before->punctuation == ',' ||
           (before->kind == SQL_TOKEN_WORD &&
            (sql_token_is(before, "with") || sql_token_is(before, "recursive")));
}

/* At '(': is what stands before it a call? */
static void prove_before_parenthesis(struct sql_reader *reader)
{
    const struct sql_token *name = sql_back(reader, 1), *before = sql_back(reader, 2);
    bool behind_as = before->kind == SQL_TOKEN_WORD && sql_token_is(before, "as") &&
                     sql_back(reader, 3)->punctuation != '.';

    if (name->kind == SQL_TOKEN_NUMBER)
        sql_blame(reader, SQL_REASON_UNKNOWN, name);
    if (!sql_is_name(name) || reader->free_of_calls)
        return;
    if (before->punctuation == '.') {
        if (!is_declared_safe(reader, sql_back(reader, 3), name))
            unknown_call(reader, name);
    } else if (is_value(before) || behind_as || is_with_name(reader, before)) {
        return;
    } else if (name->kind == SQL_TOKEN_QUOTED) {
        if (!is_declared_safe(reader, NULL, name))
            unknown_call(reader, name);
    } else {
        prove_call(reader, name, before);
    }
}

/* ---- punctuation ---- */

static void open_parenthesis(struct sql_reader *reader)
{
    prove_before_parenthesis(reader);
    if (reader->depth == SQL_DEPTH_MAX) {
        sql_blame(reader, SQL_REASON_UNKNOWN, sql_now(reader));
        return;
    }
    if (!sql_is_name(sql_back(reader, 1))) /* WITH c AS (...) (SELECT ...): the query itself */
        reader->with_at &= ~here(reader);
    reader->depth++;
    reader->with_at &= ~here(reader);
    reader->select_at &= ~here(reader);
    reader->from_at &= ~here(reader);
}

static void close_parenthesis(struct sql_reader *reader)
{
    if (reader->in_list && reader->depth == reader->list_depth)
        sql_calls_list_end(reader);
    if (reader->depth > 0)
        reader->depth--;
}

static inline void prove_comma(struct sql_reader *reader)
{
    if (reader->in_list && reader->depth == reader->list_depth)
        sql_calls_item_end(reader);
}

static void prove_rare(struct sql_reader *reader, const struct sql_token *token)
{
    switch (token->kind) {
    case SQL_TOKEN_QUOTED:
        if (sql_back(reader, 1)->punctuation == '.')
            prove_name_behind_dot(reader);
        break;
    case SQL_TOKEN_USER_VARIABLE:
        if (reader->into)
            assign_user_variable(reader, token);
        else
            sql_effect(reader, SQL_READS_USER_VARIABLE);
        break;
    case SQL_TOKEN_SYSTEM_VARIABLE: prove_system_variable(reader); break;
    case SQL_TOKEN_ASSIGN: prove_assignment(reader); break;
    }
}

/* Most words are names, of which there is nothing to know. */
static inline void prove_name_or_word(struct sql_reader *reader, const struct sql_token *token,
                                      const struct sql_token *before)
{
    if (before->punctuation == '.') {
        prove_name_behind_dot(reader);
        return;
    }
    enum sql_word word = token->length > 1 ? sql_word(token) : SQL_WORD_OTHER;
    if (word != SQL_WORD_OTHER || reader->into)
        prove_word(reader, word);
}

/* Inlined into the loop of sql_prove(): a call for each token would cost as much as what it does. */
__attribute__((always_inline)) static inline void
prove_token(struct sql_reader *reader, const struct sql_token *token, const struct sql_token *before)
{
    char punctuation = token->punctuation;

    if (reader->awaits)
        sql_calls_await(reader);
    if (token->kind == SQL_TOKEN_WORD)
        prove_name_or_word(reader, token, before);
    else if (punctuation == ',')
        prove_comma(reader);
    else if (punctuation == '(')
        open_parenthesis(reader);
    else if (punctuation == ')')
        close_parenthesis(reader);
    else if (token->kind != SQL_TOKEN_PUNCTUATION && token->kind != SQL_TOKEN_NUMBER)
        prove_rare(reader, token);
}

void sql_prove_token(struct sql_reader *reader)
{
    prove_token(reader, sql_now(reader), sql_back(reader, 1));
}

void sql_prove_to(struct sql_reader *reader, const char *word)
{
    while (!sql_at_end(reader) && !sql_at_word(reader, word)) {
        sql_prove_token(reader);
        sql_step(reader);
    }
}

void sql_prove(struct sql_reader *reader)
{
    const struct sql_token *token = sql_now(reader);

    while (!(token->flags & SQL_ENDS)) {
        prove_token(reader, token, token - 1);
        token = sql_step_inline(reader);
    }
    if (reader->in_list)
        sql_calls_list_end(reader);
}
