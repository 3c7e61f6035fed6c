/*
 * test_admin.c - the console and the HTTP port, as operators, scrapers and strangers use them.
 *
 *   one set of three with the shop; before it `front.proxy`, whose console is open to this machine, and
 *   `guarded`, whose console has accounts
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/front.h"
#include "../cluster/rawclient.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PATIENCE_MS = 10000 };

static struct front front;
static struct pointsman *guarded;
static MYSQL *console; /* of front.proxy */

static const struct cluster_account anybody = {"whoever", "whatever"};

static MYSQL *open_console(const struct pointsman *proxy, const char *user, const char *password)
{
    const struct cluster_account account = {user, password};
    MYSQL *connection = sql_connect(NULL, proxy->admin_port, &account, NULL, 0);
    assert_non_null(connection);
    return connection;
}

static int start(void **state)
{
    const struct pointsman_options open = {.pointsman = "workers = 2\n"};
    const struct pointsman_options closed = {
        .more = "[admin]\nop = opsecret\n[admin read]\nviewer = viewsecret\nblank =\n"};
    (void)state;
    if (!front_start(&front, &open))
        return -1;
    guarded = pointsman_start(front.set, &closed);
    console = sql_connect(NULL, front.proxy->admin_port, &anybody, NULL, 0);
    return guarded && console ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    mysql_close(console);
    int status = pointsman_stop(guarded);
    return front_stop(&front) && status == 0 ? 0 : -1;
}

/* ---- helpers ---- */

/* A column of the first row is this; waits for it. */
struct expected {
    const char *statement, *column, *value;
};

static bool is_as_expected(void *arg)
{
    const struct expected *expected = arg;
    char *value = sql_column(console, expected->statement, expected->column);
    bool same = value && strcmp(value, expected->value) == 0;
    free(value);
    return same;
}

static void wait_until(const char *statement, const char *column, const char *value)
{
    struct expected expected = {statement, column, value};
    if (wait_for(is_as_expected, &expected, PATIENCE_MS))
        return;
    char *is = sql_column(console, statement, column);
    fail_msg("%s: %s is %s, not %s", statement, column, is ? is : "NULL or absent", value);
}

static void assert_column(const char *statement, const char *column, const char *expected)
{
    char *value = sql_column(console, statement, column);
    if (!value || strcmp(value, expected) != 0)
        fail_msg("%s: %s is '%s', not '%s'", statement, column, value ? value : "NULL", expected);
    free(value);
}

static long long number_of(const char *statement, const char *column)
{
    char *value = sql_column(console, statement, column);
    long long number = value ? atoll(value) : -1;
    free(value);
    return number;
}

static void assert_error(MYSQL *connection, const char *statement, unsigned code, const char *part)
{
    assert_int_equal(sql_run(connection, "%s", statement), code);
    if (!strstr(mysql_error(connection), part))
        fail_msg("%s: %s", statement, mysql_error(connection));
}

/* The proxy's log has a line with all of these. */
static bool log_has(const struct pointsman *proxy, const char *a, const char *b, const char *c)
{
    char line[8192];
    bool found = false;
    FILE *file = fopen(proxy->log, "re");
    assert_non_null(file);
    while (!found && fgets(line, sizeof line, file))
        found = strstr(line, a) && strstr(line, b) && strstr(line, c);
    fclose(file);
    return found;
}

/* ---- looking ---- */

static void servers_have_roles_and_typed_columns(void **state)
{
    (void)state;
    wait_until("SHOW SERVERS WHERE name = 'db1'", "role", "primary");
    wait_until("SHOW SERVERS WHERE name = 'db2' AND lag_ms IS NOT NULL", "role", "replica");
    wait_until("SHOW SERVERS WHERE name = 'db3'", "state", "online");
    assert_int_equal(mysql_query(console, "SHOW SERVERS"), 0);
    MYSQL_RES *result = mysql_store_result(console);
    assert_non_null(result);
    assert_int_equal(mysql_num_rows(result), 3);
    static const enum enum_field_types types[] = {
        MYSQL_TYPE_VAR_STRING, MYSQL_TYPE_VAR_STRING, MYSQL_TYPE_VAR_STRING, MYSQL_TYPE_VAR_STRING,
        MYSQL_TYPE_LONGLONG,   MYSQL_TYPE_VAR_STRING, MYSQL_TYPE_LONGLONG,   MYSQL_TYPE_LONGLONG,
        MYSQL_TYPE_LONGLONG,   MYSQL_TYPE_LONGLONG,   MYSQL_TYPE_LONGLONG,   MYSQL_TYPE_VAR_STRING};
    assert_int_equal(mysql_num_fields(result), sizeof types / sizeof *types);
    for (unsigned i = 0; i < mysql_num_fields(result); i++)
        assert_int_equal(mysql_fetch_field_direct(result, i)->type, types[i]);
    mysql_free_result(result);
}

