/*
 * test_pool.c - many sessions on few connections: each sees its own state and nobody else's.
 *
 *   wide     8 connections a server, two workers: sessions share, those that hold one don't stop the others
 *   narrow   one connection a server, one worker: whoever comes next gets the connection of who was before
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 10000, WIDE = 8 };

static struct cluster *set;
static struct pointsman *wide, *narrow;

static const char objects[] =
    "CREATE TABLE shop.item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40));"
    "CREATE TABLE shop.ticket (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40));"
    "INSERT INTO shop.item SELECT seq, CONCAT('item ', seq) FROM shop.seq_1_to_100;"
    "CREATE ROLE actor; GRANT SELECT ON mysql.db TO actor; GRANT actor TO app@'%'";

static int start_all(void **state)
{
    const struct cluster_options options = {.servers = 2, .no_general_log = true};
    const struct pointsman_options eight = {.pointsman = "workers = 2\n",
                                            .more = "[pool]\nmax_per_server = 8\n"};
    const struct pointsman_options one = {
        .pointsman = "workers = 1\n",
        .more = "[pool]\nmax_per_server = 1\nqueue_timeout = 500ms\nidle_timeout = 700ms\n"};
    (void)state;
    set = cluster_start(&options);
    if (set && cluster_numbers(set, "shop", 1, 100) && cluster_sql(set, 0, "%s", objects) == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (wide = pointsman_start(set, &eight)) &&
        (narrow = pointsman_start(set, &one)))
        return 0;
    cluster_stop(set);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(wide) | pointsman_stop(narrow);
    cluster_stop(set);
    return status;
}

static MYSQL *connect_as(struct pointsman *to, const struct cluster_account *account, const char *schema)
{
    MYSQL *client = sql_connect(NULL, to->port, account, schema, CLIENT_MULTI_STATEMENTS);
    assert_non_null(client);
    return client;
}

static MYSQL *app_at(struct pointsman *to)
{
    return connect_as(to, &cluster_app, "shop");
}

/* users: a list in quotes. */
static long long connections_at(int server, const char *users)
{
    MYSQL *root = cluster_connect(set, server, &cluster_root, NULL);
    long long count = sql_number(
        root, "SELECT COUNT(*) FROM information_schema.processlist WHERE user IN (%s)", users);
    mysql_close(root);
    return count;
}

/* --- multiplexing --- */

enum { SESSIONS = 200, THREADS = 10, ROUNDS = 8 };

struct tenant {
    MYSQL *client;
    char expected[300];
};
static struct tenant tenants[SESSIONS];

static void settle(struct tenant *tenant, int number)
{
    static const char *const charsets[] = {"utf8mb4", "latin1", "utf8mb3", "cp1250"};
    static const char *const modes[] = {"", "ANSI_QUOTES", "PIPES_AS_CONCAT", "STRICT_ALL_TABLES",
                                        "NO_BACKSLASH_ESCAPES"};
    static const char *const schemas[] = {"shop", "stock", NULL};
    static const char *const locales[] = {"de_DE", "en_US", "fr_FR"};
    const char *schema = schemas[number % 3], *charset = charsets[number % 4], *mode = modes[number % 5];
    int hour = number % 13, limit = 1000 + number;
    tenant->client = connect_as(wide, &cluster_app, schema);
    assert_int_equal(sql_run(tenant->client, "SET NAMES %s", charset), 0);
    assert_int_equal(sql_run(tenant->client, "SET time_zone = '+%02d:00', sql_mode = '%s'", hour, mode), 0);
    assert_int_equal(sql_run(tenant->client, "SET lc_time_names = '%s'", locales[number % 3]), 0);
    assert_int_equal(sql_run(tenant->client, "SET group_concat_max_len = %d, @tag = 'tag %d'", limit, number),
                     0);
    snprintf(tenant->expected, sizeof tenant->expected, "%s/+%02d:00/%s/%s/%s/%d/tag %d/%d", charset, hour,
             mode, schema ? schema : "-", locales[number % 3], limit, number, number);
}

