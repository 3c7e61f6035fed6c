/* test_metrics.c - /metrics line by line, and /api/state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <regex.h>

#include "../../../proxy/admin/metrics.h"
#include "../../../proxy/admin/state_json.h"
#include "picture.h"

static const struct process_figures process = {
    .cpu_seconds = 1.5, .memory_bytes = 4096, .started = 1795411652.25, .uptime_seconds = 60};

static struct figures some_figures(void)
{
    struct figures figures = {.clients = 3};
    figures.single[FIGURE_LOGINS] = 5;
    figures.statements[ROUTE_CLASS_WRITE] = 9;
    figures.reasons[SQL_REASON_LOCKING_READ][0] = 2;
    figures.latency[1][0] = 1; /* below 1 us */
    figures.latency[1][10] = 4;
    figures.latency[1][WORKER_HISTOGRAM - 1] = 2; /* longer than all bounds */
    figures.latency_us[1] = 2500000;
    figures.connections[1] = 7;
    figures.connections_idle[1] = 4;
    figures.pins[0] = 1;
    return figures;
}

/* The page; to be freed. */
static char *write_page(struct topology *picture)
{
    const struct figures figures = some_figures();
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    assert_non_null(to);
    metrics_write(to, &figures, picture, &process);
    assert_int_equal(fclose(to), 0);
    return text;
}

static bool matches(const char *line, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, line, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static void every_line_is_well_formed(void **state)
{
    static const char sample[] = "^pointsman_[a-z_]+([{][a-z_]+=\"([^\"\\\\]|\\\\.)*\"(,[a-z_]+=\"([^\"\\\\]|"
                                 "\\\\.)*\")*[}])? -?([0-9]+([.][0-9]+)?|[+]Inf)$";
    char family[128] = "", type[16] = "";
    (void)state;
    struct topology *picture = picture_new("");
    strcpy(picture->servers[0].name, "d\"b\\1\n");
    char *page = write_page(picture);
    assert_int_equal(page[strlen(page) - 1], '\n');
    for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_true(matches(line, "^# HELP pointsman_[a-z_]+ [A-Z0-9].*[.]$"));
            assert_int_equal(sscanf(line, "# HELP %127s", family), 1);
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            char name[128];
            assert_int_equal(sscanf(line, "# TYPE %127s %15s", name, type), 2);
            assert_string_equal(name, family);
            assert_true(matches(type, "^(counter|gauge|histogram)$"));
            assert_int_equal(matches(name, "_total$"), strcmp(type, "counter") == 0);
        } else {
            if (!matches(line, sample))
                fail_msg("not a sample: %s", line);
            assert_int_equal(strncmp(line, family, strlen(family)), 0);
        }
    }
    free(page);
    topology_unref(picture);
}

static void assert_has(const char *page, const char *line)
{
    char with_feeds[256];
    snprintf(with_feeds, sizeof with_feeds, "\n%s\n", line);
    if (!strstr(page, with_feeds))
        fail_msg("no line '%s'", line);
}

static void samples_say_what_the_figures_are(void **state)
{
    (void)state;
    struct topology *picture = picture_new("");
    char *page = write_page(picture);
    assert_has(page, "pointsman_clients 3");
    assert_has(page, "pointsman_logins_total 5");
    assert_has(page, "pointsman_process_cpu_seconds_total 1.500000");
    assert_has(page, "pointsman_process_resident_memory_bytes 4096");
    assert_has(page, "pointsman_statements_total{class=\"write\"} 9");
    assert_has(page, "pointsman_routed_total{target=\"primary\",reason=\"locking-read\"} 2");
    assert_has(page, "pointsman_server_role{server=\"db1\",role=\"primary\"} 1");
    assert_has(page, "pointsman_server_role{server=\"db2\",role=\"primary\"} 0");
    assert_has(page, "pointsman_server_state{server=\"db3\",state=\"lagging\"} 1");
    assert_has(page, "pointsman_server_lag_seconds{server=\"db2\"} 0.012");
    assert_has(page, "pointsman_server_connections{server=\"db2\",state=\"used\"} 3");
    assert_has(page, "pointsman_server_connections{server=\"db2\",state=\"idle\"} 4");
    assert_has(page, "pointsman_session_pins{reason=\"transaction\"} 1");
    assert_has(page, "pointsman_primary_writable 1");
    free(page);
    topology_unref(picture);
}

