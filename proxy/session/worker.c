/*
 * worker.c - a worker's thread: its loop, its mail, its clock.
 *
 *   mail: a client's socket · a new topology · new accounts · rows for the console · KILL · the end
 *   tick: every 20 ms while somebody waits, else twice a second
 */
#include "pace.h"
#include "session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOW_TICK_MS = 500, FAST_TICK_MS = 20 };

/* ---- time ---- */

static void set_tick(struct worker *worker, bool fast)
{
    if (worker->tick_is_fast == fast)
        return;
    worker->tick_is_fast = fast;
    worker->tick.repeat = (fast ? FAST_TICK_MS : SLOW_TICK_MS) / 1000.0;
    ev_timer_again(worker->loop, &worker->tick);
}

void worker_hurry(struct worker *worker)
{
    set_tick(worker, true);
}

static void tick_sessions(struct list *sessions, uint64_t now)
{
    struct list taken; /* those that go on waiting come back to `sessions` */
    list_init(&taken);
    list_splice(&taken, sessions);
    while (!list_empty(&taken)) {
        struct session *session = list_first(&taken, struct session, phase_link);
        list_remove(&session->phase_link);
        list_append(sessions, &session->phase_link);
        session_tick(session, now);
    }
}

/* A server's connections are all taken, some of them perhaps idle with another worker: it gives one back. */
struct plea {
    struct mail mail;
    int server;
};

static void take_plea(void *owner, struct mail *mail)
{
    struct worker *worker = owner;
    pools_close_idle(&worker->pools, ((struct plea *)mail)->server);
    free(mail);
}

static void plead(struct worker *worker, int server)
{
    struct worker_shared *shared = worker->shared;
    for (unsigned i = 0; i < shared->workers_count; i++) {
        struct worker *other = shared->workers[i];
        struct plea *plea = other == worker || !atomic_load(&other->pools.idle[server])
                                ? NULL
                                : malloc(sizeof *plea);
        if (!plea)
            continue;
        plea->mail.handle = take_plea;
        plea->server = server;
        mailbox_send(&other->mailbox, &plea->mail);
        return;
    }
}

/* Sessions that set their own wait_timeout and have been idle for longer. */
static void sweep_idle(struct worker *worker, uint64_t now)
{
    worker->swept = now;
    list_each_safe (node, &worker->sessions) {
        struct session *session = list_entry(node, struct session, link);
        if (session->idle_limit && session->step == SESSION_READY &&
            now - session->since > (uint64_t)session->idle_limit * 1000)
            session_close(session);
    }
}

static void tick_starving(struct worker *worker)
{
    for (size_t i = 0; i < worker->topology->count; i++)
        if (worker->pools.starving[i]) {
            worker->pools.starving[i] = false;
            plead(worker, (int)i);
        }
}

/* It was a connection, not the server; or a look since then went well. A picture that is newer than the
 * failure may rest on a look that is older. */
static void forgive(struct worker *worker, uint64_t now)
{
    uint64_t patience = worker_config(worker)->monitor_timeout;
    for (uint64_t left = worker->avoid; left; left &= left - 1) {
        int server = __builtin_ctzll(left);
        uint64_t since = worker->avoid_since[server];
        if (now - since >= patience || topology_server(worker->topology, server)->look.at > since)
            worker->avoid &= ~(UINT64_C(1) << server);
    }
}

void worker_avoid(struct worker *worker, int server)
{
    worker->avoid |= UINT64_C(1) << server;
    worker->avoid_since[server] = pools_now(&worker->pools);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    struct worker *worker = timer->data;
    uint64_t now = pools_now(&worker->pools);
    bool waiting = pools_tick(&worker->pools);
    forgive(worker, now);
    tick_starving(worker);
    preempt_tick(&worker->preempt, now);
    if (!worker->tick_is_fast || now - worker->swept >= SLOW_TICK_MS)
        sweep_idle(worker, now);
    tick_sessions(&worker->waiting, now);
    tick_sessions(&worker->logins, now);
    set_tick(worker, waiting || !list_empty(&worker->waiting) || !list_empty(&worker->logins));
}

