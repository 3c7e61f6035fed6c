/*
 * clock.h - the monotonic clock.
 *
 * Every deadline and every span of the program is reckoned by it; it starts at boot, never goes back and does
 * not jump when somebody sets the time. The time of day is only for log lines and stands in log.c.
 */
#ifndef POINTSMAN_BASE_CLOCK_H
#define POINTSMAN_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_us(void); /* microseconds since boot; cannot fail */
uint64_t clock_ms(void); /* the same in whole milliseconds, rounded down */

#endif
