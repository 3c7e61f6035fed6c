/*
 * test_share.c - quick reads of many sessions on few connections, back to back: each gets its own answer,
 *                whatever happens to those beside it.
 *
 *   readers: 32 threads, each asks for its own row, again and again, and looks at all of the answer
 *   beside them: errors and warnings, KILL, clients that vanish, one that is slow, other states, a dead
 * server
 *
 * With two connections a server, they share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PATIENCE_MS = 15000, READERS = 32, INTERRUPTED = 1317, OUT_OF_RANGE = 1690 };

static struct cluster *set;
static struct pointsman *proxy;
static MYSQL *console;

static int start_all(void **state)
{
    static const char objects[] =
        "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40));"
        "CREATE TABLE stock.item LIKE shop.item;"
        "INSERT INTO shop.item SELECT seq, CONCAT('shop ', seq) FROM shop.seq_1_to_100;"
        "INSERT INTO stock.item SELECT seq, CONCAT('stock ', seq) FROM shop.seq_1_to_100";
    const struct cluster_options options = {.servers = 3, .no_general_log = true};
    const struct pointsman_options narrow = {.pointsman = "workers = 1\n",
                                             .more = "[pool]\nmax_per_server = 2\n[failover]\nmode = off\n"};
    const struct cluster_account anybody = {"whoever", "whatever"};
    (void)state;
    set = cluster_start(&options);
    if (set && cluster_numbers(set, "shop", 1, 100) && cluster_sql(set, 0, "%s", objects) == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (proxy = pointsman_start(set, &narrow)) &&
        (console = sql_connect(NULL, proxy->admin_port, &anybody, NULL, 0)))
        return 0;
    cluster_stop(set);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    mysql_close(console);
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

/* "shared" or "repeats". */
static long long figure(const char *name)
{
    char statement[80];
    snprintf(statement, sizeof statement, "SHOW STATUS LIKE '%s'", name);
    char *value = sql_column(console, statement, "value");
    long long number = value ? atoll(value) : -1;
    free(value);
    return number;
}

/* --- readers --- */

struct reader {
    pthread_t thread;
    MYSQL *client;
    int id;
    const char *schema; /* where it is; its row is "<schema> <id>" */
    int hours;          /* of its time zone */
    int reads, killed, wrong;
    int64_t longest_us;
    char why[300]; /* the first that was wrong */
};
static struct reader readers[READERS];
static const char *reading;   /* what they read, with an id */
static bool looks_for_others; /* they ask for warnings now and then */
static bool changes_state;
static atomic_bool stop_reading;
static atomic_int reads;

static void note_wrong(struct reader *reader, const char *what)
{
    if (!reader->wrong++)
        snprintf(reader->why, sizeof reader->why, "%d of %s, read %d: %s (%u %s)", reader->id, reader->schema,
                 reader->reads, what ? what : "NULL", mysql_errno(reader->client),
                 mysql_error(reader->client));
}

static void look_at(struct reader *reader, MYSQL_ROW row, unsigned columns)
{
    char name[40], hour[40];
    snprintf(name, sizeof name, "%s %d", reader->schema, reader->id);
    snprintf(hour, sizeof hour, "1970-01-01 %02d:00:00", reader->hours);
    if (atoi(row[0]) != reader->id)
        note_wrong(reader, row[0]);
    else if (!row[1] || strcmp(row[1], name) != 0)
        note_wrong(reader, row[1]);
    else if (changes_state && (columns < 3 || !row[2] || strcmp(row[2], hour) != 0))
        note_wrong(reader, row[2]);
}

static void read_once(struct reader *reader)
{
    char text[300];
    snprintf(text, sizeof text, reading, reader->id);
    int64_t began = monotonic_us();
    bool failed = mysql_query(reader->client, text) != 0;
    MYSQL_RES *result = failed ? NULL : mysql_store_result(reader->client);
    int64_t took = monotonic_us() - began;
    reader->longest_us = took > reader->longest_us ? took : reader->longest_us;
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    if (mysql_errno(reader->client) == INTERRUPTED)
        reader->killed++;
    else if (!row || mysql_num_rows(result) != 1)
        note_wrong(reader, "not one row");
    else
        look_at(reader, row, mysql_num_fields(result));
    if (!failed && mysql_warning_count(reader->client))
        note_wrong(reader, "warnings");
    mysql_free_result(result);
    reader->reads++;
    atomic_fetch_add(&reads, 1);
}

