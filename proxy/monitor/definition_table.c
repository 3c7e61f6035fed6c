/*
 * definition_table.c - see definition_table.h.
 *
 * Every query gives the columns name, body and sql_mode. A body that is NULL or empty is one that we may not
 * see. Of MySQL's routines in other languages nobody knows what they execute.
 */
#include "definition_table.h"

#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not the servers' own: the reader knows these schemas, and nobody should pay for comparing their names. */
#define OTHERS " NOT IN ('sys', 'mysql', 'performance_schema', 'information_schema')"
#define VIEWS  "SELECT TABLE_NAME, VIEW_DEFINITION, '' FROM information_schema.VIEWS WHERE TABLE_SCHEMA" OTHERS
#define TRIGGERS                                                                                             \
    "SELECT EVENT_OBJECT_TABLE, ACTION_STATEMENT, SQL_MODE FROM information_schema.TRIGGERS WHERE "          \
    "TRIGGER_SCHEMA" OTHERS
#define MARIADB_ROUTINES "SELECT name, IFNULL(body_utf8, body), sql_mode FROM mysql.proc WHERE db" OTHERS
#define MYSQL_ROUTINES                                                                                       \
    "SELECT ROUTINE_NAME, IF(ROUTINE_BODY = 'SQL', ROUTINE_DEFINITION, 'EXECUTE'), SQL_MODE FROM "           \
    "information_schema.ROUTINES WHERE ROUTINE_SCHEMA" OTHERS
enum { C_NAME, C_BODY, C_MODE };

/* What the account may do everywhere, or in some schema. */
#define HOST "SUBSTRING_INDEX(CURRENT_USER(), '@', -1)"
#define GRANTEE                                                                                              \
    "CONCAT('''', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(" HOST ") - 1), '''@''', "  \
    "" HOST ", '''')"
#define PRIVILEGES                                                                                           \
    "SELECT PRIVILEGE_TYPE, 1 FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = " GRANTEE              \
    " UNION ALL SELECT PRIVILEGE_TYPE, 0 FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = " GRANTEE

/* Servers count statements when they begin. RENAME TABLE and ALTER TABLE ... RENAME take triggers with them.
 */
#define COUNTERS                                                                                             \
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_create_view', 'Com_drop_view', 'Com_create_function', " \
    "'Com_alter_function', 'Com_drop_function', 'Com_create_procedure', 'Com_alter_procedure', "             \
    "'Com_drop_procedure', 'Com_create_trigger', 'Com_drop_trigger', 'Com_create_package', "                 \
    "'Com_create_package_body', 'Com_drop_package', 'Com_drop_package_body', 'Com_rename_table', "           \
    "'Com_alter_table', 'Com_drop_db')"

static bool add_rows(struct definition_table *table, MYSQL_RES *result, enum definition_kind kind,
                     bool *ret_hidden)
{
    size_t room = table->count + (size_t)mysql_num_rows(result);
    struct definition_source *rows = reallocarray(table->rows, room + 1, sizeof *rows);
    if (!rows)
        return false;
    table->rows = rows;
    for (MYSQL_ROW row; table->count < room && (row = mysql_fetch_row(result));) {
        const char *mode = row[C_MODE] ? row[C_MODE] : "";
        *ret_hidden |= !row[C_BODY];
        if (row[C_NAME])
            rows[table->count++] = (struct definition_source){
                kind, row[C_NAME], row[C_BODY], sql_mode_bits(mode, strlen(mode)) & ~SQL_MODE_FOREIGN};
    }
    return true;
}

/* Privileges are missing; anything else, such as a server that shuts down, says nothing of what there is. */
static bool is_refused(const struct client *client)
{
    switch (mysql_errno(client->mysql)) {
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_SPECIFIC_ACCESS_DENIED_ERROR: return true;
    default: return false;
    }
}

/* *ret_known is cleared where the query is refused. False: no answer, or no memory. */
static bool ask(struct client *client, const char *query, enum definition_kind kind,
                struct definition_table *table, bool *ret_known, bool *ret_hidden)
{
    MYSQL_RES *result = client_query(client, query);
    table->results[kind] = result;
    if (result)
        return add_rows(table, result, kind, ret_hidden);
    *ret_known = false;
    return is_refused(client);
}

static bool ask_privileges(struct client *client, bool mariadb, struct definition_table *table)
{
    MYSQL_RES *result = client_query(client, PRIVILEGES);
    if (!result)
        return false;
    table->routines_known = mariadb; /* who may not read mysql.proc is refused */
    for (MYSQL_ROW row; (row = mysql_fetch_row(result));) {
        const char *privilege = row[0] ? row[0] : "";
        bool everywhere = row[1] && *row[1] == '1';
        table->views_known |= strcmp(privilege, "SHOW VIEW") == 0;
        table->triggers_known |= strcmp(privilege, "TRIGGER") == 0;
        table->routines_known |= everywhere &&
                                 (strcmp(privilege, "SELECT") == 0 || strcmp(privilege, "SHOW_ROUTINE") == 0);
    }
    mysql_free_result(result);
    return true;
}

bool definition_table_read(struct client *client, bool mariadb, struct definition_table *table)
{
    bool hidden = false, ignored = false;
    *table = (struct definition_table){0};
    bool good = ask_privileges(client, mariadb, table) &&
                ask(client, VIEWS, DEFINITION_VIEW, table, &table->views_known, &ignored) &&
                ask(client, mariadb ? MARIADB_ROUTINES : MYSQL_ROUTINES, DEFINITION_ROUTINE, table,
                    &table->routines_known, &hidden) &&
                ask(client, TRIGGERS, DEFINITION_TRIGGER, table, &table->triggers_known, &ignored);
    table->routines_known &= !hidden;
    return good;
}

void definition_table_done(struct definition_table *table)
{
    for (size_t i = 0; i < sizeof table->results / sizeof *table->results; i++)
        mysql_free_result(table->results[i]);
    free(table->rows);
    *table = (struct definition_table){0};
}

void definition_counters(struct client *client, char *text, size_t size)
{
    MYSQL_RES *result = client_query(client, COUNTERS);
    size_t length = 0;
    *text = '\0';
    if (!result)
        return;
    for (MYSQL_ROW row; length < size && (row = mysql_fetch_row(result));)
        length += (size_t)snprintf(text + length, size - length, "%s,", row[1] ? row[1] : "");
    mysql_free_result(result);
}
