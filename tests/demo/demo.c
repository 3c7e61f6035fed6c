/*
 * demo.c - `make demo`: a replication set, the proxy in front of it and a busy shop, to look at and to play
 * with.
 *
 *   start servers ─> start the proxy ─> load the shop ─> customers come ─┬─> a table, anew every second,
 *                                                                        │   with things to try from SHOW_S
 * on └─> --check: CHECK_S, then the verdict Ctrl-C or SIGTERM: customers leave, the proxy drains, servers
 * end, the folder goes
 *
 * A server that is killed while one plays is started again after RETURN_S.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "shop.h"
#include "table.h"
#include "verdict.h"

enum { CUSTOMERS = 6, CHECK_S = 4, SHOW_S = 10, RETURN_S = 10, LINES_MAX = 100 };

struct demo {
    bool check;
    bool terminal;
    sigset_t endings; /* the signals that end us, blocked */
    struct cluster *cluster;
    struct pointsman *proxy;
    struct shop *shop;
    long marks[CLUSTER_SERVERS_MAX]; /* in the general logs, before customers come */
    int64_t opened_us;
    int64_t gone_us[CLUSTER_SERVERS_MAX]; /* since when a server is seen dead; 0: it lives */
    struct table before;
    int drawn; /* lines on the terminal that the next drawing replaces */
};

static void say(const char *text)
{
    printf("%s\n", text);
    fflush(stdout);
}

/* ---- the beginning ---- */

static bool load(struct demo *demo)
{
    MYSQL *connection = pointsman_connect(demo->proxy, &cluster_app, "shop");
    bool loaded = connection && shop_load(connection) && cluster_sync(demo->cluster, 0, 30000);
    if (!connection)
        fprintf(stderr, "demo: no login through the proxy\n");
    else
        mysql_close(connection);
    return loaded;
}

static bool begin(struct demo *demo)
{
    const struct cluster_options servers = {.no_general_log = !demo->check};
    const struct pointsman_options options = {.timeout_ms = 20000};
    say("starting a MariaDB primary and two replicas ...");
    if (!(demo->cluster = cluster_start(&servers)))
        return false;
    say("starting the proxy ...");
    if (!(demo->proxy = pointsman_start(demo->cluster, &options)))
        return false;
    for (int i = 0; i < demo->cluster->count; i++)
        demo->marks[i] = general_log_mark(&demo->cluster->server[i]);
    say("loading a small shop ...\n");
    if (!load(demo) || !(demo->shop = shop_open(demo->proxy->port, CUSTOMERS)))
        return false;
    demo->opened_us = monotonic_us();
    return true;
}

/* ---- the table ---- */

static void write_shop(FILE *to, const struct shop_tally *tally)
{
    fprintf(to, "\n  %d customers: %u pages looked at, %u orders, %u reports", CUSTOMERS,
            atomic_load(&tally->done[ACT_BROWSE]) + atomic_load(&tally->done[ACT_LOOK]),
            atomic_load(&tally->done[ACT_ORDER]), atomic_load(&tally->done[ACT_REPORT]));
    unsigned failed = atomic_load(&tally->failed);
    if (failed)
        fprintf(to, "; %u failed, the first by: %.80s", failed, tally->error);
    fputc('\n', to);
}

static void write_hints(FILE *to, const struct demo *demo)
{
    const struct pointsman *proxy = demo->proxy;
    fprintf(to,
            "\n"
            "  application   mysql://%s:%s@127.0.0.1:%d/shop\n"
            "  admin         mariadb -h 127.0.0.1 -P %d -u admin\n"
            "  figures       http://127.0.0.1:%d/metrics\n"
            "\n"
            "  Three things to try from another terminal:\n"
            "  1. See reads go round:\n"
            "     mariadb -h 127.0.0.1 -P %d -u %s -p%s shop -e 'SELECT @@server_id; SELECT @@server_id'\n"
            "  2. Ask where a statement would go, and why:\n"
            "     mariadb -h 127.0.0.1 -P %d -u admin -e 'EXPLAIN ROUTE SELECT NOW() FOR UPDATE'\n",
            cluster_app.user, cluster_app.password, proxy->port, proxy->admin_port, proxy->http_port,
            proxy->port, cluster_app.user, cluster_app.password, proxy->admin_port);
    const struct cluster_server *victim = &demo->cluster->server[1];
    fprintf(to, "  3. Kill a replica and watch the other take its reads; it is started again after %d s:\n",
            RETURN_S);
    if (victim->pid)
        fprintf(to, "     kill -9 %d\n", victim->pid);
    else
        fprintf(to, "     db2 is not running now\n");
    fprintf(to, "\n  Ctrl-C ends all of it and leaves nothing.\n");
}

