/*
 * test_routing.c - every statement runs where it belongs, and answers as one server would.
 *
 *   A session that holds a connection may go on doing so after the reason has ended: rows behind such an end
 * say ANYWHERE.
 *
 *   Each table is one session, its rows in order (tests/cluster/rows.h): where a row ran is read from the
 *   servers' general logs. A test fails after all its rows, so that one run shows all that is wrong.
 *   POINTSMAN_DIRECT=1 shows that it does fail: on the primary alone each row meant for a replica is
 * reported, and no other. With 2 it is the first replica alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/front.h"
#include "../cluster/rows.h"

#include <stdio.h>

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

/* Runs a table in a session of its own. */
static void run_table(const struct row *rows, size_t count)
{
    struct row_session session = {.set = front.set, .connection = front_connect(&front), .last = -1};
    assert_non_null(session.connection);
    rows_run(&session, rows, count);
    mysql_close(session.connection);
    if (session.failed)
        fail_msg("%d of %zu rows went wrong", session.failed, count);
}

/* A test that is a table. */
#define TABLE(name, ...)                                                                                     \
    static const struct row name##_rows[] = {__VA_ARGS__};                                                   \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        run_table(name##_rows, sizeof name##_rows / sizeof name##_rows[0]);                                  \
    }

/* clang-format off */

