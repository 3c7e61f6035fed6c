/*
 * definer.c - see definer.h.
 *
 *   one round:   [take the config and the reader] ── connect ── counters ── [read, publish] ── wait
 *
 * A server that is not the primary is read only while nothing else is known: it may not have yet what the
 * last reading of the primary, or a change since, has told.
 */
#include "definer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "definition_table.h"
#include "look.h"
#include "pointsman/base/clock.h"
#include "pointsman/base/log.h"
#include "pointsman/monitor/events.h"
#include "thread.h"

enum { ANSWER_MS = 60000, PAUSE_MAX_MS = 60000, COUNTERS_BYTES = 512 };
enum { SHARE = 4 /* a reading is followed by a pause of so many times its length, but for a reason */ };

/* What the account can't see, bits. */
enum { NO_VIEWS = 1 << 0, NO_ROUTINES = 1 << 1, NO_TRIGGERS = 1 << 2 };

struct definer {
    struct monitor *monitor;
    pthread_cond_t wake; /* guarded by the monitor's lock, as are: */
    bool retired;

    /* The thread's own, but for client.socket, which is set under the lock. */
    struct client client;
    struct config *config; /* referenced; what the connection was opened with */
    int server;            /* to which, by its place there; TOPOLOGY_NOBODY */
    char counters[COUNTERS_BYTES];
    bool known;       /* something was published */
    uint64_t next_at; /* ms: when it reads without another reason */
    uint64_t pause;   /* ms: how long after the last reading that is */
    uint64_t free_at; /* ms: not before, whatever the reason */
    unsigned unseen;  /* NO_VIEWS and so on, as last told */
};

/* ---- the connection ---- */

static void set_socket(struct definer *definer, struct client client)
{
    pthread_mutex_lock(&definer->monitor->lock);
    definer->client = client;
    if (definer->retired && client.socket >= 0)
        shutdown(client.socket, SHUT_RDWR); /* retired while it connected */
    pthread_mutex_unlock(&definer->monitor->lock);
}

static void disconnect(struct definer *definer)
{
    struct client client = definer->client;
    set_socket(definer, (struct client){.socket = -1});
    client_disconnect(&client);
    definer->counters[0] = '\0'; /* the next connection begins with a reading */
}

static bool ensure_connected(struct definer *definer)
{
    struct client client;
    if (definer->client.mysql)
        return true;
    bool opened = client_open(&client, definer->config, &definer->config->servers[definer->server].address,
                              ANSWER_MS);
    if (opened)
        set_socket(definer, client);
    else
        client_disconnect(&client); /* why, the watcher tells */
    return opened;
}

/* ---- a reading ---- */

static const char *server_name(const struct definer *definer)
{
    return definer->config->servers[definer->server].name;
}

/* Once for each change of what the account may see. */
static void tell_unseen(struct definer *definer, const struct definition_table *table)
{
    static const char *const texts[] = {
        "views can't be told from tables; one that writes is read on replicas (GRANT SHOW VIEW, SELECT)",
        "routines can't be read: sessions that run any are held (GRANT SELECT)",
        "triggers can't be read: locks and roles that they take aren't noticed (GRANT TRIGGER)"};
    unsigned unseen = (table->views_known ? 0 : NO_VIEWS) | (table->routines_known ? 0 : NO_ROUTINES) |
                      (table->triggers_known ? 0 : NO_TRIGGERS);
    unsigned fresh = unseen & ~definer->unseen;
    definer->unseen = unseen;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!(fresh >> i & 1))
            continue;
        enum log_level level = 1u << i == NO_VIEWS ? LOG_ERROR : LOG_WARNING;
        log_event(level, "definitions", texts[i], log_text("server", server_name(definer)));
        events_add("definitions", server_name(definer), "refused", EVENT_NO_DURATION, "%s", texts[i]);
    }
}

static void tell_counts(const struct definer *definer, const struct definitions *before)
{
    struct definitions *now = definitions_current();
    if (!definer->known || before->unsafe_views.count != now->unsafe_views.count ||
        before->leaving.count != now->leaving.count)
        log_event(LOG_INFO, "definitions", "views, routines and triggers were read",
                  log_text("server", server_name(definer)),
                  log_number("unproven_views", (int64_t)now->unsafe_views.count),
                  log_number("leaving", (int64_t)now->leaving.count));
    definitions_unref(now);
}

