/* test_penalty.c - addresses whose logins fail often wait longer and longer, others don't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "../../../proxy/session/penalty.h"

enum { FORGET_MS = 60000 };

static void longer_and_longer(void **state)
{
    static const uint64_t waits[] = {0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
    (void)state;
    for (unsigned i = 0; i < sizeof waits / sizeof *waits; i++)
        assert_int_equal(penalty_of("10.0.0.1", 1000 + i), waits[i]);
    for (int i = 0; i < 10000; i++) /* and never longer, however often */
        assert_int_equal(penalty_of("10.0.0.1", 2000), 5000);
}

static void a_success_forgives(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(penalty_of("10.0.0.2", 1000), 0);
    penalty_forgive("10.0.0.2");
    penalty_forgive("10.0.0.2");
    for (int i = 0; i < 3; i++)
        assert_int_equal(penalty_of("10.0.0.2", 1000), 0);
    assert_int_equal(penalty_of("10.0.0.2", 1000), 100);
    penalty_forgive("10.0.0.3"); /* somebody else's success */
    assert_int_equal(penalty_of("10.0.0.2", 1000), 200);
}

static void time_forgives(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        penalty_of("10.0.0.4", 1000);
    assert_int_equal(penalty_of("10.0.0.4", 1000 + FORGET_MS), 400);
    assert_int_equal(penalty_of("10.0.0.4", 1000 + 2 * FORGET_MS + 1), 0);
}

static void each_address_for_itself(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        penalty_of("2001:db8::1", 1000);
    assert_int_equal(penalty_of("2001:db8::2", 1000), 0);
    assert_int_equal(penalty_of("", 1000), 0); /* a unix socket */
    assert_int_equal(penalty_of("2001:db8::1", 1000), 200);
}

/* More addresses than there is room for: old ones make room, and nothing breaks. */
static void very_many_addresses(void **state)
{
    char address[64];
    (void)state;
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 20000; i++) {
            snprintf(address, sizeof address, "172.16.%d.%d", i / 250, i % 250);
            assert_true(penalty_of(address, 5000) <= 5000);
        }
    for (int i = 0; i < 20000; i++) {
        snprintf(address, sizeof address, "172.16.%d.%d", i / 250, i % 250);
        penalty_forgive(address);
    }
    assert_int_equal(penalty_of("172.16.0.1", 5000), 0);
}

/* Longer than any address: only its beginning counts, and it stays within its place. */
static void an_overlong_address(void **state)
{
    char address[200];
    (void)state;
    snprintf(address, sizeof address, "%0150d", 7);
    for (int i = 0; i < 3; i++)
        assert_int_equal(penalty_of(address, 1000), 0);
    assert_int_equal(penalty_of(address, 1000), 100);
    penalty_forgive(address);
    assert_int_equal(penalty_of(address, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longer_and_longer),   cmocka_unit_test(a_success_forgives),
        cmocka_unit_test(time_forgives),       cmocka_unit_test(each_address_for_itself),
        cmocka_unit_test(very_many_addresses), cmocka_unit_test(an_overlong_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
