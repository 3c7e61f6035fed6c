/*
 * published.h - one current immutable thing of the process, counted, and who is told when there is a new one.
 *
 *   publisher ──published_set()──> [current] ──tell()──> subscribers (each sends its thread a message)
 *   reader    <──published_get()── a new reference, under a lock that is held for one increment
 */
#ifndef PROXY_TOPOLOGY_PUBLISHED_H
#define PROXY_TOPOLOGY_PUBLISHED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "pointsman/topology/topology.h"

struct subscriber {
    void (*tell)(void *arg);
    void *arg;
};

struct published {
    pthread_mutex_t lock;
    void *current; /* owns one reference */
    void (*ref)(void *thing);
    void (*unref)(void *thing);
    size_t count;
    struct subscriber subscribers[TOPOLOGY_SUBSCRIBERS_MAX];
};

void *published_get(struct published *published);             /* a new reference, or NULL */
void published_set(struct published *published, void *thing); /* takes over the caller's reference */
bool published_subscribe(struct published *published, void (*tell)(void *arg), void *arg); /* false: full */

#endif
