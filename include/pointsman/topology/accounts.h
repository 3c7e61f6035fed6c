/*
 * accounts.h - the databases' own accounts, as read from their account tables: an immutable snapshot.
 *
 *   monitor reads mysql.global_priv / mysql.user every second ──> accounts_build() ──publish──> workers
 *   login: accounts_find(user, client's host) -> the row a server would take, or why not
 *
 * Rows are ordered as servers order them (most specific host first, then user), so the first match is the row
 * a server would take. [accounts] entries of the ini add passwords to rows.
 */
#ifndef POINTSMAN_TOPOLOGY_ACCOUNTS_H
#define POINTSMAN_TOPOLOGY_ACCOUNTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pointsman/config/config.h"

enum account_plugin { PLUGIN_NATIVE, PLUGIN_CACHING_SHA2, PLUGIN_OTHER };

struct account {
    const char *user;
    const char *host; /* pattern */
    enum account_plugin plugin;
    const char *plugin_name;
    bool has_password;
    uint8_t stage2[20];      /* native: SHA1(SHA1(password)) */
    const char *auth_string; /* as in the table, for other plugins */
    const char *password;    /* from [accounts], or NULL */
    bool locked, expired, tls_required;
    bool certificate_required; /* the client's own: REQUIRE X509, ISSUER, SUBJECT; tls_required too */
    bool is_role;
    uint64_t serial; /* differs whenever anything of this row differs; equal rows keep theirs over snapshots:
                        pooled connections of another serial are closed */
};

struct accounts {
    atomic_uint refs;
    uint64_t serial;
    bool known; /* false: no server could be read yet */
    size_t count;
    struct account *rows;   /* sorted as a server does */
    const char *proxy_host; /* the address servers see us coming from ("127.0.0.1", "localhost"), or NULL */
    size_t bytes;           /* of the whole block, rows and strings included; private */
};

enum account_verdict {
    ACCOUNT_OK,
    ACCOUNT_HOST_NOT_ALLOWED, /* no row of any user admits this host: ERR 1130 */
    ACCOUNT_UNKNOWN_USER,     /* to be answered as a wrong password: ERR 1045, after the same work */
    ACCOUNT_OTHER_ROW, /* the proxy's own address selects another row of this user and account_hosts = same:
                          ERR 1045 too, with the reason in the log */
};

/*
 * The row for user at a client's host. `address` is the client's IP address as text, or NULL for a unix
 * socket ("localhost"); loopback addresses match 'localhost' rows too, unless servers see the proxy itself as
 * "127.0.0.1" or "::1": then they don't resolve names, and a client there would be nobody's localhost. Host
 * patterns: exact, with % and _ wildcards, netmasks (192.168.1.0/255.255.255.0), CIDR. Names of hosts other
 * than localhost match nothing: addresses are not resolved. *ret_row is borrowed from accounts.
 */
enum account_verdict accounts_find(const struct accounts *accounts, const char *user, const char *address,
                                   bool same_row, const struct account **ret_row);
/* What servers would call a client at this address: "localhost", or the address itself (borrowed). */
const char *accounts_host_name(const struct accounts *accounts, const char *address);
/* Whether any row admits this host at all (asked before the greeting). */
bool accounts_host_allowed(const struct accounts *accounts, const char *address);

struct accounts *accounts_ref(struct accounts *accounts);
void accounts_unref(struct accounts *accounts);

/* The current snapshot (a new reference; never NULL: known = false at first) and its publication, as in
 * topology.h. */
struct accounts *accounts_current(void);
void accounts_publish(struct accounts *accounts);
bool accounts_subscribe(void (*tell)(void *arg), void *arg);

/* One row as read from a server, for accounts_build(). All strings borrowed. */
struct account_source {
    const char *user, *host, *plugin, *auth_string;
    bool locked, expired, tls_required, certificate_required, is_role;
};
/* A new snapshot (one reference), NULL for want of memory. `last` (may be NULL): rows equal to its rows keep
 * their serial. */
struct accounts *accounts_build(const struct account_source *rows, size_t count, const struct config *config,
                                const char *proxy_host, const struct accounts *last);

#endif
