/*
 * result.c - where does an answer end? Hops from packet header to packet header.
 *
 *              ┌────────────────────────── MORE_RESULTS ───────────────────────────────────┐
 *              v                                                                           │
 *   begin ─> FIRST ──count──> COLUMNS ──n definitions──> COLUMNS_EOF ──EOF──> ROWS ──EOF|OK|ERR──> OVER
 *              │ OK ERR ─> OVER or FIRST    └──── DEPRECATE_EOF ─────────────> ^   │ cursor: ─> OVER
 *              │ PREPARE's OK ──> PARAMETERS ─> PARAMETERS_EOF ─> COLUMNS ─> COLUMNS_EOF ─> LAST ─> OVER
 *              └ a text ───────────────────────────────────────────────────────────────────> LAST
 *
 * One call of result_next():
 *
 *   pass_rest     what is left of the packet before, its continuations too
 *   pass_rows     the hot loop: whole rows, a compare or two each
 *   peek          what is the packet here? (changes nothing)
 *   swallow       packets that are nobody's business: counts, definitions, their EOF,
 *                 progress reports, odd rows
 *   deliver       one that is, if it is the first thing in the span: else what lies before
 *                 it is handed out first
 *
 * Terminators are told from rows by length. 0xfe begins a text row only where the first value is 16 MB or
 * longer, and such a packet is PACKET_MAX long; an EOF has at most 8 bytes; an OK in EOF's place at least 7.
 * EOF is understood under DEPRECATE_EOF too: servers send it there when a routine's handler cuts a result
 * short, and at a binlog's end. Sequence ids are not looked at: where they begin depends on what was sent.
 */
#include "pointsman/protocol/result.h"
#include "pointsman/protocol/answer.h"

#include <endian.h>
#include <string.h>

enum state { FIRST, PARAMETERS, PARAMETERS_EOF, COLUMNS, COLUMNS_EOF, ROWS, LAST, OVER };

enum kind {
    /* not to be had now */
    KIND_MORE,
    KIND_BAD,
    /* swallowed */
    KIND_PLAIN,           /* a definition, an odd row, a text: needn't be there wholly */
    KIND_PROGRESS,        /* MariaDB's progress report, an ERR by its looks */
    KIND_COUNT,           /* column count */
    KIND_DEFINITIONS_EOF, /* the EOF behind definitions */
    /* delivered */
    KIND_OK,
    KIND_EOF,
    KIND_ERR,
    KIND_INFILE,
    KIND_PREPARED,
};

enum { BYTE_OK = 0x00, BYTE_INFILE = 0xfb, BYTE_EOF = 0xfe, BYTE_ERR = 0xff };
enum { EOF_LENGTH_MAX = 8, OK_LENGTH_MIN = 7, COLUMNS_MAX = 65535, PROGRESS_CODE = 0xffff };

static const uint8_t first_state[] = {
    [RESULT_SHAPE_QUERY] = FIRST,   [RESULT_SHAPE_SIMPLE] = FIRST, [RESULT_SHAPE_STRING] = FIRST,
    [RESULT_SHAPE_FIELDS] = ROWS,   [RESULT_SHAPE_FETCH] = ROWS,   [RESULT_SHAPE_ENDLESS] = ROWS,
    [RESULT_SHAPE_PREPARE] = FIRST, [RESULT_SHAPE_NONE] = OVER,
};

void result_begin(struct result *result, enum result_shape shape, uint32_t capabilities)
{
    *result = (struct result){.shape = shape, .capabilities = capabilities, .state = first_state[shape]};
}

enum result_shape result_shape_of(uint8_t command)
{
    switch (command) {
    case COM_QUIT:
    case COM_STMT_CLOSE:
    case COM_STMT_SEND_LONG_DATA: return RESULT_SHAPE_NONE;
    case COM_QUERY:
    case COM_PROCESS_INFO:
    case COM_STMT_EXECUTE:
    case COM_STMT_BULK_EXECUTE: return RESULT_SHAPE_QUERY;
    case COM_FIELD_LIST: return RESULT_SHAPE_FIELDS;
    case COM_STATISTICS: return RESULT_SHAPE_STRING;
    case COM_STMT_PREPARE: return RESULT_SHAPE_PREPARE;
    case COM_STMT_FETCH: return RESULT_SHAPE_FETCH;
    case COM_BINLOG_DUMP:
    case COM_BINLOG_DUMP_GTID:
    case COM_TABLE_DUMP: return RESULT_SHAPE_ENDLESS;
    default: return RESULT_SHAPE_SIMPLE; /* unknown ones are answered by an ERR */
    }
}

