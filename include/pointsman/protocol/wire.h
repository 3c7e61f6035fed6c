/*
 * wire.h - reading and writing MySQL's data types.
 *
 * Both cursors remember the first fault and do nothing afterwards: read the whole packet, then check once.
 *
 *   struct reader r = reader_of(packet, length);
 *   a = read_u8(&r); b = read_u16(&r); ...
 *   if (!reader_done(&r)) -> malformed (or something is left over)
 */
#ifndef POINTSMAN_PROTOCOL_WIRE_H
#define POINTSMAN_PROTOCOL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes in somebody else's memory (borrowed). at is NULL for SQL's NULL or an absent field. */
struct bytes {
    const uint8_t *at;
    size_t length;
};

struct reader {
    const uint8_t *at, *end;
    bool bad; /* sticky: something was missing or malformed */
};

struct reader reader_of(const void *data, size_t length);
size_t reader_left(const struct reader *r); /* 0 after a fault */
bool reader_done(const struct reader *r);   /* no fault, nothing left */
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u24(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
uint64_t read_lenenc(struct reader *r); /* Protocol::LengthEncodedInteger; 0xfb and 0xff are faults */
struct bytes read_bytes(struct reader *r, size_t length);
struct bytes read_lenenc_bytes(struct reader *r);
struct bytes read_value(struct reader *r); /* a text row's value: as above, but 0xfb is NULL (at NULL) */
struct bytes read_nul(struct reader *r);   /* up to a NUL, which is consumed and not part; it must be there */
struct bytes read_rest(struct reader *r);
void read_skip(struct reader *r, size_t length);

struct writer {
    uint8_t *start, *at, *end;
    bool full; /* sticky: it didn't fit; nothing past the end was written */
};

struct writer writer_of(void *memory, size_t size);
size_t writer_length(const struct writer *w);
void write_u8(struct writer *w, uint8_t value);
void write_u16(struct writer *w, uint16_t value);
void write_u24(struct writer *w, uint32_t value);
void write_u32(struct writer *w, uint32_t value);
void write_u64(struct writer *w, uint64_t value);
void write_lenenc(struct writer *w, uint64_t value);
void write_bytes(struct writer *w, const void *data, size_t length);
void write_lenenc_bytes(struct writer *w, const void *data, size_t length);
void write_string(struct writer *w, const char *string);     /* without its NUL */
void write_string_nul(struct writer *w, const char *string); /* with its NUL */
void write_zeros(struct writer *w, size_t count);

/*
 * A packet is begun (room for its header is left), its payload written, and ended (the header is filled in).
 * Payloads here are always shorter than PACKET_MAX.
 */
size_t packet_begin(struct writer *w); /* returns a mark */
void packet_end(struct writer *w, size_t mark, uint8_t sequence);

/* The header of a packet: payload length and sequence id. data has at least PACKET_HEADER bytes. */
static inline uint32_t packet_length(const uint8_t *data)
{
    return data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;
}
static inline uint8_t packet_sequence(const uint8_t *data)
{
    return data[3];
}

#endif