static void on_round(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)events;
    struct worker *worker = watcher->data;
    share_flush(worker);
    list_each_safe (node, &worker->closed)
        free(list_entry(node, struct session, phase_link));
    list_init(&worker->closed);
    if (worker->stop && worker->joined && list_empty(&worker->sessions))
        ev_break(worker->loop, EVBREAK_ALL);
}

/* ---- news ---- */

struct news {
    struct mail mail;
};

static void take_topology(void *owner, struct mail *mail)
{
    struct worker *worker = owner;
    struct topology *fresh = topology_current(), *old = worker->topology;
    const struct config *config = fresh->config;
    free(mail);
    worker->topology = fresh;
    forgive(worker, pools_now(&worker->pools));
    worker->safe_functions = (struct sql_names){(const char *const *)config->safe_functions,
                                                config->safe_functions_count};
    pools_topology(&worker->pools, fresh);
    heal_review(worker, pools_now(&worker->pools));
    topology_unref(old);
    tick_sessions(&worker->waiting, pools_now(&worker->pools));
}

/* Accounts that changed: what was logged in with them serves nobody any more. */
static void take_accounts(void *owner, struct mail *mail)
{
    struct worker *worker = owner;
    struct accounts *fresh = accounts_current();
    free(mail);
    accounts_unref(worker->accounts);
    worker->accounts = fresh;
    list_each (node, &worker->identities.all) {
        struct identity *identity = list_entry(node, struct identity, link);
        bool lives = false;
        for (size_t i = 0; i < fresh->count && !lives; i++)
            lives = fresh->rows[i].serial == identity->serial;
        identity->stale |= !lives && fresh->known;
    }
    pools_topology(&worker->pools, worker->topology);
    tick_sessions(&worker->logins, pools_now(&worker->pools));
}

static void send_news(struct worker *worker, void (*handle)(void *owner, struct mail *mail))
{
    struct news *news = malloc(sizeof *news);
    if (!news)
        return; /* the next picture comes soon */
    news->mail.handle = handle;
    mailbox_send(&worker->mailbox, &news->mail);
}

static void tell_topology(void *worker)
{
    send_news(worker, take_topology);
}

static void tell_accounts(void *worker)
{
    send_news(worker, take_accounts);
}

/* ---- clients ---- */

struct arrival {
    struct mail mail;
    int fd;
    char *address;
};

static void take_client(void *owner, struct mail *mail)
{
    struct worker *worker = owner;
    struct arrival *arrival = (struct arrival *)mail;
    if (worker->stop || !session_new(worker, arrival->fd, arrival->address)) {
        close(arrival->fd);
        free(arrival->address);
        atomic_fetch_sub_explicit(&worker->shared->clients, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&worker->figures.given, 1, memory_order_relaxed);
    }
    free(arrival);
    worker_hurry(worker);
}

bool worker_give(struct worker *worker, int fd, const char *address)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (!arrival)
        return false;
    arrival->mail.handle = take_client;
    arrival->fd = fd;
    if (address && !(arrival->address = strdup(address))) {
        free(arrival);
        return false;
    }
    atomic_fetch_add_explicit(&worker->shared->clients, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->figures.given, 1, memory_order_relaxed);
    mailbox_send(&worker->mailbox, &arrival->mail);
    return true;
}

/* ---- questions from other threads: the asker waits until the worker has answered ---- */

struct question {
    struct mail mail;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;
    void (*answer)(struct worker *worker, struct question *question);
    struct session_row *rows;
    struct pool_row *pools;
    size_t count;
    uint32_t id;
    bool query_only, found;
};

static void take_question(void *owner, struct mail *mail)
{
    struct question *question = (struct question *)mail;
    question->answer(owner, question);
    pthread_mutex_lock(&question->lock);
    question->done = true;
    pthread_cond_signal(&question->answered);
    pthread_mutex_unlock(&question->lock);
}

static void ask(struct worker *worker, struct question *question)
{
    pthread_mutex_init(&question->lock, NULL);
    pthread_cond_init(&question->answered, NULL);
    question->mail.handle = take_question;
    mailbox_send(&worker->mailbox, &question->mail);
    pthread_mutex_lock(&question->lock);
    while (!question->done)
        pthread_cond_wait(&question->answered, &question->lock);
    pthread_mutex_unlock(&question->lock);
    pthread_cond_destroy(&question->answered);
    pthread_mutex_destroy(&question->lock);
}

