/*
 * pair.h - a connection and its peer over a socketpair with small buffers, in a loop of their own; what the
 * connection reports is counted.
 *
 *   struct conn <──── AF_UNIX stream, SO_SNDBUF = PAIR_BUFFER ────> fd of the test, non-blocking
 */
#ifndef POINTSMAN_TESTS_UNIT_NET_PAIR_H
#define POINTSMAN_TESTS_UNIT_NET_PAIR_H

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../loop.h"
#include "pointsman/net/conn.h"

enum { PAIR_BUFFER = 4608 };

struct pair {
    struct conn conn;
    int peer; /* -1: closed */
    struct ev_loop *loop;
    struct chunk_pool chunks;
    int readable, drained, failed; /* how often each event came */
    bool close_on_event;
};

static inline struct pair *pair_of(struct conn *conn)
{
    struct pair *pair = list_entry(conn, struct pair, conn);
    if (pair->close_on_event)
        conn_close(conn);
    return pair;
}

static inline void pair_readable(struct conn *conn)
{
    pair_of(conn)->readable++;
}

static inline void pair_drained(struct conn *conn)
{
    pair_of(conn)->drained++;
}

static inline void pair_failed(struct conn *conn)
{
    pair_of(conn)->failed++;
    conn_close(conn); /* as owners do */
}

static inline int pair_open(void **state)
{
    static const struct conn_events events = {pair_readable, pair_drained, pair_failed};
    struct pair *pair = calloc(1, sizeof *pair);
    int fds[2];
    if (!pair || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &(int){PAIR_BUFFER}, sizeof(int));
    pair->peer = fds[1];
    pair->loop = ev_loop_new(0);
    chunk_pool_init(&pair->chunks);
    conn_open(&pair->conn, fds[0], pair->loop, &pair->chunks, &events);
    *state = pair;
    return 0;
}

/* Nothing may be taken any more once the connection is closed: chunk_pool_done() asserts it. */
static inline int pair_close(void **state)
{
    struct pair *pair = *state;
    conn_close(&pair->conn);
    if (pair->peer >= 0)
        close(pair->peer);
    chunk_pool_done(&pair->chunks);
    ev_loop_destroy(pair->loop);
    free(pair);
    return 0;
}

/* Bytes that tell their place. */
static inline uint8_t pair_byte(size_t place)
{
    return (uint8_t)(place * 31 + place / 251);
}

static inline uint8_t *pair_bytes(size_t length)
{
    uint8_t *bytes = malloc(length);
    for (size_t i = 0; bytes && i < length; i++)
        bytes[i] = pair_byte(i);
    return bytes;
}

/* Reads what has come to the peer; it must be the bytes from `place` on. Returns how many. */
static inline size_t pair_peer_reads(struct pair *pair, size_t place)
{
    uint8_t buffer[8192];
    ssize_t n = recv(pair->peer, buffer, sizeof buffer, 0);
    for (ssize_t i = 0; i < n; i++)
        if (buffer[i] != pair_byte(place + (size_t)i))
            abort();
    return n > 0 ? (size_t)n : 0;
}

#endif