static void statements_are_counted(void **state)
{
    (void)state;
    long long reads = number_of("SHOW STATUS LIKE 'statements_read'", "value");
    long long writes = number_of("SHOW STATUS LIKE 'statements_write'", "value");
    MYSQL *app = front_connect(&front);
    for (int i = 0; i < 6; i++)
        assert_int_equal(sql_run(app, "SELECT name FROM item WHERE id = %d", i), 0);
    assert_int_equal(sql_run(app, "INSERT INTO serial (a) VALUES (1)"), 0);
    mysql_close(app);
    assert_int_equal(number_of("SHOW STATUS LIKE 'statements_read'", "value"), reads + 6);
    assert_int_equal(number_of("SHOW STATUS LIKE 'statements_write'", "value"), writes + 1);
    assert_true(number_of("SHOW SERVERS LIKE 'db2'", "queries") > 0);
}

static void a_session_and_what_holds_it_is_seen(void **state)
{
    (void)state;
    MYSQL *app = front_connect(&front);
    assert_int_equal(sql_run(app, "BEGIN; SELECT 1"), 0);
    wait_until("SHOW SESSIONS WHERE pinned_by = 'transaction'", "user", "app");
    assert_column("SHOW SESSIONS WHERE pinned_by = 'transaction'", "server", "db1");
    assert_column("SHOW SESSIONS WHERE pinned_by = 'transaction'", "db", "shop");
    assert_column("SHOW SESSIONS WHERE pinned_by = 'transaction'", "state", "idle");
    assert_column("SHOW PINS LIKE 'transaction'", "sessions", "1");
    char *digest = sql_column(console, "SHOW PINS LIKE 'transaction'", "digest");
    assert_int_equal(strlen(digest), 16);
    free(digest);
    long long idle = number_of("SHOW PINS LIKE 'transaction'", "idle_ms"); /* first: both grow */
    assert_true(idle >= 0 && number_of("SHOW PINS LIKE 'transaction'", "age_ms") >= idle);
    assert_column("SHOW POOL WHERE server = 'db1' AND user = 'app' AND state = 'held'", "count", "1");
    assert_column("SHOW STATUS LIKE 'pinned\\_transaction'", "value", "1");
    assert_int_equal(sql_run(app, "COMMIT"), 0);
    wait_until("SHOW STATUS LIKE 'pinned\\_transaction'", "value", "0");
    mysql_close(app);
    wait_until("SHOW STATUS LIKE 'sessions'", "value", "0");
}

static void explain_route_runs_nothing(void **state)
{
    (void)state;
    long marks[3];
    for (int i = 0; i < 3; i++)
        marks[i] = general_log_mark(&front.set->server[i]);
    assert_column("EXPLAIN ROUTE SELECT name FROM item WHERE id = 77001", "value", "replica");
    assert_column("EXPLAIN ROUTE DELETE FROM item WHERE id = 77001", "value", "primary");
    for (int i = 0; i < 3; i++)
        assert_int_equal(general_log_count(&front.set->server[i], marks[i], "77001"), 0);
}

static void clients_own_questions_are_answered(void **state)
{
    (void)state;
    assert_int_equal(mysql_ping(console), 0);
    assert_non_null(strstr(mysql_stat(console), "Sessions: "));
    assert_int_equal(mysql_select_db(console, "shop"), 0);
    assert_column("SELECT DATABASE() AS d", "d", "shop");
    assert_column("SELECT @@version_comment LIMIT 1", "@@version_comment", "Pointsman admin console");
    assert_int_equal(mysql_set_character_set(console, "utf8mb4"), 0);
    assert_int_equal(mysql_autocommit(console, 0), 0);
    assert_int_equal(mysql_commit(console), 0);
    MYSQL_STMT *prepared = mysql_stmt_init(console);
    assert_int_not_equal(mysql_stmt_prepare(prepared, "SHOW SERVERS", 12), 0);
    assert_int_equal(mysql_stmt_errno(prepared), 1295);
    mysql_stmt_close(prepared);
    assert_error(console, "SHOW SEVRERS", 1064, "did you mean SHOW SERVERS?");
}

