/*
 * conn.h - a connection: file descriptor, watchers, what was read and not yet used, what waits to be written;
 * in clear, or under TLS from some point on.
 *
 *   socket ──read──> in (a chunk, only while there is something in it)      or the caller's scratch memory
 *   socket <─write── straight from the caller's memory; what the socket didn't take is copied to `out`
 *
 * Write first, watch for writability only when the socket is full. While `out` isn't empty the connection is
 * backlogged: whoever feeds it must stop reading its source until on_drained; so nothing queues without
 * bound.
 */
#ifndef POINTSMAN_NET_CONN_H
#define POINTSMAN_NET_CONN_H

#include <ev.h>
#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "pointsman/base/chunk.h"

struct conn;
struct conn_tls;
struct conn_zip;
struct ssl_session_st; /* SSL_SESSION */

struct conn_events {
    void (*readable)(struct conn *conn);
    void (*drained)(struct conn *conn); /* all that waited was written */
    void (*failed)(
        struct conn *conn); /* writing what waited failed; the connection is to be closed by its owner */
};

struct conn {
    int fd; /* -1: closed */
    struct ev_loop *loop;
    const struct conn_events *events;
    struct chunk_pool *chunks;
    ev_io read_watcher, write_watcher;
    struct chunk *in;     /* NULL while there is nothing unread */
    struct list out;      /* chunks waiting to be written */
    struct conn_tls *tls; /* owned; NULL: in clear */
    struct conn_zip *zip; /* owned; NULL: not compressed */
};

enum conn_outcome {
    CONN_OK,     /* something was read, or everything written or kept to be written */
    CONN_AGAIN,  /* nothing to be read now */
    CONN_CLOSED, /* the peer closed its side */
    CONN_FAILED, /* an error of the socket (errno says which) or of TLS: conn_fault() */
    CONN_MEMORY, /* no memory */
};

/* Takes over fd (non-blocking already) and starts reading. */
void conn_open(struct conn *conn, int fd, struct ev_loop *loop, struct chunk_pool *chunks,
               const struct conn_events *events);
/* Closes; idempotent. Buffers are given back. */
void conn_close(struct conn *conn);
static inline bool conn_is_open(const struct conn *conn)
{
    return conn->fd >= 0;
}

/* From here on all is TLS, the peer being the client; what lies in conn->in is the beginning of its
 * handshake. Nothing may wait to be written. Reading drives the handshake. CONN_MEMORY: it is as it was. */
enum conn_outcome conn_secure_client(struct conn *conn, SSL_CTX *context);

/* A server's last session; it outlives the server's connections. */
struct conn_session {
    struct ssl_session_st *session; /* owned; NULL: none yet */
    SSL_CTX *context; /* referenced: what it was made with, since a resumed session isn't verified again */
};
void conn_session_done(struct conn_session *last);
/* The same, the peer being the server: what is written from here on waits for the handshake. host: if the
 * context verifies, the name or the address that the certificate must be for. */
enum conn_outcome conn_secure_server(struct conn *conn, SSL_CTX *context, const char *host,
                                     struct conn_session *last);
static inline bool conn_is_secure(const struct conn *conn)
{
    return conn->tls != NULL;
}
bool conn_resumed(const struct conn *conn); /* its handshake was a short one */
/* Why the last call failed, in words. */
const char *conn_fault(const struct conn *conn, char *text, size_t size);

/* From here on the protocol is the compressed one. Nothing may be unread. level: of ZSTD, 1 to 22. False: no
 * memory.
 */
enum conn_compression { CONN_ZLIB, CONN_ZSTD };
bool conn_compress(struct conn *conn, enum conn_compression how, int level);

/* Starts or stops watching for input; free if nothing changes within one round of the loop. */
void conn_watch(struct conn *conn, bool readable);
/* Waits for writability although nothing is to be written (a connect in progress): on_drained comes then. */
void conn_watch_connect(struct conn *conn);

/* Reads once into conn->in, which is made if there is none and has room for at least `least` more bytes
 * behind it (at most CHUNK_LARGE in all). */
enum conn_outcome conn_read(struct conn *conn, size_t least);
/* Makes conn->in one that has room for `size` bytes in all, more than CHUNK_LARGE, with what it holds. */
enum conn_outcome conn_enlarge(struct conn *conn, size_t size);
/* Reads once into the caller's memory. */
enum conn_outcome conn_read_into(struct conn *conn, void *memory, size_t size, size_t *ret_length);
/* Drops n bytes from the front of conn->in; gives the chunk back when it becomes empty. */
void conn_consume(struct conn *conn, size_t n);
/* Keeps `length` bytes as conn->in, which must be NULL. */
enum conn_outcome conn_keep(struct conn *conn, const void *data, size_t length);

/* Writes all of iov (at most 64 parts; they are changed): now, or what the socket doesn't take later. */
enum conn_outcome conn_writev(struct conn *conn, struct iovec *iov, int count);
enum conn_outcome conn_write(struct conn *conn, const void *data, size_t length);
static inline bool conn_backlogged(const struct conn *conn)
{
    return !list_empty(&conn->out);
}

#endif
