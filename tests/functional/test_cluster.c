/*
 * test_cluster.c - the harness itself: what the other functional tests stand on.
 *
 *   one set of three for most tests, which leave it as they found it;
 *   child processes with sets of their own for what is left behind at the end, good or bad.
 *
 * All of it holds for MariaDB and, with POINTSMAN_FLAVOUR=mysql, for MySQL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A row leaves out what it doesn't say. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { PATIENCE_MS = 10000 };

static struct cluster *set;

static int start_set(void **state)
{
    const struct cluster_options options = {.heartbeat_ms = 500};
    (void)state;
    set = cluster_start(&options);
    if (set && cluster_sql(set, 0, "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40))") == 0)
        return 0;
    cluster_stop(set);
    set = NULL;
    return -1;
}

static int stop_set(void **state)
{
    (void)state;
    cluster_stop(set);
    return 0;
}

static void assert_value(int server, const char *statement, const char *expected)
{
    char *value = cluster_value(set, server, "%s", statement);
    assert_non_null(value);
    assert_string_equal(value, expected);
    free(value);
}

/* --- replication and accounts --- */

static void a_write_reaches_every_replica(void **state)
{
    (void)state;
    assert_int_equal(cluster_sql(set, 0, "INSERT INTO shop.item VALUES (1, 'lamp')"), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    for (int i = 0; i < set->count; i++)
        assert_value(i, "SELECT name FROM shop.item WHERE id = 1", "lamp");
}

static void replicas_refuse_the_applications_writes(void **state)
{
    (void)state;
    for (int i = 0; i < set->count; i++) {
        MYSQL *app = cluster_connect(set, i, &cluster_app, "shop");
        assert_non_null(app);
        assert_int_equal(sql_run(app, "REPLACE INTO item VALUES (2, 'chair')"), i == 0 ? 0 : 1290);
        mysql_close(app);
    }
}

static void accounts_have_their_rights_and_no_more(void **state)
{
    static const struct {
        const struct cluster_account *account;
        const char *statement;
        unsigned error;
        enum cluster_flavour only; /* where there is that statement; 0: in both */
    } rows[] = {
        {&cluster_monitor, "SHOW ALL SLAVES STATUS", 0, CLUSTER_MARIADB},
        {&cluster_monitor, "SHOW REPLICA STATUS", 0},
        {&cluster_monitor, "SHOW MASTER STATUS; SHOW SLAVE HOSTS", 0, CLUSTER_MARIADB},
        {&cluster_monitor, "SHOW BINARY LOG STATUS; SHOW REPLICAS", 0, CLUSTER_MYSQL},
        {&cluster_monitor, "SELECT Priv FROM mysql.global_priv", 0, CLUSTER_MARIADB},
        {&cluster_monitor, "SELECT authentication_string FROM mysql.user", 0},
        {&cluster_monitor, "SHOW CREATE VIEW shop.w; SHOW CREATE FUNCTION shop.f", 0},
        {&cluster_monitor, "SET GLOBAL read_only = @@GLOBAL.read_only", 0},
        {&cluster_monitor, "SET GLOBAL super_read_only = @@GLOBAL.super_read_only", 0, CLUSTER_MYSQL},
        {&cluster_monitor, "STOP REPLICA", 0},
        {&cluster_monitor, "RESET REPLICA ALL", 0, CLUSTER_MYSQL},
        {&cluster_monitor, "CREATE TABLE shop.x (a INT)", 1142},
        {&cluster_monitor, "REPLACE INTO shop.item VALUES (9, 'x')", 1142},
        {&cluster_app,
         "CREATE TEMPORARY TABLE shop.t (a INT); CREATE TABLE stock.t (a INT); DROP TABLE stock.t", 0},
        {&cluster_app, "SET GLOBAL read_only = 0", 1227},
        {&cluster_app, "SELECT * FROM mysql.global_priv", 1142, CLUSTER_MARIADB},
        {&cluster_app, "SELECT * FROM mysql.user", 1142},
        {&cluster_report, "SELECT * FROM shop.item", 0},
        {&cluster_report, "DELETE FROM shop.item", 1142},
    };
    (void)state;
    assert_int_equal(
        cluster_sql(set, 0, "CREATE VIEW shop.w AS SELECT 1; CREATE FUNCTION shop.f() RETURNS INT RETURN 1"),
        0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].only && rows[i].only != set->options.flavour)
            continue;
        MYSQL *connection = cluster_connect(set, 0, rows[i].account, NULL);
        assert_non_null(connection);
        unsigned error = sql_run(connection, "%s", rows[i].statement);
        if (error != rows[i].error)
            fail_msg("%s: %s: %u, not %u", rows[i].account->user, rows[i].statement, error, rows[i].error);
        mysql_close(connection);
    }
    assert_int_equal(cluster_sql(set, 0, "DROP VIEW shop.w; DROP FUNCTION shop.f"), 0);
}

