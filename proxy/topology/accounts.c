/*
 * accounts.c - snapshots of the databases' accounts: built, found in, published.
 *
 *   rows as read ──accounts_build()──> one block of memory:  struct accounts | rows, sorted | their strings
 *                      └─ compared with the last snapshot: equal rows keep their serial, and if all are equal
 * and nothing else differs, the snapshot keeps its own
 *
 *   accounts_find(): the first row in a server's order that has the user (or is anonymous) and admits the
 * host
 *
 * Blocks hold passwords and hashes: they are wiped before they are freed.
 */
#include "pointsman/topology/accounts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "hosts.h"
#include "pointsman/topology/secrets.h"
#include "published.h"

enum { STAGE2_LENGTH = 20 };

/* ---- life and publication ---- */

static void ref_any(void *accounts)
{
    accounts_ref(accounts);
}
static void unref_any(void *accounts)
{
    accounts_unref(accounts);
}

static struct accounts nothing_known = {.refs = 1}; /* its last reference is never given back */
static struct published current = {.lock = PTHREAD_MUTEX_INITIALIZER, .ref = ref_any, .unref = unref_any};

struct accounts *accounts_ref(struct accounts *accounts)
{
    atomic_fetch_add_explicit(&accounts->refs, 1, memory_order_relaxed);
    return accounts;
}

void accounts_unref(struct accounts *accounts)
{
    if (!accounts || atomic_fetch_sub_explicit(&accounts->refs, 1, memory_order_acq_rel) > 1)
        return;
    explicit_bzero(accounts, accounts->bytes);
    free(accounts);
}

struct accounts *accounts_current(void)
{
    struct accounts *accounts = published_get(&current);
    return accounts ? accounts : accounts_ref(&nothing_known);
}

void accounts_publish(struct accounts *accounts)
{
    secrets_review(accounts);
    published_set(&current, accounts);
}

bool accounts_subscribe(void (*tell)(void *arg), void *arg)
{
    return published_subscribe(&current, tell, arg);
}

/* ---- building ---- */

struct sort_key {
    int rank;
    const struct account_source *source;
};

/* As servers sort: the more specific host, then the named user before the anonymous one; the rest only makes
 * the order certain ("localhost" before "127.0.0.1", as MariaDB has it). */
static int by_server_order(const void *left, const void *right)
{
    const struct sort_key *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? 1 : -1;
    bool a_named = *a->source->user != '\0', b_named = *b->source->user != '\0';
    if (a_named != b_named)
        return a_named ? -1 : 1;
    int hosts = strcmp(b->source->host, a->source->host);
    return hosts ? hosts : strcmp(a->source->user, b->source->user);
}

static struct sort_key *sorted_keys(const struct account_source *rows, size_t count)
{
    struct sort_key *keys = malloc((count + 1) * sizeof *keys);
    if (!keys)
        return NULL;
    for (size_t i = 0; i < count; i++)
        keys[i] = (struct sort_key){.rank = hosts_rank(rows[i].host), .source = &rows[i]};
    qsort(keys, count, sizeof *keys, by_server_order);
    return keys;
}

