/*
 * relay.c - the way of an answer: from the server's socket, through the worker's scratch memory, to the
 * client's socket.
 *
 *   scratch:  | tail of last time | just read ............................... |
 *                 └── result_next() hops from event to event, for the command at the head of the backend's
 * queue: CLIENT  passed on as it is (`run` grows), or rewritten (OK with session state, EOF's flags) CARRY,
 * CLEAN, SAVE, LOGIN  swallowed, but for what they say
 *
 * Everything for one client leaves in one write when the bytes are used up or its answer ends. A packet that
 * isn't complete stays in backend->conn.in until the next time. While a client is slow its server isn't read.
 */
#include <errno.h>
#include <string.h>

#include "pointsman/base/clock.h"
#include "pointsman/base/log.h"
#include "session.h"

enum { PARTS_MAX = 16, SLOW_REPLICA_MS = 1000 };

struct relay {
    struct backend *backend;
    struct session *session; /* whose answer is being passed on; NULL: swallowed */
    uint8_t *at, *end;       /* in the worker's scratch */
    uint8_t *run;            /* begin of what is passed on and not yet in parts; NULL: nothing */
    struct iovec parts[PARTS_MAX];
    int parts_count;
    uint8_t *made, *made_end; /* room for rewritten packets */
};

/* ---- to the client ---- */

static void close_run(struct relay *relay)
{
    if (relay->run && relay->run < relay->at)
        relay->parts[relay->parts_count++] = (struct iovec){relay->run, (size_t)(relay->at - relay->run)};
    relay->run = NULL;
}

/* complete: the session's answer ends here. Then others on the same connection needn't wait until its client
 * has taken it. */
static void flush(struct relay *relay, bool complete)
{
    close_run(relay);
    int count = relay->parts_count;
    struct session *session = relay->session;
    relay->parts_count = 0;
    if (!count || !session || session->muted)
        return;
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += relay->parts[i].iov_len;
    figure_add(&session->worker->figures.bytes_out, bytes);
    session->answer_sent += bytes;
    if (conn_writev(&session->conn, relay->parts, count) != CONN_OK) {
        relay->session = NULL;
        session_close(session);
    } else if (conn_backlogged(&session->conn) && !(complete && relay->backend->list == BACKEND_SHARED)) {
        conn_watch(&relay->backend->conn, false);
    }
}

/* The event's bytes, which end at relay->at, go on as they are. */
static void pass(struct relay *relay, size_t length)
{
    if (relay->session && !relay->run)
        relay->run = relay->at - length;
}

/* The event's packet is replaced. */
static void replace(struct relay *relay, size_t length, const uint8_t *made, size_t made_length)
{
    relay->at -= length;
    close_run(relay);
    relay->at += length;
    relay->parts[relay->parts_count++] = (struct iovec){(void *)(uintptr_t)made, made_length};
    if (relay->parts_count >= PARTS_MAX - 2)
        flush(relay, false);
}

/* The server doesn't keep to the protocol. What came before leaves first: afterwards the session may be
 * asking elsewhere. */
static void give_up(struct relay *relay, const struct result_event *event)
{
    struct backend *backend = relay->backend;
    log_event(LOG_WARNING, "server-nonsense",
              "a server's answer could not be understood; its connection is closed",
              log_text("server", topology_server(backend->pool->set->topology, backend->pool->server)->name));
    relay->at -= event->length;
    flush(relay, false);
    relay->session = NULL;
    relay_events.lost(backend);
}

/* ---- a client's own answer ---- */

static void client_ok(struct relay *relay, const struct result_event *event)
{
    struct session *session = relay->session;
    struct backend *backend = relay->backend;
    const uint8_t *payload = event->packet + PACKET_HEADER;
    struct answer_ok ok;
    if (!event->ends_result) { /* of COM_STMT_PREPARE: ids and counts */
        if (session)
            execute_prepared(session, backend, relay->at - event->length);
        pass(relay, event->length);
        return;
    }
    if (!answer_ok_read(payload, event->length - PACKET_HEADER, backend->capabilities, &ok)) {
        give_up(relay, event);
        return;
    }
    if (session)
        effects_of_ok(session, backend, &ok);
    if (session)
        effects_of_result(session, &backend->result, ok.status, ok.warnings, &ok);
    if (!session)
        return;
    effects_track(session);
    if (!(ok.status & STATUS_SESSION_STATE_CHANGED) && ok.info.length == 0) {
        pass(relay, event->length);
        return;
    }
    /* What is rewritten is hardly ever longer than what came, and there is as much room. */
    uint8_t shown[RESULT_PACKET_HOLD_MAX];
    effects_filter(session, &ok, shown, sizeof shown);
    struct writer w = writer_of(relay->made, (size_t)(relay->made_end - relay->made));
    size_t mark = packet_begin(&w);
    answer_ok_write(&w, payload[0], &ok, session->capabilities);
    packet_end(&w, mark, packet_sequence(event->packet));
    if (w.full) {
        give_up(relay, event);
        return;
    }
    replace(relay, event->length, relay->made, writer_length(&w));
    relay->made += writer_length(&w);
}

