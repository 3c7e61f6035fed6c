/*
 * libserver.c - one server of a set: its files, its arguments, its process.
 *
 *   server_prepare ──> server_spawn ──> server_await ──> kill, shut down, freeze … ──> cluster_launch
 *     folder, port       the server       accepts                                       (spawn, await)
 */
#include "flavour.h"
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 100, START_TIMEOUT_MS = 60000 };

/* Arguments of a command; all of them are ours to free. */
struct arguments {
    char *list[ARGUMENTS_MAX + 1];
    int count;
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *arguments, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (arguments->count == ARGUMENTS_MAX ||
        vasprintf(&arguments->list[arguments->count++], format, args) < 0)
        abort();
    va_end(args);
}

/* A server that is light and leaves no file outside its folder. */
static const char *const usual[] = {
    "--bind-address=127.0.0.1",
    "--log-bin=binlog",
    "--relay-log=relay",
    "--sync-binlog=0",
    "--innodb-flush-log-at-trx-commit=2", /* not 0: what was acknowledged must survive kill -9 */
    "--innodb-buffer-pool-size=24M",
    "--innodb-use-native-aio=0", /* the kernel's aio slots are few, and shared by all sets */
    "--key-buffer-size=1M",
    "--table-open-cache=400",
    "--open-files-limit=4096",
    "--log-bin-trust-function-creators=1", /* tests make functions that write */
    "--log-output=FILE",
    NULL,
};

static void add_list(struct arguments *arguments, const char *const *list)
{
    for (; list && *list; list++)
        add(arguments, "%s", *list);
}

static void add_options(struct arguments *arguments, const struct flavour *flavour,
                        const struct cluster_options *options)
{
    add(arguments, "--max-connections=%d", options->max_connections ? options->max_connections : 400);
    add(arguments, "--performance-schema=%d", options->performance_schema);
    if (options->semi_sync)
        add_list(arguments, flavour->semi_sync);
    if (options->durable) {
        add(arguments, "--sync-binlog=1");
        add(arguments, "--innodb-flush-log-at-trx-commit=1");
    }
    if (options->skip_name_resolve)
        add(arguments, "--skip-name-resolve");
    add_list(arguments, options->args);
}

static void server_arguments(struct arguments *arguments, const struct cluster *cluster, int server)
{
    const struct cluster_server *it = &cluster->server[server];
    arguments->list[arguments->count++] = cluster->flavour->server();
    add(arguments, "--no-defaults");
    if (geteuid() == 0)
        add(arguments, "--user=root");
    add(arguments, "--datadir=%s/data", it->directory);
    add(arguments, "--tmpdir=%s/tmp", it->directory);
    add(arguments, "--pid-file=%s/pid", it->directory);
    add(arguments, "--log-error=%s/error.log", it->directory);
    add(arguments, "--socket=%s", it->socket);
    add(arguments, "--port=%d", it->port);
    add(arguments, "--server-id=%d", server + 1);
    add(arguments, "--report-host=127.0.0.1");
    add(arguments, "--report-port=%d", it->port);
    add(arguments, "--%s=%d", cluster->flavour->read_only, it->read_only);
    add(arguments, "%s", cluster->flavour->redo_size);
    add_list(arguments, usual);
    add_list(arguments, cluster->flavour->usual);
    add(arguments, "--general-log-file=%s", it->log);
    add(arguments, "--general-log=%d", !cluster->options.no_general_log);
    add_options(arguments, cluster->flavour, &cluster->options);
}

bool server_prepare(struct cluster *cluster, int server)
{
    struct cluster_server *it = &cluster->server[server];
    it->flavour = cluster->flavour;
    it->read_only = server > 0;
    it->directory = text_printf("%s/db%d", cluster->directory, server + 1);
    it->socket = text_printf("%s/socket", it->directory);
    it->log = text_printf("%s/general.log", it->directory);
    char *data = text_printf("%s/data", it->directory), *tmp = text_printf("%s/tmp", it->directory);
    bool made = general_log_prepare(it) && mkdir(it->directory, 0755) == 0 && mkdir(tmp, 0755) == 0 &&
                template_copy(cluster->template, data, cluster->guard) &&
                (it->port = port_take(&it->port_claim)) != 0;
    free(data);
    free(tmp);
    return made;
}

