/*
 * auth_rsa.c - passwords of caching_sha2_password's full path under RSA, for connections without TLS.
 *
 *   password NUL ──XOR scramble, again and again──> OAEP ──> the server's public key, PEM, which it was asked
 * for
 *
 * The scramble makes an answer worthless for another login. Whoever sits in between may offer a key of their
 * own: this keeps out who only listens.
 */
#include "pointsman/protocol/auth.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

static void mask(uint8_t *data, size_t length, const uint8_t scramble[SCRAMBLE_LENGTH])
{
    for (size_t i = 0; i < length; i++)
        data[i] ^= scramble[i % SCRAMBLE_LENGTH];
}

static EVP_PKEY *read_key(const void *pem, size_t length)
{
    BIO *bio = length <= AUTH_KEY_MAX ? BIO_new_mem_buf(pem, (int)length) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

bool auth_rsa_encrypt(const void *pem, size_t pem_length, const char *password, size_t length,
                      const uint8_t scramble[SCRAMBLE_LENGTH], uint8_t *out, size_t size, size_t *ret_length)
{
    uint8_t clear[AUTH_PASSWORD_MAX + 1] = {0};
    if (length > AUTH_PASSWORD_MAX)
        return false;
    memcpy(clear, password, length);
    mask(clear, length + 1, scramble);
    EVP_PKEY *key = read_key(pem, pem_length);
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool done = context && EVP_PKEY_encrypt_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_encrypt(context, out, &size, clear, length + 1) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    OPENSSL_cleanse(clear, sizeof clear);
    ERR_clear_error();
    if (done)
        *ret_length = size;
    return done;
}

/* Whether it is there with its NUL, and no other. */
static bool unmask(uint8_t *clear, size_t size, const uint8_t scramble[SCRAMBLE_LENGTH], char *password,
                   size_t *ret_length)
{
    mask(clear, size, scramble);
    if (size == 0 || size > AUTH_PASSWORD_MAX + 1 || memchr(clear, 0, size) != clear + size - 1)
        return false;
    memcpy(password, clear, size);
    *ret_length = size - 1;
    return true;
}

bool auth_rsa_decrypt(EVP_PKEY *key, const void *data, size_t data_length,
                      const uint8_t scramble[SCRAMBLE_LENGTH], char password[AUTH_PASSWORD_MAX + 1],
                      size_t *ret_length)
{
    uint8_t clear[AUTH_KEY_MAX];
    size_t size = sizeof clear;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool done = context && EVP_PKEY_decrypt_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_decrypt(context, clear, &size, data, data_length) == 1 &&
                unmask(clear, size, scramble, password, ret_length);
    EVP_PKEY_CTX_free(context);
    OPENSSL_cleanse(clear, sizeof clear);
    ERR_clear_error();
    return done;
}
