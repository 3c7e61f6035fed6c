/*
 * test_kill.c - KILL reaches whom it names and nobody else, however connections are shared and pass from hand
 *               to hand.
 *
 *   64 clients: quick reads, which share connections; slow statements; KILL [QUERY] of one another
 *     even numbers  may be named, and count how often they were, before it is asked for
 *     odd numbers   are never named: not one error may reach them, and what is asked of their past for them,
 *                   on connections that others have got, must arrive too
 *
 * What a target sees is what a server alone would have shown: the same is done there first. An answer that
 * doesn't come in ANSWER_S is a failure, and says whether a server by itself still answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "../cluster/pointsman.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 15000, ANSWER_S = 20, SERVERS = 3, CLIENTS = 64, KILLERS = 16 };
enum { INTERRUPTED = 1317, KILLED = 1927, NO_SUCH_THREAD = 1094, DENIED = 1095, GONE = 2006, LOST = 2013 };

static struct cluster *set;
static struct pointsman *proxy, *hasty;
static MYSQL *console;

static int start_all(void **state)
{
    const struct cluster_options options = {.servers = SERVERS};
    const struct cluster_account anybody = {"whoever", "whatever"};
    /* A busy machine must not look like a dead server: with that goes what its connections know. */
    const struct pointsman_options two = {
        .pointsman = "workers = 2\n", .monitor = "timeout = 20s\n", .more = "[failover]\nmode = off\n"};
    const struct pointsman_options one = {.pointsman = "workers = 1\n",
                                          .more = "[pool]\nconnect_timeout = 200ms\n"
                                                  "[failover]\nmode = off\n"};
    (void)state;
    set = cluster_start(&options);
    if (set && cluster_numbers(set, "shop", 0, 99) &&
        cluster_sql(set, 0,
                    "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40));"
                    "CREATE TABLE shop.sale (id INT PRIMARY KEY AUTO_INCREMENT, buyer INT);"
                    "INSERT INTO shop.item SELECT seq, CONCAT('item ', seq) FROM shop.seq_0_to_99") == 0 &&
        cluster_sync(set, 0, PATIENCE_MS) && (proxy = pointsman_start(set, &two)) &&
        (hasty = pointsman_start(set, &one)) &&
        (console = sql_connect(NULL, proxy->admin_port, &anybody, NULL, 0)))
        return 0;
    cluster_stop(set);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    mysql_close(console);
    int status = pointsman_stop(proxy) | pointsman_stop(hasty);
    cluster_stop(set);
    return status;
}

