/* test_answer.c - OK, EOF, ERR and session state: captured ones, rewritten ones, malformed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../guard.h"
#include "pointsman/protocol/answer.h"
#include "vectors.h"

enum { TRACKING = CAP_PROTOCOL_41 | CAP_SESSION_TRACK };

#define BYTES(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static void assert_bytes(struct bytes b, const char *text)
{
    assert_non_null(b.at);
    assert_int_equal(b.length, strlen(text));
    assert_memory_equal(b.at, text, b.length);
}

static struct answer_ok load_ok(struct vector *v, const char *name, uint32_t capabilities)
{
    struct answer_ok ok;

    *v = vector_load(name);
    assert_true(answer_ok_read(v->data + PACKET_HEADER, v->length - PACKET_HEADER, capabilities, &ok));
    return ok;
}

/* ---- OK ---- */

static void captured_ok(void **state)
{
    struct vector v;
    struct answer_ok ok = load_ok(&v, "insert.ok", TRACKING);

    (void)state;
    assert_int_equal(ok.affected, 2);
    assert_int_equal(ok.status, STATUS_AUTOCOMMIT);
    assert_bytes(ok.info, "Records: 2  Duplicates: 0  Warnings: 0");
    assert_int_equal(ok.tracked.length, 0);
    ok = load_ok(&v, "insert_untracked", CAP_PROTOCOL_41);
    assert_bytes(ok.info, "Records: 2  Duplicates: 0  Warnings: 0");
    ok = load_ok(&v, "begin.ok", TRACKING);
    assert_true(ok.status & STATUS_IN_TRANS);
    ok = load_ok(&v, "track_use.ok", TRACKING);
    assert_true(ok.status & STATUS_SESSION_STATE_CHANGED);
    assert_true(ok.tracked.length > 0);
}

/* The documentation's form: info to the packet's end. */
static void info_without_length(void **state)
{
    struct answer_ok ok;

    (void)state;
    assert_true(answer_ok_read("\0\1\2\2\0\3\0Rows", 11, CAP_PROTOCOL_41, &ok));
    assert_int_equal(ok.affected, 1);
    assert_int_equal(ok.insert_id, 2);
    assert_int_equal(ok.warnings, 3);
    assert_bytes(ok.info, "Rows");
}

static size_t rewrite(const struct answer_ok *ok, uint8_t header, uint32_t capabilities, uint8_t *out,
                      size_t size)
{
    struct writer w = writer_of(out, size);

    answer_ok_write(&w, header, ok, capabilities);
    assert_false(w.full);
    return writer_length(&w);
}

/* For the same capabilities an OK comes out as the server sent it; without tracking, shorter and still
 * readable. */
static void rewriting(void **state)
{
    static const char *const names[] = {"insert.ok",      "begin.ok",       "track_use.ok", "track_set.ok",
                                        "track_names.ok", "track_begin.ok", "login_ok"};
    uint8_t out[512];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct vector v;
        struct answer_ok ok = load_ok(&v, names[i], TRACKING), again;
        size_t length = rewrite(&ok, 0, TRACKING, out, sizeof out);
        assert_int_equal(length, v.length - PACKET_HEADER);
        assert_memory_equal(out, v.data + PACKET_HEADER, length);
        length = rewrite(&ok, 0xfe, CAP_PROTOCOL_41, out, sizeof out);
        assert_int_equal(out[0], 0xfe);
        assert_true(answer_ok_read(out, length, CAP_PROTOCOL_41, &again));
        assert_false(again.status & STATUS_SESSION_STATE_CHANGED);
        assert_int_equal(again.status | STATUS_SESSION_STATE_CHANGED,
                         ok.status | STATUS_SESSION_STATE_CHANGED);
        assert_int_equal(again.info.length, ok.info.length);
        assert_int_equal(again.tracked.length, 0);
    }
}

