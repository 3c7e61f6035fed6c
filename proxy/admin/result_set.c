/* result_set.c - see result_set.h. Packets: page_protocol_com_query_response_text_resultset.html. */
#include "result_set.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "filter.h"
#include "pointsman/protocol/answer.h"

enum { CELL_NULL = 0xffffffff, CELL_HEADER = 4 };

void result_set_begin(struct result_set *set, const struct column *columns, size_t count)
{
    assert(count <= RESULT_COLUMNS_MAX);
    *set = (struct result_set){.columns = columns, .columns_count = count};
}

void result_set_done(struct result_set *set)
{
    free(set->cells);
    *set = (struct result_set){0};
}

/* ---- building ---- */

static bool reserve(struct result_set *set, size_t more)
{
    if (set->failed)
        return false;
    if (set->size - set->used >= more)
        return true;
    size_t size = (set->size ? set->size * 2 : 1024) + more;
    uint8_t *larger = realloc(set->cells, size);
    if (!larger) {
        set->failed = true;
        return false;
    }
    set->cells = larger;
    set->size = size;
    return true;
}

static void append(struct result_set *set, const void *text, uint32_t length)
{
    size_t bytes = length == (uint32_t)CELL_NULL ? 0 : length;
    set->row_cells++;
    if (!reserve(set, CELL_HEADER + bytes))
        return;
    memcpy(set->cells + set->used, &length, CELL_HEADER);
    if (bytes)
        memcpy(set->cells + set->used + CELL_HEADER, text, bytes);
    set->used += CELL_HEADER + bytes;
}

void result_bytes(struct result_set *set, const void *text, size_t length)
{
    enum { LONGEST = 1 << 20 }; /* far below a packet's limit */
    append(set, text, (uint32_t)(length < LONGEST ? length : LONGEST));
}

void result_null(struct result_set *set)
{
    append(set, NULL, (uint32_t)CELL_NULL);
}

void result_text(struct result_set *set, const char *text)
{
    if (text)
        result_bytes(set, text, strlen(text));
    else
        result_null(set);
}

void result_format(struct result_set *set, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    result_text(set, text);
}

void result_number(struct result_set *set, int64_t value)
{
    result_format(set, "%" PRId64, value);
}

void result_real(struct result_set *set, double value)
{
    result_format(set, "%.6g", value);
}

void result_time(struct result_set *set, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char text[32];
    if (ms < 0 || !gmtime_r(&seconds, &utc)) {
        result_null(set);
        return;
    }
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc);
    result_format(set, "%s.%03d", text, (int)(ms % 1000));
}

/* ---- rows ---- */

bool result_row_next(const struct result_set *set, size_t *at, struct result_row *ret_row)
{
    if (*at >= set->used)
        return false;
    ret_row->columns = set->columns;
    ret_row->count = set->columns_count;
    for (size_t i = 0; i < set->columns_count; i++) {
        uint32_t length;
        memcpy(&length, set->cells + *at, CELL_HEADER);
        *at += CELL_HEADER;
        bool null = length == (uint32_t)CELL_NULL;
        ret_row->values[i] = null ? (struct bytes){NULL, 0} : (struct bytes){set->cells + *at, length};
        *at += ret_row->values[i].length;
    }
    return true;
}

void result_row_end(struct result_set *set)
{
    assert(set->row_cells == set->columns_count);
    set->row_cells = 0;
    if (set->failed)
        return;
    struct result_row row;
    size_t at = set->row_start;
    if (set->filter && result_row_next(set, &at, &row) && !filter_admits(set->filter, &row)) {
        set->used = set->row_start;
        return;
    }
    set->row_start = set->used;
    set->rows++;
}

/* ---- writing ---- */

/* What a column definition says of a type. */
static const struct {
    uint8_t code;
    uint16_t collation;
    uint32_t length;
    uint16_t flags;
    uint8_t decimals;
} types[] = {
    [COLUMN_TEXT] = {253, 45, 4096, 0, 0},
    [COLUMN_NUMBER] = {8, 63, 20, 128, 0}, /* the flag BINARY, as servers set it for numbers */
    [COLUMN_REAL] = {5, 63, 22, 128, 31},
    [COLUMN_TIME] = {12, 63, 23, 128, 3},
};

static void write_definition(struct writer *w, const struct column *column)
{
    write_lenenc_bytes(w, "def", 3);
    for (int i = 0; i < 3; i++)
        write_lenenc(w, 0); /* schema, table, its name before an alias */
    write_lenenc_bytes(w, column->name, strlen(column->name));
    write_lenenc_bytes(w, column->name, strlen(column->name));
    write_lenenc(w, 12); /* length of what follows */
    write_u16(w, types[column->type].collation);
    write_u32(w, types[column->type].length);
    write_u8(w, types[column->type].code);
    write_u16(w, types[column->type].flags);
    write_u8(w, types[column->type].decimals);
    write_zeros(w, 2);
}

static void write_end(struct writer *w, uint32_t capabilities, uint8_t *sequence)
{
    size_t mark = packet_begin(w);
    if (capabilities & CAP_DEPRECATE_EOF)
        answer_ok_write(w, 0xfe, &(struct answer_ok){.status = STATUS_AUTOCOMMIT}, capabilities);
    else
        answer_eof_write(w, &(struct answer_eof){.status = STATUS_AUTOCOMMIT});
    packet_end(w, mark, (*sequence)++);
}

static void write_head(struct writer *w, const struct result_set *set, uint32_t capabilities,
                       uint8_t *sequence)
{
    size_t mark = packet_begin(w);
    write_lenenc(w, set->columns_count);
    packet_end(w, mark, (*sequence)++);
    for (size_t i = 0; i < set->columns_count; i++) {
        mark = packet_begin(w);
        write_definition(w, &set->columns[i]);
        packet_end(w, mark, (*sequence)++);
    }
    if (!(capabilities & CAP_DEPRECATE_EOF))
        write_end(w, capabilities, sequence);
}

static void write_row(struct writer *w, const struct result_row *row, uint8_t sequence)
{
    size_t mark = packet_begin(w);
    for (size_t i = 0; i < row->count; i++) {
        if (row->values[i].at)
            write_lenenc_bytes(w, row->values[i].at, row->values[i].length);
        else
            write_u8(w, 0xfb); /* NULL */
    }
    packet_end(w, mark, sequence);
}

static size_t most_bytes(const struct result_set *set)
{
    size_t bytes = 64;
    for (size_t i = 0; i < set->columns_count; i++)
        bytes += 64 + 2 * strlen(set->columns[i].name);
    return bytes + set->used + set->rows * (PACKET_HEADER + set->columns_count * 9);
}

uint8_t *result_set_write(const struct result_set *set, uint32_t capabilities, uint8_t *sequence,
                          size_t *ret_length)
{
    size_t size = most_bytes(set), at = 0;
    uint8_t *memory = set->failed ? NULL : malloc(size);
    if (!memory)
        return NULL;
    struct writer w = writer_of(memory, size);
    struct result_row row;
    write_head(&w, set, capabilities, sequence);
    while (result_row_next(set, &at, &row))
        write_row(&w, &row, (*sequence)++);
    write_end(&w, capabilities, sequence);
    assert(!w.full);
    *ret_length = writer_length(&w);
    return memory;
}
