/*
 * conn_tls.c - the TLS part of a connection.
 *
 *   socket ──recv──> [early] ──> BIO ──> SSL ──SSL_read──> who reads the connection
 *   socket <──send───────────── BIO <── SSL <──SSL_write── who writes, or conn->out
 *
 * The handshake is nobody's business: reading and writing drive it, and until it is over there is nothing to
 * be read and nothing is taken.
 *
 * early: what came behind the packet that asked for TLS. It was sent to the library, whatever it is: bytes in
 * clear there are no TLS, and end the connection.
 *
 * more: the library has bytes that the last reader had no room for. The socket doesn't know of them, so the
 * event is made here. Having a part of a record is not enough: only the socket has the rest.
 */
#include "conn_tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct conn_tls {
    SSL *ssl;
    struct chunk *early;
    bool ended; /* the peer's side of the socket */
    bool more;
    bool read_waits, write_waits;
    unsigned long error; /* OpenSSL's, of what failed; 0: the socket did */
};

/* ---- the socket, as OpenSSL sees it ---- */

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static int take_early(struct conn *conn, char *out, size_t size)
{
    struct conn_tls *tls = conn->tls;
    size_t n = chunk_used(tls->early) < size ? chunk_used(tls->early) : size;
    memcpy(out, tls->early->data + tls->early->start, n);
    tls->early->start += (uint32_t)n;
    if (chunk_used(tls->early) == 0) {
        chunk_give(conn->chunks, tls->early);
        tls->early = NULL;
    }
    return (int)n;
}

static int bio_read(BIO *bio, char *out, int size)
{
    struct conn *conn = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (conn->tls->early && size > 0)
        return take_early(conn, out, (size_t)size);
    ssize_t n = recv(conn->fd, out, (size_t)size, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    conn->tls->ended |= n == 0 && size > 0;
    return (int)n;
}

static int bio_write(BIO *bio, const char *data, int length)
{
    const struct conn *conn = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = send(conn->fd, data, (size_t)length, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)number, (void)pointer;
    const struct conn *conn = BIO_get_data(bio);
    if (command == BIO_CTRL_EOF)
        return conn->tls && conn->tls->ended;
    return command == BIO_CTRL_FLUSH; /* nothing is kept here */
}

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "conn");
    if (!method || BIO_meth_set_read(method, bio_read) != 1 || BIO_meth_set_write(method, bio_write) != 1 ||
        BIO_meth_set_ctrl(method, bio_ctrl) != 1) {
        BIO_meth_free(method);
        method = NULL;
    }
}

static bool attach(struct conn *conn, SSL *ssl)
{
    pthread_once(&method_once, make_method);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!bio)
        return false;
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return true;
}

/* ---- beginning and end ---- */

static enum conn_outcome begin(struct conn *conn, SSL *ssl)
{
    struct conn_tls *tls = ssl ? calloc(1, sizeof *tls) : NULL;
    assert(!conn->tls && !conn_backlogged(conn));
    if (!tls || !attach(conn, ssl)) {
        ERR_clear_error();
        SSL_free(ssl);
        free(tls);
        return CONN_MEMORY;
    }
    tls->ssl = ssl;
    tls->early = conn->in;
    tls->more = tls->early != NULL;
    conn->in = NULL;
    conn->tls = tls;
    conn_tls_resume(conn);
    return CONN_OK;
}

enum conn_outcome conn_secure_client(struct conn *conn, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    if (ssl)
        SSL_set_accept_state(ssl);
    return begin(conn, ssl);
}

static bool expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(ssl);
    bool number = X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1;
    return number || (SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1);
}

enum conn_outcome conn_secure_server(struct conn *conn, SSL_CTX *context, const char *host,
                                     struct conn_session *last)
{
    bool verify = SSL_CTX_get_verify_mode(context) != SSL_VERIFY_NONE;
    SSL *ssl = SSL_new(context);
    if (ssl && verify && !expect_host(ssl, host)) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl) {
        SSL_set_connect_state(ssl);
        SSL_set_app_data(ssl, last);
        if (last->session && last->context == context)
            SSL_set_session(ssl, last->session); /* if not: a full handshake */
    }
    return begin(conn, ssl);
}

void conn_session_done(struct conn_session *last)
{
    SSL_SESSION_free(last->session);
    SSL_CTX_free(last->context);
    *last = (struct conn_session){0};
}

int conn_tls_keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct conn_session *last = SSL_get_app_data(ssl);
    SSL_CTX *context = SSL_get_SSL_CTX(ssl);
    if (SSL_CTX_up_ref(context) != 1)
        return 0;
    conn_session_done(last);
    *last = (struct conn_session){session, context};
    return 1; /* taken over */
}

void conn_tls_free(struct conn *conn)
{
    struct conn_tls *tls = conn->tls;
    if (!tls)
        return;
    conn->tls = NULL;
    SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* else its session is spoilt */
    SSL_free(tls->ssl);
    chunk_give(conn->chunks, tls->early);
    free(tls);
}

bool conn_resumed(const struct conn *conn)
{
    return conn->tls && SSL_session_reused(conn->tls->ssl);
}

/* ---- faults ---- */

