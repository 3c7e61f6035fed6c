/*
 * roles.c - who is the primary. Roles come from replication, not from read_only alone.
 *
 *   every server looked at once? ──no──> wait (but not longer than the servers' time to answer)
 *            │
 *   candidates: writable, and not a replica of somebody else who counts
 *            ├─ the one known as primary is among them ──> it stays
 *            ├─ none    ──> the known one keeps the role (not the writes); else nobody, and why
 *            ├─ one     ──> it, unless something speaks against it
 *            └─ several ──> the only one that is replicated from, else nobody
 *
 *   Every other candidate is quarantined, until it is read-only or replicates from a server of the set.
 */
#include <stdio.h>
#include <string.h>

#include "judge.h"

static bool follows(const struct judging *judging, int replica, int source)
{
    return judging->evidence[replica].alive && judging->evidence[replica].source == source;
}

/*
 * Whether a writable server is one by mistake or in passing: it is configured to replicate from a server of
 * the set. It is not if that one in turn replicates from it (a pair), or is read-only while this one's
 * threads are stopped (somebody promoted it and left the configuration behind).
 */
static bool is_writable_replica(const struct judging *judging, int index)
{
    const struct server_look *look = &judging->looks[index];
    int source = judging->evidence[index].source;
    if (source == TOPOLOGY_NOBODY || source == index)
        return false;
    if (follows(judging, source, index))
        return false;
    bool stopped = !look->io_running && !look->sql_running;
    return !(stopped && judging->evidence[source].answers && judging->looks[source].read_only);
}

static bool is_candidate(const struct judging *judging, int index)
{
    return judging->evidence[index].writable && !is_writable_replica(judging, index);
}

/* Who was the primary, if that server still is the same one. */
static int remembered(const struct judging *judging)
{
    int index = judging->memory->primary;
    if (index == TOPOLOGY_NOBODY || index >= judging->count)
        return TOPOLOGY_NOBODY;
    const struct server_look *look = &judging->looks[index];
    bool same = !look->ever || strcmp(look->identity, judging->memory->primary_identity) == 0;
    return same ? index : TOPOLOGY_NOBODY;
}

/* Replicas alive of a server of the set other than index. */
static int follower_of_another(const struct judging *judging, int index)
{
    for (int i = 0; i < judging->count; i++) {
        int source = judging->evidence[i].source;
        if (i != index && judging->evidence[i].alive && source != TOPOLOGY_NOBODY && source != index &&
            evidence_origin(judging, i, index) != index)
            return i;
    }
    return TOPOLOGY_NOBODY;
}

/*
 * Whether a server that was writable beside another one may be trusted again though nobody replicates from
 * it: only if nobody was the primary then, and all the others have become read-only or replicas since.
 */
static bool rival_left(const struct judging *judging, int index, int known)
{
    if (known != TOPOLOGY_NOBODY)
        return true;
    for (int i = 0; i < judging->count; i++)
        if (i != index && judging->memory->servers[i].quarantined)
            return true;
    return false;
}

/* Whether the only candidate may be the primary. If not, says why. */
static bool nothing_speaks_against(struct judging *judging, int index, int known)
{
    if (judging->evidence[index].followers > 0)
        return true;
    if (judging->memory->servers[index].quarantined && rival_left(judging, index, known)) {
        snprintf(judging->why_nobody, sizeof judging->why_nobody,
                 "%s is writable, but was so beside another server, and nobody replicates from it",
                 judging_name(judging, index));
        return false;
    }
    int witness = follower_of_another(judging, index);
    if (witness == TOPOLOGY_NOBODY)
        return true;
    snprintf(judging->why_nobody, sizeof judging->why_nobody, "%s is writable, but %s replicates from %s",
             judging_name(judging, index), judging_name(judging, witness),
             judging_name(judging, judging->evidence[witness].source));
    return false;
}

/* The only candidate that others replicate from. */
static int only_followed(struct judging *judging)
{
    int found = TOPOLOGY_NOBODY;
    for (int i = 0; i < judging->count; i++) {
        if (!is_candidate(judging, i) || judging->evidence[i].followers == 0)
            continue;
        if (found != TOPOLOGY_NOBODY)
            return TOPOLOGY_NOBODY;
        found = i;
    }
    return found;
}

