/*
 * test_compression.c - clients that speak the compressed protocol, in clear and under TLS, and some that only
 * pretend.
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
#include <unistd.h>
#include <zlib.h>

enum { PATIENCE_MS = 10000, COMPRESS = 1u << 5, HEADER = 7 };

static struct cluster *set;
static struct pointsman *proxy;

static int start_all(void **state)
{
    static const char *const args[] = {"--max-allowed-packet=64M", NULL};
    const struct cluster_options options = {.no_general_log = true, .args = args};
    const struct pointsman_options quick = {.pointsman = "workers = 1\n", .more = "[failover]\nmode = off\n"};
    (void)state;
    set = cluster_start(&options);
    if (set && cluster_numbers(set, "shop", 1, 200000) &&
        cluster_sql(set, 0, "CREATE TABLE shop.item (id INT PRIMARY KEY, name LONGTEXT)") == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (proxy = pointsman_start(set, &quick)))
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

static MYSQL *app(bool tls)
{
    MYSQL *client = mysql_init(NULL);
    const my_bool yes = 1, no = 0;
    mysql_options(client, MYSQL_OPT_COMPRESS, NULL);
    mysql_options(client, MYSQL_OPT_SSL_ENFORCE, tls ? &yes : &no);
    mysql_options(client, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
    if (!mysql_real_connect(client, "127.0.0.1", cluster_app.user, cluster_app.password, "shop",
                            (unsigned)proxy->port, NULL, CLIENT_MULTI_STATEMENTS | CLIENT_LOCAL_FILES))
        fail_msg("%s", mysql_error(client));
    return client;
}

static void statements_of_any_size(bool tls)
{
    static const size_t lengths[] = {1, 49, 50, 51, 1000, 59000, 60000, 61000, 1000000, 17000000};
    MYSQL *client = app(tls);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t length = lengths[i];
        char *text = malloc(length + 100);
        assert_non_null(text);
        int end = sprintf(text, "REPLACE INTO item VALUES (%zu, '", i);
        for (size_t n = 0; n < length; n++)
            text[(size_t)end + n] = (char)('a' + rand() % 26);
        strcpy(text + (size_t)end + length, "')");
        if (mysql_real_query(client, text, (size_t)end + length + 2))
            fail_msg("%zu: %s", length, mysql_error(client));
        char *is = sql_value(client, "SELECT name FROM item WHERE id = %zu", i);
        if (!is || strlen(is) != length || memcmp(is, text + end, length) != 0)
            fail_msg("%zu: other bytes came back (%s)", length, mysql_error(client));
        free(is);
        free(text);
    }
    assert_int_equal(sql_number(client, "SELECT 1; SELECT 2; SELECT 3"), 3);
    assert_int_equal(mysql_change_user(client, cluster_report.user, cluster_report.password, "shop"), 0);
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 10);
    assert_int_equal(mysql_reset_connection(client), 0);
    assert_int_equal(sql_number(client, "SELECT 7"), 7);
    mysql_close(client);
}

static void a_file_is_loaded(bool tls)
{
    enum { LINES = 400000 };
    char path[] = "/tmp/pointsman-compression-XXXXXX";
    const unsigned int yes = 1;
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    assert_non_null(file);
    for (int i = 0; i < LINES; i++)
        fprintf(file, "%d\tline %d\n", 1000 + i, i);
    fclose(file);
    MYSQL *client = app(tls);
    mysql_options(client, MYSQL_OPT_LOCAL_INFILE, &yes);
    unsigned error = sql_run(client, "LOAD DATA LOCAL INFILE '%s' INTO TABLE item", path);
    unlink(path);
    assert_int_equal(error, 0);
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item WHERE name = CONCAT('line ', id - 1000)"),
                     LINES);
    assert_int_equal(sql_run(client, "TRUNCATE item"), 0);
    mysql_close(client);
}

static void in_clear(void **state)
{
    (void)state;
    statements_of_any_size(false);
    a_file_is_loaded(false);
}

static void under_tls(void **state)
{
    (void)state;
    statements_of_any_size(true);
    a_file_is_loaded(true);
}

static void many_rows(void **state)
{
    enum { ROWS = 200000 };
    int rows = 0;
    (void)state;
    MYSQL *client = app(false);
    assert_int_equal(mysql_query(client, "SELECT seq, REPEAT('row ', seq % 50) FROM seq_1_to_200000"), 0);
    MYSQL_RES *result = mysql_use_result(client);
    assert_non_null(result);
    for (MYSQL_ROW row; (row = mysql_fetch_row(result));)
        assert_int_equal(atoi(row[0]), ++rows);
    assert_int_equal(rows, ROWS);
    mysql_free_result(result);
    mysql_close(client);
}

/* --- pretending --- */

