/*
 * test_faults.c - servers that die, stop, restart and come back, while 64 clients read.
 *
 *   readers: 64 threads, each asks which server answers, again and again
 *   fault ──> every reader gets its answers all the same; what the longest wait was is looked at
 *
 * Each test leaves the set whole: three servers, replicating, all used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 15000, SERVERS = 3, READERS = 64, QUEUE_MS = 1500 };

static struct cluster *set;
static struct pointsman *proxy;

static const struct pointsman_options quick = {.pointsman = "workers = 2\n",
                                               .more = "[pool]\nqueue_timeout = 1500ms\n"
                                                       "[failover]\nmode = off\n"};

static int start_all(void **state)
{
    const struct cluster_options options = {.servers = SERVERS, .no_general_log = true};
    (void)state;
    set = cluster_start(&options);
    if (set &&
        cluster_sql(set, 0,
                    "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40));"
                    "INSERT INTO shop.item SELECT seq, CONCAT('item ', seq) FROM shop.seq_1_to_100") == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (proxy = pointsman_start(set, &quick)))
        return 0;
    cluster_stop(set);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(proxy);
    cluster_stop(set);
    return status;
}

static MYSQL *app(void)
{
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    if (!client)
        fail_msg("no login");
    return client;
}

/* --- readers --- */

struct reader {
    pthread_t thread;
    MYSQL *client;
    int errors;
    int64_t longest_us;
    char why[200];
};
static struct reader readers[READERS];
static atomic_bool stop_reading;
static atomic_int answers[SERVERS + 1]; /* by server id; [0]: none of them */

static void *keep_reading(void *arg)
{
    struct reader *reader = arg;
    while (!atomic_load(&stop_reading)) {
        int64_t began = monotonic_us();
        long long id = sql_number(reader->client, "SELECT @@server_id, name FROM item WHERE id = 7");
        int64_t took = monotonic_us() - began;
        reader->longest_us = took > reader->longest_us ? took : reader->longest_us;
        if (id < 1 || id > SERVERS) {
            reader->errors++;
            snprintf(reader->why, sizeof reader->why, "%u %s", mysql_errno(reader->client),
                     mysql_error(reader->client));
            id = 0;
        }
        atomic_fetch_add(&answers[id], 1);
    }
    return NULL;
}

static void start_readers(void)
{
    atomic_store(&stop_reading, false);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.client = app()};
        pthread_create(&readers[i].thread, NULL, keep_reading, &readers[i]);
    }
}

/* No reader may have had an error; the longest wait of all is at most this. */
static void stop_readers(int longest_ms)
{
    int errors = 0;
    int64_t longest_us = 0;
    const char *why = "";
    atomic_store(&stop_reading, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        mysql_close(readers[i].client);
        errors += readers[i].errors;
        why = readers[i].errors ? readers[i].why : why;
        longest_us = readers[i].longest_us > longest_us ? readers[i].longest_us : longest_us;
    }
    if (errors)
        fail_msg("%d errors, such as %s", errors, why);
    if (longest_us > longest_ms * INT64_C(1000))
        fail_msg("the longest wait was %lld ms", (long long)longest_us / 1000);
}

struct progress {
    int from[SERVERS + 1];
    int server; /* 0: any */
    int answers;
};

static bool progressed(void *arg)
{
    const struct progress *progress = arg;
    int sum = 0;
    for (int i = 1; i <= SERVERS; i++)
        if (progress->server == 0 || progress->server == i)
            sum += atomic_load(&answers[i]) - progress->from[i];
    return sum >= progress->answers;
}

/* Waits for so many more answers from a server (0: from whichever). */
static void await_answers(int server, int count)
{
    struct progress progress = {.server = server, .answers = count};
    for (int i = 0; i <= SERVERS; i++)
        progress.from[i] = atomic_load(&answers[i]);
    if (!wait_for(progressed, &progress, PATIENCE_MS))
        fail_msg("server %d doesn't answer: %d %d %d, %d errors", server, answers[1], answers[2], answers[3],
                 answers[0]);
}

