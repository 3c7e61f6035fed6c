/*
 * test_leaks.c - no state leaks between sessions: whatever fifty of them do at random, each sees what it
 *                would see alone on one server.
 *
 *   fifty sessions of three accounts ──> the proxy, 5 connections a server ──> a primary, two replicas
 *        │ each has a twin                                                             │
 *        └───────────> one connection to another server with the same content ──> same answer?
 *
 *   A session's script is taken from the tables below; scripts of all sessions are interleaved at random,
 * some statements of several sessions at once. Every session writes only to tables of its own number, so that
 *   its answers don't depend on the others.
 *   Sessions that hold a connection need a permit, of which there are fewer than connections: else they would
 *   wait for each other. Those that come to hold one by what met (a string in a user variable, and another
 *   sql_mode) are seen on the console, and are reset.
 *
 * Environment: POINTSMAN_SEED     a number, or random (default: one that is fixed)
 *              POINTSMAN_ROUNDS   rounds for each seed (default: as many as a check may take)
 *              POINTSMAN_DIFFERENCES   how many are shown before it gives up (default: 5)
 *              POINTSMAN_TRACE    print every statement
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "../cluster/twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SESSIONS = 50, PERMITS = 2, ACCOUNTS = 3, AT_ONCE = 6, PATIENCE_MS = 20000 };
enum { ROUNDS = 1000, FIXED_SEED = 1, HISTORY = 40, STEPS = 12, TEXT_MAX_LENGTH = 1000, DIFFERENCES_MAX = 5 };

static struct cluster *set, *alone; /* behind the proxy; for the twins, one server */
static struct pointsman *proxy;
static MYSQL *console;

static const struct cluster_account anybody = {"whoever", ""};
static const struct cluster_account clerk = {"clerk", "clerk-secret"};
static const struct cluster_account *const accounts[ACCOUNTS] = {&cluster_app, &cluster_report, &clerk};

/* --- what is on both sides --- */

static const char *const objects[] = {
    "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40))",
    "CREATE TABLE stock.item LIKE shop.item",
    "INSERT INTO shop.item VALUES (1, 'lamp'), (2, 'Chair'), (3, 'täble'), (4, 'bed'), (5, '10 doors')",
    "INSERT INTO stock.item VALUES (1, 'bolt'), (2, 'nut')",
    "CREATE DATABASE vault",
    "CREATE TABLE vault.gold (bars INT)",
    "INSERT INTO vault.gold VALUES (12)",
    "CREATE VIEW shop.v_items AS SELECT id, UPPER(name) AS name FROM shop.item",
    "CREATE USER clerk@'%' IDENTIFIED BY 'clerk-secret'",
    "GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON shop.* TO clerk@'%'",
    "GRANT CREATE TEMPORARY TABLES, LOCK TABLES ON shop.* TO clerk@'%'",
    "CREATE ROLE auditor",
    "CREATE ROLE keeper",
    "GRANT SELECT ON vault.* TO auditor",
    "GRANT SELECT, INSERT ON vault.* TO keeper",
    "GRANT auditor TO app@'%', report@'%', clerk@'%'",
    "GRANT keeper TO app@'%', clerk@'%'",
    "SET DEFAULT ROLE auditor FOR clerk@'%'",
    "CREATE FUNCTION shop.f_set(x INT) RETURNS INT BEGIN SET @a = x; RETURN x; END",
    "CREATE FUNCTION shop.f_pure(x INT) RETURNS INT DETERMINISTIC RETURN x + 1",
    "CREATE PROCEDURE shop.p_set() SET @a = 'by call', @b = 3",
    "CREATE PROCEDURE shop.p_temporary() CREATE OR REPLACE TEMPORARY TABLE shop.mine AS SELECT 7 AS a",
    "CREATE PROCEDURE shop.p_two() BEGIN SELECT 1 AS one; SELECT id, name FROM shop.item ORDER BY id; END",
    "CREATE PROCEDURE shop.p_zone() SET time_zone = '+09:00'",
    "CREATE PROCEDURE shop.p_mode() SET sql_mode = 'ANSI_QUOTES'",
    "CREATE PROCEDURE shop.p_limit() SET SESSION group_concat_max_len = 9, @c = 'limited'",
    "CREATE PROCEDURE shop.p_names() SET NAMES latin1",
    "CREATE PROCEDURE shop.p_begin() BEGIN START TRANSACTION; SELECT COUNT(*) FROM shop.item; END",
    "CREATE PROCEDURE shop.p_off() SET autocommit = 0",
    "CREATE PROCEDURE shop.p_id() SELECT LAST_INSERT_ID(77)",
    "CREATE PROCEDURE shop.p_warn() SELECT CAST(name AS SIGNED) FROM shop.item ORDER BY id",
    "CREATE PROCEDURE shop.p_signal() SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled'",
    "CREATE PROCEDURE shop.p_hint() SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'hinted'",
    "CREATE PROCEDURE shop.p_out(OUT x INT) SET x = 42",
};

/* Tables of one session, as they are when it begins. */
static const char own_objects[] =
    "CREATE OR REPLACE TABLE shop.own_%1$d (id INT PRIMARY KEY AUTO_INCREMENT, a INT, b VARCHAR(20));"
    "CREATE OR REPLACE TABLE stock.own_%1$d (id INT PRIMARY KEY AUTO_INCREMENT, a INT) AUTO_INCREMENT = 1000;"
    "INSERT INTO shop.own_%1$d VALUES (1, %1$d, 'x'), (2, 2, 'Y'), (3, NULL, '3z');"
    "INSERT INTO stock.own_%1$d VALUES (1, -%1$d);"
    "CREATE OR REPLACE SEQUENCE shop.seq_%1$d;"
    "CREATE TRIGGER shop.tell_%1$d BEFORE UPDATE ON shop.own_%1$d FOR EACH ROW SET @t = NEW.a";

static bool fill(int number)
{
    return cluster_sql(set, 0, own_objects, number) == 0 && cluster_sql(alone, 0, own_objects, number) == 0;
}

static bool fill_all(void)
{
    bool filled = true;
    for (size_t i = 0; filled && i < sizeof objects / sizeof *objects; i++)
        filled = cluster_sql(set, 0, "%s", objects[i]) == 0 && cluster_sql(alone, 0, "%s", objects[i]) == 0;
    for (int i = 0; filled && i < SESSIONS; i++)
        filled = fill(i);
    return filled && cluster_sync(set, 0, PATIENCE_MS);
}

static int start_all(void **state)
{
    const struct cluster_options three = {.servers = 3, .no_general_log = true};
    const struct cluster_options one = {.servers = 1, .no_general_log = true};
    const struct pointsman_options narrow = {
        .pointsman = "workers = 1\n",
        .more = "[pool]\nmax_per_server = 5\nqueue_timeout = 3s\n[failover]\nmode = off\n"};
    (void)state;
    if ((set = cluster_start(&three)) && (alone = cluster_start(&one)) && fill_all() &&
        (proxy = pointsman_start(set, &narrow)) &&
        (console = sql_connect(NULL, proxy->admin_port, &anybody, NULL, 0)))
        return 0;
    cluster_stop(set);
    cluster_stop(alone);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    mysql_close(console);
    int status = pointsman_stop(proxy);
    cluster_stop(set);
    cluster_stop(alone);
    return status;
}