static bool sees_itself(struct tenant *tenant, int number, const char *hint)
{
    char *seen = sql_value(tenant->client,
                           "SELECT %s CONCAT_WS('/', @@character_set_client, @@time_zone, @@sql_mode,"
                           " IFNULL(DATABASE(), '-'), @@lc_time_names, @@group_concat_max_len, @tag, %d)",
                           hint, number);
    bool same = seen && strcmp(seen, tenant->expected) == 0;
    if (!same)
        fprintf(stderr, "session %d sees %s\n       instead of %s (%s)\n", number, seen ? seen : "nothing",
                tenant->expected, mysql_error(tenant->client));
    free(seen);
    return same;
}

static void *look_around(void *arg)
{
    intptr_t thread = (intptr_t)arg, wrong = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = (int)thread; i < SESSIONS; i += THREADS)
            wrong += !sees_itself(&tenants[i], i, round % 3 == 2 ? "/* pointsman: primary */" : "");
    return (void *)wrong;
}

static void two_hundred_sessions_share_eight_connections(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < SESSIONS; i++)
        settle(&tenants[i], i);
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_around, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_int_equal((intptr_t)wrong, 0);
    }
    for (int i = 0; i < set->count; i++)
        assert_in_range(connections_at(i, "'app'"), 1, WIDE);
    for (int i = 0; i < SESSIONS; i++)
        mysql_close(tenants[i].client);
}

/* Far more sessions than connections leave warnings and errors, and ask for them only when all have. */
static void warnings_of_many_sessions_are_kept(void **state)
{
    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        MYSQL *client = tenants[i].client = app_at(wide);
        if (i % 3 == 0)
            assert_int_equal(sql_run(client,
                                     "SELECT CAST('w%d' AS SIGNED), CAST('v%d' AS SIGNED) FROM item"
                                     " WHERE id = 1",
                                     i, i),
                             0);
        else if (i % 3 == 1)
            assert_int_equal(sql_run(client, "SELECT no_such_%d FROM item", i), 1054);
        else
            assert_int_equal(sql_run(client, "INSERT INTO item VALUES (1, 'x%d')", i), 1062);
    }
    for (int i = 0; i < SESSIONS; i++) {
        MYSQL *client = tenants[i].client;
        char *first = sql_column(client, "SHOW WARNINGS", "Message"), own[32];
        snprintf(own, sizeof own, i % 3 == 0 ? "'w%d'" : i % 3 == 1 ? "no_such_%d'" : "for key", i);
        if (!first || !strstr(first, own))
            fail_msg("session %d: '%s' is not in '%s'", i, own, first ? first : "nothing");
        free(first);
        bool warns = i % 3 == 0;
        assert_int_equal(sql_number(client, "SHOW COUNT(*) WARNINGS"), warns ? 2 : 1);
        assert_int_equal(sql_number(client, "SHOW COUNT(*) ERRORS"), !warns);
        char *second = sql_column(client, "SHOW WARNINGS LIMIT 1, 1", "Message");
        assert_true(warns ? second && strstr(second, "'v") : !second);
        free(second);
        char *error = sql_column(client, "SHOW ERRORS", "Level");
        assert_true(warns ? !error : error && strcmp(error, "Error") == 0);
        free(error);
        /* With MySQL there is nothing left behind it. */
        assert_int_equal(sql_number(client, "SELECT 10 * @@warning_count + @@error_count"), warns ? 20 : 11);
        assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100);
        assert_null(sql_column(client, "SHOW WARNINGS", "Level"));
        mysql_close(client);
    }
    /* Who left none sees none, whatever is still on the connections. */
    MYSQL *fresh = app_at(wide);
    for (int i = 0; i < 20; i++)
        assert_int_equal(sql_run(fresh, "SHOW WARNINGS"), 0);
    assert_int_equal(sql_number(fresh, "SHOW COUNT(*) WARNINGS"), 0);
    mysql_close(fresh);
}