static bool read_all(struct definer *definer, uint64_t began_at)
{
    const struct config *config = definer->config;
    const struct sql_names safe = {(const char *const *)config->safe_functions, config->safe_functions_count};
    const char *version = mysql_get_server_info(definer->client.mysql);
    struct sql_options options = {.mariadb = version && strcasestr(version, "mariadb"),
                                  .version = look_version(version ? version : ""),
                                  .safe_functions = &safe};
    struct definition_table table;
    struct definitions_reading *reading = NULL;
    bool answered = definition_table_read(&definer->client, options.mariadb, &table);
    if (answered)
        reading = definitions_read(table.rows, table.count, &options);
    if (reading) {
        struct definitions *before = definitions_current();
        tell_unseen(definer, &table);
        /* Without the privilege views are taken for tables: a proxy that sends all reads to the primary for
         * want of a GRANT would be of no use, and a replica's read_only still refuses what a view writes. */
        definitions_publish(reading, began_at, true, table.routines_known);
        tell_counts(definer, before);
        definitions_unref(before);
        definer->known = true;
    }
    definition_table_done(&table);
    return answered;
}

/* There was no answer. At the start that is one, too: nothing is known. */
static void give_up(struct definer *definer)
{
    disconnect(definer);
    if (!definitions_asked())
        definitions_publish(NULL, 0, false, false);
}

static void look(struct definer *definer)
{
    char counters[COUNTERS_BYTES];
    uint64_t began_at = clock_ms();
    *counters = '\0';
    if (ensure_connected(definer))
        definition_counters(&definer->client, counters, sizeof counters);
    if (!*counters) {
        give_up(definer);
        return;
    }
    bool changed = strcmp(counters, definer->counters) != 0 || definitions_awaited(began_at);
    if (began_at < definer->free_at || (!changed && began_at < definer->next_at))
        return;
    if (!read_all(definer, began_at)) {
        give_up(definer);
        return;
    }
    strcpy(definer->counters, counters);
    uint64_t now = clock_ms(), took = now - began_at;
    definer->pause = changed ? definer->config->monitor_interval : definer->pause * 2;
    if (definer->pause > PAUSE_MAX_MS)
        definer->pause = PAUSE_MAX_MS;
    definer->free_at = now + took;
    definer->next_at = now + (took * SHARE > definer->pause ? took * SHARE : definer->pause);
}

/* ---- the thread ---- */

/* Takes this round's config and server. False: retired. The lock is held. */
static bool begin_round(struct definer *definer, struct config **ret_last, int *ret_server)
{
    const struct monitor *monitor = definer->monitor;
    *ret_last = NULL;
    if (definer->retired)
        return false;
    if (definer->config != monitor->config) {
        *ret_last = definer->config;
        definer->config = config_ref(monitor->config);
    }
    bool wanted = monitor->reader_is_primary || !definer->known;
    *ret_server = wanted ? monitor->reader : TOPOLOGY_NOBODY;
    return true;
}

static bool wait_a_round(struct definer *definer, uint64_t until)
{
    pthread_mutex_lock(&definer->monitor->lock);
    if (!definer->retired)
        thread_cond_wait_until(&definer->wake, &definer->monitor->lock, until);
    bool go_on = !definer->retired;
    pthread_mutex_unlock(&definer->monitor->lock);
    return go_on;
}

static bool round_of(struct definer *definer)
{
    struct config *last;
    int server;
    pthread_mutex_lock(&definer->monitor->lock);
    bool go_on = begin_round(definer, &last, &server);
    pthread_mutex_unlock(&definer->monitor->lock);
    if (!go_on)
        return false;
    uint64_t began_at = clock_ms();
    if (last || server != definer->server)
        disconnect(definer);
    config_unref(last);
    definer->server = server;
    if (server != TOPOLOGY_NOBODY)
        look(definer);
    return wait_a_round(definer, began_at + definer->config->monitor_interval);
}

static void *define(void *arg)
{
    struct definer *definer = arg;
    struct monitor *monitor = definer->monitor;
    mysql_thread_init();
    while (round_of(definer)) {
    }
    disconnect(definer);
    mysql_thread_end();
    config_unref(definer->config);
    pthread_cond_destroy(&definer->wake);
    free(definer);

    pthread_mutex_lock(&monitor->lock);
    monitor->alive--;
    pthread_cond_signal(&monitor->one_ended);
    pthread_mutex_unlock(&monitor->lock);
    return NULL;
}

struct definer *definer_start(struct monitor *monitor)
{
    struct definer *definer = calloc(1, sizeof *definer);
    if (!definer)
        return NULL;
    definer->monitor = monitor;
    definer->client.socket = -1;
    definer->server = TOPOLOGY_NOBODY;
    thread_cond_init(&definer->wake);
    if (!thread_start(NULL, define, definer)) {
        pthread_cond_destroy(&definer->wake);
        free(definer);
        return NULL;
    }
    monitor->alive++;
    return definer;
}

void definer_wake(struct definer *definer)
{
    pthread_cond_signal(&definer->wake);
}

void definer_retire(struct definer *definer)
{
    definer->retired = true;
    if (definer->client.socket >= 0)
        shutdown(definer->client.socket, SHUT_RDWR);
    pthread_cond_signal(&definer->wake);
}
