/*
 * pace.h - how long statements take, by digest: which of them are quick enough to share a connection with
 * others (private to proxy/session).
 *
 * A table of fixed size, one a worker; who finds no place takes that of the one seen less often. A digest
 * that isn't known yet runs alone, and so does one that was slow, left warnings or gave a long answer of
 * late.
 */
#ifndef POINTSMAN_SESSION_PACE_H
#define POINTSMAN_SESSION_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { PACE_ENTRIES = 2048 /* a power of two */, PACE_QUICK = 2000 /* us */ };

struct pace {
    uint64_t digest; /* 0: free */
    uint32_t us;     /* what it takes when nothing else hinders it: nearer to the least than to the mean */
    uint16_t seen;
    uint16_t alone; /* so many more times by itself, whatever it takes */
};

struct paces {
    struct pace entries[PACE_ENTRIES];
};

bool pace_is_quick(const struct paces *paces, uint64_t digest);
/* An answer took `us`. plain: no error, no warnings, not long. */
void pace_learn(struct paces *paces, uint64_t digest, uint64_t us, bool plain);

#endif
