/*
 * test_route.c - where a statement goes: a table of (statement, session, servers, configuration) -> decision
 * for every branch, and how the shares come out over many statements.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "picture.h"

/* A row leaves out what is as in most. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define READS  "SELECT 1"
#define WRITES "INSERT INTO t VALUES (1)"
#define UNSURE "SELECT f(1)"
#define LOCKS  "SELECT a FROM t FOR UPDATE"

enum {
    WAITS = -2,
    REJECTS = -3,
    HELD = -4,
    ALWAYS = CONFIG_PRIMARY_READS_ALWAYS,
    NEVER = CONFIG_PRIMARY_READS_NEVER,
    RULE_PRIMARY = 1 + CONFIG_RULE_PRIMARY, /* 0: no rule */
    RULE_REPLICA = 1 + CONFIG_RULE_REPLICA,
    RULE_SERVER = 1 + CONFIG_RULE_SERVER, /* db3 */
    RULE_REJECT = 1 + CONFIG_RULE_REJECT,
};

struct row {
    const char *servers, *text;
    int server; /* as an index, or WAITS ... */
    unsigned reason;
    int rule, primary_reads;
    unsigned pins;
    bool autocommit_off, stay, read_only;
    uint64_t avoid, stale;
};

static const struct row rows[] = {
    /* what it is */
    {"Pr", READS, 1, SQL_REASON_READ},
    {"Pr", "SHOW TABLES", 1, SQL_REASON_READ},
    {"Pr", WRITES, 0, SQL_REASON_WRITE},
    {"rP", WRITES, 1, SQL_REASON_WRITE},
    {"Pr", LOCKS, 0, SQL_REASON_LOCKING_READ},
    {"Pr", UNSURE, 0, SQL_REASON_FUNCTION},
    {"Pr", "SELECT 1; " WRITES, 0, SQL_REASON_WRITE},
    {"Pr", "SET @a = 1", 1, SQL_REASON_SESSION_STATE},
    {"Pr", "USE shop", 1, SQL_REASON_SESSION_STATE},
    {"Pr", "BEGIN", 0, SQL_REASON_TRANSACTION},
    {"Pr", "COMMIT", 0, SQL_REASON_TRANSACTION},
    {"Pr", "START TRANSACTION READ ONLY", 1, SQL_REASON_TRANSACTION},
    {"Pr", "SET TRANSACTION READ ONLY", 1, SQL_REASON_TRANSACTION},
    {"Pr", "START TRANSACTION READ ONLY; " WRITES, 0, SQL_REASON_TRANSACTION},

    /* a session that holds a connection */
    {"Pr", READS, HELD, ROUTE_REASON_PINNED, .pins = PIN_TEMPORARY_TABLE, .stay = true},
    {"Pr", READS, 1, SQL_REASON_READ, .pins = PIN_TEMPORARY_TABLE | PIN_USER_VARIABLE | PIN_PREPARED},
    {"Pr", READS, HELD, ROUTE_REASON_PINNED, .pins = PIN_TEMPORARY_TABLE | PIN_USER_LOCK},
    {"Pr", READS, HELD, ROUTE_REASON_PINNED, .pins = PIN_TEMPORARY_TABLE, .autocommit_off = true},
    {"Pr", "SELECT @a", HELD, ROUTE_REASON_PINNED, .pins = PIN_USER_VARIABLE},
    {"Pr", "SELECT LAST_INSERT_ID()", HELD, ROUTE_REASON_PINNED, .pins = PIN_PREPARED},
    {"Pr", "SHOW WARNINGS", HELD, ROUTE_REASON_PINNED, .pins = PIN_PREPARED},
    {"Pr", WRITES, HELD, ROUTE_REASON_PINNED, .pins = PIN_TEMPORARY_TABLE},
    {"Pr", READS, HELD, ROUTE_REASON_PINNED, .pins = PIN_DIAGNOSTICS},
    {"Pr", READS, HELD, ROUTE_REASON_IN_TRANSACTION, .pins = PIN_TRANSACTION},
    {"Pr", WRITES, HELD, ROUTE_REASON_IN_TRANSACTION, .pins = PIN_TRANSACTION | PIN_TEMPORARY_TABLE},
    {"Pr", READS, HELD, ROUTE_REASON_READ_ONLY_TRANSACTION, .pins = PIN_TRANSACTION, .read_only = true},
    {"xx", READS, HELD, ROUTE_REASON_PINNED, .pins = PIN_USER_LOCK},
    {"Pr", "/* pointsman: primary */ " READS, HELD, ROUTE_REASON_PINNED, .pins = PIN_USER_LOCK},
    {"Pr", READS, HELD, ROUTE_REASON_PINNED, .pins = PIN_USER_LOCK, .rule = RULE_PRIMARY},
    {"Pr", READS, REJECTS, ROUTE_REASON_RULE, .pins = PIN_USER_LOCK, .rule = RULE_REJECT},

    /* autocommit = 0: the first statement begins a transaction, which lives on the primary */
    {"Pr", READS, 0, ROUTE_REASON_AUTOCOMMIT_OFF, .autocommit_off = true},
    {"Pr", "SET @a = 1", 1, SQL_REASON_SESSION_STATE, .autocommit_off = true},
    {"Pr", "SET autocommit = 1", 1, SQL_REASON_SESSION_STATE, .autocommit_off = true},
    {"Pr", WRITES, 0, SQL_REASON_WRITE, .autocommit_off = true},
    {"Pr", "START TRANSACTION READ ONLY", 1, SQL_REASON_TRANSACTION, .autocommit_off = true},
    {"Pr", "/* pointsman: server=db2 */ " READS, 0, ROUTE_REASON_AUTOCOMMIT_OFF, .autocommit_off = true},
    {"Pr", READS, 0, ROUTE_REASON_AUTOCOMMIT_OFF, .autocommit_off = true, .rule = RULE_REPLICA},

    /* hints: a read may go to the primary or to a certain server, a write never to a replica */
    {"Prr", "/* pointsman: primary */ " READS, 0, ROUTE_REASON_HINT},
    {"Prr", "/* pointsman: server=db3 */ " READS, 2, ROUTE_REASON_HINT},
    {"Prr", "/* pointsman: server=db1 */ " READS, 0, ROUTE_REASON_HINT},
    {"Pr0", "/* pointsman: server=db3 */ " READS, 2, ROUTE_REASON_HINT},
    {"Prr", "/* pointsman: server=db3 */ START TRANSACTION READ ONLY", 2, ROUTE_REASON_HINT},
    {"Prr", "/* pointsman: primary */ START TRANSACTION READ ONLY", 0, ROUTE_REASON_HINT},
    {"Pr", "/* pointsman: replica */ " READS, 1, SQL_REASON_READ},
    {"Pr", "/* pointsman: replica */ " WRITES, 0, SQL_REASON_WRITE},
    {"Pr", "/* pointsman: replica */ " LOCKS, 0, SQL_REASON_LOCKING_READ},
    {"Pr", "/* pointsman: replica */ " UNSURE, 0, SQL_REASON_FUNCTION},
    {"Prr", "/* pointsman: server=db3 */ " WRITES, 0, SQL_REASON_WRITE},
    {"Prr", "/* pointsman: server=db3 */ BEGIN", 0, SQL_REASON_TRANSACTION},
    {"Pr", "/* pointsman: server=db9 */ " READS, 1, SQL_REASON_READ},
    {"Prd", "/* pointsman: server=db3 */ " READS, 1, SQL_REASON_READ},
    {"Prr", "/* pointsman: server=db3 */ " READS, 1, ROUTE_REASON_HINT, .avoid = 4},

    /* max_lag */
    {"Prl", "/* pointsman: max_lag=1s */ " READS, 1, SQL_REASON_READ},
    {"Plr", "/* pointsman: max_lag=1s */ " READS, 2, SQL_REASON_READ},
    {"Pll", "/* pointsman: max_lag=1s */ " READS, 0, ROUTE_REASON_NO_REPLICA},
    {"Pl", "/* pointsman: max_lag=3s */ " READS, 1, SQL_REASON_READ},
    {"Pu", "/* pointsman: max_lag=1h */ " READS, 0, ROUTE_REASON_NO_REPLICA},
    {"Pu", READS, 1, SQL_REASON_READ},
    {"Pl", "/* pointsman: max_lag=0 */ " READS, WAITS, SQL_REASON_READ, .primary_reads = NEVER},
    {"Pr", "/* pointsman: max_lag=nonsense */ " READS, 1, SQL_REASON_READ},

    /* rules */
    {"Prr", READS, 0, ROUTE_REASON_RULE, .rule = RULE_PRIMARY},
    {"Pr", READS, 1, ROUTE_REASON_RULE, .rule = RULE_REPLICA},
    {"Prr", READS, 2, ROUTE_REASON_RULE, .rule = RULE_SERVER},
    {"Prd", READS, 1, ROUTE_REASON_RULE, .rule = RULE_SERVER},
    {"Prr", READS, 1, ROUTE_REASON_RULE, .rule = RULE_SERVER, .avoid = 4},
    {"Pr", READS, REJECTS, ROUTE_REASON_RULE, .rule = RULE_REJECT},
    {"Pr", WRITES, REJECTS, ROUTE_REASON_RULE, .rule = RULE_REJECT},
    {"Prr", "/* pointsman: primary */ " READS, 0, ROUTE_REASON_HINT, .rule = RULE_REPLICA},
    {"Prr", "START TRANSACTION READ ONLY", 0, ROUTE_REASON_RULE, .rule = RULE_PRIMARY},
    {"xr", READS, WAITS, ROUTE_REASON_RULE, .rule = RULE_PRIMARY},
    /* what isn't known to be harmless they may admit, what writes or locks never */
    {"Pr", UNSURE, 1, ROUTE_REASON_RULE, .rule = RULE_REPLICA},
    {"Prr", UNSURE, 2, ROUTE_REASON_RULE, .rule = RULE_SERVER},
    {"Pr", WRITES, 0, SQL_REASON_WRITE, .rule = RULE_REPLICA},
    {"Prr", WRITES, 0, SQL_REASON_WRITE, .rule = RULE_SERVER},
    {"Pr", LOCKS, 0, SQL_REASON_LOCKING_READ, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(1) FOR UPDATE", 0, SQL_REASON_LOCKING_READ, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(a) FROM t LOCK IN SHARE MODE", 0, SQL_REASON_LOCKING_READ, .rule = RULE_REPLICA},
    {"Pr", "SELECT GET_LOCK('a', 1)", 0, SQL_REASON_USER_LOCK, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(1), GET_LOCK('a', 1)", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "SELECT GET_LOCK('a', 1), f(1)", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(1), RELEASE_LOCK('a')", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(1), NEXTVAL(s)", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "SELECT NEXTVAL(s), f(1)", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(1) INTO OUTFILE '/tmp/x'", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(1) INTO @a", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(1), @a := 1", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(1), LAST_INSERT_ID(5)", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "SELECT f(1); SELECT f(2)", 0, SQL_REASON_FUNCTION, .rule = RULE_REPLICA},
    {"Pr", "DO f(1)", 0, 0, .rule = RULE_REPLICA},
    {"Pr", "CALL p()", 0, SQL_REASON_CALL, .rule = RULE_REPLICA},
    {"Pr", "what is this", 0, SQL_REASON_UNKNOWN, .rule = RULE_REPLICA},
    {"Pr", "BEGIN", 0, SQL_REASON_TRANSACTION, .rule = RULE_REPLICA},
    {"Pr", "LOCK TABLES t READ", 0, SQL_REASON_LOCK, .rule = RULE_REPLICA},
    {"Pr", "SET GLOBAL max_connections = 5", 0, SQL_REASON_SERVER_VARIABLE, .rule = RULE_REPLICA},

    /* primary_reads, when no replica can */
    {"P", READS, 0, ROUTE_REASON_NO_REPLICA},
    {"Px", READS, 0, ROUTE_REASON_NO_REPLICA},
    {"Pd", READS, 0, ROUTE_REASON_NO_REPLICA},
    {"P0", READS, 0, ROUTE_REASON_NO_REPLICA},
    {"Px", READS, WAITS, SQL_REASON_READ, .primary_reads = NEVER},
    {"Pr", READS, 1, SQL_REASON_READ, .primary_reads = NEVER},
    {"Px", READS, 0, SQL_REASON_READ, .primary_reads = ALWAYS},
    {"Px", "SET @a = 1", 0, ROUTE_REASON_NO_REPLICA},

    /* no primary */
    {"xr", READS, 1, SQL_REASON_READ},
    {"xr", WRITES, WAITS, SQL_REASON_WRITE},
    {"pr", WRITES, WAITS, SQL_REASON_WRITE},
    {"px", READS, 0, ROUTE_REASON_NO_REPLICA},
    {"xx", READS, WAITS, SQL_REASON_READ},
    {"xd", READS, WAITS, SQL_REASON_READ},
    {"xr", READS, WAITS, ROUTE_REASON_AUTOCOMMIT_OFF, .autocommit_off = true},
    {"xr", "/* pointsman: primary */ " READS, WAITS, ROUTE_REASON_HINT},

    /* servers that failed just now are avoided as long as another will do */
    {"Prr", READS, 2, SQL_REASON_READ, .avoid = 2},
    {"Prr", READS, 0, ROUTE_REASON_NO_REPLICA, .avoid = 6},
    {"Prr", READS, 1, SQL_REASON_READ, .avoid = 7},
    {"xr", READS, 1, SQL_REASON_READ, .avoid = 2},
    {"Pr", READS, 1, SQL_REASON_READ, .avoid = 2, .primary_reads = NEVER},
    {"P", READS, 0, ROUTE_REASON_NO_REPLICA, .avoid = 1},
    {"Px", READS, 0, ROUTE_REASON_NO_REPLICA, .avoid = 3},
    {"P", READS, WAITS, SQL_REASON_READ, .avoid = 1, .primary_reads = NEVER},
    {"Pr", WRITES, 0, SQL_REASON_WRITE, .avoid = 1},

    /* servers that may not have what the session wrote serve none of its reads, nobody else or not */
    {"Prr", READS, 2, SQL_REASON_READ, .stale = 2},
    {"Prr", READS, 0, ROUTE_REASON_OWN_WRITES, .stale = 6},
    {"Prr", READS, 0, ROUTE_REASON_OWN_WRITES, .stale = 6, .primary_reads = NEVER},
    {"Prr", READS, 0, ROUTE_REASON_OWN_WRITES, .stale = 2, .avoid = 4},
    {"Prr", READS, 0, ROUTE_REASON_OWN_WRITES, .stale = 6, .avoid = 1},
    {"xrr", READS, WAITS, SQL_REASON_READ, .stale = 6},
    {"Pr", "START TRANSACTION READ ONLY", 0, ROUTE_REASON_OWN_WRITES, .stale = 2},
    {"Pr", "SET @a = 1", 1, SQL_REASON_SESSION_STATE, .stale = 2},
    {"Prr", "/* pointsman: server=db3 */ " READS, 1, ROUTE_REASON_HINT, .stale = 4},
    {"Prr", READS, 1, ROUTE_REASON_RULE, .rule = RULE_SERVER, .stale = 4},
};

static int outcome_of(const struct route_decision *decision)
{
    switch (decision->target) {
    case ROUTE_SERVER: return decision->server;
    case ROUTE_HELD: return HELD;
    case ROUTE_WAIT: return WAITS;
    case ROUTE_REJECT: return REJECTS;
    }
    return -99;
}

static bool row_holds(const struct row *row)
{
    struct picture *picture = picture_of(row->servers);
    struct route_statement statement = statement_of(row->text, picture->topology);
    struct route_session session = {.pins = row->pins,
                                    .held = row->pins ? 5 : TOPOLOGY_NOBODY,
                                    .autocommit = !row->autocommit_off,
                                    .read_only_transaction = row->read_only,
                                    .stay = row->stay,
                                    .stale = row->stale};
    struct route_balance balance = {0};
    picture->config.primary_reads = (enum config_primary_reads)row->primary_reads;
    picture->rules[0] = (struct config_rule){
        .name = (char *)"r", .target = (enum config_rule_target)(row->rule - 1), .server = 2};
    picture->config.rules_count = row->rule != 0;
    statement.rule = row->rule ? 0 : -1;
    struct route_decision got = route_pick(&statement, &session, picture->topology, &balance, row->avoid);
    bool words = got.target == ROUTE_WAIT || got.target == ROUTE_REJECT;
    bool holds = outcome_of(&got) == row->server && (got.reason == row->reason || row->reason == 0) &&
                 (got.target != ROUTE_HELD || got.server == 5) && (words ? *got.text != 0 : !got.text);
    if (!holds)
        print_error("%s with %s: %d, %s\n", row->text, row->servers, outcome_of(&got),
                    route_reason_name(got.reason));
    picture_free(picture);
    return holds;
}

static void decisions(void **state)
{
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        wrong += !row_holds(&rows[i]);
    assert_int_equal(wrong, 0);
}

static void why_a_primary_is_missing(void **state)
{
    struct picture *picture = picture_of("xr");
    struct route_statement statement = statement_of(WRITES, picture->topology);
    struct route_session session = {.autocommit = true};
    struct route_balance balance = {0};
    (void)state;
    assert_string_equal(route_pick(&statement, &session, picture->topology, &balance, 0).text,
                        "no primary is known");
    strcpy(picture->topology->why_no_primary, "two are writable");
    assert_string_equal(route_pick(&statement, &session, picture->topology, &balance, 0).text,
                        "two are writable");
    picture_free(picture);
}

static void candidates(void **state)
{
    struct picture *picture = picture_of("Prdl0ux");
    struct route_statement statement = statement_of("/* pointsman: max_lag=1s */ " READS, picture->topology);
    static const char *const why[] = {"the primary serves reads only when no replica can (primary_reads)",
                                      "",
                                      "draining",
                                      "lags behind more than the hint allows",
                                      "weight 0",
                                      "lags behind more than the hint allows",
                                      "not usable"};
    (void)state;
    for (int i = 0; i < 7; i++)
        assert_string_equal(route_candidate(&statement, picture->topology, i), why[i]);
    picture->config.primary_reads = CONFIG_PRIMARY_READS_ALWAYS;
    assert_string_equal(route_candidate(&statement, picture->topology, 0), "");
    picture_free(picture);
}

/* ---- shares ---- */

struct counts {
    int picked[TOPOLOGY_SERVERS_MAX];
    int longest_run;
};

static struct counts pick_many(const struct picture *picture, struct route_balance *balance, int rounds,
                               uint64_t avoid)
{
    struct route_statement statement = statement_of(READS, picture->topology);
    struct route_session session = {.autocommit = true};
    struct counts counts = {.longest_run = 0};
    int last = -1, run = 0;
    for (int i = 0; i < rounds; i++) {
        struct route_decision got = route_pick(&statement, &session, picture->topology, balance, avoid);
        assert_int_equal(got.target, ROUTE_SERVER);
        counts.picked[got.server]++;
        run = got.server == last ? run + 1 : 1;
        last = got.server;
        if (run > counts.longest_run)
            counts.longest_run = run;
    }
    return counts;
}

static const struct {
    const char *servers;
    unsigned shares[4];
    int primary_reads, period;
    int picked[4], longest_run; /* of one period; the run over ten of them */
} shares[] = {
    {"Prr", {100, 100, 100}, 0, 2, {0, 1, 1}, 1},
    {"Prrr", {100, 100, 100, 100}, 0, 3, {0, 1, 1, 1}, 1},
    {"Prr", {100, 100, 300}, 0, 4, {0, 1, 3}, 3},
    {"Prr", {100, 200, 300}, 0, 5, {0, 2, 3}, 2},
    {"Prrr", {0, 100, 100, 200}, 0, 4, {0, 1, 1, 2}, 2},
    {"Prr", {100, 37, 100}, 0, 137, {0, 37, 100}, 3}, /* ramping up */
    {"Prr", {100, 1, 100}, 0, 101, {0, 1, 100}, 100},
    {"Prr", {100, 100, 100}, ALWAYS, 3, {1, 1, 1}, 1},
    {"Prr", {100, 200, 300}, ALWAYS, 6, {1, 2, 3}, 2},
    {"Prr", {0, 100, 100}, ALWAYS, 2, {0, 1, 1}, 1},
    {"Prr", {100, 0, 100}, 0, 1, {0, 0, 1}, 10},
};

/* Smooth weighted round robin: exact over a period, and no run longer than the weights make it. */
static void shares_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        struct picture *picture = picture_of(shares[i].servers);
        struct route_balance balance = {0};
        picture->config.primary_reads = (enum config_primary_reads)shares[i].primary_reads;
        for (size_t s = 0; s < picture->topology->count; s++)
            picture->topology->servers[s].share = shares[i].shares[s];
        for (int period = 0; period < 10; period++) {
            struct counts counts = pick_many(picture, &balance, shares[i].period, 0);
            for (int s = 0; s < 4; s++)
                assert_int_equal(counts.picked[s], shares[i].picked[s]);
        }
        assert_int_equal(pick_many(picture, &balance, 10 * shares[i].period, 0).longest_run,
                         shares[i].longest_run);
        picture_free(picture);
    }
}

