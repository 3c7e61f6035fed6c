/*
 * test_commands.c - every command of the protocol gives the answer that a server gives, byte for byte.
 *
 *   step ──┬── a connection through the proxy ──> answer ─┐
 *          └── a connection to `alone` ─────────> answer ─┴─ equal?
 *
 * `alone` is a server of its own that begins with the same data, so that neither sees the other's writes.
 *
 * once for each set of capabilities that a client may have: with and without DEPRECATE_EOF, SESSION_TRACK,
 * FOUND_ROWS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "../cluster/rawclient.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 10000 };

static struct cluster *set, *alone;
static struct pointsman *proxy;

static bool start_set(struct cluster **ret_set, int servers)
{
    const struct cluster_options options = {.servers = servers};
    struct cluster *fresh = *ret_set = cluster_start(&options);
    return fresh && cluster_numbers(fresh, "shop", 1, 100) &&
           cluster_sql(fresh, 0,
                       "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40));"
                       "INSERT INTO shop.item SELECT seq, CONCAT('item ', seq) FROM shop.seq_1_to_100;"
                       "CREATE TABLE shop.counted (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(9))") ==
               0 &&
           cluster_sync(fresh, 0, PATIENCE_MS);
}

static int start_all(void **state)
{
    const struct pointsman_options usual = {.pointsman = "workers = 1\n"};
    (void)state;
    if (start_set(&set, 2) && start_set(&alone, 1) && (proxy = pointsman_start(set, &usual)))
        return 0;
    cluster_stop(set);
    cluster_stop(alone);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(proxy);
    cluster_stop(set);
    cluster_stop(alone);
    return status;
}

/* --- twins --- */

struct twins {
    struct raw *proxy, *server;
    int different;
};

static void print_bytes(const char *who, const uint8_t *data, size_t length)
{
    fprintf(stderr, "  %s (%zu):", who, length);
    for (size_t i = 0; i < length && i < 160; i++)
        if (isprint(data[i]))
            fprintf(stderr, " %c", data[i]);
        else
            fprintf(stderr, " %02x", data[i]);
    fputc('\n', stderr);
}

static int by_value(const void *left, const void *right)
{
    return *(const uint8_t *)left - *(const uint8_t *)right;
}

/* Tracked variables may come in any order: it differs with the list of those that are tracked. */
static bool same_answer(uint8_t *left, size_t left_length, uint8_t *right, size_t right_length)
{
    if (left_length != right_length)
        return false;
    if (left_length == 0 || memcmp(left, right, left_length) == 0)
        return true;
    static const char *const tracked[] = {"character_set_", "autocommit", "time_zone", "sql_mode"};
    bool tracks = false;
    for (size_t i = 0; i < sizeof tracked / sizeof *tracked; i++)
        tracks |= memmem(left, left_length, tracked[i], strlen(tracked[i])) != NULL;
    if (!tracks)
        return false;
    qsort(left, left_length, 1, by_value);
    qsort(right, left_length, 1, by_value);
    return memcmp(left, right, left_length) == 0;
}

/* What proxy and server number by themselves. */
static void hide_ids(uint8_t command, uint8_t *data, size_t length)
{
    if (command == COM_STMT_PREPARE && length >= RAW_HEADER + 5 && data[RAW_HEADER] == 0)
        memset(data + RAW_HEADER + 1, 0, 4);
}

static void compare(struct twins *twins, uint8_t command, const char *what)
{
    uint8_t *data[2] = {NULL, NULL};
    size_t length[2] = {0, 0};
    enum raw_outcome proxy_outcome = raw_answer(twins->proxy, command, &data[0], &length[0]);
    enum raw_outcome server_outcome = raw_answer(twins->server, command, &data[1], &length[1]);
    hide_ids(command, data[0], length[0]);
    hide_ids(command, data[1], length[1]);
    if (proxy_outcome != server_outcome || !same_answer(data[0], length[0], data[1], length[1])) {
        fprintf(stderr, "command %u %s: outcomes %d and %d\n", command, what, proxy_outcome, server_outcome);
        print_bytes("proxy", data[0], length[0]);
        print_bytes("server", data[1], length[1]);
        twins->different++;
    }
    free(data[0]);
    free(data[1]);
}

