/*
 * test_tls_servers.c - TLS between the proxy and its servers: where it is used, where it is insisted on, and
 * what becomes of servers that don't have it or aren't who they should be.
 *
 *   set    a primary and a replica with certificates for 127.0.0.1, issued by an authority that is made here
 *   plain  one server without
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "../cluster/rawclient.h"
#include "tls_files.h"

enum { PATIENCE_MS = 15000 };

static struct cluster *set, *plain;
static struct pointsman *proxy, *plain_proxy;

static struct cluster *start_secure(void)
{
    char certificate[200], key[200];
    const char *const args[] = {certificate, key, NULL};
    const struct cluster_options options = {.servers = 2, .args = args};
    snprintf(certificate, sizeof certificate, "--ssl-cert=%s/db.pem", folder);
    snprintf(key, sizeof key, "--ssl-key=%s/db.key", folder);
    return cluster_start(&options);
}

static const char accounts[] =
    "CREATE USER careful@'%' IDENTIFIED BY 'careful-secret' REQUIRE SSL; GRANT ALL ON shop.* TO careful@'%';"
    "ALTER USER monitor@'%' REQUIRE SSL";

static int start_all(void **state)
{
    const struct cluster_options one = {.servers = 1};
    const struct pointsman_options more = {.more = "[tls]\n"};
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (folder_make() && certificate_make(folder, "ca", NULL, NULL) &&
        certificate_make(folder, "other", NULL, NULL) &&
        certificate_make(folder, "db", "ca", "IP:127.0.0.1") && (set = start_secure()) &&
        (plain = cluster_start(&one)) && cluster_sql(set, 0, "%s", accounts) == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (proxy = pointsman_start(set, &more)) &&
        (plain_proxy = pointsman_start(plain, &more)))
        return 0;
    cluster_stop(set);
    cluster_stop(plain);
    folder_remove();
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(proxy) | pointsman_stop(plain_proxy);
    cluster_stop(set);
    cluster_stop(plain);
    folder_remove();
    return status;
}

/* ---- what is seen ---- */

static long long metric(const struct pointsman *of, const char *name)
{
    char *body = NULL, wanted[100];
    long long value = -1;
    snprintf(wanted, sizeof wanted, "\npointsman_%s ", name);
    if (http_get(of->http_port, "/metrics", &body) == 200) {
        const char *at = strstr(body, wanted);
        value = at ? atoll(at + strlen(wanted)) : -1;
    }
    free(body);
    return value;
}

static bool is_ready(void *of)
{
    return http_get(((struct pointsman *)of)->http_port, "/readyz", NULL) == 200;
}

static bool is_not_ready(void *of)
{
    return http_get(((struct pointsman *)of)->http_port, "/readyz", NULL) == 503;
}

/* Every server is down, for a reason with these words. */
struct reason {
    struct pointsman *of;
    const char *words;
    char seen[2000];
};

static bool is_given(void *arg)
{
    static const struct cluster_account anybody = {"anybody", ""};
    struct reason *reason = arg;
    MYSQL *console = sql_connect(NULL, reason->of->admin_port, &anybody, NULL, 0);
    char *text = console ? sql_column(console, "SHOW SERVERS", "reason") : NULL;
    snprintf(reason->seen, sizeof reason->seen, "%s", text ? text : "(none)");
    free(text);
    mysql_close(console);
    return strcasestr(reason->seen, reason->words) != NULL;
}

static void servers_are_down_for(struct pointsman *of, const char *words)
{
    struct reason reason = {of, words, ""};
    if (!wait_for(is_not_ready, of, PATIENCE_MS) || !wait_for(is_given, &reason, PATIENCE_MS))
        fail_msg("not '%s' but '%s'", words, reason.seen);
}

static char *lines(const char *servers, const char *ca)
{
    static char text[500];
    size_t length = (size_t)snprintf(text, sizeof text, "servers = %s\n", servers);
    if (ca)
        snprintf(text + length, sizeof text - length, "ca = %s/%s\n", folder, ca);
    return text;
}

static bool is_in_clear(void *of)
{
    MYSQL *client = pointsman_connect(of, &cluster_app, "shop");
    bool began = client && sql_run(client, "BEGIN") == 0;
    char *cipher = began ? sql_column(client, "SHOW STATUS LIKE 'Ssl_cipher'", "Value") : NULL;
    bool clear = cipher && !*cipher;
    free(cipher);
    mysql_close(client);
    return clear;
}

