/*
 * sql_digest.h - the hash of a statement with its literals taken out, token by token. Private to the reading
 * of SQL.
 *
 * Lists of literals count as one literal, rows of them as one row: IN (1, 2, 3) is IN (?), VALUES (1, 2), (3,
 * 4) is VALUES (?). Names count without regard to case and quotes.
 */
#ifndef SQL_DIGEST_H
#define SQL_DIGEST_H

#include "sql_bytes.h"
#include "sql_lex.h"

enum { SQL_FOLD_HELD_MAX = 4 };

/* The states from which no list can go on; sql_digest.c has the others. */
enum { SQL_FOLD_NOWHERE, SQL_FOLD_OPEN, SQL_FOLD_LITERAL, SQL_FOLD_ROW_LITERAL };

/* Where in a list of literals we are, and what was held back because the list may go on. */
struct sql_fold {
    uint8_t state;
    uint8_t held_count;
    char held[SQL_FOLD_HELD_MAX]; /* ',', '(' or '?' */
};

/* What was held back and has to come out now, ahead of the token. */
struct sql_folded {
    uint8_t count;
    char held[SQL_FOLD_HELD_MAX];
};

/* False if the token is one with the list before it; else *ret_held comes out, then the token. */
bool sql_fold_token(struct sql_fold *fold, const struct sql_token *token, struct sql_folded *ret_held);
void sql_fold_end(struct sql_fold *fold, struct sql_folded *ret_held);

struct sql_digest {
    struct sql_fold fold;
    uint64_t hash;
};

/* A token that may belong to a list of literals. */
void sql_digest_any(struct sql_digest *digest, const struct sql_token *token);

static inline void sql_digest_token(struct sql_digest *digest, const struct sql_token *token)
{
    uint8_t state = digest->fold.state;

    if (sql_is_name(token) && digest->fold.held_count == 0) { /* no list goes on, none begins */
        digest->fold.state = SQL_FOLD_NOWHERE;
        digest->hash = sql_mix(digest->hash, token->hash);
    } else if (state <= SQL_FOLD_OPEN && token->kind == SQL_TOKEN_PUNCTUATION) {
        digest->fold.state = token->punctuation == '(' ? SQL_FOLD_OPEN : SQL_FOLD_NOWHERE;
        digest->hash = sql_mix(digest->hash, (unsigned char)token->punctuation);
    } else if (state <= SQL_FOLD_OPEN && token->kind == SQL_TOKEN_NUMBER) {
        digest->fold.state = state == SQL_FOLD_OPEN ? SQL_FOLD_ROW_LITERAL : SQL_FOLD_LITERAL;
        digest->hash = sql_mix(digest->hash, '?');
    } else {
        sql_digest_any(digest, token);
    }
}

uint64_t sql_digest_end(struct sql_digest *digest); /* never 0 */

#endif