/* Strings of a snapshot stand one after the other behind its rows. */
static const char *put(char **at, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static size_t room(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *configured_password(const struct config *config, const char *user)
{
    for (size_t i = 0; i < config->accounts_count; i++)
        if (strcmp(config->accounts[i].user, user) == 0)
            return config->accounts[i].password;
    return NULL;
}

static size_t bytes_needed(const struct account_source *rows, size_t count, const struct config *config,
                           const char *proxy_host)
{
    size_t bytes = sizeof(struct accounts) + count * sizeof(struct account) + room(proxy_host);
    for (size_t i = 0; i < count; i++)
        bytes += room(rows[i].user) + room(rows[i].host) + room(rows[i].plugin) + room(rows[i].auth_string) +
                 room(configured_password(config, rows[i].user));
    return bytes;
}

static int hex_digit(char digit)
{
    if (isdigit((unsigned char)digit))
        return digit - '0';
    return isxdigit((unsigned char)digit) ? tolower((unsigned char)digit) - 'a' + 10 : -1;
}

/* "*" and 40 hex digits; false for anything else. */
static bool parse_stage2(const char *text, uint8_t *stage2)
{
    if (text[0] != '*' || strlen(text) != 1 + 2 * STAGE2_LENGTH)
        return false;
    for (size_t i = 0; i < STAGE2_LENGTH; i++) {
        int high = hex_digit(text[1 + 2 * i]), low = hex_digit(text[2 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        stage2[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static enum account_plugin plugin_named(const char *name)
{
    if (*name == '\0' || strcmp(name, "mysql_native_password") == 0)
        return PLUGIN_NATIVE;
    return strcmp(name, "caching_sha2_password") == 0 ? PLUGIN_CACHING_SHA2 : PLUGIN_OTHER;
}

static void fill_row(struct account *row, const struct account_source *source, const struct config *config,
                     char **strings)
{
    *row = (struct account){
        .user = put(strings, source->user),
        .host = put(strings, source->host),
        .plugin = plugin_named(source->plugin),
        .plugin_name = put(strings, source->plugin),
        .has_password = *source->auth_string != '\0',
        .auth_string = put(strings, source->auth_string),
        .password = put(strings, configured_password(config, source->user)),
        .locked = source->locked,
        .expired = source->expired,
        .tls_required = source->tls_required,
        .certificate_required = source->certificate_required,
        .is_role = source->is_role,
    };
    /* A hash that no password has ("invalid") keeps everybody out: not a native password, least of all an
     * empty one. */
    if (row->plugin == PLUGIN_NATIVE && row->has_password && !parse_stage2(row->auth_string, row->stage2))
        row->plugin = PLUGIN_OTHER;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_key(const struct account *a, const struct account *b)
{
    return strcmp(a->user, b->user) == 0 && strcmp(a->host, b->host) == 0;
}

static bool same_row(const struct account *a, const struct account *b)
{
    return same_key(a, b) && same_text(a->plugin_name, b->plugin_name) &&
           same_text(a->auth_string, b->auth_string) && same_text(a->password, b->password) &&
           a->locked == b->locked && a->expired == b->expired && a->tls_required == b->tls_required &&
           a->certificate_required == b->certificate_required && a->is_role == b->is_role;
}

/* Both are in the same order, so that the row at *cursor nearly always is the one. */
static const struct account *row_of(const struct accounts *last, const struct account *row, size_t *cursor)
{
    if (*cursor < last->count && same_key(&last->rows[*cursor], row))
        return &last->rows[(*cursor)++];
    for (size_t i = 0; i < last->count; i++)
        if (same_key(&last->rows[i], row)) {
            *cursor = i + 1;
            return &last->rows[i];
        }
    return NULL;
}

static void give_serials(struct accounts *accounts, const struct accounts *last)
{
    bool changed = !last || !last->known || last->count != accounts->count ||
                   !same_text(last->proxy_host, accounts->proxy_host);
    uint64_t fresh = last ? last->serial + 1 : 1;
    size_t cursor = 0;
    for (size_t i = 0; i < accounts->count; i++) {
        struct account *row = &accounts->rows[i];
        const struct account *before = last ? row_of(last, row, &cursor) : NULL;
        bool same = before && same_row(before, row);
        row->serial = same ? before->serial : (fresh << 24) + i; /* never another row's */
        changed |= !same;
    }
    accounts->serial = changed ? fresh : last->serial;
}

struct accounts *accounts_build(const struct account_source *rows, size_t count, const struct config *config,
                                const char *proxy_host, const struct accounts *last)
{
    size_t bytes = bytes_needed(rows, count, config, proxy_host);
    struct sort_key *keys = sorted_keys(rows, count);
    struct accounts *accounts = keys ? calloc(1, bytes) : NULL;
    if (accounts) {
        accounts->rows = (struct account *)(accounts + 1);
        char *strings = (char *)(accounts->rows + count);
        for (size_t i = 0; i < count; i++)
            fill_row(&accounts->rows[i], keys[i].source, config, &strings);
        accounts->proxy_host = put(&strings, proxy_host);
        accounts->bytes = bytes;
        accounts->count = count;
        accounts->known = true;
        atomic_init(&accounts->refs, 1);
        give_serials(accounts, last);
    }
    free(keys);
    return accounts;
}

/* ---- finding ---- */

/* Servers that see the proxy at a loopback address as such don't resolve names; others know it as localhost.
 */
static struct host_seen seen_client(const struct accounts *accounts, const char *address)
{
    static const char mapped[] = "::ffff:"; /* an IPv4 address on an IPv6 socket */
    if (!address)
        return (struct host_seen){.name = "localhost"};
    if (strncasecmp(address, mapped, sizeof mapped - 1) == 0 && strchr(address, '.'))
        address += sizeof mapped - 1;
    bool resolved = !accounts->proxy_host || !hosts_is_loopback(accounts->proxy_host);
    bool local = resolved && hosts_is_loopback(address);
    return (struct host_seen){.name = local ? "localhost" : NULL, .ip = address};
}

static struct host_seen seen_proxy(const struct accounts *accounts)
{
    if (strcmp(accounts->proxy_host, "localhost") == 0)
        return (struct host_seen){.name = "localhost", .ip = "127.0.0.1"};
    return (struct host_seen){.name = accounts->proxy_host, .ip = accounts->proxy_host};
}

static const struct account *row_for(const struct accounts *accounts, const char *user,
                                     const struct host_seen *seen)
{
    for (size_t i = 0; i < accounts->count; i++) {
        const struct account *row = &accounts->rows[i];
        bool theirs = *row->user == '\0' || strcmp(row->user, user) == 0;
        if (theirs && !row->is_role && hosts_match(row->host, seen))
            return row;
    }
    return NULL;
}

static bool anybody_from(const struct accounts *accounts, const struct host_seen *seen)
{
    for (size_t i = accounts->count; i-- > 0;) /* "%" is at the end, and usual */
        if (!accounts->rows[i].is_role && hosts_match(accounts->rows[i].host, seen))
            return true;
    return false;
}

bool accounts_host_allowed(const struct accounts *accounts, const char *address)
{
    struct host_seen seen = seen_client(accounts, address);
    return anybody_from(accounts, &seen);
}

const char *accounts_host_name(const struct accounts *accounts, const char *address)
{
    struct host_seen seen = seen_client(accounts, address);
    return seen.name ? seen.name : address;
}

enum account_verdict accounts_find(const struct accounts *accounts, const char *user, const char *address,
                                   bool same_row_wanted, const struct account **ret_row)
{
    struct host_seen client = seen_client(accounts, address);
    const struct account *row = row_for(accounts, user, &client);
    if (!row)
        return anybody_from(accounts, &client) ? ACCOUNT_UNKNOWN_USER : ACCOUNT_HOST_NOT_ALLOWED;
    if (same_row_wanted && accounts->proxy_host) {
        struct host_seen proxy = seen_proxy(accounts);
        if (row_for(accounts, user, &proxy) != row)
            return ACCOUNT_OTHER_ROW;
    }
    *ret_row = row;
    return ACCOUNT_OK;
}
