/*
 * value_rule.c - what only rules have: the expression and the target.
 */
#include "value_type.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/config/nearest.h"

/* ---- match ---- */

/* Bytes, not characters: a statement may be in any character set. */
static bool regex_read(const struct option *option, const char *text, void *base,
                       const struct value_place *place)
{
    char **match = value_field(option, base), *copy;
    void **regex = value_also(option, base);
    PCRE2_SIZE offset = 0;
    PCRE2_UCHAR why[200] = "";
    pcre2_code *code;
    int error = 0;

    if (*text == '\0')
        return value_refuse(option, text, place, "it is empty; leave the key out to match any statement");
    code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &error, &offset, NULL);
    if (!code) {
        pcre2_get_error_message(error, why, sizeof why);
        return value_refuse(option, text, place, "at character %zu: %s", (size_t)offset + 1, (char *)why);
    }
    if (!(copy = strdup(text))) {
        pcre2_code_free(code);
        return value_no_memory(place);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it matching is only slower */
    free(*match);
    pcre2_code_free(*regex);
    *match = copy;
    *regex = code;
    return true;
}

static void regex_print(const struct option *option, const void *base, char *out, size_t size)
{
    char **match = value_field(option, base);

    snprintf(out, size, "%s", *match ? *match : "");
}

static void regex_done(const struct option *option, void *base)
{
    char **match = value_field(option, base);
    void **regex = value_also(option, base);

    free(*match);
    pcre2_code_free(*regex);
    *match = NULL;
    *regex = NULL;
}

static void regex_describe(const struct option *option, char *out, size_t size)
{
    (void)option;
    snprintf(out, size, "a regular expression");
}

const struct value_type value_regex = {regex_read, regex_print, regex_done, regex_describe};

/* ---- target ---- */

static const char *const targets[] = {
    [CONFIG_RULE_PRIMARY] = "primary",
    [CONFIG_RULE_REPLICA] = "replica",
    [CONFIG_RULE_SERVER] = "server",
    [CONFIG_RULE_REJECT] = "reject",
};

/* The NAME of "server NAME" is looked up when the whole file is known; see value_target_server(). */
static bool target_read(const struct option *option, const char *text, void *base,
                        const struct value_place *place)
{
    struct nearest nearest = {.word = text};

    *(int *)value_also(option, base) = -1;
    for (unsigned i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (i == CONFIG_RULE_SERVER ? value_target_server(text) != NULL : strcmp(text, targets[i]) == 0) {
            *(unsigned *)value_field(option, base) = i;
            return true;
        }
        nearest_look(&nearest, targets[i], NULL);
    }
    if (*text && nearest_is_likely(&nearest))
        return value_refuse(option, text, place,
                            "it may be primary, replica, server NAME or reject; did you mean '%s'?",
                            strcmp(nearest.name, "server") == 0 ? "server NAME" : nearest.name);
    return value_refuse(option, text, place, "it may be primary, replica, server NAME or reject");
}

const char *value_target_server(const char *text)
{
    size_t blank = strncmp(text, "server", 6) == 0 ? strspn(text + 6, " \t") : 0;

    return blank > 0 && text[6 + blank] ? text + 6 + blank : NULL;
}

static void target_print(const struct option *option, const void *base, char *out, size_t size)
{
    snprintf(out, size, "%s", targets[*(unsigned *)value_field(option, base)]);
}

static void target_describe(const struct option *option, char *out, size_t size)
{
    (void)option;
    snprintf(out, size, "primary, replica, server NAME or reject");
}

const struct value_type value_target = {target_read, target_print, NULL, target_describe};
