/*
 * monitor.c - the life of the watchers, and the judging thread.
 *
 *   judging thread, with the lock:   wait for news, at most an interval ──> topology_judge() ──> who reads
 * the accounts without it:      publish, if routing would differ or an interval has passed; tell what changed
 *
 * Only the judging thread publishes, so pictures come in order. It also wakes without news: that a look is
 * overdue is seen by the clock, whatever the watcher is stuck in.
 */
#include "pointsman/monitor/monitor.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "definer.h"
#include "pointsman/base/clock.h"
#include "pointsman/base/log.h"
#include "thread.h"
#include "watcher.h"

static struct monitor the_monitor = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What the judging thread keeps to itself. */
struct judging_thread {
    struct topology *last; /* published, referenced */
    bool told;             /* something was told of this list of servers */
    uint64_t published_at;
    struct changes_since since;
};

/* ---- judging ---- */

static bool reads_well(const struct server_view *view)
{
    return view->look.ok && (view->role == ROLE_PRIMARY || view->role == ROLE_REPLICA) &&
           view->state != STATE_DOWN && view->state != STATE_QUARANTINED;
}

/* The primary's account tables count; while it doesn't answer, any replica's. */
static int choose_reader(const struct topology *topology)
{
    int reader = TOPOLOGY_NOBODY;
    for (size_t i = 0; i < topology->count; i++) {
        if (!reads_well(&topology->servers[i]))
            continue;
        if (topology->servers[i].role == ROLE_PRIMARY)
            return (int)i;
        if (reader == TOPOLOGY_NOBODY)
            reader = (int)i;
    }
    return reader;
}

static void update_reader(struct monitor *monitor, const struct topology *topology)
{
    int reader = monitor->memory.settled ? choose_reader(topology) : TOPOLOGY_NOBODY;
    bool primary = reader != TOPOLOGY_NOBODY && topology->servers[reader].role == ROLE_PRIMARY;
    if (reader == monitor->reader && primary == monitor->reader_is_primary)
        return;
    monitor->reader = reader;
    monitor->reader_is_primary = primary;
    definer_wake(monitor->definer);
    if (reader != TOPOLOGY_NOBODY)
        pthread_cond_signal(&monitor->watchers[reader]->wake);
}

/* The next picture; NULL for want of memory (the last one then stands until the next interval). */
static struct topology *judge_locked(struct monitor *monitor, uint64_t now)
{
    monitor->changed = false;
    struct topology *topology = topology_judge(monitor->config, monitor->looks, &monitor->memory, now);
    if (topology)
        update_reader(monitor, topology);
    return topology;
}

static bool same_servers(const struct topology *last, const struct topology *next)
{
    if (!last || last->count != next->count)
        return false;
    for (size_t i = 0; i < next->count; i++)
        if (strcmp(last->servers[i].name, next->servers[i].name) != 0)
            return false;
    return true;
}

static void publish(struct judging_thread *thread, struct topology *next, bool settled, uint64_t now)
{
    bool due = now - thread->published_at >= next->config->monitor_interval;
    if (!due && !changes_matter(thread->last, next)) {
        topology_unref(next);
        return;
    }
    if (settled)
        changes_tell(thread->told && same_servers(thread->last, next) ? thread->last : NULL, next,
                     &thread->since, now);
    thread->told |= settled;
    next->serial = thread->last ? thread->last->serial + 1 : 1;
    topology_unref(thread->last);
    thread->last = topology_ref(next);
    thread->published_at = now;
    topology_publish(next);
}

static void wait_for_news(struct monitor *monitor)
{
    uint64_t tick = clock_ms() + monitor->config->monitor_interval;
    while (!monitor->changed && !monitor->stopping && clock_ms() < tick)
        thread_cond_wait_until(&monitor->news, &monitor->lock, tick);
}

static void *judge(void *arg)
{
    struct monitor *monitor = arg;
    struct judging_thread thread = {.last = topology_current()};
    pthread_mutex_lock(&monitor->lock);
    while (!monitor->stopping) {
        uint64_t now = clock_ms();
        struct topology *next = judge_locked(monitor, now);
        bool settled = monitor->memory.settled;
        pthread_mutex_unlock(&monitor->lock);
        if (next)
            publish(&thread, next, settled, now);
        pthread_mutex_lock(&monitor->lock);
        wait_for_news(monitor);
    }
    pthread_mutex_unlock(&monitor->lock);
    topology_unref(thread.last);
    return NULL;
}

