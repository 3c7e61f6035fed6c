/* figures.c - see figures.h. */
#include "figures.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "pointsman/base/clock.h"

/* ---- the single figures ---- */

static const struct figure_about abouts[FIGURES] = {
    [FIGURE_SESSIONS] = {"sessions", "Sessions there are now.", 0},
    [FIGURE_WAITING] = {"sessions_waiting", "Sessions whose statement waits for a connection or a server.",
                        0},
    [FIGURE_BYTES_IN] = {"client_received_bytes", "Bytes received from clients.", 1},
    [FIGURE_BYTES_OUT] = {"client_sent_bytes", "Bytes sent to clients.", 1},
    [FIGURE_LOGINS] = {"logins", "Logins that succeeded.", 1},
    [FIGURE_LOGIN_FAILURES] = {"login_failures", "Logins that were refused.", 1},
    [FIGURE_TLS_LOGINS] = {"tls_logins", "Logins over TLS that succeeded.", 1},
    [FIGURE_TLS_RESUMED] = {"tls_resumed", "Such logins whose TLS session was resumed.", 1},
    [FIGURE_RETRIES] = {"retries", "Statements sent again to another server after the first was lost.", 1},
    [FIGURE_HEALS] = {"heals", "Statements run again on the primary because a replica could not run them.",
                      1},
    [FIGURE_HINTS_IGNORED] = {"hints_ignored",
                              "Hints in comments that were not understood or could not be met.", 1},
    [FIGURE_WAITS] = {"waits", "Statements that had to wait for a server's connection.", 1},
    [FIGURE_SAVES] = {"saves",
                      "Times a session's last values were fetched before another one took its "
                      "connection.",
                      1},
    [FIGURE_SHARED] = {"shared", "Reads that were sent behind other sessions' reads on one connection.", 1},
    [FIGURE_REPEATS] = {"repeats", "Reads that ran once more, for the warnings or the error they leave.", 1},
    [FIGURE_CARRIES] = {"carries", "Statements ahead of which session state was sent.", 1},
    [FIGURE_OPENED] = {"backend_connects", "Connections to servers that were opened.", 1},
    [FIGURE_BACKEND_TLS] = {"backend_tls_connects", "Connections to servers that were opened over TLS.", 1},
    [FIGURE_BACKEND_RESUMED] = {"backend_tls_resumed", "Such connections whose TLS session was resumed.", 1},
    [FIGURE_FAILED] = {"backend_connect_failures", "Connections to servers that could not be opened.", 1},
};

const struct figure_about *figure_about(enum figure figure)
{
    return &abouts[figure];
}

static uint64_t counter(const atomic_ullong *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static uint64_t gauge(const atomic_uint *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* ---- adding up ---- */

static void add_counters(uint64_t *sums, const atomic_ullong *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += counter(&values[i]);
}

static void add_single(uint64_t *single, const struct worker *worker)
{
    const struct worker_figures *from = &worker->figures;
    const uint64_t values[FIGURES] = {
        [FIGURE_SESSIONS] = gauge(&from->sessions),
        [FIGURE_WAITING] = gauge(&from->waiting),
        [FIGURE_BYTES_IN] = counter(&from->bytes_in),
        [FIGURE_BYTES_OUT] = counter(&from->bytes_out),
        [FIGURE_LOGINS] = counter(&from->logins),
        [FIGURE_LOGIN_FAILURES] = counter(&from->login_failures),
        [FIGURE_TLS_LOGINS] = counter(&from->tls_logins),
        [FIGURE_TLS_RESUMED] = counter(&from->tls_resumed),
        [FIGURE_RETRIES] = counter(&from->retries),
        [FIGURE_HEALS] = counter(&from->heals),
        [FIGURE_HINTS_IGNORED] = counter(&from->hints_ignored),
        [FIGURE_WAITS] = counter(&from->waits),
        [FIGURE_SAVES] = counter(&from->saves),
        [FIGURE_SHARED] = counter(&from->shared),
        [FIGURE_REPEATS] = counter(&from->repeats),
        [FIGURE_CARRIES] = counter(&from->carries),
        [FIGURE_OPENED] = counter(&worker->pools.opened),
        [FIGURE_BACKEND_TLS] = counter(&worker->pools.secured),
        [FIGURE_BACKEND_RESUMED] = counter(&worker->pools.resumed),
        [FIGURE_FAILED] = counter(&worker->pools.failed),
    };
    for (int i = 0; i < FIGURES; i++)
        single[i] += values[i];
}

static void add_worker(struct figures *sum, const struct worker *worker)
{
    const struct worker_figures *from = &worker->figures;
    add_single(sum->single, worker);
    add_counters(sum->statements, from->statements, ROUTE_CLASSES);
    add_counters(sum->reasons[0], from->reasons[0], (size_t)ROUTE_REASONS * 2);
    add_counters(sum->server_statements, from->server_statements, TOPOLOGY_SERVERS_MAX);
    add_counters(sum->server_errors, from->server_errors, TOPOLOGY_SERVERS_MAX);
    add_counters(sum->latency[0], from->latency[0], (size_t)2 * WORKER_HISTOGRAM);
    add_counters(sum->latency_us, from->latency_us, 2);
    for (int i = 0; i < PINS; i++)
        sum->pins[i] += gauge(&from->pins[i]);
    for (int i = 0; i < TOPOLOGY_SERVERS_MAX; i++)
        sum->connections_idle[i] += gauge(&worker->pools.idle[i]);
}

void figures_take(const struct worker_shared *workers, struct figures *ret_figures)
{
    *ret_figures = (struct figures){.clients = gauge(&workers->clients)};
    for (unsigned i = 0; i < workers->workers_count; i++)
        add_worker(ret_figures, workers->workers[i]);
    for (int i = 0; i < TOPOLOGY_SERVERS_MAX; i++) {
        uint64_t idle = ret_figures->connections_idle[i], all = gauge(&workers->limits.used[i]);
        ret_figures->connections[i] = all > idle ? all : idle; /* they were not read at the same time */
    }
}

/* ---- the process ---- */

static uint64_t began_us;
static double began_at;

void process_began(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    began_us = clock_us();
    began_at = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static uint64_t resident_bytes(void)
{
    unsigned long long all, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%llu %llu", &all, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void process_take(struct process_figures *ret_process)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    *ret_process = (struct process_figures){
        .cpu_seconds = seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime),
        .memory_bytes = resident_bytes(),
        .started = began_at,
        .uptime_seconds = (double)(clock_us() - began_us) / 1e6,
    };
}
