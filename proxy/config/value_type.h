/*
 * value_type.h - what the value_*.c files share: a row of functions for each type of value.
 */
#ifndef POINTSMAN_CONFIG_VALUE_TYPE_H
#define POINTSMAN_CONFIG_VALUE_TYPE_H

#include <stdint.h>

#include "value.h"

/* As declared for value_read() and the others in value.h. done is NULL where the field owns nothing. */
struct value_type {
    bool (*read)(const struct option *option, const char *text, void *base, const struct value_place *place);
    void (*print)(const struct option *option, const void *base, char *out, size_t size);
    void (*done)(const struct option *option, void *base);
    void (*describe)(const struct option *option, char *out, size_t size);
};

/* value_text.c */
extern const struct value_type value_text, value_secret, value_secret_file, value_choice, value_yes_no;
/* value_number.c: durations and sizes too */
extern const struct value_type value_number;
/* value_list.c */
extern const struct value_type value_address, value_addresses, value_names, value_networks;
/* value_rule.c */
extern const struct value_type value_regex, value_target;

/* Tells "KEY = TEXT: ..." and returns false, so that a reader can end with it. */
bool value_refuse(const struct option *option, const char *text, const struct value_place *place,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
bool value_no_memory(const struct value_place *place);

/* The option's fields. (Through uintptr_t, since what only reads a base has it const.) */
static inline void *value_field(const struct option *option, const void *base)
{
    return (void *)((uintptr_t)base + option->offset);
}

static inline void *value_also(const struct option *option, const void *base)
{
    return (void *)((uintptr_t)base + option->also);
}

#endif