/* What each of many sessions asks for is about its own last statement, in whatever form. */
static void ids_and_rows_of_many_sessions_are_kept(void **state)
{
    static const char *const statements[] = {
        "INSERT INTO ticket (name) VALUES ('of %d')",
        "SELECT SQL_CALC_FOUND_ROWS id FROM item WHERE id <= 10 + %d %% 80 LIMIT 3",
        "SELECT id FROM item WHERE id <= 10 + %d %% 80",
        "(SELECT id FROM item WHERE id <= 9) UNION ALL (SELECT id FROM item WHERE id <= 1 + %d %% 80)"};
    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        tenants[i].client = app_at(wide);
        assert_int_equal(sql_run(tenants[i].client, statements[i % 4], i), 0);
    }
    for (int i = 0; i < SESSIONS; i++) {
        MYSQL *client = tenants[i].client;
        bool inserts = i % 4 == 0;
        assert_int_equal(sql_number(client, "SELECT 5 + ROW_COUNT() AS n"), inserts ? 6 : 4);
        assert_int_equal(sql_run(client, statements[i % 4], i), 0);
        assert_int_equal(sql_number(client, inserts ? "SELECT ROW_COUNT()" : "SELECT found_rows ( );"),
                         inserts ? 1 : 10 + i % 80);
        if (inserts) {
            long long id = sql_number(client, "SELECT MAX(id) FROM ticket WHERE name = 'of %d'", i);
            assert_true(id > 0);
            assert_int_equal(sql_number(client, "SELECT LAST_INSERT_ID()"), id);
            assert_int_equal(sql_number(client, "SELECT 2 * LAST_INSERT_ID() AS twice"), 2 * id);
            assert_int_equal(sql_number(client, "SELECT @@identity"), id);
            assert_int_equal(sql_number(client, "SELECT id FROM ticket WHERE id = LAST_INSERT_ID()"), id);
            assert_int_equal(sql_number(client, "SELECT 1; SET @a = 5; SELECT LAST_INSERT_ID() + @a"),
                             id + 5);
            assert_int_equal(sql_run(client, "SELECT nonsense"), 1054);
            assert_int_equal(sql_number(client, "SELECT LAST_INSERT_ID()"), id);
        } else {
            assert_int_equal(sql_number(client, "SELECT LAST_INSERT_ID()"), 0);
        }
    }
    for (int i = 0; i < SESSIONS; i++)
        mysql_close(tenants[i].client);
}

/* --- what one leaves and another must not see --- */

/* A row leaves out what it doesn't say. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct trace {
    const char *leave;         /* what the first session does */
    const char *look;          /* what the next one asks */
    const char *value;         /* and what it must get; NULL: */
    unsigned error;            /* this error */
    bool both;                 /* also while the first one is still there */
    enum cluster_flavour only; /* where it is tried, if it is not in both */
};

