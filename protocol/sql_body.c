/*
 * sql_body.c - what is known of a view, a routine or a trigger without understanding it: the names in it.
 *
 *   sql_body_names()    body ──words──> keys of all names    does it run what is marked already?
 *                                ├────> leaves?              GET_LOCK, TEMPORARY, ... : what outlives it,
 *                                │                           unreported (MariaDB: some temporary tables)
 *                                └────> assigns?             @a: what outlives it, and is told without its
 * name sql_defined_next()  RENAME TABLE a TO b.c ──> a, c
 *
 * Words are taken as they come: a column called get_lock counts as a call. What is in strings and comments
 * doesn't.
 */
#include "sql_lex.h"
#include "sql_lex_short.h"

enum { NAME_ABOVE_ASCII = 1, NAME_MAX_BYTES = 256 };

/* Servers know more letters in two cases than we do. */
uint64_t sql_name_key(const char *name, size_t length)
{
    uint64_t ignored;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] >= 0x80)
            return NAME_ABOVE_ASCII;
    uint64_t key = sql_name_hash(name, name + length, name, &ignored);
    return key ? key : NAME_ABOVE_ASCII;
}

/* The name's quote characters stand doubled in the text. */
static uint64_t key_of(const struct sql_token *token)
{
    char plain[NAME_MAX_BYTES];
    size_t length = 0;
    if (token->kind != SQL_TOKEN_QUOTED || !memchr(token->name.at, token->text[0], token->name.length))
        return sql_name_key(token->name.at, token->name.length);
    for (uint32_t i = 0; i < token->name.length && length < sizeof(plain); i++) {
        plain[length++] = token->name.at[i];
        i += token->name.at[i] == token->text[0];
    }
    return sql_name_key(plain, length);
}

static bool is_one_of(const struct sql_token *token, const char *const *words)
{
    for (; *words; words++)
        if (sql_token_is(token, *words))
            return true;
    return false;
}

/* Whether this token, behind that one, says that the body leaves something. */
static bool leaves(const struct sql_token *token, const struct sql_token *before)
{
    static const char *const alone[] = {"get_lock", "execute", "prepare", "flush", NULL};
    static const char *const declared[] = {"continue", "exit", "undo", NULL};
    static const char *const begins[] = {"start", "begin", NULL};
    if (token->punctuation == '.') /* some of the server's own routines run texts */
        return sql_is_name(before) && sql_token_is(before, "sys");
    if (!sql_is_name(token))
        return false;
    if (is_one_of(token, alone))
        return true;
    if (sql_token_is(token, "temporary")) /* what is dropped isn't left */
        return !sql_is_name(before) || !sql_token_is(before, "drop");
    if (sql_token_is(token, "role"))
        return sql_is_name(before) && sql_token_is(before, "set");
    if (sql_token_is(token, "handler")) /* DECLARE EXIT HANDLER is another thing than HANDLER t OPEN */
        return !sql_is_name(before) || !is_one_of(before, declared);
    return sql_is_name(before) && sql_token_is(before, "xa") && is_one_of(token, begins);
}

size_t sql_body_names(const char *text, size_t length, const struct sql_options *options, uint64_t *keys,
                      unsigned *ret_habits)
{
    struct sql_lexer lexer;
    struct sql_token token, before = {.kind = SQL_TOKEN_END};
    size_t count = 0;

    *ret_habits = 0;
    sql_lex_init(&lexer, text, length, options, NULL);
    for (sql_lex_next(&lexer, &token); token.kind != SQL_TOKEN_END; sql_lex_next(&lexer, &token)) {
        if (token.kind == SQL_TOKEN_BROKEN) {
            *ret_habits = SQL_BODY_LEAVES | SQL_BODY_ASSIGNS;
            break;
        }
        if (leaves(&token, &before))
            *ret_habits |= SQL_BODY_LEAVES;
        if (token.kind == SQL_TOKEN_USER_VARIABLE)
            *ret_habits |= SQL_BODY_ASSIGNS;
        if (sql_is_name(&token))
            keys[count++] = key_of(&token);
        before = token;
    }
    return count;
}

bool sql_defined_next(struct sql_span *rest, const struct sql_options *options, struct sql_span *ret_name)
{
    static const char *const others[] = {"to", "if", "exists", "wait", "nowait", NULL};
    const char *end = rest->at + rest->length, *behind = NULL;
    struct sql_lexer lexer;
    struct sql_token token;

    if (!rest->at)
        return false;
    sql_lex_init(&lexer, rest->at, rest->length, options, NULL);
    for (;;) {
        sql_lex_next(&lexer, &token);
        if (behind && token.punctuation != '.')
            break;
        if (token.flags & SQL_ENDS)
            return false;
        behind = NULL; /* that was the schema */
        if (!sql_is_name(&token) || (token.kind == SQL_TOKEN_WORD && is_one_of(&token, others)))
            continue;
        *ret_name = token.name;
        behind = token.text + token.length;
    }
    *rest = (struct sql_span){behind, (uint32_t)(end - behind)};
    return true;
}
