/*
 * pm-cluster.c - a replication set from the shell, for as long as a command or a terminal lasts.
 *
 *   pm-cluster [OPTIONS]                 prints PM_…='…' lines, stays until Ctrl-C or the end of its input
 *   pm-cluster [OPTIONS] --run CMD ARG…  runs CMD with these in its environment; its exit status is CMD's
 *
 * Either way nothing is left at the end.
 */
#include "internal.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 64 };

static const char usage[] =
    "usage: pm-cluster [OPTIONS] [--run CMD ARG...]\n"
    "Starts a primary and its replicas in a folder of their own, and removes all of it at the end.\n\n"
    "  --mysql              MySQL's servers, as tools/mysql-root fetched them, not MariaDB's\n"
    "  --servers N          primary and N-1 replicas (3)\n"
    "  --general-log        each server logs every statement to DIR/dbN/general.log\n"
    "  --semi-sync          the primary waits for one replica's acknowledgement, AFTER_SYNC\n"
    "  --durable            commits are fsynced\n"
    "  --max-connections N  of each server (400)\n"
    "  --arg ARG            one more argument for every server; may be repeated\n"
    "  --dir DIR            the folder to make (one in $TMPDIR)\n"
    "  --pointsman          starts the proxy ($POINTSMAN, build/pointsman) in front as well\n"
    "  --ini TEXT           more of its configuration, sections with their headers\n"
    "  --run CMD ARG...     runs CMD with PM_DIR, PM_PRIMARY_PORT, PM_REPLICA1_PORT, ... in its "
    "environment;\n"
    "                       without it these are printed, and the set stays until Ctrl-C or the end of "
    "input\n";

/* What the command line asks for. */
struct wishes {
    struct cluster_options cluster;
    const char *args[ARGS_MAX + 1];
    int arg_count;
    bool pointsman;
    const char *ini; /* NULL or more of the proxy's configuration */
    char **run;      /* NULL or the command */
};

static int fail(const char *why)
{
    fprintf(stderr, "pm-cluster: %s\n%s", why, usage);
    return 1;
}

