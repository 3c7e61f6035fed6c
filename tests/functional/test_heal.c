/*
 * test_heal.c - misroutes: what a replica can't run yet, or can't run at all, runs on the primary, and the
 *               client sees only that.
 *
 *   hold()   replicas apply nothing (FLUSH TABLES WITH READ LOCK: the SQL thread waits, which no monitor can
 *            tell from an idle one; a stopped thread would be seen, and nothing be read there)
 *   change ──> primary        read ──> proxy ──> a replica: error ──> the primary: answer ──> client
 *   release()
 *
 * That the replicas would have given the error is asked of them directly, by the same account.
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

enum { PATIENCE_MS = 15000, SERVERS = 3 };

static struct cluster *set;
static struct pointsman *proxy;
static MYSQL *console, *locks[SERVERS];

static const struct cluster_account boss = {"boss", "boss-secret"}; /* writes on read-only servers */
static const struct cluster_account newcomer = {"newcomer", "newcomer-secret"}; /* only the primary's */
static const struct cluster_account settler = {"settler", "settler-secret"};    /* the same, in a schema */

static int start_all(void **state)
{
    static const char *const objects[] = {
        "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40))",
        "INSERT INTO shop.item SELECT seq, CONCAT('item ', seq) FROM shop.seq_1_to_100",
        "CREATE TABLE shop.bumped (a INT)",
        "CREATE FUNCTION shop.bump() RETURNS INT BEGIN INSERT INTO shop.bumped VALUES (1); RETURN 42; END",
        "CREATE FUNCTION shop.bump_more() RETURNS INT BEGIN INSERT INTO bumped VALUES (1); RETURN 43; END",
        "CREATE DATABASE vault",
        "CREATE TABLE vault.gold (bars INT)",
        "INSERT INTO vault.gold VALUES (12)",
        "CREATE TABLE vault.silver (bars INT)",
        "CREATE TRIGGER vault.weigh BEFORE INSERT ON vault.gold FOR EACH ROW SET NEW.bars = 1",
        "GRANT ALL ON annex.* TO app@'%'",
        "CREATE USER boss@'%' IDENTIFIED BY 'boss-secret'",
        "GRANT ALL ON shop.* TO boss@'%'"};
    const struct cluster_account anybody = {"whoever", "whatever"};
    /* One worker: each remembers its misroutes for itself. */
    const struct pointsman_options options = {
        .pointsman = "workers = 1\n",
        .more = "[routing]\nmax_lag = 1h\nsafe_functions = bump, bump_more, fresh_function\n"
                "[failover]\nmode = off\n"};
    bool made = (set = cluster_start(&(struct cluster_options){.servers = SERVERS}));
    (void)state;
    made = made && cluster_numbers(set, "shop", 1, 100) && cluster_numbers(set, "shop", 0, 40);
    for (size_t i = 0; made && i < sizeof objects / sizeof *objects; i++)
        made = cluster_sql(set, 0, "%s", objects[i]) == 0;
    made = made &&
           cluster_sql(set, 0, "GRANT %s ON *.* TO boss@'%%'",
                       set->options.flavour == CLUSTER_MYSQL ? "CONNECTION_ADMIN" : "READ ONLY ADMIN") == 0;
    if (made && cluster_sync(set, 0, PATIENCE_MS) && (proxy = pointsman_start(set, &options)) &&
        (console = sql_connect(NULL, proxy->admin_port, &anybody, NULL, 0)))
        return 0;
    cluster_stop(set);
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

static MYSQL *log_in(const struct cluster_account *account, const char *schema)
{
    MYSQL *client = sql_connect(NULL, proxy->port, account, schema, CLIENT_MULTI_STATEMENTS);
    if (!client)
        fail_msg("no login as %s", account->user);
    return client;
}

/* A figure of SHOW STATUS. */
static long long figure(const char *name)
{
    char statement[80];
    snprintf(statement, sizeof statement, "SHOW STATUS LIKE '%s'", name);
    char *value = sql_column(console, statement, "value");
    long long number = value ? atoll(value) : -1;
    free(value);
    return number;
}

static bool is_used(void *arg)
{
    char statement[80];
    snprintf(statement, sizeof statement, "SHOW SERVERS LIKE '%s'", (const char *)arg);
    char *state = sql_column(console, statement, "state");
    bool online = state && strcmp(state, "online") == 0;
    free(state);
    return online;
}

static void await_use(const char *server)
{
    if (!wait_for(is_used, (void *)(uintptr_t)server, PATIENCE_MS))
        fail_msg("%s is not used", server);
}

/* --- replicas that fall behind --- */

static void hold(void)
{
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    for (int i = 1; i < SERVERS; i++) {
        locks[i] = cluster_connect(set, i, &cluster_root, NULL);
        assert_non_null(locks[i]);
        assert_int_equal(sql_run(locks[i], "FLUSH TABLES WITH READ LOCK"), 0);
    }
}

static void release(int server)
{
    if (locks[server])
        mysql_close(locks[server]);
    locks[server] = NULL;
}

static void release_all(void)
{
    for (int i = 1; i < SERVERS; i++)
        release(i);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
}

/* A test that failed in the middle leaves no lock behind. */
static int let_go(void **state)
{
    (void)state;
    for (int i = 1; i < SERVERS; i++)
        release(i);
    return 0;
}

static void change(const char *statement)
{
    if (cluster_sql(set, 0, "%s", statement))
        fail_msg("%s", statement);
}

/* --- the table --- */

struct misroute {
    unsigned code; /* a replica's */
    const struct cluster_account *account;
    const char *change; /* on the primary, not yet on the replicas; NULL: nothing, they differ anyway */
    const char *read;
    const char *value; /* the primary's */
};

static const struct misroute misroutes[] = {
    {1146, &cluster_app, "CREATE TABLE shop.fresh SELECT 7 AS a", "SELECT a FROM fresh", "7"},
    {1146, &cluster_app, NULL, "SELECT a FROM item JOIN shop.fresh ON id = a WHERE id < 50", "7"},
    {1146, &cluster_app, NULL, "DESCRIBE fresh", "a"},
    {1146, &cluster_app, "CREATE VIEW shop.v_fresh AS SELECT a + 1 AS b FROM shop.fresh",
     "SELECT b FROM v_fresh", "8"},
    {1049, &cluster_app, "CREATE DATABASE annex", "SHOW CREATE DATABASE annex", "annex"},
    {1049, &cluster_app, "CREATE TABLE annex.room (id INT)", "SHOW TABLES FROM annex", "room"},
    {1054, &cluster_app, "ALTER TABLE shop.item ADD colour INT DEFAULT 3",
     "SELECT colour FROM item WHERE id = 4", "3"},
    {1305, &cluster_app, "CREATE FUNCTION shop.fresh_function() RETURNS INT RETURN 9",
     "SELECT fresh_function()", "9"},
    {1305, &cluster_app, NULL, "SHOW CREATE FUNCTION fresh_function", "fresh_function"},
    {1142, &cluster_report, "GRANT SELECT, TRIGGER ON vault.gold TO report@'%'",
     "SELECT bars FROM vault.gold", "12"},
    {1227, &cluster_report, NULL, "SHOW CREATE TRIGGER vault.weigh", "weigh"},
    {1044, &cluster_report, "GRANT SELECT ON vault.silver TO report@'%'", "SHOW TABLES FROM vault", "gold"},
};
enum { MISROUTES = sizeof misroutes / sizeof *misroutes };

/* The replicas say what they must for the test to mean anything. */
static int replicas_refuse(const struct misroute *row)
{
    int wrong = 0;
    for (int i = 1; i < SERVERS; i++) {
        MYSQL *direct = cluster_connect(set, i, row->account, "shop");
        assert_non_null(direct);
        unsigned error = sql_run(direct, "%s", row->read);
        if (error != row->code && ++wrong)
            fprintf(stderr, "%s: a replica says %u, not %u\n", row->read, error, row->code);
        mysql_close(direct);
    }
    return wrong;
}

/* Reads it as `client`, and says what was otherwise. */
static int heals(MYSQL *client, const struct misroute *row)
{
    long long before = figure("heals"), there = figure("routed_primary_healed");
    char *value = sql_value(client, "%s", row->read);
    unsigned error = mysql_errno(client);
    bool right = !error && value && strcmp(value, row->value) == 0;
    if (!right)
        fprintf(stderr, "%s: %s, not %s (%u %s)\n", row->read, value ? value : "nothing", row->value, error,
                mysql_error(client));
    free(value);
    long long more = figure("heals") - before, more_there = figure("routed_primary_healed") - there;
    if (more != 1 || more_there != 1)
        fprintf(stderr, "%s: %lld heals, %lld of them on the primary, not 1\n", row->read, more, more_there);
    return !right || more != 1 || more_there != 1;
}

static void what_has_not_arrived_is_read_from_the_primary(void **state)
{
    int wrong = 0;
    (void)state;
    hold();
    for (int i = 0; i < MISROUTES; i++)
        if (misroutes[i].change)
            change(misroutes[i].change);
    for (int i = 0; i < MISROUTES; i++) {
        MYSQL *client = log_in(misroutes[i].account, "shop");
        wrong += replicas_refuse(&misroutes[i]);
        wrong += heals(client, &misroutes[i]);
        mysql_close(client);
    }
    release_all();
    assert_int_equal(wrong, 0);
}

static long long bumped(void)
{
    return sql_number(set->server[0].root, "SELECT COUNT(*) FROM shop.bumped");
}

/* A function that was listed as harmless and isn't. It runs once where it may. */
static void what_a_read_only_server_refuses(void **state)
{
    static const struct misroute row = {1290, &cluster_app, NULL, "SELECT bump()", "42"};
    (void)state;
    MYSQL *client = log_in(&cluster_app, "shop");
    long long before = bumped();
    int wrong = replicas_refuse(&row) + heals(client, &row);
    assert_int_equal(bumped(), before + 1);
    mysql_close(client);
    assert_int_equal(wrong, 0);
}

static void what_a_read_only_transaction_refuses(void **state)
{
    static const struct misroute row = {1792, &boss, NULL, "SELECT bump_more()", "43"};
    (void)state;
    assert_int_equal(cluster_sql(set, 1, "SET GLOBAL tx_read_only = 1"), 0);
    assert_int_equal(cluster_sql(set, 2, "SET GLOBAL tx_read_only = 1"), 0);
    MYSQL *client = log_in(&boss, "shop"); /* its first connections */
    long long before = bumped();
    int wrong = replicas_refuse(&row) + heals(client, &row);
    assert_int_equal(bumped(), before + 1);
    assert_int_equal(cluster_sql(set, 1, "SET GLOBAL tx_read_only = 0"), 0);
    assert_int_equal(cluster_sql(set, 2, "SET GLOBAL tx_read_only = 0"), 0);
    mysql_close(client);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    assert_int_equal(wrong, 0);
}

/* Only an account that may write on read-only servers gets as far as the engine's own refusal, which comes
 * behind the columns' definitions. */
static void what_a_read_only_engine_refuses(void **state)
{
    static const struct misroute row = {1836, &boss, NULL,
                                        "SELECT /* pointsman: server=db2 */ bump() + bump_more()", "85"};
    static const char *const read_only[] = {"--innodb-read-only", NULL};
    const char *const *usual = set->options.args;
    (void)state;
    assert_true(cluster_shut_down(set, 1));
    set->options.args = read_only;
    assert_true(cluster_launch(set, 1));
    set->options.args = usual;
    await_use("db2");
    MYSQL *direct = cluster_connect(set, 1, &boss, "shop"), *client = log_in(&boss, "shop");
    assert_int_equal(sql_run(direct, "%s", row.read), row.code);
    long long before = bumped();
    int wrong = heals(client, &row);
    assert_int_equal(bumped(), before + 2);
    mysql_close(direct);
    mysql_close(client);
    assert_true(cluster_shut_down(set, 1));
    assert_true(cluster_launch(set, 1));
    await_use("db2");
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    assert_int_equal(wrong, 0);
}

/* --- accounts --- */

static bool lets_in(void *arg)
{
    const struct cluster_account *account = arg;
    MYSQL *client = sql_connect(NULL, proxy->port, account, NULL, 0);
    if (client)
        mysql_close(client);
    return client;
}

/* The proxy knows an account from the primary at its next look; what else is needed is asked of a replica
 * that doesn't. */
static void an_account_that_only_the_primary_has(void **state)
{
    (void)state;
    hold();
    change("CREATE USER newcomer@'%' IDENTIFIED BY 'newcomer-secret'");
    change("GRANT SELECT ON shop.* TO newcomer@'%'");
    assert_true(wait_for(lets_in, (void *)(uintptr_t)&newcomer, PATIENCE_MS));
    for (int i = 1; i < SERVERS; i++)
        assert_null(cluster_connect(set, i, &newcomer, NULL)); /* 1045 */
    long long before = figure("heals");
    MYSQL *client = log_in(&newcomer, NULL);
    char *name = sql_value(client, "SELECT name FROM shop.item WHERE id = 5");
    if (!name || strcmp(name, "item 5") != 0)
        fail_msg("%s (%u %s)", name ? name : "nothing", mysql_errno(client), mysql_error(client));
    free(name);
    assert_true(figure("heals") > before);
    mysql_close(client);
    release_all();
}

/* The schema that a login names is tried on a server before the login is granted. */
static void a_login_into_a_schema_that_only_the_primary_has(void **state)
{
    (void)state;
    change("CREATE USER settler@'%' IDENTIFIED BY 'settler-secret'");
    change("GRANT ALL ON land.* TO settler@'%'");
    hold();
    assert_true(wait_for(lets_in, (void *)(uintptr_t)&settler, PATIENCE_MS));
    change("CREATE DATABASE land");
    change("CREATE TABLE land.house SELECT 5 AS number");
    for (int i = 1; i < SERVERS; i++)
        assert_null(cluster_connect(set, i, &settler, "land")); /* 1049 */
    MYSQL *client = log_in(&settler, "land");
    assert_int_equal(sql_number(client, "SELECT number FROM house"), 5);
    assert_int_equal(sql_number(client, "SELECT MAX(number) FROM house"), 5);
    mysql_close(client);
    release_all();
}

/* USE may run anywhere; the schema is then carried to replicas that lack it. */
static void a_schema_that_only_the_primary_has(void **state)
{
    (void)state;
    change("GRANT ALL ON annex2.* TO app@'%'");
    hold();
    change("CREATE DATABASE annex2");
    change("CREATE TABLE annex2.room SELECT 6 AS number");
    MYSQL *client = log_in(&cluster_app, "shop");
    assert_int_equal(mysql_select_db(client, "annex2"), 0);
    assert_int_equal(sql_number(client, "SELECT number FROM room"), 6);
    assert_int_equal(sql_run(client, "USE shop"), 0);
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100);
    assert_int_equal(sql_run(client, "USE annex2"), 0);
    assert_int_equal(sql_number(client, "SELECT MAX(number) FROM room"), 6);
    mysql_close(client);
    release_all();
}

