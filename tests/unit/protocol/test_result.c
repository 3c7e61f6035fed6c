/*
 * test_result.c - the result tracker on answers captured from a server, on ones that none was at hand to
 * give, and on nonsense.
 *
 *   an answer ──> trace(): result_next() over spans cut anywhere ──> "BEBO": a letter an event
 *
 * Bytes that follow one another are one B: how many calls they took depends on the cuts. All else must not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../guard.h"
#include "pointsman/protocol/result.h"
#include "vectors.h"

enum { EVENTS_MAX = 32, EVERYWHERE = CAP_PROTOCOL_41 | CAP_SESSION_TRACK | CAP_LOCAL_FILES };

struct trace {
    char letters[EVENTS_MAX + 1]; /* a dot where the answer ended, '?' where more was wanted at the end */
    size_t at[EVENTS_MAX];        /* where each event ended */
    uint16_t status[EVENTS_MAX], warnings[EVENTS_MAX];
    uint8_t first[EVENTS_MAX]; /* first payload byte of the event's packet */
    struct result result;
};

static void note(struct trace *trace, const struct result_event *event, size_t at)
{
    static const char letters[] = {
        [RESULT_MORE] = '?', [RESULT_BYTES] = 'B',        [RESULT_OK] = 'O', [RESULT_ERR] = 'R',
        [RESULT_EOF] = 'E',  [RESULT_LOCAL_INFILE] = 'I', [RESULT_BAD] = '!'};
    size_t n = strlen(trace->letters);
    char letter = letters[event->kind];

    if (letter == 'O' && !event->ends_result)
        letter = 'P';
    if (letter == 'B' && n > 0 && trace->letters[n - 1] == 'B')
        n--;
    assert_true(n + 1 < EVENTS_MAX);
    trace->letters[n] = letter;
    trace->at[n] = at;
    trace->status[n] = event->status;
    trace->warnings[n] = event->warnings;
    trace->first[n] = event->packet ? event->packet[PACKET_HEADER] : 0;
    if (event->end)
        trace->letters[n + 1] = '.';
}

/*
 * Feeds data as it might come: up to cut first, then to the end, or each_byte by each_byte. What isn't
 * consumed stays and comes again, as in a connection's buffer. Each span ends at the guard page.
 */
static struct trace trace_spans(enum result_shape shape, uint32_t capabilities, const uint8_t *data,
                                size_t length, size_t first, size_t step)
{
    struct trace trace = {0};
    struct guard guard = guard_of(NULL, length);
    size_t at = 0, there = first;
    struct result_event event;

    result_begin(&trace.result, shape, capabilities);
    for (;;) {
        uint8_t *span = memcpy(guard.at + length - (there - at), data + at, there - at);
        result_next(&trace.result, span, there - at, &event);
        assert_true(event.length <= there - at);
        at += event.length;
        if (event.kind == RESULT_MORE) {
            assert_int_equal(event.length, 0);
            if (there == length)
                break;
            there = there + step < length ? there + step : length;
            continue;
        }
        note(&trace, &event, at);
        if (event.kind == RESULT_BAD || (event.end && at == length))
            break;
        assert_true(event.length > 0);
    }
    guard_done(&guard);
    return trace;
}

static struct trace trace_whole(enum result_shape shape, uint32_t capabilities, const void *data,
                                size_t length)
{
    return trace_spans(shape, capabilities, data, length, length, length);
}

static void assert_same(const struct trace *a, const struct trace *b)
{
    assert_string_equal(a->letters, b->letters);
    assert_memory_equal(a->at, b->at, sizeof a->at);
    assert_memory_equal(a->status, b->status, sizeof a->status);
    assert_memory_equal(a->warnings, b->warnings, sizeof a->warnings);
    assert_memory_equal(a->first, b->first, sizeof a->first);
    assert_int_equal(a->result.rows, b->result.rows);
    assert_int_equal(a->result.packets, b->result.packets);
    assert_int_equal(a->result.statement_id, b->result.statement_id);
}

