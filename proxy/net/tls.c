/*
 * tls.c - contexts made of the configured files, and the one that counts now.
 *
 *   tls_load ─┬─> load_clients ── certificate and key of files, or of our own making (tls_certificate.c)
 *             └─> load_servers ── the authorities, if servers are verified
 *
 * Sessions are resumed by tickets only, which the clients keep: nothing is stored here, and whichever worker
 * a client comes to can read them. A reload that makes new contexts makes old tickets worthless, which costs
 * those clients one full handshake.
 */
#include "pointsman/net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn_tls.h"
#include "tls_certificate.h"

/* The one first that costs least: clients that want more than 128 bits don't offer it. */
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

static struct {
    pthread_mutex_t lock;
    struct tls *tls;
} current = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- contexts ---- */

/* What both sides have in common. Buffers are given back between records: idle connections are many. */
static bool set_up(SSL_CTX *context)
{
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* The peer's packets say how long they are: a connection that is cut off can't be taken for one that
     * ended. */
    SSL_CTX_set_options(context,
                        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(context, 1);     /* one read a record, not one for its header besides */
    SSL_CTX_set_quiet_shutdown(context, 1); /* as servers end: without a word */
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

static bool use_certificate(SSL_CTX *context, const struct config *config)
{
    return SSL_CTX_use_certificate_chain_file(context, config->tls_certificate) == 1 &&
           SSL_CTX_use_PrivateKey_file(context, config->tls_key, SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_check_private_key(context) == 1;
}

static SSL_CTX *load_clients(const struct config *config)
{
    static const unsigned char ours[] = "pointsman";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return NULL;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets do without */
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (set_up(context) && SSL_CTX_set_ciphersuites(context, SUITES) == 1 &&
        SSL_CTX_set_num_tickets(context, 1) == 1 &&
        SSL_CTX_set_session_id_context(context, ours, sizeof ours - 1) == 1 &&
        (config->tls_certificate ? use_certificate(context, config) : tls_certificate_make(context)))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static SSL_CTX *load_servers(const struct config *config)
{
    bool verify = config->tls_servers == CONFIG_TLS_VERIFY;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context)
        return NULL;
    SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    /* Sessions are kept by those who connect, by server. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, conn_tls_keep_session);
    if (set_up(context) && (!verify || SSL_CTX_load_verify_file(context, config->tls_ca) == 1))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

/* ---- life ---- */

static void say_why(char *why, size_t size)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(why, size, "TLS can't be set up: %s", reason ? reason : "out of memory");
    ERR_clear_error();
}

struct tls *tls_load(const struct config *config, const struct tls *last, char *why, size_t size)
{
    struct tls *tls = calloc(1, sizeof *tls);
    ERR_clear_error();
    if (!tls) {
        say_why(why, size);
        return NULL;
    }
    atomic_init(&tls->refs, 1);
    tls->made = !config->tls_certificate;
    if (tls->made && last && last->made && SSL_CTX_up_ref(last->clients) == 1)
        tls->clients = last->clients;
    else
        tls->clients = load_clients(config);
    tls->wanted = config->tls_servers;
    if (tls->wanted != CONFIG_TLS_OFF)
        tls->servers = load_servers(config);
    if (tls->clients && (tls->servers || tls->wanted == CONFIG_TLS_OFF))
        return tls;
    say_why(why, size);
    tls_unref(tls);
    return NULL;
}

struct tls *tls_ref(struct tls *tls)
{
    atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
    return tls;
}

void tls_unref(struct tls *tls)
{
    if (!tls || atomic_fetch_sub_explicit(&tls->refs, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(tls->clients);
    SSL_CTX_free(tls->servers);
    free(tls);
}

void tls_publish(struct tls *tls)
{
    pthread_mutex_lock(&current.lock);
    struct tls *old = current.tls;
    current.tls = tls;
    pthread_mutex_unlock(&current.lock);
    tls_unref(old);
}

struct tls *tls_current(void)
{
    pthread_mutex_lock(&current.lock);
    struct tls *tls = current.tls ? tls_ref(current.tls) : NULL;
    pthread_mutex_unlock(&current.lock);
    return tls;
}
