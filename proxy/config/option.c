/*
 * option.c - the option table.
 *
 *   one row ──┬─> load.c   reads the key into its field, refuses unknown ones with the nearest name
 *             ├─> print.c  --help, conf/pointsman.ini, docs/configuration.md
 *             └─> value.c  SHOW VARIABLES, freeing, what a reload can't change
 *
 * A new option is a field in struct config and a row here; then write the sample and the docs anew,
 * which POINTSMAN_WRITE=1 makes tests/unit/config/test_config_print do.
 */
#include "option.h"

#include <string.h>

#define AT(field)        .offset = offsetof(struct config, field)
#define LIST(field)      .offset = offsetof(struct config, field), .also = offsetof(struct config, field##_count)
#define IN_SERVER(field) .offset = offsetof(struct config_server, field)
#define IN_RULE(field)   .offset = offsetof(struct config_rule, field)
#define WORDS(...)                                                                                           \
    .words = (const char *const[])                                                                           \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static const struct option pointsman_options[] = {
    {"pointsman.listen", OPTION_ADDRESSES, OPTION_FILLED | OPTION_RESTART, LIST(listen),
     .fallback = "127.0.0.1:6033", .help = "where applications connect: a list of HOST:PORT and unix:/PATH",
     .why = "Applications on other machines need an address that they can reach, such as 0.0.0.0:6033."},
    {"pointsman.admin", OPTION_ADDRESSES, OPTION_RESTART, LIST(admin), .fallback = "127.0.0.1:6032",
     .help = "the admin console, spoken to by any MySQL client; empty turns it off",
     .why = "Beyond loopback only together with accounts in [admin]."},
    {"pointsman.http", OPTION_ADDRESSES, OPTION_RESTART, LIST(http), .fallback = "127.0.0.1:6080",
     .help = "/metrics, /healthz, /readyz and the dashboard; empty turns it off",
     .why = "Prometheus or a load balancer on another machine must reach it."},
    {"pointsman.workers", OPTION_NUMBER, OPTION_AUTO | OPTION_RESTART, AT(workers), .min = 1, .max = 64,
     .fallback = "auto", .help = "event-loop threads; auto is half of the CPU cores, 1 to 4",
     .why =
         "More only when the proxy's own threads are seen to be busy; each has its own backend connections."},
    {"pointsman.max_connections", OPTION_NUMBER, 0, AT(max_connections), .min = 1, .max = 1000000,
     .fallback = "10000", .help = "clients at the same time; one more gets ERR 1040",
     .why =
         "The limit of open files must allow it: one for each client and one for each backend connection."},
    {"pointsman.login_timeout", OPTION_DURATION, 0, AT(login_timeout), .min = 100, .max = HOUR,
     .fallback = "10s", .help = "how long a client may take to log in",
     .why = "Longer if clients come over slow links, shorter if strangers can reach the port."},
    {"pointsman.account_hosts", OPTION_CHOICE, 0, AT(account_hosts), WORDS("same", "separate"),
     .fallback = "same",
     .help = "same: client and proxy must match the same account row; separate: two rows of one user will do",
     .why = "If accounts are tied to hosts ('app'@'10.0.0.%') and the proxy has a row of its own; the "
            "privileges are then "
            "those of the proxy's row."},
    {"pointsman.proxy_protocol", OPTION_NETWORKS, 0, LIST(proxy_protocol), .fallback = "",
     .example = "10.1.0.0/16, fd00:1::/64",
     .help =
         "balancers: who connects from there begins with a PROXY header (version 1 or 2) that says for whom",
     .why = "If a balancer before the proxy hides the clients' addresses. Only networks that nobody else "
            "connects "
            "from: whoever does may claim any address."},
    {"pointsman.shutdown_timeout", OPTION_DURATION, 0, AT(shutdown_timeout), .min = 0, .max = 24 * HOUR,
     .fallback = "30s", .help = "how long running statements and transactions may go on after SIGTERM",
     .why = "Longer if your longest transactions are; keep it under what the service manager waits."},
    {"pointsman.log_level", OPTION_CHOICE, 0, AT(log_level), WORDS("error", "warning", "info", "debug"),
     .fallback = "info", .help = "the least important lines that are still written",
     .why = "debug tells of every connection; good for looking into one case, too much for every day."},
    {"pointsman.log_format", OPTION_CHOICE, 0, AT(log_format), WORDS("text", "json"), .fallback = "text",
     .help = "one event a line, as text or as JSON", .why = "json if a log collector takes the lines apart."},
};

