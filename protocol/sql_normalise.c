/*
 * sql_normalise.c - a statement as people want to see it in a list: literals are ?, keywords are capitals.
 *
 *   token ──> sql_fold_token() (sql_digest.c, so that display and digest agree) ──> spacing ──> out
 */
#include <string.h>

#include "sql_digest.h"
#include "sql_functions.h"

struct output {
    char *at;
    size_t size, length;
    char last; /* the last token's punctuation, 'a' for all else, 0 at the beginning */
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

/* Words that are no function names (those are known already) and that everybody writes in capitals. */
static bool is_keyword(const struct sql_token *token)
{
    static const char *const words[] = {
        "add",      "after",     "alter",      "analyze",      "asc",           "begin",
        "call",     "cascade",   "change",     "column",       "commit",        "create",
        "cross",    "current",   "databases",  "default",      "delete",        "desc",
        "describe", "do",        "drop",       "dual",         "duplicate",     "end",
        "escape",   "execute",   "exists",     "explain",      "false",         "fetch",
        "first",    "flush",     "for",        "force",        "foreign",       "global",
        "grant",    "ignore",    "inner",      "insert",       "into",          "is",
        "kill",     "lateral",   "limit",      "load",         "local",         "lock",
        "mode",     "modify",    "names",      "natural",      "next",          "null",
        "offset",   "only",      "outer",      "prepare",      "primary",       "procedure",
        "read",     "recursive", "references", "release",      "rename",        "returning",
        "revoke",   "rollback",  "rows",       "savepoint",    "separator",     "session",
        "set",      "share",     "show",       "start",        "status",        "tables",
        "table",    "temporary", "to",         "transaction",  "true",          "truncate",
        "unlock",   "update",    "use",        "work",         "write",         "xa",
        "columns",  "describe",  "persist",    "sql_no_cache", "straight_join", "nowait",
        "skip",     "locked",    "asc",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (sql_token_is(token, words[i]))
            return true;
    }
    return sql_function_known(token->name.at, token->name.length);
}

static void put_word(struct output *out, const struct sql_token *token)
{
    char capitals[32];
    if (out->last == '.' || token->length > sizeof(capitals) || !is_keyword(token)) {
        put_token(out, token->text, token->length, 0, token->touching);
        return;
    }
    for (uint32_t i = 0; i < token->length; i++) {
        char c = token->text[i];
        capitals[i] = (char)(c >= 'a' && c <= 'z' ? c - 0x20 : c);
    }
    put_token(out, capitals, token->length, 0, token->touching);
}

static void put_plain(struct output *out, const struct sql_token *token)
{
    switch (token->kind) {
    case SQL_TOKEN_STRING:
    case SQL_TOKEN_NUMBER:
    case SQL_TOKEN_PARAMETER: put_token(out, "?", 1, 0, token->touching); break;
    case SQL_TOKEN_WORD: put_word(out, token); break;
    case SQL_TOKEN_BROKEN: put_token(out, "...", 3, 0, false); break;
    default: put_token(out, token->text, token->length, token->punctuation, token->touching); break;
    }
}

size_t sql_normalise(const char *text, size_t length, const struct sql_options *options, char *out,
                     size_t size)
{
    struct output output = {.at = out, .size = size};
    struct sql_lexer lexer;
    struct sql_token token;
    struct sql_fold fold = {0};
    struct sql_folded folded;

    if (size == 0)
        return 0;
    sql_lex_init(&lexer, text, length < UINT32_MAX ? length : UINT32_MAX, options, NULL);
    for (;;) {
        sql_lex_next(&lexer, &token);
        if (token.kind == SQL_TOKEN_END)
            break;
        folded = sql_fold_token(&fold, &token);
        put_held(&output, &folded);
        if (folded.passes)
            put_plain(&output, &token);
        if (token.kind == SQL_TOKEN_BROKEN || output.length + 1 >= size)
            break;
    }
    folded = sql_fold_end(&fold);
    put_held(&output, &folded);
    out[output.length] = '\0';
    return output.length;
}
