/*
 * shop.h - a small shop and the customers that keep it busy: what an application behind the proxy would do.
 *
 *   shop_load()   schema and goods, over one connection
 *   shop_open()   N customers, a thread and a connection each: browse, order, look at reports
 *   shop_close()  they finish what they are at, and go
 */
#ifndef POINTSMAN_TESTS_DEMO_SHOP_H
#define POINTSMAN_TESTS_DEMO_SHOP_H

#include <mysql.h>
#include <stdatomic.h>
#include <stdbool.h>

/* What customers and the shop's people do; each is several statements. */
enum act { ACT_BROWSE, ACT_LOOK, ACT_ORDER, ACT_RESTOCK, ACT_REPORT, ACTS };

/* Read by anybody while the shop is open. */
struct shop_tally {
    atomic_uint done[ACTS];
    atomic_uint failed; /* acts that an error ended */
    char error[256];    /* of the first that failed; written before `failed` becomes 1 */
};

/* Makes the tables anew in schema shop and fills them. False, with a message, on an error. */
bool shop_load(MYSQL *connection);

/* Opens for `customers` customers who log in at 127.0.0.1:port. NULL if not even threads could be had. */
struct shop *shop_open(int port, int customers);
const struct shop_tally *shop_tally(const struct shop *shop);
/* Waits for all customers' current statement. NULL-safe. */
void shop_close(struct shop *shop);

#endif
