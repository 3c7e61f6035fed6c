/*
 * pool.h - one worker's connections to the servers.
 *
 * A pool holds connections that are alike for those who use them: same server, same account, same
 * capabilities. A connection's state is the list it is on, and backend_move() is the only function that puts
 * it there:
 *
 *   CONNECTING ──login done──> IDLE <──backend_release── BUSY <──pool_acquire── IDLE
 *                               │ ^                        │ ^
 *                               │ │last of them parted     │ │backend_unhold
 *                   pool_acquire│ │            backend_hold│ │
 *                               v │                        v │
 *                              SHARED ──somebody holds──> HELD ──dirty──> CLEANING ──> IDLE
 *
 * A BUSY or HELD connection is one session's. A SHARED one carries a queue of quick reads of several sessions
 * in one and the same state, back to back: a server that takes in many statements with one receive, and sends
 * without going to sleep in between, does each of them for half the processor time.
 *
 * Who finds no connection waits in the pool's queue (struct waiter), first come first served. Connections are
 * opened only while somebody waits, and only until POOL_EAGER of a pool are neither held nor stuck in one
 * statement for longer than POOL_PATIENCE; those that share are content with fewer (pool_share.c).
 */
#ifndef POINTSMAN_POOL_POOL_H
#define POINTSMAN_POOL_POOL_H

#include <ev.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pointsman/base/chunk.h"
#include "pointsman/net/conn.h"
#include "pointsman/pool/identity.h"
#include "pointsman/pool/prepared.h"
#include "pointsman/protocol/result.h"
#include "pointsman/protocol/wire.h"
#include "pointsman/state/state.h"
#include "pointsman/topology/topology.h"

/* How long opening a connection takes at least: connecting, logging in, turning on session tracking. */
enum { POOL_OPENING = 2000 /* us */ };

enum { POOL_EAGER = 12, POOL_PATIENCE = 100 /* ms */, POOL_BACKOFF = 200 /* ms */ };

/* Sharing: at most so many statements on one connection, and no more than are expected to take POOL_QUEUE.
 * One whose head takes longer than POOL_OVERRUN is joined by nobody. */
enum { POOL_PACE = 50 /* us */, POOL_DEPTH = 64, POOL_QUEUE = 10000 /* us */, POOL_OVERRUN = 40 /* ms */ };

struct session; /* of the layer above; never looked into here */
struct pools;

struct pool {
    struct list in_identity, in_pools; /* identity->pools, pools->all */
    struct pools *set;
    struct identity *identity; /* referenced */
    int server;
    uint32_t capabilities;
    struct list idle;    /* struct backend, last used first */
    struct list shared;  /* struct backend */
    struct list waiters; /* struct waiter, first come first */
    unsigned connecting, busy, held, idle_count, shared_count;
    unsigned stuck;   /* of the busy ones: in one statement for longer than POOL_PATIENCE, at the last tick */
    bool unreachable; /* connecting failed at once: who waits is told by the next tick */
    unsigned spare;   /* so many were idle at every moment since spare_since (ms) */
    uint64_t spare_since;
};

enum backend_list {
    BACKEND_CONNECTING,
    BACKEND_IDLE,
    BACKEND_BUSY,
    BACKEND_SHARED,
    BACKEND_HELD,
    BACKEND_CLEANING,
    BACKEND_DEAD
};

/* One command whose answer has yet to come; queued on its backend in the order of sending. */
enum command_kind {
    COMMAND_CLIENT,   /* a session's own: its answer is passed on */
    COMMAND_CARRY,    /* makes the connection's state that of the session; its answer is swallowed */
    COMMAND_SAVE,     /* asks for LAST_INSERT_ID() and FOUND_ROWS() before another session takes over */
    COMMAND_DIAGNOSE, /* asks for the warnings of the session's last statement, to be kept */
    COMMAND_PROBE,    /* asks what the session still holds there */
    COMMAND_PLACE,    /* prepares what the session is going to execute there */
    COMMAND_WAIT,     /* lets a replica wait for a session's write before it reads there */
    COMMAND_LOGIN,    /* part of a session's login (default schema): only OK or ERR matters */
    COMMAND_CLEAN,    /* COM_RESET_CONNECTION and what makes the connection ours again */
};

struct command {
    struct list link; /* backend->commands */
    enum command_kind kind;
    uint8_t code;              /* enum command_code */
    uint8_t kinds;             /* of COMMAND_SAVE: bits of enum past_kind that are asked for */
    struct session *session;   /* borrowed; NULL once the session is gone: the answer is swallowed */
    uint32_t takes;            /* us: of one that joined a SHARED connection; else 0 */
    struct prepared *prepares; /* referenced; what it prepares, or NULL */
};