static void flag_follows_entries(void **state)
{
    struct answer_ok ok = {.status = STATUS_AUTOCOMMIT,
                           .tracked = BYTES("\2\2\1"
                                            "1")},
                     again;
    uint8_t out[64];
    size_t length = rewrite(&ok, 0, TRACKING, out, sizeof out);

    (void)state;
    assert_true(answer_ok_read(out, length, TRACKING, &again));
    assert_true(again.status & STATUS_SESSION_STATE_CHANGED);
    ok = (struct answer_ok){.status = STATUS_SESSION_STATE_CHANGED}; /* all entries filtered out */
    length = rewrite(&ok, 0, TRACKING, out, sizeof out);
    assert_int_equal(length, 7);
    assert_true(answer_ok_read(out, length, TRACKING, &again));
    assert_int_equal(again.status, 0);
}

/* A packet cut off anywhere is refused or, where the cut falls between fields, read without what is missing.
 */
static void ok_cut_off(void **state)
{
    struct vector v = vector_load("track_set.ok");
    struct answer_ok ok;

    (void)state;
    for (size_t length = 0; length < v.length - PACKET_HEADER; length++) {
        struct guard g = guard_of(v.data + PACKET_HEADER, length);
        bool between = length == 7 || length == 8; /* behind the warnings, behind an empty info */
        assert_int_equal(answer_ok_read(g.at, length, TRACKING, &ok), between);
        guard_done(&g);
    }
    assert_false(answer_ok_read("\1\0\0\0\0\0\0", 7, TRACKING, &ok));
    assert_false(answer_ok_read("\0\0\0\2\0\0\0\1xy", 10, TRACKING, &ok)); /* bytes left over */
}

/* ---- EOF and ERR ---- */

static void eof(void **state)
{
    struct answer_eof eof = {.warnings = 3, .status = 0x2022}, again;
    uint8_t out[5];
    struct writer w = writer_of(out, sizeof out);

    (void)state;
    answer_eof_write(&w, &eof);
    assert_false(w.full);
    assert_memory_equal(out, "\xfe\3\0\x22\x20", 5);
    assert_true(answer_eof_read(out, 5, &again));
    assert_int_equal(again.warnings, 3);
    assert_int_equal(again.status, 0x2022);
    assert_false(answer_eof_read(out, 4, &again));
    assert_false(answer_eof_read("\xfe\0\0\0\0\0\0\0\0", 9, &again)); /* a row's length */
    assert_false(answer_eof_read("\xff\0\0\0\0", 5, &again));
}

static void captured_err(void **state)
{
    struct vector v = vector_load("err.ok");
    struct answer_err err;

    (void)state;
    assert_true(answer_err_read(v.data + PACKET_HEADER, v.length - PACKET_HEADER, &err));
    assert_int_equal(err.code, 1054);
    assert_string_equal(err.state, "42S22");
    assert_bytes(err.message, "Unknown column 'nosuch' in 'SELECT'");
}

static void err_states(void **state)
{
    static const struct {
        const char *packet;
        size_t length;
        const char *state, *message;
    } errs[] = {
        {"\xff\x10\x04Too many connections", 23, "HY000", "Too many connections"}, /* before login */
        {"\xff\x10\x04#08004Too many", 17, "08004", "Too many"},
        {"\xff\x10\x04", 3, "HY000", ""},
        {"\xff\x10\x04#0800", 8, "HY000", "#0800"},
        {"\xff\x10\x04#08\0\n4x", 10, "HY000", NULL}, /* not fit to be printed */
    };
    struct answer_err err;

    (void)state;
    for (size_t i = 0; i < sizeof errs / sizeof *errs; i++) {
        struct guard g = guard_of(errs[i].packet, errs[i].length);
        assert_true(answer_err_read(g.at, errs[i].length, &err));
        assert_int_equal(err.code, 1040);
        assert_string_equal(err.state, errs[i].state);
        if (errs[i].message)
            assert_bytes(err.message, errs[i].message);
        guard_done(&g);
    }
    assert_false(answer_err_read("\xff\1", 2, &err));
    assert_false(answer_err_read("\0\1\1", 3, &err));
    assert_false(answer_err_read("", 0, &err));
}

