/*
 * test_state.c - states as values: equal contents are one object, whatever way they came about; references
 * are counted; what is kept is what was given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "model.h"
#include "pointsman/protocol/sql.h"

static struct state_table table;

static int set_up(void **state)
{
    (void)state;
    return state_table_init(&table) ? 0 : -1;
}

/* Only the empty state may be left. */
static int tear_down(void **state)
{
    (void)state;
    bool clean = table.count == 1;
    if (!clean)
        fprintf(stderr, "%zu states were never given back\n", table.count - 1);
    state_table_done(&table);
    return clean ? 0 : -1;
}

/* `state` with an entry, whose reference takes the place of the one to `state`. value NULL: without it. */
static struct state *put(struct state *state, enum state_kind kind, const char *name, const char *value)
{
    struct state *made = state_with(&table, state, kind, name, strlen(name), value,
                                    value ? strlen(value) : 0);
    assert_non_null(made);
    state_unref(&table, state);
    return made;
}

static struct state *nothing(void)
{
    return state_ref(table.empty);
}

static void assert_value(const struct state *state, enum state_kind kind, const char *name, const char *value)
{
    size_t length = 77;
    const char *got = state_get(state, kind, name, &length);
    if (!value) {
        assert_null(got);
        assert_int_equal(length, 0);
        return;
    }
    assert_non_null(got);
    assert_int_equal(length, strlen(value));
    assert_memory_equal(got, value, length);
}

static void what_was_put_is_there(void **unused)
{
    (void)unused;
    struct state *state = nothing();
    state = put(state, STATE_VARIABLE, "sql_mode", "ANSI");
    state = put(state, STATE_SCHEMA, "", "shop");
    state = put(state, STATE_USER, "a", "'x'");
    state = put(state, STATE_VARIABLE, "a", "");
    size_t length;
    assert_memory_equal(state_schema(state, &length), "shop", 4);
    assert_int_equal(length, 4);
    assert_value(state, STATE_VARIABLE, "sql_mode", "ANSI");
    assert_value(state, STATE_VARIABLE, "a", ""); /* empty is not absent, and kinds are apart */
    assert_value(state, STATE_USER, "a", "'x'");
    assert_value(state, STATE_VARIABLE, "sql_mod", NULL);
    assert_value(state, STATE_VARIABLE, "sql_modes", NULL);
    assert_true(state_has_kind(state, STATE_USER));
    assert_false(state_has_kind(state, STATE_NAMES));
    state = put(state, STATE_USER, "a", NULL);
    assert_false(state_has_kind(state, STATE_USER));
    assert_value(state, STATE_VARIABLE, "a", "");
    state = put(state, STATE_USER, "never", NULL); /* taking away what isn't there changes nothing */
    state_unref(&table, state);
}

static void equal_contents_are_one_state(void **unused)
{
    (void)unused;
    struct state *one = put(put(nothing(), STATE_VARIABLE, "a", "1"), STATE_USER, "b", "2");
    struct state *other = put(put(nothing(), STATE_USER, "b", "2"), STATE_VARIABLE, "a", "1");
    assert_ptr_equal(one, other);
    other = put(put(other, STATE_VARIABLE, "a", "3"), STATE_VARIABLE, "a", "1");
    assert_ptr_equal(one, other);
    other = put(other, STATE_VARIABLE, "a", "1");
    assert_ptr_equal(one, other);
    other = put(other, STATE_VARIABLE, "a", NULL);
    assert_ptr_not_equal(one, other);
    other = put(other, STATE_USER, "b", NULL);
    assert_ptr_equal(other, table.empty);
    state_unref(&table, one);
    state_unref(&table, other);
}

