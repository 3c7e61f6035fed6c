/*
 * pool_share.c - connections that several sessions' quick reads share (SHARED: see pool.h).
 *
 *   pool_share ─> an idle one in the state, while fewer with room are shared than enough()
 *              ─> the shared one in the state with the shortest queue
 *              ─> none has room: one of its own, or waits
 *
 * When fewer are enough than are shared, nobody joins the youngest any more; it is released when its queue
 * has run out.
 */
#include "backend.h"

/* So many connections as can do, back to back, all that a worker can pass on: POOL_PACE us a statement. More
 * of them would do no more, and each costs the server a thread that goes to sleep and is woken up. */
static unsigned enough(uint32_t takes)
{
    uint32_t wanted = 1 + takes / POOL_PACE;
    return wanted < POOL_EAGER ? wanted : POOL_EAGER;
}

static bool is_overrun(const struct backend *backend)
{
    return backend->depth && pools_now(backend->pool->set) - backend->since > POOL_OVERRUN;
}

static bool is_full(const struct backend *backend)
{
    return backend->depth >= POOL_DEPTH || backend->queued >= POOL_QUEUE;
}

/* Whether it is, but for its length, a queue for such a statement. */
static bool suits(const struct backend *backend, const struct wish *wish)
{
    return backend->state == wish->state && (!wish->prepared || placed_is(backend, wish->prepared)) &&
           !is_overrun(backend) && !backend->dirty && !backend->tainted && !backend->broken &&
           !backend->pool->identity->stale;
}

static struct backend *choose_idle(const struct pool *pool, const struct wish *wish)
{
    int looked = 0;
    list_each (node, &pool->idle) {
        struct backend *backend = list_entry(node, struct backend, link);
        if (suits(backend, wish))
            return backend;
        if (++looked == POOL_LOOK_THROUGH)
            break;
    }
    return NULL;
}

static bool has_room(const struct backend *backend, const struct wish *wish)
{
    return suits(backend, wish) && !is_full(backend);
}

/* How many are shared that such a statement could join: of those older than `until`, if it isn't NULL. */
static unsigned count_shared(const struct pool *pool, const struct wish *wish, const struct backend *until)
{
    unsigned count = 0;
    list_each (node, &pool->shared) {
        const struct backend *backend = list_entry(node, struct backend, link);
        if (backend == until)
            break;
        count += has_room(backend, wish);
    }
    return count;
}

/* The one with the shortest queue, of as many as are enough; NULL: none has room. */
static struct backend *choose_shared(const struct pool *pool, const struct wish *wish, unsigned limit)
{
    struct backend *best = NULL;
    list_each (node, &pool->shared) {
        struct backend *backend = list_entry(node, struct backend, link);
        if (!has_room(backend, wish))
            continue;
        if (!best || backend->depth < best->depth)
            best = backend;
        if (--limit == 0)
            break;
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

struct backend *pool_share(struct pool *pool, struct session *session, struct waiter *waiter,
                           uint64_t deadline)
{
    const struct wish *wish = &waiter->wish;
    struct backend *backend = NULL;
    unsigned limit = enough(wish->takes);
    if (list_empty(&pool->waiters) && count_shared(pool, wish, NULL) < limit)
        backend = choose_idle(pool, wish);
    if (list_empty(&pool->waiters) && !backend)
        backend = choose_shared(pool, wish, limit);
    if (!backend) {
        backend = pool_take_idle(pool, session, wish);
        return backend ? backend : pool_wait(pool, waiter, deadline);
    }
    join(backend, wish->takes);
    if (backend->depth > 1 && !pool->connecting && pool_unheld(pool) < limit)
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
           waiter->wish.takes && count_shared(pool, &waiter->wish, backend) < enough(waiter->wish.takes) &&
           has_room(backend, &waiter->wish)) {
        list_remove(&waiter->link);
        join(backend, waiter->wish.takes);
        pool->set->events->granted(waiter, backend);
    }
}

bool pool_serve_shared(struct pool *pool, struct backend *backend)
{
    const struct waiter *waiter = list_first(&pool->waiters, struct waiter, link);
    if (!waiter || !waiter->wish.takes ||
        count_shared(pool, &waiter->wish, NULL) >= enough(waiter->wish.takes) ||
        !suits(backend, &waiter->wish))
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
