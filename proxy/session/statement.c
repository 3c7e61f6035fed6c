/*
 * statement.c - one statement's way.
 *
 *   read ──> route ──> HELD ─────────────────────────────> send
 *    ^         │       SERVER ─> pool ─> granted ────────> send ──> (relay.c: the answer) ──> end ──> next
 *    │         │                   └─ refused ─┐                          │
 *    │         └────── WAIT ─> worker->waiting ┤                          │
 *    └─────────────────────────────────────────┴── again (lost or misrouted, no byte of the answer passed on)
 *
 * What is sent, and what goes ahead of it, is send.c's.
 */
#include <stdio.h>
#include <string.h>

#include "pointsman/base/clock.h"
#include "session.h"

enum { STATE_TEXT_MAX = 4096 };

/* Capabilities that change a result's bytes or a statement's meaning: part of a pooled connection's key. */
static const uint32_t key_capabilities = CAP_FOUND_ROWS | CAP_LOCAL_FILES | CAP_IGNORE_SPACE |
                                         CAP_MULTI_STATEMENTS | CAP_MULTI_RESULTS | CAP_PS_MULTI_RESULTS |
                                         CAP_DEPRECATE_EOF | CAP_NO_SCHEMA | CAP_ODBC;

/* ---- reading ---- */

struct sql_options statement_options(const struct session *session)
{
    const struct state *meaning = execute_meaning(session);
    const struct state_reading *reading = state_reading(meaning);
    const struct topology *topology = session->worker->topology;
    int model = topology->primary != TOPOLOGY_NOBODY ? topology->primary : 0;
    const struct server_look *look = &topology->servers[model].look;
    size_t ignored; /* who set no sql_mode has the server's */
    bool own_mode = state_get(meaning, STATE_VARIABLE, "sql_mode", &ignored) != NULL;
    unsigned mode = own_mode ? reading->mode : look->reading_mode;
    const struct ledger *ledger = session->pins & PIN_TEMPORARY_TABLE ? session->ledger : NULL;
    return (struct sql_options){
        .watched = ledger ? &ledger->watched : NULL,
        .charset = (enum sql_charset)reading->charset,
        .mode = mode | (session->capabilities & CAP_IGNORE_SPACE ? SQL_MODE_IGNORE_SPACE : 0),
        .mariadb = look->mariadb,
        .version = look->version,
        .safe_functions = &session->worker->safe_functions,
        .unsafe_tables = &session->worker->definitions->unsafe_views,
        .leaving = &session->worker->definitions->leaving,
        .assigning = &session->worker->definitions->assigning};
}

static int find_rule(const struct session *session, const char *text, size_t length,
                     const struct sql_options *options)
{
    const struct config *config = worker_config(session->worker);
    char normalised[4096], schema[256];
    size_t n;
    if (config->rules_count == 0)
        return -1;
    const char *current = state_schema(execute_meaning(session), &n);
    snprintf(schema, sizeof schema, "%.*s", current ? (int)n : 0, current ? current : "");
    sql_normalise(text, length, options, normalised, sizeof normalised);
    return route_rule(config, normalised, session->identity->user, schema);
}

void statement_read(struct session *session, const char *text, size_t length)
{
    definitions_take(&session->worker->definitions);
    struct sql_options options = statement_options(session);
    struct sql_facts facts;
    struct defined defined = {.count = 0};
    route_merge_begin(&session->statement);
    for (size_t at = 0; at < length;) {
        at += sql_read(text + at, length - at, &options, &facts);
        route_merge(&session->statement, &facts, session->worker->topology);
        session->kill_id = facts.kill_own ? session->id : facts.kill_id;
        if (facts.defines.at)
            define_add(&defined, &facts, &options);
    }
    route_doubt(&session->statement, session->worker->definitions);
    if (session->statement.verb == SQL_EXECUTE && session->statement.count == 1 &&
        !holds_may_leave_unknown(session, text, length))
        session->statement.effects &= ~(uint32_t)SQL_LEAVES_UNKNOWN;
    define_announce(session, &defined, text, length, &options);
    if (session->statement.count == 0)
        session->statement.anywhere = false; /* the server says what it thinks of nothing */
    /* What can't be carried is held, and who holds must hold the primary: where the present user variables
     * may come to mean something else (SET NAMES), and where there is more than a state can take. */
    if (session->statement.sets && (state_has_kind(session->state, STATE_USER) || length > STATE_TEXT_MAX))
        session->statement.anywhere = false;
    bool server_schema = state_reading(execute_meaning(session))->server_schema;
    if (server_schema && session->statement.kind == ROUTE_CLASS_READ) {
        session->statement.anywhere = false;
        session->statement.reason = SQL_REASON_SERVER_STATE;
    }
    if (server_schema && session->statement.effects & SQL_MAY_CHANGE_SESSION)
        session->statement.effects |= SQL_LEAVES_UNKNOWN; /* the server's own routines are not read */
    if (session->worker->misroutes_count && heal_is_noted(session->worker, session->statement.digest))
        session->statement.healed = true;
    options = statement_options(session);
    session->statement.rule = find_rule(session, text, length, &options);
    if (session->statement.hint_ignored)
        figure_add(&session->worker->figures.hints_ignored, 1);
}

