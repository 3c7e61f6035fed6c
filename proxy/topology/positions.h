/*
 * positions.h - where the primary stood when, to tell a replica's lag in milliseconds from its GTID position.
 *
 *   time  ────t1──────t2──────t3──────────> reference: the primary's last look, or the replica's if that is
 * earlier primary   p1      p2      p3 replica   has p1, lacks p2: it shows the state of before t2, so its
 * lag is reference - t2
 *
 * The reference stands still when the primary is no longer seen: nothing can be written then, nobody falls
 * behind further, and reads go on.
 */
#ifndef PROXY_TOPOLOGY_POSITIONS_H
#define PROXY_TOPOLOGY_POSITIONS_H

#include <stdbool.h>
#include <stdint.h>

struct position_history;

struct position_history *positions_new(void);                 /* NULL: no memory */
void positions_free(struct position_history *history);        /* NULL-safe */
bool positions_empty(const struct position_history *history); /* there is nothing to compare with */

/*
 * The primary stood at `gtid` at `at` (monotonic ms, not falling). Positions that the new one doesn't contain
 * are forgotten: another server became the primary without them. Unreadable ones are not noted.
 * False: no memory, nothing was noted.
 */
bool positions_note(struct position_history *history, const char *gtid, uint64_t at);

/*
 * Milliseconds that a server at `executed` at `at` is behind, TOPOLOGY_LAG_UNKNOWN if that can't be told from
 * positions. *ret_older (if not -1): it lacks even the oldest known position, so that it may be behind by
 * more.
 */
int64_t positions_lag(const struct position_history *history, const char *executed, uint64_t at,
                      bool *ret_older);

#endif