/* ---- acting ---- */

static void a_server_is_drained_and_comes_back(void **state)
{
    (void)state;
    assert_int_equal(sql_run(console, "SET SERVER db2 DRAIN"), 0);
    wait_until("SHOW SERVERS LIKE 'db2'", "state", "draining");
    for (int i = 0; i < 4; i++)
        assert_column("EXPLAIN ROUTE SELECT 1", "value", "replica");
    char *body = NULL;
    assert_int_equal(http_get(front.proxy->http_port, "/metrics", &body), 200);
    assert_non_null(strstr(body, "pointsman_server_state{server=\"db2\",state=\"draining\"} 1\n"));
    free(body);
    assert_int_equal(sql_run(console, "SET SERVER db2 MAINTENANCE"), 0);
    wait_until("SHOW SERVERS LIKE 'db2'", "state", "maintenance");
    assert_int_equal(sql_run(console, "SET SERVER db2 ONLINE"), 0);
    wait_until("SHOW SERVERS LIKE 'db2'", "state", "online");
    assert_int_equal(sql_run(console, "SET SERVER db2 WEIGHT 3"), 0);
    wait_until("SHOW SERVERS LIKE 'db2'", "weight", "3");
    assert_int_equal(sql_run(console, "SET SERVER db2 WEIGHT 1"), 0);
    wait_until("SHOW SERVERS LIKE 'db2'", "weight", "1");
    assert_error(console, "SET SERVER db9 DRAIN", 1477, "there is no server 'db9', but db1, db2, db3");
    assert_true(log_has(front.proxy, "admin-command", "SET SERVER db2 DRAIN", "user=whoever host=127.0.0.1"));
    wait_until("SHOW EVENTS WHERE server = 'db2' AND step = 'maintenance'", "kind", "server");
}