static void put_header(uint8_t *at, size_t packed, size_t plain)
{
    memcpy(at,
           (uint8_t[]){(uint8_t)packed, (uint8_t)(packed >> 8), (uint8_t)(packed >> 16), 0, (uint8_t)plain,
                       (uint8_t)(plain >> 8), (uint8_t)(plain >> 16)},
           HEADER);
}

static void assert_is_closed_after(const uint8_t *bytes, size_t length)
{
    struct raw *raw = raw_open(proxy->port, cluster_app.user, cluster_app.password, "shop",
                               RAW_PLAIN | COMPRESS);
    assert_true(raw->capabilities & COMPRESS);
    raw_bytes(raw, bytes, length);
    assert_true(raw_ends(raw));
    raw_close(raw);
}

static void what_is_no_packet_closes_the_connection(void **state)
{
    enum { PLAIN = 16000000 };
    uint8_t *zeros = calloc(1, PLAIN), *bomb = malloc(compressBound(PLAIN) + HEADER);
    uLongf packed = compressBound(PLAIN);
    struct process_usage before, after;
    (void)state;
    assert_true(zeros && bomb);
    assert_int_equal(compress(bomb + HEADER, &packed, zeros, PLAIN), Z_OK);
    put_header(bomb, packed, 1000); /* 16 MB out of 16 KB that promise 1000 bytes */
    assert_is_closed_after(bomb, HEADER + packed);
    put_header(bomb, 100, 1000);
    memset(bomb + HEADER, 'x', 100);
    assert_is_closed_after(bomb, HEADER + 100);
    put_header(bomb, 0, 0);
    assert_is_closed_after(bomb, HEADER);
    /* A true one is a statement of 16 MB of zeros, of which as much is in memory as of any other. */
    assert_true(process_usage(proxy->pid, &before));
    memcpy(zeros, (uint8_t[]){(PLAIN - 4) & 0xff, (PLAIN - 4) >> 8 & 0xff, (PLAIN - 4) >> 16, 0, 3}, 5);
    packed = compressBound(PLAIN);
    assert_int_equal(compress(bomb + HEADER, &packed, zeros, PLAIN), Z_OK);
    put_header(bomb, packed, PLAIN);
    struct raw *many[20];
    for (int i = 0; i < 20; i++) {
        many[i] = raw_open(proxy->port, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN | COMPRESS);
        raw_bytes(many[i], bomb, HEADER + packed);
    }
    for (int i = 0; i < 20; i++) {
        raw_read(many[i]); /* whatever the server says of it */
        raw_close(many[i]);
    }
    assert_true(process_usage(proxy->pid, &after));
    if (after.peak_kb > before.peak_kb + 40000)
        fail_msg("it grew from %ld KB to %ld KB", before.peak_kb, after.peak_kb);
    MYSQL *client = app(false);
    assert_int_equal(sql_number(client, "SELECT 7"), 7);
    mysql_close(client);
    free(zeros);
    free(bomb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_clear),
        cmocka_unit_test(under_tls),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(what_is_no_packet_closes_the_connection),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
