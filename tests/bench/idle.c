/*
 * idle.c - many clients that are logged in and do nothing: for what one costs a proxy in memory.
 *
 *   idle PORT CLIENTS USER SCHEMA          password from MYSQL_PWD
 *
 *   prints "in CLIENTS" when all are logged in ── a line of input: each runs SELECT 1; prints "ran CLIENTS"
 *                                             ── the input's end: all leave
 */
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool log_in(MYSQL **clients, int count, char **argv)
{
    const char *password = getenv("MYSQL_PWD");
    for (int i = 0; i < count; i++) {
        clients[i] = mysql_init(NULL);
        if (!clients[i] || !mysql_real_connect(clients[i], "127.0.0.1", argv[3], password, argv[4],
                                               (unsigned)atoi(argv[1]), NULL, 0)) {
            fprintf(stderr, "idle: client %d: %s\n", i + 1,
                    clients[i] ? mysql_error(clients[i]) : "out of memory");
            return false;
        }
    }
    return true;
}

static bool run_each(MYSQL **clients, int count)
{
    for (int i = 0; i < count; i++) {
        if (mysql_query(clients[i], "SELECT 1")) {
            fprintf(stderr, "idle: client %d: %s\n", i + 1, mysql_error(clients[i]));
            return false;
        }
        mysql_free_result(mysql_store_result(clients[i]));
    }
    return true;
}

static void say(const char *what, int count)
{
    printf("%s %d\n", what, count);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int count = argc == 5 ? atoi(argv[2]) : 0;
    MYSQL **clients = count > 0 ? calloc((size_t)count, sizeof(MYSQL *)) : NULL;
    if (!clients) {
        fputs("usage: idle PORT CLIENTS USER SCHEMA\n", stderr);
        return 1;
    }
    bool good = log_in(clients, count, argv);
    if (good)
        say("in", count);
    for (int c = 0; good && (c = getchar()) != EOF;) {
        if (c != '\n')
            continue;
        good = run_each(clients, count);
        if (good)
            say("ran", count);
    }
    for (int i = 0; i < count; i++)
        if (clients[i])
            mysql_close(clients[i]);
    free(clients);
    return good ? 0 : 1;
}
