/*
 * test_pool.c - who gets which connection, and what becomes of it afterwards; the server is the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scene.h"

enum { PEERS = 16, WAITERS = 16 };

static struct waiter waiters[WAITERS];

/* The layer above is never looked into: any address will do. */
static struct session *session_number(int i)
{
    static int sessions[8];
    return (struct session *)&sessions[i];
}

static struct backend *acquire(int waiter, struct session *session, const struct state *state)
{
    list_init(&waiters[waiter].link);
    return pool_acquire(scene_pool(), session, (struct wish){.state = state}, &waiters[waiter], UINT64_MAX);
}

/* `count` connections that are idle, opened one by one; [count - 1] was used last. */
static void open_idle(struct backend *backends[], struct peer *peers[], int count)
{
    for (int i = 0; i < count; i++) {
        assert_null(acquire(0, NULL, scene.states.empty));
        peers[i] = peer_logs_in();
        assert_true(scene_until_told(i + 1));
        backends[i] = scene.told[i].backend;
        assert_non_null(backends[i]);
    }
    for (int i = 0; i < count; i++)
        backend_release(backends[i]);
    scene.told_count = 0;
}

static void close_all(struct peer *peers[], int count)
{
    for (int i = 0; i < count; i++)
        peer_close(peers[i]);
}

static struct state *state_named(const char *value)
{
    return state_with(&scene.states, scene.states.empty, STATE_VARIABLE, "a", 1, value, strlen(value));
}

static void assert_counts(unsigned connecting, unsigned idle, unsigned busy, unsigned held)
{
    const struct pool *pool = scene_pool();
    assert_int_equal(pool->connecting, connecting);
    assert_int_equal(pool->idle_count, idle);
    assert_int_equal(pool->busy, busy);
    assert_int_equal(pool->held, held);
    assert_int_equal(scene.pools.idle[0], idle);
}

/* ---- taking ---- */

static void the_last_used_is_taken_first(void **state)
{
    struct backend *backends[3];
    struct peer *peers[3];
    (void)state;
    open_idle(backends, peers, 3);
    assert_counts(0, 3, 0, 0);
    assert_ptr_equal(acquire(0, session_number(0), scene.states.empty), backends[2]);
    assert_ptr_equal(backends[2]->session, session_number(0));
    assert_int_equal(backends[2]->list, BACKEND_BUSY);
    assert_counts(0, 2, 1, 0);
    assert_int_equal(scene.pools.busy[0], 1);
    backend_release(backends[2]);
    assert_null(backends[2]->session);
    assert_ptr_equal(acquire(0, session_number(1), scene.states.empty), backends[2]);
    assert_int_equal(scene.told_count, 0);
    close_all(peers, 3);
}

static void one_in_the_right_state_is_preferred(void **state)
{
    struct backend *backends[3];
    struct peer *peers[3];
    (void)state;
    open_idle(backends, peers, 3);
    struct state *right = state_named("1"), *other = state_named("2");
    backend_set_state(backends[0], right);
    backend_set_state(backends[2], other);
    assert_ptr_equal(acquire(0, NULL, right), backends[0]);
    assert_ptr_equal(acquire(0, NULL, right), backends[2]); /* none is: the last used */
    state_unref(&scene.states, right);
    state_unref(&scene.states, other);
    close_all(peers, 3);
}

/* Who takes a connection with somebody's past makes it be saved first: only if there is no other. */
static void others_past_comes_last(void **state)
{
    struct backend *backends[3];
    struct peer *peers[3];
    (void)state;
    open_idle(backends, peers, 3);
    backends[2]->past[PAST_INSERT_ID] = session_number(0);
    backends[0]->past[PAST_FOUND_ROWS] = session_number(1);
    assert_ptr_equal(acquire(0, session_number(2), scene.states.empty), backends[1]);
    assert_ptr_equal(acquire(0, session_number(1), scene.states.empty), backends[0]); /* its own */
    assert_ptr_equal(acquire(0, session_number(2), scene.states.empty), backends[2]);
    close_all(peers, 3);
}

