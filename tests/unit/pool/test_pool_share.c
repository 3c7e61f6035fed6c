/*
 * test_pool_share.c - connections that several statements share: who joins which, who waits, how many there
 *                     are, and what is counted; the server is the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scene.h"

enum {
    WAITERS = POOL_DEPTH + 4,
    TWO = 2,
    TAKES = POOL_PACE /* us: for which two are enough */,
    PEERS = POOL_EAGER
};

static struct waiter waiters[WAITERS];
static struct peer *peers[PEERS];
static struct backend *backends[PEERS];
static int peers_count, overruns;

/* ---- the layer above, as far as it matters here ---- */

static void expect(struct backend *backend, uint32_t takes)
{
    if (backend->list == BACKEND_SHARED)
        assert_non_null(backend_expect_later(backend, COM_QUERY, takes, NULL));
}

static void on_granted(struct waiter *waiter, struct backend *backend)
{
    scene_granted(waiter, backend);
    expect(backend, waiter->wish.takes);
}

static void on_overrun(struct backend *backend)
{
    (void)backend;
    overruns++;
}

static int open_all(void **state)
{
    static struct pool_events events;
    int failed = scene_open(state);
    events = scene_events;
    events.granted = on_granted;
    events.overrun = on_overrun;
    scene.pools.events = &events;
    peers_count = overruns = 0;
    return failed;
}

static int close_all(void **state)
{
    for (int i = 0; i < peers_count; i++)
        peer_close(peers[i]);
    return scene_close(state);
}

static struct backend *share_for(int waiter, const struct state *state, uint32_t takes)
{
    list_init(&waiters[waiter].link);
    struct backend *backend = pool_acquire(scene_pool(), NULL, (struct wish){.state = state, .takes = takes},
                                           &waiters[waiter], UINT64_MAX);
    if (backend)
        expect(backend, takes);
    return backend;
}

static struct backend *share(int waiter)
{
    return share_for(waiter, scene.states.empty, TAKES);
}

static struct backend *acquire(int waiter)
{
    list_init(&waiters[waiter].link);
    return pool_acquire(scene_pool(), NULL, (struct wish){.state = scene.states.empty}, &waiters[waiter],
                        UINT64_MAX);
}

/* The head of the queue has its answer. */
static void answer(struct backend *backend)
{
    backend_sent(backend);
    backend_answered(backend);
    backend_settle(backend);
}

/* So many idle connections, and no more are to be had; backends[count - 1] was used last. */
static void open_idle(int count)
{
    scene.config.max_per_server = (unsigned)count;
    for (int i = 0; i < count; i++) {
        assert_null(acquire(0));
        peers[peers_count++] = peer_logs_in();
        assert_true(scene_until_told(i + 1));
        backends[i] = scene.told[i].backend;
        assert_non_null(backends[i]);
    }
    for (int i = 0; i < count; i++)
        backend_release(backends[i]);
    scene.told_count = 0;
}

static struct state *state_named(const char *value)
{
    return state_with(&scene.states, scene.states.empty, STATE_VARIABLE, "a", 1, value, strlen(value));
}

/* running: statements, as servers are balanced by. */
static void assert_counts(unsigned idle, unsigned shared, unsigned running)
{
    const struct pool *pool = scene_pool();
    if (pool->idle_count != idle || pool->shared_count != shared || scene.pools.busy[0] != running)
        fail_msg("idle %u, shared %u, running %u; not %u, %u, %u", pool->idle_count, pool->shared_count,
                 scene.pools.busy[0], idle, shared, running);
}

/* The outcome of this number was that this waiter got this connection. */
static void assert_told(int number, int waiter, const struct backend *backend)
{
    const struct told *told = &scene.told[number];
    if (number >= scene.told_count)
        fail_msg("waiter %d still waits", waiter);
    if (told->waiter != &waiters[waiter] || told->backend != backend)
        fail_msg("waiter %d got %p, not waiter %d %p", (int)(told->waiter - waiters), (void *)told->backend,
                 waiter, (const void *)backend);
}

/* ---- joining ---- */