/* ---- hopping ---- */

static uint32_t header_length(const uint8_t *data)
{
    uint32_t header;

    memcpy(&header, data, sizeof header); /* one load; the sequence id is the top byte */
    return le32toh(header) & PACKET_MAX;
}

/* Passes a packet of which n bytes (the header at least) are there. Returns how many of them are its own. */
static size_t pass(struct result *r, const uint8_t *data, size_t n)
{
    uint32_t length = header_length(data);
    size_t whole = PACKET_HEADER + (size_t)length;

    r->packets++;
    r->sequence = packet_sequence(data);
    r->continued = length == PACKET_MAX;
    if (whole <= n)
        return whole;
    r->skip = (uint32_t)(whole - n);
    return n;
}

/* The rest of the packet before; if that one was PACKET_MAX long, the next is a part of it whatever it begins
 * with. */
static size_t pass_rest(struct result *r, const uint8_t *data, size_t n)
{
    size_t at = r->skip < n ? r->skip : n;

    r->skip -= (uint32_t)at;
    while (r->continued && r->skip == 0 && n - at >= PACKET_HEADER)
        at += pass(r, data + at, n - at);
    return at;
}

/* Rows that need no thought: whole, neither empty, nor PACKET_MAX long, nor with a terminator's first byte.
 */
static size_t pass_rows(struct result *r, const uint8_t *data, size_t n)
{
    size_t at = 0, last = 0;
    uint64_t rows = 0;

    while (n - at > PACKET_HEADER) {
        size_t whole = PACKET_HEADER + (size_t)header_length(data + at);
        if (whole - PACKET_HEADER - 1 >= PACKET_MAX - 1 || data[at + PACKET_HEADER] >= BYTE_EOF ||
            whole > n - at)
            break;
        rows++;
        last = at;
        at += whole;
    }
    if (rows)
        r->sequence = packet_sequence(data + last);
    r->rows += rows;
    r->packets += rows;
    return at;
}

/* ---- what is this packet? ---- */

static bool deprecates_eof(const struct result *r)
{
    return r->capabilities & CAP_DEPRECATE_EOF;
}

/* A packet that begins with 0xfe where rows may stand. */
static enum kind kind_of_terminator(const struct result *r, uint32_t length)
{
    if (length == PACKET_MAX)
        return KIND_PLAIN;
    if (deprecates_eof(r) && length >= OK_LENGTH_MIN)
        return KIND_OK;
    return length <= EOF_LENGTH_MAX ? KIND_EOF : KIND_BAD;
}

static enum kind kind_of_first(const struct result *r, uint32_t length, uint8_t first)
{
    if (r->shape == RESULT_SHAPE_STRING)
        return KIND_PLAIN;
    if (r->shape == RESULT_SHAPE_PREPARE)
        return first == BYTE_OK ? KIND_PREPARED : KIND_BAD;
    if (first == BYTE_OK)
        return KIND_OK;
    if (first == BYTE_EOF)
        return length == PACKET_MAX ? KIND_BAD : kind_of_terminator(r, length);
    if (r->shape == RESULT_SHAPE_SIMPLE)
        return KIND_BAD;
    if (first == BYTE_INFILE) /* a server may only ask for files where that was agreed on */
        return r->capabilities & CAP_LOCAL_FILES ? KIND_INFILE : KIND_BAD;
    return KIND_COUNT;
}

static enum kind kind_by_first_byte(const struct result *r, uint32_t length, uint8_t first)
{
    if (first == BYTE_ERR && r->state < LAST)
        return KIND_ERR;
    switch ((enum state)r->state) {
    case FIRST: return kind_of_first(r, length, first);
    case PARAMETERS:
    case COLUMNS: return first == BYTE_EOF ? KIND_BAD : KIND_PLAIN;
    case PARAMETERS_EOF:
    case COLUMNS_EOF: return first == BYTE_EOF && length <= EOF_LENGTH_MAX ? KIND_DEFINITIONS_EOF : KIND_BAD;
    case ROWS: return first == BYTE_EOF ? kind_of_terminator(r, length) : KIND_PLAIN;
    default: return KIND_BAD; /* nothing was to come any more */
    }
}

/* Second thoughts about a packet that is wholly there. */
static enum kind kind_by_content(const struct result *r, enum kind kind, const uint8_t *payload,
                                 uint32_t length)
{
    struct answer_eof eof;

    if (kind == KIND_ERR && length >= 3 && (payload[1] | payload[2] << 8) == PROGRESS_CODE)
        return KIND_PROGRESS;
    if (kind == KIND_DEFINITIONS_EOF) {
        if (!answer_eof_read(payload, length, &eof))
            return KIND_BAD;
        if (r->shape == RESULT_SHAPE_QUERY && (eof.status & STATUS_CURSOR_EXISTS))
            return KIND_EOF; /* the rows will be fetched */
    }
    return kind;
}

