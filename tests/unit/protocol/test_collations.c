/* test_collations.c - ids, names, defaults and scan classes of both flavours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pointsman/protocol/collations.h"

static void same_for_both(void **state)
{
    static const struct {
        uint16_t id;
        const char *charset, *name;
    } known[] = {
        {1, "big5", "big5_chinese_ci"},
        {8, "latin1", "latin1_swedish_ci"},
        {33, "utf8mb3", "utf8mb3_general_ci"},
        {45, "utf8mb4", "utf8mb4_general_ci"},
        {63, "binary", "binary"},
        {224, "utf8mb4", "utf8mb4_unicode_ci"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        for (int mariadb = 0; mariadb <= 1; mariadb++) {
            const struct collation *c = collation_by_id(known[i].id, mariadb);
            assert_non_null(c);
            assert_string_equal(c->charset, known[i].charset);
            assert_string_equal(c->name, known[i].name);
            assert_ptr_equal(collation_by_name(known[i].name, strlen(known[i].name), mariadb), c);
        }
}

static void where_they_differ(void **state)
{
    static const uint16_t only_mysql[] = {76, 248, 249, 250, 255};

    (void)state;
    for (size_t i = 0; i < sizeof only_mysql / sizeof *only_mysql; i++) {
        assert_null(collation_by_id(only_mysql[i], true));
        assert_non_null(collation_by_id(only_mysql[i], false));
    }
    assert_string_equal(collation_by_id(255, false)->name, "utf8mb4_0900_ai_ci");
    assert_string_equal(collation_by_id(245, true)->name, "utf8mb4_croatian_mysql561_ci");
    assert_string_equal(collation_by_id(245, false)->name, "utf8mb4_croatian_ci");
}

static void no_such_id(void **state)
{
    static const uint16_t none[] = {0, 17, 100, 191, 254, 256 + 45, 65535};

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_null(collation_by_id(none[i], true));
        assert_null(collation_by_id(none[i], false));
    }
}

/* Every collation is found by its own id and name, and its character set has one default. */
static void whole_table(void **state)
{
    size_t count[2] = {0};

    (void)state;
    for (int mariadb = 0; mariadb <= 1; mariadb++)
        for (uint16_t id = 0; id < 256; id++) {
            const struct collation *c = collation_by_id(id, mariadb), *by_default;
            if (!c)
                continue;
            count[mariadb]++;
            assert_int_equal(c->id, id);
            assert_ptr_equal(collation_by_name(c->name, strlen(c->name), mariadb), c);
            assert_memory_equal(c->name, c->charset, strlen(c->charset));
            by_default = collation_default_of(c->charset, strlen(c->charset), mariadb);
            assert_non_null(by_default);
            assert_string_equal(by_default->charset, c->charset);
        }
    assert_int_equal(count[1], 219);
    assert_int_equal(count[0], 224);
}

static void defaults(void **state)
{
    (void)state;
    assert_string_equal(collation_default_of("utf8mb4", 7, true)->name, "utf8mb4_general_ci");
    assert_string_equal(collation_default_of("utf8mb4", 7, false)->name, "utf8mb4_0900_ai_ci");
    assert_string_equal(collation_default_of("UTF8", 4, true)->name, "utf8mb3_general_ci");
    assert_string_equal(collation_default_of("latin1", 6, false)->name, "latin1_swedish_ci");
    assert_string_equal(collation_default_of("gb18030", 7, false)->name, "gb18030_chinese_ci");
    assert_null(collation_default_of("gb18030", 7, true));
    assert_null(collation_default_of("latin12", 7, true));
    assert_null(collation_default_of("latin", 5, true));
    assert_null(collation_default_of("", 0, true));
}

static void names(void **state)
{
    (void)state;
    assert_int_equal(collation_by_name("UTF8MB4_BIN", 11, true)->id, 46);
    assert_int_equal(collation_by_name("utf8_bin", 8, true)->id, 83);
    assert_int_equal(collation_by_name("utf8_general_ci", 15, false)->id, 33);
    assert_null(collation_by_name("utf8_", 5, true));
    assert_null(collation_by_name("latin1_binx", 11, true));
    assert_null(collation_by_name("", 0, true));
}

static void scan_classes(void **state)
{
    (void)state;
    assert_int_equal(collation_scan_class("gbk", 3), SQL_CHARSET_GBK);
    assert_int_equal(collation_scan_class("GBK", 3), SQL_CHARSET_GBK);
    assert_int_equal(collation_scan_class("big5", 4), SQL_CHARSET_BIG5);
    assert_int_equal(collation_scan_class("sjis", 4), SQL_CHARSET_SJIS);
    assert_int_equal(collation_scan_class("cp932", 5), SQL_CHARSET_SJIS);
    assert_int_equal(collation_scan_class("gb18030", 7), SQL_CHARSET_GB18030);
    assert_int_equal(collation_scan_class("gb2312", 6), SQL_CHARSET_PLAIN);
    assert_int_equal(collation_scan_class("utf8mb4", 7), SQL_CHARSET_PLAIN);
    assert_int_equal(collation_scan_class("gb", 2), SQL_CHARSET_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_for_both), cmocka_unit_test(where_they_differ), cmocka_unit_test(no_such_id),
        cmocka_unit_test(whole_table),   cmocka_unit_test(defaults),          cmocka_unit_test(names),
        cmocka_unit_test(scan_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
