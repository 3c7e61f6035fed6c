/*
 * pool.c - who gets which connection: see pool.h for the lists. Those that are shared are pool_share.c's, the
 * life of a single connection backend.c's, its login backend_login.c's.
 */
#include "pointsman/pool/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "pointsman/base/clock.h"

static void on_prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)events;
    struct pools *set = watcher->data;
    list_each_safe (node, &set->dead) {
        list_remove(node);
        backend_free(list_entry(node, struct backend, link));
    }
}

/* The clock of the round: libev's own goes with the time of day, which somebody may set. */
static void on_check(struct ev_loop *loop, ev_check *watcher, int events)
{
    (void)loop, (void)events;
    struct pools *set = watcher->data;
    set->now = clock_ms();
}

void pools_init(struct pools *set, struct ev_loop *loop, struct chunk_pool *chunks,
                struct state_table *states, const struct pool_events *events, struct pool_limits *limits)
{
    *set = (struct pools){
        .loop = loop, .chunks = chunks, .states = states, .events = events, .limits = limits};
    list_init(&set->all);
    list_init(&set->backends);
    list_init(&set->dead);
    list_init(&set->unsent);
    list_init(&set->free_commands);
    ev_prepare_init(&set->reaper, on_prepare);
    set->reaper.data = set;
    ev_prepare_start(loop, &set->reaper);
    ev_check_init(&set->clock, on_check);
    ev_set_priority(&set->clock, EV_MAXPRI); /* before all that came in this round */
    set->clock.data = set;
    ev_check_start(loop, &set->clock);
    set->now = clock_ms();
}

static void pool_free(struct pool *pool)
{
    list_remove(&pool->in_identity);
    list_remove(&pool->in_pools);
    identity_unref(pool->identity);
    free(pool);
}

void pools_done(struct pools *set)
{
    list_each (node, &set->backends)
        backend_discard(list_entry(node, struct backend, in_pools));
    on_prepare(set->loop, &set->reaper, 0);
    ev_prepare_stop(set->loop, &set->reaper);
    ev_check_stop(set->loop, &set->clock);
    list_each_safe (node, &set->all)
        pool_free(list_entry(node, struct pool, in_pools));
    list_each_safe (node, &set->free_commands)
        free(list_entry(node, struct command, link));
    for (size_t i = 0; i < TOPOLOGY_SERVERS_MAX; i++)
        conn_session_done(&set->sessions[i]);
    prepared_table_done(&set->prepared);
}

uint64_t pools_now(const struct pools *set)
{
    return set->now;
}

struct pool *pool_find(struct pools *set, struct identity *identity, int server, uint32_t capabilities)
{
    list_each (node, &identity->pools) {
        struct pool *pool = list_entry(node, struct pool, in_identity);
        if (pool->server == server && pool->capabilities == capabilities)
            return pool;
    }
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    *pool = (struct pool){.set = set,
                          .identity = identity_ref(identity),
                          .server = server,
                          .capabilities = capabilities,
                          .spare_since = set->now};
    list_init(&pool->idle);
    list_init(&pool->shared);
    list_init(&pool->waiters);
    list_append(&identity->pools, &pool->in_identity);
    list_append(&set->all, &pool->in_pools);
    return pool;
}

/* ---- what there is ---- */

enum { RANK_BEST = 8 };

/* To prepare is waited for; to carry a state mostly isn't. */
static int rank_of(const struct backend *backend, const struct session *session, const struct wish *wish)
{
    if (session && (backend->past[0] == session || backend->past[1] == session))
        return RANK_BEST;
    int rank = 1 + !backend_has_past(backend) + (backend->state == wish->state ? 2 : 0);
    return rank + (!wish->prepared || placed_is(backend, wish->prepared) ? 4 : 0);
}

/* An idle connection: the first that is the session's own last one, or as it wishes with nobody's past; else
 * the best of some. */
static struct backend *choose_idle(struct pool *pool, const struct session *session, const struct wish *wish)
{
    struct backend *best = NULL;
    int best_rank = 0, looked = 0;
    list_each (node, &pool->idle) {
        struct backend *backend = list_entry(node, struct backend, link);
        if (!state_reachable(backend->state, wish->state))
            continue;
        int rank = rank_of(backend, session, wish);
        if (rank > best_rank) {
            best = backend;
            best_rank = rank;
        }
        if (rank >= RANK_BEST || ++looked == POOL_LOOK_THROUGH)
            break;
    }
    return best;
}

