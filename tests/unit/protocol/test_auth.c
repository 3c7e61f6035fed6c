/* test_auth.c - scrambles against values computed elsewhere, and against a login that a server accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pointsman/protocol/auth.h"
#include "pointsman/protocol/handshake.h"
#include "vectors.h"

static const uint8_t scramble[SCRAMBLE_LENGTH] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                                  11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

/* SHA1(SHA1("secret")) and the answer to the scramble above, by Python's hashlib. */
static const char secret_hash[] = "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7";
static const uint8_t secret_answer[] = {0xb3, 0x2b, 0xb3, 0xa5, 0x83, 0xe1, 0x34, 0x0c, 0x0a, 0x11,
                                        0x08, 0xd5, 0x8b, 0x1b, 0xe4, 0x97, 0x81, 0xad, 0x8c, 0x2f};
static const uint8_t secret_sha2[] = {0x74, 0x6e, 0xbe, 0x20, 0x5d, 0x56, 0xa0, 0x70, 0x7a, 0xcb, 0x3e,
                                      0x79, 0x6e, 0x83, 0x4e, 0x0d, 0xd7, 0xb1, 0xd6, 0x17, 0x43, 0xb2,
                                      0x6b, 0xd5, 0x20, 0x2c, 0x7a, 0x62, 0x32, 0x30, 0xc7, 0xc9};

static void native_answer(void **state)
{
    uint8_t stage1[NATIVE_LENGTH], stage2[NATIVE_LENGTH], parsed[NATIVE_LENGTH], answer[NATIVE_LENGTH];

    (void)state;
    assert_true(auth_native_stage1("secret", 6, stage1));
    assert_true(auth_native_stage2(stage1, stage2));
    assert_true(auth_native_parse(secret_hash, parsed));
    assert_memory_equal(stage2, parsed, NATIVE_LENGTH);
    assert_true(auth_native_answer(stage1, scramble, answer));
    assert_memory_equal(answer, secret_answer, NATIVE_LENGTH);
}

static void native_check(void **state)
{
    uint8_t stage1[NATIVE_LENGTH], stage2[NATIVE_LENGTH], known[NATIVE_LENGTH], answer[NATIVE_LENGTH];

    (void)state;
    assert_true(auth_native_stage1("secret", 6, known));
    assert_true(auth_native_parse(secret_hash, stage2));
    assert_true(auth_native_check(secret_answer, NATIVE_LENGTH, scramble, stage2, stage1));
    assert_memory_equal(stage1, known, NATIVE_LENGTH);
    memset(stage1, 0x5a, sizeof stage1);
    for (size_t i = 0; i < NATIVE_LENGTH * 8; i++) { /* any bit wrong */
        memcpy(answer, secret_answer, NATIVE_LENGTH);
        answer[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(auth_native_check(answer, NATIVE_LENGTH, scramble, stage2, stage1));
    }
    for (size_t length = 0; length < NATIVE_LENGTH; length++)
        assert_false(auth_native_check(secret_answer, length, scramble, stage2, stage1));
    for (size_t i = 0; i < NATIVE_LENGTH; i++)
        assert_int_equal(stage1[i], 0x5a); /* left alone */
}

static void a_servers_login(void **state)
{
    struct vector greeting = vector_load("greeting"), login = vector_load("login");
    struct greeting g;
    struct login l;
    uint8_t stage1[NATIVE_LENGTH], stage2[NATIVE_LENGTH];

    (void)state;
    assert_true(greeting_read(greeting.data + PACKET_HEADER, greeting.length - PACKET_HEADER, &g));
    assert_true(login_read(login.data + PACKET_HEADER, login.length - PACKET_HEADER, g.capabilities, &l));
    assert_true(auth_native_parse(secret_hash, stage2));
    assert_true(auth_native_check(l.auth.at, l.auth.length, g.scramble, stage2, stage1));
}

static void hashes_of_account_tables(void **state)
{
    static const char *const bad[] = {
        "",
        "*",
        "14E65567ABDB5135D0CFD9A70B3032C179A49EE7",
        "*14E65567ABDB5135D0CFD9A70B3032C179A49EE",
        "*14E65567ABDB5135D0CFD9A70B3032C179A49EE77",
        "*14E65567ABDB5135D0CFD9A70B3032C179A49EEG",
        "*14E65567ABDB5135D0CFD9A70B3032C179A49E:7",
        "* 4E65567ABDB5135D0CFD9A70B3032C179A49EE7",
        "invalid",
    };
    uint8_t stage2[NATIVE_LENGTH] = {7}, upper[NATIVE_LENGTH];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(auth_native_parse(bad[i], stage2));
    assert_int_equal(stage2[0], 7);
    assert_true(auth_native_parse("*14e65567abdb5135d0cfd9a70b3032c179a49ee7", stage2));
    assert_true(auth_native_parse(secret_hash, upper));
    assert_memory_equal(stage2, upper, NATIVE_LENGTH);
}

static void sha2_answer(void **state)
{
    uint8_t answer[SHA2_LENGTH];

    (void)state;
    assert_true(auth_sha2_answer("secret", 6, scramble, answer));
    assert_memory_equal(answer, secret_sha2, SHA2_LENGTH);
}

static void scrambles_are_sendable(void **state)
{
    uint8_t one[SCRAMBLE_LENGTH], other[SCRAMBLE_LENGTH];

    (void)state;
    assert_true(auth_scramble_make(other));
    for (size_t i = 0; i < 1000; i++) {
        assert_true(auth_scramble_make(one));
        for (size_t k = 0; k < SCRAMBLE_LENGTH; k++)
            assert_true(one[k] != 0 && one[k] != '$' && one[k] < 0x80);
        assert_memory_not_equal(one, other, SCRAMBLE_LENGTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_answer),   cmocka_unit_test(native_check),
        cmocka_unit_test(a_servers_login), cmocka_unit_test(hashes_of_account_tables),
        cmocka_unit_test(sha2_answer),     cmocka_unit_test(scrambles_are_sendable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
