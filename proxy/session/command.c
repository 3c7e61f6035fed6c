/*
 * command.c - a table of the protocol's commands: which are answered here, which go to a server and how.
 *
 *   LOCAL    answered without a server
 *   SERVER   passed on: COM_QUERY is read and routed, others go where their row says
 *   HELD     makes sense only on the connection that the session holds
 *   UNKNOWN  servers don't know it (any more): ERR 1047
 */
#include <string.h>

#include "session.h"

static void run_quit(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session_close(session);
}

static void finish_local(struct session *session)
{
    conn_consume(&session->conn, session->request);
    session->request = 0;
}

static void run_ping(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    finish_local(session);
    session_send_ok(session, 1);
}

static void run_unknown(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    finish_local(session);
    session_send_error(session, 1, SERVER_ERROR_UNKNOWN_COMMAND);
}

/* The schema stays, everything else begins anew; so does the connection that was held, after cleaning. */
static void run_reset(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    size_t n;
    struct state_table *states = &session->worker->states;
    const char *schema = state_schema(session->state, &n);
    struct state *fresh = schema ? state_with(states, session->initial, STATE_SCHEMA, "", 0, schema, n)
                                 : state_without(states, session->initial, STATE_SCHEMA);
    finish_local(session);
    if (session->backend)
        session->backend->dirty = true;
    session_let_go(session);
    effects_set_state(session, fresh);
    past_drop(session);
    past_know(session, PAST_INSERT_ID, 0);
    past_know(session, PAST_FOUND_ROWS, 0);
    session->lost = 0;
    session->status = STATUS_AUTOCOMMIT;
    session_send_ok(session, 1);
}

static void run_change_user(struct session *session, const uint8_t *payload, size_t length)
{
    if (session->backend)
        session->backend->dirty = true;
    session_let_go(session);
    past_drop(session);
    login_change_user(session, payload, length);
}

static void run_query(struct session *session, const uint8_t *payload, size_t length)
{
    statement_read(session, (const char *)payload + 1, length - 1);
    if (!kill_ask(session))
        statement_begin(session);
}

static void run_init_db(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session->statement = route_statement_unread(SQL_REASON_SESSION_STATE, true);
    session->statement.kind = ROUTE_CLASS_STATE;
    session->statement.verb = SQL_USE;
    statement_begin(session);
}

/* COM_FIELD_LIST reads definitions, as SHOW COLUMNS does. */
static void run_read(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session->statement = route_statement_unread(SQL_REASON_READ, true);
    statement_begin(session);
}

static void run_primary(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session->statement = route_statement_unread(ROUTE_REASON_COMMAND, false);
    session->statement.effects = 0;
    statement_begin(session);
}

static void run_set_option(struct session *session, const uint8_t *payload, size_t length)
{
    uint8_t packet[PACKET_HEADER + 5];
    if (length != 3 || payload[1] > 1 || payload[2]) {
        run_unknown(session, payload, length);
        return;
    }
    /* Whether several statements may come in one packet is part of the key of the connections that it uses.
     */
    if (payload[1])
        session->capabilities &= ~(uint32_t)CAP_MULTI_STATEMENTS;
    else
        session->capabilities |= CAP_MULTI_STATEMENTS;
    finish_local(session);
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    answer_eof_write(&w, &(struct answer_eof){.status = session->status});
    packet_end(&w, mark, 1);
    if (session->capabilities & CAP_DEPRECATE_EOF)
        session_send_ok(session, 1);
    else
        session_send(session, packet, writer_length(&w));
}

static void run_prepare(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session->statement = route_statement_unread(SQL_REASON_PREPARED, false);
    session->statement.effects = SQL_MAKES_PREPARED;
    statement_begin(session);
}

/* Ids of statements mean something only to the connection that made them. */
static void run_held(struct session *session, const uint8_t *payload, size_t length)
{
    (void)length;
    bool silent = payload[0] == COM_STMT_CLOSE || payload[0] == COM_STMT_SEND_LONG_DATA;
    if (session->pins & PIN_PREPARED && session->backend) {
        session->statement = route_statement_unread(SQL_REASON_PREPARED, false);
        statement_begin(session);
        return;
    }
    finish_local(session);
    static const char what[] = "Unknown prepared statement handler (0) given to EXECUTE";
    if (!silent)
        session_send_err(session, 1, 1243, "HY000", what, sizeof what - 1);
}

typedef void command_function(struct session *session, const uint8_t *payload, size_t length);

static command_function *const commands[256] = {
    [COM_QUIT] = run_quit,
    [COM_INIT_DB] = run_init_db,
    [COM_QUERY] = run_query,
    [COM_FIELD_LIST] = run_read,
    [COM_REFRESH] = run_primary,
    [COM_STATISTICS] = run_primary,
    [COM_PROCESS_INFO] = run_primary,
    [COM_DEBUG] = run_primary,
    [COM_PING] = run_ping,
    [COM_CHANGE_USER] = run_change_user,
    [COM_STMT_PREPARE] = run_prepare,
    [COM_STMT_EXECUTE] = run_held,
    [COM_STMT_BULK_EXECUTE] = run_held,
    [COM_STMT_SEND_LONG_DATA] = run_held,
    [COM_STMT_CLOSE] = run_held,
    [COM_STMT_RESET] = run_held,
    [COM_STMT_FETCH] = run_held,
    [COM_SET_OPTION] = run_set_option,
    [COM_RESET_CONNECTION] = run_reset,
};

void command_run(struct session *session, const uint8_t *payload, size_t length, bool whole)
{
    session->code = payload[0];
    command_function *run = commands[payload[0]] ? commands[payload[0]] : run_unknown;
    if (whole) {
        run(session, payload, length);
        return;
    }
    /* Longer than what is read of a statement: the primary, packet by packet. */
    bool held = run == run_held;
    if (run != run_query && run != run_prepare && !(held && session->pins & PIN_PREPARED)) {
        session_send_error(session, 1, SERVER_ERROR_PACKET_TOO_LARGE);
        session_close(session);
        return;
    }
    session->statement = route_statement_unread(ROUTE_REASON_TOO_LONG, false);
    if (run == run_prepare)
        session->statement.effects |= SQL_MAKES_PREPARED;
    statement_begin(session);
}
