/*
 * test_sql_set.c - the assignments of SET statements, and the classes of variables.
 */
#include "sql_cases.h"

static const char *const kinds[] = {"session", "global", "user", "names", "charset"};
static const char *const values[] = {"number", "string", "null", "word", "expression", "primary"};

/* All assignments of a SET as words: kind name value-kind value; ... and "bad" if it ends badly. */
static const char *walk(const char *text)
{
    static char words[1024];
    struct sql_facts facts = read_one(text, &mariadb);
    struct guard guard = guard_of(facts.set_text.at, facts.set_text.length);
    struct sql_span rest = {(const char *)guard.at, facts.set_text.length};
    struct sql_assignment a;
    bool bad = false;
    size_t length = 0;

    words[0] = '\0';
    while (sql_set_next(&rest, &mariadb, &a, &bad))
        length += (size_t)snprintf(words + length, sizeof(words) - length, "%s%s %.*s %s %.*s",
                                   length ? "; " : "", kinds[a.kind], (int)a.name.length,
                                   a.name.at ? a.name.at : "", values[a.value_kind], (int)a.value.length,
                                   a.value.at);
    if (bad)
        snprintf(words + length, sizeof(words) - length, "%sbad", length ? "; " : "");
    guard_done(&guard);
    return words;
}

static void assignments_one_by_one(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"SET x = 1", "session x number 1"},
        {"SET x := -1.5e3 ;", "session x number -1.5e3"},
        {"SET SESSION x = ON, LOCAL `y` = 'a''b', @@z=\"q\"",
         "session x word ON; session y string 'a''b'; session z string \"q\""},
        {"SET @@session.x = NULL, @@local . y = DEFAULT", "session x null NULL; session y word DEFAULT"},
        {"SET GLOBAL x = TRUE, PERSIST y = 0x10, @@global.z = b'1', @@persist_only.w = 1",
         "global x number TRUE; global y number 0x10; global z number b'1'; global w number 1"},
        {"SET @a = 1, @`b c` := 'x', @'d' = 1 + 2, @e = @f",
         "user a number 1; user b c string 'x'; user d expression 1 + 2; user e expression @f"},
        {"SET @a = f(1), @b = (SELECT 1, 2), @c = CONCAT('a', 'b'), @d = @@global.x",
         "user a primary f(1); user b primary (SELECT 1, 2); user c expression CONCAT('a', 'b'); user d "
         "primary @@global.x"},
        {"SET @a = GET_LOCK('x', 1)", "user a primary GET_LOCK('x', 1)"},
        {"SET NAMES utf8mb4", "names  word utf8mb4"},
        {"SET NAMES 'utf8mb4'", "names  string 'utf8mb4'"},
        {"SET NAMES utf8mb4 COLLATE utf8mb4_bin, x = 1",
         "names  word utf8mb4 COLLATE utf8mb4_bin; session x number 1"},
        {"SET CHARACTER SET latin1", "charset  word latin1"},
        {"SET CHARSET latin1, @a = N'x'", "charset  word latin1; user a expression N'x'"},
        {"SET character_set_client = utf8", "session character_set_client word utf8"},
        {"SET GLOBAL hot.key_buffer_size = 5", "global key_buffer_size number 5"},
        {"SET sql_mode = CONCAT(@@sql_mode, ',ANSI')",
         "session sql_mode expression CONCAT(@@sql_mode, ',ANSI')"},
        {"/*!40101 SET NAMES utf8 */", "names  word utf8"},
        {"SET /* a */ x /* b */ = /* c */ 1 /* d */", "session x number 1"},
        {"SET x", "bad"},
        {"SET x = 1, ", "session x number 1"},
        {"SET x = , y = 1", "bad"},
        {"SET x = 1, ROLE r", "session x number 1; bad"},
        {"SET @@session = 1", "bad"},
        {"SET x = (1", "session x expression (1"},
        {"SET = 1", "bad"},
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *words = walk(cases[i].text);
        if (strcmp(words, cases[i].words) == 0)
            continue;
        print_error("%s: is '%s'\n", cases[i].text, words);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void classes_of_variables(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum sql_variable_class class;
    } cases[] = {
        {"sql_mode", SQL_VARIABLE_CARRIED},
        {"time_zone", SQL_VARIABLE_CARRIED},
        {"AUTOCOMMIT", SQL_VARIABLE_AUTOCOMMIT},
        {"insert_id", SQL_VARIABLE_ONE_SHOT},
        {"Timestamp", SQL_VARIABLE_ONE_SHOT},
        {"last_insert_id", SQL_VARIABLE_ONE_SHOT},
        {"identity", SQL_VARIABLE_ONE_SHOT},
        {"rand_seed1", SQL_VARIABLE_ONE_SHOT},
        {"statement_id", SQL_VARIABLE_ONE_SHOT},
        {"sql_log_bin", SQL_VARIABLE_PRIVILEGED},
        {"GTID_NEXT", SQL_VARIABLE_PRIVILEGED},
        {"gtid_domain_id", SQL_VARIABLE_PRIVILEGED},
        {"server_id", SQL_VARIABLE_PRIVILEGED},
        {"pseudo_thread_id", SQL_VARIABLE_PRIVILEGED},
        {"binlog_format", SQL_VARIABLE_PRIVILEGED},
        {"wait_timeout", SQL_VARIABLE_PROXY},
        {"interactive_timeout", SQL_VARIABLE_PROXY},
        {"net_read_timeout", SQL_VARIABLE_PROXY},
        {"net_write_timeout", SQL_VARIABLE_PROXY},
        {"session_track_gtids", SQL_VARIABLE_TRACKING},
        {"session_track_", SQL_VARIABLE_TRACKING},
        {"autocommit2", SQL_VARIABLE_CARRIED},
        {"", SQL_VARIABLE_CARRIED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sql_variable_class(cases[i].name, strlen(cases[i].name)), cases[i].class);
}

static void the_first_worse_assignment_decides(void **state)
{
    (void)state;
    struct sql_facts facts = read_one("SET x = 1, sql_log_bin = 0, GLOBAL y = 1, @a = NOW()", &mariadb);
    assert_int_equal(facts.reason, SQL_REASON_PRIVILEGED);
    assert_true(span_equals(facts.because, "sql_log_bin"));
    assert_int_equal(facts.effects, SQL_SETS_GLOBAL | SQL_SETS_USER_VARIABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assignments_one_by_one),
        cmocka_unit_test(classes_of_variables),
        cmocka_unit_test(the_first_worse_assignment_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
