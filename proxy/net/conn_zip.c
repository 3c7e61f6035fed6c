/*
 * conn_zip.c - the compressed protocol (page_protocol_basic_compression_packet.html).
 *
 *   packed length u24 | sequence u8 | plain length u24, 0: stored | bytes          packets of the protocol
 * lie in the ─────────────────── header ────────────────────────────────────                plain bytes as
 * they like
 *
 *   wire ──> raw (what was read and not used) ──inflate──> straight into the reader's memory
 *   wire <── one packet ──deflate── up to PIECE bytes of what is written
 *
 * Nothing is inflated ahead of its reader, so a packet that promises 16 MB costs no more memory than any
 * other; one that holds more or less than it promises is nonsense. Between packets a connection has no
 * library's state: readers make one for a packet, writers share one a thread.
 *
 * Each command begins with sequence 0; an answer goes on behind the packet that was read last.
 */
#include "conn_zip.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "pointsman/protocol/wire.h"

enum { HEADER = 7, PIECE = 60000, SMALL = 50 /* shorter ones don't gain */, ZLIB_LEVEL = Z_BEST_SPEED };

struct conn_zip {
    enum conn_compression how;
    int level;
    uint8_t sequence;  /* of the next packet written */
    struct chunk *raw; /* read and not used; NULL: nothing */
    bool more;         /* and some of it could be given to a reader */
    /* the packet that is being read */
    uint8_t header[HEADER];
    uint8_t have; /* bytes of the header */
    bool stored;
    uint32_t packed_left; /* of its bytes, those not used */
    uint32_t plain_left;  /* of what it holds, what wasn't given to a reader */
    z_stream *inflating;  /* owned; NULL: at no packet, or of the other kind */
    ZSTD_DStream *expanding;
};

/* ---- beginning and end ---- */

bool conn_compress(struct conn *conn, enum conn_compression how, int level)
{
    assert(!conn->zip && !conn->in);
    conn->zip = calloc(1, sizeof *conn->zip);
    if (!conn->zip)
        return false;
    conn->zip->how = how;
    conn->zip->level = how == CONN_ZLIB ? ZLIB_LEVEL : level < 1 ? 1 : level > 22 ? 22 : level;
    return true;
}

static void end_packet(struct conn_zip *zip)
{
    if (zip->inflating)
        inflateEnd(zip->inflating);
    free(zip->inflating);
    ZSTD_freeDStream(zip->expanding);
    zip->inflating = NULL;
    zip->expanding = NULL;
    zip->have = 0;
}

void conn_zip_free(struct conn *conn)
{
    if (!conn->zip)
        return;
    end_packet(conn->zip);
    chunk_give(conn->chunks, conn->zip->raw);
    free(conn->zip);
    conn->zip = NULL;
}

/* ---- reading ---- */

static bool begin_packet(struct conn_zip *zip)
{
    struct reader r = reader_of(zip->header, HEADER);
    zip->packed_left = read_u24(&r);
    zip->sequence = (uint8_t)(read_u8(&r) + 1);
    zip->plain_left = read_u24(&r);
    zip->stored = zip->plain_left == 0;
    if (zip->packed_left == 0)
        return false;
    if (zip->stored) {
        zip->plain_left = zip->packed_left;
        return true;
    }
    if (zip->how == CONN_ZSTD)
        return (zip->expanding = ZSTD_createDStream()) && !ZSTD_isError(ZSTD_initDStream(zip->expanding));
    zip->inflating = calloc(1, sizeof *zip->inflating);
    return zip->inflating && inflateInit(zip->inflating) == Z_OK;
}

/* One step of a library: from in to out, as far as it gets. *ret_over: that was all of the packet. */
struct step {
    const uint8_t *in;
    size_t in_length;
    uint8_t *out;
    size_t out_length;
};

static bool inflate_step(z_stream *z, struct step *step, bool *ret_over)
{
    z->next_in = (uint8_t *)(uintptr_t)step->in;
    z->avail_in = (uInt)step->in_length;
    z->next_out = step->out;
    z->avail_out = (uInt)step->out_length;
    int status = inflate(z, Z_SYNC_FLUSH);
    *ret_over = status == Z_STREAM_END;
    step->in_length -= z->avail_in;
    step->out_length -= z->avail_out;
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
}