/* Not sql_connect(): who waits for an answer that nobody will give shall say so soon. NULL: no login. */
static MYSQL *connect_to(int port, const struct cluster_account *account, unsigned answer_s)
{
    MYSQL *client = mysql_init(NULL);
    mysql_options(client, MYSQL_OPT_CONNECT_TIMEOUT, &answer_s);
    mysql_options(client, MYSQL_OPT_READ_TIMEOUT, &answer_s);
    mysql_options(client, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
    if (mysql_real_connect(client, "127.0.0.1", account->user, account->password, "shop", (unsigned)port,
                           NULL, CLIENT_MULTI_STATEMENTS))
        return client;
    mysql_close(client);
    return NULL;
}

static MYSQL *log_in(struct pointsman *to, const struct cluster_account *account)
{
    MYSQL *client = connect_to(to->port, account, ANSWER_S);
    if (!client)
        fail_msg("no login as %s", account->user);
    return client;
}

/* How many statements on servers that answer are described so. */
static int count_running(const char *text, const char *and)
{
    int sum = 0;
    for (int i = 0; i < SERVERS; i++) {
        char *count = set->server[i].frozen
                          ? NULL
                          : cluster_value(set, i,
                                          "SELECT COUNT(*) FROM information_schema.processlist "
                                          "WHERE info LIKE '%s%%' %s",
                                          text, and);
        sum += count ? atoi(count) : 0;
        free(count);
    }
    return sum;
}

/* Its SLEEP() has begun: killed before, a server gives no error. */
static bool sleeps(void *text)
{
    return count_running(text, "AND state = 'User sleep'") > 0;
}

static bool runs_no_more(void *text)
{
    return count_running(text, "") == 0;
}

/* --- everybody at once --- */

struct client {
    pthread_t thread;
    int number;
    unsigned seed;
    MYSQL *connection;
    atomic_ulong id;
    atomic_int asked[2];    /* how often it was named, by itself too: for KILL QUERY, for KILL */
    int interrupted, ended; /* how often it was hit */
    int64_t began;          /* us: its last statement */
    int wrong;
    char why[300]; /* the first that was wrong */
};
static struct client clients[CLIENTS];
static atomic_bool stop_working, unanswered;
static atomic_int untouched, hits[2]; /* rounds of odd clients; KILL QUERY and KILL that hit somebody */

static void note_wrong(struct client *client, const char *statement, const char *what)
{
    MYSQL *connection = client->connection;
    if (!client->wrong++)
        snprintf(client->why, sizeof client->why, "%s: %s (%u %s)", statement, what ? what : "NULL",
                 connection ? mysql_errno(connection) : 0, connection ? mysql_error(connection) : "no login");
}

static void log_in_again(struct client *client)
{
    if (client->connection)
        mysql_close(client->connection);
    client->connection = connect_to(proxy->port, &cluster_app, ANSWER_S);
    /* Nobody knows the id yet, to kill it. */
    long long id = client->connection ? sql_number(client->connection, "SELECT CONNECTION_ID()") : -1;
    if (id < 0) {
        note_wrong(client, "login, SELECT CONNECTION_ID()", NULL);
        atomic_store(&stop_working, true);
    }
    atomic_store(&client->id, (unsigned long)id);
}

/* Takes note of an error. True: it is one that only a KILL explains. */
static bool was_hit(struct client *client)
{
    unsigned error = mysql_errno(client->connection);
    if (error == LOST && monotonic_us() - client->began >= ANSWER_S * INT64_C(900000)) {
        atomic_store(&unanswered, true);
        atomic_store(&stop_working, true);
        return false;
    }
    if (error == INTERRUPTED) {
        client->interrupted++;
        atomic_fetch_add(&hits[0], 1);
    } else if (error == GONE || error == LOST || error == KILLED) {
        client->ended++;
        atomic_fetch_add(&hits[1], 1);
        log_in_again(client);
    } else {
        return false;
    }
    return true;
}

/* One value, which must be that, unless a KILL explains an error. True: it is. */
static bool ask(struct client *client, const char *expected, const char *statement)
{
    client->began = monotonic_us();
    char *value = sql_value(client->connection, "%s", statement);
    bool right = value && strcmp(value, expected) == 0;
    if (!right && (!mysql_errno(client->connection) || !was_hit(client)))
        note_wrong(client, statement, value);
    free(value);
    return right;
}

static void read_quickly(struct client *client)
{
    char statement[100], expected[20];
    snprintf(statement, sizeof statement, "SELECT name FROM item WHERE id = %d", client->number);
    snprintf(expected, sizeof expected, "item %d", client->number);
    for (int i = 0; i < 8; i++)
        ask(client, expected, statement);
    snprintf(expected, sizeof expected, "%lu", atomic_load(&client->id));
    ask(client, expected, "SELECT CONNECTION_ID()");
}

/* A server whose SLEEP() is interrupted mostly gives the error, but now and then, when the KILL comes as the
 * statement ends or begins, the row, in which SLEEP() is 1, and no error. */
static void read_slowly(struct client *client)
{
    static const char *const where[] = {"", "/* pointsman: primary */"};
    char statement[100];
    snprintf(statement, sizeof statement, "SELECT %s SLEEP(0.03) + %d", where[rand_r(&client->seed) % 2],
             client->number);
    client->began = monotonic_us();
    char *value = sql_value(client->connection, "%s", statement);
    int answer = value ? atoi(value) : -1;
    if (!mysql_errno(client->connection) && answer == client->number + 1)
        client->interrupted++;
    else if (answer != client->number && !(mysql_errno(client->connection) && was_hit(client)))
        note_wrong(client, statement, value);
    free(value);
}

/* What a connection knows of the session stays there when others get it, and is asked for before they do. */
static void read_the_past(struct client *client)
{
    char buyer[20];
    snprintf(buyer, sizeof buyer, "%d", client->number);
    if (ask(client, "item 0", "SELECT SQL_CALC_FOUND_ROWS name FROM item ORDER BY id LIMIT 1")) {
        usleep(1000); /* for others to come, or not */
        ask(client, "100", "SELECT FOUND_ROWS()");
    }
    if (client->number % 16 != 1)
        return;
    if (sql_run(client->connection, "INSERT INTO sale (buyer) VALUES (%s)", buyer))
        note_wrong(client, "INSERT", NULL);
    ask(client, buyer, "SELECT buyer FROM sale WHERE id = LAST_INSERT_ID()");
}

/* As `client` asks for it; by an id that may be old. */
static void kill_one(struct client *client, struct client *target, unsigned long id, bool query)
{
    atomic_fetch_add(&target->asked[!query], 1);
    client->began = monotonic_us();
    unsigned error = sql_run(client->connection, "KILL %s %lu", query ? "QUERY" : "", id);
    if (error && error != NO_SUCH_THREAD && !was_hit(client))
        note_wrong(client, "KILL", NULL);
}

static void kill_oneself(struct client *client, bool query)
{
    atomic_fetch_add(&client->asked[!query], 1);
    client->began = monotonic_us();
    if (!sql_run(client->connection, "KILL %s CONNECTION_ID()", query ? "QUERY" : "") || !was_hit(client))
        note_wrong(client, "KILL CONNECTION_ID()", NULL);
}

static void kill_another(struct client *client)
{
    struct client *target = &clients[rand_r(&client->seed) % (CLIENTS / 2) * 2];
    bool query = rand_r(&client->seed) % 8 != 0;
    if (target != client)
        kill_one(client, target, atomic_load(&target->id), query);
    else
        kill_oneself(client, query);
}

static void *work(void *arg)
{
    struct client *client = arg;
    while (!atomic_load(&stop_working)) {
        unsigned dice = (unsigned)rand_r(&client->seed) % 8;
        if (dice < 5)
            read_quickly(client);
        else if (dice < 6)
            read_slowly(client);
        else
            kill_another(client);
        if (client->number % 2) {
            read_the_past(client);
            atomic_fetch_add(&untouched, 1);
        }
    }
    return NULL;
}

/* Kills whom SHOW SESSIONS shows at work; whoever it is, as long as it is one that may be named. */
static void kill_by_the_list(struct client *killer)
{
    MYSQL_RES *result = mysql_query(console, "SHOW SESSIONS") == 0 ? mysql_store_result(console) : NULL;
    MYSQL_ROW row;
    while (result && (row = mysql_fetch_row(result))) {
        unsigned long id = strtoul(row[0], NULL, 10);
        if (rand_r(&killer->seed) % (strcmp(row[5], "running") == 0 ? 4 : 64))
            continue;
        for (int i = 0; i < CLIENTS; i += 2)
            if (atomic_load(&clients[i].id) == id)
                kill_one(killer, &clients[i], id, rand_r(&killer->seed) % 8 != 0);
    }
    if (!result)
        note_wrong(killer, "SHOW SESSIONS", mysql_error(console));
    mysql_free_result(result);
}

static void start_working(void)
{
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].number = i;
        clients[i].seed = (unsigned)i + 1;
        log_in_again(&clients[i]);
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_create(&clients[i].thread, NULL, work, &clients[i]);
}

