/* test_network.c - who is in a network, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pointsman/config/network.h"

static void members(void **state)
{
    static const struct {
        const char *network;
        const char *address;
        bool in;
    } cases[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"0.0.0.0/0", "1.2.3.4", true},
        {"0.0.0.0/0", "::1", false},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::/0", "::1", true},
        {"10.0.0.0/8", "", false},
        {"10.0.0.0/8", NULL, false},
        {"10.0.0.0/8", "nobody", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (networks_have(
                (char *const[]){(char *)(uintptr_t) "172.16.0.1", (char *)(uintptr_t)cases[i].network}, 2,
                cases[i].address) != cases[i].in)
            fail_msg("%s in %s", cases[i].address, cases[i].network);
}

static void what_is_none(void **state)
{
    static const char *const none[] = {"",          "/8",          "10.0.0/8",    "10.0.0.0/33",
                                       "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1", "fd00::/129",
                                       "fd00::/",   "host",        "10.0.0.0 /8", "1.2.3.4/0000008"};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (network_is(none[i]))
            fail_msg("'%s' is one", none[i]);
    assert_true(network_is("10.0.0.0/8") && network_is("::1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(members), cmocka_unit_test(what_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