/* --- chance --- */

static uint64_t seed, chance;

/* 0 .. below - 1 */
static int draw(int below)
{
    uint64_t z = chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (int)((z ^ z >> 31) % (uint64_t)below);
}

/* --- sessions --- */

enum tie {
    FREE,   /* holds no connection behind the last statement of the script */
    HOLDS,  /* until it is undone, see endings[] */
    STICKS, /* until the session is reset, or becomes another account's */
    STAYS,  /* until it is closed */
};

struct session {
    int number;
    const struct cluster_account *account;
    struct twin twin;
    bool permit;
    bool counted; /* FOUND_ROWS() is defined; on a fresh connection MariaDB has that of whoever was before */
    enum tie tie; /* the worst that it has done since it got its permit */
    char *steps[STEPS]; /* to do next, owned */
    int steps_count;
    char *history[HISTORY]; /* a ring, owned */
    unsigned done;
};

static struct session sessions[SESSIONS];
static int permits, differences;

/* {n}: the session's number, {o}: another's, {a|b|c}: one of these; innermost first. */
static char *expand(const struct session *session, const char *template)
{
    char *text = strdup(template), *open, *close;
    while ((close = strchr(text, '}'))) {
        int choices = 1;
        char piece[TEXT_MAX_LENGTH], *longer;
        *close = '\0';
        if (!(open = strrchr(text, '{')))
            fail_msg("a brace is missing: %s", template);
        *open++ = '\0';
        for (const char *at = open; *at; at++)
            choices += *at == '|';
        char *choice = open;
        for (int skip = draw(choices); skip > 0; skip--)
            choice = strchr(choice, '|') + 1;
        snprintf(piece, sizeof piece, "%.*s", (int)strcspn(choice, "|"), choice);
        if (strcmp(open, "n") == 0)
            snprintf(piece, sizeof piece, "%d", session->number);
        else if (strcmp(open, "o") == 0)
            snprintf(piece, sizeof piece, "%d", (session->number + 1 + draw(SESSIONS - 1)) % SESSIONS);
        if (asprintf(&longer, "%s%s%s", text, piece, close + 1) < 0)
            abort();
        free(text);
        text = longer;
    }
    return text;
}

static void add_step(struct session *session, const char *template)
{
    if (session->steps_count == STEPS)
        fail_msg("a script is too long");
    session->steps[session->steps_count++] = expand(session, template);
}

/* To be freed. MariaDB keeps a role when the session is reset or becomes another account's, the proxy not. */
static char *take_step(struct session *session)
{
    char *step = session->steps[0];
    bool keeps_role = session->tie == STAYS || session->account == &clerk; /* who has a default role */
    if (keeps_role && (strcmp(step, "!reset") == 0 || strcmp(step, "!user") == 0)) {
        free(step);
        step = strdup("!reopen");
    }
    memmove(session->steps, session->steps + 1, sizeof *session->steps * (size_t)--session->steps_count);
    return step;
}

static void remember(struct session *session, char *step)
{
    char **place = &session->history[session->done++ % HISTORY];
    free(*place);
    *place = step;
}

static void open_twin(struct session *session)
{
    static const unsigned long flags[] = {CLIENT_FOUND_ROWS, CLIENT_IGNORE_SPACE};
    const int ports[TWIN_SIDES] = {proxy->port, alone->server[0].port};
    int number = session->number;
    unsigned long more = number % 10 == 3 ? flags[number / 10 % 2] : 0;
    const char *schema = number % 8 == 5 ? NULL : number % 8 == 6 ? "stock" : "shop";
    if (session->account == &cluster_app || !schema || strcmp(schema, "stock") != 0)
        ;
    else
        schema = "shop"; /* others may not see it */
    if (!twin_open(&session->twin, ports, session->account, schema, CLIENT_MULTI_STATEMENTS | more))
        fail_msg("no login for session %d", number);
}

/* --- scripts --- */

struct script {
    enum tie tie;
    const char *steps[7]; /* texts, or commands: see command() */
};

/* clang-format off */

/* Quick reads; most of them mean something else in another state. */
static const char *const reads[] = {
    "SELECT id, name FROM item WHERE id = {1|2|3|4|5}",
    "SELECT name FROM item ORDER BY id",
    "SELECT * FROM own_{n} ORDER BY id",
    "SELECT a FROM own_{n} WHERE id = {1|2|3}",
    "SELECT COUNT(*) FROM own_{n}",
    "SELECT GROUP_CONCAT(name ORDER BY id) FROM item",
    "SELECT 10 / 3, FROM_UNIXTIME({0|100000}), DATE_FORMAT('2024-05-06', '%W %M')",
    "SELECT id FROM item WHERE name = 'CHAIR'",
    "SELECT id FROM item WHERE name = \"bed\"",
    "SELECT 'a' || 'b', 'x\\'y', LENGTH('ä'), HEX('ö')",
    "SELECT '\\\\', 5 FROM item WHERE id = 1",
    "SELECT 'ü' FROM item WHERE id = 1",
    "SELECT DATABASE(), @a FROM item WHERE id = 2",
    "SELECT @a, @b, @c",
    "SELECT COLLATION('x'), CHARSET(@a), @@sql_mode FROM item WHERE id = 2",
    "SELECT name FROM v_items WHERE id = 3",
    "SELECT DAYNAME('2024-01-01'), WEEK('2024-01-01') FROM item WHERE id = 1",
    "SELECT LENGTH(CAST('a' AS CHAR(5))), NOT 1 BETWEEN -5 AND 5 FROM item WHERE id = 1",
    "SELECT id FROM shop.item WHERE id < 3",
    "SELECT bars FROM vault.gold",
};

