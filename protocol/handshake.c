/*
 * handshake.c - the packets of the connection phase.
 *
 *   greeting     10 version\0 id scramble[8] 0 caps.lo collation status caps.hi 21
 *                zeros[6] ext scramble[12] 0 plugin\0
 *   SSLRequest   caps max collation zeros[19] ext                 32 bytes, no more
 *   login        the same 32 bytes, user\0 auth [database\0] [plugin\0] [attributes] [zstd]
 *   change user  0x11 user\0 auth database\0 [collation [plugin\0 [attributes]]]
 *   auth switch  0xfe plugin\0 data
 *
 * Which of the optional parts are there hangs on what both sides have said they can do: client AND offered.
 * Whatever lies behind the last part is ignored, as servers and libraries do: newer peers append fields.
 */
#include "pointsman/protocol/handshake.h"

#include <string.h>

enum {
    GREETING_VERSION = 10,
    SCRAMBLE_FIRST = 8, /* the scramble comes in two parts */
    SCRAMBLE_SECOND = SCRAMBLE_LENGTH - SCRAMBLE_FIRST,
    LOGIN_HEAD = 32, /* what SSLRequest and login have in common */
    AUTH_SWITCH = 0xfe,
};

/* A string that ends with a NUL or, as some peers leave it out of the last field, with the packet; never at
 * nothing. */
static struct bytes nul_or_rest(struct reader *r)
{
    size_t left = reader_left(r);

    if (left == 0) {
        r->bad = true;
        return (struct bytes){0};
    }
    return memchr(r->at, 0, left) ? read_nul(r) : read_rest(r);
}

/* ---- greeting ---- */

static void read_scramble_second(struct reader *r, uint8_t announced, struct greeting *g)
{
    /* page_protocol_connection_phase_packets_protocol_handshake_v10.html: MAX(13, announced - 8) bytes */
    size_t length = announced > SCRAMBLE_LENGTH + 1 ? (size_t)announced - SCRAMBLE_FIRST
                                                    : SCRAMBLE_SECOND + 1;
    struct bytes second = read_bytes(r, length);

    if (second.at)
        memcpy(g->scramble + SCRAMBLE_FIRST, second.at, SCRAMBLE_SECOND);
}

bool greeting_read(const void *payload, size_t length, struct greeting *ret)
{
    const uint32_t needed = CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION;
    struct reader r = reader_of(payload, length);
    struct greeting g = {0};
    struct bytes first;
    uint8_t announced;
    uint32_t extended;

    if (read_u8(&r) != GREETING_VERSION)
        return false;
    g.version = read_nul(&r);
    g.connection_id = read_u32(&r);
    first = read_bytes(&r, SCRAMBLE_FIRST);
    read_skip(&r, 1);
    g.capabilities = read_u16(&r);
    g.collation = read_u8(&r);
    g.status = read_u16(&r);
    g.capabilities |= (uint32_t)read_u16(&r) << 16;
    announced = read_u8(&r);
    read_skip(&r, 6);
    extended = read_u32(&r);
    if (r.bad || (g.capabilities & needed) != needed)
        return false;
    memcpy(g.scramble, first.at, SCRAMBLE_FIRST);
    read_scramble_second(&r, announced, &g);
    if (!(g.capabilities & CAP_LONG_PASSWORD))
        g.mariadb_capabilities = extended;
    if (g.capabilities & CAP_PLUGIN_AUTH)
        g.plugin = nul_or_rest(&r);
    if (r.bad)
        return false;
    *ret = g;
    return true;
}