static void both(struct twins *twins, uint8_t command, const void *data, size_t length, const char *what)
{
    raw_command(twins->proxy, command, data, length);
    raw_command(twins->server, command, data, length);
    compare(twins, command, what);
}

static void query(struct twins *twins, const char *text)
{
    both(twins, COM_QUERY, text, strlen(text), text);
}

static void queries(struct twins *twins, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        query(twins, texts[i]);
}
#define QUERIES(twins, texts) queries(twins, texts, sizeof(texts) / sizeof *(texts))

static struct twins open_twins(uint32_t capabilities)
{
    const struct cluster_account *app = &cluster_app;
    return (struct twins){
        .proxy = raw_open(proxy->port, app->user, app->password, "shop", RAW_PLAIN | capabilities),
        .server = raw_open(alone->server[0].port, app->user, app->password, "shop",
                           RAW_PLAIN | capabilities)};
}

static void close_twins(struct twins *twins)
{
    raw_close(twins->proxy);
    raw_close(twins->server);
    cluster_sync(set, 0, PATIENCE_MS);
    if (twins->different)
        fail_msg("%d answers differ", twins->different);
}

static const uint32_t kinds_of_client[] = {0, RAW_DEPRECATE_EOF, RAW_SESSION_TRACK,
                                           RAW_SESSION_TRACK | RAW_DEPRECATE_EOF, RAW_FOUND_ROWS};
enum { KINDS = sizeof kinds_of_client / sizeof *kinds_of_client };

static void for_all_clients(void (*run)(struct twins *twins))
{
    int different = 0;
    for (int i = 0; i < KINDS; i++) {
        struct twins twins = open_twins(kinds_of_client[i]);
        run(&twins);
        if (twins.different)
            fprintf(stderr, "with capabilities %#x: %d answers differ\n", kinds_of_client[i],
                    twins.different);
        different += twins.different;
        twins.different = 0;
        close_twins(&twins);
    }
    assert_int_equal(different, 0);
}

/* --- COM_QUERY --- */

static void run_reads(struct twins *twins)
{
    static const char *const texts[] = {
        "SELECT 1",
        "SELECT id, name FROM item WHERE id < 4",
        "SELECT * FROM item WHERE id < 0",
        "SELECT NULL, '', 1.5, REPEAT('x', 300), CAST(0 AS DATE)",
        "SELECT CONVERT('abc', SIGNED)",
        "SELECT 1/0",
        "SELECT nonsense",
        "SELEC nonsense",
        "",
        ";",
        " ",
        "/* nothing */",
        "SELECT 1;",
        "SELECT 1; SELECT 2",
        "SELECT 1; SELECT nonsense; SELECT 3",
        "SHOW TABLES",
        "EXPLAIN SELECT 1", /* of a table it says an estimate, which differs by server */
        "SELECT name FROM item WHERE id = 1 LIMIT 1",
        "DESC item",
        "SELECT * FROM nowhere",
        "SELECT * FROM nowhere.at_all",
        "HELP 'nothing'",
        "CHECKSUM TABLE item",
    };
    QUERIES(twins, texts);
}

static void run_writes(struct twins *twins)
{
    static const char *const texts[] = {
        "UPDATE item SET name = 'one' WHERE id = 1",
        "UPDATE item SET name = 'one' WHERE id = 1",
        "UPDATE item SET name = 'none' WHERE id < 0",
        "DO 1",
        "INSERT INTO nowhere VALUES (1)",
        "INSERT INTO item VALUES (1, 'again')",
        "INSERT IGNORE INTO item VALUES (1, 'again'), (2, 'again')",
        "REPLACE INTO item VALUES (1, 'item 1')",
        "CREATE TABLE item (a INT)",
        "CREATE TABLE IF NOT EXISTS item (a INT)",
        "DROP TABLE IF EXISTS not_there",
        "DROP TABLE not_there",
        "UPDATE item SET name = name; SELECT 5; DO 0; SELECT 6",
        "DELETE FROM item WHERE id > 100",
        "INSERT INTO item VALUES (101, 'a'), (102, 'b')",
        "DELETE FROM item WHERE id > 100 RETURNING id, name",
        "ANALYZE TABLE item",
    };
    QUERIES(twins, texts);
}

