/*
 * definitions.h - what views, routines and triggers do, as far as routing must know: an immutable snapshot.
 *
 *   monitor reads the definitions ──definitions_read()──> reading ──definitions_publish()──┐
 *   workers: a statement that makes a view, ... ──definitions_announce()───────────────────┴──> snapshot
 *            before each statement: definitions_take()
 *
 *   unsafe_views   views that are not proven to read only: who names one goes to the primary
 *   leaving        routines, views and tables with triggers that leave on a connection what no server reports
 *                  (named locks, roles): who runs one is held, and the connection is closed afterwards
 *   assigning      those that have user variables in them
 *
 * Names stand without their schema: two of the same name are one. What a body mentions, it is taken to run.
 *
 * What a statement defines counts from before it is sent, beside what it was, until a reading that began
 * after its end: a view as unsafe, a routine or a trigger by its text, and all that mentions them with them.
 * What changes without coming through this proxy as such a statement (directly on a server, by a prepared
 * statement, in a procedure, in a text longer than what is read) counts from the next reading on, one
 * monitor_interval later.
 */
#ifndef POINTSMAN_TOPOLOGY_DEFINITIONS_H
#define POINTSMAN_TOPOLOGY_DEFINITIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pointsman/protocol/sql.h"

struct definitions {
    atomic_uint refs;
    uint64_t serial;
    bool views_known;    /* false: any table may be a view that writes */
    bool routines_known; /* false: any routine may leave something */
    struct sql_names unsafe_views, leaving, assigning;
};

struct definitions *definitions_current(void); /* a new reference, never NULL: nothing is known at first */
void definitions_unref(struct definitions *definitions);

/* Exchanges *definitions (a reference, owned by the caller) for the current snapshot if that is another one;
 * costs one atomic load if it isn't. */
void definitions_take(struct definitions **definitions);

/* Whether somebody tried to read them since the start: until then reads go to the primary for a moment. */
bool definitions_asked(void);

/* ---- readings ---- */

enum definition_kind { DEFINITION_VIEW, DEFINITION_ROUTINE, DEFINITION_TRIGGER };

/* One row as read from a server. Strings borrowed. */
struct definition_source {
    enum definition_kind kind;
    const char *name; /* of a trigger: its table */
    const char *body; /* NULL or "": not shown to us */
    unsigned mode;    /* SQL_MODE_* that it is read by */
};

struct definitions_reading;

/* options: the flavour that reads them, and its safe_functions. NULL: no memory. */
struct definitions_reading *definitions_read(const struct definition_source *rows, size_t count,
                                             const struct sql_options *options);
void definitions_reading_free(struct definitions_reading *reading);

/* Publishes a reading (NULL: there was none to be had), which it takes over, and forgets the changes whose
 * statements had ended when it began (ms, monotonic). */
void definitions_publish(struct definitions_reading *reading, uint64_t began_at, bool views_known,
                         bool routines_known);

/* ---- changes on their way ---- */

/* What statements of one packet define. All borrowed. */
struct definition_change {
    const struct sql_span
        *names; /* NULL: more than anybody wants to list: nothing counts as known for a minute */
    size_t count;
    bool views;    /* views may be among them */
    bool unproven; /* and those are of whatever text */
    const char *text;
    size_t length;
};

/* Returns a ticket for definitions_settle(), never 0. Once it has returned, definitions_take() gives a
 * snapshot with them. options: how the text is read. */
uint64_t definitions_announce(const struct definition_change *change, const struct sql_options *options);

/* Its statement is over (ms, monotonic). In doubt, as when the connection was lost, a time that is late
 * enough. */
void definitions_settle(uint64_t ticket, uint64_t ended_at);

/* Whether a reading that began now would make a change forgotten. */
bool definitions_awaited(uint64_t now);

#endif