bool statement_may_repeat(const struct session *session)
{
    const struct route_statement *statement = &session->statement;
    return (statement->anywhere || session->code == COM_STMT_PREPARE) &&
           !(statement_pins(session) & ~(unsigned)PIN_DIAGNOSTICS) && !session->stream.active &&
           session->request;
}

/* ---- what is held, while a read runs elsewhere ---- */

static void park(struct session *session)
{
    session->parked = session->backend;
    session->backend = NULL;
}

static void unpark(struct session *session)
{
    if (!session->parked)
        return;
    session->backend = session->parked;
    session->parked = NULL;
}

/* ---- waiting and failing ---- */

void statement_become(struct session *session, enum session_step step)
{
    if (!session->login) /* a login that tries its schema stays one */
        session_step_to(session, step);
}

static void wait_for_server(struct session *session)
{
    statement_become(session, SESSION_WAITING);
    if (!session->login && list_empty(&session->phase_link))
        list_append(&session->worker->waiting, &session->phase_link);
    worker_hurry(session->worker);
}

static void finish(struct session *session)
{
    session->muted = session->alone = false;
    session_consume(session);
    session_step_to(session, SESSION_READY);
    session_next(session);
}

void statement_fail(struct session *session, uint16_t code, const char *state, const char *message,
                    size_t length)
{
    list_remove(&session->phase_link);
    unpark(session);
    if (session->muted) { /* the client has its answer; of what it left nothing can be told */
        finish(session);
        return;
    }
    if (session->login) {
        struct answer_err err = {.code = code, .message = {(const uint8_t *)message, length}};
        snprintf(err.state, sizeof err.state, "%s", state);
        login_opened(session, &err);
        return;
    }
    if (result_shape_of(session->code) == RESULT_SHAPE_NONE) { /* the next EXECUTE says so */
        session->executing->spoilt = true;
        finish(session);
        return;
    }
    if (session->request == 0)
        session->close_after = true; /* it was passed on in pieces, and the rest still comes */
    session_consume(session);
    session->row_count = -1;
    execute_settle(session, false);
    session_send_err(session, session->answer_sent ? session->sequence : 1, code, state, message, length);
    session->answer_sent = 0;
    session_step_to(session, SESSION_READY);
    session_next(session);
}

void statement_interrupt(struct session *session)
{
    const struct server_error_text *words = server_error_text(SERVER_ERROR_QUERY_INTERRUPTED);
    statement_fail(session, words->code, words->state, words->format, strlen(words->format));
}

void statement_fail_with(struct session *session, uint16_t code, const char *state, const char *format,
                         const char *what)
{
    char message[400];
    int length = snprintf(message, sizeof message, format, what);
    statement_fail(session, code, state, message,
                   length < (int)sizeof message ? (size_t)length : sizeof message - 1);
}

/* Nobody could be asked in time. 1290 is what a read-only server says, which drivers and applications know.
 */
static void fail_waiting(struct session *session, const char *why)
{
    statement_fail_with(session, SERVER_ERROR_OPTION_PREVENTS, "HY000",
                        "The statement waited for a server until queue_timeout and was not run: %s", why);
}

/* A connection that held part of the session is gone: said once, then the session goes on without. */
static void fail_lost(struct session *session)
{
    bool transaction = session->lost & PIN_TRANSACTION;
    session->lost = 0;
    if (transaction)
        statement_fail_with(
            session, SERVER_ERROR_DEADLOCK, "40001", "%s",
            "The transaction's server was lost and the transaction rolled back; try restarting transaction");
    else
        statement_fail_with(
            session, SERVER_ERROR_SERVER_SHUTDOWN, "08S01", "%s",
            "The session's server was lost and with it its temporary tables, locks, prepared statements or "
            "variables; the statement was not run");
}

