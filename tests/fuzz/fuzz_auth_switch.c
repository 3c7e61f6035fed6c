/* fuzz_auth_switch.c - an AuthSwitchRequest with a scramble of the usual length comes back from its own
 * writing. */
#include "pointsman/protocol/handshake.h"
#include "same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct auth_switch first, second;
    struct writer w;

    if (!auth_switch_read(data, size, &first) || first.data.length != SCRAMBLE_LENGTH)
        return 0;
    w = room_for(size);
    auth_switch_write(&w, (const char *)first.plugin.at, first.data.at); /* a NUL follows the plugin */
    require(!w.full);
    require(auth_switch_read(w.start, writer_length(&w), &second));
    require_same(first.plugin, second.plugin);
    require_same(first.data, second.data);
    free(w.start);
    return 0;
}
