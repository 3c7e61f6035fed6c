/* test_look.c - version strings of both flavours as numbers. What looks ask is tested on real servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../proxy/monitor/look.h"

static const struct {
    const char *text;
    uint32_t version;
} versions[] = {
    {"10.11.19-MariaDB-0+deb12u1-log", 101119},
    {"5.5.5-10.11.19-MariaDB", 101119},
    {"11.4.2-MariaDB", 110402},
    {"9.7.4", 90704},
    {"8.0.21-debug", 80021},
    {"8.4", 80400},
    {"5.5.5", 50505},
    {"MySQL", 0},
    {"", 0},
};

static void test_versions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (look_version(versions[i].text) != versions[i].version)
            fail_msg("'%s': %u", versions[i].text, look_version(versions[i].text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
