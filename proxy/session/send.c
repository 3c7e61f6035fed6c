/*
 * send.c - what is written to a connection for a statement, in this order, in one write:
 *
 *   what of others' past, or of ours, it alone knows is asked for · a wait for a GTID · what its state lacks
 * · what of LAST_INSERT_ID() it must know · older warnings are cleared · the request
 *
 * What changes the state goes in the same write with what may be repeated. Else (a write must never run in
 * the wrong schema because a USE before it failed) it goes on its own, and the request follows its OK.
 */
#include <stdio.h>
#include <string.h>

#include "pointsman/base/clock.h"
#include "session.h"

static size_t write_carry(struct backend *backend, struct session *session,
                          const struct state_difference *difference, const char *set, uint8_t *out,
                          size_t size)
{
    struct writer w = writer_of(out, size);
    if (difference->role) {
        size_t mark = packet_begin(&w);
        write_u8(&w, COM_QUERY);
        write_string(&w, "SET ROLE ");
        write_bytes(&w, difference->role, difference->role_length);
        packet_end(&w, mark, 0);
        if (!backend_expect(backend, COMMAND_CARRY, COM_QUERY, session))
            return 0;
    }
    if (difference->schema) {
        size_t mark = packet_begin(&w);
        write_u8(&w, COM_INIT_DB);
        write_bytes(&w, difference->schema, difference->schema_length);
        packet_end(&w, mark, 0);
        if (!backend_expect(backend, COMMAND_CARRY, COM_INIT_DB, session))
            return 0;
    }
    const size_t lengths[] = {difference->set_length, difference->user_length};
    for (int i = 0; i < 2; set += lengths[i++]) {
        if (!lengths[i])
            continue;
        size_t mark = packet_begin(&w);
        write_u8(&w, COM_QUERY);
        write_bytes(&w, set, lengths[i]);
        packet_end(&w, mark, 0);
        if (!backend_expect(backend, COMMAND_CARRY, COM_QUERY, session))
            return 0;
    }
    return w.full ? 0 : writer_length(&w);
}

/* Its request cannot be sent on this connection: on another, then. */
static void refuse_backend(struct session *session)
{
    struct backend *backend = session->backend;
    session->backend = NULL;
    backend_discard(backend);
    if (!statement_pins(session) && session->retries++ < RETRIES_MAX) {
        statement_begin(session);
        return;
    }
    if (!session->parked)
        effects_set_pins(session, 0);
    statement_fail_with(session, SERVER_ERROR_OUT_OF_RESOURCES, "HY000", "%s",
                        "The session's state could not be carried to a server");
}

/* What leaves the same to be asked for as a statement that was killed, and takes no time. */
static struct iovec interruption(uint8_t *out, size_t size)
{
    static const char text[] = "SIGNAL SQLSTATE '%s' SET MYSQL_ERRNO = %u, MESSAGE_TEXT = '%s'";
    const struct server_error_text *words = server_error_text(SERVER_ERROR_QUERY_INTERRUPTED);
    char signal[200];
    struct writer w = writer_of(out, size);
    size_t mark = packet_begin(&w);
    snprintf(signal, sizeof signal, text, words->state, words->code, words->format);
    write_u8(&w, COM_QUERY);
    write_string(&w, signal);
    packet_end(&w, mark, 0);
    return (struct iovec){out, writer_length(&w)};
}

/* A COM_QUERY: as it came, or with literals for what it asks of the session's past. */
static struct iovec query_bytes(struct session *session, uint8_t *out, size_t size)
{
    struct chunk *in = session->conn.in;
    uint8_t *packet = in->data + in->start;
    if (session->code == COM_QUERY && session->statement.effects & PAST_REPLACED) {
        size_t length;
        const char *text = past_rewrite(session, (const char *)packet + PACKET_HEADER + 1,
                                        session->request - PACKET_HEADER - 1, (char *)out + PACKET_HEADER + 1,
                                        size - PACKET_HEADER - 1, &length);
        if (text) {
            struct writer w = writer_of(out, PACKET_HEADER);
            write_u24(&w, (uint32_t)length + 1);
            write_u8(&w, 0);
            out[PACKET_HEADER] = COM_QUERY;
            return (struct iovec){out, PACKET_HEADER + 1 + length};
        }
    }
    return (struct iovec){packet, session->request};
}

/* ---- what goes ahead ---- */

/* The first half of the worker's memory is what goes ahead; the second is for texts on their way there, and
 * for the request. */
enum { AHEAD_MAX = WORKER_SCRATCH / 2 };

struct parcel {
    struct session *session;
    struct backend *backend;
    uint8_t *out;
    size_t ahead; /* bytes in out */
    bool carried; /* some of them change the connection's state */
    struct prepared
        *lacks; /* borrowed: is prepared first, and the request follows its answer; NULL: nothing */
};

/* False: the connection is of no use for it. */
static bool write_state(struct parcel *parcel, struct state *state)
{
    struct backend *backend = parcel->backend;
    struct state_difference difference = {0};
    char *set = (char *)parcel->out + AHEAD_MAX;
    if (backend->state == state)
        return true;
    if (!state_difference(backend->state, state, set, WORKER_SCRATCH - AHEAD_MAX, &difference) ||
        difference.impossible)
        return false;
    if (difference.role || difference.schema || difference.set_length || difference.user_length) {
        size_t length = write_carry(backend, parcel->session, &difference, set, parcel->out + parcel->ahead,
                                    AHEAD_MAX - parcel->ahead);
        if (!length)
            return false;
        parcel->ahead += length;
        parcel->carried = true;
        backend->warnings = true; /* perhaps */
        figure_add(&parcel->session->worker->figures.carries, 1);
    }
    backend_set_state(backend, state);
    return true;
}

