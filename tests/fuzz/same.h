/* same.h - what the protocol's fuzz targets share: a check that holds in release builds, spans compared,
 * buffers. */
#ifndef POINTSMAN_TESTS_FUZZ_SAME_H
#define POINTSMAN_TESTS_FUZZ_SAME_H

#include "pointsman/protocol/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds)
{
    if (!holds)
        abort();
}

static inline void require_same(struct bytes a, struct bytes b)
{
    require(a.length == b.length && !a.at == !b.at);
    require(a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

/* Room for what was read from `size` bytes, written anew. Freed by the caller. */
static inline struct writer room_for(size_t size)
{
    void *memory = malloc(size + 128);

    require(memory != NULL);
    return writer_of(memory, size + 128);
}

#endif
