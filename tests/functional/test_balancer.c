/*
 * test_balancer.c - a balancer before the proxy, which says by a PROXY header for whom it connects; and
 * others who say so without being one.
 *
 *   127.0.0.2 is the balancer's address; everybody else comes from 127.0.0.1
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "../cluster/rawclient.h"

#include <stdlib.h>
#include <string.h>

enum { BAD_HANDSHAKE = 1043 };

static struct cluster *set;
static struct pointsman *proxy;
static MYSQL *console;

static const char v1[] = "PROXY TCP4 192.0.2.77 10.0.0.1 4711 3306\r\n";
static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\x00\x02\x4e\x0a\x00\x00\x01\x12\x34\x0c\xea";
static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

static int start_all(void **state)
{
    const struct cluster_options options = {.servers = 1, .no_general_log = true};
    const struct pointsman_options behind = {.pointsman = "proxy_protocol = 10.0.0.0/8, 127.0.0.2\n"
                                                          "login_timeout = 1s\naccount_hosts = separate\n",
                                             .more = "[failover]\nmode = off\n"};
    const struct cluster_account anybody = {"whoever", "whatever"};
    (void)state;
    set = cluster_start(&options);
    if (set && (proxy = pointsman_start(set, &behind)) &&
        (console = sql_connect(NULL, proxy->admin_port, &anybody, NULL, 0)))
        return 0;
    cluster_stop(set);
    set = NULL;
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    mysql_close(console);
    int status = pointsman_stop(proxy);
    cluster_stop(set);
    return status;
}

static struct raw *log_in_from(const char *ip, const char *header, size_t length)
{
    struct raw *raw = raw_dial_from(ip, proxy->port);
    if (length)
        raw_bytes(raw, header, length);
    if (!raw_login(raw, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN))
        fail_msg("no login from %s", ip);
    assert_int_equal(raw_run(raw, "SELECT 1"), 0);
    return raw;
}

static void assert_host(const char *host)
{
    char *is = sql_column(console, "SHOW SESSIONS WHERE user = 'app'", "host");
    if (!is || strcmp(is, host) != 0)
        fail_msg("the client's host is %s, not %s", is ? is : "nothing", host);
    free(is);
}

static bool nobody_is_left(void *arg)
{
    (void)arg;
    char *is = sql_column(console, "SHOW STATUS LIKE 'sessions'", "value");
    bool none = is && strcmp(is, "0") == 0;
    free(is);
    return none;
}

static void assert_seen_as(const char *header, size_t length, const char *host)
{
    struct raw *raw = log_in_from("127.0.0.2", header, length);
    assert_host(host);
    raw_close(raw);
    assert_true(wait_for(nobody_is_left, NULL, RAW_PATIENCE_MS));
}

static void headers_say_who_it_is(void **state)
{
    (void)state;
    assert_seen_as(v1, sizeof v1 - 1, "192.0.2.77");
    assert_seen_as(v2, sizeof v2 - 1, "192.0.2.78");
    assert_seen_as(local, sizeof local - 1, "localhost"); /* its own looks at our health */
}

static void a_header_may_come_in_pieces(void **state)
{
    (void)state;
    struct raw *raw = raw_dial_from("127.0.0.2", proxy->port);
    for (size_t i = 0; i < sizeof v1 - 1; i++)
        raw_bytes(raw, v1 + i, 1);
    assert_true(raw_login(raw, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN));
    assert_host("192.0.2.77");
    raw_close(raw);
    assert_true(wait_for(nobody_is_left, NULL, RAW_PATIENCE_MS));
}

/* Nobody is greeted before, and who stays silent goes. */
static void without_a_header_nothing_is_said(void **state)
{
    (void)state;
    struct raw *raw = raw_dial_from("127.0.0.2", proxy->port);
    assert_int_equal(raw_read_within(raw, 300), RAW_LATE);
    assert_true(raw_ends(raw));
    raw_close(raw);
}

static void forged_headers_are_refused(void **state)
{
    static const char wrong[] = "PROXY TCP4 192.0.2.300 10.0.0.1 4711 3306\r\n";
    struct raw_err err;
    (void)state;
    struct raw *raw = raw_dial_from("127.0.0.2", proxy->port);
    raw_bytes(raw, wrong, sizeof wrong - 1);
    assert_int_equal(raw_read(raw), RAW_GOT);
    assert_true(raw_err(raw, &err));
    assert_int_equal(err.code, BAD_HANDSHAKE);
    assert_true(raw_ends(raw));
    raw_close(raw);
    /* From anywhere else a header is no login. */
    raw = raw_dial_from("127.0.0.1", proxy->port);
    assert_true(raw_greeting(raw));
    raw_bytes(raw, v1, sizeof v1 - 1);
    assert_true(raw_ends(raw));
    raw_close(raw);
    raw = log_in_from("127.0.0.1", NULL, 0);
    assert_host("localhost");
    raw_close(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_say_who_it_is),
        cmocka_unit_test(a_header_may_come_in_pieces),
        cmocka_unit_test(without_a_header_nothing_is_said),
        cmocka_unit_test(forged_headers_are_refused),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
