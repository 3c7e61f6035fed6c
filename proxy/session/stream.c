/*
 * stream.c - packets that go to the server while they arrive: requests that don't fit into a chunk, the file
 * of LOCAL INFILE, and what a replica says while it is sent the binary log.
 *
 *   socket ──read──> worker's scratch ──hop headers──> the server's socket (what it doesn't take waits there,
 * and we stop reading)
 *
 * A request ends with its first packet shorter than PACKET_MAX, a file with an empty one that doesn't belong
 * to a packet of PACKET_MAX before it.
 *
 * A server may answer and close before it has read everything. A write that fails therefore says nothing yet:
 * what is left goes nowhere, and reading finds out whether there is an answer.
 */
#include <string.h>

#include "session.h"

/* A header has come. True: the stream ends with this packet, which is empty. */
static bool begin_packet(struct stream *stream)
{
    bool continues = stream->longer;
    stream->have = 0;
    stream->left = packet_length(stream->header);
    stream->longer = stream->left == PACKET_MAX;
    return stream->left == 0 && !(stream->is_file && continues);
}

/* How many of these bytes belong to the stream; *ret_end: it is complete with them. */
static size_t hop(struct stream *stream, uint8_t *data, size_t length, bool *ret_end)
{
    size_t at = 0;
    *ret_end = false;
    while (at < length) {
        if (stream->left == 0) {
            stream->header[stream->have++] = data[at++];
            if (stream->have < PACKET_HEADER)
                continue;
            if (stream->renumbers)
                data[at - 1] = stream->sequence++;
            if ((*ret_end = begin_packet(stream)))
                break;
        } else {
            size_t n = length - at < stream->left ? length - at : stream->left;
            at += n;
            stream->left -= (uint32_t)n;
            if (stream->left == 0 && !stream->longer && !stream->is_file) {
                *ret_end = true;
                break;
            }
        }
    }
    return at;
}

static void forward(struct session *session, uint8_t *data, size_t length)
{
    struct backend *backend = session->backend;
    bool end = false, open = session->stream.is_open;
    size_t n = open ? length : hop(&session->stream, data, length, &end);
    session->stream.active = !end;
    /* The answer may have come already (a server that refuses early): then the rest goes nowhere. */
    if (backend && session->step == SESSION_RUNNING && conn_write(&backend->conn, data, n) == CONN_OK &&
        conn_backlogged(&backend->conn))
        conn_watch(&session->conn, false);
    if (end && n < length && conn_keep(&session->conn, data + n, length - n) != CONN_OK)
        session_close(session);
    else if (end && session->step == SESSION_RUNNING && result_shape_of(session->code) == RESULT_SHAPE_NONE)
        statement_end(session, true); /* nobody answers COM_STMT_SEND_LONG_DATA */
}

void stream_readable(struct session *session)
{
    size_t length;
    struct worker *worker = session->worker;
    /* What lies behind the stream must fit into a chunk. */
    enum conn_outcome outcome = conn_read_into(&session->conn, worker->outgoing, CHUNK_LARGE, &length);
    if (outcome == CONN_AGAIN)
        return;
    if (outcome != CONN_OK) {
        session_close(session);
        return;
    }
    figure_add(&worker->figures.bytes_in, length);
    forward(session, worker->outgoing, length);
    if (session->step == SESSION_READY && !session->stream.active)
        session_next(session);
}

/* What has arrived already goes first: it lies in conn.in. */
static void begin(struct session *session, struct stream stream)
{
    session->stream = stream;
    session->stream.active = true;
    session->stream.renumbers = session->conn.zip != NULL;
    conn_watch(&session->conn, true);
    struct chunk *in = session->conn.in;
    if (!in)
        return;
    uint8_t *copy = session->worker->outgoing;
    size_t length = chunk_used(in);
    memcpy(copy, in->data + in->start, length);
    conn_consume(&session->conn, length);
    forward(session, copy, length);
}

void stream_begin_request(struct session *session)
{
    begin(session, (struct stream){.is_file = false});
}

void stream_begin_file(struct session *session)
{
    /* The request that asked for the file has been understood: it need not be kept any more. */
    session_consume(session);
    begin(session,
          (struct stream){.is_file = true, .sequence = (uint8_t)(session->backend->result.sequence + 1)});
}

void stream_begin_open(struct session *session)
{
    session_consume(session);
    begin(session, (struct stream){.is_open = true});
}