/* --- errors that stay errors --- */

struct refusal {
    unsigned code; /* the primary's, after the replica's */
    const char *words;
    const char *read; /* {m} is where it is marked */
};

static int ran(const char *marker, const long *marks, int from, int to)
{
    int sum = 0;
    for (int i = from; i < to; i++)
        sum += general_log_count(&set->server[i], marks[i], marker);
    return sum;
}

/* What the primary refuses as well reaches the client once, in its words; it ran once on each. */
static void what_the_primary_refuses_too(void **state)
{
    static const struct refusal rows[] = {
        {1146, "Table 'shop.no_such' doesn't exist", "SELECT /* {m1} */ * FROM no_such"},
        {1054, "Unknown column 'c' in 'SELECT'", "SELECT /* {m2} */ c FROM half"}, /* replicas: 1146 */
        {1142, "SELECT command denied to user", "SELECT /* {m3} */ Host FROM vault.silver"},
        {1305, "FUNCTION no_function does not exist", "SHOW CREATE /* {m4} */ FUNCTION no_function"},
        {1049, "Unknown database 'annex3'", "SHOW /* {m5} */ TABLES FROM annex3"},
    };
    int wrong = 0;
    (void)state;
    change("GRANT ALL ON annex3.* TO app@'%'");
    hold();
    change("CREATE TABLE shop.half (a INT)");
    MYSQL *client = log_in(&cluster_app, "shop");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct refusal *row = &rows[i];
        char marker[8];
        long marks[SERVERS];
        snprintf(marker, sizeof marker, "{m%zu}", i + 1);
        for (int at = 0; at < SERVERS; at++)
            marks[at] = general_log_mark(&set->server[at]);
        long long before = figure("heals");
        unsigned error = sql_run(client, "%s", row->read);
        bool right = error == row->code && strstr(mysql_error(client), row->words);
        int primary = ran(marker, marks, 0, 1), replicas = ran(marker, marks, 1, SERVERS);
        long long healed = figure("heals") - before;
        if ((!right || primary != 1 || replicas != 1 || healed != 1) && ++wrong)
            fprintf(stderr, "%s: %u %s, %d times on the primary, %d times on replicas, %lld heals\n",
                    row->read, error, mysql_error(client), primary, replicas, healed);
        char *shown = sql_column(client, "SHOW WARNINGS", "Code");
        if ((!shown || atoi(shown) != (int)row->code) && ++wrong)
            fprintf(stderr, "%s: SHOW WARNINGS tells of %s\n", row->read, shown ? shown : "nothing");
        free(shown);
    }
    mysql_close(client);
    release_all();
    assert_int_equal(wrong, 0);
}

