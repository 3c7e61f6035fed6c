/*
 * test_conn_server.c - a connection under TLS to a server, which is OpenSSL's own at the other end of a
 * socketpair: what is written before the handshake, whose certificate is taken, and sessions that are
 * resumed.
 *
 *   struct conn ── conn_secure_server() ──> SSL of the test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

#include "../../certificate.h"
#include "pair.h"
#include "pointsman/net/tls.h"

static char folder[] = "/tmp/test-conn-server-XXXXXX";
static char ca[100], other[100];

static const char *path(const char *file)
{
    static char text[4][200];
    static int next;
    char *place = text[next++ % 4];
    snprintf(place, sizeof *text, "%s/%s", folder, file);
    return place;
}

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(folder) || !certificate_make(folder, "ca", NULL, NULL) ||
        !certificate_make(folder, "other", NULL, NULL) ||
        !certificate_make(folder, "db", "ca", "DNS:db.example,IP:127.0.0.1"))
        return -1;
    snprintf(ca, sizeof ca, "%s", path("ca.pem"));
    snprintf(other, sizeof other, "%s", path("other.pem"));
    return 0;
}

static int end(void **state)
{
    static const char *const files[] = {"ca.pem", "ca.key", "other.pem", "other.key", "db.pem", "db.key"};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(path(files[i]));
    return rmdir(folder);
}

static struct tls *contexts(enum config_tls_servers wanted, char *authority)
{
    const struct config config = {.tls_servers = wanted, .tls_ca = authority};
    char why[100];
    struct tls *tls = tls_load(&config, NULL, why, sizeof why);
    if (!tls)
        fail_msg("%s", why);
    return tls;
}

static SSL_CTX *server_context(const char *name)
{
    char file[50];
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    snprintf(file, sizeof file, "%s.pem", name);
    assert_int_equal(SSL_CTX_use_certificate_file(context, path(file), SSL_FILETYPE_PEM), 1);
    snprintf(file, sizeof file, "%s.key", name);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, path(file), SSL_FILETYPE_PEM), 1);
    return context;
}

/* What came of one connection. */
struct outcome {
    bool passed; /* the bytes went through, both ways */
    bool resumed;
    char why[200];
};

static enum conn_outcome last_read;
static size_t got;

static void read_all(struct conn *conn)
{
    uint8_t memory[1000];
    size_t n = 0;
    last_read = conn_read_into(conn, memory, sizeof memory, &n);
    got += n;
}

static void failed(struct conn *conn)
{
    (void)conn;
    last_read = CONN_FAILED;
}

static const struct conn_events events = {read_all, pair_drained, failed};

/* Writes at once, as a login does; the server answers when it has that. */
static struct outcome connect_once(SSL_CTX *server, struct tls *tls, const char *host,
                                   struct conn_session *last)
{
    void *own = NULL;
    struct outcome outcome = {0};
    assert_int_equal(pair_open(&own), 0);
    struct pair *pair = own;
    pair->conn.events = &events;
    SSL *ssl = SSL_new(server);
    SSL_set_fd(ssl, pair->peer);
    SSL_set_accept_state(ssl);
    got = 0;
    last_read = CONN_OK;
    assert_int_equal(conn_secure_server(&pair->conn, tls->servers, host, last), CONN_OK);
    assert_int_equal(conn_write(&pair->conn, "login", 5), CONN_OK);
    assert_true(conn_backlogged(&pair->conn));
    for (int i = 0; i < 1000 && got < 2 && last_read != CONN_FAILED; i++) {
        char word[10];
        size_t n;
        if (SSL_read_ex(ssl, word, sizeof word, &n) == 1) {
            outcome.passed = n == 5 && memcmp(word, "login", 5) == 0;
            SSL_write_ex(ssl, "OK", 2, &n);
        }
        ERR_clear_error();
        loop_round(pair->loop);
    }
    outcome.passed &= got == 2;
    outcome.resumed = conn_resumed(&pair->conn);
    if (!outcome.passed)
        conn_fault(&pair->conn, outcome.why, sizeof outcome.why);
    SSL_free(ssl);
    assert_int_equal(pair_close(&own), 0);
    return outcome;
}

/* ---- tests ---- */

