/*
 * test_relay.c - what goes through: large, small, many, slow, broken off.
 *
 *   one set of two (packets of up to 256 MB allowed), one proxy for most tests;
 *   `narrow` is a second proxy with one worker and one connection a server: who keeps that one stops
 * everybody
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "../cluster/rawclient.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pointsman/protocol/wire.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MEMORY_SLACK = 16 }; /* sanitizers keep what was freed */
#else
enum { MEMORY_SLACK = 1 };
#endif
enum { PATIENCE_MS = 10000, MB = 1024 * 1024 };

static struct cluster *set;
static struct pointsman *proxy, *narrow;

static bool make_numbers(void)
{
    static const int ends[] = {3, 10, 20, 100, 1050};
    bool made = true;
    for (size_t i = 0; made && i < sizeof ends / sizeof ends[0]; i++)
        made = cluster_numbers(set, "shop", 1, ends[i]);
    return made;
}

static int start_all(void **state)
{
    static const char *const args[] = {"--max-allowed-packet=256M", "--local-infile=1", NULL};
    const struct cluster_options options = {.servers = 2, .no_general_log = true, .args = args};
    const struct pointsman_options usual = {.pointsman = "workers = 2\n"};
    const struct pointsman_options thin = {.pointsman = "workers = 1\n",
                                           .more = "[pool]\nmax_per_server = 1\n"};
    (void)state;
    set = cluster_start(&options);
    if (set && make_numbers() &&
        cluster_sql(set, 0,
                    "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40));"
                    "INSERT INTO shop.item SELECT seq, CONCAT('item ', seq) FROM shop.seq_1_to_100;"
                    "CREATE TABLE shop.large (id INT PRIMARY KEY, body LONGBLOB);"
                    "CREATE TABLE shop.loaded (id INT, text VARCHAR(200)) ENGINE = MyISAM") == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (proxy = pointsman_start(set, &usual)) &&
        (narrow = pointsman_start(set, &thin)))
        return 0;
    pointsman_stop(proxy);
    cluster_stop(set);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(proxy) | pointsman_stop(narrow);
    cluster_stop(set);
    return status;
}

static MYSQL *connect_to(struct pointsman *to)
{
    MYSQL *client = mysql_init(NULL);
    unsigned long largest = 512ul * MB;
    const unsigned timeout_s = 20, on = 1;
    mysql_options(client, MYSQL_OPT_MAX_ALLOWED_PACKET, &largest);
    mysql_options(client, MYSQL_OPT_LOCAL_INFILE, &on);
    mysql_options(client, MYSQL_OPT_READ_TIMEOUT, &timeout_s);
    mysql_options(client, MYSQL_OPT_WRITE_TIMEOUT, &timeout_s);
    if (!mysql_real_connect(client, "127.0.0.1", cluster_app.user, cluster_app.password, "shop",
                            (unsigned)to->port, NULL, CLIENT_MULTI_STATEMENTS))
        fail_msg("login: %s", mysql_error(client));
    return client;
}

static struct raw *open_raw(struct pointsman *to, const char *schema, uint32_t capabilities)
{
    return raw_open(to->port, cluster_app.user, cluster_app.password, schema, capabilities);
}

static long resident_kb(struct pointsman *of)
{
    struct process_usage usage;
    assert_true(process_usage(of->pid, &usage));
    return usage.resident_kb;
}

/* A session that shows that a proxy serves. */
static void assert_serves(struct pointsman *it)
{
    MYSQL *client = connect_to(it);
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100);
    assert_int_equal(sql_run(client, "UPDATE item SET name = name WHERE id = 1"), 0);
    mysql_close(client);
}

/* --- memory --- */

/* Hops over packets; the caller looks at how many began and at the first byte and the length of the last. */
struct hopper {
    uint8_t header[RAW_HEADER + 1];
    size_t have;
    uint32_t left;
    int packets;
};

static void hop(struct hopper *hopper, const uint8_t *data, size_t length)
{
    for (size_t at = 0; at < length;) {
        if (hopper->have <= RAW_HEADER) {
            hopper->header[hopper->have++] = data[at++];
            if (hopper->have > RAW_HEADER) {
                hopper->left = packet_length(hopper->header) - 1;
                hopper->packets++;
            }
        } else {
            size_t n = length - at < hopper->left ? length - at : hopper->left;
            at += n;
            hopper->left -= (uint32_t)n;
        }
        if (hopper->have > RAW_HEADER && hopper->left == 0)
            hopper->have = 0;
    }
}

