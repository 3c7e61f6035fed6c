/* test_state_memory.c - want of memory: no state is made, none is lost, and counts stay right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "../scarce.h"
#include "pointsman/state/state.h"

static void no_table(void **state)
{
    struct state_table table;
    (void)state;
    for (long succeeding = 0; succeeding < 2; succeeding++) {
        scarce_until_failure = succeeding;
        assert_false(state_table_init(&table));
    }
    scarce_until_failure = -1;
}

static void no_state(void **state)
{
    struct state_table table;
    (void)state;
    assert_true(state_table_init(&table));
    struct state *one = state_with(&table, table.empty, STATE_VARIABLE, "a", 1, "1", 1);
    assert_non_null(one);
    for (long succeeding = 0; succeeding < 2; succeeding++) {
        scarce_until_failure = succeeding;
        assert_null(state_with(&table, one, STATE_VARIABLE, "b", 1, "2", 1));
        scarce_until_failure = succeeding;
        struct state *without = state_without(&table, one,
                                              STATE_USER); /* is there already: needs no new one */
        assert_int_equal(without != NULL, succeeding > 0);
        state_unref(&table, without);
    }
    scarce_until_failure = -1;
    assert_int_equal(table.count, 2);
    state_unref(&table, one);
    assert_int_equal(table.count, 1);
    state_table_done(&table);
}

/* A table that can't grow gets slower, nothing else. */
static void no_growth(void **state)
{
    enum { MANY = 200 };
    struct state_table table;
    struct state *states[MANY];
    char value[16];
    (void)state;
    assert_true(state_table_init(&table));
    for (int i = 0; i < MANY; i++) {
        int length = snprintf(value, sizeof value, "%d", i);
        scarce_until_failure = 2; /* the block and the state */
        states[i] = state_with(&table, table.empty, STATE_VARIABLE, "a", 1, value, (size_t)length);
        scarce_until_failure = -1;
        assert_non_null(states[i]);
    }
    assert_int_equal(table.size, 64);
    for (int i = 0; i < MANY; i++)
        state_unref(&table, states[i]);
    assert_int_equal(table.count, 1);
    state_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_table),
        cmocka_unit_test(no_state),
        cmocka_unit_test(no_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
