/*
 * test_backend_login.c - logging in to a server that is the test: what is sent, and what comes of every
 * packet that a server may answer with, whole, in pieces, cut off, or out of place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>

#include "pointsman/net/tls.h"
#include "pointsman/topology/accounts.h"
#include "pointsman/topology/secrets.h"
#include "scene.h"

static struct waiter waiter;

/* Somebody wants a connection; the server's side of the one that is opened. */
static struct peer *wanted(void)
{
    waiter = (struct waiter){.deadline = 0};
    list_init(&waiter.link);
    assert_null(pool_acquire(scene_pool(), NULL, (struct wish){.state = scene.states.empty}, &waiter,
                             pools_now(&scene.pools) + 10 * SCENE_PATIENCE_MS));
    return peer_accept();
}

static const struct told *outcome(int count)
{
    if (!scene_until_told(count))
        fail_msg("nothing was told");
    assert_int_equal(scene.told_count, count);
    assert_ptr_equal(scene.told[count - 1].waiter, &waiter);
    return &scene.told[count - 1];
}

/* Frees what was granted, so that the next login is a new connection. */
static void dismiss(const struct told *told)
{
    if (told->backend)
        backend_discard(told->backend);
    scene_round();
}

/* ---- what is sent ---- */

static void assert_login(struct peer *peer, const uint8_t *stage1, struct login *ret)
{
    uint8_t stage2[NATIVE_LENGTH], known[NATIVE_LENGTH];
    assert_true(peer_read(peer) > 0);
    assert_int_equal(packet_sequence(peer->data), 1);
    assert_true(login_read(peer->data + PACKET_HEADER, packet_length(peer->data), SCENE_GREETING, ret));
    assert_int_equal(ret->user.length, strlen(scene.identity->user));
    assert_memory_equal(ret->user.at, scene.identity->user, ret->user.length);
    assert_int_equal(ret->plugin.length, 21);
    if (!stage1) {
        assert_int_equal(ret->auth.length, 0);
        return;
    }
    assert_true(auth_native_stage2(stage1, stage2));
    assert_true(auth_native_check(ret->auth.at, ret->auth.length, scene_scramble, stage2, known));
}

static void a_good_login(void **state)
{
    (void)state;
    struct peer *peer = wanted();
    struct login login;
    peer_send(peer, packet_greeting(SCENE_GREETING));
    assert_login(peer, scene.identity->stage1, &login);
    assert_int_equal(login.capabilities & SCENE_KEY, SCENE_KEY);
    assert_true(login.capabilities & CAP_SESSION_TRACK);
    assert_false(login.capabilities & (CAP_CONNECT_WITH_DB | CAP_LOCAL_FILES | CAP_FOUND_ROWS | CAP_SSL));
    peer_skip(peer);
    peer_send(peer, packet_ok(2));
    assert_true(peer_read(peer) > 0);
    assert_int_equal(packet_sequence(peer->data), 0);
    assert_int_equal(peer->data[PACKET_HEADER], COM_QUERY);
    peer->data[peer->length] = 0;
    assert_string_equal(peer->data + PACKET_HEADER + 1,
                        "SET session_track_system_variables='*',"
                        "session_track_schema=1,session_track_state_change=1");
    peer_skip(peer);
    assert_int_equal(scene.told_count, 0);
    peer_send(peer, packet_ok(1));
    struct backend *backend = outcome(1)->backend;
    assert_non_null(backend);
    assert_int_equal(backend->list, BACKEND_BUSY);
    assert_int_equal(backend->thread_id, 4711);
    assert_int_equal(backend->status, STATUS_AUTOCOMMIT);
    assert_ptr_equal(backend->state, scene.states.empty);
    assert_int_equal(backend->capabilities & ~SCENE_GREETING, 0);
    assert_int_equal(scene.pools.opened, 1);
    assert_null(backend->conn.in);
    peer_close(peer);
}

static void mysql_is_told_which_variables(void **state)
{
    (void)state;
    scene.topology->servers[0].look.mariadb = false;
    struct peer *peer = wanted();
    peer_send(peer, packet_greeting(SCENE_GREETING));
    assert_true(peer_read(peer) > 0);
    peer_skip(peer);
    peer_send(peer, packet_ok(2));
    assert_true(peer_read(peer) > 0);
    peer->data[peer->length] = 0;
    assert_null(strchr((char *)peer->data + PACKET_HEADER, '*'));
    assert_non_null(strstr((char *)peer->data + PACKET_HEADER, ",sql_mode,"));
    peer_close(peer);
}