static void writing_err(void **state)
{
    uint8_t out[64];
    struct writer w = writer_of(out, sizeof out);

    (void)state;
    answer_err_write(&w, 1045, "28000", "no", 2, CAP_PROTOCOL_41);
    assert_int_equal(writer_length(&w), 11);
    assert_memory_equal(out, "\xff\x15\x04#28000no", 11);
    w = writer_of(out, sizeof out);
    answer_err_write(&w, 1045, "28000", "no", 2, 0);
    assert_memory_equal(out, "\xff\x15\x04no", 5);
    assert_int_equal(writer_length(&w), 5);
    w = writer_of(out, sizeof out);
    answer_err_write(&w, 1045, "", "no", 2, CAP_PROTOCOL_41); /* a state that isn't one */
    assert_memory_equal(out, "\xff\x15\x04#HY000no", 11);
}

static void error_texts(void **state)
{
    struct vector v = vector_load("login_wrong");
    const struct server_error_text *text = server_error_text(SERVER_ERROR_ACCESS_DENIED);
    struct answer_err err;
    char message[128];

    (void)state;
    assert_true(answer_err_read(v.data + PACKET_HEADER, v.length - PACKET_HEADER, &err));
    assert_int_equal(text->code, err.code);
    assert_string_equal(text->state, err.state);
    snprintf(message, sizeof message, text->format, "app", "localhost", "YES");
    assert_bytes(err.message, message);
    v = vector_load("login_database");
    text = server_error_text(SERVER_ERROR_BAD_DB);
    assert_true(answer_err_read(v.data + PACKET_HEADER, v.length - PACKET_HEADER, &err));
    assert_string_equal(text->state, err.state);
    snprintf(message, sizeof message, text->format, "nosuch");
    assert_bytes(err.message, message);
    assert_non_null(server_error_text((enum server_error)1));
    assert_int_equal(server_error_text((enum server_error)1)->code, 1105);
    assert_int_equal(server_error_text(SERVER_ERROR_ACCOUNT_LOCKED_MARIADB)->code, 4151);
}

/* ---- session state ---- */

struct expected_entry {
    uint8_t type;
    const char *name, *value;
    bool begins; /* raw is given */
};

static bool is_text(struct bytes b, const char *text)
{
    return text ? b.at && b.length == strlen(text) && memcmp(b.at, text, b.length) == 0 : !b.at;
}

/* In any order: servers walk a hash of variables. */
static void assert_entries(struct bytes tracked, const struct expected_entry *expected, size_t count)
{
    struct track_walk walk = track_walk_of(tracked);
    struct track_entry entry;
    bool bad = false;
    size_t found = 0, raw = 0;

    while (track_next(&walk, &entry, &bad)) {
        size_t i = 0;
        while (i < count &&
               !(entry.type == expected[i].type && is_text(entry.name, expected[i].name) &&
                 is_text(entry.value, expected[i].value) && !!entry.raw.at == expected[i].begins))
            i++;
        assert_true(i < count);
        found |= (size_t)1 << i;
        raw += entry.raw.length;
    }
    assert_false(bad);
    assert_int_equal(found, ((size_t)1 << count) - 1);
    assert_int_equal(raw, tracked.length); /* the raws are the whole */
}
#define ASSERT_ENTRIES(tracked, expected)                                                                    \
    assert_entries(tracked, expected, sizeof(expected) / sizeof *(expected))

