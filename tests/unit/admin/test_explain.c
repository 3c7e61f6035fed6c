/* test_explain.c - EXPLAIN ROUTE on a hand-made picture: db1 primary, db2 a replica, db3 lags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../proxy/admin/explain.h"
#include "picture.h"

static struct result_set set;

static void explain(const struct topology *picture, const char *statement)
{
    result_set_done(&set);
    explain_statement(&picture_operator, picture, statement, strlen(statement), &set);
    assert_false(set.failed);
}

/* The n-th row of this item, "value" or "text". */
static const char *item(const char *name, size_t n, const char *column)
{
    for (size_t i = 0; i < set.rows; i++)
        if (strcmp(picture_cell(&set, i, "item"), name) == 0 && n-- == 0)
            return picture_cell(&set, i, column);
    return "(no such item)";
}

static void assert_item(const char *statement, const char *name, const char *expected)
{
    const char *value = item(name, 0, "value");
    if (strcmp(value, expected) != 0)
        fail_msg("%s: %s is '%s', not '%s'", statement, name, value, expected);
}

struct expectation {
    const char *statement, *target, *server, *class, *reason, *pins, *carries;
};

static void assert_expected(const struct topology *picture, const struct expectation *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *statement = cases[i].statement;
        explain(picture, statement);
        assert_item(statement, "target", cases[i].target);
        assert_item(statement, "server", cases[i].server);
        assert_item(statement, "class", cases[i].class);
        assert_item(statement, "reason", cases[i].reason);
        assert_item(statement, "pins", cases[i].pins ? cases[i].pins : "");
        assert_item(statement, "carries", cases[i].carries ? cases[i].carries : "");
    }
}

static void statements_go_where_they_would(void **state)
{
    static const struct expectation cases[] = {
        {"SELECT * FROM t", "replica", "db2", "read", "read", NULL, NULL},
        {"SELECT * FROM t FOR UPDATE", "primary", "db1", "write", "locking-read", NULL, NULL},
        {"INSERT INTO t VALUES (1)", "primary", "db1", "write", "write", NULL, NULL},
        {"SELECT my_function()", "primary", "db1", "write", "function", NULL, NULL},
        {"BEGIN", "primary", "db1", "transaction", "transaction", "transaction", NULL},
        {"START TRANSACTION READ ONLY", "replica", "db2", "transaction", "transaction", "transaction", NULL},
        {"SET NAMES latin1, sql_mode = ''", "replica", "db2", "state", "session-state", NULL,
         "NAMES, sql_mode"},
        {"SET @a = 5", "replica", "db2", "state", "session-state", NULL, "@a"},
        {"USE shop", "replica", "db2", "state", "session-state", NULL, "schema"},
        {"CREATE TEMPORARY TABLE x (a INT)", "primary", "db1", "write", "temporary-table", "temporary-table",
         NULL},
        {"SELECT GET_LOCK('a', 1)", "primary", "db1", "write", "user-lock", "user-lock", NULL},
        {"LOCK TABLES t WRITE", "primary", "db1", "write", "lock", "table-lock", NULL},
        {"SELECT 1; SELECT 2", "replica", "db2", "read", "read", NULL, NULL},
        {"SELECT 1; DELETE FROM t", "primary", "db1", "write", "write", NULL, NULL},
        {"SELECT /* pointsman: primary */ 1", "primary", "db1", "read", "hint", NULL, NULL},
        {"nonsense", "primary", "db1", "write", "unknown", NULL, NULL},
    };
    (void)state;
    struct topology *picture = picture_new("");
    assert_expected(picture, cases, sizeof cases / sizeof *cases);
    topology_unref(picture);
}

static void rules_are_named(void **state)
{
    static const char rules[] = "[rule reports]\nmatch = FROM reports\ntarget = primary\n"
                                "[rule no]\nmatch = FROM secret\ntarget = reject\n"
                                "[rule mine]\nuser = op\nmatch = FROM third\ntarget = server db3\n";
    static const struct expectation cases[] = {
        {"SELECT a FROM reports", "primary", "db1", "read", "rule", NULL, NULL},
        {"SELECT a FROM secret", "reject", "", "read", "rule", NULL, NULL},
    };
    (void)state;
    struct topology *picture = picture_new(rules);
    assert_expected(picture, cases, 2);
    assert_string_equal(item("rule", 0, "value"), "no");
    assert_string_equal(item("rule", 0, "text"), "FROM secret");
    assert_string_equal(item("candidate", 0, "value"), "db1: passed over: a rule rejects the statement");
    explain(picture, "SELECT 1 FROM third");
    assert_string_equal(item("rule", 0, "value"), "mine");
    assert_string_equal(item("server", 0, "value"), "db2"); /* db3 lags, so the rule can't be met */
    topology_unref(picture);
}