/* Accounts by what is known of their password; `fails`: what a switch to another plugin ends in. */
static void accounts(void **state)
{
    uint8_t stage1[NATIVE_LENGTH];
    (void)state;
    assert_true(auth_native_stage1("of [accounts]", 13, stage1));
    static const struct {
        const char *password;
        bool empty;
    } cases[] = {{"of [accounts]", false}, {"", true}, {NULL, true}};
    for (size_t i = 0; i < 3; i++) {
        struct login login;
        identity_unref(scene.identity);
        scene.identity = identity_intern(&scene.identities, "other", i, NULL, cases[i].password);
        struct peer *peer = wanted();
        peer_send(peer, packet_greeting(SCENE_GREETING));
        assert_login(peer, cases[i].empty ? NULL : stage1, &login);
        peer_close(peer);
        assert_null(outcome((int)i + 1)->backend);
        scene.pools.avoid_until[0] = 0;
    }
}

static void a_users_name_that_is_too_long(void **state)
{
    char user[600];
    (void)state;
    memset(user, 'u', sizeof user);
    user[sizeof user - 1] = 0;
    identity_unref(scene.identity);
    scene.identity = identity_intern(&scene.identities, user, 2, NULL, NULL);
    struct peer *peer = wanted();
    peer_send(peer, packet_greeting(SCENE_GREETING));
    assert_null(outcome(1)->backend);
    peer_close(peer);
}

static void the_answer_to_an_auth_switch(void **state)
{
    uint8_t stage2[NATIVE_LENGTH], known[NATIVE_LENGTH];
    (void)state;
    struct peer *peer = wanted();
    peer_send(peer, packet_greeting(SCENE_GREETING));
    assert_true(peer_read(peer) > 0);
    for (uint8_t sequence = 2; sequence <= 4; sequence += 2) { /* and another */
        peer_skip(peer);
        peer_send(peer, packet_switch(sequence, "mysql_native_password"));
        assert_int_equal(peer_read(peer), PACKET_HEADER + NATIVE_LENGTH);
        assert_int_equal(packet_sequence(peer->data), sequence + 1);
        assert_true(auth_native_stage2(scene.identity->stage1, stage2));
        assert_true(
            auth_native_check(peer->data + PACKET_HEADER, NATIVE_LENGTH, scene_scramble2, stage2, known));
    }
    peer_skip(peer);
    peer_send(peer, packet_ok(6));
    assert_true(peer_read(peer) > 0);
    peer_send(peer, packet_ok(1));
    assert_non_null(outcome(1)->backend);
    peer_close(peer);
}

/* ---- what comes of what a server says ---- */

enum { AT_GREETING, AT_ANSWER, AT_SETUP };