static bool at_eof(const struct hopper *hopper)
{
    return hopper->packets > 3 && hopper->have == 0 && hopper->header[RAW_HEADER] == 0xfe &&
           packet_length(hopper->header) < 9;
}

/* A socket that takes little at once. */
static struct raw *slow_client(struct pointsman *to)
{
    struct raw *client = open_raw(to, "shop", RAW_PLAIN);
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &(int){256 * 1024}, sizeof(int)), 0);
    return client;
}

/* Reads up to an EOF or `limit` bytes, `piece` at once and with a pause after each; returns the bytes. */
static size_t read_paced(struct raw *client, struct hopper *hopper, size_t piece, int pause_ms, size_t limit)
{
    static uint8_t buffer[512 * 1024];
    size_t total = 0;
    while (!at_eof(hopper) && total < limit) {
        ssize_t n = recv(client->fd, buffer, piece, 0);
        if (n <= 0)
            fail_msg("the result ended after %zu bytes", total);
        hop(hopper, buffer, (size_t)n);
        total += (size_t)n;
        if (pause_ms)
            poll(NULL, 0, pause_ms);
    }
    return total;
}

static void a_gigabyte_through_a_slow_client_leaves_memory_flat(void **state)
{
    struct hopper hopper = {.packets = 0};
    (void)state;
    assert_serves(proxy);
    struct raw *client = slow_client(proxy);
    long before = resident_kb(proxy), highest = before;
    raw_query(client, "SELECT REPEAT('x', 1000000) FROM seq_1_to_1050");
    for (int i = 0; i < 20; i++) {
        read_paced(client, &hopper, 65536, 1, MB);
        highest = resident_kb(proxy) > highest ? resident_kb(proxy) : highest;
    }
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &(int){4 * MB}, sizeof(int)), 0);
    while (!at_eof(&hopper)) {
        read_paced(client, &hopper, 512 * 1024, 0, 64 * MB);
        highest = resident_kb(proxy) > highest ? resident_kb(proxy) : highest;
    }
    assert_int_equal(hopper.packets, 1050 + 4); /* count, definition, EOF, rows, EOF */
    if (highest - before > 2048 * MEMORY_SLACK)
        fail_msg("the proxy grew by %ld KB", highest - before);
    raw_close(client);
}

static void a_reader_that_stops_keeps_only_its_own_connection(void **state)
{
    struct hopper hopper = {.packets = 0};
    (void)state;
    MYSQL *other = connect_to(narrow);
    struct raw *client = slow_client(narrow);
    raw_query(client, "SELECT REPEAT('y', 1000000) FROM seq_1_to_10");
    read_paced(client, &hopper, 100, 0, 100);
    /* The primary's connection is another. */
    assert_int_equal(sql_run(other, "UPDATE item SET name = name WHERE id = 1"), 0);
    read_paced(client, &hopper, 16384, 0, SIZE_MAX);
    assert_int_equal(hopper.packets, 10 + 4);
    /* The one connection to the replica was given back: it is read again. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(sql_number(other, "SELECT COUNT(*) FROM item"), 100);
    mysql_close(other);
    raw_close(client);
}

/* Its answer's end waits in the proxy when the connection is given back. */
static void a_connection_is_read_on_whoever_was_slow_before(void **state)
{
    (void)state;
    MYSQL *other = connect_to(narrow);
    for (int size = 1; size <= 4; size++) {
        char text[100];
        struct hopper hopper = {.packets = 0};
        struct raw *client = slow_client(narrow);
        snprintf(text, sizeof text, "SELECT REPEAT('z', %d) FROM seq_1_to_3", size * 1000000);
        raw_query(client, text);
        read_paced(client, &hopper, 1000, 0, 1000);
        /* What doesn't fit into the sockets lies with the proxy or the server; then all is read at once. */
        read_paced(client, &hopper, 512 * 1024, 0, SIZE_MAX);
        assert_int_equal(hopper.packets, 3 + 4);
        assert_int_equal(sql_number(other, "SELECT COUNT(*) FROM item"), 100);
        raw_close(client);
    }
    mysql_close(other);
}

static void idle_clients_hold_no_buffers(void **state)
{
    enum { CLIENTS = 1000 };
    static struct raw *clients[CLIENTS];
    (void)state;
    assert_serves(proxy);
    long before = resident_kb(proxy);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = open_raw(proxy, i % 2 ? "shop" : NULL, RAW_PLAIN);
        assert_int_equal(raw_run(clients[i], "SELECT id, name FROM shop.item"), 0);
    }
    long each = (resident_kb(proxy) - before) * 1024 / CLIENTS;
    if (each > 3000 * MEMORY_SLACK)
        fail_msg("an idle client takes %ld bytes", each);
    for (int i = 0; i < CLIENTS; i++)
        raw_close(clients[i]);
}

