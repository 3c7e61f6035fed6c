/*
 * librawclient.c - packets out, packets in: see rawclient.h.
 *
 *   data   start          end             size
 *   | used |  read, unused |  room         |
 */
#include "rawclient.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pointsman/protocol/answer.h"
#include "pointsman/protocol/auth.h"
#include "pointsman/protocol/handshake.h"
#include "pointsman/protocol/result.h"

enum { ROOM = 65536 };

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "raw client: %s: %s\n", what, strerror(errno));
    abort();
}

/* ---- the socket ---- */

static int dial_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, path);
    return fd;
}

static int dial_port(const char *ip, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}, own = address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    own.sin_port = 0;
    own.sin_addr.s_addr = ip ? inet_addr(ip) : 0;
    must(fd >= 0 && (!ip || bind(fd, (struct sockaddr *)&own, sizeof own) == 0), "bind");
    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static struct raw *raw_on(int fd)
{
    struct raw *raw = calloc(1, sizeof *raw);
    must(raw != NULL, "memory");
    raw->fd = fd;
    return raw;
}

struct raw *raw_dial(int port, const char *path)
{
    struct raw *raw = raw_on(path ? dial_path(path) : dial_port(NULL, port));
    raw->local = path;
    return raw;
}

struct raw *raw_dial_from(const char *ip, int port)
{
    return raw_on(dial_port(ip, port));
}

