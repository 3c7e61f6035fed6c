/*
 * main.c - wiring: command line, configuration, listeners, signals, the order of beginning and end.
 *
 *   config ─> log ─> limits ─> TLS ─> listeners ─> monitor ─> workers ─> admin ─> accept loop
 *   SIGHUP: a new configuration for the monitor, which publishes it with the next topology
 *   SIGTERM, SIGINT: no more accepting, sessions end as they become idle, at the latest after
 * shutdown_timeout
 */
#include <errno.h>
#include <ev.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pointsman/admin/admin.h"
#include "pointsman/base/clock.h"
#include "pointsman/base/log.h"
#include "pointsman/config/config.h"
#include "pointsman/monitor/monitor.h"
#include "pointsman/net/listen.h"
#include "pointsman/net/login_key.h"
#include "pointsman/net/tls.h"
#include "pointsman/session/worker.h"
#include "pointsman/topology/topology.h"

enum { EXIT_ASKED = 0, EXIT_CONFIG = 1, EXIT_START = 2, ACCEPT_BATCH = 64, LISTENERS_MAX = 16 };

struct program {
    struct config *config;       /* referenced; changed by reload, under its lock */
    struct config *started_with; /* referenced; its addresses are those that we listen on */
    pthread_mutex_t reloading;
    struct ev_loop *loop;
    struct worker_shared workers;
    ev_io listeners[LISTENERS_MAX];
    size_t listeners_count;
    ev_signal on_term, on_int, on_hup;
    ev_timer patience, drain_check;
    bool stopping;
};

static struct program program;

/* ---- accepting ---- */

static struct worker *least_loaded(void)
{
    struct worker *best = program.workers.workers[0];
    for (unsigned i = 1; i < program.workers.workers_count; i++)
        if (atomic_load_explicit(&program.workers.workers[i]->figures.given, memory_order_relaxed) <
            atomic_load_explicit(&best->figures.given, memory_order_relaxed))
            best = program.workers.workers[i];
    return best;
}

static void on_accept(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    char peer[64];
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = listen_accept(watcher->fd, peer, sizeof peer);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                log_event(LOG_ERROR, "accept-failed", strerror(errno));
            return;
        }
        if (!worker_give(least_loaded(), fd, *peer ? peer : NULL))
            close(fd);
    }
}

static bool open_listeners(const struct config *config)
{
    for (size_t i = 0; i < config->listen_count && i < LISTENERS_MAX; i++) {
        int fd = listen_open(&config->listen[i]);
        if (fd < 0) {
            fprintf(stderr, "pointsman: cannot listen on %s: %s\n", config->listen[i].text, strerror(errno));
            return false;
        }
        ev_io_init(&program.listeners[i], on_accept, fd, EV_READ);
        program.listeners_count++;
    }
    return true;
}

static void close_listeners(void)
{
    for (size_t i = 0; i < program.listeners_count; i++) {
        ev_io_stop(program.loop, &program.listeners[i]);
        listen_close(program.listeners[i].fd, &program.started_with->listen[i]);
    }
    program.listeners_count = 0;
}

/* ---- reload ---- */

/* A new picture of the servers, and new contexts for new connections; or, with why, neither. */
static bool take(struct config *fresh, char *why, size_t size)
{
    struct tls *last = tls_current(), *tls = tls_load(fresh, last, why, size);
    if (!tls) {
        tls_unref(last);
        return false;
    }
    tls_publish(
        tls); /* first: connections that the new picture closes are opened again by the new contexts */
    bool good = monitor_reload(fresh);
    if (good)
        tls_unref(last);
    else
        tls_publish(last);
    return good;
}

/* Called by SIGHUP and by the console: what is wrong, or what waits for a restart, goes to text. */
static bool reload(char *text, size_t size)
{
    pthread_mutex_lock(&program.reloading);
    char *faults = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&faults, &length);
    struct config *fresh = to ? config_load(program.config->path, to) : NULL;
    if (to)
        fclose(to);
    snprintf(text, size, "%s", faults ? faults : "out of memory");
    free(faults);
    bool good = fresh && take(fresh, text, size);
    if (good) {
        config_restart_only(program.config, fresh, text, size);
        log_setup((enum log_level)fresh->log_level, (enum log_format)fresh->log_format);
        struct config *old = program.config;
        program.config = fresh;
        fresh = old;
    }
    config_unref(fresh);
    pthread_mutex_unlock(&program.reloading);
    return good;
}

static void on_hup(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
    char text[2048];
    if (reload(text, sizeof text))
        log_event(LOG_INFO, "reloaded", *text ? "some of it takes effect only at a restart" : NULL,
                  log_text("restart", *text ? text : NULL));
    else
        log_event(LOG_ERROR, "reload-failed", "the configuration is faulty; nothing was changed",
                  log_text("why", text));
}

/* ---- the end ---- */

static void stop_workers(bool at_once)
{
    for (unsigned i = 0; i < program.workers.workers_count; i++)
        worker_stop(program.workers.workers[i], at_once);
}

static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)timer, (void)events;
    log_event(LOG_WARNING, "shutdown-timeout", "sessions that still run are ended");
    stop_workers(true);
}

static void on_drain_check(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    if (atomic_load(&program.workers.clients) == 0)
        ev_break(loop, EVBREAK_ALL);
}

static void on_stop(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)watcher, (void)events;
    if (program.stopping) {
        log_event(LOG_WARNING, "stopping-at-once", NULL);
        _exit(EXIT_ASKED);
    }
    program.stopping = true;
    atomic_store(&program.workers.stopping, true);
    log_event(LOG_INFO, "stopping", NULL, log_number("clients", atomic_load(&program.workers.clients)));
    close_listeners();
    stop_workers(false);
    ev_timer_init(&program.patience, on_patience, program.config->shutdown_timeout / 1000.0, 0.);
    ev_timer_start(loop, &program.patience);
    ev_timer_init(&program.drain_check, on_drain_check, 0., 0.02);
    ev_timer_start(loop, &program.drain_check);
}