static void reload_takes_effect_or_changes_nothing(void **state)
{
    (void)state;
    FILE *file = fopen(front.proxy->config, "ae");
    assert_non_null(file);
    fputs("\n[routing]\nmax_lag = 7s\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(sql_run(console, "RELOAD"), 0);
    wait_until("SHOW VARIABLES LIKE 'routing.max_lag'", "value", "7s");
    file = fopen(front.proxy->config, "ae");
    assert_non_null(file);
    fputs("max_lagg = 8s\n", file);
    assert_int_equal(fclose(file), 0);
    assert_error(console, "RELOAD", 1105, "max_lag");
    assert_column("SHOW VARIABLES LIKE 'routing.max_lag'", "value", "7s");
}

static void kill_ends_a_statement_or_a_session(void **state)
{
    (void)state;
    static const char running[] = "SHOW SESSIONS WHERE state = 'running' AND statement LIKE 'SELECT SLEEP%'";
    char statement[64];
    MYSQL *app = front_connect(&front);
    assert_int_equal(mysql_send_query(app, "SELECT SLEEP(30)", 16), 0);
    wait_until(running, "user", "app");
    long long id = number_of(running, "id");
    snprintf(statement, sizeof statement, "KILL QUERY %lld", id);
    assert_int_equal(sql_run(console, "%s", statement), 0);
    if (mysql_read_query_result(app) == 0) { /* SLEEP() that is interrupted returns 1 */
        MYSQL_RES *result = mysql_store_result(app);
        if (result) {
            assert_string_equal(mysql_fetch_row(result)[0], "1");
            mysql_free_result(result);
        }
    } else {
        assert_int_equal(mysql_errno(app), 1317);
    }
    assert_int_equal(sql_run(app, "SELECT 1"), 0);
    snprintf(statement, sizeof statement, "KILL %lld", id);
    assert_int_equal(sql_run(console, "%s", statement), 0);
    assert_int_not_equal(sql_run(app, "SELECT 1"), 0);
    mysql_close(app);
    wait_until("SHOW STATUS LIKE 'sessions'", "value", "0");
    assert_error(console, statement, 1094, "Unknown thread id");
}

/* ---- who may ---- */

static void assert_refused(const char *user, const char *password)
{
    MYSQL *connection = mysql_init(NULL);
    assert_null(mysql_real_connect(connection, "127.0.0.1", user, password, NULL,
                                   (unsigned)guarded->admin_port, NULL, 0));
    assert_int_equal(mysql_errno(connection), 1045);
    mysql_close(connection);
}

static void accounts_have_roles(void **state)
{
    (void)state;
    assert_refused("op", "wrong");
    assert_refused("op", "");
    assert_refused("nobody", "opsecret");
    assert_refused("blank", "x");
    MYSQL *op = open_console(guarded, "op", "opsecret");
    assert_int_equal(sql_run(op, "SET SERVER db1 WEIGHT 1"), 0);
    MYSQL *viewer = open_console(guarded, "viewer", "viewsecret");
    assert_int_equal(sql_run(viewer, "SHOW SERVERS"), 0);
    assert_error(viewer, "SET SERVER db1 WEIGHT 1", 1227, "needs an account of [admin]");
    assert_error(viewer, "RELOAD", 1227, "needs an account of [admin]");
    assert_true(log_has(guarded, "admin-login-refused", "user=nobody", "host=127.0.0.1"));
    char *secret = sql_column(viewer, "SHOW VARIABLES LIKE 'monitor.password'", "value");
    assert_string_equal(secret, "***");
    free(secret);
    mysql_close(op);
    mysql_close(viewer);
    mysql_close(open_console(guarded, "blank", ""));
}

static void another_plugin_is_asked_for_the_native_one(void **state)
{
    static const char other[] = "caching_sha2_password";
    uint8_t packet[512], payload[64];
    (void)state;
    struct raw *raw = raw_dial(guarded->admin_port, NULL);
    assert_true(raw_greeting(raw));
    size_t length = raw_login_packet(raw, "op", "opsecret", NULL, RAW_PLAIN, packet, sizeof packet);
    char *plugin = memmem(packet, length, "mysql_native_password", 21);
    assert_non_null(plugin);
    memcpy(plugin, other, sizeof other);
    raw_packet(raw, 1, packet, (size_t)((uint8_t *)plugin - packet) + sizeof other);
    assert_int_equal(raw_read(raw), RAW_GOT);
    assert_int_equal(raw->packet[0], 0xfe);
    assert_string_equal((const char *)raw->packet + 1, "mysql_native_password");
    memset(payload, 7, 20);
    raw_packet(raw, (uint8_t)(raw->sequence + 1), payload, 20);
    assert_int_equal(raw_read(raw), RAW_GOT);
    struct raw_err err;
    assert_true(raw_err(raw, &err));
    assert_int_equal(err.code, 1045);
    raw_close(raw);
}

/* ---- bad input ---- */

static void the_console_lives(void)
{
    MYSQL *fresh = open_console(front.proxy, "x", "");
    assert_int_equal(sql_run(fresh, "SHOW SERVERS"), 0);
    mysql_close(fresh);
}

static void garbage_before_login_closes_the_connection(void **state)
{
    static const struct {
        size_t length;
        uint8_t bytes[40];
    } cases[] = {
        {5, {1, 0, 0, 1, 0}},                                        /* a login of one byte */
        {5, {1, 0, 0, 7, 0}},                                        /* wrong sequence */
        {4, {0, 0, 0, 1}},                                           /* an empty packet */
        {4, {0xff, 0xff, 0xff, 1}},                                  /* 16 MB promised */
        {18, "GET / HTTP/1.0\r\n\r\n"},                              /* the wrong port */
        {9, {5, 0, 0, 0, 3, 'H', 'E', 'L', 'P'}},                    /* a command before login */
        {36, {32, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 45}}, /* all capabilities, nothing else */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raw *raw = raw_dial(front.proxy->admin_port, NULL);
        assert_true(raw_greeting(raw));
        raw_bytes(raw, cases[i].bytes, cases[i].length);
        if (i < 6 && cases[i].length < 9) /* the others may be waited for */
            while (raw_read(raw) == RAW_GOT)
                ;
        raw_close(raw);
        the_console_lives();
    }
}

static void random_bytes_do_no_harm(void **state)
{
    uint8_t bytes[2000];
    unsigned seed = 1;
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct raw *raw = raw_dial(front.proxy->admin_port, NULL);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)rand_r(&seed);
        if (round % 2) {
            assert_true(raw_login(raw, "x", "", NULL, RAW_PLAIN));
            bytes[1] = bytes[2] = 0; /* a packet that is whole */
            bytes[3] = 0;
            bytes[4] %= 32;
        }
        raw_bytes(raw, bytes, sizeof bytes);
        raw_close(raw);
    }
    the_console_lives();
}