static bool expand_step(ZSTD_DStream *stream, struct step *step, bool *ret_over)
{
    ZSTD_inBuffer in = {step->in, step->in_length, 0};
    ZSTD_outBuffer out = {step->out, step->out_length, 0};
    size_t status = ZSTD_decompressStream(stream, &out, &in);
    *ret_over = status == 0;
    step->in_length = in.pos;
    step->out_length = out.pos;
    return !ZSTD_isError(status);
}

/* Gives some of the packet's bytes. False: nonsense. A byte more room than is promised shows who gives more.
 */
static bool unpack(struct conn_zip *zip, uint8_t *out, size_t size, size_t *ret_given)
{
    uint8_t spare;
    size_t used = zip->raw ? chunk_used(zip->raw) : 0;
    struct step step = {.in = used ? zip->raw->data + zip->raw->start : &spare,
                        .in_length = used < zip->packed_left ? used : zip->packed_left,
                        .out = zip->plain_left ? out : &spare,
                        .out_length = !zip->plain_left         ? 1
                                      : size < zip->plain_left ? size
                                                               : zip->plain_left};
    bool over = false, good = true;
    if (zip->stored) {
        step.in_length = step.out_length = step.in_length < step.out_length ? step.in_length
                                                                            : step.out_length;
        memcpy(step.out, step.in, step.in_length);
        over = step.in_length == zip->packed_left;
    } else if (step.in_length == 0 && zip->packed_left) {
        step.out_length = 0; /* libraries would take it for the end */
    } else if (zip->how == CONN_ZSTD) {
        good = expand_step(zip->expanding, &step, &over);
    } else {
        good = inflate_step(zip->inflating, &step, &over);
    }
    if (!good || step.out_length > zip->plain_left)
        return false;
    if (zip->raw)
        zip->raw->start += (uint32_t)step.in_length;
    zip->packed_left -= (uint32_t)step.in_length;
    zip->plain_left -= (uint32_t)step.out_length;
    *ret_given = step.out_length;
    bool complete = zip->packed_left == 0 && zip->plain_left == 0;
    bool stuck = zip->packed_left == 0 && step.in_length == 0 && step.out_length == 0;
    if (over ? !complete : stuck)
        return false;
    if (over)
        end_packet(zip);
    return true;
}

/* As much as there is of raw. False: nonsense. */
static bool take(struct conn_zip *zip, uint8_t *memory, size_t size, size_t *ret_given)
{
    size_t given = 0, some = 1;
    bool moved = true;
    while (given < size && moved) {
        struct chunk *raw = zip->raw;
        size_t before = raw ? chunk_used(raw) : 0;
        uint8_t had = zip->have;
        some = 0;
        if (zip->have == HEADER) {
            if (!unpack(zip, memory + given, size - given, &some))
                return false;
        } else {
            while (raw && chunk_used(raw) && zip->have < HEADER)
                zip->header[zip->have++] = raw->data[raw->start++];
            if (zip->have == HEADER && !begin_packet(zip))
                return false;
        }
        given += some;
        moved = some > 0 || (raw && chunk_used(raw) < before) || zip->have != had;
    }
    *ret_given = given;
    zip->more = given == size; /* perhaps: the next reader finds out */
    return true;
}

void conn_zip_resume(struct conn *conn)
{
    if (conn->zip->more && ev_is_active(&conn->read_watcher))
        ev_feed_event(conn->loop, &conn->read_watcher, EV_READ);
}

static enum conn_outcome fill(struct conn *conn, conn_zip_source *below)
{
    struct conn_zip *zip = conn->zip;
    size_t n = 0;
    if (zip->raw) {
        assert(chunk_used(zip->raw) == 0);
        zip->raw->start = zip->raw->end = 0;
    } else if (!(zip->raw = chunk_take(conn->chunks, CHUNK_LARGE))) {
        return CONN_MEMORY;
    }
    enum conn_outcome outcome = below(conn, zip->raw->data, zip->raw->capacity, &n);
    zip->raw->end = (uint32_t)n;
    return outcome;
}

static void give_back_raw(struct conn *conn)
{
    struct conn_zip *zip = conn->zip;
    if (zip->raw && chunk_used(zip->raw) == 0) {
        chunk_give(conn->chunks, zip->raw);
        zip->raw = NULL;
    }
}