/* --- many --- */

static void *converse(void *arg)
{
    intptr_t number = (intptr_t)arg, wrong = 0;
    MYSQL *client = connect_to(proxy);
    for (int i = 0; i < 60; i++) {
        long long expected = number * 1000 + i;
        if (sql_number(client, "SELECT %lld FROM item WHERE id = %d", expected, 1 + i) != expected)
            wrong++;
        if (i % 10 == 0 && sql_run(client, "REPLACE INTO item VALUES (%lld, 'of many')", 1000 + expected))
            wrong++;
    }
    if (sql_run(client, "DELETE FROM item WHERE id >= %ld AND id < %ld", (long)number * 1000 + 1000,
                (long)number * 1000 + 2000))
        wrong++;
    mysql_close(client);
    return (void *)wrong;
}

static void many_clients_at_once_get_their_own_answers(void **state)
{
    enum { CLIENTS = 64 };
    pthread_t threads[CLIENTS];
    (void)state;
    for (intptr_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, converse, (void *)i), 0);
    for (int i = 0; i < CLIENTS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_int_equal((intptr_t)wrong, 0);
    }
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
}

/* --- large packets --- */

static char *letters(size_t length)
{
    char *text = malloc(length + 1);
    assert_non_null(text);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + (i * 7 + i / 251) % 26);
    text[length] = 0;
    return text;
}

/* The whole COM_QUERY is `length` bytes long, its command byte included. */
static void insert_of_length(MYSQL *client, int id, size_t length)
{
    char *text = malloc(length + 1), *body;
    int begin = sprintf(text, "REPLACE INTO large VALUES (%d, '", id);
    size_t n = length - 1 - (size_t)begin - 2;
    body = letters(n);
    memcpy(text + begin, body, n);
    memcpy(text + begin + n, "')", 3);
    if (mysql_real_query(client, text, (unsigned long)length - 1) != 0)
        fail_msg("%zu bytes: %s", length, mysql_error(client));
    if (mysql_query(client, "BEGIN") != 0)
        fail_msg("after %zu bytes: %s", length, mysql_error(client));
    sprintf(text, "SELECT body FROM large WHERE id = %d", id);
    if (mysql_query(client, text) != 0)
        fail_msg("SELECT of %zu bytes: %s", n, mysql_error(client));
    MYSQL_RES *result = mysql_use_result(client);
    MYSQL_ROW row = mysql_fetch_row(result);
    if (!row)
        fail_msg("row of %zu bytes: %s", n, mysql_error(client));
    assert_int_equal(mysql_fetch_lengths(result)[0], n);
    assert_memory_equal(row[0], body, n);
    assert_null(mysql_fetch_row(result));
    mysql_free_result(result);
    assert_int_equal(mysql_query(client, "COMMIT"), 0);
    free(text);
    free(body);
}

static void packets_around_16_mb_and_above_go_both_ways(void **state)
{
    static const size_t lengths[] = {
        RAW_PACKET_MAX - 1, RAW_PACKET_MAX, RAW_PACKET_MAX + 1, 17 * MB, 40 * MB, 2 * (size_t)RAW_PACKET_MAX};
    (void)state;
    MYSQL *client = connect_to(proxy);
    long before = resident_kb(proxy);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        insert_of_length(client, (int)i, lengths[i]);
    if (resident_kb(proxy) - before > 2048 * MEMORY_SLACK)
        fail_msg("the proxy grew by %ld KB", resident_kb(proxy) - before);
    assert_int_equal(sql_run(client, "DELETE FROM large"), 0);
    mysql_close(client);
}