static const struct trace traces[] = {
    {"SET @a = 5", "SELECT @a IS NULL", "1", 0, true},
    {"SELECT 5 INTO @b", "SELECT @b IS NULL", "1", 0, true},
    {"SET @c = (SELECT MAX(id) FROM item)", "SELECT @c IS NULL", "1", 0, true},
    {"CREATE TEMPORARY TABLE mine SELECT 1 AS a", "SELECT /* pointsman: primary */ * FROM mine", NULL, 1146,
     true},
    {"CREATE TEMPORARY TABLE item (other INT)", "SELECT /* pointsman: primary */ COUNT(*) FROM item", "100",
     0, true},
    {"PREPARE s FROM 'SELECT 1'", "EXECUTE s", NULL, 1243, true},
    {"SELECT GET_LOCK('held', 0)", "SELECT GET_LOCK('held', 0) + RELEASE_LOCK('held')", "2", 0, false},
    {"SELECT GET_LOCK('held', 0)", "SELECT /* pointsman: primary */ IS_FREE_LOCK('held')", "1", 0, false},
    {"SET autocommit = 0", "SELECT @@autocommit", "1", 0, true},
    {"SET autocommit = 0; UPDATE item SET name = 'x' WHERE id = 2",
     "SELECT /* pointsman: primary */ name FROM item WHERE id = 2", "item 2", 0, true},
    {"BEGIN; UPDATE item SET name = 'x' WHERE id = 2",
     "SELECT /* pointsman: primary */ name FROM item WHERE id = 2 FOR UPDATE NOWAIT", "item 2", 0, false},
    {"BEGIN; INSERT INTO item VALUES (500, 'x')",
     "INSERT INTO item VALUES (500, 'y'); ROLLBACK;"
     "DELETE FROM item WHERE id = 500; SELECT 1",
     "1", 0, false},
    {"SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT @@tx_isolation", "REPEATABLE-READ", 0,
     true, CLUSTER_MARIADB},
    {"SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT @@transaction_isolation",
     "REPEATABLE-READ", 0, true, CLUSTER_MYSQL},
    {"SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
     "BEGIN; UPDATE item SET name = name WHERE id = 1;"
     "SELECT trx_isolation_level FROM information_schema.innodb_trx WHERE trx_mysql_thread_id ="
     " (SELECT id FROM information_schema.processlist WHERE info LIKE '%of this%');"
     "ROLLBACK; SELECT 1",
     "1", 0, false},
    {"SET SESSION TRANSACTION READ ONLY", "UPDATE item SET name = name WHERE id = 1; SELECT 1", "1", 0, true},
    {"SET TRANSACTION READ ONLY", "UPDATE item SET name = name WHERE id = 1; SELECT 1", "1", 0, true},
    {"START TRANSACTION READ ONLY", "UPDATE item SET name = name WHERE id = 1; SELECT 1", "1", 0, true},
    {"SET ROLE actor", "SELECT /* pointsman: primary */ COALESCE(CURRENT_ROLE(), 'NONE')", "NONE", 0, true},
    {"SET ROLE actor", "SELECT /* pointsman: primary */ COUNT(*) FROM mysql.db", NULL, 1142, true},
    {"SET timestamp = 1000", "SELECT /* pointsman: primary */ UNIX_TIMESTAMP() > 1000", "1", 0, true},
    {"SET insert_id = 7000",
     "INSERT INTO item (name) VALUES ('new'); SELECT LAST_INSERT_ID() < 7000;"
     "DELETE FROM item WHERE id > 100; SELECT 1",
     "1", 0, true},
    {"INSERT INTO item (name) VALUES ('new'); DELETE FROM item WHERE id > 100", "SELECT LAST_INSERT_ID()",
     "0", 0, true},
    {"SELECT SQL_CALC_FOUND_ROWS * FROM item LIMIT 1", "SELECT FOUND_ROWS() < 100", "1", 0, true},
    {"SELECT 1/0, 2/0", "SHOW WARNINGS", NULL, 0, true},
    {"SELECT nonsense", "SHOW WARNINGS", NULL, 0, true},
    {"LOCK TABLES item WRITE", "UPDATE item SET name = name WHERE id = 1; SELECT 1", "1", 0, false},
    {"LOCK TABLES item READ", "UPDATE item SET name = name WHERE id = 1; SELECT 1", "1", 0, false},
    {"HANDLER item OPEN", "HANDLER item READ FIRST", NULL, 1109, true},
    {"XA START 'x'; UPDATE item SET name = 'x' WHERE id = 3",
     "XA START 'x'; UPDATE item SET name = name WHERE id = 3; XA END 'x'; XA ROLLBACK 'x'; SELECT 1", "1", 0,
     false},
    {"SET sql_select_limit = 1", "SELECT @@sql_select_limit > 1", "1", 0, true},
    {"SET sql_mode = 'ANSI_QUOTES'", "SELECT \"text\"", "text", 0, true},
    {"SET NAMES latin1", "SELECT @@character_set_results", "utf8mb4", 0, true},
    {"SET CHARACTER SET latin1", "SELECT @@character_set_client", "utf8mb4", 0, true},
    {"SET foreign_key_checks = 0, unique_checks = 0", "SELECT @@foreign_key_checks + @@unique_checks", "2", 0,
     true},
    {"SET max_statement_time = 1", "SELECT @@max_statement_time = 0", "1", 0, true, CLUSTER_MARIADB},
    {"SET max_execution_time = 1", "SELECT @@max_execution_time = 0", "1", 0, true, CLUSTER_MYSQL},
    {"USE stock", "SELECT DATABASE()", "shop", 0, true},
    {"SET session_track_schema = 0, session_track_system_variables = ''", "SELECT 1", "1", 0, true},
    {"SET last_insert_id = 77", "SELECT LAST_INSERT_ID()", "0", 0, true},
    {"SET wait_timeout = 1", "SELECT @@wait_timeout > 1", "1", 0, true},
};
enum { TRACES = sizeof traces / sizeof *traces };

static bool is_tried(const struct trace *trace)
{
    return !trace->only || trace->only == set->options.flavour;
}