/* Server after server goes and comes back; the shares are exact again at once. */
static void shares_after_an_absence(void **state)
{
    struct picture *picture = picture_of("Prrr");
    struct route_balance balance = {0};
    (void)state;
    for (int gone = 1; gone <= 3; gone++) {
        picture->topology->servers[gone].usable_for_reads = false;
        struct counts counts = pick_many(picture, &balance, 1001, 0);
        assert_int_equal(counts.picked[gone], 0);
        picture->topology->servers[gone].usable_for_reads = true;
        counts = pick_many(picture, &balance, 30, 0);
        for (int s = 1; s <= 3; s++)
            assert_in_range(counts.picked[s], 9, 11);
    }
    struct counts counts = pick_many(picture, &balance, 1000, UINT64_C(1) << 2); /* avoided, then not */
    assert_int_equal(counts.picked[2], 0);
    counts = pick_many(picture, &balance, 30, 0);
    for (int s = 1; s <= 3; s++)
        assert_in_range(counts.picked[s], 9, 11);
    picture_free(picture);
}

/* ---- least-busy ---- */

static const struct {
    unsigned busy[4], share[4];
    int server;
} busy[] = {
    {{0, 3, 2, 4}, {100, 100, 100, 100}, 2},
    {{0, 1, 0, 1}, {100, 100, 100, 100}, 2},
    {{9, 3, 3, 2}, {100, 300, 100, 100}, 1}, /* 1, 3, 2 for its share */
    {{0, 0, 5, 5}, {100, 0, 100, 200}, 3},   /* weight 0 takes none, however idle */
    {{0, 4000000000, 3999999999, 4000000000}, {1, 1, 1, 1}, 2},
};

