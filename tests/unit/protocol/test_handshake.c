/* test_handshake.c - the connection phase: captured packets, both ways, cut off anywhere, and attacks on
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../guard.h"
#include "pointsman/protocol/handshake.h"
#include "vectors.h"

enum {
    LOGIN_BASE = CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | CAP_LONG_PASSWORD,
    EVERYTHING = -1,
};

static void assert_bytes(struct bytes b, const char *text)
{
    assert_non_null(b.at);
    assert_int_equal(b.length, strlen(text));
    assert_memory_equal(b.at, text, b.length);
}

static struct bytes load(struct vector *v, const char *name)
{
    *v = vector_load(name);
    assert_int_equal(packet_length(v->data), v->length - PACKET_HEADER);
    return (struct bytes){v->data + PACKET_HEADER, v->length - PACKET_HEADER};
}

/* ---- greeting ---- */

static void mariadb_greeting(void **state)
{
    struct vector v;
    struct bytes packet = load(&v, "greeting");
    struct greeting g;
    uint8_t out[256];
    struct writer w = writer_of(out, sizeof out);

    (void)state;
    assert_true(greeting_read(packet.at, packet.length, &g));
    assert_memory_equal(g.version.at, "5.5.5-10.11", 11);
    assert_true(g.connection_id > 0);
    assert_int_equal(g.capabilities, 0x81fff7fe);
    assert_int_equal(g.mariadb_capabilities, 0x1d);
    assert_true(g.collation > 0);
    assert_int_equal(g.status, STATUS_AUTOCOMMIT);
    assert_bytes(g.plugin, "mysql_native_password");
    for (size_t i = 0; i < SCRAMBLE_LENGTH; i++)
        assert_int_not_equal(g.scramble[i], 0);
    greeting_write(&w, &g);
    assert_int_equal(writer_length(&w), packet.length);
    assert_memory_equal(out, packet.at, packet.length);
}

static void mysql_greeting(void **state)
{
    struct greeting g = {.version = {(const uint8_t *)"9.7.4", 5},
                         .connection_id = 7,
                         .scramble = "abcdefghijklmnopqrs",
                         .capabilities = 0xdfffffff,
                         .mariadb_capabilities = 5, /* must not be sent */
                         .collation = 255,
                         .status = STATUS_AUTOCOMMIT,
                         .plugin = {(const uint8_t *)"caching_sha2_password", 21}};
    struct greeting again;
    uint8_t out[128];
    struct writer w = writer_of(out, sizeof out);

    (void)state;
    greeting_write(&w, &g);
    assert_true(greeting_read(out, writer_length(&w), &again));
    assert_bytes(again.version, "9.7.4");
    assert_int_equal(again.mariadb_capabilities, 0);
    assert_memory_equal(again.scramble, g.scramble, SCRAMBLE_LENGTH);
    assert_int_equal(again.collation, 255);
    assert_bytes(again.plugin, "caching_sha2_password");
}

static void greetings_not_taken(void **state)
{
    struct vector v;
    struct bytes packet = load(&v, "greeting");
    struct greeting g = {.connection_id = 77};

    (void)state;
    for (size_t length = 0; length < packet.length; length++) {
        struct guard guard = guard_of(packet.at, length);
        bool enough = length >
                      packet.length - 22; /* the last plugin's NUL may be missing, its end can't be told */
        assert_int_equal(greeting_read(guard.at, length, &g), enough);
        guard_done(&guard);
        if (!enough)
            assert_int_equal(g.connection_id, 77);
    }
    assert_false(greeting_read("\xff\x10\x04Too many connections", 23, &g)); /* an ERR instead */
    v.data[PACKET_HEADER] = 9;
    assert_false(greeting_read(packet.at, packet.length, &g));
}

/* ---- login ---- */