/* Those that are idle first, until as many are shared as may be; then where fewest are. */
static void the_shortest_queue_is_joined(void **state)
{
    static const int expected[] = {2, 1, 2, 1, 2, 1, 2};
    (void)state;
    open_idle(3);
    for (int i = 0; i < 7; i++)
        if (share(0) != backends[expected[i]])
            fail_msg("number %d did not join connection %d", i, expected[i]);
    assert_counts(1, TWO, 7);
    assert_int_equal(backends[2]->depth, 4);
    assert_int_equal(backends[2]->queued, 4 * TAKES);
    assert_int_equal(backends[1]->depth, 3);
    answer(backends[2]);
    answer(backends[2]);
    assert_counts(1, TWO, 5);
    assert_ptr_equal(share(0), backends[2]);   /* 2 against 3 */
    assert_ptr_equal(acquire(0), backends[0]); /* who wants its own has it */
    assert_counts(0, TWO, 7);
    backend_release(backends[0]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(backends[2]->list, BACKEND_SHARED);
        answer(backends[2]);
        answer(backends[1]);
    }
    assert_int_equal(backends[1]->list, BACKEND_IDLE);
    assert_int_equal(backends[2]->list, BACKEND_IDLE);
    assert_counts(3, 0, 0);
}

/* Behind others, one that could have a connection of its own asks for it, up to as many as may be shared. */
static void connections_are_opened_while_few_are_shared(void **state)
{
    (void)state;
    open_idle(1);
    scene.config.max_per_server = 50;
    assert_non_null(share(0));
    assert_int_equal(scene_pool()->connecting, 0); /* nobody before it */
    for (int i = 0; i < 5; i++)
        assert_ptr_equal(share(0), backends[0]);
    assert_int_equal(scene_pool()->connecting, TWO - 1);
    assert_int_equal(scene_pool()->connecting + scene_pool()->shared_count, TWO);
}

static void one_in_another_state_is_not_joined(void **state)
{
    (void)state;
    open_idle(2);
    struct state *other = state_named("1");
    assert_ptr_equal(share(0), backends[1]);
    assert_ptr_equal(share_for(1, other, TAKES), backends[0]); /* to be brought there, so it is its own */
    assert_int_equal(backends[0]->list, BACKEND_BUSY);
    backend_set_state(backends[0], other);
    assert_null(share_for(2, other, TAKES)); /* nor is one that somebody has for himself */
    answer(backends[1]);
    assert_told(0, 2, backends[1]);
    assert_int_equal(backends[1]->list, BACKEND_BUSY); /* in the wrong state */
    backend_release(backends[0]);
    assert_ptr_equal(share_for(3, other, TAKES), backends[0]);
    assert_ptr_equal(share_for(3, other, TAKES), backends[0]);
    assert_int_equal(backends[0]->list, BACKEND_SHARED);
    assert_null(share(4));
    waiter_cancel(&waiters[4]);
    state_unref(&scene.states, other);
}

static void make_dirty(struct backend *backend)
{
    backend->dirty = true;
}

static void make_tainted(struct backend *backend)
{
    backend->tainted = true;
}

static void make_broken(struct backend *backend)
{
    backend->broken = true;
}

static void make_stale(struct backend *backend)
{
    backend->pool->identity->stale = true;
}

static void make_slow(struct backend *backend)
{
    backend->since -= POOL_OVERRUN + 1;
}

static const struct {
    const char *what;
    void (*spoil)(struct backend *backend);
} unfit[] = {{"dirty", make_dirty},
             {"tainted", make_tainted},
             {"broken", make_broken},
             {"of an account that changed", make_stale},
             {"with a slow head", make_slow}};

static void what_is_not_joined(void **state)
{
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        assert_int_equal(open_all(state), 0);
        open_idle(1);
        assert_ptr_equal(share(0), backends[0]);
        assert_ptr_equal(share(0), backends[0]);
        unfit[i].spoil(backends[0]);
        if (share(1))
            fail_msg("one that is %s was joined", unfit[i].what);
        if (unfit[i].spoil != make_slow) {
            answer(backends[0]);
            if (scene.told_count)
                fail_msg("who waited joined one that is %s", unfit[i].what);
        }
        waiter_cancel(&waiters[1]);
        assert_int_equal(close_all(state), 0);
    }
}

/* The next one's turn begins when the head is answered. */
static void a_queue_goes_on_behind_a_slow_head(void **state)
{
    (void)state;
    open_idle(1);
    for (int i = 0; i < 2; i++)
        assert_ptr_equal(share(0), backends[0]);
    make_slow(backends[0]);
    assert_null(share(1));
    assert_true(pools_tick(&scene.pools));
    assert_int_equal(overruns, 1);
    answer(backends[0]);
    assert_told(0, 1, backends[0]);
    answer(backends[0]);
    assert_ptr_equal(share(2), backends[0]);
    answer(backends[0]);
    make_slow(backends[0]); /* with nobody behind it */
    pools_tick(&scene.pools);
    assert_int_equal(overruns, 1);
}

