/* show_servers.c - SHOW SERVERS and SHOW POOL. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "figures.h"

/* ---- SHOW SERVERS ---- */

const struct column servers_columns[] = {
    {"name", COLUMN_TEXT},
    {"address", COLUMN_TEXT},
    {"role", COLUMN_TEXT},
    {"state", COLUMN_TEXT},
    {"lag_ms", COLUMN_NUMBER},
    {"gtid", COLUMN_TEXT},
    {"weight", COLUMN_NUMBER},
    {"connections_used", COLUMN_NUMBER},
    {"connections_idle", COLUMN_NUMBER},
    {"queries", COLUMN_NUMBER},
    {"errors", COLUMN_NUMBER},
    {"reason", COLUMN_TEXT},
};

static void server_row(struct result_set *set, const struct server_view *server,
                       const struct figures *figures, size_t i)
{
    result_text(set, server->name);
    result_text(set, server->address.text);
    result_text(set, server_role_name(server->role));
    result_text(set, server_state_name(server->state));
    if (server->lag_ms == TOPOLOGY_LAG_UNKNOWN)
        result_null(set);
    else
        result_number(set, server->lag_ms);
    result_text(set, server->look.gtid_executed);
    result_number(set, server->weight);
    result_number(set, (int64_t)(figures->connections[i] - figures->connections_idle[i]));
    result_number(set, (int64_t)figures->connections_idle[i]);
    result_number(set, (int64_t)figures->server_statements[i]);
    result_number(set, (int64_t)figures->server_errors[i]);
    result_text(set, server->reason);
    result_row_end(set);
}

void show_servers(struct request *request, struct reply *reply)
{
    struct figures figures;
    struct topology *topology = topology_current();
    figures_take(request->asker->context->workers, &figures);
    for (size_t i = 0; i < topology->count; i++)
        server_row(&reply->set, &topology->servers[i], &figures, i);
    topology_unref(topology);
}

/* ---- SHOW POOL ---- */

const struct column pool_columns[] = {
    {"server", COLUMN_TEXT}, {"user", COLUMN_TEXT}, {"state", COLUMN_TEXT}, {"count", COLUMN_NUMBER}};

struct pool_rows {
    struct pool_row *rows; /* owned */
    size_t count;
    bool failed;
};

static void gather(struct pool_rows *all, struct worker *worker)
{
    struct pool_row *rows = NULL;
    size_t count = worker_pools(worker, &rows);
    struct pool_row *larger = rows ? reallocarray(all->rows, all->count + count + 1, sizeof *rows) : NULL;
    if (larger) {
        all->rows = larger;
        memcpy(larger + all->count, rows, count * sizeof *rows);
        all->count += count;
    } else {
        all->failed = true;
    }
    free(rows);
}

static int by_server_and_user(const void *a, const void *b)
{
    const struct pool_row *one = a, *other = b;
    int order = strcmp(one->server, other->server);
    return order ? order : strcmp(one->user, other->user);
}

static void state_rows(struct result_set *set, const struct pool_row *sum)
{
    const struct {
        const char *state;
        unsigned count;
    } states[] = {
        {"connecting", sum->connecting}, {"idle", sum->idle}, {"busy", sum->busy}, {"held", sum->held}};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (states[i].count == 0)
            continue;
        result_text(set, sum->server);
        result_text(set, sum->user);
        result_text(set, states[i].state);
        result_number(set, states[i].count);
        result_row_end(set);
    }
}

void show_pool(struct request *request, struct reply *reply)
{
    const struct worker_shared *workers = request->asker->context->workers;
    struct pool_rows all = {0};
    for (unsigned i = 0; i < workers->workers_count; i++)
        gather(&all, workers->workers[i]);
    if (all.count)
        qsort(all.rows, all.count, sizeof *all.rows, by_server_and_user);
    for (size_t i = 0; i < all.count;) {
        struct pool_row sum = all.rows[i++];
        for (; i < all.count && by_server_and_user(&sum, &all.rows[i]) == 0; i++) {
            sum.connecting += all.rows[i].connecting;
            sum.idle += all.rows[i].idle;
            sum.busy += all.rows[i].busy;
            sum.held += all.rows[i].held;
        }
        state_rows(&reply->set, &sum);
    }
    reply->set.failed |= all.failed;
    free(all.rows);
}