/* Returns how many clients met what they should not have. */
static int stop_working_and_look(void)
{
    int wrong = 0;
    atomic_store(&stop_working, true);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = &clients[i];
        bool too_often = client->interrupted > client->asked[0] || client->ended > client->asked[1];
        if (client->wrong || too_often) {
            wrong++;
            fprintf(stderr, "client %d: interrupted %d times, named %d; ended %d times, named %d; %s\n", i,
                    client->interrupted, client->asked[0], client->ended, client->asked[1], client->why);
        }
        if (client->connection)
            mysql_close(client->connection);
    }
    return wrong;
}

/* The one whose fault it is when no answers come. */
static void say_who_is_silent(void)
{
    for (int i = 0; i < SERVERS; i++) {
        MYSQL *direct = connect_to(set->server[i].port, &cluster_app, 5);
        fprintf(stderr, "db%d, asked directly, %s\n", i + 1,
                direct && sql_number(direct, "SELECT COUNT(*) FROM item") == 100 ? "answers" : "is silent");
        if (direct)
            mysql_close(direct);
    }
}

static void nobody_is_hit_who_was_not_named(void **state)
{
    enum { ENOUGH_INTERRUPTED = 150, ENOUGH_ENDED = 50, ENOUGH_UNTOUCHED = 1000, LONGEST_MS = 30000 };
    struct client lister = {.number = -1, .seed = 77};
    (void)state;
    lister.connection = log_in(proxy, &cluster_app);
    start_working();
    int64_t end = monotonic_us() + LONGEST_MS * INT64_C(1000);
    while (!atomic_load(&stop_working) && !lister.wrong && monotonic_us() < end &&
           (atomic_load(&hits[0]) < ENOUGH_INTERRUPTED || atomic_load(&hits[1]) < ENOUGH_ENDED ||
            atomic_load(&untouched) < ENOUGH_UNTOUCHED))
        kill_by_the_list(&lister);
    int wrong = stop_working_and_look();
    if (atomic_load(&unanswered))
        say_who_is_silent();
    if (lister.wrong)
        fail_msg("%s", lister.why);
    mysql_close(lister.connection);
    assert_int_equal(wrong, 0);
    if (monotonic_us() >= end)
        fail_msg("%d and %d hits, %d rounds of others", hits[0], hits[1], untouched);
}

