/* chunk.c - buffers: see chunk.h. Free chunks lie on a stack, so that the one used next is the one still in
 * the cache. */
#include "pointsman/base/chunk.h"

#include <stdlib.h>

enum { KEEP_SMALL = 256, KEEP_LARGE = 16 };

void chunk_pool_init(struct chunk_pool *pool)
{
    *pool = (struct chunk_pool){0};
    list_init(&pool->small);
    list_init(&pool->large);
}

static void free_all(struct list *chunks)
{
    list_each_safe (node, chunks)
        free(list_entry(node, struct chunk, link));
    list_init(chunks);
}

void chunk_pool_done(struct chunk_pool *pool)
{
    assert(pool->taken == 0);
    free_all(&pool->small);
    free_all(&pool->large);
}

struct chunk *chunk_take(struct chunk_pool *pool, size_t size)
{
    if (size > CHUNK_LARGE)
        return NULL;
    bool large = size > CHUNK_SMALL;
    struct list *kept = large ? &pool->large : &pool->small;
    struct chunk *chunk = list_first(kept, struct chunk, link);
    if (chunk) {
        list_remove(&chunk->link);
        *(large ? &pool->large_count : &pool->small_count) -= 1;
    } else {
        uint32_t capacity = large ? CHUNK_LARGE : CHUNK_SMALL;
        chunk = malloc(sizeof *chunk + capacity);
        if (!chunk)
            return NULL;
        list_init(&chunk->link);
        chunk->capacity = capacity;
    }
    chunk->start = chunk->end = 0;
    pool->taken++;
    return chunk;
}

struct chunk *chunk_take_huge(struct chunk_pool *pool, size_t size)
{
    assert(size > CHUNK_LARGE && size <= UINT32_MAX);
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk)
        return NULL;
    list_init(&chunk->link);
    chunk->start = chunk->end = 0;
    chunk->capacity = (uint32_t)size;
    pool->taken++;
    return chunk;
}

void chunk_give(struct chunk_pool *pool, struct chunk *chunk)
{
    if (!chunk)
        return;
    chunk_sane(chunk);
    assert(list_empty(&chunk->link) && pool->taken > 0);
    pool->taken--;
    bool large = chunk->capacity > CHUNK_SMALL;
    if (chunk->capacity > CHUNK_LARGE) {
        free(chunk);
        return;
    }
    unsigned *count = large ? &pool->large_count : &pool->small_count;
    if (*count >= (large ? KEEP_LARGE : KEEP_SMALL)) {
        free(chunk);
        return;
    }
    ++*count;
    list_prepend(large ? &pool->large : &pool->small, &chunk->link);
}
