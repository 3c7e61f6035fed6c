/*
 * test_prepared.c - statements of the binary protocol: they run where their text would, on whatever
 * connection, and nobody can tell.
 *
 *   wide     two workers, as many connections as are wanted
 *   narrow   one connection a server, two statements prepared on each: whoever comes next finds what others
 * left
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "../cluster/rawclient.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 10000, SERVERS = 3, ROWS = 100 };
enum { UNKNOWN_HANDLER = 1243, NO_CURSOR = 1421, WRONG_ARGUMENTS = 1210, NO_TABLE = 1146, LOST = 1053 };

static struct cluster *set;
static struct pointsman *wide, *narrow;
static MYSQL *console; /* of narrow */

static int start_all(void **state)
{
    static const char objects[] =
        "CREATE TABLE shop.item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40));"
        "CREATE TABLE stock.item (id INT PRIMARY KEY, name VARCHAR(40));"
        "CREATE TABLE shop.blob_of (id INT PRIMARY KEY, a LONGBLOB, b LONGTEXT);"
        "INSERT INTO shop.item SELECT seq, CONCAT('item ', seq) FROM shop.seq_1_to_100;"
        "INSERT INTO stock.item SELECT seq, CONCAT('stock ', seq) FROM shop.seq_1_to_100;"
        "CREATE PROCEDURE shop.p_two() BEGIN SELECT 1; SELECT 2; END";
    static const char *const args[] = {"--max-allowed-packet=64M", NULL};
    const struct cluster_options options = {.servers = SERVERS, .args = args};
    const struct pointsman_options two = {.pointsman = "workers = 2\n", .more = "[failover]\nmode = off\n"};
    const struct pointsman_options one = {
        .pointsman = "workers = 1\n",
        .more = "[pool]\nmax_per_server = 1\nmax_prepared = 2\n[failover]\nmode = off\n"};
    const struct cluster_account anybody = {"whoever", "whatever"};
    (void)state;
    set = cluster_start(&options);
    if (set && cluster_numbers(set, "shop", 1, 100) && cluster_sql(set, 0, "%s", objects) == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (wide = pointsman_start(set, &two)) &&
        (narrow = pointsman_start(set, &one)) &&
        (console = sql_connect(NULL, narrow->admin_port, &anybody, NULL, 0)))
        return 0;
    cluster_stop(set);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    mysql_close(console);
    int status = pointsman_stop(wide) | pointsman_stop(narrow);
    cluster_stop(set);
    return status;
}

/* --- asking --- */

static MYSQL *app_at(struct pointsman *to)
{
    MYSQL *client = sql_connect(NULL, to->port, &cluster_app, "shop", CLIENT_MULTI_STATEMENTS);
    assert_non_null(client);
    return client;
}

/* Those that a test hasn't dropped, dropped behind it. */
static MYSQL_STMT *statements[64];
static int statements_count;

static MYSQL_STMT *prepare(MYSQL *client, const char *text)
{
    MYSQL_STMT *statement = mysql_stmt_init(client);
    assert_true(statement && statements_count < 64);
    statements[statements_count++] = statement;
    if (mysql_stmt_prepare(statement, text, strlen(text)))
        fail_msg("%s: %s", text, mysql_stmt_error(statement));
    return statement;
}

static void drop(MYSQL_STMT *statement)
{
    for (int i = 0; i < statements_count; i++)
        if (statements[i] == statement)
            statements[i] = statements[--statements_count];
    mysql_stmt_close(statement);
}

static int drop_all(void **state)
{
    (void)state;
    while (statements_count)
        mysql_stmt_close(statements[--statements_count]);
    return 0;
}

/* Executes it with these numbers as parameters; the error's code. */
static unsigned execute(MYSQL_STMT *statement, const long long *numbers)
{
    MYSQL_BIND bind[8];
    unsigned count = (unsigned)mysql_stmt_param_count(statement);
    assert_true(count <= 8);
    memset(bind, 0, sizeof bind);
    for (unsigned i = 0; i < count; i++) {
        bind[i].buffer_type = MYSQL_TYPE_LONGLONG;
        bind[i].buffer = (void *)(uintptr_t)&numbers[i];
    }
    if (count && mysql_stmt_bind_param(statement, bind))
        fail_msg("%s", mysql_stmt_error(statement));
    return mysql_stmt_execute(statement) ? mysql_stmt_errno(statement) : 0;
}

/* The first column of the first row, all others are read and dropped; static memory. NULL: there is no row.
 */