static void the_least_busy(void **state)
{
    struct picture *picture = picture_of("Prrr");
    picture->config.balance = CONFIG_BALANCE_LEAST_BUSY;
    (void)state;
    for (size_t i = 0; i < sizeof busy / sizeof *busy; i++) {
        struct route_balance balance = {.busy = busy[i].busy};
        for (int s = 0; s < 4; s++)
            picture->topology->servers[s].share = busy[i].share[s];
        struct counts counts = pick_many(picture, &balance, 10, 0);
        assert_int_equal(counts.picked[busy[i].server], 10);
    }
    picture_free(picture);
}

static void equals_take_turns(void **state)
{
    static const unsigned counts_of_busy[] = {0, 2, 2, 7};
    struct picture *picture = picture_of("Prrr");
    struct route_balance balance = {.busy = counts_of_busy};
    picture->config.balance = CONFIG_BALANCE_LEAST_BUSY;
    (void)state;
    struct counts counts = pick_many(picture, &balance, 10, 0);
    assert_int_equal(counts.picked[1], 5);
    assert_int_equal(counts.picked[2], 5);
    assert_int_equal(counts.longest_run, 1);
    counts = pick_many(picture, &balance, 10, 2 | 4);
    assert_int_equal(counts.picked[3], 10);
    picture_free(picture);
}

