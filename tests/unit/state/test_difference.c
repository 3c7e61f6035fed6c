/*
 * test_difference.c - what is sent to bring a connection from one state to another: as texts for what
 * matters, and as a property for everything: difference(from, to), run by model.h's little server that is in
 * `from`, leaves it in `to`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "model.h"

static struct state_table table;
static char out[400000];

static int set_up(void **state)
{
    (void)state;
    return state_table_init(&table) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    bool clean = table.count == 1;
    state_table_done(&table);
    return clean ? 0 : -1;
}

static struct state *put(struct state *state, enum state_kind kind, const char *name, const char *value)
{
    struct state *made = state_with(&table, state, kind, name, strlen(name), value,
                                    value ? strlen(value) : 0);
    assert_non_null(made);
    state_unref(&table, state);
    return made;
}

/* "schema=shop names=latin1 a=1 @b='x'", values without blanks; "names=x_y" stands for "NAMES x COLLATE y"'s
 * text, which nobody looks into here. */
static struct state *state_of(const char *text)
{
    struct state *state = state_ref(table.empty);
    char copy[400], *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word; (word = strsep(&rest, " ")) && *word;) {
        char *value = strchr(word, '=');
        *value++ = 0;
        if (strcmp(word, "schema") == 0)
            state = put(state, STATE_SCHEMA, "", value);
        else if (strcmp(word, "names") == 0)
            state = put(state, STATE_NAMES, "", value);
        else
            state = put(state, *word == '@' ? STATE_USER : STATE_VARIABLE, word + (*word == '@'), value);
    }
    return state;
}

static struct state_difference between(const struct state *from, const struct state *to)
{
    struct state_difference difference;
    memset(&difference, 0x55, sizeof difference);
    assert_true(state_difference(from, to, out, sizeof out, &difference));
    return difference;
}