static const char *first_value(MYSQL_STMT *statement)
{
    static char text[200];
    unsigned long length = 0;
    my_bool null = 0;
    MYSQL_BIND bind[8];
    unsigned columns = mysql_stmt_field_count(statement);
    assert_in_range(columns, 1, 8);
    memset(bind, 0, sizeof bind);
    bind[0] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                           .buffer = text,
                           .buffer_length = sizeof text - 1,
                           .length = &length,
                           .is_null = &null};
    for (unsigned i = 1; i < columns; i++)
        bind[i].buffer_type = MYSQL_TYPE_NULL;
    if (mysql_stmt_bind_result(statement, bind))
        fail_msg("%s", mysql_stmt_error(statement));
    int found = mysql_stmt_fetch(statement);
    if (found == 1)
        fail_msg("%s", mysql_stmt_error(statement));
    bool row = found != MYSQL_NO_DATA;
    text[length < sizeof text ? length : sizeof text - 1] = 0;
    mysql_stmt_free_result(statement);
    return !row ? NULL : null ? "NULL" : text;
}

static void assert_gives(MYSQL_STMT *statement, long long number, const char *expected)
{
    unsigned error = execute(statement, &number);
    if (error)
        fail_msg("%lld: %u %s", number, error, mysql_stmt_error(statement));
    const char *value = first_value(statement);
    if (!value || strcmp(value, expected) != 0)
        fail_msg("%lld: %s instead of %s", number, value ? value : "no row", expected);
}

static const char *item(int id)
{
    static char name[20];
    snprintf(name, sizeof name, "item %d", id);
    return name;
}

/* What is asked once. */
static void assert_text_gives(MYSQL *client, const char *text, const char *expected)
{
    MYSQL_STMT *statement = prepare(client, text);
    assert_gives(statement, 0, expected);
    drop(statement);
}

static const char *pins(void)
{
    static char room[100];
    char *value = sql_column(console, "SHOW SESSIONS WHERE user = 'app'", "pinned_by");
    snprintf(room, sizeof room, "%s", value ? value : "");
    free(value);
    return room;
}

static bool is_unpinned(void *arg)
{
    (void)arg;
    return *pins() == 0;
}

static void assert_unpinned(void)
{
    if (!wait_for(is_unpinned, NULL, PATIENCE_MS))
        fail_msg("pinned by %s", pins());
}

/* --- where they run --- */

static void reads_are_spread(void **state)
{
    int answers[SERVERS] = {0};
    (void)state;
    MYSQL *client = app_at(wide);
    MYSQL_STMT *statement = prepare(client, "SELECT @@server_id, name FROM item WHERE id = ?");
    for (long long i = 1; i <= 40; i++) {
        assert_int_equal(execute(statement, &i), 0);
        answers[atoi(first_value(statement)) - 1]++;
    }
    assert_int_equal(answers[0], 0);
    assert_int_equal(answers[1], 20);
    assert_int_equal(answers[2], 20);
    drop(statement);
    mysql_close(client);
}

static void writes_run_on_the_primary(void **state)
{
    long long values[] = {1001, 7};
    (void)state;
    MYSQL *client = app_at(wide);
    long marks[SERVERS];
    for (int i = 0; i < SERVERS; i++)
        marks[i] = general_log_mark(&set->server[i]);
    MYSQL_STMT *statement = prepare(client, "INSERT /* here */ INTO item VALUES (?, ?)");
    assert_int_equal(execute(statement, values), 0);
    assert_int_equal(mysql_stmt_affected_rows(statement), 1);
    drop(statement);
    assert_true(general_log_count(&set->server[0], marks[0], "INSERT /* here */") > 0);
    assert_int_equal(general_log_count(&set->server[1], marks[1], "INSERT /* here */"), 0);
    assert_int_equal(general_log_count(&set->server[2], marks[2], "INSERT /* here */"), 0);
    assert_text_gives(client, "SELECT name FROM item WHERE id = 1001", "7"); /* its own write is seen */
    assert_int_equal(sql_run(client, "DELETE FROM item WHERE id = 1001"), 0);
    mysql_close(client);
}

static void a_transaction_stays_where_it_is(void **state)
{
    (void)state;
    MYSQL *client = app_at(wide);
    MYSQL_STMT *insert = prepare(client, "INSERT INTO item (name) VALUES (?)");
    MYSQL_STMT *where = prepare(client, "SELECT @@server_id FROM item WHERE id = ?");
    assert_int_equal(sql_run(client, "BEGIN"), 0);
    assert_int_equal(execute(insert, (long long[]){5}), 0);
    for (int i = 0; i < 4; i++)
        assert_gives(where, 1, "1");
    assert_int_equal(sql_run(client, "ROLLBACK"), 0);
    drop(insert);
    drop(where);
    mysql_close(client);
}

/* --- what they mean --- */

