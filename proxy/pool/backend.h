/* backend.h - one connection's life, for the pool's files (private to proxy/pool). */
#ifndef POINTSMAN_POOL_BACKEND_H
#define POINTSMAN_POOL_BACKEND_H

#include "pointsman/pool/pool.h"

/* Starts connecting; false: no memory or no socket (errno). A place was reserved by the caller. */
bool backend_connect(struct pool *pool);
/* Connecting or logging in failed: with the server's own words, or code 0 and ours. Tells those who wait. */
void backend_connect_failed(struct backend *backend, unsigned code, const char *state, const char *message,
                            size_t length);
void backend_note_tls_fault(const struct backend *backend, const char *why); /* in the log, now and then */
void backend_refuse_all(struct pool *pool, unsigned code, const char *state, const char *message,
                        size_t length);

/* The only function that changes the list a connection is on. */
void backend_move(struct backend *backend, enum backend_list list);
/* Moves it to another pool of its server and account; it stays on its kind of list (not IDLE). */
void backend_rehome(struct backend *backend, struct pool *pool);
/* COM_RESET_CONNECTION and our own settings behind it; then backend_cleaned(). */
void backend_clean(struct backend *backend);
void backend_free(struct backend *backend);
void backend_uncount(struct backend *backend, uint32_t takes); /* one statement less on it (SHARED) */

static inline bool backend_has_past(const struct backend *backend)
{
    return backend->past[PAST_INSERT_ID] || backend->past[PAST_FOUND_ROWS];
}

/* backend_login.c: the steps of a login; a step takes one packet. True: logged in. */
void backend_login_begin(struct backend *backend);
bool backend_login_packet(struct backend *backend, const uint8_t *payload, size_t length, uint8_t sequence);
/* The packet was consumed: what could not be done before is. */
void backend_login_consumed(struct backend *backend);
/* The statement that makes a fresh or reset connection ours; a whole packet. Returns its length. */
size_t backend_setup_packet(const struct backend *backend, uint8_t *out, size_t size);

/* ---- pool.c ---- */
enum { POOL_LOOK_THROUGH = 8 /* idle connections looked at for one in the right state */ };
/* Whoever waits first gets it, others who may share it too; else it becomes idle. */
void pool_serve(struct pool *pool, struct backend *backend);
/* An idle one, BUSY now; NULL: none, or others wait. */
struct backend *pool_take_idle(struct pool *pool, struct session *session, const struct wish *wish);
struct backend *pool_wait(struct pool *pool, struct waiter *waiter, uint64_t deadline); /* NULL */
void pool_grow(struct pool *pool);             /* opens one, if server and limits allow */
unsigned pool_unheld(const struct pool *pool); /* connections that are there for whoever comes */

/* ---- pool_share.c ---- */
/* pool_acquire() for who may share; waiter->wish is set. */
struct backend *pool_share(struct pool *pool, struct session *session, struct waiter *waiter,
                           uint64_t deadline);
/* Lets those who wait in front share it, if they may. False: it is still the caller's. */
bool pool_serve_shared(struct pool *pool, struct backend *backend);

#endif
