/* test_events.c - the ring of events, and which changes between two pictures matter and are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../proxy/monitor/changes.h"
#include "pointsman/base/log.h"
#include "pointsman/monitor/events.h"

static struct event events[EVENTS_KEPT + 1];

static void test_ring(void **state)
{
    (void)state;
    for (int i = 0; i < EVENTS_KEPT + 5; i++)
        events_add("test", i % 2 ? "db1" : NULL, NULL, i, "number %d", i);
    assert_int_equal(events_copy(events, EVENTS_KEPT + 1), EVENTS_KEPT);
    for (int i = 0; i < EVENTS_KEPT; i++) {
        assert_int_equal(events[i].duration_ms, i + 5);
        assert_int_equal(events[i].serial, i + 6);
    }
    assert_string_equal(events[0].server, "db1");
    assert_string_equal(events[1].text, "number 6");
    assert_true(events[0].time_ms > 1700000000000);
    assert_int_equal(events_copy(events, 2), 2);
    assert_int_equal(events[1].duration_ms, EVENTS_KEPT + 4);
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    events_add(text, text, text, EVENT_NO_DURATION, "%s", text);
    events_copy(events, 1);
    assert_int_equal(strlen(events[0].kind), sizeof events[0].kind - 1);
    assert_int_equal(strlen(events[0].text), sizeof events[0].text - 1);
}

/* ---- changes ---- */

static struct topology *picture(void)
{
    static struct config config = {.refs = 1};
    struct topology *topology = calloc(1, sizeof *topology + 2 * sizeof *topology->servers);
    assert_non_null(topology);
    topology->config = &config;
    topology->count = 2;
    for (int i = 0; i < 2; i++) {
        struct server_view *view = &topology->servers[i];
        snprintf(view->name, sizeof view->name, "db%d", i + 1);
        view->address.text = (char *)"127.0.0.1:1";
        view->role = i == 0 ? ROLE_PRIMARY : ROLE_REPLICA;
        view->usable_for_reads = true;
        view->usable_for_writes = i == 0;
        view->share = 100;
    }
    return topology;
}

static void no_change(struct topology *t)
{
    t->servers[1].lag_ms = 700;
    t->servers[1].look.at = 5;
}
static void change_share(struct topology *t)
{
    t->servers[1].share = 40;
}
static void change_state(struct topology *t)
{
    t->servers[1].state = STATE_LAGGING;
    t->servers[1].usable_for_reads = false;
}
static void change_reason(struct topology *t)
{
    snprintf(t->servers[1].reason, sizeof t->servers[1].reason, "other words");
}
static void change_role(struct topology *t)
{
    t->servers[1].role = ROLE_UNKNOWN;
}
static void change_primary(struct topology *t)
{
    t->primary = TOPOLOGY_NOBODY;
    snprintf(t->why_no_primary, sizeof t->why_no_primary, "because");
}

static const struct {
    void (*change)(struct topology *topology);
    bool matters;
    const char *kind; /* of the one event; NULL: none */
} changes[] = {
    {no_change, false, NULL},        {change_share, true, NULL},    {change_state, true, "server"},
    {change_reason, true, "server"}, {change_role, true, "server"}, {change_primary, true, "primary"},
};

static void test_changes(void **state)
{
    (void)state;
    int null = open("/dev/null", O_WRONLY);
    log_setup_fd(null);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct topology *last = picture(), *next = picture();
        struct changes_since since = {.server = {100, 100}, .primary = 100};
        events_add("mark", NULL, NULL, 0, "-");
        changes[i].change(next);
        assert_int_equal(changes_matter(last, next), changes[i].matters);
        changes_tell(last, next, &since, 350);
        events_copy(events, 1);
        assert_string_equal(events[0].kind, changes[i].kind ? changes[i].kind : "mark");
        if (changes[i].change == change_state) {
            assert_int_equal(events[0].duration_ms, 250);
            assert_int_equal(since.server[1], 350);
            assert_string_equal(events[0].step, "lagging");
        }
        free(last);
        free(next);
    }
    log_setup_fd(STDERR_FILENO);
    close(null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ring), cmocka_unit_test(test_long_texts_are_cut),
                                       cmocka_unit_test(test_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
