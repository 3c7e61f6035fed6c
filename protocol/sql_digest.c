/*
 * sql_digest.c - folding lists of literals, and hashing what is left.
 *
 *   token ──> sql_fold_token() ──> tokens that go on ──> hash
 *             │
 *             └ holds a comma (or ", (", ", (?") back until it is known whether another literal follows:
 *               then the comma and the literal are one with what went before
 *
 *   ( ──> OPEN ──?──> ROW_LITERAL ──,──> ROW_COMMA ──?──> ROW_LITERAL          (?, ?)       is (?)
 *                         └──)──> ROW ──,──> NEXT ──(──> NEXT_OPEN ──?──> NEXT_LITERAL ──)──> ROW
 *                                                                          └──,──> NEXT_COMMA ──?──┘
 *   ? ──> LITERAL ──,──> COMMA ──?──> LITERAL                                  a = 1, 2     is a = ?
 */
#include "sql_digest.h"

#include <string.h>

enum state {
    NOWHERE = SQL_FOLD_NOWHERE,
    OPEN = SQL_FOLD_OPEN,
    LITERAL = SQL_FOLD_LITERAL,
    ROW_LITERAL = SQL_FOLD_ROW_LITERAL,
    ROW,
    /* from here on something is held back */
    COMMA,
    ROW_COMMA,
    NEXT,
    NEXT_OPEN,
    NEXT_LITERAL,
    NEXT_COMMA,
};

/* What a token is to the folding: '?' any literal, '(' ')' ',' themselves, 0 all else. */
static char symbol_of(const struct sql_token *token)
{
    switch (token->kind) {
    case SQL_TOKEN_STRING:
    case SQL_TOKEN_NUMBER:
    case SQL_TOKEN_PARAMETER: return '?';
    case SQL_TOKEN_PUNCTUATION:
        return token->punctuation == '(' || token->punctuation == ')' || token->punctuation == ','
                   ? token->punctuation
                   : 0;
    }
    return 0;
}

static bool hold(struct sql_fold *fold, enum state state, char symbol)
{
    fold->held[fold->held_count++] = symbol;
    fold->state = (uint8_t)state;
    return true;
}

/* The list went on: what was held is one with what went before. */
static bool swallow(struct sql_fold *fold, enum state state, unsigned held)
{
    fold->held_count = (uint8_t)held;
    fold->state = (uint8_t)state;
    return true;
}

/* Takes the symbol in if it continues a list; false if it has to come out. */
static bool absorb(struct sql_fold *fold, char symbol)
{
    switch (fold->state) {
    case LITERAL: return symbol == ',' && hold(fold, COMMA, ',');
    case ROW_LITERAL: return symbol == ',' && hold(fold, ROW_COMMA, ',');
    case ROW: return symbol == ',' && hold(fold, NEXT, ',');
    case COMMA: return symbol == '?' && swallow(fold, LITERAL, 0);
    case ROW_COMMA: return symbol == '?' && swallow(fold, ROW_LITERAL, 0);
    case NEXT: return symbol == '(' && hold(fold, NEXT_OPEN, '(');
    case NEXT_OPEN: return symbol == '?' && hold(fold, NEXT_LITERAL, '?');
    case NEXT_LITERAL:
        return (symbol == ')' && swallow(fold, ROW, 0)) || (symbol == ',' && hold(fold, NEXT_COMMA, ','));
    case NEXT_COMMA: return symbol == '?' && swallow(fold, NEXT_LITERAL, 3);
    }
    return false;
}

/* The state behind a symbol that came out. */
static enum state state_behind(const struct sql_fold *fold, char symbol)
{
    switch (symbol) {
    case '?': return fold->state == OPEN ? ROW_LITERAL : LITERAL;
    case '(': return OPEN;
    case ')': return fold->state == ROW_LITERAL ? ROW : NOWHERE;
    }
    return NOWHERE;
}

void sql_fold_end(struct sql_fold *fold, struct sql_folded *ret_held)
{
    ret_held->count = fold->held_count;
    memcpy(ret_held->held, fold->held, sizeof(ret_held->held));
    fold->held_count = 0;
    if (fold->state >= COMMA)
        fold->state = NOWHERE;
}

bool sql_fold_token(struct sql_fold *fold, const struct sql_token *token, struct sql_folded *ret_held)
{
    char symbol = symbol_of(token);

    if (fold->state >= LITERAL && symbol && absorb(fold, symbol))
        return false;
    sql_fold_end(fold, ret_held);
    fold->state = (uint8_t)state_behind(fold, symbol);
    return true;
}

static uint64_t hash_of(const struct sql_token *token)
{
    switch (token->kind) {
    case SQL_TOKEN_WORD:
    case SQL_TOKEN_QUOTED: return token->hash;
    case SQL_TOKEN_USER_VARIABLE: return token->hash ^ '@';
    case SQL_TOKEN_SYSTEM_VARIABLE: return token->hash ^ ('@' << 8);
    case SQL_TOKEN_PUNCTUATION: return (unsigned char)token->punctuation;
    case SQL_TOKEN_ASSIGN: return ':' << 8 | '=';
    case SQL_TOKEN_BROKEN: return '!';
    }
    return '?';
}

static void hash_held(struct sql_digest *digest, const struct sql_folded *held)
{
    for (unsigned i = 0; i < held->count; i++)
        digest->hash = sql_mix(digest->hash, (unsigned char)held->held[i]);
}

void sql_digest_any(struct sql_digest *digest, const struct sql_token *token)
{
    struct sql_folded held;

    if (sql_fold_token(&digest->fold, token, &held)) {
        hash_held(digest, &held);
        digest->hash = sql_mix(digest->hash, hash_of(token));
    }
}

uint64_t sql_digest_end(struct sql_digest *digest)
{
    struct sql_folded held;
    sql_fold_end(&digest->fold, &held);
    hash_held(digest, &held);
    return digest->hash ? digest->hash : 1;
}
