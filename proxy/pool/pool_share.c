/*
 * pool_share.c - connections that several sessions' quick reads share (SHARED: see pool.h).
 *
 *   pool_share ─> an idle one in the state, while fewer than share_limit are shared
 *              ─> the shared one in the state with the shortest queue
 *              ─> none in the state: one of its own; all full: waits
 *
 * How many? A server with processors to spare does statements side by side, and then more connections mean
 * more done. Once it has none, each more only makes the others slower, and costs it a thread that goes to
 * sleep and is woken up. Which of the two it is shows in how long statements take in the queue, compared with
 * what each takes by itself (crowding): share_limit follows that, step by step.
 */
#include "backend.h"

enum { CROWDED = 250, ROOMY = 150 /* percent of what statements take by themselves */ };

static bool is_overrun(const struct backend *backend)
{
    return backend->depth && pools_now(backend->pool->set) - backend->since > POOL_OVERRUN;
}

static bool is_full(const struct backend *backend)
{
    return backend->depth >= POOL_DEPTH || backend->queued >= POOL_QUEUE;
}

/* Whether it is, but for its length, a queue for a statement in this state. */
static bool suits(const struct backend *backend, const struct state *state)
{
    return backend->state == state && !is_overrun(backend) && !backend->dirty && !backend->tainted &&
           !backend->broken && !backend->pool->identity->stale;
}

static struct backend *choose_idle(const struct pool *pool, const struct state *state)
{
    int looked = 0;
    if (pool->shared_count >= pool->share_limit)
        return NULL;
    list_each (node, &pool->idle) {
        struct backend *backend = list_entry(node, struct backend, link);
        if (suits(backend, state))
            return backend;
        if (++looked == POOL_LOOK_THROUGH)
            break;
    }
    return NULL;
}

/* The one with the shortest queue; it may be full. */
static struct backend *choose_shared(const struct pool *pool, const struct state *state)
{
    struct backend *best = NULL;
    list_each (node, &pool->shared) {
        struct backend *backend = list_entry(node, struct backend, link);
        if (suits(backend, state) && (!best || backend->depth < best->depth))
            best = backend;
    }
    return best;
}

static void join(struct backend *backend, uint32_t takes)
{
    struct pool *pool = backend->pool;
    if (backend->list != BACKEND_SHARED)
        backend_move(backend, BACKEND_SHARED);
    else if (backend->depth == 0)
        backend->since = pools_now(pool->set);
    backend->depth++;
    backend->queued += takes;
    pool->set->busy[pool->server]++;
}

struct backend *pool_share(struct pool *pool, struct session *session, const struct state *state,
                           uint32_t takes, struct waiter *waiter, uint64_t deadline)
{
    struct backend *backend = NULL;
    if (list_empty(&pool->waiters) && !(backend = choose_idle(pool, state)))
        backend = choose_shared(pool, state);
    if (!backend) {
        backend = pool_take_idle(pool, session, state);
        return backend ? backend : pool_wait(pool, state, takes, waiter, deadline);
    }
    if (is_full(backend))
        return pool_wait(pool, state, takes, waiter, deadline);
    waiter->takes = takes;
    join(backend, takes);
    if (backend->depth > 1 && !pool->connecting && pool_unheld(pool) < pool->share_limit)
        pool_grow(pool);
    return backend;
}

/* ---- giving back ---- */

/* Those who have waited for longest, as far as they may join. */
static void admit(struct backend *backend)
{
    struct pool *pool = backend->pool;
    struct waiter *waiter;
    while (backend->list == BACKEND_SHARED && (waiter = list_first(&pool->waiters, struct waiter, link)) &&
           waiter->takes && suits(backend, waiter->state) && !is_full(backend)) {
        list_remove(&waiter->link);
        join(backend, waiter->takes);
        pool->set->events->granted(waiter, backend);
    }
}

bool pool_serve_shared(struct pool *pool, struct backend *backend)
{
    const struct waiter *waiter = list_first(&pool->waiters, struct waiter, link);
    if (!waiter || !waiter->takes || pool->shared_count >= pool->share_limit ||
        !suits(backend, waiter->state))
        return false;
    backend_move(backend, BACKEND_SHARED);
    admit(backend);
    return true;
}

void backend_settle(struct backend *backend)
{
    if (backend->list != BACKEND_SHARED)
        return;
    if (backend->depth == 0 && list_empty(&backend->commands))
        backend_release(backend);
    else
        admit(backend);
}

void backend_part(struct backend *backend, uint32_t takes)
{
    backend_uncount(backend, takes);
    backend_settle(backend);
}

/* ---- how many ---- */

void pool_shared_answer(struct pool *pool, uint64_t us, uint32_t takes)
{
    pool->taken_us += us;
    pool->expected_us += takes;
}

/* Whether statements lie behind others on every shared connection. */
static bool is_queued(const struct pool *pool)
{
    unsigned depth = 0;
    list_each (node, &pool->shared)
        depth += list_entry(node, struct backend, link)->depth;
    return pool->shared_count >= pool->share_limit && depth > 2 * pool->shared_count;
}

void pool_share_tick(struct pool *pool)
{
    uint64_t taken = pool->taken_us * 100, expected = pool->expected_us;
    if (expected && taken < expected * ROOMY && is_queued(pool) && pool->share_limit < POOL_EAGER)
        pool->share_limit++;
    else if (expected && taken >= expected * CROWDED && pool->share_limit > POOL_SHARED)
        pool->share_limit--;
    pool->taken_us -= pool->taken_us / 4;
    pool->expected_us -= pool->expected_us / 4;
}
