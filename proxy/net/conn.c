/* conn.c - a connection: see conn.h. */
#include "pointsman/net/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_tls.h"
#include "conn_zip.h"

/* What a socket or TLS takes of it now; -1: it failed. */
static ssize_t send_some(struct conn *conn, const uint8_t *data, size_t length)
{
    if (conn->tls)
        return conn_tls_write(conn, data, length);
    ssize_t n = send(conn->fd, data, length, MSG_NOSIGNAL);
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

/* Writes what waits. CONN_OK: all is gone or the socket is full again. */
static enum conn_outcome flush(struct conn *conn)
{
    while (!list_empty(&conn->out)) {
        struct chunk *chunk = list_first(&conn->out, struct chunk, link);
        ssize_t n = send_some(conn, chunk->data + chunk->start, chunk_used(chunk));
        if (n < 0)
            return CONN_FAILED;
        chunk->start += (uint32_t)n;
        if (chunk_used(chunk) && (n == 0 || !conn->tls)) /* TLS takes one record after the other */
            return CONN_OK;
        if (chunk_used(chunk))
            continue;
        list_remove(&chunk->link);
        chunk_give(conn->chunks, chunk);
    }
    return CONN_OK;
}

/* The socket must be watched for room: not while TLS waits for the peer's bytes, for then there is some. */
static bool wants_room(const struct conn *conn)
{
    return conn_backlogged(conn) && !(conn->tls && conn_tls_write_waits(conn));
}

/* False: it failed or was closed by its owner. */
static bool write_on(struct conn *conn)
{
    bool failed = flush(conn) != CONN_OK, done = !failed && !conn_backlogged(conn);
    if (!failed && wants_room(conn))
        ev_io_start(conn->loop, &conn->write_watcher);
    else
        ev_io_stop(conn->loop, &conn->write_watcher); /* nothing to do, or it would fail again */
    if (failed)
        conn->events->failed(conn);
    else if (done)
        conn->events->drained(conn);
    return !failed && conn_is_open(conn);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct conn *conn = watcher->data;
    if (conn->tls && conn_tls_write_waits(conn) && !write_on(conn))
        return;
    conn->events->readable(conn);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct conn *conn = watcher->data;
    bool read_waits = conn->tls && conn_tls_read_waits(conn);
    if (write_on(conn) && read_waits)
        conn->events->readable(conn);
}

void conn_open(struct conn *conn, int fd, struct ev_loop *loop, struct chunk_pool *chunks,
               const struct conn_events *events)
{
    *conn = (struct conn){.fd = fd, .loop = loop, .events = events, .chunks = chunks};
    list_init(&conn->out);
    ev_io_init(&conn->read_watcher, on_readable, fd, EV_READ);
    ev_io_init(&conn->write_watcher, on_writable, fd, EV_WRITE);
    conn->read_watcher.data = conn->write_watcher.data = conn;
    ev_io_start(loop, &conn->read_watcher);
}

void conn_close(struct conn *conn)
{
    if (conn->fd >= 0) {
        ev_io_stop(conn->loop, &conn->read_watcher);
        ev_io_stop(conn->loop, &conn->write_watcher);
        close(conn->fd);
        conn->fd = -1;
    }
    conn_zip_free(conn);
    conn_tls_free(conn);
    chunk_give(conn->chunks, conn->in);
    conn->in = NULL;
    list_each_safe (node, &conn->out) {
        list_remove(node);
        chunk_give(conn->chunks, list_entry(node, struct chunk, link));
    }
}

void conn_watch(struct conn *conn, bool readable)
{
    if (conn->fd < 0 || readable == (bool)ev_is_active(&conn->read_watcher))
        return;
    if (!readable) {
        ev_io_stop(conn->loop, &conn->read_watcher);
        return;
    }
    ev_io_start(conn->loop, &conn->read_watcher);
    if (conn->tls)
        conn_tls_resume(conn);
    if (conn->zip)
        conn_zip_resume(conn);
}

void conn_watch_connect(struct conn *conn)
{
    ev_io_start(conn->loop, &conn->write_watcher);
}

static enum conn_outcome read_raw(struct conn *conn, void *memory, size_t size, size_t *ret_length)
{
    if (conn->tls)
        return conn_tls_read(conn, memory, size, ret_length);
    ssize_t n = recv(conn->fd, memory, size, 0);
    if (n > 0) {
        *ret_length = (size_t)n;
        return CONN_OK;
    }
    if (n == 0)
        return CONN_CLOSED;
    return errno == EAGAIN || errno == EINTR ? CONN_AGAIN : CONN_FAILED;
}

static enum conn_outcome read_once(struct conn *conn, void *memory, size_t size, size_t *ret_length)
{
    return conn->zip ? conn_zip_read(conn, memory, size, ret_length, read_raw)
                     : read_raw(conn, memory, size, ret_length);
}

/* Makes conn->in a chunk with room for `least` bytes behind what it holds. */
static enum conn_outcome make_room(struct conn *conn, size_t least)
{
    struct chunk *in = conn->in;
    if (in && chunk_room(in) >= least)
        return CONN_OK;
    size_t used = in ? chunk_used(in) : 0;
    if (in && in->capacity - used >= least) {
        memmove(in->data, in->data + in->start, used);
        in->start = 0;
        in->end = (uint32_t)used;
        return CONN_OK;
    }
    struct chunk *larger = chunk_take(conn->chunks, used + least);
    if (!larger)
        return CONN_MEMORY;
    if (in)
        memcpy(larger->data, in->data + in->start, used);
    larger->end = (uint32_t)used;
    chunk_give(conn->chunks, in);
    conn->in = larger;
    return CONN_OK;
}

enum conn_outcome conn_enlarge(struct conn *conn, size_t size)
{
    struct chunk *in = conn->in, *huge = chunk_take_huge(conn->chunks, size);
    if (!huge)
        return CONN_MEMORY;
    if (in)
        memcpy(huge->data, in->data + in->start, huge->end = (uint32_t)chunk_used(in));
    chunk_give(conn->chunks, in);
    conn->in = huge;
    return CONN_OK;
}

enum conn_outcome conn_read(struct conn *conn, size_t least)
{
    if (make_room(conn, least) != CONN_OK)
        return CONN_MEMORY;
    size_t n = 0;
    enum conn_outcome outcome = read_once(conn, conn->in->data + conn->in->end, chunk_room(conn->in), &n);
    conn->in->end += (uint32_t)n;
    if (chunk_used(conn->in) == 0) {
        chunk_give(conn->chunks, conn->in);
        conn->in = NULL;
    }
    return outcome;
}

enum conn_outcome conn_read_into(struct conn *conn, void *memory, size_t size, size_t *ret_length)
{
    return read_once(conn, memory, size, ret_length);
}

void conn_consume(struct conn *conn, size_t n)
{
    if (n == 0)
        return;
    assert(conn->in && n <= chunk_used(conn->in));
    conn->in->start += (uint32_t)n;
    if (chunk_used(conn->in) == 0) {
        chunk_give(conn->chunks, conn->in);
        conn->in = NULL;
    }
}

enum conn_outcome conn_keep(struct conn *conn, const void *data, size_t length)
{
    assert(!conn->in);
    if (length == 0)
        return CONN_OK;
    conn->in = chunk_take(conn->chunks, length);
    if (!conn->in)
        return CONN_MEMORY;
    memcpy(conn->in->data, data, length);
    conn->in->end = (uint32_t)length;
    return CONN_OK;
}

/* Copies to `out` what the socket didn't take. */
static enum conn_outcome queue(struct conn *conn, const uint8_t *data, size_t length)
{
    while (length) {
        struct chunk *last = list_empty(&conn->out) ? NULL
                                                    : list_entry(conn->out.previous, struct chunk, link);
        if (!last || chunk_room(last) == 0) {
            last = chunk_take(conn->chunks, length > CHUNK_SMALL ? CHUNK_LARGE : CHUNK_SMALL);
            if (!last)
                return CONN_MEMORY;
            list_append(&conn->out, &last->link);
        }
        size_t n = length < chunk_room(last) ? length : chunk_room(last);
        memcpy(last->data + last->end, data, n);
        last->end += (uint32_t)n;
        data += n;
        length -= n;
    }
    return CONN_OK;
}

/* What TLS wants to have again in one piece begins a chunk that has room for it. */
static enum conn_outcome keep_together(struct conn *conn, size_t length)
{
    struct chunk *chunk = length ? chunk_take(conn->chunks, length) : NULL;
    if (length && !chunk)
        return CONN_MEMORY;
    if (chunk)
        list_append(&conn->out, &chunk->link);
    return CONN_OK;
}

static ssize_t send_now(struct conn *conn, struct iovec *iov, int count, size_t *ret_together)
{
    if (conn->tls)
        return conn_tls_writev(conn, iov, count, ret_together);
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
    ssize_t n = count == 1 ? send(conn->fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL)
                           : sendmsg(conn->fd, &message, MSG_NOSIGNAL);
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

static enum conn_outcome write_raw(struct conn *conn, struct iovec *iov, int count)
{
    size_t together = 0;
    ssize_t sent = conn_backlogged(conn) ? 0 : send_now(conn, iov, count, &together);
    if (sent < 0)
        return CONN_FAILED;
    if (keep_together(conn, together) != CONN_OK)
        return CONN_MEMORY;
    for (int i = 0; i < count; i++) {
        size_t skip = (size_t)sent < iov[i].iov_len ? (size_t)sent : iov[i].iov_len;
        sent -= (ssize_t)skip;
        if (queue(conn, (const uint8_t *)iov[i].iov_base + skip, iov[i].iov_len - skip) != CONN_OK)
            return CONN_MEMORY;
    }
    if (wants_room(conn))
        ev_io_start(conn->loop, &conn->write_watcher);
    return CONN_OK;
}

static enum conn_outcome write_packed(struct conn *conn, const void *data, size_t length)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
    return write_raw(conn, &iov, 1);
}

enum conn_outcome conn_writev(struct conn *conn, struct iovec *iov, int count)
{
    return conn->zip ? conn_zip_writev(conn, iov, count, write_packed) : write_raw(conn, iov, count);
}

enum conn_outcome conn_write(struct conn *conn, const void *data, size_t length)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
    return conn_writev(conn, &iov, 1);
}

const char *conn_fault(const struct conn *conn, char *text, size_t size)
{
    int error = errno;
    if (!conn_tls_fault(conn, text, size))
        snprintf(text, size, "%s", strerror(error));
    return text;
}
