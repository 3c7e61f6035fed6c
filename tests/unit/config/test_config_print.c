/*
 * The sample and the docs against the option table. Run from the top of the source tree, as `make unit` does.
 * When the table has changed, `POINTSMAN_WRITE=1 build/tests/unit/config/test_config_print` writes both files
 * anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config_text.h"

static char *printed(void (*print)(FILE *to))
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    assert_non_null(to);
    print(to);
    fclose(to);
    return text;
}

static char *file_text(const char *path)
{
    static char text[1 << 16];
    FILE *file = fopen(path, "r");

    if (!file)
        fail_msg("%s can't be opened; run this from the top of the source tree", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* Prints the first lines that differ. */
static void compare(const char *path, void (*print)(FILE *to))
{
    char *want = printed(print), *rest = want, *got;
    unsigned line = 1;

    if (getenv("POINTSMAN_WRITE")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(want, file);
        fclose(file);
    }
    got = file_text(path);
    for (; *got && *rest; line++) {
        size_t got_length = strcspn(got, "\n"), want_length = strcspn(rest, "\n");
        if (got_length != want_length || memcmp(got, rest, want_length) != 0)
            break;
        got += got_length + (got[got_length] == '\n');
        rest += want_length + (rest[want_length] == '\n');
    }
    if (*got || *rest)
        fail_msg("%s:%u: differs from the option table\n  file:  %.*s\n  table: %.*s\nPOINTSMAN_WRITE=1 "
                 "writes it anew",
                 path, line, (int)strcspn(got, "\n"), got, (int)strcspn(rest, "\n"), rest);
    free(want);
}

static void test_sample_in_the_tree(void **state)
{
    (void)state;
    compare("conf/pointsman.ini", config_print_sample);
}

static void test_docs_in_the_tree(void **state)
{
    (void)state;
    compare("docs/configuration.md", config_print_docs);
}

/* The sample as it is works without a word, and has every option at its default. */
static void test_sample_is_the_defaults(void **state)
{
    char *text = printed(config_print_sample);
    struct config *sample = config_from(text), *minimal;
    const char *name, *again;
    char value[300], other[300];

    (void)state;
    assert_string_equal(config_said, "");
    assert_non_null(sample);
    assert_int_equal(sample->servers_count, 3);
    minimal = config_from(MINIMAL);
    for (size_t i = 0; config_option_at(sample, i, &name, value, sizeof value); i++) {
        assert_true(config_option_at(minimal, i, &again, other, sizeof other));
        assert_string_equal(name, again);
        if (strncmp(name, "monitor.user", 12) != 0)
            assert_string_equal(value, other);
    }
    config_unref(sample);
    config_unref(minimal);
    free(text);
}

/* Its value is a file that isn't there. */
static bool names_a_file(const char *line)
{
    static const char *const keys[] = {"password_file", "certificate", "key", "ca"};
    const char *end = line + strcspn(line, " \n");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t length = strlen(keys[i]);
        const char *at = end - line > (long)length ? end - length : line;
        if (memcmp(at, keys[i], length) == 0 && (at[-1] == ';' || at[-1] == '_'))
            return true;
    }
    return false;
}

/* Taking away every ";" gives a good file too, but for files. What it says are only warnings.
 */
static void test_sample_uncommented(void **state)
{
    char *text = printed(config_print_sample), *line = text;
    struct config *config;
    unsigned keys = 0;

    (void)state;
    for (; *line; line += strcspn(line, "\n") + 1) {
        if (*line != ';' || names_a_file(line))
            continue;
        *line = ' ';
        keys++;
    }
    assert_true(keys > 40);
    config = config_from(text);
    if (!config)
        fail_msg("%s", config_said);
    assert_int_equal(config->rules_count, 1);
    assert_int_equal(config->accounts_count + config->admins_count + config->admin_readers_count, 3);
    assert_int_equal(config->safe_functions_count, 2);
    for (line = config_said; *line; line = strchr(line, '\n') + 1)
        assert_non_null(memmem(line, strcspn(line, "\n"), "has no effect yet", 17));
    config_unref(config);
    free(text);
}

static void test_help_names_every_option(void **state)
{
    char *help = printed(config_print_help), *docs = printed(config_print_docs), value[300], key[100];
    struct config *config = config_from(MINIMAL);
    const char *name;

    (void)state;
    for (size_t i = 0; config_option_at(config, i, &name, value, sizeof value); i++) {
        snprintf(key, sizeof key, "  %s = ", strchr(name, '.') + 1);
        assert_non_null(strstr(help, key));
        snprintf(key, sizeof key, "| `%s` |", strchr(name, '.') + 1);
        assert_non_null(strstr(docs, key));
    }
    assert_non_null(strstr(help, "[server NAME]"));
    assert_non_null(strstr(help, "max_lag = 5s"));
    config_unref(config);
    free(help);
    free(docs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_in_the_tree),      cmocka_unit_test(test_docs_in_the_tree),
        cmocka_unit_test(test_sample_is_the_defaults),  cmocka_unit_test(test_sample_uncommented),
        cmocka_unit_test(test_help_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