/* Whether `client` gets what it must; says what went wrong. */
static bool looks_right(MYSQL *client, const struct trace *trace, const char *when)
{
    char *value = sql_value(client, "%s", trace->look);
    unsigned error = mysql_errno(client);
    bool right = error == trace->error && (value == NULL) == (trace->value == NULL) &&
                 (!value || strcmp(value, trace->value) == 0);
    if (!right)
        fprintf(stderr, "%s: %s\n  %s: %s, not %s (%u %s)\n", trace->leave, when, trace->look,
                value ? value : "nothing", trace->value ? trace->value : "nothing", error,
                mysql_error(client));
    free(value);
    return right;
}

static void nothing_is_seen_of_others(void **state)
{
    int wrong = 0;
    (void)state;
    for (int i = 0; i < TRACES; i++) {
        if (!is_tried(&traces[i]))
            continue;
        MYSQL *first = app_at(wide);
        sql_run(first, "%s", traces[i].leave);
        for (int look = 0; traces[i].both && look < 3; look++) {
            MYSQL *other = app_at(wide);
            wrong += !looks_right(other, &traces[i], "beside it");
            mysql_close(other);
        }
        mysql_close(first);
    }
    assert_int_equal(wrong, 0);
}

static void nothing_is_left_for_the_next(void **state)
{
    int wrong = 0;
    (void)state;
    for (int i = 0; i < TRACES; i++) {
        if (!is_tried(&traces[i]))
            continue;
        MYSQL *other = app_at(narrow);
        assert_int_equal(sql_run(other, "UPDATE item SET name = name WHERE id = 100"), 0);
        MYSQL *first = app_at(narrow);
        sql_run(first, "%s", traces[i].leave);
        mysql_close(first);
        wrong += !looks_right(other, &traces[i], "after it");
        mysql_close(other);
    }
    assert_int_equal(wrong, 0);
}

/* What a server keeps over COM_RESET_CONNECTION: the schema, the role; and the login's character set comes
 * back. */
static bool outlives_a_reset(const struct trace *trace)
{
    return strcmp(trace->leave, "USE stock") == 0 || strncmp(trace->leave, "SET ROLE", 8) == 0 ||
           strstr(trace->leave, "latin1");
}

static void nothing_is_left_after_a_reset(void **state)
{
    int wrong = 0;
    (void)state;
    for (int i = 0; i < TRACES; i++) {
        if (!is_tried(&traces[i]) || outlives_a_reset(&traces[i]))
            continue;
        MYSQL *client = app_at(narrow);
        sql_run(client, "%s", traces[i].leave);
        assert_int_equal(mysql_reset_connection(client), 0);
        wrong += !looks_right(client, &traces[i], "after COM_RESET_CONNECTION");
        mysql_close(client);
    }
    assert_int_equal(wrong, 0);
}

static void accounts_never_share(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        MYSQL *app = app_at(narrow), *report = connect_as(narrow, &cluster_report, "shop");
        for (int turn = 0; turn < 3; turn++) {
            assert_int_equal(sql_number(app, "SELECT CURRENT_USER() LIKE 'app@%%'"), 1);
            assert_int_equal(sql_number(report, "SELECT CURRENT_USER() LIKE 'report@%%'"), 1);
            assert_int_equal(sql_run(app, "UPDATE item SET name = name WHERE id = 1"), 0);
            assert_int_equal(sql_run(report, "UPDATE item SET name = name WHERE id = 1"), 1142);
        }
        mysql_close(app);
        mysql_close(report);
    }
}

/* --- limits --- */

static void who_waits_too_long_is_told(void **state)
{
    (void)state;
    MYSQL *holder = app_at(narrow), *waiter = app_at(narrow);
    assert_int_equal(sql_run(holder, "BEGIN; UPDATE item SET name = name WHERE id = 1"), 0);
    for (int i = 0; i < 2; i++) {
        int64_t began = monotonic_us();
        assert_int_equal(sql_run(waiter, "UPDATE item SET name = name WHERE id = 2"), 1290);
        assert_in_range(monotonic_us() - began, 450000, 900000);
        assert_non_null(strstr(mysql_error(waiter), "queue_timeout"));
    }
    assert_int_equal(sql_number(waiter, "SELECT COUNT(*) FROM item"), 100); /* the replica is free */
    assert_int_equal(sql_run(holder, "COMMIT"), 0);
    assert_int_equal(sql_run(waiter, "UPDATE item SET name = name WHERE id = 2"), 0);
    mysql_close(holder);
    mysql_close(waiter);
}