static void the_monitor_account_sees_definitions_of_views(void **state)
{
    (void)state;
    assert_int_equal(cluster_sql(set, 0, "CREATE OR REPLACE VIEW shop.v AS SELECT id FROM shop.item"), 0);
    MYSQL *monitor = cluster_connect(set, 0, &cluster_monitor, NULL);
    char *text = sql_value(monitor, "SELECT view_definition FROM information_schema.views"
                                    " WHERE table_schema = 'shop' AND table_name = 'v'");
    assert_non_null(text);
    assert_non_null(strstr(text, "select"));
    free(text);
    mysql_close(monitor);
    assert_int_equal(cluster_sql(set, 0, "DROP VIEW shop.v"), 0);
}

/* --- faults --- */

static bool io_thread_runs(void *arg)
{
    MYSQL *root = cluster_connect(set, *(int *)arg, &cluster_root, NULL);
    char *value = root ? sql_column(root, set->dialect->status, set->dialect->io_running) : NULL;
    bool runs = value && strcmp(value, "Yes") == 0;
    free(value);
    if (root)
        mysql_close(root);
    return runs;
}

static void a_killed_replica_catches_up(void **state)
{
    int replica = 1, port = set->server[1].port;
    (void)state;
    /* DDL is not crash-safe on a MariaDB replica: its binlog and its own position are written one by one. */
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    assert_true(cluster_kill(set, replica));
    assert_null(cluster_connect(set, replica, &cluster_app, NULL));
    assert_int_equal(cluster_sql(set, 0, "REPLACE INTO shop.item VALUES (3, 'table')"), 0);
    assert_true(cluster_launch(set, replica));
    assert_int_equal(set->server[1].port, port);
    assert_true(wait_for(io_thread_runs, &replica, PATIENCE_MS));
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    assert_value(replica, "SELECT name FROM shop.item WHERE id = 3", "table");
    assert_value(replica, "SELECT @@GLOBAL.read_only", "1");
}

static void a_killed_primary_keeps_what_it_acknowledged(void **state)
{
    int replica = 2;
    (void)state;
    assert_int_equal(cluster_sql(set, 0, "REPLACE INTO shop.item VALUES (4, 'bed')"), 0);
    assert_true(cluster_kill(set, 0));
    assert_true(cluster_launch(set, 0));
    assert_value(0, "SELECT name FROM shop.item WHERE id = 4", "bed");
    assert_true(wait_for(io_thread_runs, &replica, PATIENCE_MS));
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
}

static void a_clean_stop_and_start(void **state)
{
    int replica = 2;
    (void)state;
    assert_true(cluster_shut_down(set, replica));
    assert_false(cluster_shut_down(set, replica));
    assert_true(cluster_launch(set, replica));
    assert_false(cluster_launch(set, replica));
    assert_true(wait_for(io_thread_runs, &replica, PATIENCE_MS));
}