enum conn_outcome conn_zip_read(struct conn *conn, uint8_t *memory, size_t size, size_t *ret_length,
                                conn_zip_source *below)
{
    struct conn_zip *zip = conn->zip;
    enum conn_outcome outcome = CONN_OK;
    size_t given = 0;
    bool good = take(zip, memory, size, &given);
    if (good && !given && (outcome = fill(conn, below)) == CONN_OK)
        good = take(zip, memory, size, &given);
    give_back_raw(conn);
    if (!good) {
        errno = EPROTO;
        return CONN_FAILED;
    }
    conn_zip_resume(conn);
    if (!given)
        return outcome == CONN_OK ? CONN_AGAIN : outcome;
    *ret_length = given;
    return CONN_OK;
}

/* ---- writing ---- */

/* A thread's own: larger than what connections should have each. */
struct packer {
    z_stream deflating;
    ZSTD_CCtx *squeezing;
    uint8_t plain[PIECE];
    uint8_t packed[HEADER + PIECE];
};

static pthread_key_t packer_key;
static pthread_once_t packer_once = PTHREAD_ONCE_INIT;
static bool packer_key_made;

static void free_packer(void *pointer)
{
    struct packer *packer = pointer;
    deflateEnd(&packer->deflating);
    ZSTD_freeCCtx(packer->squeezing);
    free(packer);
}

static void make_packer_key(void)
{
    packer_key_made = pthread_key_create(&packer_key, free_packer) == 0;
}

static struct packer *packer_of_thread(void)
{
    pthread_once(&packer_once, make_packer_key);
    struct packer *packer = packer_key_made ? pthread_getspecific(packer_key) : NULL;
    if (packer || !packer_key_made || !(packer = calloc(1, sizeof *packer)))
        return packer;
    packer->squeezing = ZSTD_createCCtx();
    if (packer->squeezing && deflateInit(&packer->deflating, ZLIB_LEVEL) == Z_OK &&
        pthread_setspecific(packer_key, packer) == 0)
        return packer;
    ZSTD_freeCCtx(packer->squeezing);
    deflateEnd(&packer->deflating);
    free(packer);
    return NULL;
}

/* Returns the length of what is shorter than the plain bytes; 0: nothing is. */
static size_t pack(const struct conn_zip *zip, struct packer *packer, size_t length)
{
    uint8_t *out = packer->packed + HEADER;
    if (length < SMALL)
        return 0;
    if (zip->how == CONN_ZSTD) {
        size_t n = ZSTD_compressCCtx(packer->squeezing, out, length - 1, packer->plain, length, zip->level);
        return ZSTD_isError(n) ? 0 : n;
    }
    z_stream *z = &packer->deflating;
    z->next_in = packer->plain;
    z->avail_in = (uInt)length;
    z->next_out = out;
    z->avail_out = (uInt)length - 1;
    bool good = deflateReset(z) == Z_OK && deflate(z, Z_FINISH) == Z_STREAM_END;
    return good ? length - 1 - z->avail_out : 0;
}

static enum conn_outcome write_packet(struct conn *conn, struct packer *packer, size_t length,
                                      conn_zip_sink *below)
{
    size_t packed = pack(conn->zip, packer, length);
    struct writer w = writer_of(packer->packed, HEADER);
    write_u24(&w, (uint32_t)(packed ? packed : length));
    write_u8(&w, conn->zip->sequence++);
    write_u24(&w, packed ? (uint32_t)length : 0);
    if (!packed)
        memcpy(packer->packed + HEADER, packer->plain, length);
    return below(conn, packer->packed, HEADER + (packed ? packed : length));
}

enum conn_outcome conn_zip_writev(struct conn *conn, const struct iovec *iov, int count, conn_zip_sink *below)
{
    struct packer *packer = packer_of_thread();
    enum conn_outcome outcome = packer ? CONN_OK : CONN_MEMORY;
    size_t length = 0;
    for (int i = 0; i < count && outcome == CONN_OK; i++)
        for (size_t at = 0, n; at < iov[i].iov_len && outcome == CONN_OK; at += n) {
            n = iov[i].iov_len - at < PIECE - length ? iov[i].iov_len - at : PIECE - length;
            memcpy(packer->plain + length, (const uint8_t *)iov[i].iov_base + at, n);
            length += n;
            if (length < PIECE)
                continue;
            outcome = write_packet(conn, packer, length, below);
            length = 0;
        }
    return outcome == CONN_OK && length ? write_packet(conn, packer, length, below) : outcome;
}