/* The answer in one piece gives `letters`; cut in two anywhere, and byte by byte, it gives the same. */
static struct trace check_all_cuts(enum result_shape shape, uint32_t capabilities, const uint8_t *data,
                                   size_t length, const char *letters)
{
    struct trace whole = trace_whole(shape, capabilities, data, length), cut;

    assert_string_equal(whole.letters, letters);
    for (size_t first = 0; first < length; first++) {
        cut = trace_spans(shape, capabilities, data, length, first, length);
        assert_same(&cut, &whole);
    }
    cut = trace_spans(shape, capabilities, data, length, 0, 1);
    assert_same(&cut, &whole);
    return whole;
}

/* ---- captured ---- */

enum { ANY_ROWS = -1 };

static const struct captured {
    const char *name;
    enum result_shape shape;
    const char *letters; /* without DEPRECATE_EOF; with it each E is an O */
    int rows;
} captured[] = {
    {"rows", RESULT_SHAPE_QUERY, "BE.", 3},
    {"empty", RESULT_SHAPE_QUERY, "BE.", 0},
    {"values", RESULT_SHAPE_QUERY, "BE.", 2},
    {"insert", RESULT_SHAPE_QUERY, "O.", 0},
    {"delete", RESULT_SHAPE_QUERY, "O.", 0},
    {"returning", RESULT_SHAPE_QUERY, "BE.", 1},
    {"multi", RESULT_SHAPE_QUERY, "BEOBEO.", 0},
    {"multi_err", RESULT_SHAPE_QUERY, "BER.", 0},
    {"err", RESULT_SHAPE_QUERY, "R.", 0},
    {"err_late", RESULT_SHAPE_QUERY, "BR.", 2},
    {"call", RESULT_SHAPE_QUERY, "BEBEO.", 0},
    {"call_handled", RESULT_SHAPE_QUERY, "BEBEO.", 0},
    {"infile", RESULT_SHAPE_QUERY, "IO.", 0},
    {"infile_err", RESULT_SHAPE_QUERY, "R.", 0},
    {"wide", RESULT_SHAPE_QUERY, "BE.", 1},
    {"begin", RESULT_SHAPE_QUERY, "O.", 0},
    {"rollback", RESULT_SHAPE_QUERY, "O.", 0},
    {"warning", RESULT_SHAPE_QUERY, "BE.", 1},
    {"track_use", RESULT_SHAPE_QUERY, "O.", 0},
    {"track_set", RESULT_SHAPE_QUERY, "O.", 0},
    {"track_begin", RESULT_SHAPE_QUERY, "O.", 0},
    {"track_commit", RESULT_SHAPE_QUERY, "O.", 0},
    {"track_names", RESULT_SHAPE_QUERY, "O.", 0},
    {"init_db", RESULT_SHAPE_SIMPLE, "O.", 0},
    {"prepare_plain", RESULT_SHAPE_PREPARE, "P.", 0},
    {"prepare_parameters", RESULT_SHAPE_PREPARE, "PB.", 0},
    {"prepare_columns", RESULT_SHAPE_PREPARE, "PB.", 0},
    {"prepare_both", RESULT_SHAPE_PREPARE, "PB.", 0},
    {"prepare_err", RESULT_SHAPE_PREPARE, "R.", 0},
    {"execute", RESULT_SHAPE_QUERY, "BE.", 3},
    {"execute_cursor", RESULT_SHAPE_QUERY, "BE.", 0},
    {"execute_outs", RESULT_SHAPE_QUERY, "BEBEO.", 0},
    {"fetch", RESULT_SHAPE_FETCH, "BE.", 2},
    {"fetch_last", RESULT_SHAPE_FETCH, "BE.", 1},
    {"stmt_reset", RESULT_SHAPE_SIMPLE, "O.", 0},
    {"ping", RESULT_SHAPE_SIMPLE, "O.", 0},
    {"statistics", RESULT_SHAPE_STRING, "B.", 0},
    {"set_option", RESULT_SHAPE_SIMPLE, "E.", 0},
    {"field_list", RESULT_SHAPE_FIELDS, "BE.", 3},
    {"field_list_err", RESULT_SHAPE_FIELDS, "R.", 0},
    {"process_info", RESULT_SHAPE_QUERY, "BE.", ANY_ROWS},
    {"unknown", RESULT_SHAPE_SIMPLE, "R.", 0},
    {"debug", RESULT_SHAPE_SIMPLE, "E.", 0},
    {"reset_connection", RESULT_SHAPE_SIMPLE, "O.", 0},
};