/* A frozen server takes connections (the kernel does) and answers nothing; seen by a short time limit. */
static unsigned ask_briefly(int server)
{
    unsigned limit_s = 1, error;
    MYSQL *connection = mysql_init(NULL);
    mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &limit_s);
    mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &limit_s);
    mysql_real_connect(connection, NULL, cluster_root.user, cluster_root.password, NULL, 0,
                       set->server[server].socket, 0);
    error = mysql_errno(connection);
    mysql_close(connection);
    return error;
}

static void a_frozen_server_answers_nothing_until_thawed(void **state)
{
    (void)state;
    assert_true(cluster_freeze(set, 1));
    assert_int_not_equal(ask_briefly(1), 0);
    assert_true(cluster_thaw(set, 1));
    assert_int_equal(ask_briefly(1), 0);
    assert_value(1, "SELECT 1", "1");
}

static void a_stopped_sql_thread_applies_nothing(void **state)
{
    (void)state;
    assert_true(cluster_replication(set, 1, CLUSTER_SQL_THREAD, false));
    assert_int_equal(cluster_sql(set, 0, "REPLACE INTO shop.item VALUES (5, 'door')"), 0);
    assert_false(cluster_sync(set, 0, 300));
    assert_null(cluster_value(set, 1, "SELECT name FROM shop.item WHERE id = 5"));
    assert_true(cluster_replication(set, 1, CLUSTER_SQL_THREAD, true));
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    assert_true(cluster_replication(set, 1, CLUSTER_IO_THREAD, false));
    assert_true(cluster_replication(set, 1, CLUSTER_IO_THREAD, true));
}

static void a_delayed_replica_is_late(void **state)
{
    (void)state;
    assert_true(cluster_delay(set, 2, 100));
    assert_int_equal(cluster_sql(set, 0, "REPLACE INTO shop.item VALUES (6, 'wall')"), 0);
    assert_false(cluster_sync(set, 0, 500));
    assert_true(cluster_delay(set, 2, 0));
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
}

static void roles_can_be_exchanged(void **state)
{
    (void)state;
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    assert_true(cluster_read_only(set, 0, true));
    assert_true(cluster_unfollow(set, 1) && cluster_read_only(set, 1, false));
    assert_true(cluster_follow(set, 0, 1) && cluster_follow(set, 2, 1));
    assert_int_equal(cluster_sql(set, 1, "REPLACE INTO shop.item VALUES (7, 'roof')"), 0);
    assert_true(cluster_sync(set, 1, PATIENCE_MS));
    assert_value(0, "SELECT name FROM shop.item WHERE id = 7", "roof");
    /* and back */
    assert_true(cluster_read_only(set, 1, true));
    assert_true(cluster_unfollow(set, 0) && cluster_read_only(set, 0, false));
    assert_true(cluster_follow(set, 1, 0) && cluster_follow(set, 2, 0));
    assert_int_equal(cluster_sql(set, 0, "REPLACE INTO shop.item VALUES (8, 'floor')"), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    assert_value(1, "SELECT name FROM shop.item WHERE id = 8", "floor");
}

/* --- general logs --- */

static void markers_tell_where_a_statement_ran(void **state)
{
    long mark[3];
    (void)state;
    MYSQL *app = cluster_connect(set, 1, &cluster_app, "shop");
    for (int i = 0; i < 3; i++)
        mark[i] = general_log_mark(&set->server[i]);
    assert_int_equal(sql_run(app, "SELECT /* m:17 */ 1\n FROM item; SELECT /* m:18 */ 2"), 0);
    assert_int_equal(sql_run(app, "SELECT 1\n FROM item /* m:17 */"), 0);
    assert_int_equal(sql_run(app, "nonsense /* m:19 */"), 1064);
    mysql_close(app);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(general_log_count(&set->server[i], mark[i], "/* m:17 */"), i == 1 ? 2 : 0);
        assert_int_equal(general_log_count(&set->server[i], mark[i], "/* m:18 */"), i == 1 ? 1 : 0);
        assert_int_equal(general_log_count(&set->server[i], mark[i], "/* m:19 */"), i == 1 ? 1 : 0);
    }
    assert_int_equal(general_log_count(&set->server[1], general_log_mark(&set->server[1]), "/* m:17 */"), 0);
}

