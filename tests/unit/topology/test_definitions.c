/* test_definitions.c - rows as a server gives them, the sets of names that come of them; changes on their
 * way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pointsman/base/clock.h"
#include "pointsman/topology/definitions.h"

#define VIEW    DEFINITION_VIEW
#define ROUTINE DEFINITION_ROUTINE
#define TRIGGER DEFINITION_TRIGGER

static const struct definition_source shop[] = {
    {VIEW, "v_items",
     "select `shop`.`item`.`id` AS `id`,ucase(`shop`.`item`.`name`) AS `name` from `shop`.`item`", 0},
    {VIEW, "v_some", "select `v_items`.`id` AS `id` from `shop`.`v_items` limit 1", 0},
    {VIEW, "V_Bump", "select `bump`() AS `a`", 0},
    {VIEW, "v_over", "select `v_bump`.`a` AS `a` from `shop`.`v_bump`", 0},
    {VIEW, "v_far", "select `v_over`.`a` AS `a` from (`shop`.`v_over` join `shop`.`v_items`)", 0},
    {VIEW, "v_safe", "select `safe`() AS `a`", 0},
    {VIEW, "v_hidden", "", 0},
    {VIEW, "v_null", NULL, 0},
    {VIEW, "v_id", "select last_insert_id() AS `a`", 0},
    {VIEW, "v_broken", "select 'a", 0},
    {VIEW, "v_two", "select 1 AS `a`; select 2", 0},
    {VIEW, "v_lock", "select get_lock('a',1) AS `a`", 0},
    {VIEW, "v_calls", "select `f_lock`() AS `a`", 0},
    {ROUTINE, "bump", "BEGIN INSERT INTO bumped VALUES (1); RETURN 42; END", 0},
    {ROUTINE, "safe", "RETURN 1", 0},
    {ROUTINE, "f_lock", "RETURN GET_LOCK('a', 1)", 0},
    {ROUTINE, "p_calls", "BEGIN DO f_lock(); END", 0},
    {ROUTINE, "p_ansi", "CALL \"p_calls\"()", SQL_MODE_ANSI_QUOTES},
    {ROUTINE, "p_quotes", "SELECT \"p_calls\"", 0},
    {ROUTINE, "p_writes", "INSERT INTO t_calls VALUES (1)", 0},
    {ROUTINE, "p_role", "SET ROLE clerk", 0},
    {TRIGGER, "t_calls", "CALL p_calls()", 0},
    {TRIGGER, "t_plain", "SET NEW.a = 1", 0},
    {TRIGGER, "t_calls", "SET NEW.a = 1", 0}, /* its second one */
};

static void publish(const struct definition_source *rows, size_t count, uint64_t began_at)
{
    static const char *const names[] = {"safe"};
    static const struct sql_names safe = {names, 1};
    static const struct sql_options options = {.mariadb = true, .version = 101119, .safe_functions = &safe};
    struct definitions_reading *reading = definitions_read(rows, count, &options);
    assert_non_null(reading);
    definitions_publish(reading, began_at, true, true);
}

static void assert_names(const struct sql_names *set, const char *expected)
{
    char names[400] = "";
    size_t length = 0;
    for (size_t i = 0; i < set->count; i++)
        length += (size_t)snprintf(names + length, sizeof names - length, "%s ", set->names[i]);
    assert_string_equal(names, expected);
}

static void assert_current(const char *unsafe, const char *leaving)
{
    struct definitions *current = definitions_current();
    assert_names(&current->unsafe_views, unsafe);
    assert_names(&current->leaving, leaving);
    definitions_unref(current);
}

/* A statement that defines these names, with a text. */
static uint64_t announce(const char *name, enum sql_defines as, const char *text)
{
    static const struct sql_options options = {.mariadb = true, .version = 101119};
    const struct sql_span span = {name, (uint32_t)strlen(name)};
    const struct definition_change change = {.names = &span,
                                             .count = 1,
                                             .views = as != SQL_DEFINES_ROUTINE,
                                             .unproven = as == SQL_DEFINES_VIEW,
                                             .text = text,
                                             .length = strlen(text)};
    return definitions_announce(&change, &options);
}

#define UNSAFE  "v_broken v_bump v_calls v_far v_hidden v_id v_lock v_null v_over v_two "
#define LEAVING "f_lock p_ansi p_calls p_role p_writes t_calls v_broken v_calls v_hidden v_lock v_null "

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    struct definitions *current = definitions_current();
    assert_false(current->views_known);
    assert_false(current->routines_known);
    assert_int_equal(current->unsafe_views.count, 0);
    definitions_unref(current);
}

static void names_come_from_rows(void **state)
{
    (void)state;
    publish(shop, sizeof shop / sizeof *shop, 10);
    assert_current(UNSAFE, LEAVING);
    struct definitions *current = definitions_current();
    assert_true(current->views_known);
    assert_true(current->routines_known);
    assert_true(sql_names_has(&current->unsafe_views, "V_BUMP", 6));
    definitions_unref(current);
}

