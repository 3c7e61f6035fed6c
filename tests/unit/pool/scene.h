/*
 * scene.h - a worker's pools in front of one server, which is the test itself: a listening socket on loopback
 * whose connections the test reads and writes packet by packet.
 *
 *   pools ──connect──> scene->listener ──accept──> struct peer   (peer_send, peer_read)
 *     └─ events ──> scene->granted, refused, readable ...
 */
#ifndef POINTSMAN_TESTS_UNIT_POOL_SCENE_H
#define POINTSMAN_TESTS_UNIT_POOL_SCENE_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pointsman/base/clock.h"
#include "pointsman/pool/pool.h"
#include "pointsman/protocol/answer.h"
#include "pointsman/protocol/handshake.h"

enum {
    SCENE_PATIENCE_MS = 10000,
    SCENE_KEY = CAP_MULTI_RESULTS | CAP_DEPRECATE_EOF,
    SCENE_GREETING = 0x81ffffff & ~(CAP_SSL | CAP_COMPRESS),
};

struct told {
    struct waiter *waiter;
    struct backend *backend; /* granted; NULL: refused */
    unsigned code;
    char state[8], message[600];
};

struct scene {
    struct ev_loop *loop;
    struct chunk_pool chunks;
    struct state_table states;
    struct pools pools;
    struct pool_limits limits;
    struct config config;
    struct topology *topology; /* one server */
    struct identities identities;
    struct identity *identity;
    int listener;
    struct told told[64];
    int told_count, lost, forgotten, drained;
};

static struct scene scene;

struct peer {
    int fd;
    uint8_t data[65536];
    size_t length;
};

/* ---- what the pools report ---- */

static void scene_granted(struct waiter *waiter, struct backend *backend)
{
    scene.told[scene.told_count++ % 64] = (struct told){.waiter = waiter, .backend = backend};
}

static void scene_refused(struct waiter *waiter, unsigned code, const char *state, const char *message,
                          size_t length)
{
    struct told *told = &scene.told[scene.told_count++ % 64];
    *told = (struct told){.waiter = waiter, .code = code};
    snprintf(told->state, sizeof told->state, "%s", state);
    memcpy(told->message, message, length);
    /* what callees do: they write, and may need buffers for it */
    struct chunk *chunk = chunk_take(&scene.chunks, 1);
    memset(chunk->data, '#', chunk->capacity);
    chunk_give(&scene.chunks, chunk);
}

/* As the relay does it, for answers that are one OK each. */
static void scene_readable(struct backend *backend)
{
    struct conn *conn = &backend->conn;
    if (conn_read(conn, 1024) != CONN_OK) {
        scene.lost++;
        backend_discard(backend);
        return;
    }
    while (backend->list == BACKEND_CLEANING && conn->in && chunk_used(conn->in) >= PACKET_HEADER) {
        size_t length = PACKET_HEADER + packet_length(conn->in->data + conn->in->start);
        if (chunk_used(conn->in) < length)
            return;
        conn_consume(conn, length);
        backend_answered(backend);
        if (list_empty(&backend->commands))
            backend_cleaned(backend);
    }
}

static void scene_drained(struct backend *backend)
{
    (void)backend;
    scene.drained++;
}

static void scene_lost(struct backend *backend)
{
    scene.lost++;
    backend_discard(backend);
}

static void scene_forget(struct backend *backend)
{
    scene.forgotten++;
    memset(backend->past, 0, sizeof backend->past);
}

static void scene_starved(struct pool *pool)
{
    (void)pool;
}

static const struct pool_events scene_events = {
    .granted = scene_granted,
    .refused = scene_refused,
    .readable = scene_readable,
    .drained = scene_drained,
    .lost = scene_lost,
    .forget = scene_forget,
    .retire = backend_discard,
    .silent = scene_lost,
    .starved = scene_starved,
};

/* ---- building and ending ---- */

static inline void scene_listen(struct config_address *address)
{
    address->length = sizeof address->sa.in;
    address->sa.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    scene.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (scene.listener < 0 || bind(scene.listener, &address->sa.any, address->length) < 0 ||
        listen(scene.listener, 128) < 0 ||
        getsockname(scene.listener, &address->sa.any, &address->length) < 0)
        abort();
}

static inline int scene_open(void **state)
{
    uint8_t stage1[NATIVE_LENGTH];
    (void)state;
    scene = (struct scene){.loop = ev_loop_new(0)};
    scene.config = (struct config){.connect_timeout = 60000, .idle_timeout = 60000, .max_per_server = 50};
    scene.topology = calloc(1, sizeof *scene.topology + sizeof(struct server_view));
    scene.topology->config = &scene.config;
    scene.topology->count = 1;
    struct server_view *server = &scene.topology->servers[0];
    *server = (struct server_view){.role = ROLE_PRIMARY, .usable_for_reads = true, .usable_for_writes = true};
    server->look.mariadb = true;
    scene_listen(&server->address);
    chunk_pool_init(&scene.chunks);
    if (!state_table_init(&scene.states))
        return -1;
    pools_init(&scene.pools, scene.loop, &scene.chunks, &scene.states, &scene_events, &scene.limits);
    pools_topology(&scene.pools, scene.topology);
    list_init(&scene.identities.all);
    auth_native_stage1("secret", 6, stage1);
    scene.identity = identity_intern(&scene.identities, "app", 1, stage1, NULL);
    return scene.identity ? 0 : -1;
}