static const char *const probes[] = {
    "SELECT @@sql_mode, @@time_zone, @@collation_connection, @@character_set_client, @@character_set_connection, @@character_set_results",
    "SELECT @@autocommit, @@group_concat_max_len, @@sql_select_limit, @@div_precision_increment, @@lc_time_names, @@max_error_count",
    "SELECT DATABASE(), CURRENT_USER(), SESSION_USER(), USER()",
    "SELECT CURRENT_ROLE()",
    "SELECT CURRENT_ROLE(), CURRENT_USER() FROM item WHERE id = 1",
    "SELECT @a, @b, @c, @t",
    "SELECT @A, IF(@a IS NULL, '', COLLATION(@a)), @c, @`a b`",
    "SELECT LAST_INSERT_ID()",
    "SELECT @@last_insert_id, @@identity",
    "SELECT FOUND_ROWS()",
    "SELECT ROW_COUNT()",
    "SELECT LAST_INSERT_ID(), FOUND_ROWS(), ROW_COUNT()",
    "SELECT FOUND_ROWS() AS f, name FROM item WHERE id = 1",
    "SELECT * FROM mine",
    "SELECT * FROM item ORDER BY 1",
    "SELECT * FROM item WHERE id = LAST_INSERT_ID()",
    "SELECT @@in_transaction",
    "SELECT @@tx_isolation, @@tx_read_only, @@completion_type, @@sql_auto_is_null",
    "SELECT @@foreign_key_checks, @@unique_checks, @@sql_safe_updates, @@sql_quote_show_create, @@auto_increment_increment",
    "SELECT @@default_week_format, @@max_sort_length, @@sql_notes, @@low_priority_updates, @@old_mode, @@lc_messages",
    "SELECT @@optimizer_switch LIKE '%mrr=on%', @@max_statement_time, @@default_storage_engine, @@insert_id",
    "SHOW VARIABLES LIKE '{sql_mode|time_zone|autocommit|div%|lc_time_names}'",
    "DESCRIBE item",
    "SHOW TABLES LIKE 'item'",
    "SELECT RELEASE_LOCK('lock {o}') <=> 1",
    "SELECT IS_USED_LOCK('lock {n}') IS NULL, IS_FREE_LOCK('other {n}')",
    "SELECT * FROM shop.own_{n} ORDER BY id",
    "SELECT * FROM stock.own_{n} ORDER BY id",
    "EXECUTE p",
    "HANDLER own_{n} READ FIRST",
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'item'",
    "!ping",
};