void greeting_write(struct writer *w, const struct greeting *greeting)
{
    bool extended = !(greeting->capabilities & CAP_LONG_PASSWORD);
    bool plugin = greeting->capabilities & CAP_PLUGIN_AUTH;

    write_u8(w, GREETING_VERSION);
    write_bytes(w, greeting->version.at, greeting->version.length);
    write_u8(w, 0);
    write_u32(w, greeting->connection_id);
    write_bytes(w, greeting->scramble, SCRAMBLE_FIRST);
    write_u8(w, 0);
    write_u16(w, (uint16_t)greeting->capabilities);
    write_u8(w, greeting->collation);
    write_u16(w, greeting->status);
    write_u16(w, (uint16_t)(greeting->capabilities >> 16));
    write_u8(w, plugin ? SCRAMBLE_LENGTH + 1 : 0);
    write_zeros(w, 6);
    write_u32(w, extended ? greeting->mariadb_capabilities : 0);
    write_bytes(w, greeting->scramble + SCRAMBLE_FIRST, SCRAMBLE_SECOND);
    write_u8(w, 0);
    if (plugin) {
        write_bytes(w, greeting->plugin.at, greeting->plugin.length);
        write_u8(w, 0);
    }
}

/* ---- login ---- */

bool login_is_ssl_request(const void *payload, size_t length, uint32_t *ret_capabilities)
{
    struct reader r = reader_of(payload, length);
    uint32_t capabilities = read_u32(&r);

    if (length != LOGIN_HEAD || !(capabilities & CAP_SSL) || !(capabilities & CAP_PROTOCOL_41))
        return false;
    *ret_capabilities = capabilities;
    return true;
}

/* The answer to the scramble, written in one of three ways. */
static struct bytes read_auth(struct reader *r, bool lenenc, uint32_t capabilities)
{
    if (lenenc)
        return read_lenenc_bytes(r);
    if (capabilities & CAP_SECURE_CONNECTION) {
        uint8_t length = read_u8(r);
        return read_bytes(r, length);
    }
    return read_nul(r);
}

/* All pairs must lie within the announced length, so that attribute_next() can't meet a fault later. */
static struct bytes read_attributes(struct reader *r)
{
    struct bytes attributes = read_lenenc_bytes(r);
    struct reader pairs = reader_of(attributes.at, attributes.length);

    while (reader_left(&pairs) > 0) {
        (void)read_lenenc_bytes(&pairs);
        (void)read_lenenc_bytes(&pairs);
    }
    if (pairs.bad)
        r->bad = true;
    return attributes;
}

/* The 32 bytes at the beginning. */
static void read_login_head(struct reader *r, uint32_t offered, struct login *login)
{
    uint32_t extended;

    login->capabilities = read_u32(r);
    login->max_packet = read_u32(r);
    login->collation = read_u8(r);
    read_skip(r, 19);
    extended = read_u32(r);
    if (!(login->capabilities & CAP_LONG_PASSWORD) && !(offered & CAP_LONG_PASSWORD))
        login->mariadb_capabilities = extended;
}

bool login_read(const void *payload, size_t length, uint32_t offered, struct login *ret)
{
    struct reader r = reader_of(payload, length);
    struct login login = {0};
    uint32_t both;

    read_login_head(&r, offered, &login);
    if (!(login.capabilities & CAP_PROTOCOL_41))
        return false;
    both = login.capabilities & offered;
    login.user = read_nul(&r);
    login.auth = read_auth(&r, both & CAP_PLUGIN_AUTH_LENENC, both);
    if (both & CAP_CONNECT_WITH_DB) {
        login.database = read_nul(&r);
        if (login.database.length == 0) /* servers too take an empty name for none */
            login.database.at = NULL;
    }
    if (both & CAP_PLUGIN_AUTH)
        login.plugin = nul_or_rest(&r);
    if (both & CAP_CONNECT_ATTRS)
        login.attributes = read_attributes(&r);
    if (both & CAP_ZSTD)
        login.zstd_level = read_u8(&r);
    if (r.bad)
        return false;
    *ret = login;
    return true;
}

