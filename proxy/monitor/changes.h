/*
 * changes.h - what differs between two pictures: is it worth publishing at once, and what is logged and kept
 * as events.
 */
#ifndef PROXY_MONITOR_CHANGES_H
#define PROXY_MONITOR_CHANGES_H

#include "pointsman/topology/topology.h"

/* Whether routing would differ: roles, states, usability, shares, who is the primary. Lag and positions don't
 * count. last may be NULL. */
bool changes_matter(const struct topology *last, const struct topology *next);

/* When each server came into its state, for events' durations; of monotonic ms. */
struct changes_since {
    uint64_t server[TOPOLOGY_SERVERS_MAX];
    uint64_t primary;
};

/* Logs what changed and adds events. last == NULL: the first picture that says something, told as a whole.
 * The two must be of the same list of servers. */
void changes_tell(const struct topology *last, const struct topology *next, struct changes_since *since,
                  uint64_t now);

#endif