static const struct script scripts[] = {
    /* settings */
    {FREE, {"SET sql_mode = '{ANSI_QUOTES|NO_BACKSLASH_ESCAPES|PIPES_AS_CONCAT|STRICT_ALL_TABLES||HIGH_NOT_PRECEDENCE|PAD_CHAR_TO_FULL_LENGTH|ANSI,NO_BACKSLASH_ESCAPES|TRADITIONAL|NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO}'"}},
    {FREE, {"SET SESSION sql_mode = {DEFAULT|@@global.sql_mode|CONCAT(@@sql_mode, ',ANSI_QUOTES')|\"\"|0|4}"}},
    {FREE, {"SET sql_mode = 'ORACLE'", "SELECT 1 FROM item WHERE id = 1", "SET sql_mode = DEFAULT"}},
    {FREE, {"SET time_zone = '{+00:00|-05:30|SYSTEM|+13:00|nowhere|+05:00}'"}},
    {FREE, {"SET @@session.group_concat_max_len = {4|10|DEFAULT|1024|100000|-1}"}},
    {FREE, {"SET sql_select_limit = {2|DEFAULT|1|18446744073709551615}"}},
    {FREE, {"SET SESSION div_precision_increment = {0|8|30|DEFAULT}"}},
    {FREE, {"SET lc_time_names = '{de_DE|fr_FR|en_US|xx_XX}'"}},
    {FREE, {"SET NAMES {utf8mb4|latin1|utf8mb3|cp1250|utf8mb4 COLLATE utf8mb4_bin|'latin1'|latin1 COLLATE latin1_german1_ci|DEFAULT|nonsense|gbk|sjis|big5|utf8mb4 COLLATE latin1_bin}"}},
    {FREE, {"SET collation_connection = {utf8mb4_bin|latin1_swedish_ci|utf8mb4_unicode_ci|DEFAULT|'utf8mb3_general_ci'}"}},
    {FREE, {"SET character_set_{client|connection|results} = {latin1|utf8mb4|DEFAULT|utf8mb3|cp1250}"}},
    {FREE, {"SET character_set_results = NULL"}},
    {FREE, {"SET @@{session|local}.{default_week_format = 3|default_week_format = DEFAULT|max_sort_length = 8|max_sort_length = DEFAULT|lc_messages = 'de_DE'|lc_messages = DEFAULT}"}},
    {FREE, {"SET {foreign_key_checks|unique_checks|sql_safe_updates|sql_notes|low_priority_updates|sql_quote_show_create|sql_warnings|sql_buffer_result|sql_big_selects} = {0|1|ON|DEFAULT}"}},
    {FREE, {"SET auto_increment_increment = {5|1|DEFAULT}, auto_increment_offset = {2|1}"}},
    {FREE, {"SET time_zone = '+0{1|2|3}:00', sql_mode = '{ANSI_QUOTES|bogus|}', group_concat_max_len = {7|1024}"}},
    {FREE, {"SET no_such_variable = 1"}},
    {FREE, {"SET group_concat_max_len = 77, @a = 3, no_such_variable = 1"}},
    {FREE, {"SET SESSION TRANSACTION ISOLATION LEVEL {SERIALIZABLE|REPEATABLE READ|READ COMMITTED|READ UNCOMMITTED}"}},
    {FREE, {"SET SESSION tx_isolation = {'READ-COMMITTED'|DEFAULT}"}},
    {FREE, {"SET SESSION TRANSACTION READ {ONLY|WRITE|WRITE}", "INSERT INTO own_{n} (a) VALUES (8)", "SET SESSION TRANSACTION READ WRITE"}},
    {FREE, {"SET max_error_count = {1|0|64|DEFAULT}"}},
    {FREE, {"SET optimizer_switch = '{mrr=on|mrr=off|default}'"}},
    {FREE, {"SET default_storage_engine = {MyISAM|InnoDB|DEFAULT}"}},
    {FREE, {"SET max_statement_time = {30|0|20.5}"}},
    {FREE, {"SET old_mode = '{|NO_PROGRESS_INFO|UTF8_IS_UTF8MB3}'"}},
    {FREE, {"SET sql_auto_is_null = {1|0}"}},
    {STICKS, {"SET last_insert_id = {77|5|0}"}},
    {STICKS, {"SET identity = {78|6}"}},
    {FREE, {"SET STATEMENT group_concat_max_len = 5 FOR SELECT GROUP_CONCAT(name) FROM item"}},
    {FREE, {"SET session_track_system_variables = '{*|sql_mode|autocommit,time_zone|}'"}},
    {FREE, {"SET session_track_schema = {0|1}"}},
    {FREE, {"SET SESSION sql_log_bin = 0"}},
    {FREE, {"SET GLOBAL max_connections = 5"}},
    {STICKS, {"SET CHARACTER SET {latin1|utf8mb4|DEFAULT}"}},
    {STICKS, {"SET timestamp = {1000|1700000000.5}", "SELECT NOW(), UNIX_TIMESTAMP(), CURRENT_TIME()", "SELECT NOW(6) FROM item WHERE id = 1"}},
    {STICKS, {"SET rand_seed1 = {5|6}, rand_seed2 = 9", "SELECT RAND(), RAND()"}},
    {STICKS, {"SET insert_id = {700|800}", "INSERT INTO own_{n} (a) VALUES (1)", "SELECT LAST_INSERT_ID()"}},
    {STICKS, {"SET completion_type = {CHAIN|1|DEFAULT}", "BEGIN", "INSERT INTO own_{n} (a) VALUES (5)", "{COMMIT|ROLLBACK}", "SELECT @@in_transaction"}},
    {HOLDS, {"SET autocommit = {0|OFF}", "INSERT INTO own_{n} (a) VALUES (5)", "SELECT @@in_transaction"}},
    {HOLDS, {"SET SESSION autocommit = 0, @a = {1|'x'}"}},
    {FREE, {"SET autocommit = {1|ON|DEFAULT}"}},
    /* schemas */
    {FREE, {"USE {shop|stock|shop|vault|nowhere|information_schema}"}},
    {FREE, {"USE `{shop|stock}`"}},
    {FREE, {"!init {shop|stock|vault|nowhere}"}},
    /* user variables: literals */
    {FREE, {"SET @{a|b|c} = {5|-7|1.50|1e3|NULL|TRUE|'text'|''|0|-0.0|123456789012345678901|'it''s'|'back\\\\slash'|'\\''}"}},
    {HOLDS, {"SET @{a|b|c} := {X'4142'|0x41|b'101'|_latin1'x'|_utf8mb4'ä' COLLATE utf8mb4_bin|N'n'|DATE'2020-02-03'|TIMESTAMP'2020-01-01 00:00:01'|'ä'|\"double\"|'a' COLLATE utf8mb4_bin|'con' 'cat'|- 3|+4}"}},
    {FREE, {"SET @a = {1|'one'}, @b = {2|NULL}, @C = 'three'"}},
    {FREE, {"SET @`a b` = {1|'q'}, @'a' = 4, @\"b\" = 5"}},
    {HOLDS, {"SET @a = 'm', sql_mode = '{|ANSI_QUOTES|NO_BACKSLASH_ESCAPES}', @b = '\\\\'"}},
    {HOLDS, {"SET @a = 'ö', NAMES {latin1|utf8mb4}", "SELECT HEX(@a), CHARSET(@a)"}},
    {FREE, {"SET NAMES {latin1|gbk|sjis}", "SET @a = 'ö'", "SET NAMES utf8mb4", "SELECT HEX(@a), CHARSET(@a), COLLATION(@a)"}},
    /* user variables: computed */
    {HOLDS, {"SELECT @a := {5|'x'|id} FROM item WHERE id = 2"}},
    {HOLDS, {"SELECT id, name INTO @a, @b FROM item WHERE id = {1|2|99}"}},
    {HOLDS, {"SET @{a|b} = (SELECT MAX(id) FROM item)", "SELECT name FROM item WHERE id = @a"}},
    {HOLDS, {"SET @a = 4, @b = @a + 1, @c = {UPPER('c')|@a|CONCAT(@b, 'x')}"}},
    {HOLDS, {"SET @a = @@sql_mode, @b = @@time_zone", "SET sql_mode = '', time_zone = '+02:00'", "SET sql_mode = @a, time_zone = @b"}},
    {HOLDS, {"SELECT name FROM item WHERE (@a := id) > 3 ORDER BY id", "SELECT @a"}},
    {HOLDS, {"SELECT 3 INTO @c", "SET @c = {1|'lit'}"}},
    {HOLDS, {"SELECT 3 INTO @b", "SET @a = 0, @b = {1|'lit'}, @c = NULL"}},
    {HOLDS, {"UPDATE shop.own_{n} SET a = {3|4} WHERE id = {1|2|9}", "SELECT @t"}},
    {HOLDS, {"SELECT f_set({8|9})", "SELECT @a"}},
    {HOLDS, {"SELECT shop.f_set(id) FROM shop.item WHERE id < 3"}},
    {FREE, {"SELECT shop.f_pure({1|2})"}},
    /* temporary tables */
    {HOLDS, {"CREATE TEMPORARY TABLE mine (a INT)", "INSERT INTO mine VALUES ({n}), ({1|2})", "SELECT * FROM mine"}},
    {HOLDS, {"CREATE TEMPORARY TABLE {IF NOT EXISTS |}mine AS SELECT {n} AS a, '{x|y}' AS b"}},
    {HOLDS, {"CREATE TEMPORARY TABLE item AS SELECT {7|8} AS id, 'hidden {n}' AS name", "SELECT * FROM item"}},
    {HOLDS, {"CREATE OR REPLACE TEMPORARY TABLE shop.item (other INT) ENGINE = {MyISAM|InnoDB}", "SELECT COUNT(*) FROM item"}},
    {HOLDS, {"CREATE TEMPORARY TABLE mine (id INT PRIMARY KEY AUTO_INCREMENT, a INT)", "INSERT INTO mine (a) VALUES (1), (2)", "SELECT LAST_INSERT_ID()", "SELECT * FROM item WHERE id = 1"}},
    {HOLDS, {"DROP TEMPORARY TABLE IF EXISTS mine{|, item}"}},
    {HOLDS, {"DROP TEMPORARY TABLE {item|mine|item, mine}"}},
    {HOLDS, {"CREATE TEMPORARY TABLE mine AS SELECT 1 AS a", "ALTER TABLE mine ADD z INT DEFAULT {4|5}", "RENAME TABLE mine TO mine2", "SELECT * FROM mine2", "DROP TABLE mine2"}},
    /* locks */
    {HOLDS, {"SELECT GET_LOCK('lock {n}', {0|1})", "SELECT IS_FREE_LOCK('lock {n}'), IS_USED_LOCK('lock {n}') IS NULL"}},
    {HOLDS, {"DO GET_LOCK('lock {n}', 0), GET_LOCK('other {n}', 0)"}},
    {HOLDS, {"SELECT GET_LOCK('lock {n}', 0)", "SELECT RELEASE_LOCK('lock {n}')", "SELECT RELEASE_LOCK('lock {n}')"}},
    {HOLDS, {"SELECT GET_LOCK(CONCAT('lock ', {n}), 0)", "SELECT RELEASE_ALL_LOCKS()"}},
    {FREE, {"SELECT RELEASE_LOCK('{lock|other} {n}')"}},
    {FREE, {"SELECT RELEASE_ALL_LOCKS() * 0"}},
    {HOLDS, {"LOCK TABLES own_{n} WRITE{|, item READ}", "INSERT INTO own_{n} (a) VALUES (6)", "SELECT * FROM item WHERE id = 1", "UNLOCK TABLES"}},
    {HOLDS, {"LOCK TABLES own_{n} READ", "INSERT INTO own_{n} (a) VALUES (6)"}},
    {FREE, {"UNLOCK TABLES"}},
    {HOLDS, {"HANDLER own_{n} OPEN", "HANDLER own_{n} READ FIRST", "HANDLER own_{n} READ NEXT"}},
    {HOLDS, {"HANDLER item OPEN AS h", "HANDLER h READ `PRIMARY` >= (3)", "HANDLER h CLOSE"}},
    {HOLDS, {"HANDLER own_{n} CLOSE"}},
    /* prepared statements */
    {HOLDS, {"PREPARE p FROM 'SELECT a, @a FROM own_{n} WHERE id = {1|2}'", "EXECUTE p"}},
    {HOLDS, {"PREPARE p FROM 'SELECT ? + {1|2}, @@time_zone'", "EXECUTE p USING @a"}},
    {HOLDS, {"PREPARE p FROM '{nonsense|SELECT 1}'", "EXECUTE p", "DEALLOCATE PREPARE p", "EXECUTE p"}},
    {HOLDS, {"{DEALLOCATE|DROP} PREPARE p"}},
    {STICKS, {"PREPARE p FROM 'SET @a = 11, time_zone = ''+11:00'''", "EXECUTE p"}},
    {STICKS, {"PREPARE p FROM 'INSERT INTO own_{n} (a) VALUES (9)'", "EXECUTE p", "SELECT LAST_INSERT_ID(), ROW_COUNT()"}},
    {STICKS, {"EXECUTE IMMEDIATE '{SET @a = 12|SELECT 1 FROM item|CREATE TEMPORARY TABLE mine (q INT)|nonsense}'"}},
    {STICKS, {"BEGIN NOT ATOMIC SET @a = 13; SELECT @a; END"}},
    {FREE, {"!prepare 0 SELECT id, a + ?, @a FROM own_{n} WHERE id <= ?", "!execute 0 {2|3}", "!execute 0 1"}},
    {FREE, {"!prepare 1 INSERT INTO own_{n} (a) VALUES (?)", "!execute 1 {4|5}", "SELECT LAST_INSERT_ID(), ROW_COUNT()"}},
    {FREE, {"USE shop", "!prepare 0 SELECT LAST_INSERT_ID(), DATABASE()", "!execute 0 0", "USE {shop|stock}", "!execute 0 0"}},
    {FREE, {"!prepare 1 SELECT ROW_COUNT(), FOUND_ROWS()", "{SELECT * FROM item|UPDATE own_{n} SET a = 3}", "!execute 1 0"}},
    {FREE, {"!prepare 0 SELECT SQL_CALC_FOUND_ROWS id FROM item LIMIT {1|2}", "!execute 0 0", "SELECT FOUND_ROWS()"}},
    {FREE, {"!prepare 1 UPDATE own_{n} SET b = CONCAT(b, ?) WHERE id <= ?", "!execute 1 {1|2}", "SELECT ROW_COUNT()"}},
    {FREE, {"!prepare 0 SELECT name, @@time_zone, @@sql_mode FROM item WHERE id = ?", "SET time_zone = '+0{1|2}:00'", "!execute 0 1"}},
    {FREE, {"!prepare 0 SELECT \"id\" FROM item WHERE id = ?", "SET sql_mode = '{|ANSI_QUOTES}'", "!execute 0 1", "!prepare 1 SELECT \"id\" FROM item WHERE id = ?", "!execute 1 1"}},
    {FREE, {"!prepare 0 SELECT CAST(name AS SIGNED) FROM item WHERE id <= ?", "!execute 0 {1|2}", "SHOW WARNINGS"}},
    {FREE, {"!prepare 0 SELECT @@warning_count, @@error_count", "SELECT CAST('x' AS SIGNED)", "!execute 0 0"}},
    {FREE, {"!prepare 1 SELECT * FROM item WHERE id = (SELECT id FROM item WHERE id > ?)", "!execute 1 0", "SHOW ERRORS"}},
    {FREE, {"!prepare 0 SELECT COUNT(*) FROM own_{n}", "BEGIN", "INSERT INTO own_{n} (a) VALUES (1)", "!execute 0 0", "ROLLBACK", "!execute 0 0"}},
    {FREE, {"!prepare 0 SELECT ?, ? + 0.5, NAME FROM item WHERE id = 1", "!execute 0 7", "SET NAMES {latin1|utf8mb4}", "!execute 0 8"}},
    {STICKS, {"!prepare 0 SET @a = ?", "!execute 0 5", "SELECT @a"}},
    {STICKS, {"!prepare 1 SELECT f_set(?), f_pure(?)", "!execute 1 6", "SELECT @a"}},
    {STICKS, {"!prepare 1 CALL p_set()", "!execute 1 0", "SELECT @a, @b"}},
    {FREE, {"!prepare 1 {nonsense|SELECT * FROM no_such}"}},
    {FREE, {"!execute {0|1} {1|2|3}"}},
    {FREE, {"!drop {0|1}"}},
    /* transactions */
    {HOLDS, {"{BEGIN|START TRANSACTION}", "INSERT INTO own_{n} (a) VALUES (20)", "SELECT COUNT(*) FROM own_{n}", "SELECT @@in_transaction", "{COMMIT|ROLLBACK}", "SELECT COUNT(*) FROM own_{n}"}},
    {HOLDS, {"BEGIN", "UPDATE own_{n} SET a = 21 WHERE id = 2", "SAVEPOINT s", "UPDATE own_{n} SET a = 22 WHERE id = 2", "ROLLBACK TO {s|nothing}", "SELECT a FROM own_{n} WHERE id = 2"}},
    {HOLDS, {"START TRANSACTION READ ONLY", "SELECT COUNT(*) FROM own_{n}", "INSERT INTO own_{n} (a) VALUES (23)", "SELECT @@in_transaction", "{COMMIT|ROLLBACK}"}},
    {HOLDS, {"START TRANSACTION{ WITH CONSISTENT SNAPSHOT|, READ WRITE| READ WRITE|}"}},
    {HOLDS, {"SET TRANSACTION {READ ONLY|ISOLATION LEVEL SERIALIZABLE}", "{BEGIN|SET @a = 1|SELECT 1}", "DELETE FROM own_{n} WHERE id = 3", "ROLLBACK"}},
    {HOLDS, {"BEGIN", "DELETE FROM own_{n}", "{COMMIT|ROLLBACK} AND CHAIN", "SELECT COUNT(*), @@in_transaction FROM own_{n}", "ROLLBACK AND NO CHAIN"}},
    {HOLDS, {"BEGIN", "INSERT INTO own_{n} (a) VALUES (24)", "CREATE OR REPLACE TABLE more_{n} (a INT)", "ROLLBACK", "SELECT COUNT(*) FROM own_{n}"}},
    {FREE, {"{COMMIT|ROLLBACK|ROLLBACK TO nothing|RELEASE SAVEPOINT nothing|SAVEPOINT x}"}},
    {HOLDS, {"XA START 'x {n}'", "INSERT INTO own_{n} (a) VALUES (25)", "XA END 'x {n}'", "XA PREPARE 'x {n}'", "XA {COMMIT|ROLLBACK} 'x {n}'", "SELECT COUNT(*) FROM own_{n}"}},
    {HOLDS, {"SELECT id FROM own_{n} WHERE id = 1 FOR UPDATE"}},
    /* roles */
    {STAYS, {"SET ROLE {auditor|keeper|NONE|auditor|nobody}", "SELECT * FROM vault.gold", "SELECT CURRENT_ROLE()"}},
    {STAYS, {"SET ROLE 'auditor'"}},
    {STAYS, {"SET ROLE auditor; SELECT CURRENT_ROLE()", "SELECT CURRENT_ROLE()"}},
    /* insert ids, counts */
    {FREE, {"INSERT INTO own_{n} (a) VALUES (1)"}},
    {FREE, {"INSERT INTO own_{n} (a) VALUES (1), (2), (3)", "SELECT LAST_INSERT_ID()"}},
    {FREE, {"INSERT INTO own_{n} VALUES ({100|200|1}, 5, 'e')", "SELECT LAST_INSERT_ID(), ROW_COUNT()"}},
    {FREE, {"INSERT INTO own_{n} (a) SELECT id FROM item WHERE id < 3", "SELECT ROW_COUNT()"}},
    {FREE, {"INSERT IGNORE INTO own_{n} VALUES (1, 1, 'e'), (2, 2, 'e')", "SELECT @@warning_count, ROW_COUNT()"}},
    {FREE, {"REPLACE INTO own_{n} VALUES ({1|2}, 6, 'r')", "SELECT ROW_COUNT()"}},
    {HOLDS, {"INSERT INTO own_{n} (id, a) VALUES (1, 5) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), b = '{a|b|c}'", "SELECT LAST_INSERT_ID()"}},
    {FREE, {"DELETE FROM own_{n} WHERE id > {20|30|1000}", "SELECT ROW_COUNT(), FOUND_ROWS()"}},
    {FREE, {"SELECT LAST_INSERT_ID({88|id}) FROM item WHERE id = 4", "SELECT LAST_INSERT_ID()"}},
    {FREE, {"INSERT INTO own_{n} (a) VALUES (7) RETURNING id, a", "SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS()"}},
    {FREE, {"TRUNCATE own_{n}", "INSERT INTO own_{n} VALUES (1, {n}, 'x'), (2, 2, 'Y'), (3, NULL, '3z')"}},
    {STICKS, {"SET sql_auto_is_null = 1", "INSERT INTO own_{n} (a) VALUES (1)", "SELECT id FROM own_{n} WHERE id IS NULL", "SET sql_auto_is_null = 0"}},
    {FREE, {"SELECT SQL_CALC_FOUND_ROWS id FROM item ORDER BY id LIMIT {1|2}", "SELECT FOUND_ROWS()"}},
    {FREE, {"SELECT id FROM item ORDER BY id LIMIT {1|2}", "SELECT FOUND_ROWS(), ROW_COUNT()"}},
    {FREE, {"SELECT id FROM item LIMIT 2 OFFSET {1|4}", "SELECT FOUND_ROWS()"}},
    {FREE, {"SELECT id FROM item UNION {ALL |}SELECT 3{ LIMIT 2| ORDER BY 1|}", "SELECT FOUND_ROWS()"}},
    {FREE, {"(SELECT id FROM item ORDER BY id LIMIT 1) UNION ALL (SELECT id FROM item ORDER BY id LIMIT 2)", "SELECT FOUND_ROWS()"}},
    {FREE, {"SELECT id FROM item WHERE id > {2|9}", "SELECT FOUND_ROWS() FROM item LIMIT 1", "SELECT FOUND_ROWS()"}},
    {FREE, {"SELECT name FROM (SELECT name FROM item LIMIT 3) x", "SELECT FOUND_ROWS()"}},
    {FREE, {"{SHOW TABLES LIKE 'it%'|DESCRIBE item|SHOW DATABASES LIKE 's%'|SHOW VARIABLES LIKE 'sql_mode'|CHECK TABLE item}", "SELECT FOUND_ROWS(), ROW_COUNT()"}},
    {HOLDS, {"{DO 1|SET @a = 3|USE shop|CREATE OR REPLACE TABLE more_{n} (a INT)|UPDATE own_{n} SET b = b|SELECT nonsense|BEGIN|COMMIT|ANALYZE TABLE own_{n}}", "SELECT FOUND_ROWS()", "SELECT ROW_COUNT()", "ROLLBACK"}},
    {HOLDS, {"{DO 1|SET @a = 3|USE shop|UPDATE own_{n} SET b = b|SELECT nonsense|COMMIT|SELECT 1|SHOW TABLES LIKE 'item'}", "SELECT ROW_COUNT()", "SELECT ROW_COUNT(), FOUND_ROWS() FROM item WHERE id = 1"}},
    /* sequences */
    {FREE, {"SELECT NEXT{VAL(shop.seq_{n})| VALUE FOR shop.seq_{n}}"}},
    /* warnings and errors */
    {FREE, {"SELECT CAST(name AS SIGNED) FROM item", "SHOW WARNINGS"}},
    {FREE, {"SELECT CAST(name AS SIGNED) + {n} FROM item ORDER BY id", "SELECT @@warning_count, @@error_count", "SHOW WARNINGS LIMIT {1|1, 2|2}", "SHOW COUNT(*) WARNINGS"}},
    {FREE, {"SELECT CAST('w{n}' AS SIGNED), name FROM item WHERE id = 1", "SET {@a = 5|time_zone = '+06:00'|sql_mode = ''|no_such = 1}", "SHOW WARNINGS"}},
    {FREE, {"SELECT no_such_{n} FROM item", "SHOW {WARNINGS|ERRORS}", "SHOW COUNT(*) ERRORS"}},
    {FREE, {"SELECT no_such_{n} FROM item", "SET @b = 4", "SHOW WARNINGS", "SELECT @@warning_count, @@error_count"}},
    {FREE, {"INSERT INTO own_{n} VALUES (1, 1, 'd'), (1, 2, 'd')", "SHOW WARNINGS", "SELECT ROW_COUNT()"}},
    {FREE, {"INSERT INTO own_{n} (a, b) VALUES ('{w|5}', 'far too long for the column')", "SHOW WARNINGS", "SHOW COUNT(*) WARNINGS"}},
    {HOLDS, {"UPDATE own_{n} SET b = {a|1/0|'x'}{| WHERE id = 1}", "SHOW WARNINGS"}},
    {FREE, {"{DROP TABLE IF EXISTS never_{n}|CREATE TABLE IF NOT EXISTS own_{n} (a INT)}", "SHOW WARNINGS", "SHOW ERRORS"}},
    {FREE, {"syntax error {n}", "SHOW WARNINGS", "SHOW WARNINGS"}},
    {FREE, {"SELECT * FROM no_such_{n}", "SET no_such = 2", "SHOW WARNINGS"}},
    {FREE, {"SELECT CAST(name AS SIGNED) FROM item", "SELECT name FROM item WHERE id = 1", "SHOW WARNINGS", "SHOW COUNT(*) WARNINGS"}},
    {FREE, {"SELECT CAST(name AS SIGNED) FROM item", "INSERT INTO own_{n} (a) VALUES (2)", "SHOW WARNINGS"}},
    {STAYS, {"SELECT CAST(name AS SIGNED) FROM item", "GET DIAGNOSTICS @a = NUMBER, @b = ROW_COUNT", "GET DIAGNOSTICS CONDITION 1 @c = MESSAGE_TEXT", "SELECT @a, @b, @c"}},
    {STAYS, {"SELECT no_such_{n} FROM item", "SET @b = 1", "GET DIAGNOSTICS CONDITION 1 @a = RETURNED_SQLSTATE, @c = MESSAGE_TEXT", "SELECT @a, @c"}},
    /* procedures */
    {HOLDS, {"CALL shop.p_set()", "SELECT @a, @b"}},
    {STICKS, {"CALL shop.p_temporary()", "SELECT * FROM mine", "SELECT * FROM shop.mine"}},
    {STICKS, {"CALL shop.p_two()", "SELECT FOUND_ROWS(), ROW_COUNT()"}},
    {STICKS, {"CALL shop.p_zone()", "SELECT FROM_UNIXTIME(0)"}},
    {STICKS, {"CALL shop.p_mode()", "SELECT @@sql_mode"}},
    {STICKS, {"CALL shop.p_limit()", "SELECT @@group_concat_max_len, @c"}},
    {STICKS, {"CALL shop.p_names()", "SELECT @@collation_connection, LENGTH('ä')"}},
    {STICKS, {"CALL shop.p_begin()", "INSERT INTO own_{n} (a) VALUES (30)", "SELECT @@in_transaction", "ROLLBACK"}},
    {STICKS, {"CALL shop.p_off()", "INSERT INTO own_{n} (a) VALUES (31)", "{COMMIT|ROLLBACK}", "SET autocommit = 1"}},
    {STICKS, {"CALL shop.p_id()", "SELECT LAST_INSERT_ID()"}},
    {STICKS, {"CALL shop.p_{warn|signal|hint|no_such}()", "SHOW WARNINGS"}},
    {STICKS, {"CALL shop.p_out(@a)", "SELECT @a"}},
    /* several in a packet */
    {FREE, {"SELECT 1; SELECT name FROM item WHERE id = 1"}},
    {FREE, {"SELECT name FROM item WHERE id = {1|2}; SELECT FOUND_ROWS(), ROW_COUNT(); SELECT @@time_zone"}},
    {FREE, {"SET @a = {1|'s'}; SET time_zone = '+04:00'; SELECT @a, @@time_zone"}},
    {FREE, {"INSERT INTO own_{n} (a) VALUES (40); SELECT LAST_INSERT_ID(); SELECT LAST_INSERT_ID(), ROW_COUNT()"}},
    {STICKS, {"SET time_zone = '+08:00'; SELECT no_such; SET sql_mode = ''"}},
    {STICKS, {"USE {stock|shop}; SET NAMES latin1; SELECT DATABASE(), COUNT(*) FROM item; USE nowhere"}},
    {STICKS, {"BEGIN; INSERT INTO own_{n} (a) VALUES (41); {COMMIT|ROLLBACK|SELECT 1}", "SELECT COUNT(*), @@in_transaction FROM own_{n}"}},
    {STICKS, {"CREATE TEMPORARY TABLE mine (a INT); INSERT INTO mine VALUES (1); SELECT * FROM mine; {DROP TABLE mine|SELECT 1}"}},
    {STICKS, {"SELECT GET_LOCK('lock {n}', 0); {SELECT RELEASE_LOCK('lock {n}')|nonsense}"}},
    /* the session as a whole */
    {FREE, {"!reset"}},
    {FREE, {"!user"}},
    {FREE, {"!reopen"}},
    {FREE, {"!user wrong"}},
};

