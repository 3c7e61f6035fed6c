/* test_filter.c - words of a console statement, LIKE patterns, WHERE conditions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../../proxy/admin/filter.h"
#include "../guard.h"

/* ---- words ---- */

/* Reads text that ends at a guard page; the words, with their kind's letter, joined by blanks. */
static const char *read_all(const char *text)
{
    static const char kinds[] = {'e', 'n', '0', 't', 'o', 'b'};
    static char out[2048];
    size_t used = 0;
    struct guard guard = guard_of(text, strlen(text));
    struct words words = words_of((const char *)guard.at, strlen(text));
    for (;;) {
        struct word word = word_next(&words);
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%c:%.*s", used ? " " : "",
                                 kinds[word.kind], (int)word.length, word.at);
        if (word.kind == WORD_END || word.kind == WORD_BAD)
            break;
    }
    guard_done(&guard);
    return out;
}

static void words_of_a_statement(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "e:"},
        {" ;; ", "e:"},
        {"SET SERVER `db 1` WEIGHT 3;", "n:SET n:SERVER n:db 1 n:WEIGHT 0:3 e:"},
        {"a='it''s' AND b<>\"x\\\"y\"", "n:a o:= t:it's n:AND n:b o:<> t:x\"y e:"},
        {"/* hi */ SELECT -- there\n@@x # you", "n:SELECT n:@@x e:"},
        {"x>=1.5,y!=2", "n:x o:>= 0:1.5 o:, n:y o:!= 0:2 e:"},
        {"like 'a\\%b\\_c\\\\%'", "n:like t:a\\%b\\_c\\% e:"},
        {"SELECT $$", "n:SELECT n:$$ e:"},
        {"'open", "b:'open"},
        {"'open\\", "b:'open\\"},
        {"/* open", "b:/* open"},
        {"db-1.example", "n:db-1.example e:"},
        {"1a", "n:1a e:"},
        {"''", "t: e:"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(read_all(cases[i].text), cases[i].words);
}

static void overlong_words_are_bad(void **state)
{
    char text[2 * WORD_MAX], out[WORD_MAX];
    struct words words;
    struct word word;
    (void)state;
    memset(text, 'a', sizeof text);
    text[0] = text[sizeof text - 1] = '\'';
    words = words_of(text, sizeof text);
    assert_int_equal(word_next(&words).kind, WORD_BAD);
    text[WORD_MAX - 2] = '\'';
    words = words_of(text, WORD_MAX - 1);
    word = word_next(&words);
    assert_int_equal(word.kind, WORD_TEXT);
    assert_true(word_copy(&word, out, sizeof out));
    assert_false(word_copy(&word, out, 10));
}

static void keywords_are_not_quoted(void **state)
{
    struct words words = words_of("set `set` 'set'", 15);
    (void)state;
    assert_true(word_take(&words, "SET"));
    assert_false(word_take(&words, "SET"));
    assert_int_equal(word_next(&words).kind, WORD_NAME);
    assert_false(word_take(&words, "SET"));
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t number;
    } cases[] = {{"0", true, 0},
                 {"2147483649", true, 2147483649},
                 {"999999999999999999", true, 999999999999999999},
                 {"1.5", false, 0},
                 {"-1", false, 0},
                 {"9999999999999999999", false, 0},
                 {"x", false, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct words words = words_of(cases[i].text, strlen(cases[i].text));
        struct word word = word_next(&words);
        uint64_t number = 0;
        assert_int_equal(word_number(&word, &number), cases[i].good);
        assert_int_equal(number, cases[i].number);
    }
}

/* ---- LIKE ---- */

