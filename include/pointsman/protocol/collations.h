/*
 * collations.h - the collation ids of greeting, login and COM_CHANGE_USER, and what they stand for.
 *
 * Ids 1 to 255: those that fit into greeting and login. MariaDB and MySQL agree on all of them but 76, 248 to
 * 250 and 255, which MariaDB doesn't have, and the five old Croatian ones, which MariaDB calls
 * ..._croatian_mysql561_ci.
 */
#ifndef POINTSMAN_PROTOCOL_COLLATIONS_H
#define POINTSMAN_PROTOCOL_COLLATIONS_H

#include "pointsman/protocol/sql.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct collation {
    uint8_t id;
    uint8_t flavours;    /* private */
    const char *charset; /* "utf8mb4" */
    const char *name;    /* "utf8mb4_general_ci" */
};

/*
 * NULL: this flavour has no such id (or it is above 255). A server then takes its own default for the
 * connection, as MariaDB does with the 255 that MySQL's libraries send.
 */
const struct collation *collation_by_id(uint16_t id, bool mariadb);

/* By name, any case, utf8_... being utf8mb3_...; NULL if there is none with an id up to 255. */
const struct collation *collation_by_name(const char *name, size_t length, bool mariadb);

/*
 * The collation that SET NAMES charset gives where the server isn't configured otherwise (MariaDB 11's
 * character_set_collations, MySQL's default_collation_for_utf8mb4). Any case, "utf8" is utf8mb3. NULL: no
 * such charset.
 */
const struct collation *collation_default_of(const char *charset, size_t length, bool mariadb);

/* How text in this character set (any case) is to be scanned. */
enum sql_charset collation_scan_class(const char *charset, size_t length);

#endif