/* On a terminal each drawing takes the place of the last one. */
static void draw(struct demo *demo, bool hints)
{
    char *text = NULL;
    size_t size;
    struct table now;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return;
    if (table_take(demo->proxy->http_port, &now)) {
        table_draw(to, &now, demo->before.taken_us ? &demo->before : NULL);
        demo->before = now;
    } else {
        fprintf(to, "  the proxy does not answer\n");
    }
    write_shop(to, shop_tally(demo->shop));
    if (hints)
        write_hints(to, demo);
    fclose(to);
    if (demo->drawn)
        printf("\033[%dA", demo->drawn);
    demo->drawn = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, demo->drawn++)
        printf("%.*s%s\n", (int)(end - line), line, demo->terminal ? "\033[K" : "");
    if (demo->terminal)
        printf("\033[J");
    else
        demo->drawn = 0;
    fflush(stdout);
    free(text);
}

/* ---- the course of it ---- */

/* Servers that were killed come back, on their data as they are. */
static void revive(struct demo *demo)
{
    for (int i = 0; i < demo->cluster->count; i++) {
        siginfo_t ended = {.si_pid = 0};
        struct cluster_server *server = &demo->cluster->server[i];
        if (server->pid && waitid(P_PID, (id_t)server->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            ended.si_pid && cluster_kill(demo->cluster, i))
            demo->gone_us[i] = monotonic_us();
        if (!server->pid && monotonic_us() - demo->gone_us[i] > RETURN_S * INT64_C(1000000))
            cluster_launch(demo->cluster, i);
    }
}

/* True if a signal said so. */
static bool ended_within(struct demo *demo, int seconds)
{
    const struct timespec time = {.tv_sec = seconds};
    return sigtimedwait(&demo->endings, NULL, &time) > 0;
}

static void play(struct demo *demo)
{
    while (!ended_within(demo, 1)) {
        int64_t open_s = (monotonic_us() - demo->opened_us) / 1000000;
        if (demo->terminal || open_s == SHOW_S)
            draw(demo, open_s >= SHOW_S);
        revive(demo);
    }
    say("\nending ...");
}

static bool check(struct demo *demo)
{
    if (ended_within(demo, CHECK_S))
        return false;
    draw(demo, false);
    unsigned failed = atomic_load(&shop_tally(demo->shop)->failed);
    bool good = verdict(demo->cluster, demo->marks) && failed == 0;
    say(good ? "demo-check: reads were spread over both replicas, writes ran on the primary only"
             : "demo-check: not as it should be");
    return good;
}

int main(int argc, char **argv)
{
    struct demo demo = {.terminal = isatty(STDOUT_FILENO)};
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "--check") != 0)) {
        fprintf(stderr, "usage: demo [--check]\n");
        return 2;
    }
    demo.check = argc == 2;
    demo.terminal &= !demo.check;
    sigemptyset(&demo.endings);
    sigaddset(&demo.endings, SIGINT);
    sigaddset(&demo.endings, SIGTERM);
    sigaddset(&demo.endings, SIGHUP);
    sigprocmask(SIG_BLOCK, &demo.endings, NULL);
    mysql_library_init(0, NULL, NULL);

    bool good = begin(&demo);
    if (good && demo.check)
        good = check(&demo);
    else if (good)
        play(&demo);
    shop_close(demo.shop);
    good &= pointsman_stop(demo.proxy) == 0;
    cluster_stop(demo.cluster);
    if (!demo.check && good)
        say("all ended, nothing is left");
    return good ? 0 : 1;
}
