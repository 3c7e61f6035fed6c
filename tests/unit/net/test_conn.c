/*
 * test_conn.c - a connection over a socketpair with small buffers: what is read and kept, what waits to be
 * written, and how it ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "pair.h"

enum { MUCH = 300000 }; /* far more than the socket and one chunk take */

static void assert_in(const struct conn *conn, const char *text)
{
    assert_non_null(conn->in);
    chunk_sane(conn->in);
    assert_int_equal(chunk_used(conn->in), strlen(text));
    assert_memory_equal(conn->in->data + conn->in->start, text, strlen(text));
}

static void peer_says(struct pair *pair, const char *text)
{
    assert_int_equal(send(pair->peer, text, strlen(text), 0), strlen(text));
}

/* ---- reading ---- */

static void nothing_to_read(void **state)
{
    struct pair *pair = *state;
    size_t n = 77;
    uint8_t byte;
    assert_int_equal(conn_read(&pair->conn, 1), CONN_AGAIN);
    assert_null(pair->conn.in); /* who is idle holds no buffer */
    assert_int_equal(pair->chunks.taken, 0);
    assert_int_equal(conn_read_into(&pair->conn, &byte, 1, &n), CONN_AGAIN);
    assert_int_equal(n, 77);
    loop_round(pair->loop);
    assert_int_equal(pair->readable, 0);
}

static void reading_adds_up(void **state)
{
    struct pair *pair = *state;
    struct conn *conn = &pair->conn;
    peer_says(pair, "one");
    loop_round(pair->loop);
    assert_int_equal(pair->readable, 1);
    assert_int_equal(conn_read(conn, 100), CONN_OK);
    assert_in(conn, "one");
    peer_says(pair, "two");
    assert_int_equal(conn_read(conn, 100), CONN_OK);
    assert_in(conn, "onetwo");
    assert_int_equal(conn_read(conn, 100), CONN_AGAIN); /* what was read stays */
    assert_in(conn, "onetwo");
    conn_consume(conn, 0);
    conn_consume(conn, 4);
    assert_in(conn, "wo");
    conn_consume(conn, 2);
    assert_null(conn->in);
    assert_int_equal(pair->chunks.taken, 0);
    conn_consume(conn, 0); /* of nothing, nothing */
}

/* Room is made by moving what is there to the front, or else in a larger chunk. */
static void room_is_made(void **state)
{
    struct pair *pair = *state;
    struct conn *conn = &pair->conn;
    uint8_t *bytes = pair_bytes(CHUNK_LARGE);
    assert_int_equal(conn_keep(conn, bytes, CHUNK_SMALL), CONN_OK);
    conn_consume(conn, CHUNK_SMALL - 10);
    struct chunk *before = conn->in;
    peer_says(pair, "x");
    assert_int_equal(conn_read(conn, CHUNK_SMALL - 10), CONN_OK);
    assert_ptr_equal(conn->in, before);
    assert_int_equal(conn->in->start, 0);
    assert_int_equal(chunk_used(conn->in), 11);
    assert_memory_equal(conn->in->data, bytes + CHUNK_SMALL - 10, 10);
    peer_says(pair, "y");
    assert_int_equal(conn_read(conn, CHUNK_SMALL), CONN_OK);
    assert_int_equal(conn->in->capacity, CHUNK_LARGE);
    assert_int_equal(chunk_used(conn->in), 12);
    assert_memory_equal(conn->in->data, bytes + CHUNK_SMALL - 10, 10);
    assert_memory_equal(conn->in->data + 10, "xy", 2);
    assert_int_equal(pair->chunks.taken, 1);
    /* more than a chunk can be is refused, and nothing is lost */
    assert_int_equal(conn_read(conn, CHUNK_LARGE - 11), CONN_MEMORY);
    assert_int_equal(chunk_used(conn->in), 12);
    assert_int_equal(conn_read(conn, CHUNK_LARGE - 12), CONN_AGAIN);
    free(bytes);
}

static void reading_stops_at_the_room(void **state)
{
    struct pair *pair = *state;
    struct conn *conn = &pair->conn;
    uint8_t bytes[CHUNK_SMALL] = {0};
    assert_int_equal(conn_keep(conn, bytes, CHUNK_SMALL - 4), CONN_OK);
    peer_says(pair, "abcdefgh");
    assert_int_equal(conn_read(conn, 4), CONN_OK);
    assert_int_equal(chunk_room(conn->in), 0);
    conn_consume(conn, CHUNK_SMALL - 4);
    assert_in(conn, "abcd");
    assert_int_equal(conn_read(conn, 4), CONN_OK);
    assert_in(conn, "abcdefgh");
}

