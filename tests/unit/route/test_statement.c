/* test_statement.c - what a packet of statements is, taken together; pins; rules; names of what is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "picture.h"

/* A row leaves out what is as in most. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static struct picture *picture;

static int set_up(void **state)
{
    (void)state;
    picture = picture_of("Prr");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    picture_free(picture);
    return 0;
}

/* ---- several statements ---- */

enum {
    READ = ROUTE_CLASS_READ,
    WRITE = ROUTE_CLASS_WRITE,
    STATE = ROUTE_CLASS_STATE,
    TRX = ROUTE_CLASS_TRANSACTION
};

static const struct {
    const char *text;
    int kind, count;
    bool anywhere, read_only_begin, sets;
} merged[] = {
    {"SELECT 1", READ, 1, true},
    {"SELECT 1;", READ, 1, true},
    {"SELECT 1; SELECT 2", READ, 2, true},
    {"SELECT 1; ; /* nothing */ ;", READ, 1, true},
    {"USE shop", STATE, 1, true, false, true},
    {"SET @a = 1", STATE, 1, true, false, true},
    /* one of them is enough */
    {"INSERT INTO t VALUES (1)", WRITE, 1, false},
    {"SELECT 1; INSERT INTO t VALUES (1)", WRITE, 2, false},
    {"INSERT INTO t VALUES (1); SELECT 1", WRITE, 2, false},
    {"SELECT 1; SELECT 2; DELETE FROM t; SELECT 3", WRITE, 4, false},
    {"SELECT 1; SELECT 2 FROM t FOR UPDATE", WRITE, 2, false},
    {"SELECT 1; what is this", WRITE, 2, false},
    {"BEGIN; SELECT 1", TRX, 2, false},
    {"SELECT 1; COMMIT", TRX, 2, false},
    /* session state among others: if one fails the session is held, at the primary */
    {"SET @a = 1; SELECT 1", READ, 2, false, false, true},
    {"SELECT 1; SET @a = 1", READ, 2, false, false, true},
    {"USE shop; SELECT 1", READ, 2, false, false, true},
    {"SELECT 1; USE shop", READ, 2, false, false, true},
    {"SET @a = 1; SET @b = 2", STATE, 2, false, false, true},
    /* a transaction that only reads */
    {"START TRANSACTION READ ONLY", TRX, 1, false, true},
    {"START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT", TRX, 1, false, true},
    {"SET TRANSACTION READ ONLY", TRX, 1, false, true},
    {"SET TRANSACTION READ ONLY; START TRANSACTION READ ONLY", TRX, 2, false, true},
    {"START TRANSACTION READ ONLY; SELECT 1", TRX, 2, false, true},
    {"START TRANSACTION READ ONLY; INSERT INTO t VALUES (1)", TRX, 2, false, false},
    {"START TRANSACTION READ ONLY; COMMIT", TRX, 2, false, false},
    {"SELECT 1; START TRANSACTION READ ONLY", TRX, 2, false, false},
    {"START TRANSACTION", TRX, 1, false, false},
    {"START TRANSACTION READ WRITE", TRX, 1, false, false},
    {"SET SESSION TRANSACTION READ ONLY", STATE, 1, true, false, true},
    {"SET GLOBAL TRANSACTION READ ONLY", WRITE, 1, false, false},
    {"SET TRANSACTION READ WRITE", TRX, 1, false, false},
};

static void several_statements(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof merged / sizeof *merged; i++) {
        struct route_statement got = statement_of(merged[i].text, picture->topology);
        bool same = (int)got.kind == merged[i].kind && got.count == merged[i].count &&
                    got.anywhere == merged[i].anywhere && got.read_only_begin == merged[i].read_only_begin &&
                    got.sets == merged[i].sets;
        if (!same)
            print_error("%s: %s, %d statements%s%s%s\n", merged[i].text, route_class_name(got.kind),
                        got.count, got.anywhere ? ", anywhere" : "",
                        got.read_only_begin ? ", begins read only" : "", got.sets ? ", sets" : "");
        wrong += !same;
    }
    assert_int_equal(wrong, 0);
}

static void nothing_at_all(void **state)
{
    (void)state;
    struct route_statement empty = statement_of("  -- nothing", picture->topology);
    assert_int_equal(empty.count, 0);
    assert_int_equal(empty.verb, SQL_EMPTY);
    assert_int_equal(empty.reason, SQL_REASON_EMPTY);
    assert_int_equal(empty.rule, -1);
}

static void what_counts_is_of_the_first_and_effects_of_all(void **state)
{
    (void)state;
    struct route_statement one = statement_of("SELECT 1", picture->topology);
    struct route_statement both = statement_of("SELECT 2; SELECT FOUND_ROWS()", picture->topology);
    assert_int_equal(both.digest, one.digest);
    assert_int_equal(both.verb, SQL_SELECT);
    assert_true(both.effects & SQL_READS_FOUND_ROWS);
    both = statement_of("SELECT 1; INSERT INTO t VALUES (1)", picture->topology);
    assert_int_equal(both.reason, SQL_REASON_WRITE);
    assert_int_equal(both.verb, SQL_SELECT);
    assert_true(both.effects & SQL_SETS_INSERT_ID);
}

