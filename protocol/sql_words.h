/*
 * sql_words.h - the keywords that the proof of a read looks at. Private to the reading of SQL.
 */
#ifndef SQL_WORDS_H
#define SQL_WORDS_H

#include "sql_lex.h"

enum sql_word {
    SQL_WORD_OTHER,
    SQL_WORD_SELECT,
    SQL_WORD_FROM,
    SQL_WORD_CLAUSE, /* WHERE, GROUP, HAVING, ORDER, WINDOW: the list of tables is over */
    SQL_WORD_BY,
    SQL_WORD_LIMIT,      /* LIMIT, FETCH, OFFSET */
    SQL_WORD_UNION,      /* UNION, INTERSECT, EXCEPT, MINUS */
    SQL_WORD_CALC_FOUND, /* SQL_CALC_FOUND_ROWS */
    SQL_WORD_WITH,
    SQL_WORD_VALUES, /* VALUES, TABLE */
    SQL_WORD_INTO,
    SQL_WORD_FOR,
    SQL_WORD_UPDATE,
    SQL_WORD_SHARE,
    SQL_WORD_LOCK,
    SQL_WORD_PROCEDURE,
    SQL_WORD_WRITE,    /* DELETE, CALL, CREATE, ...: no part of a read */
    SQL_WORD_INSERT,   /* INSERT, REPLACE: functions too */
    SQL_WORD_UNPROVEN, /* TABLESAMPLE */
};

/* Words of up to eight letters have a slot each, which a multiplication finds: most names are told from them
   by one comparison. */
enum { SQL_WORD_SLOTS = 64 };
#define SQL_WORD_SLOT(key) ((key)*UINT64_C(0x7b52d80e43209be5) >> 58)

struct sql_word_slot {
    uint64_t key;
    enum sql_word word;
};
extern const struct sql_word_slot sql_word_slots[SQL_WORD_SLOTS];

enum sql_word sql_word_long(const struct sql_token *token); /* of more than eight letters */

/* Of an unquoted word. */
static inline enum sql_word sql_word(const struct sql_token *token)
{
    const struct sql_word_slot *slot = &sql_word_slots[SQL_WORD_SLOT(token->key)];

    if (token->name.length > 8)
        return sql_word_long(token);
    return slot->key == token->key ? slot->word : SQL_WORD_OTHER;
}

/* DISTINCT, SQL_NO_CACHE and so on: what stands between SELECT and its first item. */
bool sql_word_is_modifier(const struct sql_token *token);

/* AND, IS, COLLATE and so on: an operand follows, so what follows is no alias. */
bool sql_word_is_operator(const struct sql_token *token);

#endif
