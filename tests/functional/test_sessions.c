/*
 * test_sessions.c - what an application relies on in one session and between sessions, where a table of
 *                   statements (test_routing.c) can't say it: several sessions, prepared statements,
 * commands.
 *
 *   Most are cases that other proxies get wrong; each is checked by the value it must give.
 *   POINTSMAN_DIRECT=1 runs all of it on the primary alone, where all must pass: it is what one server does.
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

enum { ROUNDS = 20, PATIENCE_MS = 10000 };

static struct front front;

static int start(void **state)
{
    const struct pointsman_options options = {.more = NULL};
    (void)state;
    return front_start(&front, &options) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    return front_stop(&front) ? 0 : -1;
}

static MYSQL *open_session(void)
{
    MYSQL *session = front_connect(&front);
    assert_non_null(session);
    return session;
}

static void run(MYSQL *session, const char *text)
{
    unsigned error = sql_run(session, "%s", text);
    if (error)
        fail_msg("%s: %u %s", text, error, mysql_error(session));
}

static void assert_error(MYSQL *session, const char *text, unsigned expected)
{
    unsigned error = sql_run(session, "%s", text);
    if (error != expected)
        fail_msg("%s: %u %s, not %u", text, error, mysql_error(session), expected);
}

static void assert_value(MYSQL *session, const char *text, const char *expected)
{
    char *value = sql_value(session, "%s", text);
    if (mysql_errno(session))
        fail_msg("%s: %u %s", text, mysql_errno(session), mysql_error(session));
    if (strcmp(value ? value : "NULL", expected) != 0)
        fail_msg("%s: %s, not %s", text, value ? value : "NULL", expected);
    free(value);
}

/* --- reading what one has written --- */

static void write_and_read(MYSQL *session, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        char text[80], expected[20];
        snprintf(text, sizeof text, "REPLACE INTO note VALUES (1, %d)", i);
        snprintf(expected, sizeof expected, "%d", i);
        run(session, text);
        assert_value(session, "SELECT a FROM note WHERE id = 1", expected);
    }
}

static void a_session_reads_its_own_writes(void **state)
{
    (void)state;
    MYSQL *session = open_session();
    write_and_read(session, 0, ROUNDS);
    mysql_close(session);
}

static void a_session_reads_its_own_writes_while_no_replica_applies(void **state)
{
    (void)state;
    MYSQL *session = open_session();
    assert_true(cluster_replication(front.set, 1, CLUSTER_SQL_THREAD, false));
    assert_true(cluster_replication(front.set, 2, CLUSTER_SQL_THREAD, false));
    write_and_read(session, 100, 5);
    assert_true(cluster_replication(front.set, 1, CLUSTER_SQL_THREAD, true));
    assert_true(cluster_replication(front.set, 2, CLUSTER_SQL_THREAD, true));
    assert_true(cluster_sync(front.set, 0, PATIENCE_MS));
    mysql_close(session);
}

/* The replicas are asked to wait for the write, and can't have it in time. */
static void a_read_only_transaction_sees_its_own_writes_too(void **state)
{
    (void)state;
    MYSQL *session = open_session(), *blockers[2];
    run(session, "DELETE FROM note");
    assert_true(cluster_sync(front.set, 0, PATIENCE_MS));
    for (int i = 0; i < 2; i++) {
        blockers[i] = cluster_connect(front.set, 1 + i, &cluster_root, "shop");
        run(blockers[i], "LOCK TABLES note READ");
    }
    run(session, "INSERT INTO note VALUES (1, 7)");
    run(session, "START TRANSACTION READ ONLY");
    assert_value(session, "SELECT a FROM note", "7");
    run(session, "COMMIT");
    for (int i = 0; i < 2; i++)
        mysql_close(blockers[i]);
    assert_true(cluster_sync(front.set, 0, PATIENCE_MS));
    mysql_close(session);
}