/* ---- starting and ending ---- */

static size_t server_count(const struct config *config)
{
    return config->servers_count < TOPOLOGY_SERVERS_MAX ? config->servers_count : TOPOLOGY_SERVERS_MAX;
}

static void retire_all(struct watcher **watchers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (watchers[i])
            watcher_retire(watchers[i]);
}

/* Starts those that are missing. False: none of the new ones runs. The lock is held. */
static bool start_watchers(struct monitor *monitor, struct watcher **watchers, size_t count)
{
    struct watcher *fresh[TOPOLOGY_SERVERS_MAX] = {NULL};
    for (size_t i = 0; i < count; i++) {
        if (watchers[i])
            continue;
        fresh[i] = watcher_start(monitor, i);
        if (!fresh[i]) {
            retire_all(fresh, i);
            return false;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (fresh[i])
            watchers[i] = fresh[i];
    return true;
}

/* And for the definer. */
static void wait_for_watchers(struct monitor *monitor)
{
    while (monitor->alive > 0)
        pthread_cond_wait(&monitor->one_ended, &monitor->lock);
}

static bool publish_first(struct monitor *monitor)
{
    struct topology *first = topology_judge(monitor->config, monitor->looks, &monitor->memory, clock_ms());
    if (!first)
        return false;
    struct topology *before = topology_current();
    first->serial = before ? before->serial + 1 : 1;
    topology_unref(before);
    topology_publish(first);
    return true;
}

static bool begin(struct monitor *monitor, struct config *config)
{
    if (!topology_memory_init(&monitor->memory))
        return false;
    monitor->config = config_ref(config);
    monitor->changed = monitor->stopping = false;
    monitor->reader = TOPOLOGY_NOBODY;
    monitor->accounts_read_at = 0;
    memset(monitor->looks, 0, sizeof monitor->looks);
    memset(monitor->watchers, 0, sizeof monitor->watchers);
    thread_cond_init(&monitor->news);
    thread_cond_init(&monitor->one_ended);
    monitor->running = publish_first(monitor) && (monitor->definer = definer_start(monitor)) &&
                       start_watchers(monitor, monitor->watchers, server_count(config)) &&
                       thread_start(&monitor->judge, judge, monitor);
    return true;
}

static void end(struct monitor *monitor)
{
    retire_all(monitor->watchers, server_count(monitor->config));
    memset(monitor->watchers, 0, sizeof monitor->watchers);
    if (monitor->definer)
        definer_retire(monitor->definer);
    monitor->definer = NULL;
    wait_for_watchers(monitor);
    topology_memory_done(&monitor->memory);
    pthread_cond_destroy(&monitor->news);
    pthread_cond_destroy(&monitor->one_ended);
    config_unref(monitor->config);
    monitor->config = NULL;
    monitor->running = false;
}

bool monitor_start(struct config *config)
{
    struct monitor *monitor = &the_monitor;
    if (mysql_library_init(0, NULL, NULL) != 0)
        return false;
    pthread_mutex_lock(&monitor->lock);
    bool begun = !monitor->running && begin(monitor, config);
    bool running = begun && monitor->running;
    if (begun && !running)
        end(monitor);
    pthread_mutex_unlock(&monitor->lock);
    return running;
}

void monitor_stop(void)
{
    struct monitor *monitor = &the_monitor;
    pthread_mutex_lock(&monitor->lock);
    if (monitor->running) {
        monitor->stopping = true;
        pthread_cond_signal(&monitor->news);
        pthread_mutex_unlock(&monitor->lock);
        pthread_join(monitor->judge, NULL);
        pthread_mutex_lock(&monitor->lock);
        end(monitor);
    }
    pthread_mutex_unlock(&monitor->lock);
}

/* ---- changes while it runs ---- */

static int index_of(const struct config *config, const struct config_server *wanted)
{
    for (size_t i = 0; i < server_count(config); i++)
        if (strcmp(config->servers[i].name, wanted->name) == 0 &&
            strcmp(config->servers[i].address.text, wanted->address.text) == 0)
            return (int)i;
    return TOPOLOGY_NOBODY;
}

/* Watchers of the next config by its indices: those kept, NULL for new servers. */
static void keep_watchers(const struct monitor *monitor, const struct config *next, struct watcher **watchers)
{
    for (size_t i = 0; i < server_count(next); i++) {
        int old = index_of(monitor->config, &next->servers[i]);
        watchers[i] = old == TOPOLOGY_NOBODY ? NULL : monitor->watchers[old];
    }
}

static void move_looks(struct monitor *monitor, const struct config *next)
{
    struct server_look *looks = calloc(TOPOLOGY_SERVERS_MAX, sizeof *looks);
    for (size_t i = 0; looks && i < server_count(next); i++) {
        int old = index_of(monitor->config, &next->servers[i]);
        if (old != TOPOLOGY_NOBODY)
            looks[i] = monitor->looks[old];
    }
    if (looks)
        memcpy(monitor->looks, looks, sizeof monitor->looks);
    else
        memset(monitor->looks, 0, sizeof monitor->looks); /* the next looks come within an interval */
    free(looks);
}

static void adopt(struct monitor *monitor, struct config *next, struct watcher **watchers)
{
    size_t old_count = server_count(monitor->config);
    for (size_t i = 0; i < old_count; i++)
        if (index_of(next, &monitor->config->servers[i]) == TOPOLOGY_NOBODY)
            watcher_retire(monitor->watchers[i]);
    move_looks(monitor, next);
    topology_memory_move(&monitor->memory, monitor->config, next);
    memcpy(monitor->watchers, watchers, sizeof monitor->watchers);
    for (size_t i = 0; i < server_count(next); i++) {
        watchers[i]->index = i;
        pthread_cond_signal(&watchers[i]->wake);
    }
    config_unref(monitor->config);
    monitor->config = config_ref(next);
    monitor->reader = TOPOLOGY_NOBODY;
    monitor->accounts_read_at = 0;
    definer_wake(monitor->definer);
    monitor->changed = true;
    pthread_cond_signal(&monitor->news);
}

bool monitor_reload(struct config *config)
{
    struct monitor *monitor = &the_monitor;
    struct watcher *watchers[TOPOLOGY_SERVERS_MAX] = {NULL};
    pthread_mutex_lock(&monitor->lock);
    bool done = monitor->running;
    if (done) {
        keep_watchers(monitor, config, watchers);
        done = start_watchers(monitor, watchers, server_count(config));
    }
    if (done)
        adopt(monitor, config, watchers);
    pthread_mutex_unlock(&monitor->lock);
    return done;
}

/* What is remembered of the server of that name; NULL: there is none. The lock is held. */
static struct server_memory *memory_of(struct monitor *monitor, const char *server)
{
    for (size_t i = 0; monitor->running && i < server_count(monitor->config); i++)
        if (strcmp(monitor->config->servers[i].name, server) == 0)
            return &monitor->memory.servers[i];
    return NULL;
}

static void judge_soon(struct monitor *monitor)
{
    monitor->changed = true;
    pthread_cond_signal(&monitor->news);
}

bool monitor_set_wish(const char *server, enum server_wish wish)
{
    struct monitor *monitor = &the_monitor;
    pthread_mutex_lock(&monitor->lock);
    struct server_memory *memory = memory_of(monitor, server);
    if (memory) {
        memory->wish = wish;
        judge_soon(monitor);
    }
    pthread_mutex_unlock(&monitor->lock);
    return memory != NULL;
}

bool monitor_set_weight(const char *server, unsigned weight)
{
    struct monitor *monitor = &the_monitor;
    pthread_mutex_lock(&monitor->lock);
    struct server_memory *memory = memory_of(monitor, server);
    if (memory) {
        memory->wished_weight = weight;
        judge_soon(monitor);
    }
    pthread_mutex_unlock(&monitor->lock);
    return memory != NULL;
}
