/*
 * front.h - a set with a small shop in it and the proxy before it: where the tests of routing stand.
 *
 *   item (id 1..5, name)  view v_items
 *   serial (id from 100 by itself, a)  note (id, a)     for what tests write
 *   bump()  v_bump        a stored function that writes, and a view that calls it
 *   numbers               a sequence (MySQL has none)
 *   p_read p_write p_temporary p_lock p_variable p_two_results    procedures
 *   vault.gold            one row, 12, that only the role clerk may read, which app may take
 *
 * With POINTSMAN_DIRECT=1 there is no proxy, sessions go straight to the primary (2, 3: to a replica). That
 * is how to see that a test fails where it should.
 */
#ifndef POINTSMAN_TESTS_FRONT_H
#define POINTSMAN_TESTS_FRONT_H

#include "cluster.h"
#include "pointsman.h"

struct front {
    struct cluster *set;
    struct pointsman *proxy; /* NULL with POINTSMAN_DIRECT */
};

/* Starts a set of three, makes the shop, and starts the proxy. False, with nothing left, if that failed. */
bool front_start(struct front *front, const struct pointsman_options *options);
/* Stops both. False if the proxy's exit status was not 0. */
bool front_stop(struct front *front);
/* A session of the application, in schema shop, that may send several statements in one packet and LOAD DATA
 * LOCAL. NULL on failure. */
MYSQL *front_connect(struct front *front);

#endif
