/*
 * test_login.c - logging in through the proxy is logging in to a server: who may, who may not, and in which
 * words; and what strangers send instead of a login.
 *
 *   set     a primary and a replica: names are resolved, so clients on this host come from 'localhost'
 *   strict  one server that doesn't resolve names and whose accounts may come from 127.0.0.1 only
 *
 * Failures slow down further logins from the same address until one succeeds: tests end with one that does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "../cluster/rawclient.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

static struct cluster *set, *strict;
static struct pointsman *proxy, *strict_proxy;

static const char accounts[] =
    "CREATE USER nobody@'%'; GRANT SELECT ON shop.* TO nobody@'%';"
    "CREATE USER wide@'%' IDENTIFIED BY 'wide-secret'; GRANT ALL ON *.* TO wide@'%';"
    "CREATE USER locked@'%' IDENTIFIED BY 'locked-secret' ACCOUNT LOCK; GRANT ALL ON shop.* TO locked@'%';"
    "CREATE USER expired@'%' IDENTIFIED BY 'expired-secret' PASSWORD EXPIRE;"
    "GRANT ALL ON shop.* TO expired@'%';"
    "CREATE USER given@'%' IDENTIFIED BY 'given-secret'; GRANT SELECT ON shop.* TO given@'%';"
    "CREATE USER changing@'%' IDENTIFIED BY 'first'; GRANT SELECT ON shop.* TO changing@'%';"
    "CREATE ROLE actor; CREATE TABLE shop.item (id INT PRIMARY KEY)";

static int start_all(void **state)
{
    const struct cluster_options usual = {.servers = 2},
                                 by_address = {.servers = 1, .skip_name_resolve = true};
    const struct pointsman_options quick = {.pointsman = "login_timeout = 700ms\nworkers = 2\n",
                                            .more = "[accounts]\ngiven = given-secret\n"};
    const struct pointsman_options small = {.pointsman = "max_connections = 5\nworkers = 1\n"};
    (void)state;
    set = cluster_start(&usual);
    strict = cluster_start(&by_address);
    if (set && strict && cluster_sql(set, 0, "%s", accounts) == 0 && cluster_sync(set, 0, PATIENCE_MS) &&
        cluster_sql(strict, 0,
                    "RENAME USER app@'%%' TO app@'127.0.0.1', report@'%%' TO report@'127.0.0.1',"
                    " monitor@'%%' TO monitor@'127.0.0.1'; FLUSH PRIVILEGES") == 0 &&
        (proxy = pointsman_start(set, &quick)) && (strict_proxy = pointsman_start(strict, &small)))
        return 0;
    cluster_stop(set);
    cluster_stop(strict);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(proxy) | pointsman_stop(strict_proxy);
    cluster_stop(set);
    cluster_stop(strict);
    return status;
}

/* --- attempts --- */

struct attempt {
    const char *user, *password, *schema;
};

/* What a login gets; code 0: in. */
static struct raw_err outcome(int port, const struct attempt *attempt)
{
    struct raw_err err = {.code = 0};
    struct raw *raw = raw_dial(port, NULL);
    if (!raw_login(raw, attempt->user, attempt->password, attempt->schema, RAW_PLAIN) && !raw_err(raw, &err))
        err = (struct raw_err){.code = 9999, .message = "no ERR packet"};
    if (err.code && !raw_ends(raw))
        err = (struct raw_err){.code = 9998, .message = "not closed"};
    raw_close(raw);
    return err;
}

static void forgive(void)
{
    static const struct attempt good = {"app", "app-secret", NULL};
    assert_int_equal(outcome(proxy->port, &good).code, 0);
}

static void compare(const struct attempt *attempt)
{
    struct raw_err proxied = outcome(proxy->port, attempt), direct = outcome(set->server[0].port, attempt);
    if (proxied.code != direct.code || strcmp(proxied.state, direct.state) != 0 ||
        strcmp(proxied.message, direct.message) != 0)
        fail_msg("%s/%s/%s:\n  proxy  %u (%s) %s\n  server %u (%s) %s", attempt->user, attempt->password,
                 attempt->schema ? attempt->schema : "-", proxied.code, proxied.state, proxied.message,
                 direct.code, direct.state, direct.message);
    forgive();
}

