/* test_wire.c - the two cursors: every type there and back, every fault sticky, nothing read or written past
 * the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../guard.h"
#include "pointsman/protocol/protocol.h"
#include "pointsman/protocol/wire.h"

static void numbers(void **state)
{
    struct guard g = guard_of("\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12", 18);
    struct reader r = reader_of(g.at, 18);

    (void)state;
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_u16(&r), 0x0302);
    assert_int_equal(read_u24(&r), 0x060504);
    assert_int_equal(read_u32(&r), 0x0a090807);
    assert_false(reader_done(&r));
    assert_int_equal(reader_left(&r), 8);
    assert_true(read_u64(&r) == 0x1211100f0e0d0c0bu);
    assert_true(reader_done(&r));
    assert_int_equal(read_u8(&r), 0);
    assert_true(r.bad);
    assert_false(reader_done(&r));
    guard_done(&g);
}

static void faults_stick(void **state)
{
    struct guard g = guard_of("\1\2\3", 3);
    struct reader r = reader_of(g.at, 3);

    (void)state;
    assert_int_equal(read_u32(&r), 0);
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(read_u8(&r), 0); /* though three bytes are there */
    assert_null(read_bytes(&r, 0).at);
    assert_null(read_rest(&r).at);
    assert_null(read_nul(&r).at);
    guard_done(&g);
}

static const struct {
    const char *bytes;
    size_t length;
    uint64_t value;
    bool bad;
} lenencs[] = {
    {"\0", 1, 0, false},
    {"\xfa", 1, 250, false},
    {"\xfc\xfb\0", 3, 251, false},
    {"\xfc\xff\xff", 3, 65535, false},
    {"\xfd\0\0\1", 4, 65536, false},
    {"\xfd\xff\xff\xff", 4, 0xffffff, false},
    {"\xfe\0\0\0\1\0\0\0\0", 9, 0x1000000, false},
    {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 9, UINT64_MAX, false},
    {"", 0, 0, true},
    {"\xfb", 1, 0, true},
    {"\xff", 1, 0, true},
    {"\xfc\1", 2, 0, true},
    {"\xfd\1\1", 3, 0, true},
    {"\xfe\1\1\1\1\1\1\1", 8, 0, true},
};

static void length_encoded_integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lenencs / sizeof *lenencs; i++) {
        struct guard g = guard_of(lenencs[i].bytes, lenencs[i].length);
        struct reader r = reader_of(g.at, lenencs[i].length);
        uint8_t back[9];
        struct writer w = writer_of(back, sizeof back);

        assert_true(read_lenenc(&r) == lenencs[i].value);
        assert_int_equal(reader_done(&r), !lenencs[i].bad);
        if (!lenencs[i].bad) {
            write_lenenc(&w, lenencs[i].value);
            assert_int_equal(writer_length(&w), lenencs[i].length);
            assert_memory_equal(back, lenencs[i].bytes, lenencs[i].length);
        }
        guard_done(&g);
    }
}

static void strings(void **state)
{
    struct guard g = guard_of("\3abcde\0\0fg", 10);
    struct reader r = reader_of(g.at, 10);
    struct bytes b = read_lenenc_bytes(&r);

    (void)state;
    assert_int_equal(b.length, 3);
    assert_memory_equal(b.at, "abc", 3);
    b = read_nul(&r);
    assert_int_equal(b.length, 2);
    assert_memory_equal(b.at, "de", 2);
    b = read_nul(&r);
    assert_non_null(b.at);
    assert_int_equal(b.length, 0);
    b = read_rest(&r);
    assert_int_equal(b.length, 2);
    assert_true(reader_done(&r));
    assert_int_equal(read_rest(&r).length, 0);
    assert_true(reader_done(&r));
    guard_done(&g);
}