static void an_unknown_lag_has_no_sample(void **state)
{
    (void)state;
    struct topology *picture = picture_new("");
    picture->servers[1].lag_ms = TOPOLOGY_LAG_UNKNOWN;
    picture->primary = TOPOLOGY_NOBODY;
    char *page = write_page(picture);
    assert_null(strstr(page, "pointsman_server_lag_seconds{server=\"db2\"}"));
    assert_has(page, "pointsman_primary_writable 0");
    free(page);
    topology_unref(picture);
}

static void the_histogram_adds_up(void **state)
{
    (void)state;
    struct topology *picture = picture_new("");
    char *page = write_page(picture);
    assert_has(page, "pointsman_statement_duration_seconds_bucket{target=\"replica\",le=\"1e-06\"} 1");
    assert_has(page, "pointsman_statement_duration_seconds_bucket{target=\"replica\",le=\"0.000512\"} 1");
    assert_has(page, "pointsman_statement_duration_seconds_bucket{target=\"replica\",le=\"0.001024\"} 5");
    assert_has(page, "pointsman_statement_duration_seconds_bucket{target=\"replica\",le=\"4.1943\"} 5");
    assert_has(page, "pointsman_statement_duration_seconds_bucket{target=\"replica\",le=\"+Inf\"} 7");
    assert_has(page, "pointsman_statement_duration_seconds_count{target=\"replica\"} 7");
    assert_has(page, "pointsman_statement_duration_seconds_sum{target=\"replica\"} 2.500000");
    free(page);
    topology_unref(picture);
}

/* ---- /api/state ---- */

static void the_state_is_json(void **state)
{
    const struct figures figures = some_figures();
    const struct event event = {.serial = 1,
                                .time_ms = 1795411652052,
                                .kind = "server",
                                .server = "db3",
                                .step = "lagging",
                                .duration_ms = EVENT_NO_DURATION,
                                .text = "not \xff UTF-8"};
    json_int_t count;
    (void)state;
    struct topology *picture = picture_new("");
    char *body = state_json(&figures, picture, &process, &event, 1);
    assert_non_null(body);
    json_t *root = json_loads(body, 0, NULL);
    assert_non_null(root);
    json_t *servers = json_object_get(root, "servers");
    assert_int_equal(json_array_size(servers), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(servers, 1), "connections_idle")), 4);
    assert_string_equal(json_string_value(json_object_get(root, "primary")), "db1");
    assert_int_equal(json_unpack(root, "{s{sI}}", "figures", "logins", &count), 0);
    assert_int_equal(count, 5);
    json_t *shown = json_array_get(json_object_get(root, "events"), 0);
    assert_true(json_is_null(json_object_get(shown, "text")));
    assert_true(json_is_null(json_object_get(shown, "duration_ms")));
    assert_string_equal(json_string_value(json_object_get(shown, "server")), "db3");
    json_decref(root);
    free(body);
    topology_unref(picture);
}

static void figures_of_no_workers_are_zero(void **state)
{
    struct figures figures;
    struct process_figures now;
    (void)state;
    figures_take(&picture_workers, &figures);
    assert_int_equal(figures.single[FIGURE_SESSIONS], 0);
    process_began();
    process_take(&now);
    assert_true(now.memory_bytes > 100000);
    assert_true(now.started > 1e9);
    assert_true(now.uptime_seconds >= 0 && now.uptime_seconds < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_well_formed),
        cmocka_unit_test(samples_say_what_the_figures_are),
        cmocka_unit_test(an_unknown_lag_has_no_sample),
        cmocka_unit_test(the_histogram_adds_up),
        cmocka_unit_test(the_state_is_json),
        cmocka_unit_test(figures_of_no_workers_are_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
