/*
 * libflavour.c - which flavour is meant: what the options say, else what the environment says, else MariaDB.
 */
#include "flavour.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

const struct flavour *flavour_of(enum cluster_flavour which)
{
    const char *asked = getenv("POINTSMAN_FLAVOUR");
    if (which == CLUSTER_MYSQL)
        return &flavour_mysql;
    if (which == CLUSTER_MARIADB || !asked || !*asked || strcmp(asked, flavour_mariadb.name) == 0)
        return &flavour_mariadb;
    if (strcmp(asked, flavour_mysql.name) == 0)
        return &flavour_mysql;
    complain("POINTSMAN_FLAVOUR is mariadb or mysql, not %s", asked);
    return NULL;
}
