/*
 * test_tls.c - TLS between clients and the proxy: who gets it, who must have it, what doesn't pass as it, and
 * that everything passes through it.
 *
 *   set    a primary and a replica, whose servers don't ask for TLS
 *   proxy  with a certificate of an authority that is made here; both can be exchanged by a reload
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "../cluster/rawclient.h"
#include "tls_files.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 15000 };

static struct cluster *set;
static struct pointsman *proxy;
static char own_files[600];

static const char accounts[] =
    "CREATE USER careful@'%' IDENTIFIED BY 'careful-secret' REQUIRE SSL; GRANT ALL ON shop.* TO careful@'%';"
    "CREATE USER shown@'%' IDENTIFIED BY 'shown-secret' REQUIRE X509; GRANT ALL ON shop.* TO shown@'%'";

static int start_all(void **state)
{
    const struct cluster_options options = {.servers = 2,
                                            .args = (const char *const[]){"--max-allowed-packet=1G", NULL}};
    const struct pointsman_options more = {.pointsman = "login_timeout = 3s\nworkers = 2\n",
                                           .more = own_files};
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (!folder_make() || !certificate_make(folder, "ca", NULL, NULL) ||
        !certificate_make(folder, "proxy", "ca", "IP:127.0.0.1,DNS:localhost") ||
        !certificate_make(folder, "other", NULL, "IP:127.0.0.1"))
        return -1;
    snprintf(own_files, sizeof own_files, "[tls]\ncertificate = %s/proxy.pem\nkey = %s/proxy.key\n", folder,
             folder);
    set = cluster_start(&options);
    if (set && cluster_numbers(set, "shop", 1, 3000) && cluster_sql(set, 0, "%s", accounts) == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (proxy = pointsman_start(set, &more)))
        return 0;
    cluster_stop(set);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(proxy);
    cluster_stop(set);
    folder_remove();
    return status;
}

/* ---- clients of the library ---- */

/* ca: NULL, or a file in the folder by which the proxy is verified. NULL: refused. */
static MYSQL *dial(const struct cluster_account *account, const char *ca)
{
    MYSQL *client = mysql_init(NULL);
    char path[600];
    assert_non_null(client);
    snprintf(path, sizeof path, "%s/%s", folder, ca ? ca : "");
    mysql_ssl_set(client, NULL, NULL, ca ? path : NULL, NULL, NULL);
#ifdef MARIADB_PACKAGE_VERSION_ID
    mysql_options(client, MYSQL_OPT_SSL_ENFORCE, &(char){1});
    mysql_options(client, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &(char){ca != NULL});
#endif
    if (mysql_real_connect(client, "127.0.0.1", account->user, account->password, "shop",
                           (unsigned)proxy->port, NULL, 0))
        return client;
    mysql_close(client);
    return NULL;
}

static MYSQL *app_with(const char *ca)
{
    MYSQL *client = dial(&cluster_app, ca);
    if (!client)
        fail_msg("no login");
    assert_non_null(mysql_get_ssl_cipher(client));
    return client;
}

static void statements_run_and_sessions_hold(void **state)
{
    MYSQL *client = app_with(NULL);
    (void)state;
    assert_int_equal(sql_run(client, "CREATE TABLE noted (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT)"), 0);
    assert_int_equal(sql_run(client, "SET @x = 7"), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(sql_run(client, "INSERT INTO noted (t) VALUES (CONCAT('number ', @x))"), 0);
        assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM noted WHERE t = 'number 7'"), i + 1);
    }
    assert_int_equal(sql_run(client, "SELECT nonsense"), 1054);
    assert_int_equal(mysql_change_user(client, "report", "report-secret", "shop"), 0);
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM noted"), 20);
    mysql_close(client);
}

/* Far more than sockets and buffers hold, both ways; the reader is slower than the server. */
static void much_passes(void **state)
{
    enum { ROWS = 3000, WIDE = 100000, LONG = 17 << 20 };
    MYSQL *client = app_with(NULL);
    char *text = malloc(LONG + 100);
    (void)state;
    assert_int_equal(
        mysql_query(client, "SELECT seq, REPEAT(CHAR(65 + seq % 26), 100000) FROM seq_1_to_3000"), 0);
    MYSQL_RES *result = mysql_use_result(client);
    assert_non_null(result);
    int count = 0;
    for (MYSQL_ROW row; (row = mysql_fetch_row(result)); count++) {
        unsigned long length = mysql_fetch_lengths(result)[1];
        char letter = (char)('A' + (count + 1) % 26);
        if (length != WIDE || row[1][0] != letter || row[1][WIDE / 2] != letter || row[1][WIDE - 1] != letter)
            fail_msg("row %d is wrong", count);
    }
    mysql_free_result(result);
    assert_int_equal(mysql_errno(client), 0);
    assert_int_equal(count, ROWS);
    size_t head = (size_t)sprintf(text, "SELECT SHA2('");
    memset(text + head, 'z', LONG);
    strcpy(text + head + LONG, "', 256)");
    if (mysql_real_query(client, text, head + LONG + strlen("', 256)")))
        fail_msg("%u %s", mysql_errno(client), mysql_error(client));
    result = mysql_store_result(client);
    char *passed = strdup(mysql_fetch_row(result)[0]);
    mysql_free_result(result);
    char *expected = sql_value(client, "SELECT SHA2(REPEAT('z', %d), 256)", LONG);
    assert_string_equal(passed, expected);
    free(passed);
    free(expected);
    free(text);
    mysql_close(client);
}