/* Values of a session's last statements that only the connection they ran on knows. */
enum past_kind { PAST_INSERT_ID, PAST_FOUND_ROWS, PAST_KINDS };

/* What is to be done to the statement on a connection once the server works at it (kill.c). */
enum backend_kill { BACKEND_SPARE, BACKEND_KILL_QUERY, BACKEND_KILL_CONNECTION };

struct backend {
    struct conn conn;
    struct list link;     /* of the list it is on, but CONNECTING and BUSY */
    struct list in_pools; /* pools->backends: all of them */
    enum backend_list list;
    struct pool *pool;
    struct list commands;  /* struct command in flight; the head's answer comes first */
    struct list unsent;    /* struct command that goes with this round's write (SHARED) */
    struct list in_unsent; /* pools->unsent, while there is any */
    unsigned unsent_count;
    unsigned depth;       /* statements on it: in flight or unsent, given up ones included (SHARED) */
    uint32_t queued;      /* us that all of them are expected to take */
    uint64_t head_since;  /* us: when the head of `commands` became it */
    struct result result; /* of the head; begun if `reading` */
    bool reading;
    bool dirty;   /* needs COM_RESET_CONNECTION before somebody else may have it */
    bool tainted; /* nothing cleans it (SET ROLE): it is closed instead */
    enum backend_kill kill;
    bool broken; /* a carry failed: what follows in the pipe is void */
    uint8_t login_step;
    bool sha2;                         /* it logs in by caching_sha2_password */
    uint8_t scramble[SCRAMBLE_LENGTH]; /* of the server's greeting, or its auth switch */
    struct state *state;     /* referenced: what it is in when all commands in flight have succeeded */
    struct session *session; /* whose it is now (BUSY, HELD); borrowed. SHARED: see its commands */
    struct session
        *past[PAST_KINDS];         /* whose values only this connection knows still, though IDLE; borrowed */
    bool warnings;                 /* its diagnostics area may hold something */
    struct placements *placements; /* owned; NULL: nothing is prepared there */
    uint32_t thread_id;
    uint16_t status;       /* last status flags */
    uint32_t capabilities; /* as negotiated */
    uint64_t since;        /* ms: when it came to its list */
    uint64_t answered;     /* statements answered */
};

/* What a statement wants of a connection. */
struct wish {
    const struct state *state;       /* borrowed: what the connection is to be in */
    const struct prepared *prepared; /* borrowed: what had better be prepared there; NULL: nothing */
    uint32_t takes; /* us that it is expected to take, if it may share; 0: it wants its own */
};

struct waiter {
    struct list link; /* pool->waiters; on no list: not waiting */
    struct pool *pool;
    struct wish wish;
    uint64_t deadline; /* ms */
};

/* What the layer above is told. */
struct pool_events {
    void (*granted)(struct waiter *waiter,
                    struct backend *backend); /* backend is BUSY and the waiter's, or SHARED by it too */
    /* The server refused the account (its own code and words), or none can be had there now (code 0): go
     * elsewhere. */
    void (*refused)(struct waiter *waiter, unsigned code, const char *state, const char *message,
                    size_t length);
    void (*readable)(struct backend *backend); /* bytes for the head of the queue */
    void (*drained)(struct backend *backend);
    void (*lost)(struct backend *backend);   /* it failed or was closed; to be discarded by the callee */
    void (*forget)(struct backend *backend); /* it goes and still has somebody's past */
    void (*retire)(struct backend *backend); /* the same, but it is IDLE: to be asked, and discarded then */
    /* Its server is down, though the socket doesn't say so (SIGSTOP, a cut link): what runs on it and may as
     * well run elsewhere is to be taken away. What may not is lost when it has lasted for queue_timeout. */
    void (*silent)(struct backend *backend);
    /* Somebody waits, and no connection can be opened. */
    void (*starved)(struct pool *pool);
    void (*overrun)(struct backend *backend); /* SHARED, and its head keeps the others waiting */
};

/* Shared by all workers: connections a server has, over all of them. */
struct pool_limits {
    atomic_uint used[TOPOLOGY_SERVERS_MAX];
};

