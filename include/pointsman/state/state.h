/*
 * state.h - what a session is: schema, character set, variables; and the difference between two states as
 * SQL.
 *
 * A state is an immutable, interned value: two sessions (or a session and a backend connection) that are in
 * the same state share one object, so that "does this connection suit?" is a comparison of two pointers.
 *
 *   session ── state A ─┐
 *                       ├─ equal: nothing to do      different: state_difference(from, to) -> what must be
 * sent ahead backend ── state B ─┘
 *
 * A state is a sorted list of entries (kind, name, value):
 *   SCHEMA     value = the current schema; no entry: none
 *   NAMES      value = what stands behind SET NAMES; applied before the character set variables
 *   VARIABLE   name, value = a session variable's value as the server reported it
 *   USER       name, value = a user variable and its literal, as written
 *   ROLE       value = what stands behind SET ROLE, as written; no entry: the account's default
 * What is not listed has its server's default.
 */
#ifndef POINTSMAN_STATE_STATE_H
#define POINTSMAN_STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum state_kind { STATE_SCHEMA, STATE_NAMES, STATE_VARIABLE, STATE_USER, STATE_ROLE };

struct state; /* interned, counted; belongs to one table and so to one thread */

struct state_table {
    struct state **slots; /* hash chains */
    size_t size, count;
    struct state *empty; /* no entries */
};

bool state_table_init(struct state_table *table);
void state_table_done(struct state_table *table);

struct state *state_ref(struct state *state);
void state_unref(struct state_table *table, struct state *state); /* NULL-safe */

/*
 * The state that has this entry instead of what it had (value NULL: no such entry any more). A new reference;
 * NULL: no memory, or the state would exceed STATE_MAX bytes. Names of variables are folded to lower case.
 */
enum { STATE_MAX = 60000 };
struct state *state_with(struct state_table *table, const struct state *state, enum state_kind kind,
                         const char *name, size_t name_length, const char *value, size_t value_length);
/* The state without any entry of this kind. A new reference, or NULL for want of memory. */
struct state *state_without(struct state_table *table, const struct state *state, enum state_kind kind);

/* What a statement's text means by: the state's schema, character sets, collation and sql_mode, and nothing
 * else. A new reference, or NULL for want of memory. */
struct state *state_context(struct state_table *table, const struct state *state);

/* One entry's value (borrowed, no NUL), or NULL. Names in lower case. */
const char *state_get(const struct state *state, enum state_kind kind, const char *name, size_t *ret_length);
static inline const char *state_schema(const struct state *state, size_t *ret_length)
{
    return state_get(state, STATE_SCHEMA, "", ret_length);
}
bool state_has_kind(const struct state *state, enum state_kind kind);

/* What must be sent to a connection in state `from` so that it is in state `to`, in this order. */
struct state_difference {
    bool impossible;  /* no statement gives it: `from` has a schema, NAMES or a role, and `to` has none */
    const char *role; /* SET ROLE with this (borrowed from `to`), before all else; NULL: not needed */
    size_t role_length;
    const char *schema; /* COM_INIT_DB with this (borrowed from `to`), NULL: not needed */
    size_t schema_length;
    size_t set_length;  /* of the SET statement's text in the caller's buffer; 0: not needed */
    size_t user_length; /* of a second one right behind it, of user variables: their literals mean what they
                           do in the character set and sql_mode that the first one sets; 0: not needed */
};
/* Whether some statement gives it, as far as a pool's connections can differ in that. */
bool state_reachable(const struct state *from, const struct state *to);
/* What COM_RESET_CONNECTION leaves of a state, on top of `base`: schema and role. A new reference or NULL. */
struct state *state_after_reset(struct state_table *table, const struct state *base,
                                const struct state *state);
/* Writes the SET statements ("SET NAMES ..., a = 1, b = DEFAULT", "SET @c = 'x'") into out. False: they don't
 * fit into size. */
bool state_difference(const struct state *from, const struct state *to, char *out, size_t size,
                      struct state_difference *ret);

/* sql_mode and character set of a state, as the reader of SQL wants them (protocol/sql.h). */
struct state_reading {
    unsigned mode; /* SQL_MODE_* */
    int charset;   /* enum sql_charset */
    bool autocommit;
    bool server_schema; /* the current schema is one whose tables are a server's own: mysql,
                           performance_schema, ... */
};
const struct state_reading *state_reading(const struct state *state);

#endif