/* Within a transaction and behind an answer that the client has, a replica's error is the answer. */
static void what_can_not_be_taken_back_is_not_tried_again(void **state)
{
    (void)state;
    hold();
    change("CREATE TABLE shop.late SELECT 1 AS a");
    long long before = figure("heals");
    MYSQL *client = log_in(&cluster_app, "shop");
    assert_int_equal(sql_run(client, "START TRANSACTION READ ONLY"), 0);
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100);
    assert_int_equal(sql_run(client, "SELECT a FROM late"), 1146);
    assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM item"), 100); /* still in it */
    assert_int_equal(sql_run(client, "COMMIT"), 0);
    assert_int_equal(mysql_query(client, "SELECT MAX(id) FROM item; SELECT MAX(a) FROM late"), 0);
    MYSQL_RES *result = mysql_store_result(client);
    assert_string_equal(mysql_fetch_row(result)[0], "100");
    mysql_free_result(result);
    assert_true(mysql_next_result(client) > 0);
    assert_int_equal(mysql_errno(client), 1146);
    assert_int_equal(figure("heals"), before);
    assert_int_equal(sql_number(client, "SELECT COUNT(a) FROM late"), 1);
    assert_int_equal(figure("heals"), before + 1);
    mysql_close(client);
    release_all();
}

