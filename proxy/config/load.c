/*
 * load.c - reading a file into a struct config.
 *
 *   lines_read ─┬─> on_heading   finds the section in the table, makes its item, gives it its defaults
 *               └─> on_key       finds the option, reads the value into its field
 *   then: load_demands           what is required, what excludes each other
 *         check_config           what belongs together across sections (check.c)
 *
 * Every fault is told and reading goes on, so that one look at the output is enough. Faults of a section's
 * heading silence its keys.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lines.h"
#include "pointsman/config/nearest.h"
#include "value.h"

/* ---- where things stand ---- */

static size_t option_index(const struct section *section, const struct option *option)
{
    return (size_t)(option - section->options);
}

static struct load_section *find_by_prefix(const struct load *load, const char *name, size_t length,
                                           size_t item)
{
    for (size_t i = 0; i < load->sections_count; i++) {
        const char *section = load->sections[i].section->name;
        if (strncmp(section, name, length) == 0 && section[length] == '\0' && load->sections[i].item == item)
            return &load->sections[i];
    }
    return NULL;
}

struct load_section *load_find(const struct load *load, const char *section, size_t item)
{
    return find_by_prefix(load, section, strlen(section), item);
}

static unsigned key_line(const struct load_section *at, const char *key)
{
    const struct option *option = section_option(at->section, key);

    return option ? at->lines[option_index(at->section, option)] : 0;
}

unsigned load_line(const struct load *load, const char *name, size_t item)
{
    const char *dot = strchr(name, '.');
    const struct load_section *at = find_by_prefix(load, name, (size_t)(dot - name), item);
    unsigned line = at ? key_line(at, dot + 1) : 0;

    return line ? line : at ? at->line : load->last_line;
}

/* The struct that a section's options go to; NULL if the section has no items. */
static void *section_base(struct config *config, const struct section *section, size_t item)
{
    char *items;

    if (section->form == SECTION_SINGLE)
        return config;
    items = *(char **)((char *)config + section->items);
    return items ? items + item * section->item_size : NULL;
}

static void take_defaults(struct load *load, const struct section *section, void *base)
{
    struct value_place place = {.faults = &load->faults};

    for (size_t i = 0; i < section->options_count; i++)
        if (section->options[i].fallback)
            value_read(&section->options[i], section->options[i].fallback, base, &place);
}

/* ---- headings ---- */

/* The section that a heading names. ret_name is "db1" for "server db1", "" for a bare "server", NULL for
 * "pool". */
static const struct section *find_section(const char *heading, const char **ret_name)
{
    *ret_name = NULL;
    for (size_t i = 0; i < option_sections_count; i++) {
        const struct section *section = &option_sections[i];
        size_t length = strlen(section->name);

        if (section->form != SECTION_NAMED && strcmp(section->name, heading) == 0)
            return section;
        if (section->form == SECTION_NAMED && strncmp(section->name, heading, length) == 0 &&
            strchr(" \t", heading[length]) /* or the end */) {
            *ret_name = heading + length + strspn(heading + length, " \t");
            return section;
        }
    }
    return NULL;
}

static void refuse_heading(struct load *load, unsigned line, const char *heading)
{
    char word[NEAREST_MAX + 1];
    struct nearest whole = {.word = heading}, first = {.word = word};
    const struct nearest *best = &whole;

    snprintf(word, sizeof word, "%.*s", (int)strcspn(heading, " \t"), heading);
    for (size_t i = 0; i < option_sections_count; i++) {
        bool named = option_sections[i].form == SECTION_NAMED;
        nearest_look(named ? &first : &whole, option_sections[i].name, &option_sections[i]);
    }
    if (first.distance < whole.distance)
        best = &first;
    fault(&load->faults, line, "there is no section [%s]; %s [%s%s]%s", heading,
          nearest_is_likely(best) ? "did you mean" : "the nearest known is", best->name,
          best == &first ? " NAME" : "", nearest_is_likely(best) ? "?" : "");
}

static bool is_item_name(const char *name)
{
    return *name && strlen(name) <= CONFIG_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == strlen(name);
}

/* Appends one zeroed item that begins with a copy of the name. Returns false if memory is wanting. */
static bool append_item(struct config *config, const struct section *section, const char *name)
{
    char **items = (char **)((char *)config + section->items), *grown, *copy = strdup(name);
    size_t *count = (size_t *)((char *)config + section->items_count);

    if (!copy || !(grown = reallocarray(*items, *count + 1, section->item_size))) {
        free(copy);
        return false;
    }
    *items = grown;
    grown += *count * section->item_size;
    memset(grown, 0, section->item_size);
    memcpy(grown, &copy, sizeof copy);
    ++*count;
    return true;
}