/* A connection that was unused for a while is not taken for one with a slow head. */
static void one_long_empty_is_joined(void **state)
{
    (void)state;
    open_idle(1);
    assert_ptr_equal(share(0), backends[0]);
    struct command *kept = backend_expect(backends[0], COMMAND_SAVE, COM_QUERY, NULL);
    assert_non_null(kept);
    list_remove(&kept->link); /* the head's answer comes first */
    backend_sent(backends[0]);
    list_append(&backends[0]->commands, &kept->link);
    backend_answered(backends[0]);
    backend_settle(backends[0]);
    assert_int_equal(backends[0]->list, BACKEND_SHARED); /* there is still an answer to come */
    assert_int_equal(backends[0]->depth, 0);
    make_slow(backends[0]);
    for (int i = 0; i < 2; i++)
        assert_ptr_equal(share(1), backends[0]);
    make_slow(backends[0]);
    assert_null(share(2));
    waiter_cancel(&waiters[2]);
}

/* ---- full ---- */

static const struct {
    uint32_t takes;
    int room;
} queues[] = {{1, POOL_DEPTH},     {TAKES, POOL_DEPTH}, {POOL_QUEUE / 4, 4}, {POOL_QUEUE / 4 - 1, 5},
              {POOL_QUEUE - 1, 2}, {POOL_QUEUE, 1},     {5 * POOL_QUEUE, 1}};

static void who_finds_all_full_waits(void **state)
{
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++) {
        assert_int_equal(open_all(state), 0);
        open_idle(1);
        int joined = 0;
        while (joined <= POOL_DEPTH && share_for(1, scene.states.empty, queues[i].takes))
            joined++;
        if (joined != queues[i].room)
            fail_msg("%d of %u us fit, not %d", joined, queues[i].takes, queues[i].room);
        assert_null(share_for(2, scene.states.empty, queues[i].takes));
        assert_counts(0, 1, (unsigned)joined);
        answer(backends[0]);
        assert_int_equal(scene.told_count, 1); /* one went, one came */
        assert_told(0, 1, backends[0]);
        assert_counts(0, 1, (unsigned)joined);
        answer(backends[0]);
        assert_told(1, 2, backends[0]);
        while (backends[0]->depth)
            answer(backends[0]);
        assert_counts(1, 0, 0);
        assert_int_equal(backends[0]->queued, 0);
        assert_int_equal(close_all(state), 0);
    }
}

/* One that wants its own waits in turn with those that would share, and those behind it wait too. */
static void first_come_first_served(void **state)
{
    (void)state;
    open_idle(1);
    for (int i = 0; i < 2; i++)
        assert_ptr_equal(share_for(0, scene.states.empty, POOL_QUEUE / 2), backends[0]);
    assert_null(share(1));
    assert_null(acquire(2));
    assert_null(share(3));
    assert_null(share(4));
    answer(backends[0]);
    assert_told(0, 1, backends[0]);
    assert_int_equal(scene.told_count, 1); /* there is room, but not for the next in turn */
    assert_null(share(5));
    answer(backends[0]);
    assert_int_equal(scene.told_count, 1);
    answer(backends[0]);
    assert_told(1, 2, backends[0]);
    assert_int_equal(scene.told_count, 2);
    assert_int_equal(backends[0]->list, BACKEND_BUSY);
    assert_counts(0, 0, 1);
    backend_release(backends[0]);
    for (int i = 3; i <= 5; i++)
        assert_told(i - 1, i, backends[0]);
    assert_int_equal(backends[0]->list, BACKEND_SHARED);
    assert_counts(0, 1, 3);
}

/* Those that wait in one state don't let others in another pass. */
static void those_in_another_state_take_turns(void **state)
{
    (void)state;
    open_idle(1);
    struct state *other = state_named("1");
    assert_ptr_equal(share(0), backends[0]);
    assert_null(share_for(1, other, TAKES));
    assert_null(share_for(2, other, TAKES));
    assert_null(share(3));
    answer(backends[0]);
    assert_told(0, 1, backends[0]);
    assert_int_equal(backends[0]->list, BACKEND_BUSY);
    backend_set_state(backends[0], other);
    backend_release(backends[0]);
    assert_told(1, 2, backends[0]);
    assert_int_equal(backends[0]->list, BACKEND_SHARED);
    assert_int_equal(scene.told_count, 2);
    answer(backends[0]);
    assert_told(2, 3, backends[0]);
    assert_int_equal(backends[0]->list, BACKEND_BUSY);
    state_unref(&scene.states, other);
}