TABLE(reads,
    {REPLICA, "SELECT 1", "1"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {REPLICA, "select name from item where id = 3", "table"},
    {REPLICA, "SELECT i.name FROM item i JOIN item j ON i.id = j.id + 1 WHERE j.name LIKE 'l%' ORDER BY 1 LIMIT 1", "chair"},
    {REPLICA, "SELECT max(id) FROM item GROUP BY id > 3 HAVING count(*) = 2", "5"},
    {REPLICA, "SELECT DISTINCT length(name) FROM item ORDER BY 1 DESC LIMIT 1", "5"},
    {REPLICA, "SELECT (SELECT count(*) FROM item WHERE id < o.id) FROM item o WHERE EXISTS (SELECT 1) AND id = 4", "3"},
    {REPLICA, "SELECT row_number() OVER (ORDER BY id DESC) FROM item WHERE id = 5", "1"},
    {REPLICA, "SELECT CASE WHEN id > 4 THEN 'big' ELSE 'small' END FROM item WHERE id = 5", "big"},
    {REPLICA, "SELECT concat(upper('a'), coalesce(NULL, 'b'), if(1, 'c', 'd'), substring('xyz', 2))", "Abcyz"},
    {REPLICA, "SELECT date_format('2024-02-03', '%d.%m.%Y'), now() IS NOT NULL, round(1.5), json_extract('[1]', '$[0]')", "03.02.2024"},
    {REPLICA, "SELECT cast('7' AS SIGNED) + convert('1', SIGNED)", "8"},
    {REPLICA, "SELECT group_concat(name ORDER BY id SEPARATOR '|') FROM item", "lamp|chair|table|bed|door"},
    {REPLICA, "(SELECT 1)", "1"},
    {REPLICA, "((SELECT id FROM item ORDER BY id LIMIT 1))", "1"},
    {REPLICA, "(SELECT 2) UNION ALL (SELECT 3) ORDER BY 1", "2"},
    {REPLICA, "SELECT 1 UNION SELECT 1 EXCEPT SELECT 2", "1"},
    {REPLICA, "WITH c AS (SELECT 4 AS x) SELECT x FROM c", "4"},
    {REPLICA, "WITH RECURSIVE c AS (SELECT 1 AS x UNION SELECT x + 1 FROM c WHERE x < 3) SELECT max(x) FROM c", "3"},
    {REPLICA, "VALUES (6), (7)", "6", .only = CLUSTER_MARIADB},
    {REPLICA, "VALUES ROW(6), ROW(7)", "6", .only = CLUSTER_MYSQL},
    {REPLICA, "EXPLAIN SELECT * FROM item"},
    {REPLICA, "EXPLAIN FORMAT=JSON SELECT * FROM item"},
    {REPLICA, "DESCRIBE item", "id"},
    {REPLICA, "DESC item name", "name"},
    {REPLICA, "SHOW TABLES LIKE 'item'", "item"},
    {REPLICA, "SHOW COLUMNS FROM item", "id"},
    {REPLICA, "SHOW FULL COLUMNS FROM item", "id"},
    {REPLICA, "SHOW INDEX FROM item", "item"},
    {REPLICA, "SHOW CREATE TABLE item", "item"},
    {REPLICA, "SHOW DATABASES LIKE 'shop'", "shop"},
    {REPLICA, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'shop' AND table_name = 'item'", "1"},
    {REPLICA, "SELECT @@server_id > 1", "1"},
    {REPLICA, "SELECT @@hostname IS NOT NULL"},
    {REPLICA, "SELECT @@port > 0", "1"},
    {REPLICA, "SELECT DATABASE()", "shop"},
    {REPLICA, "SELECT version() IS NOT NULL", "1"},
    {REPLICA, "SELECT name FROM v_items WHERE id = 1", "LAMP"},
)

TABLE(reads_by_their_text,
    {REPLICA, "SELECT {m} 1;", "1"},
    {REPLICA, "/* INSERT */ SELECT {m} 1", "1"},
    {REPLICA, "-- UPDATE\nSELECT {m} 1", "1"},
    {REPLICA, "# DELETE\n \t\nSELECT {m} 1", "1"},
    {REPLICA, "SELECT {m} 'INSERT INTO item; FOR UPDATE'", "INSERT INTO item; FOR UPDATE"},
    {REPLICA, "SELECT {m} \"it's; DELETE\"", "it's; DELETE"},
    {REPLICA, "SELECT {m} 'a\\'; DELETE FROM item; -- '", "a'; DELETE FROM item; -- "},
    {REPLICA, "SELECT {m} 'a'';' /* ' */", "a';"},
    {REPLICA, "SELECT {m} `name` FROM `shop`.`item` AS `for update` WHERE `id`=1", "lamp"},
    {REPLICA, "SELECT /*!40001 SQL_NO_CACHE */ {m} 2", "2"},
    {REPLICA, "SELECT /*+ NO_SUCH_HINT(bump()) */ {m} 3", "3"},
    {REPLICA, "SELECT {m} 1 /*!999999 FOR UPDATE */", "1"},
    {REPLICA, "SELECT {m} 1 -- FOR UPDATE", "1"},
    {REPLICA, "SELECT{m}1", "1"},
    {REPLICA, "SELECT {m} 1 # bump()", "1"},
)

TABLE(locking_reads_and_output,
    {PRIMARY, "SELECT id FROM item WHERE id = 1 FOR UPDATE", "1"},
    {PRIMARY, "SELECT id FROM item WHERE id = 1 FOR UPDATE NOWAIT", "1"},
    {PRIMARY, "SELECT id FROM item WHERE id = 1 FOR UPDATE SKIP LOCKED", "1"},
    {PRIMARY, "SELECT id FROM item WHERE id = 1 LOCK IN SHARE MODE", "1"},
    {PRIMARY, "select id from item where id = 1 lock /* in */ in\nshare mode", "1"},
    {PRIMARY, "SELECT id FROM item WHERE id = 1 FOR SHARE", .error = 1064, .only = CLUSTER_MARIADB},
    {PRIMARY, "SELECT id FROM item WHERE id = 1 FOR SHARE", "1", .only = CLUSTER_MYSQL},
    {PRIMARY, "SELECT * FROM (SELECT id FROM item WHERE id = 1 FOR UPDATE) x", "1"},
    {PRIMARY, "(SELECT id FROM item WHERE id = 1 FOR UPDATE)", "1"},
    {PRIMARY, "WITH c AS (SELECT 1) SELECT id FROM item WHERE id = 2 FOR UPDATE", "2"},
    {PRIMARY, "SELECT {m} id FROM item WHERE id = 1 /*! FOR UPDATE */", "1"},
    {PRIMARY, "SELECT {m} id FROM item WHERE id = 1 /*M! FOR UPDATE */", "1", .only = CLUSTER_MARIADB},
    {REPLICA, "SELECT {m} id FROM item WHERE id = 1 /*M! FOR UPDATE */", "1", .only = CLUSTER_MYSQL},
    {PRIMARY, "SELECT 1 INTO OUTFILE '/dev/null'", .error = 1086},
    {PRIMARY, "SELECT 1 INTO DUMPFILE '/dev/null'", .error = 1086},
    {PRIMARY, "SELECT * FROM item PROCEDURE ANALYSE()", .only = CLUSTER_MARIADB},
    {REPLICA, "SELECT 1"},
)

TABLE(functions,
    {PRIMARY, "SELECT bump()", "42"},
    {PRIMARY, "SELECT shop.bump()", "42"},
    {PRIMARY, "SELECT `bump`()", "42"},
    {PRIMARY, "SELECT bump /* x */ ()", "42"},
    {PRIMARY, "SELECT id FROM item WHERE id = bump() - 41", "1"},
    {PRIMARY, "SELECT {m} /*!50000 bump() */", "42"},
    {PRIMARY, "SELECT {m} /*! `shop`.*/bump()", "42"},
    {PRIMARY, "SELECT * FROM v_bump", "42"},
    {PRIMARY, "SELECT v.a FROM item JOIN `v_bump` AS v LIMIT 1", "42"},
    {PRIMARY, "SELECT * FROM v_over", "42"},
    {PRIMARY, "SELECT no_such_function()", .error = 1305},
    {PRIMARY, "SELECT NEXTVAL(numbers)", "1", .only = CLUSTER_MARIADB},
    {PRIMARY, "SELECT NEXT VALUE FOR numbers", "2", .only = CLUSTER_MARIADB},
    {PRIMARY, "SELECT LASTVAL(numbers)", "2", .only = CLUSTER_MARIADB},
    {PRIMARY, "SELECT PREVIOUS VALUE FOR numbers", "2", .only = CLUSTER_MARIADB},
    {PRIMARY, "SELECT SETVAL(numbers, 10)", "10", .only = CLUSTER_MARIADB},
    {PRIMARY, "SELECT LOAD_FILE('/no/such/file')", "NULL"},
    {PRIMARY, "SELECT MASTER_POS_WAIT('binlog.000001', 4, 1)"},
    {PRIMARY, "SELECT MASTER_GTID_WAIT('', 1)", "0", .only = CLUSTER_MARIADB},
    {PRIMARY, "SELECT WAIT_FOR_EXECUTED_GTID_SET('', 1)", "0", .only = CLUSTER_MYSQL},
)

TABLE(writes,
    {PRIMARY, "INSERT INTO serial (a) VALUES (1)"},
    {PRIMARY, "insert serial set a = 2"},
    {PRIMARY, "INSERT INTO serial (a) SELECT id FROM item"},
    {PRIMARY, "INSERT INTO note (id, a) VALUES (900, 9) RETURNING id", "900", .only = CLUSTER_MARIADB},
    {PRIMARY, "INSERT INTO note (id, a) VALUES (900, 9)", .only = CLUSTER_MYSQL},
    {PRIMARY, "UPDATE note SET a = 3 WHERE id = 900"},
    {REPLICA, "SELECT a FROM note WHERE id = 900", "3"},
    {PRIMARY, "DELETE FROM note WHERE id = 900"},
    {PRIMARY, "REPLACE INTO note VALUES (901, 1)"},
    {PRIMARY, "INSERT INTO note VALUES (901, 1) ON DUPLICATE KEY UPDATE a = a + 1"},
    {REPLICA, "SELECT a FROM note WHERE id = 901", "2"},
    {PRIMARY, "/*! INSERT {m} INTO */ serial (a) VALUES (1)"},
    {PRIMARY, "/*!50000 DELETE */ {m} FROM serial WHERE id = -1"},
    {PRIMARY, "LOAD DATA INFILE '/dev/null' INTO TABLE serial", .error = 1085},
    {PRIMARY, "DO 1"},
    {PRIMARY, "ANALYZE FORMAT=JSON DELETE FROM serial WHERE id = -1", .only = CLUSTER_MARIADB},
    {PRIMARY, "EXPLAIN ANALYZE DELETE serial FROM serial WHERE id = -1", .only = CLUSTER_MYSQL},
    {PRIMARY, "CREATE TABLE made (a INT)"},
    {PRIMARY, "ALTER TABLE made ADD b INT"},
    {PRIMARY, "CREATE INDEX by_a ON made (a)"},
    {REPLICA, "SELECT count(*) FROM made", "0"},
    {PRIMARY, "RENAME TABLE made TO renamed"},
    {PRIMARY, "ANALYZE TABLE renamed"},
    {PRIMARY, "OPTIMIZE TABLE renamed"},
    {PRIMARY, "TRUNCATE renamed"},
    {PRIMARY, "DROP TABLE renamed"},
    {PRIMARY, "GRANT SELECT ON shop.* TO app@'%'", .error = 1044},
    {PRIMARY, "gibberish", .error = 1064},
    {PRIMARY, "SELEC 1", .error = 1064},
    {REPLICA, "SELECT 1 FROM", .error = 1064},
)

TABLE(one_servers_answers,
    {PRIMARY, "SHOW PROCESSLIST"},
    {PRIMARY, "SHOW FULL PROCESSLIST"},
    {PRIMARY, "SHOW STATUS LIKE 'Uptime'", "Uptime"},
    {PRIMARY, "SHOW GLOBAL STATUS LIKE 'Uptime'", "Uptime"},
    {PRIMARY, "SHOW VARIABLES LIKE 'version'", "version"},
    {PRIMARY, "SHOW GLOBAL VARIABLES LIKE 'read_only'", "read_only"},
    {PRIMARY, "SHOW MASTER STATUS", .only = CLUSTER_MARIADB},
    {PRIMARY, "SHOW BINLOG STATUS", .only = CLUSTER_MARIADB},
    {PRIMARY, "SHOW BINARY LOG STATUS", .only = CLUSTER_MYSQL},
    {PRIMARY, "SHOW ENGINE INNODB STATUS", "InnoDB"},
    {PRIMARY, "SELECT count(*) > 0 FROM information_schema.PROCESSLIST", "1"},
    {PRIMARY, "SELECT count(*) > 0 FROM `INFORMATION_SCHEMA`.`processlist`", "1"},
    {PRIMARY, "SELECT * FROM performance_schema.threads LIMIT 0", .error = 1142},
    {PRIMARY, "SELECT * FROM sys.version", .error = 1142},
    {PRIMARY, "SELECT @@global.max_connections > 0", "1"},
    {PRIMARY, "SELECT @@GLOBAL . server_id", "1"},
    {PRIMARY, "SELECT @@read_only", "0"},
    {PRIMARY, "SET GLOBAL max_connections = 10", .error = 1227},
    {PRIMARY, "SET @@global.max_connections = 10", .error = 1227},
)

TABLE(transactions,
    {PRIMARY, "BEGIN"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "INSERT INTO note (id, a) VALUES (1000, 1)"},
    {PRIMARY, "SELECT a FROM note WHERE id = 1000", "1"},
    {PRIMARY, "SAVEPOINT s"},
    {PRIMARY, "UPDATE note SET a = 2 WHERE id = 1000"},
    {PRIMARY, "ROLLBACK TO s"},
    {PRIMARY, "SELECT a FROM note WHERE id = 1000", "1"},
    {PRIMARY, "COMMIT"},
    {REPLICA, "SELECT a FROM note WHERE id = 1000", "1"},
    {PRIMARY, "START TRANSACTION"},
    {PRIMARY, "DELETE FROM note WHERE id = 1000"},
    {PRIMARY, "ROLLBACK"},
    {REPLICA, "SELECT a FROM note WHERE id = 1000", "1"},
    {PRIMARY, "START TRANSACTION WITH CONSISTENT SNAPSHOT"},
    {PRIMARY, "SELECT 1", "1"},
    {PRIMARY, "COMMIT AND CHAIN"},
    {PRIMARY, "SELECT 1", "1"},
    {PRIMARY, "ROLLBACK AND NO CHAIN"},
    {REPLICA, "SELECT 1", "1"},
    {PRIMARY, "START TRANSACTION READ WRITE"},
    {PRIMARY, "SELECT 1", "1"},
    {PRIMARY, "CREATE TABLE commits_implicitly (a INT)"},
    {REPLICA, "SELECT 1", "1"},
    {PRIMARY, "BEGIN WORK"},
    {PRIMARY, "DROP TABLE commits_implicitly"},
    {REPLICA, "SELECT 1", "1"},
    {PRIMARY, "START {m} /*! TRANSACTION */"},
    {PRIMARY, "SELECT 1", "1"},
    {PRIMARY, "/*! ROLLBACK {m} */"},
    {REPLICA, "SELECT 1", "1"},
)

TABLE(read_only_transactions,
    {REPLICA, "START TRANSACTION READ ONLY"},
    {SAME, "SELECT count(*) FROM item", "5"},
    {SAME, "SELECT 1", "1"},
    {SAME, "SELECT 1", "1"},
    {SAME, "DELETE FROM item", .error = 1792},
    {SAME, "COMMIT"},
    {REPLICA, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"},
    {SAME, "SELECT 1", "1"},
    {SAME, "SELECT 1", "1"},
    {SAME, "ROLLBACK"},
    {ANYWHERE, "SET TRANSACTION READ ONLY"},
    {REPLICA, "BEGIN"},
    {SAME, "SELECT 1", "1"},
    {SAME, "SELECT 1", "1"},
    {SAME, "COMMIT"},
    {PRIMARY, "BEGIN"},
    {PRIMARY, "INSERT INTO serial (a) VALUES (4)"},
    {PRIMARY, "COMMIT"},
)

TABLE(autocommit_off,
    {ANYWHERE, "SET autocommit = 0"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SELECT 1", "1"},
    {PRIMARY, "INSERT INTO note (id, a) VALUES (1001, 1)"},
    {PRIMARY, "COMMIT"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "UPDATE note SET a = 2 WHERE id = 1001"},
    {PRIMARY, "ROLLBACK"},
    {PRIMARY, "SELECT a FROM note WHERE id = 1001", "1"},
    {PRIMARY, "UPDATE note SET a = 3 WHERE id = 1001"},
    {PRIMARY, "SET autocommit = 1"},
    {REPLICA, "SELECT a FROM note WHERE id = 1001", "3"},
    {ANYWHERE, "SET @@session.autocommit = OFF"},
    {ANYWHERE, "SELECT @@autocommit", "0"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SET autocommit = ON"},
    {REPLICA, "SELECT @@autocommit", "1"},
)

TABLE(temporary_tables,
    {PRIMARY, "CREATE TEMPORARY TABLE tt (a INT)"},
    {PRIMARY, "INSERT INTO tt VALUES (1), (2)"},
    {PRIMARY, "SELECT sum(a) FROM tt", "3"},
    {PRIMARY, "SELECT name FROM item JOIN tt ON id = a ORDER BY id LIMIT 1", "lamp"},
    {PRIMARY, "SELECT count(*) FROM `shop`.`tt`", "2"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SELECT sum(a) FROM tt", "3"},
    {PRIMARY, "DROP TEMPORARY TABLE tt"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "CREATE TEMPORARY TABLE item AS SELECT 9 AS id"}, /* hides the real one */
    {PRIMARY, "SELECT id FROM item", "9"},
    {PRIMARY, "SELECT id FROM item", "9"},
    {PRIMARY, "DROP TABLE item"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "CREATE {m} /*! TEMPORARY */ TABLE hidden AS SELECT 8 AS a"},
    {PRIMARY, "SELECT a FROM hidden", "8"},
)

TABLE(insert_ids,
    {PRIMARY, "CREATE TABLE counted (id INT PRIMARY KEY AUTO_INCREMENT, a INT) AUTO_INCREMENT = 500"},
    {PRIMARY, "INSERT INTO counted (a) VALUES (1)"},
    {REPLICA, "SELECT LAST_INSERT_ID()", "500", "LAST_INSERT_ID()"},
    {REPLICA, "SELECT count(*) FROM counted", "1"},
    {REPLICA, "SELECT count(*) FROM counted", "1"},
    {REPLICA, "SELECT LAST_INSERT_ID()", "500", "LAST_INSERT_ID()"},
    {ANYWHERE, "SELECT last_insert_id( );", "500", "last_insert_id( )"},
    {REPLICA, "SELECT LAST_INSERT_ID() AS n", "500", "n"},
    {REPLICA, "SELECT 1 + LAST_INSERT_ID()", "501", "1 + LAST_INSERT_ID()"},
    {ANYWHERE, "SELECT @@identity", "500", "@@identity"},
    {ANYWHERE, "SELECT @@last_insert_id", "500", "@@last_insert_id"},
    {REPLICA, "SELECT a FROM counted WHERE id = LAST_INSERT_ID()", "1"},
    {PRIMARY, "INSERT INTO counted VALUES (600, 2)"},
    {REPLICA, "SELECT LAST_INSERT_ID()", "500"}, /* an explicit id leaves it */
    {PRIMARY, "INSERT INTO counted (a) VALUES (3), (4), (5)"},
    {REPLICA, "SELECT LAST_INSERT_ID()", "601"}, /* the first of several */
    {PRIMARY, "INSERT INTO counted (a) VALUES (LAST_INSERT_ID())"},
    {REPLICA, "SELECT a FROM counted WHERE id = LAST_INSERT_ID()", "601"},
    {PRIMARY, "UPDATE counted SET a = LAST_INSERT_ID(a + 1) WHERE id = 600"},
    {REPLICA, "SELECT LAST_INSERT_ID()", "3"},
    {PRIMARY, "DROP TABLE counted"},
)

TABLE(row_counts,
    {REPLICA, "SELECT * FROM item"},
    {REPLICA, "SELECT FOUND_ROWS()", "5", "FOUND_ROWS()"},
    {REPLICA, "SELECT SQL_CALC_FOUND_ROWS * FROM item LIMIT 2"},
    {REPLICA, "SELECT FOUND_ROWS()", "5"},
    {REPLICA, "SELECT * FROM item LIMIT 3, 1"},
    {REPLICA, "SELECT FOUND_ROWS() AS n", "4", "n"},
    {REPLICA, "SELECT 1 UNION SELECT 2 UNION SELECT 3"},
    {ANYWHERE, "SELECT 10 + found_rows()", "13"},
    {REPLICA, "SELECT id FROM item LIMIT 1, 3"},
    {REPLICA, "SELECT (SELECT FOUND_ROWS())", "4", "(SELECT FOUND_ROWS())"},
    {REPLICA, "SELECT * FROM item LIMIT 4"},
    {REPLICA, "SELECT `FOUND_ROWS()` FROM (SELECT FOUND_ROWS()) x", "4", "FOUND_ROWS()"},
    {REPLICA, "SELECT * FROM item LIMIT 2"},
    {REPLICA, "WITH c AS (SELECT FOUND_ROWS() + 1) SELECT * FROM c", "3", "FOUND_ROWS() + 1"},
    {REPLICA, "SELECT id FROM item WHERE id < 4"},
    {REPLICA, "SELECT id FROM item WHERE id IN (SELECT FOUND_ROWS())", "3"},
    {REPLICA, "SELECT id FROM item WHERE id > 3"},
    {REPLICA, "SELECT id FROM item ORDER BY abs(id - FOUND_ROWS()), id LIMIT 1", "2"},
    {REPLICA, "SELECT id FROM item WHERE id > 2"},
    {REPLICA, "SELECT CASE WHEN FOUND_ROWS() = 3 THEN 'three' END", "three",
     "CASE WHEN FOUND_ROWS() = 3 THEN 'three' END"},
    {PRIMARY, "UPDATE note SET a = 50 WHERE id = -1"},
    {REPLICA, "SELECT ROW_COUNT()", "0", "ROW_COUNT()"},
    {PRIMARY, "INSERT INTO serial (a) VALUES (70), (71)"},
    {REPLICA, "SELECT ROW_COUNT()", "2"},
    {REPLICA, "SELECT ROW_COUNT()", "-1"},
    {PRIMARY, "DELETE FROM serial WHERE a IN (70, 71)"},
    {REPLICA, "SELECT ROW_COUNT() AS gone", "2", "gone"},
)

TABLE(diagnostics,
    {REPLICA, "SELECT cast(name AS SIGNED) FROM item WHERE id = 1", "0"},
    {SAME, "SHOW WARNINGS", "Warning"},
    {SAME, "SHOW WARNINGS", "Warning"},
    {REPLICA, "SELECT name FROM item WHERE id = 1"},
    {ANYWHERE, "SHOW WARNINGS", "(none)"},
    {REPLICA, "SELECT cast(name AS SIGNED) FROM item WHERE id < 3", "0"},
    {SAME, "SHOW COUNT(*) WARNINGS", "2"},
    {REPLICA, "SELECT cast(name AS SIGNED) FROM item WHERE id < 4", "0"},
    {SAME, "SELECT @@warning_count", "3"},
    {REPLICA, "SELECT * FROM item WHERE id = (SELECT id FROM item)", .error = 1242},
    {SAME, "SHOW ERRORS", "Error"},
    {SAME, "SHOW WARNINGS LIMIT 1", "Error"},
    {PRIMARY, "INSERT INTO note (id, a) VALUES (1000, 1)", .error = 1062},
    {PRIMARY, "SHOW WARNINGS", "Error"},
    {PRIMARY, "INSERT IGNORE INTO note (id, a) VALUES (1000, 1)"},
    {PRIMARY, "GET DIAGNOSTICS CONDITION 1 @code = MYSQL_ERRNO"},
    {ANYWHERE, "SELECT @code", "1062"},
    {REPLICA, "SELECT name FROM item WHERE id = 1", "lamp"},
)

TABLE(diagnostics_of_a_replica,
    {REPLICA, "SELECT cast(name AS SIGNED) FROM item WHERE id < 3", "0"},
    {SAME, "GET DIAGNOSTICS @count = NUMBER"},
    {SAME, "GET DIAGNOSTICS CONDITION 2 @code = MYSQL_ERRNO, @text = MESSAGE_TEXT, @state = RETURNED_SQLSTATE"},
    {PRIMARY, "INSERT INTO note VALUES (1201, @code)"}, /* they went along */
    {PRIMARY, "SELECT /* pointsman: primary */ concat_ws('/', a, @count, @state) FROM note WHERE id = 1201",
     "1292/2/22007"},
    {REPLICA, "SELECT concat(name, @count, @text) FROM item WHERE id = 1",
     "lamp2Truncated incorrect INTEGER value: 'chair'"},
)

TABLE(user_variables,
    {ANYWHERE, "SET @v = 7"},
    {REPLICA, "SELECT @v", "7", "@v"},
    {REPLICA, "SELECT @v", "7"},
    {REPLICA, "SELECT name FROM item WHERE id = @v - 6", "lamp"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {ANYWHERE, "SET @d = -1.5, @e := 'it''s', @n = NULL"},
    {REPLICA, "SELECT concat(@d, @e)", "-1.5it's"},
    {REPLICA, "SELECT concat(@d, @e)", "-1.5it's"},
    {REPLICA, "SELECT @n", "NULL"},
    {REPLICA, "SELECT @never_set", "NULL"},
    {PRIMARY, "INSERT INTO note (id, a) VALUES (1100, @v)"},
    {REPLICA, "SELECT a FROM note WHERE id = 1100", "7"},
    {PRIMARY, "SELECT 5 INTO @y"},
    {PRIMARY, "INSERT INTO note (id, a) VALUES (1101, @y)"},
    {REPLICA, "SELECT a FROM note WHERE id = 1101", "5"},
    {PRIMARY, "SELECT @a := 6", "6"},
    {PRIMARY, "SELECT @a", "6"},
    {PRIMARY, "SELECT @a + @v", "13"},
    {PRIMARY, "SET @c = (SELECT max(id) FROM item)"},
    {PRIMARY, "SELECT @c", "5"},
    {PRIMARY, "SELECT id, name INTO @i, @name FROM item WHERE id = 2"},
    {PRIMARY, "SELECT @name", "chair"},
    {ANYWHERE, "SET @f = @c + 1"},
    {ANYWHERE, "SELECT @f", "6"},
    {PRIMARY, "UPDATE note SET a = (@upd := 8) WHERE id = 1101"},
    {PRIMARY, "SELECT @upd", "8"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
)

TABLE(user_locks,
    {PRIMARY, "SELECT GET_LOCK('a', 1)", "1"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SELECT IS_FREE_LOCK('a')", "0"},
    {PRIMARY, "SELECT GET_LOCK('b', 1)", "1"},
    {PRIMARY, "SELECT RELEASE_LOCK('a')", "1"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SELECT RELEASE_ALL_LOCKS()", "1"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "DO GET_LOCK('c', 1)"},
    {PRIMARY, "SELECT 1", "1"},
    {PRIMARY, "DO RELEASE_LOCK('c')"},
    {ANYWHERE, "SELECT 1", "1"},
    {PRIMARY, "SELECT {m} /*! get_lock('d', 1) */", "1"},
    {PRIMARY, "SELECT 1", "1"},
    {PRIMARY, "SELECT RELEASE_LOCK('d')", "1"},
    {ANYWHERE, "SELECT 1", "1"},
)

TABLE(table_locks,
    {PRIMARY, "LOCK TABLES item READ, note WRITE"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SELECT count(*) FROM bumped", .error = 1100},
    {PRIMARY, "INSERT INTO note VALUES (1150, 5)"},
    {PRIMARY, "SELECT 1", "1"},
    {PRIMARY, "UNLOCK TABLES"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "FLUSH TABLES WITH READ LOCK"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "UNLOCK TABLES"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "HANDLER item OPEN"},
    {PRIMARY, "HANDLER item READ FIRST", "1"},
    {PRIMARY, "HANDLER item READ NEXT", "2"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "HANDLER item CLOSE"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "XA START 'branch'"},
    {PRIMARY, "INSERT INTO note (id, a) VALUES (1200, 1)"},
    {PRIMARY, "SELECT a FROM note WHERE id = 1200", "1"},
    {PRIMARY, "XA END 'branch'"},
    {PRIMARY, "XA PREPARE 'branch'"},
    {PRIMARY, "XA COMMIT 'branch'"},
    {REPLICA, "SELECT a FROM note WHERE id = 1200", "1"},
)

TABLE(prepared_in_sql,
    {PRIMARY, "PREPARE s FROM 'SELECT count(*) + ? FROM item'"},
    {ANYWHERE, "SET @one = 1"},
    {PRIMARY, "EXECUTE s USING @one", "6"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "PREPARE t FROM 'SELECT 2'"},
    {PRIMARY, "DEALLOCATE PREPARE s"},
    {PRIMARY, "EXECUTE t", "2"},
    {PRIMARY, "EXECUTE s", .error = 1243},
    {PRIMARY, "DROP PREPARE t"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "EXECUTE IMMEDIATE 'INSERT INTO note (id, a) VALUES (1300, 1)'", .only = CLUSTER_MARIADB},
    {ANYWHERE, "SELECT a FROM note WHERE id = 1300", "1", .only = CLUSTER_MARIADB},
)

TABLE(calls,
    {PRIMARY, "CALL p_read()", "5"},
    {PRIMARY, "CALL shop.p_two_results", "2"},
    {PRIMARY, "CALL p_write()"},
    {REPLICA, "SELECT count(*) > 0 FROM bumped WHERE a = 2", "1"},
    {PRIMARY, "CALL p_variable()"},
    {PRIMARY, "SELECT @by_call", "9"},
    {PRIMARY, "CALL p_temporary()"},
    {PRIMARY, "SELECT a FROM by_call", "7"},
    {PRIMARY, "DROP TEMPORARY TABLE by_call"},
    {PRIMARY, "CALL p_lock()"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SELECT RELEASE_LOCK('by_call')", "1"},
)

/* Each value is read three times, so that every replica is asked. */
TABLE(session_variables,
    {ANYWHERE, "SET SESSION sql_mode = 'ANSI_QUOTES'"},
    {REPLICA, "SELECT \"id\" FROM item WHERE id = 2", "2"},
    {REPLICA, "SELECT \"id\" FROM item WHERE id = 3", "3"},
    {REPLICA, "SELECT @@sql_mode", "ANSI_QUOTES"},
    {ANYWHERE, "SET time_zone = '+03:00', @@session.group_concat_max_len = 12"},
    {REPLICA, "SELECT @@time_zone", "+03:00"},
    {REPLICA, "SELECT concat(@@group_concat_max_len, @@time_zone)", "12+03:00"},
    {REPLICA, "SELECT from_unixtime(0)", "1970-01-01 03:00:00"},
    {ANYWHERE, "SET group_concat_max_len = @@group_concat_max_len + 1"}, /* the result is carried, not the text */
    {REPLICA, "SELECT @@group_concat_max_len", "13"},
    {REPLICA, "SELECT @@group_concat_max_len", "13"},
    {REPLICA, "SELECT @@group_concat_max_len", "13"},
    {ANYWHERE, "SET NAMES latin1"},
    {REPLICA, "SELECT @@character_set_client", "latin1"},
    {REPLICA, "SELECT @@collation_connection", "latin1_swedish_ci"},
    {REPLICA, "SELECT @@character_set_results", "latin1"},
    {ANYWHERE, "SET tx_isolation = 'READ-COMMITTED'", .only = CLUSTER_MARIADB},
    {ANYWHERE, "SET transaction_isolation = 'READ-COMMITTED'", .only = CLUSTER_MYSQL},
    {REPLICA, "SELECT @@tx_isolation", "READ-COMMITTED", .only = CLUSTER_MARIADB},
    {REPLICA, "SELECT @@transaction_isolation", "READ-COMMITTED", .only = CLUSTER_MYSQL},
    {REPLICA, "SELECT @@tx_isolation", "READ-COMMITTED", .only = CLUSTER_MARIADB},
    {REPLICA, "SELECT @@transaction_isolation", "READ-COMMITTED", .only = CLUSTER_MYSQL},
    {ANYWHERE, "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"},
    {REPLICA, "SELECT @@tx_isolation", "SERIALIZABLE", .only = CLUSTER_MARIADB},
    {REPLICA, "SELECT @@transaction_isolation", "SERIALIZABLE", .only = CLUSTER_MYSQL},
    {ANYWHERE, "SET tx_isolation = DEFAULT", .only = CLUSTER_MARIADB},
    {ANYWHERE, "SET transaction_isolation = DEFAULT", .only = CLUSTER_MYSQL},
    {ANYWHERE, "SET no_such_variable = 1", .error = 1193},
    {ANYWHERE, "SET sql_mode = 'NO_SUCH_MODE'", .error = 1231},
    {REPLICA, "SELECT @@sql_mode", "ANSI_QUOTES"},
    {ANYWHERE, "SET sql_mode = DEFAULT"},
    {PRIMARY, "SET CHARACTER SET utf8mb4"},
    {ANYWHERE, "SELECT @@character_set_client", "utf8mb4"},
)

TABLE(roles,
    {PRIMARY, "SET ROLE clerk"},
    {REPLICA, "SELECT bars FROM vault.gold", "12"},
    {REPLICA, "SELECT bars FROM vault.gold", "12"},
    {REPLICA, "SELECT bars FROM vault.gold", "12"},
    {PRIMARY, "SET ROLE NONE"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SET ROLE nobody_has_it", .error = 1959, .only = CLUSTER_MARIADB},
    {PRIMARY, "SET ROLE nobody_has_it", .error = 3530, .only = CLUSTER_MYSQL},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SET ROLE {m} 'clerk'"},
    {REPLICA, "SELECT bars FROM vault.gold", "12"},
    {PRIMARY, "SET ROLE clerk; SELECT {m} 1", "1"},
    {PRIMARY, "SELECT bars FROM vault.gold", "12"}, /* one of several statements: held */
)

TABLE(one_shot_and_privileged_variables,
    {PRIMARY, "SET insert_id = 1400"},
    {PRIMARY, "INSERT INTO serial (a) VALUES (14)"},
    {ANYWHERE, "SELECT id FROM serial WHERE a = 14", "1400"},
    {PRIMARY, "SET timestamp = 1000000000"},
    {PRIMARY, "SELECT unix_timestamp()", "1000000000"},
    {PRIMARY, "SELECT unix_timestamp(now())", "1000000000"},
    {PRIMARY, "SET timestamp = DEFAULT"},
    {PRIMARY, "SET sql_log_bin = 0", .error = 1227},
    {PRIMARY, "SET gtid_domain_id = 7", .error = 1227, .only = CLUSTER_MARIADB},
    {PRIMARY, "SET gtid_next = 'AUTOMATIC'", .error = 1227, .only = CLUSTER_MYSQL},
)

TABLE(schemas,
    {ANYWHERE, "USE stock"},
    {REPLICA, "SELECT DATABASE()", "stock"},
    {REPLICA, "SELECT database()", "stock"},
    {REPLICA, "SELECT SCHEMA()", "stock"},
    {PRIMARY, "CREATE TABLE here (a INT)"},
    {REPLICA, "SELECT count(*) FROM here", "0"},
    {PRIMARY, "DROP TABLE stock.here"},
    {UNCHECKED, "USE no_such_schema", .error = 1044},
    {REPLICA, "SELECT DATABASE()", "stock"},
    {ANYWHERE, "USE `shop`"},
    {REPLICA, "SELECT count(*) FROM item", "5"},
    {REPLICA, "SELECT DATABASE()", "shop"},
)

TABLE(several_statements_in_one_packet,
    {REPLICA, "SELECT {m} 1; SELECT {m} 2", "2"},
    {REPLICA, "SELECT {m} 1; SELECT {m} count(*) FROM item;", "5"},
    {REPLICA, "SELECT {m} 'x;INSERT INTO item'; SELECT {m} 2 /* ; */", "2"},
    {PRIMARY, "SELECT {m} 1; INSERT {m} INTO note (id, a) VALUES (1500, 1)"},
    {REPLICA, "SELECT a FROM note WHERE id = 1500", "1"},
    {PRIMARY, "INSERT {m} INTO note (id, a) VALUES (1501, 1); SELECT {m} a FROM note WHERE id = 1501", "1"},
    {PRIMARY, "SELECT {m} 1; SELECT {m} bump()", "42"},
    {PRIMARY, "SELECT {m} 1; SELECT {m} id FROM item WHERE id = 1 FOR UPDATE", "1"},
    {ANYWHERE, "SET {m} @z = 9; SELECT {m} @z", "9"},
    {ANYWHERE, "SELECT @z", "9"},
    {ANYWHERE, "USE {m} stock; SELECT {m} DATABASE()", "stock"},
    {ANYWHERE, "SELECT DATABASE()", "stock"},
    {ANYWHERE, "USE shop"},
    {PRIMARY, "BEGIN {m}; SELECT {m} 1", "1"},
    {PRIMARY, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "SELECT {m} 1; COMMIT {m}", "1"},
    {ANYWHERE, "SELECT count(*) FROM item", "5"},
    {PRIMARY, "CREATE {m} TEMPORARY TABLE in_packet AS SELECT 3 AS a; SELECT {m} 1", "1"},
    {PRIMARY, "SELECT a FROM in_packet", "3"},
    {PRIMARY, "DROP TEMPORARY TABLE in_packet"},
    {PRIMARY, "SELECT {m} 1; gibberish {m}", "1", .error = 1064},
    {PRIMARY, "SELECT {m} GET_LOCK('p', 1); SELECT {m} 1", "1"},
    {PRIMARY, "SELECT 1", "1"},
    {PRIMARY, "SELECT {m} 1; SELECT {m} RELEASE_LOCK('p')", "1"},
    {ANYWHERE, "SELECT 1", "1"},
)

TABLE(quotes_by_mode_and_character_set,
    {PRIMARY, "SELECT {m} \"', bump(), '\" AND bump()", "0"},
    {ANYWHERE, "SELECT {m} 'a\\', bump(), 'b' -- '", .error = 1064}, /* a string, an alias, a string */
    {ANYWHERE, "SET sql_mode = 'NO_BACKSLASH_ESCAPES'"},
    {PRIMARY, "SELECT {m} 'a\\', bump(), 'b' -- '", "a\\"},
    {ANYWHERE, "SELECT {m} 'a\\'", "a\\"},
    {ANYWHERE, "SET sql_mode = ''"},
    {ANYWHERE, "SET NAMES gbk"},
    {PRIMARY, "SELECT {m} '\xbf\\', bump() -- '"}, /* in GBK that backslash is half a character */
    {ANYWHERE, "SET NAMES utf8mb4"},
    {ANYWHERE, "SET sql_mode = ORACLE", .only = CLUSTER_MARIADB},
    {PRIMARY, "SELECT 1", "1", .only = CLUSTER_MARIADB},
    {ANYWHERE, "SET sql_mode = DEFAULT"},
    {ANYWHERE, "SELECT 1", "1"},
)

TABLE(hints,
    {PRIMARY, "/* pointsman: primary */ SELECT {m} 1", "1"},
    {PRIMARY, "SELECT /* pointsman: primary */ {m} 1", "1"},
    {REPLICA, "/* pointsman: replica */ SELECT {m} 1", "1"},
    {ON_DB1, "/* pointsman: server=db1 */ SELECT {m} 1", "1"},
    {ON_DB2, "/* pointsman: server=db2 */ SELECT {m} 1", "1"},
    {ON_DB3, "SELECT /* pointsman: server=db3 */ {m} 1", "1"},
    {ON_DB3, "SELECT /* pointsman: server=db3 */ {m} 1", "1"},
    {REPLICA, "/* pointsman: server=no_such */ SELECT {m} 1", "1"},
    {REPLICA, "/* pointsman: nonsense */ SELECT {m} 1", "1"},
    {REPLICA, "SELECT {m} 'pointsman: primary'", "pointsman: primary"},
    {PRIMARY, "/* pointsman: replica */ INSERT {m} INTO serial (a) VALUES (1)"},
    {PRIMARY, "INSERT /* pointsman: server=db2 */ {m} INTO serial (a) VALUES (1)"},
    {PRIMARY, "/* pointsman: replica */ SELECT {m} id FROM item WHERE id = 1 FOR UPDATE", "1"},
    {PRIMARY, "/* pointsman: replica */ SELECT {m} GET_LOCK('h', 1)", "1"},
    {PRIMARY, "SELECT RELEASE_LOCK('h')", "1"},
    {PRIMARY, "BEGIN"},
    {PRIMARY, "/* pointsman: replica */ SELECT {m} 1", "1"},
    {PRIMARY, "COMMIT"},
)

/* clang-format on */

/* --- spreading --- */

enum { READS = 40, ONE_REPLICAS_LEAST = 12 };

static void assert_spread(const long *marks, const char *marker)
{
    int counts[3];
    for (int i = 0; i < 3; i++)
        counts[i] = general_log_count(&front.set->server[i], marks[i], marker);
    if (counts[0] != 0 || counts[1] < ONE_REPLICAS_LEAST || counts[2] < ONE_REPLICAS_LEAST ||
        counts[1] + counts[2] != READS)
        fail_msg("%d reads ran %d, %d and %d times on db1, db2 and db3", READS, counts[0], counts[1],
                 counts[2]);
}

static void one_sessions_reads_use_both_replicas(void **state)
{
    long marks[3];
    (void)state;
    MYSQL *session = front_connect(&front);
    assert_non_null(session);
    for (int i = 0; i < 3; i++)
        marks[i] = general_log_mark(&front.set->server[i]);
    for (int i = 0; i < READS; i++)
        assert_int_equal(sql_run(session, "SELECT /* one session */ count(*) FROM item"), 0);
    mysql_close(session);
    assert_spread(marks, "/* one session */");
}

static void many_sessions_reads_use_both_replicas(void **state)
{
    long marks[3];
    (void)state;
    for (int i = 0; i < 3; i++)
        marks[i] = general_log_mark(&front.set->server[i]);
    for (int i = 0; i < READS; i++) {
        MYSQL *session = front_connect(&front);
        assert_non_null(session);
        assert_int_equal(sql_run(session, "SELECT /* many sessions */ count(*) FROM item"), 0);
        mysql_close(session);
    }
    assert_spread(marks, "/* many sessions */");
}

int main(void)
{
    const struct CMUnitTest routing[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(reads_by_their_text),
        cmocka_unit_test(locking_reads_and_output),
        cmocka_unit_test(functions),
        cmocka_unit_test(writes),
        cmocka_unit_test(one_servers_answers),
        cmocka_unit_test(transactions),
        cmocka_unit_test(read_only_transactions),
        cmocka_unit_test(autocommit_off),
        cmocka_unit_test(temporary_tables),
        cmocka_unit_test(insert_ids),
        cmocka_unit_test(row_counts),
        cmocka_unit_test(diagnostics),
        cmocka_unit_test(diagnostics_of_a_replica),
        cmocka_unit_test(user_variables),
        cmocka_unit_test(user_locks),
        cmocka_unit_test(table_locks),
        cmocka_unit_test(prepared_in_sql),
        cmocka_unit_test(calls),
        cmocka_unit_test(session_variables),
        cmocka_unit_test(roles),
        cmocka_unit_test(one_shot_and_privileged_variables),
        cmocka_unit_test(schemas),
        cmocka_unit_test(several_statements_in_one_packet),
        cmocka_unit_test(quotes_by_mode_and_character_set),
        cmocka_unit_test(hints),
        cmocka_unit_test(one_sessions_reads_use_both_replicas),
        cmocka_unit_test(many_sessions_reads_use_both_replicas),
    };
    return cmocka_run_group_tests(routing, start, stop);
}