static void a_statement_means_what_it_did(void **state)
{
    (void)state;
    MYSQL *client = app_at(narrow), *other = app_at(narrow);
    MYSQL_STMT *shop = prepare(client, "SELECT name FROM item WHERE id = ?");
    assert_int_equal(sql_run(client, "USE stock"), 0);
    MYSQL_STMT *stock = prepare(client, "SELECT name FROM item WHERE id = ?");
    assert_int_equal(sql_run(client, "SET sql_mode = 'ANSI_QUOTES'"), 0);
    MYSQL_STMT *quoted = prepare(client, "SELECT \"name\" FROM item WHERE id = ?");
    assert_int_equal(sql_run(client, "SET sql_mode = DEFAULT"), 0);
    MYSQL_STMT *literal = prepare(client, "SELECT \"name\" FROM item WHERE id = ?");
    for (int i = 1; i <= 5; i++) {
        char name[40];
        snprintf(name, sizeof name, "item %d", i);
        assert_gives(shop, i, name);
        snprintf(name, sizeof name, "stock %d", i);
        assert_gives(stock, i, name);
        assert_gives(quoted, i, name);
        assert_gives(literal, i, "name");
        assert_text_gives(other, "SELECT name FROM item WHERE id = 7", "item 7");
    }
    mysql_close(client);
    mysql_close(other);
}

static void sessions_of_other_types_share_one(void **state)
{
    static const char text[] = "SELECT CONCAT(?, '') FROM item WHERE id = 1";
    const double half = 0.5;
    (void)state;
    MYSQL *numbers = app_at(narrow), *halves = app_at(narrow);
    MYSQL_STMT *first = prepare(numbers, text), *second = prepare(halves, text);
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = (void *)(uintptr_t)&half};
    assert_int_equal(mysql_stmt_bind_param(second, &bind), 0);
    for (int i = 0; i < 4; i++) {
        assert_gives(first, 77, "77");
        assert_int_equal(mysql_stmt_execute(second), 0);
        assert_string_equal(first_value(second), "0.5");
    }
    mysql_close(numbers);
    mysql_close(halves);
}

/* As the library of Oracle's MySQL does: types with the first EXECUTE, none with the others. */
static void types_that_were_told_once_hold(void **state)
{
    static const char text[] = "SELECT ? + 1, @@server_id FROM item WHERE id = 1";
    uint8_t typed[] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 8, 0, 41, 0, 0, 0, 0, 0, 0, 0};
    uint8_t bare[] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 41, 0, 0, 0, 0, 0, 0, 0};
    (void)state;
    struct raw *raw = raw_open(narrow->port, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN);
    uint8_t *answer = NULL;
    size_t length = 0;
    raw_command(raw, 22, text, sizeof text - 1);
    assert_int_equal(raw_answer(raw, 22, &answer, &length), RAW_GOT);
    assert_int_equal(answer[4], 0);
    memcpy(bare, answer + 5, 4);
    memcpy(typed, answer + 5, 4);
    raw_command(raw, 23, bare, sizeof bare); /* nobody knows what it means by that */
    assert_int_equal(raw_error(raw, 23), WRONG_ARGUMENTS);
    raw_command(raw, 23, typed, sizeof typed);
    assert_int_equal(raw_error(raw, 23), 0);
    for (int i = 0; i < 6; i++) {
        length = 0;
        raw_command(raw, 23, bare, sizeof bare);
        assert_int_equal(raw_answer(raw, 23, &answer, &length), RAW_GOT);
        static const uint8_t row[] = {0, 0, 42, 0, 0, 0, 0, 0, 0, 0};
        assert_non_null(memmem(answer, length, row, sizeof row));
    }
    free(answer);
    raw_close(raw);
}

static void long_texts_are_prepared_anywhere(void **state)
{
    static const size_t lengths[] = {60000, 66000, 300000, 3000000};
    (void)state;
    MYSQL *client = app_at(wide);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *text = malloc(lengths[i] + 100);
        int servers[SERVERS] = {0};
        assert_non_null(text);
        int end = sprintf(text, "SELECT @@server_id /* ");
        memset(text + end, 'x', lengths[i]);
        strcpy(text + end + lengths[i], " */ FROM item WHERE id = ?");
        MYSQL_STMT *statement = prepare(client, text);
        for (long long id = 1; id <= 6; id++) {
            assert_int_equal(execute(statement, &id), 0);
            servers[atoi(first_value(statement)) - 1]++;
        }
        if (servers[1] != 3 || servers[2] != 3)
            fail_msg("%zu bytes: %d %d %d", lengths[i], servers[0], servers[1], servers[2]);
        drop(statement);
        free(text);
    }
    mysql_close(client);
}

