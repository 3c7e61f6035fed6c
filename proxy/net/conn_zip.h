/*
 * conn_zip.h - the compressing part of a connection (private to proxy/net): what stands between conn.c's
 * readers and writers and the bytes on the wire, TLS included.
 */
#ifndef PROXY_NET_CONN_ZIP_H
#define PROXY_NET_CONN_ZIP_H

#include <stdint.h>

#include "pointsman/net/conn.h"

void conn_zip_free(struct conn *conn); /* NULL-safe */

typedef enum conn_outcome conn_zip_source(struct conn *conn, void *memory, size_t size, size_t *ret_length);
typedef enum conn_outcome conn_zip_sink(struct conn *conn, const void *data, size_t length);

/* Reads from `below` at most once. CONN_FAILED with errno EPROTO: what came is no such packet. */
enum conn_outcome conn_zip_read(struct conn *conn, uint8_t *memory, size_t size, size_t *ret_length,
                                conn_zip_source *below);
/* The owner reads again: what lies here already is no event of the socket. */
void conn_zip_resume(struct conn *conn);
/* Writes all of it to `below`, in as few packets as possible. */
enum conn_outcome conn_zip_writev(struct conn *conn, const struct iovec *iov, int count,
                                  conn_zip_sink *below);

#endif