/* What undoes whatever a session may hold. */
static const char *const endings[] = {
    "UNLOCK TABLES", "{COMMIT|ROLLBACK}", "SET autocommit = 1", "DROP TEMPORARY TABLE IF EXISTS shop.mine, shop.item",
    "DROP TEMPORARY TABLE IF EXISTS stock.mine, stock.item", "SELECT RELEASE_ALL_LOCKS()", "DEALLOCATE PREPARE p",
    "HANDLER own_{n} CLOSE", "SET @a = 1, @b = 'two', @c = NULL, @t = 3", "!settle",
};

/* clang-format on */

enum {
    READS = sizeof reads / sizeof *reads,
    PROBES = sizeof probes / sizeof *probes,
    SCRIPTS = sizeof scripts / sizeof *scripts,
    ENDINGS = sizeof endings / sizeof *endings
};

/* --- writing scripts --- */

static bool ends_session(const char *step)
{
    return strcmp(step, "!reset") == 0 || strcmp(step, "!user") == 0 || strcmp(step, "!reopen") == 0;
}

/* Gives the permit back behind whatever suffices for what the session has done. */
static void write_ending(struct session *session)
{
    static const char *const ways[] = {"!reopen", "!reset", "!user"};
    int way = draw(session->tie == STAYS ? 1 : session->tie == STICKS ? 3 : 8);
    if (way < 3)
        add_step(session, ways[way]);
    for (int i = 0; way >= 3 && i < ENDINGS; i++)
        add_step(session, endings[i]);
}