/* The types are put into a packet that doesn't fit into a buffer. */
static void types_hold_for_long_values_too(void **state)
{
    enum { LENGTH = 300000, VALUE = 12 };
    static const char text[] = "SELECT LENGTH(?) FROM item WHERE id = 1";
    uint8_t *request = calloc(1, VALUE + 4 + LENGTH), *answer = NULL;
    size_t length = 0;
    (void)state;
    assert_non_null(request);
    struct raw *raw = raw_open(narrow->port, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN);
    raw_command(raw, 22, text, sizeof text - 1);
    assert_int_equal(raw_error(raw, 22), 0);
    memcpy(request, (uint8_t[]){1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0xfd, 0, 3, 'a', 'b', 'c'}, 17);
    raw_command(raw, 23, request, 17);
    assert_int_equal(raw_error(raw, 23), 0);
    memset(request, 'x', VALUE + 4 + LENGTH);
    memcpy(
        request,
        (uint8_t[]){1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0xfd, LENGTH & 0xff, LENGTH >> 8 & 0xff, LENGTH >> 16},
        15);
    for (int i = 0; i < 4; i++) {
        length = 0;
        raw_command(raw, 23, request, 15 + LENGTH);
        assert_int_equal(raw_answer(raw, 23, &answer, &length), RAW_GOT);
        static const uint8_t row[] = {0, 0, LENGTH & 0xff, LENGTH >> 8 & 0xff, LENGTH >> 16};
        assert_non_null(memmem(answer, length, row, sizeof row));
    }
    free(answer);
    free(request);
    raw_close(raw);
}

static void the_one_prepared_last_is_minus_one(void **state)
{
    static const char text[] = "SELECT name FROM item WHERE id = 3", wrong[] = "SELECT nonsense FROM item";
    static const uint8_t latest[] = {0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0, 0};
    (void)state;
    struct raw *raw = raw_open(wide->port, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN);
    uint8_t *answer = NULL;
    size_t length = 0;
    raw_command(raw, 23, latest, sizeof latest);
    assert_int_equal(raw_error(raw, 23), UNKNOWN_HANDLER);
    raw_command(raw, 22, text, sizeof text - 1);
    raw_command(raw, 23, latest, sizeof latest); /* without waiting for its id */
    assert_int_equal(raw_error(raw, 22), 0);
    assert_int_equal(raw_answer(raw, 23, &answer, &length), RAW_GOT);
    assert_non_null(memmem(answer, length, "item 3", 6));
    raw_command(raw, 22, wrong, sizeof wrong - 1);
    raw_command(raw, 23, latest, sizeof latest);
    assert_int_equal(raw_error(raw, 22), 1054);
    assert_int_equal(raw_error(raw, 23), UNKNOWN_HANDLER);
    free(answer);
    raw_close(raw);
}

/* --- what they ask of the past --- */

static void the_past_is_right_in_prepared_form(void **state)
{
    char id[30];
    (void)state;
    MYSQL *client = app_at(narrow), *other = app_at(narrow);
    MYSQL_STMT *last = prepare(client, "SELECT LAST_INSERT_ID()"),
               *same = prepare(client, "SELECT LAST_INSERT_ID() AS x, @@identity FROM item WHERE id = 1"),
               *rows = prepare(client, "SELECT ROW_COUNT()"), *found = prepare(client, "SELECT FOUND_ROWS()"),
               *who = prepare(client, "SELECT CONNECTION_ID()"),
               *insert = prepare(client, "INSERT INTO item (name) VALUES (?)"),
               *some = prepare(client, "SELECT SQL_CALC_FOUND_ROWS name FROM item WHERE id <= ? LIMIT 2");
    snprintf(id, sizeof id, "%lu", mysql_thread_id(client));
    for (long long i = 0; i < 3; i++) {
        char inserted[30];
        assert_int_equal(execute(insert, &i), 0);
        snprintf(inserted, sizeof inserted, "%llu", (unsigned long long)mysql_stmt_insert_id(insert));
        assert_gives(rows, 0, "1");
        assert_int_equal(sql_run(other, "INSERT INTO item (name) VALUES ('other')"), 0);
        assert_gives(last, 0, inserted);
        assert_gives(same, 0, inserted);
        assert_gives(some, 50 + i, "item 1");
        assert_text_gives(other, "SELECT name FROM item WHERE id = 7", "item 7");
        snprintf(inserted, sizeof inserted, "%lld", 50 + i);
        assert_gives(found, 0, inserted);
        assert_gives(who, 0, id);
    }
    assert_int_equal(sql_run(client, "DELETE FROM item WHERE id > 100"), 0);
    mysql_close(client);
    mysql_close(other);
}

