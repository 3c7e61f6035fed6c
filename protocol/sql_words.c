/*
 * sql_words.c - keywords by their first eight letters as one number: one switch, no table to walk.
 */
#include "sql_words.h"

#include <string.h>
#include <strings.h>

static bool exactly(const struct sql_token *token, size_t length)
{
    return token->name.length == length;
}

static bool ends_with(const struct sql_token *token, const char *tail)
{
    return exactly(token, 8 + strlen(tail)) && strncasecmp(token->name.at + 8, tail, strlen(tail)) == 0;
}

static enum sql_word long_word(const struct sql_token *token)
{
    switch (token->key) {
    case SQL_KEY('i', 'n', 't', 'e', 'r', 's', 'e', 'c'):
        return ends_with(token, "t") ? SQL_WORD_UNION : SQL_WORD_OTHER;
    case SQL_KEY('p', 'r', 'o', 'c', 'e', 'd', 'u', 'r'):
        return ends_with(token, "e") ? SQL_WORD_PROCEDURE : SQL_WORD_OTHER;
    case SQL_KEY('s', 'q', 'l', '_', 'c', 'a', 'l', 'c'):
        return ends_with(token, "_found_rows") ? SQL_WORD_CALC_FOUND : SQL_WORD_OTHER;
    case SQL_KEY('t', 'a', 'b', 'l', 'e', 's', 'a', 'm'):
        return ends_with(token, "ple") ? SQL_WORD_UNPROVEN : SQL_WORD_OTHER;
    }
    return SQL_WORD_OTHER;
}

enum sql_word sql_word(const struct sql_token *token)
{
    if (token->name.length > 8)
        return long_word(token);
    switch (token->key) {
    case SQL_KEY('s', 'e', 'l', 'e', 'c', 't'): return SQL_WORD_SELECT;
    case SQL_KEY('f', 'r', 'o', 'm'): return SQL_WORD_FROM;
    case SQL_KEY('w', 'h', 'e', 'r', 'e'): return SQL_WORD_CLAUSE;
    case SQL_KEY('g', 'r', 'o', 'u', 'p'): return SQL_WORD_CLAUSE;
    case SQL_KEY('h', 'a', 'v', 'i', 'n', 'g'): return SQL_WORD_CLAUSE;
    case SQL_KEY('o', 'r', 'd', 'e', 'r'): return SQL_WORD_CLAUSE;
    case SQL_KEY('w', 'i', 'n', 'd', 'o', 'w'): return SQL_WORD_CLAUSE;
    case SQL_KEY('b', 'y'): return SQL_WORD_BY;
    case SQL_KEY('l', 'i', 'm', 'i', 't'): return SQL_WORD_LIMIT;
    case SQL_KEY('f', 'e', 't', 'c', 'h'): return SQL_WORD_LIMIT;
    case SQL_KEY('o', 'f', 'f', 's', 'e', 't'): return SQL_WORD_LIMIT;
    case SQL_KEY('u', 'n', 'i', 'o', 'n'): return SQL_WORD_UNION;
    case SQL_KEY('e', 'x', 'c', 'e', 'p', 't'): return SQL_WORD_UNION;
    case SQL_KEY('m', 'i', 'n', 'u', 's'): return SQL_WORD_UNION;
    case SQL_KEY('w', 'i', 't', 'h'): return SQL_WORD_WITH;
    case SQL_KEY('v', 'a', 'l', 'u', 'e', 's'): return SQL_WORD_VALUES;
    case SQL_KEY('t', 'a', 'b', 'l', 'e'): return SQL_WORD_VALUES;
    case SQL_KEY('i', 'n', 't', 'o'): return SQL_WORD_INTO;
    case SQL_KEY('f', 'o', 'r'): return SQL_WORD_FOR;
    case SQL_KEY('u', 'p', 'd', 'a', 't', 'e'): return SQL_WORD_UPDATE;
    case SQL_KEY('s', 'h', 'a', 'r', 'e'): return SQL_WORD_SHARE;
    case SQL_KEY('l', 'o', 'c', 'k'): return SQL_WORD_LOCK;
    case SQL_KEY('i', 'n', 's', 'e', 'r', 't'): return SQL_WORD_INSERT;
    case SQL_KEY('r', 'e', 'p', 'l', 'a', 'c', 'e'): return SQL_WORD_INSERT;
    case SQL_KEY('d', 'e', 'l', 'e', 't', 'e'): return SQL_WORD_WRITE;
    case SQL_KEY('c', 'a', 'l', 'l'): return SQL_WORD_WRITE;
    case SQL_KEY('c', 'r', 'e', 'a', 't', 'e'): return SQL_WORD_WRITE;
    case SQL_KEY('a', 'l', 't', 'e', 'r'): return SQL_WORD_WRITE;
    case SQL_KEY('d', 'r', 'o', 'p'): return SQL_WORD_WRITE;
    case SQL_KEY('g', 'r', 'a', 'n', 't'): return SQL_WORD_WRITE;
    case SQL_KEY('r', 'e', 'v', 'o', 'k', 'e'): return SQL_WORD_WRITE;
    case SQL_KEY('l', 'o', 'a', 'd'): return SQL_WORD_WRITE;
    case SQL_KEY('t', 'r', 'i', 'g', 'g', 'e', 'r'): return SQL_WORD_WRITE;
    }
    return SQL_WORD_OTHER;
}

static bool is_one_of(const struct sql_token *token, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sql_token_is(token, words[i]))
            return true;
    }
    return false;
}

bool sql_word_is_modifier(const struct sql_token *token)
{
    static const char *const words[] = {
        "all",           "distinct",         "distinctrow",         "high_priority",
        "straight_join", "sql_small_result", "sql_big_result",      "sql_buffer_result",
        "sql_no_cache",  "sql_cache",        "sql_calc_found_rows",
    };
    if (token->kind != SQL_TOKEN_WORD || token->length < 3)
        return false;
    switch (token->text[0] | 0x20) { /* most names are none */
    case 'a':
    case 'd':
    case 'h':
    case 's': return is_one_of(token, words, sizeof(words) / sizeof(words[0]));
    }
    return false;
}

bool sql_word_is_operator(const struct sql_token *token)
{
    static const char *const words[] = {
        "and",    "or",   "xor",  "not",     "is",       "in",     "like",   "rlike",
        "regexp", "div",  "mod",  "between", "collate",  "escape", "binary", "interval",
        "case",   "when", "then", "else",    "distinct", "sounds",
    };
    return token->kind == SQL_TOKEN_WORD && is_one_of(token, words, sizeof(words) / sizeof(words[0]));
}