static void the_certificate_is_the_configured_one(void **state)
{
    (void)state;
    mysql_close(app_with("ca.pem"));
    assert_null(dial(&cluster_app, "other.pem"));
}

/* ---- who must have it ---- */

static unsigned outcome(struct raw *raw, bool secure, const char *user, const char *password,
                        struct raw_err *ret)
{
    *ret = (struct raw_err){0};
    bool in = raw_greeting(raw) && (!secure || raw_secure(raw, NULL)) &&
              raw_log_in(raw, user, password, NULL, RAW_PLAIN);
    if (!in && !raw_err(raw, ret))
        ret->code = 9999;
    raw_close(raw);
    return ret->code;
}

static void accounts_that_require_it(void **state)
{
    struct raw_err err, direct;
    (void)state;
    assert_int_equal(outcome(raw_dial(proxy->port, NULL), false, "careful", "careful-secret", &err), 1045);
    assert_int_equal(
        outcome(raw_dial(set->server[0].port, NULL), false, "careful", "careful-secret", &direct), 1045);
    assert_string_equal(err.message, direct.message);
    assert_int_equal(outcome(raw_dial(proxy->port, NULL), true, "careful", "careful-secret", &err), 0);
    /* a socket is no TLS, for a server neither */
    assert_int_equal(outcome(raw_dial(0, proxy->socket), false, "careful", "careful-secret", &err), 1045);
    assert_int_equal(outcome(raw_dial(0, set->server[0].socket), false, "careful", "careful-secret", &err),
                     1045);
    assert_int_equal(outcome(raw_dial(0, proxy->socket), true, "careful", "careful-secret", &err), 0);
    /* a certificate can't be shown to the server in the client's place */
    assert_int_equal(outcome(raw_dial(proxy->port, NULL), true, "shown", "shown-secret", &err), 1045);
    assert_int_equal(outcome(raw_dial(proxy->port, NULL), true, "app", "app-secret", &err), 0);
}

/* ---- reload ---- */

static char *lines_with(const char *name, const char *more)
{
    static char lines[1500];
    snprintf(lines, sizeof lines, "certificate = %s/%s.pem\nkey = %s/%s.key\n%s", folder, name, folder, name,
             more);
    return lines;
}

static void a_reload_brings_another_certificate(void **state)
{
    MYSQL *running = app_with("ca.pem");
    (void)state;
    reload(proxy, lines_with("other", ""), "reloaded");
    mysql_close(app_with("other.pem"));
    assert_null(dial(&cluster_app, "ca.pem"));
    assert_int_equal(sql_run(running, "SELECT REPEAT('x', 100000)"), 0); /* who was there goes on */
    mysql_close(running);
    reload(proxy, "certificate = /nowhere\nkey = /nowhere\n", "reload-failed");
    assert_int_equal(events(proxy, "certificate = /nowhere: No such file"), 1);
    mysql_close(app_with("other.pem"));
    reload(proxy, "", "reloaded"); /* one of its own making */
    mysql_close(app_with(NULL));
    assert_null(dial(&cluster_app, "other.pem"));
    reload(proxy, lines_with("proxy", ""), "reloaded");
    mysql_close(app_with("ca.pem"));
}

struct wanted {
    unsigned code;
};

static bool clear_logins_get(void *arg)
{
    struct raw_err err;
    return outcome(raw_dial(proxy->port, NULL), false, "app", "app-secret", &err) ==
           ((struct wanted *)arg)->code;
}

/* Workers learn of it with the next picture of the servers. */
static void await_clear_logins(unsigned code)
{
    struct wanted wanted = {code};
    if (!wait_for(clear_logins_get, &wanted, PATIENCE_MS))
        fail_msg("they don't get %u", code);
}

static void who_must_have_it(void **state)
{
    struct raw_err err;
    (void)state;
    reload(proxy, lines_with("proxy", "require = yes\n"), "reloaded");
    await_clear_logins(3159);
    assert_int_equal(outcome(raw_dial(proxy->port, NULL), false, "app", "app-secret", &err), 3159);
    assert_string_equal(err.state, "HY000");
    assert_non_null(strstr(err.message, "insecure transport"));
    assert_int_equal(outcome(raw_dial(proxy->port, NULL), true, "app", "app-secret", &err), 0);
    assert_int_equal(outcome(raw_dial(0, proxy->socket), false, "app", "app-secret", &err), 0);
    reload(proxy, lines_with("proxy", ""), "reloaded");
    await_clear_logins(0);
}

/* ---- resumption ---- */

