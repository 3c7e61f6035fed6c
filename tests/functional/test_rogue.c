/*
 * test_rogue.c - peers that don't keep to the protocol: a server that answers nonsense, clients that send it.
 *
 *   set       a primary and two replicas; `impostor` stands in front of db2, `false_primary` in front of db1
 *   reader    a proxy that has the impostor for db2: its reads end there, at db3 or at the primary
 *   writer    a proxy that has false_primary for db1
 *
 * Whatever is played, the client gets an answer or an error in time, and the proxy serves on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/impostor.h"
#include "../cluster/pointsman.h"
#include "../cluster/rawclient.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PATIENCE_MS = 10000 };

static struct cluster *set;
static struct pointsman *reader, *writer;
static struct impostor *impostor, *false_primary;

static struct pointsman *start_with(int server, struct impostor *it)
{
    const struct pointsman_options options = {
        .pointsman = "workers = 1\n",
        .more = "[pool]\nconnect_timeout = 100ms\nqueue_timeout = 100ms\n"
                "[failover]\nmode = off\n"};
    int real = set->server[server].port;
    set->server[server].port = impostor_port(it);
    struct pointsman *proxy = pointsman_start(set, &options);
    set->server[server].port = real;
    return proxy;
}

static int start_all(void **state)
{
    const struct cluster_options options = {.no_general_log = true};
    (void)state;
    set = cluster_start(&options);
    if (set && cluster_numbers(set, "shop", 1, 100) &&
        cluster_sql(set, 0,
                    "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40));"
                    "INSERT INTO shop.item SELECT seq, CONCAT('rogue ', seq) FROM shop.seq_1_to_100") == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (impostor = impostor_start(set->server[1].port)) &&
        (false_primary = impostor_start(set->server[0].port)) && (reader = start_with(1, impostor)) &&
        (writer = start_with(0, false_primary)))
        return 0;
    cluster_stop(set);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    impostor_stop(impostor); /* first: statements that it never answers are waited for */
    impostor_stop(false_primary);
    int status = pointsman_stop(reader) | pointsman_stop(writer);
    cluster_stop(set);
    return status;
}

static struct raw *open_at(struct pointsman *proxy, const char *schema, uint32_t more)
{
    return raw_open(proxy->port, cluster_app.user, cluster_app.password, schema, RAW_PLAIN | more);
}

