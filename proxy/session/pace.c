/*
 * pace.c - how long statements take: see pace.h.
 *
 * The estimate follows shorter times at once and longer ones slowly: on a busy machine most of what is
 * measured is waiting for a processor, which says nothing of the statement.
 */
#include "pace.h"

#include <stddef.h>

enum { KNOWN = 3, FALL = 4, RISE = 64, STALL = 20000 /* us */, ALONE_STALLED = 8, ALONE_ODD = 1000 };

static const struct pace *find(const struct paces *paces, uint64_t digest)
{
    const struct pace *pair = &paces->entries[digest & (PACE_ENTRIES - 2)];
    return pair[0].digest == digest ? &pair[0] : pair[1].digest == digest ? &pair[1] : NULL;
}

bool pace_is_quick(const struct paces *paces, uint64_t digest)
{
    const struct pace *pace = find(paces, digest);
    return pace && pace->seen >= KNOWN && pace->alone == 0 && pace->us < PACE_QUICK;
}

/* Those who lose their place to a newcomer lose half of what was seen of them first. */
static struct pace *find_or_take(struct paces *paces, uint64_t digest, uint64_t us)
{
    struct pace *pace = (struct pace *)(uintptr_t)find(paces, digest);
    if (pace)
        return pace;
    struct pace *pair = &paces->entries[digest & (PACE_ENTRIES - 2)];
    pace = pair[0].seen <= pair[1].seen ? &pair[0] : &pair[1];
    pace->seen /= 2;
    if (pace->seen > 0)
        return NULL;
    *pace = (struct pace){.digest = digest, .us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX};
    return pace;
}

void pace_learn(struct paces *paces, uint64_t digest, uint64_t us, bool plain)
{
    struct pace *pace = find_or_take(paces, digest, us);
    if (!pace)
        return;
    if (us > UINT32_MAX)
        us = UINT32_MAX;
    if (us < pace->us)
        pace->us -= (pace->us - (uint32_t)us) / FALL;
    else
        pace->us += ((uint32_t)us - pace->us) / RISE;
    if (pace->seen < UINT16_MAX)
        pace->seen++;
    if (!plain)
        pace->alone = ALONE_ODD;
    else if (us > STALL && pace->alone < ALONE_STALLED)
        pace->alone = ALONE_STALLED;
    else if (pace->alone > 0)
        pace->alone--;
}
