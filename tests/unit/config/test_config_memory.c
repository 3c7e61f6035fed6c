/*
 * Want of memory at every single allocation: the file is refused, nothing leaks, nothing is freed twice.
 *
 * The linker turns the allocating calls of proxy/config into the ones below (-Wl,--wrap, see the Makefile);
 * those of libc itself stay as they are, so that streams work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "certificate_folder.h"
#include "config_text.h"

static long until_failure = -1; /* allocations that still succeed; < 0: all */
static long alive;              /* blocks not freed */

void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *block, size_t count, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *block);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *block, size_t count, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *block);

static bool fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *block = fails() ? NULL : __real_calloc(count, size);

    alive += block != NULL;
    return block;
}

void *__wrap_reallocarray(void *block, size_t count, size_t size)
{
    void *grown = fails() ? NULL : __real_reallocarray(block, count, size);

    alive += grown && !block;
    return grown;
}

char *__wrap_strdup(const char *text)
{
    char *copy = fails() ? NULL : __real_strdup(text);

    alive += copy != NULL;
    return copy;
}

void __wrap_free(void *block)
{
    alive -= block != NULL;
    __real_free(block);
}

static const char whole[] = MINIMAL
    "[pointsman]\nlisten = 127.0.0.1:1, unix:/run/p, [::1]:2\nadmin =\n"
    "[routing]\nsafe_functions = b, a, b\n[accounts]\na = x\nb = y\n[admin]\nc = z\n"
    "[tls]\ncertificate = c.pem\nkey = c.key\nca = c.pem\n[failover]\nreplication_user = "
    "r\nreplication_password = hush\n"
    "[server db2]\naddress = unix:/run/my.sock\n"
    "[rule a]\nmatch = ^SELECT\nuser = u\ntarget = server db2\n[rule b]\nschema = s\ntarget = reject\n";

static void test_each_allocation_fails(void **state)
{
    struct config *config = NULL;
    long failing = 0;

    (void)state;
    for (; !config && failing < 1000; failing++) {
        until_failure = failing;
        config = config_from(whole);
        if (!config) {
            assert_non_null(strstr(config_said, "f: there was not enough memory to read it\n"));
            assert_null(strstr(config_said, "hush"));
            assert_int_equal(alive, 0);
        }
    }
    until_failure = -1;
    assert_non_null(config);
    assert_true(failing > 50);
    assert_true(alive > 30);
    config_unref(config);
    assert_int_equal(alive, 0);
}

/* A faulty file gives back what was read of it. */
static void test_faults_leak_nothing(void **state)
{
    static const char *const faulty[] = {
        "[pointsman]\nlisten = 127.0.0.1:1, 127.0.0.1\n",
        "[routing]\nsafe_functions = a, b, c d\n",
        "[rule x]\nmatch = a(\ntarget = reject\n",
        "[rule x]\nmatch = a\ntarget = server none\n",
        "[accounts]\na = x\na = y\n",
        "[server db1]\naddress = 127.0.0.1:9\n",
        "[server db2]\naddress = 127.0.0.1:9\naddress = 127.0.0.1:10\n",
    };
    char text[2000];

    (void)state;
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        snprintf(text, sizeof text, "%s%s", MINIMAL, faulty[i]);
        assert_null(config_from(text));
        assert_int_equal(alive, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_fails),
        cmocka_unit_test(test_faults_leak_nothing),
    };
    return cmocka_run_group_tests(tests, enter_certificate_folder, leave_certificate_folder);
}
