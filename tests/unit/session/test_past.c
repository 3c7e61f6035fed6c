/*
 * test_past.c - what a session asks of its past, as literals in its text: what is replaced, what stays since
 * only the server can tell, and the names of the columns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../proxy/session/session.h"

/* What the session knows: insert id 7, found rows 9, row count -1, connection id 2147483653. */
#define ID       "COALESCE(CAST(7 AS UNSIGNED),LAST_INSERT_ID())"
#define IDENTITY "NULLIF(COALESCE(CAST(7 AS UNSIGNED),@@last_insert_id),-1)"
#define FOUND    "COALESCE(CAST(9 AS SIGNED),FOUND_ROWS())"
#define COUNT    "COALESCE(CAST(-1 AS SIGNED),ROW_COUNT())"
#define CONN     "CAST(2147483653 AS UNSIGNED)"

static struct session session;
static struct worker *worker;
static struct topology *topology;
static struct backend own, other;

static int set_up(void **state)
{
    (void)state;
    worker = calloc(1, sizeof *worker);
    topology = calloc(1, sizeof *topology + sizeof(struct server_view));
    if (!worker || !topology || !state_table_init(&worker->states))
        return -1;
    topology->count = 1;
    topology->servers[0].look.mariadb = true;
    topology->servers[0].look.version = 101119;
    worker->topology = topology;
    worker->definitions = definitions_current();
    session = (struct session){.worker = worker,
                               .state = worker->states.empty,
                               .insert_id = 7,
                               .found_rows = 9,
                               .row_count = -1,
                               .id = 2147483653u};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    state_table_done(&worker->states);
    definitions_unref(worker->definitions);
    free(worker);
    free(topology);
    return 0;
}

static void assert_rewritten(const char *text, const char *expected)
{
    char out[2000];
    size_t length = 77;
    const char *got = past_rewrite(&session, text, strlen(text), out, sizeof out, &length);
    if (!expected) {
        assert_null(got);
        return;
    }
    if (!got || length != strlen(expected) || memcmp(got, expected, length) != 0)
        fail_msg("%s\nbecame   %.*s\ninstead of %s", text, got ? (int)length : 7, got ? got : "nothing",
                 expected);
}

static const struct {
    const char *text, *rewritten;
} cases[] = {
    {"CREATE VIEW v AS SELECT LAST_INSERT_ID() AS x", NULL},
    {"SELECT FOUND_ROWS() AS x; CREATE VIEW v AS SELECT LAST_INSERT_ID() AS x",
     "SELECT " FOUND " AS x; CREATE VIEW v AS SELECT LAST_INSERT_ID() AS x"},
    /* names */
    {"SELECT LAST_INSERT_ID()", "SELECT " ID " AS `LAST_INSERT_ID()`"},
    {"SELECT last_insert_id ( )", "SELECT " ID " AS `last_insert_id ( )`"},
    {"SELECT LAST_INSERT_ID() AS x", "SELECT " ID " AS x"},
    {"SELECT LAST_INSERT_ID() x", "SELECT " ID " x"},
    {"SELECT LAST_INSERT_ID()+1", "SELECT " ID "+1 AS `LAST_INSERT_ID()+1`"},
    {"SELECT 1, LAST_INSERT_ID(), 2", "SELECT 1, " ID " AS `LAST_INSERT_ID()`, 2"},
    {"SELECT LAST_INSERT_ID();", "SELECT " ID " AS `LAST_INSERT_ID()`;"},
    {"SELECT LAST_INSERT_ID() -- now", "SELECT " ID " AS `LAST_INSERT_ID()` -- now"},
    {"SELECT CONCAT(`a`, LAST_INSERT_ID())",
     "SELECT CONCAT(`a`, " ID ") AS `CONCAT(``a``, LAST_INSERT_ID())`"},
    {"SELECT LAST_INSERT_ID() FROM t", "SELECT " ID " AS `LAST_INSERT_ID()` FROM t"},
    {"SELECT a FROM t WHERE id = LAST_INSERT_ID()", "SELECT a FROM t WHERE id = " ID},
    {"UPDATE t SET a = LAST_INSERT_ID() WHERE b = 1", "UPDATE t SET a = " ID " WHERE b = 1"},
    {"INSERT INTO t VALUES (LAST_INSERT_ID(), 'x')", "INSERT INTO t VALUES (" ID ", 'x')"},
    /* each kind, and several */
    {"SELECT FOUND_ROWS()", "SELECT " FOUND " AS `FOUND_ROWS()`"},
    {"SELECT ROW_COUNT()", "SELECT " COUNT " AS `ROW_COUNT()`"},
    {"SELECT CONNECTION_ID()", "SELECT " CONN " AS `CONNECTION_ID()`"},
    {"SELECT @@identity", "SELECT " IDENTITY " AS `@@identity`"},
    {"SELECT @@last_insert_id", "SELECT " IDENTITY " AS `@@last_insert_id`"},
    {"SELECT FOUND_ROWS() + ROW_COUNT(), LAST_INSERT_ID()",
     "SELECT " FOUND " + " COUNT " AS `FOUND_ROWS() + ROW_COUNT()`, " ID " AS `LAST_INSERT_ID()`"},
    /* nothing to do */
    {"SELECT 1", NULL},
    {"SELECT 'LAST_INSERT_ID()'", NULL},
    {"SELECT /* LAST_INSERT_ID() */ 1", NULL},
    {"SELECT LAST_INSERT_ID(5)", NULL},
    {"", NULL},
    /* what an earlier statement of the packet leaves, only the server knows */
    {"INSERT INTO t VALUES (1); SELECT LAST_INSERT_ID()", NULL},
    {"SELECT LAST_INSERT_ID(); INSERT INTO t VALUES (1)",
     "SELECT " ID " AS `LAST_INSERT_ID()`; INSERT INTO t VALUES (1)"},
    {"SELECT 1; SELECT FOUND_ROWS()", NULL},
    {"SELECT 1; SELECT LAST_INSERT_ID()", "SELECT 1; SELECT " ID " AS `LAST_INSERT_ID()`"},
    {"; SELECT ROW_COUNT()", "; SELECT " COUNT " AS `ROW_COUNT()`"},
    {"DELETE FROM t; SELECT ROW_COUNT(), CONNECTION_ID()",
     "DELETE FROM t; SELECT ROW_COUNT(), " CONN " AS `CONNECTION_ID()`"},
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_rewritten(cases[i].text, cases[i].rewritten);
}

