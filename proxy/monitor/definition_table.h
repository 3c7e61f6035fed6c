/*
 * definition_table.h - views, routines and triggers of a server, read into rows for definitions_read().
 *
 *   views      information_schema.VIEWS; without SHOW VIEW they are not listed, without SELECT not shown
 *   routines   MariaDB: mysql.proc, MySQL: information_schema.ROUTINES
 *   triggers   information_schema.TRIGGERS; without TRIGGER they are not listed
 */
#ifndef PROXY_MONITOR_DEFINITION_TABLE_H
#define PROXY_MONITOR_DEFINITION_TABLE_H

#include "client.h"
#include "pointsman/topology/definitions.h"

struct definition_table {
    MYSQL_RES *results[3];          /* own the strings of rows */
    struct definition_source *rows; /* owned */
    size_t count;
    bool views_known, routines_known, triggers_known; /* as far as the account's privileges go */
};

/* False: no answer, or no memory. definition_table_done() is due in any case. */
bool definition_table_read(struct client *client, bool mariadb, struct definition_table *table);
void definition_table_done(struct definition_table *table);

/* Fills in text with what is another one whenever a definition may have changed since; "" on failure. */
void definition_counters(struct client *client, char *text, size_t size);

#endif
