/* test_commands.c - statements of the console and their replies; no workers, a hand-made picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "picture.h"
#include "pointsman/base/log.h"
#include "pointsman/monitor/events.h"

static struct reply reply;

static int publish(void **state)
{
    (void)state;
    log_setup(LOG_ERROR, LOG_TEXT);
    topology_publish(picture_new(""));
    return 0;
}

static int drop_reply(void **state)
{
    (void)state;
    reply_done(&reply);
    return 0;
}

static void ask_as(const struct asker *asker, const char *text)
{
    reply_done(&reply);
    command_answer(asker, text, strlen(text), &reply);
}

static void ask(const char *text)
{
    ask_as(&picture_operator, text);
}

static void assert_err(const char *statement, unsigned code, const char *text)
{
    ask(statement);
    if (reply.kind != REPLY_ERR || reply.code != code || strcmp(reply.text, text) != 0)
        fail_msg("%s: %d %u %s", statement, reply.kind, reply.code, reply.text);
}

static void assert_ok(const char *statement)
{
    ask(statement);
    if (reply.kind != REPLY_OK)
        fail_msg("%s: %d %u %s", statement, reply.kind, reply.code, reply.text);
}

static void assert_rows(const char *statement, size_t rows)
{
    ask(statement);
    if (reply.kind != REPLY_ROWS || reply.set.rows != rows)
        fail_msg("%s: %d, %zu rows, %s", statement, reply.kind, reply.set.rows, reply.text);
}

static void assert_cell(size_t row, const char *column, const char *expected)
{
    const char *cell = picture_cell(&reply.set, row, column);
    if (!cell || strcmp(cell, expected) != 0)
        fail_msg("row %zu, %s: '%s', not '%s'", row, column, cell, expected);
}

/* ---- SHOW ---- */

static void servers_are_shown(void **state)
{
    (void)state;
    assert_rows("show servers;", 3);
    assert_cell(0, "role", "primary");
    assert_cell(1, "name", "db2");
    assert_cell(1, "lag_ms", "12");
    assert_cell(1, "gtid", "0-1-49");
    assert_cell(2, "state", "lagging");
    assert_cell(2, "reason", "lags 7000 ms behind");
    assert_cell(2, "address", "127.0.0.1:3312");
    assert_rows("SHOW SERVERS LIKE '%3'", 1);
    assert_rows("SHOW SERVERS WHERE role = 'replica' AND lag_ms < 100", 1);
    assert_cell(0, "name", "db2");
    assert_rows("SHOW SERVERS WHERE role = 'nothing'", 0);
}

static void status_and_variables_have_name_and_value(void **state)
{
    (void)state;
    assert_rows("SHOW STATUS LIKE 'primary'", 1);
    assert_cell(0, "value", "db1");
    assert_rows("SHOW STATUS WHERE name = 'version'", 1);
    assert_cell(0, "value", POINTSMAN_VERSION);
    assert_rows("SHOW STATUS LIKE 'routed\\_primary\\_locking-read'", 1);
    assert_cell(0, "value", "0");
    assert_rows("SHOW VARIABLES LIKE 'routing.max_lag'", 1);
    assert_cell(0, "value", "5s");
    assert_rows("SHOW VARIABLES LIKE 'monitor.password'", 1);
    assert_cell(0, "value", "***");
    assert_rows("SHOW SESSION VARIABLES WHERE Variable_name IN ('sql_mode', 'autocommit')", 2);
}

static void events_are_shown(void **state)
{
    (void)state;
    events_add("server", "db3", "lagging", 1200, "db3 %s", "lags");
    assert_rows("SHOW EVENTS WHERE server = 'db3'", 1);
    assert_cell(0, "duration_ms", "1200");
    assert_cell(0, "text", "db3 lags");
    assert_int_equal(strlen(picture_cell(&reply.set, 0, "time")), strlen("2026-11-23 05:27:32.052"));
}

static void what_is_asked_of_workers_is_empty_without_any(void **state)
{
    (void)state;
    assert_rows("SHOW SESSIONS", 0);
    assert_rows("SHOW POOL", 0);
    assert_rows("SHOW PINS", 0);
    assert_int_equal(reply.set.columns_count, 5);
}