static void look_for_others(struct reader *reader)
{
    char *seen = sql_column(reader->client, "SHOW WARNINGS", "Message");
    if (seen)
        note_wrong(reader, seen);
    free(seen);
}

/* Its own state, and every fourth a new time zone now and then. */
static void change_state(struct reader *reader)
{
    if (reader->id % 4 == 1 && reader->reads == 0) {
        reader->schema = "stock";
        if (sql_run(reader->client, "USE stock"))
            note_wrong(reader, "USE");
    } else if (reader->id % 4 == 2 && reader->reads % 20 == 0) {
        reader->hours = (reader->hours + reader->id) % 13;
        if (sql_run(reader->client, "SET time_zone = '+%02d:00'", reader->hours))
            note_wrong(reader, "SET");
    }
}

static void *keep_reading(void *arg)
{
    struct reader *reader = arg;
    while (!atomic_load(&stop_reading)) {
        if (changes_state)
            change_state(reader);
        read_once(reader);
        if (looks_for_others && reader->reads % 50 == reader->id)
            look_for_others(reader);
    }
    return NULL;
}

static bool has_read(void *count)
{
    return atomic_load(&reads) >= *(int *)count;
}

/* Waits for so many more reads. */
static void await_reads(int more)
{
    int count = atomic_load(&reads) + more;
    if (!wait_for(has_read, &count, PATIENCE_MS))
        fail_msg("%d reads, not %d", atomic_load(&reads), count);
}

static void start_readers(const char *text)
{
    reading = text;
    atomic_store(&stop_reading, false);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.client = app(), .id = i + 1, .schema = "shop"};
        if (changes_state)
            sql_run(readers[i].client, "SET time_zone = '+00:00'");
    }
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i].thread, NULL, keep_reading, &readers[i]);
    await_reads(2000);
}

/* Nothing may have been wrong; but the first reader may have been killed so often. Returns the longest wait,
 * in us. */
static int64_t stop_readers(int kills)
{
    int wrong = 0;
    int64_t longest_us = 0;
    atomic_store(&stop_reading, true);
    for (int i = 0; i < READERS; i++) {
        struct reader *reader = &readers[i];
        pthread_join(reader->thread, NULL);
        if (reader->killed > (i == 0 ? kills : 0))
            note_wrong(reader, "killed");
        if (reader->wrong)
            fprintf(stderr, "%d wrong, first %s\n", reader->wrong, reader->why);
        mysql_close(reader->client);
        wrong += reader->wrong;
        longest_us = reader->longest_us > longest_us ? reader->longest_us : longest_us;
    }
    looks_for_others = changes_state = false;
    assert_int_equal(wrong, 0);
    return longest_us;
}

/* --- the tests --- */

static void each_gets_its_own_answers(void **state)
{
    (void)state;
    long long before = figure("shared");
    start_readers("SELECT id, name FROM item WHERE id = %d");
    await_reads(10000);
    stop_readers(0);
    assert_true(figure("shared") - before > 1000);
}

static void each_gets_answers_of_its_own_state(void **state)
{
    (void)state;
    long long before = figure("shared");
    changes_state = true;
    start_readers("SELECT id, name, FROM_UNIXTIME(0) FROM item WHERE id = %d");
    await_reads(5000);
    stop_readers(0);
    assert_true(figure("shared") > before);
}

/* The same as what others read, but for the literals: so it shares, and leaves a warning or an error that
 * tells whose it is. */
static void leave_something(MYSQL *client, int turn)
{
    char mark[40];
    if (turn % 2) {
        snprintf(mark, sizeof mark, "'odd %d'", turn);
        assert_int_equal(
            sql_run(client, "SELECT id, name, CAST(%s AS SIGNED), 5 + 1 FROM item WHERE id = 70", mark), 0);
        assert_int_equal(mysql_warning_count(client), 1);
    } else {
        snprintf(mark, sizeof mark, "9223372036854775807 + %d", turn + 1);
        assert_int_equal(
            sql_run(client, "SELECT id, name, CAST('5' AS SIGNED), %s FROM item WHERE id = 70", mark),
            OUT_OF_RANGE);
    }
    char *seen = sql_column(client, "SHOW WARNINGS", "Message");
    if (!seen || !strstr(seen, mark))
        fail_msg("SHOW WARNINGS says %s, not of %s (%u %s)", seen ? seen : "nothing", mark,
                 mysql_errno(client), mysql_error(client));
    free(seen);
    assert_int_equal(sql_run(client, "SELECT 1"), 0); /* lets the connection go: there are few */
}