/* A connection to the server that is surely a new one: those there are get held. */
static void hold_connections(struct pointsman *of, int count, const char *cipher)
{
    MYSQL *clients[8];
    for (int i = 0; i < count; i++) {
        clients[i] = pointsman_connect(of, &cluster_app, "shop");
        if (!clients[i])
            fail_msg("no login");
        assert_int_equal(sql_run(clients[i], "BEGIN"), 0);
        assert_int_equal(sql_run(clients[i], "SELECT * FROM mysql.nothing"), 1142);
        char *now = sql_column(clients[i], "SHOW STATUS LIKE 'Ssl_cipher'", "Value");
        assert_int_equal(now && *now, cipher != NULL);
        free(now);
    }
    for (int i = 0; i < count; i++)
        mysql_close(clients[i]);
}

/* ---- tests ---- */

static void it_is_used_where_it_is_offered(void **state)
{
    (void)state;
    assert_true(wait_for(is_ready, proxy, PATIENCE_MS)); /* the monitor's account requires it */
    hold_connections(proxy, 4, "any");
    assert_true(metric(proxy, "backend_tls_connects_total") >= 4);
    assert_true(metric(proxy, "backend_tls_resumed_total") >= 1);
    assert_int_equal(metric(proxy, "backend_tls_connects_total"), metric(proxy, "backend_connects_total"));
    hold_connections(plain_proxy, 2, NULL);
    assert_int_equal(metric(plain_proxy, "backend_tls_connects_total"), 0);
}

static void accounts_that_require_it_use_the_servers(void **state)
{
    struct raw *raw = raw_dial(proxy->port, NULL);
    (void)state;
    assert_true(raw_greeting(raw) && raw_secure(raw, NULL));
    assert_true(raw_log_in(raw, "careful", "careful-secret", "shop", RAW_PLAIN));
    assert_int_equal(raw_run(raw, "CREATE TABLE cared (id INT)"), 0);
    assert_int_equal(raw_run(raw, "SELECT * FROM cared"), 0);
    raw_close(raw);
}

static void much_passes(void **state)
{
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    (void)state;
    assert_non_null(client);
    assert_int_equal(mysql_query(client, "SELECT REPEAT(CHAR(65 + seq % 26), 50000) FROM seq_1_to_2000"), 0);
    MYSQL_RES *result = mysql_use_result(client);
    int count = 0;
    for (MYSQL_ROW row; (row = mysql_fetch_row(result)); count++)
        if (mysql_fetch_lengths(result)[0] != 50000 || row[0][49999] != 'A' + (count + 1) % 26)
            fail_msg("row %d is wrong", count);
    assert_int_equal(count, 2000);
    mysql_free_result(result);
    size_t length = 9 << 20;
    char *text = malloc(length + 50);
    size_t head = (size_t)sprintf(text, "SELECT LENGTH('");
    memset(text + head, 'z', length);
    strcpy(text + head + length, "')");
    assert_int_equal(sql_number(client, "%s", text), length);
    free(text);
    mysql_close(client);
}

static void who_is_verified(void **state)
{
    (void)state;
    reload(proxy, lines("verify", "ca.pem"), "reloaded");
    hold_connections(proxy, 2, "any");
    reload(proxy, lines("verify", "other.pem"), "reloaded");
    servers_are_down_for(proxy, "issuer certificate");
    reload(proxy, lines("verify", "ca.pem"), "reloaded");
    assert_true(wait_for(is_ready, proxy, PATIENCE_MS));
    hold_connections(proxy, 2, "any");
}

static void a_server_without_it(void **state)
{
    (void)state;
    reload(plain_proxy, lines("required", NULL), "reloaded");
    servers_are_down_for(plain_proxy, "TLS");
    reload(plain_proxy, lines("preferred", NULL), "reloaded");
    assert_true(wait_for(is_ready, plain_proxy, PATIENCE_MS));
    hold_connections(plain_proxy, 2, NULL);
}

static void it_is_not_used_if_it_is_off(void **state)
{
    (void)state;
    assert_int_equal(cluster_sql(set, 0, "ALTER USER monitor@'%%' REQUIRE NONE"), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    reload(proxy, lines("off", NULL), "reloaded");
    assert_true(wait_for(is_ready, proxy, PATIENCE_MS));
    assert_true(wait_for(is_in_clear, proxy, PATIENCE_MS)); /* the workers have been told */
    long long before = metric(proxy, "backend_tls_connects_total");
    hold_connections(proxy, 8, NULL);
    assert_int_equal(metric(proxy, "backend_tls_connects_total"), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_used_where_it_is_offered),
        cmocka_unit_test(accounts_that_require_it_use_the_servers),
        cmocka_unit_test(much_passes),
        cmocka_unit_test(who_is_verified),
        cmocka_unit_test(a_server_without_it),
        cmocka_unit_test(it_is_not_used_if_it_is_off),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