/* Nothing may be left: buffers, states, places at the server, accounts. */
static inline int scene_close(void **state)
{
    (void)state;
    close(scene.listener);
    identity_unref(scene.identity);
    pools_done(&scene.pools);
    bool clean = scene.limits.used[0] == 0 && scene.states.count == 1 && scene.chunks.taken == 0 &&
                 list_empty(&scene.identities.all) && scene.pools.idle[0] == 0 && scene.pools.busy[0] == 0;
    if (!clean)
        fprintf(stderr, "left: %u places, %zu states, %u chunks, %u idle, %u busy\n", scene.limits.used[0],
                scene.states.count - 1, scene.chunks.taken, scene.pools.idle[0], scene.pools.busy[0]);
    state_table_done(&scene.states);
    chunk_pool_done(&scene.chunks);
    ev_loop_destroy(scene.loop);
    free(scene.topology);
    return clean ? 0 : -1;
}

static inline struct pool *scene_pool(void)
{
    return pool_find(&scene.pools, scene.identity, 0, SCENE_KEY);
}

/* ---- time ---- */

static inline void scene_round(void)
{
    ev_now_update(scene.loop);
    ev_run(scene.loop, EVRUN_NOWAIT);
}

/* Rounds of the loop until it holds; false after SCENE_PATIENCE_MS. */
static inline bool scene_until(bool (*holds)(void *arg), void *arg)
{
    uint64_t end = clock_ms() + SCENE_PATIENCE_MS;
    for (scene_round(); !holds(arg); scene_round()) {
        if (clock_ms() > end)
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

static inline bool scene_told(void *count)
{
    return scene.told_count >= *(int *)count;
}

/* Until the pools have told this many outcomes in all. */
static inline bool scene_until_told(int count)
{
    return scene_until(scene_told, &count);
}

static inline bool scene_ticked_and_told(void *count)
{
    pools_tick(&scene.pools);
    return scene_told(count);
}

/* ---- the server's side ---- */

static inline bool peer_is_there(void *arg)
{
    struct peer *peer = arg;
    peer->fd = accept4(scene.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return peer->fd >= 0;
}

static inline struct peer *peer_accept(void)
{
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer || !scene_until(peer_is_there, peer))
        abort();
    return peer;
}

static inline void peer_close(struct peer *peer)
{
    close(peer->fd);
    free(peer);
}

static inline void peer_bytes(struct peer *peer, const void *data, size_t length)
{
    if (send(peer->fd, data, length, MSG_NOSIGNAL) != (ssize_t)length)
        abort();
}

static inline bool peer_has_packet(void *arg)
{
    struct peer *peer = arg;
    ssize_t n = recv(peer->fd, peer->data + peer->length, sizeof peer->data - peer->length, 0);
    if (n > 0)
        peer->length += (size_t)n;
    return peer->length >= PACKET_HEADER && peer->length >= PACKET_HEADER + packet_length(peer->data);
}

/* The next packet of the client: peer->data, with its header. 0: none came. */
static inline size_t peer_read(struct peer *peer)
{
    return scene_until(peer_has_packet, peer) ? PACKET_HEADER + packet_length(peer->data) : 0;
}

static inline void peer_skip(struct peer *peer)
{
    size_t length = PACKET_HEADER + packet_length(peer->data);
    memmove(peer->data, peer->data + length, peer->length - length);
    peer->length -= length;
}

static inline bool peer_is_closed(void *arg)
{
    char byte;
    ssize_t n = recv(((struct peer *)arg)->fd, &byte, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* ---- packets ---- */

struct packet {
    uint8_t data[700];
    size_t length;
};

static const uint8_t scene_scramble[] = "abcdefghijklmnopqrst", scene_scramble2[] = "ABCDEFGHIJKLMNOPQRST";

static inline struct packet packet_of(uint8_t sequence, const void *payload, size_t length)
{
    struct packet packet;
    struct writer w = writer_of(packet.data, sizeof packet.data);
    size_t mark = packet_begin(&w);
    write_bytes(&w, payload, length);
    packet_end(&w, mark, sequence);
    packet.length = writer_length(&w);
    return packet;
}

static inline struct packet packet_greeting(uint32_t capabilities)
{
    uint8_t payload[200];
    struct writer w = writer_of(payload, sizeof payload);
    struct greeting greeting = {.version = {(const uint8_t *)"5.5.5-10.11.2-MariaDB", 21},
                                .connection_id = 4711,
                                .capabilities = capabilities,
                                .collation = 8,
                                .status = STATUS_AUTOCOMMIT,
                                .plugin = {(const uint8_t *)"mysql_native_password", 21}};
    memcpy(greeting.scramble, scene_scramble, SCRAMBLE_LENGTH);
    greeting_write(&w, &greeting);
    return packet_of(0, payload, writer_length(&w));
}

static inline struct packet packet_ok(uint8_t sequence)
{
    static const uint8_t ok[] = {0, 0, 0, 2, 0, 0, 0};
    return packet_of(sequence, ok, sizeof ok);
}

static inline struct packet packet_switch(uint8_t sequence, const char *plugin)
{
    uint8_t payload[100];
    struct writer w = writer_of(payload, sizeof payload);
    auth_switch_write(&w, plugin, scene_scramble2);
    return packet_of(sequence, payload, writer_length(&w));
}

static inline void peer_send(struct peer *peer, struct packet packet)
{
    peer_bytes(peer, packet.data, packet.length);
}

/* A whole login as it should be. */
static inline struct peer *peer_logs_in(void)
{
    struct peer *peer = peer_accept();
    peer_send(peer, packet_greeting(SCENE_GREETING));
    for (int sequence = 2; sequence > 0; sequence--) {
        if (!peer_read(peer))
            abort();
        peer_skip(peer);
        peer_send(peer, packet_ok((uint8_t)sequence));
    }
    return peer;
}

#endif
