/*
 * test_faults.c - replicas that die, stop, restart, break and come back, while 64 clients read.
 *
 *   readers ──> proxy ──> db1  the primary
 *                    ├──> db2  by a link that can be cut in two ways
 *                    └──> db3
 *
 * Every reader gets its answers all the same. How long the longest took is looked at; with POINTSMAN_STRICT=1
 * it is held to what a machine of one's own must reach. POINTSMAN_ROUNDS=n is how many rounds there are.
 */
#include "faults.h"

#include "../cluster/link.h"

enum { ROUNDS = 2, DEATH_MS = 100, STOP_MS = 1500, DETECTION_MS = 2500 };

static struct link *cable;

static struct pointsman *start_proxy(void)
{
    int real = set->server[1].port;
    set->server[1].port = link_port(cable);
    struct pointsman *started = pointsman_start(set, &quick);
    set->server[1].port = real;
    return started;
}

static int start_all(void **state)
{
    (void)state;
    if (make_set() && (cable = link_start(set->server[1].port)) && (proxy = start_proxy()))
        return 0;
    cluster_stop(set);
    return -1;
}

static int stop_cable_and_all(void **state)
{
    int status = stop_all(state);
    link_stop(cable);
    return status;
}

static void a_killed_replica_costs_no_error(void **state)
{
    (void)state;
    start_readers();
    await_answers(1, 100);
    assert_true(cluster_kill(set, 1));
    each_is_answered();
    await_answers(2, 1000);
    assert_true(cluster_launch(set, 1));
    await_answers(1, 100);
    stop_readers(PROMPT_MS);
    all_serve();
}

static void a_frozen_replica_costs_no_error(void **state)
{
    (void)state;
    start_readers();
    await_answers(2, 100);
    assert_true(cluster_freeze(set, 2));
    each_is_answered();
    await_answers(1, 1000);
    assert_true(cluster_thaw(set, 2));
    await_answers(2, 100);
    stop_readers(DETECTION_MS);
    all_serve();
}

/* "kill" or "stop", then everything is well again; the longest answer meanwhile. */
static int longest_ms_of(bool kill, int replica)
{
    readers_look(readers);
    assert_true(kill ? cluster_kill(set, replica) : cluster_freeze(set, replica));
    each_is_answered();
    struct readers_outcome outcome = readers_look(readers);
    fail_after(outcome, PATIENCE_MS);
    assert_true(kill ? cluster_launch(set, replica) : cluster_thaw(set, replica));
    await_answers(replica, 100);
    return (int)(outcome.longest_us / 1000);
}