static void run_state(struct twins *twins)
{
    static const char *const texts[] = {
        "USE stock",
        "SELECT DATABASE()",
        "USE shop",
        "USE nowhere",
        "USE mysql",
        "SELECT DATABASE()",
        "SET NAMES latin1",
        "SET NAMES latin1",
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
        "SET NAMES nonsense",
        "SET CHARACTER SET utf8mb4",
        "SET time_zone = '+02:00'",
        "SET time_zone = 'nonsense'",
        "SET sql_mode = 'ANSI_QUOTES'",
        "SELECT \"id\" FROM item LIMIT 1",
        "SET sql_mode = DEFAULT",
        "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
        "SELECT 'a\\'",
        "SET SESSION sql_mode = DEFAULT, time_zone = DEFAULT",
        "SET @a = 1, @b = 'two'",
        "SELECT @a, @b, @c",
        "SET @c = (SELECT 3)",
        "SELECT @c",
        "SET wait_timeout = 1000",
        "SET sql_select_limit = 2",
        "SELECT id FROM item WHERE id < 9",
        "SET sql_select_limit = DEFAULT",
        "SET nonsense = 1",
        "SET GLOBAL max_connections = 5",
    };
    QUERIES(twins, texts);
}

static void run_transactions(struct twins *twins)
{
    static const char *const texts[] = {
        "BEGIN",
        "SELECT id FROM item WHERE id = 1",
        "UPDATE item SET name = 'x' WHERE id = 5",
        "SELECT name FROM item WHERE id = 5",
        "ROLLBACK",
        "SELECT name FROM item WHERE id = 5",
        "SET autocommit = 0",
        "SELECT 1",
        "SELECT id FROM item WHERE id = 1",
        "COMMIT",
        "SELECT nonsense",
        "COMMIT AND CHAIN",
        "COMMIT",
        "SET autocommit = 1",
        "START TRANSACTION READ ONLY",
        "SELECT id FROM item WHERE id = 1",
        "UPDATE item SET name = 'x' WHERE id = 5",
        "COMMIT",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT",
        "SAVEPOINT a",
        "ROLLBACK TO a",
        "ROLLBACK",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "BEGIN",
        "SELECT id FROM item WHERE id = 1",
        "COMMIT",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SELECT id FROM item WHERE id = 1",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "CREATE TEMPORARY TABLE mine (a INT)",
        "INSERT INTO mine VALUES (1), (2)",
        "SELECT * FROM mine",
        "DROP TEMPORARY TABLE mine",
        "PREPARE s FROM 'SELECT ? + 1'",
        "SET @a = 41",
        "EXECUTE s USING @a",
        "DEALLOCATE PREPARE s",
        "EXECUTE s",
        "HANDLER item OPEN",
        "HANDLER item READ FIRST",
        "HANDLER item CLOSE",
        "SELECT GET_LOCK('x', 0), RELEASE_LOCK('x')",
        "LOCK TABLES item READ",
        "SELECT id FROM item WHERE id = 1",
        "SELECT * FROM counted",
        "UNLOCK TABLES",
    };
    QUERIES(twins, texts);
}