struct pools {
    struct ev_loop *loop;
    struct chunk_pool *chunks;
    struct state_table *states;
    struct prepared_table prepared;
    const struct pool_events *events;
    struct pool_limits *limits;
    struct topology *topology; /* borrowed from the worker, always current */
    struct list all;           /* struct pool */
    struct list backends;      /* struct backend, of all pools */
    struct list dead;          /* freed after the present round of the loop */
    struct list unsent;        /* struct backend with something unsent */
    struct list free_commands;
    ev_prepare reaper;
    ev_check clock;
    uint64_t now;                               /* ms: when the present round began, monotonic */
    uint64_t avoid_until[TOPOLOGY_SERVERS_MAX]; /* ms: connecting failed just now */
    uint64_t down_since[TOPOLOGY_SERVERS_MAX];  /* ms; 0: it isn't */
    atomic_uint idle[TOPOLOGY_SERVERS_MAX];     /* for the console */
    atomic_ullong opened, failed;
    atomic_ullong secured, resumed; /* of the opened ones: over TLS, by a session that was resumed */
    struct conn_session sessions[TOPOLOGY_SERVERS_MAX]; /* of TLS, to be resumed */
    uint64_t tls_told[TOPOLOGY_SERVERS_MAX];            /* ms: when a fault of TLS was logged last */
    unsigned busy[TOPOLOGY_SERVERS_MAX];                /* statements that run now */
    bool starving[TOPOLOGY_SERVERS_MAX]; /* a server's limit kept somebody waiting: ask other workers */
    bool wanted[TOPOLOGY_SERVERS_MAX];   /* the same, till one of ours becomes idle */
};

void pools_init(struct pools *set, struct ev_loop *loop, struct chunk_pool *chunks,
                struct state_table *states, const struct pool_events *events, struct pool_limits *limits);
void pools_done(struct pools *set);
/* To be called now and then (20 to 500 ms): timeouts, growth. Returns whether somebody waits. */
bool pools_tick(struct pools *set);
/* A new topology: closes what belongs to servers that are down, connections of old accounts too. */
void pools_topology(struct pools *set, struct topology *topology);
/* Closes one idle connection to this server, the one unused for longest. False: there is none. */
bool pools_close_idle(struct pools *set, int server);
uint64_t pools_now(const struct pools *set);  /* ms, monotonic, of the loop's round */
bool pool_reachable(const struct pool *pool); /* connecting to its server didn't fail just now */

/* The key's capabilities: those that matter, and whether its connections have a default schema. */
static inline uint32_t pool_key(uint32_t capabilities, bool has_schema)
{
    return (capabilities & ~(uint32_t)CAP_CONNECT_WITH_DB) | (has_schema ? CAP_CONNECT_WITH_DB : 0);
}
/* The pool for this key, made if there is none; NULL: no memory. */
struct pool *pool_find(struct pools *set, struct identity *identity, int server, uint32_t capabilities);

/*
 * A connection for `session`: an idle one (BUSY now), preferably one that is as it wishes, or at least can be
 * brought there; or NULL, and the waiter waits until events->granted or ->refused. Who may share gets rather
 * one that is just so, and SHARED then.
 */
struct backend *pool_acquire(struct pool *pool, struct session *session, struct wish wish,
                             struct waiter *waiter, uint64_t deadline);
void waiter_cancel(struct waiter *waiter);

void backend_take(struct backend *backend); /* IDLE -> BUSY, for nobody: backend_release() ends it */
/* A statement that was to join a SHARED connection doesn't. */
void backend_part(struct backend *backend, uint32_t takes);
/* Statements of a SHARED connection are over: lets others join, or releases it. */
void backend_settle(struct backend *backend);
void backend_hold(struct backend *backend);   /* BUSY or SHARED (by one only) -> HELD */
void backend_unhold(struct backend *backend); /* HELD -> BUSY */
void backend_release(
    struct backend *backend); /* BUSY or HELD -> IDLE (through CLEANING if dirty), or closed if tainted */
void backend_discard(struct backend *backend); /* closes it; commands in flight are dropped, the struct lives
                                                  on until the round's end */
void backend_set_state(struct backend *backend, struct state *state); /* takes a reference of its own */

/* Queues a command whose bytes the caller writes. NULL: no memory. */
struct command *backend_expect(struct backend *backend, enum command_kind kind, uint8_t code,
                               struct session *session);
/* Writes a COM_QUERY of our own to `w` and queues it. NULL: no memory, or no room (w->full). */
struct command *backend_query(struct backend *backend, enum command_kind kind, struct session *session,
                              const char *text, struct writer *w);
/* The same for one of a SHARED connection whose bytes are yet to be written: backend_sent() tells. */
struct command *backend_expect_later(struct backend *backend, uint8_t code, uint32_t takes,
                                     struct session *session);
void backend_sent(struct backend *backend);                              /* all that was unsent */
void backend_withdraw(struct backend *backend, struct command *command); /* an unsent one */
/* The head's answer is complete: takes it off the queue. */
void backend_answered(struct backend *backend);
/* Cleaning is done: IDLE, or whoever waits gets it. */
void backend_cleaned(struct backend *backend);

const char *backend_list_name(enum backend_list list);

#endif