static void pools_are_apart(void **state)
{
    (void)state;
    struct pool *pool = scene_pool();
    assert_ptr_equal(pool, scene_pool());
    assert_ptr_not_equal(pool_find(&scene.pools, scene.identity, 0, SCENE_KEY | CAP_FOUND_ROWS), pool);
    assert_ptr_not_equal(pool_find(&scene.pools, scene.identity, 0, pool_key(SCENE_KEY, true)), pool);
    assert_int_equal(pool_key(SCENE_KEY | CAP_CONNECT_WITH_DB, false), SCENE_KEY);
    assert_int_equal(pool_key(SCENE_KEY, true), SCENE_KEY | CAP_CONNECT_WITH_DB);
    struct identity *other = identity_intern(&scene.identities, "other", 1, NULL, NULL);
    assert_ptr_not_equal(pool_find(&scene.pools, other, 0, SCENE_KEY), pool);
    identity_unref(other);
}

/* ---- waiting ---- */

static void first_come_first_served(void **state)
{
    struct backend *backends[1];
    struct peer *peers[1];
    (void)state;
    scene.config.max_per_server = 1;
    open_idle(backends, peers, 1);
    assert_ptr_equal(acquire(0, NULL, scene.states.empty), backends[0]);
    for (int i = 1; i <= 3; i++)
        assert_null(acquire(i, NULL, scene.states.empty));
    assert_true(scene.pools.starving[0]);
    assert_counts(0, 0, 1, 0);
    waiter_cancel(&waiters[2]);
    waiter_cancel(&waiters[2]); /* twice does no harm */
    backend_release(backends[0]);
    assert_int_equal(scene.told_count, 1);
    assert_ptr_equal(scene.told[0].waiter, &waiters[1]);
    assert_ptr_equal(scene.told[0].backend, backends[0]);
    backend_release(backends[0]);
    assert_ptr_equal(scene.told[1].waiter, &waiters[3]);
    backend_release(backends[0]);
    assert_int_equal(scene.told_count, 2);
    assert_counts(0, 1, 0, 0);
    close_all(peers, 1);
}

/* Connections are opened for those who wait, and no more of them than wait. */
static void as_many_are_opened_as_wait(void **state)
{
    struct peer *peers[POOL_EAGER];
    (void)state;
    for (int i = 0; i < POOL_EAGER + 3; i++)
        assert_null(acquire(i, NULL, scene.states.empty));
    assert_counts(POOL_EAGER, 0, 0, 0);
    pools_tick(&scene.pools);
    assert_counts(POOL_EAGER, 0, 0, 0); /* more only when those are stuck in slow statements */
    for (int i = 0; i < POOL_EAGER; i++)
        peers[i] = peer_logs_in();
    assert_true(scene_until_told(POOL_EAGER));
    assert_counts(0, 0, POOL_EAGER, 0);
    for (int i = 0; i < POOL_EAGER; i++)
        assert_ptr_equal(scene.told[i].waiter, &waiters[i]);
    close_all(peers, POOL_EAGER);
    for (int i = POOL_EAGER; i < POOL_EAGER + 3; i++)
        waiter_cancel(&waiters[i]);
}

static bool one_is_connecting(void *unused)
{
    (void)unused;
    pools_tick(&scene.pools);
    return scene_pool()->connecting == 1;
}

static void patience_ends(void **state)
{
    struct backend *backends[POOL_EAGER];
    struct peer *peers[POOL_EAGER];
    (void)state;
    open_idle(backends, peers, POOL_EAGER);
    for (int i = 0; i < POOL_EAGER; i++)
        assert_non_null(acquire(0, NULL, scene.states.empty));
    uint64_t since = clock_ms();
    assert_null(acquire(0, NULL, scene.states.empty));
    assert_counts(0, 0, POOL_EAGER, 0);
    assert_true(scene_until(one_is_connecting, NULL));
    assert_true(clock_ms() - since >= POOL_PATIENCE - 20);
    waiter_cancel(&waiters[0]);
    close_all(peers, POOL_EAGER);
}