/* The section of that kind and name that already stands in the file. */
static struct load_section *find_again(const struct load *load, const struct section *section,
                                       const char *name)
{
    for (size_t i = 0; i < load->sections_count; i++) {
        struct load_section *at = &load->sections[i];
        if (at->section == section &&
            (!name || strcasecmp(*(char **)section_base(load->config, section, at->item), name) == 0))
            return at;
    }
    return NULL;
}

static struct load_section *append_section(struct load *load, const struct section *section, const char *name,
                                           unsigned line)
{
    struct load_section *grown = reallocarray(load->sections, load->sections_count + 1, sizeof *grown);
    size_t item = 0;

    if (!grown)
        return NULL;
    load->sections = grown;
    if (section->form == SECTION_NAMED) {
        if (!append_item(load->config, section, name))
            return NULL;
        item = *(size_t *)((char *)load->config + section->items_count) - 1;
        take_defaults(load, section, section_base(load->config, section, item));
    }
    grown += load->sections_count++;
    *grown = (struct load_section){.section = section, .item = item, .line = line};
    return grown;
}

static void on_heading(void *user, unsigned line, const char *heading)
{
    struct load *load = user;
    const char *name;
    const struct section *section = find_section(heading, &name);
    struct load_section *again;

    load->current = NULL;
    load->skips = true;
    if (!section) {
        refuse_heading(load, line, heading);
    } else if (name && !is_item_name(name)) {
        fault(&load->faults, line,
              "[%s]: a %s's name has 1 to %d letters, digits, '_', '.' and '-', as in [%s %s]", heading,
              section->name, CONFIG_NAME_MAX, section->name, section->example);
    } else if ((again = find_again(load, section, name))) {
        fault(&load->faults, line, "[%s] stands in line %u already; put its keys there", heading,
              again->line);
        load->current = section->form == SECTION_NAMED ? NULL : again;
    } else if (!(load->current = append_section(load, section, name, line))) {
        fault_memory(&load->faults);
    }
}

/* ---- keys ---- */

static void look_at_options(struct nearest *nearest, const struct section *section)
{
    for (size_t i = 0; i < section->options_count; i++)
        nearest_look(nearest, option_key(&section->options[i]), section);
}

/* The nearest name of this section if it is likely, else of all sections if that is, else of this one. */
static void refuse_key(struct load *load, const struct section *section, unsigned line, const char *key)
{
    struct nearest here = {.word = key}, anywhere = {.word = key};
    const struct section *other;

    look_at_options(&here, section);
    for (size_t i = 0; i < option_sections_count; i++)
        look_at_options(&anywhere, &option_sections[i]);
    other = anywhere.about;
    if (nearest_is_likely(&anywhere) && anywhere.distance < here.distance)
        fault(&load->faults, line, "there is no %s in [%s]; did you mean '%s' of [%s]?", key, section->name,
              anywhere.name, other->name);
    else if (nearest_is_likely(&here))
        fault(&load->faults, line, "there is no %s in [%s]; did you mean '%s'?", key, section->name,
              here.name);
    else
        fault(&load->faults, line, "there is no %s in [%s]; the nearest known is '%s'", key, section->name,
              here.name);
}

static void take_account(struct load *load, unsigned line, const char *user, const char *password)
{
    const struct section *section = load->current->section;
    struct config_account *accounts = section_base(load->config, section, 0);
    size_t *count = (size_t *)((char *)load->config + section->items_count);
    char *copy;

    for (size_t i = 0; i < *count; i++) {
        if (strcmp(accounts[i].user, user) == 0) {
            fault(&load->faults, line, "%s stands in [%s] twice", user, section->name);
            return;
        }
    }
    if (!(copy = strdup(password)) || !append_item(load->config, section, user)) {
        value_wipe(copy);
        fault_memory(&load->faults);
        return;
    }
    accounts = section_base(load->config, section, 0);
    accounts[*count - 1].password = copy;
}

static void take_option(struct load *load, const struct option *option, unsigned line, const char *value)
{
    struct load_section *at = load->current;
    unsigned *seen = &at->lines[option_index(at->section, option)];
    struct value_place place = {.faults = &load->faults, .line = line};

    if (*seen) {
        fault(&load->faults, line, "%s stands in line %u already", option_key(option), *seen);
        return;
    }
    *seen = line;
    if (option->flags & OPTION_NO_EFFECT)
        fault_warning(&load->faults, line, "%s has no effect yet", option_key(option));
    if (value_read(option, value, section_base(load->config, at->section, at->item), &place) &&
        option->type == OPTION_TARGET && value_target_server(value))
        snprintf(at->target, sizeof at->target, "%s", value_target_server(value));
}

