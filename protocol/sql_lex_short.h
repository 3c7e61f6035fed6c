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
    token->hash = sql_name_hash(from, (size_t)(to - from), lexer->end, &token->key);
}

static inline const char *sql_skip_digits(const char *p, const char *end)
{
    while (p < end && (sql_class(p) & CLASS_DIGIT))
        p++;
    return p;
}

/* The end of the ASCII name that begins at p; NULL if it goes on otherwise, or is N'..' or its kin. */
static inline const char *sql_short_name(const char *p, const char *end)
{
    for (const char *to = p + 1; to < end; to++) {
        uint8_t class = sql_class(to);
        if (class & (CLASS_LETTER | CLASS_DIGIT))
            continue;
        return (class & CLASS_NAME) || (*to == '\'' && to - p == 1) ? NULL : to;
    }
    return end;
}

/* The end of the integer at p; NULL if it is more than that. */
static inline const char *sql_short_number(const char *p, const char *end)
{
    const char *to = sql_skip_digits(p + 1, end);
    return to < end && ((sql_class(to) & CLASS_NAME) || *to == '.') ? NULL : to;
}

/* False, and nothing done, if the next token needs the long way. */
static inline bool sql_lex_short(struct sql_lexer *lexer, struct sql_token *token)
{
    const char *from = lexer->at, *end = lexer->end, *to;
    enum sql_token_kind kind;
    uint8_t class;

    while (from < end && (sql_class(from) & CLASS_BLANK))
        from++;
    if (from >= end)
        return false;
    class = sql_class(from);
    if ((class & CLASS_LETTER) && lexer->options->charset == SQL_CHARSET_PLAIN) {
        to = sql_short_name(from, end);
        kind = SQL_TOKEN_WORD;
    } else if ((class & CLASS_DIGIT) && lexer->last_punctuation != '.') {
        to = sql_short_number(from, end);
        kind = SQL_TOKEN_NUMBER;
    } else if (class & CLASS_SINGLE) {
        to = from + 1;
        kind = SQL_TOKEN_PUNCTUATION;
    } else {
        return false;
    }
    if (!to)
        return false;
    /* Field by field: as one assignment compilers build it aside and copy it, which costs more than the rest.
     */
    token->text = from;
    token->length = (uint32_t)(to - from);
    token->kind = (uint8_t)kind;
    token->punctuation = kind == SQL_TOKEN_PUNCTUATION ? *from : '\0';
    token->flags = lexer->flags | (*from == ';' ? SQL_ENDS : 0);
    token->name = (struct sql_span){from, (uint32_t)(to - from)}; /* of signs and numbers: no keyword's */
    if (kind == SQL_TOKEN_WORD)
        token->hash = sql_name_hash(from, (size_t)(to - from), end, &token->key);
    lexer->at = to;
    lexer->last_kind = token->kind;
    lexer->last_punctuation = token->punctuation;
    lexer->tokens++;
    return true;
}

#endif