/* ---- the beginning ---- */

/* Half of the cores: one relays tens of thousands of statements a second, and the kernel's share of the
 * network's work, which is the larger one, wants cores too. Measured (docs/adr): more threads cost more for
 * each statement. */
static unsigned workers_wanted(const struct config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned half = cores > 8 ? 4 : cores < 2 ? 1 : (unsigned)cores / 2;
    return config->workers == CONFIG_AUTO  ? half
           : config->workers > WORKERS_MAX ? WORKERS_MAX
                                           : config->workers;
}

/* As many files as the configuration can come to need; what is missing is said. */
static void raise_limits(const struct config *config)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    rlim_t per_server = config->max_per_server ? config->max_per_server : 256;
    rlim_t wanted = config->max_connections + per_server * config->servers_count + 256;
    limit.rlim_cur = limit.rlim_max;
    if (wanted > limit.rlim_max && geteuid() == 0)
        limit.rlim_cur = limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
        log_event(LOG_WARNING, "too-few-files",
                  "max_connections and the pools can need more open files than allowed",
                  log_number("allowed", (int64_t)limit.rlim_cur), log_number("needed", (int64_t)wanted));
}

static bool start_workers(const struct config *config)
{
    unsigned count = workers_wanted(config);
    for (unsigned i = 0; i < count; i++) {
        program.workers.workers[i] = worker_start(i, &program.workers);
        if (!program.workers.workers[i])
            return false;
        program.workers.workers_count++;
    }
    return true;
}

static bool start_tls(const struct config *config)
{
    char why[256];
    struct tls *tls = tls_load(config, NULL, why, sizeof why);
    if (tls)
        tls_publish(tls);
    else
        fprintf(stderr, "pointsman: %s\n", why);
    return tls != NULL;
}

static void start_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    ev_signal_init(&program.on_term, on_stop, SIGTERM);
    ev_signal_init(&program.on_int, on_stop, SIGINT);
    ev_signal_init(&program.on_hup, on_hup, SIGHUP);
    ev_signal_start(program.loop, &program.on_term);
    ev_signal_start(program.loop, &program.on_int);
    ev_signal_start(program.loop, &program.on_hup);
}

/* Threads are started with all signals blocked, so that only the main loop gets them. */
static bool start_threads(struct config *config)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    struct admin_context context = {.workers = &program.workers, .reload = reload};
    bool started = monitor_start(config) && start_workers(config) && admin_start(config, &context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void stop_all(void)
{
    admin_stop();
    monitor_stop(); /* before the workers: it tells them what it sees */
    stop_workers(true);
    for (unsigned i = 0; i < program.workers.workers_count; i++)
        worker_join(program.workers.workers[i]);
}

static int run(struct config *config)
{
    program.config = config;
    program.started_with = config_ref(config);
    program.loop = ev_default_loop(EVFLAG_NOENV);
    pthread_mutex_init(&program.reloading, NULL);
    log_setup((enum log_level)config->log_level, (enum log_format)config->log_format);
    prctl(PR_SET_DUMPABLE, 0); /* passwords must not reach a core dump */
    raise_limits(config);
    if (!program.loop || !start_tls(config) || !open_listeners(config)) {
        close_listeners();
        return EXIT_START;
    }
    start_signals();
    if (!start_threads(config)) {
        log_event(LOG_ERROR, "start-failed", NULL);
        close_listeners();
        return EXIT_START;
    }
    login_key_start();
    for (size_t i = 0; i < program.listeners_count; i++)
        ev_io_start(program.loop, &program.listeners[i]);
    log_event(LOG_INFO, "started", NULL, log_text("version", POINTSMAN_VERSION),
              log_text("listen", config->listen[0].text),
              log_number("workers", program.workers.workers_count));
    ev_run(program.loop, 0);
    stop_all();
    login_key_stop();
    log_event(LOG_INFO, "stopped", NULL);
    tls_publish(NULL);
    config_unref(program.config);
    config_unref(program.started_with);
    return EXIT_ASKED;
}

/* ---- command line ---- */

static void print_usage(FILE *to)
{
    fputs("pointsman - a read/write-splitting proxy for MySQL and MariaDB\n"
          "\n"
          "  pointsman [--config FILE]           run; default /etc/pointsman/pointsman.ini\n"
          "  pointsman --check [--config FILE]   read the whole file, print every fault, start nothing\n"
          "  pointsman --version | --help\n"
          "\n",
          to);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},      {"help", no_argument, NULL, 'h'},
        {"print-sample", no_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
    /* A watcher that waits for a server's TLS isn't waited for at the end: it must not lose the library. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    const char *path = "/etc/pointsman/pointsman.ini";
    bool check = false;
    for (int c; (c = getopt_long(argc, argv, "c:", options, NULL)) != -1;) {
        switch (c) {
        case 'c': path = optarg; break;
        case 'k': check = true; break;
        case 'v': puts("pointsman " POINTSMAN_VERSION); return 0;
        case 'h':
            print_usage(stdout);
            config_print_help(stdout);
            return 0;
        case 's': config_print_sample(stdout); return 0;
        default: print_usage(stderr); return EXIT_CONFIG;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "pointsman: what is '%s'?\n", argv[optind]);
        print_usage(stderr);
        return EXIT_CONFIG;
    }
    struct config *config = config_load(path, check ? stdout : stderr);
    if (!config)
        return EXIT_CONFIG;
    if (check) {
        config_unref(config);
        return 0;
    }
    return run(config);
}
