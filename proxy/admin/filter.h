/*
 * filter.h - what stands behind a SHOW command and chooses rows.
 *
 *   LIKE 'pattern'                       on the first column
 *   WHERE column = 'x' AND other > 5     also <> != < <= > >=, [NOT] LIKE, [NOT] IN (...), IS [NOT] NULL, OR
 *
 * AND binds tighter than OR; there are no parentheses. Numbers are compared as numbers, text in any case.
 */
#ifndef PROXY_ADMIN_FILTER_H
#define PROXY_ADMIN_FILTER_H

#include "result_set.h"
#include "words.h"

enum { FILTER_CONDITIONS_MAX = 32, FILTER_VALUES_MAX = 4096 /* bytes of all values */ };

enum filter_test {
    FILTER_EQUAL,     /* to one of several: IN */
    FILTER_NOT_EQUAL, /* to none of several: NOT IN */
    FILTER_LESS,
    FILTER_LESS_EQUAL,
    FILTER_GREATER,
    FILTER_GREATER_EQUAL,
    FILTER_LIKE,
    FILTER_NOT_LIKE,
    FILTER_IS_NULL,
    FILTER_IS_NOT_NULL,
};

struct filter_condition {
    bool begins_group; /* OR stood before it */
    size_t column;
    enum filter_test test;
    size_t values, values_count; /* the first one's place in filter->values, and how many there are */
};

struct filter {
    size_t count; /* 0: every row */
    struct filter_condition conditions[FILTER_CONDITIONS_MAX];
    size_t used;
    char values[FILTER_VALUES_MAX]; /* each ends with a NUL */
};

/*
 * Reads it if there is one, up to the statement's end or a word that belongs to something else. False: it is
 * faulty, and `why` says how ("no column 'x'; there are a, b").
 */
bool filter_read(struct words *words, const struct column *columns, size_t count, struct filter *ret_filter,
                 char *why, size_t size);
bool filter_admits(const struct filter *filter, const struct result_row *row);

/* LIKE: % for any text, _ for one byte, \ before either for itself; any case. */
bool filter_like(const char *text, size_t length, const char *pattern);

#endif