/* Ends the impostor's lies, and shows that the proxy serves. */
static void assert_serves(struct pointsman *proxy)
{
    impostor_play(impostor, NULL);
    impostor_play(false_primary, NULL);
    struct raw *client = open_at(proxy, "shop", 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(raw_run(client, "SELECT id FROM item WHERE id < 5"), 0);
    raw_close(client);
}

/* --- rogue servers --- */

#define BYTES(text) text, sizeof text - 1
#define PADDING     "\0\0\0\0\0\0\0\0\0\0"
#define DEFINITION                                                                                           \
    "\x17\0\0\x02\x03"                                                                                       \
    "def\0\0\0\x01"                                                                                          \
    "1\0\x0c\x3f\0\x01\0\0\0\x03\x81\0\0\0\0"
#define A_ROW                                                                                                \
    "\x02\0\0\x04\x01"                                                                                       \
    "1"

struct lie {
    const char *what;
    struct impostor_script script;
};

static const struct lie lies_at_the_beginning[] = {
    {"closes at once", {IMPOSTOR_GREETING, BYTES(""), IMPOSTOR_CLOSES, NULL, 0}},
    {"says nothing", {IMPOSTOR_GREETING, BYTES(""), IMPOSTOR_STAYS, NULL, 0}},
    {"speaks HTTP", {IMPOSTOR_GREETING, BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), IMPOSTOR_STAYS, NULL, 0}},
    {"an empty packet", {IMPOSTOR_GREETING, BYTES("\0\0\0\0"), IMPOSTOR_STAYS, NULL, 0}},
    {"ERR without SQLSTATE",
     {IMPOSTOR_GREETING,
      BYTES("\x17\0\0\0\xff\x10\x04"
            "Too many connections"),
      IMPOSTOR_CLOSES, NULL, 0}},
    {"ERR with SQLSTATE",
     {IMPOSTOR_GREETING,
      BYTES("\x0d\0\0\0\xff\x10\x04#08004"
            "many"),
      IMPOSTOR_CLOSES, NULL, 0}},
    {"ERR of one byte", {IMPOSTOR_GREETING, BYTES("\x01\0\0\0\xff"), IMPOSTOR_CLOSES, NULL, 0}},
    {"half a greeting",
     {IMPOSTOR_GREETING,
      BYTES("\x50\0\0\0\x0a"
            "5.5.5-10.11"),
      IMPOSTOR_CLOSES, NULL, 0}},
    {"half a greeting and silence",
     {IMPOSTOR_GREETING,
      BYTES("\x50\0\0\0\x0a"
            "5.5"),
      IMPOSTOR_STAYS, NULL, 0}},
    {"a greeting without an end",
     {IMPOSTOR_GREETING,
      BYTES("\x06\0\0\0\x0a"
            "5.5.5"),
      IMPOSTOR_STAYS, NULL, 0}},
    {"protocol 9",
     {IMPOSTOR_GREETING,
      BYTES("\x0e\0\0\0\x09"
            "5.5.5\0\1\0\0\0"
            "abc"),
      IMPOSTOR_STAYS, NULL, 0}},
    {"an old server",
     {IMPOSTOR_GREETING,
      BYTES("\x18\0\0\0\x0a"
            "4.0\0\1\0\0\0"
            "abcdefgh\0\x0c\x20\x08\0\0\0"),
      IMPOSTOR_STAYS, NULL, 0}},
    {"a packet of 16 MB", {IMPOSTOR_GREETING, BYTES("\xff\xff\xff\0\x0a"), IMPOSTOR_REPEATS, BYTES(PADDING)}},
    {"a login that goes on and on",
     {IMPOSTOR_LOGIN,
      BYTES("\x1f\0\0\2\xfe"
            "mysql_native_password\0"
            "12345678\0"),
      IMPOSTOR_REPEATS,
      BYTES("\x2c\0\0\4\xfe"
            "mysql_native_password\0"
            "12345678901234567890\0")}},
    {"a plugin that nobody knows",
     {IMPOSTOR_LOGIN,
      BYTES("\x0a\0\0\2\xfe"
            "dialog\0ab"),
      IMPOSTOR_STAYS, NULL, 0}},
    {"a change of nothing", {IMPOSTOR_LOGIN, BYTES("\x01\0\0\2\xfe"), IMPOSTOR_STAYS, NULL, 0}},
    {"more data", {IMPOSTOR_LOGIN, BYTES("\x02\0\0\2\x01\x04"), IMPOSTOR_STAYS, NULL, 0}},
    {"an empty answer", {IMPOSTOR_LOGIN, BYTES("\0\0\0\2"), IMPOSTOR_STAYS, NULL, 0}},
    {"goes when asked to let in", {IMPOSTOR_LOGIN, BYTES(""), IMPOSTOR_CLOSES, NULL, 0}},
    {"goes in the answer", {IMPOSTOR_LOGIN, BYTES("\x07\0\0\2\0\0"), IMPOSTOR_CLOSES, NULL, 0}},
    {"ERR without words", {IMPOSTOR_LOGIN, BYTES("\x03\0\0\2\xff\x10\x04"), IMPOSTOR_CLOSES, NULL, 0}},
    {"an OK of one byte, and rows",
     {IMPOSTOR_LOGIN, BYTES("\x01\0\0\2\0" DEFINITION A_ROW), IMPOSTOR_STAYS, NULL, 0}},
    {"setting up fails", {IMPOSTOR_SETUP, BYTES("\x09\0\0\1\xff\x48\x04#HY000"), IMPOSTOR_STAYS, NULL, 0}},
    {"setting up gives rows",
     {IMPOSTOR_SETUP, BYTES("\x01\0\0\1\1" DEFINITION A_ROW), IMPOSTOR_STAYS, NULL, 0}},
    {"setting up gives a broken OK", {IMPOSTOR_SETUP, BYTES("\x02\0\0\1\0\xfe"), IMPOSTOR_STAYS, NULL, 0}},
    {"setting up ends it", {IMPOSTOR_SETUP, BYTES(""), IMPOSTOR_CLOSES, NULL, 0}},
    {"setting up asks for a file",
     {IMPOSTOR_SETUP, BYTES("\x0c\0\0\1\xfb/etc/passwd"), IMPOSTOR_STAYS, NULL, 0}},
    {"setting up never ends",
     {IMPOSTOR_SETUP, BYTES("\x07\0\0\1\0\0\0\2\0\0\0"), IMPOSTOR_REPEATS,
      BYTES("\x07\0\0\1\0\0\0\2\0\0\0")}},
};

