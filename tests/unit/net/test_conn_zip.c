/*
 * test_conn_zip.c - the compressed protocol with zlib's and zstd's own functions at the other end: bytes in
 * pieces of any size, packets of any kind, and packets that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include "pair.h"

enum { HEADER = 7, MUCH = 400000 };

static void put_header(uint8_t *at, size_t packed, uint8_t sequence, size_t plain)
{
    memcpy(at,
           (uint8_t[]){(uint8_t)packed, (uint8_t)(packed >> 8), (uint8_t)(packed >> 16), sequence,
                       (uint8_t)plain, (uint8_t)(plain >> 8), (uint8_t)(plain >> 16)},
           HEADER);
}

/* Appends a packet that holds these bytes. Returns its length. */
static size_t put_packet(uint8_t *at, enum conn_compression how, bool stored, const uint8_t *plain,
                         size_t length)
{
    size_t packed = length;
    uLongf room = compressBound((uLong)length);
    if (stored) {
        memcpy(at + HEADER, plain, length);
    } else if (how == CONN_ZSTD) {
        packed = ZSTD_compress(at + HEADER, ZSTD_compressBound(length), plain, length, 3);
    } else {
        assert_int_equal(compress(at + HEADER, &room, plain, (uLong)length), Z_OK);
        packed = room;
    }
    put_header(at, packed, 0, stored ? 0 : length);
    return HEADER + packed;
}

/* Bytes that can be told by their place, and yet be compressed. */
static uint8_t *some_bytes(size_t length)
{
    uint8_t *bytes = malloc(length);
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(i / 97 + i / 7919);
    return bytes;
}

/* Sends what the peer's socket takes. */
static size_t send_some(struct pair *pair, const uint8_t *bytes, size_t length)
{
    size_t piece = 1 + (size_t)rand() % 3000;
    ssize_t n = send(pair->peer, bytes, piece < length ? piece : length, 0);
    return n > 0 ? (size_t)n : 0;
}

static void read_all(struct pair *pair, enum conn_compression how, unsigned seed)
{
    uint8_t *plain = some_bytes(MUCH), *wire = malloc(2 * MUCH + 100000), *got = malloc(MUCH + 1);
    size_t wire_length = 0, sent = 0, have = 0, n;
    srand(seed);
    for (size_t at = 0; at < MUCH; at += n) {
        n = (size_t)rand() % (rand() % 8 ? 500 : 100000) + 1;
        n = n < MUCH - at ? n : MUCH - at;
        wire_length += put_packet(wire + wire_length, how, rand() % 3 == 0, plain + at, n);
    }
    assert_true(conn_compress(&pair->conn, how, 3));
    while (have < MUCH) {
        sent += send_some(pair, wire + sent, wire_length - sent);
        size_t want = (size_t)rand() % 5000 + 1;
        enum conn_outcome outcome = conn_read_into(&pair->conn, got + have,
                                                   want < MUCH - have ? want : MUCH - have, &n);
        if (outcome == CONN_OK)
            have += n;
        else
            assert_int_equal(outcome, CONN_AGAIN);
    }
    assert_memory_equal(got, plain, MUCH);
    assert_int_equal(sent, wire_length);
    free(plain);
    free(wire);
    free(got);
}

static void packets_of_any_kind_are_read(void **state)
{
    for (unsigned seed = 1; seed <= 6; seed++) {
        read_all(*state, seed % 2 ? CONN_ZLIB : CONN_ZSTD, seed);
        pair_close(state);
        assert_int_equal(pair_open(state), 0);
    }
}

/* Takes apart what was written. */
static size_t unpack(const uint8_t *wire, size_t length, enum conn_compression how, uint8_t *out)
{
    size_t at = 0, have = 0;
    for (unsigned sequence = 0; at < length; sequence++) {
        const uint8_t *header = wire + at;
        size_t packed = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
        size_t plain = header[4] | (size_t)header[5] << 8 | (size_t)header[6] << 16;
        uLongf room = plain;
        assert_int_equal(header[3], sequence & 0xff);
        if (!plain)
            memcpy(out + have, header + HEADER, plain = packed);
        else if (how == CONN_ZSTD)
            assert_int_equal(ZSTD_decompress(out + have, plain, header + HEADER, packed), plain);
        else
            assert_int_equal(uncompress(out + have, &room, header + HEADER, (uLong)packed), Z_OK);
        have += plain;
        at += HEADER + packed;
    }
    return have;
}