static void sessions_are_resumed_by_any_worker(void **state)
{
    void *session = NULL;
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct raw *raw = raw_dial(proxy->port, NULL);
        assert_true(raw_greeting(raw));
        assert_true(raw_secure(raw, session));
        assert_int_equal(raw_resumed(raw), i > 0);
        assert_true(raw_log_in(raw, "app", "app-secret", NULL, RAW_PLAIN));
        assert_int_equal(raw_run(raw, "SELECT 1"), 0);
        raw_forget(session);
        session = raw_session(raw);
        raw_close(raw);
    }
    raw_forget(session);
}

/* ---- what is none ---- */

static void request_packet(uint8_t *packet, uint8_t length, uint32_t capabilities)
{
    memset(packet, 0, 4 + (size_t)length);
    packet[0] = length;
    packet[3] = 1;
    memcpy(packet + 4, &capabilities, sizeof capabilities);
}

/* Statements and logins in clear behind the request are never taken for something that came through TLS. */
static void nothing_in_clear_counts_behind_the_request(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t packets[700];
        struct raw *raw = raw_dial(proxy->port, NULL);
        assert_true(raw_greeting(raw));
        request_packet(packets, 32, RAW_PLAIN | RAW_SSL);
        uint8_t *login = packets + 36;
        size_t length = raw_login_packet(raw, "app", "app-secret", NULL, RAW_PLAIN | (i ? RAW_SSL : 0),
                                         login + 4, 500);
        memcpy(login, (uint8_t[]){(uint8_t)length, 0, 0, 2}, 4);
        raw_bytes(raw, packets, 36 + 4 + length);
        assert_true(raw_ends(raw));
        raw_close(raw);
    }
}

static void expect_bad_handshake(struct raw *raw)
{
    struct raw_err err;
    assert_int_equal(raw_read(raw), RAW_GOT);
    assert_true(raw_err(raw, &err));
    assert_int_equal(err.code, 1043);
    assert_true(raw_ends(raw));
    raw_close(raw);
}

static void requests_of_other_lengths_are_refused(void **state)
{
    uint8_t packet[300];
    (void)state;
    for (uint8_t length = 30; length < 60; length++) {
        if (length == 32)
            continue;
        struct raw *raw = raw_dial(proxy->port, NULL);
        assert_true(raw_greeting(raw));
        request_packet(packet, length, RAW_PLAIN | RAW_SSL);
        raw_bytes(raw, packet, 4 + (size_t)length);
        expect_bad_handshake(raw);
    }
    /* a whole login that says it goes on in TLS */
    struct raw *raw = raw_dial(proxy->port, NULL);
    assert_true(raw_greeting(raw));
    size_t length = raw_login_packet(raw, "app", "app-secret", NULL, RAW_PLAIN | RAW_SSL, packet,
                                     sizeof packet);
    raw_packet(raw, 1, packet, length);
    expect_bad_handshake(raw);
}

static void a_second_request_is_refused(void **state)
{
    uint8_t packet[36];
    struct raw *raw = raw_dial(proxy->port, NULL);
    (void)state;
    assert_true(raw_greeting(raw));
    assert_true(raw_secure(raw, NULL));
    request_packet(packet, 32, RAW_PLAIN | RAW_SSL);
    raw_packet(raw, 2, packet + 4, 32);
    expect_bad_handshake(raw);
}

static void a_request_out_of_order_is_refused(void **state)
{
    uint8_t packet[36];
    struct raw_err err;
    struct raw *raw = raw_dial(proxy->port, NULL);
    (void)state;
    assert_true(raw_greeting(raw));
    request_packet(packet, 32, RAW_PLAIN | RAW_SSL);
    raw_packet(raw, 2, packet + 4, 32);
    assert_int_equal(raw_read(raw), RAW_GOT);
    assert_true(raw_err(raw, &err));
    assert_int_equal(err.code, 1156);
    raw_close(raw);
}

/* Whoever asks and then says nothing has as long as others have to log in. */
static void the_handshake_is_part_of_the_login(void **state)
{
    uint8_t packet[36];
    struct raw *raw = raw_dial(proxy->port, NULL);
    (void)state;
    assert_true(raw_greeting(raw));
    request_packet(packet, 32, RAW_PLAIN | RAW_SSL);
    raw_bytes(raw, packet, 36);
    assert_true(raw_ends(raw));
    raw_close(raw);
    raw = raw_dial(proxy->port, NULL);
    assert_true(raw_greeting(raw));
    assert_true(raw_secure(raw, NULL));
    assert_true(raw_ends(raw));
    raw_close(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_run_and_sessions_hold),
        cmocka_unit_test(much_passes),
        cmocka_unit_test(the_certificate_is_the_configured_one),
        cmocka_unit_test(accounts_that_require_it),
        cmocka_unit_test(a_reload_brings_another_certificate),
        cmocka_unit_test(who_must_have_it),
        cmocka_unit_test(sessions_are_resumed_by_any_worker),
        cmocka_unit_test(nothing_in_clear_counts_behind_the_request),
        cmocka_unit_test(requests_of_other_lengths_are_refused),
        cmocka_unit_test(a_second_request_is_refused),
        cmocka_unit_test(a_request_out_of_order_is_refused),
        cmocka_unit_test(the_handshake_is_part_of_the_login),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    int status = cmocka_run_group_tests(tests, start_all, stop_all);
    return status;
}