/* Lengths that would wrap a pointer, a NUL that isn't there. */
static void strings_cut_off(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cut[] = {{"\3ab", 3},
               {"\xfc\xff\xff", 3},
               {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 9},
               {"\xfb", 1},
               {"\xff", 1}};
    struct guard g;
    struct reader r;

    (void)state;
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        g = guard_of(cut[i].bytes, cut[i].length);
        r = reader_of(g.at, cut[i].length);
        assert_null(read_lenenc_bytes(&r).at);
        assert_true(r.bad);
        guard_done(&g);
    }
    g = guard_of("abc", 3);
    r = reader_of(g.at, 3);
    assert_null(read_nul(&r).at);
    assert_true(r.bad);
    r = reader_of(g.at, 3);
    read_skip(&r, SIZE_MAX);
    assert_true(r.bad);
    r = reader_of(NULL, 0);
    assert_true(reader_done(&r));
    assert_int_equal(read_rest(&r).length, 0);
    assert_null(read_nul(&r).at);
    guard_done(&g);
}

static void row_values(void **state)
{
    struct guard g = guard_of("\xfb\0\1x", 4);
    struct reader r = reader_of(g.at, 4);
    struct bytes b = read_value(&r);

    (void)state;
    assert_null(b.at);
    assert_false(r.bad);
    b = read_value(&r);
    assert_non_null(b.at);
    assert_int_equal(b.length, 0);
    b = read_value(&r);
    assert_int_equal(b.length, 1);
    assert_true(reader_done(&r));
    assert_null(read_value(&r).at);
    assert_true(r.bad);
    guard_done(&g);
}

static void writes(struct writer *w)
{
    write_u8(w, 1);
    write_u16(w, 0x0302);
    write_u24(w, 0x060504);
    write_u32(w, 0x0a090807);
    write_u64(w, 0x1211100f0e0d0c0bu);
    write_lenenc_bytes(w, "ab", 2);
    write_string(w, "cd");
    write_string_nul(w, "e");
    write_zeros(w, 2);
    write_bytes(w, NULL, 0);
}

/* However little room there is, what was written is the beginning of the whole. */
static void writing(void **state)
{
    static const char whole[] = "\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\2abcde\0\0";
    const size_t size = sizeof whole; /* its own NUL is the last byte */

    (void)state;
    for (size_t room = 0; room <= size; room++) {
        struct guard g = guard_of(NULL, room);
        struct writer w = writer_of(g.at, room);
        writes(&w);
        assert_int_equal(w.full, room < size);
        assert_true(writer_length(&w) <= room);
        assert_memory_equal(g.at, whole, writer_length(&w));
        guard_done(&g);
    }
}

static void packets(void **state)
{
    uint8_t memory[32];
    struct writer w = writer_of(memory, sizeof memory);
    size_t first = packet_begin(&w), second;

    (void)state;
    write_string(&w, "abc");
    packet_end(&w, first, 5);
    second = packet_begin(&w);
    packet_end(&w, second, 255);
    assert_int_equal(writer_length(&w), 11);
    assert_memory_equal(memory, "\3\0\0\5abc\0\0\0\xff", 11);
    assert_int_equal(packet_length(memory), 3);
    assert_int_equal(packet_sequence(memory), 5);
    assert_int_equal(packet_sequence(memory + 7), 255);
    w = writer_of(memory, 3); /* no room for the header */
    packet_end(&w, packet_begin(&w), 0);
    assert_true(w.full);
}

static void packet_too_large(void **state)
{
    size_t size = (size_t)PACKET_MAX + PACKET_HEADER;
    uint8_t *memory = malloc(size);
    struct writer w = writer_of(memory, size);
    size_t mark = packet_begin(&w);

    (void)state;
    assert_non_null(memory);
    write_zeros(&w, PACKET_MAX);
    assert_false(w.full);
    packet_end(&w, mark, 0);
    assert_true(w.full);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(faults_stick),
        cmocka_unit_test(length_encoded_integers),
        cmocka_unit_test(strings),
        cmocka_unit_test(strings_cut_off),
        cmocka_unit_test(row_values),
        cmocka_unit_test(writing),
        cmocka_unit_test(packets),
        cmocka_unit_test(packet_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