/* Exit status to end with, -1 to go on. */
static int read_wishes(int argc, char **argv, struct wishes *wishes)
{
    static const struct option known[] = {{"mysql", no_argument, NULL, 'M'},
                                          {"servers", required_argument, NULL, 's'},
                                          {"general-log", no_argument, NULL, 'g'},
                                          {"semi-sync", no_argument, NULL, 'y'},
                                          {"durable", no_argument, NULL, 'd'},
                                          {"arg", required_argument, NULL, 'a'},
                                          {"max-connections", required_argument, NULL, 'm'},
                                          {"dir", required_argument, NULL, 'D'},
                                          {"pointsman", no_argument, NULL, 'p'},
                                          {"ini", required_argument, NULL, 'i'},
                                          {"run", no_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    wishes->cluster.no_general_log = true;
    wishes->cluster.args = wishes->args;
    while (!wishes->run && (option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        switch (option) {
        case 'M': wishes->cluster.flavour = CLUSTER_MYSQL; break;
        case 's': wishes->cluster.servers = atoi(optarg); break;
        case 'g': wishes->cluster.no_general_log = false; break;
        case 'y': wishes->cluster.semi_sync = true; break;
        case 'd': wishes->cluster.durable = true; break;
        case 'm': wishes->cluster.max_connections = atoi(optarg); break;
        case 'D': wishes->cluster.directory = optarg; break;
        case 'p': wishes->pointsman = true; break;
        case 'i': wishes->ini = optarg; break;
        case 'r': wishes->run = argv + optind; break;
        case 'h': fputs(usage, stdout); return 0;
        case 'a':
            if (wishes->arg_count == ARGS_MAX)
                return fail("too many --arg");
            wishes->args[wishes->arg_count++] = optarg;
            break;
        default: return fail("what is meant?");
        }
    }
    if (wishes->run ? !*wishes->run : optind < argc)
        return fail(wishes->run ? "--run needs a command" : "commands go behind --run");
    return -1;
}

/* Variables are printed as a shell reads them, and put into the environment of --run. */
static void say(bool print, const char *name, char *value)
{
    if (print)
        printf("%s='%s'\n", name, value);
    setenv(name, value, 1);
    free(value);
}

static void say_account(bool print, const char *name, const struct cluster_account *account)
{
    char *user = text_printf("PM_%s_USER", name), *password = text_printf("PM_%s_PASSWORD", name);
    say(print, user, text_printf("%s", account->user));
    say(print, password, text_printf("%s", account->password));
    free(user);
    free(password);
}

static void say_set(bool print, const struct cluster *cluster)
{
    say(print, "PM_DIR", text_printf("%s", cluster->directory));
    say(print, "PM_SERVERS", text_printf("%d", cluster->count));
    for (int i = 0; i < cluster->count; i++) {
        char *role = i == 0 ? text_printf("PM_PRIMARY") : text_printf("PM_REPLICA%d", i);
        char *port = text_printf("%s_PORT", role), *socket = text_printf("%s_SOCKET", role);
        char *pid = text_printf("%s_PID", role);
        say(print, port, text_printf("%d", cluster->server[i].port));
        say(print, socket, text_printf("%s", cluster->server[i].socket));
        say(print, pid, text_printf("%d", cluster->server[i].pid));
        free(role);
        free(port);
        free(socket);
        free(pid);
    }
    say_account(print, "ROOT", &cluster_root);
    say_account(print, "MONITOR", &cluster_monitor);
    say_account(print, "APP", &cluster_app);
    say_account(print, "REPORT", &cluster_report);
    say(print, "PM_SCHEMA", text_printf("shop"));
}

static void say_proxy(bool print, const struct pointsman *proxy)
{
    say(print, "PM_PROXY_PORT", text_printf("%d", proxy->port));
    say(print, "PM_PROXY_SOCKET", text_printf("%s", proxy->socket));
    say(print, "PM_PROXY_PID", text_printf("%d", proxy->pid));
    say(print, "PM_ADMIN_PORT", text_printf("%d", proxy->admin_port));
    say(print, "PM_HTTP_PORT", text_printf("%d", proxy->http_port));
}

static void block_signals(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        sigaddset(ret_set, ours[i]);
    sigprocmask(SIG_BLOCK, ret_set, NULL);
}

/* Until a signal comes or the input ends; what is typed is ignored. */
static void stay(int signals)
{
    struct pollfd ends[] = {{.fd = signals, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    char typed[4096];
    do
        poll(ends, 2, -1);
    while (!ends[0].revents && (!ends[1].revents || read(STDIN_FILENO, typed, sizeof typed) > 0));
}

/* The terminal sends its signals to CMD too, which decides; only SIGTERM and SIGHUP are passed on. */
static int run_command(char **command, struct cluster *cluster, int signals)
{
    const struct process_setting setting = {.guard = cluster->guard, .foreground = true};
    int status;
    pid_t pid = process_start((const char *const *)command, &setting);
    if (!pid)
        return 127;
    while (!process_wait(pid, 100, &status)) {
        struct signalfd_siginfo caught;
        struct pollfd ready = {.fd = signals, .events = POLLIN};
        if (poll(&ready, 1, 0) > 0 && read(signals, &caught, sizeof caught) == sizeof caught &&
            (caught.ssi_signo == SIGTERM || caught.ssi_signo == SIGHUP))
            kill(pid, (int)caught.ssi_signo);
    }
    return process_status(status);
}

int main(int argc, char **argv)
{
    struct wishes wishes = {.run = NULL};
    sigset_t set;
    int status = read_wishes(argc, argv, &wishes);
    if (status >= 0)
        return status;
    const struct pointsman_options proxy_options = {.more = wishes.ini};
    block_signals(&set);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    struct cluster *cluster = cluster_start(&wishes.cluster);
    struct pointsman *proxy = cluster && wishes.pointsman ? pointsman_start(cluster, &proxy_options) : NULL;
    status = 1;
    if (cluster && (proxy || !wishes.pointsman)) {
        say_set(!wishes.run, cluster);
        if (proxy)
            say_proxy(!wishes.run, proxy);
        fflush(stdout);
        status = 0;
        if (wishes.run)
            status = run_command(wishes.run, cluster, signals);
        else
            stay(signals);
    }
    int ended = pointsman_stop(proxy);
    cluster_stop(cluster);
    return status ? status : ended;
}
