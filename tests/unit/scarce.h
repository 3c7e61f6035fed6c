/*
 * scarce.h - malloc() and calloc() that fail when a test wants it. The linker sends the program's own calls
 * here (-Wl,--wrap, see the Makefile: programs named test_*_memory); those of libc stay as they are.
 */
#ifndef POINTSMAN_TESTS_UNIT_SCARCE_H
#define POINTSMAN_TESTS_UNIT_SCARCE_H

#include <stdbool.h>
#include <stddef.h>

static long scarce_until_failure = -1; /* allocations that still succeed; < 0: all */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool scarce_fails(void)
{
    return scarce_until_failure >= 0 && scarce_until_failure-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return scarce_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return scarce_fails() ? NULL : __real_calloc(count, size);
}

#endif