static void run_diagnostics(struct twins *twins)
{
    static const char *const texts[] = {
        "SELECT 1/0, CAST('x' AS INT)",
        "SHOW WARNINGS",
        "SHOW COUNT(*) WARNINGS",
        "SELECT @@warning_count",
        "SELECT nonsense",
        "SHOW ERRORS",
        "SELECT id FROM item WHERE id = 1",
        "SHOW WARNINGS",
        "SELECT SQL_CALC_FOUND_ROWS id FROM item LIMIT 2",
        "SELECT FOUND_ROWS()",
        "UPDATE item SET name = 'y' WHERE id IN (7, 8)",
        "SELECT ROW_COUNT()",
        "UPDATE item SET name = CONCAT('item ', id) WHERE id IN (7, 8)",
        "SELECT ROW_COUNT() AS n, 1",
    };
    QUERIES(twins, texts);
}

static void reads_are_answered_alike(void **state)
{
    (void)state;
    for_all_clients(run_reads);
}

static void writes_are_answered_alike(void **state)
{
    (void)state;
    for_all_clients(run_writes);
}

static void session_state_is_answered_alike(void **state)
{
    (void)state;
    for_all_clients(run_state);
}

static void transactions_are_answered_alike(void **state)
{
    (void)state;
    for_all_clients(run_transactions);
}

static void diagnostics_are_answered_alike(void **state)
{
    (void)state;
    for_all_clients(run_diagnostics);
}

/* --- what is tracked --- */

/* The proxy begins to show what it is asked for with the next statement, servers with this one. */
static void ask_for(struct twins *twins, const char *text)
{
    assert_int_equal(raw_run(twins->proxy, text), 0);
    assert_int_equal(raw_run(twins->server, text), 0);
}

static void run_tracking(struct twins *twins)
{
    static const char *const schema[] = {
        "SET session_track_schema = 0",
        "USE stock",
        "SET session_track_schema = 1",
        "USE shop",
    };
    static const char *const change[] = {
        "SET @c = 3",
        "USE stock",
        "SET session_track_state_change = 0",
        "SET @c = 4",
        "SET session_track_system_variables = 'sql_mode,time_zone'",
        "SET sql_mode = 'ANSI_QUOTES'",
        "SET time_zone = '+01:00'",
        "SET autocommit = 1",
        "SET NAMES latin1",
        "SET session_track_system_variables = ''",
        "SET time_zone = '+02:00', sql_mode = DEFAULT",
        "SET session_track_system_variables = 'nonsense'",
    };
    static const char *const all[] = {
        "SET lc_time_names = 'de_DE'",
        "SET NAMES utf8mb4",
        "SET session_track_system_variables = DEFAULT",
        "SET lc_time_names = 'en_US'",
        "SET NAMES latin1",
        "SET time_zone = '+04:00', autocommit = 0, @x = 1; SELECT 1; SET autocommit = 1",
    };
    QUERIES(twins, schema);
    ask_for(twins, "SET session_track_state_change = 1");
    QUERIES(twins, change);
    ask_for(twins, "SET session_track_system_variables = '*'");
    QUERIES(twins, all);
}

/* Without DEPRECATE_EOF nothing but a flag comes of it, and not to all. */
static void run_transaction_tracking(struct twins *twins)
{
    static const char *const texts[] = {
        "SET session_track_transaction_info = 'STATE'",
        "BEGIN",
        "SELECT id FROM shop.item WHERE id = 1",
        "UPDATE shop.item SET name = name WHERE id = 1",
        "COMMIT",
        "SET session_track_transaction_info = 'CHARACTERISTICS'",
        "START TRANSACTION READ ONLY",
        "SELECT id FROM shop.item WHERE id = 1",
        "COMMIT",
        "SET session_track_transaction_info = 'OFF'",
    };
    QUERIES(twins, texts);
}

static void what_is_tracked_is_what_was_asked_for(void **state)
{
    (void)state;
    for_all_clients(run_tracking);
    struct twins twins = open_twins(RAW_SESSION_TRACK | RAW_DEPRECATE_EOF);
    run_transaction_tracking(&twins);
    close_twins(&twins);
}

