/*
 * execute.c - COM_STMT_*: statements of the binary protocol.
 *
 *   PREPARE ──> sent where its text would run ──> OK: a handle, under an id of our own
 *   EXECUTE ──> routed as its text ──> lacking there? prepared first (COMMAND_PLACE) ──> sent with the
 * server's id SEND_LONG_DATA   kept with the handle; too much of it: passed to the primary, which holds the
 * session then FETCH, RESET     go where the cursor or the data is CLOSE            forgets the handle. What
 * is placed on connections stays there for others, while it is used
 *
 *   EXECUTE's packet:  ff id id id id | flags iterations | NULLs | bound? | types, if bound | values
 *                      made anew        as it came         ..........      ours, if not     as they came
 *
 * Types are sent once by clients, but other sessions may have told the server others since: it gets them each
 * time. A text that asks for LAST_INSERT_ID() and its kin is executed as a variant of it, with literals in
 * their place.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session.h"

enum {
    HEAD_LENGTH = 10 /* of EXECUTE's payload, up to the NULLs */,
    WRONG_ARGUMENTS = 1210,
    ANY_ERROR = 1105
};

/* ---- finding ---- */

static struct handle *find(struct session *session, const uint8_t *payload, size_t length)
{
    struct reader r = reader_of(payload + 1, length - 1);
    uint32_t id = read_u32(&r);
    session->executing = r.bad ? NULL : handle_find(session, id);
    return session->executing;
}

/* An answer of ours. Of a longer request the rest is still to come: nobody would know where it ends. */
static void refuse(struct session *session, uint16_t code, const char *state, const char *words)
{
    if (!session->request)
        session->close_after = true;
    session_consume(session);
    session_send_err(session, 1, code, state, words, strlen(words));
}

static void no_such_statement(struct session *session, const uint8_t *payload, size_t length)
{
    const char *what = payload[0] == COM_STMT_RESET   ? "mysqld_stmt_reset"
                       : payload[0] == COM_STMT_FETCH ? "mysqld_stmt_fetch"
                                                      : "mysqld_stmt_execute";
    struct reader r = reader_of(payload + 1, length - 1);
    char text[100];
    snprintf(text, sizeof text, "Unknown prepared statement handler (%" PRIu32 ") given to %s", read_u32(&r),
             what);
    refuse(session, 1243, "HY000", text);
}

struct sql_span execute_text(const struct session *session)
{
    const struct chunk *in = session->conn.in;
    if (session->code == COM_STMT_EXECUTE && session->executing) {
        const struct prepared *prepared = session->executing->prepared;
        return (struct sql_span){prepared->text, prepared->length};
    }
    if (session->code != COM_QUERY || !session->request)
        return (struct sql_span){"", 0};
    return (struct sql_span){(const char *)in->data + in->start + PACKET_HEADER + 1,
                             session->request - PACKET_HEADER - 1};
}

const struct state *execute_meaning(const struct session *session)
{
    bool executes = session->code == COM_STMT_EXECUTE && session->executing;
    return executes ? session->executing->prepared->context : session->state;
}

/* ---- commands ---- */

/* To prepare does nothing but to look at tables; it may run, and be repeated, wherever its text might. */
void execute_prepare(struct session *session, const uint8_t *payload, size_t length)
{
    struct worker *worker = session->worker;
    struct route_statement *statement = &session->statement;
    const char *text = (const char *)payload + 1;
    struct prepared *prepared = prepared_of(&worker->pools.prepared, &worker->states, session->state, text,
                                            length - 1);
    session->preparing = prepared ? handle_new(session, prepared) : NULL;
    if (!session->preparing) {
        refuse(session, 1041, "HY000", "Out of memory.");
        return;
    }
    if (session->handles)
        session->handles->latest = NULL;
    statement_read(session, text, length - 1);
    statement->effects &= SQL_READS_DIAGNOSTICS; /* to prepare SHOW WARNINGS leaves them alone */
    statement->verbs = statement->reasons = 0;
    statement->verb = SQL_UNKNOWN;
    statement->sets = statement->plain_role = statement->read_only_begin = statement->overflow = false;
    if (statement->kind != ROUTE_CLASS_READ)
        statement->kind = ROUTE_CLASS_WRITE;
    statement->anywhere = statement->kind == ROUTE_CLASS_READ && statement->anywhere;
    statement_begin(session);
}

