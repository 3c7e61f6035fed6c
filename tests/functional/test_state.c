/*
 * test_state.c - what states and their differences promise, against a real server without a proxy:
 *
 *   teller    SETs something; what the server reports of it (session tracking) and what the text says makes
 *      │      a state, as proxy/session does it
 *      └──> state_difference(listener's state, it) ──> run by `listener` ──> both answer alike
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cluster/cluster.h"
#include "pointsman/protocol/sql.h"
#include "pointsman/state/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 70000 };

static struct cluster *set;
static struct state_table table;
static MYSQL *teller, *listener;

static MYSQL *tracked_session(void)
{
    MYSQL *session = cluster_connect(set, 0, &cluster_root, NULL);
    if (session && sql_run(session, "SET NAMES utf8mb4"))
        return NULL;
    if (session && sql_run(session, "SET session_track_system_variables='*',session_track_schema=1"))
        return NULL;
    return session;
}

static int start(void **state)
{
    const struct cluster_options options = {.servers = 1, .no_general_log = true};
    (void)state;
    set = cluster_start(&options);
    if (!set || !state_table_init(&table))
        return -1;
    return cluster_sql(set, 0, "CREATE DATABASE one CHARACTER SET latin2; CREATE DATABASE `t\"wo`") ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    bool clean = table.count == 1;
    state_table_done(&table);
    cluster_stop(set);
    return clean ? 0 : -1;
}

static int connect_both(void **state)
{
    (void)state;
    teller = tracked_session();
    listener = tracked_session();
    return teller && listener ? 0 : -1;
}

static int close_both(void **state)
{
    (void)state;
    mysql_close(teller);
    mysql_close(listener);
    return 0;
}

/* ---- states ---- */

static void replace(struct state **state, enum state_kind kind, const char *name, size_t name_length,
                    const char *value, size_t value_length)
{
    struct state *made = state_with(&table, *state, kind, name, name_length, value, value_length);
    assert_non_null(made);
    state_unref(&table, *state);
    *state = made;
}

static void put(struct state **state, enum state_kind kind, const char *name, const char *value)
{
    replace(state, kind, name, strlen(name), value, value ? strlen(value) : 0);
}

/* What every session begins with. */
static struct state *beginning(void)
{
    struct state *state = state_ref(table.empty);
    put(&state, STATE_NAMES, "", "utf8mb4");
    return state;
}

static bool is_carried(const char *name, size_t length)
{
    if (length == 9 && memcmp(name, "last_gtid", length) == 0)
        return false;
    enum sql_variable_class class = sql_variable_class(name, length);
    return class == SQL_VARIABLE_CARRIED || class == SQL_VARIABLE_AUTOCOMMIT;
}

/* What the teller's last OK reported. Returns how many variables of those that are carried. */
static int take_reported(struct state **state)
{
    static const char connection[] = "character_set_connection";
    const char *name, *value;
    size_t name_length, value_length;
    int count = 0;
    for (int more =
             mysql_session_track_get_first(teller, SESSION_TRACK_SYSTEM_VARIABLES, &name, &name_length);
         more == 0;
         more = mysql_session_track_get_next(teller, SESSION_TRACK_SYSTEM_VARIABLES, &name, &name_length)) {
        char copy[256]; /* the next call may move it */
        assert_true(name_length < sizeof copy);
        memcpy(copy, name, name_length);
        assert_int_equal(
            mysql_session_track_get_next(teller, SESSION_TRACK_SYSTEM_VARIABLES, &value, &value_length), 0);
        if (!is_carried(copy, name_length))
            continue;
        if (name_length == sizeof connection - 1 && memcmp(copy, connection, name_length) == 0)
            put(state, STATE_VARIABLE, "collation_connection", NULL);
        replace(state, STATE_VARIABLE, copy, name_length, value ? value : "", value_length);
        count++;
    }
    if (mysql_session_track_get_first(teller, SESSION_TRACK_SCHEMA, &value, &value_length) == 0)
        replace(state, STATE_SCHEMA, "", 0, value, value_length);
    return count;
}

