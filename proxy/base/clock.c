/*
 * clock.c - the monotonic clock, from the kernel's vDSO: no system call, about 20 ns.
 */
#include "pointsman/base/clock.h"

#include <time.h>

uint64_t clock_us(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_ms(void)
{
    return clock_us() / 1000;
}