/* Where one entry ends and the next begins matters: ("a", "bc") isn't ("ab", "c"). */
static void what_looks_alike_differs(void **unused)
{
    (void)unused;
    struct state *one = put(nothing(), STATE_VARIABLE, "a", "bc");
    struct state *other = put(nothing(), STATE_VARIABLE, "ab", "c");
    assert_ptr_not_equal(one, other);
    struct state *user = put(nothing(), STATE_USER, "a", "bc");
    assert_ptr_not_equal(one, user);
    state_unref(&table, one);
    state_unref(&table, other);
    state_unref(&table, user);
}

static void names_are_folded(void **unused)
{
    (void)unused;
    struct state *state = put(nothing(), STATE_VARIABLE, "wsrep_OSU_method", "TOI");
    assert_value(state, STATE_VARIABLE, "wsrep_osu_method", "TOI");
    state = put(state, STATE_USER, "Ab\xc3\x84", "1"); /* only ASCII, as one doesn't know the character set */
    assert_value(state, STATE_USER, "ab\xc3\x84", "1");
    state_unref(&table, state);
}

static void a_kind_can_be_taken_away(void **unused)
{
    (void)unused;
    struct state *state = put(put(nothing(), STATE_USER, "a", "1"), STATE_USER, "b", "2");
    state = put(put(state, STATE_SCHEMA, "", "s"), STATE_NAMES, "", "latin1");
    struct state *without = state_without(&table, state, STATE_USER);
    assert_false(state_has_kind(without, STATE_USER));
    assert_true(state_has_kind(without, STATE_SCHEMA));
    assert_value(without, STATE_NAMES, "", "latin1");
    struct state *same = state_without(&table, without, STATE_USER);
    assert_ptr_equal(same, without);
    struct state *empty = state_without(&table, table.empty, STATE_USER);
    assert_ptr_equal(empty, table.empty);
    state_unref(&table, empty);
    state_unref(&table, same);
    state_unref(&table, without);
    state_unref(&table, state);
}

static void any_bytes(void **unused)
{
    static const char value[] = "'\"\\\0`\xff,=;\n";
    size_t length;
    (void)unused;
    struct state *state = state_with(&table, table.empty, STATE_USER, "n\0m", 3, value, sizeof value - 1);
    struct state_walk walk = state_walk_of(state);
    struct state_entry entry;
    assert_true(state_walk_next(&walk, &entry));
    assert_int_equal(entry.name_length, 3);
    assert_memory_equal(entry.name, "n\0m", 3);
    assert_int_equal(entry.value_length, sizeof value - 1);
    assert_memory_equal(entry.value, value, sizeof value - 1);
    assert_false(state_walk_next(&walk, &entry));
    assert_null(state_get(state, STATE_USER, "n", &length)); /* not cut at the NUL */
    state_unref(&table, state);
}

/* ---- limits ---- */

