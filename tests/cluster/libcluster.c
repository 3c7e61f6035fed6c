/*
 * libcluster.c - the set as a whole: bringing it up, replication among its servers, taking it down.
 *
 *   cluster_start: folder ─> guard ─> prepare all ─> spawn all ─> await all ─> follow all ─> all in sync
 */
#include "flavour.h"
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

/* A column of a replica's status; free() it. */
static char *status_of(struct cluster *cluster, int server, const char *column)
{
    MYSQL *connection = cluster->server[server].root;
    return connection ? sql_column(connection, cluster->dialect->status, column) : NULL;
}

static bool thread_is(struct cluster *cluster, int server, const char *column, bool run)
{
    char *value = status_of(cluster, server, column);
    bool is = value && (strcmp(value, "No") != 0) == run;
    free(value);
    return is;
}

static bool threads_are(void *arg)
{
    const struct watched *it = arg;
    const struct cluster_dialect *dialect = it->cluster->dialect;
    return (it->thread == CLUSTER_IO_THREAD ||
            thread_is(it->cluster, it->server, dialect->sql_running, it->run)) &&
           (it->thread == CLUSTER_SQL_THREAD ||
            thread_is(it->cluster, it->server, dialect->io_running, it->run));
}

static bool receives(void *arg)
{
    const struct watched *it = arg;
    char *value = status_of(it->cluster, it->server, it->cluster->dialect->io_running);
    bool yes = value && strcmp(value, "Yes") == 0;
    free(value);
    return yes;
}

static bool connected_to_first(struct cluster *cluster, int server)
{
    struct watched it = {.cluster = cluster, .server = server};
    if (server == 0 || wait_for(receives, &it, REPLICATION_TIMEOUT_MS))
        return true;
    char *why = status_of(cluster, server, "Last_IO_Error");
    complain("server %d doesn't replicate: %s", server, why ? why : "");
    free(why);
    return false;
}

static bool all_acknowledge(void *arg)
{
    const struct cluster *cluster = arg;
    char *clients = sql_column(cluster->server[0].root, "SHOW STATUS LIKE 'Rpl\\_semi\\_sync\\_%\\_clients'",
                               "Value");
    bool all = clients && atoi(clients) == cluster->count - 1;
    free(clients);
    return all;
}

static bool bring_up(struct cluster *cluster)
{
    return make_directory(cluster) &&
           (cluster->template = template_ready(cluster->flavour, cluster->directory, cluster->guard)) &&
           each_server(cluster, server_prepare) && each_server(cluster, server_spawn) &&
           each_server(cluster, server_await) && each_server(cluster, follow_first) &&
           each_server(cluster, connected_to_first) && cluster_sync(cluster, 0, REPLICATION_TIMEOUT_MS) &&
           (!cluster->options.semi_sync || wait_for(all_acknowledge, cluster, REPLICATION_TIMEOUT_MS));
}

struct cluster *cluster_start(const struct cluster_options *options)
{
    const struct flavour *flavour = flavour_of(options->flavour);
    if (!flavour)
        return NULL;
    if (options->servers < 0 || options->servers > CLUSTER_SERVERS_MAX) {
        complain("a set has 1 to %d servers, not %d", CLUSTER_SERVERS_MAX, options->servers);
        return NULL;
    }
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (!cluster)
        return NULL;
    cluster->options = *options;
    cluster->options.flavour = flavour == &flavour_mysql ? CLUSTER_MYSQL : CLUSTER_MARIADB;
    cluster->flavour = flavour;
    cluster->dialect = &flavour->dialect;
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
    return cluster_sql(cluster, server, "%s %s %s", run ? "START" : "STOP", cluster->dialect->replica,
                       names[thread]) == 0 &&
           wait_for(threads_are, &it, REPLICATION_TIMEOUT_MS);
}

