/*
 * sql_words.c - keywords by their first eight letters as one number, which tells where to look.
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

enum sql_word sql_word_long(const struct sql_token *token)
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

/* Should the compiler say that a slot is initialised twice: another odd number in SQL_WORD_SLOT parts them.
 */
#define WORD(word, ...) [SQL_WORD_SLOT(SQL_KEY(__VA_ARGS__))] = {SQL_KEY(__VA_ARGS__), word}

const struct sql_word_slot sql_word_slots[SQL_WORD_SLOTS] = {
    WORD(SQL_WORD_SELECT, 's', 'e', 'l', 'e', 'c', 't'),
    WORD(SQL_WORD_FROM, 'f', 'r', 'o', 'm'),
    WORD(SQL_WORD_CLAUSE, 'w', 'h', 'e', 'r', 'e'),
    WORD(SQL_WORD_CLAUSE, 'g', 'r', 'o', 'u', 'p'),
    WORD(SQL_WORD_CLAUSE, 'h', 'a', 'v', 'i', 'n', 'g'),
    WORD(SQL_WORD_CLAUSE, 'o', 'r', 'd', 'e', 'r'),
    WORD(SQL_WORD_CLAUSE, 'w', 'i', 'n', 'd', 'o', 'w'),
    WORD(SQL_WORD_BY, 'b', 'y'),
    WORD(SQL_WORD_LIMIT, 'l', 'i', 'm', 'i', 't'),
    WORD(SQL_WORD_LIMIT, 'f', 'e', 't', 'c', 'h'),
    WORD(SQL_WORD_LIMIT, 'o', 'f', 'f', 's', 'e', 't'),
    WORD(SQL_WORD_UNION, 'u', 'n', 'i', 'o', 'n'),
    WORD(SQL_WORD_UNION, 'e', 'x', 'c', 'e', 'p', 't'),
    WORD(SQL_WORD_UNION, 'm', 'i', 'n', 'u', 's'),
    WORD(SQL_WORD_WITH, 'w', 'i', 't', 'h'),
    WORD(SQL_WORD_VALUES, 'v', 'a', 'l', 'u', 'e', 's'),
    WORD(SQL_WORD_VALUES, 't', 'a', 'b', 'l', 'e'),
    WORD(SQL_WORD_INTO, 'i', 'n', 't', 'o'),
    WORD(SQL_WORD_FOR, 'f', 'o', 'r'),
    WORD(SQL_WORD_UPDATE, 'u', 'p', 'd', 'a', 't', 'e'),
    WORD(SQL_WORD_SHARE, 's', 'h', 'a', 'r', 'e'),
    WORD(SQL_WORD_LOCK, 'l', 'o', 'c', 'k'),
    WORD(SQL_WORD_INSERT, 'i', 'n', 's', 'e', 'r', 't'),
    WORD(SQL_WORD_INSERT, 'r', 'e', 'p', 'l', 'a', 'c', 'e'),
    WORD(SQL_WORD_WRITE, 'd', 'e', 'l', 'e', 't', 'e'),
    WORD(SQL_WORD_WRITE, 'c', 'a', 'l', 'l'),
    WORD(SQL_WORD_WRITE, 'c', 'r', 'e', 'a', 't', 'e'),
    WORD(SQL_WORD_WRITE, 'a', 'l', 't', 'e', 'r'),
    WORD(SQL_WORD_WRITE, 'd', 'r', 'o', 'p'),
    WORD(SQL_WORD_WRITE, 'g', 'r', 'a', 'n', 't'),
    WORD(SQL_WORD_WRITE, 'r', 'e', 'v', 'o', 'k', 'e'),
    WORD(SQL_WORD_WRITE, 'l', 'o', 'a', 'd'),
    WORD(SQL_WORD_WRITE, 't', 'r', 'i', 'g', 'g', 'e', 'r'),
};

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