static const struct {
    const char *from, *to, *schema, *set, *users;
} cases[] = {
    {"", "", NULL, "", ""},
    {"schema=s names=utf8 a=1 @b=2", "schema=s names=utf8 a=1 @b=2", NULL, "", ""},
    /* schema */
    {"", "schema=shop", "shop", "", ""},
    {"schema=a", "schema=shop a=1", "shop", "SET a=1", ""},
    /* variables */
    {"", "a=1 b=x", NULL, "SET a=1, b='x'", ""},
    {"a=1 b=x", "a=2 b=x", NULL, "SET a=2", ""},
    {"a=1 b=x", "b=x", NULL, "SET a=DEFAULT", ""},
    {"a=1 c=3", "b=2 c=4", NULL, "SET a=DEFAULT, b=2, c=4", ""},
    {"foreign_key_checks=OFF unique_checks=OFF", "", NULL,
     "SET foreign_key_checks=@@GLOBAL.foreign_key_checks, unique_checks=@@GLOBAL.unique_checks", ""},
    {"", "a=", NULL, "SET a=''", ""},
    /* numbers are numbers, and nothing else is */
    {"", "a=-5 b=1.5 c=18446744073709551615 d=0.000000", NULL,
     "SET a=-5, b=1.5, c=18446744073709551615, d=0.000000", ""},
    {"", "a=- b=1.2.3 c=.5 d=1e3 e=+1 f=0x10", NULL,
     "SET a='-', b='1.2.3', c='.5', d='1e3', e='+1', f='0x10'", ""},
    {"", "a=1;DROP", NULL, "SET a='1;DROP'", ""},
    /* what could be read in two ways */
    {"", "a=it's", NULL, "SET a='it''s'", ""},
    {"", "a='", NULL, "SET a=''''", ""},
    {"", "a=\"x\"", NULL, "SET a='\"x\"'", ""},
    {"", "a=x\\", NULL, "SET a=_utf8 X'785C'", ""},
    {"", "a=\\'", NULL, "SET a=_utf8 X'5C27'", ""},
    {"", "a=\xc3\xa4", NULL, "SET a=_utf8 X'C3A4'", ""},
    /* reported as nothing, or as a word that is none of its values */
    {"", "character_set_results=", NULL, "SET character_set_results=NULL", ""},
    {"", "default_tmp_storage_engine= innodb_tmpdir= sql_mode=", NULL,
     "SET default_tmp_storage_engine=NULL, innodb_tmpdir=NULL, sql_mode=''", ""},
    {"", "innodb_tmpdir=/x", NULL, "SET innodb_tmpdir='/x'", ""},
    {"", "lc_messages=DEFAULT system_versioning_asof=DEFAULT", NULL,
     "SET lc_messages='DEFAULT', system_versioning_asof=DEFAULT", ""},
    /* the character set is sent as one */
    {"", "names=latin1", NULL, "SET NAMES latin1", ""},
    {"names=utf8 a=1", "names=latin1 a=1", NULL, "SET NAMES latin1", ""},
    {"names=utf8", "names=utf8 character_set_client=gbk", NULL, "SET NAMES utf8, character_set_client='gbk'",
     ""},
    {"names=utf8 character_set_results=", "names=utf8", NULL, "SET NAMES utf8", ""},
    {"names=utf8 collation_connection=x", "names=latin1 collation_connection=x", NULL,
     "SET NAMES latin1, collation_connection='x'", ""},
    {"names=utf8", "names=utf8 character_set_connection=gbk collation_connection=gbk_bin a=1", NULL,
     "SET NAMES utf8, a=1, character_set_connection='gbk', collation_connection='gbk_bin'", ""},
    {"character_set_client=gbk", "", NULL, "SET character_set_client=DEFAULT", ""},
    {"character_set_client=gbk", "character_set_results=gbk", NULL,
     "SET character_set_client=DEFAULT, character_set_results='gbk'", ""},
    /* user variables have a statement of their own: their literals are read as the first one says */
    {"", "@a=1", NULL, "", "SET @`a`=1"},
    {"@a=1 @b='x'", "@b='y'", NULL, "", "SET @`a`=_binary'', @`a`=NULL, @`b`='y'"},
    {"", "names=latin1 sql_mode=ANSI @a='x'", NULL, "SET NAMES latin1, sql_mode='ANSI'", "SET @`a`='x'"},
    {"names=latin1 @a='x'", "names=utf8 @a='x'", NULL, "SET NAMES utf8", "SET @`a`='x'"},
    {"sql_mode=ANSI @a='x'", "@a='x' @b=1", NULL, "SET sql_mode=DEFAULT", "SET @`a`='x', @`b`=1"},
    {"time_zone=x @a='x'", "@a='x'", NULL, "SET time_zone=DEFAULT", ""},
    {"@a=1 b=2", "schema=s", "s", "SET b=DEFAULT", "SET @`a`=_binary'', @`a`=NULL"},
    {"", "@x`y=1", NULL, "", "SET @`x``y`=1"},
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct state *from = state_of(cases[i].from), *to = state_of(cases[i].to);
        struct state_difference difference = between(from, to);
        assert_false(difference.impossible);
        char set[300] = "", users[100] = "", schema[20] = "";
        memcpy(set, out, difference.set_length);
        memcpy(users, out + difference.set_length, difference.user_length);
        assert_string_equal(set, cases[i].set);
        assert_string_equal(users, cases[i].users);
        assert_int_equal(!difference.schema, !cases[i].schema);
        if (difference.schema)
            memcpy(schema, difference.schema, difference.schema_length);
        assert_string_equal(schema, cases[i].schema ? cases[i].schema : "");
        state_unref(&table, from);
        state_unref(&table, to);
    }
}