/* A session that holds the primary for something else reads elsewhere, and heals as others do. */
static void a_session_that_holds_a_connection(void **state)
{
    (void)state;
    MYSQL *client = log_in(&cluster_app, "shop");
    assert_int_equal(sql_run(client, "CREATE TEMPORARY TABLE mine SELECT 11 AS a"), 0);
    hold();
    change("CREATE TABLE shop.theirs SELECT 12 AS a");
    long long before = figure("heals");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sql_number(client, "SELECT a FROM theirs WHERE %d < 5", i), 12);
        assert_int_equal(sql_number(client, "SELECT a FROM mine"), 11);
    }
    assert_int_equal(figure("heals"), before + 1);
    assert_int_equal(sql_run(client, "SELECT b FROM theirs"), 1054);
    char *shown = sql_column(client, "SHOW WARNINGS", "Code");
    assert_non_null(shown);
    assert_string_equal(shown, "1054");
    free(shown);
    assert_int_equal(sql_number(client, "SELECT a FROM mine"), 11);
    mysql_close(client);
    release_all();
}

/* --- for how long --- */

struct reading {
    MYSQL *client;
    int least, most; /* server ids */
};

static bool reads_there(void *arg)
{
    const struct reading *reading = arg;
    long long id = sql_number(reading->client, "SELECT @@server_id FROM arrived");
    if (id < 0)
        fail_msg("%u %s", mysql_errno(reading->client), mysql_error(reading->client));
    return id >= reading->least && id <= reading->most;
}

