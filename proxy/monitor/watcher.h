/*
 * watcher.h - the thread that looks at one server. What watchers and the judging thread share, and their one
 * lock.
 *
 *   watcher: [take the config] ── look (blocks, no lock) ── [hand the look in] ── accounts, if it is the
 * reader ── wait The parts in brackets hold monitor->lock. A watcher is freed by its own thread, once it is
 * retired.
 */
#ifndef PROXY_MONITOR_WATCHER_H
#define PROXY_MONITOR_WATCHER_H

#include <pthread.h>

#include "client.h"
#include "offers.h"
#include "pointsman/topology/topology.h"

struct monitor;
struct definer;

struct watcher {
    struct monitor *monitor;
    size_t index;        /* in the config; guarded by the lock */
    bool retired;        /* guarded: to end */
    pthread_cond_t wake; /* guarded */

    /* The thread's own, but for client.socket, which is set under the lock. */
    struct client client;
    struct config *config;   /* referenced; what the connection was opened with */
    struct server_look look; /* the last one */
    uint64_t deep_at;        /* when it last looked deep */
    bool accounts_refused;   /* said so already */
    uint64_t offers_at;      /* when it last asked who replicates from it */
    struct offers offers;
};

/* What is shared. One of a process. */
struct monitor {
    pthread_mutex_t lock;
    bool running;
    struct config *config; /* referenced */
    struct watcher *watchers[TOPOLOGY_SERVERS_MAX];
    struct server_look looks[TOPOLOGY_SERVERS_MAX];
    struct topology_memory memory;

    pthread_cond_t news; /* for the judging thread: looks, wishes, an end */
    bool changed;
    bool stopping;
    pthread_t judge;

    unsigned alive; /* watchers' threads */
    pthread_cond_t one_ended;

    int reader;                /* who reads the account tables; TOPOLOGY_NOBODY */
    bool reader_is_primary;    /* and whether that is the primary */
    struct definer *definer;   /* reads definitions from the same server */
    uint64_t accounts_read_at; /* monotonic ms; 0: never */
};

/* A watcher with its thread, handed in at watchers[index]. Called with the lock held. NULL: no memory, no
 * thread. */
struct watcher *watcher_start(struct monitor *monitor, size_t index);
/* Tells it to end and wakes it, from a server's answer too. Called with the lock held; it may be gone
 * afterwards. */
void watcher_retire(struct watcher *watcher);

#endif
