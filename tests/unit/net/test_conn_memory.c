/* test_conn_memory.c - want of memory while reading and writing: said as CONN_MEMORY, nothing leaks or is
 * half there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../scarce.h"
#include "pair.h"
#include "pointsman/net/tls.h"

enum { MUCH = 300000 };

static void no_chunk_to_read_into(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(send(pair->peer, "abc", 3, 0), 3);
    scarce_until_failure = 0;
    assert_int_equal(conn_read(&pair->conn, 1), CONN_MEMORY);
    assert_null(pair->conn.in);
    assert_int_equal(pair->chunks.taken, 0);
    scarce_until_failure = 0;
    assert_int_equal(conn_keep(&pair->conn, "abc", 3), CONN_MEMORY);
    assert_null(pair->conn.in);
    assert_int_equal(conn_read(&pair->conn, 1), CONN_OK); /* nothing was lost */
    assert_int_equal(chunk_used(pair->conn.in), 3);
}

static void no_larger_chunk(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(conn_keep(&pair->conn, "abc", 3), CONN_OK);
    struct chunk *before = pair->conn.in;
    scarce_until_failure = 0;
    assert_int_equal(conn_read(&pair->conn, CHUNK_SMALL), CONN_MEMORY);
    assert_ptr_equal(pair->conn.in, before);
    assert_memory_equal(before->data + before->start, "abc", 3);
}

/* At each of the chunks that the waiting bytes need. */
static void no_chunk_for_what_waits(void **state)
{
    uint8_t *bytes = pair_bytes(MUCH);
    int failures = 0;
    (void)state;
    for (long succeeding = 0;; succeeding++) {
        void *own = NULL;
        assert_int_equal(pair_open(&own), 0);
        struct pair *pair = own;
        scarce_until_failure = succeeding;
        enum conn_outcome outcome = conn_write(&pair->conn, bytes, MUCH);
        scarce_until_failure = -1;
        assert_int_equal(pair_close(&own), 0);
        if (outcome == CONN_OK)
            break;
        assert_int_equal(outcome, CONN_MEMORY);
        failures++;
    }
    assert_in_range(failures, MUCH / CHUNK_LARGE, MUCH / CHUNK_LARGE + 2);
    free(bytes);
}

static void no_memory_for_tls(void **state)
{
    static const struct config config = {0};
    struct pair *pair = *state;
    char why[100];
    struct tls *tls = tls_load(&config, NULL, why, sizeof why);
    assert_non_null(tls);
    assert_int_equal(conn_keep(&pair->conn, "abc", 3), CONN_OK);
    scarce_until_failure = 0;
    assert_int_equal(conn_secure_client(&pair->conn, tls->clients), CONN_MEMORY);
    assert_false(conn_is_secure(&pair->conn));
    assert_int_equal(chunk_used(pair->conn.in), 3); /* as it was */
    assert_int_equal(conn_secure_client(&pair->conn, tls->clients), CONN_OK);
    tls_unref(tls);
    scarce_until_failure = 0;
    assert_null(tls_load(&config, NULL, why, sizeof why));
    assert_string_equal(why, "TLS can't be set up: out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_chunk_to_read_into, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(no_larger_chunk, pair_open, pair_close),
        cmocka_unit_test(no_chunk_for_what_waits),
        cmocka_unit_test_setup_teardown(no_memory_for_tls, pair_open, pair_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
