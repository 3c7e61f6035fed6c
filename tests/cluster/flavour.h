/*
 * flavour.h - what differs between MariaDB and MySQL, for the harness itself; the words that tests need as
 * well are in `struct cluster_dialect`.
 *
 *   libflavour.c          which one is meant
 *   libflavour_mariadb.c  ┐ one table each: arguments, the making of a data directory with its accounts,
 *   libflavour_mysql.c    ┘ words of statements, the general log's stamps
 */
#ifndef POINTSMAN_TESTS_CLUSTER_FLAVOUR_H
#define POINTSMAN_TESTS_CLUSTER_FLAVOUR_H

#include "cluster.h"

/* Where a data directory is being made. */
struct installation {
    const char *server;  /* its program */
    const char *datadir; /* the argument --datadir=… */
    const char *data;    /* the folder itself, which doesn't exist yet */
    const char *sql;     /* a file of flavour->accounts */
    const char *user;    /* --user=root, or NULL, which ends a list of arguments */
    const char *log;
    struct guard *guard;
};

struct flavour {
    struct cluster_dialect dialect;
    const char *name;         /* of its data directories */
    char *(*server)(void);    /* the program, to be freed */
    const char *redo_size;    /* the argument that goes with the prepared data */
    const char *const *usual; /* arguments of every server, besides those of libserver.c */
    const char *const *semi_sync;
    const char *read_only; /* the argument and the variable */

    const char *accounts; /* statements, one a line */
    /* Makes a data directory in which `accounts` have run; they are in no binlog, and count for no position.
     */
    bool (*install)(const struct installation *at);

    /* Positions: what a server has, what of it came by replication, and waiting for one: function(P, seconds)
     */
    const char *position, *reached, *wait;
    const char *before_following; /* a statement */
    const char *change;           /* CHANGE … TO */
    const char *following;        /* its options besides host, port, account, retry and heartbeat */

    size_t log_stamp;     /* length of the time at the beginning of a general log's entry */
    bool log_stamp_spare; /* left out in entries of the same second */
    bool log_of_appliers; /* the log has what replication applies, too */
};

/* NULL, and a complaint: the environment names one that doesn't exist. */
const struct flavour *flavour_of(enum cluster_flavour which);

extern const struct flavour flavour_mariadb, flavour_mysql;

#endif
