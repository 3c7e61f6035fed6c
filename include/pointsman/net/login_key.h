/*
 * login_key.h - the RSA key by which clients without TLS may tell us their password (caching_sha2_password).
 *
 *   login_key_start ── a thread makes it, which takes a moment ──> login_key_pem(), login_key_decrypt()
 */
#ifndef POINTSMAN_NET_LOGIN_KEY_H
#define POINTSMAN_NET_LOGIN_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "pointsman/protocol/auth.h"

/* Once, at the start, and at the end: OpenSSL is taken down then, and the thread must not be in it. */
void login_key_start(void);
void login_key_stop(void);
/* The public half, PEM; borrowed for good. Waits until it is made. False: it could not be. */
bool login_key_pem(struct bytes *ret_pem);
/* As auth_rsa_decrypt(). */
bool login_key_decrypt(const void *data, size_t length, const uint8_t scramble[SCRAMBLE_LENGTH],
                       char password[AUTH_PASSWORD_MAX + 1], size_t *ret_length);

#endif