static void a_transaction_is_seen_by_its_own_session_at_once(void **state)
{
    (void)state;
    MYSQL *session = open_session();
    for (int i = 0; i < ROUNDS; i++) {
        run(session, "BEGIN");
        run(session, "DELETE FROM note");
        run(session, "INSERT INTO note VALUES (1, 1), (2, 2)");
        run(session, "COMMIT");
        assert_value(session, "SELECT sum(a) FROM note", "3");
        run(session, "DELETE FROM note WHERE id = 2");
        assert_value(session, "SELECT sum(a) FROM note", "1");
    }
    mysql_close(session);
}

/* --- state of one session --- */

static void a_user_variable_lasts(void **state)
{
    (void)state;
    MYSQL *session = open_session();
    run(session, "SET @v = 'kept'");
    for (int i = 0; i < ROUNDS; i++) {
        assert_value(session, "SELECT @v", "kept");
        assert_value(session, "SELECT count(*) FROM item", "5");
    }
    mysql_close(session);
}

static void insert_ids_survive_other_sessions(void **state)
{
    (void)state;
    MYSQL *one = open_session(), *other = open_session();
    run(one, "DROP TABLE IF EXISTS ticket; CREATE TABLE ticket (id INT PRIMARY KEY AUTO_INCREMENT, a INT)");
    run(one, "INSERT INTO ticket (a) VALUES (1)");
    for (int i = 0; i < 5; i++) {
        run(other, "INSERT INTO ticket (a) VALUES (2)");
        assert_value(other, "SELECT count(*) FROM item", "5");
        assert_value(one, "SELECT LAST_INSERT_ID()", "1");
    }
    assert_value(other, "SELECT LAST_INSERT_ID()", "6");
    run(one, "DROP TABLE ticket");
    mysql_close(one);
    mysql_close(other);
}

static void warnings_survive_other_sessions(void **state)
{
    (void)state;
    MYSQL *one = open_session(), *other = open_session();
    for (int i = 0; i < 5; i++) {
        assert_value(one, "SELECT cast(name AS SIGNED) FROM item WHERE id = 1", "0");
        assert_value(other, "SELECT name FROM item WHERE id = 1", "lamp");
        assert_value(other, "SHOW WARNINGS", "NULL");
        assert_value(one, "SHOW WARNINGS", "Warning");
    }
    mysql_close(one);
    mysql_close(other);
}

static void nothing_of_a_session_is_seen_by_the_next(void **state)
{
    (void)state;
    MYSQL *first = open_session();
    char *usual = sql_value(first, "SELECT @@sql_mode");
    assert_non_null(usual);
    mysql_close(first);
    for (int i = 0; i < 5; i++) {
        MYSQL *dirty = open_session();
        run(dirty,
            "SET @secret = 1; SET sql_mode = 'ANSI_QUOTES'; SET ROLE clerk; USE stock;"
            "CREATE TEMPORARY TABLE shop.private (a INT); SET autocommit = 0; SET time_zone = '+05:00'");
        run(dirty, "SELECT @asked := 2; INSERT INTO shop.serial (a) VALUES (3)");
        mysql_close(dirty);
        MYSQL *clean = open_session();
        for (int read = 0; read < 3; read++) {
            assert_value(clean, "SELECT @secret", "NULL");
            assert_value(clean, "SELECT @asked", "NULL");
            assert_value(clean, "SELECT @@sql_mode", usual);
            assert_value(clean, "SELECT @@time_zone", "SYSTEM");
            assert_value(clean, "SELECT DATABASE()", "shop");
            assert_value(clean, "SELECT @@autocommit", "1");
            assert_value(clean, "SELECT LAST_INSERT_ID()", "0");
        }
        assert_error(clean, "SELECT * FROM private", 1146);
        assert_error(clean, "SELECT * FROM vault.gold", 1142);
        mysql_close(clean);
    }
    free(usual);
}

/* --- locks, KILL --- */

