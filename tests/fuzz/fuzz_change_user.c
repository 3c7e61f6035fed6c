/*
 * fuzz_change_user.c - COM_CHANGE_USER: what is taken lies within the packet, and its attributes can be
 * walked.
 *
 *   input: the connection's capabilities (4 bytes), the packet with its command byte
 */
#include "pointsman/protocol/handshake.h"
#include "same.h"

static void require_within(struct bytes part, struct bytes whole)
{
    if (!part.at)
        require(part.length == 0);
    else
        require(part.at >= whole.at && part.length <= whole.length &&
                part.at - whole.at <= (ptrdiff_t)(whole.length - part.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    uint32_t capabilities = read_u32(&r);
    struct bytes payload = read_rest(&r), key, value;
    struct login login;

    if (!change_user_read(payload.at, payload.length, capabilities, &login))
        return 0;
    require(login.capabilities == capabilities);
    require_within(login.user, payload);
    require_within(login.auth, payload);
    require_within(login.database, payload);
    require_within(login.plugin, payload);
    require_within(login.attributes, payload);
    while (login.attributes.length > 0)
        require(attribute_next(&login.attributes, &key, &value));
    return 0;
}
