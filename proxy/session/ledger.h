/*
 * ledger.h - why a session holds its connection: since when, because of which statement, and the names of
 * what is held, so that the hold ends with the last of them (private to proxy/session).
 *
 *   a statement ties something ──> ledger_pinned (the pin), ledger_add (its name; none: nobody can tell its
 * end) a statement frees it       ──> ledger_remove ... ledger_ended: pins of which nothing is left
 */
#ifndef POINTSMAN_SESSION_LEDGER_H
#define POINTSMAN_SESSION_LEDGER_H

#include "pointsman/protocol/sql.h"
#include "pointsman/route/route.h"

struct thing {
    unsigned pin; /* enum pin */
    bool leaves;  /* a prepared statement: running it may leave what no server reports */
    bool gone;    /* the server says so */
    char *table;  /* in here, behind name: the name in lower case, without its schema */
    char name[];  /* what is compared */
};

struct ledger {
    uint64_t digests[PINS]; /* of the statements that pinned */
    uint64_t since[PINS];   /* ms */
    uint64_t idle_ms;       /* how long the connection was held for nothing, since the first pin */
    unsigned doubtful;      /* pins of which something may have ended without being named: to be asked for */
    unsigned unnamed;       /* pins with something that has no name: they stay until the session's end */
    struct thing **things;  /* owned */
    unsigned count, room;
    struct sql_names watched; /* names of the temporary tables, without schemas; made anew with each change */
    const char **watched_names;
};

struct ledger *ledger_new(void);          /* NULL: no memory */
void ledger_free(struct ledger *ledger);  /* NULL-safe */
void ledger_clear(struct ledger *ledger); /* nothing is held any more */
void ledger_pinned(struct ledger *ledger, unsigned bit_number, uint64_t digest, uint64_t now);

/* schema may be at NULL. Without memory, or without a name, the pin becomes unnamed. */
void ledger_add(struct ledger *ledger, enum pin pin, struct sql_span schema, struct sql_span name);
void ledger_remove(struct ledger *ledger, enum pin pin, struct sql_span schema, struct sql_span name);
/* Prepared statements: whether running it may leave what no server reports. One that isn't there is refused.
 */
void ledger_set_leaves(struct ledger *ledger, struct sql_span name, bool leaves);
bool ledger_leaves(const struct ledger *ledger, struct sql_span name);
void ledger_mark_gone(struct ledger *ledger, enum pin pin); /* all of them */
void ledger_remove_gone(struct ledger *ledger);
/* Those of `pins` that things are kept of, and nothing is left. */
unsigned ledger_ended(const struct ledger *ledger, unsigned pins);
bool ledger_has_unnamed(const struct ledger *ledger, unsigned pins);

#endif
