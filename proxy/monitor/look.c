/*
 * look.c - what is asked of a server at each look.
 *
 *   1. one SELECT of variables: read-only?, who are you, where do you stand, whom do you see
 *   2. replication status: one row a source; the running one counts
 *   3. now and then: semi-synchronous state
 *
 * The flavour is told by the version string; what differs between flavours stands in one table, a dialect a
 * line.
 */
#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pointsman/base/clock.h"
#include "pointsman/protocol/sql.h"
#include "pointsman/topology/gtid.h"

enum { REPLICA_WORDING_SINCE = 80022 }; /* MySQL says Replica and Source from here on */

/* Columns of `variables` by position. */
enum { V_READ_ONLY, V_IDENTITY, V_SERVER_ID, V_EXECUTED, V_MAX_CONNECTIONS, V_SQL_MODE, V_SEEN_AS, V_COUNT };

struct dialect {
    const char *variables;
    const char *status;
    const char *io_running, *sql_running, *host, *port, *server_id, *behind, *received;
};

#define SEEN_AS "@@global.max_connections, @@global.sql_mode, SUBSTRING_INDEX(USER(), '@', -1)"
#define MYSQL_VARIABLES                                                                                      \
    "SELECT @@global.read_only OR @@global.super_read_only, @@global.server_uuid, @@global.server_id, "      \
    "@@global.gtid_executed, " SEEN_AS

enum { DIALECT_MARIADB, DIALECT_MYSQL, DIALECT_OLD_MYSQL };
static const struct dialect dialects[] = {
    [DIALECT_MARIADB] = {"SELECT @@global.read_only, @@global.server_id, @@global.server_id, "
                         "@@global.gtid_current_pos, " SEEN_AS,
                         "SHOW ALL SLAVES STATUS", "Slave_IO_Running", "Slave_SQL_Running", "Master_Host",
                         "Master_Port", "Master_Server_Id", "Seconds_Behind_Master", "Gtid_IO_Pos"},
    [DIALECT_MYSQL] = {MYSQL_VARIABLES, "SHOW REPLICA STATUS", "Replica_IO_Running", "Replica_SQL_Running",
                       "Source_Host", "Source_Port", "Source_Server_Id", "Seconds_Behind_Source",
                       "Retrieved_Gtid_Set"},
    [DIALECT_OLD_MYSQL] = {MYSQL_VARIABLES, "SHOW SLAVE STATUS", "Slave_IO_Running", "Slave_SQL_Running",
                           "Master_Host", "Master_Port", "Master_Server_Id", "Seconds_Behind_Master",
                           "Retrieved_Gtid_Set"},
};

uint32_t look_version(const char *text)
{
    static const char disguise[] =
        "5.5.5-"; /* MariaDB 10 and later, to clients that know no two-digit version */
    unsigned major = 0, minor = 0, patch = 0;
    if (strncmp(text, disguise, sizeof disguise - 1) == 0 && strstr(text, "MariaDB"))
        text += sizeof disguise - 1;
    if (sscanf(text, "%3u.%2u.%2u", &major, &minor, &patch) < 2)
        return 0;
    return major * 10000 + minor * 100 + patch;
}

static void read_version(MYSQL *mysql, struct server_look *look)
{
    const char *text = mysql_get_server_info(mysql);
    snprintf(look->version_text, sizeof look->version_text, "%s", text ? text : "");
    look->mariadb = strcasestr(look->version_text, "mariadb") != NULL;
    look->version = look_version(look->version_text);
    look->capabilities = (uint32_t)mysql->server_capabilities;
    look->collation = (uint8_t)mysql->server_language;
}