static void write_random(struct session *session)
{
    const struct script *script = &scripts[draw(SCRIPTS)];
    if (script->tie != FREE && !session->permit && permits == PERMITS)
        return;
    if (script->tie != FREE && !session->permit) {
        session->permit = true;
        permits++;
    }
    if (script->tie > session->tie)
        session->tie = script->tie;
    for (int i = 0; script->steps[i]; i++)
        add_step(session, script->steps[i]);
    for (int i = draw(3); i > 0; i--)
        add_step(session, probes[draw(PROBES)]);
}

static void write_script(struct session *session)
{
    enum { ENDS = 6 };
    while (session->steps_count == 0)
        if (session->permit && draw(ENDS) == 0)
            write_ending(session);
        else if (draw(3) == 0)
            add_step(session, reads[draw(READS)]);
        else if (draw(4) == 0)
            add_step(session, probes[draw(PROBES)]);
        else
            write_random(session);
}

/* --- doing it --- */

static void give_permit_back(struct session *session)
{
    permits -= session->permit;
    session->permit = false;
    session->tie = FREE;
}

static void change_user(struct session *session, bool wrong)
{
    const struct cluster_account *account = accounts[draw(ACCOUNTS)];
    const char *const schemas[] = {"shop", NULL, account == &cluster_app ? "stock" : "shop"};
    const char *schema = schemas[draw(3)];
    twin_change_user(&session->twin, account->user, wrong ? "wrong" : account->password, schema);
    if (!wrong)
        session->account = account;
}

