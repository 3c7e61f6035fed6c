/*
 * sql_lex_short.h - the short way through the lexer, for nearly all tokens of nearly all statements; inline.
 *
 *   blanks ──> a name in ASCII | an integer | a sign that never means more ──> token
 *          └─> all else: the long way (sql_lex.c)
 */
#ifndef SQL_LEX_SHORT_H
#define SQL_LEX_SHORT_H

#include "sql_bytes.h"
#include "sql_lex.h"

enum {
    CLASS_NAME = 1,  /* part of an unquoted name */
    CLASS_DIGIT = 2, /* 0-9 */
    CLASS_BLANK = 4, /* what every character set calls a blank */
    CLASS_HIGH = 8,  /* above ASCII */
    /* A blank in latin1 and others (A0) or in cp852 and others (FF), a letter elsewhere. */
    CLASS_DUBIOUS = 16,
    CLASS_BAD = 32,     /* control characters: no server takes them outside of quotes */
    CLASS_LETTER = 64,  /* an ASCII letter or an underscore: begins a name */
    CLASS_SINGLE = 128, /* a token by itself, whatever follows */
};

extern const uint8_t sql_classes[256];

static inline uint8_t sql_class(const char *p)
{
    return sql_classes[(unsigned char)*p];
}

/* The long way: any token. */
void sql_lex_long(struct sql_lexer *lexer, struct sql_token *token);

static inline void sql_set_name(struct sql_lexer *lexer, struct sql_token *token, const char *from,
                                const char *to)
{
    token->name = (struct sql_span){from, (uint32_t)(to - from)};
    token->hash = sql_name_hash(from, to, lexer->begin, &token->key);
}

static inline const char *sql_skip_digits(const char *p, const char *end)
{
    while (p < end && (sql_class(p) & CLASS_DIGIT))
        p++;
    return p;
}

/* The end of the ASCII name that begins at p, read into token->key and hash; NULL if it goes on otherwise, or
   is N'..' or its kin. */
static inline const char *sql_short_name(const struct sql_lexer *lexer, struct sql_token *token,
                                         const char *p)
{
    const char *from = p, *end = lexer->end;
    uint64_t lane = sql_load(p, lexer->begin, end), ends = ~sql_name_bytes(lane);
    uint64_t hash = SQL_FOLD(sql_before(lane, ends));

    token->key = hash;
    while (!ends) {
        p += 8;
        lane = sql_load(p, lexer->begin, end);
        ends = ~sql_name_bytes(lane);
        if ((lane = sql_before(lane, ends)) != 0)
            hash = sql_mix(hash, SQL_FOLD(lane));
    }
    token->hash = hash;
    p += (unsigned)__builtin_ctzll(ends) / 8;
    return p < end && ((sql_class(p) & CLASS_NAME) || (*p == '\'' && p - from == 1)) ? NULL : p;
}

/* The end of the integer at p; NULL if it is more than that. */
static inline const char *sql_short_number(const char *p, const char *end)
{
    const char *to = sql_skip_digits(p + 1, end);
    return to < end && ((sql_class(to) & CLASS_NAME) || *to == '.') ? NULL : to;
}

/* A token's fields but key and hash; field by field: as one assignment compilers build it aside and copy it,
   which costs more than the rest. Inlined, so that most of them are constants. */
__attribute__((always_inline)) static inline void sql_give(struct sql_lexer *lexer, struct sql_token *token,
                                                           enum sql_token_kind kind, char punctuation,
                                                           const char *from, const char *to)
{
    token->text = from;
    token->length = (uint32_t)(to - from);
    token->kind = (uint8_t)kind;
    token->punctuation = punctuation;
    token->flags = lexer->flags;
    token->name = (struct sql_span){from, (uint32_t)(to - from)}; /* of signs and numbers: no keyword's */
    lexer->at = to;
    lexer->last_kind = (uint8_t)kind;
    lexer->last_punctuation = punctuation;
    lexer->tokens++;
}

/* False, and nothing stepped over, if the next token needs the long way. */
static inline bool sql_lex_short(struct sql_lexer *lexer, struct sql_token *token)
{
    const char *from = lexer->at, *end = lexer->end, *to;
    uint8_t class = CLASS_BLANK; /* at the end too: none of those below */

    while (from < end && ((class = sql_class(from)) & CLASS_BLANK))
        from++;
    if (class & CLASS_LETTER) {
        to = sql_short_name(lexer, token, from);
        if (!to)
            return false;
        sql_give(lexer, token, SQL_TOKEN_WORD, '\0', from, to);
    } else if ((class & CLASS_DIGIT) && lexer->last_punctuation != '.') {
        to = sql_short_number(from, end);
        if (!to)
            return false;
        sql_give(lexer, token, SQL_TOKEN_NUMBER, '\0', from, to);
    } else if (class & CLASS_SINGLE) {
        sql_give(lexer, token, SQL_TOKEN_PUNCTUATION, *from, from, from + 1);
        token->flags |= *from == ';' ? SQL_ENDS : 0;
    } else {
        return false;
    }
    return true;
}

#endif
