/*
 * test_monitor.c - the monitor against a real replication set: what it publishes when servers break, and how
 * soon.
 *
 *   server 0 (db1) is the primary, 1 and 2 (db2, db3) its replicas. Each test leaves the set as it found it.
 *   "Soon" is generous: the machine may be busy; the spans that are promised are asserted where they are
 * measured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cluster/cluster.h"
#include "pointsman/monitor/events.h"
#include "pointsman/monitor/monitor.h"
#include "pointsman/topology/accounts.h"

enum { SERVERS = 3, INTERVAL = 100, TIMEOUT = 1000, MAX_LAG = 2000, SOON_MS = 15000 };

static struct cluster *cluster;
static struct config_server servers[SERVERS];
static struct config config;

/* ---- the config, by hand ---- */

static char *const names[SERVERS] = {(char *)"db1", (char *)"db2", (char *)"db3"};

static void fill_server(int i)
{
    static char texts[SERVERS][32];
    snprintf(texts[i], sizeof texts[i], "127.0.0.1:%d", cluster->server[i].port);
    servers[i] = (struct config_server){.name = names[i], .weight = 1};
    servers[i].address = (struct config_address){.text = texts[i], .length = sizeof(struct sockaddr_in)};
    servers[i].address.sa.in.sin_family = AF_INET;
    servers[i].address.sa.in.sin_port = htons((uint16_t)cluster->server[i].port);
    servers[i].address.sa.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static struct config config_with(const char *password)
{
    return (struct config){
        .refs = 1,
        .servers = servers,
        .servers_count = SERVERS,
        .monitor_user = (char *)cluster_monitor.user,
        .monitor_password = (char *)password,
        .monitor_interval = INTERVAL,
        .monitor_timeout = TIMEOUT,
        .max_lag = MAX_LAG,
    };
}

static int set_up_all(void **state)
{
    (void)state;
    cluster = cluster_start(&(struct cluster_options){.servers = SERVERS, .no_general_log = true});
    if (!cluster)
        return -1;
    for (int i = 0; i < SERVERS; i++)
        fill_server(i);
    config = config_with(cluster_monitor.password);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    cluster_stop(cluster);
    return 0;
}

/* ---- what must be published ---- */

struct expected {
    int server;
    enum server_role role;
    enum server_state state;
    const char *reason;
};

static bool is_so(void *arg)
{
    const struct expected *expected = arg;
    struct topology *topology = topology_current();
    const struct server_view *view = &topology->servers[expected->server];
    bool so = view->role == expected->role && view->state == expected->state &&
              strstr(view->reason, expected->reason);
    topology_unref(topology);
    return so;
}

static void print_picture(void)
{
    struct topology *topology = topology_current();
    for (size_t i = 0; i < topology->count; i++) {
        const struct server_view *view = &topology->servers[i];
        print_error("%s %s %s lag %lld share %u gtid %s '%s'\n", view->name, server_role_name(view->role),
                    server_state_name(view->state), (long long)view->lag_ms, view->share,
                    view->look.gtid_executed, view->reason);
    }
    print_error("primary %d '%s'\n", topology->primary, topology->why_no_primary);
    topology_unref(topology);
}

/* Waits for it; returns how long that took. */
static int64_t wait_ms(int server, enum server_role role, enum server_state state, const char *reason)
{
    struct expected expected = {server, role, state, reason};
    int64_t began = monotonic_us();
    if (!wait_for(is_so, &expected, SOON_MS)) {
        print_picture();
        fail_msg("%s did not become %s, %s, '%s'", names[server], server_role_name(role),
                 server_state_name(state), reason);
    }
    return (monotonic_us() - began) / 1000;
}

static bool primary_is(void *arg)
{
    struct topology *topology = topology_current();
    bool so = topology->primary == *(int *)arg;
    topology_unref(topology);
    return so;
}

static void wait_for_primary(int server)
{
    if (!wait_for(primary_is, &server, SOON_MS)) {
        print_picture();
        fail_msg("the primary is not %d", server);
    }
}

static void wait_for_usual(void)
{
    wait_for_primary(0);
    wait_ms(0, ROLE_PRIMARY, STATE_ONLINE, "");
    wait_ms(1, ROLE_REPLICA, STATE_ONLINE, "");
    wait_ms(2, ROLE_REPLICA, STATE_ONLINE, "");
}

static int start(void **state)
{
    (void)state;
    if (!monitor_start(&config))
        return -1;
    wait_for_usual();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    monitor_stop();
    return 0;
}

static struct server_view view_of(int server)
{
    struct topology *topology = topology_current();
    struct server_view view = topology->servers[server];
    topology_unref(topology);
    return view;
}

static void run(int server, const char *statement)
{
    unsigned error = cluster_sql(cluster, server, "%s", statement);
    if (error != 0)
        fail_msg("%s: error %u", statement, error);
}

static void write_something(void)
{
    run(0, "CREATE TABLE IF NOT EXISTS shop.monitor_test (id INT AUTO_INCREMENT PRIMARY KEY)");
    run(0, "INSERT INTO shop.monitor_test VALUES ()");
}

/* ---- tests ---- */

static bool has_received(void *arg)
{
    return view_of(*(int *)arg).look.gtid_received[0] != '\0';
}

static void test_what_a_look_sees(void **state)
{
    (void)state;
    write_something();
    assert_true(wait_for(has_received, &(int){1}, SOON_MS));
    struct server_view primary = view_of(0), replica = view_of(1);
    bool mysql = cluster->options.flavour == CLUSTER_MYSQL;
    assert_int_equal(primary.look.mariadb, !mysql);
    assert_in_range(primary.look.version, mysql ? 80400 : 100600, 999999);
    assert_false(primary.look.read_only);
    assert_false(primary.look.replicates);
    assert_in_range(primary.look.max_connections, 1, 100000);
    assert_string_equal(primary.look.seen_as, "localhost");
    assert_true(replica.look.read_only);
    assert_true(replica.look.replicates && replica.look.io_running && replica.look.sql_running);
    assert_int_equal(replica.look.source_server_id, primary.look.server_id);
    assert_int_equal(replica.look.source_port, cluster->server[0].port);
    assert_int_equal(replica.share, 100);
    assert_int_equal(primary.usable_for_writes, 1);
}

static bool lag_is_over(void *arg)
{
    return view_of(1).lag_ms > *(int64_t *)arg;
}

static void test_a_stopped_sql_thread(void **state)
{
    (void)state;
    assert_true(cluster_replication(cluster, 1, CLUSTER_SQL_THREAD, false));
    int64_t took = wait_ms(1, ROLE_REPLICA, STATE_LAGGING, "SQL thread does not run");
    assert_in_range(took, 0, 2 * INTERVAL + 100);
    write_something();
    int64_t over = MAX_LAG;
    assert_true(wait_for(lag_is_over, &over, SOON_MS));
    assert_true(cluster_replication(cluster, 1, CLUSTER_SQL_THREAD, true));
    wait_ms(1, ROLE_REPLICA, STATE_ONLINE, "");
    assert_in_range(view_of(1).share, 1, 50); /* it comes back slowly */
    wait_for_usual();
}

/* The SQL thread runs, but waits for a lock: only positions tell. */
static void test_lag_by_position(void **state)
{
    (void)state;
    write_something();
    assert_true(cluster_sync(cluster, 0, SOON_MS));
    MYSQL *locker = cluster_connect(cluster, 2, &cluster_root, "shop");
    assert_non_null(locker);
    assert_int_equal(sql_run(locker, "LOCK TABLES monitor_test READ"), 0);
    int64_t began = monotonic_us();
    write_something();
    wait_ms(2, ROLE_REPLICA, STATE_LAGGING, "lags more than max_lag = 2000 ms");
    int64_t took = (monotonic_us() - began) / 1000;
    assert_in_range(took, MAX_LAG - 2 * INTERVAL, MAX_LAG + 4 * INTERVAL + 200);
    wait_ms(1, ROLE_REPLICA, STATE_ONLINE, "");
    assert_int_equal(view_of(1).lag_ms, 0);
    mysql_close(locker);
    wait_ms(2, ROLE_REPLICA, STATE_ONLINE, "");
    assert_int_equal(view_of(2).lag_ms, 0);
}

static void test_a_stopped_io_thread(void **state)
{
    (void)state;
    assert_true(cluster_replication(cluster, 1, CLUSTER_IO_THREAD, false));
    assert_in_range(wait_ms(1, ROLE_REPLICA, STATE_LAGGING, "IO thread is not connected"), 0,
                    3 * INTERVAL + 100);
    assert_true(cluster_replication(cluster, 1, CLUSTER_IO_THREAD, true));
    wait_for_usual();
}

static void test_a_killed_replica(void **state)
{
    (void)state;
    int64_t began = monotonic_us();
    assert_true(cluster_kill(cluster, 2));
    wait_ms(2, ROLE_REPLICA, STATE_DOWN, "");
    assert_in_range((monotonic_us() - began) / 1000, 0, 2 * INTERVAL + 300);
    assert_int_equal(view_of(2).usable_for_reads, 0);
    assert_true(cluster_launch(cluster, 2));
    wait_for_usual();
}

static void test_a_frozen_replica(void **state)
{
    (void)state;
    int64_t began = monotonic_us();
    assert_true(cluster_freeze(cluster, 1));
    wait_ms(1, ROLE_REPLICA, STATE_DOWN, "no answer");
    assert_in_range((monotonic_us() - began) / 1000, TIMEOUT - INTERVAL, TIMEOUT + INTERVAL + 300);
    wait_ms(2, ROLE_REPLICA, STATE_ONLINE, ""); /* nobody waits for the hung one */
    assert_true(cluster_thaw(cluster, 1));
    wait_for_usual();
}

static void test_a_killed_primary(void **state)
{
    (void)state;
    assert_true(cluster_kill(cluster, 0));
    wait_for_primary(TOPOLOGY_NOBODY);
    wait_ms(0, ROLE_PRIMARY, STATE_DOWN, "");
    /* Reads go on, beyond max_lag too. */
    struct topology *topology = topology_current();
    uint64_t until = topology->servers[1].look.at + MAX_LAG + 500;
    topology_unref(topology);
    while (view_of(1).look.at < until) {
        assert_int_equal(view_of(1).usable_for_reads, 1);
        assert_int_equal(view_of(2).usable_for_reads, 1);
    }
    assert_true(cluster_launch(cluster, 0));
    wait_for_usual();
}

static void test_two_writable(void **state)
{
    (void)state;
    assert_true(cluster_unfollow(cluster, 2) && cluster_read_only(cluster, 2, false));
    wait_ms(2, ROLE_UNKNOWN, STATE_QUARANTINED, "writable like the primary db1");
    wait_for_primary(0);
    assert_true(cluster_read_only(cluster, 2, true) && cluster_follow(cluster, 2, 0));
    wait_for_usual();
}

static void test_wishes(void **state)
{
    (void)state;
    assert_true(monitor_set_wish("db2", WISH_DRAIN));
    wait_ms(1, ROLE_REPLICA, STATE_DRAINING, "");
    assert_true(monitor_set_wish("db2", WISH_MAINTENANCE));
    wait_ms(1, ROLE_REPLICA, STATE_MAINTENANCE, "");
    assert_true(monitor_set_wish("db2", WISH_ONLINE));
    wait_ms(1, ROLE_REPLICA, STATE_ONLINE, "");
    assert_false(monitor_set_wish("nobody", WISH_DRAIN));
    assert_true(monitor_set_weight("db2", 4));
    wait_ms(1, ROLE_REPLICA, STATE_ONLINE, "");
}

/* ---- accounts ---- */

struct wanted_account {
    const char *user;
    bool there, locked;
    uint64_t not_serial;
};

static bool account_is(void *arg)
{
    const struct wanted_account *wanted = arg;
    struct accounts *accounts = accounts_current();
    const struct account *row = NULL;
    bool found = accounts_find(accounts, wanted->user, "127.0.0.1", true, &row) == ACCOUNT_OK;
    enum account_plugin usual = cluster->options.flavour == CLUSTER_MYSQL ? PLUGIN_CACHING_SHA2
                                                                          : PLUGIN_NATIVE;
    bool so = found == wanted->there &&
              (!found || (row->locked == wanted->locked && row->has_password && row->plugin == usual &&
                          row->serial != wanted->not_serial));
    accounts_unref(accounts);
    return so;
}

static uint64_t serial_of(const char *user)
{
    struct accounts *accounts = accounts_current();
    const struct account *row = NULL;
    assert_int_equal(accounts_find(accounts, user, "127.0.0.1", true, &row), ACCOUNT_OK);
    uint64_t serial = row->serial;
    accounts_unref(accounts);
    return serial;
}

static void wait_for_account(struct wanted_account wanted)
{
    int64_t began = monotonic_us();
    assert_true(wait_for(account_is, &wanted, SOON_MS));
    assert_in_range((monotonic_us() - began) / 1000, 0, 1500);
}

static void test_accounts(void **state)
{
    (void)state;
    assert_true(wait_for(account_is, &(struct wanted_account){.user = "app", .there = true}, SOON_MS));
    wait_for_account((struct wanted_account){.user = "newcomer", .there = false});
    run(0, "CREATE USER newcomer@'%' IDENTIFIED BY 'one'");
    wait_for_account((struct wanted_account){.user = "newcomer", .there = true});
    uint64_t app = serial_of("app"), serial = serial_of("newcomer");
    run(0, "ALTER USER newcomer@'%' IDENTIFIED BY 'two'");
    wait_for_account((struct wanted_account){.user = "newcomer", .there = true, .not_serial = serial});
    run(0, "ALTER USER newcomer@'%' ACCOUNT LOCK");
    wait_for_account((struct wanted_account){.user = "newcomer", .there = true, .locked = true});
    run(0, "DROP USER newcomer@'%'");
    wait_for_account((struct wanted_account){.user = "newcomer", .there = false});
    assert_int_equal(serial_of("app"), app);
}

/* ---- starting, stopping, reloading ---- */

static void test_stop_with_a_hung_server(void **state)
{
    (void)state;
    assert_true(cluster_freeze(cluster, 1));
    wait_ms(1, ROLE_REPLICA, STATE_DOWN, "no answer");
    int64_t began = monotonic_us();
    monitor_stop();
    int64_t took = (monotonic_us() - began) / 1000;
    assert_true(cluster_thaw(cluster, 1));
    assert_in_range(took, 0, 1300);
    assert_true(monitor_start(&config));
    wait_for_usual();
}

static void test_reload(void **state)
{
    (void)state;
    struct config_server fewer[2] = {servers[2], servers[0]};
    struct config next = config_with(cluster_monitor.password);
    next.servers = fewer;
    next.servers_count = 2;
    assert_true(monitor_set_wish("db3", WISH_DRAIN));
    wait_ms(2, ROLE_REPLICA, STATE_DRAINING, "");
    assert_true(monitor_reload(&next));
    wait_for_primary(1);
    wait_ms(0, ROLE_REPLICA, STATE_DRAINING, "drained"); /* it went along with the server's name */
    assert_true(monitor_reload(&config));
    assert_true(monitor_set_wish("db3", WISH_ONLINE));
    wait_for_usual();
    monitor_stop(); /* the last threads that hold `next` */
    struct topology *topology = topology_current();
    assert_ptr_equal(topology->config, &config);
    topology_unref(topology);
    assert_int_equal(next.refs, 1);
    assert_true(monitor_start(&config));
}

static bool is_offered(void *arg)
{
    (void)arg;
    struct event last[8];
    size_t count = events_copy(last, 8);
    for (size_t i = 0; i < count; i++)
        if (strcmp(last[i].kind, "offer") == 0 && strcmp(last[i].server, "db1") == 0)
            return true;
    return false;
}

static void test_an_unknown_replica_is_offered(void **state)
{
    (void)state;
    struct config fewer = config_with(cluster_monitor.password);
    fewer.servers_count = 2;
    assert_false(is_offered(NULL));
    monitor_stop();
    assert_true(monitor_start(&fewer));
    assert_true(wait_for(is_offered, NULL, SOON_MS));
    monitor_stop();
    assert_true(monitor_start(&config));
    wait_for_primary(0);
    assert_int_equal(fewer.refs, 1);
}

static void test_wrong_password(void **state)
{
    (void)state;
    struct config wrong = config_with("wrong");
    assert_true(monitor_reload(&wrong));
    wait_ms(1, ROLE_REPLICA, STATE_LAGGING, "does not let the monitor in: Access denied");
    wait_for_primary(0); /* it answers */
    assert_true(monitor_reload(&config));
    wait_for_usual();
    monitor_stop();
    assert_int_equal(wrong.refs, 1);
    assert_true(monitor_start(&config));
}

static void test_events(void **state)
{
    (void)state;
    static struct event events[EVENTS_KEPT];
    size_t count = events_copy(events, EVENTS_KEPT);
    bool down = false;
    for (size_t i = 0; i < count; i++)
        down |= strcmp(events[i].kind, "server") == 0 && strcmp(events[i].server, "db3") == 0 &&
                strcmp(events[i].step, "down") == 0 && events[i].duration_ms >= 0;
    assert_true(down);
}

#define each(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(test_what_a_look_sees),
        each(test_a_stopped_sql_thread),
        each(test_lag_by_position),
        each(test_a_stopped_io_thread),
        each(test_a_killed_replica),
        each(test_a_frozen_replica),
        each(test_a_killed_primary),
        each(test_two_writable),
        each(test_wishes),
        each(test_accounts),
        each(test_stop_with_a_hung_server),
        each(test_reload),
        each(test_an_unknown_replica_is_offered),
        each(test_wrong_password),
        cmocka_unit_test(test_events),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
