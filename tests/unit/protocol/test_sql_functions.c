/*
 * test_sql_functions.c - the allow-list: found by every name in it, by flavour and version.
 */
#include "sql_cases.h"

#include "../../../protocol/sql_functions.c" /* the table itself is tested */

static enum sql_function_kind kind_of(const struct sql_options *options, const char *name)
{
    return sql_function_kind(options, name, strlen(name));
}

static void the_table_is_sorted_and_every_name_found(void **state)
{
    (void)state;
    const size_t count = sizeof(functions) / sizeof(functions[0]);

    for (size_t i = 0; i < count; i++) {
        char capitals[SQL_FUNCTION_NAME_MAX + 1] = {0};
        for (size_t j = 0; functions[i].name[j]; j++) {
            char c = functions[i].name[j];
            assert_false(c >= 'A' && c <= 'Z');
            capitals[j] = (char)(c >= 'a' && c <= 'z' ? c - 0x20 : c);
        }
        if (i > 0)
            assert_true(strcmp(functions[i - 1].name, functions[i].name) < 0);
        assert_ptr_equal(find(capitals, strlen(capitals)), &functions[i]);
    }
}

static void what_is_not_on_the_list(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "a",
        "abs2",
        "ab",
        "zzz",

        "sys_exec",
        "a_name_that_is_longer_than_any_function",
        "st_geometrycollectionfromtextst",
        "columns",
        "escape",
        "against",
        "of",
        "first",
        "point",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(kind_of(&mariadb, names[i]), SQL_FUNCTION_UNKNOWN);
}

/* Where a server doesn't know the name, it may be a stored function's. */
static void versions_and_flavours_differ(void **state)
{
    (void)state;
    const struct sql_options old_mysql = {.version = 50744},
                             old_mariadb = {.mariadb = true, .version = 100600};
    const struct sql_options new_mariadb = {.mariadb = true, .version = 110800};

    assert_int_equal(kind_of(&mysql, "bin_to_uuid"), SQL_FUNCTION_HARMLESS);
    assert_int_equal(kind_of(&old_mysql, "bin_to_uuid"), SQL_FUNCTION_UNKNOWN);
    assert_int_equal(kind_of(&mariadb, "bin_to_uuid"), SQL_FUNCTION_UNKNOWN);
    assert_int_equal(kind_of(&mysql, "password"), SQL_FUNCTION_UNKNOWN);
    assert_int_equal(kind_of(&mariadb, "password"), SQL_FUNCTION_HARMLESS);
    assert_int_equal(kind_of(&mariadb, "natural_sort_key"), SQL_FUNCTION_HARMLESS);
    assert_int_equal(kind_of(&old_mariadb, "natural_sort_key"), SQL_FUNCTION_UNKNOWN);
    assert_int_equal(kind_of(&mariadb, "uuid_v7"), SQL_FUNCTION_UNKNOWN);
    assert_int_equal(kind_of(&new_mariadb, "uuid_v7"), SQL_FUNCTION_HARMLESS);
    assert_int_equal(kind_of(&mysql, "rank"), SQL_FUNCTION_HARMLESS_TIGHT);
    assert_int_equal(kind_of(&old_mysql, "rank"), SQL_FUNCTION_UNKNOWN);
    assert_int_equal(kind_of(&mysql, "nextval"), SQL_FUNCTION_UNKNOWN);
    assert_int_equal(kind_of(&mariadb, "nextval"), SQL_FUNCTION_SEQUENCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_every_name_found),
        cmocka_unit_test(what_is_not_on_the_list),
        cmocka_unit_test(versions_and_flavours_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