static void patterns(void **state)
{
    static const struct {
        const char *text, *pattern;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "%", true},
        {"a", "", false},
        {"db1", "db_", true},
        {"db1", "DB1", true},
        {"db1", "db", false},
        {"db12", "db_", false},
        {"max_lag", "max\\_lag", true},
        {"maxxlag", "max\\_lag", false},
        {"100%", "100\\%", true},
        {"1000", "100\\%", false},
        {"abcabd", "%abd", true},
        {"abcabdx", "%abd", false},
        {"routing.max_lag", "%.%lag%", true},
        {"aaaa", "a%a%a%a%a", false},
        {"aaaaa", "a%a%a%a%a", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (filter_like(cases[i].text, strlen(cases[i].text), cases[i].pattern) != cases[i].matches)
            fail_msg("'%s' LIKE '%s' is not %d", cases[i].text, cases[i].pattern, cases[i].matches);
}

static void a_nasty_pattern_takes_no_time(void **state)
{
    char text[4000], pattern[256] = "";
    (void)state;
    memset(text, 'a', sizeof text);
    for (int i = 0; i < 60; i++)
        strcat(pattern, "a%b%"); /* there is no b */
    assert_false(filter_like(text, sizeof text, pattern));
}

/* ---- WHERE ---- */

static const struct column columns[] = {
    {"name", COLUMN_TEXT}, {"lag_ms", COLUMN_NUMBER}, {"state", COLUMN_TEXT}};

static const struct result_row rows[] = {
    {columns, 3, {{(const uint8_t *)"db1", 3}, {(const uint8_t *)"9", 1}, {(const uint8_t *)"online", 6}}},
    {columns, 3, {{(const uint8_t *)"db2", 3}, {(const uint8_t *)"100", 3}, {(const uint8_t *)"online", 6}}},
    {columns, 3, {{(const uint8_t *)"DB3", 3}, {NULL, 0}, {(const uint8_t *)"down", 4}}},
};

static void conditions(void **state)
{
    static const struct {
        const char *text;
        int rows; /* bits */
    } cases[] = {
        {"", 7},
        {"LIKE 'db%'", 7},
        {"like '%2'", 2},
        {"WHERE name = 'db3'", 4},
        {"WHERE lag_ms < 50", 1},
        {"WHERE lag_ms >= '9'", 3},
        {"WHERE lag_ms > 9", 2},
        {"WHERE lag_ms <> 9", 2},
        {"WHERE lag_ms IS NULL", 4},
        {"WHERE lag_ms IS NOT NULL", 3},
        {"WHERE `name` IN ('db1', \"db2\")", 3},
        {"WHERE name NOT IN ('db1', 'db2')", 4},
        {"WHERE name NOT LIKE '%3'", 3},
        {"WHERE variable_name = 'db1'", 1},
        {"WHERE state = 'online' AND lag_ms > 50", 2},
        {"WHERE name = 'db1' OR name = 'db3'", 5},
        {"WHERE name = 'db1' AND state = 'down' OR name = 'db3'", 4},
        {"WHERE name = 'db3' OR name IN ('db1','db2') AND lag_ms = 100", 6},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct words words = words_of(cases[i].text, strlen(cases[i].text));
        struct filter filter;
        char why[300] = "";
        int found = 0;
        if (!filter_read(&words, columns, 3, &filter, why, sizeof why))
            fail_msg("%s: %s", cases[i].text, why);
        for (int row = 0; row < 3; row++)
            found |= filter_admits(&filter, &rows[row]) << row;
        if (found != cases[i].rows)
            fail_msg("%s: rows %d, not %d", cases[i].text, found, cases[i].rows);
        assert_int_equal(word_next(&words).kind, WORD_END);
    }
}

static void faulty_conditions_say_why(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"LIKE", "a value was expected near ''"},
        {"WHERE", "a column was expected near ''"},
        {"WHERE 5 = 5", "a column was expected near '5'"},
        {"WHERE lag = 5", "there is no column 'lag', but name, lag_ms, state"},
        {"WHERE name ~ 5", "an operator (= <> < > LIKE IN IS NULL) was expected near '~'"},
        {"WHERE name IS 5", "an operator (= <> < > LIKE IN IS NULL) was expected near '5'"},
        {"WHERE name IN 5", "a list in parentheses was expected near '5'"},
        {"WHERE name IN (5 6)", "',' or ')' was expected near '6'"},
        {"WHERE name = 'x", "a value was expected near ''x'"},
        {"WHERE name = 'x' AND", "a column was expected near ''"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct words words = words_of(cases[i].text, strlen(cases[i].text));
        struct filter filter;
        char why[300] = "";
        assert_false(filter_read(&words, columns, 3, &filter, why, sizeof why));
        assert_string_equal(why, cases[i].why);
    }
}

static void more_conditions_than_there_is_room_for(void **state)
{
    char text[16384] = "WHERE name = 'x'", why[300];
    struct filter filter;
    (void)state;
    for (int i = 0; i < FILTER_CONDITIONS_MAX; i++)
        strcat(text, " OR name = 'x'");
    struct words words = words_of(text, strlen(text));
    assert_false(filter_read(&words, columns, 3, &filter, why, sizeof why));
    assert_string_equal(why, "more than 32 conditions");
    strcpy(text, "WHERE name IN ('x'");
    for (int i = 0; i < FILTER_VALUES_MAX / 2; i++)
        strcat(text, ",'x'");
    strcat(text, ")");
    words = words_of(text, strlen(text));
    assert_false(filter_read(&words, columns, 3, &filter, why, sizeof why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_a_statement),
        cmocka_unit_test(overlong_words_are_bad),
        cmocka_unit_test(keywords_are_not_quoted),
        cmocka_unit_test(numbers),
        cmocka_unit_test(patterns),
        cmocka_unit_test(a_nasty_pattern_takes_no_time),
        cmocka_unit_test(conditions),
        cmocka_unit_test(faulty_conditions_say_why),
        cmocka_unit_test(more_conditions_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