static const struct lie lies_in_answers[] = {
    {"goes", {IMPOSTOR_COMMAND, BYTES(""), IMPOSTOR_CLOSES, NULL, 0}},
    {"nonsense",
     {IMPOSTOR_COMMAND, BYTES("\x93\x1f\x02\xaa\x10\x8c nonsense nonsense"), IMPOSTOR_CLOSES, NULL, 0}},
    {"an empty packet", {IMPOSTOR_COMMAND, BYTES("\0\0\0\1"), IMPOSTOR_STAYS, NULL, 0}},
    {"a column count of 2^60",
     {IMPOSTOR_COMMAND, BYTES("\x09\0\0\1\xfe\0\0\0\0\0\0\0\x10"), IMPOSTOR_STAYS, NULL, 0}},
    {"a column count of 2^24",
     {IMPOSTOR_COMMAND, BYTES("\x04\0\0\1\xfd\xff\xff\xff"), IMPOSTOR_STAYS, NULL, 0}},
    {"a count in more bytes than there are",
     {IMPOSTOR_COMMAND, BYTES("\x02\0\0\1\xfc\1"), IMPOSTOR_STAYS, NULL, 0}},
    {"a count and something", {IMPOSTOR_COMMAND, BYTES("\x02\0\0\1\1\1"), IMPOSTOR_STAYS, NULL, 0}},
    {"an OK of one byte", {IMPOSTOR_COMMAND, BYTES("\x01\0\0\1\0"), IMPOSTOR_STAYS, NULL, 0}},
    {"an OK with half a number", {IMPOSTOR_COMMAND, BYTES("\x03\0\0\1\0\xfe\1"), IMPOSTOR_STAYS, NULL, 0}},
    {"ERR of one byte", {IMPOSTOR_COMMAND, BYTES("\x01\0\0\1\xff"), IMPOSTOR_STAYS, NULL, 0}},
    {"ERR without SQLSTATE",
     {IMPOSTOR_COMMAND, BYTES("\x08\0\0\1\xff\x20\x04words"), IMPOSTOR_STAYS, NULL, 0}},
    {"half an ERR", {IMPOSTOR_COMMAND, BYTES("\x20\0\0\1\xff\x20\x04#HY"), IMPOSTOR_CLOSES, NULL, 0}},
    {"an EOF for an answer", {IMPOSTOR_COMMAND, BYTES("\x05\0\0\1\xfe\0\0\2\0"), IMPOSTOR_STAYS, NULL, 0}},
    {"a wish for a file", {IMPOSTOR_COMMAND, BYTES("\x0c\0\0\1\xfb/etc/passwd"), IMPOSTOR_STAYS, NULL, 0}},
    {"half a result", {IMPOSTOR_COMMAND, BYTES("\1\0\0\1\1" DEFINITION), IMPOSTOR_CLOSES, NULL, 0}},
    {"an OK of 20 KB",
     {IMPOSTOR_COMMAND, BYTES("\x20\x4e\0\1\0\0\0\2\0\0\0"), IMPOSTOR_REPEATS, BYTES(PADDING)}},
    {"tracked state longer than its packet",
     {IMPOSTOR_COMMAND, BYTES("\x0c\0\0\1\0\0\0\2\x40\0\0\0\x20\0\x05x"), IMPOSTOR_STAYS, NULL, 0}},
    {"tracked state of an unknown kind",
     {IMPOSTOR_COMMAND, BYTES("\x0e\0\0\1\0\0\0\2\x40\0\0\0\5\x63\3abc"), IMPOSTOR_STAYS, NULL, 0}},
    {"two answers",
     {IMPOSTOR_COMMAND, BYTES("\7\0\0\1\0\0\0\2\0\0\0\7\0\0\1\0\0\0\2\0\0\0"), IMPOSTOR_STAYS, NULL, 0}},
    {"answers without end",
     {IMPOSTOR_COMMAND, BYTES("\7\0\0\1\0\0\0\2\0\0\0"), IMPOSTOR_REPEATS, BYTES("\7\0\0\1\0\0\0\2\0\0\0")}},
};

/* Capabilities that make a pool of their own for each number: its connections are new ones. */
static uint32_t capabilities_of(size_t number)
{
    static const uint32_t bits[] = {RAW_FOUND_ROWS, RAW_IGNORE_SPACE, RAW_LOCAL_FILES, RAW_DEPRECATE_EOF,
                                    1u << 6};
    uint32_t capabilities = RAW_PLAIN;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        capabilities |= number >> i & 1 ? bits[i] : 0;
    return capabilities;
}