/* Who is killed while his own KILL is under way goes on; the answer to that, when it comes, is not for what
 * he asks then. */
static void *kill_in_turn(void *arg)
{
    enum { ROUNDS = 400 };
    struct client *client = arg, *other = &clients[(client->number + 1) % KILLERS];
    for (int i = 0; i < ROUNDS && !client->wrong; i++) {
        client->began = monotonic_us();
        if (sql_run(client->connection, "KILL QUERY %lu", atomic_load(&other->id)) && !was_hit(client))
            note_wrong(client, "KILL", NULL);
        if (sql_run(client->connection, "KILL QUERY %lu", atomic_load(&client->id) ^ 0x800000) !=
                NO_SUCH_THREAD &&
            !was_hit(client))
            note_wrong(client, "KILL of nobody", NULL);
    }
    return NULL;
}

static void each_kill_gets_its_own_answer(void **state)
{
    (void)state;
    memset(clients, 0, sizeof clients);
    for (int i = 0; i < KILLERS; i++) {
        clients[i].number = i;
        log_in_again(&clients[i]);
    }
    for (int i = 0; i < KILLERS; i++)
        pthread_create(&clients[i].thread, NULL, kill_in_turn, &clients[i]);
    for (int i = 0; i < KILLERS; i++)
        pthread_join(clients[i].thread, NULL);
    for (int i = 0; i < KILLERS; i++) {
        if (clients[i].wrong)
            fail_msg("%s", clients[i].why);
        mysql_close(clients[i].connection);
    }
}

/* --- what a target sees --- */

struct scene {
    const char *before;  /* the target's */
    const char *running; /* NULL: the target is idle */
    const char *kill;    /* with its id */
    const char *after;   /* what it asks afterwards */
};

/* For longer than anybody waits: what goes on with it in secret shows. */
#define SLEEPS     "SELECT /* target */ SLEEP(60)"
#define LAST_ERROR "GET DIAGNOSTICS CONDITION 1 @words = MESSAGE_TEXT; SELECT @words"