/* MySQL reports then what nobody can set, such as @@statement_id. */
static void who_tracks_all_goes_on(void **state)
{
    (void)state;
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    assert_non_null(client);
    assert_int_equal(sql_run(client, "SET session_track_system_variables = '*'"), 0);
    assert_int_equal(sql_run(client, "SET lc_time_names = 'de_DE'"), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sql_number(client, "SELECT @@lc_time_names = 'de_DE'"), 1);
        assert_int_equal(sql_run(client, "UPDATE item SET name = name WHERE id = 5"), 0);
    }
    mysql_close(client);
}

/* --- the other commands --- */

static void run_commands(struct twins *twins)
{
    static const uint8_t on[] = {0, 0}, off[] = {1, 0}, neither[] = {7, 0};
    both(twins, COM_PING, NULL, 0, "");
    both(twins, COM_PING, "more", 4, "with something behind it");
    both(twins, COM_INIT_DB, "stock", 5, "stock");
    both(twins, COM_INIT_DB, "nowhere", 7, "nowhere");
    both(twins, COM_INIT_DB, "mysql", 5, "mysql");
    both(twins, COM_INIT_DB, "", 0, "nothing");
    query(twins, "SELECT DATABASE()");
    both(twins, COM_INIT_DB, "shop", 4, "shop");
    both(twins, COM_SET_OPTION, off, 2, "off");
    query(twins, "SELECT 1; SELECT 2");
    both(twins, COM_SET_OPTION, on, 2, "on");
    query(twins, "SELECT 1; SELECT 2");
    both(twins, COM_SET_OPTION, neither, 2, "neither");
    both(twins, COM_FIELD_LIST, "item\0", 5, "item");
    both(twins, COM_FIELD_LIST, "item\0n%", 7, "item n%");
    both(twins, COM_FIELD_LIST, "nowhere\0", 8, "nowhere");
    both(twins, COM_RESET_CONNECTION, NULL, 0, "");
    query(twins, "SELECT DATABASE(), @a");
    both(twins, COM_REFRESH, "\x04", 1, "tables");
    both(twins, COM_DEBUG, NULL, 0, "");
    both(twins, COM_PING, NULL, 0, "again");
}

static void other_commands_are_answered_alike(void **state)
{
    (void)state;
    for_all_clients(run_commands);
}

static void run_unknown(struct twins *twins)
{
    static const uint8_t codes[] = {0,  5,  6,  11,  15,  16,  19,  20,  29,
                                    32, 33, 99, 200, 249, 251, 252, 254, 255};
    for (size_t i = 0; i < sizeof codes; i++) {
        both(twins, codes[i], "data", 4, "with data");
        both(twins, codes[i], NULL, 0, "without data");
    }
    query(twins, "SELECT 1");
}

static void unknown_commands_are_answered_alike(void **state)
{
    (void)state;
    for_all_clients(run_unknown);
}

static void run_statement_ids(struct twins *twins)
{
    static const uint8_t execute[] = {77, 0, 0, 0, 0, 1, 0, 0, 0}, fetch[] = {77, 0, 0, 0, 1, 0, 0, 0};
    both(twins, COM_STMT_EXECUTE, execute, sizeof execute, "of no statement");
    both(twins, COM_STMT_RESET, execute, 4, "of no statement");
    both(twins, COM_STMT_FETCH, fetch, sizeof fetch, "of no statement");
    both(twins, COM_STMT_PREPARE, "SELECT ?, 'x'", 13, "SELECT ?, 'x'");
    both(twins, COM_STMT_PREPARE, "DO 1", 4, "DO 1");
    both(twins, COM_STMT_PREPARE, "nonsense", 8, "nonsense");
    both(twins, COM_STMT_PREPARE, "", 0, "nothing");
    query(twins, "SELECT 1");
}

static void ids_of_no_statement_are_answered_alike(void **state)
{
    (void)state;
    for_all_clients(run_statement_ids);
}