/* Closes an idle one. False: what only it knows is asked for before. */
static bool retire(struct backend *backend)
{
    if (backend_has_past(backend))
        backend->pool->set->events->retire(backend);
    else
        backend_discard(backend);
    return backend->list == BACKEND_DEAD;
}

static unsigned limit_of(const struct pools *set, int server)
{
    const struct topology *topology = set->topology;
    unsigned allowed = topology_server(topology, server)->look.max_connections;
    if (topology->config->max_per_server != CONFIG_AUTO)
        return topology->config->max_per_server;
    return allowed ? (allowed + 1) / 2 : 64;
}

/* Takes one of the server's connections for a new one of ours, if it allows. */
static bool reserve(struct pools *set, int server)
{
    unsigned limit = limit_of(set, server);
    if (atomic_fetch_add(&set->limits->used[server], 1) < limit)
        return true;
    atomic_fetch_sub(&set->limits->used[server], 1);
    if (!pools_close_idle(set, server)) {
        set->starving[server] = set->wanted[server] = true;
        return false;
    }
    atomic_fetch_add(&set->limits->used[server], 1);
    return true;
}

bool pool_reachable(const struct pool *pool)
{
    return pool->set->avoid_until[pool->server] <= pools_now(pool->set);
}

/* Whoever waits is not told from here, if connecting fails at once: the caller may be the one. */
void pool_grow(struct pool *pool)
{
    struct pools *set = pool->set;
    if (!pool_reachable(pool)) {
        pool->unreachable |= pool_unheld(pool) == 0; /* nothing will come free either: better elsewhere */
        return;
    }
    if (!reserve(set, pool->server))
        return;
    pool->unreachable = !backend_connect(pool);
    if (pool->unreachable)
        atomic_fetch_sub(&set->limits->used[pool->server], 1);
}

/* Connections that are there for whoever comes: all but those held. */
unsigned pool_unheld(const struct pool *pool)
{
    return pool->connecting + pool->busy + pool->shared_count + pool->idle_count;
}

/* Whether more connections are called for at once. */
static bool wants_more(const struct pool *pool)
{
    unsigned waiting = 0;
    list_each (node, &pool->waiters)
        if (++waiting > pool->connecting)
            break;
    return waiting > pool->connecting && pool_unheld(pool) < POOL_EAGER + pool->stuck;
}

/* Whether the last in the queue, whose statement is expected to take so many us, gets one of those that are
 * there sooner than another could be opened. Whoever still waits at the next tick was disappointed. */
static bool is_soon_served(const struct pool *pool, uint32_t takes)
{
    unsigned there = pool_unheld(pool) - pool->connecting,
             working = there > pool->stuck ? there - pool->stuck : 0;
    uint64_t queued = 0;
    list_each (node, &pool->waiters)
        queued += list_entry(node, struct waiter, link)->wish.takes;
    return takes && queued < (uint64_t)working * POOL_OPENING;
}

/* ---- taking ---- */

struct backend *pool_wait(struct pool *pool, struct waiter *waiter, uint64_t deadline)
{
    assert(list_empty(&waiter->link)); /* twice on a list is a list without an end */
    waiter->pool = pool;
    waiter->deadline = deadline;
    list_append(&pool->waiters, &waiter->link);
    if (wants_more(pool) && !is_soon_served(pool, waiter->wish.takes))
        pool_grow(pool);
    if (!pool->connecting)
        pool->set->events->starved(pool);
    return NULL;
}

/* Those that are idle and still of no use are in a role that nothing takes away. */
static void make_way(struct pool *pool)
{
    if (!list_empty(&pool->idle) && pool_unheld(pool) >= POOL_EAGER)
        retire(list_entry(pool->idle.previous, struct backend, link));
}

struct backend *pool_take_idle(struct pool *pool, struct session *session, const struct wish *wish)
{
    struct backend *backend = list_empty(&pool->waiters) ? choose_idle(pool, session, wish) : NULL;
    if (!backend) {
        if (list_empty(&pool->waiters))
            make_way(pool);
        return NULL;
    }
    backend_move(backend, BACKEND_BUSY);
    backend->session = session;
    return backend;
}

struct backend *pool_acquire(struct pool *pool, struct session *session, struct wish wish,
                             struct waiter *waiter, uint64_t deadline)
{
    waiter->wish = wish;
    if (wish.takes)
        return pool_share(pool, session, waiter, deadline);
    struct backend *backend = pool_take_idle(pool, session, &wish);
    return backend ? backend : pool_wait(pool, waiter, deadline);
}

void waiter_cancel(struct waiter *waiter)
{
    list_remove(&waiter->link);
}

/* ---- giving back ---- */