static bool has_arrived_at(void *arg)
{
    return sql_number(set->server[*(int *)arg].root, "SELECT COUNT(*) FROM shop.arrived") == 1;
}

/* Statements of that kind go to the primary until the last replica has the change, then to replicas again. */
static void the_kind_stays_on_the_primary_until_all_have_it(void **state)
{
    enum { READS = 200 };
    (void)state;
    MYSQL *client = log_in(&cluster_app, "shop");
    struct reading primary = {client, 1, 1}, replica = {client, 2, 3};
    hold();
    change("CREATE TABLE shop.arrived SELECT 1 AS a");
    long long before = figure("heals");
    for (int i = 0; i < READS; i++)
        assert_true(reads_there(&primary));
    assert_int_equal(figure("heals"), before + 1);
    release(1);
    assert_true(wait_for(has_arrived_at, &(int){1}, PATIENCE_MS));
    for (int i = 0; i < READS; i++)
        assert_true(reads_there(&primary));
    release_all();
    assert_true(wait_for(reads_there, &replica, PATIENCE_MS));
    for (int i = 0; i < READS; i++)
        assert_true(reads_there(&replica));
    assert_int_equal(figure("heals"), before + 1);
    mysql_close(client);
}

/* --- many at once, on shared connections --- */

enum { READERS = 32 };
static atomic_bool stop_reading;
static atomic_int reads;