static const struct dialect *dialect_of(const struct server_look *look)
{
    if (look->mariadb)
        return &dialects[DIALECT_MARIADB];
    return &dialects[look->version < REPLICA_WORDING_SINCE ? DIALECT_OLD_MYSQL : DIALECT_MYSQL];
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static uint64_t number(const char *text)
{
    return text ? strtoull(text, NULL, 10) : 0;
}

static bool is_yes(const char *text)
{
    return text && strcasecmp(text, "Yes") == 0;
}

static bool is_off(const char *text)
{
    return strcmp(text, "0") == 0 || strcasecmp(text, "OFF") == 0;
}

static bool ask_variables(struct client *client, const struct dialect *dialect, struct server_look *look)
{
    MYSQL_RES *result = client_query(client, dialect->variables);
    MYSQL_ROW row = result && mysql_num_fields(result) == V_COUNT ? mysql_fetch_row(result) : NULL;
    if (row) {
        look->read_only = !is_off(or_empty(row[V_READ_ONLY]));
        snprintf(look->identity, sizeof look->identity, "%s", or_empty(row[V_IDENTITY]));
        look->server_id = number(row[V_SERVER_ID]);
        gtid_copy(look->gtid_executed, sizeof look->gtid_executed, or_empty(row[V_EXECUTED]));
        look->max_connections = (unsigned)number(row[V_MAX_CONNECTIONS]);
        const char *mode = or_empty(row[V_SQL_MODE]);
        look->reading_mode = sql_mode_bits(mode, strlen(mode));
        snprintf(look->seen_as, sizeof look->seen_as, "%s", or_empty(row[V_SEEN_AS]));
    }
    mysql_free_result(result);
    return row != NULL;
}

static void read_source(const struct dialect *dialect, MYSQL_RES *result, MYSQL_ROW row,
                        struct server_look *look)
{
    const char *behind = client_column(result, row, dialect->behind);
    look->replicates = true;
    look->io_running = is_yes(client_column(result, row, dialect->io_running));
    look->sql_running = is_yes(client_column(result, row, dialect->sql_running));
    snprintf(look->source_host, sizeof look->source_host, "%s",
             or_empty(client_column(result, row, dialect->host)));
    look->source_port = (uint16_t)number(client_column(result, row, dialect->port));
    look->source_server_id = number(client_column(result, row, dialect->server_id));
    look->seconds_behind = behind ? (int64_t)number(behind) : -1;
    gtid_copy(look->gtid_received, sizeof look->gtid_received,
              or_empty(client_column(result, row, dialect->received)));
}

static void read_no_source(struct server_look *look)
{
    look->replicates = look->io_running = look->sql_running = false;
    look->source_host[0] = look->gtid_received[0] = '\0';
    look->source_port = 0;
    look->source_server_id = 0;
    look->seconds_behind = -1;
}

/* Of several sources the first whose IO thread runs, else the first. */
static bool ask_replication(struct client *client, const struct dialect *dialect, struct server_look *look)
{
    MYSQL_RES *result = client_query(client, dialect->status);
    if (!result)
        return false;
    read_no_source(look);
    for (MYSQL_ROW row; !look->io_running && (row = mysql_fetch_row(result));)
        if (!look->replicates || is_yes(client_column(result, row, dialect->io_running)))
            read_source(dialect, result, row, look);
    mysql_free_result(result);
    return true;
}

/* The server's side of semi-synchronous replication: master in MariaDB, master or source in MySQL. */
static bool ask_semi_sync(struct client *client, struct server_look *look)
{
    MYSQL_RES *result = client_query(client, "SHOW GLOBAL STATUS LIKE 'Rpl\\_semi\\_sync\\_%'");
    if (!result)
        return false;
    look->semi_sync = false;
    look->semi_sync_clients = 0;
    for (MYSQL_ROW row; (row = mysql_fetch_row(result));) {
        if (!row[0] || !row[1] || strcasestr(row[0], "slave") || strcasestr(row[0], "replica"))
            continue;
        if (strcasestr(row[0], "_status"))
            look->semi_sync = strcasecmp(row[1], "ON") == 0;
        else if (strcasestr(row[0], "_clients"))
            look->semi_sync_clients = (unsigned)number(row[1]);
    }
    mysql_free_result(result);
    return true;
}

bool look_at(struct client *client, bool deep, struct server_look *look)
{
    struct server_look seen = *look;
    read_version(client->mysql, &seen);
    const struct dialect *dialect = dialect_of(&seen);
    if (!ask_variables(client, dialect, &seen) || !ask_replication(client, dialect, &seen))
        return false;
    if (deep && !ask_semi_sync(client, &seen))
        return false;
    seen.ok = seen.ever = true;
    seen.at = clock_ms();
    *look = seen;
    return true;
}
