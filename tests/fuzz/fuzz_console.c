/*
 * Fuzz target: a statement of the admin console. Whatever the bytes, the reply is OK, ERR with words, or rows
 * that a client reads to their end, with and without DEPRECATE_EOF. The first byte: bit 0, may it act.
 */
#include "../unit/admin/picture.h"
#include "pointsman/base/log.h"
#include "pointsman/protocol/result.h"
#include "same.h"

static void require_readable(const struct result_set *set, uint32_t capabilities)
{
    struct result result;
    struct result_event event = {.kind = RESULT_MORE};
    uint8_t sequence = 1;
    size_t length;
    uint8_t *packets = result_set_write(set, capabilities, &sequence, &length);
    require(packets != NULL);
    result_begin(&result, RESULT_SHAPE_QUERY, capabilities);
    for (size_t at = 0; at < length; at += event.length) {
        result_next(&result, packets + at, length - at, &event);
        require(event.kind != RESULT_BAD && event.kind != RESULT_MORE);
    }
    require(event.end && result.rows == set->rows);
    free(packets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool begun;
    struct reply reply;
    struct asker asker = picture_operator;
    if (!begun) {
        log_setup(LOG_ERROR, LOG_TEXT);
        topology_publish(picture_new("[rule a]\nmatch = secret\ntarget = reject\n"));
        begun = true;
    }
    if (size == 0)
        return 0;
    asker.may_act = data[0] & 1;
    command_answer(&asker, (const char *)data + 1, size - 1, &reply);
    if (reply.kind == REPLY_ERR)
        require(reply.code != 0 && *reply.text && strlen(reply.state) == 5);
    if (reply.kind == REPLY_ROWS) {
        require_readable(&reply.set, CAP_PROTOCOL_41);
        require_readable(&reply.set, CAP_PROTOCOL_41 | CAP_DEPRECATE_EOF);
    }
    reply_done(&reply);
    return 0;
}
