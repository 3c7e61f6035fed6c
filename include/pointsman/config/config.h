/*
 * config.h - the configuration: an INI file read into one immutable struct.
 *
 *   file ──> ini lines with their numbers ──> option table ──> struct config   (config_load)
 *                                             │
 *                                             └─> --help, conf/pointsman.ini, docs (config_print_*)
 *
 * A struct config never changes once it is loaded; a reload makes a new one. It is counted: whoever keeps a
 * pointer holds a reference. Times are in milliseconds, sizes in bytes.
 */
#ifndef POINTSMAN_CONFIG_CONFIG_H
#define POINTSMAN_CONFIG_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>

/* An address to listen on or to connect to, resolved when the file was read. */
struct config_address {
    char *
        text; /* as written: "127.0.0.1:6033", "unix:/run/pointsman.sock", "[::1]:6033", "db1.example:3306" */
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    } sa;
};

enum config_promotion { CONFIG_PROMOTION_ALLOW, CONFIG_PROMOTION_PREFER, CONFIG_PROMOTION_NEVER };

struct config_server {
    char *name; /* of its section: [server NAME] */
    struct config_address address;
    unsigned weight; /* share of the reads; 0 = none */
    enum config_promotion promotion;
};

struct config_account {
    char *user;
    char *password;
};

enum config_rule_target { CONFIG_RULE_PRIMARY, CONFIG_RULE_REPLICA, CONFIG_RULE_SERVER, CONFIG_RULE_REJECT };

struct config_rule {
    char *name;
    char *match;  /* PCRE2 on the normalised statement; NULL: any */
    void *regex;  /* pcre2_code *, compiled (JIT when there is) ; NULL if match is */
    char *user;   /* NULL: any */
    char *schema; /* NULL: any */
    enum config_rule_target target;
    int server; /* index in servers, CONFIG_RULE_SERVER; else -1 */
};

enum config_log_level { CONFIG_LOG_ERROR, CONFIG_LOG_WARNING, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };
enum config_log_format { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };
enum config_balance { CONFIG_BALANCE_ROUND_ROBIN, CONFIG_BALANCE_LEAST_BUSY };
enum config_read_your_writes { CONFIG_RYW_SESSION, CONFIG_RYW_GLOBAL, CONFIG_RYW_OFF };
enum config_primary_reads {
    CONFIG_PRIMARY_READS_FALLBACK,
    CONFIG_PRIMARY_READS_ALWAYS,
    CONFIG_PRIMARY_READS_NEVER
};
enum config_failover_mode { CONFIG_FAILOVER_AUTOMATIC, CONFIG_FAILOVER_MANUAL, CONFIG_FAILOVER_OFF };
enum config_data_loss { CONFIG_DATA_LOSS_REFUSE, CONFIG_DATA_LOSS_ALLOW };
enum config_old_primary { CONFIG_OLD_PRIMARY_REJOIN, CONFIG_OLD_PRIMARY_READ_ONLY, CONFIG_OLD_PRIMARY_LEAVE };
enum config_proxies { CONFIG_PROXIES_SEVERAL, CONFIG_PROXIES_SINGLE };
enum config_account_hosts { CONFIG_ACCOUNT_HOSTS_SAME, CONFIG_ACCOUNT_HOSTS_SEPARATE };
enum config_tls_servers { CONFIG_TLS_OFF, CONFIG_TLS_PREFERRED, CONFIG_TLS_REQUIRED, CONFIG_TLS_VERIFY };

enum {
    CONFIG_AUTO = 0,         /* workers, max_per_server: find it out */
    CONFIG_SERVERS_MAX = 64, /* more are a fault */
    CONFIG_NAME_MAX = 63,    /* bytes of a server's or rule's name */
};

struct config {
    atomic_uint refs;
    char *path;