static void what_is_too_large_is_refused(void **unused)
{
    enum { ENTRY = 4 + 1 }; /* the header and a name of one letter */
    static char large[65536];
    (void)unused;
    memset(large, 'x', sizeof large);
    static const struct {
        size_t name, value;
        bool fits;
    } cases[] = {
        {1, STATE_MAX - ENTRY, true},
        {1, STATE_MAX - ENTRY + 1, false},
        {1, 65535, false},
        {1, 65536, false},
        {255, 100, true},
        {256, 100, false},
        {65535, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct state *state = state_with(&table, table.empty, STATE_USER, large, cases[i].name, large,
                                         cases[i].value);
        assert_int_equal(state != NULL, cases[i].fits);
        state_unref(&table, state);
    }
    assert_int_equal(table.count, 1);
}

/* What counts is how large it becomes: a full state's entries can be changed and taken away. */
static void a_full_state_can_change(void **unused)
{
    static char large[STATE_MAX];
    (void)unused;
    memset(large, 'x', sizeof large);
    struct state *full = state_with(&table, table.empty, STATE_USER, "a", 1, large, STATE_MAX - 5 - 5 - 10);
    struct state *both = put(full, STATE_USER, "b", "0123456789");
    assert_null(state_with(&table, both, STATE_USER, "c", 1, "", 0));
    assert_null(state_with(&table, both, STATE_USER, "b", 1, "01234567890", 11));
    both = put(both, STATE_USER, "b", "9876543210");
    both = put(both, STATE_USER, "none", NULL);
    both = put(both, STATE_USER, "a", NULL);
    assert_value(both, STATE_USER, "b", "9876543210");
    state_unref(&table, both);
}

/* ---- counting ---- */

static void references_are_counted(void **unused)
{
    (void)unused;
    struct state *state = put(nothing(), STATE_VARIABLE, "a", "1");
    assert_int_equal(table.count, 2);
    assert_ptr_equal(state_ref(state), state);
    state_unref(&table, state);
    assert_int_equal(table.count, 2);
    assert_value(state, STATE_VARIABLE, "a", "1");
    state_unref(&table, state);
    assert_int_equal(table.count, 1);
    state_unref(&table, NULL);
}

/* More than the table began with, and gone again in another order. */
static void many_states(void **unused)
{
    enum { MANY = 3000 };
    static struct state *states[MANY];
    char value[16];
    (void)unused;
    for (int i = 0; i < MANY; i++) {
        snprintf(value, sizeof value, "%d", i);
        states[i] = put(nothing(), STATE_VARIABLE, "a", value);
    }
    assert_int_equal(table.count, MANY + 1);
    assert_true(table.size >= MANY / 2);
    for (int i = 0; i < MANY; i++) {
        snprintf(value, sizeof value, "%d", i);
        struct state *again = put(nothing(), STATE_VARIABLE, "a", value);
        assert_ptr_equal(again, states[i]);
        state_unref(&table, again);
    }
    for (int i = 0; i < MANY; i++)
        state_unref(&table, states[i * 7 % MANY]);
    assert_int_equal(table.count, 1);
}

/* Random changes: the state always holds what a plain list of entries holds, and what was equal before is
 * the same object again. */
static void random_changes(void **unused)
{
    enum { STEPS = 20000 };
    static const char *const names[] = {"a", "b", "B", "sql_mode", "a-longer-name"};
    static const char *const values[] = {"", "1", "'x'", "a\\b", "0123456789012345678901234567890123456789"};
    struct model model = {0};
    (void)unused;
    srand(3);
    struct state *state = nothing();
    for (int i = 0; i < STEPS; i++) {
        enum state_kind kind = (enum state_kind)(rand() % 4);
        bool named = kind == STATE_VARIABLE || kind == STATE_USER;
        const char *name = named ? names[rand() % 5] : "", *value = rand() % 3 ? values[rand() % 5] : NULL;
        if (rand() % 50 == 0) {
            struct state *without = state_without(&table, state, kind);
            state_unref(&table, state);
            state = without;
            for (size_t at = model.count; at-- > 0;)
                if (model.entries[at].kind == kind)
                    model_set(&model, kind, model.entries[at].name, model.entries[at].name_length, NULL, 0);
        } else {
            state = put(state, kind, name, value);
            model_set(&model, kind, strcmp(name, "B") ? name : "b", strlen(name), value,
                      value ? strlen(value) : 0);
        }
        assert_true(model_is(&model, state));
        struct state *again = nothing();
        for (size_t at = 0; at < model.count; at++) {
            const struct model_entry *entry = &model.entries[(at * 5 + (size_t)i) % model.count];
            struct state *more = state_with(&table, again, entry->kind, entry->name, entry->name_length,
                                            entry->value, entry->value_length);
            state_unref(&table, again);
            again = more;
        }
        if (model.count % 5)
            assert_ptr_equal(again, state);
        state_unref(&table, again);
    }
    state_unref(&table, state);
    model_done(&model);
}

/* ---- reading ---- */

static void how_sql_is_read(void **unused)
{
    static const struct {
        const char *names, *client, *mode, *autocommit;
        struct state_reading reading;
    } cases[] = {
        {NULL, NULL, NULL, NULL, {0, SQL_CHARSET_PLAIN, true, false}},
        {"utf8mb4", NULL, "", "ON", {0, SQL_CHARSET_PLAIN, true, false}},
        {"gbk", NULL, NULL, "OFF", {0, SQL_CHARSET_GBK, false, false}},
        {"GBK COLLATE gbk_bin", NULL, NULL, "0", {0, SQL_CHARSET_GBK, false, false}},
        {"'sjis' COLLATE 'sjis_bin'", NULL, NULL, "1", {0, SQL_CHARSET_SJIS, true, false}},
        {"\"big5\"", NULL, NULL, NULL, {0, SQL_CHARSET_BIG5, true, false}},
        {"DEFAULT", NULL, NULL, NULL, {0, SQL_CHARSET_PLAIN, true, false}},
        {"", NULL, NULL, NULL, {0, SQL_CHARSET_PLAIN, true, false}},
        {"utf8mb4", "cp932", NULL, NULL, {0, SQL_CHARSET_SJIS, true, false}},
        {"gbk", "latin1", NULL, NULL, {0, SQL_CHARSET_PLAIN, true, false}},
        {NULL, "gb18030", NULL, NULL, {0, SQL_CHARSET_GB18030, true, false}},
        {NULL,
         NULL,
         "STRICT_TRANS_TABLES,ANSI_QUOTES",
         NULL,
         {SQL_MODE_ANSI_QUOTES, SQL_CHARSET_PLAIN, true, false}},
        {NULL,
         NULL,
         "NO_BACKSLASH_ESCAPES,IGNORE_SPACE",
         NULL,
         {SQL_MODE_NO_BACKSLASH_ESCAPES | SQL_MODE_IGNORE_SPACE, SQL_CHARSET_PLAIN, true, false}},
        {NULL,
         NULL,
         "PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ORACLE",
         NULL,
         {SQL_MODE_ANSI_QUOTES | SQL_MODE_IGNORE_SPACE | SQL_MODE_FOREIGN, SQL_CHARSET_PLAIN, true, false}},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct state *state = put(nothing(), STATE_NAMES, "", cases[i].names);
        state = put(state, STATE_VARIABLE, "character_set_client", cases[i].client);
        state = put(state, STATE_VARIABLE, "sql_mode", cases[i].mode);
        state = put(state, STATE_VARIABLE, "autocommit", cases[i].autocommit);
        const struct state_reading *reading = state_reading(state);
        assert_int_equal(reading->mode, cases[i].reading.mode);
        assert_int_equal(reading->charset, cases[i].reading.charset);
        assert_int_equal(reading->autocommit, cases[i].reading.autocommit);
        state_unref(&table, state);
    }
}

/* Tables that say something of one server are read on one server, named with their schema or without it. */
static void schemas_of_a_server(void **unused)
{
    static const struct {
        const char *schema;
        bool servers;
    } cases[] = {{"mysql", true}, {"PERFORMANCE_SCHEMA", true},
                 {"sys", true},   {"Information_Schema", true},
                 {"shop", false}, {"sys2", false},
                 {"my", false}};
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct state *state = put(nothing(), STATE_SCHEMA, "", cases[i].schema);
        assert_int_equal(state_reading(state)->server_schema, cases[i].servers);
        state_unref(&table, state);
    }
}

int main(void)
{
#define with_table(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with_table(what_was_put_is_there),
        with_table(equal_contents_are_one_state),
        with_table(what_looks_alike_differs),
        with_table(names_are_folded),
        with_table(a_kind_can_be_taken_away),
        with_table(any_bytes),
        with_table(what_is_too_large_is_refused),
        with_table(a_full_state_can_change),
        with_table(references_are_counted),
        with_table(many_states),
        with_table(random_changes),
        with_table(how_sql_is_read),
        with_table(schemas_of_a_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
