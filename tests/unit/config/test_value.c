/*
 * Values and near-miss names by themselves: what the option table does not use everywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pointsman/config/nearest.h"
#include "../../../proxy/config/value.h"

struct fields {
    unsigned number;
};

static const struct option size_option = {
    .name = "test.size", .type = OPTION_SIZE, .min = 1024, .max = 3U << 30};

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        unsigned value; /* 0: refused */
        const char *shown;
    } cases[] = {
        {"64K", 64 << 10, "64K"}, {"16M", 16 << 20, "16M"}, {"3G", 3U << 30, "3G"}, {"1025", 1025, "1025"},
        {"2048", 2048, "2K"},     {"4G", 0, NULL},          {"1023", 0, NULL},      {"64k", 0, NULL},
        {"64KB", 0, NULL},        {"1.5M", 0, NULL},        {"K", 0, NULL},         {"99999999999G", 0, NULL},
    };
    FILE *nowhere = fopen("/dev/null", "w");
    struct faults faults = {.to = nowhere, .path = "f"};
    struct value_place place = {.faults = &faults, .line = 1};
    char shown[32];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fields fields = {.number = 7};
        assert_int_equal(value_read(&size_option, cases[i].text, &fields, &place), cases[i].value != 0);
        assert_int_equal(fields.number, cases[i].value ? cases[i].value : 7);
        value_print(&size_option, &fields, shown, sizeof shown);
        if (cases[i].value)
            assert_string_equal(shown, cases[i].shown);
    }
    value_describe(&size_option, shown, sizeof shown);
    assert_string_equal(shown, "1K to 3G");
    fclose(nowhere);
}

static void test_distance(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned distance;
    } cases[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"abc", "", 3},
        {"max_lag", "max_lag", 0},
        {"MAX-LAG", "max_lag", 0},
        {"maxlag", "max_lag", 1},
        {"mxa_lag", "max_lag", 1},
        {"adress", "address", 1},
        {"addresss", "address", 1},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3},
    };
    char x[200], y[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(nearest_distance(cases[i].a, cases[i].b), cases[i].distance);
    memset(x, 'x', sizeof x);
    memset(y, 'y', sizeof y);
    x[sizeof x - 1] = y[sizeof y - 1] = '\0';
    assert_int_equal(nearest_distance(x, y), NEAREST_MAX);
}

static void test_nearest(void **state)
{
    struct nearest nearest = {.word = "weigth"};

    (void)state;
    assert_false(nearest_is_likely(&nearest));
    nearest_look(&nearest, "address", "first");
    assert_false(nearest_is_likely(&nearest));
    nearest_look(&nearest, "weight", "second");
    nearest_look(&nearest, "promotion", "third");
    assert_string_equal(nearest.name, "weight");
    assert_string_equal(nearest.about, "second");
    assert_true(nearest_is_likely(&nearest));
    nearest = (struct nearest){.word = "warn"};
    nearest_look(&nearest, "warning", NULL);
    assert_true(nearest_is_likely(&nearest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