/* Flags that a client without session tracking would not see from a server. */
static void client_eof(struct relay *relay, const struct result_event *event)
{
    struct session *session = relay->session;
    if (!session)
        return;
    if (event->ends_result)
        effects_of_result(session, &relay->backend->result, event->status, event->warnings, NULL);
    if (event->status & STATUS_SESSION_STATE_CHANGED) {
        uint8_t *status = relay->at - event->length + PACKET_HEADER + 3;
        status[1] &= (uint8_t) ~(STATUS_SESSION_STATE_CHANGED >> 8);
        /* What was changed isn't said here. Most likely the position of a write; if it can be more the
         * session is held, and if it can't, nobody else shall see it all the same. */
        if (session->statement.effects & SQL_MAY_CHANGE_SESSION)
            session->changed = session->untold = true;
        else
            relay->backend->dirty = true;
        if (session->statement.verb != SQL_SELECT || session->statement.effects & SQL_MAY_CHANGE_SESSION)
            position_write_somewhere(session);
    }
    pass(relay, event->length);
}

/* A replica's error that the primary need not give. */
static bool is_misroute(const struct session *session, int server, unsigned code)
{
    int primary = session->worker->topology->primary;
    return primary != TOPOLOGY_NOBODY && server != primary && heal_may((uint16_t)code);
}

static void note_misroute(struct session *session)
{
    session->statement.healed = true;
    figure_add(&session->worker->figures.heals, 1);
}

static bool heal(struct relay *relay, const struct answer_err *err)
{
    struct session *session = relay->session;
    struct backend *backend = relay->backend;
    /* Definitions of columns may have come before; of several statements some may have had their effect. */
    bool begun = session->answer_sent ||
                 ((relay->parts_count || relay->run) && session->statement.count != 1);
    if (begun || session->muted || !is_misroute(session, backend->pool->server, err->code) ||
        !statement_may_repeat(session) || session->login || session->retries)
        return false;
    unsigned held = session->parked ? 0 : session->pins; /* by this connection */
    if (held & ~(unsigned)PIN_DIAGNOSTICS)
        return false;
    if (held)
        effects_set_pins(session, 0);
    relay->parts_count = 0;
    relay->run = NULL;
    note_misroute(session);
    heal_note(session->worker, session->statement.digest, session_now(session));
    session->backend = NULL;
    backend->warnings = true;
    relay->session = NULL;
    backend_answered(backend);
    if (backend->list == BACKEND_SHARED)
        backend_settle(backend);
    else
        backend_release(backend);
    return statement_again(session);
}

/* MySQL's servers say so before they close a connection, when they are stopped and by KILL. As long as the
 * client has seen nothing this is a lost connection like any other. True: it is. */
static bool goes_away(struct relay *relay, const struct answer_err *err)
{
    struct session *session = relay->session;
    bool begun = session->answer_sent ||
                 ((relay->parts_count || relay->run) && session->statement.count != 1);
    if (err->code != SERVER_ERROR_SERVER_SHUTDOWN || begun)
        return false;
    relay->parts_count = 0;
    relay->run = NULL;
    relay->session = NULL;
    relay_events.lost(relay->backend);
    return true;
}

/* A server's other error in its place: what a single server would have said. */
static void replace_err(struct relay *relay, const struct result_event *event, enum server_error code)
{
    const struct server_error_text *text = server_error_text(code);
    struct writer w = writer_of(relay->made, (size_t)(relay->made_end - relay->made));
    size_t mark = packet_begin(&w);
    const char *words = session_words(relay->session, text);
    answer_err_write(&w, text->code, text->state, words, strlen(words), relay->session->capabilities);
    packet_end(&w, mark, packet_sequence(event->packet));
    replace(relay, event->length, relay->made, writer_length(&w));
    relay->made += writer_length(&w);
}

