/*
 * figures.h - the workers' counters added up, at one moment: what SHOW STATUS, /metrics and /api/state print.
 *
 *   worker_figures (atomics, one set a worker) ──figures_take()──> struct figures (plain numbers)
 *   /proc, getrusage()                         ──process_take()──> struct process_figures
 *
 * Nothing here asks a worker or takes a lock: a scrape costs the workers nothing.
 */
#ifndef PROXY_ADMIN_FIGURES_H
#define PROXY_ADMIN_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include "pointsman/session/worker.h"

/* The single ones; their names, kinds and help lines stand in one table: figure_about(). */
enum figure {
    FIGURE_SESSIONS,
    FIGURE_WAITING,
    FIGURE_BYTES_IN,
    FIGURE_BYTES_OUT,
    FIGURE_LOGINS,
    FIGURE_LOGIN_FAILURES,
    FIGURE_TLS_LOGINS,
    FIGURE_TLS_RESUMED,
    FIGURE_RETRIES,
    FIGURE_HEALS,
    FIGURE_HINTS_IGNORED,
    FIGURE_WAITS,
    FIGURE_SAVES,
    FIGURE_SHARED,
    FIGURE_REPEATS,
    FIGURE_CARRIES,
    FIGURE_OPENED,
    FIGURE_BACKEND_TLS,
    FIGURE_BACKEND_RESUMED,
    FIGURE_FAILED,
    FIGURES
};

struct figure_about {
    const char *name; /* "login_failures": SHOW STATUS has it as it is, /metrics as pointsman_NAME[_total] */
    const char *help; /* a sentence */
    int counter;      /* only grows; else a gauge */
};
const struct figure_about *figure_about(enum figure figure);

struct figures {
    uint64_t single[FIGURES];
    uint64_t clients; /* those logging in included */
    uint64_t statements[ROUTE_CLASSES];
    uint64_t reasons[ROUTE_REASONS][2]; /* [0]: to the primary, [1]: to a replica */
    uint64_t server_statements[TOPOLOGY_SERVERS_MAX];
    uint64_t server_errors[TOPOLOGY_SERVERS_MAX];
    uint64_t connections[TOPOLOGY_SERVERS_MAX];      /* open ones or being opened, over all workers */
    uint64_t connections_idle[TOPOLOGY_SERVERS_MAX]; /* of them, those that nobody uses now */
    uint64_t latency[2][WORKER_HISTOGRAM];           /* by primary/replica: bucket n is below 2^n us */
    uint64_t latency_us[2];
    uint64_t pins[PINS];
};
void figures_take(const struct worker_shared *workers, struct figures *ret_figures);

struct process_figures {
    double cpu_seconds;    /* user and system, of all threads */
    uint64_t memory_bytes; /* resident; 0: not to be had */
    double started;        /* seconds since 1970 */
    double uptime_seconds; /* since process_began() */
};
/* To be called once when the program begins: uptime is reckoned from there. */
void process_began(void);
void process_take(struct process_figures *ret_process);

#endif