/* Brings the listener from one state to another. False: the server refused, which is printed. */
static bool carry(const struct state *from, const struct state *to, const char *what)
{
    static char text[TEXT];
    struct state_difference difference;
    assert_true(state_difference(from, to, text, sizeof text, &difference));
    assert_false(difference.impossible);
    char schema[70];
    snprintf(schema, sizeof schema, "%.*s", (int)difference.schema_length, difference.schema);
    bool good = !difference.schema || mysql_select_db(listener, schema) == 0;
    const char *at = text;
    const size_t lengths[] = {difference.set_length, difference.user_length};
    for (int i = 0; good && i < 2; at += lengths[i++])
        good = !lengths[i] || mysql_real_query(listener, at, lengths[i]) == 0;
    if (!good)
        print_error("%s: carried by\n  %.*s\n  %u %s\n", what,
                    (int)(difference.set_length + difference.user_length), text, mysql_errno(listener),
                    mysql_error(listener));
    return good;
}

/* The first row's values, joined. */
static char *answer(MYSQL *session, const char *question)
{
    static char answers[2][TEXT];
    char *out = answers[session == listener];
    size_t length = 0;
    if (mysql_query(session, question))
        fail_msg("%s: %s", question, mysql_error(session));
    MYSQL_RES *result = mysql_store_result(session);
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    for (unsigned i = 0; row && i < mysql_num_fields(result) && length < TEXT; i++)
        length += (size_t)snprintf(out + length, TEXT - length, "%s|", row[i] ? row[i] : "NULL");
    mysql_free_result(result);
    out[length] = 0;
    return out;
}

static bool both_answer(const char *question, const char *what)
{
    const char *one = answer(teller, question), *other = answer(listener, question);
    bool same = strcmp(one, other) == 0;
    if (!same)
        print_error("%s: %s\n  here  %s\n  there %s\n", what, question, one, other);
    return same;
}

/* ---- each variable ---- */

/* Two of a kind suffice of what has no list of values. */
static const char *const some_values[] = {"NULL",
                                          "DEFAULT",
                                          "''",
                                          "0",
                                          "1",
                                          "12345",
                                          "18446744073709551615",
                                          "-1",
                                          "0.000001",
                                          "1.5",
                                          "'ON'",
                                          "'OFF'",
                                          "'InnoDB'",
                                          "'MEMORY'",
                                          "'SYSTEM'",
                                          "'+05:30'",
                                          "'latin1'",
                                          "'utf8mb4_bin'",
                                          "'en_GB'",
                                          "'de_DE'",
                                          "'2020-01-01'",
                                          "'ALL'",
                                          "'it''s'",
                                          "'a\\\\b'",
                                          "'\xc3\xa4'",
                                          "'/tmp'"};

static const char *const modes[] = {"", "ANSI", "NO_BACKSLASH_ESCAPES", "ORACLE"};

/* The state of a listener that ran the last session in this sql_mode ("": as it began). */
static struct state *listener_in(const char *mode)
{
    struct state *state = beginning();
    if (*mode)
        put(&state, STATE_VARIABLE, "sql_mode", mode);
    if (sql_run(listener, *mode ? "SET sql_mode='%s'" : "SET sql_mode=DEFAULT", mode))
        fail_msg("sql_mode %s", mode);
    return state;
}

/* SET name = value, which the server may refuse; if it doesn't, the state it gives is carried in every
 * sql_mode. Returns how many ways went wrong. */
static int try_value(const char *name, const char *value)
{
    char question[200], what[400];
    int wrong = 0;
    if (sql_run(teller, "SET %s=%s", name, value))
        return 0;
    struct state *mine = beginning();
    int reported = take_reported(&mine);
    snprintf(what, sizeof what, "SET %s=%s", name, value);
    snprintf(question, sizeof question, "SELECT hex(@@%s) LIMIT 1", name);
    if (reported == 0)
        print_error("%s: not reported\n", what);
    wrong += reported == 0;
    if (sql_run(teller, "SET max_statement_time=0") == 0 && strcmp(name, "max_statement_time") == 0)
        snprintf(question, sizeof question, "SELECT 1"); /* too short a one lets nothing be asked */
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct state *before = listener_in(modes[i]), *first = beginning();
        bool good = carry(before, mine, what);
        if (good && strcmp(name, "max_statement_time") != 0)
            good = both_answer(question, what);
        sql_run(listener, "SET max_statement_time=0");
        good = carry(mine, first, what) && good; /* and back to what it began with */
        wrong += !good;
        state_unref(&table, before);
        state_unref(&table, first);
    }
    state_unref(&table, mine);
    return wrong;
}