static const struct {
    const char *what;
    int step; /* which of the server's packets is replaced */
    const char *payload;
    size_t length;
    unsigned code; /* what the waiter is told; 0: go elsewhere */
    const char *state, *message;
} faults[] = {
#define NO_PLUGIN                                                                                            \
    1251, "08004",                                                                                           \
        "Client does not support authentication protocol requested by server; the proxy speaks "             \
        "mysql_native_password and caching_sha2_password, and must know the password for the latter"
#define BYTES(text) text, sizeof text - 1
    {"host not allowed", AT_GREETING, BYTES("\xff\x6a\x04Host 'x' is not allowed"), 1130, "HY000",
     "Host 'x' is not allowed"},
    {"the same with SQLSTATE", AT_GREETING, BYTES("\xff\x6a\x04#HY000Host"), 1130, "HY000", "Host"},
    {"too many connections", AT_GREETING, BYTES("\xff\x10\x04Too many connections"), 0, "", ""},
    {"too many of this user's", AT_ANSWER, BYTES("\xff\xb3\x04#42000too many"), 0, "", ""},
    {"going down", AT_SETUP, BYTES("\xff\x1d\x04#08S01Server shutdown in progress"), 0, "", ""},
    {"access denied", AT_ANSWER, BYTES("\xff\x15\x04#28000Access denied for user"), 1045, "28000",
     "Access denied for user"},
    {"access denied without SQLSTATE", AT_ANSWER, BYTES("\xff\x15\x04 Access denied"), 1045, "HY000",
     " Access denied"},
    {"no words", AT_ANSWER, BYTES("\xff\x15\x04#28000"), 1045, "28000", ""},
    {"locked", AT_ANSWER, BYTES("\xff\x37\x10#HY000Access denied, this account is locked"), 4151, "HY000",
     "Access denied, this account is locked"},
    {"password expired", AT_SETUP, BYTES("\xff\x1c\x07#HY000You must SET PASSWORD"), 1820, "HY000",
     "You must SET PASSWORD"},
    {"half an error", AT_ANSWER, BYTES("\xff\x15"), 0, "", ""},
    {"half a SQLSTATE", AT_ANSWER, BYTES("\xff\x15\x04#28"), 1045, "HY000", "#28"},
    {"OK instead of a greeting", AT_GREETING, BYTES("\0\0\0\2\0\0\0"), 0, "", ""},
    {"nothing instead of a greeting", AT_GREETING, BYTES(""), 0, "", ""},
    {"an old protocol", AT_GREETING,
     BYTES("\x09"
           "3.23\0aaaabbbbbbbb\0"),
     0, "", ""},
    {"half a greeting", AT_GREETING,
     BYTES("\x0a"
           "5.5.5\0\1\0\0\0abcdefgh"),
     0, "", ""},
    {"nothing as answer", AT_ANSWER, BYTES(""), 0, "", ""},
    {"an old auth switch", AT_ANSWER, BYTES("\xfe"), 0, "", ""},
    {"an auth switch without data", AT_ANSWER, BYTES("\xfemysql_native_password\0"), 0, "", ""},
    {"an auth switch with little data", AT_ANSWER, BYTES("\xfemysql_native_password\0abcdefgh\0"), 0, "", ""},
    {"a plugin without an end", AT_ANSWER, BYTES("\xfemysql_native_password"), 0, "", ""},
    {"a plugin that needs the password", AT_ANSWER, BYTES("\xfemysql_clear_password\0abcdefghijklmnopqrst\0"),
     NO_PLUGIN},
    {"a plugin that begins alike", AT_ANSWER, BYTES("\xfemysql_native_passwor\0abcdefghijklmnopqrst\0"),
     NO_PLUGIN},
    {"more of a login of another plugin", AT_ANSWER, BYTES("\x01\x04"), 0, "", ""},
    {"a greeting again", AT_ANSWER,
     BYTES("\x0a"
           "5.5.5\0\1\0\0\0abcdefgh"),
     0, "", ""},
    {"half an OK", AT_SETUP, BYTES("\0\0\0"), 0, "", ""},
    {"nothing instead of OK", AT_SETUP, BYTES(""), 0, "", ""},
    {"EOF instead of OK", AT_SETUP, BYTES("\xfe\0\0\2\0"), 0, "", ""},
    {"a result set instead of OK", AT_SETUP, BYTES("\1"), 0, "", ""},
    {"a request for a file", AT_SETUP, BYTES("\xfb/etc/passwd"), 0, "", ""},
};

/* Plays the login up to the step, then `instead`. Returns the number of the packet that the server sends. */
static struct peer *play_to(int step)
{
    struct peer *peer = wanted();
    if (step == AT_GREETING)
        return peer;
    peer_send(peer, packet_greeting(SCENE_GREETING));
    assert_true(peer_read(peer) > 0);
    peer_skip(peer);
    if (step == AT_ANSWER)
        return peer;
    peer_send(peer, packet_ok(2));
    assert_true(peer_read(peer) > 0);
    peer_skip(peer);
    return peer;
}

static const uint8_t sequence_of[] = {[AT_GREETING] = 0, [AT_ANSWER] = 2, [AT_SETUP] = 1};

static void every_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct peer *peer = play_to(faults[i].step);
        peer_send(peer, packet_of(sequence_of[faults[i].step], faults[i].payload, faults[i].length));
        const struct told *told = outcome((int)i + 1);
        bool words = strcmp(told->state, faults[i].state) == 0 && /* of no code nobody asks for them */
                     strcmp(told->message, faults[i].message) == 0;
        if (told->backend || told->code != faults[i].code || (told->code && !words))
            fail_msg("%s: %u (%s) '%s'", faults[i].what, told->code, told->state, told->message);
        assert_true(scene_until(peer_is_closed, peer));
        bool backs_off = scene.pools.avoid_until[0] > 0; /* what passes is tried again a little later */
        assert_int_equal(backs_off, faults[i].code == 0);
        scene.pools.avoid_until[0] = 0;
        assert_int_equal(scene.limits.used[0], 0);
        peer_close(peer);
    }
    assert_int_equal(scene.pools.failed, sizeof faults / sizeof *faults);
    assert_int_equal(scene.pools.opened, 0);
}

