/*
 * route.h - where a statement goes and why. Pure: facts, session and topology in, decision out. EXPLAIN ROUTE
 * and the data path call the same function.
 *
 *   1. a rule that rejects                       -> REJECT
 *   2. the session holds a connection            -> that one, but for reads that have nothing to do with why
 *   3. what the statement is (rules and hints may move it) -> PRIMARY, REPLICA or ANY
 *   4. who can do that now                       -> a server, or WAIT
 */
#ifndef POINTSMAN_ROUTE_ROUTE_H
#define POINTSMAN_ROUTE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "pointsman/protocol/sql.h"
#include "pointsman/topology/definitions.h"
#include "pointsman/topology/topology.h"

/* Why a session holds its connection: bits, several at a time. */
enum pin {
    PIN_TRANSACTION = 1 << 0,
    PIN_DIAGNOSTICS = 1 << 1, /* warnings or an error of its last statement; until its next one */
    PIN_TEMPORARY_TABLE = 1 << 2,
    PIN_USER_LOCK = 1 << 3,
    PIN_TABLE_LOCK = 1 << 4,
    PIN_HANDLER = 1 << 5,
    PIN_XA = 1 << 6,
    PIN_PREPARED = 1 << 7,         /* SQL PREPARE */
    PIN_USER_VARIABLE = 1 << 8,    /* a value only the server knows */
    PIN_SESSION_VARIABLE = 1 << 9, /* one-shot or privileged, or not reported */
    PIN_ROLE = 1 << 10,
    PIN_UNKNOWN_STATE = 1 << 11,    /* a routine or an unknown statement changed the session */
    PIN_NEXT_TRANSACTION = 1 << 12, /* SET TRANSACTION for the next transaction only */
    PIN_CURSOR = 1 << 13,           /* of COM_STMT_EXECUTE */
    PIN_LONG_DATA = 1 << 14,        /* COM_STMT_SEND_LONG_DATA, more than the proxy keeps */
    PINS = 15,
};
const char *pin_name(unsigned bit_number); /* 0 .. PINS-1 */

/* Why a statement goes where it goes: a reason of the text (enum sql_reason) or one of these. */
enum route_reason {
    ROUTE_REASON_PINNED = SQL_REASONS, /* the session holds a connection */
    ROUTE_REASON_IN_TRANSACTION,
    ROUTE_REASON_AUTOCOMMIT_OFF,
    ROUTE_REASON_READ_ONLY_TRANSACTION,
    ROUTE_REASON_NO_REPLICA, /* a read, but no usable replica: the primary serves */
    ROUTE_REASON_OWN_WRITES, /* a read, but no replica has what the session wrote */
    ROUTE_REASON_HINT,
    ROUTE_REASON_RULE,
    ROUTE_REASON_TOO_LONG, /* longer than the scan buffer: not read */
    ROUTE_REASON_COMMAND,  /* not COM_QUERY */
    ROUTE_REASON_HEALED,   /* was misrouted or interrupted: again elsewhere */
    ROUTE_REASONS
};
const char *route_reason_name(unsigned reason); /* stable word */
const char *route_reason_text(unsigned reason); /* a sentence */

enum route_target { ROUTE_SERVER, ROUTE_HELD, ROUTE_WAIT, ROUTE_REJECT };
enum route_class {
    ROUTE_CLASS_READ,
    ROUTE_CLASS_WRITE,
    ROUTE_CLASS_STATE,
    ROUTE_CLASS_TRANSACTION,
    ROUTE_CLASSES
};
const char *route_class_name(enum route_class route_class);

/* The statement as a whole: facts of all statements of one packet merged (route_merge). */
struct route_statement {
    enum route_class kind;
    unsigned reason;      /* enum sql_reason or route_reason: of the text */
    uint32_t effects;     /* SQL_* of all */
    uint64_t digest;      /* of the first */
    enum sql_verb verb;   /* of the first that is not empty */
    uint16_t count;       /* statements */
    uint64_t verbs;       /* of all: bit n is enum sql_verb n */
    uint64_t reasons;     /* of all: bit n is enum sql_reason n */
    bool sets;            /* a SET of variables is among them */
    bool anywhere;        /* may run on any usable server (reads, session state) */
    bool read_only_begin; /* START TRANSACTION READ ONLY or SET TRANSACTION READ ONLY: one replica */
    enum sql_hint_kind hint;
    int hint_server;      /* index, or TOPOLOGY_NOBODY */
    int64_t hint_max_lag; /* ms, -1: none */
    int rule;             /* index in config->rules, or -1 */
    bool plain_role;      /* nothing but a SET ROLE that can be carried */
    bool overflow;        /* asks for its past where no literal can stand */
    bool healed;          /* was misrouted: the primary, whatever it is */
    bool hint_ignored;    /* one that couldn't be met or understood */
};
static inline bool route_has_verb(const struct route_statement *statement, enum sql_verb verb)
{
    return statement->verbs >> verb & 1;
}
void route_merge_begin(struct route_statement *statement);
void route_merge(struct route_statement *statement, const struct sql_facts *facts,
                 const struct topology *topology);
/* A statement that was not read: too long, or not text. */
struct route_statement route_statement_unread(unsigned reason, bool read);

/* What isn't known of views and routines counts against it. After its merging. */
void route_doubt(struct route_statement *statement, const struct definitions *definitions);

/* The pins that it leaves as far as its text tells (enum pin bits). worked: it, or a part of it, succeeded.
 */
unsigned route_pins(const struct route_statement *statement, bool worked);

struct route_session {
    unsigned pins; /* enum pin; != 0: holds a connection to `held` */
    int held;      /* its server, or TOPOLOGY_NOBODY */
    bool autocommit;
    bool stay;                  /* nothing may run elsewhere while it is held */
    bool read_only_transaction; /* the open one */
    uint64_t stale; /* bits of the servers that may not have what the session wrote: no reads there */
};

/* The balancer's memory: one a worker. busy[] (borrowed) is what least-busy goes by: running statements a
 * server. */
struct route_balance {
    int credit[TOPOLOGY_SERVERS_MAX];
    const unsigned *busy;
};

struct route_decision {
    enum route_target target;
    int server;       /* ROUTE_SERVER, ROUTE_HELD */
    unsigned reason;  /* counted */
    const char *text; /* ROUTE_WAIT, ROUTE_REJECT: in words (static or of the topology) */
};

/* avoid: bit n set = not server n if another will do (it failed just now). */
struct route_decision route_pick(const struct route_statement *statement, const struct route_session *session,
                                 const struct topology *topology, struct route_balance *balance,
                                 uint64_t avoid);

/* Why route_pick would not give a read to this server now: "" if it would. For EXPLAIN ROUTE. */
const char *route_candidate(const struct route_statement *statement, const struct topology *topology,
                            int server);

/* The first rule that matches, or -1. normalised: as by sql_normalise(), NUL-ended. */
int route_rule(const struct config *config, const char *normalised, const char *user, const char *schema);

#endif