static enum kind peek(const struct result *r, const uint8_t *data, size_t n)
{
    uint32_t length;
    enum kind kind;

    if (r->skip > 0 || r->continued || n < PACKET_HEADER)
        return KIND_MORE;
    length = header_length(data);
    if (length == 0)
        return KIND_BAD; /* only a continuation may be empty */
    if (n == PACKET_HEADER)
        return KIND_MORE;
    kind = kind_by_first_byte(r, length, data[PACKET_HEADER]);
    if (kind == KIND_BAD)
        return kind;
    if (length > RESULT_PACKET_HOLD_MAX)
        return kind == KIND_PLAIN ? kind : KIND_BAD;
    if (n - PACKET_HEADER < length)
        return KIND_MORE;
    return kind == KIND_PLAIN ? kind : kind_by_content(r, kind, data + PACKET_HEADER, length);
}

/* ---- packets that are nobody's business ---- */

/* Behind the last definition and, where there is one, its EOF. */
static void leave_definitions(struct result *r);

/* Begins a list of definitions: `state` is PARAMETERS or COLUMNS, whose _EOF follows it in the enum. */
static void enter_definitions(struct result *r, enum state state, uint64_t count)
{
    r->state = (uint8_t)state;
    r->definitions = r->metadata_left_out ? 0 : count;
    if (r->definitions > 0)
        return;
    if (deprecates_eof(r))
        leave_definitions(r);
    else
        r->state++;
}

static void leave_definitions(struct result *r)
{
    if (r->shape != RESULT_SHAPE_PREPARE)
        r->state = ROWS;
    else if (r->state <= PARAMETERS_EOF && r->prepare_columns > 0)
        enter_definitions(r, COLUMNS, r->prepare_columns);
    else
        r->state = LAST;
}

static void swallow_plain(struct result *r)
{
    if (r->state == ROWS) {
        r->rows++;
    } else if (r->state == FIRST) { /* COM_STATISTICS's text */
        r->state = LAST;
    } else if (--r->definitions == 0) {
        if (deprecates_eof(r))
            leave_definitions(r);
        else
            r->state++;
    }
}

/* Protocol::Resultset's first packet: the count and, if agreed on, whether definitions follow. */
static bool swallow_count(struct result *r, const uint8_t *payload, uint32_t length)
{
    struct reader packet = reader_of(payload, length);
    uint64_t count = read_lenenc(&packet);
    bool left_out = (r->capabilities & CAP_OPTIONAL_METADATA) && read_u8(&packet) == 0;

    if (!reader_done(&packet) || count > COLUMNS_MAX)
        return false;
    r->rows = 0;
    r->had_result_set = true;
    r->out_parameters = false;
    r->metadata_left_out = left_out;
    enter_definitions(r, COLUMNS, count);
    return true;
}

/*
 * MySQL announces a result set of OUT parameters in this EOF only: that one says MORE_RESULTS, the one behind
 * the row doesn't, and yet an OK follows.
 */
static void swallow_definitions_eof(struct result *r, const uint8_t *payload, uint32_t length)
{
    struct answer_eof eof = {0};

    (void)answer_eof_read(payload, length, &eof); /* peek has read it before */
    r->out_parameters = (eof.status & STATUS_PS_OUT_PARAMS) && (eof.status & STATUS_MORE_RESULTS);
    leave_definitions(r);
}

/* Returns how many bytes were passed; 0: nonsense. */
static size_t swallow(struct result *r, enum kind kind, const uint8_t *data, size_t n)
{
    const uint8_t *payload = data + PACKET_HEADER;
    uint32_t length = header_length(data);

    if (kind == KIND_PLAIN)
        swallow_plain(r);
    else if (kind == KIND_DEFINITIONS_EOF)
        swallow_definitions_eof(r, payload, length);
    else if (kind == KIND_COUNT && !swallow_count(r, payload, length))
        return 0;
    return pass(r, data, n);
}

/* ---- packets that say something ---- */

static bool read_ok(const uint8_t *payload, uint32_t length, struct result_event *event)
{
    struct reader r = reader_of(payload, length);

    read_skip(&r, 1);
    (void)read_lenenc(&r); /* affected rows */
    (void)read_lenenc(&r); /* insert id */
    event->status = read_u16(&r);
    event->warnings = read_u16(&r);
    return !r.bad;
}