/* A variable's own values: its present one, or those of its list one by one. */
static int try_listed(const char *name, const char *type, char *list)
{
    char value[300];
    int wrong = 0;
    bool flags = strcmp(type, "FLAGSET") == 0;
    for (char *one; list && (one = strsep(&list, ","));) {
        snprintf(value, sizeof value, flags ? "'%s=on'" : "'%s'", one);
        wrong += try_value(name, value);
    }
    return wrong;
}

static const char variables[] =
    "SELECT LOWER(VARIABLE_NAME), VARIABLE_TYPE, ENUM_VALUE_LIST, QUOTE(SESSION_VALUE)"
    " FROM information_schema.SYSTEM_VARIABLES"
    " WHERE VARIABLE_SCOPE LIKE 'SESSION%' AND READ_ONLY='NO' ORDER BY 1";

/* All values of one variable. Returns how many ways went wrong. */
static int try_variable(const char *name, const char *type, char *list, const char *present)
{
    int wrong = try_value(name, present) + try_listed(name, type, list);
    for (size_t i = 0; !list && i < sizeof some_values / sizeof *some_values; i++)
        wrong += try_value(name, some_values[i]);
    sql_run(teller, "SET %s=DEFAULT", name);
    if (sql_run(teller, "SET NAMES utf8mb4"))
        fail_msg("after %s: %s", name, mysql_error(teller));
    return wrong;
}

static void every_variable_is_carried(void **state)
{
    (void)state;
    MYSQL *asking = cluster_connect(set, 0, &cluster_root, NULL);
    assert_non_null(asking);
    assert_int_equal(mysql_query(asking, variables), 0);
    MYSQL_RES *result = mysql_store_result(asking);
    int wrong = 0, tried = 0;
    for (MYSQL_ROW row; (row = mysql_fetch_row(result)); tried++)
        if (is_carried(row[0], strlen(row[0])))
            wrong += try_variable(row[0], row[1], row[2], row[3]);
    mysql_free_result(result);
    mysql_close(asking);
    assert_true(tried > 150);
    assert_int_equal(wrong, 0);
}

/* What only the server may set is reported, and must not be taken for state. */
static void what_is_read_only_is_no_state(void **state)
{
    (void)state;
    struct state *mine = beginning();
    assert_int_equal(sql_run(teller, "CREATE TABLE one.written (a int)"), 0);
    const char *name = NULL;
    size_t length;
    assert_int_equal(mysql_session_track_get_first(teller, SESSION_TRACK_SYSTEM_VARIABLES, &name, &length),
                     0);
    assert_memory_equal(name, "last_gtid", 9);
    assert_int_equal(take_reported(&mine), 0);
    state_unref(&table, mine);
}

/* ---- whole states ---- */

static const struct step {
    const char *text;
    enum state_kind kind; /* what the text alone says */
    const char *name, *value;
} steps[] = {
    {"SET NAMES latin1", STATE_NAMES, "", "latin1"},
    {"SET NAMES utf8mb4 COLLATE utf8mb4_bin", STATE_NAMES, "", "utf8mb4 COLLATE utf8mb4_bin"},
    {"SET NAMES 'gbk'", STATE_NAMES, "", "'gbk'"},
    {"SET NAMES utf8mb4", STATE_NAMES, "", "utf8mb4"},
    {"SET character_set_results=NULL", STATE_VARIABLE, NULL, NULL},
    {"SET character_set_client=latin1", STATE_VARIABLE, NULL, NULL},
    {"SET character_set_connection=latin2", STATE_VARIABLE, NULL, NULL},
    {"SET collation_connection=utf8mb4_german2_ci", STATE_VARIABLE, NULL, NULL},
    {"SET sql_mode='ANSI'", STATE_VARIABLE, NULL, NULL},
    {"SET sql_mode='NO_BACKSLASH_ESCAPES'", STATE_VARIABLE, NULL, NULL},
    {"SET sql_mode=''", STATE_VARIABLE, NULL, NULL},
    {"SET sql_mode=DEFAULT", STATE_VARIABLE, NULL, NULL},
    {"SET time_zone='+05:30'", STATE_VARIABLE, NULL, NULL},
    {"SET autocommit=0", STATE_VARIABLE, NULL, NULL},
    {"SET autocommit=1", STATE_VARIABLE, NULL, NULL},
    {"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", STATE_VARIABLE, NULL, NULL},
    {"SET SESSION TRANSACTION READ ONLY", STATE_VARIABLE, NULL, NULL},
    {"SET lc_messages=de_DE, group_concat_max_len=77", STATE_VARIABLE, NULL, NULL},
    {"SET innodb_tmpdir=NULL", STATE_VARIABLE, NULL, NULL},
    {"SET optimizer_switch='mrr=on'", STATE_VARIABLE, NULL, NULL},
    {"USE one", STATE_VARIABLE, NULL, NULL},
    {"USE `t\"wo`", STATE_VARIABLE, NULL, NULL},
};

