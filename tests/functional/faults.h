/*
 * faults.h - the scene of tests/functional/test_faults*.c: a set, the proxy before it, 64 clients that read.
 *
 *   start_readers ──> (something is done to the servers) ──> each_is_answered ──> stop_readers(longest
 * allowed)
 *
 * Each test leaves the set whole: three servers, replicating, all used (all_serve()).
 */
#ifndef POINTSMAN_TESTS_FAULTS_H
#define POINTSMAN_TESTS_FAULTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"
#include "../cluster/readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under the load of other tests everything takes longer; what nobody waits for is held to this. */
enum { PATIENCE_MS = 15000, PROMPT_MS = 1000, SERVERS = 3, READERS = 64, QUEUE_MS = 1500 };

static struct cluster *set;
static struct pointsman *proxy;
static struct readers *readers;

static const struct pointsman_options quick = {.pointsman = "workers = 2\n",
                                               .more = "[pool]\nqueue_timeout = 1500ms\n"
                                                       "[failover]\nmode = off\n"};

static bool make_set(void)
{
    const struct cluster_options options = {.servers = SERVERS, .no_general_log = true};
    set = cluster_start(&options);
    return set && cluster_numbers(set, "shop", 1, 100) &&
           cluster_sql(set, 0,
                       "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40));"
                       "INSERT INTO shop.item SELECT seq, CONCAT('item ', seq) FROM shop.seq_1_to_100") ==
               0 &&
           cluster_sync(set, 0, PATIENCE_MS);
}

static MYSQL *app(void)
{
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    if (!client)
        fail_msg("no login");
    return client;
}

static void start_readers(void)
{
    readers = readers_start(proxy, READERS, "SELECT @@server_id, name FROM item WHERE id = 7");
    assert_non_null(readers);
}

static void fail_after(struct readers_outcome outcome, int longest_ms)
{
    if (outcome.errors)
        fail_msg("%d errors, such as %s", outcome.errors, outcome.why);
    if (outcome.longest_us > longest_ms * INT64_C(1000))
        fail_msg("the longest wait was %lld ms", (long long)outcome.longest_us / 1000);
}

/* No reader may have had an error; the longest wait of all is at most this. */
static void stop_readers(int longest_ms)
{
    struct readers *all = readers;
    readers = NULL;
    fail_after(readers_stop(all), longest_ms);
}

/* Waits for so many more answers from a server (an index; -1: from whichever). */
static void await_answers(int server, int count)
{
    if (!readers_await(readers, server, count, PATIENCE_MS)) {
        struct readers_outcome outcome = readers_look(readers);
        fail_msg("server %d doesn't answer; answers of all are %d %d %d, %d errors %s", server,
                 readers_answers(readers, 0), readers_answers(readers, 1), readers_answers(readers, 2),
                 outcome.errors, outcome.why);
    }
}

static inline void each_is_answered(void)
{
    if (!readers_await_each(readers, PATIENCE_MS))
        fail_msg("somebody waits for ever");
}

/* Both replicas serve. */
static void all_serve(void)
{
    start_readers();
    await_answers(1, 50);
    await_answers(2, 50);
    stop_readers(PATIENCE_MS);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
}

/* After a failed test no thread may go on. */
static int end_readers(void **state)
{
    (void)state;
    if (readers)
        readers_stop(readers);
    readers = NULL;
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(proxy);
    cluster_stop(set);
    return status;
}

#endif
