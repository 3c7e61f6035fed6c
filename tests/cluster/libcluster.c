/*
 * libcluster.c - the set as a whole: bringing it up, replication among its servers, taking it down.
 *
 *   cluster_start: folder ─> guard ─> prepare all ─> spawn all ─> await all ─> follow all ─> all in sync
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPLICATION_TIMEOUT_MS = 10000 };

/* What a condition on one server looks at. */
struct watched {
    struct cluster *cluster;
    int server;
    enum cluster_thread thread;
    bool run;
};

/* Makes the folder and who removes it. */
static bool make_directory(struct cluster *cluster)
{
    const char *asked = cluster->options.directory, *tmp = getenv("TMPDIR");
    char *path = asked ? text_printf("%s", asked) : text_printf("%s/pointsman-XXXXXX", tmp ? tmp : "/tmp");
    bool made = asked ? mkdir(path, 0755) == 0 : mkdtemp(path) != NULL;
    cluster->directory = made ? realpath(path, NULL) : NULL;
    cluster->guard = cluster->directory ? guard_start(cluster->directory) : NULL;
    if (!cluster->guard)
        complain("%s: %s", path, strerror(errno));
    if (made && !cluster->guard)
        rmdir(path);
    free(path);
    return cluster->guard != NULL;
}

static bool each_server(struct cluster *cluster, bool (*step)(struct cluster *cluster, int server))
{
    bool done = true;
    for (int i = 0; done && i < cluster->count; i++)
        done = step(cluster, i);
    return done;
}

static bool follow_first(struct cluster *cluster, int server)
{
    return server == 0 || cluster_follow(cluster, server, 0);
}

static bool thread_is(struct cluster *cluster, int server, const char *column, bool run)
{
    MYSQL *connection = cluster->server[server].root;
    char *value = connection ? sql_column(connection, "SHOW SLAVE STATUS", column) : NULL;
    bool is = value && (strcmp(value, "No") != 0) == run;
    free(value);
    return is;
}

static bool threads_are(void *arg)
{
    const struct watched *it = arg;
    return (it->thread == CLUSTER_IO_THREAD ||
            thread_is(it->cluster, it->server, "Slave_SQL_Running", it->run)) &&
           (it->thread == CLUSTER_SQL_THREAD ||
            thread_is(it->cluster, it->server, "Slave_IO_Running", it->run));
}

static bool receives(void *arg)
{
    const struct watched *it = arg;
    char *value = sql_column(it->cluster->server[it->server].root, "SHOW SLAVE STATUS", "Slave_IO_Running");
    bool yes = value && strcmp(value, "Yes") == 0;
    free(value);
    return yes;
}

static bool connected_to_first(struct cluster *cluster, int server)
{
    struct watched it = {.cluster = cluster, .server = server};
    if (server == 0 || wait_for(receives, &it, REPLICATION_TIMEOUT_MS))
        return true;
    char *why = sql_column(cluster->server[server].root, "SHOW SLAVE STATUS", "Last_IO_Error");
    complain("server %d doesn't replicate: %s", server, why ? why : "");
    free(why);
    return false;
}

static bool all_acknowledge(void *arg)
{
    const struct cluster *cluster = arg;
    return sql_number(cluster->server[0].root,
                      "SELECT variable_value FROM information_schema.global_status"
                      " WHERE variable_name = 'Rpl_semi_sync_master_clients'") == cluster->count - 1;
}

static bool bring_up(struct cluster *cluster)
{
    return make_directory(cluster) &&
           (cluster->template = template_ready(cluster->directory, cluster->guard)) &&
           each_server(cluster, server_prepare) && each_server(cluster, server_spawn) &&
           each_server(cluster, server_await) && each_server(cluster, follow_first) &&
           each_server(cluster, connected_to_first) && cluster_sync(cluster, 0, REPLICATION_TIMEOUT_MS) &&
           (!cluster->options.semi_sync || wait_for(all_acknowledge, cluster, REPLICATION_TIMEOUT_MS));
}

