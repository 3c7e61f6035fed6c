/*
 * share.c - quick reads of several sessions, back to back on one connection (SHARED: see pool.h).
 *
 *   share_may ──> pool ──> share_join: queued, unsent ──end of the loop's round──> share_flush: one write
 *                                                     └─ a handful of them ────────────────┘
 *   relay.c: the answers, in order ──> share_ended: the next who waits may join
 *
 *   the head takes too long, is killed, its server is silent  ──> share_scatter: those behind it go elsewhere
 *   the connection dies                                       ──> share_lost: each of them goes elsewhere
 *   an answer left warnings or an error, which the client may ask for:
 *       nothing was sent behind it  ──> the session holds the connection
 *       else                        ──> the client has its answer, and the statement runs once more, muted,
 * on a connection of its own, so that there is one to ask
 *
 * Only what may be repeated, changes nothing and leaves nothing is let in, and only where the connection is
 * in the session's state: so nobody's statement can tell that others are there.
 */
#include "session.h"

#include "pace.h"
#include "pointsman/base/clock.h"

enum { SHARE_AT_ONCE = 16 /* so many unsent ones don't wait for the round's end */ };
enum { SHARE_REQUEST_MAX = 4096, SHARE_ANSWER_MAX = 16384 };

uint32_t share_may(const struct session *session)
{
    /* Literal user variables are part of the state. */
    static const uint32_t harmless = SQL_READS_USER_VARIABLE;
    const struct route_statement *statement = &session->statement;
    bool may = statement->kind == ROUTE_CLASS_READ && statement->anywhere && statement->count == 1 &&
               !(statement->effects & ~harmless) &&
               (session->code == COM_QUERY || execute_may_share(session)) && session->request &&
               session->request <= SHARE_REQUEST_MAX && !statement_pins(session) && !session->login &&
               !session->must_wait && !session->alone && state_reading(session->state)->autocommit;
    return may ? pace_of(session->worker->paces, statement->digest) : 0;
}

/* ---- joining ---- */

static void send_all(struct backend *backend)
{
    struct iovec iov[SHARE_AT_ONCE * EXECUTE_PARTS];
    uint8_t heads[SHARE_AT_ONCE][EXECUTE_HEAD];
    int count = 0, executes = 0;
    list_each (node, &backend->unsent) {
        struct session *session = list_entry(node, struct command, link)->session;
        const struct chunk *in = session->conn.in;
        if (session->executing)
            count += execute_request(session, backend, heads[executes++], iov + count);
        else
            iov[count++] = (struct iovec){(uint8_t *)(uintptr_t)in->data + in->start, session->request};
    }
    if (list_empty(&backend->commands))
        backend->head_since = clock_us();
    backend_sent(backend);
    if (conn_writev(&backend->conn, iov, count) != CONN_OK)
        relay_events.lost(backend);
}

void share_flush(struct worker *worker)
{
    struct backend *backend;
    while ((backend = list_first(&worker->pools.unsent, struct backend, in_unsent)))
        send_all(backend);
}

bool share_join(struct session *session, struct backend *backend)
{
    uint8_t questions[256];
    session->backend = backend;
    if (!backend_expect_later(backend, session->code, session->waiter.wish.takes, session)) {
        session->backend = NULL;
        backend_part(backend, session->waiter.wish.takes);
        return false;
    }
    size_t length = past_save(backend, NULL, questions, sizeof questions);
    if (length && conn_write(&backend->conn, questions, length) != CONN_OK)
        relay_events.lost(backend);
    else if (backend->unsent_count >= SHARE_AT_ONCE)
        send_all(backend);
    if (backend->depth > 1) {
        figure_add(&session->worker->figures.shared, 1);
        worker_hurry(session->worker); /* somebody looks whether the head takes too long */
    }
    return true;
}

/* ---- leaving ---- */