static void refuse_homeless(struct load *load, unsigned line, const char *key)
{
    for (size_t i = 0; i < option_sections_count; i++) {
        if (section_option(&option_sections[i], key)) {
            fault(&load->faults, line, "%s stands before any section; it belongs to [%s]", key,
                  option_sections[i].name);
            return;
        }
    }
    fault(&load->faults, line, "%s stands before any section; the first is usually [%s]", key,
          option_sections[0].name);
}

static void on_key(void *user, unsigned line, const char *key, const char *value)
{
    struct load *load = user;
    const struct option *option;

    if (!load->current) {
        if (!load->skips)
            refuse_homeless(load, line, key);
    } else if (load->current->section->form == SECTION_ACCOUNTS) {
        take_account(load, line, key, value);
    } else if ((option = section_option(load->current->section, key))) {
        take_option(load, option, line, value);
    } else {
        refuse_key(load, load->current->section, line, key);
    }
}

/* ---- what a section must and must not have ---- */

/* Options that share a field are two ways to say one thing. */
static bool is_given(const struct load_section *at, const struct option *option)
{
    for (size_t i = 0; at && i < at->section->options_count; i++)
        if (at->lines[i] && at->section->options[i].offset == option->offset)
            return true;
    return false;
}

static void demand_options(struct load *load, const struct section *section, const struct load_section *at)
{
    char whole[128];

    snprintf(whole, sizeof whole, "%s%s%s", section->name, section->form == SECTION_NAMED ? " " : "",
             section->form == SECTION_NAMED ? *(char **)section_base(load->config, section, at->item) : "");
    for (size_t i = 0; i < section->options_count; i++)
        if (section->options[i].flags & OPTION_REQUIRED && !is_given(at, &section->options[i]))
            fault(&load->faults, at ? at->line : load->last_line, "[%s] needs %s = ...: %s", whole,
                  option_key(&section->options[i]), section->options[i].help);
}

static void refuse_pairs(struct load *load, const struct load_section *at)
{
    const struct option *options = at->section->options;

    for (size_t i = 0; i < at->section->options_count; i++)
        for (size_t j = i + 1; at->lines[i] && j < at->section->options_count; j++)
            if (at->lines[j] && options[i].offset == options[j].offset)
                fault(&load->faults, at->lines[j], "%s and %s (line %u) exclude each other",
                      option_key(&options[j]), option_key(&options[i]), at->lines[i]);
}

static void load_demands(struct load *load)
{
    for (size_t i = 0; i < option_sections_count; i++)
        if (option_sections[i].form == SECTION_SINGLE && !load_find(load, option_sections[i].name, 0))
            demand_options(load, &option_sections[i], NULL);
    for (size_t i = 0; i < load->sections_count; i++) {
        demand_options(load, load->sections[i].section, &load->sections[i]);
        refuse_pairs(load, &load->sections[i]);
    }
}

/* ---- the whole ---- */

static struct config *config_new(const char *path)
{
    struct config *config = calloc(1, sizeof *config);

    if (!config || !(config->path = strdup(path))) {
        free(config);
        return NULL;
    }
    atomic_init(&config->refs, 1);
    return config;
}

static void load_file(struct load *load, FILE *file)
{
    const struct lines_listener listener = {.heading = on_heading, .key = on_key, .user = load};

    for (size_t i = 0; i < option_sections_count; i++)
        if (option_sections[i].form == SECTION_SINGLE)
            take_defaults(load, &option_sections[i], load->config);
    load->last_line = lines_read(file, &listener, &load->faults);
    load_demands(load);
    check_config(load);
}

struct config *config_load_stream(FILE *file, const char *path, FILE *faults)
{
    struct load load = {.config = config_new(path), .faults = {.to = faults, .path = path}};

    if (!load.config) {
        fault_memory(&load.faults);
        return NULL;
    }
    load_file(&load, file);
    free(load.sections);
    if (load.faults.count == 0)
        return load.config;
    config_unref(load.config);
    return NULL;
}

struct config *config_load(const char *path, FILE *faults)
{
    struct faults told = {.to = faults, .path = path};
    FILE *file = fopen(path, "re");
    char buffer[4096]; /* the stream's own, so that the passwords in it can be wiped */
    struct config *config;

    if (!file) {
        fault(&told, 0, "the file can't be opened: %s", strerror(errno));
        return NULL;
    }
    setvbuf(file, buffer, _IOFBF, sizeof buffer);
    config = config_load_stream(file, path, faults);
    fclose(file);
    explicit_bzero(buffer, sizeof buffer);
    return config;
}