struct cluster *cluster_start(const struct cluster_options *options)
{
    if (options->flavour != CLUSTER_MARIADB) {
        complain("sets of MySQL servers are not supported yet, only MariaDB");
        return NULL;
    }
    if (options->servers < 0 || options->servers > CLUSTER_SERVERS_MAX) {
        complain("a set has 1 to %d servers, not %d", CLUSTER_SERVERS_MAX, options->servers);
        return NULL;
    }
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (!cluster)
        return NULL;
    cluster->options = *options;
    cluster->count = options->servers ? options->servers : 3;
    if (bring_up(cluster))
        return cluster;
    cluster_stop(cluster);
    return NULL;
}

void cluster_stop(struct cluster *cluster)
{
    if (!cluster)
        return;
    guard_stop(cluster->guard, cluster->directory);
    for (int i = 0; i < cluster->count; i++)
        server_done(&cluster->server[i]);
    free(cluster->template);
    free(cluster->directory);
    free(cluster);
}

/* --- replication --- */

bool cluster_replication(struct cluster *cluster, int server, enum cluster_thread thread, bool run)
{
    static const char *const names[] = {"SQL_THREAD", "IO_THREAD", ""};
    struct watched it = {.cluster = cluster, .server = server, .thread = thread, .run = run};
    return cluster_sql(cluster, server, "%s SLAVE %s", run ? "START" : "STOP", names[thread]) == 0 &&
           wait_for(threads_are, &it, REPLICATION_TIMEOUT_MS);
}

bool cluster_delay(struct cluster *cluster, int server, int seconds)
{
    struct watched it = {.cluster = cluster, .server = server, .thread = CLUSTER_BOTH_THREADS, .run = true};
    return cluster_sql(cluster, server, "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = %d; START SLAVE",
                       seconds) == 0 &&
           wait_for(threads_are, &it, REPLICATION_TIMEOUT_MS);
}

bool cluster_follow(struct cluster *cluster, int server, int source)
{
    const struct cluster_options *options = &cluster->options;
    char *heartbeat = options->heartbeat_ms
                          ? text_printf(", MASTER_HEARTBEAT_PERIOD = %.3f", options->heartbeat_ms / 1000.0)
                          : text_printf("%s", "");
    unsigned error = cluster_sql(
        cluster, server,
        "STOP SLAVE; SET GLOBAL gtid_slave_pos = @@gtid_current_pos;"
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = %d, MASTER_USER = '%s',"
        " MASTER_PASSWORD = '%s', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = %d%s;"
        "START SLAVE",
        cluster->server[source].port, cluster_monitor.user, cluster_monitor.password,
        options->connect_retry_s ? options->connect_retry_s : 1, heartbeat);
    free(heartbeat);
    return error == 0;
}

/* Whether a running server is a replica at all. */
static bool is_replica(struct cluster *cluster, int server)
{
    const struct cluster_server *it = &cluster->server[server];
    if (!it->pid || it->frozen || !it->root)
        return false;
    char *value = sql_column(it->root, "SHOW SLAVE STATUS", "Master_Port");
    bool is = value != NULL;
    free(value);
    return is;
}

static void complain_late(struct cluster *cluster, int server, const char *position)
{
    MYSQL *root = cluster->server[server].root;
    char *reached = sql_value(root, "SELECT @@GLOBAL.gtid_slave_pos");
    char *io = sql_column(root, "SHOW SLAVE STATUS", "Last_IO_Error");
    char *sql = sql_column(root, "SHOW SLAVE STATUS", "Last_SQL_Error");
    complain("server %d is at %s, not at %s: %s %s", server, reached ? reached : "", position, io ? io : "",
             sql ? sql : "");
    free(reached);
    free(io);
    free(sql);
}

bool cluster_sync(struct cluster *cluster, int source, int timeout_ms)
{
    int64_t end = monotonic_us() + (int64_t)timeout_ms * 1000;
    char *position = cluster_value(cluster, source, "SELECT @@GLOBAL.gtid_current_pos");
    bool all = position != NULL;
    for (int i = 0; all && i < cluster->count; i++) {
        if (i == source || !is_replica(cluster, i))
            continue;
        double left_s = (double)(end - monotonic_us()) / 1e6;
        char *result = cluster_value(cluster, i, "SELECT MASTER_GTID_WAIT('%s', %.3f)", position,
                                     left_s > 0 ? left_s : 0);
        all = result && strcmp(result, "0") == 0;
        if (!all)
            complain_late(cluster, i, position);
        free(result);
    }
    free(position);
    return all;
}