bool server_spawn(struct cluster *cluster, int server)
{
    struct cluster_server *it = &cluster->server[server];
    struct arguments arguments = {.count = 0};
    char *log = text_printf("%s/error.log", it->directory);
    const struct process_setting setting = {.log = log, .guard = cluster->guard};
    server_arguments(&arguments, cluster, server);
    it->pid = process_start((const char *const *)arguments.list, &setting);
    for (int i = 0; i < arguments.count; i++)
        free(arguments.list[i]);
    free(log);
    return it->pid != 0;
}

/* Waiting for a server to accept, or to end. */
struct arrival {
    struct cluster_server *server;
    bool ended;
};

static bool arrived(void *arg)
{
    struct arrival *arrival = arg;
    struct cluster_server *it = arrival->server;
    if (process_wait(it->pid, 0, NULL)) {
        it->pid = 0;
        arrival->ended = true;
        return true;
    }
    MYSQL *connection = sql_connect(it->socket, 0, &cluster_root, NULL, CLIENT_MULTI_STATEMENTS);
    if (connection && !it->root)
        it->root = connection;
    else if (connection)
        mysql_close(connection);
    return connection;
}

bool server_await(struct cluster *cluster, int server)
{
    struct arrival arrival = {.server = &cluster->server[server]};
    if (wait_for(arrived, &arrival, START_TIMEOUT_MS) && !arrival.ended)
        return true;
    char *path = text_printf("%s/error.log", arrival.server->directory), *tail = text_from(path, -4000);
    complain("server %d %s:\n%s", server, arrival.ended ? "ended" : "doesn't come up", tail ? tail : "");
    free(tail);
    free(path);
    return false;
}

void server_done(struct cluster_server *server)
{
    if (server->root)
        mysql_close(server->root);
    if (server->pid && kill(server->pid, SIGKILL) == 0)
        process_wait(server->pid, -1, NULL);
    if (server->port)
        close(server->port_claim);
    general_log_done(server);
    free(server->directory);
    free(server->socket);
    free(server->log);
}

/* --- breaking --- */

/* Ends a server and forgets the connection to it, which is of no use any more. */
static bool end_by(struct cluster *cluster, int server, int signal_number, int timeout_ms)
{
    struct cluster_server *it = &cluster->server[server];
    if (!it->pid || kill(it->pid, signal_number) < 0 || !process_wait(it->pid, timeout_ms, NULL)) {
        complain("server %d could not be ended", server);
        return false;
    }
    it->pid = 0;
    it->frozen = false;
    if (it->root)
        mysql_close(it->root);
    it->root = NULL;
    return true;
}

bool cluster_kill(struct cluster *cluster, int server)
{
    return end_by(cluster, server, SIGKILL, 10000);
}

bool cluster_shut_down(struct cluster *cluster, int server)
{
    return end_by(cluster, server, SIGTERM, 30000);
}

bool cluster_freeze(struct cluster *cluster, int server)
{
    struct cluster_server *it = &cluster->server[server];
    int status;
    /* SIGSTOP reaches a process's threads one by one: it stands still when its parent is told. */
    if (!it->pid || kill(it->pid, SIGSTOP) < 0 || waitpid(it->pid, &status, WUNTRACED) != it->pid)
        return false;
    it->frozen = WIFSTOPPED(status);
    if (!it->frozen)
        it->pid = 0;
    return it->frozen;
}

bool cluster_thaw(struct cluster *cluster, int server)
{
    struct cluster_server *it = &cluster->server[server];
    int status;
    if (!it->pid || !it->frozen || kill(it->pid, SIGCONT) < 0 ||
        waitpid(it->pid, &status, WCONTINUED) != it->pid)
        return false;
    it->frozen = false;
    return true;
}

bool cluster_launch(struct cluster *cluster, int server)
{
    if (cluster->server[server].pid) {
        complain("server %d runs already", server);
        return false;
    }
    return server_spawn(cluster, server) && server_await(cluster, server);
}