static void a_server_without_session_tracking(void **state)
{
    (void)state;
    struct peer *peer = wanted();
    peer_send(peer, packet_greeting(SCENE_GREETING & ~CAP_SESSION_TRACK));
    assert_null(outcome(1)->backend);
    peer_close(peer);
}

/* A refusal goes to all who wait, in the same words, although the connection and its buffer are gone. */
static void everybody_is_told(void **state)
{
    enum { WAITING = 12, LONG = 500 };
    static struct waiter others[WAITING];
    char words[3 + LONG] = "\xff\x15\x04";
    (void)state;
    memset(words + 3, 'w', LONG);
    for (int i = 0; i < 256; i++) { /* a pool of chunks that keeps no more frees what it is given */
        struct chunk *chunk = malloc(sizeof *chunk + CHUNK_SMALL);
        *chunk = (struct chunk){.capacity = CHUNK_SMALL};
        list_init(&chunk->link);
        scene.chunks.taken++;
        chunk_give(&scene.chunks, chunk);
    }
    struct peer *peer = play_to(AT_ANSWER);
    for (int i = 0; i < WAITING; i++) {
        list_init(&others[i].link);
        assert_null(pool_acquire(scene_pool(), NULL, (struct wish){.state = scene.states.empty}, &others[i],
                                 UINT64_MAX));
    }
    peer_send(peer, packet_of(2, words, sizeof words));
    assert_true(scene_until_told(1 + WAITING));
    for (int i = 0; i <= WAITING; i++) {
        assert_int_equal(scene.told[i].code, 1045);
        assert_int_equal(strspn(scene.told[i].message, "w"), LONG);
    }
    peer_close(peer);
}

/* ---- pieces ---- */

static const struct packet *good_packets(void)
{
    static struct packet packets[3];
    packets[AT_GREETING] = packet_greeting(SCENE_GREETING);
    packets[AT_ANSWER] = packet_ok(2);
    packets[AT_SETUP] = packet_ok(1);
    return packets;
}

static void byte_by_byte(void **state)
{
    (void)state;
    struct peer *peer = wanted();
    for (int step = AT_GREETING; step <= AT_SETUP; step++) {
        const struct packet *packet = &good_packets()[step];
        for (size_t i = 0; i < packet->length; i++) {
            assert_int_equal(scene.told_count, 0);
            peer_bytes(peer, packet->data + i, 1);
            scene_round();
        }
        if (step != AT_SETUP) {
            assert_true(peer_read(peer) > 0);
            peer_skip(peer);
        }
    }
    assert_non_null(outcome(1)->backend);
    peer_close(peer);
}

/* The server goes after any number of bytes of any of its packets. */
static void cut_anywhere(void **state)
{
    int told = 0;
    (void)state;
    for (int step = AT_GREETING; step <= AT_SETUP; step++) {
        const struct packet *packet = &good_packets()[step];
        for (size_t i = 0; i < packet->length; i += i < 6 || step ? 1 : 7) {
            struct peer *peer = play_to(step);
            if (i)
                peer_bytes(peer, packet->data, i);
            peer_close(peer);
            const struct told *got = outcome(++told);
            assert_null(got->backend);
            assert_int_equal(got->code, 0);
            scene.pools.avoid_until[0] = 0;
        }
    }
    assert_int_equal(scene.limits.used[0], 0);
}

/* A good reason for an end may lie in front of it. */
static void an_error_and_the_end(void **state)
{
    (void)state;
    struct peer *peer = wanted();
    peer_send(peer, packet_of(0, BYTES("\xff\x6a\x04Host")));
    peer_close(peer);
    assert_int_equal(outcome(1)->code, 1130);
}

/* Nothing of a login is that long: it isn't waited for. */
static void a_packet_that_is_too_long(void **state)
{
    (void)state;
    for (int step = AT_GREETING; step <= AT_SETUP; step++) {
        struct peer *peer = play_to(step);
        peer_bytes(peer, "\xff\xff\xff\x00\x0a", 5);
        assert_null(outcome(step + 1)->backend);
        peer_close(peer);
        scene.pools.avoid_until[0] = 0;
    }
}