static void *keep_reading(void *arg)
{
    intptr_t id = (intptr_t)arg, wrong = 0;
    char expected[20];
    snprintf(expected, sizeof expected, "quick %ld", (long)id);
    MYSQL *client = log_in(&cluster_app, "shop");
    while (!atomic_load(&stop_reading)) {
        char *name = sql_value(client, "SELECT name FROM quick WHERE id = %ld", (long)id);
        if ((!name || strcmp(name, expected) != 0) && !wrong++)
            fprintf(stderr, "%s, not %s (%u %s)\n", name ? name : "nothing", expected, mysql_errno(client),
                    mysql_error(client));
        free(name);
        atomic_fetch_add(&reads, 1);
    }
    mysql_close(client);
    return (void *)wrong;
}

static bool has_read(void *count)
{
    return atomic_load(&reads) >= *(int *)count;
}

static void await_reads(int more)
{
    int count = atomic_load(&reads) + more;
    assert_true(wait_for(has_read, &count, PATIENCE_MS));
}

/* The table goes and comes on the replicas alone, under those who read it. */
static void those_who_share_a_connection_heal_each_for_himself(void **state)
{
    enum { TURNS = 5 };
    pthread_t threads[READERS];
    (void)state;
    change("CREATE TABLE shop.quick (id INT PRIMARY KEY, name VARCHAR(40))");
    change("INSERT INTO shop.quick SELECT seq, CONCAT('quick ', seq) FROM shop.seq_0_to_40");
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    long long healed = figure("heals"), shared = figure("shared");
    for (intptr_t i = 0; i < READERS; i++)
        pthread_create(&threads[i], NULL, keep_reading, (void *)i);
    for (int turn = 0; turn < TURNS; turn++) {
        await_reads(500);
        for (int i = 1; i < SERVERS; i++)
            assert_int_equal(cluster_sql(set, i, "SET sql_log_bin = 0; RENAME TABLE shop.quick TO shop.away"),
                             0);
        await_reads(500);
        for (int i = 1; i < SERVERS; i++)
            assert_int_equal(cluster_sql(set, i, "RENAME TABLE shop.away TO shop.quick"), 0);
    }
    atomic_store(&stop_reading, true);
    intptr_t wrong = 0;
    for (int i = 0; i < READERS; i++) {
        void *one;
        pthread_join(threads[i], &one);
        wrong += (intptr_t)one;
    }
    assert_int_equal(wrong, 0);
    assert_true(figure("heals") - healed >= TURNS);
    assert_true(figure("shared") > shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_has_not_arrived_is_read_from_the_primary, let_go),
        cmocka_unit_test(what_a_read_only_server_refuses),
        cmocka_unit_test(what_a_read_only_transaction_refuses),
        cmocka_unit_test(what_a_read_only_engine_refuses),
        cmocka_unit_test_teardown(an_account_that_only_the_primary_has, let_go),
        cmocka_unit_test_teardown(a_login_into_a_schema_that_only_the_primary_has, let_go),
        cmocka_unit_test_teardown(a_schema_that_only_the_primary_has, let_go),
        cmocka_unit_test_teardown(what_the_primary_refuses_too, let_go),
        cmocka_unit_test_teardown(what_can_not_be_taken_back_is_not_tried_again, let_go),
        cmocka_unit_test_teardown(a_session_that_holds_a_connection, let_go),
        cmocka_unit_test_teardown(the_kind_stays_on_the_primary_until_all_have_it, let_go),
        cmocka_unit_test(those_who_share_a_connection_heal_each_for_himself),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
