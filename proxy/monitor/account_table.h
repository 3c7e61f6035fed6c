/*
 * account_table.h - the account tables of a server, read into rows for accounts_build().
 *
 *   MariaDB   mysql.global_priv   user, host and a JSON document
 *   MySQL     mysql.user          columns
 */
#ifndef PROXY_MONITOR_ACCOUNT_TABLE_H
#define PROXY_MONITOR_ACCOUNT_TABLE_H

#include <jansson.h>

#include "client.h"
#include "pointsman/topology/accounts.h"

struct account_table {
    MYSQL_RES *result;           /* owns the strings of rows */
    json_t **documents;          /* as well (MariaDB), one a row */
    struct account_source *rows; /* owned; strings borrowed from the above */
    size_t count;
};

enum account_table_error { ACCOUNT_TABLE_OK, ACCOUNT_TABLE_REFUSED, ACCOUNT_TABLE_NO_MEMORY };

/* REFUSED: client_failure() has why. account_table_done() is due in any case. */
enum account_table_error account_table_read(struct client *client, bool mariadb, struct account_table *table);
void account_table_done(struct account_table *table);

/* A document, NULL if it is malformed. All its numbers are real ones: GRANT ALL's access has 64 bits set,
 * more than jansson's integers hold. json_decref() it. */
json_t *account_table_parse(const char *text);

/*
 * One row of mysql.global_priv: fills in all but user and host from its JSON. `now` and default_lifetime_days
 * decide whether the password has expired. A document that can't be read makes a locked account. Strings are
 * borrowed from it.
 */
void account_table_from_json(const json_t *document, int64_t now, int64_t default_lifetime_days,
                             struct account_source *row);

#endif
