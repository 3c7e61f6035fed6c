/*
 * test_views.c - views that are not proven, and routines and triggers that leave what no server reports.
 *
 *   front    the shop; its proxy has two workers, so that what one session defines another worker must know
 *   narrow   one worker, one connection a server: whoever comes next gets the connection of who was before
 *
 * Where a statement ran is read from the servers' general logs. What the proxy thinks is asked by EXPLAIN
 * ROUTE on its console.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/front.h"
#include "../cluster/rows.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 10000, SESSIONS = 4, TIMES = 10 };

static struct front front;
static struct pointsman *narrow;
static MYSQL *console; /* of front.proxy */

static const struct cluster_account anybody = {"whoever", ""};

/* Made before the proxies start. */
static const char *const objects[] = {
    "USE shop",
    "CREATE TABLE locked (a INT)",
    "CREATE TRIGGER lock_it BEFORE INSERT ON locked FOR EACH ROW SET NEW.a = GET_LOCK('by_trigger', 0)",
    "CREATE PROCEDURE p_calls_lock() CALL p_lock()",
    "CREATE PROCEDURE p_role() SQL SECURITY INVOKER SET ROLE clerk",
    "CREATE FUNCTION f_lock() RETURNS INT RETURN GET_LOCK('by_function', 0)",
    "CREATE VIEW v_lock AS SELECT f_lock() AS a",
};

static int start(void **state)
{
    const struct pointsman_options two = {.pointsman = "workers = 2\n"};
    const struct pointsman_options one = {.pointsman = "workers = 1\n",
                                          .more = "[pool]\nmax_per_server = 1\n"};
    bool made = front_start(&front, &two);
    (void)state;
    for (size_t i = 0; made && i < sizeof objects / sizeof objects[0]; i++)
        made = cluster_sql(front.set, 0, "%s", objects[i]) == 0;
    if (made && cluster_sync(front.set, 0, PATIENCE_MS) && (narrow = pointsman_start(front.set, &one)))
        console = sql_connect(NULL, front.proxy->admin_port, &anybody, NULL, 0);
    return console ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    mysql_close(console);
    int status = pointsman_stop(narrow);
    return front_stop(&front) && status == 0 ? 0 : -1;
}

/* ---- helpers ---- */

static MYSQL *connected(MYSQL *session)
{
    assert_non_null(session);
    return session;
}

static MYSQL *app(void)
{
    return connected(front_connect(&front));
}

static MYSQL *app_at(struct pointsman *proxy)
{
    return connected(
        sql_connect(NULL, proxy->port, &cluster_app, "shop", CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS));
}

/* Sessions are dealt to the workers in turn. */
static void open_all(MYSQL **sessions)
{
    for (int i = 0; i < SESSIONS; i++)
        sessions[i] = app();
}

static void close_all(MYSQL **sessions)
{
    for (int i = 0; i < SESSIONS; i++)
        mysql_close(sessions[i]);
}

static void run_row(MYSQL *session, enum row_target target, const char *text, const char *value)
{
    struct row_session at = {.set = front.set, .connection = session, .last = -1};
    const struct row row = {target, text, value};
    rows_run(&at, &row, 1);
    if (at.failed)
        fail_msg("%s", text);
}

static void define(MYSQL *session, const char *statement)
{
    if (sql_run(session, "%s", statement) != 0)
        fail_msg("%s: %s", statement, mysql_error(session));
}

struct expectation {
    const char *statement, *target;
};

static bool goes_there(void *arg)
{
    const struct expectation *expected = arg;
    char explain[300];
    snprintf(explain, sizeof explain, "EXPLAIN ROUTE %s", expected->statement);
    char *target = sql_column(console, explain, "value");
    bool right = target && strcmp(target, expected->target) == 0;
    free(target);
    return right;
}

static void wait_until_it_goes(const char *statement, const char *target)
{
    struct expectation expected = {statement, target};
    if (!wait_for(goes_there, &expected, PATIENCE_MS))
        fail_msg("%s does not go to the %s", statement, target);
}

/* ---- views ---- */

static void proven_views_are_read_on_replicas(void **state)
{
    MYSQL *session = app();
    (void)state;
    run_row(session, REPLICA, "SELECT name FROM v_items WHERE id = 1", "LAMP");
    run_row(session, PRIMARY, "SELECT a FROM v_bump", "42");
    run_row(session, PRIMARY, "SELECT a FROM v_over", "42");
    run_row(session, PRIMARY, "SELECT `shop`.`v_over`.a FROM item JOIN shop.v_over LIMIT 1", NULL);
    mysql_close(session);
}

