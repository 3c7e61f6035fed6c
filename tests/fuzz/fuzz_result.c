/*
 * fuzz_result.c - the result tracker sees the same events however its bytes are cut, and never reads past a
 * span.
 *
 *   input: shape (1 byte), capabilities (1 byte, see below), a seed for the cuts (2 bytes), the server's
 * bytes
 *
 * Each span is a copy of its own, so that a sanitizer sees where it ends. Spans keep what wasn't consumed, as
 * a connection's buffer does. RESULT_BYTES in a row count as one.
 */
#include "pointsman/protocol/result.h"
#include "same.h"

enum { EVENTS_MAX = 256 };

struct seen {
    struct {
        size_t at;
        enum result_event_kind kind;
        bool end, ends_result;
        uint16_t status, warnings;
    } events[EVENTS_MAX];
    size_t count;
    struct result result;
};

static void check_event(const struct result_event *event, const uint8_t *span, size_t n)
{
    require(event->length <= n);
    require((event->length == 0) == (event->kind == RESULT_MORE || event->kind == RESULT_BAD));
    if (event->packet)
        require(event->packet == span && event->length == PACKET_HEADER + packet_length(event->packet));
    if (event->end)
        require(event->kind != RESULT_LOCAL_INFILE && event->length > 0);
}

static void note(struct seen *seen, const struct result_event *event, size_t at)
{
    size_t i = seen->count;

    if (i > 0 && event->kind == RESULT_BYTES && seen->events[i - 1].kind == RESULT_BYTES)
        i--;
    seen->events[i].at = at;
    seen->events[i].kind = event->kind;
    seen->events[i].end = event->end;
    seen->events[i].ends_result = event->ends_result;
    seen->events[i].status = event->status;
    seen->events[i].warnings = event->warnings;
    seen->count = i + 1;
}

/* How many bytes come next: few, or, with seed 0, all. */
static size_t next_part(uint32_t *seed, size_t left)
{
    size_t part;

    if (*seed == 0)
        return left;
    *seed = *seed * 1103515245u + 12345u;
    part = 1 + (*seed >> 16) % ((*seed >> 8) & 1 ? 3 : 40);
    return part < left ? part : left;
}

static void run(struct seen *seen, enum result_shape shape, uint32_t capabilities, struct bytes bytes,
                uint32_t seed)
{
    size_t at = 0, there = 0;
    struct result_event event;

    memset(seen, 0, sizeof *seen);
    result_begin(&seen->result, shape, capabilities);
    do {
        uint8_t *span = malloc(there - at + 1);
        require(span != NULL);
        if (there > at) /* the last byte of the copy is the last of the allocation */
            memcpy(span + 1, bytes.at + at, there - at);
        result_next(&seen->result, span + 1, there - at, &event);
        check_event(&event, span + 1, there - at);
        free(span);
        at += event.length;
        if (event.kind != RESULT_MORE)
            note(seen, &event, at);
        else if (there == bytes.length)
            break;
        else
            there += next_part(&seed, bytes.length - there);
    } while (event.kind != RESULT_BAD && seen->count < EVENTS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seen whole, cut;
    struct reader r = reader_of(data, size);
    enum result_shape shape = read_u8(&r) % (RESULT_SHAPE_ENDLESS + 1);
    uint8_t bits = read_u8(&r);
    uint32_t seed = 1 + read_u16(&r), capabilities = CAP_PROTOCOL_41;
    struct bytes bytes = read_rest(&r);

    if (r.bad)
        return 0;
    capabilities |= bits & 1 ? CAP_DEPRECATE_EOF : 0;
    capabilities |= bits & 2 ? CAP_OPTIONAL_METADATA : 0;
    capabilities |= bits & 4 ? CAP_LOCAL_FILES : 0;
    run(&whole, shape, capabilities, bytes, 0);
    run(&cut, shape, capabilities, bytes, seed);
    require(whole.count == cut.count);
    for (size_t i = 0; i < whole.count; i++) {
        require(whole.events[i].at == cut.events[i].at && whole.events[i].kind == cut.events[i].kind);
        require(whole.events[i].end == cut.events[i].end);
        require(whole.events[i].ends_result == cut.events[i].ends_result);
        require(whole.events[i].status == cut.events[i].status);
        require(whole.events[i].warnings == cut.events[i].warnings);
    }
    if (whole.count == EVENTS_MAX)
        return 0; /* where they stopped may differ within the last run of bytes */
    require(whole.result.rows == cut.result.rows && whole.result.packets == cut.result.packets);
    require(whole.result.statement_id == cut.result.statement_id);
    return 0;
}