static void statements_around_the_buffers_size(void **state)
{
    static const size_t sizes[] = {4000,  4032,  65440, 65460, 65464, 65466, 65467,  65468,
                                   65469, 65470, 65472, 65473, 65536, 70000, 131072, 1000000};
    (void)state;
    MYSQL *client = connect_to(proxy);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *text = letters(sizes[i]);
        int n = sprintf(text, "SELECT LENGTH('");
        text[n] = 'x';
        memcpy(text + sizes[i] - 2, "')", 2);
        if (mysql_real_query(client, text, sizes[i]) != 0)
            fail_msg("%zu bytes: %s", sizes[i], mysql_error(client));
        MYSQL_RES *result = mysql_store_result(client);
        assert_non_null(result);
        assert_int_equal(atoll(mysql_fetch_row(result)[0]), sizes[i] - 2 - (size_t)n);
        mysql_free_result(result);
        free(text);
    }
    mysql_close(client);
}

static void a_packet_larger_than_the_server_allows_is_its_error(void **state)
{
    (void)state;
    MYSQL *client = connect_to(proxy);
    assert_int_equal(cluster_sql(set, 0, "SET GLOBAL max_allowed_packet = 1048576"), 0);
    MYSQL *later = connect_to(narrow); /* its connection to the primary may be older */
    assert_int_equal(sql_run(later, "DO 1"), 0);
    char *text = letters(3 * MB);
    memcpy(text, "SET @a = '", 10);
    memcpy(text + 3 * MB - 1, "'", 1);
    unsigned error = mysql_real_query(client, text, 3 * MB) ? mysql_errno(client) : 0;
    assert_true(error == 0 || error == 1153 || error == 2006 || error == 2013);
    free(text);
    assert_int_equal(cluster_sql(set, 0, "SET GLOBAL max_allowed_packet = 268435456"), 0);
    mysql_close(later);
    mysql_close(client);
    assert_serves(proxy);
}

/* --- several results --- */

static void multi_statements_and_their_results(void **state)
{
    (void)state;
    MYSQL *client = connect_to(proxy);
    assert_int_equal(mysql_query(client, "SELECT 1; UPDATE item SET name = 'new' WHERE id = 3;"
                                         "SELECT name FROM item WHERE id = 3; DO 0; SELECT 5, 6"),
                     0);
    static const char *const expected[] = {"1", NULL, "new", NULL, "5"};
    for (int i = 0; i < 5; i++) {
        MYSQL_RES *result = mysql_store_result(client);
        assert_int_equal(result != NULL, expected[i] != NULL);
        if (result)
            assert_string_equal(mysql_fetch_row(result)[0], expected[i]);
        mysql_free_result(result);
        assert_int_equal(mysql_next_result(client), i < 4 ? 0 : -1);
    }
    assert_int_equal(sql_run(client, "SELECT 1; SELECT nonsense; SELECT 2"), 1054);
    assert_int_equal(sql_number(client, "SELECT 7"), 7);
    mysql_close(client);
}

static void call_gives_all_its_result_sets(void **state)
{
    (void)state;
    MYSQL *client = connect_to(proxy);
    assert_int_equal(sql_run(client, "CREATE PROCEDURE three() BEGIN SELECT 1; SELECT 2 UNION SELECT 3;"
                                     " UPDATE item SET name = name; SELECT id FROM item WHERE id < 0; END"),
                     0);
    for (int round = 0; round < 3; round++) {
        int rows[] = {1, 2, 0}, sets = 0;
        assert_int_equal(mysql_query(client, "CALL three()"), 0);
        do {
            MYSQL_RES *result = mysql_store_result(client);
            if (result)
                assert_int_equal(mysql_num_rows(result), rows[sets++]);
            mysql_free_result(result);
        } while (mysql_next_result(client) == 0);
        assert_int_equal(sets, 3);
        assert_int_equal(mysql_errno(client), 0);
    }
    assert_int_equal(sql_run(client, "DROP PROCEDURE three"), 0);
    mysql_close(client);
}