    /* [pointsman] */
    struct config_address *listen; /* at least one */
    size_t listen_count;
    struct config_address *admin; /* a list too; count 0: off */
    size_t admin_count;
    struct config_address *http;
    size_t http_count;
    unsigned workers; /* CONFIG_AUTO: half of the cores, 1 to 4 */
    unsigned max_connections;
    unsigned login_timeout;
    enum config_account_hosts account_hosts;
    char **proxy_protocol; /* networks */
    size_t proxy_protocol_count;
    unsigned shutdown_timeout;
    enum config_log_level log_level;
    enum config_log_format log_format;

    /* [monitor] */
    char *monitor_user;
    char *monitor_password;
    unsigned monitor_interval;
    unsigned monitor_timeout;

    struct config_server *servers; /* in file order; at least one */
    size_t servers_count;

    /* [routing] */
    enum config_balance balance;
    unsigned max_lag;
    enum config_read_your_writes read_your_writes;
    bool monotonic_reads;
    unsigned causal_timeout;
    enum config_primary_reads primary_reads;
    char **safe_functions; /* lower case, sorted by strcmp, so that struct sql_names can borrow it */
    size_t safe_functions_count;

    /* [pool] */
    unsigned max_prepared;
    unsigned max_per_server; /* CONFIG_AUTO: at most half of what the server allows */
    unsigned idle_timeout;
    unsigned connect_timeout;
    unsigned queue_timeout;

    /* [accounts] */
    struct config_account *accounts;
    size_t accounts_count;

    /* [failover] */
    enum config_failover_mode failover_mode;
    unsigned detect_timeout;
    unsigned cooldown;
    unsigned switchover_timeout;
    enum config_data_loss data_loss;
    enum config_old_primary old_primary;
    char *replication_user;     /* NULL: the monitor account */
    char *replication_password; /* NULL: the monitor account's */
    enum config_proxies proxies;

    /* [tls] */
    char *tls_certificate, *tls_key, *tls_ca; /* NULL: not given */
    bool tls_require;
    enum config_tls_servers tls_servers;

    /* [admin], [admin read] */
    struct config_account *admins;
    size_t admins_count;
    struct config_account *admin_readers;
    size_t admin_readers_count;

    struct config_rule *rules; /* file order, first match wins */
    size_t rules_count;
};

/*
 * Reads the file at path. Every fault is printed to `faults` as "FILE:LINE: what is wrong and what would be
 * right"; the whole file is read, however many there are. Returns a config with one reference, or NULL if
 * there was any fault (a file that can't be opened, want of memory included). Warnings (keys without effect
 * yet, what cannot work together but isn't a fault) go to faults too, as "FILE:LINE: warning: ...", and don't
 * make it fail.
 */
struct config *config_load(const char *path, FILE *faults);

/* The same from an open stream, which is read to its end and stays the caller's; path only names it in
 * faults. */
struct config *config_load_stream(FILE *file, const char *path, FILE *faults);

struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* NULL-safe; wipes passwords */

/* The address's host as it was written: "db1.example", "127.0.0.1", "::1". False: a unix socket, or too long.
 */
bool config_address_host(const struct config_address *address, char *host, size_t size);

/* What of `fresh` differs from `old` but takes effect only at a restart (listeners, workers): names,
 * comma-separated, into out; "" if nothing does. */
void config_restart_only(const struct config *old, const struct config *fresh, char *out, size_t size);

void config_print_help(FILE *to);   /* each section and key with its default and one line, for --help */
void config_print_sample(FILE *to); /* a whole commented ini: conf/pointsman.ini is exactly this */
void config_print_docs(FILE *to);   /* the same as Markdown tables: docs/configuration.md is exactly this */

/* Walks every option but those of servers, rules and accounts with its value as it could stand in the file,
 * for SHOW VARIABLES. ret_name is static, "routing.max_lag"; secrets come as "***". Returns false at the end.
 */
bool config_option_at(const struct config *config, size_t index, const char **ret_name, char *value,
                      size_t size);

#endif
