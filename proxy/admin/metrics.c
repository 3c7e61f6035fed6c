/*
 * metrics.c - /metrics: every family is a head (HELP, TYPE) and its samples.
 *
 *   program · sessions and logins · statements by class, target and reason · times · servers · pins
 *
 * Labels take their values from fixed lists of words and from the configured servers, so the number of time
 * series is bounded.
 */
#include "metrics.h"

#include <inttypes.h>

/* ---- lines ---- */

static void head(FILE *to, const char *name, const char *type, const char *help)
{
    fprintf(to, "# HELP pointsman_%s %s\n# TYPE pointsman_%s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and line feed are escaped. */
static void label(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", to);
        else if (*text == '\\' || *text == '"')
            fprintf(to, "\\%c", *text);
        else
            fputc(*text, to);
    }
}

/* name{a="x",b="y"} up to the blank before the number; b may be NULL. */
static void sample(FILE *to, const char *name, const char *a, const char *x, const char *b, const char *y)
{
    fprintf(to, "pointsman_%s{%s=\"", name, a);
    label(to, x);
    if (b) {
        fprintf(to, "\",%s=\"", b);
        label(to, y);
    }
    fputs("\"} ", to);
}

static void number(FILE *to, uint64_t value)
{
    fprintf(to, "%" PRIu64 "\n", value);
}

static void real(FILE *to, const char *name, const char *type, const char *help, double value)
{
    head(to, name, type, help);
    fprintf(to, "pointsman_%s %.6f\n", name, value);
}

/* ---- the program ---- */

static void write_process(FILE *to, const struct process_figures *process)
{
    head(to, "build_info", "gauge", "The program's version.");
    sample(to, "build_info", "version", POINTSMAN_VERSION, NULL, NULL);
    number(to, 1);
    real(to, "start_time_seconds", "gauge", "When the program was started, seconds since 1970.",
         process->started);
    real(to, "process_cpu_seconds_total", "counter", "Processor time of the program, user and system.",
         process->cpu_seconds);
    head(to, "process_resident_memory_bytes", "gauge", "Memory of the program that is in use.");
    fprintf(to, "pointsman_process_resident_memory_bytes %" PRIu64 "\n", process->memory_bytes);
}

static void write_single(FILE *to, const struct figures *figures)
{
    char name[64];
    head(to, "clients", "gauge", "Clients that are connected, those logging in included.");
    fprintf(to, "pointsman_clients %" PRIu64 "\n", figures->clients);
    for (int i = 0; i < FIGURES; i++) {
        const struct figure_about *about = figure_about((enum figure)i);
        snprintf(name, sizeof name, "%s%s", about->name, about->counter ? "_total" : "");
        head(to, name, about->counter ? "counter" : "gauge", about->help);
        fprintf(to, "pointsman_%s %" PRIu64 "\n", name, figures->single[i]);
    }
}

/* ---- statements ---- */

static const char *const targets[2] = {"primary", "replica"};

static void write_statements(FILE *to, const struct figures *figures)
{
    head(to, "statements_total", "counter", "Statements by what they are.");
    for (int i = 0; i < ROUTE_CLASSES; i++) {
        sample(to, "statements_total", "class", route_class_name((enum route_class)i), NULL, NULL);
        number(to, figures->statements[i]);
    }
    head(to, "routed_total", "counter", "Statements by where they were sent and why.");
    for (unsigned i = 0; i < ROUTE_REASONS; i++)
        for (int target = 0; target < 2; target++) {
            sample(to, "routed_total", "target", targets[target], "reason", route_reason_name(i));
            number(to, figures->reasons[i][target]);
        }
}

/* The workers' last bucket has no upper bound: it is counted in +Inf only. */
static void write_latency(FILE *to, const struct figures *figures)
{
    static const char name[] = "statement_duration_seconds";
    char bound[32];
    head(to, name, "histogram", "Time from a statement's arrival to the end of its answer.");
    for (int target = 0; target < 2; target++) {
        uint64_t sum = 0;
        for (int i = 0; i < WORKER_HISTOGRAM - 1; i++) {
            sum += figures->latency[target][i];
            snprintf(bound, sizeof bound, "%g", (double)(UINT64_C(1) << i) / 1e6);
            sample(to, "statement_duration_seconds_bucket", "target", targets[target], "le", bound);
            number(to, sum);
        }
        sum += figures->latency[target][WORKER_HISTOGRAM - 1];
        sample(to, "statement_duration_seconds_bucket", "target", targets[target], "le", "+Inf");
        number(to, sum);
        sample(to, "statement_duration_seconds_sum", "target", targets[target], NULL, NULL);
        fprintf(to, "%.6f\n", (double)figures->latency_us[target] / 1e6);
        sample(to, "statement_duration_seconds_count", "target", targets[target], NULL, NULL);
        number(to, sum);
    }
}

static void write_pins(FILE *to, const struct figures *figures)
{
    head(to, "session_pins", "gauge", "Sessions that hold a connection, by reason; one may have several.");
    for (unsigned i = 0; i < PINS; i++) {
        sample(to, "session_pins", "reason", pin_name(i), NULL, NULL);
        number(to, figures->pins[i]);
    }
}

/* ---- servers ---- */

static void write_roles(FILE *to, const struct topology *topology)
{
    head(to, "server_role", "gauge", "1 for the role that a server has, 0 for the others.");
    for (size_t i = 0; i < topology->count; i++)
        for (int role = ROLE_UNKNOWN; role <= ROLE_REPLICA; role++) {
            sample(to, "server_role", "server", topology->servers[i].name, "role",
                   server_role_name((enum server_role)role));
            number(to, (int)topology->servers[i].role == role);
        }
    head(to, "server_state", "gauge", "1 for the state that a server is in, 0 for the others.");
    for (size_t i = 0; i < topology->count; i++)
        for (int state = STATE_ONLINE; state <= STATE_QUARANTINED; state++) {
            sample(to, "server_state", "server", topology->servers[i].name, "state",
                   server_state_name((enum server_state)state));
            number(to, (int)topology->servers[i].state == state);
        }
    head(to, "primary_writable", "gauge", "1 while there is a primary that takes writes.");
    fprintf(to, "pointsman_primary_writable %d\n", topology->primary != TOPOLOGY_NOBODY);
}

static void write_lag(FILE *to, const struct topology *topology)
{
    head(to, "server_lag_seconds", "gauge", "How far a server is behind the primary; absent while unknown.");
    for (size_t i = 0; i < topology->count; i++) {
        const struct server_view *server = &topology->servers[i];
        if (server->lag_ms == TOPOLOGY_LAG_UNKNOWN)
            continue;
        sample(to, "server_lag_seconds", "server", server->name, NULL, NULL);
        fprintf(to, "%.3f\n", (double)server->lag_ms / 1e3);
    }
    head(to, "server_weight", "gauge", "A server's share of the reads as configured or set.");
    for (size_t i = 0; i < topology->count; i++) {
        sample(to, "server_weight", "server", topology->servers[i].name, NULL, NULL);
        number(to, topology->servers[i].weight);
    }
}

static void write_by_server(FILE *to, const struct topology *topology, const char *name, const char *help,
                            const uint64_t *values)
{
    head(to, name, "counter", help);
    for (size_t i = 0; i < topology->count; i++) {
        sample(to, name, "server", topology->servers[i].name, NULL, NULL);
        number(to, values[i]);
    }
}

static void write_connections(FILE *to, const struct figures *figures, const struct topology *topology)
{
    head(to, "server_connections", "gauge", "Connections to a server by state.");
    for (size_t i = 0; i < topology->count; i++) {
        sample(to, "server_connections", "server", topology->servers[i].name, "state", "used");
        number(to, figures->connections[i] - figures->connections_idle[i]);
        sample(to, "server_connections", "server", topology->servers[i].name, "state", "idle");
        number(to, figures->connections_idle[i]);
    }
}

void metrics_write(FILE *to, const struct figures *figures, const struct topology *topology,
                   const struct process_figures *process)
{
    write_process(to, process);
    write_single(to, figures);
    write_statements(to, figures);
    write_latency(to, figures);
    write_roles(to, topology);
    write_lag(to, topology);
    write_by_server(to, topology, "server_statements_total", "Statements sent to a server.",
                    figures->server_statements);
    write_by_server(to, topology, "server_errors_total", "Errors that a server answered with.",
                    figures->server_errors);
    write_connections(to, figures, topology);
    write_pins(to, figures);
}
