/*
 * pace.h - how long statements take, by digest: which of them are quick enough to share a connection with
 * others, and with how many (private to proxy/session).
 *
 * A table of fixed size, one a worker; who finds no place takes that of the one seen less often. A digest
 * that isn't known yet runs alone, and so does one that is slow now and then, left warnings or gave a long
 * answer of late.
 *
 * In a queue answers arrive in bunches: what is known is how long all of a bunch took. Each statement of it
 * counts with the part that is its own by what was known before.
 */
#ifndef POINTSMAN_SESSION_PACE_H
#define POINTSMAN_SESSION_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACE_ENTRIES = 2048 /* a power of two */, PACE_BUNCH = 64, PACE_QUICK = 2000 /* us */ };

struct pace {
    uint64_t digest; /* 0: free */
    uint32_t us;     /* what it takes when nothing else hinders it: nearer to the least than to the mean */
    uint16_t seen;
    uint8_t stalls; /* of 256, how many took very long of late */
    uint8_t far;    /* of 248, how many took many times as long as `us` of late */
    uint8_t alone;  /* so many more times by itself, whatever it takes */
};

struct paces {
    struct pace entries[PACE_ENTRIES];
    struct {
        uint64_t digest;
        uint32_t takes;
        bool plain;
    } bunch[PACE_BUNCH];
    size_t bunch_count;
};

/* us that it is expected to take, at least 1; 0: it is to run alone. */
uint32_t pace_of(const struct paces *paces, uint64_t digest);
/* The answer of a statement that ran alone came `us` after it was sent. plain: no error, no warnings, not
 * long. */
void pace_learn(struct paces *paces, uint64_t digest, uint64_t us, bool plain);
/* The next answer of a bunch; takes is what pace_of() had said. */
void pace_queued(struct paces *paces, uint64_t digest, uint32_t takes, bool plain);
/* That was the bunch, and all of it came `us` after the last one, or after it was sent. */
void pace_bunch(struct paces *paces, uint64_t us);

#endif
