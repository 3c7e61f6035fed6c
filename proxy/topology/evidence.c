/*
 * evidence.c - what the looks say about each server by itself: does it answer, and whom does it replicate
 * from.
 *
 *   a look:  good ────────────── older than monitor_timeout ─────────> does not answer
 *            failed, LOOK_GONE ──────────────────────────────────────> does not answer, at once
 *            failed, LOOK_SILENT ── answers until the last good look is too old
 *            failed, LOOK_REFUSED ─ as that; then locked: alive, but what is known of it is old
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "judge.h"

static bool within(const struct judging *judging, uint64_t at)
{
    return judging->now - at <= judging->config->monitor_timeout || at > judging->now;
}

static void gather_life(const struct judging *judging, const struct server_look *look,
                        struct evidence *evidence)
{
    bool gone = !look->ok && look->failure == LOOK_GONE;
    bool refused = !look->ok && look->failure == LOOK_REFUSED && within(judging, look->failed_at);
    evidence->looked_at = look->ever || look->failed_at > 0;
    evidence->answers = look->ever && !gone && within(judging, look->at);
    evidence->locked = !evidence->answers && refused;
    evidence->alive = evidence->answers || (evidence->locked && look->ever);
    evidence->writable = evidence->alive && !look->read_only;
}

/* Whether a source's host, as a replica was told it, is the host of an address. Names are not resolved here.
 */
static bool same_host(const char *host, const struct config_address *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (address->sa.any.sa_family == AF_INET && inet_pton(AF_INET, host, &v4) == 1)
        return memcmp(&v4, &address->sa.in.sin_addr, sizeof v4) == 0;
    if (address->sa.any.sa_family == AF_INET6 && inet_pton(AF_INET6, host, &v6) == 1)
        return memcmp(&v6, &address->sa.in6.sin6_addr, sizeof v6) == 0;

    const char *colon = strrchr(address->text, ':');
    size_t length = colon ? (size_t)(colon - address->text) : strlen(address->text);
    return strlen(host) == length && strncasecmp(host, address->text, length) == 0;
}

static unsigned port_of(const struct config_address *address)
{
    switch (address->sa.any.sa_family) {
    case AF_INET: return ntohs(address->sa.in.sin_port);
    case AF_INET6: return ntohs(address->sa.in6.sin6_port);
    default: return 0;
    }
}

static bool is_loopback_name(const char *host)
{
    return strcasecmp(host, "localhost") == 0;
}

static int by_address(const struct judging *judging, const struct server_look *look)
{
    const char *host = is_loopback_name(look->source_host) ? "127.0.0.1" : look->source_host;
    for (int i = 0; i < judging->count; i++) {
        const struct config_address *address = &judging->config->servers[i].address;
        if (port_of(address) == look->source_port && same_host(host, address))
            return i;
    }
    return TOPOLOGY_NOBODY;
}

static int by_identity(const struct judging *judging, const struct server_look *look)
{
    if (look->source_server_id == 0)
        return TOPOLOGY_NOBODY;
    for (int i = 0; i < judging->count; i++)
        if (judging->looks[i].ever && judging->looks[i].server_id == look->source_server_id)
            return i;
    return TOPOLOGY_NOBODY;
}

/* The source's own id is certain while it is connected; afterwards it may be that of the one before. */
static int source_of(const struct judging *judging, const struct server_look *look)
{
    if (!look->ever || !look->replicates)
        return TOPOLOGY_NOBODY;
    int identity = by_identity(judging, look);
    if (look->io_running && identity != TOPOLOGY_NOBODY)
        return identity;
    int address = by_address(judging, look);
    return address != TOPOLOGY_NOBODY ? address : identity;
}

void evidence_gather(struct judging *judging)
{
    for (int i = 0; i < judging->count; i++) {
        judging->evidence[i] = (struct evidence){.source = source_of(judging, &judging->looks[i])};
        gather_life(judging, &judging->looks[i], &judging->evidence[i]);
    }
    for (int i = 0; i < judging->count; i++) {
        int source = judging->evidence[i].source;
        if (source != TOPOLOGY_NOBODY && source != i && judging->evidence[i].alive)
            judging->evidence[source].followers++;
    }
}

int evidence_origin(const struct judging *judging, int index, int stop)
{
    for (int steps = 0; steps <= judging->count; steps++) {
        if (index == stop || !judging->looks[index].replicates)
            return index;
        index = judging->evidence[index].source;
        if (index == TOPOLOGY_NOBODY)
            return TOPOLOGY_NOBODY;
    }
    return TOPOLOGY_NOBODY;
}
