/*
 * tls.h - what TLS is spoken with: certificate, key and authorities, as the configuration names them.
 *
 *   config ──tls_load──> struct tls ──tls_publish──> tls_current(), at each login ──> conn_secure_client(),
 *                                                                                    conn_secure_server()
 *
 * Immutable and counted, as the configuration is; a connection that was secured keeps what it was secured
 * with. All workers have the same contexts, so a client may resume with any of them what it began with
 * another.
 */
#ifndef POINTSMAN_NET_TLS_H
#define POINTSMAN_NET_TLS_H

#include <openssl/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "pointsman/config/config.h"

struct tls {
    atomic_uint refs;
    SSL_CTX *clients; /* we are their server */
    bool made;        /* by a certificate of our own making */
    SSL_CTX *servers; /* we are their client; NULL: never (off) */
    enum config_tls_servers wanted;
};

/* One reference. Without a configured certificate one is made, or that of `last` (may be NULL) goes on. NULL:
 * a file is of no use, or no memory; why is told. */
struct tls *tls_load(const struct config *config, const struct tls *last, char *why, size_t size);
struct tls *tls_ref(struct tls *tls);
void tls_unref(struct tls *tls); /* NULL-safe */

/* Takes over a reference. */
void tls_publish(struct tls *tls);
/* A new reference; NULL before the first was published. */
struct tls *tls_current(void);

#endif