static int count_candidates(const struct judging *judging, int *ret_first, int *ret_second)
{
    int count = 0;
    for (int i = 0; i < judging->count; i++) {
        if (!is_candidate(judging, i))
            continue;
        if (count == 0)
            *ret_first = i;
        else if (count == 1)
            *ret_second = i;
        count++;
    }
    return count;
}

static void say_no_candidate(struct judging *judging, int known)
{
    if (known == TOPOLOGY_NOBODY) {
        snprintf(judging->why_nobody, sizeof judging->why_nobody, "no server that answers is writable");
        return;
    }
    const char *what = judging->evidence[known].alive ? "is read-only or replicates" : "does not answer";
    snprintf(judging->why_nobody, sizeof judging->why_nobody,
             "%s was the primary and %s; no other server is writable", judging_name(judging, known), what);
}

/* Who is the primary now, TOPOLOGY_NOBODY with why_nobody if it is nobody who could be written to. */
static int choose(struct judging *judging, int known)
{
    int first = TOPOLOGY_NOBODY, second = TOPOLOGY_NOBODY;
    int count = count_candidates(judging, &first, &second);
    if (known != TOPOLOGY_NOBODY && is_candidate(judging, known))
        return known;
    if (count == 0) {
        say_no_candidate(judging, known);
        return TOPOLOGY_NOBODY;
    }
    if (count == 1)
        return nothing_speaks_against(judging, first, known) ? first : TOPOLOGY_NOBODY;
    int followed = only_followed(judging);
    if (followed == TOPOLOGY_NOBODY)
        snprintf(judging->why_nobody, sizeof judging->why_nobody,
                 "%d servers are writable, %s and %s among them, and nothing tells which is the primary",
                 count, judging_name(judging, first), judging_name(judging, second));
    return followed;
}

/* False: some server was never looked at, and its time is not over. */
static bool settle(struct judging *judging)
{
    struct topology_memory *memory = judging->memory;
    if (!memory->began) {
        memory->began = true;
        memory->began_at = judging->now;
    }
    for (int i = 0; i < judging->count && !memory->settled; i++) {
        uint64_t patience = 2 * (uint64_t)judging->config->monitor_timeout;
        if (judging->evidence[i].looked_at || judging->now - memory->began_at > patience)
            continue;
        snprintf(judging->why_nobody, sizeof judging->why_nobody, "waiting for a first look at %s",
                 judging_name(judging, i));
        return false;
    }
    return true;
}

static void release_quarantined(struct judging *judging)
{
    for (int i = 0; i < judging->count; i++)
        if (judging->evidence[i].answers && !is_candidate(judging, i))
            judging->memory->servers[i].quarantined = false;
}

static void quarantine_others(struct judging *judging, int chosen)
{
    int first = TOPOLOGY_NOBODY, second = TOPOLOGY_NOBODY;
    bool rivals = count_candidates(judging, &first, &second) > 1;
    for (int i = 0; i < judging->count; i++) {
        if (i == chosen)
            judging->memory->servers[i].quarantined = false;
        else if (is_candidate(judging, i) && (chosen != TOPOLOGY_NOBODY || rivals))
            judging->memory->servers[i].quarantined = true;
    }
}

static void remember(struct judging *judging, int chosen)
{
    if (chosen == TOPOLOGY_NOBODY)
        return;
    judging->memory->primary = chosen;
    snprintf(judging->memory->primary_identity, sizeof judging->memory->primary_identity, "%s",
             judging->looks[chosen].identity);
}

/* A former primary that replicates now has handed the role on, to whomever. */
static bool still_primary(const struct judging *judging, int known)
{
    return known != TOPOLOGY_NOBODY && !(judging->evidence[known].alive && judging->looks[known].replicates);
}

bool roles_find(struct judging *judging)
{
    judging->primary = judging->writer = TOPOLOGY_NOBODY;
    judging->why_nobody[0] = '\0';
    if (!settle(judging))
        return false;
    int known = remembered(judging);
    release_quarantined(judging);
    int chosen = choose(judging, known);
    quarantine_others(judging, chosen);
    remember(judging, chosen);
    if (chosen != TOPOLOGY_NOBODY)
        judging->primary = chosen;
    else if (still_primary(judging, known))
        judging->primary = known;
    judging->writer = chosen;
    judging->primary_answers = judging->primary != TOPOLOGY_NOBODY &&
                               judging->evidence[judging->primary].answers;
    return true;
}