/* Shown by a statement that is prepared after them, too. */
static void warnings_of_a_prepared_statement(void **state)
{
    (void)state;
    MYSQL *client = app_at(wide);
    if (set->options.flavour == CLUSTER_MYSQL) { /* it prepares no such statement */
        MYSQL_STMT *refused = mysql_stmt_init(client);
        assert_int_not_equal(mysql_stmt_prepare(refused, "SHOW WARNINGS", 13), 0);
        assert_int_equal(mysql_stmt_errno(refused), 1295);
        mysql_stmt_close(refused);
        mysql_close(client);
        return;
    }
    MYSQL_STMT *before = prepare(client, "SHOW WARNINGS"); /* wherever that is */
    MYSQL_STMT *insert = prepare(client, "INSERT IGNORE INTO item (id, name) VALUES (?, 'x')");
    for (int i = 0; i < 4; i++) {
        assert_int_equal(execute(insert, (long long[]){1}), 0); /* it is there */
        assert_int_equal(mysql_warning_count(client), 1);
        assert_text_gives(client, "SHOW WARNINGS", "Warning");
        assert_gives(before, 0, "Warning");
        assert_int_equal(execute(insert, (long long[]){1}), 0);
        char *level = sql_value(client, "SHOW WARNINGS");
        assert_string_equal(level, "Warning");
        free(level);
    }
    mysql_close(client);
}

/* What COM_RESET_CONNECTION puts back to the server's own, behind which nobody looks at the schema again. */
static void a_reset_leaves_the_schemas_character_set(void **state)
{
    char *schemas = cluster_value(set, 0,
                                  "SELECT default_character_set_name FROM information_schema.schemata "
                                  "WHERE schema_name = 'shop'");
    (void)state;
    assert_int_equal(cluster_sql(set, 0, "SET GLOBAL character_set_database = latin2"), 0);
    for (int i = 0; i < 3; i++) {
        MYSQL *client = app_at(narrow);
        char *is = sql_value(client, "SELECT /* pointsman: primary */ @@character_set_database");
        assert_string_equal(is, schemas);
        free(is);
        assert_int_equal(sql_run(client, "CREATE TEMPORARY TABLE made (a INT)"), 0); /* to be reset */
        mysql_close(client);
    }
    free(schemas);
}

/* --- tables that change --- */

/* The client library insists on the columns that it knows of: so this is looked at packet by packet. */
static void assert_answer_has(struct raw *raw, const char *bytes, size_t length, bool has)
{
    static const uint8_t first[] = {1, 0, 0, 0, 0, 1, 0, 0, 0};
    uint8_t *answer = NULL;
    size_t size = 0;
    raw_command(raw, 23, first, sizeof first);
    assert_int_equal(raw_answer(raw, 23, &answer, &size), RAW_GOT);
    if (!memmem(answer, size, bytes, length) == has)
        fail_msg("'%.*s' is %s in it", (int)length, bytes, has ? "not" : "still");
    free(answer);
}