static void check_captured(const struct captured *c, bool deprecate)
{
    char name[64], letters[EVENTS_MAX];
    struct vector v;
    struct trace trace;

    snprintf(name, sizeof name, "%s.%s", c->name, deprecate ? "ok" : "eof");
    snprintf(letters, sizeof letters, "%s", c->letters);
    for (char *p = letters; deprecate && *p; p++)
        *p = *p == 'E' ? 'O' : *p;
    print_message("  %s\n", name);
    v = vector_load(name);
    trace = check_all_cuts(c->shape, EVERYWHERE | (deprecate ? CAP_DEPRECATE_EOF : 0), v.data, v.length,
                           letters);
    if (c->rows != ANY_ROWS)
        assert_int_equal(trace.result.rows, c->rows);
}

static void captured_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof captured / sizeof *captured; i++) {
        check_captured(&captured[i], false);
        check_captured(&captured[i], true);
    }
}

static void progress_reports_are_bytes(void **state)
{
    struct vector v = vector_load("progress");

    (void)state;
    check_all_cuts(RESULT_SHAPE_QUERY, EVERYWHERE, v.data, v.length, "BO.");
}

static void status_and_warnings(void **state)
{
    struct vector v = vector_load("warning.eof");
    struct trace trace = trace_whole(RESULT_SHAPE_QUERY, EVERYWHERE, v.data, v.length);

    (void)state;
    assert_int_equal(trace.warnings[1], 2);
    v = vector_load("warning.ok");
    trace = trace_whole(RESULT_SHAPE_QUERY, EVERYWHERE | CAP_DEPRECATE_EOF, v.data, v.length);
    assert_int_equal(trace.warnings[1], 2);
    assert_int_equal(trace.first[1], 0xfe);
    v = vector_load("begin.ok");
    trace = trace_whole(RESULT_SHAPE_QUERY, EVERYWHERE | CAP_DEPRECATE_EOF, v.data, v.length);
    assert_true(trace.status[0] & STATUS_IN_TRANS);
    v = vector_load("multi.eof");
    trace = trace_whole(RESULT_SHAPE_QUERY, EVERYWHERE, v.data, v.length);
    assert_true(trace.status[1] & STATUS_MORE_RESULTS); /* "BEOBEO" */
    assert_true(trace.status[4] & STATUS_MORE_RESULTS);
    assert_false(trace.status[5] & STATUS_MORE_RESULTS);
    assert_false(trace.result.had_result_set);
    v = vector_load("execute_cursor.eof");
    trace = trace_whole(RESULT_SHAPE_QUERY, EVERYWHERE, v.data, v.length);
    assert_true(trace.status[1] & STATUS_CURSOR_EXISTS);
    assert_true(trace.result.had_result_set);
}

static void prepared_statement(void **state)
{
    struct vector v = vector_load("prepare_both.eof");
    struct trace trace = trace_whole(RESULT_SHAPE_PREPARE, EVERYWHERE, v.data, v.length);

    (void)state;
    assert_int_equal(trace.result.prepare_parameters, 2);
    assert_int_equal(trace.result.prepare_columns, 2);
    assert_int_equal(trace.result.statement_id, 4); /* the fourth of its connection */
}

/* ---- made here ---- */

/* Packets put together; sequence ids don't matter. */
struct script {
    uint8_t bytes[70000];
    struct writer w;
};

static void add(struct script *s, const void *payload, size_t length)
{
    if (!s->w.start)
        s->w = writer_of(s->bytes, sizeof s->bytes);
    write_u24(&s->w, (uint32_t)length);
    write_u8(&s->w, 7);
    write_bytes(&s->w, payload, length);
    assert_false(s->w.full);
}
#define ADD(script, literal) add(script, literal, sizeof(literal) - 1)

#define DEFINITION "\3def\0\0\0\1a\0\x0c\x3f\0\1\0\0\0\xfd\0\0\0\0\0"
#define EOF_PLAIN  "\xfe\0\0\2\0"
#define OK_PLAIN   "\0\0\0\2\0\0\0"
#define OK_AS_EOF  "\xfe\0\0\2\0\0\0"

static struct trace check(enum result_shape shape, uint32_t capabilities, const struct script *s,
                          const char *letters)
{
    return check_all_cuts(shape, capabilities, s->bytes, writer_length(&s->w), letters);
}