static void name_pins(unsigned pins, char *out, size_t size)
{
    size_t length = 0;
    *out = 0;
    for (unsigned bit = 0; bit < PINS; bit++)
        if (pins >> bit & 1 && length < size)
            length += (size_t)snprintf(out + length, size - length, "%s%s", length ? "," : "", pin_name(bit));
}

static void copy_statement(const struct session *session, char *out, size_t size)
{
    struct sql_span text = session->step == SESSION_READY ? (struct sql_span){0} : execute_text(session);
    *out = 0;
    if (!text.length)
        return;
    struct sql_options options = statement_options(session);
    sql_normalise(text.at, text.length, &options, out, size);
}

static const char *step_name(const struct session *session)
{
    static const char *const names[] = {"login",   "login",   "login",   "idle",
                                        "waiting", "running", "refused", "closed"};
    return names[session->step];
}

static void fill_pins(const struct session *session, struct session_row *row)
{
    const struct ledger *ledger = session->ledger;
    uint64_t now = session_now(session);
    row->pins = session->pins;
    if (!session->pins || !ledger)
        return;
    bool idle = session->step == SESSION_READY || session->parked;
    row->idle_ms = ledger->idle_ms + (idle ? now - session->since : 0);
    for (unsigned bit = 0; bit < PINS; bit++) {
        row->pin_digests[bit] = ledger->digests[bit];
        row->pin_ages_ms[bit] = now - ledger->since[bit];
    }
}

static void fill_row(const struct session *session, struct session_row *row)
{
    size_t length = 0;
    const char *schema = session->state ? state_schema(session->state, &length) : NULL;
    const struct topology *topology = session->worker->topology;
    row->id = session->id;
    row->since_ms = session_now(session) - session->since;
    snprintf(row->user, sizeof row->user, "%s", session->identity ? session->identity->user : "");
    snprintf(row->host, sizeof row->host, "%s", session_host(session));
    snprintf(row->schema, sizeof row->schema, "%.*s", (int)length, schema ? schema : "");
    snprintf(row->server, sizeof row->server, "%s",
             session->backend ? topology_server(topology, session->backend->pool->server)->name : "");
    snprintf(row->state, sizeof row->state, "%s", step_name(session));
    name_pins(session->pins, row->pinned_by, sizeof row->pinned_by);
    fill_pins(session, row);
    copy_statement(session, row->statement, sizeof row->statement);
}

static void answer_sessions(struct worker *worker, struct question *question)
{
    size_t count = atomic_load(&worker->figures.sessions);
    question->rows = calloc(count ? count : 1, sizeof *question->rows);
    if (!question->rows)
        return;
    list_each (node, &worker->sessions) {
        if (question->count == count)
            break;
        fill_row(list_entry(node, struct session, link), &question->rows[question->count++]);
    }
}

size_t worker_sessions(struct worker *worker, struct session_row **ret_rows)
{
    struct question question = {.answer = answer_sessions};
    ask(worker, &question);
    *ret_rows = question.rows;
    return question.count;
}

static void answer_kill(struct worker *worker, struct question *question)
{
    list_each (node, &worker->sessions) {
        struct session *session = list_entry(node, struct session, link);
        if (session->id != question->id || !session->identity)
            continue;
        question->found = true;
        kill_session(session, question->query_only);
        return;
    }
}

bool worker_kill(struct worker_shared *shared, uint32_t id, bool query_only)
{
    unsigned number = id >> 24 & 0x7f;
    struct question question = {.answer = answer_kill, .id = id, .query_only = query_only};
    if (!(id >> 31) || number >= shared->workers_count)
        return false;
    ask(shared->workers[number], &question);
    return question.found;
}

static void fill_pool_row(const struct worker *worker, const struct pool *pool, struct pool_row *row)
{
    snprintf(row->server, sizeof row->server, "%s", topology_server(worker->topology, pool->server)->name);
    snprintf(row->user, sizeof row->user, "%s", pool->identity->user);
    row->connecting = pool->connecting;
    row->idle = pool->idle_count;
    row->busy = pool->busy + pool->shared_count;
    row->held = pool->held;
}

static void answer_pools(struct worker *worker, struct question *question)
{
    size_t count = 0;
    list_each (node, &worker->pools.all)
        count++;
    question->pools = calloc(count ? count : 1, sizeof *question->pools);
    if (!question->pools)
        return;
    list_each (node, &worker->pools.all)
        fill_pool_row(worker, list_entry(node, struct pool, in_pools), &question->pools[question->count++]);
}

