/*
 * value.c - values by their type.
 *
 *   value_read ─────┐
 *   value_print ────┤  value_types[option->type] ──> value_text.c, value_number.c, value_list.c, value_rule.c
 *   value_done ─────┤
 *   value_describe ─┘
 *
 * A reader makes the new value whole before it lets go of the old one.
 */
#include "value.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "value_type.h"

/* An enum of the configuration is written through an unsigned. (Aliasing is off in this build.) */
_Static_assert(sizeof(enum config_balance) == sizeof(unsigned) &&
                   sizeof(enum config_rule_target) == sizeof(unsigned),
               "an enum is as large as an unsigned");

static const struct value_type *const value_types[] = {
    [OPTION_TEXT] = &value_text,
    [OPTION_SECRET] = &value_secret,
    [OPTION_SECRET_FILE] = &value_secret_file,
    [OPTION_YES_NO] = &value_yes_no,
    [OPTION_NUMBER] = &value_number,
    [OPTION_DURATION] = &value_number,
    [OPTION_SIZE] = &value_number,
    [OPTION_CHOICE] = &value_choice,
    [OPTION_ADDRESS] = &value_address,
    [OPTION_ADDRESSES] = &value_addresses,
    [OPTION_NAMES] = &value_names,
    [OPTION_NETWORKS] = &value_networks,
    [OPTION_REGEX] = &value_regex,
    [OPTION_TARGET] = &value_target,
};

bool value_read(const struct option *option, const char *text, void *base, const struct value_place *place)
{
    return value_types[option->type]->read(option, text, base, place);
}

void value_print(const struct option *option, const void *base, char *out, size_t size)
{
    value_types[option->type]->print(option, base, out, size);
}

void value_done(const struct option *option, void *base)
{
    if (value_types[option->type]->done)
        value_types[option->type]->done(option, base);
}

void value_describe(const struct option *option, char *out, size_t size)
{
    value_types[option->type]->describe(option, out, size);
}

bool value_refuse(const struct option *option, const char *text, const struct value_place *place,
                  const char *format, ...)
{
    char why[500];
    va_list values;

    va_start(values, format);
    vsnprintf(why, sizeof why, format, values);
    va_end(values);
    fault(place->faults, place->line, "%s = %s: %s", option_key(option), text, why);
    return false;
}

bool value_no_memory(const struct value_place *place)
{
    fault_memory(place->faults);
    return false;
}

void value_wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}
