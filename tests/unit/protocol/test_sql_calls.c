/*
 * test_sql_calls.c - where values of the connection's past stand in the text, and what their columns are
 * called.
 */
#include "sql_cases.h"

struct call_case {
    const char *text;
    enum sql_call_kind kind;
    const char *call, *item; /* item NULL: no alias is needed */
};

static const struct call_case cases[] = {
    {"SELECT LAST_INSERT_ID()", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", "LAST_INSERT_ID()"},
    {"select last_insert_id ( ) ;", SQL_CALL_INSERT_ID, "last_insert_id ( )", "last_insert_id ( )"},
    {"SELECT FOUND_ROWS() AS n", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()", NULL},
    {"SELECT FOUND_ROWS() n", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()", NULL},
    {"SELECT FOUND_ROWS() 'n'", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()", NULL},
    {"SELECT FOUND_ROWS() `n`", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()", NULL},
    {"SELECT DISTINCT FOUND_ROWS()", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()", "FOUND_ROWS()"},
    {"SELECT a, 1 + ROW_COUNT() * 2, b FROM t", SQL_CALL_ROW_COUNT, "ROW_COUNT()", "1 + ROW_COUNT() * 2"},
    {"SELECT ROW_COUNT() IS NULL", SQL_CALL_ROW_COUNT, "ROW_COUNT()", "ROW_COUNT() IS NULL"},
    {"SELECT ROW_COUNT() = a FROM t", SQL_CALL_ROW_COUNT, "ROW_COUNT()", "ROW_COUNT() = a"},
    {"SELECT ROW_COUNT() = t.a FROM t", SQL_CALL_ROW_COUNT, "ROW_COUNT()", "ROW_COUNT() = t.a"},
    {"SELECT ROW_COUNT() AND a", SQL_CALL_ROW_COUNT, "ROW_COUNT()", "ROW_COUNT() AND a"},
    {"SELECT IF(ROW_COUNT(), 1, 2)", SQL_CALL_ROW_COUNT, "ROW_COUNT()", "IF(ROW_COUNT(), 1, 2)"},
    {"SELECT IF(ROW_COUNT(), 1, 2) x", SQL_CALL_ROW_COUNT, "ROW_COUNT()", NULL},
    {"SELECT (SELECT CONNECTION_ID())", SQL_CALL_CONNECTION_ID, "CONNECTION_ID()",
     "(SELECT CONNECTION_ID())"},
    {"(SELECT CONNECTION_ID())", SQL_CALL_CONNECTION_ID, "CONNECTION_ID()", "CONNECTION_ID()"},
    {"SELECT @@identity", SQL_CALL_INSERT_ID, "@@identity", "@@identity"},
    {"SELECT @@session . last_insert_id x", SQL_CALL_INSERT_ID, "@@session . last_insert_id", NULL},
    {"SELECT @@local.`identity`, 1", SQL_CALL_INSERT_ID, "@@local.`identity`", "@@local.`identity`"},
    {"SELECT @@pseudo_thread_id", SQL_CALL_CONNECTION_ID, "@@pseudo_thread_id", "@@pseudo_thread_id"},
    {"SELECT * FROM t WHERE id = LAST_INSERT_ID()", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", NULL},
    {"INSERT INTO t (a) VALUES (LAST_INSERT_ID())", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", NULL},
    {"UPDATE t SET a = LAST_INSERT_ID() WHERE b", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", NULL},
    {"SET @a = LAST_INSERT_ID()", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", NULL},
    {"KILL CONNECTION_ID()", SQL_CALL_CONNECTION_ID, "CONNECTION_ID()", NULL},
    {"SELECT LAST_INSERT_ID()-- x", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", "LAST_INSERT_ID()"},
    {"SELECT LAST_INSERT_ID() LIMIT 1", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", "LAST_INSERT_ID()"},
    {"SELECT a FROM t ORDER BY LAST_INSERT_ID()", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", NULL},
    {"SELECT a FROM t GROUP BY ROW_COUNT()", SQL_CALL_ROW_COUNT, "ROW_COUNT()", NULL},
    {"SELECT a FROM t WHERE a IN (SELECT FOUND_ROWS())", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()", "FOUND_ROWS()"},
    {"SELECT * FROM (SELECT LAST_INSERT_ID()) x", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", "LAST_INSERT_ID()"},
    {"SELECT * FROM (SELECT 1 + LAST_INSERT_ID(), 2) x", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()",
     "1 + LAST_INSERT_ID()"},
    {"SELECT * FROM (SELECT LAST_INSERT_ID() n) x", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", NULL},
    {"SELECT (SELECT FOUND_ROWS())", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()", "(SELECT FOUND_ROWS())"},
    {"SELECT (SELECT FOUND_ROWS()) n, 1", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()", NULL},
    {"SELECT 1, (SELECT FOUND_ROWS() FROM t) FROM t", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()",
     "(SELECT FOUND_ROWS() FROM t)"},
    {"WITH c AS (SELECT FOUND_ROWS()) SELECT * FROM c", SQL_CALL_FOUND_ROWS, "FOUND_ROWS()", "FOUND_ROWS()"},
    {"SELECT CASE WHEN ROW_COUNT() THEN 1 END", SQL_CALL_ROW_COUNT, "ROW_COUNT()",
     "CASE WHEN ROW_COUNT() THEN 1 END"},
    {"SELECT CASE WHEN ROW_COUNT() THEN 1 END end", SQL_CALL_ROW_COUNT, "ROW_COUNT()", NULL},
    {"SET @a = (SELECT LAST_INSERT_ID())", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()", "LAST_INSERT_ID()"},
    {"WITH c AS (SELECT 1) SELECT LAST_INSERT_ID() FROM c", SQL_CALL_INSERT_ID, "LAST_INSERT_ID()",
     "LAST_INSERT_ID()"},
};

static void calls_and_items_are_found(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sql_facts facts = read_one(cases[i].text, &mariadb);
        const struct sql_call *call = &facts.calls[0];
        if (facts.calls_count == 1 && !facts.calls_overflow && call->kind == cases[i].kind &&
            span_equals(call->text, cases[i].call) && span_equals(call->item, cases[i].item))
            continue;
        print_error("%s: %u calls, '%.*s' in '%.*s'\n", cases[i].text, facts.calls_count,
                    (int)call->text.length, call->text.at, (int)call->item.length,
                    call->item.at ? call->item.at : "");
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void several_calls_in_several_items(void **state)
{
    (void)state;
    struct sql_facts facts = read_one(
        "SELECT LAST_INSERT_ID() + FOUND_ROWS(), ROW_COUNT() r, @@identity FROM t", &mariadb);

    assert_int_equal(facts.calls_count, 4);
    assert_true(span_equals(facts.calls[0].item, "LAST_INSERT_ID() + FOUND_ROWS()"));
    assert_true(span_equals(facts.calls[1].item, "LAST_INSERT_ID() + FOUND_ROWS()"));
    assert_null(facts.calls[2].item.at);
    assert_true(span_equals(facts.calls[3].item, "@@identity"));
    assert_int_equal(facts.effects, SQL_READS_INSERT_ID | SQL_READS_FOUND_ROWS | SQL_READS_ROW_COUNT);
}

/* A literal in the call's place would change the meaning, or the name of a column. */
static void calls_that_cannot_be_replaced_overflow(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT "
        "ROW_COUNT(),ROW_COUNT(),ROW_COUNT(),ROW_COUNT(),ROW_COUNT(),ROW_COUNT(),ROW_COUNT(),ROW_COUNT(),ROW_"
        "COUNT()",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sql_facts facts = read_one(texts[i], &mariadb);
        if (!facts.calls_overflow)
            print_error("%s\n", texts[i]);
        assert_true(facts.calls_overflow);
        assert_in_range(facts.calls_count, 0, SQL_CALLS_MAX);
    }
}

static void names_of_statements(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
    } names[] = {
        {"USE db", "db"},
        {"USE `d b`;", "d b"},
        {"CREATE TEMPORARY TABLE t (a INT)", "t"},
        {"CREATE TEMPORARY TABLE IF NOT EXISTS db.`t u` (a INT)", "t u"},
        {"PREPARE s FROM 'SELECT 1'", "s"},
        {"DEALLOCATE PREPARE `s`", "s"},
        {"DROP PREPARE s", "s"},
        {"CREATE TABLE t (a INT)", NULL},
        {"SELECT 1", NULL},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(span_equals(read_one(names[i].text, &mariadb).name, names[i].name));
}

static void ids_of_kill(void **state)
{
    (void)state;
    assert_int_equal(read_one("KILL 4711", &mariadb).kill_id, 4711);
    assert_int_equal(read_one("KILL HARD CONNECTION 4711;", &mariadb).kill_id, 4711);
    assert_int_equal(read_one("KILL QUERY 18446744073709551609", &mariadb).kill_id, 18446744073709551609u);
    assert_int_equal(read_one("KILL 99999999999999999999", &mariadb).kill_id, 0);
    assert_int_equal(read_one("KILL QUERY -2147483638", &mariadb).kill_id, 2147483658u);
    assert_int_equal(read_one("KILL -1", &mariadb).kill_id, 4294967295u);
    assert_int_equal(read_one("KILL -2147483649", &mariadb).kill_id, 0);
    assert_int_equal(read_one("KILL -0", &mariadb).kill_id, 0);
    assert_int_equal(read_one("KILL 5 - 1", &mariadb).kill_id, 0);
    assert_int_equal(read_one("KILL QUERY ID 5", &mariadb).kill_id, 0);
    assert_int_equal(read_one("KILL 5 + 1", &mariadb).kill_id, 0);
    assert_int_equal(read_one("KILL @a", &mariadb).kill_id, 0);
    assert_int_equal(read_one("KILL USER a", &mariadb).kill_id, 0);
    assert_true(read_one("KILL CONNECTION_ID()", &mariadb).kill_own);
    assert_true(read_one("KILL SOFT QUERY connection_id( /* own */ ) ;", &mariadb).kill_own);
    assert_true(read_one("KILL @@pseudo_thread_id", &mariadb).kill_own);
    assert_false(read_one("KILL CONNECTION_ID() + 1", &mariadb).kill_own);
    assert_false(read_one("KILL (CONNECTION_ID())", &mariadb).kill_own); /* as rare as right at the server */
    assert_false(read_one("KILL 1 + CONNECTION_ID()", &mariadb).kill_own);
    assert_false(read_one("KILL QUERY ID CONNECTION_ID()", &mariadb).kill_own);
    assert_false(read_one("KILL 4711", &mariadb).kill_own);
}

static void views_and_watched_tables(void **state)
{
    (void)state;
    static const char *const views[] = {"a`b", "bad_view", "z\303\251"}, *const tables[] = {"tmp"};
    const struct sql_names unsafe = {views, 3}, watched = {tables, 1};
    struct sql_options options = mariadb;
    options.unsafe_tables = &unsafe;
    options.watched = &watched;

    assert_int_equal(read_one("SELECT * FROM t", &options).reason, SQL_REASON_READ);
    assert_int_equal(read_one("SELECT * FROM db.BAD_View v", &options).reason, SQL_REASON_VIEW);
    assert_int_equal(read_one("SELECT * FROM `bad_view`", &options).reason, SQL_REASON_VIEW);
    assert_int_equal(read_one("SELECT * FROM `a``b`", &options).reason, SQL_REASON_VIEW);
    assert_int_equal(read_one("SELECT * FROM Z\303\211", &options).reason,
                     SQL_REASON_VIEW); /* may be its capital */
    assert_int_equal(read_one("SELECT 'bad_view'", &options).reason, SQL_REASON_READ);
    assert_int_equal(read_one("SELECT 1 FROM `TMP`", &options).effects, SQL_MENTIONS_WATCHED);
    assert_int_equal(read_one("SELECT 1 FROM tmp2", &options).effects, 0);
    assert_true(read_one("UPDATE tmp SET a = 1", &options).effects & SQL_MENTIONS_WATCHED);
    /* it may have another name afterwards */
    assert_true(read_one("ALTER TABLE tmp RENAME TO x", &options).effects & SQL_MAKES_TEMPORARY_TABLE);
    assert_false(read_one("DROP TABLE tmp", &options).effects & SQL_MAKES_TEMPORARY_TABLE);
}

static void sets_of_names(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "ab", "b"};
    const struct sql_names set = {names, 3}, empty = {NULL, 0};

    assert_true(sql_names_has(&set, "A", 1));
    assert_true(sql_names_has(&set, "aBx", 2));
    assert_true(sql_names_has(&set, "b", 1));
    assert_false(sql_names_has(&set, "abc", 3));
    assert_false(sql_names_has(&set, "", 0));
    assert_false(sql_names_has(&set, "a\0", 2));
    assert_false(sql_names_has(&empty, "a", 1));
    assert_false(sql_names_has(NULL, "a", 1));
}

static void every_reason_and_verb_has_a_word(void **state)
{
    (void)state;
    for (int i = 0; i < SQL_REASONS; i++) {
        assert_true(strlen(sql_reason_name((enum sql_reason)i)) > 0);
        assert_true(strlen(sql_reason_text((enum sql_reason)i)) > 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(sql_reason_name((enum sql_reason)i), sql_reason_name((enum sql_reason)j));
    }
    for (int i = 0; i <= SQL_UNKNOWN; i++)
        assert_true(strlen(sql_verb_name((enum sql_verb)i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_items_are_found),
        cmocka_unit_test(several_calls_in_several_items),
        cmocka_unit_test(calls_that_cannot_be_replaced_overflow),
        cmocka_unit_test(names_of_statements),
        cmocka_unit_test(ids_of_kill),
        cmocka_unit_test(views_and_watched_tables),
        cmocka_unit_test(sets_of_names),
        cmocka_unit_test(every_reason_and_verb_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