static void note_fault(struct conn_tls *tls)
{
    tls->error = ERR_peek_error();
    ERR_clear_error();
}

bool conn_tls_fault(const struct conn *conn, char *text, size_t size)
{
    const struct conn_tls *tls = conn->tls;
    if (!tls || !tls->error)
        return false;
    const char *reason = ERR_reason_error_string(tls->error);
    long verified = SSL_get_verify_result(tls->ssl);
    bool refused = ERR_GET_REASON(tls->error) == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK;
    snprintf(text, size, "TLS: %s%s%s", reason ? reason : "unknown fault", refused ? ": " : "",
             refused ? X509_verify_cert_error_string(verified) : "");
    return true;
}

/* What others left in this thread's queue would be taken for the next call's. It is mostly empty, and looking
 * is much cheaper than clearing. */
static void forget_errors(void)
{
    if (ERR_peek_error())
        ERR_clear_error();
}

/* ---- reading ---- */

static enum conn_outcome why_not_read(struct conn *conn)
{
    struct conn_tls *tls = conn->tls;
    switch (SSL_get_error(tls->ssl, 0)) {
    case SSL_ERROR_WANT_READ: return CONN_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        tls->read_waits = true;
        ev_io_start(conn->loop, &conn->write_watcher);
        return CONN_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return CONN_CLOSED;
    default: note_fault(tls); return tls->ended && !tls->error ? CONN_CLOSED : CONN_FAILED;
    }
}

void conn_tls_resume(struct conn *conn)
{
    if (conn->tls->more && ev_is_active(&conn->read_watcher))
        ev_feed_event(conn->loop, &conn->read_watcher, EV_READ);
}

enum conn_outcome conn_tls_read(struct conn *conn, uint8_t *memory, size_t size, size_t *ret_length)
{
    struct conn_tls *tls = conn->tls;
    size_t have = 0, n;
    bool good, pending;
    tls->read_waits = false;
    do {
        forget_errors();
        good = SSL_read_ex(tls->ssl, memory + have, size - have, &n) == 1;
        have += good ? n : 0;
        pending = SSL_has_pending(tls->ssl) || tls->early;
    } while (good && pending && have < size);
    enum conn_outcome outcome = good ? CONN_OK : why_not_read(conn);
    tls->more = good ? pending : have && outcome != CONN_AGAIN; /* a fault is told by the next reading */
    conn_tls_resume(conn);
    if (!have)
        return outcome;
    *ret_length = have;
    return CONN_OK;
}

bool conn_tls_read_waits(const struct conn *conn)
{
    return conn->tls->read_waits;
}

/* ---- writing ---- */

ssize_t conn_tls_write(struct conn *conn, const uint8_t *data, size_t length)
{
    struct conn_tls *tls = conn->tls;
    size_t n = length < SSL3_RT_MAX_PLAIN_LENGTH ? length : SSL3_RT_MAX_PLAIN_LENGTH;
    tls->write_waits = false;
    forget_errors();
    if (SSL_write_ex(tls->ssl, data, n, &n) == 1)
        return (ssize_t)n;
    switch (SSL_get_error(tls->ssl, 0)) {
    case SSL_ERROR_WANT_WRITE: return 0;
    case SSL_ERROR_WANT_READ: tls->write_waits = true; return 0;
    default: note_fault(tls); return -1;
    }
}

bool conn_tls_write_waits(const struct conn *conn)
{
    return conn->tls->write_waits;
}

/* Where the next record begins. */
struct place {
    const struct iovec *part, *end;
    size_t at;
};

static void advance(struct place *place, size_t n)
{
    place->at += n;
    while (place->part < place->end && place->at == place->part->iov_len) {
        place->part++;
        place->at = 0;
    }
}

/* The next record's bytes: those of one part where they lie, those of several copied together. */
static size_t gather(struct place *place, uint8_t *memory, size_t size, const uint8_t **ret_data)
{
    size_t length = 0;
    advance(place, 0);
    if (place->part == place->end)
        return 0;
    *ret_data = (const uint8_t *)place->part->iov_base + place->at;
    size_t here = place->part->iov_len - place->at;
    if (place->part + 1 == place->end || here >= size) {
        length = here < size ? here : size;
        advance(place, length);
        return length;
    }
    *ret_data = memory;
    while (place->part < place->end && length < size) {
        size_t left = place->part->iov_len - place->at, n = left < size - length ? left : size - length;
        memcpy(memory + length, (const uint8_t *)place->part->iov_base + place->at, n);
        length += n;
        advance(place, n);
    }
    return length;
}

ssize_t conn_tls_writev(struct conn *conn, const struct iovec *iov, int count, size_t *ret_together)
{
    uint8_t memory[SSL3_RT_MAX_PLAIN_LENGTH];
    struct place place = {.part = iov, .end = iov + count};
    const uint8_t *data;
    ssize_t sent = 0;
    for (size_t length; (length = gather(&place, memory, sizeof memory, &data)) > 0;) {
        ssize_t n = conn_tls_write(conn, data, length);
        if (n < 0)
            return -1;
        sent += n;
        if ((size_t)n < length) {
            *ret_together = length - (size_t)n;
            break;
        }
    }
    return sent;
}