static void write_auth(struct writer *w, struct bytes auth, uint32_t capabilities)
{
    if (capabilities & CAP_PLUGIN_AUTH_LENENC) {
        write_lenenc_bytes(w, auth.at, auth.length);
    } else if (capabilities & CAP_SECURE_CONNECTION) {
        if (auth.length > UINT8_MAX) /* has no way to be said */
            w->full = true;
        write_u8(w, (uint8_t)auth.length);
        write_bytes(w, auth.at, auth.length);
    } else {
        write_bytes(w, auth.at, auth.length);
        write_u8(w, 0);
    }
}

void ssl_request_write(struct writer *w, const struct login *login)
{
    write_u32(w, login->capabilities);
    write_u32(w, login->max_packet);
    write_u8(w, (uint8_t)login->collation);
    write_zeros(w, 19);
    write_u32(w, login->capabilities & CAP_LONG_PASSWORD ? 0 : login->mariadb_capabilities);
}

void login_write(struct writer *w, const struct login *login)
{
    uint32_t capabilities = login->capabilities;

    ssl_request_write(w, login);
    write_bytes(w, login->user.at, login->user.length);
    write_u8(w, 0);
    write_auth(w, login->auth, capabilities);
    if (capabilities & CAP_CONNECT_WITH_DB) {
        write_bytes(w, login->database.at, login->database.length);
        write_u8(w, 0);
    }
    if (capabilities & CAP_PLUGIN_AUTH) {
        write_bytes(w, login->plugin.at, login->plugin.length);
        write_u8(w, 0);
    }
    if (capabilities & CAP_CONNECT_ATTRS)
        write_lenenc_bytes(w, login->attributes.at, login->attributes.length);
    if (capabilities & CAP_ZSTD)
        write_u8(w, login->zstd_level);
}

bool attribute_next(struct bytes *rest, struct bytes *ret_key, struct bytes *ret_value)
{
    struct reader r = reader_of(rest->at, rest->length);
    struct bytes key = read_lenenc_bytes(&r);
    struct bytes value = read_lenenc_bytes(&r);

    if (r.bad)
        return false;
    *ret_key = key;
    *ret_value = value;
    *rest = read_rest(&r);
    return true;
}

/* ---- auth switch and COM_CHANGE_USER ---- */

bool auth_switch_read(const void *payload, size_t length, struct auth_switch *ret)
{
    struct reader r = reader_of(payload, length);
    uint8_t header = read_u8(&r);
    struct auth_switch request = {.plugin = read_nul(&r)};

    request.data = read_rest(&r);
    if (r.bad || header != AUTH_SWITCH)
        return false;
    if (request.data.length > 0 && request.data.at[request.data.length - 1] == 0)
        request.data.length--;
    *ret = request;
    return true;
}

void auth_switch_write(struct writer *w, const char *plugin, const uint8_t *scramble)
{
    write_u8(w, AUTH_SWITCH);
    write_string_nul(w, plugin);
    write_bytes(w, scramble, SCRAMBLE_LENGTH);
    write_u8(w, 0);
}

bool change_user_read(const void *payload, size_t length, uint32_t capabilities, struct login *ret)
{
    struct reader r = reader_of(payload, length);
    struct login login = {.capabilities = capabilities};

    if (read_u8(&r) != COM_CHANGE_USER)
        return false;
    login.user = read_nul(&r);
    login.auth = read_auth(&r, false, capabilities);
    login.database = read_nul(&r);
    if (login.database.length == 0)
        login.database.at = NULL;
    /* Old clients end here, and others behind any of these. */
    if (reader_left(&r) > 0)
        login.collation = read_u16(&r);
    if (reader_left(&r) > 0 && (capabilities & CAP_PLUGIN_AUTH))
        login.plugin = nul_or_rest(&r);
    if (reader_left(&r) > 0 && (capabilities & CAP_CONNECT_ATTRS))
        login.attributes = read_attributes(&r);
    if (r.bad)
        return false;
    *ret = login;
    return true;
}
