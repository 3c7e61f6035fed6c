/* ledger.c - why a session holds its connection: see ledger.h. A handful of things at most: lists do. */
#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Pins that end with the last of their things. */
static const unsigned counted = PIN_TEMPORARY_TABLE | PIN_USER_LOCK | PIN_HANDLER | PIN_PREPARED |
                                PIN_USER_VARIABLE;

struct ledger *ledger_new(void)
{
    return calloc(1, sizeof(struct ledger));
}

static void forget_watched(struct ledger *ledger)
{
    free(ledger->watched_names);
    ledger->watched_names = NULL;
    ledger->watched = (struct sql_names){0};
}

void ledger_clear(struct ledger *ledger)
{
    for (unsigned i = 0; i < ledger->count; i++)
        free(ledger->things[i]);
    free(ledger->things);
    forget_watched(ledger);
    *ledger = (struct ledger){0};
}

void ledger_free(struct ledger *ledger)
{
    if (ledger)
        ledger_clear(ledger);
    free(ledger);
}

void ledger_pinned(struct ledger *ledger, unsigned bit_number, uint64_t digest, uint64_t now)
{
    ledger->digests[bit_number] = digest;
    ledger->since[bit_number] = now;
}

/* ---- the tables' names, for the reader of SQL ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void watch_anew(struct ledger *ledger)
{
    size_t n = 0;
    forget_watched(ledger);
    const char **names = calloc(ledger->count + 1, sizeof *names);
    if (!names) {
        ledger->unnamed |= PIN_TEMPORARY_TABLE;
        return;
    }
    for (unsigned i = 0; i < ledger->count; i++)
        if (ledger->things[i]->pin == PIN_TEMPORARY_TABLE)
            names[n++] = ledger->things[i]->table;
    qsort(names, n, sizeof *names, compare_names);
    ledger->watched_names = names;
    ledger->watched = (struct sql_names){names, n};
}

/* ---- things ---- */

static void fold(char *out, struct sql_span name)
{
    for (uint32_t i = 0; i < name.length; i++)
        out[i] = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] - 'A' + 'a') : name.at[i];
    out[name.length] = 0;
}

/* Whether the text says more than the name: a quote that was doubled. */
static bool is_odd(struct sql_span name)
{
    return name.length && (memchr(name.at, '`', name.length) || memchr(name.at, '"', name.length));
}

/* Two tables may differ in case only, and so may handlers; a lock, a variable, a prepared statement may not.
 */
static struct thing *make(enum pin pin, struct sql_span schema, struct sql_span name)
{
    bool exact = pin == PIN_TEMPORARY_TABLE || pin == PIN_HANDLER;
    if (!name.at || (exact && (is_odd(name) || is_odd(schema))))
        return NULL;
    size_t length = (size_t)schema.length + 1 + name.length + 1;
    struct thing *thing = malloc(sizeof *thing + length + name.length + 1);
    if (!thing)
        return NULL;
    *thing = (struct thing){.pin = pin, .leaves = true, .table = thing->name + length};
    fold(thing->table, name);
    if (exact)
        snprintf(thing->name, length, "%.*s`%.*s", (int)schema.length, schema.at ? schema.at : "",
                 (int)name.length, name.at);
    else
        fold(thing->name, name);
    return thing;
}

static bool same(const struct thing *a, const struct thing *b)
{
    return a->pin == b->pin && strcmp(a->name, b->name) == 0;
}

static void take_out(struct ledger *ledger, unsigned i)
{
    free(ledger->things[i]);
    ledger->things[i] = ledger->things[--ledger->count];
}

static void remove_same(struct ledger *ledger, const struct thing *thing)
{
    for (unsigned i = ledger->count; i-- > 0;)
        if (same(ledger->things[i], thing))
            take_out(ledger, i);
}

static bool make_room(struct ledger *ledger)
{
    if (ledger->count < ledger->room)
        return true;
    unsigned room = ledger->room ? ledger->room * 2 : 4;
    struct thing **things = realloc(ledger->things, room * sizeof(struct thing *));
    if (!things)
        return false;
    ledger->things = things;
    ledger->room = room;
    return true;
}

void ledger_add(struct ledger *ledger, enum pin pin, struct sql_span schema, struct sql_span name)
{
    struct thing *thing = make(pin, schema, name);
    if (!thing || !make_room(ledger)) {
        free(thing);
        ledger->unnamed |= pin;
        return;
    }
    remove_same(ledger, thing);
    ledger->things[ledger->count++] = thing;
    if (pin == PIN_TEMPORARY_TABLE)
        watch_anew(ledger);
}

void ledger_remove(struct ledger *ledger, enum pin pin, struct sql_span schema, struct sql_span name)
{
    struct thing *thing = make(pin, schema, name);
    if (!thing)
        return; /* it is held for longer than it need be */
    remove_same(ledger, thing);
    free(thing);
    if (pin == PIN_TEMPORARY_TABLE)
        watch_anew(ledger);
}

static struct thing *find_prepared(const struct ledger *ledger, struct sql_span name)
{
    for (unsigned i = 0; i < ledger->count; i++) {
        struct thing *thing = ledger->things[i];
        if (thing->pin == PIN_PREPARED && strlen(thing->name) == name.length &&
            strncasecmp(thing->name, name.at, name.length) == 0)
            return thing;
    }
    return NULL;
}

void ledger_set_leaves(struct ledger *ledger, struct sql_span name, bool leaves)
{
    struct thing *thing = find_prepared(ledger, name);
    if (thing)
        thing->leaves = leaves;
}

bool ledger_leaves(const struct ledger *ledger, struct sql_span name)
{
    const struct thing *thing = find_prepared(ledger, name);
    return thing ? thing->leaves : ledger->unnamed & PIN_PREPARED;
}

void ledger_mark_gone(struct ledger *ledger, enum pin pin)
{
    for (unsigned i = 0; i < ledger->count; i++)
        ledger->things[i]->gone |= ledger->things[i]->pin == pin;
}

void ledger_remove_gone(struct ledger *ledger)
{
    for (unsigned i = ledger->count; i-- > 0;)
        if (ledger->things[i]->gone)
            take_out(ledger, i);
    watch_anew(ledger);
}

unsigned ledger_ended(const struct ledger *ledger, unsigned pins)
{
    unsigned ended = pins & counted & ~ledger->unnamed;
    for (unsigned i = 0; i < ledger->count; i++)
        ended &= ~ledger->things[i]->pin;
    return ended;
}

bool ledger_has_unnamed(const struct ledger *ledger, unsigned pins)
{
    return ledger->unnamed & pins;
}