static void what_is_written_can_be_unpacked(void **state)
{
    for (int how = CONN_ZLIB; how <= CONN_ZSTD; how++) {
        struct pair *pair = *state;
        uint8_t *plain = some_bytes(MUCH), *wire = malloc(2 * MUCH), *out = malloc(MUCH);
        size_t length = 0;
        assert_true(conn_compress(&pair->conn, how, 3));
        for (size_t at = 0, n; at < MUCH; at += n) {
            n = at < 3000 ? 10 : MUCH - at < 150000 ? MUCH - at : 150000;
            struct iovec iov[] = {{plain + at, n / 3}, {plain + at + n / 3, n - n / 3}};
            assert_int_equal(conn_writev(&pair->conn, iov, 2), CONN_OK);
            for (ssize_t got; (got = recv(pair->peer, wire + length, 2 * MUCH - length, 0)) > 0;) {
                length += (size_t)got;
                ev_run(pair->loop, EVRUN_NOWAIT);
            }
        }
        assert_true(length < MUCH / 2);
        assert_int_equal(unpack(wire, length, how, out), MUCH);
        assert_memory_equal(out, plain, MUCH);
        free(plain);
        free(wire);
        free(out);
        pair_close(state);
        assert_int_equal(pair_open(state), 0);
    }
}

/* What lies here already is told without the socket. */
static void readers_of_little_are_called_again(void **state)
{
    struct pair *pair = *state;
    uint8_t wire[2000], *plain = some_bytes(1000), got[1000];
    size_t length = put_packet(wire, CONN_ZLIB, false, plain, 1000), n, have = 0;
    assert_true(conn_compress(&pair->conn, CONN_ZLIB, 0));
    assert_int_equal(send(pair->peer, wire, length, 0), length);
    for (int rounds = 0; have < 1000; rounds++) {
        int before = pair->readable;
        ev_run(pair->loop, EVRUN_NOWAIT);
        assert_true(pair->readable > before);
        assert_int_equal(conn_read_into(&pair->conn, got + have, 100, &n), CONN_OK);
        have += n;
        assert_true(rounds < 20);
    }
    assert_memory_equal(got, plain, 1000);
    assert_int_equal(conn_read_into(&pair->conn, got, 100, &n), CONN_AGAIN);
    free(plain);
}

static void assert_refused(void **state, const uint8_t *wire, size_t length, const char *what)
{
    struct pair *pair = *state;
    static uint8_t got[MUCH];
    size_t n;
    enum conn_outcome outcome = CONN_OK;
    assert_true(conn_compress(&pair->conn, CONN_ZLIB, 0));
    assert_int_equal(send(pair->peer, wire, length, 0), length);
    for (int i = 0; i < 10 && outcome == CONN_OK; i++)
        outcome = conn_read_into(&pair->conn, got, sizeof got, &n);
    if (outcome != CONN_FAILED || errno != EPROTO)
        fail_msg("%s: outcome %d", what, outcome);
    pair_close(state);
    assert_int_equal(pair_open(state), 0);
}

static void what_is_no_packet_is_refused(void **state)
{
    uint8_t wire[2000], *plain = calloc(1, 100000);
    size_t length = put_packet(wire, CONN_ZLIB, false, plain, 100000), packed = length - HEADER;
    put_header(wire, packed, 0, 10);
    assert_refused(state, wire, length, "more than it promises");
    put_header(wire, packed, 0, 99999);
    assert_refused(state, wire, length, "one more than it promises");
    put_header(wire, packed, 0, 100001);
    assert_refused(state, wire, length, "less than it promises");
    put_header(wire, packed - 5, 0, 100000);
    assert_refused(state, wire, length - 5, "cut off");
    memset(wire + length, 0, 3);
    put_header(wire, packed + 3, 0, 100000);
    assert_refused(state, wire, length + 3, "something behind it");
    put_header(wire, 0, 0, 0);
    assert_refused(state, wire, HEADER, "empty");
    put_header(wire, 0, 0, 5);
    assert_refused(state, wire, HEADER, "nothing that promises something");
    put_header(wire, 20, 0, 50);
    memset(wire + HEADER, 'x', 20);
    assert_refused(state, wire, HEADER + 20, "garbage");
    free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets_of_any_kind_are_read, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(what_is_written_can_be_unpacked, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(readers_of_little_are_called_again, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(what_is_no_packet_is_refused, pair_open, pair_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