static void json_on_demand(void **state)
{
    (void)state;
    assert_rows("SHOW SERVERS FORMAT=JSON", 1);
    assert_non_null(strstr(picture_cell(&reply.set, 0, "json"), "\"lag_ms\": 7000"));
    assert_rows("SHOW SERVERS LIKE 'db1' FORMAT = JSON", 1);
    assert_null(strstr(picture_cell(&reply.set, 0, "json"), "db2"));
    assert_err("SHOW SERVERS FORMAT=XML", 1064, "the only FORMAT is JSON");
    assert_err("SHOW SERVERS FORMAT=JSON FORMAT=JSON", 1064, "the command is: SHOW SERVERS");
}

static void help_lists_commands_but_not_chatter(void **state)
{
    (void)state;
    ask("HELP");
    assert_true(reply.set.rows >= 12);
    assert_rows("SHOW COMMANDS LIKE 'RELOAD'", 1);
    assert_cell(0, "role", "acting");
    assert_rows("HELP LIKE 'SELECT%'", 0);
}

/* ---- mistakes ---- */

static void mistakes_name_the_nearest_command(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"SHWO SERVERS", "the console has no command 'SHWO SERVERS'; did you mean SHOW SERVERS? SHOW "
                         "COMMANDS lists them all"},
        {"show sessoins;", "the console has no command 'show sessoins'; did you mean SHOW SESSIONS? SHOW "
                           "COMMANDS lists them all"},
        {"set sevrer db1 drain", "the console has no command 'set sevrer db1'; did you mean SET SERVER? SHOW "
                                 "COMMANDS lists them all"},
        {"explan route select 1", "the console has no command 'explan route select'; did you mean EXPLAIN "
                                  "ROUTE? SHOW COMMANDS lists them all"},
        {"realod", "the console has no command 'realod'; did you mean RELOAD? SHOW COMMANDS lists them all"},
        {"INSERT INTO t VALUES (1)",
         "the console has no command 'INSERT INTO t'. SHOW COMMANDS lists them all"},
        {"'", "the console has no command ''. SHOW COMMANDS lists them all"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_err(cases[i].text, 1064, cases[i].error);
    assert_err(" /* nothing */ ;", 1065, "Query was empty");
    assert_err("SHOW SERVERS please", 1064, "the command is: SHOW SERVERS");
    assert_err("SHOW SERVERS WHERE nmae = 1", 1064,
               "there is no column 'nmae', but name, address, role, state, lag_ms, gtid, weight, "
               "connections_used, connections_idle, queries, errors, reason");
}

/* ---- acting ---- */

static void acting_needs_the_role(void **state)
{
    static const char *const statements[] = {"RELOAD", "KILL 5", "SET SERVER db1 DRAIN"};
    struct asker reader = picture_operator;
    (void)state;
    reader.may_act = false;
    reader.user = "viewer";
    picture_reloads = 0;
    for (size_t i = 0; i < 3; i++) {
        ask_as(&reader, statements[i]);
        assert_int_equal(reply.kind, REPLY_ERR);
        assert_int_equal(reply.code, 1227);
    }
    assert_string_equal(reply.text,
                        "Access denied; SET SERVER needs an account of [admin], and 'viewer' is not one");
    assert_int_equal(picture_reloads, 0);
    ask_as(&reader, "SHOW SERVERS");
    assert_int_equal(reply.kind, REPLY_ROWS);
}

static void reload_says_what_is_wrong(void **state)
{
    (void)state;
    picture_reloads = 0;
    assert_ok("RELOAD");
    assert_string_equal(reply.text, "reloaded");
    assert_err("RELOAD", 1105, "nothing was changed: p.ini:3: no such key");
    assert_err("RELOAD now", 1064, "the command is: RELOAD");
    assert_int_equal(picture_reloads, 2);
}

/* No monitor runs, so no server is known to it. */
static void set_server_checks_its_arguments(void **state)
{
    (void)state;
    assert_err("SET SERVER db9 DRAIN", 1477, "there is no server 'db9', but db1, db2, db3");
    assert_err("SET SERVER db9 WEIGHT 3", 1477, "there is no server 'db9', but db1, db2, db3");
    assert_err("SET SERVER db1 WEIGHT 1001", 1064, "a weight is a number from 0 to 1000");
    assert_err("SET SERVER db1 WEIGHT", 1064, "a weight is a number from 0 to 1000");
    const char *usage = "the command is: SET SERVER name MAINTENANCE | DRAIN | ONLINE | WEIGHT n";
    assert_err("SET SERVER db1", 1064, usage);
    assert_err("SET SERVER", 1064, usage);
    assert_err("SET SERVER db1 GONE", 1064, usage);
    assert_err("SET SERVER db1 DRAIN now", 1064, usage);
}

