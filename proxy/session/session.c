/*
 * session.c - a session's life and the client's socket.
 *
 *   client readable ── READY: read into conn.in, session_next() runs the commands that are complete
 *                   ── RUNNING or WAITING: what comes early lies in conn.in behind the request; a full chunk
 * stops reading ── streaming: stream.c passes it on
 */
#include "session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/base/clock.h"
#include "pointsman/base/log.h"
#include "pointsman/config/network.h"
#include "pointsman/net/proxy_header.h"

static struct session *session_of(struct conn *conn)
{
    return list_entry(conn, struct session, conn);
}

uint64_t session_now(const struct session *session)
{
    return pools_now(&session->worker->pools);
}

const char *session_host(const struct session *session)
{
    return accounts_host_name(session->worker->accounts, session->address);
}

/* ---- sending ---- */

void session_send(struct session *session, const void *packet, size_t length)
{
    if (!conn_is_open(&session->conn))
        return;
    if (conn_write(&session->conn, packet, length) != CONN_OK)
        session->close_after = true;
    figure_add(&session->worker->figures.bytes_out, length);
}

static void send_ok(struct session *session, uint8_t header, uint8_t sequence)
{
    uint8_t packet[64];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    answer_ok_write(&w, header, &(struct answer_ok){.status = session->status}, session->capabilities);
    packet_end(&w, mark, sequence);
    session_send(session, packet, writer_length(&w));
}

void session_send_ok(struct session *session, uint8_t sequence)
{
    send_ok(session, 0, sequence);
}

void session_send_eof(struct session *session, uint8_t sequence)
{
    uint8_t packet[PACKET_HEADER + 5];
    struct writer w = writer_of(packet, sizeof packet);
    if (session->capabilities & CAP_DEPRECATE_EOF) {
        send_ok(session, 0xfe, sequence);
        return;
    }
    size_t mark = packet_begin(&w);
    answer_eof_write(&w, &(struct answer_eof){.status = session->status});
    packet_end(&w, mark, sequence);
    session_send(session, packet, writer_length(&w));
}

void session_send_err(struct session *session, uint8_t sequence, uint16_t code, const char *state,
                      const char *message, size_t length)
{
    uint8_t packet[1024];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    answer_err_write(&w, code, state, message, length < 900 ? length : 900, session->capabilities);
    packet_end(&w, mark, sequence);
    session_send(session, packet, writer_length(&w));
}

const char *session_words(const struct session *session, const struct server_error_text *text)
{
    const struct topology *topology = session->worker->topology;
    int model = topology->primary != TOPOLOGY_NOBODY ? topology->primary : 0;
    const struct server_look *look = &topology->servers[model].look;
    return text->mysql_format && look->ever && !look->mariadb ? text->mysql_format : text->format;
}

void session_send_error(struct session *session, uint8_t sequence, enum server_error code, ...)
{
    const struct server_error_text *text = server_error_text(code);
    char message[512];
    va_list arguments;
    va_start(arguments, code);
    int length = vsnprintf(message, sizeof message, session_words(session, text), arguments);
    va_end(arguments);
    if (length >= (int)sizeof message)
        length = sizeof message - 1;
    session_send_err(session, sequence, text->code, text->state, message, (size_t)length);
}

/* ---- the client's commands ---- */