static void keeping(void **state)
{
    struct pair *pair = *state;
    struct conn *conn = &pair->conn;
    uint8_t *bytes = pair_bytes(CHUNK_LARGE + 1);
    assert_int_equal(conn_keep(conn, bytes, 0), CONN_OK);
    assert_null(conn->in);
    assert_int_equal(conn_keep(conn, bytes, CHUNK_LARGE + 1), CONN_MEMORY);
    assert_null(conn->in);
    assert_int_equal(conn_keep(conn, bytes, CHUNK_LARGE), CONN_OK);
    assert_int_equal(chunk_used(conn->in), CHUNK_LARGE);
    assert_memory_equal(conn->in->data, bytes, CHUNK_LARGE);
    free(bytes);
}

static void reading_into_own_memory(void **state)
{
    struct pair *pair = *state;
    uint8_t bytes[4];
    size_t n = 0;
    peer_says(pair, "abcdef");
    assert_int_equal(conn_read_into(&pair->conn, bytes, sizeof bytes, &n), CONN_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(bytes, "abcd", 4);
    assert_int_equal(conn_read_into(&pair->conn, bytes, sizeof bytes, &n), CONN_OK);
    assert_int_equal(n, 2);
    assert_null(pair->conn.in);
}

static void not_watching(void **state)
{
    struct pair *pair = *state;
    peer_says(pair, "x");
    conn_watch(&pair->conn, false);
    conn_watch(&pair->conn, false);
    loop_round(pair->loop);
    assert_int_equal(pair->readable, 0);
    conn_watch(&pair->conn, true);
    conn_watch(&pair->conn, true);
    loop_round(pair->loop);
    assert_int_equal(pair->readable, 1);
    conn_watch(&pair->conn, false); /* changed twice within a round: as if nothing had been */
    conn_watch(&pair->conn, true);
    loop_round(pair->loop);
    assert_int_equal(pair->readable, 2);
}

/* ---- writing ---- */

static void small_things_are_written_at_once(void **state)
{
    struct pair *pair = *state;
    uint8_t *bytes = pair_bytes(100);
    struct iovec parts[] = {{bytes, 10}, {bytes, 0}, {bytes + 10, 50}, {bytes + 60, 40}};
    assert_int_equal(conn_writev(&pair->conn, parts, 4), CONN_OK);
    assert_false(conn_backlogged(&pair->conn));
    assert_int_equal(pair->chunks.taken, 0);
    assert_int_equal(pair_peer_reads(pair, 0), 100);
    assert_int_equal(conn_write(&pair->conn, bytes, 0), CONN_OK);
    assert_false(conn_backlogged(&pair->conn));
    loop_round(pair->loop);
    assert_int_equal(pair->drained, 0); /* nothing had waited */
    free(bytes);
}

struct reading_peer {
    struct pair *pair;
    size_t read, wanted;
};

static bool peer_has_all(void *arg)
{
    struct reading_peer *peer = arg;
    for (size_t n; (n = pair_peer_reads(peer->pair, peer->read)) > 0;)
        peer->read += n;
    return peer->read == peer->wanted;
}

static bool has_drained(void *arg)
{
    return ((struct pair *)arg)->drained > 0;
}

/* What the socket doesn't take waits in chunks, in order, and is reported once when it is gone. */
static void what_does_not_fit_waits(void **state)
{
    struct pair *pair = *state;
    uint8_t *bytes = pair_bytes(MUCH);
    struct iovec parts[] = {{bytes, 1}, {bytes + 1, MUCH / 2}, {bytes + 1 + MUCH / 2, MUCH / 2 - 2}};
    assert_int_equal(conn_writev(&pair->conn, parts, 3), CONN_OK);
    assert_true(conn_backlogged(&pair->conn));
    assert_int_equal(conn_write(&pair->conn, bytes + MUCH - 1, 1), CONN_OK); /* goes behind it */
    unsigned waiting = pair->chunks.taken;
    assert_in_range(waiting, 1, MUCH / CHUNK_LARGE + 2);
    loop_round(pair->loop); /* the socket is full */
    assert_int_equal(pair->drained, 0);
    assert_int_equal(pair->chunks.taken, waiting);
    struct reading_peer peer = {.pair = pair, .wanted = MUCH};
    while (peer.read < MUCH / 2) {
        peer.read += pair_peer_reads(pair, peer.read);
        loop_round(pair->loop);
    }
    assert_in_range(pair->chunks.taken, 1, waiting - 1);
    assert_int_equal(pair->drained, 0);
    assert_true(loop_until(pair->loop, peer_has_all, &peer));
    assert_true(loop_until(pair->loop, has_drained, pair));
    assert_int_equal(pair->drained, 1);
    assert_false(conn_backlogged(&pair->conn));
    assert_int_equal(pair->chunks.taken, 0);
    loop_round(pair->loop);
    assert_int_equal(pair->drained, 1);
    free(bytes);
}

/* Writes of all sizes against a peer that reads a little now and then: every byte in its place. */
static void at_random(void **state)
{
    enum { WRITES = 400, LARGEST = 9000 };
    struct pair *pair = *state;
    uint8_t *bytes = pair_bytes((size_t)WRITES * LARGEST);
    size_t written = 0;
    struct reading_peer peer = {.pair = pair};
    srand(7);
    for (int i = 0; i < WRITES; i++) {
        struct iovec parts[5];
        int count = 1 + rand() % 5;
        for (int part = 0; part < count; part++) {
            size_t n = (size_t)rand() % (rand() % 8 ? 60 : LARGEST / 5);
            parts[part] = (struct iovec){bytes + written, n};
            written += n;
        }
        assert_int_equal(conn_writev(&pair->conn, parts, count), CONN_OK);
        if (rand() % 3 == 0)
            peer.read += pair_peer_reads(pair, peer.read);
        if (rand() % 2 == 0)
            loop_round(pair->loop);
    }
    peer.wanted = written;
    assert_true(loop_until(pair->loop, peer_has_all, &peer));
    loop_round(pair->loop);
    assert_false(conn_backlogged(&pair->conn));
    assert_int_equal(pair->chunks.taken, 0);
    free(bytes);
}

/* ---- ends ---- */

static void the_peer_closes(void **state)
{
    struct pair *pair = *state;
    size_t n;
    uint8_t byte;
    peer_says(pair, "last");
    close(pair->peer);
    pair->peer = -1;
    loop_round(pair->loop);
    assert_int_equal(pair->readable, 1);
    assert_int_equal(conn_read(&pair->conn, 10), CONN_OK);
    assert_in(&pair->conn, "last");
    assert_int_equal(conn_read(&pair->conn, 10), CONN_CLOSED);
    assert_in(&pair->conn, "last");
    assert_int_equal(conn_read_into(&pair->conn, &byte, 1, &n), CONN_CLOSED);
    assert_int_equal(conn_write(&pair->conn, "x", 1), CONN_FAILED); /* EPIPE, and no signal */
    assert_int_equal(errno, EPIPE);
    conn_consume(&pair->conn, 4);
    assert_int_equal(conn_read(&pair->conn, 10), CONN_CLOSED);
    assert_null(pair->conn.in);
}

static bool has_failed(void *arg)
{
    return ((struct pair *)arg)->failed > 0;
}

static void writing_what_waits_fails(void **state)
{
    struct pair *pair = *state;
    uint8_t *bytes = pair_bytes(MUCH);
    assert_int_equal(conn_write(&pair->conn, bytes, MUCH), CONN_OK);
    close(pair->peer);
    pair->peer = -1;
    assert_true(loop_until(pair->loop, has_failed, pair));
    assert_int_equal(pair->failed, 1);
    assert_int_equal(pair->drained, 0);
    assert_false(conn_is_open(&pair->conn));
    assert_int_equal(pair->chunks.taken, 0);
    free(bytes);
}

/* Both directions are ready; the first callback closes: the other must not come. */
static void closed_in_a_callback(void **state)
{
    struct pair *pair = *state;
    pair->close_on_event = true;
    peer_says(pair, "x");
    conn_watch_connect(&pair->conn);
    loop_round(pair->loop);
    assert_int_equal(pair->readable + pair->drained, 1);
    assert_false(conn_is_open(&pair->conn));
}

static void connecting_is_told(void **state)
{
    struct pair *pair = *state;
    conn_watch_connect(&pair->conn);
    loop_round(pair->loop);
    assert_int_equal(pair->drained, 1);
    loop_round(pair->loop);
    assert_int_equal(pair->drained, 1);
}

static void closed(void **state)
{
    struct pair *pair = *state;
    size_t n;
    uint8_t byte;
    peer_says(pair, "x");
    assert_int_equal(conn_read(&pair->conn, 1), CONN_OK);
    conn_close(&pair->conn);
    conn_close(&pair->conn);
    assert_false(conn_is_open(&pair->conn));
    assert_int_equal(pair->chunks.taken, 0);
    conn_watch(&pair->conn, true); /* nothing to watch */
    conn_watch(&pair->conn, false);
    assert_int_equal(conn_read_into(&pair->conn, &byte, 1, &n), CONN_FAILED);
    assert_int_equal(conn_write(&pair->conn, "x", 1), CONN_FAILED);
    loop_round(pair->loop);
    assert_int_equal(recv(pair->peer, &byte, 1, 0), 0);
}

int main(void)
{
#define with_pair(test) cmocka_unit_test_setup_teardown(test, pair_open, pair_close)
    const struct CMUnitTest tests[] = {
        with_pair(nothing_to_read),
        with_pair(reading_adds_up),
        with_pair(room_is_made),
        with_pair(reading_stops_at_the_room),
        with_pair(keeping),
        with_pair(reading_into_own_memory),
        with_pair(not_watching),
        with_pair(small_things_are_written_at_once),
        with_pair(what_does_not_fit_waits),
        with_pair(at_random),
        with_pair(the_peer_closes),
        with_pair(writing_what_waits_fails),
        with_pair(closed_in_a_callback),
        with_pair(connecting_is_told),
        with_pair(closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