size_t worker_pools(struct worker *worker, struct pool_row **ret_rows)
{
    struct question question = {.answer = answer_pools};
    ask(worker, &question);
    *ret_rows = question.pools;
    return question.count;
}

/* ---- the thread ---- */

static void *run(void *argument)
{
    struct worker *worker = argument;
    preempt_init(&worker->preempt);
    ev_run(worker->loop, 0);
    preempt_done(&worker->preempt);
    return NULL;
}

static bool init(struct worker *worker)
{
    worker->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    worker->scratch = malloc(WORKER_SCRATCH);
    worker->outgoing = malloc(WORKER_SCRATCH);
    worker->paces = calloc(1, sizeof *worker->paces);
    if (!worker->loop || !worker->paces || !worker->scratch || !worker->outgoing ||
        !state_table_init(&worker->states))
        return false;
    chunk_pool_init(&worker->chunks);
    list_init(&worker->identities.all);
    list_init(&worker->sessions);
    list_init(&worker->logins);
    list_init(&worker->waiting);
    list_init(&worker->closed);
    mailbox_init(&worker->mailbox, worker->loop, worker);
    pools_init(&worker->pools, worker->loop, &worker->chunks, &worker->states, &relay_events,
               &worker->shared->limits);
    worker->balance.busy = worker->state_balance.busy = worker->pools.busy;
    ev_prepare_init(&worker->reaper, on_round);
    worker->reaper.data = worker;
    ev_prepare_start(worker->loop, &worker->reaper);
    ev_timer_init(&worker->tick, on_tick, SLOW_TICK_MS / 1000.0, SLOW_TICK_MS / 1000.0);
    worker->tick.data = worker;
    ev_timer_start(worker->loop, &worker->tick);
    worker->topology = topology_current();
    worker->accounts = accounts_current();
    worker->definitions = definitions_current();
    pools_topology(&worker->pools, worker->topology);
    return true;
}

struct worker *worker_start(unsigned number, struct worker_shared *shared)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return NULL;
    worker->number = number;
    worker->shared = shared;
    if (!init(worker) || !topology_subscribe(tell_topology, worker) ||
        !accounts_subscribe(tell_accounts, worker) || pthread_create(&worker->thread, NULL, run, worker) != 0)
        return NULL; /* the program ends: what was made ends with it */
    tell_topology(worker);
    tell_accounts(worker);
    return worker;
}

struct stop_mail {
    struct mail mail;
    bool at_once;
};

static void take_stop(void *owner, struct mail *mail)
{
    struct worker *worker = owner;
    bool at_once = ((struct stop_mail *)mail)->at_once;
    free(mail);
    worker->stop = true;
    list_each_safe (node, &worker->sessions) {
        struct session *session = list_entry(node, struct session, link);
        bool idle = session->step == SESSION_READY && !(session->pins & PIN_TRANSACTION);
        if (at_once || idle || session->login || session->stream.is_open)
            session_close(session);
    }
}

void worker_stop(struct worker *worker, bool at_once)
{
    struct stop_mail *stop = calloc(1, sizeof *stop);
    if (!stop)
        return;
    stop->mail.handle = take_stop;
    stop->at_once = at_once;
    mailbox_send(&worker->mailbox, &stop->mail);
}

static void take_join(void *owner, struct mail *mail)
{
    struct worker *worker = owner;
    (void)mail;
    worker->joined = true;
}

void worker_join(struct worker *worker)
{
    struct mail join = {.handle = take_join};
    mailbox_send(&worker->mailbox, &join);
    pthread_join(worker->thread, NULL);
    pools_done(&worker->pools);
    on_round(worker->loop, &worker->reaper, 0);
    mailbox_done(&worker->mailbox);
    state_table_done(&worker->states);
    chunk_pool_done(&worker->chunks);
    heal_done(worker);
    topology_unref(worker->topology);
    accounts_unref(worker->accounts);
    definitions_unref(worker->definitions);
    ev_loop_destroy(worker->loop);
    free(worker->paces);
    free(worker->scratch);
    free(worker->outgoing);
    free(worker);
}
