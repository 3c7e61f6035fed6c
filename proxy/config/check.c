/*
 * check.c - what can't be judged line by line.
 *
 *   check_config ──> checks[]   one function a judgement; faults that make the file useless, warnings about
 * what would run and disappoint
 */
#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "address.h"
#include "pointsman/config/nearest.h"

/* ---- servers ---- */

static void check_servers(struct load *load)
{
    const struct config *config = load->config;

    if (config->servers_count == 0)
        fault(&load->faults, load->last_line,
              "there is no server; add a section [server NAME] with address = HOST:PORT");
    if (config->servers_count > CONFIG_SERVERS_MAX)
        fault(&load->faults, load_line(load, "server.address", CONFIG_SERVERS_MAX),
              "these are %zu servers, at most %d are possible", config->servers_count, CONFIG_SERVERS_MAX);
}

/* Twice in the set it would get twice the reads, and count as two in a majority. */
static void check_server_addresses(struct load *load)
{
    const struct config_server *servers = load->config->servers;

    for (size_t i = 1; i < load->config->servers_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (servers[i].address.text && servers[j].address.text &&
                address_equal(&servers[i].address, &servers[j].address)) {
                fault(&load->faults, load_line(load, "server.address", i),
                      "address = %s: this is %s's address too", servers[i].address.text, servers[j].name);
                break;
            }
        }
    }
}

/* ---- listeners ---- */

struct listener {
    const char *option;
    const struct config_address *address;
};

static void check_collision(struct load *load, const struct listener *a, const struct listener *b)
{
    if (address_collide(a->address, b->address))
        fault(&load->faults, load_line(load, b->option, 0), "%s = %s: %s has %s already",
              strchr(b->option, '.') + 1, b->address->text, strchr(a->option, '.') + 1, a->address->text);
}

/* A connection to itself would be relayed to itself, until the files run out. */
static void check_self(struct load *load, const struct listener *listener)
{
    for (size_t i = 0; i < load->config->servers_count; i++)
        if (load->config->servers[i].address.text &&
            address_equal(listener->address, &load->config->servers[i].address))
            fault(&load->faults, load_line(load, "server.address", i),
                  "address = %s: this is the proxy's own %s address", listener->address->text,
                  strchr(listener->option, '.') + 1);
}

static size_t add_listeners(struct listener *to, const char *option, const struct config_address *list,
                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (struct listener){option, &list[i]};
    return count;
}

static void check_listeners(struct load *load)
{
    const struct config *config = load->config;
    size_t count = config->listen_count + config->admin_count + config->http_count, n = 0;
    struct listener *all = calloc(count + 1, sizeof *all);

    if (!all) {
        fault_memory(&load->faults);
        return;
    }
    n += add_listeners(all + n, "pointsman.listen", config->listen, config->listen_count);
    n += add_listeners(all + n, "pointsman.admin", config->admin, config->admin_count);
    n += add_listeners(all + n, "pointsman.http", config->http, config->http_count);
    for (size_t i = 0; i < n; i++) {
        check_self(load, &all[i]);
        for (size_t j = i + 1; j < n; j++)
            check_collision(load, &all[i], &all[j]);
    }
    free(all);
}

/* Without accounts the console trusts whoever sits on this machine, and nobody else. */
static void check_console(struct load *load)
{
    const struct config *config = load->config;

    if (config->admins_count + config->admin_readers_count > 0)
        return;
    for (size_t i = 0; i < config->admin_count; i++)
        if (!address_is_local(&config->admin[i]))
            fault_warning(
                &load->faults, load_line(load, "pointsman.admin", 0),
                "admin = %s: other machines can reach the console, and without accounts in [admin] it lets "
                "none of them in",
                config->admin[i].text);
}

/* ---- rules ---- */

static void find_rule_server(struct load *load, struct load_section *at)
{
    const struct config *config = load->config;
    struct config_rule *rule = &config->rules[at->item];
    struct nearest nearest = {.word = at->target};

    for (size_t i = 0; i < config->servers_count; i++) {
        if (strcmp(config->servers[i].name, at->target) == 0) {
            rule->server = (int)i;
            return;
        }
        nearest_look(&nearest, config->servers[i].name, NULL);
    }
    fault(&load->faults, load_line(load, "rule.target", at->item),
          "target = server %s: there is no [server %s]%s%s%s", at->target, at->target,
          nearest.name ? nearest_is_likely(&nearest) ? "; did you mean '" : "; the nearest is '" : "",
          nearest.name ? nearest.name : "", nearest.name ? nearest_is_likely(&nearest) ? "'?" : "'" : "");
}