static void captured_entries(void **state)
{
    static const struct expected_entry use[] = {{TRACK_SCHEMA, NULL, "mysql", true},
                                                {TRACK_STATE_CHANGE, NULL, "1", true}};
    static const struct expected_entry set[] = {
        {TRACK_SYSTEM_VARIABLE, "autocommit", "OFF", true},
        {TRACK_SYSTEM_VARIABLE, "time_zone", "+00:00", true},
        {TRACK_SYSTEM_VARIABLE, "sql_mode", "ANSI_QUOTES", true},
        {TRACK_STATE_CHANGE, NULL, "1", true},
    };
    static const struct expected_entry begin[] = {
        {TRACK_TRANSACTION_STATE, NULL, "T_______", true},
        {TRACK_TRANSACTION_CHARACTERISTICS, NULL, "START TRANSACTION READ ONLY;", true},
    };
    struct vector v;

    (void)state;
    ASSERT_ENTRIES(load_ok(&v, "track_use.ok", TRACKING).tracked, use);
    ASSERT_ENTRIES(load_ok(&v, "track_set.eof", TRACKING).tracked, set);
    ASSERT_ENTRIES(load_ok(&v, "track_begin.ok", TRACKING).tracked, begin);
}

static void entries_not_captured(void **state)
{
    static const struct expected_entry change[] = {{TRACK_STATE_CHANGE, NULL, "1", true}};
    static const struct expected_entry gtids[] = {{TRACK_GTIDS, NULL, "uuid:1", true}};
    static const struct expected_entry pairs[] = {
        {TRACK_SYSTEM_VARIABLE, "a", "1", true},
        {TRACK_SYSTEM_VARIABLE, "b", "", false},
        {TRACK_SCHEMA, NULL, "v", true},
    };
    static const struct expected_entry unknown[] = {{99, NULL, "what", true},
                                                    {TRACK_STATE_CHANGE, NULL, "1", true}};

    (void)state;
    ASSERT_ENTRIES(BYTES("\2\1"
                         "1"),
                   change); /* as servers send it */
    ASSERT_ENTRIES(BYTES("\2\2\1"
                         "1"),
                   change); /* as the documentation has it */
    ASSERT_ENTRIES(BYTES("\3\x08\0\6uuid:1"), gtids);
    ASSERT_ENTRIES(BYTES("\0\7\1a\1"
                         "1\1b\0\1\2\1v"),
                   pairs);
    ASSERT_ENTRIES(BYTES("\x63\4what\2\2\1"
                         "1"),
                   unknown);
}

static void malformed_entries(void **state)
{
    static const struct bytes bad[] = {
        BYTES("\1"),      /* no length */
        BYTES("\1\5\1v"), /* longer than what is there */
        BYTES("\1\xfb"),
        BYTES("\1\xfe\xff\xff\xff\xff\xff\xff\xff\xff"),
        BYTES("\0\3\1a\1"), /* a value cut off */
        BYTES("\0\2\1a"),   /* a name without value */
        BYTES("\0\2\1a\2\1"
              "1"),       /* the same, and a good one behind it */
        BYTES("\3\1\0"),  /* GTIDs: the way, no set */
        BYTES("\1\2\5v"), /* longer than its entry, though more bytes follow */
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct guard g = guard_of(bad[i].at, bad[i].length);
        struct track_walk walk = track_walk_of((struct bytes){g.at, bad[i].length});
        struct track_entry entry;
        bool flag = false;
        assert_false(track_next(&walk, &entry, &flag));
        assert_true(flag);
        flag = false;
        assert_false(track_next(&walk, &entry, &flag)); /* and stays there */
        guard_done(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_ok),       cmocka_unit_test(info_without_length),
        cmocka_unit_test(rewriting),         cmocka_unit_test(flag_follows_entries),
        cmocka_unit_test(ok_cut_off),        cmocka_unit_test(eof),
        cmocka_unit_test(captured_err),      cmocka_unit_test(err_states),
        cmocka_unit_test(writing_err),       cmocka_unit_test(error_texts),
        cmocka_unit_test(captured_entries),  cmocka_unit_test(entries_not_captured),
        cmocka_unit_test(malformed_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
