/*
 * sql_set.c - SET, assignment by assignment.
 *
 *   SET ──> TRANSACTION, ROLE, PASSWORD, ...: by their words
 *       └─> assignments: next_assignment() ──> kind and name ──> value's tokens ──> literal? word? else the
 *           value is proven like any expression (sql_proof.c), on a reader of its own
 */
#include "sql_reader.h"
#include "sql_variables.h"

#include <string.h>
#include <strings.h>

/* One assignment, and what else sql_read() wants to know of it. */
struct reading {
    struct sql_assignment assignment;
    struct sql_facts value; /* reason, effects and calls of the value */
    bool bare;              /* @@x without a scope */
};

/* ---- values ---- */

static enum sql_value_kind word_kind(const struct sql_token *token)
{
    if (sql_token_is(token, "null"))
        return SQL_VALUE_LITERAL_NULL;
    if (sql_token_is(token, "true") || sql_token_is(token, "false"))
        return SQL_VALUE_LITERAL_NUMBER;
    return SQL_VALUE_WORD;
}

/* X'4D' and B'01' are numbers, N'x' has a character set of its own. */
static enum sql_value_kind string_kind(const struct sql_token *token)
{
    switch (token->text[0] | 0x20) {
    case 'x':
    case 'b': return SQL_VALUE_LITERAL_NUMBER;
    case 'n': return SQL_VALUE_EXPRESSION;
    }
    return SQL_VALUE_LITERAL_STRING;
}

static enum sql_value_kind token_kind(const struct sql_token *token)
{
    switch (token->kind) {
    case SQL_TOKEN_NUMBER: return SQL_VALUE_LITERAL_NUMBER;
    case SQL_TOKEN_STRING: return string_kind(token);
    case SQL_TOKEN_WORD: return word_kind(token);
    case SQL_TOKEN_QUOTED: return SQL_VALUE_WORD;
    }
    return SQL_VALUE_EXPRESSION;
}

/* Proves the value's text as an expression. */
static enum sql_value_kind prove_value(struct sql_span text, const struct sql_options *options,
                                       struct sql_facts *value)
{
    struct sql_reader reader;

    sql_reader_init(&reader, text.at, text.length, options, value);
    reader.lexer.hint = NULL;
    sql_step(&reader);
    sql_prove(&reader);
    if (reader.broken)
        sql_blame(&reader, SQL_REASON_UNKNOWN, NULL);
    if (reader.selects > 0)
        sql_blame(&reader, SQL_REASON_UNKNOWN, NULL);
    return value->reason == SQL_REASON_READ ? SQL_VALUE_EXPRESSION : SQL_VALUE_PRIMARY;
}

/* The tokens of a value as they are met. */
struct value_tokens {
    unsigned count;
    struct sql_token first, second;
    const char *end; /* behind the last one */
};

static enum sql_value_kind value_kind(const struct value_tokens *tokens, struct sql_span text,
                                      const struct sql_options *options, struct sql_facts *value)
{
    bool sign = tokens->first.punctuation == '-' || tokens->first.punctuation == '+';

    if (tokens->count == 2 && sign && tokens->second.kind == SQL_TOKEN_NUMBER)
        return SQL_VALUE_LITERAL_NUMBER;
    enum sql_value_kind kind = tokens->count == 1 ? token_kind(&tokens->first) : SQL_VALUE_EXPRESSION;
    return kind == SQL_VALUE_EXPRESSION ? prove_value(text, options, value) : kind;
}

/* From the value's first token to the comma or the end; moves *token there. False if it is no value. */
static bool read_value(struct sql_lexer *lexer, struct sql_token *token, struct reading *reading)
{
    struct value_tokens tokens = {0};
    unsigned depth = 0;

    const char *start = token->text;
    while (token->kind != SQL_TOKEN_END && !(token->punctuation == ',' && depth == 0)) {
        if (token->kind == SQL_TOKEN_BROKEN || token->punctuation == ';')
            return false;
        depth += token->punctuation == '(';
        depth -= token->punctuation == ')' && depth > 0;
        if (tokens.count == 0)
            tokens.first = *token;
        else if (tokens.count == 1)
            tokens.second = *token;
        tokens.count++;
        tokens.end = token->text + token->length;
        sql_lex_next(lexer, token);
    }
    if (tokens.count == 0)
        return false;
    struct sql_span text = {start, (uint32_t)(tokens.end - start)};
    reading->assignment.value = text;
    if (reading->assignment.kind == SQL_SET_NAMES ||
        reading->assignment.kind == SQL_SET_CHARACTER_SET) /* utf8mb4 COLLATE x */
        reading->assignment.value_kind = tokens.first.kind == SQL_TOKEN_STRING && tokens.count == 1
                                             ? SQL_VALUE_LITERAL_STRING
                                             : SQL_VALUE_WORD;
    else
        reading->assignment.value_kind = value_kind(&tokens, text, lexer->options, &reading->value);
    return true;
}

