/*
 * client.c - see client.h.
 *
 * The library's timeouts are whole seconds. Oracle's library repeats a read that timed out, so that it waits
 * three times as long; it gets a third of monitor_timeout, MariaDB's the whole. Neither ends before a second;
 * that a server does not answer in time is told by the judging thread's clock, not by these.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errmsg.h>
#include <mysqld_error.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <fcntl.h>

#include "pointsman/base/clock.h"

#ifdef MARIADB_PACKAGE_VERSION_ID
enum { LIBRARY_WAITS = 1 };
#else
enum { LIBRARY_WAITS = 3 };
#endif

enum { NOT_YET = 0, CLIENT_ERROR_FIRST = 2000, CLIENT_ERROR_LAST = 2999 };

static unsigned whole_seconds(unsigned ms)
{
    unsigned seconds = ms / 1000 / LIBRARY_WAITS;
    return seconds > 0 ? seconds : 1;
}

/* By default Oracle's library uses TLS if the server offers it, MariaDB's does not. */
#ifdef MARIADB_PACKAGE_VERSION_ID
static void set_tls(MYSQL *mysql, const struct config *config)
{
    const char verify = config->tls_servers == CONFIG_TLS_VERIFY;
    if (config->tls_servers == CONFIG_TLS_OFF)
        return;
    mysql_ssl_set(mysql, NULL, NULL, verify ? config->tls_ca : NULL, NULL, NULL);
    mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}
#else
static void set_tls(MYSQL *mysql, const struct config *config)
{
    static const unsigned modes[] = {
        [CONFIG_TLS_OFF] = SSL_MODE_DISABLED,
        [CONFIG_TLS_PREFERRED] = SSL_MODE_PREFERRED,
        [CONFIG_TLS_REQUIRED] = SSL_MODE_REQUIRED,
        [CONFIG_TLS_VERIFY] = SSL_MODE_VERIFY_IDENTITY,
    };
    if (config->tls_servers == CONFIG_TLS_VERIFY)
        mysql_options(mysql, MYSQL_OPT_SSL_CA, config->tls_ca);
    mysql_options(mysql, MYSQL_OPT_SSL_MODE, &modes[config->tls_servers]);
}
#endif

static void set_options(MYSQL *mysql, const struct config *config, const struct config_address *address,
                        unsigned answer_seconds)
{
    unsigned seconds = whole_seconds(config->monitor_timeout), no = 0;
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &answer_seconds);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no); /* a rogue server may ask for files */
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "pointsman-monitor");
    if (address->sa.any.sa_family != AF_UNIX)
        set_tls(mysql, config);
}

static bool connect_to(MYSQL *mysql, const struct config *config, const struct config_address *address)
{
    char host[NI_MAXHOST], service[NI_MAXSERV];
    const char *user = config->monitor_user, *password = config->monitor_password;
    if (address->sa.any.sa_family == AF_UNIX)
        return mysql_real_connect(mysql, NULL, user, password, NULL, 0, address->sa.un.sun_path, 0);
    if (getnameinfo(&address->sa.any, address->length, host, sizeof host, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    /* A certificate is for a name, which the library resolves once more. */
    if (config->tls_servers == CONFIG_TLS_VERIFY && !config_address_host(address, host, sizeof host))
        return false;
    return mysql_real_connect(mysql, host, user, password, NULL, (unsigned)atoi(service), NULL, 0);
}

/* A server's certificate can only be insisted on after the fact with what both libraries have. */
static bool encrypted_enough(MYSQL *mysql, const struct config *config, const struct config_address *address)
{
    return config->tls_servers < CONFIG_TLS_REQUIRED || address->sa.any.sa_family == AF_UNIX ||
           mysql_get_ssl_cipher(mysql);
}

bool client_open(struct client *client, const struct config *config, const struct config_address *address,
                 unsigned answer_ms)
{
    unsigned seconds = whole_seconds(answer_ms);
    client->began_at = clock_ms();
    client->patience_ms = (uint64_t)seconds * 1000;
    client->socket = -1;
    client->mysql = mysql_init(NULL);
    if (!client->mysql)
        return false;
    set_options(client->mysql, config, address, seconds);
    if (!connect_to(client->mysql, config, address) || !encrypted_enough(client->mysql, config, address))
        return false;
    client->socket = fcntl(client->mysql->net.fd, F_DUPFD_CLOEXEC, 0);
    client->began_at = clock_ms();
    return mysql_query(client->mysql, "SET SESSION TRANSACTION READ ONLY") == 0;
}

void client_disconnect(struct client *client)
{
    if (client->mysql)
        mysql_close(client->mysql);
    if (client->socket >= 0)
        close(client->socket);
    client->mysql = NULL;
    client->socket = -1;
}

MYSQL_RES *client_query(struct client *client, const char *statement)
{
    client->began_at = clock_ms();
    if (mysql_query(client->mysql, statement) != 0)
        return NULL;
    return mysql_store_result(client->mysql);
}

const char *client_column(MYSQL_RES *result, MYSQL_ROW row, const char *name)
{
    unsigned count = mysql_num_fields(result);
    const MYSQL_FIELD *fields = mysql_fetch_fields(result);
    for (unsigned i = 0; i < count; i++)
        if (strcasecmp(fields[i].name, name) == 0)
            return row[i];
    return NULL;
}

static bool is_client_error(unsigned error)
{
    return error >= CLIENT_ERROR_FIRST && error <= CLIENT_ERROR_LAST;
}

static enum look_failure kind_of(const struct client *client, unsigned error)
{
    if (error == ER_SERVER_SHUTDOWN)
        return LOOK_GONE;
    if (!is_client_error(error))
        return LOOK_REFUSED;
    bool waited = clock_ms() - client->began_at >= client->patience_ms * 9 / 10;
    return waited ? LOOK_SILENT : LOOK_GONE;
}

void client_failure(const struct client *client, struct server_look *look)
{
    unsigned error = client->mysql ? mysql_errno(client->mysql) : CR_OUT_OF_MEMORY;
    const char *text = client->mysql ? mysql_error(client->mysql) : "out of memory";
    if (error ==
        NOT_YET) { /* the library had no objection: the connection isn't encrypted, or a result is missing */
        error = CR_SSL_CONNECTION_ERROR;
        text = "not what was asked for: no TLS, or no result";
    }
    look->ok = false;
    look->failed_at = clock_ms();
    look->failure = kind_of(client, error);
    look->error = error;
    snprintf(look->error_text, sizeof look->error_text, "%s", text);
}

bool client_lost(const struct client *client)
{
    return client->mysql && (mysql_errno(client->mysql) == CR_SERVER_LOST ||
                             mysql_errno(client->mysql) == CR_SERVER_GONE_ERROR);
}

bool client_local_address(const struct client *client, char *text, size_t size)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(client->socket, (struct sockaddr *)&address, &length) != 0 ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6))
        return false;
    return getnameinfo((struct sockaddr *)&address, length, text, (socklen_t)size, NULL, 0, NI_NUMERICHOST) ==
           0;
}
