/*
 * test_sql_lex.c - text that hides what it is: comments that are code, strings in other character sets and
 * modes, several statements in one packet, broken and hostile text, pointsman: hints.
 */
#include "sql_cases.h"

#include <stdlib.h>

/* ---- comments ---- */

static void executable_comments_are_code_on_mariadb(void **state)
{
    (void)state;
    static const struct reason_case cases[] = {
        {"SELECT 1 /*!FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!50000 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!50000FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 FROM t FOR /*!UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!50699 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!100000 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!101119 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*M!FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*M!100000 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*M!50700 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*M!080000 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT /*!f(*/1/*!)*/", SQL_REASON_FUNCTION},
        {"SELECT f/*!50000(1)*/", SQL_REASON_FUNCTION},
        {"SELECT now/*!50000()*/", SQL_REASON_FUNCTION},
        {"/*!50000 INSERT INTO t VALUES (1) */", SQL_REASON_WRITE},
        {"/*! DELETE*/ FROM t", SQL_REASON_WRITE},
        {"SELECT 1 /*!50000 /* inner */ FOR UPDATE */", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!50000 +1 -- */ x\n*/ FOR UPDATE", SQL_REASON_LOCKING_READ},
        /* MySQL's versions, and those to come, are no code */
        {"SELECT 1 /*!50700 FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /*!50999 FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /*!80000 FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /*!99999 FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /*!101120 FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /*!050700 FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /*!99999 /* inner */ FOR UPDATE */", SQL_REASON_READ},
        {"SELECT 1 /*!99999 /*!50001 +2*/ FOR UPDATE */ +5", SQL_REASON_READ},
        {"SELECT 1 /*!99999 # */ +4", SQL_REASON_READ},
        {"SELECT 1 /*!99999 /* a /* b */ c */ FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!99999 /* a */ b */ FOR UPDATE", SQL_REASON_LOCKING_READ},
        /* plain comments */
        {"SELECT 1 /*m!FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /* ! FOR UPDATE */", SQL_REASON_READ},
        {"SELECT 1 /* a /* b */ FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*/ FOR UPDATE */", SQL_REASON_READ},
        {"SELECT 1 /**/ FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 1 -- FOR UPDATE", SQL_REASON_READ},
        {"SELECT 1 --\tx\nFOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 1 --\001x\nFOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 1 --FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 1 --", SQL_REASON_READ},
        {"SELECT 1 # */ '\nFOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 1 # x\rFOR UPDATE", SQL_REASON_READ},
        {"SELECT '/*' FROM t FOR UPDATE /* '*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*+ x */ FOR UPDATE", SQL_REASON_LOCKING_READ},
        /* read differently by different servers, or not at all */
        {"SELECT 1 /*!50000 +1 /*!50001 +2*/ +3*/", SQL_REASON_UNKNOWN},
        {"SELECT /*+ QB_NAME(`a */ 1 -- `) */ FROM t FOR UPDATE", SQL_REASON_UNKNOWN},
        {"SELECT 1 /*!50000 +1", SQL_REASON_UNKNOWN},
        {"SELECT 1 /*!99999 +1", SQL_REASON_UNKNOWN},
        {"SELECT 1 /*!99999 /* inner FOR UPDATE */", SQL_REASON_UNKNOWN},
        {"SELECT 1 /* x", SQL_REASON_UNKNOWN},
        {"SELECT 1 --\303\251 'x\n FOR UPDATE -- '", SQL_REASON_UNKNOWN},
    };
    CHECK_REASONS(cases, &mariadb);
}

static void executable_comments_are_code_on_mysql(void **state)
{
    (void)state;
    static const struct reason_case cases[] = {
        {"SELECT 1 /*!FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!50700 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!80000 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!90704 FOR UPDATE*/", SQL_REASON_LOCKING_READ},
        {"SELECT 1 /*!90705 FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /*M!FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /*M!100000 FOR UPDATE*/", SQL_REASON_READ},
        {"SELECT 1 /*!999999 FOR UPDATE*/", SQL_REASON_READ},
        /* five digits and code behind them, or six digits? */
        {"SELECT 1 /*!100000 FOR UPDATE*/", SQL_REASON_UNKNOWN},
        {"SELECT 1 /*!080000 FOR UPDATE*/", SQL_REASON_UNKNOWN},
        /* dollar quotes */
        {"SELECT $$", SQL_REASON_UNKNOWN},
        {"SELECT $a$ ' $a$ FOR UPDATE -- '", SQL_REASON_UNKNOWN},
    };
    CHECK_REASONS(cases, &mysql);
}

/* ---- strings ---- */

static void strings_obey_sql_mode(void **state)
{
    (void)state;
    struct sql_options options = mariadb;
    const char *backslash = "SELECT '\\' FOR UPDATE -- '";
    const char *quotes = "SELECT \"a\\\" FOR UPDATE -- \"";

    assert_int_equal(read_one(backslash, &options).reason, SQL_REASON_READ);
    assert_int_equal(read_one(quotes, &options).reason, SQL_REASON_READ);
    assert_int_equal(read_one("SELECT \"f\"(1)", &options).reason, SQL_REASON_READ); /* a syntax error */
    options.mode = SQL_MODE_NO_BACKSLASH_ESCAPES;
    assert_int_equal(read_one(backslash, &options).reason, SQL_REASON_LOCKING_READ);
    options.mode = SQL_MODE_ANSI_QUOTES; /* a name has no escapes */
    assert_int_equal(read_one(quotes, &options).reason, SQL_REASON_LOCKING_READ);
    assert_int_equal(read_one("SELECT \"f\"(1)", &options).reason, SQL_REASON_FUNCTION);
    assert_int_equal(read_one("SELECT * FROM \"sys\".\"x\"", &options).reason, SQL_REASON_SERVER_STATE);
    options.mode = SQL_MODE_FOREIGN;
    assert_int_equal(read_one("SELECT 1", &options).reason, SQL_REASON_FOREIGN_MODE);
}

static void quotes_and_names(void **state)
{
    (void)state;
    static const struct reason_case cases[] = {
        {"SELECT 'a''b' FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 'a' 'b', 'a''' FROM t -- '", SQL_REASON_READ},
        {"SELECT `a``b` FROM `for update`", SQL_REASON_READ},
        {"SELECT `a\\` FOR UPDATE -- `", SQL_REASON_LOCKING_READ},
        {"SELECT @'a\\' FOR UPDATE -- '", SQL_REASON_READ},
        {"SELECT @`a\\` FOR UPDATE -- `", SQL_REASON_LOCKING_READ},
        {"SELECT @a.b$c FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT @@`read_only`", SQL_REASON_SERVER_VARIABLE},
        {"SELECT N'a\\' FOR UPDATE -- '", SQL_REASON_READ},
        {"SELECT x'4D' FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT b 'x' FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 1e5FROM t FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 1.FOR UPDATE", SQL_REASON_LOCKING_READ},
        {"SELECT 'abc", SQL_REASON_UNKNOWN},
        {"SELECT \"abc", SQL_REASON_UNKNOWN},
        {"SELECT `abc", SQL_REASON_UNKNOWN},
        {"SELECT 'abc\\'", SQL_REASON_UNKNOWN},
        {"SELECT @@", SQL_REASON_UNKNOWN},
        {"SELECT @\303\251", SQL_REASON_UNKNOWN},
        {"SELECT \001", SQL_REASON_UNKNOWN},
        /* a blank of latin1, a letter elsewhere */
        {"SELECT 1\240INTO\240OUTFILE\240'x'", SQL_REASON_UNKNOWN},
        {"SELECT 1 x FOR\240UPDATE", SQL_REASON_UNKNOWN},
        {"SELECT 1 x FOR\377UPDATE", SQL_REASON_UNKNOWN},
        {"SELECT caf\303\251 FROM t", SQL_REASON_READ},
    };
    CHECK_REASONS(cases, &mariadb);
}

static void nul_bytes_are_never_read_over(void **state)
{
    (void)state;
    struct sql_facts facts;
    static const char text[] = "SELECT 1\0 FOR UPDATE", line[] = "SELECT 1 -- \0\nFOR UPDATE",
                      name[] = "SELECT `a\0` FOR UPDATE";
    static const char string[] = "SELECT 'a\0' FOR UPDATE";

    assert_int_equal(read_guarded(text, sizeof(text) - 1, &mariadb, &facts), sizeof(text) - 1);
    assert_int_equal(facts.reason, SQL_REASON_UNKNOWN);
    read_guarded(line, sizeof(line) - 1, &mariadb, &facts);
    assert_int_equal(facts.reason, SQL_REASON_UNKNOWN);
    read_guarded(name, sizeof(name) - 1, &mariadb, &facts);
    assert_int_equal(facts.reason, SQL_REASON_UNKNOWN);
    read_guarded(string, sizeof(string) - 1, &mariadb, &facts);
    assert_int_equal(facts.reason, SQL_REASON_LOCKING_READ);
}

/* The lead byte takes the backslash, the quote then ends the string; or it doesn't. */
static void characters_with_a_backslash_inside(void **state)
{
    (void)state;
    static const struct {
        enum sql_charset charset;
        const char *text;
        enum sql_reason reason;
    } cases[] = {
        {SQL_CHARSET_PLAIN, "SELECT '\277\\' FOR UPDATE -- '", SQL_REASON_READ},
        {SQL_CHARSET_GBK, "SELECT '\277\\' FOR UPDATE -- '", SQL_REASON_LOCKING_READ},
        {SQL_CHARSET_BIG5, "SELECT '\277\\' FOR UPDATE -- '", SQL_REASON_LOCKING_READ},
        {SQL_CHARSET_SJIS, "SELECT '\203\\' FOR UPDATE -- '", SQL_REASON_LOCKING_READ},
        {SQL_CHARSET_GB18030, "SELECT '\277\\' FOR UPDATE -- '", SQL_REASON_LOCKING_READ},
        {SQL_CHARSET_SJIS, "SELECT '\277\\' FOR UPDATE -- '", SQL_REASON_READ}, /* half-width, one byte */
        {SQL_CHARSET_BIG5, "SELECT '\240\\' FOR UPDATE -- '", SQL_REASON_READ}, /* no lead byte */
        {SQL_CHARSET_GBK, "SELECT '\277' FOR UPDATE -- '", SQL_REASON_LOCKING_READ}, /* no second byte */
        {SQL_CHARSET_GBK, "SELECT '\\\277\\' FOR UPDATE -- '",
         SQL_REASON_READ}, /* \ escapes the lead byte only */
        {SQL_CHARSET_GB18030, "SELECT '\2010\2010\\' FOR UPDATE -- '", SQL_REASON_READ},
        {SQL_CHARSET_GB18030, "SELECT '\2010\201\\' FOR UPDATE -- '", SQL_REASON_LOCKING_READ},
        {SQL_CHARSET_GBK, "SELECT `\277`` FOR UPDATE",
         SQL_REASON_LOCKING_READ}, /* a backtick as second byte */
        {SQL_CHARSET_PLAIN, "SELECT `\277`` FOR UPDATE", SQL_REASON_UNKNOWN},
        {SQL_CHARSET_GBK, "SELECT a\277`b` FOR UPDATE -- `", SQL_REASON_READ}, /* part of a name */
        {SQL_CHARSET_PLAIN, "SELECT a\277`b` FOR UPDATE -- `", SQL_REASON_LOCKING_READ},
        {SQL_CHARSET_GBK, "SELECT \277\\ FROM t", SQL_REASON_READ},
        {SQL_CHARSET_GBK, "SELECT \277 FROM t", SQL_REASON_UNKNOWN}, /* begins no character */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sql_options options = mariadb;
        options.charset = cases[i].charset;
        struct sql_facts facts = read_one(cases[i].text, &options);
        if (facts.reason != cases[i].reason)
            print_error("case %zu: %s\n", i, sql_reason_name(facts.reason));
        assert_int_equal(facts.reason, cases[i].reason);
    }
}

/* ---- several statements ---- */

/* Reads all of the text, one statement after another: their verbs, as words, parted by blanks. */
static const char *verbs_of(const char *text, size_t length)
{
    static char words[256];
    size_t at = 0;

    words[0] = '\0';
    while (at < length) {
        struct sql_facts facts;
        size_t consumed = read_guarded(text + at, length - at, &mariadb, &facts);
        assert_in_range(consumed, 1, length - at);
        at += consumed;
        strcat(words, words[0] ? " " : "");
        strcat(words, sql_verb_name(facts.verb));
    }
    return words;
}

static void statements_end_at_semicolons(void **state)
{
    (void)state;
    static const struct {
        const char *text, *verbs;
    } cases[] = {
        {"SELECT 1", "select"},
        {"SELECT 1;", "select"},
        {"SELECT 1; \n", "select"},
        {"SELECT 1;SELECT 2", "select select"},
        {"SELECT 1; INSERT INTO t VALUES (';'); COMMIT", "select dml commit"},
        {"SELECT ';' /* ; */ -- ;\n; DELETE FROM t", "select dml"},
        {"SELECT (1; DELETE FROM t)", "select dml"},
        {";;", "empty empty"},
        {"SELECT 1; -- end", "select empty"},
        {"SELECT 'a; DELETE FROM t", "unknown"},
        {"SELECT 1 /* ; DELETE FROM t", "unknown"},
        {"CREATE PROCEDURE p() BEGIN SELECT 1; DELETE FROM t; END", "ddl"},
        {"CREATE DEFINER=`a`@`%` FUNCTION f() RETURNS INT RETURN 1; SELECT 1", "ddl"},
        {"CREATE OR REPLACE DEFINER = CURRENT_USER() TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @a = 1; "
         "SELECT 1",
         "ddl"},
        {"CREATE DEFINER=event@localhost VIEW v AS SELECT 1; SELECT 2", "ddl select"},
        {"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN SELECT 1; END", "ddl"},
        {"ALTER EVENT e DO BEGIN SELECT 1; END", "ddl"},
        {"CREATE PACKAGE BODY p AS x; END", "ddl"},
        {"BEGIN NOT ATOMIC SELECT 1; END; SELECT 2", "unknown"},
        {"BEGIN; SELECT 1; COMMIT", "begin select commit"},
        {"IF 1 THEN SELECT 1; END IF", "unknown"},
        {"CREATE TABLE t (a INT); SELECT 1", "ddl select"},
        {"FROBNICATE; SELECT 1", "unknown select"},
        {"SELECT 1 /*!50000 ; DELETE FROM t; */", "select dml unknown"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(verbs_of(cases[i].text, strlen(cases[i].text)), cases[i].verbs);
}

/* Every beginning of a statement, at the end of memory: nothing reads past it, and all ends. */
static void every_beginning_can_be_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        ("SELECT /*+ a(`b`) */ x'4D', `a``b`, 'a\\'b', @@global.x, @`a`, 1.5e-3 /*!50000 +1*/ -- c\n, "
         "LAST_INSERT_ID() i"),
        "/* pointsman: server=db2, max_lag=1s */ SET @a = 'x', NAMES utf8 COLLATE y, @@session . z = -5;",
        "CREATE DEFINER=`a`@`%` TEMPORARY TABLE t (a INT); SHOW COUNT(*) WARNINGS",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t length = 1; length <= strlen(texts[i]); length++) {
            for (int charset = SQL_CHARSET_PLAIN; charset <= SQL_CHARSET_GB18030; charset++) {
                struct sql_options options = mariadb;
                struct sql_facts facts;
                options.charset = (enum sql_charset)charset;
                size_t consumed = read_guarded(texts[i], length, &options, &facts);
                assert_in_range(consumed, 1, length);
            }
        }
    }
}