/* What follows a login unasked would be taken for the first statement's answer. */
static void more_than_asked_for(void **state)
{
    (void)state;
    struct peer *peer = play_to(AT_SETUP);
    uint8_t both[100];
    struct packet ok = packet_ok(1);
    memcpy(both, ok.data, ok.length);
    memcpy(both + ok.length, ok.data, ok.length);
    peer_bytes(peer, both, 2 * ok.length);
    assert_null(outcome(1)->backend);
    peer_close(peer);
}

/* ---- no server ---- */

static void nobody_listens(void **state)
{
    (void)state;
    close(scene.listener);
    scene.listener = -1;
    waiter = (struct waiter){.deadline = 0};
    list_init(&waiter.link);
    assert_null(
        pool_acquire(scene_pool(), NULL, (struct wish){.state = scene.states.empty}, &waiter, UINT64_MAX));
    assert_int_equal(scene.told_count, 0); /* not from within the call */
    const struct told *told = outcome(1);
    assert_null(told->backend);
    assert_int_equal(told->code, 0);
    assert_true(scene.pools.avoid_until[0] > pools_now(&scene.pools));
}

/* Connecting to a unix socket fails at once: the one who asks is told later all the same. */
static void nobody_listens_on_a_unix_socket(void **state)
{
    struct config_address *address = &scene.topology->servers[0].address;
    int one = 1;
    (void)state;
    *address = (struct config_address){.length = sizeof address->sa.un};
    address->sa.un = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
    waiter = (struct waiter){.deadline = 0};
    list_init(&waiter.link);
    assert_null(
        pool_acquire(scene_pool(), NULL, (struct wish){.state = scene.states.empty}, &waiter, UINT64_MAX));
    assert_int_equal(scene.told_count, 0);
    assert_true(scene_until(scene_ticked_and_told, &one));
    assert_null(scene.told[0].backend);
    assert_int_equal(scene.told[0].code, 0);
    assert_int_equal(scene.limits.used[0], 0);
}

static void a_server_that_says_nothing(void **state)
{
    int one = 1;
    (void)state;
    scene.config.connect_timeout = 5;
    struct peer *peer = wanted();
    assert_true(scene_until(scene_ticked_and_told, &one));
    assert_null(outcome(1)->backend);
    assert_true(scene_until(peer_is_closed, peer));
    peer_close(peer);
}

/* ---- and in between ---- */

static void the_pools_end_during_a_login(void **state)
{
    (void)state;
    struct peer *peer = play_to(AT_ANSWER);
    waiter_cancel(&waiter);
    peer_close(peer); /* scene_close() does the rest */
}

static void who_waited_has_gone(void **state)
{
    (void)state;
    struct peer *peer = play_to(AT_SETUP);
    waiter_cancel(&waiter);
    peer_send(peer, packet_ok(1));
    while (scene.pools.idle[0] == 0)
        scene_round();
    assert_int_equal(scene.told_count, 0);
    struct backend *backend = pool_acquire(scene_pool(), NULL, (struct wish){.state = scene.states.empty},
                                           &waiter, UINT64_MAX);
    assert_non_null(backend);
    dismiss(&(struct told){.backend = backend});
    peer_close(peer);
}

/* ---- TLS ---- */

static void want_tls(enum config_tls_servers wanted)
{
    const struct config config = {.tls_servers = wanted, .tls_ca = NULL};
    char why[100];
    tls_publish(tls_load(&config, NULL, why, sizeof why));
    scene.topology->servers[0].address.text = (char *)(uintptr_t) "127.0.0.1:3306";
}

static int end_tls(void **state)
{
    tls_publish(NULL);
    return scene_close(state);
}

struct secure_peer {
    SSL *ssl;
    uint8_t *bytes;
    int size;
};

static bool hands_are_shaken(void *arg)
{
    bool done = SSL_do_handshake(((struct secure_peer *)arg)->ssl) == 1;
    ERR_clear_error();
    return done;
}

static bool something_is_read(void *arg)
{
    struct secure_peer *peer = arg;
    bool done = SSL_read(peer->ssl, peer->bytes, peer->size) > 0;
    ERR_clear_error();
    return done;
}