static void a_user_lock_excludes_other_sessions(void **state)
{
    (void)state;
    MYSQL *one = open_session(), *other = open_session();
    assert_value(one, "SELECT GET_LOCK('door', 1)", "1");
    assert_value(other, "SELECT GET_LOCK('door', 0)", "0");
    assert_value(other, "SELECT IS_FREE_LOCK('door')", "0");
    assert_value(one, "SELECT RELEASE_LOCK('door')", "1");
    assert_value(other, "SELECT GET_LOCK('door', 1)", "1");
    mysql_close(other); /* which frees it */
    assert_value(one, "SELECT GET_LOCK('door', 10)", "1");
    mysql_close(one);
}

static void a_closed_session_frees_what_it_held(void **state)
{
    (void)state;
    MYSQL *one = open_session(), *other = open_session();
    run(one, "BEGIN");
    run(one, "SELECT id FROM item WHERE id = 1 FOR UPDATE");
    run(other, "SET innodb_lock_wait_timeout = 10");
    assert_error(other, "SELECT id FROM item WHERE id = 1 FOR UPDATE NOWAIT",
                 front.set->options.flavour == CLUSTER_MYSQL ? 3572 : 1205);
    mysql_close(one);
    run(other, "UPDATE item SET name = 'lamp' WHERE id = 1");
    run(other, "LOCK TABLES item WRITE");
    mysql_close(other);
    MYSQL *third = open_session();
    run(third, "SET lock_wait_timeout = 10");
    run(third, "INSERT INTO item VALUES (99, 'x')");
    run(third, "DELETE FROM item WHERE id = 99");
    mysql_close(third);
}

static void kill_reaches_the_session_that_connection_id_names(void **state)
{
    (void)state;
    MYSQL *victim = open_session(), *killer = open_session();
    long long id = sql_number(victim, "SELECT CONNECTION_ID()");
    assert_true(id > 0);
    assert_int_equal(sql_number(victim, "SELECT CONNECTION_ID()"), id);
    assert_int_not_equal(sql_number(killer, "SELECT CONNECTION_ID()"), id);
    assert_int_equal(mysql_thread_id(victim), (unsigned long)id);
    assert_int_equal(sql_run(killer, "KILL %lld", id), 0);
    assert_int_not_equal(sql_run(victim, "SELECT 1"), 0);
    assert_error(killer, "KILL 1", 1094); /* no such thread, or the server's own */
    assert_value(killer, "SELECT 1", "1");
    mysql_close(victim);
    mysql_close(killer);
}

/* --- commands besides COM_QUERY --- */

static void commands_answer(void **state)
{
    (void)state;
    MYSQL *session = open_session();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mysql_ping(session), 0);
        assert_int_equal(mysql_select_db(session, "stock"), 0);
        assert_value(session, "SELECT DATABASE()", "stock");
        assert_int_not_equal(mysql_select_db(session, "no_such"), 0);
        assert_value(session, "SELECT DATABASE()", "stock");
        assert_int_equal(mysql_select_db(session, "shop"), 0);
    }
    const char *figures = mysql_stat(session);
    assert_non_null(figures);
    assert_non_null(strstr(figures, "Uptime"));
    mysql_close(session);
}

static void a_reset_connection_is_as_new(void **state)
{
    (void)state;
    MYSQL *session = open_session();
    run(session, "SET @v = 1; CREATE TEMPORARY TABLE gone (a INT); SET sql_mode = 'ANSI_QUOTES'; BEGIN");
    assert_int_equal(mysql_reset_connection(session), 0);
    assert_value(session, "SELECT @v", "NULL");
    assert_error(session, "SELECT * FROM gone", 1146);
    assert_value(session, "SELECT @@sql_mode = 'ANSI_QUOTES'", "0");
    assert_value(session, "SELECT DATABASE()", "shop");
    mysql_close(session);
}

static void change_user(MYSQL *session, const struct cluster_account *account)
{
    if (mysql_change_user(session, account->user, account->password, "shop"))
        fail_msg("to %s: %u %s", account->user, mysql_errno(session), mysql_error(session));
}