static const struct option monitor_options[] = {
    {"monitor.user", OPTION_TEXT, OPTION_REQUIRED, AT(monitor_user), .example = "monitor",
     .help = "the account by which servers are watched and promoted",
     .why = "If the account is called otherwise; it must exist on every server."},
    {"monitor.password", OPTION_SECRET, OPTION_REQUIRED, AT(monitor_password), .example = "change-me",
     .help = "its password", .why = "Everybody should; or use password_file."},
    {"monitor.password_file", OPTION_SECRET_FILE, 0, AT(monitor_password),
     .example = "/etc/pointsman/monitor.password",
     .help = "instead of password: a file whose first line is the password",
     .why = "Keeps the password out of this file, and takes passwords that contain \" ;\" or \" #\"."},
    {"monitor.interval", OPTION_DURATION, 0, AT(monitor_interval), .min = 10, .max = HOUR,
     .fallback = "250ms", .help = "between two looks at one server",
     .why = "A new state is seen within one interval; shorter costs each server some queries more."},
    {"monitor.timeout", OPTION_DURATION, 0, AT(monitor_timeout), .min = 20, .max = HOUR, .fallback = "1s",
     .help = "a server whose last good look is older is not answering",
     .why = "Longer if the network to the servers stalls now and then; at least the interval."},
};

static const struct option server_options[] = {
    {"server.address", OPTION_ADDRESS, OPTION_REQUIRED, IN_SERVER(address), .example = "127.0.0.1:3310",
     .help = "where the server listens: HOST:PORT or unix:/PATH", .why = "Every server has its own."},
    {"server.weight", OPTION_NUMBER, 0, IN_SERVER(weight), .min = 0, .max = 1000, .fallback = "1",
     .help = "share of the reads; 0 is none",
     .why = "A machine twice as strong gets 2; a replica kept for backups gets 0."},
    {"server.promotion", OPTION_CHOICE, 0, IN_SERVER(promotion), WORDS("allow", "prefer", "never"),
     .fallback = "allow", .help = "whether it may become the primary",
     .why =
         "never for a replica in another place or with delayed replication; prefer decides between equals."},
};

static const struct option routing_options[] = {
    {"routing.balance", OPTION_CHOICE, 0, AT(balance), WORDS("round-robin", "least-busy"),
     .fallback = "round-robin",
     .help = "how reads are spread: by weight in turn, or to the server with the fewest running statements",
     .why = "least-busy if some reads are much longer than others."},
    {"routing.max_lag", OPTION_DURATION, 0, AT(max_lag), .min = 1, .max = 24 * HOUR, .fallback = "5s",
     .help = "a replica further behind the primary serves no reads",
     .why = "Shorter if other sessions' writes must be seen soon; longer if replicas fall behind and that is "
            "all right."},
    {"routing.read_your_writes", OPTION_CHOICE, 0, AT(read_your_writes), WORDS("session", "global", "off"),
     .fallback = "session",
     .help = "a read sees what was written before it: by its own session, by any, or maybe not",
     .why =
         "global if one request's writes are read by the next over another connection; off if speed is all."},
    {"routing.monotonic_reads", OPTION_YES_NO, OPTION_NO_EFFECT, AT(monotonic_reads), .fallback = "no",
     .help = "a session's later read never shows an older state",
     .why = "yes if going back in time between two reads confuses the application; a session then changes "
            "replica less."},
    {"routing.causal_timeout", OPTION_DURATION, 0, AT(causal_timeout), .min = 0, .max = MINUTE,
     .fallback = "100ms",
     .help = "how long a read may wait on a replica for the writes it must see, before the primary serves it",
     .why = "Longer keeps more reads off the primary, at the price of slower ones."},
    {"routing.primary_reads", OPTION_CHOICE, 0, AT(primary_reads), WORDS("fallback", "always", "never"),
     .fallback = "fallback",
     .help = "whether the primary serves reads: when no replica can, by its weight, or not at all",
     .why = "always if the primary has room; never if reads must not touch it even when no replica is left."},
    {"routing.safe_functions", OPTION_NAMES, 0, LIST(safe_functions), .fallback = "",
     .example = "net_price, full_name",
     .help = "stored functions and UDFs known to be harmless; reads that call them may run on replicas",
     .why = "List those that only read and take no locks; reads that call any other function run on the "
            "primary."},
};