/* Version, character set and plugin are the primary's; capabilities are those that it has too, but for what
 * the proxy does by itself. */
static void the_greeting_is_what_the_servers_say(void **state)
{
    enum { MYSQL_BIT = 1, COMPRESSES = 1 << 5, PAST_THE_ID = 4 + 8 + 1 };
    char version[2][100], plugin[2][100];
    uint8_t collation[2];
    uint32_t capabilities[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct raw *raw = raw_dial(i ? set->server[0].port : proxy->port, NULL);
        assert_true(raw_greeting(raw));
        const char *text = (const char *)raw->packet + 1;
        snprintf(version[i], sizeof version[i], "%s", text);
        const uint8_t *behind = (const uint8_t *)text + strlen(text) + 1 + PAST_THE_ID;
        collation[i] = behind[2];
        capabilities[i] = raw->offered;
        snprintf(plugin[i], sizeof plugin[i], "%s", (const char *)behind + 2 + 1 + 2 + 2 + 1 + 10 + 13);
        raw_close(raw);
    }
    assert_string_equal(version[0], version[1]);
    assert_string_equal(plugin[0], plugin[1]);
    assert_int_equal(collation[0], collation[1]);
    assert_int_equal(capabilities[0] & ~capabilities[1] & ~(unsigned)(MYSQL_BIT | COMPRESSES | RAW_SSL), 0);
}

