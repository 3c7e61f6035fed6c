/*
 * test_sql_digest.c - statements that differ in their literals only are the same; normalised text shows them.
 */
#include "sql_cases.h"

static uint64_t digest(const char *text)
{
    return read_one(text, &mariadb).digest;
}

static void literals_blanks_case_and_comments_do_not_count(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"SELECT a FROM t WHERE b = 1", "select  A from T where B='x' -- c"},
        {"SELECT a FROM t WHERE b = 1", "SELECT /* x */ `a` FROM `t` WHERE `b`=?;"},
        {"SELECT 1 IN (1)", "SELECT 5 IN (1, 2, 'x', 0x4D)"},
        {"INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, ?)"},
        {"INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1, 2, 3),(4)"},
        {"SELECT 1", "SELECT 1;"},
        {"SELECT 1", "SELECT 1.5e3"},
        {"SELECT abcdefghijklmnopq", "SELECT ABCDEFGHIJKLMNOPQ"},
    };
    static const char *const different[][2] = {
        {"SELECT a FROM t", "SELECT b FROM t"},
        {"SELECT a FROM t", "SELECT a, b FROM t"},
        {"SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b > 1"},
        {"SELECT 1 IN (1)", "SELECT 1 IN (a)"},
        {"SELECT @a", "SELECT a"},
        {"SELECT @@a", "SELECT @a"},
        {"INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1), (NOW())"},
        {"SELECT (1), (a)", "SELECT (1), (2)"},
        {"SELECT f(1), 2", "SELECT f(1, 2)"},
        {"SELECT abcdefghijklmnopq", "SELECT abcdefghijklmnopr"},
        {"SELECT a.b", "SELECT a , b"},
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        if (digest(same[i][0]) != digest(same[i][1]))
            print_error("%s\n%s\n", same[i][0], same[i][1]);
        assert_true(digest(same[i][0]) == digest(same[i][1]));
    }
    for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++) {
        if (digest(different[i][0]) == digest(different[i][1]))
            print_error("%s\n%s\n", different[i][0], different[i][1]);
        assert_true(digest(different[i][0]) != digest(different[i][1]));
    }
    assert_true(digest("") == 0 && digest("-- x") == 0 && digest("'") != 0);
}

static void normalised_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal;
    } cases[] = {
        {"select c, pad from sbtest1 where id=12345 and k in (1,2, 3) order by c limit 10;",
         "SELECT c, pad FROM sbtest1 WHERE id = ? AND k IN (?) ORDER BY c LIMIT ?;"},
        {"insert into `t u` (a,b) values (1,'x'),(2,'y')", "INSERT INTO `t u` (a, b) VALUES (?)"},
        {"select count(*), max( a.b ) /* c */ from t a", "SELECT COUNT(*), MAX(a.b) FROM t a"},
        {"select @a := @@session.x + -1", "SELECT @a := @@session.x + - ?"},
        {"select 'a", "SELECT ..."},
        {"", ""},
    };
    char out[256];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = sql_normalise(cases[i].text, strlen(cases[i].text), &mariadb, out, sizeof(out));
        assert_string_equal(out, cases[i].normal);
        assert_int_equal(length, strlen(cases[i].normal));
    }
}

static void normalised_text_is_cut_to_size(void **state)
{
    (void)state;
    static const char text[] = "insert into t values (1, a), (2, b)",
                      normal[] = "INSERT INTO t VALUES (?, a), (?, b)";
    for (size_t size = 0; size < sizeof(normal) + 2; size++) {
        struct guard guard = guard_of(NULL, size);
        char *out = (char *)guard.at;
        size_t length = sql_normalise(text, sizeof(text) - 1, &mariadb, out, size);
        assert_in_range(length, 0, size ? size - 1 : 0);
        if (size > 0) {
            assert_int_equal(length, size - 1 < sizeof(normal) - 1 ? size - 1 : sizeof(normal) - 1);
            assert_int_equal(out[length], '\0');
            assert_memory_equal(out, normal, length);
        }
        guard_done(&guard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_blanks_case_and_comments_do_not_count),
        cmocka_unit_test(normalised_text),
        cmocka_unit_test(normalised_text_is_cut_to_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