/* ---- routing ---- */

static struct route_session route_view(struct session *session)
{
    return (struct route_session){
        .pins = session->pins,
        .held = session->backend ? session->backend->pool->server : TOPOLOGY_NOBODY,
        .autocommit = state_reading(session->state)->autocommit,
        .stale = position_stale(session),
        .stay = session->stay || !holds_may_leave(session),
        .read_only_transaction = session->status & STATUS_IN_TRANS_READONLY,
    };
}

/* What a statement left to be asked for is void with the next one, unless that is one that leaves it alone.
 */
static void end_diagnostics(struct session *session)
{
    const struct route_statement *statement = &session->statement;
    session->gets_diagnostics |= route_has_verb(statement, SQL_DIAGNOSTICS);
    if (statement->effects & SQL_READS_DIAGNOSTICS || statement->kind == ROUTE_CLASS_STATE)
        return;
    diagnose_forget(session);
    if (!(session->pins & PIN_DIAGNOSTICS))
        return;
    effects_set_pins(session, session->pins & ~(unsigned)PIN_DIAGNOSTICS);
    if (session->pins)
        holds_probe(session); /* what had to wait for the warnings to be read */
    else
        session_let_go(session);
}

static void acquire(struct session *session, int server)
{
    struct worker *worker = session->worker;
    size_t ignored;
    bool has_schema = session->login || state_schema(session->state, &ignored);
    uint32_t key = pool_key(session->capabilities & key_capabilities, has_schema);
    struct pool *pool = pool_find(&worker->pools, session->identity, server, key);
    if (!pool) {
        statement_fail_with(session, SERVER_ERROR_OUT_OF_RESOURCES, "HY000", "%s", "Out of memory.");
        return;
    }
    uint32_t takes = share_may(session);
    struct wish wish = {.state = session->state, .prepared = execute_wishes(session), .takes = takes};
    struct backend *backend = pool_acquire(pool, session, wish, &session->waiter, session->deadline);
    if (backend) {
        statement_granted(session, backend);
        return;
    }
    list_remove(&session->phase_link);
    if (session->login)
        list_append(&worker->logins, &session->phase_link);
    statement_become(session, SESSION_WAITING);
    figure_add(&worker->figures.waits, 1);
    worker_hurry(worker);
}

static void count_reason(struct session *session, int server, unsigned reason)
{
    struct worker *worker = session->worker;
    figure_add(&worker->figures.statements[session->statement.kind], 1);
    figure_add(&worker->figures.reasons[reason][server != worker->topology->primary], 1);
    figure_add(&worker->figures.server_statements[server], 1);
}

static struct route_decision route(struct session *session, struct route_session *view)
{
    struct worker *worker = session->worker;
    /* Statements that only set something must not take the turns of those that read. */
    struct route_balance *balance = session->statement.kind == ROUTE_CLASS_STATE ? &worker->state_balance
                                                                                 : &worker->balance;
    uint64_t avoid = session->avoid | worker->avoid;
    struct route_decision decision = route_pick(&session->statement, view, worker->topology, balance, avoid);
    session->must_wait = false;
    if (decision.reason != ROUTE_REASON_OWN_WRITES)
        return decision;
    /* No replica is known to have what the session wrote: one may wait for it. */
    uint64_t stale = view->stale;
    view->stale = 0;
    struct route_decision other = route_pick(&session->statement, view, worker->topology, balance, avoid);
    if (other.target != ROUTE_SERVER || !(stale >> other.server & 1) ||
        !position_may_wait(session, other.server))
        return decision;
    session->must_wait = true;
    return other;
}

static void begin_fresh(struct session *session, uint64_t now)
{
    session->deadline = now + worker_config(session->worker)->queue_timeout;
    session->avoid = session->retries = 0;
    session->alone = session->stay = session->killed = session->interrupted = false;
    if (session->pins && session->ledger)
        session->ledger->idle_ms += now - session->since;
    end_diagnostics(session);
}