static void tables_may_change_in_between(void **state)
{
    static const char text[] = "SELECT * FROM fickle";
    (void)state;
    MYSQL *client = app_at(wide);
    struct raw *raw = raw_open(wide->port, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN);
    assert_int_equal(sql_run(client, "CREATE TABLE fickle (a INT); INSERT INTO fickle VALUES (1)"), 0);
    raw_command(raw, 22, text, sizeof text - 1);
    assert_int_equal(raw_error(raw, 22), 0);
    for (int i = 0; i < 6; i++)
        assert_answer_has(raw, "later", 5, false);
    assert_int_equal(sql_run(client, "ALTER TABLE fickle ADD COLUMN later INT DEFAULT 5"), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    for (int i = 0; i < 6; i++)
        assert_answer_has(raw, "later", 5, true);
    assert_int_equal(sql_run(client, "DROP TABLE fickle"), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    for (int i = 0; i < 3; i++)
        assert_answer_has(raw, "doesn't exist", 13, true);
    assert_int_equal(sql_run(client, "CREATE TABLE fickle (other INT); INSERT INTO fickle VALUES (3)"), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    for (int i = 0; i < 3; i++)
        assert_answer_has(raw, "other", 5, true);
    assert_int_equal(sql_run(client, "DROP TABLE fickle"), 0);
    raw_close(raw);
    mysql_close(client);
}

/* --- their number --- */

static long long placed_at(int server)
{
    char *value = sql_column(set->server[server].root, "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'",
                             "Value");
    long long count = value ? atoll(value) : -1;
    free(value);
    return count;
}

static void few_of_many_stay_prepared(void **state)
{
    enum { MANY = 20 };
    MYSQL_STMT *many[MANY];
    long long before[SERVERS];
    (void)state;
    for (int i = 0; i < SERVERS; i++)
        before[i] = placed_at(i);
    MYSQL *client = app_at(narrow);
    for (int i = 0; i < MANY; i++) {
        char text[100];
        snprintf(text, sizeof text, "SELECT CONCAT(name, ' %d') FROM item WHERE id = ?", i);
        many[i] = prepare(client, text);
    }
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < MANY; i++) {
            char name[60];
            snprintf(name, sizeof name, "item %d %d", 1 + i, i);
            assert_gives(many[i], 1 + i, name);
        }
    /* Two, and one whose end goes with the next write; each server has one connection. */
    for (int i = 0; i < SERVERS; i++)
        if (placed_at(i) > before[i] + 3)
            fail_msg("%lld are prepared on db%d, %lld were before", placed_at(i), i + 1, before[i]);
    for (int i = 0; i < MANY; i++)
        drop(many[i]);
    mysql_close(client);
}

static void ids_that_are_none(void **state)
{
    (void)state;
    MYSQL *client = app_at(wide);
    MYSQL_STMT *statement = prepare(client, "SELECT 1");
    struct raw *raw = raw_open(wide->port, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN);
    static const uint8_t foreign[] = {1, 0, 0, 0, 0, 1, 0, 0, 0}; /* a number of client's, not of raw's */
    assert_gives(statement, 0, "1");
    raw_command(raw, 23, foreign, sizeof foreign);
    assert_int_equal(raw_error(raw, 23), UNKNOWN_HANDLER);
    raw_command(raw, 28, foreign, 8);
    assert_int_equal(raw_error(raw, 28), UNKNOWN_HANDLER);
    raw_command(raw, 26, foreign, 4);
    assert_int_equal(raw_error(raw, 26), UNKNOWN_HANDLER);
    raw_command(raw, 24, foreign, 9); /* no answer */
    raw_command(raw, 25, foreign, 4);
    assert_int_equal(raw_run(raw, "SELECT 1"), 0);
    assert_gives(statement, 0, "1");
    raw_close(raw);
    mysql_close(client);
}

static void nothing_outlives_a_reset(void **state)
{
    (void)state;
    for (int change = 0; change < 2; change++) {
        struct raw *raw = raw_open(wide->port, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN);
        static const uint8_t first[] = {1, 0, 0, 0, 0, 1, 0, 0, 0};
        raw_command(raw, 22, "SELECT 1", 8);
        assert_int_equal(raw_error(raw, 22), 0);
        raw_command(raw, 23, first, sizeof first);
        assert_int_equal(raw_error(raw, 23), 0);
        raw_command(raw, 31, NULL, 0);
        assert_int_equal(raw_error(raw, 31), 0);
        raw_command(raw, 23, first, sizeof first);
        assert_int_equal(raw_error(raw, 23), UNKNOWN_HANDLER);
        raw_close(raw);
    }
}

/* --- cursors and long data --- */

static void a_cursor_holds_until_its_last_row(void **state)
{
    const unsigned long type = CURSOR_TYPE_READ_ONLY, few = 10;
    int number = 0, rows = 0;
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &number};
    (void)state;
    MYSQL *client = app_at(narrow);
    MYSQL_STMT *cursor = prepare(client, "SELECT id FROM item WHERE id <= 35 ORDER BY id");
    MYSQL_STMT *beside = prepare(client, "SELECT name FROM item WHERE id = ?");
    mysql_stmt_attr_set(cursor, STMT_ATTR_CURSOR_TYPE, &type);
    mysql_stmt_attr_set(cursor, STMT_ATTR_PREFETCH_ROWS, &few);
    assert_int_equal(execute(cursor, NULL), 0);
    assert_string_equal(pins(), "cursor");
    assert_int_equal(mysql_stmt_bind_result(cursor, &bind), 0);
    while (mysql_stmt_fetch(cursor) == 0) {
        assert_int_equal(number, ++rows);
        if (rows % 7 == 0)
            assert_gives(beside, rows, item(rows));
    }
    assert_int_equal(rows, 35);
    assert_unpinned();
    assert_int_equal(execute(cursor, NULL), 0); /* reset, then closed, in its middle */
    assert_int_equal(mysql_stmt_fetch(cursor), 0);
    assert_int_equal(mysql_stmt_reset(cursor), 0);
    assert_unpinned();
    assert_int_equal(execute(cursor, NULL), 0);
    assert_string_equal(pins(), "cursor");
    drop(cursor);
    assert_unpinned();
    assert_gives(beside, 1, "item 1");
    mysql_close(client);
}

/* Of one text: each statement has its own. */
static void two_cursors_go_each_its_way(void **state)
{
    const unsigned long type = CURSOR_TYPE_READ_ONLY, one = 1;
    static const int from[2] = {40, 10};
    MYSQL_STMT *cursors[2];
    int numbers[2];
    (void)state;
    MYSQL *client = app_at(narrow);
    for (int i = 0; i < 2; i++) {
        long long start = from[i];
        cursors[i] = prepare(client, "SELECT id FROM item WHERE id > ? ORDER BY id");
        mysql_stmt_attr_set(cursors[i], STMT_ATTR_CURSOR_TYPE, &type);
        mysql_stmt_attr_set(cursors[i], STMT_ATTR_PREFETCH_ROWS, &one);
        assert_int_equal(execute(cursors[i], &start), 0);
        MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &numbers[i]};
        assert_int_equal(mysql_stmt_bind_result(cursors[i], &bind), 0);
    }
    for (int row = 1; row <= 20; row++)
        for (int i = 0; i < 2; i++) {
            assert_int_equal(mysql_stmt_fetch(cursors[i]), 0);
            assert_int_equal(numbers[i], from[i] + row);
        }
    drop(cursors[0]);
    assert_int_equal(mysql_stmt_fetch(cursors[1]), 0);
    assert_int_equal(numbers[1], from[1] + 21);
    drop(cursors[1]);
    assert_unpinned();
    mysql_close(client);
}

