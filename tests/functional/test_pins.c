/*
 * test_pins.c - what holds a session's connection, from when to when: rows of statements, and what SHOW
 * SESSIONS calls the reasons behind each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 5000 };

static struct front front;
static MYSQL *console, *app;

static const char *const routines[] = {
    "CREATE PROCEDURE p_drop() DROP TEMPORARY TABLE made",
    "CREATE PROCEDURE p_clear() BEGIN CALL p_read(); DROP TEMPORARY TABLE IF EXISTS made, other; END",
    "CREATE PROCEDURE p_drop_and_keep() BEGIN SET @kept = 5; DROP TEMPORARY TABLE made; END",
    "CREATE PROCEDURE p_unlock() DO RELEASE_LOCK('a')",
};

static int start(void **state)
{
    const struct pointsman_options options = {.pointsman = "workers = 1\n"};
    const struct cluster_account anybody = {"whoever", "whatever"};
    (void)state;
    if (!front_start(&front, &options))
        return -1;
    MYSQL *maker = front_connect(&front);
    int wrong = 0;
    for (size_t i = 0; i < sizeof routines / sizeof routines[0]; i++)
        wrong |= sql_run(maker, "%s", routines[i]) != 0;
    mysql_close(maker);
    console = sql_connect(NULL, front.proxy->admin_port, &anybody, NULL, 0);
    return wrong || !console ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    mysql_close(console);
    return front_stop(&front) ? 0 : -1;
}

/* A row leaves out what it doesn't say. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct row {
    const char *statement, *pins;
    unsigned error;
    enum cluster_flavour only; /* where the row is run, if it is not for both */
};

static const char *pins_of_app(char *room, size_t size)
{
    char *pins = sql_column(console, "SHOW SESSIONS WHERE user = 'app'", "pinned_by");
    snprintf(room, size, "%s", pins ? pins : "");
    free(pins);
    return room;
}

/* The server may still be asked whether it is held. */
static bool is_pinned_so(void *arg)
{
    char room[200];
    return strcmp(pins_of_app(room, sizeof room), ((const struct row *)arg)->pins) == 0;
}

static int log_in(void **state)
{
    (void)state;
    app = front_connect(&front);
    return app ? 0 : -1;
}

static bool nobody_is_left(void *arg)
{
    char *sessions = sql_column(console, "SHOW STATUS LIKE 'sessions'", "value");
    bool none = sessions && strcmp(sessions, "0") == 0;
    (void)arg;
    free(sessions);
    return none;
}

static int log_out(void **state)
{
    (void)state;
    mysql_close(app);
    return wait_for(nobody_is_left, NULL, PATIENCE_MS) ? 0 : -1;
}

static void run(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char room[200];
        if (rows[i].only && rows[i].only != front.set->options.flavour)
            continue;
        unsigned error = sql_run(app, "%s", rows[i].statement);
        if (error != rows[i].error)
            fail_msg("row %zu: %s: %u %s", i, rows[i].statement, error, mysql_error(app));
        if (!wait_for(is_pinned_so, (void *)(uintptr_t)&rows[i], PATIENCE_MS))
            fail_msg("row %zu: %s: pinned by '%s', not by '%s'", i, rows[i].statement,
                     pins_of_app(room, sizeof room), rows[i].pins);
    }
}

#define TABLE(name, ...)                                                                                     \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        static const struct row rows[] = {__VA_ARGS__};                                                      \
        (void)state;                                                                                         \
        run(rows, sizeof rows / sizeof rows[0]);                                                             \
    }

/* clang-format off */

TABLE(nothing_pins_without_need,
    {"SELECT name FROM item", "", 0},
    {"INSERT INTO note VALUES (1, 1)", "", 0},
    {"SET NAMES latin1", "", 0},
    {"SET @a = 5, time_zone = '+01:00'", "", 0},
    {"SET autocommit = 0", "", 0},
    {"SET autocommit = 1", "", 0},
    {"CALL p_write()", "", 0},
    {"SET ROLE clerk", "", 0},
    {"SET ROLE NONE", "", 0},
    {"USE stock", "", 0},
)

TABLE(transactions,
    {"BEGIN", "transaction", 0},
    {"SELECT name FROM item", "transaction", 0},
    {"COMMIT", "", 0},
    {"START TRANSACTION READ ONLY", "transaction", 0},
    {"ROLLBACK", "", 0},
    {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "next-transaction", 0},
    {"SELECT count(*) FROM note", "", 0},
    {"SET autocommit = 0", "", 0},
    {"SELECT count(*) FROM note", "transaction", 0},
    {"SET autocommit = 1", "", 0},
    {"BEGIN", "transaction", 0},
    {"CREATE TABLE commits_implicitly (a INT)", "", 0},
    {"DROP TABLE commits_implicitly", "", 0},
)

TABLE(temporary_tables,
    {"CREATE TEMPORARY TABLE made (a INT)", "temporary-table", 0},
    {"SELECT name FROM item", "temporary-table", 0},
    {"CREATE TEMPORARY TABLE other (a INT)", "temporary-table", 0},
    {"DROP TABLE made", "temporary-table", 0},
    {"DROP TEMPORARY TABLE stock.other", "diagnostics,temporary-table", 1051},
    {"DROP TEMPORARY TABLE other", "", 0},
)

