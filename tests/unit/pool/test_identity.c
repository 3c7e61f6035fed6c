/* test_identity.c - accounts: equal ones are one object, anything that differs makes another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pointsman/pool/identity.h"
#include "pointsman/topology/secrets.h"

static const uint8_t one[NATIVE_LENGTH] = {1}, two[NATIVE_LENGTH] = {2}, zeros[NATIVE_LENGTH];

static const struct {
    const char *user;
    uint64_t serial;
    const uint8_t *stage1;
    const char *password;
} accounts[] = {
    {"app", 1, one, NULL},         {"app", 2, one, NULL},      {"app", 1, two, NULL},
    {"app", 1, NULL, NULL},        {"app", 1, zeros, NULL},    {"App", 1, one, NULL},
    {"application", 1, one, NULL}, {"app", 1, NULL, "secret"}, {"app", 1, NULL, ""},
    {"app", 1, NULL, "Secret"},    {"", 1, NULL, NULL},        {"app", 1, one, "secret"},
};
enum { ACCOUNTS = sizeof accounts / sizeof *accounts };

static void each_is_one(void **state)
{
    struct identities set;
    struct identity *first[ACCOUNTS];
    (void)state;
    list_init(&set.all);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < ACCOUNTS; i++) {
            struct identity *got = identity_intern(&set, accounts[i].user, accounts[i].serial,
                                                   accounts[i].stage1, accounts[i].password);
            assert_non_null(got);
            if (round) {
                assert_ptr_equal(got, first[i]);
                continue;
            }
            first[i] = got;
            for (int other = 0; other < i; other++)
                assert_ptr_not_equal(got, first[other]);
            assert_string_equal(got->user, accounts[i].user);
            assert_int_equal(got->has_stage1, accounts[i].stage1 != NULL);
            assert_true(list_empty(&got->pools));
            assert_false(got->stale);
        }
    for (int i = 0; i < ACCOUNTS; i++) {
        identity_unref(first[i]);
        assert_false(list_empty(&first[i]->link)); /* one reference is left */
        identity_unref(first[i]);
    }
    assert_true(list_empty(&set.all));
}

/* The caller's memory may go: secrets and names are copies. */
static void copies(void **state)
{
    struct identities set;
    char user[] = "app", password[] = "secret";
    uint8_t stage1[NATIVE_LENGTH] = {7};
    (void)state;
    list_init(&set.all);
    struct identity *identity = identity_intern(&set, user, 1, stage1, password);
    memset(user, 'x', 3);
    memset(password, 'x', 6);
    memset(stage1, 0, sizeof stage1);
    assert_string_equal(identity->user, "app");
    assert_string_equal(identity->password, "secret");
    assert_int_equal(identity->stage1[0], 7);
    assert_ptr_equal(identity_ref(identity), identity);
    identity_unref(identity);
    identity_unref(identity);
    identity_unref(NULL);
    assert_true(list_empty(&set.all));
}

static void passwords(void **state)
{
    struct identities set;
    char known[AUTH_PASSWORD_MAX + 1];
    (void)state;
    list_init(&set.all);
    struct identity *learnt = identity_intern_learnt(&set, "app", 1),
                    *none = identity_intern(&set, "app", 1, NULL, NULL);
    struct identity *given = identity_intern(&set, "app", 1, NULL, "given"),
                    *proven = identity_intern(&set, "app", 1, one, NULL);
    assert_ptr_not_equal(learnt, none);
    assert_ptr_equal(learnt, identity_intern_learnt(&set, "app", 1));
    assert_false(identity_password(learnt, known)); /* it is not known any more */
    assert_true(secrets_learn(1, "told", 4));
    assert_true(identity_password(learnt, known));
    assert_string_equal(known, "told");
    assert_true(identity_password(given, known));
    assert_string_equal(known, "given");
    assert_true(identity_password(none, known));
    assert_string_equal(known, "");
    assert_false(identity_password(proven, known));
    struct identity *all[] = {learnt, learnt, none, given, proven};
    for (size_t i = 0; i < 5; i++)
        identity_unref(all[i]);
    assert_true(list_empty(&set.all));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_one),
        cmocka_unit_test(copies),
        cmocka_unit_test(passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