/* Connections with a default schema and without one are in different pools, since no statement takes it away
 * again. */
static bool pool_home(struct backend *backend)
{
    struct pool *pool = backend->pool;
    size_t ignored;
    uint32_t key = pool_key(pool->capabilities, state_schema(backend->state, &ignored) != NULL);
    if (key == pool->capabilities)
        return true;
    struct pool *home = pool_find(pool->set, pool->identity, pool->server, key);
    if (home)
        backend_rehome(backend, home);
    return home != NULL;
}

/* Somebody in another pool waits for what the server allows no more of: an idle connection may go for it. */
static void serve_others(struct pools *set, int server)
{
    if (!set->wanted[server])
        return;
    set->wanted[server] = false;
    list_each (node, &set->all) {
        struct pool *pool = list_entry(node, struct pool, in_pools);
        if (pool->server != server || list_empty(&pool->waiters) || !wants_more(pool))
            continue;
        pool_grow(pool);
        return;
    }
}

void pool_serve(struct pool *pool, struct backend *backend)
{
    struct waiter *waiter = list_first(&pool->waiters, struct waiter, link);
    if (!waiter) {
        backend_move(backend, BACKEND_IDLE);
        serve_others(pool->set, pool->server);
        return;
    }
    if (!state_reachable(backend->state, waiter->wish.state)) {
        backend_move(backend, BACKEND_IDLE);
        retire(backend);
        pool_grow(pool);
        return;
    }
    if (pool_serve_shared(pool, backend))
        return;
    list_remove(&waiter->link);
    backend_move(backend, BACKEND_BUSY);
    pool->set->events->granted(waiter, backend);
}

void backend_release(struct backend *backend)
{
    struct pool *pool = backend->pool;
    backend->session = NULL;
    conn_watch(&backend->conn, true); /* a slow client may have stopped it */
    if (backend->tainted || backend->broken || pool->identity->stale || !list_empty(&backend->commands))
        backend_discard(backend);
    else if (backend->dirty && backend->capabilities & CAP_IGNORE_SPACE)
        backend_discard(backend); /* the sql_mode that this gave it would be gone */
    else if (backend->dirty)
        backend_clean(backend);
    else if (pool_home(backend))
        pool_serve(backend->pool, backend);
    else
        backend_discard(backend);
}

void backend_cleaned(struct backend *backend)
{
    backend->dirty = false;
    if (pool_home(backend))
        pool_serve(backend->pool, backend);
    else
        backend_discard(backend);
}

/* ---- time ---- */

static void refuse_expired(struct pool *pool, uint64_t now)
{
    struct list expired;
    list_init(&expired);
    list_each_safe (node, &pool->waiters) {
        if (list_entry(node, struct waiter, link)->deadline > now)
            continue;
        list_remove(node);
        list_append(&expired, node);
    }
    while (!list_empty(&expired)) {
        struct waiter *waiter = list_first(&expired, struct waiter, link);
        list_remove(&waiter->link);
        pool->set->events->refused(waiter, 0, "", "", 0);
    }
}

static bool tick_waiters(struct pool *pool, uint64_t now)
{
    refuse_expired(pool, now);
    struct waiter *first = list_first(&pool->waiters, struct waiter, link);
    if (!first)
        return false;
    if (wants_more(pool))
        pool_grow(pool);
    if (!pool->connecting)
        pool->set->events->starved(pool);
    if (pool->unreachable) {
        pool->unreachable = false;
        backend_refuse_all(pool, 0, "", "", 0);
    }
    return true;
}

/* A server that is down and neither answers nor closes: whoever waits for it waits no longer than others do.
 */
static bool waits_in_vain(const struct backend *backend, const struct config *config, uint64_t now)
{
    uint64_t down_since = backend->pool->set->down_since[backend->pool->server];
    return down_since && now - down_since > config->queue_timeout && !list_empty(&backend->commands);
}

static void tick_backend(struct backend *backend, const struct config *config, uint64_t now)
{
    bool works = backend->list == BACKEND_BUSY || backend->list == BACKEND_SHARED;
    if (works && now - backend->since > POOL_PATIENCE)
        backend->pool->stuck++;
    if (backend->depth > 1 && now - backend->since > POOL_OVERRUN)
        backend->pool->set->events->overrun(backend);
    if (backend->list == BACKEND_CONNECTING && now - backend->since > config->connect_timeout)
        backend_connect_failed(backend, 0, "", "timed out", 9);
    else if (backend->list == BACKEND_IDLE && now - backend->since > config->idle_timeout)
        retire(backend);
    else if (backend->list != BACKEND_DEAD && waits_in_vain(backend, config, now))
        backend->pool->set->events->lost(backend);
}

