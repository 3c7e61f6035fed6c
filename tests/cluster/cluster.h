/*
 * cluster.h - starts real replication sets in a temporary folder, breaks them, and looks at what they did.
 *
 *   cluster_start() ──> server 0  the primary ──binlog, GTID──> servers 1..N-1  read-only replicas
 *        │                 each: a port on 127.0.0.1, a unix socket, an error log, a general log
 *        │
 *        ├─ break it     cluster_kill, _freeze, _thaw, _shut_down, _launch, _replication, _delay, _follow,
 * _unfollow, │               cluster_read_only ├─ ask it       cluster_sql, cluster_value, cluster_connect;
 * sql_*() on any connection ├─ look at it   general_log_mark, general_log_count, general_log_each └─
 * cluster_stop(): processes, folder and ports are gone, also if the caller was killed before
 *
 * For one test program at a time: nothing here is safe to call from two threads at once, but for the
 * functions that take only a MYSQL *. Functions that fail say why on standard error.
 *
 * Environment: POINTSMAN_FLAVOUR        mariadb or mysql: what sets are of whose options don't say (default:
 *                                       mariadb)
 *              POINTSMAN_TEMPLATE_DIR   where the prepared data directory is kept (default: the build
 *                                       folder's cluster-template; made at first use, shared by all)
 *              POINTSMAN_MARIADBD       the server to run (default: mariadbd)
 *              POINTSMAN_MYSQLD         the same of MySQL (default: what tools/mysql-root fetched, into
 *                                       POINTSMAN_MYSQL_ROOT or XDG_CACHE_HOME)
 *              POINTSMAN_KEEP           if set, folders stay for inspection
 *              TMPDIR                   where folders are made (default: /tmp)
 */
#ifndef POINTSMAN_TESTS_CLUSTER_H
#define POINTSMAN_TESTS_CLUSTER_H

#include <mysql.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CLUSTER_SERVERS_MAX = 9 };

enum cluster_flavour { CLUSTER_AS_ENVIRONMENT, CLUSTER_MARIADB, CLUSTER_MYSQL };

/* Words for statements that both flavours have by other names. */
struct cluster_dialect {
    const char *replica,
        *source;        /* SLAVE and MASTER, REPLICA and SOURCE: STOP %s, CHANGE … TO %s_DELAY = 1 */
    const char *status; /* SHOW … STATUS, and its columns */
    const char *io_running, *sql_running, *source_port;
};

/* A database account that every server of a set has. */
struct cluster_account {
    const char *user;
    const char *password; /* "" for none */
};
extern const struct cluster_account cluster_root;    /* everything; by the unix socket */
extern const struct cluster_account cluster_monitor; /* what watching and promoting needs, and no more */
extern const struct cluster_account cluster_app;     /* all on schemas shop and stock; no READ ONLY ADMIN */
extern const struct cluster_account cluster_report;  /* SELECT on shop only */

/* All zero is a good set of three. Pointers are borrowed during cluster_start(). */
struct cluster_options {
    enum cluster_flavour flavour;
    int servers;         /* 1..CLUSTER_SERVERS_MAX, 0 means 3 */
    bool no_general_log; /* for benchmarks */
    bool semi_sync;      /* on all servers, AFTER_SYNC, one acknowledgement */
    bool durable;        /* fsync at each commit; else a commit survives kill -9, not a power cut */
    bool performance_schema;
    bool skip_name_resolve;  /* clients are then seen as 127.0.0.1 instead of localhost */
    int connect_retry_s;     /* …_CONNECT_RETRY, 0 means 1 (the server's own default is 60) */
    int heartbeat_ms;        /* …_HEARTBEAT_PERIOD, 0 keeps the server's default (30 s) */
    int max_connections;     /* 0 means 400 */
    const char *const *args; /* NULL or NULL-terminated: more arguments for every server, these win */
    const char
        *directory; /* NULL makes a fresh folder; else one that doesn't exist yet, removed at the end */
};

/* Read only for callers, but for read_only. */
struct cluster_server {
    int port;        /* on 127.0.0.1, kept over restarts */
    char *directory; /* data/, general.log, error.log, tmp/ */
    char *socket;    /* unix socket's path */
    char *log;       /* general log's path */
    pid_t pid;       /* 0 while it doesn't run */
    bool read_only;  /* as its configuration says: how it comes up at the next launch */
    bool frozen;
    const struct flavour *flavour;   /* private */
    struct log_clients *log_clients; /* private */
    int port_claim;                  /* private */
    MYSQL *root;                     /* private, behind cluster_sql() and cluster_value() */
};
struct guard;
struct cluster {
    struct cluster_options options; /* its flavour is the one it has */
    const struct cluster_dialect *dialect;
    char *directory;
    int count;
    struct cluster_server server[CLUSTER_SERVERS_MAX]; /* [0] begins as the primary */
    const struct flavour *flavour;                     /* private */
    struct guard *guard;                               /* private */
    char *template;                                    /* private: the prepared data directory */
    int proxies;                                       /* number of proxies started, for their files' names */
};

