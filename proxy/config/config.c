/*
 * config.c - a configuration once it is read: counting, freeing, comparing, showing. All by the option table;
 * reading is in load.c.
 */
#include "pointsman/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "option.h"
#include "value.h"

struct config *config_ref(struct config *config)
{
    atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
    return config;
}

static void free_options(const struct section *section, void *base)
{
    for (size_t i = 0; i < section->options_count; i++)
        value_done(&section->options[i], base);
}

static void free_items(struct config *config, const struct section *section)
{
    char *items = *(char **)((char *)config + section->items);
    size_t count = *(size_t *)((char *)config + section->items_count);

    for (size_t i = 0; i < count; i++) {
        void *item = items + i * section->item_size;
        free_options(section, item);
        if (section->form == SECTION_ACCOUNTS)
            value_wipe(((struct config_account *)item)->password);
        free(*(char **)item);
    }
    free(items);
}

void config_unref(struct config *config)
{
    if (!config || atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < option_sections_count; i++) {
        if (option_sections[i].form == SECTION_SINGLE)
            free_options(&option_sections[i], config);
        else
            free_items(config, &option_sections[i]);
    }
    free(config->path);
    free(config);
}

/* The index-th option of struct config itself; a secret's file is no value of its own. */
static const struct option *single_option(size_t index)
{
    for (size_t i = 0; i < option_sections_count; i++)
        for (size_t j = 0; option_sections[i].form == SECTION_SINGLE && j < option_sections[i].options_count;
             j++)
            if (option_sections[i].options[j].type != OPTION_SECRET_FILE && index-- == 0)
                return &option_sections[i].options[j];
    return NULL;
}

bool config_option_at(const struct config *config, size_t index, const char **ret_name, char *value,
                      size_t size)
{
    const struct option *option = single_option(index);

    if (!option)
        return false;
    *ret_name = option->name;
    value_print(option, config, value, size);
    return true;
}

void config_restart_only(const struct config *old, const struct config *fresh, char *out, size_t size)
{
    const struct option *option;
    size_t length = 0;

    *out = '\0';
    for (size_t i = 0; (option = single_option(i)); i++) {
        char before[256], after[256]; /* a line of the file is shorter */
        if (!(option->flags & OPTION_RESTART))
            continue;
        value_print(option, old, before, sizeof before);
        value_print(option, fresh, after, sizeof after);
        if (strcmp(before, after) != 0 && length < size)
            length += (size_t)snprintf(out + length, size - length, "%s%s", length ? ", " : "",
                                       option_key(option));
    }
}