static const struct option pool_options[] = {
    {"pool.max_per_server", OPTION_NUMBER, OPTION_AUTO, AT(max_per_server), .min = 1, .max = 100000,
     .fallback = "auto",
     .help = "backend connections to one server; auto is at most half of what the server allows",
     .why = "A number if several proxies or other programs share the server's max_connections."},
    {"pool.max_prepared", OPTION_NUMBER, 0, AT(max_prepared), .min = 1, .max = 100000, .fallback = "100",
     .help = "statements that stay prepared on one backend connection, those used last",
     .why = "As many as an application has in use; all connections together stay below the servers' "
            "max_prepared_stmt_count."},
    {"pool.idle_timeout", OPTION_DURATION, 0, AT(idle_timeout), .min = 1, .max = 24 * HOUR, .fallback = "60s",
     .help = "backend connections that could be done without for so long are closed",
     .why = "Longer if load comes in bursts; shorter than the servers' wait_timeout."},
    {"pool.connect_timeout", OPTION_DURATION, 0, AT(connect_timeout), .min = 1, .max = HOUR, .fallback = "2s",
     .help = "how long connecting and logging in to a server may take",
     .why = "Longer if the servers are far away."},
    {"pool.queue_timeout", OPTION_DURATION, 0, AT(queue_timeout), .min = 0, .max = HOUR, .fallback = "10s",
     .help = "how long a statement waits for a connection or a primary before it gets an error",
     .why = "Longer rides out slower failovers; shorter if applications would rather have the error."},
};

static const struct option failover_options[] = {
    {"failover.mode", OPTION_CHOICE, OPTION_NO_EFFECT, AT(failover_mode), WORDS("automatic", "manual", "off"),
     .fallback = "automatic",
     .help = "who promotes a replica when the primary is gone: the proxy, an operator, somebody else",
     .why = "off if another tool promotes; the proxy then only follows."},
    {"failover.detect_timeout", OPTION_DURATION, OPTION_NO_EFFECT, AT(detect_timeout), .min = 100,
     .max = HOUR, .fallback = "2s", .help = "how long the primary must be gone for every observer",
     .why = "Longer if short stalls are common and a promotion is dear."},
    {"failover.cooldown", OPTION_DURATION, OPTION_NO_EFFECT, AT(cooldown), .min = 0, .max = 168 * HOUR,
     .fallback = "10m", .help = "no second automatic failover within it",
     .why = "Longer if somebody should look before the next."},
    {"failover.switchover_timeout", OPTION_DURATION, OPTION_NO_EFFECT, AT(switchover_timeout), .min = 100,
     .max = HOUR, .fallback = "10s",
     .help = "how long a planned change of primary may take before it is undone",
     .why = "Longer if transactions are long; queue_timeout should be no shorter."},
    {"failover.data_loss", OPTION_CHOICE, OPTION_NO_EFFECT, AT(data_loss), WORDS("refuse", "allow"),
     .fallback = "refuse",
     .help = "allow promotes a replica although an acknowledged write may be missing on it",
     .why = "allow if being up matters more than the last writes, or replication is asynchronous anyway."},
    {"failover.old_primary", OPTION_CHOICE, OPTION_NO_EFFECT, AT(old_primary),
     WORDS("rejoin", "read-only", "leave"), .fallback = "rejoin",
     .help = "what happens to a former primary that comes back",
     .why = "read-only if somebody wants to look at it before it replicates again."},
    {"failover.replication_user", OPTION_TEXT, OPTION_NO_EFFECT, AT(replication_user), .fallback = "",
     .example = "replication",
     .help = "the account by which replicas replicate; empty is the monitor account",
     .why = "If replication has an account of its own, which is good practice."},
    {"failover.replication_password", OPTION_SECRET, OPTION_NO_EFFECT, AT(replication_password),
     .example = "change-me", .help = "its password", .why = "Together with replication_user."},
    {"failover.replication_password_file", OPTION_SECRET_FILE, OPTION_NO_EFFECT, AT(replication_password),
     .example = "/etc/pointsman/replication.password",
     .help = "instead of replication_password: a file whose first line is the password",
     .why = "As for the monitor account's."},
    {"failover.proxies", OPTION_CHOICE, OPTION_NO_EFFECT, AT(proxies), WORDS("several", "single"),
     .fallback = "several",
     .help = "several: promoting takes locks on a majority of the servers; single: there is no other proxy",
     .why = "single if this is the only proxy; sets of two servers can fail over only so."},
};

static const struct option tls_options[] = {
    {"tls.certificate", OPTION_TEXT, 0, AT(tls_certificate), .example = "/etc/pointsman/tls/server.pem",
     .help = "the proxy's certificate chain for clients, PEM; else it makes one at each start",
     .why = "So that clients can verify whom they talk to; with key."},
    {"tls.key", OPTION_TEXT, 0, AT(tls_key), .example = "/etc/pointsman/tls/server.key",
     .help = "its private key, PEM", .why = "With certificate."},
    {"tls.ca", OPTION_TEXT, 0, AT(tls_ca), .example = "/etc/pointsman/tls/ca.pem",
     .help = "the authorities by which the servers' certificates are verified, PEM",
     .why = "With servers = verify."},
    {"tls.require", OPTION_YES_NO, 0, AT(tls_require), .fallback = "no",
     .help = "clients that come by TCP without TLS are refused",
     .why = "yes if clients come over networks that others can read."},
    {"tls.servers", OPTION_CHOICE, 0, AT(tls_servers), WORDS("off", "preferred", "required", "verify"),
     .fallback = "preferred",
     .help = "TLS towards the servers: never, if they offer it, always, or always with a certificate of ca "
             "for their address",
     .why = "verify if the network to the servers is not your own."},
};

