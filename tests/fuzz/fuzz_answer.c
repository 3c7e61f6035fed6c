/*
 * fuzz_answer.c - OK, EOF and ERR come back from their own writing; session state can be walked and is
 * covered by its entries' raw bytes.
 *
 *   input: 0x01 for a connection with CAP_SESSION_TRACK (1 byte), the payload
 */
#include "pointsman/protocol/answer.h"
#include "same.h"

static void walk(struct bytes tracked)
{
    struct track_walk walk = track_walk_of(tracked);
    struct track_entry entry;
    bool bad = false;

    while (track_next(&walk, &entry, &bad)) {
        require(!bad);
        require(!entry.name.at || entry.type == TRACK_SYSTEM_VARIABLE);
        if (entry.raw.at)
            require(entry.raw.at >= tracked.at && entry.raw.length <= tracked.length &&
                    entry.raw.at[0] == entry.type);
    }
    require(!track_next(&walk, &entry, &bad));
}

static void ok(const uint8_t *payload, size_t size, uint32_t capabilities)
{
    const unsigned changed = STATUS_SESSION_STATE_CHANGED;
    struct answer_ok first, second;
    struct writer w;

    if (!answer_ok_read(payload, size, capabilities, &first))
        return;
    walk(first.tracked);
    w = room_for(size);
    answer_ok_write(&w, payload[0], &first, capabilities);
    require(!w.full && w.start[0] == payload[0]);
    require(answer_ok_read(w.start, writer_length(&w), capabilities, &second));
    require(first.affected == second.affected && first.insert_id == second.insert_id);
    require((first.status | changed) == (second.status | changed) && first.warnings == second.warnings);
    require(!!(second.status & changed) == (second.tracked.length > 0));
    require(first.info.length == second.info.length && first.tracked.length == second.tracked.length);
    require(first.info.length == 0 || memcmp(first.info.at, second.info.at, first.info.length) == 0);
    require(first.tracked.length == 0 ||
            memcmp(first.tracked.at, second.tracked.at, first.tracked.length) == 0);
    free(w.start);
}

static void eof(const uint8_t *payload, size_t size)
{
    struct answer_eof first, second;
    struct writer w;

    if (!answer_eof_read(payload, size, &first))
        return;
    w = room_for(size);
    answer_eof_write(&w, &first);
    require(answer_eof_read(w.start, writer_length(&w), &second));
    require(first.status == second.status && first.warnings == second.warnings);
    free(w.start);
}

static void err(const uint8_t *payload, size_t size)
{
    struct answer_err first, second;
    struct writer w;

    if (!answer_err_read(payload, size, &first))
        return;
    require(strlen(first.state) == 5);
    w = room_for(size);
    answer_err_write(&w, first.code, first.state, (const char *)first.message.at, first.message.length,
                     CAP_PROTOCOL_41);
    require(!w.full);
    require(answer_err_read(w.start, writer_length(&w), &second));
    require(first.code == second.code && strcmp(first.state, second.state) == 0);
    require_same(first.message, second.message);
    free(w.start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    uint32_t capabilities = CAP_PROTOCOL_41 | (read_u8(&r) & 1 ? CAP_SESSION_TRACK : 0);
    struct bytes payload = read_rest(&r);

    if (!payload.at)
        return 0;
    ok(payload.at, payload.length, capabilities);
    eof(payload.at, payload.length);
    err(payload.at, payload.length);
    walk(payload);
    return 0;
}