static size_t nulls_length(const struct handle *handle)
{
    return ((size_t)handle->parameters + 7) / 8;
}

/* False: it has parameters whose types were never told. What is malformed is for the server to complain of.
 */
static bool learn_types(struct handle *handle, const uint8_t *payload, size_t length)
{
    size_t bound = HEAD_LENGTH + nulls_length(handle);
    if (handle->parameters == 0 || length <= bound)
        return true;
    if (payload[bound] == 0)
        return handle->types;
    return length < bound + 1 + 2 * (size_t)handle->parameters ||
           handle_set_types(handle, payload + bound + 1);
}

bool execute_lacks_types(const struct session *session, const uint8_t *payload, size_t length)
{
    struct reader r = reader_of(payload + 1, length - 1);
    const struct handle *handle = handle_find(session, read_u32(&r));
    size_t bound = handle ? HEAD_LENGTH + nulls_length(handle) : 0;
    return handle && handle->parameters && length > bound && payload[bound] == 0;
}

/* Servers keep one cursor a statement, and one set of long data: others who have prepared the same must not
 * meet it. False: no memory. */
static bool make_loose(struct session *session, struct handle *handle)
{
    struct prepared *loose = handle->prepared->loose ? NULL : prepared_loose(handle->prepared);
    if (!loose)
        return handle->prepared->loose;
    prepared_unref(&session->worker->pools.prepared, &session->worker->states, handle->prepared);
    handle->prepared = loose;
    return true;
}

static void goes_to_primary(struct route_statement *statement, unsigned reason)
{
    statement->anywhere = false;
    statement->kind = ROUTE_CLASS_WRITE;
    statement->reason = reason;
}

void execute_run(struct session *session, const uint8_t *payload, size_t length, bool whole)
{
    struct handle *handle = find(session, payload, length);
    if (!handle) {
        no_such_statement(session, payload, length);
        return;
    }
    if (handle->spoilt) {
        handle->spoilt = false;
        refuse(session, ANY_ERROR, "HY000", "Long data of a parameter was lost with its server");
        return;
    }
    if (length < HEAD_LENGTH || !learn_types(handle, payload, length)) {
        refuse(session, WRONG_ARGUMENTS, "HY000", "Incorrect arguments to mysqld_stmt_execute");
        return;
    }
    /* In pieces of 16 MB it can't become longer, and without types it would have those of another session. */
    if (!whole && execute_lacks_types(session, payload, length)) {
        refuse(session, ANY_ERROR, "HY000",
               "An EXECUTE of 16 MB or more must have the types of its parameters");
        return;
    }
    if (payload[5] && !make_loose(session, handle)) {
        refuse(session, 1041, "HY000", "Out of memory.");
        return;
    }
    statement_read(session, handle->prepared->text, handle->prepared->length);
    if (payload[5] || handle->streamed)
        goes_to_primary(&session->statement, ROUTE_REASON_COMMAND);
    else if (!whole)
        goes_to_primary(&session->statement, ROUTE_REASON_TOO_LONG);
    if (!kill_ask(session))
        statement_begin(session);
}

static void go_where_it_is(struct session *session)
{
    session->statement = route_statement_unread(ROUTE_REASON_COMMAND, false);
    session->statement.effects = 0;
    statement_begin(session);
}

/* What has no answer can't be refused either: the next EXECUTE is. */
void execute_keep_data(struct session *session, const uint8_t *payload, size_t length, bool whole)
{
    struct handle *handle = find(session, payload, length);
    bool kept = handle && whole && !handle->streamed && handle_keep_data(session, handle, payload, length);
    if (kept || (!handle && whole)) {
        session_consume(session);
        return;
    }
    if (!handle || !make_loose(session, handle)) {
        session_close(session);
        return;
    }
    go_where_it_is(session);
}

void execute_fetch(struct session *session, const uint8_t *payload, size_t length)
{
    const struct handle *handle = find(session, payload, length);
    char text[80];
    if (!handle) {
        no_such_statement(session, payload, length);
    } else if (!handle->cursor) {
        snprintf(text, sizeof text, "The statement (%" PRIu32 ") has no open cursor", handle->id);
        refuse(session, 1421, "HY000", text);
    } else {
        go_where_it_is(session);
    }
}