static void statistics_are_text(void **state)
{
    (void)state;
    struct twins twins = open_twins(0);
    for (int i = 0; i < 2; i++) {
        uint8_t *data = NULL;
        size_t length = 0;
        raw_command(twins.proxy, COM_STATISTICS, NULL, 0);
        assert_int_equal(raw_answer(twins.proxy, COM_STATISTICS, &data, &length), RAW_GOT);
        assert_true(length > 20);
        assert_memory_equal(data + RAW_HEADER, "Uptime: ", 8);
        free(data);
    }
    query(&twins, "SELECT 1");
    close_twins(&twins);
}

/* --- packets that break the rules --- */

/* Code and words; servers number the packet 0 whatever came, which clients refuse to read. */
static void run_broken(const void *data, size_t length, bool ends, const char *what)
{
    struct raw_err errors[2];
    struct twins twins = open_twins(0);
    struct raw *const both[] = {twins.proxy, twins.server};
    for (int i = 0; i < 2; i++) {
        raw_bytes(both[i], data, length);
        assert_int_equal(raw_read(both[i]), RAW_GOT);
        if (!raw_err(both[i], &errors[i]))
            fail_msg("%s: no error from %s", what, i ? "the server" : "the proxy");
        if (ends && !raw_ends(both[i]))
            fail_msg("%s: not closed by %s", what, i ? "the server" : "the proxy");
    }
    assert_int_equal(errors[0].code, errors[1].code);
    assert_string_equal(errors[0].state, errors[1].state);
    assert_string_equal(errors[0].message, errors[1].message);
    if (!ends)
        query(&twins, "SELECT 1");
    close_twins(&twins);
}

static void broken_packets_are_answered_alike(void **state)
{
    (void)state;
    run_broken("\x01\0\0\x01\x0e", 5, true, "sequence 1");
    run_broken("\x01\0\0\xff\x0e", 5, true, "sequence 255");
    run_broken("\x00\0\0\x00", 4, false, "empty packet");
}

/* --- affected rows --- */

static void affected_rows_are_counted_as_the_client_wants(void **state)
{
    (void)state;
    MYSQL *changed = sql_connect(NULL, proxy->port, &cluster_app, "shop", 0);
    MYSQL *found = sql_connect(NULL, proxy->port, &cluster_app, "shop", CLIENT_FOUND_ROWS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mysql_query(changed, "UPDATE item SET name = name WHERE id < 11"), 0);
        assert_int_equal(mysql_affected_rows(changed), 0);
        assert_int_equal(mysql_query(found, "UPDATE item SET name = name WHERE id < 11"), 0);
        assert_int_equal(mysql_affected_rows(found), 10);
    }
    mysql_close(changed);
    mysql_close(found);
}

/* --- COM_CHANGE_USER, COM_RESET_CONNECTION --- */

static void change_user_begins_anew(void **state)
{
    (void)state;
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    assert_non_null(client);
    assert_int_equal(sql_run(client, "INSERT INTO counted (name) VALUES ('a')"), 0);
    assert_int_equal(sql_run(client, "SET @a = 5, time_zone = '+05:00'"), 0);
    assert_int_equal(sql_run(client, "CREATE TEMPORARY TABLE mine (a INT)"), 0);
    assert_int_equal(mysql_change_user(client, cluster_report.user, cluster_report.password, "shop"), 0);
    char *user = sql_value(client, "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)");
    assert_string_equal(user, "report");
    free(user);
    assert_int_equal(sql_number(client, "SELECT @a IS NULL AND @@time_zone = 'SYSTEM'"), 1);
    assert_int_equal(sql_number(client, "SELECT LAST_INSERT_ID()"), 0);
    assert_int_equal(sql_run(client, "SELECT * FROM mine"), 1146);
    assert_int_equal(sql_run(client, "DELETE FROM item"), 1142);
    assert_int_equal(mysql_change_user(client, cluster_app.user, cluster_app.password, NULL), 0);
    assert_int_equal(sql_number(client, "SELECT DATABASE() IS NULL"), 1);
    assert_int_equal(sql_run(client, "UPDATE shop.item SET name = name"), 0);
    mysql_close(client);
}