/* Logs in and asks a few times; some of it ends at the impostor. Whatever comes, it comes in time. */
static void ask_through(struct pointsman *proxy, size_t number, int times, const char *text, const char *what)
{
    int64_t began = monotonic_us();
    struct raw *client = raw_dial(proxy->port, NULL);
    bool in = raw_login(client, cluster_app.user, cluster_app.password, number % 3 ? "shop" : NULL,
                        capabilities_of(number));
    for (int n = 0; in && n < times; n++) {
        int error = raw_run(client, text);
        if (error < -1)
            fail_msg("%s: %s", what, error == -2 ? "no answer" : "the client is asked for a file");
        if (error == -1)
            break;
    }
    raw_close(client);
    if (monotonic_us() - began > 3000000)
        fail_msg("%s: %lld ms", what, (long long)(monotonic_us() - began) / 1000);
}

static void run_lies(const struct lie *lies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        impostor_play(impostor, &lies[i].script);
        ask_through(reader, i, 3, "SELECT name FROM shop.item /* rogue */", lies[i].what);
        assert_serves(reader);
        impostor_play(false_primary, &lies[i].script);
        ask_through(writer, i, 1, "UPDATE shop.item SET name = 'rogue' WHERE id = 1", lies[i].what);
        assert_serves(writer);
    }
}

static void servers_that_lie_at_the_beginning(void **state)
{
    (void)state;
    run_lies(lies_at_the_beginning, sizeof lies_at_the_beginning / sizeof *lies_at_the_beginning);
}

static void servers_that_lie_in_answers(void **state)
{
    (void)state;
    run_lies(lies_in_answers, sizeof lies_in_answers / sizeof *lies_in_answers);
}

/* The impostor's answers are OKs, never rows. */
static bool impostor_serves(void *arg)
{
    struct raw *client = arg;
    uint8_t *data = NULL;
    size_t length = 0;
    raw_query(client, "SELECT 1");
    bool answered = raw_answer(client, COM_QUERY, &data, &length) == RAW_GOT;
    bool is_ok = answered && length > RAW_HEADER && data[RAW_HEADER] == 0;
    free(data);
    return is_ok;
}

/* A read that the impostor spoils is read elsewhere: the client sees nothing of it. */
static void spoilt_reads_are_read_elsewhere(void **state)
{
    static const struct impostor_script scripts[] = {
        {IMPOSTOR_COMMAND, BYTES(""), IMPOSTOR_CLOSES, NULL, 0},
        {IMPOSTOR_COMMAND, BYTES("\x93\x1f\x02\xaa\xfe nonsense"), IMPOSTOR_CLOSES, NULL, 0},
        {IMPOSTOR_COMMAND, BYTES("\x0c\0\0\1\xfb/etc/passwd"), IMPOSTOR_STAYS, NULL, 0},
    };
    (void)state;
    struct raw *client = open_at(reader, "shop", RAW_LOCAL_FILES);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        impostor_play(impostor, NULL);
        assert_true(wait_for(impostor_serves, client, PATIENCE_MS));
        impostor_play(impostor, &scripts[i]);
        for (int n = 0; n < 6; n++) {
            int error = raw_run(client, "SELECT name FROM item /* rogue */");
            if (error)
                fail_msg("script %zu: %d", i, error);
        }
    }
    raw_close(client);
    assert_serves(reader);
}

