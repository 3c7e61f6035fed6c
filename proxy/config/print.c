/*
 * print.c - the option table for people.
 *
 *   option_sections ──┬─> config_print_help     the end of --help
 *                     ├─> config_print_sample   conf/pointsman.ini
 *                     └─> config_print_docs     docs/configuration.md
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "option.h"
#include "value.h"

enum { COLUMNS = 110 };

/* What the sample shows of an option: its default, or an example where there is none. */
static const char *shown_value(const struct option *option)
{
    return option->fallback && *option->fallback ? option->fallback : option->example;
}

static const char *effect(const struct option *option)
{
    return option->flags & OPTION_NO_EFFECT ? " (no effect yet)" : "";
}

static void describe(const struct option *option, char *out, size_t size)
{
    value_describe(option, out, size);
    if (option->flags & OPTION_RESTART)
        snprintf(out + strlen(out), size - strlen(out), "; changed by a restart only");
}

/* The heading as it stands in a file: [server db1], [pool]. */
static void print_heading(FILE *to, const struct section *section, const char *name)
{
    if (section->form == SECTION_NAMED)
        fprintf(to, "[%s %s]", section->name, name);
    else
        fprintf(to, "[%s]", section->name);
}

/* ---- help ---- */

static void help_option(FILE *to, const struct option *option)
{
    char left[64], values[200];

    snprintf(left, sizeof left, "%s = %s", option_key(option), option->fallback ? option->fallback : "");
    describe(option, values, sizeof values);
    fprintf(to, "  %-30s %s%s\n  %-30s   %s\n", left, option->help, effect(option), "", values);
}

void config_print_help(FILE *to)
{
    for (size_t i = 0; i < option_sections_count; i++) {
        const struct section *section = &option_sections[i];

        fputc('\n', to);
        print_heading(to, section, "NAME");
        fprintf(to, "  %s\n", section->help);
        for (size_t j = 0; j < section->options_count; j++)
            help_option(to, &section->options[j]);
    }
}

/* ---- sample ---- */

/* Words, each line beginning with "# ". */
static void print_comment(FILE *to, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t length = strcspn(text, " ");
        if (column && column + 1 + length > COLUMNS) {
            fputc('\n', to);
            column = 0;
        }
        column += (size_t)fprintf(to, "%s%.*s", column ? " " : "# ", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', to);
}

static void sample_option(FILE *to, const struct section *section, const struct option *option)
{
    bool needed = option->flags & OPTION_REQUIRED && !section->optional;
    char text[700], values[200];

    describe(option, values, sizeof values);
    snprintf(text, sizeof text, "%s%s [%s]", option->help, effect(option), values);
    fputc('\n', to);
    print_comment(to, text);
    snprintf(text, sizeof text, "Why change it: %s", option->why);
    print_comment(to, text);
    fprintf(to, "%s%s = %s\n", needed ? "" : ";", option_key(option), shown_value(option));
}

static void sample_section(FILE *to, const struct section *section)
{
    char text[300];

    snprintf(text, sizeof text, "---- %s", section->help);
    fputc('\n', to);
    print_comment(to, text);
    fprintf(to, "%s", section->optional ? ";" : "");
    print_heading(to, section, section->example);
    fputc('\n', to);
    for (size_t i = 0; i < section->options_count; i++)
        sample_option(to, section, &section->options[i]);
    if (section->form == SECTION_ACCOUNTS)
        fprintf(to, ";%s\n", section->example);
    if (section->more)
        fprintf(to, "\n%s", section->more);
}

void config_print_sample(FILE *to)
{
    fputs(
        "# Pointsman's configuration, with everything that may stand in it.\n"
        "#\n"
        "# A line that begins with \";\" shows a default, or an example where there is none: take the \";\" "
        "away\n"
        "# and change it. What a value may be stands in brackets, and why one would change it below.\n"
        "#\n"
        "# `pointsman --check --config FILE` says what is wrong with a file, with line numbers. SIGHUP makes "
        "a\n"
        "# running pointsman read it again; a faulty file changes nothing.\n"
        "#\n"
        "# Durations are 250ms, 5s, 10m, 1h or 0. Lists are comma-separated. A line has at most 199 bytes.\n"
        "# \";\" and \"#\" begin a comment at a line's start or after a blank; a password that contains "
        "such\n"
        "# goes into a file of its own (password_file).\n",
        to);
    for (size_t i = 0; i < option_sections_count; i++)
        sample_section(to, &option_sections[i]);
}

/* ---- docs ---- */

/* A table's cell may not hold "|". */
static void print_cell(FILE *to, const char *text)
{
    for (; *text; text++)
        fprintf(to, *text == '|' ? "\\|" : "%c", *text);
}

static void docs_option(FILE *to, const struct option *option)
{
    char values[200];

    describe(option, values, sizeof values);
    fprintf(to, "| `%s` | ", option_key(option));
    if (option->flags & OPTION_REQUIRED)
        fputs("required", to);
    else if (option->fallback && *option->fallback)
        fprintf(to, "`%s`", option->fallback);
    else
        fputs("none", to);
    fputs(" | ", to);
    print_cell(to, values);
    fputs(" | ", to);
    print_cell(to, option->help);
    fprintf(to, "%s | ", effect(option));
    print_cell(to, option->why);
    fputs(" |\n", to);
}

static void docs_section(FILE *to, const struct section *section)
{
    fputs("\n## `", to);
    print_heading(to, section, "NAME");
    fprintf(to, "`\n\n%c%s.\n", toupper((unsigned char)section->help[0]), section->help + 1);
    if (section->form == SECTION_ACCOUNTS) {
        fprintf(to, "\n```ini\n[%s]\n%s\n```\n", section->name, section->example);
        return;
    }
    fputs("\n| key | default | values | what it is | when to change it |\n| --- | --- | --- | --- | --- |\n",
          to);
    for (size_t i = 0; i < section->options_count; i++)
        docs_option(to, &section->options[i]);
}

void config_print_docs(FILE *to)
{
    fputs("# Configuration\n"
          "\n"
          "One INI file, by default `/etc/pointsman/pointsman.ini`; "
          "[conf/pointsman.ini](../conf/pointsman.ini)\n"
          "shows all of it. Unknown sections and keys, doubled keys and overlong lines are faults;\n"
          "`pointsman --check --config FILE` names each with its line and what would be right.\n"
          "SIGHUP reads the file again; a faulty one changes nothing.\n"
          "\n"
          "Durations are `250ms`, `5s`, `10m`, `1h` or `0`; sizes `64K`, `16M`; lists are comma-separated.\n"
          "`;` and `#` begin a comment at a line's start or after a blank. Addresses are `HOST:PORT`,\n"
          "`[IPv6]:PORT` or `unix:/PATH`; host names are resolved when the file is read, to an\n"
          "IPv4 address if there is one.\n"
          "\n"
          "This page and the sample are made from the option table in `proxy/config/option.c`.\n",
          to);
    for (size_t i = 0; i < option_sections_count; i++)
        docs_section(to, &option_sections[i]);
}
