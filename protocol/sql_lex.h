/*
 * sql_lex.h - a statement's text as tokens, cut where the server would cut it.
 *
 * Private to the reading of SQL. A token borrows the text; nothing is copied, nothing can overrun:
 * the lexer reads text[0..length) and not a byte more.
 */
#ifndef SQL_LEX_H
#define SQL_LEX_H

#include <string.h>
#include <strings.h>

#include "pointsman/protocol/sql.h"

enum sql_token_kind {
    SQL_TOKEN_END,
    SQL_TOKEN_WORD,            /* an unquoted name or keyword */
    SQL_TOKEN_QUOTED,          /* a name in backticks (or double quotes under ANSI_QUOTES) */
    SQL_TOKEN_STRING,          /* 'x', "x", N'x', X'4D', B'01' */
    SQL_TOKEN_NUMBER,          /* 1, 1.5e-3, 0x4D, 0b01 */
    SQL_TOKEN_PARAMETER,       /* ? */
    SQL_TOKEN_USER_VARIABLE,   /* @a, @'a', @`a`, @"a" */
    SQL_TOKEN_SYSTEM_VARIABLE, /* @@a, @@`a`; a scope's dot and name are tokens of their own */
    SQL_TOKEN_ASSIGN,          /* := */
    SQL_TOKEN_PUNCTUATION,     /* one character */
    SQL_TOKEN_BROKEN,          /* unclosed quote or comment, a NUL, a byte that nobody knows how to read */
};

enum {
    SQL_ENDS = 1 << 0,    /* END, BROKEN or ';': the statement ends here */
    SQL_DUBIOUS = 1 << 1, /* a server with another character set might cut this word differently */
    SQL_COMPARE = 1 << 2, /* names are to be compared with sets of names (sql_reader.c) */
};

struct sql_token {
    _Alignas(16) const char *text; /* as written, quotes and all (BROKEN: where the trouble begins) */
    uint32_t length;
    uint8_t kind;     /* enum sql_token_kind */
    char punctuation; /* PUNCTUATION: the character; else 0 */
    uint8_t flags;    /* SQL_ENDS and so on */
    struct sql_span
        name;      /* WORD, QUOTED and variables: without @ and quotes (doubled quotes left as they are) */
    uint64_t key;  /* names: the first eight bytes without case (SQL_KEY), zeroes behind */
    uint64_t hash; /* names: of the whole name without case */
};

struct sql_lexer {
    const char *begin, *at, *end; /* borrowed; begin <= at <= end */
    const struct sql_options *options;
    struct sql_hint *hint; /* where a pointsman: comment among the first tokens goes; NULL: nowhere */
    const char *behind;    /* the last token's end, before the gap */
    bool in_code;          /* inside of an executable comment */
    uint8_t flags;         /* what every token gets */
    uint8_t last_kind;     /* of the token before */
    char last_punctuation;
    unsigned tokens; /* how many were given out */
};

void sql_lex_init(struct sql_lexer *lexer, const char *text, size_t length, const struct sql_options *options,
                  struct sql_hint *hint);

/* The next token. At the end: END for ever; after trouble: BROKEN for ever. */
void sql_lex_next(struct sql_lexer *lexer, struct sql_token *token);

/* The key of a literal word, to compare with: SQL_KEY('s', 'y', 's'). Up to eight letters. */
#define SQL_KEY_(a, b, c, d, e, f, g, h, ...)                                                                \
    (((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | (uint64_t)(e) << 32 | \
      (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56) &                                     \
     UINT64_C(0xdfdfdfdfdfdfdfdf))
#define SQL_KEY(...) SQL_KEY_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0, 0)

/* Is the token's name this one? `name` in lower case; cheapest if it is a literal. */
static inline bool sql_token_is(const struct sql_token *token, const char *name)
{
    size_t length = strlen(name);
    return token->name.length == length && strncasecmp(token->name.at, name, length) == 0;
}

static inline bool sql_is_name(const struct sql_token *token)
{
    return token->kind == SQL_TOKEN_WORD || token->kind == SQL_TOKEN_QUOTED;
}

/* Nothing stands between the two? */
static inline bool sql_touches(const struct sql_token *first, const struct sql_token *next)
{
    return first->text + first->length == next->text;
}

static inline struct sql_span sql_token_span(const struct sql_token *token)
{
    return (struct sql_span){token->text, token->length};
}

#endif