/* --- LOAD DATA LOCAL INFILE --- */

/* A file of lines in memory; its name under /proc is good for the life of the descriptor. */
static int make_file(int lines, char *ret_name, size_t size)
{
    int fd = memfd_create("rows", MFD_CLOEXEC);
    assert_true(fd >= 0);
    FILE *file = fdopen(dup(fd), "w");
    for (int i = 0; i < lines; i++)
        fprintf(file, "%d,%.180s\n", i,
                "lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eirmod tempor "
                "invidunt ut labore et dolore magna aliquyam erat, sed diam voluptua. At vero eos et "
                "accusam et justo duo dolores");
    fclose(file);
    snprintf(ret_name, size, "/proc/self/fd/%d", fd);
    return fd;
}

static void load_lines(int lines)
{
    char name[64];
    MYSQL *client = connect_to(proxy);
    int fd = make_file(lines, name, sizeof name);
    assert_int_equal(sql_run(client, "TRUNCATE loaded"), 0);
    char text[200];
    snprintf(text, sizeof text, "LOAD DATA LOCAL INFILE '%s' INTO TABLE loaded FIELDS TERMINATED BY ','",
             name);
    if (mysql_query(client, text) != 0)
        fail_msg("%d lines: %s", lines, mysql_error(client));
    assert_int_equal(mysql_affected_rows(client), lines);
    if (sql_number(client, "SELECT /* pointsman: primary */ COUNT(*) FROM loaded") != lines)
        fail_msg("%d lines: %s", lines, mysql_error(client));
    close(fd);
    mysql_close(client);
}

static void files_of_any_size_are_loaded(void **state)
{
    (void)state;
    load_lines(0);
    load_lines(3);
    load_lines(1000);   /* over 64 KB */
    load_lines(100000); /* over 16 MB */
}

static void a_file_that_the_server_refuses(void **state)
{
    char name[64];
    (void)state;
    MYSQL *client = connect_to(proxy);
    int fd = make_file(1000, name, sizeof name);
    assert_int_equal(sql_run(client, "LOAD DATA LOCAL INFILE '%s' INTO TABLE nowhere", name), 1146);
    assert_int_equal(sql_run(client, "CREATE TABLE narrow (id INT PRIMARY KEY) ENGINE = InnoDB"), 0);
    assert_int_equal(sql_run(client, "SET sql_mode = 'STRICT_ALL_TABLES'"), 0);
    assert_int_equal(sql_run(client, "LOAD DATA LOCAL INFILE '/nowhere/at/all' INTO TABLE narrow") != 0, 1);
    assert_int_equal(sql_number(client, "SELECT 3"), 3);
    assert_int_equal(sql_run(client, "DROP TABLE narrow"), 0);
    assert_int_equal(cluster_sql(set, 0, "SET GLOBAL local_infile = 0"), 0);
    assert_int_not_equal(sql_run(client, "LOAD DATA LOCAL INFILE '%s' INTO TABLE loaded", name), 0);
    assert_int_equal(cluster_sql(set, 0, "SET GLOBAL local_infile = 1"), 0);
    assert_int_equal(sql_number(client, "SELECT 4"), 4);
    close(fd);
    mysql_close(client);
}

static void a_file_sent_in_packets_of_the_largest_size(void **state)
{
    (void)state;
    struct raw *client = open_raw(proxy, "shop", RAW_PLAIN | RAW_LOCAL_FILES);
    uint8_t *part = malloc(RAW_PACKET_MAX), *answer = NULL;
    size_t length = 0;
    for (size_t i = 0; i < RAW_PACKET_MAX; i++)
        part[i] = i % 100 == 99 ? '\n' : '5';
    part[RAW_PACKET_MAX - 1] = '\n';
    assert_int_equal(raw_run(client, "TRUNCATE loaded"), 0);
    raw_query(client, "LOAD DATA LOCAL INFILE 'x' INTO TABLE loaded (text)");
    assert_int_equal(raw_answer(client, COM_QUERY, &answer, &length), RAW_GOT);
    assert_int_equal(answer[RAW_HEADER], 0xfb);
    raw_packet(client, 2, part, RAW_PACKET_MAX);
    raw_packet(client, 3, NULL, 0); /* ends the packet before, not the file */
    raw_packet(client, 4, "last line\n", 10);
    raw_packet(client, 5, NULL, 0);
    assert_int_equal(raw_error(client, COM_QUERY), 0);
    assert_int_equal(raw_run(client, "DELETE FROM loaded WHERE text <> 'last line'"), 0);
    free(answer);
    free(part);
    MYSQL *other = connect_to(proxy);
    assert_int_equal(sql_number(other, "SELECT /* pointsman: primary */ COUNT(*) FROM loaded"), 1);
    mysql_close(other);
    raw_close(client);
}

