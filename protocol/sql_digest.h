/*
 * sql_digest.h - the hash of a statement with its literals taken out, token by token. Private to the reading
 * of SQL.
 *
 * Lists of literals count as one literal, rows of them as one row: IN (1, 2, 3) is IN (?), VALUES (1, 2), (3,
 * 4) is VALUES (?). Names count without regard to case and quotes.
 */
#ifndef SQL_DIGEST_H
#define SQL_DIGEST_H

#include "sql_lex.h"

enum { SQL_FOLD_HELD_MAX = 4 };

/* Where in a list of literals we are, and what was held back because the list may go on. */
struct sql_fold {
    uint8_t state;
    uint8_t held_count;
    char held[SQL_FOLD_HELD_MAX]; /* ',', '(' or '?' */
};

/* What comes out when a token goes in: `held` first, then the token itself if `passes`. */
struct sql_folded {
    uint8_t count;
    char held[SQL_FOLD_HELD_MAX];
    bool passes;
};

struct sql_folded sql_fold_token(struct sql_fold *fold, const struct sql_token *token);
struct sql_folded sql_fold_end(struct sql_fold *fold);

struct sql_digest {
    struct sql_fold fold;
    uint64_t hash;
};

void sql_digest_token(struct sql_digest *digest, const struct sql_token *token);
uint64_t sql_digest_end(struct sql_digest *digest); /* never 0 */

#endif
