/*
 * table.c - reads /metrics line by line, and draws two small tables.
 *
 *   pointsman_NAME{a="x",b="y"} 12   ─sample_of()─> name, up to two labels' values, number
 *                                    ─families[]──> into its place in struct table
 */
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../cluster/pointsman.h"
#include "pointsman/route/route.h"

/* ---- reading ---- */

struct sample {
    char name[64], a[48], b[48]; /* labels' values in their order; "" if there are fewer */
    double value;
};

/* The labels of the families below have neither quotes nor backslashes in their values. */
static bool sample_of(const char *line, struct sample *ret_sample)
{
    struct sample it = {.value = 0};
    return (sscanf(line, "pointsman_%63[a-z_]{%*[a-z]=\"%47[^\"]\",%*[a-z]=\"%47[^\"]\"} %lf", it.name, it.a,
                   it.b, &it.value) == 4 ||
            (it.b[0] = '\0',
             sscanf(line, "pointsman_%63[a-z_]{%*[a-z]=\"%47[^\"]\"} %lf", it.name, it.a, &it.value) == 3)) &&
           (*ret_sample = it, true);
}

/* A server's row, made when first asked for; -1 if there are too many. */
static int server_row(struct table *table, const char *name)
{
    int row = 0;
    while (row < table->servers && strcmp(table->server[row].name, name) != 0)
        row++;
    if (row == TABLE_SERVERS)
        return -1;
    if (row == table->servers) {
        table->servers++;
        snprintf(table->server[row].name, sizeof table->server[row].name, "%s", name);
        table->server[row].lag_s = -1;
    }
    return row;
}

static int reason_row(struct table *table, const char *name)
{
    int row = 0;
    while (row < table->reasons && strcmp(table->reason[row].name, name) != 0)
        row++;
    if (row == TABLE_REASONS)
        return -1;
    if (row == table->reasons) {
        table->reasons++;
        snprintf(table->reason[row].name, sizeof table->reason[row].name, "%s", name);
    }
    return row;
}

static void take_role(struct table *table, const struct sample *sample)
{
    int row = server_row(table, sample->a);
    if (row >= 0 && sample->value > 0)
        snprintf(table->server[row].role, sizeof table->server[row].role, "%.15s", sample->b);
}

static void take_state(struct table *table, const struct sample *sample)
{
    int row = server_row(table, sample->a);
    if (row >= 0 && sample->value > 0)
        snprintf(table->server[row].state, sizeof table->server[row].state, "%.15s", sample->b);
}

static void take_lag(struct table *table, const struct sample *sample)
{
    int row = server_row(table, sample->a);
    if (row >= 0)
        table->server[row].lag_s = sample->value;
}

static void take_statements(struct table *table, const struct sample *sample)
{
    int row = server_row(table, sample->a);
    if (row >= 0)
        table->server[row].statements = (uint64_t)sample->value;
}

static void take_routed(struct table *table, const struct sample *sample)
{
    int row = sample->value > 0 ? reason_row(table, sample->b) : -1;
    if (row < 0)
        return;
    if (strcmp(sample->a, "primary") == 0)
        table->reason[row].primary = (uint64_t)sample->value;
    else
        table->reason[row].replica = (uint64_t)sample->value;
}

static const struct {
    const char *name;
    void (*take)(struct table *table, const struct sample *sample);
} families[] = {
    {"server_role", take_role},       {"server_state", take_state},
    {"server_lag_seconds", take_lag}, {"server_statements_total", take_statements},
    {"routed_total", take_routed},
};

bool table_take(int http_port, struct table *ret_table)
{
    char *body = NULL, *rest = NULL;
    struct table table = {.taken_us = monotonic_us()};
    struct sample sample;
    if (http_get(http_port, "/metrics", &body) != 200) {
        free(body);
        return false;
    }
    for (char *line = strtok_r(body, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (!sample_of(line, &sample))
            continue;
        for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
            if (strcmp(families[i].name, sample.name) == 0)
                families[i].take(&table, &sample);
    }
    free(body);
    *ret_table = table;
    return true;
}

/* ---- drawing ---- */

static const char *sentence_of(const char *reason)
{
    for (unsigned i = 0; i < ROUTE_REASONS; i++)
        if (strcmp(route_reason_name(i), reason) == 0)
            return route_reason_text(i);
    return "";
}

static void draw_bar(FILE *to, double share)
{
    for (double eighths = share * 20; eighths >= 0.5; eighths -= 1)
        fputs("█", to);
}

static void draw_servers(FILE *to, const struct table *now, const struct table *before)
{
    uint64_t all = 0;
    double seconds = before ? (double)(now->taken_us - before->taken_us) / 1e6 : 0;
    for (int i = 0; i < now->servers; i++)
        all += now->server[i].statements;
    fprintf(to, "  %-8s %-8s %-11s %8s %12s %8s  %s\n", "server", "role", "state", "lag", "statements", "/s",
            "share");
    for (int i = 0; i < now->servers; i++) {
        char lag[16] = "-";
        double share = all ? (double)now->server[i].statements / (double)all : 0;
        uint64_t then = before && i < before->servers ? before->server[i].statements : 0;
        if (now->server[i].lag_s >= 0)
            snprintf(lag, sizeof lag, "%.0f ms", now->server[i].lag_s * 1e3);
        fprintf(to, "  %-8s %-8s %-11s %8s %12" PRIu64 " %8.0f  %3.0f %% ", now->server[i].name,
                now->server[i].role, now->server[i].state, lag, now->server[i].statements,
                seconds > 0 ? (double)(now->server[i].statements - then) / seconds : 0, share * 100);
        draw_bar(to, share);
        fputc('\n', to);
    }
}

static void draw_reasons(FILE *to, const struct table *now)
{
    fprintf(to, "\n  %-22s %10s %12s\n", "why", "to primary", "to replicas");
    for (int i = 0; i < now->reasons; i++)
        fprintf(to, "  %-22s %10" PRIu64 " %12" PRIu64 "  %.60s\n", now->reason[i].name,
                now->reason[i].primary, now->reason[i].replica, sentence_of(now->reason[i].name));
}

void table_draw(FILE *to, const struct table *now, const struct table *before)
{
    draw_servers(to, now, before);
    draw_reasons(to, now);
}
