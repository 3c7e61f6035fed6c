/*
 * kill.c - KILL [QUERY] of a session of this proxy.
 *
 *   asker's worker ──mail: order──> target's worker: found, allowed? ──> errand: "KILL QUERY n" on another
 * connection of the same ^                                                │              account to the
 * server where the target's statement runs └───────────mail: the order comes back───────────┘
 *
 * A KILL names a connection of the server, and hits whatever runs there when it arrives. Too early is what
 * was sent ahead of the target's statement, perhaps for somebody else: the KILL waits until that is answered
 * (backend->kill). Too late would be somebody else's statement: the connection is closed afterwards. Ids
 * carry the worker's number, so the order finds its way.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum kill_outcome { KILL_DONE, KILL_NO_SUCH, KILL_NOT_OWNER };

struct order {
    struct mail mail;
    struct worker *asker;
    uint32_t asker_id, id;
    bool query_only;
    enum kill_outcome outcome;
    char user[256]; /* only one's own sessions */
};

static struct session *find(struct worker *worker, uint32_t id)
{
    list_each (node, &worker->sessions) {
        struct session *session = list_entry(node, struct session, link);
        if (session->id == id)
            return session;
    }
    return NULL;
}

/* A session without a client that sends one statement to the connection's server; its answer goes nowhere. */
static void run_errand(const struct backend *target, const char *text)
{
    struct worker *worker = list_entry(target->pool->set, struct worker, pools);
    struct chunk *in = chunk_take(&worker->chunks, PACKET_HEADER + 1 + strlen(text));
    struct session *errand = in ? session_new_errand(target) : NULL;
    if (!errand) {
        chunk_give(&worker->chunks, in);
        return;
    }
    struct writer w = writer_of(in->data, in->capacity);
    size_t mark = packet_begin(&w);
    write_u8(&w, COM_QUERY);
    write_string(&w, text);
    packet_end(&w, mark, 0);
    in->end = (uint32_t)writer_length(&w);
    errand->conn.in = in;
    errand->request = in->end;
    errand->code = COM_QUERY;
    errand->statement = route_statement_unread(SQL_REASON_KILL, false);
    statement_send_to(errand, target->pool->server);
}

void kill_due(struct backend *backend)
{
    const struct command *head = list_first(&backend->commands, struct command, link);
    enum backend_kill kill = backend->kill;
    char text[64];
    if (head && head->kind != COMMAND_CLIENT && head->kind != COMMAND_LOGIN)
        return;
    backend->kill = BACKEND_SPARE;
    if (!head) /* the statement is over, or was not sent */
        return;
    snprintf(text, sizeof text, "KILL %s%" PRIu32, kill == BACKEND_KILL_QUERY ? "QUERY " : "",
             backend->thread_id);
    run_errand(backend, text);
}

/* On a shared connection only what the server works at is killed there, with nobody else's behind it. True:
 * it was not that, and has left. */
static bool leave_queue(struct session *target)
{
    if (!target->backend || target->backend->list != BACKEND_SHARED || share_alone(target))
        return false;
    share_leave(target);
    return true;
}

void kill_session(struct session *target, bool query_only)
{
    struct backend *backend = target->backend;
    bool interrupt = query_only && target->step == SESSION_WAITING;
    if (leave_queue(target)) {
        interrupt = query_only;
    } else if (backend && !list_empty(&backend->commands)) {
        backend->tainted = true;
        backend->kill = query_only ? BACKEND_KILL_QUERY : BACKEND_KILL_CONNECTION;
        target->killed = query_only;
        kill_due(backend);
        interrupt = false;
    }
    if (interrupt) {
        waiter_cancel(&target->waiter);
        target->order = NULL;
        statement_interrupt(target);
    }
    if (!query_only)
        session_close(target);
}

static void tell(struct session *session, const struct order *order)
{
    session->order = NULL;
    session_consume(session);
    session_step_to(session, SESSION_READY);
    if (order->outcome == KILL_DONE)
        session_send_ok(session, 1);
    else
        session_send_error(session, 1,
                           order->outcome == KILL_NO_SUCH ? SERVER_ERROR_NO_SUCH_THREAD
                                                          : SERVER_ERROR_KILL_DENIED,
                           (unsigned long long)order->id);
    session_next(session);
}

static void take_back(void *owner, struct mail *mail)
{
    struct order *order = (struct order *)mail;
    struct session *session = find(owner, order->asker_id);
    if (session && session->order == order) /* else it was killed itself, and may be at its next statement */
        tell(session, order);
    free(order);
}

static void take_order(void *owner, struct mail *mail)
{
    struct order *order = (struct order *)mail;
    struct session *target = find(owner, order->id);
    if (!target || !target->identity)
        order->outcome = KILL_NO_SUCH;
    else if (strcmp(target->identity->user, order->user) != 0)
        order->outcome = KILL_NOT_OWNER;
    else
        kill_session(target, order->query_only);
    order->mail.handle = take_back;
    mailbox_send(&order->asker->mailbox, &order->mail);
}

/* Its KILL is the statement that is killed, and a server says so. */
static void kill_oneself(struct session *session, bool query_only)
{
    const struct server_error_text *words = server_error_text(SERVER_ERROR_CONNECTION_KILLED);
    if (query_only) {
        statement_interrupt(session);
    } else {
        session->close_after = true;
        statement_fail(session, words->code, words->state, words->format, strlen(words->format));
    }
}

bool kill_ask(struct session *session)
{
    struct worker_shared *shared = session->worker->shared;
    uint64_t id = session->kill_id;
    if (session->statement.verb != SQL_KILL || session->statement.count != 1 || id >> 31 != 1)
        return false;
    unsigned number = id >> 24 & 0x7f;
    if (id == session->id) {
        kill_oneself(session, session->statement.effects & SQL_KILL_QUERY);
        return true;
    }
    struct order *order = calloc(1, sizeof *order);
    if (!order)
        return false;
    *order = (struct order){.mail.handle = take_order,
                            .asker = session->worker,
                            .asker_id = session->id,
                            .id = (uint32_t)id,
                            .query_only = session->statement.effects & SQL_KILL_QUERY,
                            .outcome = KILL_DONE};
    snprintf(order->user, sizeof order->user, "%s", session->identity->user);
    session_step_to(session, SESSION_WAITING);
    session->order = order;
    if (number < shared->workers_count) {
        mailbox_send(&shared->workers[number]->mailbox, &order->mail);
    } else {
        order->outcome = KILL_NO_SUCH;
        tell(session, order);
        free(order);
    }
    return true;
}