/* All of them at once, in their order, although they came with different deadlines. */
static void deadlines_pass(void **state)
{
    struct backend *backends[1];
    struct peer *peers[1];
    (void)state;
    scene.config.max_per_server = 1;
    open_idle(backends, peers, 1);
    assert_non_null(acquire(0, NULL, scene.states.empty));
    uint64_t now = pools_now(&scene.pools);
    for (int i = 1; i < 10; i++) {
        list_init(&waiters[i].link);
        assert_null(pool_acquire(scene_pool(), NULL, (struct wish){.state = scene.states.empty}, &waiters[i],
                                 i % 3 ? now : now + 3600000));
    }
    assert_true(pools_tick(&scene.pools));
    assert_int_equal(scene.told_count, 6);
    for (int i = 0, waiter = 0; i < 6; i++) {
        waiter += waiter % 3 == 2 ? 2 : 1;
        assert_ptr_equal(scene.told[i].waiter, &waiters[waiter]);
        assert_null(scene.told[i].backend);
        assert_int_equal(scene.told[i].code, 0);
    }
    for (int i = 3; i < 10; i += 3)
        waiter_cancel(&waiters[i]);
    assert_false(pools_tick(&scene.pools));
    close_all(peers, 1);
}

/* At a server's limit an idle connection of another pool makes room. */
static void the_limit_counts_all_pools(void **state)
{
    struct backend *backends[2];
    struct peer *peers[2];
    struct waiter waiter;
    (void)state;
    scene.config.max_per_server = 2;
    open_idle(backends, peers, 2);
    list_init(&waiter.link);
    struct pool *other = pool_find(&scene.pools, scene.identity, 0, SCENE_KEY | CAP_FOUND_ROWS);
    backends[1]->since -= 5;
    assert_null(pool_acquire(other, NULL, (struct wish){.state = scene.states.empty}, &waiter, UINT64_MAX));
    assert_int_equal(other->connecting, 1);
    assert_counts(0, 1, 0, 0);
    assert_int_equal(scene.limits.used[0], 2);
    assert_true(scene_until(peer_is_closed, peers[1])); /* the one unused for longest */
    assert_false(scene.pools.starving[0]);
    waiter_cancel(&waiter);
    close_all(peers, 2);
}

static void a_limit_found_out(void **state)
{
    (void)state;
    scene.config.max_per_server = CONFIG_AUTO;
    scene.topology->servers[0].look.max_connections = 5; /* at most half, rounded up */
    for (int i = 0; i < 6; i++)
        assert_null(acquire(i, NULL, scene.states.empty));
    assert_int_equal(scene_pool()->connecting, 3);
    assert_int_equal(scene.limits.used[0], 3);
    for (int i = 0; i < 6; i++)
        waiter_cancel(&waiters[i]);
}

/* A full server with connections of ours turns nobody away: they will be free in a moment. */
static void too_many_connections_while_some_are_ours(void **state)
{
    struct backend *backends[1];
    struct peer *peers[1];
    (void)state;
    open_idle(backends, peers, 1);
    assert_non_null(acquire(0, NULL, scene.states.empty));
    assert_null(acquire(1, NULL, scene.states.empty));
    struct peer *full = peer_accept();
    peer_send(full, packet_of(0, "\xff\x10\x04Too many connections", 23));
    assert_true(scene_until(peer_is_closed, full));
    assert_int_equal(scene.told_count, 0);
    assert_true(scene.pools.avoid_until[0] > 0);
    backend_release(backends[0]);
    assert_ptr_equal(scene.told[0].backend, backends[0]);
    peer_close(full);
    close_all(peers, 1);
}

/* ---- giving back ---- */

static void held_and_let_go(void **state)
{
    struct backend *backends[1];
    struct peer *peers[1];
    (void)state;
    open_idle(backends, peers, 1);
    assert_non_null(acquire(0, session_number(0), scene.states.empty));
    backend_hold(backends[0]);
    assert_counts(0, 0, 0, 1);
    backend_hold(backends[0]);
    backend_unhold(backends[0]);
    backend_unhold(backends[0]);
    assert_counts(0, 0, 1, 0);
    backend_hold(backends[0]);
    backend_release(backends[0]);
    assert_counts(0, 1, 0, 0);
    backend_take(backends[0]);
    assert_counts(0, 0, 1, 0);
    backend_release(backends[0]);
    close_all(peers, 1);
}