static void send_pieces(MYSQL_STMT *statement, unsigned parameter, char letter, size_t length, size_t piece)
{
    char *data = malloc(piece);
    assert_non_null(data);
    memset(data, letter, piece);
    for (size_t sent = 0; sent < length; sent += piece)
        if (mysql_stmt_send_long_data(statement, parameter, data,
                                      piece < length - sent ? piece : length - sent))
            fail_msg("%s", mysql_stmt_error(statement));
    free(data);
}

static void long_data_of(struct pointsman *to, size_t length, size_t piece)
{
    MYSQL_BIND bind[3];
    int id = (int)(length % 1000003);
    (void)to;
    MYSQL *client = app_at(to);
    memset(bind, 0, sizeof bind);
    bind[0] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = &id};
    bind[1].buffer_type = MYSQL_TYPE_LONG_BLOB;
    bind[2].buffer_type = MYSQL_TYPE_STRING;
    MYSQL_STMT *insert = prepare(client, "REPLACE INTO blob_of VALUES (?, ?, ?)");
    for (int again = 0; again < 2; again++) {
        assert_int_equal(mysql_stmt_bind_param(insert, bind), 0);
        send_pieces(insert, 1, 'a', length, piece);
        send_pieces(insert, 2, 'b', length / 2, piece);
        if (mysql_stmt_execute(insert))
            fail_msg("%zu by %zu: %s", length, piece, mysql_stmt_error(insert));
    }
    char *is = sql_value(client,
                         "SELECT a = REPEAT('a', %zu) AND b = REPEAT('b', %zu) FROM blob_of WHERE id = %d",
                         length, length / 2, id);
    if (!is || strcmp(is, "1") != 0)
        fail_msg("%zu by %zu: other bytes arrived (%s)", length, piece, is ? is : "no row");
    free(is);
    assert_unpinned();
    drop(insert);
    assert_int_equal(sql_run(client, "DELETE FROM blob_of"), 0);
    mysql_close(client);
}

static void long_data_of_any_size(void **state)
{
    (void)state;
    long_data_of(narrow, 10, 3);
    long_data_of(narrow, 100000, 1000);
    long_data_of(narrow, 300000, 100000); /* in packets longer than is kept at once */
    long_data_of(narrow, 3000000, 50000); /* more than is kept */
    long_data_of(wide, 20000000, 1000000);
    long_data_of(wide, 17000000, 17000000);
}

static void long_data_is_dropped_by_a_reset(void **state)
{
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONG_BLOB};
    (void)state;
    MYSQL *client = app_at(narrow);
    MYSQL_STMT *length = prepare(client, "SELECT LENGTH(?) FROM item WHERE id = 1");
    for (size_t size = 10; size <= 2000000; size *= 200000) {
        assert_int_equal(mysql_stmt_bind_param(length, &bind), 0);
        send_pieces(length, 0, 'x', size, 60000);
        assert_int_equal(mysql_stmt_reset(length), 0);
        assert_unpinned();
        assert_int_equal(mysql_stmt_bind_param(length, &bind), 0);
        send_pieces(length, 0, 'x', 5, 5);
        assert_int_equal(mysql_stmt_execute(length), 0);
        assert_string_equal(first_value(length), "5");
    }
    mysql_close(client);
}

/* --- servers that go --- */

