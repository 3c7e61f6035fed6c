/*
 * wire.c - two sticky cursors over borrowed memory.
 *
 *   reader:  at ─────────> end        take() is the only place that moves at; it checks against end once
 *   writer:  start .. at ──> end      room() is the only place that moves at; it checks against end once
 *
 * Everything else is built of these two, so that there is one bounds check to get right on either side.
 */
#include "pointsman/protocol/wire.h"
#include "pointsman/protocol/protocol.h"

#include <string.h>

/* First bytes of length-encoded integers (Protocol::LengthEncodedInteger). */
enum { LENENC_NULL = 0xfb, LENENC_2 = 0xfc, LENENC_3 = 0xfd, LENENC_8 = 0xfe };

/* ---- reading ---- */

struct reader reader_of(const void *data, size_t length)
{
    static const uint8_t nothing;
    const uint8_t *at = data ? data : &nothing; /* arithmetic on NULL is undefined */

    return (struct reader){.at = at, .end = at + (data ? length : 0)};
}

size_t reader_left(const struct reader *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->at);
}

bool reader_done(const struct reader *r)
{
    return !r->bad && r->at == r->end;
}

/* The next `length` bytes, or NULL and a fault. */
static const uint8_t *take(struct reader *r, size_t length)
{
    const uint8_t *at = r->at;

    if (r->bad || length > (size_t)(r->end - at)) {
        r->bad = true;
        return NULL;
    }
    r->at = at + length;
    return at;
}

/* A little-endian number of `size` bytes, 0 after a fault. */
static uint64_t take_number(struct reader *r, size_t size)
{
    const uint8_t *at = take(r, size);
    uint64_t value = 0;

    if (!at)
        return 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

uint8_t read_u8(struct reader *r)
{
    const uint8_t *at = take(r, 1);

    return at ? *at : 0;
}

uint16_t read_u16(struct reader *r)
{
    return (uint16_t)take_number(r, 2);
}

uint32_t read_u24(struct reader *r)
{
    return (uint32_t)take_number(r, 3);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)take_number(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return take_number(r, 8);
}

uint64_t read_lenenc(struct reader *r)
{
    uint8_t first = read_u8(r);

    if (first < LENENC_NULL)
        return first;
    switch (first) {
    case LENENC_2: return take_number(r, 2);
    case LENENC_3: return take_number(r, 3);
    case LENENC_8: return take_number(r, 8);
    default: r->bad = true; return 0;
    }
}

struct bytes read_bytes(struct reader *r, size_t length)
{
    const uint8_t *at = take(r, length);

    return (struct bytes){.at = at, .length = at ? length : 0};
}

struct bytes read_lenenc_bytes(struct reader *r)
{
    uint64_t length = read_lenenc(r);

    if (length > reader_left(r)) /* compared as 64 bits: no wrap where size_t is smaller */
        r->bad = true;
    return read_bytes(r, (size_t)length);
}

struct bytes read_value(struct reader *r)
{
    if (reader_left(r) > 0 && *r->at == LENENC_NULL) {
        r->at++;
        return (struct bytes){0};
    }
    return read_lenenc_bytes(r);
}

struct bytes read_nul(struct reader *r)
{
    size_t left = reader_left(r);
    const uint8_t *nul = left ? memchr(r->at, 0, left) : NULL;
    struct bytes string;

    if (!nul) {
        r->bad = true;
        return (struct bytes){0};
    }
    string = read_bytes(r, (size_t)(nul - r->at));
    read_skip(r, 1);
    return string;
}

struct bytes read_rest(struct reader *r)
{
    return read_bytes(r, reader_left(r));
}

void read_skip(struct reader *r, size_t length)
{
    (void)take(r, length);
}

/* ---- writing ---- */

struct writer writer_of(void *memory, size_t size)
{
    uint8_t *at = memory;

    return (struct writer){.start = at, .at = at, .end = at + size};
}

size_t writer_length(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

/* Room for `length` bytes, or NULL: from then on nothing is written. */
static uint8_t *room(struct writer *w, size_t length)
{
    uint8_t *at = w->at;

    if (w->full || length > (size_t)(w->end - at)) {
        w->full = true;
        return NULL;
    }
    w->at = at + length;
    return at;
}

static void put_number(struct writer *w, uint64_t value, size_t size)
{
    uint8_t *at = room(w, size);

    for (size_t i = 0; at && i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

void write_u8(struct writer *w, uint8_t value)
{
    put_number(w, value, 1);
}

void write_u16(struct writer *w, uint16_t value)
{
    put_number(w, value, 2);
}

void write_u24(struct writer *w, uint32_t value)
{
    put_number(w, value, 3);
}

void write_u32(struct writer *w, uint32_t value)
{
    put_number(w, value, 4);
}

void write_u64(struct writer *w, uint64_t value)
{
    put_number(w, value, 8);
}

void write_lenenc(struct writer *w, uint64_t value)
{
    if (value < LENENC_NULL) {
        write_u8(w, (uint8_t)value);
    } else if (value <= UINT16_MAX) {
        write_u8(w, LENENC_2);
        write_u16(w, (uint16_t)value);
    } else if (value <= PACKET_MAX) {
        write_u8(w, LENENC_3);
        write_u24(w, (uint32_t)value);
    } else {
        write_u8(w, LENENC_8);
        write_u64(w, value);
    }
}

void write_bytes(struct writer *w, const void *data, size_t length)
{
    uint8_t *at = room(w, length);

    if (at && length > 0)
        memcpy(at, data, length);
}

void write_lenenc_bytes(struct writer *w, const void *data, size_t length)
{
    write_lenenc(w, length);
    write_bytes(w, data, length);
}

void write_string(struct writer *w, const char *string)
{
    write_bytes(w, string, strlen(string));
}

void write_string_nul(struct writer *w, const char *string)
{
    write_bytes(w, string, strlen(string) + 1);
}

void write_zeros(struct writer *w, size_t count)
{
    uint8_t *at = room(w, count);

    if (at && count > 0)
        memset(at, 0, count);
}

/* ---- packets ---- */

size_t packet_begin(struct writer *w)
{
    size_t mark = writer_length(w);

    (void)room(w, PACKET_HEADER);
    return mark;
}

void packet_end(struct writer *w, size_t mark, uint8_t sequence)
{
    struct writer header = *w;
    size_t length = writer_length(w) - mark - PACKET_HEADER;

    if (w->full)
        return;
    if (length >= PACKET_MAX) { /* would need a continuation */
        w->full = true;
        return;
    }
    header.at = w->start + mark;
    write_u24(&header, (uint32_t)length);
    write_u8(&header, sequence);
}
