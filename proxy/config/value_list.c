/*
 * value_list.c - addresses, and lists of addresses and names.
 *
 *   "a, b" ──> list_count ──> calloc ──> list_next, element by element ──> in place of the old list
 */
#include "value_type.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "pointsman/config/network.h"

/* How many elements a list has: none if it is empty, else one more than its commas. */
static size_t list_count(const char *text)
{
    size_t count = *text != '\0';

    for (; *text; text++)
        count += *text == ',';
    return count;
}

/* Cuts the next element off a list and trims it. */
static char *list_next(char **rest)
{
    char *element = strsep(rest, ",");
    size_t length;

    element += strspn(element, " \t");
    length = strlen(element);
    while (length > 0 && (element[length - 1] == ' ' || element[length - 1] == '\t'))
        element[--length] = '\0';
    return element;
}

static void list_describe(const struct option *option, const char *what, char *out, size_t size)
{
    snprintf(out, size, "a list of %s%s", what, option->flags & OPTION_FILLED ? "" : ", or empty");
}

/* ---- addresses ---- */

static bool address_take(const struct option *option, const char *text, struct config_address *ret_address,
                         const struct value_place *place)
{
    char why[300] = "";

    if (address_read(text, ret_address, why, sizeof why))
        return true;
    return *why ? value_refuse(option, text, place, "%s", why) : value_no_memory(place);
}

static bool one_address_read(const struct option *option, const char *text, void *base,
                             const struct value_place *place)
{
    struct config_address *at = value_field(option, base), fresh;

    if (!address_take(option, text, &fresh, place))
        return false;
    address_done(at);
    *at = fresh;
    return true;
}

static void one_address_print(const struct option *option, const void *base, char *out, size_t size)
{
    struct config_address *at = value_field(option, base);

    snprintf(out, size, "%s", at->text ? at->text : "");
}

static void one_address_done(const struct option *option, void *base)
{
    address_done(value_field(option, base));
}

static void one_address_describe(const struct option *option, char *out, size_t size)
{
    (void)option;
    snprintf(out, size, "an address");
}

const struct value_type value_address = {one_address_read, one_address_print, one_address_done,
                                         one_address_describe};

static void addresses_free(struct config_address *addresses, size_t count)
{
    for (size_t i = 0; addresses && i < count; i++)
        address_done(&addresses[i]);
    free(addresses);
}

static bool addresses_fill(const struct option *option, char *rest, struct config_address *addresses,
                           size_t count, const struct value_place *place)
{
    for (size_t i = 0; i < count; i++)
        if (!address_take(option, list_next(&rest), &addresses[i], place))
            return false;
    return true;
}

static bool addresses_read(const struct option *option, const char *text, void *base,
                           const struct value_place *place)
{
    struct config_address **at = value_field(option, base), *fresh;
    size_t *count_at = value_also(option, base), count = list_count(text);
    char *copy;
    bool good;

    if (count == 0 && option->flags & OPTION_FILLED)
        return value_refuse(option, text, place, "it is empty; %s", option->help);
    copy = strdup(text);
    fresh = calloc(count + 1, sizeof *fresh);
    good = copy && fresh ? addresses_fill(option, copy, fresh, count, place) : value_no_memory(place);
    free(copy);
    if (!good) {
        addresses_free(fresh, count);
        return false;
    }
    addresses_free(*at, *count_at);
    *at = fresh;
    *count_at = count;
    return true;
}

static void addresses_print(const struct option *option, const void *base, char *out, size_t size)
{
    struct config_address *addresses = *(struct config_address **)value_field(option, base);
    size_t count = *(size_t *)value_also(option, base), length = 0;

    *out = '\0';
    for (size_t i = 0; i < count && length < size; i++)
        length += (size_t)snprintf(out + length, size - length, "%s%s", i ? ", " : "", addresses[i].text);
}

static void addresses_done(const struct option *option, void *base)
{
    struct config_address **at = value_field(option, base);
    size_t *count_at = value_also(option, base);

    addresses_free(*at, *count_at);
    *at = NULL;
    *count_at = 0;
}

static void addresses_describe(const struct option *option, char *out, size_t size)
{
    list_describe(option, "addresses", out, size);
}

const struct value_type value_addresses = {addresses_read, addresses_print, addresses_done,
                                           addresses_describe};

/* ---- names, and networks ---- */

static void names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

/* Letters, digits, _, $, and a dot between schema and name; bytes beyond ASCII as they are. */
static bool is_function_name(const char *name)
{
    if (*name == '\0')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_$.", *name) && (unsigned char)*name < 0x80)
            return false;
    return true;
}

static bool is_element(const struct option *option, const char *text, const char **ret_why)
{
    bool networks = option->type == OPTION_NETWORKS;
    *ret_why = networks ? "this is not a network; 10.0.0.0/8, fd00::/8 and single addresses are"
                        : "this is not a name; names of functions stand here without quotes and parentheses, "
                          "with commas between them";
    return networks ? network_is(text) : is_function_name(text);
}

static bool names_fill(const struct option *option, char *rest, char **names, size_t count,
                       const struct value_place *place)
{
    for (size_t i = 0; i < count; i++) {
        char *name = list_next(&rest);
        const char *why;
        if (!is_element(option, name, &why))
            return value_refuse(option, name, place, "%s", why);
        for (char *c = name; *c; c++)
            *c = (char)((unsigned char)*c < 0x80 ? tolower(*c) : *c);
        if (!(names[i] = strdup(name)))
            return value_no_memory(place);
    }
    return true;
}

static int names_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts and takes out what stands there twice. Returns how many are left. */
static size_t names_sort(char **names, size_t count)
{
    size_t left = 0;

    qsort(names, count, sizeof *names, names_compare);
    for (size_t i = 0; i < count; i++) {
        if (left > 0 && strcmp(names[left - 1], names[i]) == 0)
            free(names[i]);
        else
            names[left++] = names[i];
    }
    return left;
}

static bool names_read(const struct option *option, const char *text, void *base,
                       const struct value_place *place)
{
    char ***at = value_field(option, base), *copy = strdup(text);
    size_t *count_at = value_also(option, base), count = list_count(text);
    char **fresh = calloc(count + 1, sizeof *fresh);
    bool good = copy && fresh ? names_fill(option, copy, fresh, count, place) : value_no_memory(place);

    free(copy);
    if (!good) {
        names_free(fresh, count);
        return false;
    }
    names_free(*at, *count_at);
    *at = fresh;
    *count_at = names_sort(fresh, count);
    return true;
}

static void names_print(const struct option *option, const void *base, char *out, size_t size)
{
    char **names = *(char ***)value_field(option, base);
    size_t count = *(size_t *)value_also(option, base), length = 0;

    *out = '\0';
    for (size_t i = 0; i < count && length < size; i++)
        length += (size_t)snprintf(out + length, size - length, "%s%s", i ? ", " : "", names[i]);
}

static void names_done(const struct option *option, void *base)
{
    char ***at = value_field(option, base);
    size_t *count_at = value_also(option, base);

    names_free(*at, *count_at);
    *at = NULL;
    *count_at = 0;
}

static void names_describe(const struct option *option, char *out, size_t size)
{
    list_describe(option, option->type == OPTION_NETWORKS ? "networks" : "names", out, size);
}

const struct value_type value_names = {names_read, names_print, names_done, names_describe};
const struct value_type value_networks = {names_read, names_print, names_done, names_describe};
