/*
 * test_conn_tls.c - a connection under TLS with OpenSSL's own client at the other end of a socketpair with
 * small buffers: what is read and kept, what waits to be written, what isn't TLS, and sessions that are
 * resumed.
 *
 *   struct conn <── TLS ──> struct peer: an SSL on the test's descriptor
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

#include "pair.h"
#include "pointsman/net/tls.h"

enum { MUCH = 300000, RECORD = 16384 };

static struct tls *tls;
static SSL_CTX *client_context;
static SSL_SESSION *kept; /* the last that the server gave */

struct peer {
    struct pair *pair;
    SSL *ssl;
    size_t got;     /* bytes that came, which tell their place */
    size_t sent;    /* of `sending` */
    size_t sending; /* bytes to be sent in all */
    bool ended;
};

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = session;
    return 1;
}

static int start(void **state)
{
    static const struct config config = {0};
    char why[256];
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* OpenSSL's own write() */
    tls = tls_load(&config, NULL, why, sizeof why);
    client_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(client_context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client_context, keep_session);
    SSL_CTX_set_mode(client_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls && client_context ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    SSL_SESSION_free(kept);
    SSL_CTX_free(client_context);
    tls_unref(tls);
    return 0;
}

/* ---- the peer ---- */

static struct peer peer_new(struct pair *pair)
{
    struct peer peer = {.pair = pair, .ssl = SSL_new(client_context)};
    SSL_set_fd(peer.ssl, pair->peer);
    SSL_set_connect_state(peer.ssl);
    return peer;
}

static void peer_free(struct peer *peer)
{
    SSL_set_shutdown(peer->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(peer->ssl);
}

static void peer_reads(struct peer *peer)
{
    uint8_t buffer[5000];
    size_t n;
    int good;
    while ((good = SSL_read_ex(peer->ssl, buffer, sizeof buffer, &n)) == 1) {
        for (size_t i = 0; i < n; i++)
            if (buffer[i] != pair_byte(peer->got + i))
                fail_msg("byte %zu is wrong", peer->got + i);
        peer->got += n;
    }
    int why = SSL_get_error(peer->ssl, good);
    peer->ended |= why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
}

static void peer_writes(struct peer *peer)
{
    uint8_t bytes[5000];
    size_t n = peer->sending - peer->sent;
    n = n < sizeof bytes ? n : sizeof bytes;
    for (size_t i = 0; i < n; i++)
        bytes[i] = pair_byte(peer->sent + i);
    if (n && SSL_write_ex(peer->ssl, bytes, n, &n) == 1)
        peer->sent += n;
    ERR_clear_error();
}

/* ---- rounds of the loop, until something holds ---- */

struct wish {
    struct peer *peer;
    bool (*holds)(const struct peer *peer);
    bool peer_is_still; /* only writes */
};

static bool step(void *arg)
{
    struct wish *wish = arg;
    peer_writes(wish->peer);
    if (!wish->peer_is_still)
        peer_reads(wish->peer);
    return wish->holds(wish->peer);
}

/* Both take turns without waiting for events of the socket: the peer has none in this loop. */
static void until(struct peer *peer, bool (*holds)(const struct peer *peer))
{
    struct wish wish = {.peer = peer, .holds = holds};
    for (int i = 0; i < 100000; i++) {
        if (step(&wish))
            return;
        loop_round(peer->pair->loop);
    }
    fail_msg("it doesn't come to hold");
}

/* What the connection has read: the bytes must tell their place. */
struct reader_of_all {
    size_t got, room;
    enum conn_outcome last;
    bool once; /* and watch no more */
};
static struct reader_of_all reading;

static void read_all(struct conn *conn)
{
    uint8_t memory[70000];
    size_t n = 0;
    struct pair *pair = pair_of(conn);
    pair->readable++;
    reading.last = conn_read_into(conn, memory, reading.room, &n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(memory[i], pair_byte(reading.got + i));
    reading.got += n;
    if (reading.once)
        conn_watch(conn, false);
}

static const struct conn_events reading_events = {read_all, pair_drained, pair_failed};

static struct peer secured(struct pair *pair)
{
    pair->conn.events = &reading_events;
    reading = (struct reader_of_all){.room = 4096};
    assert_int_equal(conn_secure_client(&pair->conn, tls->clients), CONN_OK);
    assert_true(conn_is_secure(&pair->conn));
    return peer_new(pair);
}

static bool hands_are_shaken(const struct peer *peer)
{
    return SSL_is_init_finished(peer->ssl);
}

static bool peer_has_all(const struct peer *peer)
{
    return peer->got == MUCH;
}

static bool conn_has_all(const struct peer *peer)
{
    return reading.got == peer->sending;
}

/* ---- tests ---- */

static void reading_much(void **state)
{
    struct peer peer = secured(*state);
    peer.sending = MUCH;
    until(&peer, conn_has_all);
    assert_int_equal(SSL_version(peer.ssl), TLS1_3_VERSION);
    assert_int_equal(reading.last == CONN_OK || reading.last == CONN_AGAIN, 1);
    peer_free(&peer);
}

/* One record, much smaller readings: the socket has told everything with the first of them. */
static void what_is_decrypted_is_not_forgotten(void **state)
{
    struct pair *pair = *state;
    struct peer peer = secured(pair);
    until(&peer, hands_are_shaken);
    for (int i = 0; i < 10; i++)
        loop_round(pair->loop);
    reading.room = 100;
    peer.sending = 3000;
    peer_writes(&peer);
    for (int i = 0; i < 60 && reading.got < 3000; i++)
        loop_round(pair->loop);
    assert_int_equal(reading.got, 3000);
    int before = pair->readable;
    for (int i = 0; i < 5; i++) /* and then it is quiet */
        loop_round(pair->loop);
    assert_int_equal(pair->readable, before);
    peer_free(&peer);
}

static void who_stopped_watching_is_told_later(void **state)
{
    struct pair *pair = *state;
    struct peer peer = secured(pair);
    until(&peer, hands_are_shaken);
    for (int i = 0; i < 10; i++)
        loop_round(pair->loop);
    reading.room = 100;
    reading.once = true;
    peer.sending = 300;
    peer_writes(&peer);
    for (int i = 0; i < 5; i++)
        loop_round(pair->loop);
    assert_int_equal(reading.got, 100);
    reading.once = false;
    conn_watch(&pair->conn, true);
    for (int i = 0; i < 5; i++)
        loop_round(pair->loop);
    assert_int_equal(reading.got, 300);
    peer_free(&peer);
}

/* A part of a record is nothing to be read, and no reason to ask again and again. */
static void half_a_record_waits_for_its_end(void **state)
{
    struct pair *pair = *state;
    struct peer peer = secured(pair);
    until(&peer, hands_are_shaken);
    for (int i = 0; i < 10; i++)
        loop_round(pair->loop);
    BIO *memory = BIO_new(BIO_s_mem());
    SSL_set0_wbio(peer.ssl, memory);
    peer.sending = 1000;
    peer_writes(&peer);
    char *record;
    long length = BIO_get_mem_data(memory, &record);
    assert_true(length > 1000);
    send(pair->peer, record, 500, 0);
    for (int i = 0; i < 10; i++)
        loop_round(pair->loop);
    assert_int_equal(reading.got, 0);
    assert_int_equal(reading.last, CONN_AGAIN);
    int before = pair->readable;
    for (int i = 0; i < 10; i++)
        loop_round(pair->loop);
    assert_int_equal(pair->readable, before);
    send(pair->peer, record + 500, (size_t)length - 500, 0);
    for (int i = 0; i < 10; i++)
        loop_round(pair->loop);
    assert_int_equal(reading.got, 1000);
    peer_free(&peer);
}

static void writing_much(void **state)
{
    struct pair *pair = *state;
    struct peer peer = secured(pair);
    uint8_t *bytes = pair_bytes(MUCH);
    until(&peer, hands_are_shaken);
    pair->drained = 0;
    assert_int_equal(conn_write(&pair->conn, bytes, MUCH), CONN_OK);
    assert_true(conn_backlogged(&pair->conn));
    until(&peer, peer_has_all);
    loop_round(pair->loop);
    assert_false(conn_backlogged(&pair->conn));
    assert_int_equal(pair->drained, 1);
    assert_int_equal(pair->chunks.taken, 0);
    free(bytes);
    peer_free(&peer);
}

/* Parts of all sizes, more of them while the first ones wait: a record that was begun must come again as it
 * was. */
static void writing_parts(void **state)
{
    struct pair *pair = *state;
    struct peer peer = secured(pair);
    uint8_t *bytes = pair_bytes(MUCH);
    size_t at = 0, size = 1;
    until(&peer, hands_are_shaken);
    while (at < MUCH) {
        struct iovec iov[8];
        int count = 0;
        for (; count < 8 && at < MUCH; count++) {
            size = (size * 7 + 13) % (count % 3 ? 700 : 21000);
            size_t n = size < MUCH - at ? size : MUCH - at;
            iov[count] = (struct iovec){bytes + at, n};
            at += n;
        }
        assert_int_equal(conn_writev(&pair->conn, iov, count), CONN_OK);
        if (at % 3 == 0)
            peer_reads(&peer);
        loop_round(pair->loop);
    }
    until(&peer, peer_has_all);
    assert_int_equal(pair->failed, 0);
    free(bytes);
    peer_free(&peer);
}

/* A record of many parts that the socket didn't take as a whole: its parts come again in one piece. */
static void a_record_of_parts_waits(void **state)
{
    enum { PARTS = 60, PART = 500, ALL = PARTS * PART, TURNS = MUCH / ALL };
    struct pair *pair = *state;
    struct peer peer = secured(pair);
    uint8_t *bytes = pair_bytes(MUCH);
    struct iovec iov[PARTS];
    until(&peer, hands_are_shaken);
    for (int i = 0; i < 10; i++)
        loop_round(pair->loop);
    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < PARTS; i++)
            iov[i] = (struct iovec){bytes + turn * ALL + i * PART, PART};
        assert_int_equal(conn_writev(&pair->conn, iov, PARTS), CONN_OK);
    }
    until(&peer, peer_has_all);
    assert_int_equal(pair->failed, 0);
    free(bytes);
    peer_free(&peer);
}

/* Small parts of one answer make one record. */
static void parts_are_gathered(void **state)
{
    struct pair *pair = *state;
    struct peer peer = secured(pair);
    uint8_t *bytes = pair_bytes(60);
    struct iovec iov[] = {{bytes, 10}, {bytes, 0}, {bytes + 10, 20}, {bytes + 30, 30}};
    until(&peer, hands_are_shaken);
    for (int i = 0; i < 10; i++) {
        loop_round(pair->loop);
        peer_reads(&peer);
    }
    assert_int_equal(conn_writev(&pair->conn, iov, 4), CONN_OK);
    uint8_t raw[500];
    assert_int_equal(recv(pair->peer, raw, sizeof raw, MSG_PEEK), 5 + 60 + 1 + 16); /* header, type, tag */
    until(&peer, hands_are_shaken);
    assert_int_equal(peer.got, 60);
    free(bytes);
    peer_free(&peer);
}

/* The client doesn't wait for an answer to its SSLRequest: the beginning of its handshake came with it. */
static void what_came_early_is_the_handshake(void **state)
{
    struct pair *pair = *state;
    struct peer peer = peer_new(pair);
    pair->conn.events = &reading_events;
    reading = (struct reader_of_all){.room = 4096};
    assert_int_equal(send(pair->peer, "SSLRequest", 10, 0), 10);
    peer_reads(&peer); /* writes its hello */
    assert_int_equal(conn_read(&pair->conn, CHUNK_SMALL), CONN_OK);
    assert_true(chunk_used(pair->conn.in) > 100);
    conn_consume(&pair->conn, 10);
    assert_int_equal(conn_secure_client(&pair->conn, tls->clients), CONN_OK);
    assert_null(pair->conn.in);
    peer.sending = 50;
    until(&peer, conn_has_all);
    assert_int_equal(pair->chunks.taken, 0);
    peer_free(&peer);
}

static void clear_text_is_refused(void **state)
{
    static const char words[] = "\x03\x00\x00\x00\x03KILL USER root AND SOME MORE WORDS BEHIND IT";
    struct pair *pair = *state;
    char why[100];
    pair->conn.events = &reading_events;
    reading = (struct reader_of_all){.room = 4096};
    assert_int_equal(send(pair->peer, words, sizeof words, 0), sizeof words);
    assert_int_equal(conn_read(&pair->conn, CHUNK_SMALL), CONN_OK);
    assert_int_equal(conn_secure_client(&pair->conn, tls->clients), CONN_OK);
    loop_round(pair->loop);
    assert_int_equal(reading.last, CONN_FAILED);
    assert_int_equal(reading.got, 0);
    assert_string_equal(conn_fault(&pair->conn, why, sizeof why), "TLS: wrong version number");
}

static void clear_text_in_between_is_refused(void **state)
{
    struct pair *pair = *state;
    struct peer peer = secured(pair);
    peer.sending = 10;
    until(&peer, conn_has_all);
    assert_int_equal(send(pair->peer, "SELECT 1", 8, 0), 8);
    loop_round(pair->loop);
    assert_int_equal(reading.last, CONN_FAILED);
    assert_int_equal(reading.got, 10);
    peer_free(&peer);
}

/* Its last bytes are read, then its end is told, whether it takes its leave or not. */
static void the_end_of_the_peer(void **state)
{
    for (int polite = 0; polite < 2; polite++) {
        void *own = NULL;
        assert_int_equal(pair_open(&own), 0);
        struct pair *pair = own;
        struct peer peer = secured(pair);
        peer.sending = 10;
        until(&peer, conn_has_all);
        peer.sending = 500;
        peer_writes(&peer);
        if (polite)
            SSL_shutdown(peer.ssl);
        else
            shutdown(pair->peer, SHUT_WR);
        for (int i = 0; i < 10 && reading.last != CONN_CLOSED; i++)
            loop_round(pair->loop);
        assert_int_equal(reading.got, 500);
        assert_int_equal(reading.last, CONN_CLOSED);
        SSL_free(peer.ssl);
        assert_int_equal(pair_close(&own), 0);
    }
    (void)state;
}

static void a_peer_that_vanishes_fails_what_waits(void **state)
{
    struct pair *pair = *state;
    struct peer peer = secured(pair);
    uint8_t *bytes = pair_bytes(MUCH);
    until(&peer, hands_are_shaken);
    assert_int_equal(conn_write(&pair->conn, bytes, MUCH), CONN_OK);
    peer_free(&peer);
    close(pair->peer);
    pair->peer = -1;
    for (int i = 0; i < 10 && !pair->failed; i++)
        loop_round(pair->loop);
    assert_int_equal(pair->failed, 1);
    free(bytes);
}

static void old_versions_are_refused(void **state)
{
    struct peer peer = secured(*state);
    SSL_set_security_level(peer.ssl, 0);
    SSL_set_min_proto_version(peer.ssl, 0);
    SSL_set_max_proto_version(peer.ssl, TLS1_1_VERSION);
    for (int i = 0; i < 20 && !peer.ended; i++) {
        peer_reads(&peer);
        loop_round(peer.pair->loop);
    }
    assert_true(peer.ended);
    assert_int_equal(reading.last, CONN_FAILED);
    peer_free(&peer);
}

static void sessions_are_resumed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (int again = 0; again < 2; again++) {
            void *own = NULL;
            assert_int_equal(pair_open(&own), 0);
            struct peer peer = secured(own);
            SSL_set_max_proto_version(peer.ssl, versions[i]);
            if (again)
                SSL_set_session(peer.ssl, kept);
            peer.sending = 10;
            until(&peer, conn_has_all);
            until(&peer, hands_are_shaken);
            assert_int_equal(SSL_version(peer.ssl), versions[i]);
            assert_int_equal(SSL_session_reused(peer.ssl), again);
            assert_int_equal(conn_resumed(&((struct pair *)own)->conn), again);
            peer_free(&peer);
            assert_int_equal(pair_close(&own), 0);
        }
}

#define over_a_pair(test) cmocka_unit_test_setup_teardown(test, pair_open, pair_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_a_pair(reading_much),
        over_a_pair(what_is_decrypted_is_not_forgotten),
        over_a_pair(who_stopped_watching_is_told_later),
        over_a_pair(half_a_record_waits_for_its_end),
        over_a_pair(writing_much),
        over_a_pair(writing_parts),
        over_a_pair(a_record_of_parts_waits),
        over_a_pair(parts_are_gathered),
        over_a_pair(what_came_early_is_the_handshake),
        over_a_pair(clear_text_is_refused),
        over_a_pair(clear_text_in_between_is_refused),
        cmocka_unit_test(the_end_of_the_peer),
        over_a_pair(a_peer_that_vanishes_fails_what_waits),
        over_a_pair(old_versions_are_refused),
        cmocka_unit_test(sessions_are_resumed),
    };
    return cmocka_run_group_tests(tests, start, end);
}