static void logins_end_as_at_a_server(void **state)
{
    static const char long_name[] =
        "a_name_that_is_much_longer_than_what_servers_allow_for_the_names_of_users_"
        "or_of_schemas_in_any_version_of_theirs";
    static const struct attempt attempts[] = {
        {"app", "app-secret", NULL},
        {"app", "app-secret", "shop"},
        {"app", "wrong", NULL},
        {"app", "wrong", "nowhere"},
        {"app", "", NULL},
        {"APP", "app-secret", NULL},
        {"stranger", "wrong", NULL},
        {"stranger", "", NULL},
        {"", "", NULL},
        {"", "x", NULL},
        {"nobody", "", NULL},
        {"nobody", "", "shop"},
        {"nobody", "something", NULL},
        {"app", "app-secret", "nowhere"},
        {"app", "app-secret", "mysql"},
        {"report", "report-secret", "stock"},
        {"wide", "wide-secret", "nowhere"},
        {"wide", "wide-secret", "mysql"},
        {"wide", "wide-secret", "information_schema"},
        {"locked", "locked-secret", NULL},
        {"locked", "wrong", NULL},
        {"locked", "locked-secret", "nowhere"},
        {"actor", "", NULL},
        {"app", "app-secret", long_name},
        {long_name, "x", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        compare(&attempts[i]);
}

static void an_expired_password_is_refused(void **state)
{
    static const struct attempt right = {"expired", "expired-secret", NULL}, wrong = {"expired", "x", NULL};
    (void)state;
    assert_int_equal(cluster_sql(set, 0, "SET GLOBAL disconnect_on_expired_password = 1"), 0);
    compare(&right);
    compare(&wrong);
}

static void the_unix_sockets_host_is_localhost(void **state)
{
    struct raw_err err;
    (void)state;
    struct raw *raw = raw_dial(0, proxy->socket);
    assert_false(raw_login(raw, "app", "wrong", NULL, RAW_PLAIN));
    assert_true(raw_err(raw, &err));
    assert_string_equal(err.message, "Access denied for user 'app'@'localhost' (using password: YES)");
    raw_close(raw);
    raw = raw_dial(0, proxy->socket);
    assert_true(raw_login(raw, "app", "app-secret", "shop", RAW_PLAIN));
    assert_int_equal(raw_run(raw, "SELECT 1"), 0);
    raw_close(raw);
}

static void without_a_schema_there_is_none(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        MYSQL *with = pointsman_connect(proxy, &cluster_app, "shop");
        MYSQL *without = pointsman_connect(proxy, &cluster_app, NULL);
        assert_int_equal(sql_number(with, "SELECT DATABASE() = 'shop'"), 1);
        assert_int_equal(sql_number(without, "SELECT DATABASE() IS NULL"), 1);
        assert_int_equal(sql_run(without, "SELECT * FROM item"), 1046);
        mysql_close(with);
        mysql_close(without);
    }
}

/* --- limits --- */

static void one_client_too_many_gets_1040(void **state)
{
    struct raw *clients[5];
    struct raw_err err;
    (void)state;
    for (int i = 0; i < 5; i++)
        clients[i] = raw_open(strict_proxy->port, "app", "app-secret", "shop", RAW_PLAIN);
    struct raw *more = raw_dial(strict_proxy->port, NULL);
    assert_false(raw_greeting(more));
    assert_true(raw_err(more, &err));
    assert_int_equal(err.code, 1040);
    assert_string_equal(err.message, "Too many connections");
    assert_true(raw_ends(more));
    raw_close(more);
    for (int i = 0; i < 5; i++)
        raw_close(clients[i]);
}

static bool strict_proxy_serves(void *arg)
{
    static const struct attempt good = {"app", "app-secret", "shop"};
    (void)arg;
    return outcome(strict_proxy->port, &good).code == 0;
}

static void a_host_without_accounts_gets_1130(void **state)
{
    struct raw_err errors[2];
    const int ports[] = {strict_proxy->port, strict->server[0].port};
    (void)state;
    assert_true(wait_for(strict_proxy_serves, NULL, PATIENCE_MS));
    for (int i = 0; i < 2; i++) {
        struct raw *raw = raw_dial_from("127.0.0.2", ports[i]);
        if (raw_greeting(raw))
            fail_msg("%s greets", i ? "the server" : "the proxy");
        assert_true(raw_err(raw, &errors[i]));
        assert_true(raw_ends(raw));
        raw_close(raw);
    }
    assert_int_equal(errors[0].code, 1130);
    assert_string_equal(errors[0].message, errors[1].message);
    assert_string_equal(errors[0].state, errors[1].state);
}

/* --- plugins --- */

/* A login packet for a plugin that isn't the server's. */
static size_t login_for_plugin(struct raw *raw, const char *plugin, size_t auth_length, uint8_t *out)
{
    size_t n = raw_login_packet(raw, "app", "", NULL, RAW_PLAIN, out, 500);
    n -= strlen("mysql_native_password") + 2;
    out[n++] = (uint8_t)auth_length;
    memset(out + n, 7, auth_length);
    n += auth_length;
    strcpy((char *)out + n, plugin);
    return n + strlen(plugin) + 1;
}

static void other_plugins_are_asked_to_change(void **state)
{
    static const struct {
        const char *plugin;
        size_t length;
    } rows[] = {{"caching_sha2_password", 32}, {"caching_sha2_password", 0}, {"client_ed25519", 64},
                {"client_ed25519", 0},         {"mysql_clear_password", 0},  {"", 20}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t packet[600], answer[RAW_SCRAMBLE];
        struct raw *raw = raw_dial(proxy->port, NULL);
        assert_true(raw_greeting(raw));
        raw_packet(raw, 1, packet, login_for_plugin(raw, rows[i].plugin, rows[i].length, packet));
        assert_int_equal(raw_read(raw), RAW_GOT);
        if (raw->packet[0] != 0xfe)
            fail_msg("%s with %zu bytes: no request to change", rows[i].plugin, rows[i].length);
        assert_int_equal(raw->sequence, 2);
        assert_string_equal((const char *)raw->packet + 1, "mysql_native_password");
        raw_native_answer("app-secret", raw->packet + 1 + sizeof "mysql_native_password", answer);
        raw_packet(raw, 3, answer, sizeof answer);
        assert_int_equal(raw_read(raw), RAW_GOT);
        assert_int_equal(raw->packet[0], 0);
        assert_int_equal(raw->sequence, 4);
        assert_int_equal(raw_run(raw, "SELECT 1"), 0);
        raw_close(raw);
    }
}

static void given_passwords_hold(void **state)
{
    static const struct attempt right = {"given", "given-secret", "shop"}, wrong = {"given", "x", NULL};
    (void)state;
    assert_int_equal(outcome(proxy->port, &right).code, 0);
    assert_int_equal(outcome(proxy->port, &wrong).code, 1045);
    assert_int_equal(outcome(proxy->port, &right).code, 0);
}

/* --- accounts that change --- */

struct wanted {
    struct attempt attempt;
    unsigned code;
};

static bool ends_so(void *arg)
{
    const struct wanted *wanted = arg;
    unsigned code = outcome(proxy->port, &wanted->attempt).code;
    forgive();
    return code == wanted->code;
}

static bool no_connection_of_changing(void *arg)
{
    (void)arg;
    for (int i = 0; i < set->count; i++)
        if (sql_number(set->server[i].root,
                       "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'changing'") != 0)
            return false;
    return true;
}

static void a_changed_password_holds_here_too(void **state)
{
    struct wanted second = {{"changing", "second", "shop"}, 0}, first = {{"changing", "first", "shop"}, 1045};
    struct wanted dropped = {{"changing", "second", "shop"}, 1045},
                  again = {{"changing", "third", "shop"}, 0};
    struct wanted locked = {{"changing", "second", "shop"}, 4151};
    (void)state;
    MYSQL *old = sql_connect(NULL, proxy->port, &(struct cluster_account){"changing", "first"}, "shop", 0);
    assert_non_null(old);
    for (int i = 0; i < 4; i++)
        assert_int_equal(sql_run(old, i % 2 ? "SELECT * FROM item" : "DO 1"), 0);
    assert_false(no_connection_of_changing(NULL));
    int64_t began = monotonic_us();
    assert_int_equal(cluster_sql(set, 0, "SET PASSWORD FOR changing@'%%' = PASSWORD('second')"), 0);
    assert_true(wait_for(ends_so, &second, PATIENCE_MS));
    assert_true(wait_for(ends_so, &first, PATIENCE_MS));
    if (monotonic_us() - began > 3000000)
        fail_msg("a changed password took %lld ms", (long long)(monotonic_us() - began) / 1000);
    mysql_close(old);
    assert_int_equal(cluster_sql(set, 0, "ALTER USER changing@'%%' ACCOUNT LOCK"), 0);
    assert_true(wait_for(ends_so, &locked, PATIENCE_MS));
    assert_true(wait_for(no_connection_of_changing, NULL, PATIENCE_MS));
    assert_int_equal(cluster_sql(set, 0, "DROP USER changing@'%%'"), 0);
    assert_true(wait_for(ends_so, &dropped, PATIENCE_MS));
    assert_int_equal(cluster_sql(set, 0,
                                 "CREATE USER changing@'%%' IDENTIFIED BY 'third';"
                                 "GRANT SELECT ON shop.* TO changing@'%%'"),
                     0);
    assert_true(wait_for(ends_so, &again, PATIENCE_MS));
}

/* --- guessing --- */

static int64_t time_of(const struct attempt *attempt)
{
    int64_t began = monotonic_us();
    assert_int_equal(outcome(proxy->port, attempt).code, 1045);
    return monotonic_us() - began;
}

static void failed_logins_are_slowed_down(void **state)
{
    static const struct attempt wrong = {"app", "wrong", NULL}, good = {"app", "app-secret", NULL};
    (void)state;
    forgive();
    int64_t first = time_of(&wrong), last = 0;
    for (int i = 0; i < 5; i++)
        last = time_of(&wrong);
    assert_true(first < 100000);
    assert_true(last > 150000);
    int64_t began = monotonic_us(); /* others aren't: the right password is answered at once, and ends it */
    assert_int_equal(outcome(proxy->port, &good).code, 0);
    assert_true(monotonic_us() - began < 100000);
    assert_true(time_of(&wrong) < 100000);
    forgive();
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

static void unknown_users_take_as_long_as_wrong_passwords(void **state)
{
    enum { ROUNDS = 41 };
    static const struct attempt wrong = {"app", "wrong", NULL}, unknown = {"stranger", "wrong", NULL};
    int64_t known_us[ROUNDS], unknown_us[ROUNDS];
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        known_us[i] = time_of(&wrong);
        unknown_us[i] = time_of(&unknown);
        forgive();
    }
    qsort(known_us, ROUNDS, sizeof *known_us, by_size);
    qsort(unknown_us, ROUNDS, sizeof *unknown_us, by_size);
    int64_t apart = known_us[ROUNDS / 2] - unknown_us[ROUNDS / 2];
    if (llabs(apart) > 300 && llabs(apart) * 2 > known_us[ROUNDS / 2])
        fail_msg("medians are %lld us apart", (long long)apart);
}

/* --- instead of a login --- */

struct packet {
    const void *data;
    size_t length;
    const char *what;
    bool same; /* a server's answer is the same */
};

/* Sends it behind the greeting; what comes back until the end, ERR or nothing. */
static struct raw_err answer_to(int port, const struct packet *packet)
{
    struct raw_err err = {.code = 0};
    struct raw *raw = raw_dial(port, NULL);
    assert_true(raw_greeting(raw));
    raw_bytes(raw, packet->data, packet->length);
    if (raw_read(raw) == RAW_GOT && !raw_err(raw, &err))
        err.code = 9999;
    if (!raw_ends(raw))
        fail_msg("%s: not closed", packet->what);
    raw_close(raw);
    return err;
}

static void nonsense_instead_of_a_login(void **state)
{
    static uint8_t large[200000] = {0xff, 0xff, 0xff, 1}, middle[20004] = {0x20, 0x4e, 0, 1};
    static const struct packet packets[] = {
        {"\x01\0\0\x01x", 5, "one byte", true},
        {"\x00\0\0\x01", 4, "nothing", true},
        {"\x05\0\0\x01\0\0\0\0\0", 9, "zeros", true},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27, "HTTP", false},
        {"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 11, "a TLS hello", false},
        {"\x01\0\0\0\x0e", 5, "a command", false},
        {"\x20\0\0\x01\x05\x82\0\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 36,
         "a login that ends behind its fixed part", true},
        {"\x24\0\0\x01\x05\xa2\x08\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
         "app\0",
         40, "a login that ends behind the user", false},
        {"\x26\0\0\x01\x05\xa2\x08\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
         "app\0\x14x",
         42, "an answer longer than the packet", false},
        {large, sizeof large, "a packet of 16 MB", false},
        {middle, sizeof middle, "a packet of 20 KB", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        struct raw_err proxied = answer_to(proxy->port, &packets[i]);
        struct raw_err direct = packets[i].same ? answer_to(set->server[0].port, &packets[i]) : proxied;
        if ((proxied.code != direct.code || strcmp(proxied.message, direct.message) != 0))
            fail_msg("%s:\n  proxy  %u %s\n  server %u %s", packets[i].what, proxied.code, proxied.message,
                     direct.code, direct.message);
    }
    assert_int_equal(cluster_sql(set, 0, "FLUSH HOSTS"), 0);
    forgive();
}

/* Nothing that comes before the login is answered may be taken for a command. */
static void nothing_may_lie_behind_a_login(void **state)
{
    (void)state;
    long mark = general_log_mark(&set->server[0]);
    for (int together = 0; together < 2; together++) {
        uint8_t packet[600];
        static const uint8_t query[] = "\x0e\0\0\0\x03"
                                       "CREATE DATABASE pipelined";
        struct raw *raw = raw_dial(proxy->port, NULL);
        assert_true(raw_greeting(raw));
        size_t n = raw_login_packet(raw, "app", "app-secret", NULL, RAW_PLAIN, packet + 4, 500);
        memcpy(packet, (uint8_t[]){(uint8_t)n, (uint8_t)(n >> 8), 0, 1}, 4);
        memcpy(packet + 4 + n, query, sizeof query - 1);
        raw_bytes(raw, packet, 4 + n + sizeof query - 1);
        struct raw_err err;
        assert_int_equal(raw_read(raw), RAW_GOT);
        assert_true(raw_err(raw, &err));
        assert_int_equal(err.code, 1043);
        assert_true(raw_ends(raw));
        raw_close(raw);
    }
    assert_int_equal(general_log_count(&set->server[0], mark, "pipelined"), 0);
    forgive();
}

static void a_login_in_pieces_is_one(void **state)
{
    uint8_t packet[600];
    (void)state;
    struct raw *raw = raw_dial(proxy->port, NULL);
    assert_true(raw_greeting(raw));
    size_t n = raw_login_packet(raw, "app", "app-secret", "shop", RAW_PLAIN, packet + 4, 500);
    memcpy(packet, (uint8_t[]){(uint8_t)n, (uint8_t)(n >> 8), 0, 1}, 4);
    for (size_t i = 0; i < 4 + n; i++)
        raw_bytes(raw, packet + i, 1);
    assert_int_equal(raw_read(raw), RAW_GOT);
    assert_int_equal(raw->packet[0], 0);
    assert_int_equal(raw_run(raw, "SELECT DATABASE()"), 0);
    raw_close(raw);
}

static void wrong_sequence_ids_are_out_of_order(void **state)
{
    static const uint8_t sequences[] = {0, 2, 255};
    (void)state;
    for (size_t i = 0; i < sizeof sequences; i++) {
        struct raw_err errors[2];
        const int ports[] = {proxy->port, set->server[0].port};
        for (int p = 0; p < 2; p++) {
            uint8_t packet[600];
            struct raw *raw = raw_dial(ports[p], NULL);
            assert_true(raw_greeting(raw));
            size_t n = raw_login_packet(raw, "app", "app-secret", NULL, RAW_PLAIN, packet, 500);
            raw_packet(raw, sequences[i], packet, n);
            assert_int_equal(raw_read(raw), RAW_GOT);
            if (!raw_err(raw, &errors[p]))
                fail_msg("sequence %u is admitted by %s", sequences[i], p ? "the server" : "the proxy");
            assert_true(raw_ends(raw));
            raw_close(raw);
        }
        if (errors[0].code != errors[1].code || strcmp(errors[0].message, errors[1].message) != 0)
            fail_msg("sequence %u:\n  proxy  %u %s\n  server %u %s", sequences[i], errors[0].code,
                     errors[0].message, errors[1].code, errors[1].message);
    }
    forgive();
}

static void a_login_without_an_end_is_closed(void **state)
{
    (void)state;
    for (int bytes = 0; bytes < 40; bytes += 13) {
        uint8_t packet[600];
        struct raw *raw = raw_dial(proxy->port, NULL);
        assert_true(raw_greeting(raw));
        raw_login_packet(raw, "app", "app-secret", NULL, RAW_PLAIN, packet, 500);
        raw_bytes(raw, "\x80\0\0\x01", bytes ? 4 : 0);
        raw_bytes(raw, packet, (size_t)bytes);
        assert_true(raw_ends(raw));
        raw_close(raw);
    }
}

static void silent_clients_disturb_nobody(void **state)
{
    enum { SILENT = 2000 };
    static struct raw *clients[SILENT];
    struct rlimit files;
    (void)state;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < SILENT; i++)
        clients[i] = raw_dial(proxy->port, NULL);
    int64_t began = monotonic_us();
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    assert_non_null(client);
    for (int i = 0; i < 50; i++)
        assert_int_equal(sql_number(client, "SELECT %d", i), i);
    assert_true(monotonic_us() - began < 500000);
    for (int i = 0; i < SILENT; i++) {
        assert_true(raw_ends(clients[i]));
        raw_close(clients[i]);
    }
    assert_true(monotonic_us() - began < 3000000);
    assert_int_equal(sql_number(client, "SELECT 51"), 51);
    mysql_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greeting_is_what_the_servers_say),
        cmocka_unit_test(logins_end_as_at_a_server),
        cmocka_unit_test(an_expired_password_is_refused),
        cmocka_unit_test(the_unix_sockets_host_is_localhost),
        cmocka_unit_test(without_a_schema_there_is_none),
        cmocka_unit_test(one_client_too_many_gets_1040),
        cmocka_unit_test(a_host_without_accounts_gets_1130),
        cmocka_unit_test(other_plugins_are_asked_to_change),
        cmocka_unit_test(given_passwords_hold),
        cmocka_unit_test(a_changed_password_holds_here_too),
        cmocka_unit_test(failed_logins_are_slowed_down),
        cmocka_unit_test(unknown_users_take_as_long_as_wrong_passwords),
        cmocka_unit_test(nonsense_instead_of_a_login),
        cmocka_unit_test(nothing_may_lie_behind_a_login),
        cmocka_unit_test(a_login_in_pieces_is_one),
        cmocka_unit_test(wrong_sequence_ids_are_out_of_order),
        cmocka_unit_test(a_login_without_an_end_is_closed),
        cmocka_unit_test(silent_clients_disturb_nobody),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