/* What never ends goes through as it comes, and leaves nothing behind. */
static void results_without_end_take_no_memory(void **state)
{
    static const struct impostor_script endless[] = {
        {IMPOSTOR_COMMAND, BYTES("\3\0\0\1\xfc\xff\x0f"), IMPOSTOR_REPEATS, BYTES(DEFINITION)},
        {IMPOSTOR_COMMAND, BYTES("\1\0\0\1\1" DEFINITION "\5\0\0\3\xfe\0\0\2\0"), IMPOSTOR_REPEATS,
         BYTES(A_ROW)},
        {IMPOSTOR_COMMAND, BYTES("\7\0\0\1\0\0\0\x0a\0\0\0"), IMPOSTOR_REPEATS,
         BYTES("\7\0\0\1\0\0\0\x0a\0\0\0\7\0\0\1\0\0\0\x0a\0\0\0\7\0\0\1\0\0\0\x0a\0\0\0")},
        {IMPOSTOR_COMMAND, BYTES("\1\0\0\1\1" DEFINITION "\5\0\0\3\xfe\0\0\2\0\xff\xff\xff\4"),
         IMPOSTOR_REPEATS, BYTES("a row of 16 MB and no end, a row of 16 MB and no end")},
    };
    struct process_usage before, after;
    (void)state;
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) {
        static uint8_t buffer[65536];
        size_t total = 0;
        impostor_play(false_primary, &endless[i]);
        assert_true(process_usage(writer->pid, &before));
        struct raw *client = open_at(writer, NULL, 0);
        raw_query(client, "DELETE FROM shop.item WHERE name = 'rogue'");
        shutdown(client->fd, SHUT_WR); /* so that it is closed behind an ERR too */
        for (ssize_t n = 1; n > 0 && total < 12000000; total += (size_t)n)
            if ((n = recv(client->fd, buffer, sizeof buffer, 0)) < 0)
                n = 0;
        raw_close(client);
        assert_true(process_usage(writer->pid, &after));
        if (after.resident_kb - before.resident_kb > 8192)
            fail_msg("script %zu: %ld KB", i, after.resident_kb - before.resident_kb);
        assert_serves(writer);
    }
}

/* Entries with many variables become one entry each where they are shown: longer than what came. */
static void tracked_variables_by_the_thousand(void **state)
{
    enum { PAIRS = 1088, PACKETS = 40 };
    (void)state;
    static uint8_t says[PACKETS * (PAIRS * 12 + 40)];
    size_t at = 0;
    for (int p = 0; p < PACKETS; p++) {
        size_t pairs = PAIRS * 12, entry = 1 + 3 + pairs, payload = 8 + 3 + entry;
        uint8_t head[] = {(uint8_t)payload,
                          (uint8_t)(payload >> 8),
                          0,
                          (uint8_t)(p + 1),
                          0,
                          0,
                          0,
                          p + 1 < PACKETS ? 0x0a : 2,
                          0x40,
                          0,
                          0,
                          0,
                          0xfc,
                          (uint8_t)entry,
                          (uint8_t)(entry >> 8),
                          0,
                          0xfc,
                          (uint8_t)pairs,
                          (uint8_t)(pairs >> 8)};
        memcpy(says + at, head, sizeof head);
        at += sizeof head;
        for (int i = 0; i < PAIRS; i++, at += 12)
            memcpy(says + at,
                   "\x0a"
                   "autocommit",
                   12);
    }
    static struct impostor_script script; /* the impostor keeps it while it has visitors */
    script = (struct impostor_script){IMPOSTOR_COMMAND, says, at, IMPOSTOR_STAYS, NULL, 0};
    for (int i = 0; i < 3; i++) {
        impostor_play(false_primary, &script);
        struct raw *client = open_at(writer, NULL, RAW_SESSION_TRACK);
        int error = raw_run(client, "DELETE FROM shop.item WHERE name = 'rogue'");
        assert_int_not_equal(error, -2);
        raw_close(client);
        assert_serves(writer);
    }
}

/* --- rogue clients --- */

static uint32_t seed = 12345;
static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static void scribble(uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)chance(256);
}

static void random_bytes_at_the_door(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        uint8_t bytes[600];
        size_t length = chance(sizeof bytes);
        struct raw *client = raw_dial(reader->port, NULL);
        if (i % 2)
            assert_true(raw_greeting(client));
        scribble(bytes, length);
        if (i % 3 == 0 && length > 4)
            memcpy(bytes, (uint8_t[]){(uint8_t)(length - 4), (uint8_t)((length - 4) >> 8), 0, 1}, 4);
        raw_bytes(client, bytes, length);
        raw_close(client);
    }
    assert_serves(reader);
}

static void logins_with_flipped_bits(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        uint8_t packet[300];
        struct raw *client = raw_dial(reader->port, NULL);
        assert_true(raw_greeting(client));
        size_t n = raw_login_packet(client, cluster_app.user, cluster_app.password, "shop", RAW_PLAIN, packet,
                                    sizeof packet);
        for (uint32_t flips = chance(4) + 1; flips; flips--)
            packet[chance((uint32_t)n)] ^= (uint8_t)(1 << chance(8));
        raw_packet(client, 1, packet, i % 5 ? n : chance((uint32_t)n));
        if (i % 7 == 0)
            shutdown(client->fd, SHUT_WR);
        raw_close(client);
    }
    assert_serves(reader);
}

