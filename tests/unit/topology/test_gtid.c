/* test_gtid.c - which position contains which: both flavours, tags, cuts and malformed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pointsman/topology/gtid.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "8a94f357-aab4-11df-86ab-c80aa9429562"

static const struct {
    const char *have, *want;
    enum gtid_answer answer;
} contains[] = {
    /* nothing */
    {"", "", GTID_CONTAINED},
    {"0-1-5", "", GTID_CONTAINED},
    {"", "0-1-5", GTID_MISSING},
    {"", A ":1", GTID_MISSING},
    /* MariaDB: by domain and sequence, whatever server wrote it */
    {"0-1-5", "0-1-5", GTID_CONTAINED},
    {"0-1-5", "0-1-4", GTID_CONTAINED},
    {"0-1-5", "0-1-6", GTID_MISSING},
    {"0-2-5", "0-1-5", GTID_CONTAINED},
    {"0-1-9", "0-1-10", GTID_MISSING},
    {"0-1-5,1-1-3", "1-1-3", GTID_CONTAINED},
    {"0-1-5,1-1-3", "1-1-4,0-1-1", GTID_MISSING},
    {"0-1-5", "0-1-5,7-1-1", GTID_MISSING},
    {"0-1-5, 1-1-3", "1-1-3", GTID_CONTAINED},
    {"12345678-1-5", "12345678-1-5", GTID_CONTAINED},
    {"0-1-18446744073709551615", "0-1-1", GTID_CONTAINED},
    /* MySQL: intervals */
    {A ":1-5", A ":1-5", GTID_CONTAINED},
    {A ":1-5", A ":5", GTID_CONTAINED},
    {A ":1-5", A ":6", GTID_MISSING},
    {A ":1-5:7", A ":7", GTID_CONTAINED},
    {A ":1-5:7", A ":6", GTID_MISSING},
    {A ":1-5:7", A ":5-7", GTID_MISSING},
    {A ":1-5:7-9", A ":2:8-9", GTID_CONTAINED},
    {A ":1-5,\n" B ":1-9", B ":9", GTID_CONTAINED},
    {A ":1-5,\n" B ":1-9", B ":3," A ":1-5", GTID_CONTAINED},
    {A ":1-5", B ":1", GTID_MISSING},
    {"3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5", A ":1-5", GTID_CONTAINED},
    /* MySQL: tags are sources of their own */
    {A ":1-5:tag_a:1-7", A ":tag_a:7", GTID_CONTAINED},
    {A ":1-5:tag_a:1-7", A ":7", GTID_MISSING},
    {A ":1-5:tag_a:1-7", A ":tag_b:1", GTID_MISSING},
    {A ":tag_a:1:tag_b:1-4," B ":1", A ":tag_b:2", GTID_CONTAINED},
    {A ":tag_a:1," B ":2", B ":tag_a:1", GTID_MISSING},
    /* nothing is said of what can't be read */
    {"0-1-5", A ":1-5", GTID_UNKNOWN},
    {A ":1-5", "0-1-5", GTID_UNKNOWN},
    {"0-1-5,...", "0-1-5", GTID_UNKNOWN},
    {"0-1-5", "0-1-5,...", GTID_UNKNOWN},
    {A ":1-5,...", A ":1", GTID_UNKNOWN},
    {"0-1", "", GTID_UNKNOWN},
    {"0-1-", "", GTID_UNKNOWN},
    {"0-1-5,", "", GTID_UNKNOWN},
    {",0-1-5", "", GTID_UNKNOWN},
    {"0-1-5 1-1-3", "", GTID_UNKNOWN},
    {"0-1-18446744073709551616", "", GTID_UNKNOWN},
    {"0-1--5", "", GTID_UNKNOWN},
    {A, "", GTID_UNKNOWN},
    {A ":", "", GTID_UNKNOWN},
    {A ":0-5", "", GTID_UNKNOWN},
    {A ":5-1", "", GTID_UNKNOWN},
    {A ":1-5:", "", GTID_UNKNOWN},
    {A ":tag", "", GTID_UNKNOWN},
    {A ":tag:", "", GTID_UNKNOWN},
    {A ":a123456789012345678901234567890123:1", "", GTID_UNKNOWN},
    {A "a:1", "", GTID_UNKNOWN},
    {"3e11fa47-71ca-11e1-9e33-c80aa942956:1", "", GTID_UNKNOWN},
    {":1", "", GTID_UNKNOWN},
    {":", "", GTID_UNKNOWN},
};

static void test_contains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof contains / sizeof *contains; i++) {
        enum gtid_answer answer = gtid_contains(contains[i].have, contains[i].want);
        if (answer != contains[i].answer)
            fail_msg("'%s' contains '%s': %d, not %d", contains[i].have, contains[i].want, (int)answer,
                     (int)contains[i].answer);
    }
}

static const struct {
    size_t size;
    const char *text, *copy;
    bool whole;
} copies[] = {
    {64, "0-1-5", "0-1-5", true},
    {64, "", "", true},
    {64, "0-1-5,\n 1-1-3", "0-1-5,1-1-3", true},
    {12, "0-1-5,1-1-3", "0-1-5,1-1-3", true},
    {11, "0-1-5,1-1-3", "0-1-5,...", false},
    {10, "0-1-5,1-1-3", "0-1-5,...", false},
    {9, "0-1-5,1-1-3", "...", false},
    {8, "0-1-5000", "...", false},
    {16, "0-1-5,1-1-3,2-1-9", "0-1-5,1-1-3,...", false},
};

static void test_copy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        char out[64];
        memset(out, 'x', sizeof out);
        bool whole = gtid_copy(out, copies[i].size, copies[i].text);
        if (whole != copies[i].whole || strcmp(out, copies[i].copy) != 0)
            fail_msg("'%s' into %zu bytes: '%s' %d", copies[i].text, copies[i].size, out, whole);
        assert_true(gtid_valid(out) == whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_contains), cmocka_unit_test(test_copy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
