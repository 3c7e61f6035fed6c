/*
 * rows.h - tables of statements that say where each must run and what it must answer.
 *
 *   {REPLICA, "SELECT count(*) FROM item", "5"}
 *      │         │                          └ first value of the last result set (optional)
 *      │         └ sent with a comment of its own, SELECT (m:17, as a comment) count…, by which the servers'
 * general │           logs tell where it ran and how often └ where it must have run
 *
 * The rows of a table are run in order in one session.
 */
#ifndef POINTSMAN_TESTS_ROWS_H
#define POINTSMAN_TESTS_ROWS_H

#include "cluster.h"

/* A row leaves out what it doesn't say. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum row_target {
    PRIMARY,
    REPLICA,   /* one of the replicas */
    ANYWHERE,  /* one server, whichever, or none (the proxy may answer) */
    SAME,      /* the server where the row before ran */
    UNCHECKED, /* an error that lag might explain is tried again on the primary, so it may run twice */
    ON_DB1,    /* a server of the set by its place; ON_DB2 … follow */
    ON_DB2,
    ON_DB3,
};

struct row {
    enum row_target target;
    const char *text; /* {m} stands for the marker, at least once for each statement of several in one packet;
                         without any, it goes behind the first word */
    const char *value;         /* expected first value, "NULL", or "(none)" for no row; NULL: not looked at */
    const char *column;        /* expected name of that column; NULL: not looked at */
    unsigned error;            /* expected error code; 0 is success */
    enum cluster_flavour only; /* where the row is run, if it is not for both */
};

/* A session whose statements are followed. */
struct row_session {
    struct cluster *set; /* server `primary` is the primary */
    int primary;
    MYSQL *connection;
    int last;   /* where the last row ran; -1: no server, or not one alone */
    int failed; /* how many rows went wrong so far */
};

/* Runs rows, prints those that go wrong and counts them in session->failed.
 * After a row for the primary it waits until the replicas have caught up, so that what follows may be read
 * there. */
void rows_run(struct row_session *session, const struct row *rows, size_t count);

#endif