static void they_survive_their_connections(void **state)
{
    (void)state;
    MYSQL *client = app_at(wide);
    MYSQL_STMT *statement = prepare(client, "SELECT name FROM item WHERE id = ?"),
               *write = prepare(client, "UPDATE item SET name = name WHERE id = ?");
    for (int i = 0; i < 10; i++) {
        assert_gives(statement, 1 + i, item(1 + i));
        assert_int_equal(execute(write, (long long[]){1 + i}), 0);
        for (int server = 0; server < SERVERS; server++)
            cluster_sql(set, server, "KILL USER app");
    }
    assert_true(cluster_kill(set, 1));
    for (int i = 0; i < 20; i++)
        assert_gives(statement, 7, "item 7");
    assert_true(cluster_launch(set, 1));
    mysql_close(client);
}

/* --- many at once --- */

enum { THREADS = 16, ROUNDS = 400 };

static void *read_prepared(void *arg)
{
    intptr_t number = (intptr_t)arg, wrong = 0;
    MYSQL *client = sql_connect(NULL, narrow->port, &cluster_app, number % 2 ? "shop" : "stock", 0);
    MYSQL_STMT *statement = client ? mysql_stmt_init(client) : NULL;
    static const char text[] = "SELECT name, id FROM item WHERE id = ?";
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONGLONG}, result[2];
    char name[60], expected[60];
    long long id;
    unsigned long length;
    if (!statement || mysql_stmt_prepare(statement, text, sizeof text - 1))
        return (void *)1;
    bind.buffer = &id;
    for (int i = 0; i < ROUNDS && !wrong; i++) {
        id = 1 + (number * 7 + i) % ROWS;
        memset(result, 0, sizeof result);
        result[0] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                 .buffer = name,
                                 .buffer_length = sizeof name,
                                 .length = &length};
        result[1].buffer_type = MYSQL_TYPE_NULL;
        snprintf(expected, sizeof expected, "%s %lld", number % 2 ? "item" : "stock", id);
        wrong |= mysql_stmt_bind_param(statement, &bind) || mysql_stmt_execute(statement) ||
                 mysql_stmt_bind_result(statement, result) || mysql_stmt_fetch(statement) == 1 ||
                 length != strlen(expected) || memcmp(name, expected, length) != 0;
        if (wrong)
            fprintf(stderr, "reader %d: %.*s instead of %s: %s\n", (int)number, (int)length, name, expected,
                    mysql_stmt_error(statement));
        mysql_stmt_free_result(statement);
    }
    mysql_stmt_close(statement);
    mysql_close(client);
    return (void *)wrong;
}

static void many_share_few_connections(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_prepared, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    char *shared = sql_column(console, "SHOW STATUS LIKE 'shared'", "value");
    assert_true(shared && atoll(shared) > 0);
    free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_are_spread, drop_all),
        cmocka_unit_test_teardown(writes_run_on_the_primary, drop_all),
        cmocka_unit_test_teardown(a_transaction_stays_where_it_is, drop_all),
        cmocka_unit_test_teardown(a_statement_means_what_it_did, drop_all),
        cmocka_unit_test_teardown(sessions_of_other_types_share_one, drop_all),
        cmocka_unit_test_teardown(types_that_were_told_once_hold, drop_all),
        cmocka_unit_test_teardown(long_texts_are_prepared_anywhere, drop_all),
        cmocka_unit_test_teardown(types_hold_for_long_values_too, drop_all),
        cmocka_unit_test_teardown(the_one_prepared_last_is_minus_one, drop_all),
        cmocka_unit_test_teardown(the_past_is_right_in_prepared_form, drop_all),
        cmocka_unit_test_teardown(tables_may_change_in_between, drop_all),
        cmocka_unit_test_teardown(few_of_many_stay_prepared, drop_all),
        cmocka_unit_test_teardown(ids_that_are_none, drop_all),
        cmocka_unit_test_teardown(nothing_outlives_a_reset, drop_all),
        cmocka_unit_test_teardown(a_cursor_holds_until_its_last_row, drop_all),
        cmocka_unit_test_teardown(two_cursors_go_each_its_way, drop_all),
        cmocka_unit_test_teardown(warnings_of_a_prepared_statement, drop_all),
        cmocka_unit_test_teardown(a_reset_leaves_the_schemas_character_set, drop_all),
        cmocka_unit_test_teardown(long_data_of_any_size, drop_all),
        cmocka_unit_test_teardown(long_data_is_dropped_by_a_reset, drop_all),
        cmocka_unit_test_teardown(they_survive_their_connections, drop_all),
        cmocka_unit_test_teardown(many_share_few_connections, drop_all),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