void statement_begin(struct session *session)
{
    bool fresh = session->step != SESSION_WAITING;
    uint64_t now = session_now(session);
    struct worker *worker = session->worker;
    if (session->errand) { /* its server could not be asked, and a KILL means somebody else on any other */
        session_close(session);
        return;
    }
    if (fresh && !session->login) {
        begin_fresh(session, now);
    } else if (session->login) {
        session->deadline = session->since + worker_config(worker)->login_timeout;
    }
    if (session->lost) {
        fail_lost(session);
        return;
    }
    if (diagnose_kept(session) && route_has_verb(&session->statement, SQL_DIAGNOSTICS)) {
        statement_fail_with(
            session, 1105, "HY000", "%s",
            "The last statement's diagnostics can be shown but not got any more: its connection was "
            "needed by others");
        return;
    }
    unpark(session);
    if (session->probing ||
        past_ask(session, session->statement.effects | (past_must_tell(session) ? SQL_READS_INSERT_ID : 0)) ==
            PAST_SAVING) {
        wait_for_server(session);
        return;
    }
    struct route_session view = route_view(session);
    struct route_decision decision = route(session, &view);
    session->reason = decision.reason;
    if (session->backend && decision.target != ROUTE_HELD)
        park(session);
    if (!fresh && now >= session->deadline && decision.target == ROUTE_SERVER) {
        fail_waiting(session, "no connection to a server became free");
        return;
    }
    switch (decision.target) {
    case ROUTE_HELD: statement_granted(session, session->backend); break;
    case ROUTE_SERVER: acquire(session, decision.server); break;
    case ROUTE_REJECT:
        statement_fail_with(session, 1148, "42000", "The rule '%s' of the proxy rejects this statement",
                            decision.text);
        break;
    case ROUTE_WAIT:
        if (now >= session->deadline)
            fail_waiting(session, decision.text);
        else
            wait_for_server(session);
        break;
    }
}

void statement_send_to(struct session *session, int server)
{
    session->deadline = session_now(session) + worker_config(session->worker)->queue_timeout;
    session->reason = session->statement.reason;
    acquire(session, server);
}

/* ---- granted ---- */

/* Held on a replica by more than warnings: by variables of a GET DIAGNOSTICS, or since that was the primary.
 * What writes must not run there; in a read-only transaction the server says so itself. */
static bool is_stranded(const struct session *session, const struct backend *backend)
{
    static const uint64_t writing = UINT64_C(1) << SQL_DML | UINT64_C(1) << SQL_DDL |
                                    UINT64_C(1) << SQL_LOAD | UINT64_C(1) << SQL_CALL |
                                    UINT64_C(1) << SQL_ACCOUNT | UINT64_C(1) << SQL_DO |
                                    UINT64_C(1) << SQL_EXECUTE;
    return session->pins & ~(unsigned)PIN_DIAGNOSTICS && !session->parked &&
           (session->code == COM_QUERY || session->code == COM_STMT_EXECUTE) &&
           !(session->status & STATUS_IN_TRANS_READONLY) &&
           backend->pool->server != session->worker->topology->primary && session->statement.verbs & writing;
}

/* After SET TRANSACTION READ ONLY the statement is a transaction of its own, which writes. */
static void fail_stranded(struct session *session)
{
    static const char why[] =
        "The statement was not run: what the session left holds it on a server that takes no writes";
    const struct server_error_text *words = server_error_text(SERVER_ERROR_READ_ONLY_TRANSACTION);
    if (session->pins & PIN_NEXT_TRANSACTION)
        statement_fail(session, words->code, words->state, words->format, strlen(words->format));
    else
        statement_fail_with(session, SERVER_ERROR_OPTION_PREVENTS, "HY000", "%s", why);
}

void statement_granted(struct session *session, struct backend *backend)
{
    list_remove(&session->phase_link);
    if (session->login)
        list_append(&session->worker->logins, &session->phase_link);
    if (is_stranded(session, backend)) {
        fail_stranded(session);
        return;
    }
    if (backend->list == BACKEND_SHARED) {
        count_reason(session, backend->pool->server, session->reason);
        send_begin_answer(session);
        if (!share_join(session, backend))
            statement_fail_with(session, SERVER_ERROR_OUT_OF_RESOURCES, "HY000", "%s", "Out of memory.");
        return;
    }
    session->backend = backend;
    backend->session = session;
    count_reason(session, backend->pool->server, session->reason);
    send_statement(session);
}

/* ---- the end ---- */

void session_let_go(struct session *session)
{
    struct backend *backend = session->backend;
    session->backend = NULL;
    session->probing = 0;
    effects_set_pins(session, 0);
    if (backend)
        past_release(backend);
}

static void measure(struct session *session, const struct backend *backend, uint64_t now)
{
    struct worker_figures *figures = &session->worker->figures;
    uint64_t us = now - session->began;
    bool replica = backend->pool->server != session->worker->topology->primary;
    int bucket = us ? 64 - __builtin_clzll(us) : 0;
    figure_add(&figures->latency[replica][bucket < WORKER_HISTOGRAM ? bucket : WORKER_HISTOGRAM - 1], 1);
    figure_add(&figures->latency_us[replica], us);
}