static void *wait_for_a_connection(void *arg)
{
    MYSQL *client = arg;
    return (void *)(intptr_t)sql_run(client, "UPDATE item SET name = name WHERE id = 2");
}

static void all_who_wait_are_told_in_time(void **state)
{
    enum { WAITERS = 60 };
    pthread_t threads[WAITERS];
    MYSQL *clients[WAITERS];
    (void)state;
    MYSQL *holder = app_at(narrow);
    for (int i = 0; i < WAITERS; i++)
        clients[i] = app_at(narrow);
    assert_int_equal(sql_run(holder, "BEGIN; UPDATE item SET name = name WHERE id = 1"), 0);
    int64_t began = monotonic_us();
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_a_connection, clients[i]), 0);
    for (int i = 0; i < WAITERS; i++) {
        void *error;
        pthread_join(threads[i], &error);
        assert_int_equal((intptr_t)error, 1290);
        mysql_close(clients[i]);
    }
    assert_in_range(monotonic_us() - began, 450000, 1000000);
    assert_int_equal(sql_run(holder, "COMMIT"), 0);
    mysql_close(holder);
}

static void *work(void *arg)
{
    intptr_t wrong = 0;
    const struct cluster_account *account = (intptr_t)arg % 4 ? &cluster_app : &cluster_report;
    MYSQL *client = connect_as(wide, account, (intptr_t)arg % 3 ? "shop" : NULL);
    for (int i = 0; i < 15; i++) {
        wrong += sql_number(client, "SELECT SLEEP(0.005) + %d", i) != i;
        if (account == &cluster_app)
            wrong += sql_run(client, "UPDATE shop.item SET name = name WHERE id = %ld", (long)arg + 1) != 0;
    }
    if (wrong)
        fprintf(stderr, "client %ld: %s\n", (long)arg, mysql_error(client));
    mysql_close(client);
    return (void *)wrong;
}

static void no_more_connections_than_allowed(void **state)
{
    enum { CLIENTS = 64 };
    pthread_t threads[CLIENTS];
    long long most = 0;
    (void)state;
    for (intptr_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (int i = 0; i < 20; i++)
        for (int server = 0; server < set->count; server++) {
            long long count = connections_at(server, "'app', 'report'");
            if (count > WIDE + 1) { /* a server takes a moment to see that one was closed */
                poll(NULL, 0, 50);
                count = connections_at(server, "'app', 'report'");
            }
            most = count > most ? count : most;
        }
    for (int i = 0; i < CLIENTS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_int_equal((intptr_t)wrong, 0);
    }
    assert_in_range(most, 1, WIDE + 1); /* one of `narrow` */
}

static void *sleep_a_little(void *arg)
{
    return (void *)(intptr_t)sql_run(arg, "SELECT SLEEP(0.3)");
}

/* Idle connections of one worker are in the way of the other. */
static void no_worker_starves_beside_another(void **state)
{
    enum { CLIENTS = 2 * WIDE };
    MYSQL *clients[CLIENTS];
    pthread_t threads[CLIENTS];
    (void)state;
    for (int i = 0; i < CLIENTS; i++) /* dealt in turn */
        clients[i] = app_at(wide);
    for (int half = 0; half < 4; half++) {
        for (int i = half % 2; i < CLIENTS; i += 2)
            pthread_create(&threads[i], NULL, sleep_a_little, clients[i]);
        for (int i = half % 2; i < CLIENTS; i += 2) {
            void *error;
            pthread_join(threads[i], &error);
            assert_int_equal((intptr_t)error, 0);
        }
        int64_t began = monotonic_us();
        assert_int_equal(sql_number(clients[!(half % 2)], "SELECT 7"), 7);
        assert_true(monotonic_us() - began < 1000000);
    }
    for (int i = 0; i < CLIENTS; i++)
        mysql_close(clients[i]);
}

static bool narrow_is_empty(void *arg)
{
    return connections_at(0, arg) == 0 && connections_at(1, arg) == 0;
}

static void idle_connections_are_closed_after_a_while(void **state)
{
    (void)state;
    MYSQL *client = connect_as(narrow, &cluster_report, "shop");
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100);
    assert_false(narrow_is_empty((void *)(uintptr_t) "'report'"));
    assert_true(wait_for(narrow_is_empty, (void *)(uintptr_t) "'report'", PATIENCE_MS));
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100);
    mysql_close(client);
}

