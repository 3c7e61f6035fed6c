/*
 * value_number.c - numbers, durations and sizes: digits and a unit.
 */
#include "value_type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    unsigned factor;
};

/* Largest first: a value is printed in the first that divides it. Every table ends with the unit of factor 1.
 */
static const struct unit durations[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit sizes[] = {{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}, {NULL, 0}};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

static const struct {
    const struct unit *units;
    const char *noun;
} kinds[] = {
    [OPTION_NUMBER] = {plain, "a number"},
    [OPTION_DURATION] = {durations, "a duration such as 250ms, 5s, 10m, 1h or 0"},
    [OPTION_SIZE] = {sizes, "a size such as 512, 64K or 16M"},
};

static void scaled_print(const struct unit *unit, unsigned value, char *out, size_t size)
{
    while (unit[1].name && (value == 0 || value % unit->factor != 0))
        unit++;
    snprintf(out, size, "%u%s", value / unit->factor, value ? unit->name : "");
}

static void number_describe(const struct option *option, char *out, size_t size)
{
    const struct unit *units = kinds[option->type].units;
    char low[32], high[32];

    scaled_print(units, option->min, low, sizeof low);
    scaled_print(units, option->max, high, sizeof high);
    snprintf(out, size, "%s to %s%s", low, high, option->flags & OPTION_AUTO ? ", or auto" : "");
}

/* Reads digits and a unit. Returns false if the text is not that; a number too large for ret_value becomes
 * its largest. */
static bool scaled_read(const struct unit *unit, const char *text, uint64_t *ret_value)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t value = digits > 10 ? UINT32_MAX : strtoull(text, NULL, 10);

    if (digits == 0)
        return false;
    while (unit->name && strcmp(unit->name, text + digits) != 0)
        unit++;
    if (!unit->name && (value != 0 || text[digits] != '\0')) /* only 0 needs no unit */
        return false;
    *ret_value = value * unit->factor;
    return true;
}

static bool number_read(const struct option *option, const char *text, void *base,
                        const struct value_place *place)
{
    unsigned *at = value_field(option, base);
    uint64_t value;
    char range[100];

    if (option->flags & OPTION_AUTO && strcmp(text, "auto") == 0) {
        *at = CONFIG_AUTO;
        return true;
    }
    number_describe(option, range, sizeof range);
    if (!scaled_read(kinds[option->type].units, text, &value))
        return value_refuse(option, text, place, "this is not %s; it may be %s", kinds[option->type].noun,
                            range);
    if (value < option->min || value > option->max)
        return value_refuse(option, text, place, "it may be %s", range);
    *at = (unsigned)value;
    return true;
}

static void number_print(const struct option *option, const void *base, char *out, size_t size)
{
    unsigned value = *(unsigned *)value_field(option, base);

    if (option->flags & OPTION_AUTO && value == CONFIG_AUTO)
        snprintf(out, size, "auto");
    else
        scaled_print(kinds[option->type].units, value, out, size);
}

const struct value_type value_number = {number_read, number_print, NULL, number_describe};
