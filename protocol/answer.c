/*
 * answer.c - OK, EOF and ERR packets, and the session state that rides in OK.
 *
 *   OK   00|fe affected insert_id status warnings [info] [tracked]
 *   EOF  fe warnings status
 *   ERR  ff code ['#' SQLSTATE] message
 *
 *   tracked:  ( type | length | data )*      data of TRACK_SYSTEM_VARIABLE: ( name value )*
 *
 * Where servers of both flavours differ from the documentation: without CAP_SESSION_TRACK too, info comes
 * with its length; it is left out altogether when it is empty and nothing follows; TRACK_STATE_CHANGE's data
 * is a plain "1".
 */
#include "pointsman/protocol/answer.h"

#include <string.h>

enum { OK_HEADER = 0x00, EOF_HEADER = 0xfe, ERR_HEADER = 0xff, STATE_LENGTH = 5, EOF_LENGTH_MAX = 8 };

/* A string that fills what is left, with or without its length: servers and documentation don't agree. */
static struct bytes read_last(struct reader *r)
{
    struct reader measured = *r;
    struct bytes string = read_lenenc_bytes(&measured);

    if (!reader_done(&measured))
        return read_rest(r);
    *r = measured;
    return string;
}

/* ---- OK ---- */

bool answer_ok_read(const void *payload, size_t length, uint32_t capabilities, struct answer_ok *ret)
{
    struct reader r = reader_of(payload, length);
    struct answer_ok ok = {0};
    uint8_t header = read_u8(&r);

    if (header != OK_HEADER && header != EOF_HEADER)
        return false;
    ok.affected = read_lenenc(&r);
    ok.insert_id = read_lenenc(&r);
    ok.status = read_u16(&r);
    ok.warnings = read_u16(&r);
    if (reader_left(&r) > 0)
        ok.info = capabilities & CAP_SESSION_TRACK ? read_lenenc_bytes(&r) : read_last(&r);
    if (reader_left(&r) > 0 && (ok.status & STATUS_SESSION_STATE_CHANGED))
        ok.tracked = read_lenenc_bytes(&r);
    if (!reader_done(&r))
        return false;
    *ret = ok;
    return true;
}

void answer_ok_write(struct writer *w, uint8_t header, const struct answer_ok *ok, uint32_t capabilities)
{
    bool tracks = (capabilities & CAP_SESSION_TRACK) && ok->tracked.length > 0;
    unsigned status = ok->status & ~(unsigned)STATUS_SESSION_STATE_CHANGED;

    write_u8(w, header);
    write_lenenc(w, ok->affected);
    write_lenenc(w, ok->insert_id);
    write_u16(w, (uint16_t)(tracks ? status | STATUS_SESSION_STATE_CHANGED : status));
    write_u16(w, ok->warnings);
    if (tracks || ok->info.length > 0)
        write_lenenc_bytes(w, ok->info.at, ok->info.length);
    if (tracks)
        write_lenenc_bytes(w, ok->tracked.at, ok->tracked.length);
}

/* ---- EOF ---- */

bool answer_eof_read(const void *payload, size_t length, struct answer_eof *ret)
{
    struct reader r = reader_of(payload, length);
    struct answer_eof eof = {0};

    if (read_u8(&r) != EOF_HEADER || length > EOF_LENGTH_MAX)
        return false;
    eof.warnings = read_u16(&r);
    eof.status = read_u16(&r);
    if (r.bad)
        return false;
    *ret = eof;
    return true;
}

void answer_eof_write(struct writer *w, const struct answer_eof *eof)
{
    write_u8(w, EOF_HEADER);
    write_u16(w, eof->warnings);
    write_u16(w, eof->status);
}

/* ---- ERR ---- */

static bool is_state(const uint8_t *text)
{
    for (size_t i = 0; i < STATE_LENGTH; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z')))
            return false;
    return true;
}

bool answer_err_read(const void *payload, size_t length, struct answer_err *ret)
{
    struct reader r = reader_of(payload, length);
    struct answer_err err = {.state = "HY000"};

    if (read_u8(&r) != ERR_HEADER)
        return false;
    err.code = read_u16(&r);
    if (reader_left(&r) > STATE_LENGTH && r.at[0] == '#' && is_state(r.at + 1)) {
        memcpy(err.state, r.at + 1, STATE_LENGTH);
        read_skip(&r, 1 + STATE_LENGTH);
    }
    err.message = read_rest(&r);
    if (r.bad)
        return false;
    *ret = err;
    return true;
}

void answer_err_write(struct writer *w, uint16_t code, const char *state, const char *message, size_t length,
                      uint32_t capabilities)
{
    write_u8(w, ERR_HEADER);
    write_u16(w, code);
    if (capabilities & CAP_PROTOCOL_41) {
        bool whole = strlen(state) == STATE_LENGTH;
        write_u8(w, '#');
        write_bytes(w, whole ? state : "HY000", STATE_LENGTH);
    }
    write_bytes(w, message, length);
}

/* ---- session state ---- */

struct track_walk track_walk_of(struct bytes tracked)
{
    return (struct track_walk){
        .entries = reader_of(tracked.at, tracked.length),
        .pairs = reader_of(NULL, 0),
    };
}

/* Begins the next entry: its type, the whole of it, and a reader over its data. */
static void enter(struct track_walk *walk)
{
    const uint8_t *from = walk->entries.at;
    struct bytes data;

    walk->type = read_u8(&walk->entries);
    data = read_lenenc_bytes(&walk->entries);
    walk->raw = (struct bytes){.at = from, .length = (size_t)(walk->entries.at - from)};
    walk->pairs = reader_of(data.at, data.length);
}

/* The one value of an entry that isn't made of pairs. */
static struct bytes read_single(struct reader *data, uint8_t type)
{
    switch (type) {
    case TRACK_GTIDS:
        read_skip(data, 1); /* how the set is written: 0 is the only way */
        return read_lenenc_bytes(data);
    case TRACK_STATE_CHANGE: return read_last(data);
    case TRACK_SCHEMA:
    case TRACK_TRANSACTION_CHARACTERISTICS:
    case TRACK_TRANSACTION_STATE: return read_lenenc_bytes(data);
    default: return read_rest(data);
    }
}

bool track_next(struct track_walk *walk, struct track_entry *ret, bool *ret_bad)
{
    struct track_entry entry = {0};

    while (reader_left(&walk->pairs) == 0) {
        if (reader_left(&walk->entries) == 0)
            return false;
        enter(walk);
        if (walk->entries.bad) {
            *ret_bad = true;
            return false;
        }
    }
    entry.type = walk->type;
    if (walk->type == TRACK_SYSTEM_VARIABLE) {
        entry.name = read_lenenc_bytes(&walk->pairs);
        entry.value = read_lenenc_bytes(&walk->pairs);
    } else {
        entry.value = read_single(&walk->pairs, walk->type);
        (void)read_rest(&walk->pairs); /* what newer servers may add */
    }
    if (walk->pairs.bad) {
        walk->entries.bad = true; /* stays at the end */
        *ret_bad = true;
        return false;
    }
    entry.raw = walk->raw;
    walk->raw = (struct bytes){0};
    *ret = entry;
    return true;
}