void execute_reset(struct session *session, const uint8_t *payload, size_t length)
{
    struct handle *handle = find(session, payload, length);
    if (!handle) {
        no_such_statement(session, payload, length);
        return;
    }
    handle_drop_data(session, handle);
    handle->spoilt = false;
    if (handle->cursor || handle->streamed) {
        go_where_it_is(session);
        return;
    }
    session_consume(session);
    session_send_ok(session, 1);
}

void execute_close(struct session *session, const uint8_t *payload, size_t length)
{
    struct handle *handle = find(session, payload, length);
    session->executing = NULL;
    session_consume(session);
    if (!handle)
        return;
    if (session->backend && (handle->cursor || handle->streamed))
        placed_remove(session->backend, handle->prepared);
    handle_remove(session, handle);
    static const unsigned own = PIN_CURSOR | PIN_LONG_DATA;
    if (!(session->pins & own))
        return;
    effects_set_pins(session, (session->pins & ~own) | handles_pins(session));
    if (!session->pins)
        session_let_go(session);
}

/* ---- where it runs ---- */

const struct prepared *execute_wishes(const struct session *session)
{
    bool executes = session->code == COM_STMT_EXECUTE || session->code == COM_STMT_SEND_LONG_DATA;
    return executes && session->executing ? session->executing->prepared : NULL;
}

bool execute_may_share(const struct session *session)
{
    const struct chunk *in = session->conn.in;
    return session->code == COM_STMT_EXECUTE && session->executing && !session->executing->data &&
           in->data[in->start + PACKET_HEADER + 5] == 0; /* no cursor */
}

static struct prepared *present(const struct session *session)
{
    return session->variant ? session->variant : session->executing->prepared;
}

static void drop_variant(struct session *session)
{
    prepared_unref(&session->worker->pools.prepared, &session->worker->states, session->variant);
    session->variant = NULL;
}

/* With literals in the place of what only the session knows. */
static void choose_variant(struct session *session)
{
    struct worker *worker = session->worker;
    const struct prepared *prepared = session->executing->prepared;
    size_t length;
    drop_variant(session);
    if (session->code != COM_STMT_EXECUTE || !(session->statement.effects & PAST_REPLACED))
        return;
    const char *text = past_rewrite(session, prepared->text, prepared->length, (char *)worker->outgoing,
                                    WORKER_SCRATCH, &length);
    if (text)
        session->variant = prepared_of(&worker->pools.prepared, &worker->states, prepared->context, text,
                                       length);
}

struct prepared *execute_lacks(struct session *session)
{
    if (!execute_wishes(session))
        return NULL;
    choose_variant(session);
    struct prepared *prepared = present(session);
    return placed_is(session->backend, prepared) ? NULL : prepared;
}

int execute_place(struct session *session, struct prepared *lacks, uint8_t head[PLACE_HEAD],
                  struct iovec parts[PLACE_PARTS])
{
    struct command *command = backend_expect(session->backend, COMMAND_PLACE, COM_STMT_PREPARE, session);
    if (!command)
        return 0;
    command->prepares = prepared_ref(lacks);
    struct writer w = writer_of(head, PLACE_HEAD);
    write_u24(&w, lacks->length + 1);
    write_u8(&w, 0);
    write_u8(&w, COM_STMT_PREPARE);
    parts[0] = (struct iovec){head, PLACE_HEAD};
    parts[1] = (struct iovec){lacks->text, lacks->length};
    return PLACE_PARTS;
}

static unsigned most_placed(const struct session *session)
{
    /* What a cursor or long data belongs to must not be closed. */
    bool holds = session && session->pins & (PIN_CURSOR | PIN_LONG_DATA);
    return holds ? UINT32_MAX : worker_config(session->worker)->max_prepared;
}

void execute_placed(struct backend *backend, struct command *command)
{
    struct worker *worker = list_entry(backend->pool->set, struct worker, pools);
    unsigned most = command->session ? most_placed(command->session) : worker_config(worker)->max_prepared;
    placed_add(backend, command->prepares, backend->result.statement_id, most);
}