/* What a session leaves behind is undone before anybody else may have the connection. */
static void a_dirty_one_is_cleaned(void **state)
{
    struct backend *backends[1];
    struct peer *peers[1];
    (void)state;
    scene.config.max_per_server = 1;
    open_idle(backends, peers, 1);
    struct state *other = state_named("1");
    assert_non_null(acquire(0, session_number(0), scene.states.empty));
    backend_set_state(backends[0], other);
    state_unref(&scene.states, other);
    backends[0]->dirty = backends[0]->warnings = true;
    backend_release(backends[0]);
    assert_int_equal(backends[0]->list, BACKEND_CLEANING);
    assert_null(acquire(1, session_number(1), scene.states.empty));
    assert_true(peer_read(peers[0]) > 0);
    assert_memory_equal(peers[0]->data, "\1\0\0\0\x1f", 5); /* COM_RESET_CONNECTION */
    peer_skip(peers[0]);
    assert_true(peer_read(peers[0]) > 0);
    assert_int_equal(peers[0]->data[PACKET_HEADER], COM_QUERY);
    peer_send(peers[0], packet_ok(1));
    scene_round();
    assert_int_equal(scene.told_count, 0); /* not before the second answer */
    peer_send(peers[0], packet_ok(1));
    assert_true(scene_until_told(1));
    assert_ptr_equal(scene.told[0].backend, backends[0]);
    assert_ptr_equal(backends[0]->state, scene.states.empty);
    assert_false(backends[0]->dirty || backends[0]->warnings);
    close_all(peers, 1);
}

static bool one_is_idle(void *unused)
{
    (void)unused;
    return scene.pools.idle[0] == 1;
}

/* A schema survives COM_RESET_CONNECTION, and no statement takes it away: those are in a pool of their own.
 */
static void one_with_a_schema_changes_its_pool(void **state)
{
    struct backend *backends[1];
    struct peer *peers[1];
    (void)state;
    open_idle(backends, peers, 1);
    struct state *shop = state_with(&scene.states, scene.states.empty, STATE_SCHEMA, "", 0, "shop", 4);
    struct state *more = state_with(&scene.states, shop, STATE_VARIABLE, "a", 1, "1", 1);
    struct pool *home = pool_find(&scene.pools, scene.identity, 0, pool_key(SCENE_KEY, true));
    assert_non_null(acquire(0, NULL, scene.states.empty));
    backend_set_state(backends[0], more);
    backend_release(backends[0]);
    assert_int_equal(scene_pool()->idle_count, 0);
    assert_int_equal(home->idle_count, 1);
    list_init(&waiters[1].link);
    assert_ptr_equal(pool_acquire(home, NULL, (struct wish){.state = more}, &waiters[1], UINT64_MAX),
                     backends[0]);
    backends[0]->dirty = true;
    backend_release(backends[0]); /* cleaned, it still has its schema, and nothing else */
    assert_ptr_equal(backends[0]->state, shop);
    for (int i = 0; i < 3; i++) { /* reset, settings, and the schema once more, for its character set */
        assert_true(peer_read(peers[0]) > 0);
        assert_int_equal(peers[0]->data[PACKET_HEADER], i == 0   ? COM_RESET_CONNECTION
                                                        : i == 1 ? COM_QUERY
                                                                 : COM_INIT_DB);
        peer_skip(peers[0]);
        peer_send(peers[0], packet_ok(1));
    }
    assert_true(scene_until(one_is_idle, NULL));
    assert_int_equal(home->idle_count, 1);
    close_all(peers, 1);
    state_unref(&scene.states, shop);
    state_unref(&scene.states, more);
}

static void what_is_not_kept(void **state)
{
    struct backend *backends[4];
    struct peer *peers[4];
    (void)state;
    open_idle(backends, peers, 4);
    for (int i = 0; i < 4; i++)
        assert_non_null(acquire(0, NULL, scene.states.empty));
    backends[0]->tainted = true;
    backends[1]->broken = true;
    assert_non_null(backend_expect(backends[2], COMMAND_CLIENT, COM_QUERY, NULL)); /* an answer to come */
    for (int i = 0; i < 3; i++)
        backend_release(backends[i]);
    assert_counts(0, 0, 1, 0);
    scene.identity->stale = true;
    backend_release(backends[3]);
    assert_counts(0, 0, 0, 0);
    for (int i = 0; i < 4; i++)
        assert_true(scene_until(peer_is_closed, peers[i]));
    assert_int_equal(scene.limits.used[0], 0);
    close_all(peers, 4);
}