/* A read that ran elsewhere while the session is held. Whoever asks for its warnings asks where the session
 * is held: there it runs once more, muted. */
static void end_elsewhere(struct session *session, bool good)
{
    struct backend *backend = session->backend;
    bool again = !session->muted && (!good || session->warnings);
    if (!good)
        session->row_count = -1;
    if (!good || session->warnings)
        backend->warnings = true;
    session->backend = NULL;
    if (backend->list == BACKEND_SHARED)
        backend_settle(backend);
    else
        backend_release(backend);
    unpark(session);
    if (!again) {
        finish(session);
        return;
    }
    session->stay = session->muted = true;
    figure_add(&session->worker->figures.repeats, 1);
    session_step_to(session, SESSION_WAITING);
    statement_begin(session);
}

void statement_end(struct session *session, bool good)
{
    struct backend *backend = session->backend;
    uint64_t now = clock_us();
    if (!session->muted)
        measure(session, backend, now);
    share_learn(session, backend, now, good);
    if (session->parked) {
        end_elsewhere(session, good);
        return;
    }
    effects_of_end(session, good);
    if (session->statement.effects & SQL_RELEASES_SESSION)
        backend->tainted = true;
    if (backend->list == BACKEND_SHARED) {
        if (share_ended(session, backend))
            finish(session);
        return;
    }
    session->muted = false;
    session_consume(session);
    session_step_to(session, SESSION_READY);
    if (session->pins) {
        backend_hold(backend);
        holds_probe(session);
    } else {
        session->backend = NULL;
        past_release(backend);
    }
    /* The server answered before the request was complete, or was asked to end the session. */
    if (session->stream.active || (good && session->statement.effects & SQL_RELEASES_SESSION))
        session->close_after = true;
    session_next(session);
}

/* ---- again ---- */

void statement_move(struct session *session)
{
    session->deadline = session_now(session) + worker_config(session->worker)->queue_timeout;
    statement_become(session, SESSION_WAITING);
    statement_begin(session);
}

bool statement_again(struct session *session)
{
    if (!statement_may_repeat(session) || session->answer_sent || session->retries >= RETRIES_MAX)
        return false;
    session->retries++;
    figure_add(&session->worker->figures.retries, 1);
    statement_move(session);
    return true;
}

/* `backend` was closed under the session; what was sent may have run or not. */
void statement_lost(struct session *session, struct backend *backend)
{
    session->probing = 0;
    if (backend == session->parked) { /* what runs now runs elsewhere */
        session->lost = session->pins;
        handles_lose_held(session);
        session->parked = NULL;
        effects_set_pins(session, 0);
        return;
    }
    unsigned pins = statement_pins(session) & ~(unsigned)PIN_DIAGNOSTICS;
    define_settle(session, DEFINE_OUTLIVES_MS);
    if (!session->parked)
        handles_lose_held(session);
    session->backend = NULL;
    session->avoid |= UINT64_C(1) << backend->pool->server;
    worker_avoid(session->worker, backend->pool->server);
    if (!session->parked)
        effects_set_pins(session, 0);
    if (session->step != SESSION_RUNNING && session->step != SESSION_OPENING) {
        session->lost = pins; /* it was idle: its next statement is told */
        return;
    }
    if (!pins && session->after_carry) { /* it hadn't been sent */
        session->after_carry = false;
        statement_become(session, SESSION_WAITING);
        statement_begin(session);
        return;
    }
    if (!pins && !session->killed && statement_again(session))
        return;
    if (session->answer_sent && !result_between_packets(&backend->result)) {
        session_close(session); /* in the middle of a long row: nothing can be said any more */
        return;
    }
    if (session->answer_sent)
        session->sequence = (uint8_t)(backend->result.sequence + 1);
    if (pins & PIN_TRANSACTION && session->statement.verb != SQL_COMMIT) {
        session->lost = pins;
        fail_lost(session);
        return;
    }
    if (statement_may_repeat(session) && session->killed)
        statement_interrupt(session);
    else if (statement_may_repeat(session))
        statement_fail_with(session, SERVER_ERROR_SERVER_SHUTDOWN, "08S01", "%s",
                            "The server was lost while it answered");
    else
        statement_fail_with(
            session, SERVER_ERROR_SERVER_SHUTDOWN, "08S01", "%s",
            "outcome unknown: the server was lost after the statement was sent and before it answered");
}