/* ---- names ---- */

static bool take(struct sql_lexer *lexer, struct sql_token *token, const char *word)
{
    if (token->kind != SQL_TOKEN_WORD || !sql_token_is(token, word))
        return false;
    sql_lex_next(lexer, token);
    return true;
}

/* CHARACTER SET, CHARSET: stepped over. */
static bool take_character_set(struct sql_lexer *lexer, struct sql_token *token)
{
    if (take(lexer, token, "charset"))
        return true;
    struct sql_lexer ahead = *lexer;
    struct sql_token next = *token;
    if (!take(&ahead, &next, "character") && !take(&ahead, &next, "char"))
        return false;
    if (!take(&ahead, &next, "set"))
        return false;
    *lexer = ahead;
    *token = next;
    return true;
}

/* name or cache.name, stepped over. */
static bool take_variable(struct sql_lexer *lexer, struct sql_token *token, struct sql_assignment *assignment)
{
    if (!sql_is_name(token))
        return false;
    assignment->name = token->name;
    sql_lex_next(lexer, token);
    if (token->punctuation != '.')
        return true;
    sql_lex_next(lexer, token);
    return take_variable(lexer, token, assignment);
}

static void set_scope(struct sql_assignment *assignment, enum sql_scope scope)
{
    assignment->kind = scope == SQL_SCOPE_SERVER ? SQL_SET_GLOBAL_VARIABLE : SQL_SET_SESSION_VARIABLE;
}

/* @@x, @@scope.x */
static bool take_at_variable(struct sql_lexer *lexer, struct sql_token *token, struct reading *reading)
{
    enum sql_scope scope = sql_scope(token->name.at, token->name.length);

    set_scope(&reading->assignment, scope);
    reading->assignment.name = token->name;
    reading->bare = scope == SQL_SCOPE_NONE;
    sql_lex_next(lexer, token);
    if (token->punctuation != '.')
        return scope == SQL_SCOPE_NONE;
    sql_lex_next(lexer, token);
    return take_variable(lexer, token, &reading->assignment);
}

/* x, SCOPE x */
static bool take_plain_variable(struct sql_lexer *lexer, struct sql_token *token, struct reading *reading)
{
    enum sql_scope scope = SQL_SCOPE_NONE;
    if (token->kind == SQL_TOKEN_WORD)
        scope = sql_scope(token->name.at, token->name.length);
    if (scope != SQL_SCOPE_NONE)
        sql_lex_next(lexer, token);
    set_scope(&reading->assignment, scope);
    return take_variable(lexer, token, &reading->assignment);
}

static bool take_target(struct sql_lexer *lexer, struct sql_token *token, struct reading *reading)
{
    struct sql_assignment *assignment = &reading->assignment;

    if (token->kind == SQL_TOKEN_USER_VARIABLE) {
        assignment->kind = SQL_SET_USER_VARIABLE;
        assignment->name = token->name;
        sql_lex_next(lexer, token);
    } else if (token->kind == SQL_TOKEN_SYSTEM_VARIABLE) {
        if (!take_at_variable(lexer, token, reading))
            return false;
    } else if (take(lexer, token, "names")) {
        assignment->kind = SQL_SET_NAMES;
        return true;
    } else if (take_character_set(lexer, token)) {
        assignment->kind = SQL_SET_CHARACTER_SET;
        return true;
    } else if (!take_plain_variable(lexer, token, reading)) {
        return false;
    }
    if (token->punctuation != '=' && token->kind != SQL_TOKEN_ASSIGN)
        return false;
    sql_lex_next(lexer, token);
    return true;
}

/* ---- assignments ---- */

static bool next_assignment(struct sql_span *rest, const struct sql_options *options,
                            struct reading *ret_reading, bool *ret_bad)
{
    struct sql_lexer lexer;
    struct sql_token token;
    struct reading reading = {.value = {.reason = SQL_REASON_READ}};

    *ret_bad = false;
    sql_lex_init(&lexer, rest->at, rest->length, options, NULL);
    sql_lex_next(&lexer, &token);
    if (token.kind == SQL_TOKEN_END)
        return false;
    if (!take_target(&lexer, &token, &reading) || !read_value(&lexer, &token, &reading)) {
        *ret_bad = true;
        return false;
    }
    const char *end = rest->at + rest->length, *next = token.kind == SQL_TOKEN_END ? end : token.text + 1;
    *rest = (struct sql_span){next, (uint32_t)(end - next)};
    *ret_reading = reading;
    return true;
}