static void change_user_may_fail(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
        assert_int_not_equal(mysql_change_user(client, "app", "wrong", NULL), 0);
        assert_int_equal(mysql_errno(client), 1045);
        mysql_close(client);
        client = pointsman_connect(proxy, &cluster_app, "shop");
        assert_int_not_equal(
            mysql_change_user(client, cluster_report.user, cluster_report.password, "nowhere"), 0);
        unsigned proxied = mysql_errno(client);
        mysql_close(client);
        client = cluster_connect(alone, 0, &cluster_app, "shop");
        mysql_change_user(client, cluster_report.user, cluster_report.password, "nowhere");
        assert_int_equal(proxied, mysql_errno(client));
        mysql_close(client);
    }
}

static void reset_connection_keeps_the_schema_only(void **state)
{
    (void)state;
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    assert_int_equal(sql_run(client, "INSERT INTO counted (name) VALUES ('b')"), 0);
    assert_int_equal(sql_run(client, "SET @a = 5, time_zone = '+05:00', autocommit = 0"), 0);
    assert_int_equal(sql_run(client, "CREATE TEMPORARY TABLE mine (a INT)"), 0);
    assert_int_equal(sql_run(client, "UPDATE item SET name = 'lost' WHERE id = 20"), 0);
    assert_int_equal(sql_number(client, "SELECT GET_LOCK('reset', 0)"), 1);
    assert_int_equal(mysql_reset_connection(client), 0);
    assert_int_equal(sql_number(client, "SELECT @a IS NULL AND @@time_zone = 'SYSTEM'"), 1);
    assert_int_equal(sql_number(client, "SELECT @@autocommit AND DATABASE() = 'shop'"), 1);
    assert_int_equal(sql_number(client, "SELECT LAST_INSERT_ID()"), 0);
    assert_int_equal(sql_run(client, "SELECT * FROM mine"), 1146);
    assert_int_equal(sql_number(client, "SELECT /* pointsman: primary */ name = 'item 20' FROM item"
                                        " WHERE id = 20"),
                     1);
    MYSQL *other = pointsman_connect(proxy, &cluster_app, "shop");
    assert_int_equal(sql_number(other, "SELECT GET_LOCK('reset', 5)"), 1);
    mysql_close(other);
    mysql_close(client);
}

/* --- prepared statements --- */

static MYSQL_STMT *prepare(MYSQL *client, const char *text)
{
    MYSQL_STMT *statement = mysql_stmt_init(client);
    if (mysql_stmt_prepare(statement, text, strlen(text)) != 0)
        fail_msg("%s: %s", text, mysql_stmt_error(statement));
    return statement;
}

static void prepared_statements_work(void **state)
{
    (void)state;
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    MYSQL_STMT *read = prepare(client, "SELECT id * ?, name FROM item WHERE id < ? ORDER BY id");
    MYSQL_STMT *write = prepare(client, "INSERT INTO counted (name) VALUES (?)");
    int factor = 10, limit = 4, product = 0, row = 0;
    char name[41] = "";
    MYSQL_BIND in[2] = {{.buffer_type = MYSQL_TYPE_LONG, .buffer = &factor},
                        {.buffer_type = MYSQL_TYPE_LONG, .buffer = &limit}};
    MYSQL_BIND out[2] = {{.buffer_type = MYSQL_TYPE_LONG, .buffer = &product},
                         {.buffer_type = MYSQL_TYPE_STRING, .buffer = name, .buffer_length = sizeof name}};
    assert_int_equal(mysql_stmt_bind_param(read, in), 0);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(mysql_stmt_execute(read), 0);
        assert_int_equal(mysql_stmt_bind_result(read, out), 0);
        for (row = 1; mysql_stmt_fetch(read) == 0; row++)
            assert_int_equal(product, row * factor);
        assert_int_equal(row, limit);
        factor++;
        assert_int_equal(sql_number(client, "SELECT %d", round), round);
    }
    MYSQL_BIND text = {.buffer_type = MYSQL_TYPE_STRING, .buffer = name, .buffer_length = 3};
    assert_int_equal(mysql_stmt_bind_param(write, &text), 0);
    assert_int_equal(mysql_stmt_execute(write), 0);
    assert_int_equal(mysql_stmt_affected_rows(write), 1);
    assert_int_equal(sql_number(client, "SELECT LAST_INSERT_ID()"), mysql_stmt_insert_id(write));
    assert_int_equal(mysql_stmt_reset(write), 0);
    assert_int_equal(mysql_stmt_close(read), 0);
    assert_int_equal(mysql_stmt_close(write), 0);
    assert_int_equal(sql_number(client, "SELECT 4"), 4);
    mysql_close(client);
}

