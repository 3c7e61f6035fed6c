/* penalty.h - how long the refusal of a login is held back for an address that failed often of late (private
 * to proxy/session). */
#ifndef POINTSMAN_SESSION_PENALTY_H
#define POINTSMAN_SESSION_PENALTY_H

#include <stdint.h>

/* Counts one more failure of this address; ms to wait: none for the first three, then doubling from 100 ms to
 * 5 s. */
uint64_t penalty_of(const char *address, uint64_t now);
void penalty_forgive(const char *address);

#endif