static void whose_certificate_is_taken(void **state)
{
    const struct {
        enum config_tls_servers wanted;
        char *authority;
        const char *server, *host, *why;
    } rows[] = {
        {CONFIG_TLS_PREFERRED, NULL, "other", "db.example", NULL},
        {CONFIG_TLS_REQUIRED, NULL, "other", "db.example", NULL},
        {CONFIG_TLS_VERIFY, ca, "db", "db.example", NULL},
        {CONFIG_TLS_VERIFY, ca, "db", "127.0.0.1", NULL},
        {CONFIG_TLS_VERIFY, ca, "db", "db2.example", "TLS: certificate verify failed: hostname mismatch"},
        {CONFIG_TLS_VERIFY, ca, "db", "127.0.0.2", "TLS: certificate verify failed: IP address mismatch"},
        {CONFIG_TLS_VERIFY, ca, "other", "other", "TLS: certificate verify failed: self-signed certificate"},
        {CONFIG_TLS_VERIFY, other, "db", "db.example",
         "TLS: certificate verify failed: unable to get local issuer certificate"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conn_session last = {0};
        struct tls *tls = contexts(rows[i].wanted, rows[i].authority);
        SSL_CTX *server = server_context(rows[i].server);
        struct outcome outcome = connect_once(server, tls, rows[i].host, &last);
        if (outcome.passed != !rows[i].why || (rows[i].why && strcmp(outcome.why, rows[i].why) != 0))
            fail_msg("row %zu: passed %d %s", i, outcome.passed, outcome.why);
        SSL_CTX_free(server);
        tls_unref(tls);
        conn_session_done(&last);
    }
}

static void sessions_are_resumed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct conn_session last = {0};
        struct tls *tls = contexts(CONFIG_TLS_VERIFY, ca);
        SSL_CTX *server = server_context("db");
        SSL_CTX_set_max_proto_version(server, versions[i]);
        for (int again = 0; again < 4; again++) {
            struct outcome outcome = connect_once(server, tls, "db.example", &last);
            if (!outcome.passed || outcome.resumed != (again > 0))
                fail_msg("version %zu, time %d: passed %d, resumed %d", i, again, outcome.passed,
                         outcome.resumed);
        }
        SSL_CTX_free(server);
        tls_unref(tls);
        conn_session_done(&last);
    }
}

/* One that was made without verifying would be resumed without, too. */
static void other_contexts_sessions_are_not(void **state)
{
    struct conn_session last = {0};
    struct tls *loose = contexts(CONFIG_TLS_REQUIRED, NULL), *strict = contexts(CONFIG_TLS_VERIFY, other);
    SSL_CTX *server = server_context("db");
    (void)state;
    assert_true(connect_once(server, loose, "db.example", &last).passed);
    assert_non_null(last.session);
    assert_false(connect_once(server, strict, "db.example", &last).passed);
    SSL_CTX_free(server);
    tls_unref(loose);
    tls_unref(strict);
    conn_session_done(&last);
}

static void a_server_that_speaks_in_clear(void **state)
{
    struct pair *pair = *state;
    struct conn_session last = {0};
    struct tls *tls = contexts(CONFIG_TLS_REQUIRED, NULL);
    char why[100];
    pair->conn.events = &events;
    last_read = CONN_OK;
    assert_int_equal(conn_secure_server(&pair->conn, tls->servers, "a", &last), CONN_OK);
    assert_int_equal(conn_write(&pair->conn, "login", 5), CONN_OK);
    assert_int_equal(send(pair->peer, "\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00", 11, 0), 11);
    for (int i = 0; i < 5 && last_read != CONN_FAILED; i++)
        loop_round(pair->loop);
    assert_int_equal(last_read, CONN_FAILED);
    assert_string_equal(conn_fault(&pair->conn, why, sizeof why), "TLS: wrong version number");
    uint8_t sent[2000];
    ssize_t n = recv(pair->peer, sent, sizeof sent, 0);
    assert_null(memmem(sent, (size_t)n, "login", 5));
    tls_unref(tls);
    conn_session_done(&last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_certificate_is_taken),
        cmocka_unit_test(sessions_are_resumed),
        cmocka_unit_test(other_contexts_sessions_are_not),
        cmocka_unit_test_setup_teardown(a_server_that_speaks_in_clear, pair_open, pair_close),
    };
    return cmocka_run_group_tests(tests, start, end);
}
