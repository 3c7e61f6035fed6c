/*
 * result_set.h - a result set in memory: built cell by cell, then written as the text protocol's packets.
 *
 *   result_set_begin(columns) ─> result_text, result_number, ... one a column ─> result_row_end ─┐
 *                                     ^──────────────────── next row ────────────────────────────┘
 *   result_set_write(): column count · definitions · [EOF] · rows · EOF or OK
 *
 * A filter, if there is one, sees each row when it ends and may drop it. Want of memory is remembered
 * (`failed`) and told once by result_set_write().
 */
#ifndef PROXY_ADMIN_RESULT_SET_H
#define PROXY_ADMIN_RESULT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pointsman/protocol/wire.h"

enum column_type {
    COLUMN_TEXT,   /* VARCHAR, utf8mb4 */
    COLUMN_NUMBER, /* BIGINT */
    COLUMN_REAL,   /* DOUBLE */
    COLUMN_TIME,   /* DATETIME(3), UTC */
};

struct column {
    const char *name;
    enum column_type type;
};

enum { RESULT_COLUMNS_MAX = 64 };

/* A row as a filter sees it: values borrowed, at NULL for SQL's NULL. */
struct result_row {
    const struct column *columns;
    size_t count;
    struct bytes values[RESULT_COLUMNS_MAX];
};

struct filter;

struct result_set {
    const struct column *columns; /* borrowed */
    size_t columns_count;
    const struct filter *filter; /* borrowed; NULL: every row stays */
    uint8_t *cells;              /* owned: for each value its length (UINT32_MAX: NULL), then its bytes */
    size_t used, size;
    size_t row_start; /* where the present row begins in cells */
    size_t row_cells; /* of the present row */
    size_t rows;
    bool failed;
};

void result_set_begin(struct result_set *set, const struct column *columns, size_t count);
void result_set_done(struct result_set *set);

void result_text(struct result_set *set, const char *text); /* NULL: SQL's NULL */
void result_bytes(struct result_set *set, const void *text, size_t length);
void result_format(struct result_set *set, const char *format, ...) __attribute__((format(printf, 2, 3)));
void result_number(struct result_set *set, int64_t value);
void result_real(struct result_set *set, double value);
void result_time(struct result_set *set, int64_t ms); /* since 1970 */
void result_null(struct result_set *set);
void result_row_end(struct result_set *set);

/* Row by row: *at begins as 0; false: no more. */
bool result_row_next(const struct result_set *set, size_t *at, struct result_row *ret_row);

/* The packets, for a connection with these capabilities; *sequence is that of the first and is moved on.
 * Memory to be freed by the caller; NULL: no memory. */
uint8_t *result_set_write(const struct result_set *set, uint32_t capabilities, uint8_t *sequence,
                          size_t *ret_length);

#endif