/* ---- its bytes ---- */

static size_t put(struct iovec *part, const void *at, size_t length)
{
    *part = (struct iovec){(void *)(uintptr_t)at, length};
    return length;
}

int execute_request(struct session *session, struct backend *backend, uint8_t head[EXECUTE_HEAD],
                    struct iovec parts[EXECUTE_PARTS])
{
    const struct handle *handle = session->executing;
    const struct placed *placed = placed_find(backend, present(session));
    const struct chunk *in = session->conn.in;
    const uint8_t *payload = in->data + in->start + PACKET_HEADER;
    size_t length = session->request - PACKET_HEADER, bound = HEAD_LENGTH + nulls_length(handle), sum = 0;
    bool add_types = session->code == COM_STMT_EXECUTE && handle->parameters && handle->types &&
                     length > bound && payload[bound] == 0;
    int count = 1;
    if (add_types) {
        sum += put(&parts[count++], payload + 5, bound - 5);
        sum += put(&parts[count++], handle->types, 1 + 2 * (size_t)handle->parameters);
        sum += put(&parts[count++], payload + bound + 1, length - bound - 1);
    } else {
        sum += put(&parts[count++], payload + 5, length - 5);
    }
    struct writer w = writer_of(head, EXECUTE_HEAD);
    write_u24(&w, (uint32_t)(5 + sum));
    write_u8(&w, 0);
    write_u8(&w, session->code);
    write_u32(&w, placed ? placed->id : 0); /* 0: no server knows it, which it will say */
    parts[0] = (struct iovec){head, EXECUTE_HEAD};
    return count;
}

static void write_id(const struct session *session, uint8_t *at)
{
    const struct placed *placed = placed_find(session->backend, present(session));
    struct writer w = writer_of(at, 4);
    write_u32(&w, placed ? placed->id : 0);
}

bool execute_send_data(struct session *session)
{
    struct handle *handle = session->executing;
    if (!handle || (session->code != COM_STMT_EXECUTE && session->code != COM_STMT_SEND_LONG_DATA))
        return true;
    for (struct long_data *data = handle->data; data; data = data->next) {
        write_id(session, data->packet + PACKET_HEADER + 1);
        if (conn_write(&session->backend->conn, data->packet, data->length) != CONN_OK)
            return false;
    }
    if (session->code == COM_STMT_SEND_LONG_DATA) /* it is there now, and not sent again */
        handle_drop_data(session, handle);
    return true;
}

void execute_patch(struct session *session)
{
    struct chunk *in = session->conn.in;
    if (session->executing && (session->code == COM_STMT_EXECUTE || session->code == COM_STMT_SEND_LONG_DATA))
        write_id(session, in->data + in->start + PACKET_HEADER + 1);
}

/* ---- answers ---- */

void execute_prepared(struct session *session, struct backend *backend, uint8_t *packet)
{
    struct handle *handle = session->preparing;
    if (!handle)
        return;
    session->preparing = NULL;
    handle->parameters = backend->result.prepare_parameters;
    placed_add(backend, handle->prepared, backend->result.statement_id, most_placed(session));
    if (!handle_add(session, handle)) {
        handle_free(session, handle);
        session_close(session);
        return;
    }
    struct writer w = writer_of(packet + PACKET_HEADER + 1, 4);
    write_u32(&w, handle->id);
}

void execute_settle(struct session *session, bool good)
{
    struct handle *handle = session->executing;
    handle_free(session, session->preparing); /* it was refused */
    session->preparing = NULL;
    if (!handle)
        return;
    switch (session->code) {
    case COM_STMT_EXECUTE:
        handle_drop_data(session, handle);
        handle_set_held(session, handle, good && session->status & STATUS_CURSOR_EXISTS, false);
        if (session->variant && session->statement.effects & ~(uint32_t)SQL_READS_CONNECTION_ID &&
            session->backend)
            placed_remove(session->backend, session->variant);
        drop_variant(session);
        break;
    case COM_STMT_FETCH:
        if (session->status & STATUS_LAST_ROW_SENT)
            handle_set_held(session, handle, false, handle->streamed);
        break;
    case COM_STMT_RESET: handle_set_held(session, handle, false, false); break;
    default: break;
    }
}