/* Both replicas serve a session of its own. */
static void all_serve(void)
{
    start_readers();
    await_answers(2, 50);
    await_answers(3, 50);
    stop_readers(PATIENCE_MS);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
}

/* --- replicas --- */

static void a_killed_replica_costs_no_error(void **state)
{
    (void)state;
    start_readers();
    await_answers(2, 100);
    assert_true(cluster_kill(set, 1));
    await_answers(0, 3000);
    stop_readers(1000);
    start_readers();
    assert_true(cluster_launch(set, 1));
    await_answers(2, 100);
    stop_readers(1000);
    all_serve();
}

static void a_frozen_replica_costs_no_error(void **state)
{
    (void)state;
    start_readers();
    await_answers(3, 100);
    assert_true(cluster_freeze(set, 2));
    await_answers(2, 10000);
    assert_true(cluster_thaw(set, 2));
    await_answers(3, 100);
    stop_readers(2500);
    all_serve();
}

static void a_replica_that_restarts_costs_no_error(void **state)
{
    (void)state;
    start_readers();
    await_answers(2, 100);
    assert_true(cluster_shut_down(set, 1));
    assert_true(cluster_launch(set, 1));
    await_answers(2, 100);
    stop_readers(1000);
    all_serve();
}

static void broken_replication_costs_no_error(void **state)
{
    (void)state;
    start_readers();
    assert_true(cluster_replication(set, 1, CLUSTER_SQL_THREAD, false));
    await_answers(3, 1000);
    assert_true(cluster_replication(set, 1, CLUSTER_SQL_THREAD, true));
    await_answers(2, 100);
    stop_readers(1000);
}

static void a_replica_without_room_costs_no_error(void **state)
{
    MYSQL *hogs[12];
    (void)state;
    assert_int_equal(cluster_sql(set, 1, "SET GLOBAL max_connections = 10"), 0);
    for (int i = 0; i < 12; i++)
        hogs[i] = cluster_connect(set, 1, &cluster_app, "shop");
    start_readers();
    await_answers(0, 2000);
    stop_readers(1000);
    for (int i = 0; i < 12; i++)
        if (hogs[i])
            mysql_close(hogs[i]);
    assert_int_equal(cluster_sql(set, 1, "SET GLOBAL max_connections = 400"), 0);
    all_serve();
}

static void without_replicas_the_primary_serves(void **state)
{
    (void)state;
    start_readers();
    await_answers(2, 50);
    assert_true(cluster_kill(set, 1) && cluster_kill(set, 2));
    await_answers(1, 2000);
    assert_true(cluster_launch(set, 1) && cluster_launch(set, 2));
    await_answers(2, 100);
    await_answers(3, 100);
    stop_readers(1500);
    all_serve();
}

