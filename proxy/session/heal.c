/*
 * heal.c - misroutes: which errors of a replica the primary would not have given, and which statements had
 * better go to the primary for a while.
 *
 *   an error that heals ──> the digest is noted ──> its statements go to the primary
 *        the primary's position at a later look ──> every replica has that, or a minute is over ──> forgotten
 *
 * What lags is mostly one change of schema or of privileges; whoever meets it once meets it again until it
 * arrives.
 */
#include <stdlib.h>
#include <string.h>

#include "pointsman/topology/gtid.h"
#include "session.h"

enum { LONGEST_MS = 60000 };

bool heal_may(uint16_t code)
{
    static const uint16_t codes[] = {1290, 1792, 1836, 1146, 1049, 1054, 1305, 1044, 1045, 1142, 1227};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code)
            return true;
    return false;
}

static void forget(struct worker *worker, unsigned i)
{
    free(worker->misroutes[i].position);
    worker->misroutes[i] = worker->misroutes[--worker->misroutes_count];
}

void heal_note(struct worker *worker, uint64_t digest, uint64_t now)
{
    for (unsigned i = worker->misroutes_count; i-- > 0;)
        if (worker->misroutes[i].digest == digest)
            forget(worker, i);
    if (worker->misroutes_count == WORKER_MISROUTES)
        forget(worker, 0);
    worker->misroutes[worker->misroutes_count++] = (struct misroute){.digest = digest, .since = now};
}

bool heal_is_noted(const struct worker *worker, uint64_t digest)
{
    for (unsigned i = 0; i < worker->misroutes_count; i++)
        if (worker->misroutes[i].digest == digest)
            return true;
    return false;
}

/* Whether every replica that may be asked has what the primary had when the misroute was known. */
static bool has_arrived(const struct topology *topology, const char *position)
{
    for (size_t i = 0; i < topology->count; i++) {
        const struct server_view *server = &topology->servers[i];
        if (server->role != ROLE_PRIMARY && server->usable_for_reads &&
            gtid_contains(server->look.gtid_executed, position) != GTID_CONTAINED)
            return false;
    }
    return true;
}

void heal_review(struct worker *worker, uint64_t now)
{
    const struct topology *topology = worker->topology;
    const struct server_look *primary = topology->primary == TOPOLOGY_NOBODY
                                            ? NULL
                                            : &topology->servers[topology->primary].look;
    for (unsigned i = worker->misroutes_count; i-- > 0;) {
        struct misroute *misroute = &worker->misroutes[i];
        if (!misroute->position && primary && primary->ok && primary->at > misroute->since)
            misroute->position = strdup(primary->gtid_executed);
        if (now - misroute->since > LONGEST_MS ||
            (misroute->position && has_arrived(topology, misroute->position)))
            forget(worker, i);
    }
}

void heal_done(struct worker *worker)
{
    while (worker->misroutes_count)
        forget(worker, worker->misroutes_count - 1);
}