/* Looks at the front of conn.in. True: a command was begun. */
static bool run_one(struct session *session)
{
    struct chunk *in = session->conn.in;
    if (!in || chunk_used(in) < PACKET_HEADER)
        return false;
    const uint8_t *packet = in->data + in->start;
    uint32_t length = packet_length(packet);
    if (length && chunk_used(in) == PACKET_HEADER)
        return false;
    if (packet_sequence(packet) != 0) {
        session_send_error(session, (uint8_t)(packet_sequence(packet) + 1), SERVER_ERROR_OUT_OF_ORDER);
        session_close(session);
        return false;
    }
    if (length == 0) { /* no command at all */
        conn_consume(&session->conn, PACKET_HEADER);
        session_send_error(session, 1, SERVER_ERROR_UNKNOWN_COMMAND);
        return true;
    }
    bool whole = length + PACKET_HEADER <= CHUNK_LARGE ||
                 (length < PACKET_MAX &&
                  command_wants_whole(session, packet + PACKET_HEADER, chunk_used(in) - PACKET_HEADER));
    if (whole && in->capacity < length + PACKET_HEADER && length + PACKET_HEADER > CHUNK_LARGE) {
        if (conn_enlarge(&session->conn, length + PACKET_HEADER) != CONN_OK)
            session_close(session);
        return false;
    }
    if (whole && chunk_used(in) < length + PACKET_HEADER)
        return false;
    session->request = whole ? length + PACKET_HEADER : 0;
    session->began = clock_us();
    command_run(session, packet + PACKET_HEADER, whole ? length : chunk_used(in) - PACKET_HEADER, whole);
    return true;
}

void session_consume(struct session *session)
{
    conn_consume(&session->conn, session->request);
    session->request = 0;
}

void session_next(struct session *session)
{
    if (session->in_next)
        return;
    session->in_next = true;
    while (session->step == SESSION_READY && !conn_backlogged(&session->conn)) {
        if (session->close_after) {
            session_close(session);
            break;
        }
        if (!run_one(session))
            break;
    }
    session->in_next = false;
    if (session->step == SESSION_READY && session->half_closed) {
        if (!conn_backlogged(&session->conn))
            session_close(session);
    } else if (session->step == SESSION_READY) {
        conn_watch(&session->conn, true);
        if (session->worker->stop && !(session->pins & PIN_TRANSACTION))
            session_close(session);
    }
}

void session_continue(struct session *session)
{
    if (session->step == SESSION_WAITING && !session->order && list_empty(&session->waiter.link))
        statement_begin(session);
}

/* A balancer's word for whom it connects. */
static void read_header(struct session *session)
{
    struct chunk *in = session->conn.in;
    char address[PROXY_HEADER_ADDRESS];
    size_t length = 0;
    switch (proxy_header_read(in->data + in->start, chunk_used(in), &length, address)) {
    case PROXY_HEADER_MORE: return;
    case PROXY_HEADER_BAD:
        session_send_error(session, 0, SERVER_ERROR_HANDSHAKE);
        session_close(session);
        return;
    case PROXY_HEADER_OK: break;
    }
    char *copy = *address ? strdup(address) : NULL;
    if (copy) {
        free(session->address);
        session->address = copy;
    }
    conn_consume(&session->conn, length);
    session->awaits_header = false;
    if ((*address && !copy) || !login_greet(session))
        session_close(session);
}

static void read_login(struct session *session)
{
    struct chunk *in = session->conn.in;
    if (!in || chunk_used(in) < PACKET_HEADER)
        return;
    const uint8_t *packet = in->data + in->start;
    uint32_t length = packet_length(packet);
    if (!session->login ||
        length > 16384) { /* servers take 64 KB at most; nobody's login is a tenth of this */
        session_send_error(session, 1, SERVER_ERROR_HANDSHAKE);
        session_close(session);
        return;
    }
    if (chunk_used(in) < PACKET_HEADER + length)
        return;
    session->request = PACKET_HEADER + length;
    if (login_secure(session, packet + PACKET_HEADER, length, packet_sequence(packet)))
        return;
    /* Nothing may lie behind a login before it was answered. */
    if (chunk_used(in) > PACKET_HEADER + length) {
        session_send_error(session, (uint8_t)(packet_sequence(packet) + 1), SERVER_ERROR_HANDSHAKE);
        session_close(session);
        return;
    }
    login_packet(session, packet + PACKET_HEADER, length, packet_sequence(packet));
}

/* How much room the packet at the front of conn.in wants. */
static size_t room_wanted(const struct session *session)
{
    const struct chunk *in = session->conn.in;
    if (!in)
        return CHUNK_SMALL;
    size_t used = chunk_used(in);
    if (used < PACKET_HEADER)
        return 1;
    size_t whole = PACKET_HEADER + (size_t)packet_length(in->data + in->start);
    size_t most = in->capacity > CHUNK_LARGE ? in->capacity : CHUNK_LARGE;
    return whole > used && whole <= most ? whole - used : 1;
}