/* --- connections that servers close --- */

static void kill_all_of(const char *user)
{
    for (int i = 0; i < set->count; i++) {
        char *ids = cluster_value(
            set, i, "SELECT GROUP_CONCAT(id) FROM information_schema.processlist WHERE user = '%s'", user);
        for (char *rest = ids, *id; rest && (id = strsep(&rest, ","));)
            cluster_sql(set, i, "KILL %s", id); /* it may have gone */
        free(ids);
    }
}

static void connections_closed_while_idle_cost_nothing(void **state)
{
    (void)state;
    MYSQL *client = app_at(wide);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100);
        assert_int_equal(sql_run(client, "UPDATE item SET name = name WHERE id = 1"), 0);
        kill_all_of("app");
    }
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100);
    mysql_close(client);
}

static bool replica_runs_a_sleep(void *arg)
{
    (void)arg;
    return sql_number(set->server[1].root, "SELECT COUNT(*) FROM information_schema.processlist"
                                           " WHERE info LIKE 'SELECT SLEEP(1%%'") > 0;
}

static void *sleep_long(void *arg)
{
    return (void *)(intptr_t)sql_run(arg, "SELECT SLEEP(1.5)");
}

static bool served_by_the_replica(void *arg)
{
    return sql_number(arg, "SELECT @@server_id") == 2;
}

static void a_read_whose_connection_is_killed_runs_again(void **state)
{
    pthread_t thread;
    void *error;
    (void)state;
    MYSQL *client = app_at(wide);
    assert_true(wait_for(served_by_the_replica, client, PATIENCE_MS));
    assert_int_equal(pthread_create(&thread, NULL, sleep_long, client), 0);
    assert_true(wait_for(replica_runs_a_sleep, NULL, PATIENCE_MS));
    kill_all_of("app");
    pthread_join(thread, &error);
    assert_int_equal((intptr_t)error, 0);
    assert_true(wait_for(served_by_the_replica, client, 3000)); /* one lost connection is no lost server */
    mysql_close(client);
}

static void a_transaction_whose_connection_is_killed_is_told_once(void **state)
{
    (void)state;
    MYSQL *client = app_at(wide);
    assert_int_equal(sql_run(client, "BEGIN; UPDATE item SET name = 'x' WHERE id = 30"), 0);
    kill_all_of("app");
    assert_int_equal(sql_run(client, "SELECT 1"), 1213);
    assert_int_equal(sql_run(client, "SELECT 1"), 0);
    assert_int_equal(sql_number(client, "SELECT /* pointsman: primary */ name = 'item 30' FROM item"
                                        " WHERE id = 30"),
                     1);
    assert_int_equal(sql_run(client, "CREATE TEMPORARY TABLE mine (a INT)"), 0);
    kill_all_of("app");
    assert_int_equal(sql_run(client, "INSERT INTO mine VALUES (1)"), 1053);
    assert_int_equal(sql_run(client, "INSERT INTO mine VALUES (1)"), 1146);
    mysql_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_sessions_share_eight_connections),
        cmocka_unit_test(warnings_of_many_sessions_are_kept),
        cmocka_unit_test(ids_and_rows_of_many_sessions_are_kept),
        cmocka_unit_test(nothing_is_seen_of_others),
        cmocka_unit_test(nothing_is_left_for_the_next),
        cmocka_unit_test(nothing_is_left_after_a_reset),
        cmocka_unit_test(accounts_never_share),
        cmocka_unit_test(who_waits_too_long_is_told),
        cmocka_unit_test(all_who_wait_are_told_in_time),
        cmocka_unit_test(no_more_connections_than_allowed),
        cmocka_unit_test(no_worker_starves_beside_another),
        cmocka_unit_test(idle_connections_are_closed_after_a_while),
        cmocka_unit_test(connections_closed_while_idle_cost_nothing),
        cmocka_unit_test(a_read_whose_connection_is_killed_runs_again),
        cmocka_unit_test(a_transaction_whose_connection_is_killed_is_told_once),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