static void a_changed_user_has_its_own_rights(void **state)
{
    (void)state;
    MYSQL *session = open_session();
    run(session, "SET @v = 1");
    change_user(session, &cluster_report);
    assert_value(session, "SELECT substring_index(CURRENT_USER(), '@', 1)", cluster_report.user);
    assert_value(session, "SELECT @v", "NULL");
    assert_error(session, "INSERT INTO note VALUES (9, 9)", 1142);
    change_user(session, &cluster_app);
    run(session, "REPLACE INTO note VALUES (9, 9)");
    assert_int_not_equal(mysql_change_user(session, cluster_app.user, "wrong", "shop"), 0);
    assert_int_equal(mysql_errno(session), 1045);
    mysql_close(session);
}

static void a_local_file_is_loaded(void **state)
{
    char path[300];
    (void)state;
    snprintf(path, sizeof path, "%s/notes.csv", front.set->directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 3000; i++)
        fprintf(file, "%d,%d\n", 5000 + i, i);
    fclose(file);
    MYSQL *session = open_session();
    unsigned error = sql_run(session, "LOAD DATA LOCAL INFILE '%s' INTO TABLE note FIELDS TERMINATED BY ','",
                             path);
    if (error)
        fail_msg("%u %s", error, mysql_error(session));
    assert_value(session, "SELECT count(*) FROM note WHERE id >= 5000", "3000");
    assert_int_not_equal(sql_run(session, "LOAD DATA LOCAL INFILE '%s.not' INTO TABLE note", path), 0);
    assert_value(session, "SELECT 1", "1");
    run(session, "DELETE FROM note WHERE id >= 5000");
    mysql_close(session);
}

/* --- prepared statements of the binary protocol --- */

static MYSQL_STMT *prepare(MYSQL *session, const char *text)
{
    MYSQL_STMT *statement = mysql_stmt_init(session);
    assert_non_null(statement);
    if (mysql_stmt_prepare(statement, text, strlen(text)))
        fail_msg("%s: %s", text, mysql_stmt_error(statement));
    return statement;
}

/* Runs a statement with up to one integer parameter; its first column of the last row as a number, -1 for no
 * row. */
static long long execute(MYSQL_STMT *statement, long long parameter)
{
    long long value = -1;
    MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &parameter};
    MYSQL_BIND out = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &value};
    if (mysql_stmt_param_count(statement))
        mysql_stmt_bind_param(statement, &in);
    if (mysql_stmt_execute(statement))
        fail_msg("%u %s", mysql_stmt_errno(statement), mysql_stmt_error(statement));
    if (mysql_stmt_field_count(statement)) {
        assert_int_equal(mysql_stmt_bind_result(statement, &out), 0);
        while (mysql_stmt_fetch(statement) == 0)
            ;
        mysql_stmt_free_result(statement);
    }
    return value;
}

static void last_insert_id_is_right_in_a_prepared_statement(void **state)
{
    (void)state;
    MYSQL *session = open_session();
    run(session, "DROP TABLE IF EXISTS ticket; CREATE TABLE ticket (id INT PRIMARY KEY AUTO_INCREMENT, a "
                 "INT) AUTO_INCREMENT = 30");
    MYSQL_STMT *insert = prepare(session, "INSERT INTO ticket (a) VALUES (?)");
    MYSQL_STMT *last = prepare(session, "SELECT LAST_INSERT_ID()");
    MYSQL_STMT *read = prepare(session, "SELECT count(*) FROM item WHERE id <= ?");
    for (int i = 0; i < 5; i++) {
        execute(insert, i);
        assert_int_equal(mysql_stmt_insert_id(insert), 30 + i);
        assert_int_equal(execute(last, 0), 30 + i);
        assert_int_equal(execute(read, 3), 3);
        assert_int_equal(execute(last, 0), 30 + i);
    }
    mysql_stmt_close(insert);
    mysql_stmt_close(last);
    mysql_stmt_close(read);
    run(session, "DROP TABLE ticket");
    mysql_close(session);
}