/* As many servers as there may be. */
static void sixty_four_servers(void **state)
{
    char letters[TOPOLOGY_SERVERS_MAX + 1] = "P";
    memset(letters + 1, 'r', TOPOLOGY_SERVERS_MAX - 1);
    unsigned none[TOPOLOGY_SERVERS_MAX] = {0};
    struct picture *picture = picture_of(letters);
    (void)state;
    for (int balancing = 0; balancing < 2; balancing++) {
        struct route_balance balance = {.busy = none};
        picture->config.balance = (enum config_balance)balancing;
        struct counts counts = pick_many(picture, &balance, 63 * 3, 0);
        for (int s = 1; s < TOPOLOGY_SERVERS_MAX; s++)
            assert_int_equal(counts.picked[s], 3);
        counts = pick_many(picture, &balance, 5, ~(UINT64_C(1) << 63));
        assert_int_equal(counts.picked[63], 5);
    }
    picture_free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions),
        cmocka_unit_test(why_a_primary_is_missing),
        cmocka_unit_test(candidates),
        cmocka_unit_test(shares_are_exact),
        cmocka_unit_test(shares_after_an_absence),
        cmocka_unit_test(the_least_busy),
        cmocka_unit_test(equals_take_turns),
        cmocka_unit_test(sixty_four_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