static const struct scene scenes[] = {
    {NULL, SLEEPS, "KILL QUERY %lu", "SELECT 5"},
    {NULL, SLEEPS, "KILL %lu", "SELECT 5"},
    {NULL, SLEEPS, "KILL CONNECTION %lu", "SELECT 5"},
    {NULL, SLEEPS, "KILL HARD QUERY %lu", "SELECT 5"},
    {NULL, SLEEPS ", id FROM item", "KILL QUERY %lu", "SELECT 5"},
    {NULL, "DO /* target */ SLEEP(60)", "KILL QUERY %lu", "SELECT 5"},
    {NULL, "DO /* target */ SLEEP(60)", "KILL %lu", "SELECT 5"},
    {NULL, NULL, "KILL QUERY %lu", "SELECT 5"},
    {NULL, NULL, "KILL %lu", "SELECT 5"},
    {"SET @mine = 5", SLEEPS, "KILL QUERY %lu", "SELECT @mine"},
    {"BEGIN; UPDATE item SET name = 'mine' WHERE id = 90", SLEEPS, "KILL QUERY %lu",
     "SELECT name FROM item WHERE id = 90"},
    {"BEGIN; UPDATE item SET name = 'mine' WHERE id = 90", NULL, "KILL QUERY %lu",
     "SELECT name FROM item WHERE id = 90"},
    {"BEGIN; UPDATE item SET name = 'mine' WHERE id = 90", SLEEPS, "KILL %lu", "SELECT 5"},
    {"BEGIN; UPDATE item SET name = 'mine' WHERE id = 90", NULL, "KILL %lu", "SELECT 5"},
    {"CREATE TEMPORARY TABLE own SELECT 6 AS a", SLEEPS, "KILL QUERY %lu", "SELECT a FROM own"},
    {"CREATE TEMPORARY TABLE own SELECT 6 AS a", SLEEPS, "KILL QUERY %lu", LAST_ERROR},
    {NULL, SLEEPS, "KILL QUERY %lu", LAST_ERROR},
};
enum { SCENES = sizeof scenes / sizeof *scenes };

struct outcome {
    unsigned killed, killer, afterwards; /* errors */
    char words[200], value[50];
};

/* A connection's end is seen by one or by the other, by chance. */
static unsigned code_of(MYSQL *client)
{
    unsigned error = mysql_errno(client);
    return error == GONE ? LOST : error;
}

static void *run_statement(void *arg)
{
    sql_run(((void **)arg)[0], "%s", (const char *)((void **)arg)[1]);
    return NULL;
}

static struct outcome play(MYSQL *target, MYSQL *killer, const struct scene *scene)
{
    void *arguments[] = {target, (void *)(uintptr_t)scene->running};
    struct outcome outcome = {0};
    pthread_t thread;
    if (scene->before)
        assert_int_equal(sql_run(target, "%s", scene->before), 0);
    if (scene->running) {
        pthread_create(&thread, NULL, run_statement, arguments);
        assert_true(wait_for(sleeps, arguments[1], PATIENCE_MS));
    }
    char kill[50];
    snprintf(kill, sizeof kill, scene->kill, mysql_thread_id(target));
    outcome.killer = sql_run(killer, "%s", kill);
    if (scene->running) {
        pthread_join(thread, NULL);
        outcome.killed = code_of(target);
        if (outcome.killed < 2000)
            snprintf(outcome.words, sizeof outcome.words, "%s %s", mysql_sqlstate(target),
                     mysql_error(target));
    }
    char *value = sql_value(target, "%s", scene->after);
    outcome.afterwards = code_of(target);
    snprintf(outcome.value, sizeof outcome.value, "%s", value ? value : "nothing");
    free(value);
    return outcome;
}