/* A client that sends no more may still wait for its answers, as it could at a server. */
static void client_closed(struct session *session)
{
    bool answers = session->step == SESSION_RUNNING || session->step == SESSION_WAITING;
    if (!answers && !(session->step == SESSION_READY && conn_backlogged(&session->conn))) {
        session_close(session);
        return;
    }
    session->half_closed = true;
    conn_watch(&session->conn, false);
}

/* A client that gives up the handshake doesn't like the certificate, mostly: who looks for the reason finds
 * it. */
static void note_tls_fault(const struct session *session)
{
    char why[128];
    if (session->step == SESSION_GREETED && conn_is_secure(&session->conn))
        log_event(LOG_INFO, "tls-failed", NULL, log_text("host", session_host(session)),
                  log_text("why", conn_fault(&session->conn, why, sizeof why)));
}

static void read_more(struct session *session)
{
    struct chunk *in = session->conn.in;
    if (in && chunk_used(in) >= CHUNK_LARGE && chunk_used(in) == in->capacity) {
        conn_watch(&session->conn, false);
        return;
    }
    size_t before = in ? chunk_used(in) : 0;
    enum conn_outcome outcome = conn_read(&session->conn, room_wanted(session));
    if (outcome == CONN_AGAIN)
        return;
    if (outcome != CONN_OK) {
        if (outcome == CONN_FAILED)
            note_tls_fault(session);
        if (outcome == CONN_CLOSED)
            client_closed(session);
        else
            session_close(session);
        return;
    }
    figure_add(&session->worker->figures.bytes_in, chunk_used(session->conn.in) - before);
    if (session->step == SESSION_READY)
        session_next(session);
    else if (session->awaits_header)
        read_header(session);
    else if (session->step <= SESSION_SWITCHED)
        read_login(session);
}

static void on_readable(struct conn *conn)
{
    struct session *session = session_of(conn);
    if (session->stream.active)
        stream_readable(session);
    else
        read_more(session);
}

static void on_drained(struct conn *conn)
{
    struct session *session = session_of(conn);
    if (session->backend)
        conn_watch(&session->backend->conn, true);
    if (session->step == SESSION_READY)
        session_next(session);
}

static void on_failed(struct conn *conn)
{
    session_close(session_of(conn));
}

static const struct conn_events session_events = {on_readable, on_drained, on_failed};

void session_drained_backend(struct session *session)
{
    conn_watch(&session->conn, true);
}

/* ---- life ---- */

void session_step_to(struct session *session, enum session_step step)
{
    struct worker *worker = session->worker;
    bool was_login = session->step <= SESSION_OPENING || session->step == SESSION_REFUSING;
    bool is_login = step <= SESSION_OPENING || step == SESSION_REFUSING;
    if (was_login && !is_login)
        list_remove(&session->phase_link);
    session->step = step;
    if (step != SESSION_SWITCHED) /* however often it is asked, a login has the time of one */
        session->since = pools_now(&worker->pools);
    if (step == SESSION_READY)
        define_settle(session, 0);
}

/* Ids begin at 2^31, so that they can't be mistaken for a server's; worker's number, then a counter. */
static uint32_t make_id(struct worker *worker)
{
    return 1u << 31 | worker->number << 24 | (worker->next_id++ & 0xffffff);
}

struct session *session_new(struct worker *worker, int fd, char *address)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->worker = worker;
    session->address = address;
    session->id = make_id(worker);
    session->status = STATUS_AUTOCOMMIT;
    session->row_count = 0;
    session->since = pools_now(&worker->pools);
    list_init(&session->waiter.link);
    list_append(&worker->sessions, &session->link);
    list_init(&session->phase_link);
    list_append(&worker->logins, &session->phase_link);
    conn_open(&session->conn, fd, worker->loop, &worker->chunks, &session_events);
    atomic_fetch_add_explicit(&worker->figures.sessions, 1, memory_order_relaxed);
    const struct config *config = worker_config(worker);
    session->awaits_header = networks_have(config->proxy_protocol, config->proxy_protocol_count, address);
    if (!session->awaits_header && !login_greet(session))
        session_close(session);
    return session;
}

