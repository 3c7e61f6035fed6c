/*
 * prepared.h - statements prepared by the binary protocol, as one worker knows them.
 *
 *   text + what it was prepared in ──prepared_of()──> struct prepared   one for all sessions that prepare the
 * same │ a connection of a server ──> struct placed      that server's id of it, on that connection
 *
 * Sessions have ids of their own (proxy/session/handles.h); where one runs, its statement is placed when it
 * is first needed there. What a statement means was settled when it was prepared: by the schema, sql_mode,
 * character set and collation of then, its context. What is placed ends with COM_RESET_CONNECTION,
 * COM_STMT_CLOSE or the connection. A connection keeps at most max_prepared; the ones used last stay.
 */
#ifndef POINTSMAN_POOL_PREPARED_H
#define POINTSMAN_POOL_PREPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pointsman/base/list.h"
#include "pointsman/state/state.h"

struct prepared {
    struct prepared *next; /* hash chain */
    uint32_t refs;
    uint32_t length;
    uint64_t hash;
    struct state *context; /* referenced */
    bool loose;            /* one handle's alone, and in no table */
    char text[];           /* no NUL behind it */
};

struct prepared_table {
    struct prepared **slots; /* owned; NULL until there is any */
    size_t size, count;
};

/* A new reference to the one with this text, prepared in the context of `state`. NULL: no memory. */
struct prepared *prepared_of(struct prepared_table *table, struct state_table *states,
                             const struct state *state, const char *text, size_t length);
/* The same for one user alone: for what a server keeps with a statement (a cursor, long data). NULL: no
 * memory. */
struct prepared *prepared_loose(const struct prepared *model);
struct prepared *prepared_ref(struct prepared *prepared);
void prepared_unref(struct prepared_table *table, struct state_table *states, struct prepared *prepared);
/* What prepares it rightly: the state itself, if it is the context's in all that matters, or the context. A
 * new reference; NULL: no memory. */
struct state *prepared_state(struct state_table *states, const struct prepared *prepared,
                             struct state *state);
void prepared_table_done(struct prepared_table *table); /* nothing refers to any more */

enum { PLACED_SLOTS = 32, PLACED_CLOSING = 16 };

struct placed {
    struct placed *next; /* hash chain */
    struct list in_use_order;
    struct prepared *prepared; /* referenced */
    uint32_t id;               /* the server's */
};

/* A connection's; all zero but the list, which is initialised, is an empty one. */
struct placements {
    struct placed *slots[PLACED_SLOTS];
    struct list used; /* last used first */
    unsigned count;
    uint32_t closing[PLACED_CLOSING]; /* the server's ids that it isn't told of yet */
    unsigned closing_count;
};

struct backend;

bool placed_is(const struct backend *backend, const struct prepared *prepared);
/* NULL: it isn't prepared there. What is found counts as used. */
struct placed *placed_find(struct backend *backend, const struct prepared *prepared);
/* The server has prepared it and calls it `id`. False: no memory; the id will be closed. */
bool placed_add(struct backend *backend, struct prepared *prepared, uint32_t id, unsigned max_prepared);
void placed_remove(struct backend *backend, const struct prepared *prepared); /* its id will be closed */
/* COM_STMT_CLOSE for all that are to be closed, as far as there is room. Returns the bytes written. */
size_t placed_write_closing(struct backend *backend, uint8_t *out, size_t size);
void placed_forget(struct backend *backend); /* the server has none any more */

#endif