static void captured_login(void **state)
{
    struct vector v;
    struct bytes packet = load(&v, "login"), key, value;
    struct login l;
    uint8_t out[256];
    struct writer w = writer_of(out, sizeof out);

    (void)state;
    assert_true(login_read(packet.at, packet.length, (uint32_t)EVERYTHING, &l));
    assert_bytes(l.user, "app");
    assert_int_equal(l.auth.length, 20);
    assert_bytes(l.database, "v");
    assert_bytes(l.plugin, "mysql_native_password");
    assert_int_equal(l.collation, 45);
    assert_int_equal(l.max_packet, 1 << 24);
    login_write(&w, &l);
    assert_int_equal(writer_length(&w), packet.length);
    assert_memory_equal(out, packet.at, packet.length);
    assert_true(attribute_next(&l.attributes, &key, &value));
    assert_bytes(key, "_client_name");
    assert_bytes(value, "capture");
    assert_true(attribute_next(&l.attributes, &key, &value));
    assert_bytes(key, "program_name");
    assert_bytes(value, "vectors");
    assert_false(attribute_next(&l.attributes, &key, &value));
}

static void login_cut_off(void **state)
{
    struct vector v;
    struct bytes packet = load(&v, "login");
    struct login l = {.max_packet = 77};

    (void)state;
    for (size_t length = 0; length < packet.length; length++) {
        struct guard g = guard_of(packet.at, length);
        assert_false(login_read(g.at, length, (uint32_t)EVERYTHING, &l));
        assert_int_equal(l.max_packet, 77);
        guard_done(&g);
    }
}

/* A login put together by hand: the 32 bytes, then `rest`. */
static bool read_login(uint32_t capabilities, uint32_t offered, const void *rest, size_t length,
                       struct login *ret)
{
    static struct guard g;
    struct writer w;

    if (g.map)
        guard_done(&g);
    g = guard_of(NULL, 32 + length);
    w = writer_of(g.at, 32 + length);
    write_u32(&w, capabilities);
    write_u32(&w, 1 << 24);
    write_u8(&w, 45);
    write_zeros(&w, 19);
    write_u32(&w, 0x11223344);
    write_bytes(&w, rest, length);
    return login_read(g.at, 32 + length, offered, ret);
}
#define READ_LOGIN(capabilities, offered, rest, ret)                                                         \
    read_login(capabilities, (uint32_t)(offered), rest, sizeof(rest) - 1, ret)

/* libmysqlclient 9 sets bits that weren't offered and leaves out what belongs to them. */
static void only_what_both_can_do(void **state)
{
    const uint32_t all = LOGIN_BASE | CAP_CONNECT_WITH_DB | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS | CAP_ZSTD |
                         CAP_PLUGIN_AUTH_LENENC;
    struct login l;

    (void)state;
    assert_true(READ_LOGIN(all, LOGIN_BASE, "me\0\3abc", &l));
    assert_int_equal(l.capabilities, all); /* as sent */
    assert_bytes(l.user, "me");
    assert_bytes(l.auth, "abc");
    assert_null(l.database.at);
    assert_null(l.plugin.at);
    assert_null(l.attributes.at);
    assert_true(READ_LOGIN(all, EVERYTHING, "me\0\3abcdb\0plug\0\4\1k\1v\5", &l));
    assert_bytes(l.database, "db");
    assert_bytes(l.plugin, "plug");
    assert_int_equal(l.attributes.length, 4);
    assert_int_equal(l.zstd_level, 5);
}

static void no_password_no_database(void **state)
{
    struct login l;

    (void)state;
    assert_true(READ_LOGIN(LOGIN_BASE | CAP_CONNECT_WITH_DB, EVERYTHING, "me\0\0\0", &l));
    assert_int_equal(l.auth.length, 0);
    assert_null(l.database.at); /* an empty name is none */
    assert_true(
        READ_LOGIN(CAP_PROTOCOL_41 | CAP_LONG_PASSWORD, EVERYTHING, "me\0pw\0", &l)); /* NUL-ended answer */
    assert_bytes(l.auth, "pw");
    assert_true(
        READ_LOGIN(LOGIN_BASE | CAP_PLUGIN_AUTH, EVERYTHING, "me\0\0plug", &l)); /* packet-ended plugin */
    assert_bytes(l.plugin, "plug");
}