static struct command *find(struct list *commands, const struct session *session)
{
    list_each (node, commands) {
        struct command *command = list_entry(node, struct command, link);
        if (command->session == session && command->kind == COMMAND_CLIENT)
            return command;
    }
    return NULL;
}

void share_leave(struct session *session)
{
    struct backend *backend = session->backend;
    struct command *unsent = find(&backend->unsent, session), *sent = find(&backend->commands, session);
    session->backend = NULL;
    if (sent)
        sent->session = NULL; /* its answer is swallowed */
    if (unsent) {
        backend_withdraw(backend, unsent);
        backend_settle(backend);
    }
    if (backend->list != BACKEND_DEAD)
        conn_watch(&backend->conn, true); /* it may have been slow to take its answer */
}

/* The sessions on the connection, in the order of their statements. Returns how many. */
static int sessions_of(const struct backend *backend, struct session *ret[POOL_DEPTH])
{
    const struct list *queues[] = {&backend->commands, &backend->unsent};
    int count = 0;
    for (int i = 0; i < 2; i++)
        list_each (node, queues[i]) {
            const struct command *command = list_entry(node, struct command, link);
            if (command->session && command->kind == COMMAND_CLIENT)
                ret[count++] = command->session;
        }
    return count;
}

void share_scatter(struct backend *backend, const struct session *keep)
{
    struct session *sessions[POOL_DEPTH];
    int count = sessions_of(backend, sessions);
    for (int i = 0; i < count; i++) {
        struct session *session = sessions[i];
        if (session == keep || session->backend != backend || session->alone || session->answer_sent)
            continue;
        session->alone = true; /* nobody is moved twice */
        share_leave(session);
        statement_move(session);
    }
}

void share_overrun(struct backend *backend)
{
    const struct command *head = list_first(&backend->commands, struct command, link);
    share_scatter(backend, head ? head->session : NULL);
}

bool share_alone(struct session *session)
{
    struct backend *backend = session->backend;
    const struct command *head = list_first(&backend->commands, struct command, link);
    if (!head || head->session != session || head->kind != COMMAND_CLIENT)
        return false;
    share_scatter(backend, session);
    list_each (node, &backend->commands) {
        const struct command *command = list_entry(node, struct command, link);
        if (command != head && command->session) /* what is asked for a third one, too */
            return false;
    }
    return list_empty(&backend->unsent);
}

void share_lost(struct backend *backend)
{
    struct session *sessions[POOL_DEPTH];
    int count = sessions_of(backend, sessions);
    backend_discard(backend);
    for (int i = 0; i < count; i++)
        if (sessions[i]->backend == backend)
            statement_lost(sessions[i], backend);
}

/* ---- the end ---- */

bool share_ended(struct session *session, struct backend *backend)
{
    if (!session->pins) {
        session->backend = NULL;
        backend_settle(backend);
        return true;
    }
    if (list_empty(&backend->commands)) {
        backend->session = session;
        backend_hold(backend);
        share_scatter(backend, session);
        return true;
    }
    effects_set_pins(session, 0);
    session->backend = NULL;
    backend_settle(backend);
    session->alone = session->muted = true;
    figure_add(&session->worker->figures.repeats, 1);
    session_step_to(session, SESSION_WAITING);
    statement_begin(session);
    return false;
}

void share_learn(struct session *session, const struct backend *backend, uint64_t now, bool good)
{
    struct paces *paces = session->worker->paces;
    bool plain = good && !session->warnings && session->answer_sent <= SHARE_ANSWER_MAX;
    if (backend->list == BACKEND_SHARED)
        pace_queued(paces, session->statement.digest, session->waiter.wish.takes, plain);
    else if (session->statement.kind == ROUTE_CLASS_READ)
        pace_learn(paces, session->statement.digest, now - backend->head_since, plain);
}

void share_learn_bunch(struct worker *worker, struct backend *backend, uint64_t now)
{
    if (worker->paces->bunch_count)
        pace_bunch(worker->paces, now - backend->head_since);
    backend->head_since = now;
}