/* --- pipelines --- */

static size_t put_query(uint8_t *out, const char *text)
{
    size_t n = strlen(text) + 1;
    out[0] = (uint8_t)n;
    out[1] = (uint8_t)(n >> 8);
    out[2] = (uint8_t)(n >> 16);
    out[3] = 0;
    out[4] = COM_QUERY;
    memcpy(out + 5, text, n - 1);
    return 4 + n;
}

static void pipelined_commands_are_answered_in_order(void **state)
{
    enum { COMMANDS = 3000 };
    (void)state;
    struct raw *client = open_raw(proxy, "shop", RAW_PLAIN);
    uint8_t *all = malloc(COMMANDS * 100);
    size_t length = 0;
    for (int i = 0; i < COMMANDS; i++) {
        char text[80];
        snprintf(text, sizeof text, i % 3 ? "SELECT %d" : "UPDATE item SET name = '%d' WHERE id = 9", i);
        length += put_query(all + length, text);
    }
    raw_bytes(client, all, length);
    for (int i = 0; i < COMMANDS; i++) {
        uint8_t *answer = NULL;
        size_t n = 0;
        char text[16];
        int digits = snprintf(text, sizeof text, "%d", i);
        assert_int_equal(raw_answer(client, COM_QUERY, &answer, &n), RAW_GOT);
        if (i % 3)
            assert_non_null(memmem(answer, n, text, (size_t)digits));
        else
            assert_int_equal(answer[RAW_HEADER], 0);
        free(answer);
    }
    free(all);
    raw_close(client);
}

/* A statement that is streamed, and `count` short ones in the same write. */
static void send_behind(size_t large, int count)
{
    struct raw *client = open_raw(proxy, "shop", RAW_PLAIN);
    uint8_t *all = malloc(large + 100 + (size_t)count * 32);
    char *text = letters(large);
    memcpy(text, "SELECT LENGTH('", 15);
    memcpy(text + large - 2, "')", 2);
    size_t length = put_query(all, text);
    for (int i = 0; i < count; i++)
        length += put_query(all + length, "SELECT 12345");
    raw_bytes(client, all, length);
    for (int i = 0; i <= count; i++)
        if (raw_error(client, COM_QUERY) != 0)
            fail_msg("no answer to command %d behind one of %zu bytes", i, large);
    free(text);
    free(all);
    raw_close(client);
}

static void commands_behind_a_large_one_wait_for_it(void **state)
{
    (void)state;
    for (size_t large = 66000; large < 260000; large += 64000)
        send_behind(large, 5000);
}

/* --- ways in --- */

static void the_unix_socket_serves_as_well(void **state)
{
    (void)state;
    MYSQL *client = sql_connect(proxy->socket, 0, &cluster_app, "shop", 0);
    assert_non_null(client);
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100);
    mysql_close(client);
}

/* --- ends --- */

static bool row_is_free(void *arg)
{
    return sql_run(arg, "SELECT id FROM item WHERE id = 50 FOR UPDATE NOWAIT") == 0;
}

