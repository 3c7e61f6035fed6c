/*
 * chunk.h - buffers: chunks of memory in two sizes, and the pool that a worker takes them from. (A third, of
 * any size, comes from nowhere and is never kept.)
 *
 *   data        start            end             capacity
 *   |  consumed |  to be used    |  room         |
 *
 * Invariant (chunk_sane): start <= end <= capacity. Whoever took a chunk owns it until chunk_give(). A pool
 * belongs to one thread; it keeps some chunks for reuse and frees the rest, so that memory follows the load
 * down again.
 */
#ifndef POINTSMAN_BASE_CHUNK_H
#define POINTSMAN_BASE_CHUNK_H

#include <assert.h>
#include <stdint.h>

#include "pointsman/base/list.h"

enum { CHUNK_SMALL = 4096 - 64, CHUNK_LARGE = 65536 - 64 };

struct chunk {
    struct list link;
    uint32_t start, end, capacity;
    uint8_t data[];
};

struct chunk_pool {
    struct list small, large; /* free ones, last used first */
    unsigned small_count, large_count;
    unsigned taken; /* in use now */
};

void chunk_pool_init(struct chunk_pool *pool);
void chunk_pool_done(struct chunk_pool *pool);

/* A chunk with at least `size` bytes of capacity, empty. NULL: no memory, or size > CHUNK_LARGE. */
struct chunk *chunk_take(struct chunk_pool *pool, size_t size);
/* One of just this size, larger than CHUNK_LARGE: for what is rare, and freed when it is given back. NULL: no
 * memory.
 */
struct chunk *chunk_take_huge(struct chunk_pool *pool, size_t size);
void chunk_give(struct chunk_pool *pool, struct chunk *chunk); /* NULL-safe */

static inline void chunk_sane(const struct chunk *chunk)
{
    assert(chunk->start <= chunk->end && chunk->end <= chunk->capacity);
}
static inline size_t chunk_used(const struct chunk *chunk)
{
    return chunk->end - chunk->start;
}
static inline size_t chunk_room(const struct chunk *chunk)
{
    return chunk->capacity - chunk->end;
}

#endif