/* The session's own state, or, to prepare something there, that in which it means what it did. */
static bool write_right_state(struct parcel *parcel)
{
    struct session *session = parcel->session;
    struct state_table *states = &session->worker->states;
    if (session->login)
        return true;
    struct state *state = parcel->lacks ? prepared_state(states, parcel->lacks, session->state)
                                        : state_ref(session->state);
    bool good = state && write_state(parcel, state);
    state_unref(states, state);
    return good;
}

static void write_questions(struct parcel *parcel, bool asks)
{
    struct session *session = parcel->session;
    struct backend *backend = parcel->backend;
    size_t room = AHEAD_MAX / 4;
    /* To prepare something may change what the connection knows of our own past. */
    const struct session *knows = asks || parcel->lacks || session->code == COM_STMT_PREPARE ? NULL : session;
    parcel->ahead += placed_write_closing(backend, parcel->out, room);
    parcel->ahead += past_save(backend, knows, parcel->out + parcel->ahead, room);
    if (session->must_wait)
        parcel->ahead += position_wait(session, backend, parcel->out + parcel->ahead, room);
    session->must_wait = false;
}

static void write_past(struct parcel *parcel, bool asks)
{
    struct session *session = parcel->session;
    if (parcel->lacks)
        return;
    if (past_must_tell(session)) {
        size_t told = past_tell(session, parcel->backend, parcel->out + parcel->ahead,
                                AHEAD_MAX - parcel->ahead);
        parcel->ahead += told;
        parcel->carried |= told > 0;
    }
    if (asks && parcel->backend->warnings)
        parcel->ahead += diagnose_clear(session, parcel->backend, parcel->out + parcel->ahead,
                                        AHEAD_MAX - parcel->ahead);
}

/* ---- the request ---- */

/* By an interruption: it was killed while it ran elsewhere. */
static bool is_replaced(const struct session *session)
{
    return session->muted && session->interrupted;
}

static bool is_silent(uint8_t code)
{
    return result_shape_of(code) == RESULT_SHAPE_NONE;
}

void send_begin_answer(struct session *session)
{
    statement_become(session, SESSION_RUNNING);
    session->answer_sent = 0;
    session->results = 0;
    session->changed = session->untold = false;
    session->warnings = 0;
}

enum { PARTS_MAX = 1 + EXECUTE_PARTS };

/* What is sent now, behind what goes ahead. -1: no memory. */
static int write_request(struct parcel *parcel, uint8_t head[EXECUTE_HEAD], struct iovec *parts)
{
    struct session *session = parcel->session;
    if (parcel->lacks) {
        int count = execute_place(session, parcel->lacks, head, parts);
        return count ? count : -1;
    }
    if (session->after_carry)
        return 0;
    enum command_kind kind = session->login ? COMMAND_LOGIN : COMMAND_CLIENT;
    if (!is_silent(session->code) && !backend_expect(parcel->backend, kind, session->code, session))
        return -1;
    if (!session->request)
        return 0;
    if (is_replaced(session)) {
        *parts = interruption(parcel->out + AHEAD_MAX, WORKER_SCRATCH - AHEAD_MAX);
        return 1;
    }
    if (session->executing)
        return execute_request(session, parcel->backend, head, parts);
    *parts = query_bytes(session, parcel->out + AHEAD_MAX, WORKER_SCRATCH - AHEAD_MAX);
    return 1;
}

static bool send_parts(struct parcel *parcel, struct iovec *parts, int count)
{
    struct conn *conn = &parcel->backend->conn;
    bool data = !parcel->lacks && !parcel->session->after_carry && parcel->session->executing;
    struct iovec all[PARTS_MAX];
    int n = 0;
    if (parcel->ahead)
        all[n++] = (struct iovec){parcel->out, parcel->ahead};
    if (data && parcel->session->executing->data) { /* goes between */
        if ((n && conn_writev(conn, all, n) != CONN_OK) || !execute_send_data(parcel->session))
            return false;
        n = 0;
    }
    for (int i = 0; i < count; i++)
        all[n++] = parts[i];
    return n == 0 || conn_writev(conn, all, n) == CONN_OK;
}

static void send_parcel(struct parcel *parcel)
{
    struct session *session = parcel->session;
    struct backend *backend = parcel->backend;
    struct iovec parts[EXECUTE_PARTS];
    uint8_t head[EXECUTE_HEAD];
    session->after_carry = parcel->lacks || (parcel->carried && !statement_may_repeat(session));
    int count = write_request(parcel, head, parts);
    if (count < 0) {
        refuse_backend(session);
        return;
    }
    send_begin_answer(session);
    backend->head_since = clock_us();
    if (!send_parts(parcel, parts, count)) {
        relay_events.lost(backend);
        return;
    }
    if (session->after_carry)
        return;
    if (session->code == COM_STMT_SEND_LONG_DATA)
        handle_set_held(session, session->executing, session->executing->cursor, true);
    if (!session->request) {
        execute_patch(session);
        stream_begin_request(session);
    } else if (result_shape_of(session->code) == RESULT_SHAPE_ENDLESS) {
        stream_begin_open(session);
    } else if (is_silent(session->code))
        statement_end(session, true);
}

void send_statement(struct session *session)
{
    struct parcel parcel = {.session = session,
                            .backend = session->backend,
                            .out = session->worker->outgoing,
                            .lacks = is_replaced(session) ? NULL : execute_lacks(session)};
    bool asks = diagnose_asks(session);
    write_questions(&parcel, asks);
    if (!write_right_state(&parcel)) {
        refuse_backend(session);
        return;
    }
    write_past(&parcel, asks);
    send_parcel(&parcel);
}
