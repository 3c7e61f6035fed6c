/*
 * topology.h - the servers as the proxy knows them: an immutable picture, published atomically.
 *
 *   watchers ──looks──> topology_judge() ──> struct topology ──publish──> workers (each holds a reference)
 *   (one thread a server)  (pure: looks, the last picture, the clock in; the next picture out)
 *
 * A picture never changes once it is published; whoever keeps one holds a reference. Server ids are indices
 * into config->servers and stay the same as long as the list of servers does.
 */
#ifndef POINTSMAN_TOPOLOGY_TOPOLOGY_H
#define POINTSMAN_TOPOLOGY_TOPOLOGY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pointsman/config/config.h"

enum { TOPOLOGY_SERVERS_MAX = 64, TOPOLOGY_LAG_UNKNOWN = -1, TOPOLOGY_NOBODY = -1 };

enum server_role { ROLE_UNKNOWN, ROLE_PRIMARY, ROLE_REPLICA };
enum server_state {
    STATE_ONLINE,
    STATE_LAGGING,
    STATE_DOWN,
    STATE_DRAINING,
    STATE_MAINTENANCE,
    STATE_QUARANTINED
};
const char *server_role_name(enum server_role role);
const char *server_state_name(enum server_state state);

/* What an operator asked for (SET SERVER name ...). */
enum server_wish { WISH_ONLINE, WISH_DRAIN, WISH_MAINTENANCE };

/* Why the last look failed. Only LOOK_GONE is taken for a server's death at once: the others may be slowness,
 * or a fault of the monitor's account. */
enum look_failure {
    LOOK_GONE,    /* refused, reset, closed: nobody serves there */
    LOOK_SILENT,  /* no answer in time */
    LOOK_REFUSED, /* the server answers, with an error: too many connections (1040), access denied (1045) */
};

/* What one look at one server saw. A failed look has ok = false and says why; the other fields are then of
 * the last good look. Filled by proxy/monitor. */
struct server_look {
    bool ok;
    bool ever;                 /* there was a good look */
    uint64_t at;               /* monotonic ms of the last good look (0: never) */
    uint64_t failed_at;        /* monotonic ms of the last failed one */
    enum look_failure failure; /* of the last failed look */
    unsigned error;            /* the same one's code, the client library's or server's */
    char error_text[160];
    bool mariadb;
    uint32_t version; /* 101119, 90704 */
    char version_text[64];
    uint32_t capabilities; /* of its greeting */
    uint8_t collation;     /* likewise: the default's number */
    bool read_only;        /* read_only or super_read_only */
    char identity[64];     /* server_uuid (MySQL) or server_id as text (MariaDB) */
    uint64_t server_id;
    bool replicates; /* is configured as a replica */
    bool io_running, sql_running;
    char source_host[256];
    uint16_t source_port;
    uint64_t source_server_id; /* Master_Server_Id / Source_Server_Id; 0 unknown */
    int64_t seconds_behind;    /* as the server says; -1: NULL */
    char gtid_executed[1024];  /* gtid_current_pos / gtid_executed (cut if longer) */
    char gtid_received[1024];
    bool semi_sync; /* the primary's side is on */
    unsigned semi_sync_clients;
    unsigned max_connections;
    unsigned reading_mode; /* SQL_MODE_* of its global sql_mode: what sessions have that set none */
    char seen_as[128];     /* the host that the server sees us coming from (of USER()) */
};

struct server_view {
    char name[64];
    struct config_address address; /* text borrowed from the config this picture refers to */
    enum server_role role;
    enum server_state state;
    bool usable_for_reads;  /* may be given new reads now */
    bool usable_for_writes; /* is the one primary, writable, online */
    unsigned weight;        /* configured or set by an operator */
    unsigned share;         /* effective share of reads, 0 .. weight * 100: ramps up after a return */
    int64_t lag_ms;         /* TOPOLOGY_LAG_UNKNOWN */
    char reason[192];       /* why not usable, else "" */
    struct server_look look;
};

/* Facts about all servers that sessions need. */
struct topology {
    atomic_uint refs;
    uint64_t serial;       /* grows with each publication */
    struct config *config; /* referenced */
    int primary; /* index of the one server that is usable for writes, or TOPOLOGY_NOBODY. (A primary that is
                    down keeps its role until there is another one, but is not named here.) */
    char why_no_primary[192]; /* "" if there is one */
    size_t count;
    struct server_view servers[];
};

/* Server number `server`; one that is down and has no name if there is none of that number (any more).
 * Borrowed. */
const struct server_view *topology_server(const struct topology *topology, int server);

struct topology *topology_ref(struct topology *topology);
void topology_unref(struct topology *topology); /* NULL-safe */

/*
 * The one current picture of the process. topology_current() returns a new reference, never NULL once
 * something was published. topology_publish() takes over the caller's reference and then tells every
 * subscriber by calling it (from the publisher's thread; a subscriber only sends a mailbox message). At most
 * TOPOLOGY_SUBSCRIBERS_MAX.
 */
enum { TOPOLOGY_SUBSCRIBERS_MAX = 80 };
struct topology *topology_current(void);
void topology_publish(struct topology *topology);
bool topology_subscribe(void (*tell)(void *arg), void *arg);

/* What judge remembers from one picture to the next about one server. */
struct server_memory {
    enum server_wish wish;
    unsigned wished_weight; /* UINT_MAX: as configured */
    bool was_usable;
    uint64_t usable_since; /* monotonic ms; the ramp begins here. 0: no ramp */
    bool lagging;          /* hysteresis: over max_lag, not yet back at 80 % */
    bool quarantined;      /* was writable beside the primary; until it is read-only or replicates again */
    uint64_t broken_since; /* monotonic ms of the first look that saw the IO thread not connected; 0: it is */
};

struct topology_memory {
    int primary; /* who was the primary last */
    char primary_identity[64];
    bool began;
    uint64_t began_at; /* monotonic ms of the first judgement */
    bool settled;      /* every server was looked at once (or had its time): who is the primary may be told */
    struct server_memory servers[TOPOLOGY_SERVERS_MAX];
    struct position_history
        *positions; /* owned by topology_memory_init/_done; private to proxy/topology: when each
                        position of the primary was first seen, to tell lag in milliseconds */
};
bool topology_memory_init(struct topology_memory *memory); /* false: no memory */
void topology_memory_done(struct topology_memory *memory);
/* Carries what is remembered about servers over to another list of them, by name and address. */
void topology_memory_move(struct topology_memory *memory, const struct config *from, const struct config *to);

/*
 * The next picture from what was seen (looks[config->servers_count]), the memory (updated) and the clock
 * (monotonic ms). Pure but for memory allocation: same arguments, same picture. NULL: no memory.
 */
struct topology *topology_judge(struct config *config, const struct server_look *looks,
                                struct topology_memory *memory, uint64_t now);

#endif
