/*
 * events.h - what happened to the servers, for SHOW EVENTS: a ring of the last ones, newest overwrites
 * oldest.
 *
 *   monitor, failover ──events_add()──> ring ──events_copy()──> console, dashboard
 *
 * Any thread may do either. Events are also logged, by whoever adds them.
 */
#ifndef POINTSMAN_MONITOR_EVENTS_H
#define POINTSMAN_MONITOR_EVENTS_H

#include <stddef.h>
#include <stdint.h>

enum { EVENTS_KEPT = 512, EVENT_NO_DURATION = -1 };

struct event {
    uint64_t serial;     /* 1 for the first of the process */
    int64_t time_ms;     /* of day: milliseconds since 1970 */
    char kind[24];       /* "server", "primary", "offer", "accounts"; failover adds its own */
    char server[64];     /* name, or "" */
    char step[32];       /* what it became ("online", "down"), or failover's step; may be "" */
    int64_t duration_ms; /* how long the step, or the state before, took; EVENT_NO_DURATION */
    char text[320];      /* for people */
};

/* Adds one with the time of day; too long texts are cut. server and step may be NULL. */
void events_add(const char *kind, const char *server, const char *step, int64_t duration_ms,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Copies the last `room` events (at most), oldest first; returns how many. */
size_t events_copy(struct event *out, size_t room);

#endif
