/* show_status.c - SHOW STATUS, SHOW VARIABLES, SHOW EVENTS. */
#include <inttypes.h>
#include <stdlib.h>

#include "commands.h"
#include "figures.h"
#include "pointsman/monitor/events.h"

const struct column named_columns[] = {{"name", COLUMN_TEXT}, {"value", COLUMN_TEXT}};

static void named(struct result_set *set, const char *name, const char *value)
{
    result_text(set, name);
    result_text(set, value);
    result_row_end(set);
}

/* ---- SHOW STATUS ---- */

static void counted(struct result_set *set, const char *prefix, const char *name, uint64_t value)
{
    result_format(set, "%s%s", prefix, name);
    result_format(set, "%" PRIu64, value);
    result_row_end(set);
}

static void process_rows(struct result_set *set)
{
    struct process_figures process;
    process_take(&process);
    named(set, "version", POINTSMAN_VERSION);
    result_text(set, "started");
    result_time(set, (int64_t)(process.started * 1000));
    result_row_end(set);
    result_text(set, "uptime_seconds");
    result_format(set, "%.3f", process.uptime_seconds);
    result_row_end(set);
    result_text(set, "cpu_seconds");
    result_format(set, "%.3f", process.cpu_seconds);
    result_row_end(set);
    counted(set, "", "memory_bytes", process.memory_bytes);
}

static void primary_rows(struct result_set *set)
{
    struct topology *topology = topology_current();
    bool known = topology->primary != TOPOLOGY_NOBODY;
    named(set, "primary", known ? topology->servers[topology->primary].name : "");
    named(set, "why_no_primary", topology->why_no_primary);
    topology_unref(topology);
}

static void route_rows(struct result_set *set, const struct figures *figures)
{
    for (int i = 0; i < ROUTE_CLASSES; i++)
        counted(set, "statements_", route_class_name((enum route_class)i), figures->statements[i]);
    for (unsigned i = 0; i < ROUTE_REASONS; i++) {
        counted(set, "routed_primary_", route_reason_name(i), figures->reasons[i][0]);
        counted(set, "routed_replica_", route_reason_name(i), figures->reasons[i][1]);
    }
    for (unsigned i = 0; i < PINS; i++)
        counted(set, "pinned_", pin_name(i), figures->pins[i]);
}

static void latency_rows(struct result_set *set, const struct figures *figures)
{
    static const char *const names[] = {"mean_ms_primary", "mean_ms_replica"};
    for (int target = 0; target < 2; target++) {
        uint64_t count = 0;
        for (int i = 0; i < WORKER_HISTOGRAM; i++)
            count += figures->latency[target][i];
        result_text(set, names[target]);
        if (count)
            result_format(set, "%.3f", (double)figures->latency_us[target] / 1e3 / (double)count);
        else
            result_null(set);
        result_row_end(set);
    }
}

void show_status(struct request *request, struct reply *reply)
{
    struct figures figures;
    figures_take(request->asker->context->workers, &figures);
    process_rows(&reply->set);
    primary_rows(&reply->set);
    counted(&reply->set, "", "clients", figures.clients);
    for (int i = 0; i < FIGURES; i++)
        counted(&reply->set, "", figure_about((enum figure)i)->name, figures.single[i]);
    route_rows(&reply->set, &figures);
    latency_rows(&reply->set, &figures);
}

/* ---- SHOW VARIABLES ---- */

void show_variables(struct request *request, struct reply *reply)
{
    struct topology *topology = topology_current();
    const char *name, *fixed;
    char value[1024];
    (void)request;
    for (size_t i = 0; config_option_at(topology->config, i, &name, value, sizeof value); i++)
        named(&reply->set, name, value);
    for (size_t i = 0; chatter_variable(i, &name, &fixed); i++)
        named(&reply->set, name, fixed);
    topology_unref(topology);
}

/* ---- SHOW EVENTS ---- */

const struct column events_columns[] = {
    {"time", COLUMN_TIME}, {"kind", COLUMN_TEXT},          {"server", COLUMN_TEXT},
    {"step", COLUMN_TEXT}, {"duration_ms", COLUMN_NUMBER}, {"text", COLUMN_TEXT},
};

void show_events(struct request *request, struct reply *reply)
{
    struct result_set *set = &reply->set;
    struct event *events = malloc(EVENTS_KEPT * sizeof *events);
    size_t count = events ? events_copy(events, EVENTS_KEPT) : 0;
    (void)request;
    set->failed |= !events;
    for (size_t i = 0; i < count; i++) {
        result_time(set, events[i].time_ms);
        result_text(set, events[i].kind);
        result_text(set, events[i].server);
        result_text(set, events[i].step);
        if (events[i].duration_ms == EVENT_NO_DURATION)
            result_null(set);
        else
            result_number(set, events[i].duration_ms);
        result_text(set, events[i].text);
        result_row_end(set);
    }
    free(events);
}
