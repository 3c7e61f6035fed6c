/*
 * offers.h - replicas of a watched server that nobody configured: offered as events, never adopted.
 */
#ifndef PROXY_MONITOR_OFFERS_H
#define PROXY_MONITOR_OFFERS_H

#include "client.h"

enum { OFFERS_MAX = 32 };

/* What was offered already; zero at first. */
struct offers {
    size_t count;
    uint64_t server_ids[OFFERS_MAX];
};

/* Asks `server` who replicates from it and offers whoever is not among known[count]. An account that may not
 * ask (MariaDB: REPLICATION MASTER ADMIN, MySQL: REPLICATION SLAVE) sees no offers. False: the connection is
 * lost. */
bool offers_ask(struct client *client, bool mariadb, const char *server, const uint64_t *known, size_t count,
                struct offers *offers);

#endif
