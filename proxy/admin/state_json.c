/*
 * state_json.c - see state_json.h. jansson's _new functions take NULL for a value that could not be made and
 * fail, so one check at the end of each object is enough. Text of the servers that isn't UTF-8 becomes null.
 */
#include "state_json.h"

#include <jansson.h>

static json_t *text_or_null(const char *text)
{
    json_t *value = text ? json_string(text) : NULL;
    return value ? value : json_null();
}

static json_t *number_or_null(int64_t value, int64_t none)
{
    return value == none ? json_null() : json_integer(value);
}

static json_t *server(const struct figures *figures, const struct topology *topology, size_t i)
{
    const struct server_view *view = &topology->servers[i];
    return json_pack(
        "{so so ss ss sb sb so sI sI so sI sI sI sI so}", "name", text_or_null(view->name), "address",
        text_or_null(view->address.text), "role", server_role_name(view->role), "state",
        server_state_name(view->state), "reads", view->usable_for_reads, "writes", view->usable_for_writes,
        "lag_ms", number_or_null(view->lag_ms, TOPOLOGY_LAG_UNKNOWN), "weight", (json_int_t)view->weight,
        "share", (json_int_t)view->share, "gtid", text_or_null(view->look.gtid_executed), "connections_used",
        (json_int_t)(figures->connections[i] - figures->connections_idle[i]), "connections_idle",
        (json_int_t)figures->connections_idle[i], "queries", (json_int_t)figures->server_statements[i],
        "errors", (json_int_t)figures->server_errors[i], "reason", text_or_null(view->reason));
}

static json_t *servers(const struct figures *figures, const struct topology *topology)
{
    json_t *all = json_array();
    for (size_t i = 0; i < topology->count; i++)
        json_array_append_new(all, server(figures, topology, i));
    return all;
}

static json_t *event(const struct event *it)
{
    return json_pack("{sI sI so so so so so}", "serial", (json_int_t)it->serial, "time_ms",
                     (json_int_t)it->time_ms, "kind", text_or_null(it->kind), "server",
                     text_or_null(it->server), "step", text_or_null(it->step), "duration_ms",
                     number_or_null(it->duration_ms, EVENT_NO_DURATION), "text", text_or_null(it->text));
}

static json_t *events_of(const struct event *events, size_t count)
{
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, event(&events[i]));
    return all;
}

static json_t *singles(const struct figures *figures)
{
    json_t *all = json_object();
    for (int i = 0; i < FIGURES; i++)
        json_object_set_new(all, figure_about((enum figure)i)->name,
                            json_integer((json_int_t)figures->single[i]));
    return all;
}

static json_t *statements(const struct figures *figures)
{
    json_t *all = json_object();
    for (int i = 0; i < ROUTE_CLASSES; i++)
        json_object_set_new(all, route_class_name((enum route_class)i),
                            json_integer((json_int_t)figures->statements[i]));
    return all;
}

/* Only those that occurred. */
static json_t *reasons(const struct figures *figures)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < ROUTE_REASONS; i++)
        for (int target = 0; target < 2; target++)
            if (figures->reasons[i][target])
                json_array_append_new(all, json_pack("{ss ss sI}", "target", target ? "replica" : "primary",
                                                     "reason", route_reason_name(i), "count",
                                                     (json_int_t)figures->reasons[i][target]));
    return all;
}

static json_t *latency(const struct figures *figures, int target)
{
    json_t *buckets = json_array();
    for (int i = 0; i < WORKER_HISTOGRAM; i++)
        json_array_append_new(buckets, json_integer((json_int_t)figures->latency[target][i]));
    return json_pack("{sI so}", "sum_us", (json_int_t)figures->latency_us[target], "buckets", buckets);
}

static json_t *pins(const struct figures *figures)
{
    json_t *all = json_object();
    for (unsigned i = 0; i < PINS; i++)
        json_object_set_new(all, pin_name(i), json_integer((json_int_t)figures->pins[i]));
    return all;
}

char *state_json(const struct figures *figures, const struct topology *topology,
                 const struct process_figures *process, const struct event *events, size_t events_count)
{
    int primary = topology->primary;
    const char *name = primary == TOPOLOGY_NOBODY ? NULL : topology->servers[primary].name;
    json_t *root = json_pack(
        "{ss sf sf sI so so sI so so so s{so so} so so so}", "version", POINTSMAN_VERSION, "uptime_seconds",
        process->uptime_seconds, "cpu_seconds", process->cpu_seconds, "memory_bytes",
        (json_int_t)process->memory_bytes, "primary", text_or_null(name), "why_no_primary",
        text_or_null(topology->why_no_primary), "clients", (json_int_t)figures->clients, "figures",
        singles(figures), "statements", statements(figures), "reasons", reasons(figures), "latency",
        "primary", latency(figures, 0), "replica", latency(figures, 1), "pins", pins(figures), "servers",
        servers(figures, topology), "events", events_of(events, events_count));
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(root);
    return text;
}