/* True: the answer ended here and the session went elsewhere. */
static bool client_err(struct relay *relay, const struct result_event *event)
{
    struct session *session = relay->session;
    struct answer_err err;
    if (!session)
        return false;
    figure_add(&session->worker->figures.server_errors[relay->backend->pool->server], 1);
    if (!answer_err_read(event->packet + PACKET_HEADER, event->length - PACKET_HEADER, &err))
        return false;
    if (heal(relay, &err) || goes_away(relay, &err))
        return true;
    session->interrupted |= err.code == SERVER_ERROR_QUERY_INTERRUPTED;
    if (err.code == SERVER_ERROR_OPTION_PREVENTS && session->status & STATUS_IN_TRANS_READONLY)
        replace_err(relay, event, SERVER_ERROR_READ_ONLY_TRANSACTION);
    else
        pass(relay, event->length);
    return false;
}

static void client_end(struct relay *relay, bool good)
{
    struct backend *backend = relay->backend;
    flush(relay, true);
    if (backend->list == BACKEND_DEAD) /* the client went with half a request sent */
        return;
    struct session *session = relay->session;
    backend_answered(backend);
    if (relay->at < relay->end && list_empty(&backend->commands))
        backend->broken = true; /* more than was asked for */
    relay->session = NULL;
    if (session) {
        statement_end(session, good);
    } else if (backend->list == BACKEND_SHARED) {
        backend->warnings = true; /* perhaps */
        backend_settle(backend);
    } else {
        backend->dirty = true; /* its session is gone, and nobody looked at what it left */
        backend_release(backend);
    }
}

/* A file is asked for by LOAD DATA LOCAL only; a packet of several statements may have one. */
static void client_infile(struct relay *relay, const struct result_event *event)
{
    struct session *session = relay->session;
    if (!session || (session->statement.count == 1 && session->statement.verb != SQL_LOAD)) {
        give_up(relay, event);
        return;
    }
    pass(relay, event->length);
    flush(relay, false);
    if (relay->session)
        stream_begin_file(relay->session);
    else
        relay_events.lost(relay->backend);
}

static void on_client(struct relay *relay, struct command *command, const struct result_event *event)
{
    relay->session = command->session;
    switch (event->kind) {
    case RESULT_BYTES: pass(relay, event->length); break;
    case RESULT_OK: client_ok(relay, event); break;
    case RESULT_EOF: client_eof(relay, event); break;
    case RESULT_ERR:
        if (client_err(relay, event))
            return;
        break;
    case RESULT_LOCAL_INFILE: client_infile(relay, event); return;
    case RESULT_MORE:
    case RESULT_BAD: break;
    }
    if (event->end && relay->backend->list != BACKEND_DEAD)
        client_end(relay, event->kind != RESULT_ERR);
}

/* ---- answers that nobody else sees ---- */

/* The state could not be made: the connection is worth nothing now, the statement goes elsewhere or gets
 * these words. */
static void carry_failed(struct relay *relay, struct session *session, const struct result_event *event)
{
    struct backend *backend = relay->backend;
    struct answer_err err = {.code = 0};
    answer_err_read(event->packet + PACKET_HEADER, event->length - PACKET_HEADER, &err);
    bool is_primary = backend->pool->server == backend->pool->set->topology->primary;
    backend->broken = true;
    if (!session) {
        backend_discard(backend);
        return;
    }
    session->backend = NULL;
    unsigned pins = statement_pins(session);
    if (!session->parked)
        effects_set_pins(session, 0);
    backend_discard(backend);
    if (!is_primary && !pins) {
        session->statement.healed = true;
        if (statement_again(session))
            return;
    }
    session->after_carry = false;
    statement_fail(session, err.code, err.state, (const char *)err.message.at, err.message.length);
}

/* All that went ahead has been answered: a request that waited for it follows. */
static void send_what_waits(struct session *session)
{
    if (!session->after_carry)
        return;
    session->after_carry = false;
    send_statement(session);
}

