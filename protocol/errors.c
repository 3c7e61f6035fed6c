/*
 * errors.c - the servers' own errors that the proxy gives itself, in the servers' English.
 *
 * Wordings and SQLSTATEs are MariaDB 10.11's (`perror N`); where MySQL 8 words one otherwise, with the same
 * arguments, that stands beside it. Arguments are strings but for thread ids (unsigned long long) and lines
 * (int).
 */
#include "pointsman/protocol/answer.h"

static const struct server_error_text errors[] = {
    {SERVER_ERROR_TOO_MANY_CONNECTIONS, "08004", "Too many connections", NULL},
    {SERVER_ERROR_OUT_OF_RESOURCES, "HY000", "Out of memory.", NULL},
    {SERVER_ERROR_HANDSHAKE, "08S01", "Bad handshake", NULL},
    {SERVER_ERROR_ACCESS_DENIED_DB, "42000", "Access denied for user '%s'@'%s' to database '%s'", NULL},
    {SERVER_ERROR_ACCESS_DENIED, "28000", "Access denied for user '%s'@'%s' (using password: %s)", NULL},
    {SERVER_ERROR_NO_DB, "3D000", "No database selected", NULL},
    {SERVER_ERROR_UNKNOWN_COMMAND, "08S01", "Unknown command", NULL},
    {SERVER_ERROR_BAD_DB, "42000", "Unknown database '%s'", NULL},
    {SERVER_ERROR_SERVER_SHUTDOWN, "08S01", "Server shutdown in progress", NULL},
    {SERVER_ERROR_PARSE, "42000", "%s near '%s' at line %d", NULL},
    {SERVER_ERROR_EMPTY_QUERY, "42000", "Query was empty", NULL},
    {SERVER_ERROR_NO_SUCH_THREAD, "HY000", "Unknown thread id: %llu", NULL},
    {SERVER_ERROR_KILL_DENIED, "HY000", "You are not owner of thread %llu", NULL},
    {SERVER_ERROR_HOST_NOT_ALLOWED, "HY000", "Host '%s' is not allowed to connect to this MariaDB server",
     "Host '%s' is not allowed to connect to this MySQL server"},
    {SERVER_ERROR_PACKET_TOO_LARGE, "08S01", "Got a packet bigger than 'max_allowed_packet' bytes", NULL},
    {SERVER_ERROR_OUT_OF_ORDER, "08S01", "Got packets out of order", NULL},
    {SERVER_ERROR_LOCK_WAIT, "HY000", "Lock wait timeout exceeded; try restarting transaction", NULL},
    {SERVER_ERROR_DEADLOCK, "40001", "Deadlock found when trying to get lock; try restarting transaction",
     NULL},
    {SERVER_ERROR_OPTION_PREVENTS, "HY000",
     "The MariaDB server is running with the %s option so it cannot execute this statement",
     "The MySQL server is running with the %s option so it cannot execute this statement"},
    {SERVER_ERROR_READ_ONLY_TRANSACTION, "25006", "Cannot execute statement in a READ ONLY transaction",
     "Cannot execute statement in a READ ONLY transaction."},
    {SERVER_ERROR_QUERY_INTERRUPTED, "70100", "Query execution was interrupted", NULL},
    {SERVER_ERROR_CONNECTION_KILLED, "70100", "Connection was killed", NULL},
    {SERVER_ERROR_MUST_CHANGE_PASSWORD, "HY000", "You must SET PASSWORD before executing this statement",
     "You must reset your password using ALTER USER statement before executing this statement."},
    {SERVER_ERROR_MALFORMED, "HY000", "Malformed communication packet", NULL},
    {SERVER_ERROR_PASSWORD_EXPIRED_LOGIN, "HY000",
     "Your password has expired. To log in you must change it using a client that supports expired passwords",
     "Your password has expired. To log in you must change it using a client that supports expired "
     "passwords."},
    {SERVER_ERROR_ACCOUNT_LOCKED_MYSQL, "HY000", "Access denied for user '%s'@'%s'. Account is locked.",
     NULL},
    {SERVER_ERROR_SECURE_TRANSPORT_REQUIRED, "HY000",
     "Connections using insecure transport are prohibited while --require_secure_transport=ON.", NULL},
    {SERVER_ERROR_CLIENT_INTERACTION_TIMEOUT, "HY000",
     "The client was disconnected by the server because of inactivity. See wait_timeout and "
     "interactive_timeout for "
     "configuring this behavior.",
     NULL},
    {SERVER_ERROR_ACCOUNT_LOCKED_MARIADB, "HY000", "Access denied, this account is locked", NULL},
};

static const struct server_error_text unknown = {1105, "HY000", "Unknown error", NULL};

const struct server_error_text *server_error_text(enum server_error code)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == (uint16_t)code)
            return &errors[i];
    return &unknown;
}