static void warnings_and_errors_are_ones_own(void **state)
{
    enum { REPEATS = 10, TURNS_MAX = 200, PLAIN_AGAIN = 400 /* reads */ };
    (void)state;
    MYSQL *odd[] = {app(), app()};
    long long repeats = figure("repeats");
    looks_for_others = true;
    start_readers("SELECT id, name, CAST('5' AS SIGNED), 5 + 1 FROM item WHERE id = %d");
    int turn = 0;
    for (; turn < TURNS_MAX && figure("repeats") < repeats + REPEATS; turn++) {
        await_reads(PLAIN_AGAIN);
        leave_something(odd[turn / 2 % 2], turn);
    }
    stop_readers(0);
    if (turn == TURNS_MAX)
        fail_msg("%lld repeats only", figure("repeats") - repeats);
    for (int i = 0; i < 2; i++)
        mysql_close(odd[i]);
}

static void only_the_one_that_is_killed_is_killed(void **state)
{
    enum { KILLS = 300 };
    (void)state;
    MYSQL *killer = app();
    start_readers("SELECT id, name FROM item WHERE id = %d");
    unsigned long victim = mysql_thread_id(readers[0].client);
    for (int i = 0; i < KILLS; i++)
        assert_int_equal(sql_run(killer, "KILL QUERY %lu", victim), 0);
    await_reads(1000);
    stop_readers(KILLS);
    assert_true(readers[0].killed > 0);
    mysql_close(killer);
}

static void those_that_vanish_disturb_nobody(void **state)
{
    enum { GONE = 300 };
    static const char read[] = "SELECT id, name FROM item WHERE id = 90";
    static const struct linger reset = {1, 0}; /* it goes with a RST: nobody waits for the answer */
    (void)state;
    start_readers("SELECT id, name FROM item WHERE id = %d");
    for (int i = 0; i < GONE; i++) {
        MYSQL *client = app();
        for (int n = 0; n < i % 4; n++)
            assert_int_equal(sql_number(client, "%s", read), 90);
        assert_int_equal(mysql_send_query(client, read, sizeof read - 1), 0);
        if (i % 2)
            poll(&(struct pollfd){mysql_get_socket(client), POLLIN, 0}, 1, PATIENCE_MS);
        if (i % 3)
            setsockopt(mysql_get_socket(client), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        else
            shutdown(mysql_get_socket(client), SHUT_RDWR);
        mysql_close(client);
    }
    await_reads(1000);
    stop_readers(0);
}

/* SLEEP(0) is quick, and what takes long looks like it. */
static void a_slow_one_does_not_hold_up_others(void **state)
{
    enum { SLEEPS = 3, LONGEST_US = 1000000 };
    (void)state;
    MYSQL *sleeper = app();
    long long before = figure("shared");
    start_readers("SELECT id, name, SLEEP(0) FROM item WHERE id = %d");
    assert_true(figure("shared") > before);
    for (int i = 0; i < SLEEPS; i++) {
        assert_int_equal(sql_number(sleeper, "SELECT id, name, SLEEP(1.5) FROM item WHERE id = 80"), 80);
        await_reads(1000);
    }
    int64_t longest_us = stop_readers(0);
    if (longest_us > LONGEST_US)
        fail_msg("the longest wait was %lld ms", (long long)longest_us / 1000);
    mysql_close(sleeper);
}

static void a_killed_replica_costs_no_error(void **state)
{
    (void)state;
    for (int replica = 1; replica <= 2; replica++) {
        start_readers("SELECT id, name FROM item WHERE id = %d");
        assert_true(cluster_kill(set, replica));
        await_reads(3000);
        assert_true(cluster_launch(set, replica));
        await_reads(3000);
        stop_readers(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_its_own_answers),
        cmocka_unit_test(each_gets_answers_of_its_own_state),
        cmocka_unit_test(warnings_and_errors_are_ones_own),
        cmocka_unit_test(only_the_one_that_is_killed_is_killed),
        cmocka_unit_test(those_that_vanish_disturb_nobody),
        cmocka_unit_test(a_slow_one_does_not_hold_up_others),
        cmocka_unit_test(a_killed_replica_costs_no_error),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