static void a_replica_gone_from_the_start(void **state)
{
    (void)state;
    assert_true(cluster_kill(set, 2));
    assert_int_equal(pointsman_stop(proxy), 0);
    proxy = pointsman_start(set, &quick);
    assert_non_null(proxy);
    start_readers();
    await_answers(2, 1000);
    assert_true(cluster_launch(set, 2));
    await_answers(3, 100);
    stop_readers(1000);
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
    assert_int_equal(mysql_query(client, "SELECT @@server_id, REPEAT('x', 1000) FROM seq_1_to_1000000"), 0);
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

/* --- the primary --- */

static bool primary_is_gone(void *arg)
{
    (void)arg;
    return http_get(proxy->http_port, "/readyz", NULL) != 200;
}

static bool primary_is_back(void *arg)
{
    return !primary_is_gone(arg);
}

static bool replicas_receive(void *arg)
{
    (void)arg;
    for (int i = 1; i < SERVERS; i++) {
        char *value = sql_column(set->server[i].root, "SHOW SLAVE STATUS", "Slave_IO_Running");
        bool yes = value && strcmp(value, "Yes") == 0;
        free(value);
        if (!yes)
            return false;
    }
    return true;
}

static void bring_primary_back(void)
{
    assert_true(cluster_launch(set, 0));
    assert_true(wait_for(primary_is_back, NULL, PATIENCE_MS));
    assert_true(wait_for(replicas_receive, NULL, PATIENCE_MS));
}

static void *run_statement(void *arg)
{
    MYSQL *client = ((void **)arg)[0];
    const char *text = ((void **)arg)[1];
    return (void *)(intptr_t)sql_run(client, "%s", text);
}

static bool runs_at_the_primary(void *arg)
{
    return sql_number(
               set->server[0].root,
               "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app' AND info = '%s'",
               (const char *)arg) > 0;
}

/* Runs text, kills the primary meanwhile, and returns the error. */
static unsigned killed_while_running(MYSQL *client, const char *text)
{
    pthread_t thread;
    void *error, *arguments[] = {client, (void *)(uintptr_t)text};
    pthread_create(&thread, NULL, run_statement, arguments);
    assert_true(wait_for(runs_at_the_primary, (void *)(uintptr_t)text, PATIENCE_MS));
    assert_true(cluster_kill(set, 0));
    pthread_join(thread, &error);
    return (unsigned)(uintptr_t)error;
}

static void a_write_in_flight_has_an_unknown_outcome(void **state)
{
    (void)state;
    MYSQL *writer = app(), *other = app();
    assert_int_equal(sql_run(other, "BEGIN"), 0);
    assert_int_equal(sql_run(other, "UPDATE item SET name = 'lost' WHERE id = 8"), 0);
    assert_int_equal(killed_while_running(writer, "UPDATE item SET name = SLEEP(20) WHERE id = 9"), 1053);
    if (strncmp(mysql_error(writer), "outcome unknown:", 16) != 0)
        fail_msg("%s", mysql_error(writer));
    assert_string_equal(mysql_sqlstate(writer), "08S01");
    assert_int_equal(sql_number(writer, "SELECT COUNT(*) FROM item"), 100); /* it lives on */
    assert_int_equal(sql_run(other, "UPDATE item SET name = 'lost' WHERE id = 10"), 1213);
    assert_string_equal(mysql_sqlstate(other), "40001");
    assert_int_equal(sql_number(other, "SELECT COUNT(*) FROM item"), 100);
    bring_primary_back();
    assert_int_equal(sql_run(writer, "UPDATE item SET name = 'new' WHERE id = 9"), 0);
    assert_int_equal(
        sql_number(other, "SELECT /* pointsman: primary */ name = 'item 8' FROM item WHERE id = 8"), 1);
    mysql_close(writer);
    mysql_close(other);
}

static void a_statement_in_a_transaction_is_rolled_back(void **state)
{
    (void)state;
    MYSQL *writer = app();
    assert_int_equal(sql_run(writer, "BEGIN"), 0);
    assert_int_equal(sql_run(writer, "UPDATE item SET name = 'lost' WHERE id = 8"), 0);
    assert_int_equal(killed_while_running(writer, "UPDATE item SET name = SLEEP(20) WHERE id = 9"), 1213);
    assert_int_equal(sql_number(writer, "SELECT COUNT(*) FROM item"), 100);
    bring_primary_back();
    assert_int_equal(sql_run(writer, "UPDATE item SET name = 'new' WHERE id = 9"), 0);
    mysql_close(writer);
}

static void without_a_primary_reads_go_on_and_writes_wait(void **state)
{
    (void)state;
    MYSQL *writer = app();
    start_readers();
    assert_true(cluster_kill(set, 0));
    assert_true(wait_for(primary_is_gone, NULL, PATIENCE_MS));
    int64_t began = monotonic_us();
    assert_int_equal(sql_run(writer, "UPDATE item SET name = 'x' WHERE id = 11"), 1290);
    assert_in_range(monotonic_us() - began, QUEUE_MS * 900, QUEUE_MS * 1600);
    if (!strstr(mysql_error(writer), "queue_timeout"))
        fail_msg("%s", mysql_error(writer));
    assert_int_equal(sql_number(writer, "SELECT COUNT(*) FROM item"), 100);
    /* One that waits when the primary comes back is run. */
    pthread_t thread;
    void *error, *arguments[] = {writer, (void *)(uintptr_t) "UPDATE item SET name = 'y' WHERE id = 11"};
    assert_true(cluster_launch(set, 0));
    pthread_create(&thread, NULL, run_statement, arguments);
    pthread_join(thread, &error);
    assert_int_equal((intptr_t)error, 0);
    assert_true(wait_for(replicas_receive, NULL, PATIENCE_MS));
    await_answers(0, 500);
    stop_readers(1000);
    mysql_close(writer);
    all_serve();
}

static void a_frozen_primary_stops_no_read(void **state)
{
    (void)state;
    MYSQL *writer = app();
    assert_int_equal(sql_run(writer, "UPDATE item SET name = 'x' WHERE id = 12"), 0);
    start_readers();
    assert_true(cluster_freeze(set, 0));
    assert_true(wait_for(primary_is_gone, NULL, PATIENCE_MS));
    assert_int_equal(sql_run(writer, "UPDATE item SET name = 'y' WHERE id = 12"), 1290);
    assert_true(cluster_thaw(set, 0));
    assert_true(wait_for(primary_is_back, NULL, PATIENCE_MS));
    assert_int_equal(sql_run(writer, "UPDATE item SET name = 'z' WHERE id = 12"), 0);
    await_answers(0, 500);
    stop_readers(1000);
    mysql_close(writer);
    all_serve();
}

/* Nothing hangs for ever, not even a statement at a server that neither answers nor dies. */
static void a_write_at_a_frozen_primary_ends(void **state)
{
    pthread_t thread;
    void *error;
    (void)state;
    MYSQL *writer = app();
    void *arguments[] = {writer, (void *)(uintptr_t) "UPDATE item SET name = SLEEP(1) WHERE id = 13"};
    pthread_create(&thread, NULL, run_statement, arguments);
    assert_true(wait_for(runs_at_the_primary, arguments[1], PATIENCE_MS));
    assert_true(cluster_freeze(set, 0));
    int64_t began = monotonic_us();
    pthread_join(thread, &error);
    assert_true(cluster_thaw(set, 0));
    assert_int_equal((intptr_t)error, 1053);
    if (monotonic_us() - began > 10000000)
        fail_msg("after %lld ms", (long long)(monotonic_us() - began) / 1000);
    assert_true(wait_for(primary_is_back, NULL, PATIENCE_MS));
    assert_int_equal(sql_run(writer, "UPDATE item SET name = 'z' WHERE id = 13"), 0);
    mysql_close(writer);
    all_serve();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_replica_costs_no_error),
        cmocka_unit_test(a_frozen_replica_costs_no_error),
        cmocka_unit_test(a_replica_that_restarts_costs_no_error),
        cmocka_unit_test(broken_replication_costs_no_error),
        cmocka_unit_test(a_replica_without_room_costs_no_error),
        cmocka_unit_test(without_replicas_the_primary_serves),
        cmocka_unit_test(a_replica_gone_from_the_start),
        cmocka_unit_test(a_result_that_stops_in_the_middle_is_an_error),
        cmocka_unit_test(a_write_in_flight_has_an_unknown_outcome),
        cmocka_unit_test(a_statement_in_a_transaction_is_rolled_back),
        cmocka_unit_test(without_a_primary_reads_go_on_and_writes_wait),
        cmocka_unit_test(a_frozen_primary_stops_no_read),
        cmocka_unit_test(a_write_at_a_frozen_primary_ends),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