static void a_view_counts_for_everybody_from_the_moment_it_exists(void **state)
{
    MYSQL *sessions[SESSIONS];
    (void)state;
    open_all(sessions);
    for (int i = 0; i < TIMES; i++) {
        define(sessions[0], "CREATE OR REPLACE VIEW v_now AS SELECT 1 AS a");
        define(sessions[0], "CREATE OR REPLACE VIEW v_above AS SELECT a FROM v_now");
        assert_true(cluster_sync(front.set, 0, PATIENCE_MS));
        wait_until_it_goes("SELECT a FROM v_above", "replica");
        run_row(sessions[1], REPLICA, "SELECT a FROM v_now", "1");
        run_row(sessions[1], REPLICA, "SELECT a FROM v_above", "1");
        define(sessions[0], i % 2 ? "CREATE OR REPLACE VIEW v_now AS SELECT bump() AS a"
                                  : "ALTER VIEW v_now AS SELECT bump() AS a");
        run_row(sessions[1 + i % 3], PRIMARY, "SELECT a FROM v_above", "42");
        run_row(sessions[2], PRIMARY, "SELECT a FROM v_now", "42");
        run_row(sessions[0], PRIMARY, "SELECT a FROM shop.v_now", "42");
    }
    wait_until_it_goes("SELECT a FROM v_above", "primary");
    define(sessions[0], "RENAME TABLE v_now TO v_renamed");
    run_row(sessions[1], PRIMARY, "SELECT a FROM v_renamed", "42");
    run_row(sessions[2], PRIMARY, "SELECT a FROM v_renamed", "42");
    define(sessions[0], "DROP VIEW v_above");
    define(sessions[0], "DROP VIEW v_renamed");
    define(sessions[0], "CREATE VIEW v_renamed AS SELECT 2 AS a");
    assert_true(cluster_sync(front.set, 0, PATIENCE_MS));
    wait_until_it_goes("SELECT a FROM v_renamed", "replica");
    run_row(sessions[1], REPLICA, "SELECT a FROM v_renamed", "2");
    define(sessions[0], "DROP VIEW v_renamed");
    close_all(sessions);
}

static void a_view_made_on_the_primary_itself_counts_soon(void **state)
{
    MYSQL *session = app();
    (void)state;
    assert_int_equal(cluster_sql(front.set, 0, "CREATE VIEW shop.v_direct AS SELECT shop.bump() AS a"), 0);
    wait_until_it_goes("SELECT a FROM v_direct", "primary");
    run_row(session, PRIMARY, "SELECT a FROM v_direct", "42");
    assert_int_equal(cluster_sql(front.set, 0, "DROP VIEW shop.v_direct"), 0);
    assert_int_equal(cluster_sql(front.set, 0, "CREATE VIEW shop.v_direct AS SELECT 1 AS a"), 0);
    assert_true(cluster_sync(front.set, 0, PATIENCE_MS));
    wait_until_it_goes("SELECT a FROM v_direct", "replica");
    run_row(session, REPLICA, "SELECT a FROM v_direct", "1");
    mysql_close(session);
}

/* A server counts a statement when it begins, and this one waits for a lock then. */
static void a_view_whose_making_takes_long_counts_too(void **state)
{
    static const char late[] = "CREATE OR REPLACE VIEW shop.v_late AS SELECT shop.bump() AS a";
    (void)state;
    assert_int_equal(cluster_sql(front.set, 0, "CREATE VIEW shop.v_late AS SELECT 1 AS a"), 0);
    wait_until_it_goes("SELECT a FROM v_late", "replica");
    MYSQL *reader = connected(cluster_connect(front.set, 0, &cluster_root, "shop"));
    MYSQL *maker = connected(cluster_connect(front.set, 0, &cluster_root, "shop"));
    assert_int_equal(sql_run(reader, "BEGIN; SELECT a FROM v_late"), 0);
    assert_int_equal(mysql_send_query(maker, late, sizeof late - 1), 0);
    for (int i = 0; i < 6; i++) { /* readings go by meanwhile */
        assert_int_equal(sql_run(reader, "DO SLEEP(0.2)"), 0);
        assert_int_equal(goes_there(&(struct expectation){"SELECT a FROM v_late", "replica"}), 1);
    }
    assert_int_equal(sql_run(reader, "COMMIT"), 0);
    assert_int_equal(mysql_read_query_result(maker), 0);
    wait_until_it_goes("SELECT a FROM v_late", "primary");
    mysql_close(maker);
    mysql_close(reader);
}

/* ---- what no server reports ---- */

