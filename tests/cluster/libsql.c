/*
 * libsql.c - asking a server or the proxy: connections, statements made like printf's, single values.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

MYSQL *sql_connect(const char *socket, int port, const struct cluster_account *account, const char *schema,
                   unsigned long flags)
{
    const unsigned timeout_s = 60;
    MYSQL *connection = mysql_init(NULL);
    if (!connection)
        return NULL;
    mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &timeout_s);
    mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &timeout_s);
    mysql_options(connection, MYSQL_OPT_WRITE_TIMEOUT, &timeout_s);
    mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(connection, socket ? NULL : "127.0.0.1", account->user, account->password, schema,
                           socket ? 0 : (unsigned)port, socket, flags))
        return connection;
    mysql_close(connection);
    return NULL;
}

/* Runs text and reads all its results; the first value of the last one that has one goes to *ret_value. */
static unsigned run(MYSQL *connection, const char *text, char **ret_value)
{
    char *value = NULL;
    int more = mysql_real_query(connection, text, strlen(text));
    while (more == 0) {
        MYSQL_RES *result = mysql_store_result(connection);
        MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
        if (row) {
            free(value);
            value = row[0] ? strdup(row[0]) : NULL;
        }
        mysql_free_result(result);
        if (!result && mysql_errno(connection))
            break;
        more = mysql_next_result(connection);
    }
    unsigned error = mysql_errno(connection);
    if (error || !ret_value)
        free(value);
    else
        *ret_value = value;
    return error;
}

static unsigned run_printf(MYSQL *connection, char **ret_value, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        abort();
    unsigned error = run(connection, text, ret_value);
    free(text);
    return error;
}

unsigned sql_run(MYSQL *connection, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    unsigned error = run_printf(connection, NULL, format, args);
    va_end(args);
    return error;
}

char *sql_value(MYSQL *connection, const char *format, ...)
{
    char *value = NULL;
    va_list args;
    va_start(args, format);
    run_printf(connection, &value, format, args);
    va_end(args);
    return value;
}

long long sql_number(MYSQL *connection, const char *format, ...)
{
    char *value = NULL;
    va_list args;
    va_start(args, format);
    run_printf(connection, &value, format, args);
    va_end(args);
    long long number = value ? atoll(value) : -1;
    free(value);
    return number;
}

char *sql_column(MYSQL *connection, const char *statement, const char *column)
{
    char *value = NULL;
    MYSQL_RES *result = mysql_query(connection, statement) == 0 ? mysql_store_result(connection) : NULL;
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    for (unsigned i = 0; row && i < mysql_num_fields(result); i++)
        if (!value && row[i] && strcasecmp(mysql_fetch_field_direct(result, i)->name, column) == 0)
            value = strdup(row[i]);
    mysql_free_result(result);
    return value;
}

MYSQL *cluster_connect(struct cluster *cluster, int server, const struct cluster_account *account,
                       const char *schema)
{
    struct cluster_server *it = &cluster->server[server];
    return sql_connect(strcmp(account->user, cluster_root.user) == 0 ? it->socket : NULL, it->port, account,
                       schema, CLIENT_MULTI_STATEMENTS);
}

/* The kept connection as root; NULL if there is no server to talk to. */
static MYSQL *root(struct cluster *cluster, int server)
{
    struct cluster_server *it = &cluster->server[server];
    if (it->root && mysql_ping(it->root) != 0) {
        mysql_close(it->root);
        it->root = NULL;
    }
    if (!it->root)
        it->root = cluster_connect(cluster, server, &cluster_root, NULL);
    if (!it->root)
        complain("server %d doesn't answer", server);
    return it->root;
}

unsigned cluster_sql(struct cluster *cluster, int server, const char *format, ...)
{
    MYSQL *connection = root(cluster, server);
    if (!connection)
        return 2002;
    va_list args;
    va_start(args, format);
    unsigned error = run_printf(connection, NULL, format, args);
    va_end(args);
    if (error)
        complain("server %d: %s", server, mysql_error(connection));
    return error;
}

char *cluster_value(struct cluster *cluster, int server, const char *format, ...)
{
    MYSQL *connection = root(cluster, server);
    char *value = NULL;
    if (!connection)
        return NULL;
    va_list args;
    va_start(args, format);
    if (run_printf(connection, &value, format, args))
        complain("server %d: %s", server, mysql_error(connection));
    va_end(args);
    return value;
}

bool cluster_numbers(struct cluster *cluster, const char *schema, int from, int to)
{
    if (cluster->options.flavour == CLUSTER_MARIADB)
        return true;
    return cluster_sql(cluster, 0,
                       "SET cte_max_recursion_depth = %1$d + 1;"
                       "CREATE TABLE %3$s.seq_%2$d_to_%1$d (seq BIGINT UNSIGNED PRIMARY KEY)"
                       " WITH RECURSIVE n (seq) AS"
                       " (SELECT %2$d UNION ALL SELECT seq + 1 FROM n WHERE seq < %1$d) SELECT seq FROM n",
                       to, from, schema) == 0;
}