static void on_carry(struct relay *relay, struct command *command, const struct result_event *event)
{
    struct session *session = command->session;
    struct backend *backend = relay->backend;
    if (event->kind == RESULT_ERR) {
        carry_failed(relay, session, event);
        return;
    }
    if (!event->end)
        return;
    backend_answered(backend);
    if (!list_empty(&backend->commands))
        return;
    if (!session) {
        backend->dirty = true;
        backend_release(backend);
    } else {
        send_what_waits(session);
    }
}

static void on_clean(struct relay *relay, struct command *command, const struct result_event *event)
{
    (void)command;
    struct backend *backend = relay->backend;
    if (event->kind == RESULT_ERR) {
        backend_discard(backend);
    } else if (event->end) {
        backend_answered(backend);
        if (list_empty(&backend->commands))
            backend_cleaned(backend);
    }
}

static void on_login(struct relay *relay, struct command *command, const struct result_event *event)
{
    struct session *session = command->session;
    struct backend *backend = relay->backend;
    struct answer_err err;
    struct answer_ok ok;
    if (!event->end)
        return;
    const uint8_t *payload = event->packet + PACKET_HEADER;
    size_t length = event->length - PACKET_HEADER;
    bool failed = event->kind == RESULT_ERR;
    if (failed ? !answer_err_read(payload, length, &err)
               : !answer_ok_read(payload, length, backend->capabilities, &ok)) {
        relay_events.lost(backend);
        return;
    }
    if (!failed)
        login_tried(session, backend);
    backend_answered(backend);
    bool misrouted = session && failed && is_misroute(session, backend->pool->server, err.code);
    if (session)
        session->backend = NULL;
    backend_release(backend);
    if (misrouted) {
        note_misroute(session);
        statement_begin(session);
    } else if (session) {
        login_opened(session, failed ? &err : NULL);
    }
}

/* How much of the bytes is the head's whole answer; 0: not all of it is there, or it was nonsense. For small
 * answers, looked at in one piece. */
static size_t whole_answer(struct relay *relay, size_t most)
{
    struct result trial = relay->backend->result;
    struct result_event event = {0};
    size_t length = 0, left = (size_t)(relay->end - relay->at);
    while (!event.end && length < left) {
        result_next(&trial, relay->at + length, left - length, &event);
        if (event.kind == RESULT_MORE || event.kind == RESULT_BAD || event.kind == RESULT_LOCAL_INFILE)
            break;
        length += event.length;
    }
    if (event.end)
        return length;
    if (event.kind == RESULT_BAD || event.kind == RESULT_LOCAL_INFILE || left > most)
        give_up(relay, &(struct result_event){.kind = RESULT_BAD});
    return 0;
}

struct reader relay_row(const struct backend *backend, const uint8_t *answer, size_t length, int columns)
{
    int before = 1 + columns + !(backend->capabilities & CAP_DEPRECATE_EOF);
    struct reader r = reader_of(answer, length);
    for (int i = 0; i < before; i++)
        read_skip(&r, (size_t)read_u24(&r) + 1);
    uint32_t row_length = read_u24(&r);
    read_u8(&r);
    struct bytes packet = read_bytes(&r, row_length);
    struct reader row = reader_of(packet.at, packet.length);
    row.bad = r.bad;
    return row;
}

/* The warnings of its last statement. */
static bool on_diagnose(struct relay *relay, struct command *command)
{
    struct backend *backend = relay->backend;
    size_t length = whole_answer(relay, CHUNK_LARGE - PACKET_HEADER);
    if (!length)
        return false;
    struct session *session = command->session;
    const uint8_t *answer = relay->at;
    relay->at += length;
    backend_answered(backend);
    if (!backend->session && list_empty(&backend->commands))
        backend_release(backend);
    else
        diagnose_answered(backend, session, answer, length);
    return true;
}

/* What the session still holds there. */
static bool on_probe(struct relay *relay, struct command *command)
{
    struct backend *backend = relay->backend;
    size_t length = whole_answer(relay, RESULT_PACKET_HOLD_MAX);
    if (!length)
        return false;
    struct session *session = command->session;
    unsigned number = command->kinds;
    const uint8_t *answer = relay->at;
    relay->at += length;
    backend_answered(backend);
    if (!backend->session && list_empty(&backend->commands))
        backend_release(backend);
    else
        holds_probed(backend, session, number, answer, length);
    return true;
}