/* ---- how many ---- */

static const struct {
    uint32_t takes;
    int enough;
} widths[] = {{1, 1},
              {POOL_PACE - 1, 1},
              {POOL_PACE, 2},
              {2 * POOL_PACE - 1, 2},
              {2 * POOL_PACE, 3},
              {(POOL_EAGER - 1) * POOL_PACE, POOL_EAGER},
              {1000 * POOL_PACE, POOL_EAGER}};

/* As many as can do together what a worker passes on. */
static void how_many_are_shared(void **state)
{
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        assert_int_equal(open_all(state), 0);
        open_idle(POOL_EAGER);
        for (int n = 0; n < widths[i].enough; n++)
            assert_non_null(share_for(0, scene.states.empty, widths[i].takes));
        if (scene_pool()->shared_count != (unsigned)widths[i].enough)
            fail_msg("%u us: only %u are shared", widths[i].takes, scene_pool()->shared_count);
        share_for(1, scene.states.empty, widths[i].takes);
        if (scene_pool()->shared_count != (unsigned)widths[i].enough)
            fail_msg("%u us: %u are shared", widths[i].takes, scene_pool()->shared_count);
        waiter_cancel(&waiters[1]);
        assert_int_equal(close_all(state), 0);
    }
}

/* Rather than that somebody waits, another is shared. */
static void full_ones_do_not_count(void **state)
{
    (void)state;
    open_idle(3);
    for (int i = 0; i < POOL_DEPTH; i++)
        assert_ptr_equal(share_for(0, scene.states.empty, 1), backends[2]);
    for (int i = 0; i < POOL_DEPTH; i++)
        assert_ptr_equal(share_for(0, scene.states.empty, 1), backends[1]);
    assert_ptr_equal(share_for(0, scene.states.empty, 1), backends[0]);
    answer(backends[2]);
    assert_ptr_equal(share_for(0, scene.states.empty, 1), backends[2]);
}

/* Sessions in different states don't take each other's places. */
static void so_many_for_each_state(void **state)
{
    (void)state;
    open_idle(4);
    struct state *other = state_named("1");
    backend_set_state(backends[0], other);
    backend_set_state(backends[2], other);
    assert_ptr_equal(share(0), backends[3]);
    assert_ptr_equal(share(0), backends[1]);
    assert_ptr_equal(share_for(0, other, TAKES), backends[2]);
    assert_ptr_equal(share_for(0, other, TAKES), backends[0]);
    assert_counts(0, 4, 4);
    assert_ptr_equal(share(0), backends[3]);
    assert_ptr_equal(share_for(0, other, TAKES), backends[2]);
    state_unref(&scene.states, other);
}

/* Those that are shared beyond what is enough for who comes now go on until they are empty. */
static void fewer_are_shared_as_they_empty(void **state)
{
    (void)state;
    open_idle(3);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(share_for(0, scene.states.empty, 2 * POOL_PACE), backends[2 - i]);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(share_for(0, scene.states.empty, 1), backends[2]);
    assert_counts(0, 3, 6);
    answer(backends[1]);
    assert_int_equal(backends[1]->list, BACKEND_IDLE);
    assert_counts(1, 2, 5);
}

/* ---- leaving ---- */

static struct command *last_unsent(struct backend *backend)
{
    return list_entry(backend->unsent.previous, struct command, link);
}

static void an_unsent_one_is_withdrawn(void **state)
{
    (void)state;
    open_idle(1);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(share_for(0, scene.states.empty, POOL_QUEUE / 3 + 1), backends[0]);
    assert_int_equal(backends[0]->unsent_count, 3);
    assert_false(list_empty(&scene.pools.unsent));
    assert_null(share(1));
    backend_withdraw(backends[0], last_unsent(backends[0]));
    backend_settle(backends[0]);
    assert_told(0, 1, backends[0]); /* there is room for another */
    assert_int_equal(backends[0]->unsent_count, 3);
    assert_counts(0, 1, 3);
    for (int left = 3; left > 0; left--) {
        assert_int_equal(backends[0]->list, BACKEND_SHARED);
        assert_int_equal(backends[0]->unsent_count, left);
        backend_withdraw(backends[0], last_unsent(backends[0]));
        backend_settle(backends[0]);
    }
    assert_true(list_empty(&scene.pools.unsent));
    assert_int_equal(backends[0]->depth, 0);
    assert_int_equal(backends[0]->queued, 0);
    assert_counts(1, 0, 0);
}