static void prepared_statements_follow_the_session(void **state)
{
    (void)state;
    MYSQL *session = open_session();
    MYSQL_STMT *read = prepare(session, "SELECT a + ? FROM note WHERE id = 20");
    MYSQL_STMT *write = prepare(session, "REPLACE INTO note VALUES (20, ?)");
    for (int i = 0; i < ROUNDS; i++) {
        execute(write, i);
        assert_int_equal(execute(read, 1000), 1000 + i);
    }
    run(session, "BEGIN");
    execute(write, 77);
    assert_int_equal(execute(read, 0), 77);
    run(session, "ROLLBACK; USE stock"); /* a statement keeps the schema it was prepared in */
    assert_int_equal(execute(read, 0), ROUNDS - 1);
    mysql_stmt_close(read);
    mysql_stmt_close(write);
    mysql_close(session);
}

static void a_cursor_is_read_piece_by_piece(void **state)
{
    unsigned long type = CURSOR_TYPE_READ_ONLY, piece = 2;
    long long id = 0;
    MYSQL_BIND out = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &id};
    (void)state;
    MYSQL *session = open_session();
    MYSQL_STMT *statement = prepare(session, "SELECT id FROM item ORDER BY id");
    mysql_stmt_attr_set(statement, STMT_ATTR_CURSOR_TYPE, &type);
    mysql_stmt_attr_set(statement, STMT_ATTR_PREFETCH_ROWS, &piece);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(mysql_stmt_execute(statement), 0);
        assert_int_equal(mysql_stmt_bind_result(statement, &out), 0);
        for (int row = 1; row <= 5; row++) {
            assert_int_equal(mysql_stmt_fetch(statement), 0);
            assert_int_equal(id, row);
        }
        assert_int_equal(mysql_stmt_fetch(statement), MYSQL_NO_DATA);
        mysql_stmt_free_result(statement);
    }
    mysql_stmt_close(statement);
    mysql_close(session);
}

static void long_data_arrives_whole(void **state)
{
    (void)state;
    char piece[1000];
    memset(piece, 'x', sizeof piece);
    MYSQL *session = open_session();
    MYSQL_STMT *statement = prepare(session, "SELECT length(?)");
    MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONG_BLOB};
    long long length = 0;
    MYSQL_BIND out = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &length};
    assert_int_equal(mysql_stmt_bind_param(statement, &in), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(mysql_stmt_send_long_data(statement, 0, piece, sizeof piece), 0);
    assert_int_equal(mysql_stmt_execute(statement), 0);
    assert_int_equal(mysql_stmt_bind_result(statement, &out), 0);
    assert_int_equal(mysql_stmt_fetch(statement), 0);
    assert_int_equal(length, 50000);
    mysql_stmt_close(statement);
    mysql_close(session);
}

int main(void)
{
    const struct CMUnitTest sessions[] = {
        cmocka_unit_test(a_session_reads_its_own_writes),
        cmocka_unit_test(a_session_reads_its_own_writes_while_no_replica_applies),
        cmocka_unit_test(a_read_only_transaction_sees_its_own_writes_too),
        cmocka_unit_test(a_transaction_is_seen_by_its_own_session_at_once),
        cmocka_unit_test(a_user_variable_lasts),
        cmocka_unit_test(insert_ids_survive_other_sessions),
        cmocka_unit_test(warnings_survive_other_sessions),
        cmocka_unit_test(nothing_of_a_session_is_seen_by_the_next),
        cmocka_unit_test(a_user_lock_excludes_other_sessions),
        cmocka_unit_test(a_closed_session_frees_what_it_held),
        cmocka_unit_test(kill_reaches_the_session_that_connection_id_names),
        cmocka_unit_test(commands_answer),
        cmocka_unit_test(a_reset_connection_is_as_new),
        cmocka_unit_test(a_changed_user_has_its_own_rights),
        cmocka_unit_test(a_local_file_is_loaded),
        cmocka_unit_test(last_insert_id_is_right_in_a_prepared_statement),
        cmocka_unit_test(prepared_statements_follow_the_session),
        cmocka_unit_test(a_cursor_is_read_piece_by_piece),
        cmocka_unit_test(long_data_arrives_whole),
    };
    return cmocka_run_group_tests(sessions, start, stop);
}
