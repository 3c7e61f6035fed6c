/*
 * sql_reader.h - what the readers of statements share. Private to the reading of SQL.
 *
 *   sql_read.c   the first word decides which reader goes on
 *   sql_proof.c  SELECT and every other expression: the proof that nothing but reading happens
 *   sql_calls.c  where FOUND_ROWS() and its kin stand
 *   sql_show.c   SHOW, EXPLAIN, DESCRIBE, ANALYZE
 *   sql_ddl.c    CREATE, ALTER, DROP, RENAME and accounts
 *   sql_set.c    SET
 *
 * A reader begins with the current token and leaves it at the statement's end (END, BROKEN or ';').
 */
#ifndef SQL_READER_H
#define SQL_READER_H

#include "sql_digest.h"
#include "sql_lex.h"
#include "sql_lex_short.h"
#include "sql_words.h"

enum { SQL_DEPTH_MAX = 63 };
enum { SQL_BACK_MAX = 3, SQL_WINDOW = 16 };

enum {
    SQL_AWAITS_ITEM = 1 << 0,  /* an item's first token */
    SQL_AWAITS_CLOSE = 1 << 1, /* the token behind a call's '(' */
};

struct sql_reader {
    struct sql_lexer lexer;
    const struct sql_options *options;
    struct sql_facts *facts;
    struct sql_digest digest;
    struct sql_token window[SQL_WINDOW]; /* tokens, one behind the other; when full, the last begin it anew */
    struct sql_token *now;               /* the current token; before it at least three */

    /* sql_proof.c */
    bool free_of_calls; /* names before parentheses are no calls here (column lists of DDL) */
    bool broken;        /* a token could not be read */
    unsigned depth;     /* open parentheses */
    unsigned outer;     /* the depth of the outermost SELECT: its leading parentheses */
    unsigned selects;   /* SELECTs met so far */
    uint64_t with_at;   /* bit n: between WITH and its SELECT, at depth n */
    uint64_t select_at; /* bit n: behind a SELECT at depth n */
    uint64_t from_at;   /* bit n: in the list of tables of a SELECT at depth n */
    bool into;          /* behind INTO: variables are assigned */

    /* sql_calls.c */
    bool in_list;        /* in a select list, and not within an item of another */
    unsigned list_depth; /* its depth */
    const char *item;    /* the current item's first token; NULL: it comes next */
    uint8_t item_calls;  /* facts->calls[] from here on are in the current item */
    uint8_t awaits;      /* SQL_AWAITS_ bits: what the next token may bring */
    int call;            /* enum sql_call_kind of the call whose ')' is awaited */
    const char *call_at; /* its name */
};

/* The token n before the current one, n <= SQL_BACK_MAX; kind END where there is none. */
static inline const struct sql_token *sql_back(const struct sql_reader *reader, unsigned n)
{
    return reader->now - n;
}

static inline const struct sql_token *sql_now(const struct sql_reader *reader)
{
    return sql_back(reader, 0);
}

void sql_reader_init(struct sql_reader *reader, const char *text, size_t length,
                     const struct sql_options *options, struct sql_facts *facts);

/* What is rare: doubts, names to compare with, trouble, the end. Hashes the token too. */
void sql_look_closer(struct sql_reader *reader, const struct sql_token *token);

/* To the next token; it is hashed, and compared with the names of the options. */
static inline const struct sql_token *sql_step_inline(struct sql_reader *reader)
{
    if (reader->now == &reader->window[SQL_WINDOW - 1]) {
        memcpy(reader->window, reader->now - (SQL_BACK_MAX - 1), SQL_BACK_MAX * sizeof(*reader->now));
        reader->now = &reader->window[SQL_BACK_MAX - 1];
    }
    struct sql_token *token = ++reader->now;

    if (!sql_lex_short(&reader->lexer, token))
        sql_lex_long(&reader->lexer, token);
    if (token->flags)
        sql_look_closer(reader, token);
    else
        sql_digest_token(&reader->digest, token);
    return token;
}
void sql_step(struct sql_reader *reader); /* the same, as a call */

/* Is the current token the end of the statement? */
static inline bool sql_at_end(const struct sql_reader *reader)
{
    return (sql_now(reader)->flags & SQL_ENDS) != 0;
}

/* The current token is this unquoted word (lower case). */
bool sql_at_word(const struct sql_reader *reader, const char *word);

/* If so, steps over it. */
bool sql_take_word(struct sql_reader *reader, const char *word);
bool sql_take_punctuation(struct sql_reader *reader, char punctuation);

/* Sets the reason if the statement was a read so far; the first reason stays, but for an unknown function and
 * an unproven view, which give way to any other: rules may admit those. */
void sql_blame(struct sql_reader *reader, enum sql_reason reason, const struct sql_token *because);

static inline void sql_effect(struct sql_reader *reader, uint32_t effects)
{
    reader->facts->effects |= effects;
}

/* The rest of the statement; the rest of the text, ';' included. */
void sql_skip_statement(struct sql_reader *reader);
void sql_skip_text(struct sql_reader *reader);

/* name or schema.name, stepped over; the last part's span, at NULL if there is no name. */
struct sql_span sql_take_name(struct sql_reader *reader);

/* Reads expressions and clauses up to the end of the statement: reasons, effects, calls. */
void sql_prove(struct sql_reader *reader);
void sql_prove_to(struct sql_reader *reader, const char *word); /* up to that word, or the end */
void sql_prove_token(struct sql_reader *reader);                /* the current token only, not stepped over */

/* sql_calls.c, for sql_proof.c */
void sql_calls_select(struct sql_reader *reader);   /* at SELECT */
void sql_calls_item_end(struct sql_reader *reader); /* at the token behind the item */
void sql_calls_list_end(struct sql_reader *reader); /* at the token behind the list */
void sql_calls_open(struct sql_reader *reader, enum sql_call_kind kind, const struct sql_token *name);
void sql_calls_await(struct sql_reader *reader); /* at the token that was awaited */
void sql_calls_add(struct sql_reader *reader, enum sql_call_kind kind, struct sql_span text);

/* Readers of statements, at the first word. */
void sql_read_statement(struct sql_reader *reader);
void sql_read_show(struct sql_reader *reader);
void sql_read_explain(struct sql_reader *reader);
void sql_read_analyze(struct sql_reader *reader);
void sql_read_create(struct sql_reader *reader);
void sql_read_alter(struct sql_reader *reader);
void sql_read_drop(struct sql_reader *reader);
void sql_read_rename(struct sql_reader *reader);
void sql_read_set(struct sql_reader *reader);

#endif