static void what_was_not_read(void **state)
{
    (void)state;
    struct route_statement statement = route_statement_unread(ROUTE_REASON_TOO_LONG, false);
    assert_false(statement.anywhere);
    assert_int_equal(statement.kind, ROUTE_CLASS_WRITE);
    assert_int_equal(statement.reason, ROUTE_REASON_TOO_LONG);
    assert_true(statement.effects & SQL_MAY_CHANGE_SESSION);
    assert_int_equal(statement.rule, -1);
    assert_int_equal(statement.hint_server, TOPOLOGY_NOBODY);
    assert_int_equal(statement.hint_max_lag, -1);
    statement = route_statement_unread(ROUTE_REASON_COMMAND, true);
    assert_true(statement.anywhere);
    assert_int_equal(statement.kind, ROUTE_CLASS_READ);
    assert_int_equal(statement.effects, 0);
}

/* ---- hints ---- */

static const struct {
    const char *text;
    enum sql_hint_kind hint;
    int server;
    int64_t max_lag;
    bool ignored;
} hints[] = {
    {"SELECT 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, -1},
    {"/* pointsman: primary */ SELECT 1", SQL_HINT_PRIMARY, TOPOLOGY_NOBODY, -1},
    {"SELECT /* pointsman: replica */ 1", SQL_HINT_REPLICA, TOPOLOGY_NOBODY, -1},
    {"SELECT /* pointsman: server=db2 */ 1", SQL_HINT_SERVER, 1, -1},
    {"SELECT /* pointsman: server=DB3 */ 1", SQL_HINT_SERVER, 2, -1},
    {"SELECT /* pointsman: server=db9 */ 1", SQL_HINT_SERVER, TOPOLOGY_NOBODY, -1, true},
    {"SELECT /* pointsman: server=db */ 1", SQL_HINT_SERVER, TOPOLOGY_NOBODY, -1, true},
    {"SELECT /* pointsman: max_lag=250ms */ 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, 250},
    {"SELECT /* pointsman: max_lag=1s */ 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, 1000},
    {"SELECT /* pointsman: max_lag=2m */ 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, 120000},
    {"SELECT /* pointsman: max_lag=1h */ 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, 3600000},
    {"SELECT /* pointsman: max_lag=0 */ 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, 0},
    {"SELECT /* pointsman: max_lag=1d */ 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, -1, true},
    {"SELECT /* pointsman: max_lag=s */ 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, -1, true},
    {"SELECT /* pointsman: max_lag=99999999999999999999s */ 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, -1, true},
    {"SELECT /* pointsman: nonsense */ 1", SQL_HINT_NONE, TOPOLOGY_NOBODY, -1, true},
};

static void hints_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        struct route_statement got = statement_of(hints[i].text, picture->topology);
        if (got.hint != hints[i].hint || got.hint_server != hints[i].server ||
            got.hint_max_lag != hints[i].max_lag || got.hint_ignored != hints[i].ignored)
            fail_msg("%s: hint %d, server %d, max_lag %lld, ignored %d", hints[i].text, got.hint,
                     got.hint_server, (long long)got.hint_max_lag, got.hint_ignored);
    }
}

/* ---- pins ---- */

static const struct {
    const char *text;
    unsigned worked, failed;
} pins[] = {
    {"SELECT 1", 0, 0},
    {"INSERT INTO t VALUES (1)", 0, 0},
    {"SET @a = 1, sql_mode = ''", 0, 0},
    {"CREATE TEMPORARY TABLE t (a int)", PIN_TEMPORARY_TABLE, 0},
    {"SELECT GET_LOCK('a', 1)", PIN_USER_LOCK, PIN_USER_LOCK},
    {"LOCK TABLES t READ", PIN_TABLE_LOCK, 0},
    {"FLUSH TABLES WITH READ LOCK", PIN_TABLE_LOCK, 0},
    {"HANDLER t OPEN", PIN_HANDLER, 0},
    {"XA START 'x'", PIN_XA, 0},
    {"PREPARE s FROM 'SELECT 1'", PIN_PREPARED, 0},
    {"SELECT @a := 1", PIN_USER_VARIABLE, PIN_USER_VARIABLE},
    {"SELECT 1 INTO @a", PIN_USER_VARIABLE, PIN_USER_VARIABLE},
    {"SET ROLE r", 0, 0}, /* carried */
    {"SET ROLE r, s", PIN_ROLE, 0},
    {"SET ROLE r; SELECT 1", PIN_ROLE, 0},
    {"SELECT 1; SET ROLE r", PIN_ROLE, 0},
    {"SET insert_id = 5", PIN_SESSION_VARIABLE, 0},
    {"SET sql_log_bin = 0", PIN_SESSION_VARIABLE, 0},
    {"SET TRANSACTION ISOLATION LEVEL READ COMMITTED", PIN_NEXT_TRANSACTION, 0},
    {"SET TRANSACTION READ ONLY", PIN_NEXT_TRANSACTION, 0},
    {"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", 0, 0},
    {"BEGIN", 0, 0}, /* the server's status flags say so */
    {"CREATE TEMPORARY TABLE t (a int); SELECT GET_LOCK('a', 1)", PIN_TEMPORARY_TABLE | PIN_USER_LOCK,
     PIN_USER_LOCK},
};

static void what_is_not_known_counts_against_a_statement(void **state)
{
    static const char *const names[] = {"p"};
    static const struct {
        const char *text;
        bool views, routines, leaving; /* known; some leave */
        bool anywhere, leaves;
    } cases[] = {
        {"SELECT * FROM t", true, true, false, true, false},
        {"SELECT * FROM t", true, false, false, true, false},
        {"SELECT * FROM t", false, true, false, false, false},
        {"SET @a = 1", false, false, true, true, false},
        {"SELECT f()", true, true, true, false, false},
        {"SELECT f()", true, false, false, false, true},
        {"CALL p()", true, false, false, false, true},
        {"INSERT INTO t VALUES (1)", false, false, true, false, false},
        {NULL, true, true, false, false, false},
        {NULL, true, true, true, false, true},
        {NULL, true, false, false, false, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct definitions definitions = {.views_known = cases[i].views,
                                          .routines_known = cases[i].routines,
                                          .leaving = {names, cases[i].leaving}};
        struct route_statement statement = cases[i].text
                                               ? statement_of(cases[i].text, picture->topology)
                                               : route_statement_unread(ROUTE_REASON_TOO_LONG, false);
        route_doubt(&statement, &definitions);
        bool leaves = statement.effects & SQL_LEAVES_UNKNOWN;
        if (statement.anywhere != cases[i].anywhere || leaves != cases[i].leaves)
            fail_msg("case %zu: anywhere %d, leaves %d", i, statement.anywhere, leaves);
    }
}

static void what_pins(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++) {
        struct route_statement statement = statement_of(pins[i].text, picture->topology);
        unsigned worked = route_pins(&statement, true), failed = route_pins(&statement, false);
        if (worked != pins[i].worked || failed != pins[i].failed)
            fail_msg("%s: pins %#x, %#x if it failed", pins[i].text, worked, failed);
    }
}

/* ---- rules ---- */

static pcre2_code *regex(const char *pattern)
{
    int error;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
    assert_non_null(code);
    return code;
}

static void the_first_matching_rule(void **state)
{
    struct config_rule rules[] = {
        {.regex = regex("^SELECT .* FROM reports"), .user = (char *)"report"},
        {.regex = regex("^SELECT .* FROM reports")},
        {.user = (char *)"batch", .schema = (char *)"stock"},
        {.schema = (char *)"shop"},
    };
    struct config config = {.rules = rules, .rules_count = 4};
    static const struct {
        const char *text, *user, *schema;
        int rule;
    } cases[] = {
        {"SELECT a FROM reports", "report", "", 0},
        {"SELECT a FROM reports", "app", "", 1},
        {"SELECT a FROM reports", "Report", "shop", 1},
        {"INSERT a FROM reports", "report", "", -1},
        {"SELECT 1", "batch", "stock", 2},
        {"SELECT 1", "batch", "shop", 3},
        {"SELECT 1", "batch", "shops", -1},
        {"SELECT 1", "app", "", -1},
        {"", "", "", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(route_rule(&config, cases[i].text, cases[i].user, cases[i].schema), cases[i].rule);
    config.rules_count = 0;
    assert_int_equal(route_rule(&config, "SELECT a FROM reports", "report", "shop"), -1);
    pcre2_code_free(rules[0].regex);
    pcre2_code_free(rules[1].regex);
}

/* ---- names ---- */

/* Each has one, short and without blanks, and no two have the same: they are labels of metrics. */
static void assert_names(const char *(*name)(unsigned), unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_non_null(name(i));
        assert_in_range(strlen(name(i)), 1, 40);
        assert_int_equal(strspn(name(i), "abcdefghijklmnopqrstuvwxyz-"), strlen(name(i)));
        for (unsigned other = 0; other < i; other++)
            assert_string_not_equal(name(i), name(other));
    }
}

static const char *class_name(unsigned i)
{
    return route_class_name((enum route_class)i);
}

static void names(void **state)
{
    (void)state;
    assert_names(route_reason_name, ROUTE_REASONS);
    assert_names(pin_name, PINS);
    assert_names(class_name, ROUTE_CLASSES);
    assert_string_equal(pin_name(PINS), "");
    for (unsigned i = 0; i < ROUTE_REASONS; i++)
        assert_in_range(strlen(route_reason_text(i)), 5, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_statements),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(what_counts_is_of_the_first_and_effects_of_all),
        cmocka_unit_test(what_was_not_read),
        cmocka_unit_test(hints_are_read),
        cmocka_unit_test(what_is_not_known_counts_against_a_statement),
        cmocka_unit_test(what_pins),
        cmocka_unit_test(the_first_matching_rule),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