static void what_is_taken_is_the_current_one(void **state)
{
    (void)state;
    publish(shop, 2, 10);
    struct definitions *mine = definitions_current(), *first = mine;
    definitions_take(&mine);
    assert_ptr_equal(mine, first);
    publish(shop, 4, 11);
    definitions_take(&mine);
    assert_names(&mine->unsafe_views, "v_bump v_over ");
    definitions_unref(mine);
}

static void a_view_on_its_way_and_all_above_it_are_unsafe_until_read_again(void **state)
{
    (void)state;
    publish(shop, 2, 100);
    assert_current("", "");
    uint64_t ticket = announce("V_Items", SQL_DEFINES_VIEW, "CREATE OR REPLACE VIEW V_Items AS SELECT 1");
    assert_current("v_items v_some ", "");
    publish(shop, 2, 200); /* while the statement runs */
    assert_current("v_items v_some ", "");
    assert_false(definitions_awaited(1000));
    definitions_settle(ticket, 300);
    publish(shop, 2, 300); /* began too early */
    assert_current("v_items v_some ", "");
    assert_false(definitions_awaited(300));
    assert_true(definitions_awaited(301));
    publish(shop, 2, 301);
    assert_current("", "");
    assert_false(definitions_awaited(1000));
}

static void a_routine_on_its_way_is_what_it_was_and_what_its_text_says(void **state)
{
    static const struct definition_source rows[] = {{VIEW, "v_safe", "select `safe`() AS `a`", 0},
                                                    {ROUTINE, "p_role", "SET ROLE a", 0},
                                                    {TRIGGER, "t", "SET NEW.a = safe()", 0}};
    (void)state;
    publish(rows, 3, 100);
    assert_current("", "p_role ");
    uint64_t one = announce("safe", SQL_DEFINES_ROUTINE, "CREATE FUNCTION safe() ... RETURN 1");
    uint64_t two = announce("p_role", SQL_DEFINES_ROUTINE, "CREATE PROCEDURE p_role() SELECT 1");
    assert_current("", "p_role ");
    uint64_t three = announce("safe", SQL_DEFINES_ROUTINE, "CREATE FUNCTION safe() ... RETURN GET_LOCK('a')");
    assert_current("", "p_role safe t v_safe ");
    definitions_settle(one, 200);
    definitions_settle(two, 200);
    publish(rows, 1, 201);
    assert_current("", "safe v_safe ");
    definitions_settle(three, 300);
    publish(rows, 1, 301);
    assert_current("", "");
}

static void a_new_name_is_what_the_old_one_was(void **state)
{
    (void)state;
    publish(shop, sizeof shop / sizeof *shop, 100);
    uint64_t harmless = announce("v_new", SQL_DEFINES_OTHER_NAME, "RENAME TABLE v_items TO v_new");
    assert_current(UNSAFE, LEAVING);
    uint64_t unsafe = announce("a_new", SQL_DEFINES_OTHER_NAME, "RENAME TABLE v_over TO a_new");
    assert_current("a_new " UNSAFE, LEAVING);
    uint64_t table = announce("a_table", SQL_DEFINES_OTHER_NAME, "ALTER TABLE t_calls RENAME TO a_table");
    assert_current("a_new " UNSAFE, "a_table " LEAVING);
    definitions_settle(harmless, 110);
    definitions_settle(unsafe, 110);
    definitions_settle(table, 110);
    publish(shop, 0, 111);
    assert_current("", "");
}

static void several_at_a_time_are_settled_one_by_one(void **state)
{
    static const char text[] = "CREATE VIEW";
    (void)state;
    publish(shop, 0, 100);
    uint64_t one = announce("v_one", SQL_DEFINES_VIEW, text);
    uint64_t two = announce("v_two", SQL_DEFINES_VIEW, text);
    uint64_t same = announce("v_two", SQL_DEFINES_VIEW, text);
    assert_current("v_one v_two ", "");
    definitions_settle(one, 110);
    definitions_settle(two, 110);
    publish(shop, 0, 111);
    assert_current("v_two ", "");
    definitions_settle(same, 120);
    publish(shop, 0, 121);
    assert_current("", "");
}

static void more_than_can_be_listed_means_that_nothing_is_known(void **state)
{
    uint64_t late = clock_ms() + 1000000;
    (void)state;
    publish(shop, 0, 100);
    assert_int_not_equal(definitions_announce(&(struct definition_change){.count = 20}, NULL), 0);
    struct definitions *current = definitions_current();
    assert_false(current->views_known);
    assert_false(current->routines_known);
    definitions_unref(current);
    assert_true(definitions_awaited(late));
    publish(shop, 0, late);
    current = definitions_current();
    assert_true(current->views_known);
    definitions_unref(current);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(names_come_from_rows),
        cmocka_unit_test(what_is_taken_is_the_current_one),
        cmocka_unit_test(a_view_on_its_way_and_all_above_it_are_unsafe_until_read_again),
        cmocka_unit_test(a_routine_on_its_way_is_what_it_was_and_what_its_text_says),
        cmocka_unit_test(a_new_name_is_what_the_old_one_was),
        cmocka_unit_test(several_at_a_time_are_settled_one_by_one),
        cmocka_unit_test(more_than_can_be_listed_means_that_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
