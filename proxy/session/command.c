/*
 * command.c - a table of the protocol's commands: which are answered here, which go to a server and how.
 *
 *   LOCAL    answered without a server
 *   SERVER   passed on: COM_QUERY is read and routed, others go where their row says
 *   STMT     statements of the binary protocol: execute.c
 *   UNKNOWN  servers don't know it (any more): ERR 1047
 */
#include "session.h"

static void run_quit(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session_close(session);
}

static void run_ping(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session_consume(session);
    session->row_count = 0;
    session_send_ok(session, 1);
}

static void run_unknown(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session_consume(session);
    session_send_error(session, 1, SERVER_ERROR_UNKNOWN_COMMAND);
}

/* Nothing of what the session was is left; the connection that it held is cleaned. */
static void forget_all(struct session *session)
{
    if (session->backend)
        session->backend->dirty = true;
    session_let_go(session);
    handles_free(session);
    past_drop(session);
    past_know(session, PAST_INSERT_ID, 0);
    past_know(session, PAST_FOUND_ROWS, 0);
    effects_tracking_free(session);
    diagnose_forget(session);
    session->row_count = 0;
    session->capabilities &= ~(
        uint32_t)CAP_IGNORE_SPACE; /* it was part of sql_mode, which is the default now */
    session->lost = 0;
    session->status = STATUS_AUTOCOMMIT;
}

/* Schema and role stay, everything else begins anew. */
static void run_reset(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    struct state *fresh = state_after_reset(&session->worker->states, session->initial, session->state);
    session_consume(session);
    forget_all(session);
    session->capabilities &= ~(
        uint32_t)CAP_IGNORE_SPACE; /* it was part of sql_mode, which is the default now */
    effects_set_state(session, fresh);
    session_send_ok(session, 1);
}

static void run_change_user(struct session *session, const uint8_t *payload, size_t length)
{
    forget_all(session);
    login_change_user(session, payload, length);
}

static void run_query(struct session *session, const uint8_t *payload, size_t length)
{
    statement_read(session, (const char *)payload + 1, length - 1);
    if (diagnose_reply(session, (const char *)payload + 1, length - 1)) {
        session_consume(session);
        return;
    }
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

/* By its id, which may be one of ours. */
static void run_process_kill(struct session *session, const uint8_t *payload, size_t length)
{
    struct reader r = reader_of(payload + 1, length - 1);
    session->statement = route_statement_unread(SQL_REASON_KILL, false);
    session->statement.verb = SQL_KILL;
    session->statement.effects = 0;
    session->kill_id = read_u32(&r);
    if (!kill_ask(session))
        statement_begin(session);
}

/* A replica, or whoever reads the binary log like one: the connection is its own from now on, and nobody
 * else's after it. */
static void run_replica(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session->statement = route_statement_unread(ROUTE_REASON_COMMAND, false);
    session->statement.effects = SQL_LEAVES_UNKNOWN;
    if (result_shape_of(session->code) == RESULT_SHAPE_ENDLESS)
        session->close_after = true; /* servers do so, whatever ended it */
    statement_begin(session);
}

/* Whether several statements may come in one packet is part of the key of the connections that it uses; one
 * that it holds is told, and is of no use to others then. */
static void run_set_option(struct session *session, const uint8_t *payload, size_t length)
{
    if (length != 3 || payload[1] > 1 || payload[2]) {
        run_unknown(session, payload, length);
        return;
    }
    if (payload[1])
        session->capabilities &= ~(uint32_t)CAP_MULTI_STATEMENTS;
    else
        session->capabilities |= CAP_MULTI_STATEMENTS;
    if (session->backend) {
        session->backend->tainted = true;
        run_primary(session, payload, length);
        return;
    }
    session_consume(session);
    session_send_eof(session, 1);
}

static void run_execute(struct session *session, const uint8_t *payload, size_t length)
{
    execute_run(session, payload, length, session->request > 0);
}

static void run_keep_data(struct session *session, const uint8_t *payload, size_t length)
{
    execute_keep_data(session, payload, length, session->request > 0);
}

/* Longer than what is read of a statement: the primary, packet by packet. */
static void run_long_query(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session->statement = route_statement_unread(ROUTE_REASON_TOO_LONG, false);
    definitions_take(&session->worker->definitions);
    route_doubt(&session->statement, session->worker->definitions);
    statement_begin(session);
}

static void run_too_long(struct session *session, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    session_send_error(session, 1, SERVER_ERROR_PACKET_TOO_LARGE);
    session_close(session);
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
    [COM_PROCESS_KILL] = run_process_kill,
    [COM_DEBUG] = run_primary,
    [COM_PING] = run_ping,
    [COM_CHANGE_USER] = run_change_user,
    [COM_STMT_PREPARE] = execute_prepare,
    [COM_STMT_EXECUTE] = run_execute,
    [COM_STMT_SEND_LONG_DATA] = run_keep_data,
    [COM_STMT_CLOSE] = execute_close,
    [COM_STMT_RESET] = execute_reset,
    [COM_STMT_FETCH] = execute_fetch,
    [COM_BINLOG_DUMP] = run_replica,
    [COM_BINLOG_DUMP_GTID] = run_replica,
    [COM_REGISTER_SLAVE] = run_replica,
    [COM_SET_OPTION] = run_set_option,
    [COM_RESET_CONNECTION] = run_reset,
};

bool command_wants_whole(const struct session *session, const uint8_t *payload, size_t length)
{
    return payload[0] == COM_STMT_PREPARE || /* its text is kept */
           (payload[0] == COM_STMT_EXECUTE && execute_lacks_types(session, payload, length));
}

/* Of what doesn't fit into a chunk only the beginning is here. */
static command_function *function_of(uint8_t code, bool whole)
{
    if (whole)
        return commands[code] ? commands[code] : run_unknown;
    switch (code) {
    case COM_QUERY: return run_long_query;
    case COM_STMT_EXECUTE:
    case COM_STMT_SEND_LONG_DATA: return commands[code];
    default: return run_too_long;
    }
}

void command_run(struct session *session, const uint8_t *payload, size_t length, bool whole)
{
    session->code = payload[0];
    session->executing = NULL;
    function_of(payload[0], whole)(session, payload, length);
}
