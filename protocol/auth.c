/*
 * auth.c - scrambles made and checked, on OpenSSL's digests.
 *
 *   password ──SHA1──> stage1 ──SHA1──> stage2 (in the account table)
 *                        │                 │
 *   answer <────XOR──────┴── SHA1(scramble + stage2)
 *
 * OpenSSL can fail for want of memory: then the functions say so and a check is false. What they should have
 * filled is zeros, lest a caller's stack goes over the wire.
 */
#include "pointsman/protocol/auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

static bool digest(const EVP_MD *kind, const void *data, size_t length, uint8_t *result, size_t result_length)
{
    if (EVP_Digest(data, length, result, NULL, kind, NULL) == 1)
        return true;
    memset(result, 0, result_length);
    return false;
}

static bool sha1(const void *data, size_t length, uint8_t result[NATIVE_LENGTH])
{
    return digest(EVP_sha1(), data, length, result, NATIVE_LENGTH);
}

static bool sha256(const void *data, size_t length, uint8_t result[SHA2_LENGTH])
{
    return digest(EVP_sha256(), data, length, result, SHA2_LENGTH);
}

bool auth_scramble_make(uint8_t scramble[SCRAMBLE_LENGTH])
{
    uint8_t random[SCRAMBLE_LENGTH];

    if (RAND_bytes(random, sizeof random) != 1)
        return false;
    for (size_t i = 0; i < SCRAMBLE_LENGTH; i++) {
        uint8_t byte = random[i] & 0x7f; /* as servers: valid as UTF-8 */
        scramble[i] = byte == 0 || byte == '$' ? byte + 1 : byte;
    }
    return true;
}

/* ---- mysql_native_password ---- */

bool auth_native_stage1(const char *password, size_t length, uint8_t stage1[NATIVE_LENGTH])
{
    return sha1(password, length, stage1);
}

bool auth_native_stage2(const uint8_t stage1[NATIVE_LENGTH], uint8_t stage2[NATIVE_LENGTH])
{
    return sha1(stage1, NATIVE_LENGTH, stage2);
}

/* What stage1 is hidden with on the wire: SHA1(scramble + stage2). */
static bool native_mask(const uint8_t scramble[SCRAMBLE_LENGTH], const uint8_t stage2[NATIVE_LENGTH],
                        uint8_t mask[NATIVE_LENGTH])
{
    uint8_t both[SCRAMBLE_LENGTH + NATIVE_LENGTH];

    memcpy(both, scramble, SCRAMBLE_LENGTH);
    memcpy(both + SCRAMBLE_LENGTH, stage2, NATIVE_LENGTH);
    return sha1(both, sizeof both, mask);
}

static void exclusive_or(uint8_t *result, const uint8_t *a, const uint8_t *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        result[i] = a[i] ^ b[i];
}

bool auth_native_answer(const uint8_t stage1[NATIVE_LENGTH], const uint8_t scramble[SCRAMBLE_LENGTH],
                        uint8_t answer[NATIVE_LENGTH])
{
    uint8_t stage2[NATIVE_LENGTH], mask[NATIVE_LENGTH];

    memset(answer, 0, NATIVE_LENGTH);
    if (!sha1(stage1, NATIVE_LENGTH, stage2) || !native_mask(scramble, stage2, mask))
        return false;
    exclusive_or(answer, stage1, mask, NATIVE_LENGTH);
    return true;
}

bool auth_native_check(const uint8_t *answer, size_t length, const uint8_t scramble[SCRAMBLE_LENGTH],
                       const uint8_t stage2[NATIVE_LENGTH], uint8_t ret_stage1[NATIVE_LENGTH])
{
    uint8_t mask[NATIVE_LENGTH], stage1[NATIVE_LENGTH], candidate[NATIVE_LENGTH];
    bool right = false;

    if (length != NATIVE_LENGTH)
        return false;
    if (native_mask(scramble, stage2, mask)) {
        exclusive_or(stage1, answer, mask, NATIVE_LENGTH);
        right = sha1(stage1, NATIVE_LENGTH, candidate) &&
                CRYPTO_memcmp(candidate, stage2, NATIVE_LENGTH) == 0;
    }
    if (right)
        memcpy(ret_stage1, stage1, NATIVE_LENGTH);
    OPENSSL_cleanse(stage1, sizeof stage1);
    return right;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool auth_native_parse(const char *text, uint8_t stage2[NATIVE_LENGTH])
{
    uint8_t parsed[NATIVE_LENGTH];

    if (*text++ != '*')
        return false;
    for (size_t i = 0; i < NATIVE_LENGTH; i++, text += 2) {
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]); /* text[0] may be the end */
        if (low < 0)
            return false;
        parsed[i] = (uint8_t)(high << 4 | low);
    }
    if (*text)
        return false;
    memcpy(stage2, parsed, NATIVE_LENGTH);
    return true;
}

/* ---- caching_sha2_password ---- */

bool auth_sha2_answer(const char *password, size_t length, const uint8_t scramble[SCRAMBLE_LENGTH],
                      uint8_t answer[SHA2_LENGTH])
{
    uint8_t stage1[SHA2_LENGTH], both[SHA2_LENGTH + SCRAMBLE_LENGTH], mask[SHA2_LENGTH];

    bool made;

    memset(answer, 0, SHA2_LENGTH);
    memcpy(both + SHA2_LENGTH, scramble, SCRAMBLE_LENGTH);
    made = sha256(password, length, stage1) && sha256(stage1, sizeof stage1, both) &&
           sha256(both, sizeof both, mask);
    if (made)
        exclusive_or(answer, stage1, mask, SHA2_LENGTH);
    OPENSSL_cleanse(stage1, sizeof stage1);
    return made;
}

bool auth_sha2_check(const uint8_t *answer, size_t answer_length, const uint8_t scramble[SCRAMBLE_LENGTH],
                     const char *password, size_t length)
{
    uint8_t expected[SHA2_LENGTH];
    bool right = answer_length == SHA2_LENGTH && auth_sha2_answer(password, length, scramble, expected) &&
                 CRYPTO_memcmp(answer, expected, SHA2_LENGTH) == 0;

    OPENSSL_cleanse(expected, sizeof expected);
    return right;
}
