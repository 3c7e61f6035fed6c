/*
 * libfront.c - the shop's schema, and a set with the proxy before it.
 */
#include "front.h"
#include "internal.h"

#include <stdlib.h>

enum { SYNC_MS = 10000 };

/* Made before the proxy starts, so that it knows the views from its first look. */
static const char *const shop[] = {
    "USE shop",
    "CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(40))",
    "INSERT INTO item VALUES (1, 'lamp'), (2, 'chair'), (3, 'table'), (4, 'bed'), (5, 'door')",
    "CREATE TABLE serial (id INT PRIMARY KEY AUTO_INCREMENT, a INT) AUTO_INCREMENT = 100",
    "CREATE TABLE note (id INT PRIMARY KEY, a INT)",
    "CREATE TABLE bumped (a INT)",
    "CREATE FUNCTION bump() RETURNS INT BEGIN INSERT INTO bumped VALUES (1); RETURN 42; END",
    "CREATE VIEW v_items AS SELECT id, upper(name) AS name FROM item",
    "CREATE VIEW v_bump AS SELECT bump() AS a",
    "CREATE VIEW v_over AS SELECT a FROM v_bump",
    "CREATE PROCEDURE p_read() SELECT count(*) FROM item",
    "CREATE PROCEDURE p_write() INSERT INTO bumped VALUES (2)",
    "CREATE PROCEDURE p_temporary() CREATE TEMPORARY TABLE by_call AS SELECT 7 AS a",
    "CREATE PROCEDURE p_lock() DO GET_LOCK('by_call', 5)",
    "CREATE PROCEDURE p_variable() SET @by_call = 9",
    "CREATE PROCEDURE p_two_results() BEGIN SELECT 1; SELECT 2; END",
    "CREATE DATABASE vault",
    "CREATE TABLE vault.gold (bars INT)",
    "INSERT INTO vault.gold VALUES (12)",
    "CREATE ROLE clerk",
    "GRANT SELECT ON vault.* TO clerk",
    "GRANT clerk TO app@'%'",
};

static bool make_shop(struct cluster *set)
{
    bool made = set->options.flavour == CLUSTER_MYSQL ||
                cluster_sql(set, 0, "CREATE SEQUENCE shop.numbers") == 0;
    for (size_t i = 0; made && i < sizeof shop / sizeof shop[0]; i++)
        made = cluster_sql(set, 0, "%s", shop[i]) == 0;
    return made && cluster_sync(set, 0, SYNC_MS);
}

bool front_start(struct front *front, const struct pointsman_options *options)
{
    const struct cluster_options plain = {.servers = 3};
    *front = (struct front){.set = cluster_start(&plain)};
    if (front->set && make_shop(front->set) &&
        (getenv("POINTSMAN_DIRECT") || (front->proxy = pointsman_start(front->set, options))))
        return true;
    cluster_stop(front->set);
    *front = (struct front){.set = NULL};
    return false;
}

bool front_stop(struct front *front)
{
    int status = pointsman_stop(front->proxy);
    cluster_stop(front->set);
    return status == 0;
}

MYSQL *front_connect(struct front *front)
{
    const char *direct = getenv("POINTSMAN_DIRECT");
    int port = direct ? front->set->server[atoi(direct) - 1].port : front->proxy->port;
    return sql_connect(NULL, port, &cluster_app, "shop", CLIENT_MULTI_STATEMENTS | CLIENT_LOCAL_FILES);
}