void raw_close(struct raw *raw)
{
    if (!raw)
        return;
    if (raw->ssl)
        SSL_set_shutdown(raw->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* its session goes on */
    SSL_free(raw->ssl);
    close(raw->fd);
    free(raw->data);
    free(raw);
}

void raw_bytes(struct raw *raw, const void *data, size_t length)
{
    size_t all;
    if (raw->ssl) {
        SSL_write_ex(raw->ssl, data, length, &all);
        ERR_clear_error();
        return;
    }
    for (size_t at = 0; at < length;) {
        ssize_t n = send(raw->fd, (const uint8_t *)data + at, length - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}

void raw_packet(struct raw *raw, uint8_t sequence, const void *payload, size_t length)
{
    uint8_t header[PACKET_HEADER] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16),
                                     sequence};
    uint8_t *whole = malloc(PACKET_HEADER + length);
    must(whole != NULL && length <= PACKET_MAX, "packet");
    memcpy(whole, header, sizeof header);
    if (length)
        memcpy(whole + PACKET_HEADER, payload, length);
    raw_bytes(raw, whole, PACKET_HEADER + length);
    free(whole);
}

void raw_command(struct raw *raw, uint8_t command, const void *data, size_t length)
{
    uint8_t *payload = malloc(length + 1);
    must(payload != NULL, "memory");
    payload[0] = command;
    if (length)
        memcpy(payload + 1, data, length);
    raw_packet(raw, 0, payload, length + 1);
    free(payload);
}

void raw_query(struct raw *raw, const char *text)
{
    raw_command(raw, COM_QUERY, text, strlen(text));
}

/* ---- reading ---- */

static enum raw_outcome fill_secure(struct raw *raw)
{
    size_t n = 0;
    bool got = SSL_read_ex(raw->ssl, raw->data + raw->end, raw->size - raw->end, &n) == 1;
    ERR_clear_error();
    raw->end += n;
    return got ? RAW_GOT : RAW_CLOSED;
}

/* More bytes behind what there is. */
static enum raw_outcome fill(struct raw *raw, int timeout_ms)
{
    struct pollfd wait = {.fd = raw->fd, .events = POLLIN};
    if (raw->size - raw->end < ROOM) {
        if (raw->start)
            memmove(raw->data, raw->data + raw->start, raw->end - raw->start);
        raw->end -= raw->start;
        raw->start = 0;
        if (raw->size - raw->end < ROOM) {
            raw->size = raw->end * 2 + ROOM;
            raw->data = realloc(raw->data, raw->size);
            must(raw->data != NULL, "memory");
        }
    }
    int ready = raw->ssl && SSL_pending(raw->ssl) ? 1 : poll(&wait, 1, timeout_ms);
    if (ready == 0)
        return RAW_LATE;
    if (raw->ssl)
        return fill_secure(raw);
    ssize_t n = recv(raw->fd, raw->data + raw->end, raw->size - raw->end, 0);
    if (n <= 0)
        return RAW_CLOSED;
    raw->end += (size_t)n;
    return RAW_GOT;
}

enum raw_outcome raw_read_within(struct raw *raw, int timeout_ms)
{
    for (;;) {
        size_t have = raw->end - raw->start;
        const uint8_t *at = raw->data + raw->start;
        if (have >= PACKET_HEADER && have >= PACKET_HEADER + (size_t)packet_length(at)) {
            raw->packet = at + PACKET_HEADER;
            raw->length = packet_length(at);
            raw->sequence = packet_sequence(at);
            raw->start += PACKET_HEADER + raw->length;
            return RAW_GOT;
        }
        enum raw_outcome outcome = fill(raw, timeout_ms);
        if (outcome != RAW_GOT)
            return outcome;
    }
}

enum raw_outcome raw_read(struct raw *raw)
{
    return raw_read_within(raw, RAW_PATIENCE_MS);
}

bool raw_ends(struct raw *raw)
{
    enum raw_outcome outcome;
    do {
        raw->start = raw->end = 0;
        outcome = fill(raw, RAW_PATIENCE_MS);
    } while (outcome == RAW_GOT);
    return outcome == RAW_CLOSED;
}

enum raw_outcome raw_answer(struct raw *raw, uint8_t command, uint8_t **data, size_t *length)
{
    struct result result;
    struct result_event event = {.kind = RESULT_MORE};
    size_t said = 0; /* where the last packet that says something begins */
    result_begin(&result, result_shape_of(command), raw->capabilities);
    for (;;) {
        if (raw->end > raw->start)
            result_next(&result, raw->data + raw->start, raw->end - raw->start, &event);
        if (event.kind == RESULT_BAD) {
            fprintf(stderr, "raw client: an answer to command %u can't be understood\n", command);
            return RAW_CLOSED;
        }
        if (event.kind == RESULT_MORE || raw->end == raw->start) {
            enum raw_outcome outcome = fill(raw, RAW_PATIENCE_MS);
            if (outcome != RAW_GOT)
                return outcome;
            continue;
        }
        *data = realloc(*data, *length + event.length + 1);
        must(*data != NULL, "memory");
        memcpy(*data + *length, raw->data + raw->start, event.length);
        *length += event.length;
        raw->start += event.length;
        if (event.kind == RESULT_ERR || event.kind == RESULT_OK || event.kind == RESULT_EOF) {
            said = *length - event.length + PACKET_HEADER;
            raw->length = event.length - PACKET_HEADER;
        }
        if (said)
            raw->packet = *data + said; /* until *data is freed */
        if (event.end || event.kind == RESULT_LOCAL_INFILE)
            return RAW_GOT;
    }
}

int raw_error(struct raw *raw, uint8_t command)
{
    struct answer_err err;
    uint8_t *data = NULL;
    size_t length = 0;
    int code = 0;
    raw->packet = NULL;
    enum raw_outcome outcome = raw_answer(raw, command, &data, &length);
    if (outcome != RAW_GOT)
        code = outcome == RAW_CLOSED ? -1 : -2;
    else if (length > RAW_HEADER && data[RAW_HEADER] == 0xfb)
        code = -3;
    else if (raw->packet && raw->packet[0] == 0xff && answer_err_read(raw->packet, raw->length, &err))
        code = err.code;
    raw->packet = NULL;
    free(data);
    return code;
}

bool raw_err(const struct raw *raw, struct raw_err *ret)
{
    const uint8_t *at = raw->packet;
    size_t skip = raw->length > 9 && at[3] == '#' ? 9 : 3;
    if (raw->length < 3 || at[0] != 0xff)
        return false;
    *ret = (struct raw_err){.code = at[1] | (unsigned)at[2] << 8};
    if (skip == 9)
        memcpy(ret->state, at + 4, 5);
    snprintf(ret->message, sizeof ret->message, "%.*s", (int)(raw->length - skip), (const char *)at + skip);
    return true;
}

int raw_run(struct raw *raw, const char *text)
{
    raw_query(raw, text);
    return raw_error(raw, COM_QUERY);
}

/* ---- login ---- */

static const char sha2_plugin[] = "caching_sha2_password", native_plugin[] = "mysql_native_password";

static bool is_sha2(struct bytes plugin)
{
    return plugin.length == sizeof sha2_plugin - 1 && memcmp(plugin.at, sha2_plugin, plugin.length) == 0;
}

bool raw_greeting(struct raw *raw)
{
    struct greeting greeting;
    if (raw_read(raw) != RAW_GOT || !greeting_read(raw->packet, raw->length, &greeting))
        return false;
    raw->offered = greeting.capabilities;
    raw->connection_id = greeting.connection_id;
    memcpy(raw->scramble, greeting.scramble, SCRAMBLE_LENGTH);
    raw->sha2 = is_sha2(greeting.plugin);
    return true;
}

bool raw_secure(struct raw *raw, const void *session)
{
    static SSL_CTX *context;
    uint8_t request[32] = {0};
    const uint32_t capabilities = RAW_PLAIN | RAW_SSL;
    must(context || (context = SSL_CTX_new(TLS_client_method())), "TLS");
    memcpy(request, &capabilities, sizeof capabilities); /* little-endian, as we are */
    raw_packet(raw, 1, request, sizeof request);
    SSL *ssl = SSL_new(context);
    must(ssl && SSL_set_fd(ssl, raw->fd) == 1, "TLS");
    if (session)
        must(SSL_set_session(ssl, (SSL_SESSION *)(uintptr_t)session) == 1, "session");
    bool secure = SSL_connect(ssl) == 1;
    ERR_clear_error();
    if (secure)
        raw->ssl = ssl;
    else
        SSL_free(ssl);
    return secure;
}

bool raw_resumed(const struct raw *raw)
{
    return SSL_session_reused(raw->ssl);
}

void *raw_session(struct raw *raw)
{
    return SSL_get1_session(raw->ssl);
}

void raw_forget(void *session)
{
    SSL_SESSION_free(session);
}

size_t raw_native_answer(const char *password, const uint8_t *scramble, uint8_t *out)
{
    uint8_t stage1[NATIVE_LENGTH];
    if (!*password)
        return 0;
    must(auth_native_stage1(password, strlen(password), stage1) && auth_native_answer(stage1, scramble, out),
         "scramble");
    return NATIVE_LENGTH;
}

size_t raw_auth_answer(const struct raw *raw, const char *password, uint8_t *out)
{
    if (!raw->sha2 || !*password)
        return raw_native_answer(password, raw->scramble, out);
    must(auth_sha2_answer(password, strlen(password), raw->scramble, out), "scramble");
    return SHA2_LENGTH;
}

size_t raw_login_packet(struct raw *raw, const char *user, const char *password, const char *schema,
                        uint32_t capabilities, uint8_t *out, size_t size)
{
    const char *plugin = raw->sha2 ? sha2_plugin : native_plugin;
    uint8_t auth[RAW_ANSWER_MAX];
    if (schema)
        capabilities |= CAP_CONNECT_WITH_DB;
    raw->capabilities = capabilities & raw->offered;
    struct login login = {
        .capabilities = raw->capabilities,
        .max_packet = 1u << 30,
        .collation = 45,
        .user = {(const uint8_t *)user, strlen(user)},
        .auth = {auth, raw_auth_answer(raw, password, auth)},
        .database = {(const uint8_t *)schema, schema ? strlen(schema) : 0},
        .plugin = {(const uint8_t *)plugin, strlen(plugin)},
    };
    struct writer w = writer_of(out, size);
    login_write(&w, &login);
    must(!w.full, "login packet");
    return writer_length(&w);
}

bool raw_login(struct raw *raw, const char *user, const char *password, const char *schema,
               uint32_t capabilities)
{
    return raw_greeting(raw) && raw_log_in(raw, user, password, schema, capabilities);
}

static void answer_switch(struct raw *raw, const struct auth_switch *change, const char *password)
{
    uint8_t auth[RAW_ANSWER_MAX];
    raw->sha2 = is_sha2(change->plugin);
    memcpy(raw->scramble, change->data.at, SCRAMBLE_LENGTH);
    raw_packet(raw, (uint8_t)(raw->sequence + 1), auth, raw_auth_answer(raw, password, auth));
}

/* The password itself, as the other side asked for it: in clear where nobody listens, else by its key. */
static bool tell_password(struct raw *raw, const char *password)
{
    uint8_t sealed[AUTH_KEY_MAX];
    size_t length = 0;
    if (raw->ssl || raw->local) {
        raw_packet(raw, (uint8_t)(raw->sequence + 1), password, strlen(password) + 1);
        return true;
    }
    raw_packet(raw, (uint8_t)(raw->sequence + 1), "\x02", 1);
    if (raw_read(raw) != RAW_GOT || !raw->length || raw->packet[0] != AUTH_MORE)
        return false;
    must(auth_rsa_encrypt(raw->packet + 1, raw->length - 1, password, strlen(password), raw->scramble, sealed,
                          sizeof sealed, &length),
         "key");
    raw_packet(raw, (uint8_t)(raw->sequence + 1), sealed, length);
    return true;
}

bool raw_proceed(struct raw *raw, const char *password)
{
    struct auth_switch change;
    while (raw_read(raw) == RAW_GOT && raw->length) {
        bool more = raw->packet[0] == AUTH_MORE && raw->length == 2;
        if (more && raw->packet[1] == AUTH_MORE_FULL) {
            if (!tell_password(raw, password))
                return false;
        } else if (raw->packet[0] == 0xfe && auth_switch_read(raw->packet, raw->length, &change) &&
                   change.data.length >= SCRAMBLE_LENGTH) {
            answer_switch(raw, &change, password);
        } else if (!more || raw->packet[1] != AUTH_MORE_FAST) {
            return raw->packet[0] == 0;
        }
    }
    return false;
}

bool raw_log_in(struct raw *raw, const char *user, const char *password, const char *schema,
                uint32_t capabilities)
{
    uint8_t packet[1024];
    if (raw->ssl)
        capabilities |= RAW_SSL;
    raw_packet(raw, raw->ssl ? 2 : 1, packet,
               raw_login_packet(raw, user, password, schema, capabilities, packet, sizeof packet));
    return raw_proceed(raw, password);
}

struct raw *raw_open(int port, const char *user, const char *password, const char *schema,
                     uint32_t capabilities)
{
    struct raw *raw = raw_dial(port, NULL);
    must(raw_login(raw, user, password, schema, capabilities), "login refused");
    return raw;
}
