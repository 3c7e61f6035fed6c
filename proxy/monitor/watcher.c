/*
 * watcher.c - see watcher.h.
 *
 *   one round:   connect if there is no connection ──> look ──> hand in
 *                a connection that turns out broken (idle timeout, KILL) is opened again once before that
 * counts then:        wait for the next look (monitor_interval after this one began), for the accounts'
 * second, or to be woken
 */
#include "watcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "account_table.h"
#include "look.h"
#include "thread.h"
#include "pointsman/base/clock.h"
#include "pointsman/base/log.h"
#include "pointsman/monitor/events.h"

enum { DEEP_EVERY_MS = 1000, ACCOUNTS_EVERY_MS = 1000, OFFERS_EVERY_MS = 10000 };

/* ---- the connection ---- */

static void set_socket(struct watcher *watcher, struct client client)
{
    pthread_mutex_lock(&watcher->monitor->lock);
    watcher->client = client;
    if (watcher->retired && client.socket >= 0)
        shutdown(client.socket, SHUT_RDWR); /* retired while it connected */
    pthread_mutex_unlock(&watcher->monitor->lock);
}

static void disconnect(struct watcher *watcher)
{
    struct client client = watcher->client;
    set_socket(watcher, (struct client){.socket = -1});
    client_disconnect(&client);
}

static bool ensure_connected(struct watcher *watcher, const struct config_address *address)
{
    if (watcher->client.mysql)
        return true;
    struct client client;
    bool opened = client_open(&client, watcher->config, address, watcher->config->monitor_timeout);
    if (opened) {
        set_socket(watcher, client);
    } else {
        client_failure(&client, &watcher->look);
        client_disconnect(&client);
    }
    return opened;
}

/* ---- one look ---- */

static bool look_once(struct watcher *watcher, const struct config_address *address)
{
    uint64_t now = clock_ms();
    bool deep = watcher->deep_at == 0 || now - watcher->deep_at >= DEEP_EVERY_MS;
    if (!ensure_connected(watcher, address))
        return false;
    if (!look_at(&watcher->client, deep, &watcher->look)) {
        client_failure(&watcher->client, &watcher->look);
        return false;
    }
    if (deep)
        watcher->deep_at = now;
    return true;
}

static bool is_retired(struct watcher *watcher)
{
    pthread_mutex_lock(&watcher->monitor->lock);
    bool retired = watcher->retired;
    pthread_mutex_unlock(&watcher->monitor->lock);
    return retired;
}

static void look(struct watcher *watcher, const struct config_address *address)
{
    bool old = watcher->client.mysql != NULL;
    if (look_once(watcher, address))
        return;
    bool lost = old && watcher->look.failure == LOOK_GONE && client_lost(&watcher->client);
    disconnect(watcher);
    if (lost && !is_retired(watcher) && !look_once(watcher, address))
        disconnect(watcher);
}

/* ---- the accounts ---- */

/* The name that servers see us by, if that is all there is to know; else this end's address, as patterns are
 * mostly of addresses. */
static void proxy_host(const struct watcher *watcher, char *host, size_t size)
{
    const char *seen_as = watcher->look.seen_as;
    bool number = strspn(seen_as, "0123456789.") == strlen(seen_as) || strchr(seen_as, ':');
    if (number || strcmp(seen_as, "localhost") == 0 || !client_local_address(&watcher->client, host, size))
        snprintf(host, size, "%s", seen_as);
}

static void publish_accounts(struct watcher *watcher, const struct account_table *table, const char *name)
{
    char host[128];
    proxy_host(watcher, host, sizeof host);
    struct accounts *last = accounts_current();
    struct accounts *next = accounts_build(table->rows, table->count, watcher->config, host, last);
    bool changed = next && (!last->known || next->serial != last->serial);

    pthread_mutex_lock(&watcher->monitor->lock);
    bool still = !watcher->retired && watcher->monitor->reader == (int)watcher->index;
    pthread_mutex_unlock(&watcher->monitor->lock);
    if (changed && still) {
        log_event(LOG_INFO, "accounts", "the accounts changed", log_text("server", name),
                  log_number("accounts", (int64_t)next->count));
        accounts_publish(next);
        next = NULL;
    }
    accounts_unref(next);
    accounts_unref(last);
}

static void say_accounts_refused(struct watcher *watcher, const char *name)
{
    if (watcher->accounts_refused)
        return;
    watcher->accounts_refused = true;
    const char *text = mysql_error(watcher->client.mysql);
    log_event(LOG_ERROR, "accounts",
              "the account tables can't be read: nobody can log in with a changed account",
              log_text("server", name), log_text("error", text));
    events_add("accounts", name, "refused", EVENT_NO_DURATION, "the account tables can't be read: %s", text);
}

static void read_accounts(struct watcher *watcher, const char *name)
{
    struct account_table table;
    enum account_table_error error = account_table_read(&watcher->client, watcher->look.mariadb, &table);
    if (error == ACCOUNT_TABLE_OK) {
        watcher->accounts_refused = false;
        publish_accounts(watcher, &table, name);
    } else if (error == ACCOUNT_TABLE_REFUSED) {
        say_accounts_refused(watcher, name);
    }
    account_table_done(&table);
    if (error == ACCOUNT_TABLE_REFUSED && client_lost(&watcher->client))
        disconnect(watcher);
}

/* ---- the thread ---- */

/* Takes this round's config. False: the watcher is retired. The lock is held. */
static bool begin_round(struct watcher *watcher, struct config **ret_last)
{
    struct config *config = watcher->monitor->config;
    *ret_last = NULL;
    if (watcher->retired)
        return false;
    if (watcher->config != config) {
        *ret_last = watcher->config;
        watcher->config = config_ref(config);
    }
    return true;
}

