/*
 * test_result_set.c - result sets as packets: the tracker finds their end, and their parts are what was put
 * in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../../proxy/admin/result_json.h"
#include "../../../proxy/admin/result_set.h"
#include "pointsman/protocol/result.h"

static const struct column columns[] = {
    {"name", COLUMN_TEXT}, {"count", COLUMN_NUMBER}, {"mean", COLUMN_REAL}, {"time", COLUMN_TIME}};
enum { COLUMNS = 4 };

static void fill(struct result_set *set, int rows)
{
    result_set_begin(set, columns, COLUMNS);
    for (int i = 0; i < rows; i++) {
        result_format(set, "row %d", i);
        result_number(set, -i);
        result_real(set, i + 0.5);
        if (i % 2)
            result_null(set);
        else
            result_time(set, 1795411652052 + i);
        result_row_end(set);
    }
}

/* Runs the tracker over the packets; asserts that the answer ends with the last byte and not before. */
static void assert_whole(const uint8_t *packets, size_t length, uint32_t capabilities, uint64_t rows)
{
    struct result result;
    struct result_event event = {.kind = RESULT_MORE};
    result_begin(&result, RESULT_SHAPE_QUERY, capabilities);
    for (size_t at = 0; at < length; at += event.length) {
        result_next(&result, packets + at, length - at, &event);
        assert_int_not_equal(event.kind, RESULT_BAD);
        assert_int_not_equal(event.kind, RESULT_MORE);
        assert_int_equal(event.end, at + event.length == length);
    }
    assert_true(event.end);
    assert_int_equal(result.rows, rows);
}

static void packets_are_whole_for_old_and_new_clients(void **state)
{
    static const uint32_t capabilities[] = {CAP_PROTOCOL_41, CAP_PROTOCOL_41 | CAP_DEPRECATE_EOF};
    static const int rows[] = {0, 1, 300 /* sequence ids wrap */};
    (void)state;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++) {
            struct result_set set;
            uint8_t sequence = 1;
            size_t length;
            fill(&set, rows[j]);
            uint8_t *packets = result_set_write(&set, capabilities[i], &sequence, &length);
            assert_non_null(packets);
            assert_whole(packets, length, capabilities[i], (uint64_t)rows[j]);
            assert_int_equal(sequence, (uint8_t)(1 + 1 + COLUMNS + rows[j] + (i ? 1 : 2)));
            free(packets);
            result_set_done(&set);
        }
}

static struct reader next_packet(struct reader *all)
{
    uint32_t length = read_u24(all);
    read_u8(all);
    struct bytes payload = read_bytes(all, length);
    return reader_of(payload.at, payload.length);
}

static void assert_bytes(struct bytes bytes, const char *expected)
{
    assert_int_equal(bytes.length, strlen(expected));
    assert_memory_equal(bytes.at, expected, bytes.length);
}

static void definitions_name_types_and_values_are_text(void **state)
{
    static const uint8_t types[] = {253, 8, 5, 12};
    static const char *const values[] = {"row 0", "0", "0.5", "2026-11-23 05:27:32.052"};
    struct result_set set;
    uint8_t sequence = 1;
    size_t length;
    (void)state;
    fill(&set, 2);
    uint8_t *packets = result_set_write(&set, CAP_DEPRECATE_EOF, &sequence, &length);
    struct reader all = reader_of(packets, length), packet = next_packet(&all);
    assert_int_equal(read_lenenc(&packet), COLUMNS);
    for (int i = 0; i < COLUMNS; i++) {
        packet = next_packet(&all);
        assert_bytes(read_lenenc_bytes(&packet), "def");
        for (int j = 0; j < 3; j++)
            read_lenenc_bytes(&packet);
        assert_bytes(read_lenenc_bytes(&packet), columns[i].name);
        assert_bytes(read_lenenc_bytes(&packet), columns[i].name);
        assert_int_equal(read_lenenc(&packet), 12);
        assert_int_equal(read_u16(&packet), i ? 63 : 45);
        read_u32(&packet);
        assert_int_equal(read_u8(&packet), types[i]);
        read_skip(&packet, 2 + 1 + 2);
        assert_true(reader_done(&packet));
    }
    packet = next_packet(&all);
    for (int i = 0; i < COLUMNS; i++)
        assert_bytes(read_value(&packet), values[i]);
    assert_true(reader_done(&packet));
    packet = next_packet(&all);
    for (int i = 0; i < 3; i++)
        read_value(&packet);
    assert_null(read_value(&packet).at);
    free(packets);
    result_set_done(&set);
}

static void empty_text_is_not_null(void **state)
{
    struct result_set set;
    struct result_row row;
    size_t at = 0;
    (void)state;
    result_set_begin(&set, columns, 2);
    result_text(&set, "");
    result_text(&set, NULL);
    result_row_end(&set);
    assert_true(result_row_next(&set, &at, &row));
    assert_non_null(row.values[0].at);
    assert_int_equal(row.values[0].length, 0);
    assert_null(row.values[1].at);
    assert_false(result_row_next(&set, &at, &row));
    result_set_done(&set);
}

static void want_of_memory_is_told_once(void **state)
{
    struct result_set set;
    uint8_t sequence = 1;
    size_t length;
    (void)state;
    fill(&set, 1);
    set.failed = true;
    result_text(&set, "more");
    set.row_cells = 0;
    assert_null(result_set_write(&set, 0, &sequence, &length));
    result_set_done(&set);
}

static void json_has_numbers_as_numbers(void **state)
{
    struct result_set set;
    struct result_row row;
    size_t at = 0;
    (void)state;
    fill(&set, 2);
    result_set_to_json(&set);
    assert_true(result_row_next(&set, &at, &row));
    assert_int_equal(row.count, 1);
    const char *text = (const char *)row.values[0].at;
    assert_non_null(memmem(text, row.values[0].length, "\"count\": -1", 11));
    assert_non_null(memmem(text, row.values[0].length, "\"mean\": 1.5", 11));
    assert_non_null(memmem(text, row.values[0].length, "\"time\": null", 12));
    assert_non_null(memmem(text, row.values[0].length, "\"name\": \"row 1\"", 15));
    assert_int_equal(set.rows, 1);
    result_set_done(&set);
}

static void json_of_no_rows_is_an_empty_list(void **state)
{
    struct result_set set;
    struct result_row row;
    size_t at = 0;
    (void)state;
    fill(&set, 0);
    result_set_to_json(&set);
    assert_true(result_row_next(&set, &at, &row));
    assert_int_equal(row.values[0].length, 2);
    assert_memory_equal(row.values[0].at, "[]", 2);
    result_set_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_whole_for_old_and_new_clients),
        cmocka_unit_test(definitions_name_types_and_values_are_text),
        cmocka_unit_test(empty_text_is_not_null),
        cmocka_unit_test(want_of_memory_is_told_once),
        cmocka_unit_test(json_has_numbers_as_numbers),
        cmocka_unit_test(json_of_no_rows_is_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