/* The only session there is. */
static void assert_pinned(const char *expected)
{
    char *pinned = sql_column(console, "SHOW SESSIONS", "pinned_by");
    assert_non_null(pinned);
    if (!*expected ? *pinned != '\0' : !strstr(pinned, expected))
        fail_msg("pinned by '%s', not by '%s'", pinned, expected);
    free(pinned);
}

static bool is_free(void *lock)
{
    char *user = cluster_value(front.set, 0, "SELECT IS_USED_LOCK('%s')", (const char *)lock);
    bool none = user == NULL;
    free(user);
    return none;
}

static void assert_holds_lock(const char *statement, const char *lock)
{
    char release[100];
    MYSQL *session = app();
    define(session, statement);
    assert_pinned("unknown-state");
    if (is_free((void *)(uintptr_t)lock))
        fail_msg("%s: took no lock", statement);
    snprintf(release, sizeof release, "SELECT RELEASE_LOCK('%s')", lock);
    run_row(session, PRIMARY, release, "1"); /* it is this session's */
    run_row(session, PRIMARY, "SELECT count(*) FROM item", "5");
    define(session, statement);
    mysql_close(session);
    if (!wait_for(is_free, (void *)(uintptr_t)lock, PATIENCE_MS))
        fail_msg("%s: its lock outlives the session", statement);
}

static void locks_of_routines_and_triggers_hold_the_session(void **state)
{
    (void)state;
    assert_holds_lock("CALL p_lock()", "by_call");
    assert_holds_lock("CALL p_calls_lock()", "by_call");
    assert_holds_lock("DO f_lock()", "by_function");
    assert_holds_lock("SELECT a FROM v_lock", "by_function");
    assert_holds_lock("INSERT INTO locked VALUES (1)", "by_trigger");
    if (front.set->options.flavour == CLUSTER_MARIADB)
        assert_holds_lock("EXECUTE IMMEDIATE 'DO GET_LOCK(\"by_text\", 0)'", "by_text");
}

static void a_routine_or_trigger_counts_from_the_moment_it_exists(void **state)
{
    MYSQL *session = app();
    (void)state;
    define(session, "CREATE PROCEDURE p_fresh() DO GET_LOCK('by_fresh', 0)");
    define(session, "CALL p_fresh()");
    assert_pinned("unknown-state");
    mysql_close(session);
    assert_true(wait_for(is_free, (char[]){"by_fresh"}, PATIENCE_MS));

    session = app();
    define(session,
           "CREATE TRIGGER fresh BEFORE UPDATE ON note FOR EACH ROW SET NEW.a = GET_LOCK('by_note', 0)");
    define(session, "INSERT INTO note VALUES (1, 1)");
    define(session, "UPDATE note SET a = 2");
    assert_pinned("unknown-state");
    define(session, "DROP TRIGGER fresh");
    mysql_close(session);

    session = app();
    define(session, "CREATE PROCEDURE p_harmless() DO 1");
    define(session, "CALL p_harmless()");
    define(session, "CREATE VIEW v_harmless AS SELECT 1 AS a");
    define(session, "DO (SELECT a FROM v_harmless)");
    assert_pinned("");
    mysql_close(session);
}

static void reads_and_harmless_calls_hold_nothing(void **state)
{
    MYSQL *session = app();
    (void)state;
    run_row(session, REPLICA, "SELECT count(*) FROM locked", NULL);
    run_row(session, PRIMARY, "CALL p_write()", NULL);
    run_row(session, PRIMARY, "CALL p_read()", "5");
    run_row(session, REPLICA, "SELECT count(*) FROM item", "5");
    mysql_close(session);
}

/* Whether the next session on the only connection to the primary has the role of the one before. */
static void assert_no_role_is_left(const char *what)
{
    MYSQL *other = app_at(narrow);
    unsigned error = sql_run(other, "SELECT bars FROM vault.gold FOR UPDATE");
    if (error != 1142)
        fail_msg("%s: the next session's error is %u", what, error);
    char *role = sql_value(other, "DO 1; SELECT COALESCE(CURRENT_ROLE(), 'NONE') FROM item FOR UPDATE");
    assert_string_equal(role, "NONE");
    free(role);
    mysql_close(other);
}

static void roles_of_routines_stay_with_their_session(void **state)
{
    static const char *const statements[] = {"CALL p_role()", "SET ROLE clerk",
                                             /* MariaDB's own */
                                             "EXECUTE IMMEDIATE 'SET ROLE clerk'",
                                             "BEGIN NOT ATOMIC SET ROLE clerk; END"};
    size_t count = front.set->options.flavour == CLUSTER_MYSQL ? 2 : 4;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        MYSQL *session = app_at(narrow);
        define(session, statements[i]);
        assert_int_equal(sql_number(session, "SELECT bars FROM vault.gold"), 12);
        mysql_close(session);
        assert_no_role_is_left(statements[i]);
    }
}

