/*
 * test_faults_primary.c - a primary that dies or stops, while 64 clients read and somebody writes.
 *
 * Reads go on; writes wait for queue_timeout; what was sent and not answered has an unknown outcome; nothing
 * hangs for ever. Nobody is promoted here: the primary comes back.
 */
#include "faults.h"

#include <pthread.h>

static int start_all(void **state)
{
    (void)state;
    if (make_set() && (proxy = pointsman_start(set, &quick)))
        return 0;
    cluster_stop(set);
    return -1;
}

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
        char *value = sql_column(set->server[i].root, set->dialect->status, set->dialect->io_running);
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
    await_answers(-1, 500);
    stop_readers(PROMPT_MS);
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
    await_answers(-1, 500);
    stop_readers(PROMPT_MS);
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
        cmocka_unit_test_teardown(a_write_in_flight_has_an_unknown_outcome, end_readers),
        cmocka_unit_test_teardown(a_statement_in_a_transaction_is_rolled_back, end_readers),
        cmocka_unit_test_teardown(without_a_primary_reads_go_on_and_writes_wait, end_readers),
        cmocka_unit_test_teardown(a_frozen_primary_stops_no_read, end_readers),
        cmocka_unit_test_teardown(a_write_at_a_frozen_primary_ends, end_readers),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