/* Starts a set and waits until every replica's threads run and it has the primary's position.
 * NULL if that failed, with nothing left behind. */
struct cluster *cluster_start(const struct cluster_options *options);
/* Ends all processes and removes the folder. NULL-safe. */
void cluster_stop(struct cluster *cluster);

/* --- breaking; `server` is an index. All wait until it has happened; false if it did not. --- */

/* kill -9. A replica killed while it applies DDL may never replicate again (MariaDB writes its binlog and its
 * position one by one): cluster_sync() before, if that is not what is tested. */
bool cluster_kill(struct cluster *cluster, int server);
bool cluster_shut_down(struct cluster *cluster, int server); /* SIGTERM, up to 30 s */
bool cluster_freeze(struct cluster *cluster, int server);    /* SIGSTOP */
bool cluster_thaw(struct cluster *cluster, int server);      /* SIGCONT */
/* Starts a server that doesn't run, on its data as they are. Replication resumes by itself if it was set up.
 */
bool cluster_launch(struct cluster *cluster, int server);

enum cluster_thread { CLUSTER_SQL_THREAD, CLUSTER_IO_THREAD, CLUSTER_BOTH_THREADS };
/* Starts or stops a replica's threads, and waits until its status says so. */
bool cluster_replication(struct cluster *cluster, int server, enum cluster_thread thread, bool run);
bool cluster_delay(struct cluster *cluster, int server, int seconds); /* 0 lifts it */
/* Makes `server` a replica of `source` by GTID (its own position is kept), without waiting for it to catch
 * up. */
bool cluster_follow(struct cluster *cluster, int server, int source);
/* Makes it a replica of nobody, which keeps its position. */
bool cluster_unfollow(struct cluster *cluster, int server);
/* Until its next launch: read_only, or super_read_only where there is that. */
bool cluster_read_only(struct cluster *cluster, int server, bool read_only);
/* Waits until all running replicas have applied what server `source` has written now. */
bool cluster_sync(struct cluster *cluster, int source, int timeout_ms);

/* --- asking --- */

/* A connection of one's own to a server, by socket for root and by TCP for others. schema may be NULL.
 * NULL on failure. Close it by mysql_close(). */
MYSQL *cluster_connect(struct cluster *cluster, int server, const struct cluster_account *account,
                       const char *schema);
/* A statement as root on a connection that is kept (and made anew when it broke). 0 or the error's code. */
unsigned cluster_sql(struct cluster *cluster, int server, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The first column of the first row as root; NULL if there is none, it is NULL, or on an error. free() it. */
char *cluster_value(struct cluster *cluster, int server, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* On the primary, what MariaDB has without being asked: the table seq_FROM_to_TO of one column, seq. Behind
 * it each such table may be read in both flavours. True if it is there. */
bool cluster_numbers(struct cluster *cluster, const char *schema, int from, int to);

/* A connection to 127.0.0.1:port, or to the unix socket if it isn't NULL. schema may be NULL; flags are
 * mysql_real_connect()'s. Reads and writes time out after 60 s. NULL on failure. */
MYSQL *sql_connect(const char *socket, int port, const struct cluster_account *account, const char *schema,
                   unsigned long flags);
/* Runs text, which may be several statements, reads and drops all results. 0 or the error's code. */
unsigned sql_run(MYSQL *connection, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* First column of the first row of the last result set that has one. free() it. NULL: none, NULL or an error;
 * sql_value_error() tells, and mysql_errno(). */
char *sql_value(MYSQL *connection, const char *format, ...) __attribute__((format(printf, 2, 3)));
long long sql_number(MYSQL *connection, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* -1: none */
/* A named column of the first row, for SHOW … STATUS. free() it. */
char *sql_column(MYSQL *connection, const char *statement, const char *column);

/* --- general logs --- */

/* One line of a general log, which may have line breaks in it. text is borrowed and ends in NUL. */
struct general_log_entry {
    unsigned long thread;
    const char *command; /* "Query", "Execute", "Prepare", "Connect", "Init DB", … */
    const char *text;
};
/* Where the log ends now. */
long general_log_mark(const struct cluster_server *server);
/* Calls `each` for every entry since the mark until it returns false. False if the log can't be read. */
bool general_log_each(const struct cluster_server *server, long mark,
                      bool (*each)(const struct general_log_entry *entry, void *arg), void *arg);
/* How often `marker` occurs in the statements (Query or Execute) that a server ran since the mark. A server
 * writes an entry before it runs it, so whoever has the answer finds the entry. Several statements in one
 * packet are one entry; what EXECUTE runs has an entry besides EXECUTE's own. */
int general_log_count(const struct cluster_server *server, long mark, const char *marker);

/* --- waiting --- */

/* Asks until `holds` returns true; false after timeout_ms. */
bool wait_for(bool (*holds)(void *arg), void *arg, int timeout_ms);
int64_t monotonic_us(void); /* CLOCK_MONOTONIC */

#endif
