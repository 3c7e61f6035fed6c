/*
 * auth_crypt.c - what an account table holds for caching_sha2_password, compared with a password.
 *
 *   $A$005$ salt[20] digest[43]        A: SHA-256; 005: thousands of rounds, in hex
 *
 * The digest is that of crypt's SHA-256 ("$5$", by U. Drepper) but for the salt, which has 20 bytes and may
 * be anything but NUL and '$'; the C library's crypt() takes only 16, of fewer kinds.
 */
#include "pointsman/protocol/auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { SALT = 20, DIGEST = 43, HEAD = 7, ROUNDS_A_UNIT = 1000 };

/* The password and the salt, and what the rounds make of them. */
struct mixing {
    EVP_MD_CTX *context;
    const uint8_t *password;
    size_t length;
    const uint8_t *salt;
    uint8_t long_password[AUTH_PASSWORD_MAX], long_salt[SALT];
    bool failed; /* OpenSSL had no memory: everything from here on is void */
};

static void begin(struct mixing *mixing)
{
    mixing->failed |= EVP_DigestInit_ex(mixing->context, EVP_sha256(), NULL) != 1;
}

static void begin_again(struct mixing *mixing)
{
    mixing->failed |= EVP_DigestInit_ex(mixing->context, NULL, NULL) != 1;
}

static void add(struct mixing *mixing, const void *data, size_t length)
{
    mixing->failed |= EVP_DigestUpdate(mixing->context, data, length) != 1;
}

static void end(struct mixing *mixing, uint8_t digest[SHA2_LENGTH])
{
    mixing->failed |= EVP_DigestFinal_ex(mixing->context, digest, NULL) != 1;
}

/* A digest as often as it takes to be so long. */
static void stretch(uint8_t *to, size_t length, const uint8_t digest[SHA2_LENGTH])
{
    for (size_t i = 0; i < length; i++)
        to[i] = digest[i % SHA2_LENGTH];
}

/* The digest that the rounds begin with. */
static void mix_first(struct mixing *m, uint8_t digest[SHA2_LENGTH])
{
    uint8_t other[SHA2_LENGTH] = {0};
    begin(m);
    add(m, m->password, m->length);
    add(m, m->salt, SALT);
    add(m, m->password, m->length);
    end(m, other);
    begin(m);
    add(m, m->password, m->length);
    add(m, m->salt, SALT);
    for (size_t left = m->length; left; left -= left < SHA2_LENGTH ? left : SHA2_LENGTH)
        add(m, other, left < SHA2_LENGTH ? left : SHA2_LENGTH);
    for (size_t bits = m->length; bits; bits >>= 1)
        add(m, bits & 1 ? other : m->password, bits & 1 ? SHA2_LENGTH : m->length);
    end(m, digest);
    OPENSSL_cleanse(other, sizeof other);
}

static void lengthen(struct mixing *m, uint8_t first)
{
    uint8_t digest[SHA2_LENGTH] = {0};
    begin(m);
    for (size_t i = 0; i < m->length; i++)
        add(m, m->password, m->length);
    end(m, digest);
    stretch(m->long_password, m->length, digest);
    begin(m);
    for (unsigned i = 0; i < 16u + first; i++)
        add(m, m->salt, SALT);
    end(m, digest);
    stretch(m->long_salt, SALT, digest);
    OPENSSL_cleanse(digest, sizeof digest);
}

static void mix_round(struct mixing *m, unsigned round, uint8_t digest[SHA2_LENGTH])
{
    begin_again(m);
    add(m, round & 1 ? m->long_password : digest, round & 1 ? m->length : SHA2_LENGTH);
    if (round % 3)
        add(m, m->long_salt, SALT);
    if (round % 7)
        add(m, m->long_password, m->length);
    add(m, round & 1 ? digest : m->long_password, round & 1 ? SHA2_LENGTH : m->length);
    end(m, digest);
}

/* crypt's own base 64, in its own order of bytes. */
static void write_digest(const uint8_t digest[SHA2_LENGTH], char text[DIGEST])
{
    static const char letters[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t at = 0;
    for (unsigned i = 0; i < 10; i++) {
        unsigned a = (i * 21) % 30, b = (a + 10) % 30, c = (a + 20) % 30;
        uint32_t three = (uint32_t)digest[a] << 16 | (uint32_t)digest[b] << 8 | digest[c];
        for (unsigned n = 0; n < 4; n++, three >>= 6)
            text[at++] = letters[three & 63];
    }
    uint32_t two = (uint32_t)digest[31] << 8 | digest[30];
    for (unsigned n = 0; n < 3; n++, two >>= 6)
        text[at++] = letters[two & 63];
}

static bool make_digest(struct mixing *m, unsigned rounds, char text[DIGEST])
{
    uint8_t digest[SHA2_LENGTH] = {0};
    mix_first(m, digest);
    lengthen(m, digest[0]);
    for (unsigned round = 0; round < rounds && !m->failed; round++)
        mix_round(m, round, digest);
    write_digest(digest, text);
    OPENSSL_cleanse(digest, sizeof digest);
    return !m->failed;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* 0: not a string of this kind. */
static unsigned read_rounds(const char *stored)
{
    unsigned units = 0;
    if (strlen(stored) != HEAD + SALT + DIGEST || memcmp(stored, "$A$", 3) != 0 || stored[6] != '$')
        return 0;
    for (int i = 3; i < 6; i++) {
        if (hex(stored[i]) < 0)
            return 0;
        units = units << 4 | (unsigned)hex(stored[i]);
    }
    return units * ROUNDS_A_UNIT;
}

bool auth_sha2_verify(const char *stored, const char *password, size_t length)
{
    /* What isn't of this kind costs as much as what is, and nothing is right for it. */
    static const char nothing[] = "$A$005$....................-------------------------------------------";
    unsigned rounds = read_rounds(stored);
    const char *against = rounds ? stored : nothing;
    char text[DIGEST] = {0};
    if (length > AUTH_PASSWORD_MAX)
        return false;
    struct mixing mixing = {.context = EVP_MD_CTX_new(),
                            .password = (const uint8_t *)password,
                            .length = length,
                            .salt = (const uint8_t *)against + HEAD};
    bool made = mixing.context && make_digest(&mixing, rounds ? rounds : read_rounds(nothing), text);
    bool right = CRYPTO_memcmp(text, against + HEAD + SALT, DIGEST) == 0;
    EVP_MD_CTX_free(mixing.context);
    OPENSSL_cleanse(&mixing, sizeof mixing);
    return made && right;
}
