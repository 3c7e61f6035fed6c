/*
 * judge.h - what the parts of one judgement share.
 *
 *   looks, memory, clock ──> evidence.c: who answers, who follows whom
 *                        ──> roles.c:    who is the primary, who is quarantined
 *                        ──> judge.c:    lag, state, reason and share of each server; the picture
 */
#ifndef PROXY_TOPOLOGY_JUDGE_H
#define PROXY_TOPOLOGY_JUDGE_H

#include "pointsman/topology/topology.h"

struct evidence {
    bool looked_at; /* there was a look, good or not */
    bool answers;   /* the last good look is young, and nothing since then says that the server is gone */
    bool locked;    /* it answers, but with an error: what is known of it is old */
    bool alive;     /* answers or locked: its last good look still says something */
    bool writable;  /* alive, and not read-only when it was seen last */
    int source;     /* index of the server it is configured to replicate from; TOPOLOGY_NOBODY: none, or an
                       outsider */
    unsigned followers; /* replicas alive that replicate from it */
};

struct judging {
    const struct config *config;
    const struct server_look *looks;
    struct topology_memory *memory;
    uint64_t now;
    int count;
    struct evidence evidence[TOPOLOGY_SERVERS_MAX];
    bool settled; /* every server had its first look, or its time for one */
    int primary;  /* who has the role, alive or not; TOPOLOGY_NOBODY */
    bool primary_answers;
    int writer;           /* the same, if it may be written to as far as roles go; TOPOLOGY_NOBODY */
    char why_nobody[192]; /* why nobody is */
};

/* evidence.c */
void evidence_gather(struct judging *judging);
/* The server at the end of the chain of sources that begins at `index` (itself, if it replicates from
 * nobody); TOPOLOGY_NOBODY if the chain leaves the set or turns in a circle without meeting `stop`, where it
 * ends. */
int evidence_origin(const struct judging *judging, int index, int stop);

/* roles.c: needs the evidence; sets primary, writer, why_nobody and in the memory primary, quarantined.
 * False: it waits for the first look at some server, and nobody has a role that was never known. */
bool roles_find(struct judging *judging);

static inline const char *judging_name(const struct judging *judging, int index)
{
    return judging->config->servers[index].name;
}

#endif
