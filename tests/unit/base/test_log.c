/*
 * The log's lines as a reader of standard error gets them: through a pipe, and JSON through jansson.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pointsman/base/clock.h"
#include "pointsman/base/log.h"

static int pipe_ends[2];
static char got[LOG_LINE_MAX + 1];

static int setup(void **state)
{
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    log_setup_fd(pipe_ends[1]);
    log_setup(LOG_INFO, LOG_TEXT);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_setup_fd(STDERR_FILENO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    return 0;
}

/* One read takes what one write gave, since nobody else writes. */
static const char *line(void)
{
    ssize_t length = read(pipe_ends[0], got, LOG_LINE_MAX);

    assert_true(length > 0 && got[length - 1] == '\n');
    got[length] = '\0';
    assert_ptr_equal(strchr(got, '\n'), got + length - 1);
    return got;
}

static const char *after_time(const char *text)
{
    int year, month, day, hour, minute, second, ms, used = 0;

    assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute,
                            &second, &ms, &used),
                     7);
    assert_int_equal(used, 24);
    return text + used + 1;
}

static json_t *json_line(void)
{
    json_error_t error;
    json_t *json = json_loads(line(), JSON_REJECT_DUPLICATES, &error);

    if (!json)
        fail_msg("%s: %s", error.text, got);
    return json;
}

static const char *member(json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    assert_non_null(text);
    return text;
}

static void test_text_line(void **state)
{
    (void)state;
    log_event(LOG_WARNING, "server-down", "no good look", log_text("server", "db1"),
              log_number("age_ms", -12), log_flag("primary", true), log_real("share", 0.25),
              log_text("reason", NULL));
    assert_string_equal(after_time(line()),
                        "warning server-down: no good look server=db1 age_ms=-12 primary=yes share=0.25\n");
    log_event(LOG_INFO, "started", NULL);
    assert_string_equal(after_time(line()), "info started\n");
}