struct session *session_new_errand(const struct backend *model)
{
    const struct pool *pool = model->pool;
    struct worker *worker = list_entry(pool->set, struct worker, pools);
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->worker = worker;
    session->id = make_id(worker);
    session->capabilities = pool->capabilities;
    session->identity = identity_ref(pool->identity);
    session->initial = state_ref(model->state);
    session->state = state_ref(model->state);
    session->close_after = session->errand = true;
    session->step = SESSION_READY;
    session->since = pools_now(&worker->pools);
    list_init(&session->waiter.link);
    list_init(&session->phase_link);
    list_init(&session->conn.out);
    session->conn.fd = -1;
    session->conn.chunks = &worker->chunks;
    list_append(&worker->sessions, &session->link);
    atomic_fetch_add_explicit(&worker->figures.sessions, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->figures.given, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->shared->clients, 1, memory_order_relaxed);
    return session;
}

static void forget_commands(struct backend *backend, const struct session *session)
{
    list_each (node, &backend->commands) {
        struct command *command = list_entry(node, struct command, link);
        if (command->session == session)
            command->session = NULL;
    }
}

/* What it runs is swallowed by the relay; what it holds is cleaned and given back. */
static void leave_backend(struct session *session)
{
    struct backend *backend = session->backend;
    session->backend = NULL;
    if (!backend)
        return;
    backend->dirty = true;
    backend->session = NULL;
    if (session->stream.active) /* half a request: nothing can follow it */
        backend_discard(backend);
    else if (list_empty(&backend->commands))
        backend_release(backend);
    else
        forget_commands(backend, session);
    if (backend->list != BACKEND_DEAD)
        conn_watch(&backend->conn, true);
}

void session_close(struct session *session)
{
    struct worker *worker = session->worker;
    if (session->step == SESSION_CLOSED)
        return;
    define_settle(session, DEFINE_OUTLIVES_MS);
    list_remove(&session->phase_link);
    session->step = SESSION_CLOSED;
    waiter_cancel(&session->waiter);
    effects_set_pins(session, 0);
    past_drop(session);
    if (session->backend && session->backend->list == BACKEND_SHARED)
        share_leave(session);
    else
        leave_backend(session);
    session->backend = session->parked;
    session->parked = NULL;
    leave_backend(session);
    ledger_free(session->ledger);
    handles_free(session);
    handle_free(session, session->preparing);
    prepared_unref(&worker->pools.prepared, &worker->states, session->variant);
    conn_close(&session->conn);
    state_unref(&worker->states, session->state);
    state_unref(&worker->states, session->initial);
    identity_unref(session->identity);
    login_attempt_free(session);
    effects_tracking_free(session);
    diagnose_forget(session);
    position_forget(session);
    free(session->address);
    session->address = NULL;
    list_remove(&session->link);
    atomic_fetch_sub_explicit(&worker->figures.sessions, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&worker->shared->clients, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&worker->figures.given, 1, memory_order_relaxed);
    list_append(&worker->closed, &session->phase_link);
}

void session_tick(struct session *session, uint64_t now)
{
    if (session->step == SESSION_GREETED)
        login_greet_late(session);
    bool opening = session->step == SESSION_OPENING && !session->backend && list_empty(&session->waiter.link);
    if (session->step == SESSION_WAITING ||
        (opening && now - session->since < worker_config(session->worker)->login_timeout))
        statement_begin(session);
    else if (session->step == SESSION_REFUSING && session->deadline <= now)
        login_refuse_now(session);
    else if (session->step <= SESSION_OPENING &&
             now - session->since > worker_config(session->worker)->login_timeout)
        session_close(session);
}