/* A server's end of TLS on the peer's socket. */
static SSL *peer_shakes_hands(SSL_CTX *context, struct peer *peer)
{
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, peer->fd);
    SSL_set_accept_state(ssl);
    assert_true(scene_until(hands_are_shaken, &(struct secure_peer){.ssl = ssl}));
    return ssl;
}

static bool request_has_come(void *arg)
{
    struct peer *peer = arg;
    ssize_t n = recv(peer->fd, peer->data, PACKET_HEADER + 32, MSG_PEEK);
    return n == PACKET_HEADER + 32;
}

/* Takes the request only: what is behind it must be TLS, the login least of all. */
static void assert_ssl_request(struct peer *peer)
{
    uint32_t capabilities;
    uint8_t next;
    assert_true(scene_until(request_has_come, peer));
    assert_int_equal(recv(peer->fd, peer->data, PACKET_HEADER + 32, 0), PACKET_HEADER + 32);
    assert_int_equal(packet_length(peer->data), 32);
    assert_int_equal(packet_sequence(peer->data), 1);
    assert_true(login_is_ssl_request(peer->data + PACKET_HEADER, 32, &capabilities));
    assert_int_equal(capabilities & SCENE_KEY, SCENE_KEY);
    if (recv(peer->fd, &next, 1, MSG_PEEK) == 1)
        assert_int_equal(next, 0x16); /* a record of its handshake */
}

static void a_login_over_tls(void **state)
{
    uint8_t bytes[1000];
    struct login login;
    (void)state;
    want_tls(CONFIG_TLS_PREFERRED);
    struct tls *tls = tls_current(); /* its other side's certificate will do for a server */
    for (int again = 0; again < 2; again++) {
        struct peer *peer = wanted();
        peer_send(peer, packet_greeting(SCENE_GREETING | CAP_SSL));
        assert_ssl_request(peer);
        SSL *ssl = peer_shakes_hands(tls->clients, peer);
        assert_true(scene_until(something_is_read, &(struct secure_peer){ssl, bytes, sizeof bytes}));
        assert_int_equal(packet_sequence(bytes), 2);
        assert_true(login_read(bytes + PACKET_HEADER, packet_length(bytes), SCENE_GREETING, &login));
        assert_true(login.capabilities & CAP_SSL);
        assert_int_equal(login.auth.length, NATIVE_LENGTH);
        assert_true(SSL_write(ssl, packet_ok(3).data, (int)packet_ok(3).length) > 0);
        assert_true(scene_until(something_is_read, &(struct secure_peer){ssl, bytes, sizeof bytes}));
        assert_int_equal(bytes[PACKET_HEADER], COM_QUERY);
        assert_true(SSL_write(ssl, packet_ok(1).data, (int)packet_ok(1).length) > 0);
        const struct told *told = outcome(again + 1);
        assert_non_null(told->backend);
        assert_true(conn_is_secure(&told->backend->conn));
        assert_int_equal(scene.pools.secured, again + 1);
        assert_int_equal(scene.pools.resumed, again);
        dismiss(told);
        SSL_free(ssl);
        peer_close(peer);
    }
    tls_unref(tls);
}