/* MySQL without DEPRECATE_EOF: only the EOF before the row of OUT parameters says that more follows. */
static void mysql_out_parameters(void **state)
{
    struct script s = {0};
    struct trace trace;

    (void)state;
    ADD(&s, "\1");
    ADD(&s, DEFINITION);
    ADD(&s, "\xfe\0\0\x0a\x10"); /* MORE_RESULTS, PS_OUT_PARAMS */
    ADD(&s, "\0\0\5\0\0\0");
    ADD(&s, EOF_PLAIN);
    ADD(&s, OK_PLAIN);
    trace = check(RESULT_SHAPE_QUERY, EVERYWHERE, &s, "BEO.");
    assert_true(trace.status[1] & STATUS_MORE_RESULTS);
}

/* A routine's handler cuts a result short: MySQL then sends an EOF under DEPRECATE_EOF too. */
static void eof_under_deprecate_eof(void **state)
{
    struct script s = {0};

    (void)state;
    ADD(&s, "\1");
    ADD(&s, DEFINITION);
    ADD(&s, "\1x");
    ADD(&s, "\xfe\0\0\x0a\0");
    ADD(&s, OK_PLAIN);
    check(RESULT_SHAPE_QUERY, EVERYWHERE | CAP_DEPRECATE_EOF, &s, "BEO.");
}

static void optional_metadata(void **state)
{
    const uint32_t deprecate = EVERYWHERE | CAP_DEPRECATE_EOF | CAP_OPTIONAL_METADATA;
    struct script without = {0}, with = {0}, prepare = {0};

    (void)state;
    ADD(&without, "\2\0"); /* two columns, not described */
    ADD(&without, "\1x\1y");
    ADD(&without, OK_AS_EOF);
    assert_int_equal(check(RESULT_SHAPE_QUERY, deprecate, &without, "BO.").result.rows, 1);
    ADD(&with, "\1\1");
    ADD(&with, DEFINITION);
    ADD(&with, "\1x");
    ADD(&with, OK_AS_EOF);
    assert_int_equal(check(RESULT_SHAPE_QUERY, deprecate, &with, "BO.").result.rows, 1);
    ADD(&prepare, "\0\7\0\0\0\2\0\1\0\0\0\0\0");
    assert_int_equal(check(RESULT_SHAPE_PREPARE, deprecate, &prepare, "P.").result.statement_id, 7);
}

static void binlog_dump(void **state)
{
    struct script ends = {0}, fails = {0};

    (void)state;
    ADD(&ends, "\0event");
    ADD(&ends, "\0\xfe other");
    ADD(&ends, EOF_PLAIN);
    check(RESULT_SHAPE_ENDLESS, EVERYWHERE, &ends, "BE.");
    check(RESULT_SHAPE_ENDLESS, EVERYWHERE | CAP_DEPRECATE_EOF, &ends, "BE.");
    ADD(&fails, "\0event");
    ADD(&fails, "\xff\xd4\4#HY000no such file");
    check(RESULT_SHAPE_ENDLESS, EVERYWHERE, &fails, "BR.");
}

/* ---- 16 MB and more ---- */

struct big {
    uint8_t *bytes;
    size_t length;
};

static void big_add(struct big *big, const void *data, size_t length)
{
    memcpy(big->bytes + big->length, data, length);
    big->length += length;
}

static void big_header(struct big *big, size_t length)
{
    uint8_t header[] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16), 0};

    big_add(big, header, sizeof header);
}

/* A row of one value, payload bytes in all (its length's included), cut into packets as servers do. Its bytes
 * look like ERRs. */
static void big_row(struct big *big, size_t payload)
{
    size_t left = payload;
    bool first = true;

    for (;;) {
        size_t part = left < PACKET_MAX ? left : PACKET_MAX;
        big_header(big, part);
        memset(big->bytes + big->length, 0xff, part);
        if (first)
            big->bytes[big->length] = payload > 0x1000003 ? 0xfe : 0xfd;
        big->length += part;
        left -= part;
        first = false;
        if (part < PACKET_MAX)
            return;
    }
}

static size_t cuts[4096], cuts_count;

static void cut_here(const struct big *big)
{
    for (size_t i = 0; i < 16; i++)
        cuts[cuts_count++] = big->length - 8 + i;
}