static void mariadb_capabilities(void **state)
{
    const uint32_t client = LOGIN_BASE & ~CAP_LONG_PASSWORD;
    struct login l;

    (void)state;
    assert_true(READ_LOGIN(client, EVERYTHING & ~CAP_LONG_PASSWORD, "me\0\0", &l));
    assert_int_equal(l.mariadb_capabilities, 0x11223344);
    assert_true(READ_LOGIN(client, EVERYTHING, "me\0\0", &l)); /* a MySQL greeting: nobody said MariaDB */
    assert_int_equal(l.mariadb_capabilities, 0);
    assert_true(READ_LOGIN(LOGIN_BASE, EVERYTHING & ~CAP_LONG_PASSWORD, "me\0\0", &l));
    assert_int_equal(l.mariadb_capabilities, 0);
}

static void attacks_on_lengths(void **state)
{
    const uint32_t lenenc = LOGIN_BASE | CAP_PLUGIN_AUTH_LENENC, attributes = LOGIN_BASE | CAP_CONNECT_ATTRS;
    struct login l;

    (void)state;
    assert_false(READ_LOGIN(lenenc, EVERYTHING, "me\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff", &l));
    assert_false(READ_LOGIN(lenenc, EVERYTHING, "me\0\xfc\xff", &l));
    assert_false(READ_LOGIN(lenenc, EVERYTHING, "me\0\xfb", &l));
    assert_false(READ_LOGIN(lenenc, EVERYTHING, "me\0\xff", &l));
    assert_false(READ_LOGIN(LOGIN_BASE, EVERYTHING,
                            "me\0\xff"
                            "abc",
                            &l));
    assert_false(READ_LOGIN(LOGIN_BASE, EVERYTHING, "me", &l));
    assert_false(READ_LOGIN(LOGIN_BASE | CAP_CONNECT_WITH_DB, EVERYTHING, "me\0\0db", &l));
    assert_true(READ_LOGIN(attributes, EVERYTHING, "me\0\0\0", &l));
    assert_false(READ_LOGIN(attributes, EVERYTHING, "me\0\0", &l));
    assert_false(READ_LOGIN(attributes, EVERYTHING, "me\0\0\5\1k\1v", &l)); /* total longer than the packet */
    assert_false(
        READ_LOGIN(attributes, EVERYTHING, "me\0\0\3\1k\1v", &l)); /* a value longer than the total */
    assert_false(READ_LOGIN(attributes, EVERYTHING, "me\0\0\2\1k\1v", &l));      /* a key without value */
    assert_false(READ_LOGIN(attributes, EVERYTHING, "me\0\0\4\1k\xfc\xff", &l)); /* a length cut off */
    assert_false(READ_LOGIN(attributes, EVERYTHING, "me\0\0\4\1k\xfb\0", &l));   /* NULL */
    assert_false(READ_LOGIN(attributes, EVERYTHING, "me\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff", &l));
    assert_false(READ_LOGIN(CAP_SECURE_CONNECTION, EVERYTHING, "me\0\0", &l)); /* before 4.1 */
}

static void ssl_requests(void **state)
{
    uint8_t packet[64] = {0};
    struct writer w = writer_of(packet, sizeof packet);
    uint32_t capabilities = 0;

    (void)state;
    write_u32(&w, CAP_SSL | CAP_PROTOCOL_41);
    for (size_t length = 0; length <= sizeof packet; length++) {
        struct guard g = guard_of(packet, length);
        assert_int_equal(login_is_ssl_request(g.at, length, &capabilities), length == 32);
        guard_done(&g);
    }
    assert_int_equal(capabilities, CAP_SSL | CAP_PROTOCOL_41);
    w = writer_of(packet, sizeof packet);
    write_u32(&w, CAP_PROTOCOL_41);
    assert_false(login_is_ssl_request(packet, 32, &capabilities));
    w = writer_of(packet, sizeof packet);
    write_u32(&w, CAP_SSL);
    assert_false(login_is_ssl_request(packet, 32, &capabilities));
}

static void writing_what_cant_be_said(void **state)
{
    static const uint8_t auth[300];
    struct login l = {.capabilities = LOGIN_BASE, .auth = {auth, sizeof auth}};
    uint8_t out[512];
    struct writer w = writer_of(out, sizeof out);

    (void)state;
    login_write(&w, &l); /* one byte for its length */
    assert_true(w.full);
    l.capabilities |= CAP_PLUGIN_AUTH_LENENC;
    w = writer_of(out, sizeof out);
    login_write(&w, &l);
    assert_false(w.full);
}