static void a_target_sees_what_a_server_shows(void **state)
{
    int wrong = 0;
    (void)state;
    for (int i = 0; i < SCENES; i++) {
        MYSQL *ends[4];
        for (int end = 0; end < 4; end++)
            assert_non_null(
                ends[end] = connect_to(end < 2 ? set->server[0].port : proxy->port, &cluster_app, ANSWER_S));
        struct outcome direct = play(ends[0], ends[1], &scenes[i]);
        mysql_close(ends[0]); /* it may hold a lock */
        struct outcome proxied = play(ends[2], ends[3], &scenes[i]);
        if (memcmp(&direct, &proxied, sizeof direct) != 0 && ++wrong)
            fprintf(
                stderr,
                "%s, %s, %s:\n  a server: %u '%s', killer %u, then %u %s\n  the proxy: %u '%s', killer %u, "
                "then %u %s\n",
                scenes[i].before ? scenes[i].before : "-", scenes[i].running ? scenes[i].running : "idle",
                scenes[i].kill, direct.killed, direct.words, direct.killer, direct.afterwards, direct.value,
                proxied.killed, proxied.words, proxied.killer, proxied.afterwards, proxied.value);
        for (int end = 1; end < 4; end++)
            mysql_close(ends[end]);
        assert_true(wait_for(runs_no_more, (void *)(uintptr_t)SLEEPS, PATIENCE_MS)); /* KILL stops it there */
    }
    assert_int_equal(wrong, 0);
}

/* --- who may not, and what isn't there --- */

static void assert_refused(MYSQL *killer, unsigned long id, unsigned code, const char *words)
{
    char expected[100];
    snprintf(expected, sizeof expected, words, id);
    for (int query = 0; query < 2; query++) {
        unsigned error = sql_run(killer, "KILL %s %lu", query ? "QUERY" : "", id);
        if (error != code || strcmp(mysql_error(killer), expected) != 0)
            fail_msg("KILL %lu: %u %s", id, error, mysql_error(killer));
    }
    assert_int_equal(sql_number(killer, "SELECT 5"), 5);
}

/* The KILL itself is what fails, and in the same words. */
static void who_kills_himself_sees_what_a_server_shows(void **state)
{
    static const char *const kills[] = {"KILL QUERY CONNECTION_ID()", "KILL CONNECTION_ID()"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char words[2][200];
        for (int end = 0; end < 2; end++) {
            MYSQL *client = connect_to(end ? proxy->port : set->server[0].port, &cluster_app, ANSWER_S);
            assert_non_null(client);
            unsigned error = sql_run(client, "%s", kills[i]);
            snprintf(words[end], sizeof words[end], "%u %s %s", error, mysql_sqlstate(client),
                     mysql_error(client));
            assert_int_equal(sql_number(client, "SELECT 5"), i == 0 ? 5 : -1);
            mysql_close(client);
        }
        assert_string_equal(words[1], words[0]);
    }
}

static void others_and_nobody_can_not_be_killed(void **state)
{
    (void)state;
    MYSQL *app = log_in(proxy, &cluster_app), *report = log_in(proxy, &cluster_report);
    void *arguments[] = {report, (void *)(uintptr_t) "SELECT /* target */ SLEEP(0.5)"};
    pthread_t thread;
    pthread_create(&thread, NULL, run_statement, arguments);
    assert_true(wait_for(sleeps, arguments[1], PATIENCE_MS));
    assert_refused(app, mysql_thread_id(report), DENIED, "You are not owner of thread %lu");
    pthread_join(thread, NULL);
    assert_int_equal(mysql_errno(report), 0);
    assert_refused(report, mysql_thread_id(app), DENIED, "You are not owner of thread %lu");
    assert_refused(app, mysql_thread_id(app) + 0x800000, NO_SUCH_THREAD, "Unknown thread id: %lu");
    assert_refused(app, 0xffffffff, NO_SUCH_THREAD, "Unknown thread id: %lu");
    assert_refused(app, 0x7fffffff, NO_SUCH_THREAD, "Unknown thread id: %lu"); /* the primary says so */
    mysql_close(report);
    mysql_close(app);
}