static bool read_eof(const struct result *r, const uint8_t *payload, uint32_t length,
                     struct result_event *event)
{
    struct answer_eof eof;

    if (!answer_eof_read(payload, length, &eof))
        return false;
    event->warnings = eof.warnings;
    event->status = eof.status | (r->out_parameters ? STATUS_MORE_RESULTS : 0);
    return true;
}

static bool read_prepared(struct result *r, const uint8_t *payload, uint32_t length,
                          struct result_event *event)
{
    struct reader packet = reader_of(payload, length);

    read_skip(&packet, 1);
    r->statement_id = read_u32(&packet);
    r->prepare_columns = read_u16(&packet);
    r->prepare_parameters = read_u16(&packet);
    read_skip(&packet, 1);
    event->warnings = read_u16(&packet);
    if ((r->capabilities & CAP_OPTIONAL_METADATA) && reader_left(&packet) > 0)
        r->metadata_left_out = read_u8(&packet) == 0;
    return !packet.bad;
}

/* Behind PREPARE's first packet. */
static void enter_prepared(struct result *r, struct result_event *event)
{
    if (r->prepare_parameters > 0)
        enter_definitions(r, PARAMETERS, r->prepare_parameters);
    else if (r->prepare_columns > 0)
        enter_definitions(r, COLUMNS, r->prepare_columns);
    else
        r->state = LAST;
    event->end = r->state == LAST;
    if (event->end)
        r->state = OVER;
}

/* An OK or ERR in place of a result set. */
static void forget_result_set(struct result *r)
{
    if (r->state == FIRST) {
        r->rows = 0;
        r->had_result_set = false;
    }
}

/* Behind an OK or EOF that ends a statement or result set. */
static void end_result(struct result *r, struct result_event *event)
{
    bool more = r->shape == RESULT_SHAPE_QUERY && (event->status & STATUS_MORE_RESULTS);

    forget_result_set(r);
    event->ends_result = true;
    event->end = !more;
    r->state = more ? FIRST : OVER;
}

/* Fills the event from a packet that is wholly there. False: it is malformed. */
static bool say(struct result *r, enum kind kind, const uint8_t *payload, uint32_t length,
                struct result_event *event)
{
    switch (kind) {
    case KIND_OK: event->kind = RESULT_OK; return read_ok(payload, length, event);
    case KIND_EOF: event->kind = RESULT_EOF; return read_eof(r, payload, length, event);
    case KIND_ERR: event->kind = RESULT_ERR; return length >= 3;
    case KIND_INFILE: event->kind = RESULT_LOCAL_INFILE; return true;
    case KIND_PREPARED: event->kind = RESULT_OK; return read_prepared(r, payload, length, event);
    default: return false;
    }
}

static void deliver(struct result *r, enum kind kind, const uint8_t *data, struct result_event *event)
{
    uint32_t length;

    if (kind == KIND_MORE)
        return;
    if (kind == KIND_BAD || !say(r, kind, data + PACKET_HEADER, length = header_length(data), event)) {
        *event = (struct result_event){.kind = RESULT_BAD};
        r->state = OVER;
        return;
    }
    event->packet = data;
    event->length = pass(r, data, PACKET_HEADER + (size_t)length);
    if (kind == KIND_PREPARED) {
        enter_prepared(r, event);
    } else if (kind == KIND_ERR) {
        forget_result_set(r);
        event->end = true;
        r->state = OVER;
    } else if (kind != KIND_INFILE) {
        end_result(r, event);
    }
}

void result_next(struct result *r, const uint8_t *data, size_t n, struct result_event *event)
{
    size_t at = 0, passed;
    enum kind kind = KIND_MORE;

    *event = (struct result_event){.kind = RESULT_MORE};
    if (n == 0) /* data may be NULL */
        return;
    do {
        at += pass_rest(r, data + at, n - at);
        if (r->state == ROWS && r->skip == 0 && !r->continued)
            at += pass_rows(r, data + at, n - at);
        if (r->state == LAST && r->skip == 0 && !r->continued)
            break;
        kind = peek(r, data + at, n - at);
        if (kind < KIND_PLAIN || kind > KIND_DEFINITIONS_EOF)
            break;
        passed = swallow(r, kind, data + at, n - at);
        at += passed;
    } while (passed > 0);

    if (at == 0) {
        deliver(r, kind, data, event);
        return;
    }
    event->kind = RESULT_BYTES;
    event->length = at;
    event->end = r->state == LAST && r->skip == 0 && !r->continued;
    if (event->end)
        r->state = OVER;
}