static void reopen(struct session *session)
{
    twin_close(&session->twin);
    open_twin(session);
}

/* A step that isn't a statement. */
static void command(struct session *session, const char *step)
{
    struct twin *twin = &session->twin;
    int which = 0, at = 0;
    long long parameter = 0;
    if (strcmp(step, "!reset") == 0)
        twin_reset(twin);
    else if (strncmp(step, "!user", 5) == 0)
        change_user(session, step[5]);
    else if (strcmp(step, "!reopen") == 0)
        reopen(session);
    else if (strcmp(step, "!ping") == 0)
        twin_ping(twin);
    else if (sscanf(step, "!init %n", &at) == 0 && at)
        twin_select_db(twin, step + at);
    else if (sscanf(step, "!prepare %d %n", &which, &at) == 1 && at)
        twin_prepare(twin, which, step + at);
    else if (sscanf(step, "!execute %d %lld", &which, &parameter) == 2)
        twin_execute(twin, which, parameter);
    else if (sscanf(step, "!drop %d", &which) == 1)
        twin_drop(twin, which);
    if (ends_session(step) || strcmp(step, "!settle") == 0)
        give_permit_back(session);
    session->counted &= !ends_session(step) && strncmp(step, "!user", 5) != 0;
}

static void show_difference(const struct session *session)
{
    fprintf(stderr, "--- seed %llu, session %d, %s:\n", (unsigned long long)seed, session->number,
            session->account->user);
    unsigned first = session->done < HISTORY ? 0 : session->done - HISTORY;
    for (unsigned i = first; i < session->done; i++)
        fprintf(stderr, "  %s\n", session->history[i % HISTORY]);
    fprintf(stderr, "on one server:\n%sbehind the proxy:\n%s", session->twin.answers[TWIN_DIRECT],
            session->twin.answers[TWIN_BEHIND]);
}

