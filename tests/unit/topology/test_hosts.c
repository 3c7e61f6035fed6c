/* test_hosts.c - host patterns: whom they admit, and in which order a server tries them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../proxy/topology/hosts.h"

static const struct {
    const char *pattern, *name, *ip;
    bool admits;
} matches[] = {
    {"%", "localhost", NULL, true},
    {"", NULL, "10.1.2.3", true},
    {"localhost", "localhost", NULL, true},
    {"LocalHost", "localhost", "127.0.0.1", true},
    {"localhost", NULL, "127.0.0.1", false},
    {"127.0.0.1", "localhost", "127.0.0.1", true},
    {"127.0.0.1", "localhost", NULL, false},
    {"local%", "localhost", NULL, true},
    {"l_calhost", "localhost", NULL, true},
    {"l_lhost", "localhost", NULL, false},
    {"%host", "localhost", NULL, true},
    {"%h%t", "localhost", NULL, true},
    {"%hosts", "localhost", NULL, false},
    {"10.1.%", NULL, "10.1.2.3", true},
    {"10.1.%", NULL, "10.11.2.3", false},
    {"10.1._.3", NULL, "10.1.2.3", true},
    {"%.3", NULL, "10.1.2.3", true},
    {"%1%2%", NULL, "10.1.2.3", true},
    {"app\\_1", "app_1", NULL, true},
    {"app\\_1", "appx1", NULL, false},
    {"app\\%", "app%", NULL, true},
    {"app\\%", "apple", NULL, false},
    {"a\\", "a\\", NULL, true},
    {"::1", NULL, "::1", true},
    {"fe80::%", NULL, "fe80::1:2", true},
    {"192.168.1.0/255.255.255.0", NULL, "192.168.1.77", true},
    {"192.168.1.0/255.255.255.0", NULL, "192.168.2.77", false},
    {"192.168.1.5/255.255.255.0", NULL, "192.168.1.5", false}, /* base has bits outside the mask */
    {"192.168.1.0/255.255.255.0", "localhost", NULL, false},
    {"192.168.1.0/24", NULL, "192.168.1.77", true},
    {"192.168.1.0/24", NULL, "192.168.2.1", false},
    {"0.0.0.0/0", NULL, "8.8.8.8", true},
    {"10.0.0.0/33", NULL, "10.0.0.1", false},
    {"10.0.0.0/", NULL, "10.0.0.0", false},
    {"10.0.0.0/8", NULL, "::1", false},
};

static void test_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
        struct host_seen seen = {.name = matches[i].name, .ip = matches[i].ip};
        if (hosts_match(matches[i].pattern, &seen) != matches[i].admits)
            fail_msg("'%s' %s %s/%s", matches[i].pattern, matches[i].admits ? "must admit" : "must not admit",
                     seen.name ? seen.name : "-", seen.ip ? seen.ip : "-");
    }
}

/* Each is tried before the next. */
static const char *const ordered[] = {
    "10.1.2.3",
    "10.1.2.0/24",
    "10.1.2.0/255.255.255.0",
    "db.example.%",
    "10.1.2.%",
    "10.1.%",
    "10.%",
    "_0.1.2.3",
    "%",
    "",
};
static const char *const equals[][2] = {
    {"localhost", "127.0.0.1"}, {"10.1.2.0/24", "10.1.0.0/16"}, {"ab%", "10_"}};

static void test_order(void **state)
{
    (void)state;
    size_t count = sizeof ordered / sizeof *ordered;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int order = hosts_rank(ordered[j]) - hosts_rank(ordered[i]);
            if ((order < 0) != (i < j) || (order == 0) != (i == j))
                fail_msg("'%s' and '%s': %d", ordered[i], ordered[j], order);
        }
    for (size_t i = 0; i < sizeof equals / sizeof *equals; i++)
        assert_int_equal(hosts_rank(equals[i][0]), hosts_rank(equals[i][1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_match), cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