static bool on_save(struct relay *relay, struct command *command)
{
    struct backend *backend = relay->backend;
    size_t length = whole_answer(relay, RESULT_PACKET_HOLD_MAX);
    if (!length)
        return false;
    struct session *session = command->session;
    unsigned kinds = command->kinds;
    const uint8_t *answer = relay->at;
    relay->at += length;
    backend_answered(backend);
    past_saved(backend, session, kinds, answer, length);
    bool last = list_empty(&backend->commands);
    if (last && backend->list == BACKEND_SHARED) {
        backend_settle(backend);
        return true;
    }
    if (!last || backend->list != BACKEND_BUSY)
        return true;
    if (!backend->session)
        backend_release(backend);
    else
        send_what_waits(backend->session);
    return true;
}

/* The replica hasn't got what the session wrote: the read that is in the pipe already is for nobody, the
 * primary serves. */
static void wait_ran_out(struct backend *backend, struct session *session)
{
    struct worker *worker = session->worker;
    int server = backend->pool->server;
    worker->slow_until[server] = session_now(session) + SLOW_REPLICA_MS;
    session->avoid |= UINT64_C(1) << server;
    session->backend = NULL;
    backend->session = NULL;
    list_each (node, &backend->commands)
        list_entry(node, struct command, link)->session = NULL;
    if (session->killed)
        statement_interrupt(session);
    else if (!statement_again(session)) /* a READ ONLY transaction that nobody has seen begin */
        statement_move(session);
}

static bool on_wait(struct relay *relay, struct command *command)
{
    struct backend *backend = relay->backend;
    size_t length = whole_answer(relay, RESULT_PACKET_HOLD_MAX);
    if (!length)
        return false;
    struct session *session = command->session;
    bool has = position_waited(backend, relay->at, length);
    relay->at += length;
    backend_answered(backend);
    if (session && !has)
        wait_ran_out(backend, session);
    return true;
}

/* The server can't prepare it there, as it would have said to the EXECUTE that follows. */
static void place_failed(struct relay *relay, struct session *session, const struct answer_err *err)
{
    struct backend *backend = relay->backend;
    backend->warnings = true;
    session->after_carry = false;
    if (is_misroute(session, backend->pool->server, err->code) && statement_may_repeat(session) &&
        !session->muted && !session->retries && !statement_pins(session)) {
        note_misroute(session);
        heal_note(session->worker, session->statement.digest, session_now(session));
        session->backend = NULL;
        backend_release(backend);
        if (statement_again(session))
            return;
    }
    if (!session->muted)
        session_send_err(session, 1, err->code, err->state, (const char *)err->message.at,
                         err->message.length);
    statement_end(session, false);
}

static void on_place(struct relay *relay, struct command *command, const struct result_event *event)
{
    struct session *session = command->session;
    struct backend *backend = relay->backend;
    struct answer_err err = {.code = 0};
    if (event->kind == RESULT_OK)
        execute_placed(backend, command);
    else if (event->kind == RESULT_ERR)
        answer_err_read(event->packet + PACKET_HEADER, event->length - PACKET_HEADER, &err);
    if (!event->end)
        return;
    backend_answered(backend);
    if (!list_empty(&backend->commands))
        return;
    if (!session)
        backend_release(backend);
    else if (event->kind == RESULT_ERR)
        place_failed(relay, session, &err);
    else
        send_what_waits(session);
}

typedef void answer_function(struct relay *relay, struct command *command, const struct result_event *event);

static answer_function *const answers[] = {[COMMAND_CLIENT] = on_client,
                                           [COMMAND_CARRY] = on_carry,
                                           [COMMAND_LOGIN] = on_login,
                                           [COMMAND_PLACE] = on_place,
                                           [COMMAND_CLEAN] = on_clean};

/* ---- from the server ---- */

static void on_lost(struct backend *backend)
{
    struct session *session = backend->session;
    if (backend->list == BACKEND_SHARED) {
        share_lost(backend);
        return;
    }
    backend->session = NULL;
    if (session && session->step != SESSION_CLOSED) {
        backend_discard(backend);
        statement_lost(session, backend);
    } else {
        backend_discard(backend);
    }
}