/* What a server may say instead of going on in TLS, and what comes of it. */
static void instead_of_tls(void **state)
{
    static const uint8_t err[] = "\xff\x15\x04#28000Send me your password";
    const struct {
        enum config_tls_servers wanted;
        struct packet first, second; /* the second behind the SSLRequest, if it is not empty */
        bool at_once;                /* together with the first */
        unsigned code;
        const char *words; /* that must not reach anybody */
    } rows[] = {
        {CONFIG_TLS_PREFERRED, packet_of(0, err, sizeof err - 1), {.length = 0}, false, 1045, NULL},
        {CONFIG_TLS_REQUIRED, packet_of(0, err, sizeof err - 1), {.length = 0}, false, 0, "password"},
        {CONFIG_TLS_REQUIRED, packet_greeting(SCENE_GREETING), {.length = 0}, false, 0, NULL},
        {CONFIG_TLS_PREFERRED, packet_greeting(SCENE_GREETING | CAP_SSL), packet_of(2, err, sizeof err - 1),
         false, 0, "password"},
        {CONFIG_TLS_PREFERRED, packet_greeting(SCENE_GREETING | CAP_SSL), packet_ok(2), false, 0, NULL},
        {CONFIG_TLS_PREFERRED, packet_greeting(SCENE_GREETING | CAP_SSL), packet_ok(2), true, 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packet both = rows[i].first;
        want_tls(rows[i].wanted);
        struct peer *peer = wanted();
        if (rows[i].at_once) {
            memcpy(both.data + both.length, rows[i].second.data, rows[i].second.length);
            both.length += rows[i].second.length;
        }
        peer_send(peer, both);
        if (rows[i].second.length && !rows[i].at_once) {
            assert_ssl_request(peer);
            peer_send(peer, rows[i].second);
        }
        const struct told *told = outcome((int)i + 1);
        if (told->backend || told->code != rows[i].code ||
            (rows[i].words && strstr(told->message, rows[i].words)))
            fail_msg("row %zu: %u %s", i, told->code, told->message);
        scene.pools.avoid_until[0] = 0;
        peer_close(peer);
    }
}

static void without_being_wanted_there_is_none(void **state)
{
    struct login login;
    (void)state;
    want_tls(CONFIG_TLS_OFF);
    struct peer *peer = wanted();
    peer_send(peer, packet_greeting(SCENE_GREETING | CAP_SSL));
    assert_login(peer, scene.identity->stage1, &login);
    assert_false(login.capabilities & CAP_SSL);
    peer_close(peer);
    outcome(1);
}

/* ---- caching_sha2_password ---- */

static void be_learnt(const char *password)
{
    identity_unref(scene.identity);
    assert_true(secrets_learn(4711, password, strlen(password)));
    scene.identity = identity_intern_learnt(&scene.identities, "app", 4711);
}

static void send_more(struct peer *peer, uint8_t sequence, uint8_t what)
{
    peer_send(peer, packet_of(sequence, (uint8_t[]){AUTH_MORE, what}, 2));
}

static struct packet packet_sha2_greeting(uint32_t capabilities)
{
    uint8_t payload[200];
    struct writer w = writer_of(payload, sizeof payload);
    struct greeting greeting = {.version = {(const uint8_t *)"9.7.4", 5},
                                .capabilities = capabilities,
                                .collation = 255,
                                .status = STATUS_AUTOCOMMIT,
                                .plugin = {(const uint8_t *)"caching_sha2_password", 21}};
    memcpy(greeting.scramble, scene_scramble, SCRAMBLE_LENGTH);
    greeting_write(&w, &greeting);
    return packet_of(0, payload, writer_length(&w));
}

static void assert_sha2_login(struct peer *peer)
{
    struct login login;
    assert_true(peer_read(peer) > 0);
    assert_true(login_read(peer->data + PACKET_HEADER, packet_length(peer->data), SCENE_GREETING, &login));
    assert_memory_equal(login.plugin.at, "caching_sha2_password", 21);
    assert_true(auth_sha2_check(login.auth.at, login.auth.length, scene_scramble, "told", 4));
    peer_skip(peer);
}

static void the_fast_path(void **state)
{
    (void)state;
    be_learnt("told");
    struct peer *peer = wanted();
    peer_send(peer, packet_sha2_greeting(SCENE_GREETING));
    assert_sha2_login(peer);
    send_more(peer, 2, AUTH_MORE_FAST);
    peer_send(peer, packet_ok(3));
    assert_true(peer_read(peer) > 0);
    assert_int_equal(peer->data[PACKET_HEADER], COM_QUERY);
    peer_skip(peer);
    peer_send(peer, packet_ok(1));
    assert_non_null(outcome(1)->backend);
    peer_close(peer);
}

/* In clear the password never goes: the key is asked for. */
static void the_full_path_by_rsa(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    uint8_t more[600] = {AUTH_MORE};
    char password[AUTH_PASSWORD_MAX + 1];
    size_t length;
    (void)state;
    be_learnt("told");
    struct peer *peer = wanted();
    peer_send(peer, packet_sha2_greeting(SCENE_GREETING));
    assert_sha2_login(peer);
    send_more(peer, 2, AUTH_MORE_FULL);
    assert_int_equal(peer_read(peer), PACKET_HEADER + 1);
    assert_int_equal(packet_sequence(peer->data), 3);
    assert_int_equal(peer->data[PACKET_HEADER], AUTH_ASKS_KEY);
    peer_skip(peer);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    int n = BIO_read(bio, more + 1, sizeof more - 1);
    peer_send(peer, packet_of(4, more, (size_t)n + 1));
    assert_int_equal(peer_read(peer), PACKET_HEADER + 256);
    assert_int_equal(packet_sequence(peer->data), 5);
    assert_true(auth_rsa_decrypt(key, peer->data + PACKET_HEADER, 256, scene_scramble, password, &length));
    assert_string_equal(password, "told");
    peer_close(peer);
    outcome(1);
    BIO_free(bio);
    EVP_PKEY_free(key);
}

static void the_full_path_over_tls(void **state)
{
    uint8_t bytes[1000];
    (void)state;
    be_learnt("told");
    want_tls(CONFIG_TLS_REQUIRED);
    struct tls *tls = tls_current();
    struct peer *peer = wanted();
    peer_send(peer, packet_sha2_greeting(SCENE_GREETING | CAP_SSL));
    assert_ssl_request(peer);
    SSL *ssl = peer_shakes_hands(tls->clients, peer);
    assert_true(scene_until(something_is_read, &(struct secure_peer){ssl, bytes, sizeof bytes}));
    struct packet full = packet_of(3, (uint8_t[]){AUTH_MORE, AUTH_MORE_FULL}, 2);
    assert_true(SSL_write(ssl, full.data, (int)full.length) > 0);
    assert_true(scene_until(something_is_read, &(struct secure_peer){ssl, bytes, sizeof bytes}));
    assert_int_equal(packet_length(bytes), 5);
    assert_int_equal(packet_sequence(bytes), 4);
    assert_string_equal(bytes + PACKET_HEADER, "told");
    SSL_free(ssl);
    peer_close(peer);
    outcome(1);
    tls_unref(tls);
}

/* What else may come instead of OK. */
static void nonsense_in_the_full_path(void **state)
{
    static const struct {
        uint8_t data[50];
        size_t length;
    } rows[] = {
        {{AUTH_MORE}, 1}, {{AUTH_MORE, 9}, 2}, {"\x01-----BEGIN PUBLIC KEY-----\nxx", 31}, {{2, 4}, 2}};
    (void)state;
    be_learnt("told");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peer *peer = wanted();
        peer_send(peer, packet_sha2_greeting(SCENE_GREETING));
        assert_sha2_login(peer);
        peer_send(peer, packet_of(2, rows[i].data, rows[i].length));
        assert_null(outcome((int)i + 1)->backend);
        scene.pools.avoid_until[0] = 0;
        peer_close(peer);
    }
}