static void kill_wants_a_session(void **state)
{
    (void)state;
    assert_err("KILL 2147483653", 1094, "Unknown thread id: 2147483653");
    assert_err("KILL QUERY 5", 1094, "Unknown thread id: 5");
    assert_err("KILL CONNECTION 99999999999", 1094, "Unknown thread id: 99999999999");
    assert_err("KILL", 1064, "the command is: KILL [QUERY] n");
    assert_err("KILL 5 6", 1064, "the command is: KILL [QUERY] n");
}

/* ---- chatter ---- */

static void what_clients_ask_by_themselves(void **state)
{
    (void)state;
    assert_rows("select @@version_comment limit 1", 1);
    assert_cell(0, "@@version_comment", "Pointsman admin console");
    assert_rows("/* driver 1.2 */SELECT  @@session.auto_increment_increment AS auto_increment_increment, "
                "@@sql_mode AS m, @@autocommit, 1, 'x' y, NULL, DATABASE(), USER() FROM DUAL",
                1);
    assert_cell(0, "auto_increment_increment", "1");
    assert_cell(0, "m", "");
    assert_cell(0, "@@autocommit", "1");
    assert_cell(0, "1", "1");
    assert_cell(0, "y", "x");
    assert_cell(0, "USER()", "op@127.0.0.1");
    assert_null(picture_cell(&reply.set, 0, "DATABASE()"));
    assert_null(picture_cell(&reply.set, 0, "NULL"));
    assert_int_equal(reply.set.columns[0].type, COLUMN_NUMBER);
    assert_int_equal(reply.set.columns[1].type, COLUMN_TEXT);
    assert_err("SELECT $$", 1054, "Unknown column '$$' in 'field list'");
    assert_err("SELECT @@nonsense", 1193, "Unknown system variable 'nonsense'");
    assert_err("SELECT * FROM t", 1064,
               "the console's SELECT knows constants and system variables; SHOW COMMANDS lists its commands");
    assert_err("SELECT sleep()", 1305, "FUNCTION sleep does not exist");
    ask("SELECT 1 FROM t");
    assert_int_equal(reply.kind, REPLY_ERR);
}

static void what_clients_set_by_themselves(void **state)
{
    static const char *const fine[] = {
        "SET NAMES utf8mb4",
        "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'",
        "SET AUTOCOMMIT = 0",
        "SET autocommit=1, sql_mode=CONCAT(@@sql_mode, ',STRICT'), @x := 'a,b'",
        "SET @@session.time_zone = '+00:00'",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET character_set_results = NULL",
        "COMMIT",
        "ROLLBACK",
        "START TRANSACTION",
        "begin"};
    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        assert_ok(fine[i]);
    assert_rows("SHOW WARNINGS", 0);
    assert_rows("SHOW DATABASES", 0);
}

static void nothing_pretends_to_be_set(void **state)
{
    (void)state;
    assert_err(
        "SET routing.max_lag = '1s'", 1193,
        "Unknown system variable 'routing.max_lag'; the configuration is changed in its file, then RELOAD");
    assert_err("SET GLOBAL autocommit = 1", 1193,
               "Unknown system variable 'autocommit'; the configuration is changed in its file, then RELOAD");
    ask("SET @@global.sql_mode = ''");
    assert_int_equal(reply.kind, REPLY_ERR);
    ask("SET x");
    assert_int_equal(reply.kind, REPLY_ERR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_shown),
        cmocka_unit_test(status_and_variables_have_name_and_value),
        cmocka_unit_test(events_are_shown),
        cmocka_unit_test(what_is_asked_of_workers_is_empty_without_any),
        cmocka_unit_test(json_on_demand),
        cmocka_unit_test(help_lists_commands_but_not_chatter),
        cmocka_unit_test(mistakes_name_the_nearest_command),
        cmocka_unit_test(acting_needs_the_role),
        cmocka_unit_test(reload_says_what_is_wrong),
        cmocka_unit_test(set_server_checks_its_arguments),
        cmocka_unit_test(kill_wants_a_session),
        cmocka_unit_test(what_clients_ask_by_themselves),
        cmocka_unit_test(what_clients_set_by_themselves),
        cmocka_unit_test(nothing_pretends_to_be_set),
    };
    return cmocka_run_group_tests(tests, publish, drop_reply);
}
