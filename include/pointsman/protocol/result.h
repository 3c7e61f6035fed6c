/*
 * result.h - the result tracker: hops over the packets of one command's answer to find where it ends.
 *
 *   bytes from the server ──> result_next(&tracker, data, n, &event) ──> one event, and how far it got
 *
 *   RESULT_BYTES   so many bytes are nobody's business: counts, definitions, the EOF behind them, rows,
 *                  progress reports; as many as possible at once. Only packets longer than
 *                  RESULT_PACKET_HOLD_MAX come in parts, so that between events something else can be said
 *   RESULT_OK / RESULT_ERR / RESULT_EOF   one whole packet (header included) that says something
 *   RESULT_LOCAL_INFILE  the server asks for a file; the client's packets follow, then OK or ERR
 *   RESULT_MORE    a packet that must be seen whole isn't there yet: come again with the same bytes and more
 *   RESULT_BAD     nonsense from the server
 *
 * Pull, not callbacks; keeps no bytes; a struct of some words. Sources: page_protocol_com_query_response.html
 * and the response sections of the other commands.
 *
 *   first packet:  OK ─> end or next result      ERR ─> end      0xfb ─> LOCAL INFILE, then first again
 *                  count n ─> n definitions [EOF] ─> rows ─> EOF | OK(0xfe) | ERR ─> end or next result
 */
#ifndef POINTSMAN_PROTOCOL_RESULT_H
#define POINTSMAN_PROTOCOL_RESULT_H

#include "pointsman/protocol/protocol.h"
#include "pointsman/protocol/wire.h"

enum result_event_kind {
    RESULT_MORE,
    RESULT_BYTES,
    RESULT_OK,
    RESULT_ERR,
    RESULT_EOF,
    RESULT_LOCAL_INFILE,
    RESULT_BAD,
};

struct result_event {
    enum result_event_kind kind;
    size_t length; /* bytes consumed by this event; RESULT_MORE: 0 */
    bool end;      /* the command's answer is complete behind this event: any kind but MORE, LOCAL_INFILE, BAD
                      (RESULT_BYTES: COM_STATISTICS, and COM_STMT_PREPARE with definitions) */
    bool ends_result;      /* OK/EOF that ends one result set or statement: status says whether more follow */
    const uint8_t *packet; /* OK ERR EOF LOCAL_INFILE: the packet with its header (in the caller's data) */
    uint16_t status; /* RESULT_OK (of a result's end or a statement) and RESULT_EOF; MORE_RESULTS is right
                        even where the packet leaves it out (MySQL's OUT parameters) */
    uint16_t warnings;
};

/* How an answer is built depends on the command. */
enum result_shape {
    RESULT_SHAPE_QUERY,   /* COM_QUERY, COM_STMT_EXECUTE, COM_STMT_FETCH's cousins: OK | ERR | result sets */
    RESULT_SHAPE_SIMPLE,  /* one OK, EOF or ERR: PING, INIT_DB, RESET_CONNECTION, STMT_RESET, ... */
    RESULT_SHAPE_STRING,  /* COM_STATISTICS: one packet of text, or ERR */
    RESULT_SHAPE_FIELDS,  /* COM_FIELD_LIST: definitions up to an EOF (0xfe OK under DEPRECATE_EOF), or ERR */
    RESULT_SHAPE_PREPARE, /* COM_STMT_PREPARE: 0x00 id columns parameters ... (a RESULT_OK without status that
                             ends no result), definitions, or ERR */
    RESULT_SHAPE_FETCH,   /* COM_STMT_FETCH: rows up to EOF/OK(0xfe), or ERR */
    RESULT_SHAPE_NONE,    /* COM_QUIT, COM_STMT_CLOSE, COM_STMT_SEND_LONG_DATA: no answer at all */
    RESULT_SHAPE_ENDLESS, /* COM_BINLOG_DUMP: everything is bytes until ERR or the connection's end */
};

enum {
    RESULT_PACKET_HOLD_MAX = 16384
}; /* OK/ERR/EOF longer than this: RESULT_BAD; other packets: in parts */

struct result {
    enum result_shape shape;
    uint32_t capabilities; /* of the connection: DEPRECATE_EOF, OPTIONAL_METADATA; LOCAL_FILES (without it a
                              request for a file is RESULT_BAD) */
    uint8_t state;         /* private */
    uint8_t sequence;      /* of the last packet whose header was passed */
    bool continued;        /* the packet before was PACKET_MAX long: the next one is a part of it */
    uint64_t definitions;  /* still to come */
    uint32_t skip;         /* payload bytes of the present packet still to come */
    uint64_t rows;         /* rows of the present (last) result set so far, the one begun included */
    uint64_t packets;      /* packets whose header was seen: 0 = not a byte of the answer has come */
    uint32_t statement_id; /* RESULT_SHAPE_PREPARE: known after its first packet */
    uint16_t prepare_parameters; /* likewise */
    uint16_t prepare_columns;    /* likewise */
    bool had_result_set;         /* the last statement gave a result set (not an OK) */
    bool out_parameters;    /* private: the present result set is followed by another whatever its EOF says */
    bool metadata_left_out; /* private: optional metadata, and none follows */
};

/* The bytes passed so far end with a packet: an ERR may follow them, with the next sequence id. */
static inline bool result_between_packets(const struct result *result)
{
    return result->skip == 0 && !result->continued;
}

void result_begin(struct result *result, enum result_shape shape, uint32_t capabilities);
enum result_shape result_shape_of(uint8_t command); /* enum command_code */

/*
 * Looks at data[0..n) and gives the next event. Call again behind event->length while bytes are left. A
 * packet that must be seen whole (first of an answer, OK, ERR, EOF, column count) is only consumed whole.
 */
void result_next(struct result *result, const uint8_t *data, size_t n, struct result_event *event);

/* After RESULT_LOCAL_INFILE nothing comes until the client has sent its file, ended by an empty packet. */

#endif
