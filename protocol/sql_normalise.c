/*
 * sql_normalise.c - a statement as people want to see it in a list: literals are ?, keywords are capitals.
 *
 *   token ──> sql_fold_token() (sql_digest.c, so that display and digest agree) ──> spacing ──> out
 */
#include <string.h>

#include "sql_digest.h"
#include "sql_functions.h"
#include "sql_words.h"

struct output {
    char *at;
    size_t size, length;
    const char *behind; /* the last token's end in the text */
    char last;          /* the last token's punctuation, 'a' for all else, 0 at the beginning */
};

static void put(struct output *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length && out->length + 1 < out->size; i++)
        out->at[out->length++] = text[i];
}

/* No blank around dots, inside of parentheses, before commas; f( is a call and stays together. */
static bool wants_blank(const struct output *out, char next, bool touching)
{
    if (out->last == 0 || out->last == '.' || out->last == '(' || next == '.' || next == ')' || next == ',' ||
        next == ';')
        return false;
    return next != '(' || out->last != 'a' || !touching;
}

static void put_token(struct output *out, const char *text, size_t length, char punctuation, bool touching)
{
    if (wants_blank(out, punctuation, touching))
        put(out, " ", 1);
    put(out, text, length);
    out->last = punctuation ? punctuation : 'a';
}

static void put_held(struct output *out, const struct sql_folded *folded)
{
    for (unsigned i = 0; i < folded->count; i++)
        put_token(out, &folded->held[i], 1, folded->held[i] == '?' ? 0 : folded->held[i], false);
}

/* Keywords that nothing else here knows of. */
static const char *const keywords[] = {
    "add",       "after",  "analyze",     "asc",       "begin",    "cascade", "change",    "column",
    "commit",    "cross",  "current",     "databases", "default",  "desc",    "describe",  "dual",
    "duplicate", "end",    "execute",     "explain",   "false",    "first",   "flush",     "force",
    "foreign",   "global", "ignore",      "inner",     "interval", "is",      "left",      "local",
    "locked",    "mode",   "modify",      "names",     "natural",  "next",    "nowait",    "null",
    "only",      "outer",  "persist",     "prepare",   "primary",  "read",    "recursive", "references",
    "release",   "rename", "returning",   "right",     "rollback", "rows",    "savepoint", "separator",
    "session",   "set",    "show",        "skip",      "start",    "status",  "tables",    "columns",
    "temporary", "to",     "transaction", "true",      "truncate", "unlock",  "use",       "work",
    "write",     "xa",
};

/* Keywords, and functions with their parenthesis, but no columns that are called like functions. */
static bool is_keyword(const struct sql_lexer *lexer, const struct sql_token *token)
{
    const char *behind = token->text + token->length;

    if (sql_word(token) != SQL_WORD_OTHER)
        return true;
    switch (sql_function_kind(lexer->options, token->text, token->length)) {
    case SQL_FUNCTION_UNKNOWN: break;
    case SQL_FUNCTION_SYNTAX: return true;
    default:
        if (behind < lexer->end && *behind == '(')
            return true;
    }
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (sql_token_is(token, keywords[i]))
            return true;
    }
    return false;
}

static void put_word(struct output *out, const struct sql_lexer *lexer, const struct sql_token *token)
{
    char capitals[SQL_FUNCTION_NAME_MAX];
    if (out->last == '.' || token->length > sizeof(capitals) || !is_keyword(lexer, token)) {
        put_token(out, token->text, token->length, 0, token->text == out->behind);
        return;
    }
    for (uint32_t i = 0; i < token->length; i++) {
        char c = token->text[i];
        capitals[i] = (char)(c >= 'a' && c <= 'z' ? c - 0x20 : c);
    }
    put_token(out, capitals, token->length, 0, token->text == out->behind);
}

static void put_plain(struct output *out, const struct sql_lexer *lexer, const struct sql_token *token)
{
    switch (token->kind) {
    case SQL_TOKEN_STRING:
    case SQL_TOKEN_NUMBER:
    case SQL_TOKEN_PARAMETER: put_token(out, "?", 1, 0, token->text == out->behind); break;
    case SQL_TOKEN_WORD: put_word(out, lexer, token); break;
    case SQL_TOKEN_BROKEN: put_token(out, "...", 3, 0, false); break;
    default:
        put_token(out, token->text, token->length, token->punctuation, token->text == out->behind);
        break;
    }
}

size_t sql_normalise(const char *text, size_t length, const struct sql_options *options, char *out,
                     size_t size)
{
    struct output output = {.at = out, .size = size};
    struct sql_lexer lexer;
    struct sql_token token;
    struct sql_fold fold = {0};
    struct sql_folded held;

    if (size == 0)
        return 0;
    sql_lex_init(&lexer, text, length < UINT32_MAX ? length : UINT32_MAX, options, NULL);
    for (;;) {
        sql_lex_next(&lexer, &token);
        if (token.kind == SQL_TOKEN_END)
            break;
        if (sql_fold_token(&fold, &token, &held)) {
            put_held(&output, &held);
            put_plain(&output, &lexer, &token);
        }
        output.behind = token.text + token.length;
        if (token.kind == SQL_TOKEN_BROKEN || output.length + 1 >= size)
            break;
    }
    sql_fold_end(&fold, &held);
    put_held(&output, &held);
    out[output.length] = '\0';
    return output.length;
}
