/*
 * conn_tls.h - the TLS part of a connection (private to proxy/net): what conn.c calls instead of recv() and
 * send() when there is one.
 */
#ifndef PROXY_NET_CONN_TLS_H
#define PROXY_NET_CONN_TLS_H

#include <stdint.h>

#include "pointsman/net/conn.h"

void conn_tls_free(struct conn *conn); /* NULL-safe */

/* As recv(): reads until the memory is full or there is nothing more. */
enum conn_outcome conn_tls_read(struct conn *conn, uint8_t *memory, size_t size, size_t *ret_length);
/* The owner reads again: what lies in the library already is no event of the socket. */
void conn_tls_resume(struct conn *conn);

/* At most one record. Returns what was taken, 0: not now, -1: it failed. After 0 the same bytes must come
 * again, in one piece at least as long as this. */
ssize_t conn_tls_write(struct conn *conn, const uint8_t *data, size_t length);
/* All that is taken now, in as few records as possible. -1: it failed. *ret_together: so many bytes of the
 * rest must come again in one piece. */
ssize_t conn_tls_writev(struct conn *conn, const struct iovec *iov, int count, size_t *ret_together);

/* Reading goes on when the socket takes bytes; writing when it has some. */
bool conn_tls_read_waits(const struct conn *conn);
bool conn_tls_write_waits(const struct conn *conn);

/* SSL_CTX_sess_set_new_cb(): a server gave a session, which its next connection may resume. */
int conn_tls_keep_session(SSL *ssl, struct ssl_session_st *session);

/* Why it failed; false: the socket did (errno). */
bool conn_tls_fault(const struct conn *conn, char *text, size_t size);

#endif