static void replicas_die_and_stop_in_rounds(void **state)
{
    (void)state;
    const char *wanted = getenv("POINTSMAN_ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS, slow = 0;
    bool strict = getenv("POINTSMAN_STRICT");
    start_readers();
    await_answers(1, 100);
    await_answers(2, 100);
    for (int round = 1; round <= rounds; round++) {
        int replica = 1 + round % 2, death = longest_ms_of(true, replica),
            stop = longest_ms_of(false, 3 - replica);
        print_message("round %d: the longest answer took %d ms when db%d was killed, %d ms when db%d was "
                      "stopped\n",
                      round, death, replica + 1, stop, 3 - replica + 1);
        slow += death > (strict ? DEATH_MS : PROMPT_MS) || stop > (strict ? STOP_MS : DETECTION_MS);
    }
    assert_int_equal(slow, 0);
    stop_readers(PATIENCE_MS);
    all_serve();
}

static void a_replica_that_restarts_costs_no_error(void **state)
{
    (void)state;
    start_readers();
    await_answers(1, 100);
    assert_true(cluster_shut_down(set, 1));
    assert_true(cluster_launch(set, 1));
    await_answers(1, 100);
    stop_readers(PROMPT_MS);
    all_serve();
}

static void broken_replication_costs_no_error(void **state)
{
    (void)state;
    start_readers();
    assert_true(cluster_replication(set, 1, CLUSTER_SQL_THREAD, false));
    await_answers(2, 1000);
    assert_true(cluster_replication(set, 1, CLUSTER_SQL_THREAD, true));
    await_answers(1, 100);
    stop_readers(PROMPT_MS);
}

/* What a row that is there already does to a replica: its SQL thread stops with an error, and it falls
 * behind.
 */
static void conflicting_rows_cost_no_error(void **state)
{
    (void)state;
    start_readers();
    await_answers(1, 100);
    assert_true(cluster_read_only(set, 1, false)); /* MySQL's keeps root from writing, too */
    assert_int_equal(cluster_sql(set, 1, "SET sql_log_bin = 0; INSERT INTO shop.item VALUES (500, 'errant')"),
                     0);
    assert_true(cluster_read_only(set, 1, true));
    assert_int_equal(cluster_sql(set, 0, "INSERT INTO shop.item VALUES (500, 'right')"), 0);
    await_answers(2, 2000);
    MYSQL *client = app();
    for (int i = 0; i < 50; i++) /* the one that stopped is not asked for it, once that is known */
        assert_true(sql_number(client, "SELECT COUNT(*) FROM item WHERE id = 7") == 1);
    mysql_close(client);
    assert_true(cluster_read_only(set, 1, false));
    assert_int_equal(
        cluster_sql(set, 1, "DELETE FROM shop.item WHERE id = 500; SET sql_log_bin = 1; START REPLICA"), 0);
    assert_true(cluster_read_only(set, 1, true));
    assert_int_equal(cluster_sql(set, 0, "DELETE FROM shop.item WHERE id = 500"), 0);
    await_answers(1, 100);
    stop_readers(PROMPT_MS);
    all_serve();
}

static void a_replica_without_room_costs_no_error(void **state)
{
    MYSQL *hogs[12];
    (void)state;
    assert_int_equal(cluster_sql(set, 1, "SET GLOBAL max_connections = 10"), 0);
    for (int i = 0; i < 12; i++)
        hogs[i] = cluster_connect(set, 1, &cluster_app, "shop");
    start_readers();
    each_is_answered();
    await_answers(-1, 2000);
    stop_readers(PROMPT_MS);
    for (int i = 0; i < 12; i++)
        if (hogs[i])
            mysql_close(hogs[i]);
    assert_int_equal(cluster_sql(set, 1, "SET GLOBAL max_connections = 400"), 0);
    all_serve();
}

static void half_closed_connections_cost_no_error(void **state)
{
    (void)state;
    start_readers();
    for (int i = 0; i < 10; i++) {
        await_answers(1, 50);
        link_set(cable, LINK_HALF_CLOSED);
        each_is_answered();
        link_set(cable, LINK_WHOLE);
    }
    stop_readers(PROMPT_MS);
    all_serve();
}

static void a_cable_that_is_cut_costs_no_error(void **state)
{
    (void)state;
    start_readers();
    await_answers(1, 100);
    link_set(cable, LINK_SILENT);
    each_is_answered();
    await_answers(2, 1000);
    link_set(cable, LINK_WHOLE);
    await_answers(1, 100);
    stop_readers(DETECTION_MS);
    all_serve();
}

static void without_replicas_the_primary_serves(void **state)
{
    (void)state;
    start_readers();
    await_answers(1, 50);
    assert_true(cluster_kill(set, 1) && cluster_kill(set, 2));
    await_answers(0, 2000);
    assert_true(cluster_launch(set, 1) && cluster_launch(set, 2));
    await_answers(1, 100);
    await_answers(2, 100);
    stop_readers(1500);
    all_serve();
}

static void a_replica_gone_from_the_start(void **state)
{
    (void)state;
    assert_true(cluster_kill(set, 2));
    assert_int_equal(pointsman_stop(proxy), 0);
    proxy = start_proxy();
    assert_non_null(proxy);
    start_readers();
    await_answers(1, 1000);
    assert_true(cluster_launch(set, 2));
    await_answers(2, 100);
    stop_readers(PROMPT_MS);
    all_serve();
}

/* The server dies when a part of the answer has reached the client: an error in its place, and the session
 * goes on. */
static void a_result_that_stops_in_the_middle_is_an_error(void **state)
{
    (void)state;
    MYSQL *client = app();
    int replica;
    assert_int_equal(sql_run(client, "SET @still_here = 7"), 0);
    assert_int_equal(mysql_query(client, "SELECT @@server_id, REPEAT('x', 1000) FROM"
                                         " seq_1_to_100 a, seq_1_to_100 b, seq_1_to_100 c"),
                     0);
    MYSQL_RES *result = mysql_use_result(client);
    MYSQL_ROW row = mysql_fetch_row(result);
    assert_non_null(row);
    replica = atoi(row[0]) - 1;
    assert_in_range(replica, 1, 2);
    assert_true(cluster_kill(set, replica));
    while ((row = mysql_fetch_row(result)))
        ;
    assert_int_equal(mysql_errno(client), 1053);
    mysql_free_result(result);
    assert_int_equal(sql_number(client, "SELECT @still_here"), 7);
    mysql_close(client);
    assert_true(cluster_launch(set, replica));
    all_serve();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_killed_replica_costs_no_error, end_readers),
        cmocka_unit_test_teardown(a_frozen_replica_costs_no_error, end_readers),
        cmocka_unit_test_teardown(replicas_die_and_stop_in_rounds, end_readers),
        cmocka_unit_test_teardown(a_replica_that_restarts_costs_no_error, end_readers),
        cmocka_unit_test_teardown(broken_replication_costs_no_error, end_readers),
        cmocka_unit_test_teardown(conflicting_rows_cost_no_error, end_readers),
        cmocka_unit_test_teardown(a_replica_without_room_costs_no_error, end_readers),
        cmocka_unit_test_teardown(half_closed_connections_cost_no_error, end_readers),
        cmocka_unit_test_teardown(a_cable_that_is_cut_costs_no_error, end_readers),
        cmocka_unit_test_teardown(without_replicas_the_primary_serves, end_readers),
        cmocka_unit_test_teardown(a_replica_gone_from_the_start, end_readers),
        cmocka_unit_test_teardown(a_result_that_stops_in_the_middle_is_an_error, end_readers),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_cable_and_all);
}