/* Behind one that was sent; the connection stays until its answer came. */
static void the_last_unsent_is_withdrawn(void **state)
{
    (void)state;
    open_idle(1);
    assert_non_null(share(0));
    backend_sent(backends[0]);
    assert_true(list_empty(&scene.pools.unsent));
    assert_int_equal(backends[0]->unsent_count, 0);
    assert_non_null(share(0));
    assert_false(list_empty(&scene.pools.unsent));
    backend_withdraw(backends[0], last_unsent(backends[0]));
    backend_settle(backends[0]);
    assert_true(list_empty(&scene.pools.unsent));
    assert_counts(0, 1, 1);
    answer(backends[0]);
    assert_counts(1, 0, 0);
}

static void one_that_does_not_join_after_all(void **state)
{
    (void)state;
    open_idle(1);
    list_init(&waiters[0].link);
    assert_ptr_equal(pool_acquire(scene_pool(), NULL,
                                  (struct wish){.state = scene.states.empty, .takes = TAKES}, &waiters[0],
                                  UINT64_MAX),
                     backends[0]);
    assert_counts(0, 1, 1);
    backend_part(backends[0], TAKES);
    assert_int_equal(backends[0]->queued, 0);
    assert_counts(1, 0, 0);
}

static void a_lost_one_leaves_nothing_counted(void **state)
{
    (void)state;
    open_idle(2);
    assert_ptr_equal(share(0), backends[1]);
    assert_ptr_equal(share(0), backends[0]);
    assert_ptr_equal(share(0), backends[1]);
    backend_sent(backends[1]);
    assert_ptr_equal(share(0), backends[0]);
    assert_ptr_equal(share(0), backends[1]);
    assert_counts(0, 2, 5);
    backend_discard(backends[1]); /* two sent, one not */
    assert_counts(0, 1, 2);
    backend_discard(backends[1]);
    backend_settle(backends[1]);
    assert_counts(0, 1, 2);
    assert_int_equal(scene.limits.used[0], 1);
    backend_discard(backends[0]); /* none sent */
    assert_counts(0, 0, 0);
    assert_true(list_empty(&scene.pools.unsent));
    assert_true(list_empty(&scene_pool()->shared));
}

/* The others are gone or about to be withdrawn: what they count for doesn't stay with the connection. */
static void one_that_shares_holds_it(void **state)
{
    (void)state;
    open_idle(1);
    assert_non_null(share(0));
    backend_sent(backends[0]);
    assert_non_null(share(0));
    backend_answered(backends[0]);
    backend_hold(backends[0]);
    assert_int_equal(backends[0]->list, BACKEND_HELD);
    assert_int_equal(scene_pool()->held, 1);
    assert_null(share(1)); /* nobody joins */
    backend_withdraw(backends[0], last_unsent(backends[0]));
    backend_settle(backends[0]); /* it is none of theirs any more */
    assert_int_equal(backends[0]->list, BACKEND_HELD);
    assert_int_equal(backends[0]->depth, 0);
    assert_counts(0, 0, 0);
    assert_int_equal(scene.told_count, 0);
    backend_release(backends[0]);
    assert_told(0, 1, backends[0]);
    assert_int_equal(scene_pool()->held, 0);
    assert_counts(0, 1, 1);
}

int main(void)
{
#define with_scene(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)
    const struct CMUnitTest tests[] = {
        with_scene(the_shortest_queue_is_joined),
        with_scene(connections_are_opened_while_few_are_shared),
        with_scene(one_in_another_state_is_not_joined),
        cmocka_unit_test(what_is_not_joined),
        with_scene(a_queue_goes_on_behind_a_slow_head),
        with_scene(one_long_empty_is_joined),
        cmocka_unit_test(who_finds_all_full_waits),
        with_scene(first_come_first_served),
        with_scene(those_in_another_state_take_turns),
        cmocka_unit_test(how_many_are_shared),
        with_scene(full_ones_do_not_count),
        with_scene(so_many_for_each_state),
        with_scene(fewer_are_shared_as_they_empty),
        with_scene(an_unsent_one_is_withdrawn),
        with_scene(the_last_unsent_is_withdrawn),
        with_scene(one_that_does_not_join_after_all),
        with_scene(a_lost_one_leaves_nothing_counted),
        with_scene(one_that_shares_holds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