static void test_text_values_are_quoted(void **state)
{
    static const struct {
        const char *value, *as;
    } cases[] = {
        {"127.0.0.1:3306", "127.0.0.1:3306"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\" \\", "\"say \\\"hi\\\" \\\\\""},
        {"line\nbreak\r\x1b[31m\x7f", "\"line\\nbreak\\r\\u001b[31m\\u007f\""},
        {"Gr\xc3\xbc\xc3\x9f", "\"Gr\xc3\xbc\xc3\x9f\""},
        {"\xff\xc3", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    char want[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        log_event(LOG_ERROR, "x", NULL, log_text("v", cases[i].value));
        snprintf(want, sizeof want, "error x v=%s\n", cases[i].as);
        assert_string_equal(after_time(line()), want);
    }
    log_event(LOG_ERROR, "x", "it said \"no\"\nfake line");
    assert_string_equal(after_time(line()), "error x: it said \"no\"\\nfake line\n");
}

static void test_json_line(void **state)
{
    json_t *json;

    (void)state;
    log_setup(LOG_DEBUG, LOG_JSON);
    log_event(LOG_DEBUG, "server-down", "no \"good\" look", log_text("server", "d\n\x01\\\"b"),
              log_number("age_ms", INT64_MIN), log_flag("primary", false), log_real("share", 1e300 * 1e300));
    json = json_line();
    assert_int_equal(strlen(member(json, "time")), strlen("2026-07-01T12:00:00.123Z"));
    assert_string_equal(member(json, "level"), "debug");
    assert_string_equal(member(json, "event"), "server-down");
    assert_string_equal(member(json, "text"), "no \"good\" look");
    assert_string_equal(member(json, "server"), "d\n\x01\\\"b");
    assert_true(json_integer_value(json_object_get(json, "age_ms")) == INT64_MIN);
    assert_true(json_is_false(json_object_get(json, "primary")));
    assert_true(json_is_null(json_object_get(json, "share")));
    json_decref(json);
}

/* Every two-byte beginning and every bad form of UTF-8 must still be a line that a JSON reader takes. */
static void test_json_takes_any_bytes(void **state)
{
    static const char *const bad[] = {"\xc0\x80",         "\xe0\x80\x80",     "\xed\xa0\x80",
                                      "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                      "\xe2\x82",         "\xf0\x9f\x98",     "\x80",
                                      "\xe2\x82\xac",     "\xf0\x9f\x98\x80", "\xc3\xbc"};

    (void)state;
    log_setup(LOG_INFO, LOG_JSON);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        log_event(LOG_INFO, "x", NULL, log_text("v", bad[i]));
        json_decref(json_line());
    }
    for (int first = 1; first < 256; first++) {
        for (int second = 0; second < 256; second += 5) {
            char value[] = {(char)first, (char)second, 'z', 0};
            log_event(LOG_INFO, "x", NULL, log_text("v", value));
            json_decref(json_line());
        }
    }
}

static void test_long_values_are_cut(void **state)
{
    char *big = malloc(10001);
    json_t *json;

    (void)state;
    assert_non_null(big);
    memset(big, '\x01', 10000); /* six bytes each in the line */
    big[10000] = '\0';
    log_setup(LOG_INFO, LOG_JSON);
    log_event(LOG_INFO, "x", big, log_text("a", big), log_number("n", 7));
    json = json_line();
    assert_true(strlen(got) < 2 * 1024 + 200);
    assert_string_equal(member(json, "a") + strlen(member(json, "a")) - 3, "...");
    assert_int_equal(json_integer_value(json_object_get(json, "n")), 7);
    json_decref(json);

    log_event(LOG_INFO, "x", big, log_text("a", big), log_text("b", big), log_text("c", big),
              log_number("n", 7));
    json = json_line();
    assert_true(json_is_true(json_object_get(json, "cut")));
    assert_non_null(json_object_get(json, "b"));
    assert_null(json_object_get(json, "c"));
    assert_null(json_object_get(json, "n"));
    json_decref(json);

    log_setup(LOG_INFO, LOG_TEXT);
    log_event(LOG_INFO, "x", big, log_text("a", big), log_text("b", big), log_text("c", big));
    assert_non_null(strstr(line(), " cut=yes\n"));
    free(big);
}

static int evaluated;

static int64_t evaluate(void)
{
    return ++evaluated;
}

static void test_levels(void **state)
{
    (void)state;
    log_setup(LOG_WARNING, LOG_TEXT);
    assert_true(log_enabled(LOG_ERROR));
    assert_true(log_enabled(LOG_WARNING));
    assert_false(log_enabled(LOG_INFO));
    log_event(LOG_INFO, "hidden", NULL, log_number("n", evaluate()));
    log_write(LOG_DEBUG, "hidden", NULL, (const struct log_field[]){{.kind = LOG_FIELDS_END}});
    log_event(LOG_ERROR, "shown", NULL, log_number("n", evaluate()));
    assert_string_equal(after_time(line()), "error shown n=1\n");
}

static void test_errno_survives(void **state)
{
    (void)state;
    log_setup_fd(-1);
    errno = ENOENT;
    log_event(LOG_ERROR, "nowhere", NULL);
    assert_int_equal(errno, ENOENT);
}

enum { THREADS = 4, LINES = 200 };

static void *write_lines(void *name)
{
    for (int i = 0; i < LINES; i++)
        log_event(LOG_INFO, "t", "some words to make the line longer", log_text("who", name),
                  log_number("n", i));
    return NULL;
}

/* Lines of several threads come whole and, of one thread, in order. */
static void test_threads(void **state)
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    int next[THREADS] = {0};
    char text[512], who;
    FILE *in = fdopen(dup(pipe_ends[0]), "r");

    (void)state;
    assert_non_null(in);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    for (int i = 0; i < THREADS * LINES; i++) {
        int number;
        assert_non_null(fgets(text, sizeof text, in));
        assert_int_equal(
            sscanf(after_time(text), "info t: some words to make the line longer who=%c n=%d", &who, &number),
            2);
        assert_int_equal(number, next[who - 'a']++);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    fclose(in);
}

static void test_clock(void **state)
{
    uint64_t us = clock_us(), ms = clock_ms(), later;

    (void)state;
    assert_true(ms >= us / 1000);
    while ((later = clock_us()) == us)
        ;
    assert_true(later > us);
    assert_true(clock_ms() >= ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_values_are_quoted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_takes_any_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_values_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errno_survives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