/* Of idle connections those of the right state are taken first, so all of them may be in use now and then,
 * and yet fewer would do. */
static void close_spare(struct pool *pool, const struct config *config, uint64_t now)
{
    if (now - pool->spare_since < config->idle_timeout)
        return;
    for (unsigned left = pool->spare; left > 0 && !list_empty(&pool->idle); left--)
        retire(list_entry(pool->idle.previous, struct backend, link));
    pool->spare = pool->idle_count;
    pool->spare_since = now;
}

static bool is_unused(const struct pool *pool)
{
    return list_empty(&pool->waiters) && !(pool_unheld(pool) + pool->held);
}

bool pools_tick(struct pools *set)
{
    uint64_t now = pools_now(set);
    bool waiting = false; /* behind another's statement too */
    if (!set->topology)
        return false;
    list_each (node, &set->all)
        list_entry(node, struct pool, in_pools)->stuck = 0;
    list_each (node, &set->backends) {
        struct backend *backend = list_entry(node, struct backend, in_pools);
        tick_backend(backend, set->topology->config, now);
        waiting |= backend->depth > 1;
    }
    list_each_safe (node, &set->all) {
        struct pool *pool = list_entry(node, struct pool, in_pools);
        waiting |= tick_waiters(pool, now);
        close_spare(pool, set->topology->config, now);
        if (pool->identity->stale && is_unused(pool))
            pool_free(pool);
    }
    return waiting;
}

/* Rather one that nobody will ask about his past. */
static bool is_rather_closed(const struct backend *backend, const struct backend *other)
{
    bool has_past = backend_has_past(backend);
    if (!other || has_past != backend_has_past(other))
        return !other || !has_past;
    return backend->since < other->since;
}

bool pools_close_idle(struct pools *set, int server)
{
    struct backend *best = NULL;
    list_each (node, &set->backends) {
        struct backend *backend = list_entry(node, struct backend, in_pools);
        if (backend->pool->server == server && backend->list == BACKEND_IDLE &&
            is_rather_closed(backend, best))
            best = backend;
    }
    return best && retire(best);
}

static bool same_tls(const struct config *a, const struct config *b)
{
    bool same_ca = a->tls_ca && b->tls_ca ? strcmp(a->tls_ca, b->tls_ca) == 0 : !a->tls_ca && !b->tls_ca;
    return a->tls_servers == b->tls_servers && same_ca;
}

/* Another configuration may mean another server by the same number: what leads to the old one serves nobody
 * any more. Neither does what was opened in clear, or unverified, where that is asked for now. */
static void leave_changed(struct pools *set, const struct topology *topology)
{
    if (!set->topology || set->topology->config == topology->config)
        return;
    bool as_secure = same_tls(set->topology->config, topology->config);
    list_each (node, &set->backends) {
        struct backend *backend = list_entry(node, struct backend, in_pools);
        const struct config_address *old = &topology_server(set->topology, backend->pool->server)->address;
        const struct config_address *fresh = &topology_server(topology, backend->pool->server)->address;
        if (as_secure && old->length == fresh->length && memcmp(&old->sa, &fresh->sa, old->length) == 0)
            continue;
        backend->tainted = true;
        if (backend->list == BACKEND_IDLE || backend->list == BACKEND_CONNECTING)
            backend_discard(backend);
    }
}

static void note_down(struct pools *set, const struct topology *topology)
{
    for (size_t i = 0; i < topology->count; i++) {
        bool down = topology->servers[i].state == STATE_DOWN;
        set->down_since[i] = !down ? 0 : set->down_since[i] ? set->down_since[i] : pools_now(set);
    }
}

void pools_topology(struct pools *set, struct topology *topology)
{
    leave_changed(set, topology);
    set->topology = topology;
    note_down(set, topology);
    list_each (node, &set->backends) {
        struct backend *backend = list_entry(node, struct backend, in_pools);
        bool down = topology_server(topology, backend->pool->server)->state == STATE_DOWN;
        if (backend->list == BACKEND_IDLE && (down || backend->pool->identity->stale))
            backend_discard(backend);
        else if (down && !list_empty(&backend->commands))
            set->events->silent(backend);
    }
    /* Who waits for a server that can't serve now is better routed again. */
    list_each (node, &set->all) {
        struct pool *pool = list_entry(node, struct pool, in_pools);
        const struct server_view *server = topology_server(topology, pool->server);
        if (!server->usable_for_reads && !server->usable_for_writes)
            backend_refuse_all(pool, 0, "", "", 0);
    }
}