static void check_rule_servers(struct load *load)
{
    for (size_t i = 0; i < load->sections_count; i++)
        if (load->sections[i].target[0])
            find_rule_server(load, &load->sections[i]);
}

static void check_rule_order(struct load *load)
{
    const struct config_rule *rules = load->config->rules, *all = NULL;

    for (size_t i = 0; i < load->config->rules_count; i++) {
        if (all)
            fault_warning(&load->faults, load_find(load, "rule", i)->line,
                          "[rule %s] is never asked, since [rule %s] before it takes every statement",
                          rules[i].name, all->name);
        else if (!rules[i].match && !rules[i].user && !rules[i].schema)
            all = &rules[i];
    }
}

/* ---- what belongs together ---- */

static void check_monitor_times(struct load *load)
{
    const struct config *config = load->config;

    if (config->monitor_timeout < config->monitor_interval)
        fault(&load->faults, load_line(load, "monitor.timeout", 0),
              "timeout is %ums and interval %ums: every server would be taken for gone between two looks; "
              "timeout is at "
              "least the interval, better several",
              config->monitor_timeout, config->monitor_interval);
}

static void check_replication_account(struct load *load)
{
    const struct config *config = load->config;

    if (config->replication_password && !config->replication_user)
        fault(&load->faults, load_line(load, "failover.replication_password", 0),
              "there is a replication_password but no replication_user; give both or neither");
}

static void check_tls(struct load *load)
{
    const struct config *config = load->config;

    if (!config->tls_certificate != !config->tls_key)
        fault(&load->faults, load_line(load, config->tls_key ? "tls.key" : "tls.certificate", 0),
              "certificate and key belong together; give both or neither");
    if (config->tls_servers == CONFIG_TLS_VERIFY && !config->tls_ca)
        fault(&load->faults, load_line(load, "tls.servers", 0), "servers = verify: this needs ca = PATH");
}

static void check_reads(struct load *load)
{
    const struct config *config = load->config;

    for (size_t i = 0; i < config->servers_count; i++)
        if (config->servers[i].weight > 0)
            return;
    if (config->servers_count > 0 && config->primary_reads == CONFIG_PRIMARY_READS_NEVER)
        fault_warning(&load->faults, load_line(load, "routing.primary_reads", 0),
                      "every server has weight = 0 and primary_reads = never: no read can run anywhere");
}

static void check_failover(struct load *load)
{
    const struct config *config = load->config;
    const char *where = load_find(load, "failover", 0) ? "failover.proxies" : "server.address";
    size_t candidates = 0;

    if (config->failover_mode == CONFIG_FAILOVER_OFF || config->servers_count < 2)
        return;
    for (size_t i = 0; i < config->servers_count; i++)
        candidates += config->servers[i].promotion != CONFIG_PROMOTION_NEVER;
    if (candidates == 0)
        fault_warning(&load->faults, load_line(load, "server.promotion", 0),
                      "every server has promotion = never: these servers can never fail over");
    else if (config->servers_count == 2 && config->proxies == CONFIG_PROXIES_SEVERAL)
        fault_warning(&load->faults, load_line(load, where, load_find(load, "failover", 0) ? 0 : 1),
                      "two servers with proxies = several can never fail over, since a majority of two is "
                      "both; a third "
                      "server, or proxies = single in [failover] if there is no other proxy");
}

/* One file a client and a backend connection, and some for listeners, watchers, logs and loops. */
static void check_open_files(struct load *load)
{
    enum { OTHERS = 100 };
    const struct config *config = load->config;
    uint64_t need = (uint64_t)config->max_connections +
                    (uint64_t)config->max_per_server * config->servers_count + OTHERS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY && limit.rlim_max < need)
        fault_warning(
            &load->faults, load_line(load, "pointsman.max_connections", 0),
            "max_connections and the pools may need %llu open files, this process may have %llu; raise the "
            "limit (LimitNOFILE of systemd, ulimit -n) or lower max_connections",
            (unsigned long long)need, (unsigned long long)limit.rlim_max);
}

void check_config(struct load *load)
{
    static void (*const checks[])(struct load * load) = {
        check_servers,      check_server_addresses, check_listeners,     check_console,
        check_rule_servers, check_rule_order,       check_monitor_times, check_replication_account,
        check_tls,          check_tls_files,        check_reads,         check_failover,
        check_open_files,
    };

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        checks[i](load);
}