static void candidates_say_why(void **state)
{
    (void)state;
    struct topology *picture = picture_new("");
    explain(picture, "SELECT 1");
    assert_string_equal(
        item("candidate", 0, "value"),
        "db1: passed over: the primary serves reads only when no replica can (primary_reads)");
    assert_string_equal(item("candidate", 1, "value"),
                        "db2: taken: its turn by weight, were this the first statement");
    assert_string_equal(item("candidate", 2, "value"), "db3: passed over: lags 7000 ms behind");
    assert_string_equal(item("candidate", 1, "text"), "replica, online, lag 12 ms, weight 1, share 100");
    explain(picture, "DELETE FROM t");
    assert_string_equal(item("candidate", 0, "value"), "db1: taken: the primary");
    assert_string_equal(item("candidate", 1, "value"), "db2: passed over: not the primary");
    assert_string_equal(item("reason", 0, "text"), "changes data, schema or accounts (at 'DELETE')");
    assert_string_equal(item("digest", 0, "text"), "DELETE FROM t");
    topology_unref(picture);
}

static void no_replica_and_no_primary(void **state)
{
    (void)state;
    struct topology *picture = picture_new("");
    picture->servers[1].usable_for_reads = false;
    strcpy(picture->servers[1].reason, "no connection");
    explain(picture, "SELECT 1");
    assert_item("SELECT 1", "target", "primary");
    assert_item("SELECT 1", "reason", "no-replica");
    assert_string_equal(item("candidate", 0, "value"),
                        "db1: taken: no replica is usable, and the primary serves reads then");
    assert_string_equal(item("candidate", 1, "value"), "db2: passed over: no connection");
    picture->primary = TOPOLOGY_NOBODY;
    picture->servers[0].usable_for_writes = picture->servers[0].usable_for_reads = false;
    strcpy(picture->why_no_primary, "db1 is down");
    explain(picture, "UPDATE t SET a = 1");
    assert_item("UPDATE", "target", "primary");
    assert_item("UPDATE", "server", "");
    assert_string_equal(item("target", 0, "text"),
                        "it would wait, at most 10000 ms (queue_timeout): db1 is down");
    explain(picture, "SELECT 1");
    assert_item("SELECT", "target", "replica");
    assert_string_equal(item("target", 0, "text"),
                        "it would wait, at most 10000 ms (queue_timeout): no server is usable for reads");
    topology_unref(picture);
}

static void the_console_hands_on_the_statement_as_it_is(void **state)
{
    struct reply reply;
    static const char text[] = "EXPLAIN ROUTE /* pointsman: primary */ SELECT 'a;b' ;";
    (void)state;
    topology_publish(picture_new(""));
    command_answer(&picture_operator, text, strlen(text), &reply);
    assert_int_equal(reply.kind, REPLY_ROWS);
    assert_string_equal(picture_cell(&reply.set, 0, "value"), "primary");
    assert_string_equal(picture_cell(&reply.set, 3, "value"), "hint");
    reply_done(&reply);
    command_answer(&picture_operator, "EXPLAIN ROUTE ;", 15, &reply);
    assert_int_equal(reply.kind, REPLY_ERR);
    assert_string_equal(reply.text, "the command is: EXPLAIN ROUTE <statement>");
    reply_done(&reply);
}

/* There are no views and no routines. */
static int know_definitions(void **state)
{
    static const struct sql_options options = {.mariadb = true, .version = 101119};
    struct definitions_reading *reading = definitions_read(NULL, 0, &options);
    (void)state;
    if (!reading)
        return -1;
    definitions_publish(reading, 1, true, true);
    return 0;
}

static int drop_set(void **state)
{
    (void)state;
    result_set_done(&set);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_go_where_they_would),
        cmocka_unit_test(rules_are_named),
        cmocka_unit_test(candidates_say_why),
        cmocka_unit_test(no_replica_and_no_primary),
        cmocka_unit_test(the_console_hands_on_the_statement_as_it_is),
    };
    return cmocka_run_group_tests(tests, know_definitions, drop_set);
}
