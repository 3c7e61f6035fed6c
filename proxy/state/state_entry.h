/* state_entry.h - the entries of a state, for those who walk them (private to proxy/state). */
#ifndef POINTSMAN_STATE_ENTRY_H
#define POINTSMAN_STATE_ENTRY_H

#include "pointsman/state/state.h"

struct state_entry {
    enum state_kind kind;
    const char *name, *value; /* borrowed from the state, no NUL */
    size_t name_length, value_length;
};

struct state_walk {
    const uint8_t *at, *end;
};

struct state_walk state_walk_of(const struct state *state);
bool state_walk_next(struct state_walk *walk, struct state_entry *ret);            /* false: end */
int state_entry_compare(const struct state_entry *a, const struct state_entry *b); /* by kind, then name */
bool state_entry_same_value(const struct state_entry *a, const struct state_entry *b);
bool state_entry_is(const struct state_entry *entry, const char *name);

#endif