static void long_data_of_any_length(void **state)
{
    static const unsigned long lengths[] = {0, 10, 60000, 65460, 65466, 65473, 70000, 1000000, 3000000};
    (void)state;
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    MYSQL_STMT *statement = prepare(client, "SELECT LENGTH(?)");
    char *data = calloc(1, 3000000);
    memset(data, 'd', 3000000);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        long long length = -1;
        MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONG_BLOB};
        MYSQL_BIND out = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &length};
        assert_int_equal(mysql_stmt_bind_param(statement, &in), 0);
        assert_int_equal(mysql_stmt_send_long_data(statement, 0, data, lengths[i]), 0);
        assert_int_equal(mysql_stmt_send_long_data(statement, 0, data, 5), 0);
        if (mysql_stmt_execute(statement) != 0)
            fail_msg("%lu bytes: %s", lengths[i], mysql_stmt_error(statement));
        assert_int_equal(mysql_stmt_bind_result(statement, &out), 0);
        assert_int_equal(mysql_stmt_fetch(statement), 0);
        assert_int_equal(length, lengths[i] + 5);
        mysql_stmt_free_result(statement);
    }
    free(data);
    mysql_stmt_close(statement);
    mysql_close(client);
}

static void cursors_fetch(void **state)
{
    (void)state;
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    MYSQL_STMT *statement = prepare(client, "SELECT id FROM item WHERE id <= 50 ORDER BY id");
    unsigned long type = CURSOR_TYPE_READ_ONLY, at_once = 7;
    int id = 0, rows = 0;
    MYSQL_BIND out = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id};
    mysql_stmt_attr_set(statement, STMT_ATTR_CURSOR_TYPE, &type);
    mysql_stmt_attr_set(statement, STMT_ATTR_PREFETCH_ROWS, &at_once);
    assert_int_equal(mysql_stmt_execute(statement), 0);
    assert_int_equal(mysql_stmt_bind_result(statement, &out), 0);
    while (mysql_stmt_fetch(statement) == 0)
        assert_int_equal(id, ++rows);
    assert_int_equal(rows, 50);
    mysql_stmt_close(statement);
    mysql_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_are_answered_alike),
        cmocka_unit_test(writes_are_answered_alike),
        cmocka_unit_test(session_state_is_answered_alike),
        cmocka_unit_test(transactions_are_answered_alike),
        cmocka_unit_test(diagnostics_are_answered_alike),
        cmocka_unit_test(what_is_tracked_is_what_was_asked_for),
        cmocka_unit_test(who_tracks_all_goes_on),
        cmocka_unit_test(other_commands_are_answered_alike),
        cmocka_unit_test(unknown_commands_are_answered_alike),
        cmocka_unit_test(ids_of_no_statement_are_answered_alike),
        cmocka_unit_test(statistics_are_text),
        cmocka_unit_test(broken_packets_are_answered_alike),
        cmocka_unit_test(affected_rows_are_counted_as_the_client_wants),
        cmocka_unit_test(change_user_begins_anew),
        cmocka_unit_test(change_user_may_fail),
        cmocka_unit_test(reset_connection_keeps_the_schema_only),
        cmocka_unit_test(prepared_statements_work),
        cmocka_unit_test(long_data_of_any_length),
        cmocka_unit_test(cursors_fetch),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