/* The sides have gone apart: begins anew, so that one difference isn't followed by others. */
static void begin_anew(struct session *session)
{
    while (session->steps_count)
        free(take_step(session));
    give_permit_back(session);
    session->counted = false;
    twin_close(&session->twin);
    if (!fill(session->number))
        fail_msg("the tables can't be filled anew");
    open_twin(session);
}

static void judge(struct session *session, char *step)
{
    const char *const *answers = (const char *const *)session->twin.answers;
    remember(session, step);
    bool failed = answers[TWIN_DIRECT] && strncmp(answers[TWIN_DIRECT], "error", 5) == 0;
    session->counted |= strncmp(step, "SELECT ", 7) == 0 && strstr(step, "FROM item") && !failed;
    if (getenv("POINTSMAN_TRACE"))
        fprintf(stderr, "%d %s: %s\n", session->number, session->account->user, step);
    if (!answers[0] || !answers[1] || strcmp(answers[0], answers[1]) == 0)
        return;
    /* What docs/routing.md says of GET DIAGNOSTICS, and of writes in READ ONLY transactions. */
    bool two_errors = strstr(answers[TWIN_BEHIND], "error 1792") &&
                      strstr(answers[TWIN_DIRECT], "error 1142");
    if (two_errors || strstr(answers[TWIN_BEHIND], "can be shown but not got any more")) {
        begin_anew(session);
        return;
    }
    show_difference(session);
    const char *asked = getenv("POINTSMAN_DIFFERENCES");
    if (++differences >= (asked ? atoi(asked) : DIFFERENCES_MAX))
        fail_msg("%d differences: enough", differences);
    begin_anew(session);
}

/* Whether the session holds a connection for more than its warnings, which others may have. */
static bool holds(const struct session *session)
{
    enum { ID, PINNED_BY = 7 };
    char id[30];
    bool found = false;
    snprintf(id, sizeof id, "%lu", mysql_thread_id(session->twin.side[TWIN_BEHIND]));
    MYSQL_RES *rows = mysql_query(console, "SHOW SESSIONS") == 0 ? mysql_store_result(console) : NULL;
    for (MYSQL_ROW row; rows && (row = mysql_fetch_row(rows));)
        found |= strcmp(row[ID], id) == 0 && row[PINNED_BY] && *row[PINNED_BY] &&
                 strcmp(row[PINNED_BY], "diagnostics") != 0;
    mysql_free_result(rows);
    return found;
}

/* What it did met something that makes it hold: that ends at once, without a permit. */
static void note_hold(struct session *session)
{
    if (session->permit || !holds(session))
        return;
    while (session->steps_count)
        free(take_step(session));
    char *step = expand(session, "!reset");
    command(session, step);
    judge(session, step);
}

/* Some sessions' next steps at once. */
static void do_round(void)
{
    struct session *asked[AT_ONCE];
    char *steps[AT_ONCE];
    int count = 0;
    for (int tries = 1 + draw(AT_ONCE); tries > 0; tries--) {
        struct session *session = &sessions[draw(SESSIONS)];
        bool again = false;
        for (int i = 0; i < count; i++)
            again |= asked[i] == session;
        if (again)
            continue;
        if (!session->steps_count)
            write_script(session);
        char *step = take_step(session);
        if (!session->counted && strstr(step, "FOUND_ROWS()")) {
            free(step);
            continue;
        }
        if (*step == '!') {
            command(session, step);
            judge(session, step);
            continue;
        }
        twin_ask(&session->twin, step);
        steps[count] = step;
        asked[count++] = session;
    }
    for (int i = 0; i < count; i++) {
        twin_answers(&asked[i]->twin, steps[i]);
        judge(asked[i], steps[i]);
        note_hold(asked[i]);
    }
}

/* --- the tests --- */

static int close_sessions(void **state)
{
    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        struct session *session = &sessions[i];
        while (session->steps_count)
            free(take_step(session));
        for (int at = 0; at < HISTORY; at++)
            free(session->history[at]);
        twin_close(&session->twin);
        memset(session, 0, sizeof *session);
    }
    return 0;
}

static void run_with(uint64_t with)
{
    const char *asked = getenv("POINTSMAN_ROUNDS");
    int rounds = asked ? atoi(asked) : ROUNDS;
    chance = seed = with;
    permits = differences = 0;
    for (int i = 0; i < SESSIONS; i++) {
        sessions[i] = (struct session){.number = i, .account = accounts[i % ACCOUNTS]};
        if (!fill(i))
            fail_msg("no tables");
        open_twin(&sessions[i]);
    }
    for (int i = 0; i < rounds; i++)
        do_round();
    if (differences)
        fail_msg("%d differences with seed %llu", differences, (unsigned long long)seed);
}

static void every_session_is_as_if_alone(void **state)
{
    const char *asked = getenv("POINTSMAN_SEED");
    uint64_t with = FIXED_SEED;
    (void)state;
    if (asked && strcmp(asked, "random") == 0)
        with = (uint64_t)time(NULL) * 1000 % 1000000007;
    else if (asked)
        with = strtoull(asked, NULL, 0);
    printf("seed %llu\n", (unsigned long long)with);
    run_with(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_session_is_as_if_alone, close_sessions),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
