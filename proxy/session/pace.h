/*
 * pace.h - how long statements take, by digest: which of them are quick enough to share a connection with
 * others (private to proxy/session).
 *
 * A table of fixed size, one a worker; who finds no place takes that of the one seen less often. A digest
 * that isn't known yet runs alone, and so does one that is slow now and then, left warnings or gave a long
 * answer of late; and every known one does now and then, to be measured: in a queue its answers arrive in
 * bunches.
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
    uint8_t stalls; /* of 256, how many took very long of late */
    uint8_t alone;  /* so many more times by itself, whatever it takes */
    uint8_t asked;  /* how often pace_of() knew it, modulo 256 */
};

struct paces {
    struct pace entries[PACE_ENTRIES];
};

/* us that it is expected to take, at least 1; 0: it is to run alone. */
uint32_t pace_of(struct paces *paces, uint64_t digest);
/* An answer came `us` after it was this statement's turn. plain: no error, no warnings, not long. */
void pace_learn(struct paces *paces, uint64_t digest, uint64_t us, bool shared, bool plain);

#endif