static struct big big_answer(bool deprecate)
{
    static const size_t payloads[] = {5, 0xfffffe, 0xffffff, 0x1000000, 0x1fffffe, 7};
    struct big big = {.bytes = malloc((size_t)100 << 20)};

    assert_non_null(big.bytes);
    cuts_count = 0;
    big_header(&big, 1);
    big_add(&big, "\1", 1);
    big_header(&big, sizeof DEFINITION - 1);
    big_add(&big, DEFINITION, sizeof DEFINITION - 1);
    if (!deprecate) {
        big_header(&big, 5);
        big_add(&big, EOF_PLAIN, 5);
    }
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        cut_here(&big);
        big_row(&big, payloads[i]);
        cut_here(&big);
    }
    big_header(&big, deprecate ? 7 : 5);
    big_add(&big, deprecate ? OK_AS_EOF : EOF_PLAIN, deprecate ? 7 : 5);
    return big;
}

/* Plain spans, no guard pages: it is the bytes' number that matters. */
static struct trace trace_big(uint32_t capabilities, const struct big *big, size_t first, size_t step)
{
    struct trace trace = {0};
    size_t at = 0, there = first;
    struct result_event event;

    result_begin(&trace.result, RESULT_SHAPE_QUERY, capabilities);
    do {
        result_next(&trace.result, big->bytes + at, there - at, &event);
        at += event.length;
        if (event.kind != RESULT_MORE)
            note(&trace, &event, at);
        else
            there = there + step < big->length ? there + step : big->length;
    } while (!event.end && event.kind != RESULT_BAD);
    return trace;
}

static void check_big(bool deprecate)
{
    const uint32_t capabilities = EVERYWHERE | (deprecate ? CAP_DEPRECATE_EOF : 0);
    struct big big = big_answer(deprecate);
    struct trace whole = trace_big(capabilities, &big, big.length, 0), cut;

    assert_string_equal(whole.letters, deprecate ? "BO." : "BE.");
    assert_int_equal(whole.at[1], big.length);
    assert_int_equal(whole.result.rows, 6);
    for (size_t i = 0; i < cuts_count; i++) {
        cut = trace_big(capabilities, &big, cuts[i], big.length);
        assert_same(&cut, &whole);
    }
    for (size_t step = 65536; step > 65530; step--) {
        cut = trace_big(capabilities, &big, 0, step);
        assert_same(&cut, &whole);
    }
    free(big.bytes);
}

static void rows_of_16_mb(void **state)
{
    (void)state;
    check_big(false);
    check_big(true);
}

/* ---- nonsense ---- */

static void is_bad(enum result_shape shape, uint32_t capabilities, const struct script *s,
                   const char *letters)
{
    struct trace whole = trace_whole(shape, capabilities, s->bytes, writer_length(&s->w));
    struct trace bytewise = trace_spans(shape, capabilities, s->bytes, writer_length(&s->w), 0, 1);

    assert_string_equal(whole.letters, letters);
    assert_string_equal(bytewise.letters, letters);
}