/* The account changed meanwhile: what was told of it is gone. */
static void a_password_that_is_not_known_any_more(void **state)
{
    static struct accounts nobody;
    (void)state;
    be_learnt("told");
    secrets_review(&nobody);
    struct peer *peer = wanted();
    peer_send(peer, packet_sha2_greeting(SCENE_GREETING));
    assert_int_equal(outcome(1)->code, 1251);
    peer_close(peer);
}

int main(void)
{
#define with_scene(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        with_scene(a_good_login),
        with_scene(mysql_is_told_which_variables),
        with_scene(accounts),
        with_scene(a_users_name_that_is_too_long),
        with_scene(the_answer_to_an_auth_switch),
        with_scene(every_fault),
        with_scene(a_server_without_session_tracking),
        with_scene(everybody_is_told),
        with_scene(byte_by_byte),
        with_scene(cut_anywhere),
        with_scene(an_error_and_the_end),
        with_scene(a_packet_that_is_too_long),
        with_scene(more_than_asked_for),
        with_scene(nobody_listens),
        with_scene(nobody_listens_on_a_unix_socket),
        with_scene(a_server_that_says_nothing),
        with_scene(the_pools_end_during_a_login),
        with_scene(who_waited_has_gone),
        with_scene(the_fast_path),
        with_scene(the_full_path_by_rsa),
        with_scene(nonsense_in_the_full_path),
        with_scene(a_password_that_is_not_known_any_more),
        cmocka_unit_test_setup_teardown(the_full_path_over_tls, scene_open, end_tls),
        cmocka_unit_test_setup_teardown(a_login_over_tls, scene_open, end_tls),
        cmocka_unit_test_setup_teardown(instead_of_tls, scene_open, end_tls),
        cmocka_unit_test_setup_teardown(without_being_wanted_there_is_none, scene_open, end_tls),
    };
    signal(SIGPIPE, SIG_IGN); /* the servers' OpenSSL writes */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
