/* fuzz_greeting.c - a greeting that is taken comes back from its own writing. */
#include "pointsman/protocol/handshake.h"
#include "same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct greeting first, second;
    struct writer w;

    if (!greeting_read(data, size, &first))
        return 0;
    w = room_for(size);
    greeting_write(&w, &first);
    require(!w.full);
    require(greeting_read(w.start, writer_length(&w), &second));
    require_same(first.version, second.version);
    require_same(first.plugin, second.plugin);
    require(memcmp(first.scramble, second.scramble, SCRAMBLE_LENGTH) == 0);
    require(first.connection_id == second.connection_id && first.capabilities == second.capabilities);
    require(first.mariadb_capabilities == second.mariadb_capabilities);
    require(first.collation == second.collation && first.status == second.status);
    free(w.start);
    return 0;
}
