/*
 * client.h - one connection of the monitor to a server, by the part of libmysqlclient that Oracle's and
 * MariaDB's share.
 *
 *   client_open ──> client_query ──> answer rows, read by column ──> client_disconnect
 *        └──────────────┴── on failure: client_failure() says what kind of failure it was
 */
#ifndef PROXY_MONITOR_CLIENT_H
#define PROXY_MONITOR_CLIENT_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>

#include "pointsman/config/config.h"
#include "pointsman/topology/topology.h"

struct client {
    MYSQL *mysql;         /* NULL: closed */
    int socket;           /* a duplicate of its socket, to be shut down from another thread; -1 */
    uint64_t began_at;    /* monotonic ms of the last call that could block */
    uint64_t patience_ms; /* how long such a call may wait */
};

/* Opens it, as a session that can't write; answer_ms: how long an answer is waited for. False:
 * client_failure() has why, and client_disconnect() is still due. */
bool client_open(struct client *client, const struct config *config, const struct config_address *address,
                 unsigned answer_ms);
void client_disconnect(struct client *client); /* may be called again */

/* Runs a statement and fetches all its rows. NULL on failure. mysql_free_result() it. */
MYSQL_RES *client_query(struct client *client, const char *statement);

/* A column of a row by its name; NULL if there is no such column or it is NULL. Borrowed from the row. */
const char *client_column(MYSQL_RES *result, MYSQL_ROW row, const char *name);

/* Fills in the failure of the last call: kind, code, text and time. */
void client_failure(const struct client *client, struct server_look *look);

/* The connection broke, which an old one may do without the server being gone: worth a new one. */
bool client_lost(const struct client *client);

/* This end's address of a TCP connection as text; false for a unix socket. */
bool client_local_address(const struct client *client, char *text, size_t size);

#endif