static void nonsense_in_place_of_a_first_packet(void **state)
{
    static const struct {
        const char *payload;
        size_t length;
        enum result_shape shape;
    } bad[] = {
        {"", 0, RESULT_SHAPE_QUERY},
        {"\0", 1, RESULT_SHAPE_QUERY},                   /* an OK cut off */
        {"\0\xfc\1", 3, RESULT_SHAPE_QUERY},             /* in mid-number */
        {"\xff", 1, RESULT_SHAPE_QUERY},                 /* an ERR without code */
        {"\1\1", 2, RESULT_SHAPE_QUERY},                 /* metadata flag not agreed on */
        {"\xfc\1", 2, RESULT_SHAPE_QUERY},               /* a count cut off */
        {"\xfd\0\0\1", 4, RESULT_SHAPE_QUERY},           /* 65536 columns */
        {"\xfe\0\0\0\0\0\0\0\1", 9, RESULT_SHAPE_QUERY}, /* 2^56 columns */
        {"\xfe\0\0\2", 4, RESULT_SHAPE_QUERY},           /* an EOF cut off */
        {"\1", 1, RESULT_SHAPE_SIMPLE},                  /* a result set for a PING */
        {"\1", 1, RESULT_SHAPE_PREPARE},
        {"\0\1\0\0\0\0\0\0\0\0\0", 11, RESULT_SHAPE_PREPARE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct script s = {0};
        add(&s, bad[i].payload, bad[i].length);
        is_bad(bad[i].shape, EVERYWHERE, &s, "!");
    }
}

static void file_request_not_agreed_on(void **state)
{
    struct script s = {0};

    (void)state;
    ADD(&s, "\xfb/etc/passwd");
    is_bad(RESULT_SHAPE_QUERY, EVERYWHERE & ~CAP_LOCAL_FILES, &s, "!");
    is_bad(RESULT_SHAPE_SIMPLE, EVERYWHERE, &s, "!");
}

static void nonsense_later(void **state)
{
    struct script early = {0}, late = {0}, row = {0}, empty = {0}, more = {0};
    uint8_t fat[RESULT_PACKET_HOLD_MAX + 1] = {0xff};

    (void)state;
    ADD(&early, "\2");
    ADD(&early, DEFINITION);
    ADD(&early, EOF_PLAIN);
    is_bad(RESULT_SHAPE_QUERY, EVERYWHERE, &early, "B!");
    ADD(&late, "\1");
    ADD(&late, DEFINITION);
    ADD(&late, "\1x"); /* where an EOF belongs */
    is_bad(RESULT_SHAPE_QUERY, EVERYWHERE, &late, "B!");
    ADD(&row, "\1");
    ADD(&row, DEFINITION);
    ADD(&row, EOF_PLAIN);
    ADD(&row, "\xfe\0\0\0\0\0\0\0\0\0"); /* neither EOF nor 16 MB */
    is_bad(RESULT_SHAPE_QUERY, EVERYWHERE, &row, "B!");
    ADD(&empty, "\1");
    ADD(&empty, DEFINITION);
    ADD(&empty, EOF_PLAIN);
    ADD(&empty, "");
    is_bad(RESULT_SHAPE_QUERY, EVERYWHERE, &empty, "B!");
    ADD(&more, OK_PLAIN);
    ADD(&more, OK_PLAIN); /* unasked for */
    is_bad(RESULT_SHAPE_QUERY, EVERYWHERE, &more, "O.!");
    more = (struct script){0};
    add(&more, fat, sizeof fat);
    is_bad(RESULT_SHAPE_QUERY, EVERYWHERE, &more, "!");
}

static void no_answer_expected(void **state)
{
    struct script s = {0};
    struct result result;
    struct result_event event;

    (void)state;
    ADD(&s, OK_PLAIN);
    is_bad(RESULT_SHAPE_NONE, EVERYWHERE, &s, "!");
    result_begin(&result, RESULT_SHAPE_QUERY, EVERYWHERE);
    result_next(&result, NULL, 0, &event);
    assert_int_equal(event.kind, RESULT_MORE);
    assert_int_equal(result.packets, 0);
}

static void shapes(void **state)
{
    (void)state;
    assert_int_equal(result_shape_of(COM_QUERY), RESULT_SHAPE_QUERY);
    assert_int_equal(result_shape_of(COM_STMT_EXECUTE), RESULT_SHAPE_QUERY);
    assert_int_equal(result_shape_of(COM_STMT_CLOSE), RESULT_SHAPE_NONE);
    assert_int_equal(result_shape_of(COM_BINLOG_DUMP_GTID), RESULT_SHAPE_ENDLESS);
    assert_int_equal(result_shape_of(COM_PING), RESULT_SHAPE_SIMPLE);
    assert_int_equal(result_shape_of(0xee), RESULT_SHAPE_SIMPLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_answers),
        cmocka_unit_test(progress_reports_are_bytes),
        cmocka_unit_test(status_and_warnings),
        cmocka_unit_test(prepared_statement),
        cmocka_unit_test(mysql_out_parameters),
        cmocka_unit_test(eof_under_deprecate_eof),
        cmocka_unit_test(optional_metadata),
        cmocka_unit_test(binlog_dump),
        cmocka_unit_test(rows_of_16_mb),
        cmocka_unit_test(nonsense_in_place_of_a_first_packet),
        cmocka_unit_test(file_request_not_agreed_on),
        cmocka_unit_test(nonsense_later),
        cmocka_unit_test(no_answer_expected),
        cmocka_unit_test(shapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