static void what_no_statement_gives(void **state)
{
    static const char *const impossible[][2] = {
        {"schema=s", ""},
        {"schema=s a=1", "a=2"},
        {"names=latin1", ""},
        {"names=latin1", "character_set_client=gbk"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        struct state *from = state_of(impossible[i][0]), *to = state_of(impossible[i][1]);
        assert_true(between(from, to).impossible);
        assert_false(between(to, to).impossible);
        state_unref(&table, from);
        state_unref(&table, to);
    }
}

/* Too little room by any number of bytes: said so, nothing written behind the end, *ret left alone. */
static void no_room(void **state)
{
    (void)state;
    struct state *to = state_of("names=latin1 a=it's b=x\\ @c='d'");
    struct state_difference whole = between(table.empty, to);
    size_t needed = whole.set_length + whole.user_length;
    for (size_t size = 0; size <= needed; size++) {
        struct state_difference difference = {.schema = "untouched"};
        char *exact = malloc(size + 1); /* under the sanitizer its end is watched */
        exact[size] = '#';
        assert_int_equal(state_difference(table.empty, to, exact, size, &difference), size == needed);
        assert_int_equal(exact[size], '#');
        if (size < needed)
            assert_string_equal(difference.schema, "untouched");
        free(exact);
    }
    state_unref(&table, to);
}

/* ---- the property ---- */

/* Anything at all, up to some length that is mostly short. */
static size_t random_value(char *value)
{
    static const char *const pieces[] = {"'", "\\", "\"", "`",    ",",  ", ", "=",    "NULL", "1", "-",
                                         ".", "x",  " ",  "\xff", "\n", ";",  "SET ", "@",    "",  "--"};
    size_t length = 0;
    int count = rand() % (rand() % 20 ? 6 : 400);
    for (int i = 0; i < count; i++) {
        const char *piece = pieces[rand() % 20];
        size_t n = strlen(piece);
        memcpy(value + length, n ? piece : "\0", n ? n : 1);
        length += n ? n : 1;
    }
    return length;
}

/* As a client may have written it: the reader lets nothing else become an entry. */
static size_t random_literal(char *value)
{
    static const char *const literals[] = {"1",       "-2.5e3", "'x'",    "'a, b'",  "''",  "\"q, '\"",
                                           "'it''s'", "TRUE",   "0x4142", "'a\xff'", "'\"'"};
    const char *literal = literals[rand() % 11];
    memcpy(value, literal, strlen(literal));
    return strlen(literal);
}

static struct state *changed_at_random(struct state *state)
{
    static const char *const variables[] = {
        "a",         "sql_mode",   "character_set_client", "character_set_results", "collation_connection",
        "time_zone", "lc_messages"};
    static const char *const users[] = {"a", "b`c", "d e", "\xc3\xa4", ""};
    static const char *const names[] = {"latin1", "utf8mb4 COLLATE utf8mb4_bin", "'gbk'", "DEFAULT"};
    char value[8000];
    size_t length = 0;
    enum state_kind kind = (enum state_kind)(rand() % 5);
    const char *name = "";
    switch (kind) {
    case STATE_SCHEMA: length = (size_t)snprintf(value, sizeof value, "s%d", rand() % 3); break;
    case STATE_NAMES: length = (size_t)snprintf(value, sizeof value, "%s", names[rand() % 4]); break;
    case STATE_VARIABLE:
        name = variables[rand() % 7];
        length = rand() % 10 ? random_value(value) : (size_t)snprintf(value, sizeof value, "DEFAULT");
        break;
    case STATE_USER:
        name = users[rand() % 5];
        length = random_literal(value);
        break;
    case STATE_ROLE: length = (size_t)snprintf(value, sizeof value, "r%d", rand() % 3); break;
    }
    bool keep = kind == STATE_SCHEMA || rand() % 4;
    struct state *made = state_with(&table, state, kind, name, strlen(name), keep ? value : NULL, length);
    assert_non_null(made);
    state_unref(&table, state);
    return made;
}

static bool may_be_impossible(const struct state *from, const struct state *to)
{
    return (state_has_kind(from, STATE_SCHEMA) && !state_has_kind(to, STATE_SCHEMA)) ||
           (state_has_kind(from, STATE_NAMES) && !state_has_kind(to, STATE_NAMES)) ||
           !state_reachable(from, to);
}

static void applied_it_gives_the_state(void **state)
{
    enum { ROUNDS = 30000, STATES = 8 };
    struct state *states[STATES];
    (void)state;
    srand(11);
    for (int i = 0; i < STATES; i++)
        states[i] = state_ref(table.empty);
    for (int round = 0; round < ROUNDS; round++) {
        int at = rand() % STATES;
        states[at] = changed_at_random(states[at]);
        const struct state *from = states[rand() % STATES], *to = states[rand() % STATES];
        struct state_difference difference = between(from, to);
        assert_int_equal(difference.impossible, may_be_impossible(from, to));
        assert_int_equal(!difference.schema && !difference.role && !difference.set_length &&
                             !difference.user_length && !difference.impossible,
                         from == to);
        struct model model;
        model_of_state(&model, from);
        if (!difference.impossible && !(model_apply(&model, &difference, out) && model_is(&model, to)))
            fail_msg("round %d: %.*s", round, (int)(difference.set_length + difference.user_length), out);
        model_done(&model);
    }
    for (int i = 0; i < STATES; i++)
        state_unref(&table, states[i]);
}

/* The largest values that a state can hold, of bytes that grow most. */
static void large_values(void **state)
{
    static char value[STATE_MAX - 5];
    (void)state;
    static const char bytes[] = {'x', '\'', '\\', 0};
    for (size_t i = 0; i < sizeof bytes; i++) {
        memset(value, bytes[i], sizeof value);
        struct state *to = state_with(&table, table.empty, STATE_VARIABLE, "a", 1, value, sizeof value);
        assert_non_null(to);
        struct state_difference difference = between(table.empty, to);
        struct model model = {0};
        assert_true(model_apply(&model, &difference, out));
        assert_true(model_is(&model, to));
        model_done(&model);
        state_unref(&table, to);
    }
}

int main(void)
{
#define with_table(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with_table(texts),        with_table(what_no_statement_gives),
        with_table(no_room),      with_table(applied_it_gives_the_state),
        with_table(large_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
