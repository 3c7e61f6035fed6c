/*
 * test_auth_full.c - caching_sha2_password's full path: what MySQL's account table has, compared with
 * passwords, and passwords under RSA.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "pointsman/protocol/auth.h"

/* Of a MySQL 9.7. */
static const struct {
    const char *password, *stored;
} accounts[] = {
    {"x", "$A$00A$\030rVEY\006H\034eEe9\012E@A\0319\0220VFDeqxealzBUQiLiicvYS9TQcCvn1szt2vzj0Bei2I5"},
    {"pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
     "$A$00A$o\005\025\007OI]vv\017K\"%\022j\002sd-@xWiLMSzkaBwJZb7xfOOuInATt2L7j9M9QNTDWi7H.yA"},
    {"12345678901234567890123456789012",
     "$A$00A$-\005\022\010q\021cx\026x#^ZZ-P\026(\024#LqZTHgPh7bQ3aNaK2Ao858uiSjy0Rv1fJNhhnNcAlr0"},
    {"app-secret",
     "$A$00A$j\015\004i\012\020a+\\5'm{\031\034t\015\032C\0124CPo7Lr7mIhGf..owji1TdD.lQHqyVPV163b3a4X42D"},
};
enum { ACCOUNTS = sizeof accounts / sizeof *accounts, STORED = 70 };

static const uint8_t scramble[SCRAMBLE_LENGTH] = "abcdefghijklmnopqrs",
                     other_scramble[SCRAMBLE_LENGTH] = "ABC";

static bool verify(const char *stored, const char *password)
{
    return auth_sha2_verify(stored, password, strlen(password));
}

static void passwords_of_an_account_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        char wrong[AUTH_PASSWORD_MAX + 1];
        assert_int_equal(strlen(accounts[i].stored), STORED);
        if (!verify(accounts[i].stored, accounts[i].password))
            fail_msg("row %zu is not taken", i);
        strcpy(wrong, accounts[i].password);
        wrong[0] ^= 1;
        assert_false(verify(accounts[i].stored, wrong));
        wrong[0] ^= 1;
        strcat(wrong, "x");
        assert_false(verify(accounts[i].stored, wrong));
        assert_false(verify(accounts[i].stored, ""));
    }
}

/* Every byte of it counts. */
static void what_is_stored_is_compared_as_a_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < STORED; i++) {
        char changed[STORED + 1];
        if (i >= 3 && i < 6) /* rounds: more of them take long */
            continue;
        strcpy(changed, accounts[0].stored);
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        if (verify(changed, accounts[0].password))
            fail_msg("byte %zu doesn't count", i);
    }
    char fewer[STORED + 1];
    strcpy(fewer, accounts[0].stored);
    fewer[5] = '4';
    assert_false(verify(fewer, accounts[0].password));
}

static void what_is_no_hash_lets_nobody_in(void **state)
{
    static const char *const bad[] = {
        "",
        "$A$005$",
        "$A$",
        "$5$rounds=5000$salt$hash",
        "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7",
        "$A$005$THISISACOMBINATIONOFINVALIDSALTANDPASSWORDTHATMUSTNEVERBRBEUSED",
        "$A$005$....................-------------------------------------------",
        "$A$000$....................-------------------------------------------",
        "$A$00g$....................-------------------------------------------"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(verify(bad[i], "x"));
        assert_false(verify(bad[i], ""));
    }
    char longest[AUTH_PASSWORD_MAX + 2];
    memset(longest, 'l', sizeof longest);
    assert_false(auth_sha2_verify(accounts[0].stored, longest, AUTH_PASSWORD_MAX));
    assert_false(auth_sha2_verify(accounts[0].stored, longest, AUTH_PASSWORD_MAX + 1));
}

static void answers_are_checked(void **state)
{
    uint8_t answer[SHA2_LENGTH];
    (void)state;
    assert_true(auth_sha2_answer("secret", 6, scramble, answer));
    assert_true(auth_sha2_check(answer, sizeof answer, scramble, "secret", 6));
    assert_false(auth_sha2_check(answer, sizeof answer, scramble, "Secret", 6));
    assert_false(auth_sha2_check(answer, sizeof answer, other_scramble, "secret", 6));
    assert_false(auth_sha2_check(answer, sizeof answer - 1, scramble, "secret", 6));
    for (size_t i = 0; i < sizeof answer; i++) {
        answer[i] ^= 0x10;
        assert_false(auth_sha2_check(answer, sizeof answer, scramble, "secret", 6));
        answer[i] ^= 0x10;
    }
}

static EVP_PKEY *key;
static uint8_t pem[AUTH_KEY_MAX];
static size_t pem_length;

static int make_key(void **state)
{
    BIO *bio = BIO_new(BIO_s_mem());
    (void)state;
    key = EVP_RSA_gen(2048);
    if (!key || PEM_write_bio_PUBKEY(bio, key) != 1)
        return -1;
    pem_length = (size_t)BIO_read(bio, pem, sizeof pem);
    BIO_free(bio);
    return 0;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static void passwords_under_rsa(void **state)
{
    static const char *const passwords[] = {
        "", "x", "app-secret", "longer than a scramble is, so that it has to begin again, and again"};
    (void)state;
    for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
        uint8_t out[AUTH_KEY_MAX];
        char back[AUTH_PASSWORD_MAX + 1];
        size_t length = 0, back_length = 7, size = strlen(passwords[i]);
        assert_true(
            auth_rsa_encrypt(pem, pem_length, passwords[i], size, scramble, out, sizeof out, &length));
        assert_int_equal(length, 256);
        assert_true(auth_rsa_decrypt(key, out, length, scramble, back, &back_length));
        assert_int_equal(back_length, size);
        assert_string_equal(back, passwords[i]);
        assert_false(auth_rsa_decrypt(key, out, length, other_scramble, back, &back_length));
        out[5] ^= 1;
        assert_false(auth_rsa_decrypt(key, out, length, scramble, back, &back_length));
        assert_false(auth_rsa_decrypt(key, out, length - 1, scramble, back, &back_length));
        assert_false(auth_rsa_decrypt(key, out, 0, scramble, back, &back_length));
    }
}

static void what_is_no_key_encrypts_nothing(void **state)
{
    uint8_t out[AUTH_KEY_MAX];
    size_t length = 7;
    char longest[AUTH_PASSWORD_MAX + 1];
    (void)state;
    memset(longest, 'l', sizeof longest);
    assert_false(auth_rsa_encrypt("", 0, "x", 1, scramble, out, sizeof out, &length));
    assert_false(auth_rsa_encrypt("nonsense", 8, "x", 1, scramble, out, sizeof out, &length));
    assert_false(auth_rsa_encrypt(pem, pem_length - 40, "x", 1, scramble, out, sizeof out, &length));
    assert_false(
        auth_rsa_encrypt(pem, pem_length, longest, sizeof longest, scramble, out, sizeof out, &length));
    assert_false(auth_rsa_encrypt(pem, pem_length, longest, 250, scramble, out, sizeof out,
                                  &length)); /* too small a key */
    assert_false(auth_rsa_encrypt(pem, pem_length, "x", 1, scramble, out, 255, &length));
    assert_int_equal(length, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_of_an_account_table),
        cmocka_unit_test(what_is_stored_is_compared_as_a_whole),
        cmocka_unit_test(what_is_no_hash_lets_nobody_in),
        cmocka_unit_test(answers_are_checked),
        cmocka_unit_test(passwords_under_rsa),
        cmocka_unit_test(what_is_no_key_encrypts_nothing),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
