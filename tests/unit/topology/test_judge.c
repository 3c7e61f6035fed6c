/*
 * test_judge.c - the judgement as a pure function: looks are set up by one-letter words, the clock is a
 * number.
 *
 *   struct set: three servers db1..db3 on ports 3310..3312; set_*() say what the next look at one of them
 * saw; judge() moves the clock and returns the picture.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/topology/topology.h"

enum { SERVERS = 3, INTERVAL = 250, TIMEOUT = 1000, MAX_LAG = 5000 };

struct set {
    struct config config;
    struct config_server servers[SERVERS];
    struct server_look looks[SERVERS];
    struct topology_memory memory;
    struct topology *topology; /* of the last judgement */
    uint64_t now;
};

static char *const names[SERVERS] = {(char *)"db1", (char *)"db2", (char *)"db3"};
static char *const addresses[SERVERS] = {(char *)"127.0.0.1:3310", (char *)"127.0.0.1:3311",
                                         (char *)"127.0.0.1:3312"};

static int set_up(void **state)
{
    struct set *set = calloc(1, sizeof *set);
    assert_non_null(set);
    for (unsigned i = 0; i < SERVERS; i++) {
        struct config_server *server = &set->servers[i];
        *server = (struct config_server){.name = names[i], .weight = 1};
        server->address.text = addresses[i];
        server->address.sa.in.sin_family = AF_INET;
        server->address.sa.in.sin_port = htons((uint16_t)(3310 + i));
        server->address.sa.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    set->config = (struct config){.refs = 1,
                                  .servers = set->servers,
                                  .servers_count = SERVERS,
                                  .monitor_interval = INTERVAL,
                                  .monitor_timeout = TIMEOUT,
                                  .max_lag = MAX_LAG};
    assert_true(topology_memory_init(&set->memory));
    set->now = 1000000;
    *state = set;
    return 0;
}

static int tear_down(void **state)
{
    struct set *set = *state;
    topology_unref(set->topology);
    topology_memory_done(&set->memory);
    assert_int_equal(set->config.refs, 1);
    free(set);
    return 0;
}

/* ---- what looks see ---- */

static struct server_look *good_look(struct set *set, int i)
{
    struct server_look *look = &set->looks[i];
    look->ok = look->ever = true;
    look->at = set->now;
    look->mariadb = true;
    look->server_id = (uint64_t)(11 + i);
    snprintf(look->identity, sizeof look->identity, "%d", 11 + i);
    return look;
}

/* A writable server that replicates from nobody. */
static void set_writable(struct set *set, int i, const char *gtid)
{
    struct server_look *look = good_look(set, i);
    look->read_only = look->replicates = look->io_running = look->sql_running = false;
    snprintf(look->gtid_executed, sizeof look->gtid_executed, "%s", gtid);
}

static void set_replica(struct set *set, int i, int source, const char *gtid)
{
    struct server_look *look = good_look(set, i);
    look->read_only = look->replicates = look->io_running = look->sql_running = true;
    snprintf(look->source_host, sizeof look->source_host, "127.0.0.1");
    look->source_port = (uint16_t)(3310 + source);
    look->source_server_id = (uint64_t)(11 + source);
    look->seconds_behind = 0;
    snprintf(look->gtid_executed, sizeof look->gtid_executed, "%s", gtid);
}

static void set_failed(struct set *set, int i, enum look_failure failure, unsigned error, const char *text)
{
    struct server_look *look = &set->looks[i];
    look->ok = false;
    look->failed_at = set->now;
    look->failure = failure;
    look->error = error;
    snprintf(look->error_text, sizeof look->error_text, "%s", text);
}

static void set_gone(struct set *set, int i)
{
    set_failed(set, i, LOOK_GONE, 2002, "Connection refused");
}

static const struct topology *judge(struct set *set)
{
    topology_unref(set->topology);
    set->topology = topology_judge(&set->config, set->looks, &set->memory, set->now);
    assert_non_null(set->topology);
    return set->topology;
}

static const struct topology *judge_after(struct set *set, uint64_t ms)
{
    set->now += ms;
    return judge(set);
}

/* db1 the primary, db2 and db3 its replicas, all at one position. */
static const struct topology *usual(struct set *set, const char *gtid)
{
    set_writable(set, 0, gtid);
    set_replica(set, 1, 0, gtid);
    set_replica(set, 2, 0, gtid);
    return judge(set);
}

/* ---- what must come out ---- */

#define expect(set, i, role_, state_, reason_) expect_at(set, i, role_, state_, reason_, __LINE__)
static void expect_at(struct set *set, int i, enum server_role role, enum server_state state,
                      const char *reason, int line)
{
    const struct server_view *view = &set->topology->servers[i];
    if (view->role != role || view->state != state || !strstr(view->reason, reason) ||
        (*reason == '\0' && view->reason[0] != '\0'))
        fail_msg("line %d: %s is %s, %s, '%s', not %s, %s, '%s'", line, view->name,
                 server_role_name(view->role), server_state_name(view->state), view->reason,
                 server_role_name(role), server_state_name(state), reason);
    assert_int_equal(view->usable_for_reads, state == STATE_ONLINE);
}

static void expect_primary(struct set *set, int primary, const char *why)
{
    const struct topology *topology = set->topology;
    if (topology->primary != primary || !strstr(topology->why_no_primary, why))
        fail_msg("primary %d, '%s', not %d, '%s'", topology->primary, topology->why_no_primary, primary, why);
    assert_int_equal(topology->primary == TOPOLOGY_NOBODY, topology->why_no_primary[0] != '\0');
    for (size_t i = 0; i < topology->count; i++)
        assert_int_equal(topology->servers[i].usable_for_writes, (int)i == primary);
}

/* ---- roles ---- */

static void test_usual_set(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    expect_primary(set, 0, "");
    expect(set, 0, ROLE_PRIMARY, STATE_ONLINE, "");
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    for (int i = 0; i < SERVERS; i++) {
        assert_int_equal(set->topology->servers[i].lag_ms, 0);
        assert_int_equal(set->topology->servers[i].share, 100); /* no ramp at the first sight */
    }
}

static void test_waits_for_all_first_looks(void **state)
{
    struct set *set = *state;
    judge(set);
    expect_primary(set, TOPOLOGY_NOBODY, "waiting for a first look at db1");
    expect(set, 0, ROLE_UNKNOWN, STATE_DOWN, "not looked at yet");
    set_writable(set, 0, "0-11-5");
    set_replica(set, 1, 0, "0-11-5");
    judge_after(set, 10);
    expect_primary(set, TOPOLOGY_NOBODY, "db3");
    set_gone(set, 2);
    judge_after(set, 10);
    expect_primary(set, 0, "");
    expect(set, 2, ROLE_UNKNOWN, STATE_DOWN, "refused");
}

static void test_waits_no_longer_than_two_timeouts(void **state)
{
    struct set *set = *state;
    judge(set);
    set->now += 2 * TIMEOUT + 1;
    set_writable(set, 0, "0-11-5");
    set_replica(set, 1, 0, "0-11-5");
    judge(set);
    expect_primary(set, 0, "");
}

static void test_lone_writable_is_primary(void **state)
{
    struct set *set = *state;
    set->config.servers_count = 1;
    set_writable(set, 0, "0-11-5");
    judge(set);
    expect_primary(set, 0, "");
}

static void test_lone_writable_with_contrary_evidence_is_not(void **state)
{
    struct set *set = *state;
    set_writable(set, 0, "0-11-5");
    set_gone(set, 1);
    set_replica(set, 2, 1, "0-12-9");
    judge(set);
    expect_primary(set, TOPOLOGY_NOBODY, "db1 is writable, but db3 replicates from db2");
    expect(set, 0, ROLE_UNKNOWN, STATE_QUARANTINED, "not known as the primary");
    expect(set, 2, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_nobody_writable(void **state)
{
    struct set *set = *state;
    set_writable(set, 0, "0-11-5");
    set->looks[0].read_only = true;
    set_replica(set, 1, 0, "0-11-5");
    set_replica(set, 2, 0, "0-11-5");
    judge(set);
    expect_primary(set, TOPOLOGY_NOBODY, "no server that answers is writable");
    expect(set, 0, ROLE_UNKNOWN, STATE_QUARANTINED, "read-only and replicates from nobody");
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_two_writable_the_known_one_stays(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set_writable(set, 1, "0-12-6");
    judge_after(set, INTERVAL);
    expect_primary(set, 0, "");
    expect(set, 1, ROLE_UNKNOWN, STATE_QUARANTINED, "writable like the primary db1");

    /* The primary's death makes nobody trust the other one. */
    set_gone(set, 0);
    judge_after(set, INTERVAL);
    expect_primary(set, TOPOLOGY_NOBODY, "db2 is writable, but was so beside another");
    expect(set, 1, ROLE_UNKNOWN, STATE_QUARANTINED, "beside another");

    /* A replica of the set again: forgiven. */
    set_writable(set, 0, "0-11-5");
    set_replica(set, 1, 0, "0-11-5");
    judge_after(set, INTERVAL);
    expect_primary(set, 0, "");
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_the_known_one_stays_even_if_replicas_left_it(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set_writable(set, 1, "0-12-6");
    set_replica(set, 2, 1, "0-12-6");
    judge_after(set, INTERVAL);
    expect_primary(set, 0, "");
    expect(set, 1, ROLE_UNKNOWN, STATE_QUARANTINED, "writable like the primary db1");
    expect(set, 2, ROLE_REPLICA, STATE_QUARANTINED,
           "replicates from 127.0.0.1:3311, not from the primary db1");
}

static void test_promoted_with_its_replication_left_configured(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set->looks[0].read_only = true;
    set_replica(set, 1, 0, "0-11-5");
    set->looks[1].read_only = set->looks[1].io_running = set->looks[1].sql_running = false;
    set_replica(set, 2, 1, "0-11-5");
    judge_after(set, INTERVAL);
    expect_primary(set, 1, "");
}

static void test_two_writable_without_memory(void **state)
{
    struct set *set = *state;
    set_writable(set, 0, "0-11-5");
    set_writable(set, 1, "0-12-5");
    set_gone(set, 2);
    judge(set);
    expect_primary(set, TOPOLOGY_NOBODY, "nothing tells which is the primary");
    expect(set, 0, ROLE_UNKNOWN, STATE_QUARANTINED, "not known as the primary");

    /* One of them dying proves nothing; */
    set_gone(set, 1);
    judge_after(set, INTERVAL);
    expect_primary(set, TOPOLOGY_NOBODY, "db1 is writable, but was so beside another");
    /* its being made read-only does. */
    set_writable(set, 1, "0-12-5");
    set->looks[1].read_only = true;
    judge_after(set, INTERVAL);
    expect_primary(set, 0, "");
}

static void test_two_writable_replicas_tell(void **state)
{
    struct set *set = *state;
    set_writable(set, 0, "0-11-5");
    set_writable(set, 1, "0-12-5");
    set_replica(set, 2, 1, "0-12-5");
    judge(set);
    expect_primary(set, 1, "");
    expect(set, 0, ROLE_UNKNOWN, STATE_QUARANTINED, "writable like the primary db2");
}

static void test_a_pair_of_writable_ones(void **state)
{
    struct set *set = *state;
    for (int i = 0; i < 2; i++) {
        set_replica(set, i, 1 - i, "0-11-5");
        set->looks[i].read_only = false;
    }
    set_gone(set, 2);
    judge(set);
    expect_primary(set, TOPOLOGY_NOBODY, "nothing tells");
    set->looks[1].read_only = true;
    judge_after(set, 1);
    expect_primary(set, 0, "");
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_a_writable_replica_is_a_replica(void **state)
{
    struct set *set = *state;
    set_writable(set, 0, "0-11-5");
    set_replica(set, 1, 0, "0-11-5");
    set->looks[1].read_only = false;
    set_replica(set, 2, 0, "0-11-5");
    judge(set);
    expect_primary(set, 0, "");
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    /* and the primary's death doesn't make it one */
    set_gone(set, 0);
    judge_after(set, 10);
    expect_primary(set, TOPOLOGY_NOBODY, "db1 was the primary and does not answer");
    expect(set, 0, ROLE_PRIMARY, STATE_DOWN, "refused");
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_promoted_by_somebody_else(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set_gone(set, 0);
    judge_after(set, INTERVAL);
    set_writable(set, 1, "0-11-5"); /* db3 still replicates from db1: not yet believed */
    judge_after(set, INTERVAL);
    expect_primary(set, TOPOLOGY_NOBODY, "db2 is writable, but db3 replicates from db1");
    set_replica(set, 2, 1, "0-11-5");
    judge_after(set, INTERVAL);
    expect_primary(set, 1, "");
    expect(set, 0, ROLE_UNKNOWN, STATE_DOWN, "refused");
    /* The old one comes back, writable. */
    set_writable(set, 0, "0-11-7");
    judge_after(set, INTERVAL);
    expect_primary(set, 1, "");
    expect(set, 0, ROLE_UNKNOWN, STATE_QUARANTINED, "writable like the primary db2");
}

static void test_switched_over_by_somebody_else(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set->looks[0].read_only = true;
    judge_after(set, 10);
    expect_primary(set, TOPOLOGY_NOBODY, "db1 was the primary and is read-only");
    expect(set, 0, ROLE_PRIMARY, STATE_ONLINE, "takes no writes"); /* it has everything: reads may go there */
    set_writable(set, 1, "0-11-5");
    set_replica(set, 2, 1, "0-11-5");
    judge_after(set, 10);
    expect_primary(set, 1, "");
    set_replica(set, 0, 1, "0-11-5");
    judge_after(set, 10);
    expect(set, 0, ROLE_REPLICA, STATE_ONLINE, "");
    expect(set, 1, ROLE_PRIMARY, STATE_ONLINE, "");
}

static void test_another_server_at_the_primarys_address(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set_writable(set, 0, "");
    snprintf(set->looks[0].identity, sizeof set->looks[0].identity, "99");
    set->looks[0].server_id = 99;
    set_writable(set, 1, "0-12-6");
    set_replica(set, 2, 1, "0-12-6");
    judge_after(set, INTERVAL);
    expect_primary(set, 1, "");
}

static void test_sources_are_known_by_identity_before_address(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    for (int i = 1; i < SERVERS; i++) {
        snprintf(set->looks[i].source_host, sizeof set->looks[i].source_host, "db1.internal");
        set->looks[i].source_port = 3306;
    }
    judge_after(set, 10);
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    set->looks[1].source_server_id = 77;
    judge_after(set, 10);
    expect(set, 1, ROLE_REPLICA, STATE_QUARANTINED,
           "replicates from db1.internal:3306, not from the primary");
    /* A source that isn't connected: its id may be that of the one before. */
    snprintf(set->looks[1].source_host, sizeof set->looks[1].source_host, "127.0.0.1");
    set->looks[1].source_port = 3310;
    set->looks[1].source_server_id = 13;
    set->looks[1].io_running = false;
    set_replica(set, 2, 1, "0-11-5"); /* so that the wrong id would make a circle */
    judge(set);
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    set_replica(set, 1, 0, "0-11-5");
    set_replica(set, 2, 0, "0-11-5");
    set->looks[1].source_server_id = 0; /* not known: by address */
    snprintf(set->looks[1].source_host, sizeof set->looks[1].source_host, "localhost");
    set->looks[1].source_port = 3310;
    judge_after(set, 10);
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_a_chain_of_replicas(void **state)
{
    struct set *set = *state;
    set_writable(set, 0, "0-11-5");
    set_replica(set, 1, 0, "0-11-5");
    set_replica(set, 2, 1, "0-11-5");
    judge(set);
    expect_primary(set, 0, "");
    expect(set, 2, ROLE_REPLICA, STATE_ONLINE, "");
}

/* ---- who answers ---- */

static void test_refused_is_down_at_once_silence_after_the_timeout(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set_gone(set, 1);
    set_failed(set, 2, LOOK_SILENT, 2013, "Lost connection");
    judge_after(set, 10);
    expect(set, 1, ROLE_REPLICA, STATE_DOWN, "no connection: Connection refused (2002)");
    expect(set, 2, ROLE_REPLICA, STATE_ONLINE, "");
    set_writable(set, 0, "0-11-5");
    judge_after(set, TIMEOUT - 10);
    expect(set, 2, ROLE_REPLICA, STATE_ONLINE, "");
    judge_after(set, 1);
    expect(set, 2, ROLE_REPLICA, STATE_DOWN, "no answer in time: Lost connection (2013)");
}

static void test_an_overdue_look_is_down_too(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set->now += TIMEOUT + 1;
    set_replica(set, 1, 0, "0-11-5");
    judge(set);
    expect(set, 0, ROLE_PRIMARY, STATE_DOWN, "no answer within 1000 ms");
    expect_primary(set, TOPOLOGY_NOBODY, "db1 was the primary and does not answer");
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_not_let_in_is_not_gone(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    for (int i = 0; i < 8; i++) {
        set->now += INTERVAL;
        set_replica(set, 2, 0, "0-11-5");
        set->looks[2].seconds_behind = 4;
        set_failed(set, 0, LOOK_REFUSED, 1040, "Too many connections");
        set_failed(set, 1, LOOK_REFUSED, 1045, "Access denied");
        judge(set);
    }
    /* The primary answers: it is used on. A replica's lag is not known any more. */
    expect_primary(set, 0, "");
    expect(set, 1, ROLE_REPLICA, STATE_LAGGING,
           "lag unknown: it does not let the monitor in: Access denied (1045)");
    expect(set, 2, ROLE_REPLICA, STATE_ONLINE, "");
    assert_int_equal(set->topology->servers[2].lag_ms,
                     4000); /* its position is old: the replica's word counts */
    /* No more answers at all. */
    judge_after(set, TIMEOUT + 1);
    expect(set, 0, ROLE_PRIMARY, STATE_DOWN, "no answer in time");
}

static void test_never_let_in(void **state)
{
    struct set *set = *state;
    for (int i = 0; i < SERVERS; i++)
        set_failed(set, i, LOOK_REFUSED, 1045, "Access denied for user 'monitor'");
    judge(set);
    expect_primary(set, TOPOLOGY_NOBODY, "no server that answers is writable");
    expect(set, 0, ROLE_UNKNOWN, STATE_DOWN, "answers, but does not let the monitor in: Access denied");
}

/* ---- lag ---- */

/* One interval later the primary and db3 stand at `gtid`, db2 at `behind`. */
static void move_on(struct set *set, const char *gtid, const char *behind)
{
    set->now += INTERVAL;
    set_writable(set, 0, gtid);
    set_replica(set, 1, 0, behind);
    set_replica(set, 2, 0, gtid);
    judge(set);
}

static void move_on_to(struct set *set, unsigned sequence, const char *behind)
{
    char gtid[32];
    snprintf(gtid, sizeof gtid, "0-11-%u", sequence);
    move_on(set, gtid, behind ? behind : gtid);
}

static void test_lag_hysteresis_and_ramp(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    const struct server_view *view;
    unsigned sequence = 5;
    for (int i = 1; i <= 21; i++) { /* the first position it lacks is 6, seen at the first step */
        move_on_to(set, ++sequence, "0-11-5");
        view = &set->topology->servers[1];
        assert_int_equal(view->lag_ms, (i - 1) * INTERVAL);
    }
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    move_on_to(set, ++sequence, "0-11-5");
    expect(set, 1, ROLE_REPLICA, STATE_LAGGING, "lags more than max_lag = 5000 ms");
    expect(set, 2, ROLE_REPLICA, STATE_ONLINE, "");
    assert_int_equal(set->topology->servers[1].share, 0);

    move_on_to(set, ++sequence, "0-11-9"); /* lacks 10 of the fifth step, now is the 23rd: 4500 ms */
    assert_int_equal(set->topology->servers[1].lag_ms, 4500);
    expect(set, 1, ROLE_REPLICA, STATE_LAGGING, "not yet back below 80 %");
    move_on_to(set, ++sequence, "0-11-12"); /* 4000 */
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    assert_int_equal(set->topology->servers[1].share, 10);
    move_on_to(set, ++sequence, NULL);
    assert_int_equal(set->topology->servers[1].share, 14);
    for (int i = 0; i < 9; i++)
        move_on_to(set, ++sequence, NULL);
    assert_int_equal(set->topology->servers[1].share, 55);
    for (int i = 0; i < 10; i++)
        move_on_to(set, ++sequence, NULL);
    assert_int_equal(set->topology->servers[1].share, 100);
    assert_int_equal(set->topology->servers[2].share, 100);
}

static void test_positions_seen_after_the_replicas_look_dont_count(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set->now += INTERVAL;
    set_writable(set, 0, "0-11-6");
    judge_after(set, 1);
    assert_int_equal(set->topology->servers[1].lag_ms, 0);
}

static void test_null_is_never_zero(void **state)
{
    struct set *set = *state;
    set_writable(set, 0, "0-11-500");
    set_replica(set, 1, 0, "0-11-5"); /* behind by more than was ever seen */
    set_replica(set, 2, 0, "0-11-5");
    set->looks[1].seconds_behind = -1;
    set->looks[2].seconds_behind = 3;
    judge(set);
    assert_int_equal(set->topology->servers[1].lag_ms, TOPOLOGY_LAG_UNKNOWN);
    expect(set, 1, ROLE_REPLICA, STATE_LAGGING, "lag unknown");
    assert_int_equal(set->topology->servers[2].lag_ms, 3000);
    expect(set, 2, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_without_gtids_the_seconds_count(void **state)
{
    struct set *set = *state;
    usual(set, "");
    set->looks[1].seconds_behind = 7;
    set->looks[2].seconds_behind = -1;
    judge_after(set, 1);
    assert_int_equal(set->topology->servers[1].lag_ms, 7000);
    expect(set, 1, ROLE_REPLICA, STATE_LAGGING, "lags more");
    expect(set, 2, ROLE_REPLICA, STATE_LAGGING, "lag unknown");
}

static void test_the_first_write_ever(void **state)
{
    struct set *set = *state;
    usual(set, "");
    move_on(set, "0-11-1", "");
    move_on(set, "0-11-2", "");
    set->looks[1].seconds_behind = -1;
    judge_after(set, 1);
    assert_int_equal(set->topology->servers[1].lag_ms, INTERVAL);
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_reads_go_on_without_a_primary(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    move_on(set, "0-11-6", "0-11-5");
    move_on(set, "0-11-7", "0-11-5");
    uint64_t lag = (uint64_t)set->topology->servers[1].lag_ms;
    for (int i = 0; i < 100; i++) {
        set->now += INTERVAL;
        set_gone(set, 0);
        set_replica(set, 1, 0, "0-11-5");
        set_replica(set, 2, 0, "0-11-7");
        for (int r = 1; r < SERVERS; r++) {
            set->looks[r].io_running = set->looks[r].sql_running = false;
            set->looks[r].seconds_behind = -1;
        }
        judge(set);
    }
    expect_primary(set, TOPOLOGY_NOBODY, "db1 was the primary");
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    assert_int_equal(set->topology->servers[1].lag_ms, lag); /* stands still */
    expect(set, 2, ROLE_REPLICA, STATE_ONLINE, "");
}

static void test_started_while_the_primary_is_down(void **state)
{
    struct set *set = *state;
    set_gone(set, 0);
    set_replica(set, 1, 0, "0-11-5");
    set_replica(set, 2, 0, "0-11-4");
    for (int r = 1; r < SERVERS; r++) {
        set->looks[r].io_running = false;
        set->looks[r].seconds_behind = -1;
    }
    judge(set);
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    expect(set, 2, ROLE_REPLICA, STATE_LAGGING, "lag unknown");
}

static void test_a_new_primary_without_the_last_writes(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    move_on(set, "0-11-9", "0-11-5");
    /* db1 is lost with 6 to 9; db2 is promoted by somebody and goes on from 5. */
    set->now += 60000;
    set_gone(set, 0);
    set_writable(set, 1, "0-12-6");
    set_replica(set, 2, 1, "0-12-6");
    judge(set);
    expect_primary(set, 1, "");
    assert_int_equal(set->topology->servers[2].lag_ms, 0);
}

static void test_long_history_is_thinned(void **state)
{
    struct set *set = *state;
    set->config.max_lag = 3600000;
    usual(set, "0-11-1");
    unsigned sequence = 1;
    for (int i = 0; i < 5000; i++)
        move_on_to(set, ++sequence, "0-11-1");
    assert_int_equal(set->topology->servers[1].lag_ms, 4999 * INTERVAL); /* the oldest it lacks is kept */
    move_on_to(set, ++sequence, "0-11-2500");
    int64_t lag = set->topology->servers[1].lag_ms, real = 2501 * INTERVAL;
    assert_true(lag >= real - INTERVAL && lag < real * 2); /* never told too low */
    move_on_to(set, ++sequence, "0-11-4990");
    assert_in_range(set->topology->servers[1].lag_ms, 12 * INTERVAL, 13 * INTERVAL);
}

/* ---- broken replication ---- */

static void test_a_stopped_sql_thread_is_broken(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set->looks[1].sql_running = false;
    judge_after(set, 1);
    expect(set, 1, ROLE_REPLICA, STATE_LAGGING, "SQL thread does not run");
}

static void test_a_lost_io_thread_counts_once_the_primary_was_seen_after_it(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set->now += 100;
    set_replica(set, 1, 0, "0-11-5");
    set->looks[1].io_running = false;
    judge(set);
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    set->now += 100;
    set_writable(set, 0, "0-11-5");
    judge(set);
    expect(set, 1, ROLE_REPLICA, STATE_LAGGING, "IO thread is not connected");
    set->now += 100;
    set_replica(set, 1, 0, "0-11-5");
    judge(set);
    expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
    assert_in_range(set->topology->servers[1].share, 1, 20);
}

/* ---- wishes and weights ---- */

static const struct {
    enum server_wish wish;
    enum server_state state;
    const char *reason;
} wishes[] = {
    {WISH_DRAIN, STATE_DRAINING, "drained by an operator"},
    {WISH_MAINTENANCE, STATE_MAINTENANCE, "in maintenance"},
};

static void test_wishes(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        set->memory.servers[1].wish = wishes[i].wish;
        judge_after(set, 1);
        expect(set, 1, ROLE_REPLICA, wishes[i].state, wishes[i].reason);
        set->memory.servers[1].wish = WISH_ONLINE;
        judge_after(set, 1);
        expect(set, 1, ROLE_REPLICA, STATE_ONLINE, "");
        assert_int_equal(set->topology->servers[1].share, 10);
    }
    set->memory.servers[0].wish = WISH_MAINTENANCE;
    judge_after(set, 1);
    expect_primary(set, TOPOLOGY_NOBODY, "the primary db1: in maintenance");
    expect(set, 0, ROLE_PRIMARY, STATE_MAINTENANCE, "in maintenance");
}

static void test_weights(void **state)
{
    struct set *set = *state;
    set->servers[1].weight = 7;
    set->servers[2].weight = 0;
    usual(set, "0-11-5");
    assert_int_equal(set->topology->servers[1].share, 700);
    assert_int_equal(set->topology->servers[2].share, 0);
    expect(set, 2, ROLE_REPLICA, STATE_ONLINE, "");
    set->memory.servers[2].wished_weight = 3;
    judge_after(set, 1);
    assert_int_equal(set->topology->servers[2].weight, 3);
    assert_int_equal(set->topology->servers[2].share, 300);
}

static void test_memory_moves_by_name_and_address(void **state)
{
    struct set *set = *state;
    usual(set, "0-11-5");
    set->memory.servers[2].wish = WISH_DRAIN;
    struct config_server fewer[2] = {set->servers[2], set->servers[0]};
    struct config to = set->config;
    to.servers = fewer;
    to.servers_count = 2;
    topology_memory_move(&set->memory, &set->config, &to);
    assert_int_equal(set->memory.primary, 1);
    assert_int_equal(set->memory.servers[0].wish, WISH_DRAIN);
    assert_true(set->memory.servers[1].was_usable);
    fewer[1].address.text = (char *)"127.0.0.1:1";
    topology_memory_move(&set->memory, &set->config, &to);
    assert_int_equal(set->memory.primary, TOPOLOGY_NOBODY);
}

#define each(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(test_usual_set),
        each(test_waits_for_all_first_looks),
        each(test_waits_no_longer_than_two_timeouts),
        each(test_lone_writable_is_primary),
        each(test_lone_writable_with_contrary_evidence_is_not),
        each(test_nobody_writable),
        each(test_two_writable_the_known_one_stays),
        each(test_the_known_one_stays_even_if_replicas_left_it),
        each(test_promoted_with_its_replication_left_configured),
        each(test_two_writable_without_memory),
        each(test_two_writable_replicas_tell),
        each(test_a_pair_of_writable_ones),
        each(test_a_writable_replica_is_a_replica),
        each(test_promoted_by_somebody_else),
        each(test_switched_over_by_somebody_else),
        each(test_another_server_at_the_primarys_address),
        each(test_sources_are_known_by_identity_before_address),
        each(test_a_chain_of_replicas),
        each(test_refused_is_down_at_once_silence_after_the_timeout),
        each(test_an_overdue_look_is_down_too),
        each(test_not_let_in_is_not_gone),
        each(test_never_let_in),
        each(test_lag_hysteresis_and_ramp),
        each(test_positions_seen_after_the_replicas_look_dont_count),
        each(test_null_is_never_zero),
        each(test_without_gtids_the_seconds_count),
        each(test_the_first_write_ever),
        each(test_reads_go_on_without_a_primary),
        each(test_started_while_the_primary_is_down),
        each(test_a_new_primary_without_the_last_writes),
        each(test_long_history_is_thinned),
        each(test_a_stopped_sql_thread_is_broken),
        each(test_a_lost_io_thread_counts_once_the_primary_was_seen_after_it),
        each(test_wishes),
        each(test_weights),
        each(test_memory_moves_by_name_and_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