bool cluster_delay(struct cluster *cluster, int server, int seconds)
{
    struct watched it = {.cluster = cluster, .server = server, .thread = CLUSTER_BOTH_THREADS, .run = true};
    const struct cluster_dialect *dialect = cluster->dialect;
    return cluster_sql(cluster, server, "STOP %s; CHANGE %s TO %s_DELAY = %d; START %s", dialect->replica,
                       cluster->flavour->change, dialect->source, seconds, dialect->replica) == 0 &&
           wait_for(threads_are, &it, REPLICATION_TIMEOUT_MS);
}

bool cluster_follow(struct cluster *cluster, int server, int source)
{
    const struct cluster_options *options = &cluster->options;
    const struct flavour *flavour = cluster->flavour;
    const char *to = cluster->dialect->source, *replica = cluster->dialect->replica;
    char *heartbeat = options->heartbeat_ms
                          ? text_printf(", %s_HEARTBEAT_PERIOD = %.3f", to, options->heartbeat_ms / 1000.0)
                          : text_printf("%s", "");
    unsigned error = cluster_sql(
        cluster, server,
        "STOP %s; %s; CHANGE %s TO %s_HOST = '127.0.0.1', %s_PORT = %d, %s_USER = '%s', %s_PASSWORD = '%s',"
        " %s_CONNECT_RETRY = %d, %s%s; START %s",
        replica, flavour->before_following, flavour->change, to, to, cluster->server[source].port, to,
        cluster_monitor.user, to, cluster_monitor.password, to,
        options->connect_retry_s ? options->connect_retry_s : 1, flavour->following, heartbeat, replica);
    free(heartbeat);
    return error == 0;
}

bool cluster_unfollow(struct cluster *cluster, int server)
{
    const char *replica = cluster->dialect->replica;
    return cluster_sql(cluster, server, "STOP %s; RESET %s ALL", replica, replica) == 0;
}

bool cluster_read_only(struct cluster *cluster, int server, bool read_only)
{
    /* Where there are two, the stronger one is set with the other, which takes it away with itself. */
    const char *variable = read_only ? cluster->flavour->read_only : "read_only";
    return cluster_sql(cluster, server, "SET GLOBAL %s = %d", variable, read_only) == 0;
}

/* Whether a running server is a replica at all. */
static bool is_replica(struct cluster *cluster, int server)
{
    const struct cluster_server *it = &cluster->server[server];
    if (!it->pid || it->frozen || !it->root)
        return false;
    char *value = status_of(cluster, server, cluster->dialect->source_port);
    bool is = value != NULL;
    free(value);
    return is;
}

static void complain_late(struct cluster *cluster, int server, const char *position)
{
    MYSQL *root = cluster->server[server].root;
    char *reached = root ? sql_value(root, "SELECT %s", cluster->flavour->reached) : NULL;
    char *io = status_of(cluster, server, "Last_IO_Error");
    char *sql = status_of(cluster, server, "Last_SQL_Error");
    complain("server %d is at %s, not at %s: %s %s", server, reached ? reached : "", position, io ? io : "",
             sql ? sql : "");
    free(reached);
    free(io);
    free(sql);
}

bool cluster_sync(struct cluster *cluster, int source, int timeout_ms)
{
    int64_t end = monotonic_us() + (int64_t)timeout_ms * 1000;
    char *position = cluster_value(cluster, source, "SELECT %s", cluster->flavour->position);
    bool all = position != NULL;
    for (int i = 0; all && i < cluster->count; i++) {
        if (i == source || !is_replica(cluster, i))
            continue;
        /* Not 0, by which MySQL waits for ever. */
        double left_s = (double)(end - monotonic_us()) / 1e6;
        char *result = cluster_value(cluster, i, "SELECT %s('%s', %.3f)", cluster->flavour->wait, position,
                                     left_s > 0.001 ? left_s : 0.001);
        all = result && strcmp(result, "0") == 0;
        if (!all)
            complain_late(cluster, i, position);
        free(result);
    }
    free(position);
    return all;
}
