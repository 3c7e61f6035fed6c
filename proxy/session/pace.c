/*
 * pace.c - how long statements take: see pace.h.
 *
 * The estimate follows shorter times at once and longer ones slowly: on a busy machine most of what is
 * measured is waiting for a processor, which says nothing of the statement.
 */
#include "pace.h"

#include <stddef.h>

enum { KNOWN = 3, FALL = 4, RISE = 64, MEASURE_EVERY = 64 };
enum { STALL = 20000 /* us */, STALLS_MAX = 16, ALONE_ODD = 255 };

static struct pace *find(struct paces *paces, uint64_t digest)
{
    struct pace *pair = &paces->entries[digest & (PACE_ENTRIES - 2)];
    return pair[0].digest == digest ? &pair[0] : pair[1].digest == digest ? &pair[1] : NULL;
}

uint32_t pace_of(struct paces *paces, uint64_t digest)
{
    struct pace *pace = find(paces, digest);
    if (!pace || pace->seen < KNOWN || pace->alone || pace->us >= PACE_QUICK || pace->stalls > STALLS_MAX)
        return 0;
    return ++pace->asked % MEASURE_EVERY ? pace->us + 1 : 0;
}

/* Those who lose their place to a newcomer lose half of what was seen of them first. */
static struct pace *find_or_take(struct paces *paces, uint64_t digest, uint32_t us)
{
    struct pace *pace = find(paces, digest);
    if (pace)
        return pace;
    struct pace *pair = &paces->entries[digest & (PACE_ENTRIES - 2)];
    pace = pair[0].seen <= pair[1].seen ? &pair[0] : &pair[1];
    pace->seen /= 2;
    if (pace->seen > 0)
        return NULL;
    *pace = (struct pace){.digest = digest, .us = us};
    return pace;
}

static void follow(struct pace *pace, uint32_t us)
{
    if (us < pace->us)
        pace->us -= (pace->us - us) / FALL;
    else
        pace->us += (us - pace->us) / RISE;
}

void pace_learn(struct paces *paces, uint64_t digest, uint64_t took, bool shared, bool plain)
{
    uint32_t us = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    struct pace *pace = find_or_take(paces, digest, us);
    if (!pace)
        return;
    if (!shared)
        follow(pace, us);
    if (pace->seen < UINT16_MAX)
        pace->seen++;
    if (!plain)
        pace->alone = ALONE_ODD;
    else if (pace->alone > 0)
        pace->alone--;
    pace->stalls = (uint8_t)(pace->stalls - (pace->stalls + 31) / 32 + (us > STALL ? 8 : 0));
}