static void deep_parentheses_are_not_proven(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    char *text = malloc(2 * DEEP + 16);
    struct sql_facts facts;

    memcpy(text, "SELECT ", 7);
    memset(text + 7, '(', DEEP);
    memset(text + 7 + DEEP, ')', DEEP);
    assert_int_equal(sql_read(text, 7 + 2 * DEEP, &mariadb, &facts), 7 + 2 * DEEP);
    assert_int_equal(facts.reason, SQL_REASON_UNKNOWN);
    memset(text, '(', DEEP);
    memcpy(text + DEEP, "SELECT f(1)", 11);
    sql_read(text, DEEP + 11, &mariadb, &facts);
    assert_int_equal(facts.reason, SQL_REASON_UNKNOWN);
    for (int i = 0; i < DEEP / 8; i++)
        memcpy(text + (size_t)i * 8, "ANALYZE ", 8);
    sql_read(text, DEEP, &mariadb, &facts);
    assert_int_not_equal(facts.reason, SQL_REASON_READ);
    free(text);
}

/* ---- hints ---- */

static void hints_are_read_next_to_the_first_word(void **state)
{
    (void)state;
    struct sql_hint hint = read_one("/* pointsman: primary */ SELECT 1", &mariadb).hint;
    assert_int_equal(hint.kind, SQL_HINT_PRIMARY);
    assert_false(hint.faulty);

    hint = read_one("SELECT /*pointsman:replica*/ 1", &mariadb).hint;
    assert_int_equal(hint.kind, SQL_HINT_REPLICA);

    const char *text = "/* PointsMan: server=db2, max_lag=1s wait_for=0-1-5,1-2-3 */ SELECT 1";
    struct sql_facts facts = read_one(text, &mariadb);
    assert_int_equal(facts.hint.kind, SQL_HINT_SERVER);
    assert_true(span_equals(facts.hint.server, "db2"));
    assert_true(span_equals(facts.hint.max_lag, "1s"));
    assert_true(span_equals(facts.hint.wait_for, "0-1-5,1-2-3"));
    assert_false(facts.hint.faulty);

    assert_int_equal(read_one("SELECT 1 /* pointsman: primary */", &mariadb).hint.kind, SQL_HINT_NONE);
    assert_int_equal(read_one("SELECT '/* pointsman: primary */'", &mariadb).hint.kind, SQL_HINT_NONE);
    assert_int_equal(read_one("/* not pointsman: primary */ SELECT 1", &mariadb).hint.kind, SQL_HINT_NONE);
    assert_true(read_one("/* pointsman: nonsense */ SELECT 1", &mariadb).hint.faulty);
    assert_true(read_one("/* pointsman: */ SELECT 1", &mariadb).hint.faulty);
    assert_true(read_one("/* pointsman: server= */ SELECT 1", &mariadb).hint.faulty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(executable_comments_are_code_on_mariadb),
        cmocka_unit_test(executable_comments_are_code_on_mysql),
        cmocka_unit_test(strings_obey_sql_mode),
        cmocka_unit_test(quotes_and_names),
        cmocka_unit_test(nul_bytes_are_never_read_over),
        cmocka_unit_test(characters_with_a_backslash_inside),
        cmocka_unit_test(statements_end_at_semicolons),
        cmocka_unit_test(every_beginning_can_be_read),
        cmocka_unit_test(deep_parentheses_are_not_proven),
        cmocka_unit_test(hints_are_read_next_to_the_first_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
