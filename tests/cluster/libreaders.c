/*
 * libreaders.c - see readers.h. Each thread writes its own figures, atomically; the others only read them.
 */
#include "readers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct readers *all;
    pthread_t thread;
    MYSQL *client;
    atomic_int errors;
    atomic_llong began; /* the present question; 0: none */
    atomic_llong longest_us;
    atomic_int asked;                                   /* questions, the present one included */
    char why[sizeof((struct readers_outcome *)0)->why]; /* its first error; readable once there is one */
};

struct readers {
    const char *read;
    int count;
    atomic_bool stop;
    atomic_int answers[CLUSTER_SERVERS_MAX];
    struct reader reader[];
};

static void note_longest(struct reader *reader, int64_t took)
{
    long long longest = atomic_load(&reader->longest_us);
    while (took > longest && !atomic_compare_exchange_weak(&reader->longest_us, &longest, took))
        ;
}

static void read_once(struct reader *reader)
{
    int64_t began = monotonic_us();
    atomic_store(&reader->began, began);
    atomic_fetch_add(&reader->asked, 1);
    long long id = sql_number(reader->client, "%s", reader->all->read);
    atomic_store(&reader->began, 0);
    note_longest(reader, monotonic_us() - began);
    if (id >= 1 && id <= CLUSTER_SERVERS_MAX) {
        atomic_fetch_add(&reader->all->answers[id - 1], 1);
        return;
    }
    if (atomic_load(&reader->errors) == 0)
        snprintf(reader->why, sizeof reader->why, "%u %s", mysql_errno(reader->client),
                 mysql_error(reader->client));
    atomic_fetch_add(&reader->errors, 1);
}

static void *keep_reading(void *arg)
{
    struct reader *reader = arg;
    while (!atomic_load(&reader->all->stop))
        read_once(reader);
    return NULL;
}

struct readers *readers_start(struct pointsman *proxy, int count, const char *read)
{
    struct readers *readers = calloc(1, sizeof *readers + (size_t)count * sizeof readers->reader[0]);
    if (!readers)
        return NULL;
    readers->read = read;
    for (; readers->count < count; readers->count++) {
        struct reader *reader = &readers->reader[readers->count];
        reader->all = readers;
        reader->client = pointsman_connect(proxy, &cluster_app, "shop");
        if (reader->client && pthread_create(&reader->thread, NULL, keep_reading, reader) == 0)
            continue;
        if (reader->client)
            mysql_close(reader->client);
        readers_stop(readers);
        return NULL;
    }
    return readers;
}

int readers_answers(const struct readers *readers, int server)
{
    int sum = 0;
    for (int i = 0; i < CLUSTER_SERVERS_MAX; i++)
        if (server < 0 || server == i)
            sum += atomic_load(&readers->answers[i]);
    return sum;
}

struct goal {
    const struct readers *readers;
    int server, answers;
};

static bool is_reached(void *arg)
{
    const struct goal *goal = arg;
    return readers_answers(goal->readers, goal->server) >= goal->answers;
}

bool readers_await(struct readers *readers, int server, int answers, int timeout_ms)
{
    struct goal goal = {readers, server, readers_answers(readers, server) + answers};
    return wait_for(is_reached, &goal, timeout_ms);
}

struct roll {
    struct readers *readers;
    int done; /* the readers before this one have been answered */
    int asked[];
};

/* Who asks the next but one has the next one's answer. */
static bool each_is_answered(void *arg)
{
    struct roll *roll = arg;
    while (roll->done < roll->readers->count &&
           atomic_load(&roll->readers->reader[roll->done].asked) >= roll->asked[roll->done] + 2)
        roll->done++;
    return roll->done == roll->readers->count;
}

bool readers_await_each(struct readers *readers, int timeout_ms)
{
    struct roll *roll = calloc(1, sizeof *roll + (size_t)readers->count * sizeof roll->asked[0]);
    if (!roll)
        return false;
    roll->readers = readers;
    for (int i = 0; i < readers->count; i++)
        roll->asked[i] = atomic_load(&readers->reader[i].asked);
    bool done = wait_for(each_is_answered, roll, timeout_ms);
    free(roll);
    return done;
}

struct readers_outcome readers_look(struct readers *readers)
{
    struct readers_outcome outcome = {.errors = 0};
    int64_t now = monotonic_us();
    for (int i = 0; i < readers->count; i++) {
        struct reader *reader = &readers->reader[i];
        long long began = atomic_load(&reader->began), longest = atomic_exchange(&reader->longest_us, 0);
        if (began && now - began > longest)
            longest = now - began;
        if (longest > outcome.longest_us)
            outcome.longest_us = longest;
        int errors = atomic_load(&reader->errors);
        outcome.errors += errors;
        if (errors)
            memcpy(outcome.why, reader->why, sizeof outcome.why);
    }
    return outcome;
}

struct readers_outcome readers_stop(struct readers *readers)
{
    atomic_store(&readers->stop, true);
    for (int i = 0; i < readers->count; i++) {
        pthread_join(readers->reader[i].thread, NULL);
        mysql_close(readers->reader[i].client);
    }
    struct readers_outcome outcome = readers_look(readers);
    free(readers);
    return outcome;
}