/* An id below 2^31 is a server's: the primary's, and no other is asked. */
static void an_id_of_a_server_goes_to_the_primary(void **state)
{
    (void)state;
    MYSQL *app = log_in(proxy, &cluster_app), *direct = cluster_connect(set, 0, &cluster_app, "shop");
    unsigned long id = mysql_thread_id(direct);
    char text[50];
    long marks[SERVERS];
    snprintf(text, sizeof text, "KILL QUERY %lu", id);
    for (int i = 0; i < SERVERS; i++)
        marks[i] = general_log_mark(&set->server[i]);
    void *arguments[] = {direct, (void *)(uintptr_t)SLEEPS};
    pthread_t thread;
    pthread_create(&thread, NULL, run_statement, arguments);
    assert_true(wait_for(sleeps, arguments[1], PATIENCE_MS));
    assert_int_equal(sql_run(app, "%s", text), 0);
    pthread_join(thread, NULL);
    assert_int_equal(mysql_errno(direct), INTERRUPTED);
    assert_int_equal(general_log_count(&set->server[0], marks[0], text), 1);
    for (int i = 1; i < SERVERS; i++)
        assert_int_equal(general_log_count(&set->server[i], marks[i], text), 0);
    assert_int_equal(sql_run(app, "KILL %lu", id), 0);
    assert_int_not_equal(sql_run(direct, "SELECT 5"), 0);
    mysql_close(direct);
    mysql_close(app);
}

/* As the client library's mysql_kill() has it. */
static void com_process_kill_means_sessions_too(void **state)
{
    (void)state;
    MYSQL *app = log_in(proxy, &cluster_app), *other = log_in(proxy, &cluster_app),
          *direct = cluster_connect(set, 0, &cluster_app, "shop");
    assert_int_equal(mysql_kill(app, mysql_thread_id(other)), 0);
    assert_int_not_equal(sql_run(other, "SELECT 5"), 0);
    assert_int_equal(mysql_kill(app, mysql_thread_id(direct)), 0); /* a server's: the primary's */
    assert_int_not_equal(sql_run(direct, "SELECT 5"), 0);
    assert_int_not_equal(mysql_kill(app, 0x7fffffff), 0);
    assert_int_equal(mysql_errno(app), NO_SUCH_THREAD);
    assert_int_equal(sql_number(app, "SELECT 5"), 5);
    mysql_close(direct);
    mysql_close(other);
    mysql_close(app);
}

/* --- a KILL that can't be delivered --- */

/* The target's server hangs, and no new connection to it can be made. Its number there means somebody else
 * on every other server. */
static void what_can_not_be_delivered_goes_nowhere_else(void **state)
{
    static const char text[] = "SELECT /* target */ /* pointsman: server=db2 */ SLEEP(1) + 5";
    (void)state;
    MYSQL *target = log_in(hasty, &cluster_app), *killer = log_in(hasty, &cluster_app);
    void *arguments[] = {target, (void *)(uintptr_t)text};
    pthread_t thread;
    long mark = general_log_mark(&set->server[0]), mark3 = general_log_mark(&set->server[2]);
    pthread_create(&thread, NULL, run_statement, arguments);
    assert_true(wait_for(sleeps, arguments[1], PATIENCE_MS));
    assert_true(cluster_freeze(set, 1));
    assert_int_equal(sql_run(killer, "KILL QUERY %lu", mysql_thread_id(target)), 0);
    pthread_join(thread, NULL); /* once db2 counts as down; it is not begun again elsewhere */
    assert_int_equal(mysql_errno(target), INTERRUPTED);
    assert_true(cluster_thaw(set, 1));
    assert_int_equal(general_log_count(&set->server[0], mark, "KILL"), 0);
    assert_int_equal(general_log_count(&set->server[2], mark3, "KILL"), 0);
    assert_int_equal(sql_number(target, "SELECT 5"), 5);
    mysql_close(target);
    mysql_close(killer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_hit_who_was_not_named),
        cmocka_unit_test(each_kill_gets_its_own_answer),
        cmocka_unit_test(a_target_sees_what_a_server_shows),
        cmocka_unit_test(who_kills_himself_sees_what_a_server_shows),
        cmocka_unit_test(others_and_nobody_can_not_be_killed),
        cmocka_unit_test(an_id_of_a_server_goes_to_the_primary),
        cmocka_unit_test(com_process_kill_means_sessions_too),
        cmocka_unit_test(what_can_not_be_delivered_goes_nowhere_else),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