static const struct option rule_options[] = {
    {"rule.match", OPTION_REGEX, 0, IN_RULE(match), .also = offsetof(struct config_rule, regex),
     .example = "^SELECT .* FROM reports",
     .help = "regular expression (PCRE2) on the normalised statement: literals as ?, keywords in upper case",
     .why = "To name statements by what they say; SHOW STATEMENTS has them as they are matched."},
    {"rule.user", OPTION_TEXT, 0, IN_RULE(user), .example = "report", .help = "only statements of this user",
     .why = "To name statements by who runs them."},
    {"rule.schema", OPTION_TEXT, 0, IN_RULE(schema), .example = "sales",
     .help = "only statements in this default schema", .why = "To name statements by where they run."},
    {"rule.target", OPTION_TARGET, OPTION_REQUIRED, IN_RULE(target),
     .also = offsetof(struct config_rule, server), .example = "replica",
     .help = "where they go: primary, replica, server NAME or reject",
     .why = "replica may admit unknown functions; writes, locks and transactions go to the primary whatever "
            "a rule says."},
};

#define OPTIONS(array) .options = array, .options_count = COUNT(array)
#define ITEMS(field, type)                                                                                   \
    .items = offsetof(struct config, field), .items_count = offsetof(struct config, field##_count),          \
    .item_size = sizeof(struct type)

const struct section option_sections[] = {
    {"pointsman", SECTION_SINGLE, OPTIONS(pointsman_options), .help = "the program"},
    {"monitor", SECTION_SINGLE, OPTIONS(monitor_options), .help = "how servers are watched"},
    {"server", SECTION_NAMED, OPTIONS(server_options), ITEMS(servers, config_server), .example = "db1",
     .help = "one section a server; which one is the primary is found out, not configured",
     .more = "[server db2]\naddress = 127.0.0.1:3311\n\n[server db3]\naddress = 127.0.0.1:3312\n"},
    {"routing", SECTION_SINGLE, OPTIONS(routing_options), .help = "where statements go"},
    {"pool", SECTION_SINGLE, OPTIONS(pool_options), .help = "connections to the servers"},
    {"accounts", SECTION_ACCOUNTS, ITEMS(accounts, config_account), .example = "app = secret",
     .help = "optional, user = password: the passwords of accounts whose plugin the proxy can't speak for by "
             "itself; all "
             "others log in with their database account, nothing to say here"},
    {"failover", SECTION_SINGLE, OPTIONS(failover_options),
     .help = "when and how a replica becomes the primary"},
    {"tls", SECTION_SINGLE, OPTIONS(tls_options), .help = "encryption, towards clients and servers"},
    {"admin", SECTION_ACCOUNTS, ITEMS(admins, config_account), .example = "operator = secret",
     .help = "optional, name = password: accounts of the console and of acting in the dashboard; without "
             "any, everybody "
             "on this machine may"},
    {"admin read", SECTION_ACCOUNTS, ITEMS(admin_readers, config_account), .example = "viewer = secret",
     .help = "optional, name = password: accounts that may only look"},
    {"rule", SECTION_NAMED, OPTIONS(rule_options), ITEMS(rules, config_rule), .example = "reports",
     .help = "any number; the first whose match, user and schema all fit decides, in the file's order",
     .optional = true},
};
const size_t option_sections_count = COUNT(option_sections);

_Static_assert(COUNT(pointsman_options) <= SECTION_OPTIONS_MAX &&
                   COUNT(failover_options) <= SECTION_OPTIONS_MAX,
               "struct load_section has a line number for each option");
_Static_assert(offsetof(struct config_server, name) == 0 && offsetof(struct config_rule, name) == 0 &&
                   offsetof(struct config_account, user) == 0,
               "an item begins with its name");

const char *option_key(const struct option *option)
{
    return strchr(option->name, '.') + 1;
}

const struct option *section_option(const struct section *section, const char *key)
{
    for (size_t i = 0; i < section->options_count; i++)
        if (strcmp(option_key(&section->options[i]), key) == 0)
            return &section->options[i];
    return NULL;
}
