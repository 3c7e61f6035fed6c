/*
 * test_binlog.c - the binary log through the proxy: for readers, and for a replica that follows the primary
 * so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { PATIENCE_MS = 15000, SERVERS = 3, FOLLOWER = 2 };

static struct cluster *set;
static struct pointsman *proxy;
static const struct cluster_account follower = {"follower", "follows"};

static bool mysql(void)
{
    return set->options.flavour == CLUSTER_MYSQL;
}

static bool logs_in(void *arg)
{
    MYSQL *client = pointsman_connect(proxy, &follower, NULL);
    (void)arg;
    if (client)
        mysql_close(client);
    return client;
}

static int start_all(void **state)
{
    const struct cluster_options options = {.servers = SERVERS};
    const struct pointsman_options quick = {.more = "[failover]\nmode = off\n"};
    (void)state;
    set = cluster_start(&options);
    if (set &&
        cluster_sql(set, 0,
                    "CREATE USER follower@'%%' IDENTIFIED BY 'follows';"
                    "GRANT REPLICATION SLAVE, %s ON *.* TO follower@'%%';"
                    "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40))",
                    mysql() ? "REPLICATION CLIENT" : "BINLOG MONITOR") == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (proxy = pointsman_start(set, &quick)) &&
        wait_for(logs_in, NULL, PATIENCE_MS))
        return 0;
    cluster_stop(set);
    set = NULL;
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(proxy);
    cluster_stop(set);
    return status;
}

/* What mariadb-binlog makes of a binary log of the server on this port; free() it. */
static char *events_by(int port, const char *file)
{
    char command[300], *text = calloc(1, 1 << 20);
    snprintf(command, sizeof command,
             "mariadb-binlog --no-defaults -R -h127.0.0.1 -P%d -u%s -p%s --base64-output=decode-rows %s 2>&1",
             port, follower.user, follower.password, file);
    FILE *output = popen(command, "re");
    assert_true(output && text);
    size_t length = fread(text, 1, (1 << 20) - 1, output);
    text[length] = 0;
    int status = pclose(output);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: %s", command, text);
    return text;
}

static void the_log_is_read_as_from_the_primary(void **state)
{
    (void)state;
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    for (int i = 0; i < 20; i++)
        assert_int_equal(sql_run(client, "INSERT INTO item VALUES (%d, 'item %d')", i, i), 0);
    mysql_close(client);
    char *file = sql_column(set->server[0].root, mysql() ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS",
                            "File");
    assert_int_equal(cluster_sql(set, 0, "FLUSH BINARY LOGS"), 0); /* so that it has an end */
    char *direct = events_by(set->server[0].port, file), *through = events_by(proxy->port, file);
    assert_non_null(strstr(direct, "item 19"));
    if (strcmp(direct, through) != 0)
        fail_msg("%zu bytes instead of %zu", strlen(through), strlen(direct));
    free(direct);
    free(through);
    free(file);
}

static bool has_arrived(void *arg)
{
    return sql_number(set->server[FOLLOWER].root, "SELECT COUNT(*) FROM shop.item WHERE id = %d",
                      *(int *)arg) == 1;
}

static void a_replica_follows_through_the_proxy(void **state)
{
    (void)state;
    assert_int_equal(cluster_sql(set, FOLLOWER,
                                 "STOP REPLICA; CHANGE %4$s TO %5$s_HOST = '127.0.0.1', %5$s_PORT = %1$d, "
                                 "%5$s_USER = '%2$s', %5$s_PASSWORD = '%3$s', %5$s_CONNECT_RETRY = 1; "
                                 "START REPLICA",
                                 proxy->port, follower.user, follower.password,
                                 mysql() ? "REPLICATION SOURCE" : "MASTER", set->dialect->source),
                     0);
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    for (int id = 1000; id < 1005; id++) {
        assert_int_equal(sql_run(client, "INSERT INTO item VALUES (%d, 'followed')", id), 0);
        assert_true(wait_for(has_arrived, &id, PATIENCE_MS));
    }
    char *port = sql_column(set->server[FOLLOWER].root, set->dialect->status, set->dialect->source_port);
    assert_int_equal(atoi(port), proxy->port);
    free(port);
    /* Nobody waits for the end of what has none. */
    int64_t began = monotonic_us();
    int status = pointsman_stop(proxy);
    proxy = NULL;
    assert_int_equal(status, 0);
    assert_true(monotonic_us() - began < 5000000);
    const struct pointsman_options quick = {.more = "[failover]\nmode = off\n"};
    proxy = pointsman_start(set, &quick);
    assert_non_null(proxy);
    mysql_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_is_read_as_from_the_primary),
        cmocka_unit_test(a_replica_follows_through_the_proxy),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