static void a_client_that_goes_rolls_back(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct raw *client = open_raw(proxy, "shop", RAW_PLAIN);
        assert_int_equal(raw_run(client, "BEGIN"), 0);
        assert_int_equal(raw_run(client, "UPDATE item SET name = 'gone' WHERE id = 50"), 0);
        if (how == 1) { /* in the middle of a result */
            raw_query(client, "SELECT REPEAT('x', 100000) FROM seq_1_to_100 WHERE 1");
            assert_int_equal(raw_read(client), RAW_GOT);
        } else if (how == 2) { /* without a word: RST */
            struct linger at_once = {.l_onoff = 1, .l_linger = 0};
            setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        raw_close(client);
        MYSQL *other = connect_to(proxy);
        assert_true(wait_for(row_is_free, other, PATIENCE_MS));
        assert_int_equal(sql_number(other, "SELECT /* pointsman: primary */ name = 'item 50' FROM item"
                                           " WHERE id = 50"),
                         1);
        mysql_close(other);
    }
}

static void a_client_that_goes_in_mid_result_blocks_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct raw *client = slow_client(narrow);
        raw_query(client, i % 2 ? "SELECT REPEAT('x', 1000000) FROM seq_1_to_20"
                                : "SELECT REPEAT('x', 1000000) FROM seq_1_to_20 FOR UPDATE");
        assert_int_equal(recv(client->fd, &(char){0}, 1, 0), 1);
        raw_close(client);
        assert_serves(narrow);
    }
}

static void a_client_that_goes_in_mid_request_blocks_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct raw *client = open_raw(narrow, "shop", RAW_PLAIN | RAW_LOCAL_FILES);
        static const uint8_t begun[] = {0, 0, 0x10, 0, COM_QUERY, 'D', 'O', ' ', '1'};
        char *much = letters(200000);
        if (i < 2) {
            raw_bytes(client, begun, sizeof begun);
            if (i == 1)
                raw_bytes(client, much, 200000);
        } else {
            raw_query(client, "LOAD DATA LOCAL INFILE 'x' INTO TABLE loaded");
            assert_int_equal(raw_read(client), RAW_GOT);
            if (i == 3)
                raw_packet(client, 2, much, 200000);
        }
        free(much);
        raw_close(client);
        assert_serves(narrow);
    }
}

static void a_client_that_half_closes_gets_its_answers(void **state)
{
    (void)state;
    struct raw *client = open_raw(proxy, "shop", RAW_PLAIN);
    uint8_t both[200];
    size_t length = put_query(both, "SELECT SLEEP(0.2), 'first'");
    length += put_query(both + length, "SELECT 'second'");
    raw_bytes(client, both, length);
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    assert_int_equal(raw_error(client, COM_QUERY), 0);
    assert_int_equal(raw_error(client, COM_QUERY), 0);
    assert_true(raw_ends(client));
    raw_close(client);
}

static void quit_closes(void **state)
{
    (void)state;
    struct raw *client = open_raw(proxy, "shop", RAW_PLAIN);
    raw_command(client, COM_QUIT, NULL, 0);
    assert_true(raw_ends(client));
    raw_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_clients_hold_no_buffers),
        cmocka_unit_test(a_gigabyte_through_a_slow_client_leaves_memory_flat),
        cmocka_unit_test(a_reader_that_stops_keeps_only_its_own_connection),
        cmocka_unit_test(a_connection_is_read_on_whoever_was_slow_before),
        cmocka_unit_test(many_clients_at_once_get_their_own_answers),
        cmocka_unit_test(packets_around_16_mb_and_above_go_both_ways),
        cmocka_unit_test(statements_around_the_buffers_size),
        cmocka_unit_test(a_packet_larger_than_the_server_allows_is_its_error),
        cmocka_unit_test(multi_statements_and_their_results),
        cmocka_unit_test(call_gives_all_its_result_sets),
        cmocka_unit_test(files_of_any_size_are_loaded),
        cmocka_unit_test(a_file_that_the_server_refuses),
        cmocka_unit_test(a_file_sent_in_packets_of_the_largest_size),
        cmocka_unit_test(pipelined_commands_are_answered_in_order),
        cmocka_unit_test(commands_behind_a_large_one_wait_for_it),
        cmocka_unit_test(the_unix_socket_serves_as_well),
        cmocka_unit_test(a_client_that_goes_rolls_back),
        cmocka_unit_test(a_client_that_goes_in_mid_result_blocks_nobody),
        cmocka_unit_test(a_client_that_goes_in_mid_request_blocks_nobody),
        cmocka_unit_test(a_client_that_half_closes_gets_its_answers),
        cmocka_unit_test(quit_closes),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