static const uint8_t commands[] = {0x02, 0x03, 0x04, 0x0e, 0x11, 0x16, 0x17,
                                   0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1f, 0xfa};

static void commands_of_random_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct raw *client = open_at(reader, "shop", i % 2 ? RAW_SESSION_TRACK | RAW_DEPRECATE_EOF : 0);
        if (i % 3 == 0)
            raw_run(client, "BEGIN");
        if (i % 4 == 0)
            raw_command(client, 0x16, "SELECT ?, ?", 11);
        for (int n = 0; n < 5; n++) {
            uint8_t bytes[200];
            size_t length = chance(sizeof bytes);
            scribble(bytes, length);
            if (i % 4 == 0 && length > 4)
                memcpy(bytes, (uint8_t[]){(uint8_t)(1 + i / 4), 0, 0, 0}, 4);
            raw_command(client, commands[chance(sizeof commands)], bytes, length);
        }
        if (i % 5 == 0)
            raw_read_within(client, 20);
        raw_close(client);
    }
    assert_serves(reader);
}

static const char *const words[] = {
    "SELECT",
    "INSERT",
    "UPDATE",
    "SET",
    "@a",
    ":=",
    "(",
    ")",
    ",",
    "'",
    "\"",
    "`",
    "/*",
    "*/",
    "/*!",
    "--",
    "#",
    "\\",
    ";",
    "NAMES",
    "item",
    "id",
    "1",
    "0x",
    "LAST_INSERT_ID()",
    "FOUND_ROWS()",
    "BEGIN",
    "COMMIT",
    "LOCK",
    "TABLES",
    "CALL",
    "x'",
    "_utf8'",
    "PREPARE",
    "FROM",
    "WHERE",
    "INTO",
    "FOR",
    "UPDATE",
    "GET_LOCK('a',0)",
    "TEMPORARY",
    "TABLE",
    "CREATE",
    "DROP",
    "USE",
    "shop",
    "WITH",
    "UNION",
    "ALL",
    "LIMIT",
    "\xff",
    "\x80",
    "CONNECTION_ID()",
    "KILL",
    "QUERY",
    "@@",
    "session_track_schema",
    "=",
    "DEFAULT",
    "*",
    "/* pointsman:",
};

static void statements_of_random_words(void **state)
{
    (void)state;
    struct raw *client = open_at(reader, "shop", RAW_SESSION_TRACK);
    for (int i = 0; i < 1500; i++) {
        char text[600] = "";
        for (uint32_t n = chance(14); n; n--) {
            strcat(text, words[chance(sizeof words / sizeof *words)]);
            strcat(text, chance(5) ? " " : "");
        }
        raw_query(client, text);
        int error = raw_error(client, 0x03);
        if (error == -2)
            fail_msg("no answer to: %s", text);
        if (error == -1) { /* KILL of itself, and the like */
            raw_close(client);
            client = open_at(reader, "shop", 0);
        }
    }
    raw_close(client);
    assert_serves(reader);
}

/* Streams that break off or change their mind in the middle. */
static void broken_streams(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        static uint8_t bytes[100000];
        struct raw *client = open_at(reader, "shop", RAW_LOCAL_FILES);
        scribble(bytes, sizeof bytes);
        switch (i % 4) {
        case 0: raw_query(client, "LOAD DATA LOCAL INFILE 'x' INTO TABLE item"); break;
        case 1: raw_bytes(client, "\xff\xff\xff\0\x03SELECT ", 12); break;
        case 2: raw_bytes(client, "\0\0\x10\0\x18\1\0\0\0\0\0", 11); break;
        default: raw_bytes(client, "\xff\xff\1\0\x03INSERT INTO item VALUES (", 30); break;
        }
        for (uint32_t n = chance(30); n; n--)
            raw_bytes(client, bytes, chance(sizeof bytes));
        raw_close(client);
    }
    assert_serves(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_that_lie_at_the_beginning),
        cmocka_unit_test(servers_that_lie_in_answers),
        cmocka_unit_test(spoilt_reads_are_read_elsewhere),
        cmocka_unit_test(results_without_end_take_no_memory),
        cmocka_unit_test(tracked_variables_by_the_thousand),
        cmocka_unit_test(random_bytes_at_the_door),
        cmocka_unit_test(logins_with_flipped_bits),
        cmocka_unit_test(commands_of_random_bytes),
        cmocka_unit_test(statements_of_random_words),
        cmocka_unit_test(broken_streams),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
