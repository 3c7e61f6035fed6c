/*
 * pointsman.h - runs the proxy in front of a set, as a user would: an ini file, the binary, signals.
 *
 *   pointsman_start() ── DIR/pointsman-1.ini ──> build/pointsman --config … ── log ──> DIR/pointsman-1.log
 *        │                                        waits for its listener and for /readyz
 *   pointsman_stop()  ── SIGTERM ── exit status; the log is printed when the test program fails
 *
 * Environment: POINTSMAN   the binary (default: pointsman in the build folder)
 */
#ifndef POINTSMAN_TESTS_POINTSMAN_H
#define POINTSMAN_TESTS_POINTSMAN_H

#include "cluster.h"

/* All zero is a proxy for the whole set with every option at its default. Texts are lines of an ini section,
 * each ended by a line break; NULL for none. Borrowed during pointsman_start(). */
struct pointsman_options {
    const char *pointsman;                   /* more of [pointsman]; not listen, admin, http */
    const char *monitor;                     /* more of [monitor]; not user, password */
    const char *server[CLUSTER_SERVERS_MAX]; /* more of [server dbN]; not address */
    const char *more;                        /* further sections, with their headers */
    bool no_wait;                            /* don't wait for /readyz, only for the listener */
    int timeout_ms;                          /* for all that waiting; 0 means 10 s */
};

struct pointsman {
    pid_t pid;      /* 0 when it has ended */
    int port;       /* applications */
    int admin_port; /* console */
    int http_port;
    char *socket;  /* applications, by unix socket */
    char *config;  /* the ini's path: rewrite it and send SIGHUP */
    char *log;     /* the log's path */
    int claims[3]; /* private */
};

/* Writes an ini for the set (servers are named db1…dbN in its order) and starts the proxy. NULL on failure,
 * with the log printed. The proxy doesn't outlive the set. */
struct pointsman *pointsman_start(struct cluster *cluster, const struct pointsman_options *options);
/* Sends SIGTERM, waits, frees. Returns the exit status (0 is right), 128 + N if signal N ended it (9 also if
 * it had to be killed after 40 s). NULL-safe (0). */
int pointsman_stop(struct pointsman *proxy);

/* A client's connection through the proxy, by TCP. schema may be NULL. NULL on failure. */
MYSQL *pointsman_connect(struct pointsman *proxy, const struct cluster_account *account, const char *schema);

/* GET from 127.0.0.1:port. Returns the status code, 0 if there was no answer in a second; *ret_body, if not
 * NULL, is the body, to be freed. */
int http_get(int port, const char *path, char **ret_body);

/* What a process has used; sizes in KB, time in microseconds (in steps of 10 ms). */
struct process_usage {
    long resident_kb;
    long peak_kb;
    int64_t user_us;
    int64_t system_us;
};
bool process_usage(pid_t pid, struct process_usage *ret_usage);

#endif
