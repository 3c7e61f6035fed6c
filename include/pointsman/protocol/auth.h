/*
 * auth.h - passwords: scrambles made and checked. The only part of protocol/ that uses libcrypto.
 *
 * mysql_native_password: stage1 = SHA1(password), stage2 = SHA1(stage1) (what the server's table holds),
 *   answer = stage1 XOR SHA1(scramble + stage2).
 * Whoever has checked an answer has stage1 and can log in elsewhere with it.
 *
 * caching_sha2_password: the server's table holds a slow digest, from which no scramble can be checked.
 * Whoever was once told the password (full path) checks answers by it from then on (fast path).
 *
 * False, where nothing else is said: OpenSSL had no memory; the result is zeros and must not be used.
 */
#ifndef POINTSMAN_PROTOCOL_AUTH_H
#define POINTSMAN_PROTOCOL_AUTH_H

#include <openssl/types.h>

#include "pointsman/protocol/protocol.h"
#include "pointsman/protocol/wire.h"

enum {
    NATIVE_LENGTH = 20,
    SHA2_LENGTH = 32,
    AUTH_PASSWORD_MAX = 256, /* of caching_sha2_password, as servers have it */
    AUTH_KEY_MAX = 2048,     /* a public key's PEM, and what it encrypts */
};

/* 20 bytes without NUL or '$' (servers avoid both). False: no randomness to be had. */
bool auth_scramble_make(uint8_t scramble[SCRAMBLE_LENGTH]);

bool auth_native_stage1(const char *password, size_t length, uint8_t stage1[NATIVE_LENGTH]);
bool auth_native_stage2(const uint8_t stage1[NATIVE_LENGTH], uint8_t stage2[NATIVE_LENGTH]);
bool auth_native_answer(const uint8_t stage1[NATIVE_LENGTH], const uint8_t scramble[SCRAMBLE_LENGTH],
                        uint8_t answer[NATIVE_LENGTH]);
/* Checks a client's answer, in constant time; on success ret_stage1 is what the client knows. */
bool auth_native_check(const uint8_t *answer, size_t length, const uint8_t scramble[SCRAMBLE_LENGTH],
                       const uint8_t stage2[NATIVE_LENGTH], uint8_t ret_stage1[NATIVE_LENGTH]);
/* "*0123..." (41 characters, of an account table) into bytes; false if it isn't one. */
bool auth_native_parse(const char *text, uint8_t stage2[NATIVE_LENGTH]);

/* caching_sha2_password's fast answer: SHA256(pw) XOR SHA256(SHA256(SHA256(pw)) + scramble). */
bool auth_sha2_answer(const char *password, size_t length, const uint8_t scramble[SCRAMBLE_LENGTH],
                      uint8_t answer[SHA2_LENGTH]);
/* Checks such an answer, in constant time. */
bool auth_sha2_check(const uint8_t *answer, size_t answer_length, const uint8_t scramble[SCRAMBLE_LENGTH],
                     const char *password, size_t length);
/* Whether it is the password of what an account table has ("$A$005$..."). Takes milliseconds, whether it is
 * or not. */
bool auth_sha2_verify(const char *stored, const char *password, size_t length);

/* The full path without TLS: the password for the owner of a public key. False: no key, or too long. */
bool auth_rsa_encrypt(const void *pem, size_t pem_length, const char *password, size_t length,
                      const uint8_t scramble[SCRAMBLE_LENGTH], uint8_t *out, size_t size, size_t *ret_length);
/* And read by that owner: the password with a NUL, and its length. */
bool auth_rsa_decrypt(EVP_PKEY *key, const void *data, size_t data_length,
                      const uint8_t scramble[SCRAMBLE_LENGTH], char password[AUTH_PASSWORD_MAX + 1],
                      size_t *ret_length);

#endif
