/*
 * fuzz_login.c - a login that is taken comes back from its own writing, and its attributes can be walked.
 *
 *   input: what the server offered (4 bytes), the login
 */
#include "pointsman/protocol/handshake.h"
#include "same.h"

static void walk_attributes(struct bytes rest)
{
    struct bytes key, value;
    size_t before = rest.length;

    while (rest.length > 0) { /* validated: none may fail before the end */
        require(attribute_next(&rest, &key, &value));
        require(rest.length < before);
        before = rest.length;
    }
    require(!attribute_next(&rest, &key, &value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    uint32_t offered = read_u32(&r) | CAP_PROTOCOL_41, ssl_capabilities;
    struct bytes payload = read_rest(&r);
    struct login first, second;
    struct writer w;

    require(!login_is_ssl_request(payload.at, payload.length, &ssl_capabilities) || payload.length == 32);
    if (!login_read(payload.at, payload.length, offered, &first))
        return 0;
    walk_attributes(first.attributes);
    first.capabilities &= offered;
    w = room_for(size);
    login_write(&w, &first);
    require(!w.full);
    require(login_read(w.start, writer_length(&w), offered, &second));
    require_same(first.user, second.user);
    require_same(first.auth, second.auth);
    require_same(first.database, second.database);
    require_same(first.plugin, second.plugin);
    require_same(first.attributes, second.attributes);
    require(first.capabilities == second.capabilities && first.collation == second.collation);
    require(first.mariadb_capabilities == second.mariadb_capabilities);
    require(first.max_packet == second.max_packet && first.zstd_level == second.zstd_level);
    free(w.start);
    return 0;
}