static void odd_commands_get_the_protocols_errors(void **state)
{
    (void)state;
    struct raw *raw = raw_open(front.proxy->admin_port, "x", "", NULL, RAW_PLAIN | RAW_DEPRECATE_EOF);
    raw_command(raw, 99, "", 0);
    assert_int_equal(raw_error(raw, 3), 1047);
    raw_command(raw, 18, "abc", 3); /* COM_BINLOG_DUMP */
    assert_int_equal(raw_error(raw, 3), 1047);
    assert_int_equal(raw_run(raw, "SHOW \xff\xfe SERVERS \x01"), 1064);
    assert_int_equal(raw_run(raw, "SHOW SERVERS"), 0);
    assert_int_equal(raw_run(raw, ""), 1065);
    raw_packet(raw, 3, "\3SHOW SERVERS", 13);
    assert_int_equal(raw_error(raw, 3), 1156);
    assert_true(raw_ends(raw));
    raw_close(raw);
    static char large[70000] = "\3";
    raw = raw_open(front.proxy->admin_port, "x", "", NULL, RAW_PLAIN);
    raw_packet(raw, 0, large, sizeof large);
    int error = raw_error(raw, 3);
    assert_true(error == 1153 || error == -1); /* a reset may overtake the ERR */
    raw_close(raw);
}

/* Its statements are left lying, so that its own socket fills up, and no memory of the proxy. */
static void who_does_not_read_stops_nobody(void **state)
{
    enum { STATEMENTS = 4000, LONG = 4000 };
    static char statement[LONG + 1];
    struct process_usage before, after;
    bool writable = true;
    (void)state;
    memset(statement, ' ', LONG);
    memcpy(statement, "SHOW STATUS", 11);
    assert_true(process_usage(front.proxy->pid, &before));
    struct raw *raw = raw_open(front.proxy->admin_port, "x", "", NULL, RAW_PLAIN);
    struct pollfd socket = {.fd = raw->fd, .events = POLLOUT};
    for (int i = 0; i < STATEMENTS && writable; i++) {
        raw_query(raw, statement);
        writable = poll(&socket, 1, 500) == 1;
    }
    assert_false(writable);
    the_console_lives();
    assert_true(process_usage(front.proxy->pid, &after));
    assert_in_range(after.resident_kb, 0, before.resident_kb + 65536);
    raw_close(raw);
    the_console_lives();
}

static void more_clients_than_allowed_are_told(void **state)
{
    enum { MANY = 70 };
    struct raw *all[MANY];
    int refused = 0;
    struct raw_err err;
    (void)state;
    for (int i = 0; i < MANY; i++) {
        all[i] = raw_dial(front.proxy->admin_port, NULL);
        if (raw_read(all[i]) == RAW_GOT && raw_err(all[i], &err)) {
            assert_int_equal(err.code, 1040);
            refused++;
        }
    }
    assert_in_range(refused, MANY - 64, MANY - 60);
    for (int i = 0; i < MANY; i++)
        raw_close(all[i]);
    wait_until("SELECT 1 AS a", "a", "1");
    the_console_lives();
}

/* ---- HTTP ---- */

/* Sends it, reads the answer up to the connection's end or a pause of a second; its status, 0 for none. */
static int http_raw(const void *request, size_t length, char *answer, size_t size)
{
    struct raw *raw = raw_dial(front.proxy->http_port, NULL);
    struct pollfd readable = {.fd = raw->fd, .events = POLLIN};
    size_t used = 0;
    int status = 0;
    raw_bytes(raw, request, length);
    while (used < size - 1 && poll(&readable, 1, 1000) == 1) {
        ssize_t n = recv(raw->fd, answer + used, size - 1 - used, 0);
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    answer[used] = 0;
    raw_close(raw);
    return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

static int http_request(const char *request, char *answer, size_t size)
{
    return http_raw(request, strlen(request), answer, size);
}

static void pages_are_served(void **state)
{
    char *body = NULL;
    (void)state;
    assert_int_equal(http_get(front.proxy->http_port, "/", &body), 200);
    assert_non_null(strstr(body, "/metrics"));
    free(body);
    assert_int_equal(http_get(front.proxy->http_port, "/healthz", NULL), 200);
    assert_int_equal(http_get(front.proxy->http_port, "/readyz", NULL), 200);
    assert_int_equal(http_get(front.proxy->http_port, "/nothing", NULL), 404);
    assert_int_equal(http_get(front.proxy->http_port, "/metrics?name=x", &body), 200);
    assert_non_null(strstr(body, "\npointsman_server_role{server=\"db1\",role=\"primary\"} 1\n"));
    free(body);
    assert_int_equal(http_get(front.proxy->http_port, "/api/state", &body), 200);
    json_t *root = json_loads(body, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "primary")), "db1");
    assert_int_equal(json_array_size(json_object_get(root, "servers")), 3);
    json_decref(root);
    free(body);
}

