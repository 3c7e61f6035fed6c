/*
 * worker.h - a worker thread: an event loop with its sessions, pools and figures. Nothing of it is shared but
 * by mail, by immutable snapshots and by the atomics of struct worker_figures.
 *
 *   main ──accept──> worker_give(fd) ──mail──> session
 *   monitor ──publish topology / accounts──> mail ──> worker takes a reference to the new one
 *           ──publish definitions──> taken when a statement is read
 */
#ifndef POINTSMAN_SESSION_WORKER_H
#define POINTSMAN_SESSION_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

#include "pointsman/base/mailbox.h"
#include "pointsman/base/preempt.h"
#include "pointsman/pool/pool.h"
#include "pointsman/route/route.h"
#include "pointsman/topology/accounts.h"
#include "pointsman/topology/definitions.h"

enum { WORKERS_MAX = 64, WORKER_HISTOGRAM = 24 /* powers of two of microseconds */ };

/* Counters: written by the worker (relaxed), read by anybody. */
struct worker_figures {
    atomic_ullong statements[ROUTE_CLASSES];
    atomic_ullong reasons[ROUTE_REASONS][2]; /* [0]: to the primary, [1]: to a replica */
    atomic_ullong server_statements[TOPOLOGY_SERVERS_MAX];
    atomic_ullong server_errors[TOPOLOGY_SERVERS_MAX];
    atomic_ullong latency[2][WORKER_HISTOGRAM]; /* by primary/replica: bucket n is below 2^n us */
    atomic_ullong latency_us[2];
    atomic_ullong bytes_in, bytes_out; /* from and to clients */
    atomic_ullong tls_logins, tls_resumed;
    atomic_ullong logins, login_failures, retries, heals, hints_ignored, waits, saves, carries, shared,
        repeats;
    atomic_uint sessions, waiting;
    atomic_uint given;      /* clients that it has, those under way in the mail included */
    atomic_uint pins[PINS]; /* sessions that hold a connection for this reason now */
};

/* What all workers share; owned by main. */
struct worker_shared {
    struct pool_limits limits;
    atomic_uint clients;  /* over all workers */
    atomic_bool stopping; /* no new logins; sessions end when they are idle */
    unsigned workers_count;
    struct worker *workers[WORKERS_MAX];
};

/* A statement that a replica could not run though the primary can; ms. */
enum { WORKER_MISROUTES = 16 };
struct misroute {
    uint64_t digest, since;
    char *position; /* owned: what replicas must have before they are asked again; NULL: not known yet */
};

struct worker {
    unsigned number;
    struct worker_shared *shared; /* borrowed */
    pthread_t thread;
    struct ev_loop *loop;
    struct mailbox mailbox;
    ev_timer tick;
    bool tick_is_fast;
    struct preempt preempt;
    bool stop;   /* no more clients; sessions end as they become idle */
    bool joined; /* worker_join() waits: till then questions are answered, though no session is left */
    struct chunk_pool chunks;
    struct state_table states;
    struct identities identities;
    struct pools pools;
    struct route_balance balance, state_balance; /* of reads, of what only sets */
    struct topology *topology;                   /* referenced */
    struct accounts *accounts;                   /* referenced */
    struct definitions *definitions;             /* referenced; current as of the last statement read */
    struct list sessions;                        /* struct session, all */
    struct list logins;                          /* those logging in, in order of arrival */
    struct list waiting; /* those that wait for a server to be usable, or for their past */
    struct list closed;  /* freed when the round of the loop is over: callers up the stack may hold them */
    ev_prepare reaper;
    uint32_t next_id;
    /* ms: a replica let a wait run out: nobody waits there meanwhile */
    uint64_t slow_until[TOPOLOGY_SERVERS_MAX];
    uint64_t swept; /* ms: when idle sessions were looked at last */
    uint64_t avoid; /* servers that failed and were not seen well since: bits */
    uint64_t
        avoid_since[TOPOLOGY_SERVERS_MAX]; /* ms: the last failure; a while later the watchers know better */
    struct misroute misroutes[WORKER_MISROUTES];
    unsigned misroutes_count;
    struct sql_names safe_functions; /* of the configuration, borrowed */
    struct paces *paces;             /* owned: how long statements take */
    uint8_t *scratch;                /* WORKER_SCRATCH bytes: what is read from servers */
    uint8_t *outgoing;               /* WORKER_SCRATCH bytes: what is made up to be sent */
    struct worker_figures figures;
};

enum { WORKER_SCRATCH = 128 * 1024 };

static inline const struct config *worker_config(const struct worker *worker)
{
    return worker->topology->config;
}

/* Starts the thread. NULL: could not (memory, thread). */
struct worker *worker_start(unsigned number, struct worker_shared *shared);
/* Asks it to end: sessions that are idle end now, others as they become idle; worker_join waits until it has
 * ended. */
void worker_stop(struct worker *worker, bool at_once);
void worker_join(struct worker *worker);

/* Hands over a client's socket (non-blocking). `address` as text, NULL for a unix socket. */
bool worker_give(struct worker *worker, int fd, const char *address);

/* One row of SHOW SESSIONS. */
struct session_row {
    uint32_t id;
    char user[96], host[64], schema[64], server[64], state[16], pinned_by[96], statement[160];
    uint64_t since_ms;
    unsigned pins; /* enum pin; of each: the statement that pinned, and how long ago */
    uint64_t pin_digests[PINS], pin_ages_ms[PINS];
    uint64_t idle_ms; /* how long its connection was held for nothing, since the first pin */
};
/* All sessions of a worker, copied in its thread: waits for it. Returns the count; *ret_rows to be freed by
 * the caller. */
size_t worker_sessions(struct worker *worker, struct session_row **ret_rows);

/* The connections of one pool, by state (busy: those being cleaned too). Several pools may have the same
 * server and user. */
struct pool_row {
    char server[64], user[96];
    unsigned connecting, idle, busy, held;
};
/* All pools of a worker, as worker_sessions() does it. */
size_t worker_pools(struct worker *worker, struct pool_row **ret_rows);

/* Somebody waits: the worker looks at timeouts more often until nobody does. In its own thread only. */
void worker_hurry(struct worker *worker);
/* It failed: for a moment only those statements go there that may go nowhere else. */
void worker_avoid(struct worker *worker, int server);

/* KILL [QUERY] of the session with this id. False: there is none. Waits for the worker. */
bool worker_kill(struct worker_shared *shared, uint32_t id, bool query_only);

#endif