bool sql_set_next(struct sql_span *rest, const struct sql_options *options, struct sql_assignment *ret,
                  bool *ret_bad)
{
    struct reading reading;
    if (!next_assignment(rest, options, &reading, ret_bad))
        return false;
    *ret = reading.assignment;
    return true;
}

/* ---- what an assignment means for the statement ---- */

/* The statement is at best session state: a worse reason replaces that one, the first stays. */
static void worsen(struct sql_facts *facts, enum sql_reason reason, struct sql_span because)
{
    if (facts->reason != SQL_REASON_SESSION_STATE)
        return;
    facts->reason = reason;
    facts->because = because;
}

static bool is_literal(enum sql_value_kind kind)
{
    return kind == SQL_VALUE_LITERAL_NUMBER || kind == SQL_VALUE_LITERAL_STRING ||
           kind == SQL_VALUE_LITERAL_NULL;
}

static bool is_off(const struct sql_assignment *assignment)
{
    static const char *const words[] = {"0", "OFF", "FALSE", "DEFAULT"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (assignment->value.length == strlen(words[i]) &&
            strncasecmp(assignment->value.at, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static void judge_session_variable(struct sql_facts *facts, const struct reading *reading)
{
    struct sql_span name = reading->assignment.name;

    switch (sql_variable_class(name.at, name.length)) {
    case SQL_VARIABLE_CARRIED:
    case SQL_VARIABLE_AUTOCOMMIT:
    case SQL_VARIABLE_PROXY: break;
    case SQL_VARIABLE_ONE_SHOT:
        if (sql_variable_read(name.at, name.length) == SQL_VARIABLE_READ_INSERT_ID)
            facts->effects |= SQL_MAY_CHANGE_SESSION; /* LAST_INSERT_ID() is what it says */
        worsen(facts, SQL_REASON_PRIVILEGED, name);
        break;
    case SQL_VARIABLE_PRIVILEGED: worsen(facts, SQL_REASON_PRIVILEGED, name); break;
    case SQL_VARIABLE_UNLESS_OFF:
        if (!is_off(&reading->assignment))
            worsen(facts, SQL_REASON_PRIVILEGED, name);
        break;
    case SQL_VARIABLE_TRACKING: facts->effects |= SQL_READS_SESSION_TRACK; break;
    }
    if (reading->bare && sql_variable_is_transaction(name.at, name.length)) {
        facts->effects |= SQL_ONE_SHOT; /* SET @@transaction_isolation = x: the next transaction's only */
        worsen(facts, SQL_REASON_PRIVILEGED, name);
    }
}

static void take_calls(struct sql_facts *facts, const struct sql_facts *value)
{
    facts->calls_overflow |= value->calls_overflow;
    for (uint8_t i = 0; i < value->calls_count; i++) {
        if (facts->calls_count == SQL_CALLS_MAX)
            facts->calls_overflow = true;
        else
            facts->calls[facts->calls_count++] = value->calls[i];
    }
}

static void judge_assignment(struct sql_facts *facts, const struct reading *reading)
{
    const struct sql_assignment *assignment = &reading->assignment;

    facts->effects |= reading->value.effects;
    take_calls(facts, &reading->value);
    if (reading->value.reason != SQL_REASON_READ)
        worsen(facts, reading->value.reason, reading->value.because);
    switch (assignment->kind) {
    case SQL_SET_SESSION_VARIABLE: judge_session_variable(facts, reading); break;
    case SQL_SET_GLOBAL_VARIABLE:
        facts->effects |= SQL_SETS_GLOBAL;
        worsen(facts, SQL_REASON_SERVER_VARIABLE, assignment->name);
        break;
    case SQL_SET_USER_VARIABLE:
        if (!is_literal(assignment->value_kind)) {
            facts->effects |= SQL_SETS_USER_VARIABLE;
            worsen(facts, SQL_REASON_USER_VARIABLE, assignment->name);
        }
        break;
    case SQL_SET_NAMES: break;
    case SQL_SET_CHARACTER_SET: worsen(facts, SQL_REASON_PRIVILEGED, assignment->value); break;
    }
}

/* Whether texts mean something else after it. */
static bool changes_reading(const struct sql_assignment *assignment)
{
    static const char *const names[] = {"sql_mode", "character_set_client", "character_set_connection",
                                        "collation_connection"};
    if (assignment->kind == SQL_SET_NAMES)
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (assignment->kind == SQL_SET_SESSION_VARIABLE && assignment->name.length == strlen(names[i]) &&
            strncasecmp(assignment->name.at, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

/* A string beside SET NAMES or sql_mode is read as before them, and couldn't be said again behind them. */
static void judge_assignments(struct sql_reader *reader)
{
    struct sql_span rest = reader->facts->set_text, string = {0};
    struct reading reading;
    bool bad = false, rereads = false;
    unsigned count = 0;

    while (next_assignment(&rest, reader->options, &reading, &bad)) {
        const struct sql_assignment *assignment = &reading.assignment;
        judge_assignment(reader->facts, &reading);
        rereads |= changes_reading(assignment);
        if (assignment->kind == SQL_SET_USER_VARIABLE && assignment->value_kind == SQL_VALUE_LITERAL_STRING)
            string = assignment->name;
        count++;
    }
    if (string.at && rereads) {
        sql_effect(reader, SQL_SETS_USER_VARIABLE);
        worsen(reader->facts, SQL_REASON_USER_VARIABLE, string);
    }
    if (bad || count == 0) {
        sql_effect(reader, SQL_MAY_CHANGE_SESSION);
        reader->facts->reason = SQL_REASON_UNKNOWN;
    }
}

/* ---- the other kinds of SET ---- */

static void set_other(struct sql_reader *reader, enum sql_reason reason, uint32_t effects)
{
    reader->facts->verb = SQL_SET_OTHER;
    reader->facts->reason = reason;
    sql_effect(reader, effects);
}

/* At TRANSACTION. Without a scope: of the next transaction only. */
static void read_transaction(struct sql_reader *reader, enum sql_scope scope)
{
    static const enum sql_reason reasons[] = {
        [SQL_SCOPE_NONE] = SQL_REASON_TRANSACTION,
        [SQL_SCOPE_SESSION] = SQL_REASON_SESSION_STATE,
        [SQL_SCOPE_SERVER] = SQL_REASON_SERVER_VARIABLE,
    };
    reader->facts->verb = SQL_SET_TRANSACTION;
    reader->facts->reason = reasons[scope];
    if (scope != SQL_SCOPE_SESSION)
        sql_effect(reader, scope == SQL_SCOPE_NONE ? SQL_ONE_SHOT : SQL_SETS_GLOBAL);
    while (!sql_at_end(reader)) {
        if (sql_take_word(reader, "read") && sql_at_word(reader, "only"))
            sql_effect(reader, SQL_READ_ONLY);
        else if (!sql_at_end(reader))
            sql_step(reader);
    }
}

/* SET STATEMENT x = y FOR statement: that statement's effects count too. */
static void read_set_statement(struct sql_reader *reader)
{
    set_other(reader, SQL_REASON_WRITE, SQL_MAY_CHANGE_SESSION | SQL_SETS_INSERT_ID);
    sql_prove(reader);
}

/* SET PASSWORD, SET DEFAULT ROLE, SET ROLE, ... and not a variable of that name: true if it was one. */
/* One plain name can be said again elsewhere, and means the same. */
static void read_role(struct sql_reader *reader)
{
    reader->facts->verb = SQL_SET_ROLE;
    sql_step(reader);
    struct sql_token name = *sql_now(reader);
    if (!sql_is_name(&name) && name.kind != SQL_TOKEN_STRING)
        return;
    sql_step(reader);
    for (uint32_t i = 0; i < name.length; i++)
        if ((unsigned char)name.text[i] >= 0x80 || name.text[i] == '\\')
            return;
    if (sql_at_end(reader))
        reader->facts->name = sql_token_span(&name);
}

static bool read_special(struct sql_reader *reader)
{
    enum sql_scope scope = SQL_SCOPE_NONE;

    if (sql_now(reader)->kind != SQL_TOKEN_WORD)
        return false;
    scope = sql_scope(sql_now(reader)->name.at, sql_now(reader)->name.length);
    if (scope != SQL_SCOPE_NONE)
        sql_step(reader);
    if (sql_at_word(reader, "transaction")) {
        read_transaction(reader, scope);
    } else if (scope != SQL_SCOPE_NONE) {
        return false;
    } else if (sql_at_word(reader, "role")) {
        read_role(reader);
    } else if (sql_at_word(reader, "password") || sql_at_word(reader, "default")) {
        set_other(reader, SQL_REASON_WRITE, SQL_IMPLICIT_COMMIT);
    } else if (sql_at_word(reader, "resource")) {
        set_other(reader, SQL_REASON_PRIVILEGED, SQL_MAY_CHANGE_SESSION);
    } else if (sql_at_word(reader, "statement")) {
        read_set_statement(reader);
    } else {
        return false;
    }
    return true;
}

void sql_read_set(struct sql_reader *reader)
{
    sql_step(reader);
    const char *start = sql_now(reader)->text;
    bool special = read_special(reader);

    const char *end = start;
    while (!sql_at_end(reader)) {
        end = sql_now(reader)->text + sql_now(reader)->length;
        sql_step(reader);
    }
    if (special)
        return;
    reader->facts->set_text = (struct sql_span){start, (uint32_t)(end - start)};
    if (!reader->broken)
        judge_assignments(reader);
}
