/*
 * guard.h - a copy of some bytes that ends where memory ends: reading one byte too far is a crash.
 *
 *   ┌── readable page(s) ──────────────┬── no access ──┐
 *   │ ...              copy of the data│               │
 *   └──────────────────────────────────┴───────────────┘
 *
 *   struct guard g = guard_of(data, length);
 *   decode(g.at, length);
 *   guard_done(&g);
 */
#ifndef POINTSMAN_TESTS_UNIT_GUARD_H
#define POINTSMAN_TESTS_UNIT_GUARD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
    uint8_t *at; /* the copy; at[length] can't be read */
    void *map;   /* private */
    size_t mapped;
};

/* data may be NULL if length is 0, or to have `length` zeros. Aborts if there is no memory. */
static inline struct guard guard_of(const void *data, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t readable = (length + page - 1) / page * page;
    struct guard g = {.mapped = readable + page};

    g.map = mmap(NULL, g.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect((uint8_t *)g.map + readable, page, PROT_NONE) != 0)
        abort();
    g.at = (uint8_t *)g.map + readable - length;
    if (data && length > 0)
        memcpy(g.at, data, length);
    return g;
}

static inline void guard_done(struct guard *g)
{
    munmap(g->map, g->mapped);
}

#endif
