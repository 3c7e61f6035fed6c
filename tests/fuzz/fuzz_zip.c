/*
 * fuzz_zip.c - whatever comes instead of compressed packets is given in part, or refused; nothing is written
 * beyond the reader's memory. The first byte says which library, and how little a reader takes at a time.
 */
#include "../../proxy/net/conn_zip.h"
#include "same.h"

static const uint8_t *wire;
static size_t wire_length;

static enum conn_outcome next_piece(struct conn *conn, void *memory, size_t size, size_t *ret_length)
{
    size_t n = wire_length < size ? wire_length : size;
    (void)conn;
    n = n > 11 ? 11 : n;
    if (n == 0)
        return CONN_AGAIN;
    memcpy(memory, wire, n);
    wire += n;
    wire_length -= n;
    *ret_length = n;
    return CONN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chunk_pool chunks;
    struct conn conn = {.fd = -1, .chunks = &chunks};
    enum conn_outcome outcome = CONN_OK;
    size_t total = 0;

    if (size == 0)
        return 0;
    chunk_pool_init(&chunks);
    size_t room = 1 + (data[0] >> 1);
    wire = data + 1;
    wire_length = size - 1;
    require(conn_compress(&conn, data[0] & 1 ? CONN_ZSTD : CONN_ZLIB, 3));
    while (outcome == CONN_OK && total < 100000) {
        uint8_t *memory = malloc(room); /* of its own, so that a byte too many is seen */
        size_t n = 0, left = wire_length;
        require(memory != NULL);
        outcome = conn_zip_read(&conn, memory, room, &n, next_piece);
        require(n <= room);
        total += n;
        if (outcome == CONN_AGAIN && wire_length < left)
            outcome = CONN_OK; /* it took something in */
        free(memory);
    }
    conn_zip_free(&conn);
    chunk_pool_done(&chunks);
    return 0;
}