/* What was kept of last time, and what there is now, in the worker's scratch. False: nothing to do. */
static bool fill(struct relay *relay, struct worker *worker)
{
    struct conn *conn = &relay->backend->conn;
    size_t kept = conn->in ? chunk_used(conn->in) : 0, n = 0;
    if (kept)
        memcpy(worker->scratch, conn->in->data + conn->in->start, kept);
    enum conn_outcome outcome = conn_read_into(conn, worker->scratch + kept, WORKER_SCRATCH / 2 - kept, &n);
    if (outcome == CONN_AGAIN)
        return false;
    if (outcome != CONN_OK) {
        on_lost(relay->backend);
        return false;
    }
    conn_consume(conn, kept);
    relay->at = worker->scratch;
    relay->end = worker->scratch + kept + n;
    relay->made = worker->scratch + WORKER_SCRATCH / 2;
    relay->made_end = worker->scratch + WORKER_SCRATCH;
    return true;
}

/* One event of the head of the queue. False: no more to be done with these bytes. */
static bool step(struct relay *relay)
{
    struct backend *backend = relay->backend;
    struct command *command = list_first(&backend->commands, struct command, link);
    struct result_event event;
    if (!command) { /* nobody asked: ERR 4031 and the like before it closes */
        on_lost(backend);
        return false;
    }
    if (!backend->reading) {
        result_begin(&backend->result, result_shape_of(command->code), backend->capabilities);
        backend->reading = true;
    }
    if (command->kind == COMMAND_SAVE)
        return on_save(relay, command);
    if (command->kind == COMMAND_DIAGNOSE)
        return on_diagnose(relay, command);
    if (command->kind == COMMAND_PROBE)
        return on_probe(relay, command);
    if (command->kind == COMMAND_WAIT)
        return on_wait(relay, command);
    result_next(&backend->result, relay->at, (size_t)(relay->end - relay->at), &event);
    if (event.kind == RESULT_MORE)
        return false;
    relay->at += event.length;
    bool misplaced = event.kind == RESULT_LOCAL_INFILE && command->kind != COMMAND_CLIENT;
    if (event.kind == RESULT_BAD || misplaced) {
        give_up(relay, &event);
        return false;
    }
    answers[command->kind](relay, command, &event);
    return true;
}

static void on_readable(struct backend *backend)
{
    struct relay relay = {.backend = backend};
    struct worker *worker = list_entry(backend->pool->set, struct worker, pools);
    if (!fill(&relay, worker))
        return;
    bool shared = backend->list == BACKEND_SHARED;
    uint64_t now = shared ? clock_us() : 0;
    while (relay.at < relay.end && backend->list != BACKEND_DEAD && step(&relay))
        ;
    if (backend->kill)
        kill_due(backend);
    if (shared)
        share_learn_bunch(worker, backend, now);
    flush(&relay, false);
    if (backend->list != BACKEND_DEAD && relay.at < relay.end &&
        conn_keep(&backend->conn, relay.at, (size_t)(relay.end - relay.at)) != CONN_OK)
        on_lost(backend);
}

static void on_granted(struct waiter *waiter, struct backend *backend)
{
    struct session *session = list_entry(waiter, struct session, waiter);
    statement_granted(session, backend);
}

static void on_refused(struct waiter *waiter, unsigned code, const char *state, const char *message,
                       size_t length)
{
    struct session *session = list_entry(waiter, struct session, waiter);
    if (code && is_misroute(session, waiter->pool->server, code)) /* an account that has not arrived */
        note_misroute(session);
    else if (code) {
        statement_fail(session, (uint16_t)code, state, message, length);
        return;
    }
    session->avoid |= UINT64_C(1) << waiter->pool->server;
    if (!code && !pool_reachable(waiter->pool))
        worker_avoid(session->worker, waiter->pool->server);
    statement_begin(session);
}

static void on_drained(struct backend *backend)
{
    if (backend->session)
        session_drained_backend(backend->session);
}

/* Nobody's answers are of no use; reads of which nothing was passed on run elsewhere. */
static void on_silent(struct backend *backend)
{
    struct session *session = backend->session;
    if (backend->list == BACKEND_SHARED) {
        const struct command *head = list_first(&backend->commands, struct command, link);
        if (head && head->session && head->session->answer_sent)
            share_scatter(backend, head->session);
        else
            on_lost(backend);
        return;
    }
    if (!session || (statement_may_repeat(session) && !session->answer_sent))
        on_lost(backend);
}

const struct pool_events relay_events = {
    .granted = on_granted,
    .refused = on_refused,
    .readable = on_readable,
    .drained = on_drained,
    .lost = on_lost,
    .forget = past_forget,
    .retire = past_retire,
    .silent = on_silent,
    .starved = diagnose_starved,
    .overrun = share_overrun,
};