TABLE(temporary_tables_that_procedures_drop,
    {"CREATE TEMPORARY TABLE made AS SELECT 1 AS a", "temporary-table", 0},
    {"CALL p_read()", "temporary-table", 0},
    {"CALL p_drop()", "", 0},
    {"CREATE TEMPORARY TABLE made AS SELECT 1 AS a", "temporary-table", 0},
    {"CREATE TEMPORARY TABLE other AS SELECT 1 AS a", "temporary-table", 0},
    {"CALL p_drop()", "temporary-table", 0},
    {"SELECT a FROM other", "temporary-table", 0},
    {"CALL p_clear()", "diagnostics,temporary-table", 0}, /* a note: there is no table made */
    {"SELECT a FROM note", "", 0},
    {"CREATE TEMPORARY TABLE made AS SELECT 1 AS a", "temporary-table", 0},
    {"BEGIN", "transaction,temporary-table", 0},
    {"CALL p_drop()", "transaction,temporary-table", 0}, /* it isn't asked for in a transaction */
    {"COMMIT", "", 0},
)

TABLE(what_a_procedure_leaves_besides,
    {"CREATE TEMPORARY TABLE made AS SELECT 1 AS a", "temporary-table", 0},
    {"CALL p_drop_and_keep()", "unknown-state", 0},
    {"SELECT @kept", "unknown-state", 0},
)

TABLE(user_locks,
    {"SELECT GET_LOCK('a', 1)", "user-lock", 0},
    {"SELECT GET_LOCK('b', 1)", "user-lock", 0},
    {"SELECT RELEASE_LOCK('a')", "user-lock", 0},
    {"DO RELEASE_LOCK('b')", "", 0},
    {"SELECT GET_LOCK('a', 1), GET_LOCK('b', 1)", "user-lock", 0},
    {"SELECT RELEASE_ALL_LOCKS()", "", 0},
    {"SELECT GET_LOCK('a', 1)", "user-lock", 0},
    {"CALL p_unlock()", "", 0},
)

TABLE(table_locks,
    {"LOCK TABLES note WRITE", "table-lock", 0},
    {"SELECT count(*) FROM note", "table-lock", 0},
    {"UNLOCK TABLES", "", 0},
    {"FLUSH TABLES note WITH READ LOCK", "table-lock", 0},
    {"UNLOCK TABLES", "", 0},
)

TABLE(handlers_and_xa,
    {"HANDLER item OPEN", "handler", 0},
    {"HANDLER item READ FIRST", "handler", 0},
    {"HANDLER item CLOSE", "", 0},
    {"XA START 'x'", "transaction,xa", 0},
    {"INSERT INTO note VALUES (20, 1)", "transaction,xa", 0},
    {"XA END 'x'", "transaction,xa", 0},
    {"XA PREPARE 'x'", "transaction,xa", 0, CLUSTER_MARIADB},
    {"XA PREPARE 'x'", "xa", 0, CLUSTER_MYSQL}, /* the session is in no transaction any more */
    {"XA COMMIT 'x'", "", 0},
)

TABLE(prepared_in_sql,
    {"PREPARE s FROM 'SELECT name FROM item'", "prepared", 0},
    {"PREPARE t FROM 'SELECT 2'", "prepared", 0},
    {"EXECUTE s", "prepared", 0},
    {"DEALLOCATE PREPARE s", "prepared", 0},
    {"DROP PREPARE t", "", 0},
)

TABLE(user_variables,
    {"SELECT MAX(id) INTO @top FROM item", "user-variable", 0},
    {"SELECT @top", "user-variable", 0},
    {"SET @top = 3", "", 0},
    {"SELECT @top", "", 0},
)

TABLE(diagnostics,
    {"SELECT nonsense", "diagnostics", 1054},
    {"SHOW WARNINGS", "diagnostics", 0},
    {"SELECT 1", "", 0},
    {"INSERT INTO note VALUES (30, 'x')", "diagnostics", 1366},
    {"INSERT INTO note VALUES (30, 1)", "", 0},
)

/* clang-format on */

static void everything_ends_with_the_session(void **state)
{
    static const char *const ties[] = {"CREATE TEMPORARY TABLE made (a INT)",
                                       "SELECT GET_LOCK('a', 1)",
                                       "HANDLER item OPEN",
                                       "PREPARE s FROM 'SELECT 1'",
                                       "SELECT 5 INTO @a",
                                       "SET timestamp = 100",
                                       "SET ROLE 'clerk'",
                                       "CALL p_lock()",
                                       "LOCK TABLES note READ",
                                       "BEGIN"};
    static const struct row free_again = {"", "", 0};
    (void)state;
    for (int change = 0; change < 2; change++) {
        for (size_t i = 0; i < sizeof ties / sizeof ties[0]; i++) {
            assert_int_equal(sql_run(app, "%s", ties[i]), 0);
            assert_false(is_pinned_so((void *)(uintptr_t)&free_again));
        }
        assert_int_equal(change ? mysql_change_user(app, cluster_app.user, cluster_app.password, "shop")
                                : mysql_reset_connection(app),
                         0);
        assert_true(wait_for(is_pinned_so, (void *)(uintptr_t)&free_again, PATIENCE_MS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_pins_without_need, log_in, log_out),
        cmocka_unit_test_setup_teardown(transactions, log_in, log_out),
        cmocka_unit_test_setup_teardown(temporary_tables, log_in, log_out),
        cmocka_unit_test_setup_teardown(temporary_tables_that_procedures_drop, log_in, log_out),
        cmocka_unit_test_setup_teardown(what_a_procedure_leaves_besides, log_in, log_out),
        cmocka_unit_test_setup_teardown(user_locks, log_in, log_out),
        cmocka_unit_test_setup_teardown(table_locks, log_in, log_out),
        cmocka_unit_test_setup_teardown(handlers_and_xa, log_in, log_out),
        cmocka_unit_test_setup_teardown(prepared_in_sql, log_in, log_out),
        cmocka_unit_test_setup_teardown(user_variables, log_in, log_out),
        cmocka_unit_test_setup_teardown(diagnostics, log_in, log_out),
        cmocka_unit_test_setup_teardown(everything_ends_with_the_session, log_in, log_out),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start, stop);
}
