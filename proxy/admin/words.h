/*
 * words.h - reading a console statement word by word.
 *
 *   "SET SERVER `db1` WEIGHT 3;"  ─word_next()─>  SET · SERVER · db1 · WEIGHT · 3 · end
 *
 * Blanks and comments (-- , #, slash star) are skipped, a last ';' too. Nothing is copied but quoted text
 * that holds a doubled quote or a backslash; results point into the statement or into the reader's own
 * buffer.
 */
#ifndef PROXY_ADMIN_WORDS_H
#define PROXY_ADMIN_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum word_kind {
    WORD_END,
    WORD_NAME,     /* letters, digits, _ $ . - @ (not beginning with a digit) and anything in backticks */
    WORD_NUMBER,   /* digits, perhaps with a point */
    WORD_TEXT,     /* in single or double quotes */
    WORD_OPERATOR, /* = <> != <= >= < > ( ) , * and any other single byte */
    WORD_BAD,      /* a quote or comment that does not end */
};

enum { WORD_MAX = 256 /* bytes of a quoted word with its NUL; longer ones are bad */ };

struct word {
    enum word_kind kind;
    const char *at; /* borrowed: of the statement, or of the reader */
    size_t length;
    const char *start; /* where it begins in the statement, its quote included */
};

struct words {
    const char *at, *end;
    char unquoted[4][WORD_MAX]; /* turn by turn: at least the last four quoted words stay */
    unsigned turn;
};

struct words words_of(const char *text, size_t length);
struct word word_next(struct words *words);
struct word word_peek(const struct words *words); /* of a quoted word only kind, start are of use */

/* Whether it is this word (any case), and no quoted one. */
bool word_is(const struct word *word, const char *what);
/* Takes the next word if it is this one. */
bool word_take(struct words *words, const char *what);
/* A name, a number or a quoted text into out, with a NUL. False: it is none, or too long. */
bool word_copy(const struct word *word, char *out, size_t size);
/* A whole number. False: it is none or too big. */
bool word_number(const struct word *word, uint64_t *ret_number);

#endif