/* As one session would write them in any mode and character set. */
static const struct step literals[] = {
    {"SET @a='it''s'", STATE_USER, "a", "'it''s'"},
    {"SET @a='a\\nb'", STATE_USER, "a", "'a\\nb'"},
    {"SET @a='\xe4'", STATE_USER, "a", "'\xe4'"},
    {"SET @a='\xc3\xa4'", STATE_USER, "a", "'\xc3\xa4'"},
    {"SET @a=\"double\"", STATE_USER, "a", "\"double\""},
    {"SET @a=-1.50", STATE_USER, "a", "-1.50"},
    {"SET @a=0x41", STATE_USER, "a", "0x41"},
    {"SET @a=1e3", STATE_USER, "a", "1e3"},
    {"SET @a=''", STATE_USER, "a", "''"},
    {"SET @`b c`=NULL", STATE_USER, "b c", "NULL"},
    {"SET @`b``c`=TRUE", STATE_USER, "b`c", "TRUE"},
};

static void take_step(struct state **state, const struct step *step)
{
    static const char *const overwritten[] = {"character_set_client", "character_set_connection",
                                              "character_set_results", "collation_connection"};
    if (sql_run(teller, "%s", step->text)) /* "double" in ANSI */
        return;
    take_reported(state);
    for (int i = 0; step->kind == STATE_NAMES && i < 4; i++)
        put(state, STATE_VARIABLE, overwritten[i], NULL);
    if (step->name)
        put(state, step->kind, step->name, step->value);
}

/* The proxy holds a session whose user variables would come to mean something else: here they go first. */
static void forget_users(struct state **state)
{
    assert_int_equal(sql_run(teller, "SET @a=NULL, @`b c`=NULL, @`b``c`=NULL"), 0);
    struct state *without = state_without(&table, *state, STATE_USER);
    state_unref(&table, *state);
    *state = without;
}

static const char *const questions[] = {
    "SELECT hex(@a), if(@a IS NULL, '', charset(@a)), if(@a IS NULL, '', collation(@a)), hex(@`b c`),"
    " hex(@`b``c`), database()",
    "SELECT @@character_set_client, @@character_set_connection, @@collation_connection,"
    " @@character_set_results, @@sql_mode, @@time_zone, @@autocommit, @@tx_isolation, @@tx_read_only",
    "SELECT @@lc_messages, @@group_concat_max_len, @@innodb_tmpdir, @@optimizer_switch",
    "SELECT hex('\xc3\xa4'), charset('x'), collation('x')",
};

static void any_state_from_any_other(void **unused)
{
    enum { ROUNDS = 400 };
    (void)unused;
    struct state *mine = beginning(), *its = beginning();
    srand(5);
    for (int round = 0; round < ROUNDS; round++) {
        char what[40];
        snprintf(what, sizeof what, "round %d", round);
        forget_users(&mine);
        for (int i = rand() % 4; i >= 0; i--) {
            const struct step *step = &steps[rand() % (int)(sizeof steps / sizeof *steps)];
            take_step(&mine, step);
        }
        for (int i = rand() % 3; i > 0; i--)
            take_step(&mine, &literals[rand() % (int)(sizeof literals / sizeof *literals)]);
        if (rand() % 3 == 0)
            continue; /* the listener doesn't see every state */
        assert_true(carry(its, mine, what));
        state_unref(&table, its);
        its = state_ref(mine);
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
            assert_true(both_answer(questions[i], what));
    }
    state_unref(&table, mine);
    state_unref(&table, its);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_variable_is_carried, connect_both, close_both),
        cmocka_unit_test_setup_teardown(what_is_read_only_is_no_state, connect_both, close_both),
        cmocka_unit_test_setup_teardown(any_state_from_any_other, connect_both, close_both),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