static void roles_of_prepared_calls_stay_with_their_session(void **state)
{
    static const char call[] = "CALL p_role()";
    (void)state;
    MYSQL *session = app_at(narrow);
    MYSQL_STMT *statement = mysql_stmt_init(session);
    assert_int_equal(mysql_stmt_prepare(statement, call, sizeof call - 1), 0);
    assert_int_equal(mysql_stmt_execute(statement), 0);
    assert_int_equal(sql_number(session, "SELECT bars FROM vault.gold"), 12);
    mysql_stmt_close(statement);
    mysql_close(session);
    assert_no_role_is_left(call);
}

/* ---- what the monitor may see, and what the operator declares ---- */

/* Global privileges are those of the moment of login. */
static void monitor_logs_in_again(void)
{
    char *id = cluster_value(front.set, 0,
                             "SELECT id FROM information_schema.processlist WHERE user = 'monitor'"
                             " AND command = 'Sleep' ORDER BY RAND() LIMIT 1");
    if (id)
        cluster_sql(front.set, 0, "KILL %s", id);
    free(id);
}

static bool sees_no_views(void *arg)
{
    (void)arg;
    monitor_logs_in_again();
    char *text = sql_column(console, "SHOW EVENTS WHERE step = 'refused'", "text");
    bool told = text != NULL;
    free(text);
    return told;
}

static bool sees_views(void *arg)
{
    (void)arg;
    monitor_logs_in_again();
    return goes_there(&(struct expectation){"SELECT name FROM v_items", "replica"}) &&
           goes_there(&(struct expectation){"SELECT a FROM v_over", "primary"});
}

static bool a_call_holds(void *session)
{
    monitor_logs_in_again();
    run_row(session, PRIMARY, "CALL p_write()", NULL);
    char *pinned = sql_column(console, "SHOW SESSIONS", "pinned_by");
    bool holds = pinned && strstr(pinned, "unknown-state");
    free(pinned);
    return holds;
}

static void without_privileges_views_are_tables_and_routines_hold(void **state)
{
    bool mysql = front.set->options.flavour == CLUSTER_MYSQL;
    const char *rights = mysql ? "SELECT, SHOW VIEW, SHOW_ROUTINE" : "SELECT, SHOW VIEW";
    (void)state;
    assert_int_equal(
        cluster_sql(front.set, 0, "GRANT SELECT ON mysql.%s TO monitor@'%%'", mysql ? "user" : "global_priv"),
        0);
    assert_int_equal(cluster_sql(front.set, 0, "REVOKE %s ON *.* FROM monitor@'%%'", rights), 0);
    assert_true(wait_for(sees_no_views, NULL, PATIENCE_MS));
    MYSQL *session = app();
    run_row(session, REPLICA, "SELECT count(*) FROM item", "5");
    assert_true(wait_for(a_call_holds, session, 3 * PATIENCE_MS)); /* it is told before it counts */
    mysql_close(session);
    assert_int_equal(cluster_sql(front.set, 0, "GRANT %s ON *.* TO monitor@'%%'", rights), 0);
    assert_true(wait_for(sees_views, NULL, PATIENCE_MS));
}

static void safe_functions_prove_views_too(void **state)
{
    (void)state;
    FILE *file = fopen(front.proxy->config, "ae");
    assert_non_null(file);
    assert_true(fputs("\n[routing]\nsafe_functions = bump\n", file) > 0 && fclose(file) == 0);
    assert_int_equal(kill(front.proxy->pid, SIGHUP), 0);
    wait_until_it_goes("SELECT a FROM v_over", "replica");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proven_views_are_read_on_replicas),
        cmocka_unit_test(a_view_counts_for_everybody_from_the_moment_it_exists),
        cmocka_unit_test(a_view_made_on_the_primary_itself_counts_soon),
        cmocka_unit_test(a_view_whose_making_takes_long_counts_too),
        cmocka_unit_test(locks_of_routines_and_triggers_hold_the_session),
        cmocka_unit_test(a_routine_or_trigger_counts_from_the_moment_it_exists),
        cmocka_unit_test(reads_and_harmless_calls_hold_nothing),
        cmocka_unit_test(roles_of_routines_stay_with_their_session),
        cmocka_unit_test(roles_of_prepared_calls_stay_with_their_session),
        cmocka_unit_test(without_privileges_views_are_tables_and_routines_hold),
        cmocka_unit_test(safe_functions_prove_views_too),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
