/* test_secrets.c - passwords that clients have told: kept by serial, gone with their row, in memory that is
 * locked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/topology/accounts.h"
#include "pointsman/topology/secrets.h"

static char known[AUTH_PASSWORD_MAX + 1];

static struct accounts *rows(size_t count, uint64_t first)
{
    struct accounts *accounts = calloc(1, sizeof *accounts);
    accounts->rows = calloc(count + 1, sizeof *accounts->rows);
    accounts->count = count;
    for (size_t i = 0; i < count; i++)
        accounts->rows[i].serial = first + i;
    return accounts;
}

static void review(size_t count, uint64_t first)
{
    struct accounts *accounts = rows(count, first);
    secrets_review(accounts);
    free(accounts->rows);
    free(accounts);
}

static void they_are_known_by_serial(void **state)
{
    (void)state;
    assert_false(secrets_know(1, known));
    assert_true(secrets_learn(1, "one", 3));
    assert_true(secrets_learn(2, "two", 3));
    assert_true(secrets_know(1, known));
    assert_string_equal(known, "one");
    assert_true(secrets_learn(1, "a", 1)); /* the last one told */
    assert_true(secrets_know(1, known));
    assert_string_equal(known, "a");
    assert_true(secrets_know(2, known));
    assert_string_equal(known, "two");
    assert_false(secrets_know(3, known));
    assert_false(secrets_know(0, known));
    assert_false(secrets_learn(0, "nobody", 6));
}

static void they_go_with_their_row(void **state)
{
    (void)state;
    assert_true(secrets_learn(10, "ten", 3));
    assert_true(secrets_learn(11, "eleven", 6));
    review(1, 11);
    assert_false(secrets_know(10, known));
    assert_true(secrets_know(11, known));
    review(0, 0);
    assert_false(secrets_know(11, known));
}

static void there_may_be_many(void **state)
{
    enum { MANY = 500 };
    char longest[AUTH_PASSWORD_MAX + 1];
    (void)state;
    memset(longest, 'l', sizeof longest);
    for (uint64_t i = 1; i <= MANY; i++) {
        int length = snprintf(known, sizeof known, "secret %d", (int)i);
        assert_true(secrets_learn(i, known, (size_t)length));
    }
    for (uint64_t i = 1; i <= MANY; i++) {
        char expected[50];
        snprintf(expected, sizeof expected, "secret %d", (int)i);
        assert_true(secrets_know(i, known));
        assert_string_equal(known, expected);
    }
    assert_true(secrets_learn(1, longest, AUTH_PASSWORD_MAX));
    assert_true(secrets_know(1, known));
    assert_int_equal(strlen(known), AUTH_PASSWORD_MAX);
    assert_false(secrets_learn(1, longest, AUTH_PASSWORD_MAX + 1));
    review(0, 0);
    assert_false(secrets_know(MANY, known));
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define LOCKED " dd" /* sanitizers let nobody lock memory */
#else
#define LOCKED " lo"
#endif

/* As /proc tells of this process: "lo" locked, "dd" not dumped, in one and the same mapping. */
static void they_are_locked(void **state)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[500];
    bool seen = false;
    (void)state;
    assert_true(secrets_learn(1, "one", 3));
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        seen |= strncmp(line, "VmFlags:", 8) == 0 && strstr(line, LOCKED) && strstr(line, " dd");
    fclose(maps);
    assert_true(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_known_by_serial),
        cmocka_unit_test(they_go_with_their_row),
        cmocka_unit_test(there_may_be_many),
        cmocka_unit_test(they_are_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