static void a_replicated_write_is_in_no_replicas_general_log(void **state)
{
    long mark = general_log_mark(&set->server[1]);
    (void)state;
    assert_int_equal(cluster_sql(set, 0, "CREATE TABLE shop.gone (a INT) /* m:20 */"), 0);
    assert_int_equal(cluster_sql(set, 0, "DROP TABLE shop.gone /* m:20 */"), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    assert_int_equal(general_log_count(&set->server[1], mark, "/* m:20 */"), 0);
}

struct seen {
    int entries, lines;
    unsigned long thread;
};

static bool see(const struct general_log_entry *entry, void *arg)
{
    struct seen *seen = arg;
    if (strncmp(entry->text, "SELECT 21", 9) == 0) {
        seen->thread = entry->thread;
        seen->lines = 1;
        for (const char *at = entry->text; (at = strchr(at, '\n')); at++)
            seen->lines++;
    }
    seen->entries++;
    return true;
}

static void entries_are_read_whole(void **state)
{
    struct seen seen = {0};
    (void)state;
    MYSQL *app = cluster_connect(set, 0, &cluster_app, "shop");
    long mark = general_log_mark(&set->server[0]);
    assert_int_equal(sql_run(app, "SELECT 21,\n\n2\tAS\tx\n"), 0);
    assert_int_equal(mysql_select_db(app, "stock"), 0);
    assert_true(general_log_each(&set->server[0], mark, see, &seen));
    assert_int_equal(seen.entries, 2);
    assert_int_equal(seen.lines, 3); /* the server drops blanks at the end */
    assert_int_equal(seen.thread, mysql_thread_id(app));
    mysql_close(app);
}

/* --- what is left --- */

/* Starts a set in a child, which tells its folder and its servers' pids and ends as it is told. */
static void in_child(void (*end)(struct cluster *cluster), char *ret_directory, size_t size,
                     pid_t *ret_server)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        const struct cluster_options options = {.servers = 1};
        struct cluster *own = cluster_start(&options);
        if (!own)
            _exit(1);
        dprintf(ends[1], "%d %s\n", own->server[0].pid, own->directory);
        end(own);
        _exit(0);
    }
    close(ends[1]);
    FILE *told = fdopen(ends[0], "r");
    char line[256] = "";
    assert_non_null(fgets(line, sizeof line, told));
    fclose(told);
    char *blank = strchr(line, ' ');
    assert_non_null(blank);
    *ret_server = atoi(line);
    snprintf(ret_directory, size, "%s", blank + 1);
    ret_directory[strcspn(ret_directory, "\n")] = '\0';
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void die(struct cluster *cluster)
{
    (void)cluster;
    raise(SIGKILL);
}

static void die_with_a_server_frozen(struct cluster *cluster)
{
    cluster_freeze(cluster, 0);
    raise(SIGKILL);
}

struct remains {
    char directory[200];
    pid_t server;
};

static bool nothing_remains(void *arg)
{
    const struct remains *it = arg;
    char path[40], first = '\0';
    /* An orphan that nobody reaps keeps its number, but has no command line. */
    snprintf(path, sizeof path, "/proc/%d/cmdline", it->server);
    FILE *line = fopen(path, "r");
    bool dead = !line || fread(&first, 1, 1, line) == 0;
    if (line)
        fclose(line);
    return dead && access(it->directory, F_OK) < 0;
}

static void nothing_is_left_behind(void **state)
{
    void (*const ends[])(struct cluster * cluster) = {cluster_stop, die, die_with_a_server_frozen};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct remains remains;
        in_child(ends[i], remains.directory, sizeof remains.directory, &remains.server);
        assert_true(wait_for(nothing_remains, &remains, ends[i] == cluster_stop ? 0 : PATIENCE_MS));
    }
}

