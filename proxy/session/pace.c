/*
 * pace.c - how long statements take: see pace.h.
 *
 * On a busy machine most of what is measured is waiting for a processor, which says nothing of the statement:
 * the estimate comes to rest where few are shorter. It moves in steps that are in proportion to itself and
 * not to the distance, so that those that were hindered for very long count no more than others; but when
 * most are far off, it is the statement that has changed, and it doubles.
 */
#include "pace.h"

enum { KNOWN = 3, FALL = 4, RISE = 128, FAR = 8 /* times as long */, FAR_MOST = 160 };
enum { STALL = 20000 /* us */, STALLS_MAX = 16, ALONE_ODD = 255 };

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static struct pace *find(const struct paces *paces, uint64_t digest)
{
    struct pace *pair = (struct pace *)&paces->entries[digest & (PACE_ENTRIES - 2)];
    return pair[0].digest == digest ? &pair[0] : pair[1].digest == digest ? &pair[1] : NULL;
}

uint32_t pace_of(const struct paces *paces, uint64_t digest)
{
    const struct pace *pace = find(paces, digest);
    bool quick = pace && pace->seen >= KNOWN && pace->us < PACE_QUICK;
    return quick && !pace->alone && pace->stalls <= STALLS_MAX ? pace->us + 1 : 0;
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
    pace->far = (uint8_t)(pace->far - pace->far / 8 + (us / FAR > pace->us ? 31 : 0));
    if (pace->far > FAR_MOST)
        pace->us *= 2;
    else if (us < pace->us)
        pace->us -= lesser(pace->us - us, pace->us / FALL);
    else
        pace->us += lesser(us - pace->us, pace->us / RISE + 1);
}

/* waited: us from its turn to its answer */
static void learn(struct paces *paces, uint64_t digest, uint64_t took, uint64_t waited, bool plain)
{
    uint32_t us = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    struct pace *pace = find_or_take(paces, digest, us);
    if (!pace)
        return;
    follow(pace, us);
    if (pace->seen < UINT16_MAX)
        pace->seen++;
    if (!plain)
        pace->alone = ALONE_ODD;
    else if (pace->alone > 0)
        pace->alone--;
    pace->stalls = (uint8_t)(pace->stalls - (pace->stalls + 31) / 32 + (waited > STALL ? 8 : 0));
}

void pace_learn(struct paces *paces, uint64_t digest, uint64_t us, bool plain)
{
    learn(paces, digest, us, us, plain);
}

void pace_queued(struct paces *paces, uint64_t digest, uint32_t takes, bool plain)
{
    if (paces->bunch_count == PACE_BUNCH)
        return;
    paces->bunch[paces->bunch_count].digest = digest;
    paces->bunch[paces->bunch_count].takes = takes;
    paces->bunch[paces->bunch_count++].plain = plain;
}

void pace_bunch(struct paces *paces, uint64_t us)
{
    uint64_t total = 0;
    for (size_t i = 0; i < paces->bunch_count; i++)
        total += paces->bunch[i].takes;
    for (size_t i = 0; i < paces->bunch_count; i++)
        learn(paces, paces->bunch[i].digest, us * paces->bunch[i].takes / total, i ? 0 : us,
              paces->bunch[i].plain);
    paces->bunch_count = 0;
}