static void hand_in(struct watcher *watcher)
{
    struct monitor *monitor = watcher->monitor;
    pthread_mutex_lock(&monitor->lock);
    if (!watcher->retired) {
        monitor->looks[watcher->index] = watcher->look;
        monitor->changed = true;
        pthread_cond_signal(&monitor->news);
    }
    pthread_mutex_unlock(&monitor->lock);
}

static bool accounts_due(const struct watcher *watcher, uint64_t now)
{
    const struct monitor *monitor = watcher->monitor;
    return monitor->reader == (int)watcher->index && watcher->client.mysql && watcher->look.ok &&
           (monitor->accounts_read_at == 0 || now - monitor->accounts_read_at >= ACCOUNTS_EVERY_MS);
}

/* When the reader has to wake up before its next look. The lock is held. */
static uint64_t wake_at(const struct watcher *watcher, uint64_t now, uint64_t next_look)
{
    const struct monitor *monitor = watcher->monitor;
    uint64_t accounts_at = monitor->accounts_read_at + ACCOUNTS_EVERY_MS;
    bool sooner = monitor->reader == (int)watcher->index && accounts_at > now && accounts_at < next_look;
    return sooner ? accounts_at : next_look;
}

/* The ids of all configured servers; 0 of them if some server was never seen, who might be the one that is
 * offered. The lock is held. */
static size_t known_servers(const struct monitor *monitor, uint64_t *ids)
{
    size_t count = 0;
    for (; count < TOPOLOGY_SERVERS_MAX && monitor->watchers[count]; count++) {
        if (!monitor->looks[count].ever)
            return 0;
        ids[count] = monitor->looks[count].server_id;
    }
    return count;
}

/* What the reader does besides looking, once a second. With the lock held, but not while it asks the server.
 */
static void read_more(struct watcher *watcher, uint64_t now)
{
    struct monitor *monitor = watcher->monitor;
    char name[sizeof((struct server_view *)0)->name];
    uint64_t ids[TOPOLOGY_SERVERS_MAX];
    snprintf(name, sizeof name, "%s", monitor->config->servers[watcher->index].name);
    size_t known = known_servers(monitor, ids);
    monitor->accounts_read_at = now;
    pthread_mutex_unlock(&monitor->lock);
    read_accounts(watcher, name);
    bool due = watcher->offers_at == 0 || now - watcher->offers_at >= OFFERS_EVERY_MS;
    if (due && known > 0 && watcher->client.mysql) {
        watcher->offers_at = now;
        if (!offers_ask(&watcher->client, watcher->look.mariadb, name, ids, known, &watcher->offers))
            disconnect(watcher);
    }
    pthread_mutex_lock(&monitor->lock);
}

/* Waits until it is time for the next look; reads accounts meanwhile when their time comes. False: retired.
 */
static bool wait_until(struct watcher *watcher, uint64_t next_look)
{
    struct monitor *monitor = watcher->monitor;
    pthread_mutex_lock(&monitor->lock);
    for (uint64_t now; !watcher->retired && (now = clock_ms()) < next_look;) {
        if (accounts_due(watcher, now))
            read_more(watcher, now);
        else
            thread_cond_wait_until(&watcher->wake, &monitor->lock, wake_at(watcher, now, next_look));
    }
    bool go_on = !watcher->retired;
    pthread_mutex_unlock(&monitor->lock);
    return go_on;
}

/* A server that refuses the monitor is not asked at full pace: each try is a line in its log. */
static uint64_t pause_ms(const struct watcher *watcher)
{
    unsigned interval = watcher->config->monitor_interval, half = watcher->config->monitor_timeout / 2;
    bool refused = !watcher->look.ok && watcher->look.failure == LOOK_REFUSED;
    return refused && half > interval ? half : interval;
}

static bool round_of(struct watcher *watcher)
{
    struct config *last;
    pthread_mutex_lock(&watcher->monitor->lock);
    bool go_on = begin_round(watcher, &last);
    size_t index = watcher->index;
    pthread_mutex_unlock(&watcher->monitor->lock);
    if (!go_on)
        return false;
    if (last) { /* another account, perhaps */
        disconnect(watcher);
        config_unref(last);
    }
    uint64_t began = clock_ms();
    look(watcher, &watcher->config->servers[index].address);
    hand_in(watcher);
    return wait_until(watcher, began + pause_ms(watcher));
}

static void *watch(void *arg)
{
    struct watcher *watcher = arg;
    struct monitor *monitor = watcher->monitor;
    mysql_thread_init();
    while (round_of(watcher)) {
    }
    disconnect(watcher);
    mysql_thread_end();
    config_unref(watcher->config);
    pthread_cond_destroy(&watcher->wake);
    free(watcher);

    pthread_mutex_lock(&monitor->lock);
    monitor->alive--;
    pthread_cond_signal(&monitor->one_ended);
    pthread_mutex_unlock(&monitor->lock);
    return NULL;
}

struct watcher *watcher_start(struct monitor *monitor, size_t index)
{
    struct watcher *watcher = calloc(1, sizeof *watcher);
    if (!watcher)
        return NULL;
    watcher->monitor = monitor;
    watcher->index = index;
    watcher->client.socket = -1;
    thread_cond_init(&watcher->wake);
    if (!thread_start(NULL, watch, watcher)) {
        pthread_cond_destroy(&watcher->wake);
        free(watcher);
        return NULL;
    }
    monitor->alive++;
    return watcher;
}

void watcher_retire(struct watcher *watcher)
{
    watcher->retired = true;
    if (watcher->client.socket >= 0)
        shutdown(watcher->client.socket, SHUT_RDWR);
    pthread_cond_signal(&watcher->wake);
}