static void a_discarded_one_is_told_of_its_past(void **state)
{
    struct backend *backends[1];
    struct peer *peers[1];
    (void)state;
    open_idle(backends, peers, 1);
    backends[0]->past[PAST_FOUND_ROWS] = session_number(0);
    backend_discard(backends[0]);
    backend_discard(backends[0]);
    assert_int_equal(scene.forgotten, 1);
    assert_int_equal(scene.limits.used[0], 0);
    close_all(peers, 1);
}

/* ---- time and topology ---- */

static bool none_is_idle(void *unused)
{
    (void)unused;
    pools_tick(&scene.pools);
    return scene.pools.idle[0] == 0;
}

static void idle_ones_are_closed_in_time(void **state)
{
    struct backend *backends[2];
    struct peer *peers[2];
    (void)state;
    open_idle(backends, peers, 2);
    pools_tick(&scene.pools);
    assert_counts(0, 2, 0, 0);
    assert_non_null(acquire(0, NULL, scene.states.empty));
    scene.config.idle_timeout = 1;
    assert_true(scene_until(none_is_idle, NULL));
    assert_counts(0, 0, 1, 0); /* the busy one stays */
    close_all(peers, 2);
}

/* Each is in use now and then, but never both at once. */
static void one_more_than_needed_is_closed_in_time(void **state)
{
    enum { WINDOW_MS = 40 };
    struct backend *backends[2];
    struct peer *peers[2];
    (void)state;
    open_idle(backends, peers, 2);
    scene.config.idle_timeout = WINDOW_MS;
    pools_tick(&scene.pools); /* a window begins, with two */
    for (int i = 0; scene_pool()->idle_count == 2 && i < 1000; i++) {
        struct backend *backend = backends[i % 2];
        backend_take(backend);
        backend_release(backend);
        poll(NULL, 0, 1);
        ev_run(scene.loop, EVRUN_NOWAIT);
        pools_tick(&scene.pools);
    }
    assert_counts(0, 1, 0, 0);
    scene.config.idle_timeout = 60000;
    close_all(peers, 2);
}

static void a_server_goes_down(void **state)
{
    struct backend *backends[2];
    struct peer *peers[2];
    (void)state;
    scene.config.max_per_server = 2;
    open_idle(backends, peers, 2);
    assert_non_null(acquire(0, NULL, scene.states.empty));
    scene.topology->servers[0].state = STATE_DOWN;
    pools_topology(&scene.pools, scene.topology);
    assert_counts(0, 0, 1, 0);
    assert_null(acquire(0, NULL, scene.states.empty));
    scene.topology->servers[0].usable_for_reads = scene.topology->servers[0].usable_for_writes = false;
    pools_topology(&scene.pools, scene.topology);
    assert_int_equal(scene.told_count, 1); /* is better routed again */
    assert_null(scene.told[0].backend);
    close_all(peers, 2);
}

static void an_account_that_changed(void **state)
{
    struct backend *backends[1];
    struct peer *peers[1];
    (void)state;
    open_idle(backends, peers, 1);
    scene.identity->stale = true;
    pools_topology(&scene.pools, scene.topology);
    assert_true(scene_until(peer_is_closed, peers[0]));
    pools_tick(&scene.pools);
    assert_true(list_empty(&scene.pools.all)); /* its pools go too */
    close_all(peers, 1);
}

int main(void)
{
#define with_scene(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        with_scene(the_last_used_is_taken_first),
        with_scene(one_in_the_right_state_is_preferred),
        with_scene(others_past_comes_last),
        with_scene(pools_are_apart),
        with_scene(first_come_first_served),
        with_scene(as_many_are_opened_as_wait),
        with_scene(patience_ends),
        with_scene(deadlines_pass),
        with_scene(the_limit_counts_all_pools),
        with_scene(a_limit_found_out),
        with_scene(too_many_connections_while_some_are_ours),
        with_scene(held_and_let_go),
        with_scene(a_dirty_one_is_cleaned),
        with_scene(one_with_a_schema_changes_its_pool),
        with_scene(what_is_not_kept),
        with_scene(a_discarded_one_is_told_of_its_past),
        with_scene(idle_ones_are_closed_in_time),
        with_scene(one_more_than_needed_is_closed_in_time),
        with_scene(a_server_goes_down),
        with_scene(an_account_that_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