/* On the connection that knows, the text stays as it is; on any other it doesn't. */
static void the_connection_that_knows(void **state)
{
    (void)state;
    session.backend = &own;
    session.past[PAST_INSERT_ID] = &own;
    assert_rewritten("SELECT LAST_INSERT_ID()", NULL);
    assert_rewritten("SELECT LAST_INSERT_ID(), FOUND_ROWS()",
                     "SELECT LAST_INSERT_ID(), " FOUND " AS `FOUND_ROWS()`");
    session.backend = &other;
    assert_rewritten("SELECT LAST_INSERT_ID()", "SELECT " ID " AS `LAST_INSERT_ID()`");
    session.backend = &own;
    session.past[PAST_FOUND_ROWS] = &own;
    assert_rewritten("SELECT FOUND_ROWS()", NULL);
    session.insert_maybe = 8; /* an INSERT told it: generated, if the connection says so too */
    assert_rewritten("SELECT LAST_INSERT_ID() AS x",
                     "SELECT COALESCE(CAST(IF(LAST_INSERT_ID()=8,8,7) AS UNSIGNED),LAST_INSERT_ID()) AS x");
    session = (struct session){.worker = worker,
                               .state = worker->states.empty,
                               .insert_id = 7,
                               .found_rows = 9,
                               .row_count = -1,
                               .id = 2147483653u};
}

/* The largest values, and no room by any number of bytes. */
static void room(void **state)
{
    static const char text[] = "SELECT LAST_INSERT_ID(), ROW_COUNT()";
    char expected[300];
    size_t length = 77;
    (void)state;
    session.insert_id = UINT64_MAX;
    session.row_count = INT64_MIN;
    char whole[300];
    const char *got = past_rewrite(&session, text, sizeof text - 1, whole, sizeof whole, &length);
    assert_non_null(got);
    snprintf(expected, sizeof expected, "%.*s", (int)length, got);
    assert_non_null(strstr(expected, "(18446744073709551615 AS UNSIGNED)"));
    assert_non_null(strstr(expected, "(-9223372036854775808 AS SIGNED)"));
    for (size_t size = 0; size <= length; size++) {
        size_t untouched = 77;
        char *exact = malloc(size + 1); /* under the sanitizer its end is watched */
        got = past_rewrite(&session, text, sizeof text - 1, exact, size, &untouched);
        assert_int_equal(got != NULL, size == length);
        assert_int_equal(untouched, size == length ? length : 77);
        free(exact);
    }
}

/* sql_mode decides what is a string. */
static void in_another_sql_mode(void **state)
{
    (void)state;
    assert_rewritten("SELECT 'a\\', LAST_INSERT_ID()'", NULL);
    struct state *mode = state_with(&worker->states, worker->states.empty, STATE_VARIABLE, "sql_mode", 8,
                                    "NO_BACKSLASH_ESCAPES", 20);
    session.state = mode;
    session.insert_id = 7;
    assert_rewritten("SELECT 'a\\', LAST_INSERT_ID()", "SELECT 'a\\', " ID " AS `LAST_INSERT_ID()`");
    session.state = worker->states.empty;
    state_unref(&worker->states, mode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(the_connection_that_knows),
        cmocka_unit_test(room),
        cmocka_unit_test(in_another_sql_mode),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
