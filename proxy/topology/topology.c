/*
 * topology.c - the picture's life: counted references, the one current picture, names for people.
 *
 *   topology_judge() ──> one reference ──topology_publish()──> current ──topology_current()──> workers'
 * references └─ the last unref frees it and its config's reference
 */
#include "pointsman/topology/topology.h"

#include <stdlib.h>

#include "published.h"

static void ref_any(void *topology)
{
    topology_ref(topology);
}
static void unref_any(void *topology)
{
    topology_unref(topology);
}

static struct published current = {.lock = PTHREAD_MUTEX_INITIALIZER, .ref = ref_any, .unref = unref_any};

struct topology *topology_ref(struct topology *topology)
{
    atomic_fetch_add_explicit(&topology->refs, 1, memory_order_relaxed);
    return topology;
}

void topology_unref(struct topology *topology)
{
    if (!topology || atomic_fetch_sub_explicit(&topology->refs, 1, memory_order_acq_rel) > 1)
        return;
    config_unref(topology->config);
    free(topology);
}

struct topology *topology_current(void)
{
    return published_get(&current);
}

void topology_publish(struct topology *topology)
{
    published_set(&current, topology);
}

bool topology_subscribe(void (*tell)(void *arg), void *arg)
{
    return published_subscribe(&current, tell, arg);
}

const char *server_role_name(enum server_role role)
{
    static const char *const names[] = {
        [ROLE_UNKNOWN] = "unknown", [ROLE_PRIMARY] = "primary", [ROLE_REPLICA] = "replica"};
    return names[role];
}

const char *server_state_name(enum server_state state)
{
    static const char *const names[] = {
        [STATE_ONLINE] = "online",
        [STATE_LAGGING] = "lagging",
        [STATE_DOWN] = "down",
        [STATE_DRAINING] = "draining",
        [STATE_MAINTENANCE] = "maintenance",
        [STATE_QUARANTINED] = "quarantined",
    };
    return names[state];
}

const struct server_view *topology_server(const struct topology *topology, int server)
{
    static const struct server_view gone = {.state = STATE_DOWN, .reason = "not configured any more"};
    return server >= 0 && (size_t)server < topology->count ? &topology->servers[server] : &gone;
}