static void only_get_and_head(void **state)
{
    char answer[65536];
    (void)state;
    assert_int_equal(
        http_request("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer, sizeof answer),
        200);
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    assert_int_equal(http_request("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", answer,
                                  sizeof answer),
                     405);
    assert_non_null(strstr(answer, "Allow: GET, HEAD"));
    assert_int_equal(http_request("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", answer, sizeof answer), 405);
    assert_int_equal(http_request("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                                  "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                                  answer, sizeof answer),
                     200);
    assert_non_null(strstr(strstr(answer, "ok\n") + 3, "ok\n")); /* the connection was kept */
}

static void bad_requests_do_no_harm(void **state)
{
    static char longest[40000], answer[65536];
    unsigned seed = 2;
    (void)state;
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "GET /", 5);
    http_raw(longest, sizeof longest, answer, sizeof answer);
    for (int round = 0; round < 100; round++) {
        struct raw *raw = raw_dial(front.proxy->http_port, NULL);
        for (int i = 0; i < 500; i++)
            longest[i] = (char)rand_r(&seed);
        raw_bytes(raw, longest, 500);
        raw_close(raw);
    }
    assert_int_equal(http_get(front.proxy->http_port, "/../../etc/passwd", NULL), 404);
    assert_int_equal(http_get(front.proxy->http_port, "/healthz", NULL), 200);
}

/* ---- the primary goes ---- */

static bool answers_503(void *arg)
{
    char **body = arg;
    free(*body);
    *body = NULL;
    return http_get(front.proxy->http_port, "/readyz", body) == 503;
}

static bool answers_200(void *arg)
{
    (void)arg;
    return http_get(front.proxy->http_port, "/readyz", NULL) == 200;
}

static void readiness_follows_the_primary(void **state)
{
    char *body = NULL;
    (void)state;
    assert_true(cluster_kill(front.set, 0));
    assert_true(wait_for(answers_503, &body, PATIENCE_MS));
    assert_non_null(strstr(body, "db1"));
    assert_column("SHOW STATUS LIKE 'primary'", "value", "");
    assert_column("EXPLAIN ROUTE DELETE FROM item", "value", "primary");
    assert_int_equal(http_get(front.proxy->http_port, "/healthz", NULL), 200);
    free(body);
    body = NULL;
    assert_int_equal(http_get(front.proxy->http_port, "/metrics", &body), 200);
    assert_non_null(strstr(body, "\npointsman_primary_writable 0\n"));
    free(body);
    assert_true(cluster_launch(front.set, 0));
    assert_true(wait_for(answers_200, NULL, 3 * PATIENCE_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_have_roles_and_typed_columns),
        cmocka_unit_test(statements_are_counted),
        cmocka_unit_test(a_session_and_what_holds_it_is_seen),
        cmocka_unit_test(explain_route_runs_nothing),
        cmocka_unit_test(clients_own_questions_are_answered),
        cmocka_unit_test(a_server_is_drained_and_comes_back),
        cmocka_unit_test(reload_takes_effect_or_changes_nothing),
        cmocka_unit_test(kill_ends_a_statement_or_a_session),
        cmocka_unit_test(accounts_have_roles),
        cmocka_unit_test(another_plugin_is_asked_for_the_native_one),
        cmocka_unit_test(garbage_before_login_closes_the_connection),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(odd_commands_get_the_protocols_errors),
        cmocka_unit_test(who_does_not_read_stops_nobody),
        cmocka_unit_test(more_clients_than_allowed_are_told),
        cmocka_unit_test(pages_are_served),
        cmocka_unit_test(only_get_and_head),
        cmocka_unit_test(bad_requests_do_no_harm),
        cmocka_unit_test(readiness_follows_the_primary),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
