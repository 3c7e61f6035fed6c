/*
 * handshake.h - the packets of the connection phase, read and written.
 *
 *   server                          client
 *     ── greeting ──────────────────>          struct greeting
 *     <───────────── SSLRequest ────           (login_is_ssl_request)
 *     <───────────── login ─────────           struct login
 *     ── auth switch ───────────────>          plugin, data
 *     <───────────── auth answer ───           raw bytes
 *     ── OK / ERR ──────────────────>          answer.h
 *
 * All results point into the packet read. Payloads only: no packet headers here.
 */
#ifndef POINTSMAN_PROTOCOL_HANDSHAKE_H
#define POINTSMAN_PROTOCOL_HANDSHAKE_H

#include "pointsman/protocol/protocol.h"
#include "pointsman/protocol/wire.h"

/* Protocol::HandshakeV10. */
struct greeting {
    struct bytes version; /* "5.5.5-10.11.19-MariaDB", no NUL */
    uint32_t connection_id;
    uint8_t scramble[SCRAMBLE_LENGTH];
    uint32_t capabilities;
    uint32_t mariadb_capabilities; /* the extended ones; only if CAP_LONG_PASSWORD is not set */
    uint8_t collation;
    uint16_t status;
    struct bytes plugin; /* "mysql_native_password" */
};

bool greeting_read(const void *payload, size_t length, struct greeting *ret);
void greeting_write(struct writer *w, const struct greeting *greeting);

/* Protocol::HandshakeResponse41. */
struct login {
    uint32_t capabilities; /* as sent: AND it with what was offered */
    uint32_t mariadb_capabilities;
    uint32_t max_packet;
    uint16_t collation; /* a login has 8 bits for it, COM_CHANGE_USER 16; 0: not said (there only) */
    struct bytes user;
    struct bytes auth;       /* the answer to the scramble; length 0: no password */
    struct bytes database;   /* at NULL: none (an empty name too is none) */
    struct bytes plugin;     /* at NULL: not said */
    struct bytes attributes; /* the pairs raw, behind their total length; walked by attribute_next() */
    uint8_t zstd_level;
};

/*
 * Exactly the 32 bytes of an SSLRequest. On a connection without TLS any longer packet with CAP_SSL set is
 * neither an SSLRequest nor a login: refuse it (over TLS every login has CAP_SSL set, so login_read() can't
 * tell).
 */
bool login_is_ssl_request(const void *payload, size_t length, uint32_t *ret_capabilities);
/* `offered`: the greeting's capabilities; what counts is client AND offered. Attributes are validated. */
bool login_read(const void *payload, size_t length, uint32_t offered, struct login *ret);
void login_write(struct writer *w, const struct login *login);
/* An SSLRequest: what the login behind it begins with. */
void ssl_request_write(struct writer *w, const struct login *login);
/* False at the end: login_read() and change_user_read() have validated the whole. */
bool attribute_next(struct bytes *rest, struct bytes *ret_key, struct bytes *ret_value);

/* Protocol::AuthMoreData: 0x01, and for caching_sha2_password one of these, or a public key. */
enum {
    AUTH_MORE = 0x01,
    AUTH_MORE_FAST = 0x03, /* the answer was right: OK follows */
    AUTH_MORE_FULL = 0x04, /* the password itself is wanted */
    AUTH_ASKS_KEY = 0x02,  /* the client's answer to that, without TLS */
};

/* Protocol::AuthSwitchRequest: 0xfe, plugin NUL, data. */
struct auth_switch {
    struct bytes plugin;
    struct bytes data; /* without a trailing NUL */
};
bool auth_switch_read(const void *payload, size_t length, struct auth_switch *ret);
void auth_switch_write(struct writer *w, const char *plugin, const uint8_t *scramble);

/*
 * COM_CHANGE_USER, the payload with its command byte; capabilities: client AND offered of the connection.
 * Sets capabilities (as given), user, auth, database, collation, plugin and attributes.
 */
bool change_user_read(const void *payload, size_t length, uint32_t capabilities, struct login *ret);

#endif
