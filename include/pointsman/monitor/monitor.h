/*
 * monitor.h - watches the servers and publishes what it knows of them.
 *
 *   watcher (a thread a server) ──look──┐
 *   watcher                     ──look──┤──> judging thread ──topology_judge()──> topology_publish()
 *   watcher                     ──look──┘          └─ also when a look is overdue: a hung server delays
 * nobody one of them (the primary's, else one that answers) ──account tables, every second──>
 * accounts_publish()
 *
 *   definer (a thread) ──views, routines, triggers of the same server──> definitions_publish()
 *
 * There is one monitor in a process. It never writes to a server. What its account needs stands in
 * docs/operations.md.
 */
#ifndef POINTSMAN_MONITOR_MONITOR_H
#define POINTSMAN_MONITOR_MONITOR_H

#include <stdbool.h>

#include "pointsman/config/config.h"
#include "pointsman/topology/topology.h"

/*
 * Publishes a first picture (nothing known) and starts watching. Keeps its own reference to config. False: no
 * memory or no threads; nothing runs then.
 */
bool monitor_start(struct config *config);

/*
 * Ends all threads and waits for them. Bounded by the client library's connect timeout, a second by default:
 * a watcher that waits for an answer is woken, one that waits for a hung server's greeting is not. What was
 * published stays.
 */
void monitor_stop(void);

/*
 * Goes on with another config: servers of the same name and address keep their watcher, wishes and history,
 * removed ones are forgotten, the monitor's account is used from the next look on. False: no memory or no
 * thread for a new server; everything stays as it was.
 */
bool monitor_reload(struct config *config);

/* What an operator asks for; judged at once. False: no server has that name. They last until the process
 * ends. */
bool monitor_set_wish(const char *server, enum server_wish wish);
bool monitor_set_weight(const char *server, unsigned weight);

#endif