/* ---- auth switch, COM_CHANGE_USER ---- */

static void auth_switches(void **state)
{
    static const char *const names[] = {"auth_switch", "change_user_switch"};
    struct auth_switch request;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct vector v;
        struct bytes packet = load(&v, names[i]);
        uint8_t out[64];
        struct writer w = writer_of(out, sizeof out);
        assert_true(auth_switch_read(packet.at, packet.length, &request));
        assert_bytes(request.plugin, "mysql_native_password");
        assert_int_equal(request.data.length, SCRAMBLE_LENGTH);
        auth_switch_write(&w, "mysql_native_password", request.data.at);
        assert_int_equal(writer_length(&w), packet.length);
        assert_memory_equal(out, packet.at, packet.length);
    }
    assert_true(auth_switch_read("\xfe"
                                 "plug\0",
                                 6, &request));
    assert_int_equal(request.data.length, 0);
    assert_false(auth_switch_read("\xfe"
                                  "plug",
                                  5, &request));
    assert_false(auth_switch_read("\xfe", 1, &request)); /* the one of before 4.1 */
    assert_false(auth_switch_read("\0plug\0", 6, &request));
}

static void captured_change_user(void **state)
{
    struct vector v;
    struct bytes packet = load(&v, "change_user");
    struct login l;

    (void)state;
    assert_true(
        change_user_read(packet.at, packet.length, LOGIN_BASE | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS, &l));
    assert_bytes(l.user, "app");
    assert_int_equal(l.auth.length, 0);
    assert_bytes(l.database, "v");
    assert_int_equal(l.collation, 45);
    assert_bytes(l.plugin, "mysql_native_password");
    assert_int_equal(l.attributes.length, 0);
}

static void change_users(void **state)
{
    static const struct {
        const char *rest;
        size_t length;
        bool good;
    } packets[] = {
        {"me\0\0\0", 5, true}, /* old clients end behind the database */
        {"me\0\0\0\x2f\1", 7, true},
        {"me\0\0\0\x2f", 6, false},
        {"me\0\0\0\x2f\1plug\0", 12, true},
        {"me\0\0\0\x2f\1plug\0\4\1k\1v", 17, true},
        {"me\0\0\0\x2f\1plug\0\4\1k\1", 16, false},
        {"me\0\0\0\x2f\1plug\0\2\1k\1v", 17, false},
        {"me\0\5abc", 7, false},
        {"me\0\0db", 6, false},
        {"me", 2, false},
        {"", 0, false},
    };
    struct login l;

    (void)state;
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        uint8_t packet[64] = {COM_CHANGE_USER};
        struct guard g;
        memcpy(packet + 1, packets[i].rest, packets[i].length);
        g = guard_of(packet, packets[i].length + 1);
        assert_int_equal(change_user_read(g.at, packets[i].length + 1,
                                          LOGIN_BASE | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS, &l),
                         packets[i].good);
        guard_done(&g);
    }
    assert_true(change_user_read("\x11me\0\0\0\x2f\1", 8, LOGIN_BASE, &l));
    assert_int_equal(l.collation, 303); /* above what a login can say */
    assert_null(l.database.at);
    assert_false(change_user_read("\x03me\0\0\0", 6, LOGIN_BASE, &l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mariadb_greeting),
        cmocka_unit_test(mysql_greeting),
        cmocka_unit_test(greetings_not_taken),
        cmocka_unit_test(captured_login),
        cmocka_unit_test(login_cut_off),
        cmocka_unit_test(only_what_both_can_do),
        cmocka_unit_test(no_password_no_database),
        cmocka_unit_test(mariadb_capabilities),
        cmocka_unit_test(attacks_on_lengths),
        cmocka_unit_test(ssl_requests),
        cmocka_unit_test(writing_what_cant_be_said),
        cmocka_unit_test(auth_switches),
        cmocka_unit_test(captured_change_user),
        cmocka_unit_test(change_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