static void impossible_wishes_are_refused(void **state)
{
    const struct cluster_options usual = {.servers = 1}, many = {.servers = CLUSTER_SERVERS_MAX + 1};
    const char *const args[] = {"--no-such-option", NULL};
    const struct cluster_options nonsense = {.servers = 1, .args = args}, there = {.directory = "/tmp"};
    const char *flavour = getenv("POINTSMAN_FLAVOUR");
    char *kept = flavour ? strdup(flavour) : NULL;
    (void)state;
    setenv("POINTSMAN_FLAVOUR", "vanilla", 1);
    assert_null(cluster_start(&usual));
    if (kept)
        setenv("POINTSMAN_FLAVOUR", kept, 1);
    else
        unsetenv("POINTSMAN_FLAVOUR");
    free(kept);
    assert_null(cluster_start(&many));
    assert_null(cluster_start(&nonsense));
    assert_null(cluster_start(&there));
    assert_int_equal(access("/tmp", F_OK), 0);
}

static void semi_synchronous_sets_wait_for_a_replica(void **state)
{
    const struct cluster_options options = {.servers = 2, .semi_sync = true, .no_general_log = true};
    (void)state;
    struct cluster *own = cluster_start(&options);
    assert_non_null(own);
    assert_int_equal(cluster_sql(own, 0, "CREATE TABLE shop.a (a INT); INSERT INTO shop.a VALUES (1)"), 0);
    MYSQL *monitor = cluster_connect(own, 0, &cluster_monitor, NULL);
    assert_non_null(monitor);
    char *acknowledged = sql_column(monitor, "SHOW STATUS LIKE 'Rpl\\_semi\\_sync\\_%\\_yes\\_tx'", "Value");
    assert_non_null(acknowledged);
    assert_string_equal(acknowledged, "2");
    free(acknowledged);
    assert_int_equal(sql_run(monitor, "SET GLOBAL rpl_semi_sync_%s_enabled = 0", own->dialect->source), 0);
    mysql_close(monitor);
    cluster_stop(own);
}

static void the_use_of_a_process_is_measured(void **state)
{
    struct process_usage usage;
    (void)state;
    assert_true(process_usage(set->server[0].pid, &usage));
    assert_in_range(usage.resident_kb, 10000, 1000000);
    assert_true(usage.peak_kb >= usage.resident_kb);
    assert_true(usage.user_us + usage.system_us > 0);
    assert_false(process_usage(0x7fffffff, &usage));
}

int main(void)
{
    const struct CMUnitTest cluster[] = {
        cmocka_unit_test(a_write_reaches_every_replica),
        cmocka_unit_test(replicas_refuse_the_applications_writes),
        cmocka_unit_test(accounts_have_their_rights_and_no_more),
        cmocka_unit_test(the_monitor_account_sees_definitions_of_views),
        cmocka_unit_test(a_killed_replica_catches_up),
        cmocka_unit_test(a_killed_primary_keeps_what_it_acknowledged),
        cmocka_unit_test(a_clean_stop_and_start),
        cmocka_unit_test(a_frozen_server_answers_nothing_until_thawed),
        cmocka_unit_test(a_stopped_sql_thread_applies_nothing),
        cmocka_unit_test(a_delayed_replica_is_late),
        cmocka_unit_test(roles_can_be_exchanged),
        cmocka_unit_test(markers_tell_where_a_statement_ran),
        cmocka_unit_test(a_replicated_write_is_in_no_replicas_general_log),
        cmocka_unit_test(entries_are_read_whole),
        cmocka_unit_test(the_use_of_a_process_is_measured),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(impossible_wishes_are_refused),
        cmocka_unit_test(semi_synchronous_sets_wait_for_a_replica),
    };
    return cmocka_run_group_tests(cluster, start_set, stop_set);
}
