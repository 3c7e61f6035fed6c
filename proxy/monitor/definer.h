/*
 * definer.h - the thread that reads definitions: views, routines and triggers of the server whose account
 * tables count (watcher.h). It has a thread and a connection of its own, since many definitions take a server
 * longer than a look may.
 *
 *   every monitor_interval: counters of statements that change definitions
 *   another count, a change announced whose statement has ended, another server or config ──> all is read
 *   and again after twice as long, up to a minute: a statement is counted when it begins
 */
#ifndef PROXY_MONITOR_DEFINER_H
#define PROXY_MONITOR_DEFINER_H

#include "watcher.h"

/* All with the monitor's lock held. NULL: no memory, no thread. */
struct definer *definer_start(struct monitor *monitor);
void definer_wake(struct definer *definer);
/* Tells it to end and wakes it, from a server's answer too. It may be gone afterwards. */
void definer_retire(struct definer *definer);

#endif
