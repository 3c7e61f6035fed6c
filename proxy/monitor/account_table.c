/*
 * account_table.c - see account_table.h.
 *
 *   MariaDB's document:  {"plugin": P, "authentication_string": A, "auth_or": [{"plugin": P2, ...}, {}, ...],
 *                         "account_locked": true, "password_last_changed": 0, "password_lifetime": 90,
 * "ssl_type": 1, "is_role": true} Members that are missing mean the usual. An {} in auth_or stands for the
 * plugin outside of it. Of several ways to log in the proxy takes mysql_native_password, else the first: one
 * it can answer for.
 */
#include "account_table.h"

#include <stdlib.h>
#include <string.h>

static const char native_password[] = "mysql_native_password";

#define MARIADB_TABLE                                                                                        \
    "SELECT User, Host, Priv, UNIX_TIMESTAMP(), @@global.default_password_lifetime FROM mysql.global_priv"
enum { M_USER, M_HOST, M_PRIV, M_NOW, M_LIFETIME };
enum { M_TLS_ANY = 1 }; /* of ssl_type; what is more asks for certificates */

#define MYSQL_TABLE                                                                                          \
    "SELECT User, Host, plugin, authentication_string, account_locked = 'Y', ssl_type <> '', "               \
    "ssl_type NOT IN ('', 'ANY'), "                                                                          \
    "password_expired = 'Y' OR IFNULL(IFNULL(password_lifetime, @@global.default_password_lifetime) > 0 "    \
    "AND password_last_changed + INTERVAL IFNULL(password_lifetime, @@global.default_password_lifetime) "    \
    "DAY "                                                                                                   \
    "< NOW(), 0) FROM mysql.user"
enum { Y_USER, Y_HOST, Y_PLUGIN, Y_AUTH, Y_LOCKED, Y_TLS, Y_CERTIFICATE, Y_EXPIRED };

enum { SECONDS_A_DAY = 86400, LIFETIME_DEFAULT = -1 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static int64_t number_of(const json_t *object, const char *key, int64_t otherwise)
{
    const double most = 1e15; /* exact in a double, and more than any of these numbers is */
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        return otherwise;
    double number = json_number_value(value);
    return (int64_t)(number > most ? most : number < -most ? -most : number);
}

static bool flag_of(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static bool is_native(const json_t *way)
{
    const char *plugin = text_of(way, "plugin");
    return *plugin == '\0' || strcmp(plugin, native_password) == 0;
}

/* The object whose plugin and authentication_string count. */
static const json_t *way_to_log_in(const json_t *document)
{
    const json_t *ways = json_object_get(document, "auth_or"), *first = NULL;
    for (size_t i = 0; i < json_array_size(ways); i++) {
        const json_t *way = json_array_get(ways, i);
        if (json_object_size(way) == 0)
            way = document;
        if (is_native(way))
            return way;
        if (!first)
            first = way;
    }
    return first ? first : document;
}

/* 0 as the time of the last change is how MariaDB writes PASSWORD EXPIRE. */
static bool has_expired(const json_t *document, int64_t now, int64_t default_lifetime)
{
    int64_t changed = number_of(document, "password_last_changed", 1);
    int64_t lifetime = number_of(document, "password_lifetime", LIFETIME_DEFAULT);
    if (lifetime == LIFETIME_DEFAULT)
        lifetime = default_lifetime;
    return changed == 0 || (lifetime > 0 && (now - changed) / SECONDS_A_DAY >= lifetime);
}

json_t *account_table_parse(const char *text)
{
    return json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
}

void account_table_from_json(const json_t *document, int64_t now, int64_t default_lifetime_days,
                             struct account_source *row)
{
    const json_t *way = way_to_log_in(document);
    const char *plugin = text_of(way, "plugin");
    row->plugin = *plugin ? plugin : native_password;
    row->auth_string = text_of(way, "authentication_string");
    row->locked = !json_is_object(document) || flag_of(document, "account_locked");
    row->expired = has_expired(document, now, default_lifetime_days);
    row->tls_required = number_of(document, "ssl_type", 0) >= M_TLS_ANY;
    row->certificate_required = number_of(document, "ssl_type", 0) > M_TLS_ANY;
    row->is_role = flag_of(document, "is_role");
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static int64_t number_in(const char *text)
{
    return text ? strtoll(text, NULL, 10) : 0;
}

static void read_mariadb_row(struct account_table *table, MYSQL_ROW row)
{
    struct account_source *source = &table->rows[table->count];
    json_t *document = account_table_parse(or_empty(row[M_PRIV]));
    *source = (struct account_source){.user = or_empty(row[M_USER]), .host = or_empty(row[M_HOST])};
    account_table_from_json(document, number_in(row[M_NOW]), number_in(row[M_LIFETIME]), source);
    table->documents[table->count++] = document;
}

static void read_mysql_row(struct account_table *table, MYSQL_ROW row)
{
    table->rows[table->count++] = (struct account_source){
        .user = or_empty(row[Y_USER]),
        .host = or_empty(row[Y_HOST]),
        .plugin = or_empty(row[Y_PLUGIN]),
        .auth_string = or_empty(row[Y_AUTH]),
        .locked = number_in(row[Y_LOCKED]) != 0,
        .tls_required = number_in(row[Y_TLS]) != 0,
        .certificate_required = number_in(row[Y_CERTIFICATE]) != 0,
        .expired = number_in(row[Y_EXPIRED]) != 0,
    };
}

enum account_table_error account_table_read(struct client *client, bool mariadb, struct account_table *table)
{
    *table = (struct account_table){.result = client_query(client, mariadb ? MARIADB_TABLE : MYSQL_TABLE)};
    if (!table->result)
        return ACCOUNT_TABLE_REFUSED;
    size_t count = (size_t)mysql_num_rows(table->result);
    table->rows = calloc(count + 1, sizeof *table->rows);
    table->documents = calloc(count + 1, sizeof(json_t *));
    if (!table->rows || !table->documents)
        return ACCOUNT_TABLE_NO_MEMORY;
    for (MYSQL_ROW row; table->count < count && (row = mysql_fetch_row(table->result));)
        if (mariadb)
            read_mariadb_row(table, row);
        else
            read_mysql_row(table, row);
    return ACCOUNT_TABLE_OK;
}

void account_table_done(struct account_table *table)
{
    for (size_t i = 0; table->documents && i < table->count; i++)
        json_decref(table->documents[i]);
    free(table->documents);
    free(table->rows);
    mysql_free_result(table->result);
    *table = (struct account_table){0};
}
