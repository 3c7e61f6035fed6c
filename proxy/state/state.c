/*
 * state.c - interned session states: see state.h.
 *
 * The entries stand behind the struct as one block of bytes, sorted by (kind, name):
 *
 *   kind u8 | name length u8 | value length u16 | name | value | kind ...
 *
 * so that equality is memcmp, the hash is over the block, and a difference is one merge of two sorted lists.
 */
#include "pointsman/state/state.h"

#include <stdlib.h>
#include <string.h>

#include "pointsman/protocol/collations.h"
#include "pointsman/protocol/sql.h"
#include "state_entry.h"

struct state {
    struct state *next; /* hash chain */
    uint32_t refs;
    uint32_t length;
    uint64_t hash;
    struct state_reading reading;
    uint8_t block[];
};

enum { ENTRY_HEADER = 4, NAME_MAX_LENGTH = 255 };

struct state_walk state_walk_of(const struct state *state)
{
    return (struct state_walk){state->block, state->block + state->length};
}

bool state_walk_next(struct state_walk *walk, struct state_entry *ret)
{
    const uint8_t *at = walk->at;
    if (at == walk->end)
        return false;
    ret->kind = at[0];
    ret->name_length = at[1];
    ret->value_length = at[2] | (size_t)at[3] << 8;
    ret->name = (const char *)at + ENTRY_HEADER;
    ret->value = ret->name + ret->name_length;
    walk->at = at + ENTRY_HEADER + ret->name_length + ret->value_length;
    return true;
}

static size_t entry_write(uint8_t *at, const struct state_entry *entry)
{
    at[0] = (uint8_t)entry->kind;
    at[1] = (uint8_t)entry->name_length;
    at[2] = (uint8_t)entry->value_length;
    at[3] = (uint8_t)(entry->value_length >> 8);
    memcpy(at + ENTRY_HEADER, entry->name, entry->name_length);
    memcpy(at + ENTRY_HEADER + entry->name_length, entry->value, entry->value_length);
    return ENTRY_HEADER + entry->name_length + entry->value_length;
}

int state_entry_compare(const struct state_entry *a, const struct state_entry *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    size_t n = a->name_length < b->name_length ? a->name_length : b->name_length;
    int order = memcmp(a->name, b->name, n);
    return order ? order : (a->name_length > b->name_length) - (a->name_length < b->name_length);
}

bool state_entry_same_value(const struct state_entry *a, const struct state_entry *b)
{
    return a->value_length == b->value_length && memcmp(a->value, b->value, a->value_length) == 0;
}

bool state_entry_is(const struct state_entry *entry, const char *name)
{
    return entry->name_length == strlen(name) && memcmp(entry->name, name, entry->name_length) == 0;
}

/* ---- the table ---- */

static uint64_t hash_of(const uint8_t *block, size_t length)
{
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ block[i]) * 1099511628211u;
    return hash ^ hash >> 29;
}

static bool value_has(const struct state_entry *entry, const char *word)
{
    return memmem(entry->value, entry->value_length, word, strlen(word)) != NULL;
}

/* The character set's name is the first word of NAMES, perhaps in quotes. */
static int charset_of_names(const struct state_entry *entry)
{
    const char *at = entry->value, *end = at + entry->value_length;
    while (at < end && (*at == ' ' || *at == '\'' || *at == '"'))
        at++;
    size_t n = 0;
    while (at + n < end && !strchr(" '\"", at[n]))
        n++;
    return collation_scan_class(at, n);
}

/* Schemas whose tables say something of one server: what is read there must always be the same one's. */
static bool is_server_schema(const struct state_entry *entry)
{
    static const char *const names[] = {"mysql", "information_schema", "performance_schema", "sys"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (entry->value_length == strlen(names[i]) &&
            strncasecmp(entry->value, names[i], entry->value_length) == 0)
            return true;
    return false;
}

static struct state_reading reading_of(const uint8_t *block, size_t length)
{
    struct state_reading reading = {.charset = SQL_CHARSET_PLAIN, .autocommit = true};
    struct state_entry entry;
    for (struct state_walk walk = {block, block + length}; state_walk_next(&walk, &entry);) {
        if (entry.kind == STATE_SCHEMA)
            reading.server_schema = is_server_schema(&entry);
        else if (entry.kind == STATE_NAMES)
            reading.charset = charset_of_names(&entry);
        else if (entry.kind != STATE_VARIABLE)
            continue;
        else if (state_entry_is(&entry, "sql_mode"))
            reading.mode = sql_mode_bits(entry.value, entry.value_length);
        else if (state_entry_is(&entry, "character_set_client"))
            reading.charset = collation_scan_class(entry.value, entry.value_length);
        else if (state_entry_is(&entry, "autocommit"))
            reading.autocommit = !value_has(&entry, "OFF") && !value_has(&entry, "0");
    }
    return reading;
}

static void table_grow(struct state_table *table)
{
    size_t size = table->size * 2;
    struct state **slots = calloc(size, sizeof *slots);
    if (!slots)
        return; /* longer chains, nothing worse */
    for (size_t i = 0; i < table->size; i++)
        for (struct state *state = table->slots[i], *next; state; state = next) {
            next = state->next;
            state->next = slots[state->hash & (size - 1)];
            slots[state->hash & (size - 1)] = state;
        }
    free(table->slots);
    table->slots = slots;
    table->size = size;
}

/* The state with this block: the one there is, or a new one. */
static struct state *intern(struct state_table *table, const uint8_t *block, size_t length)
{
    uint64_t hash = hash_of(block, length);
    struct state *state = table->slots[hash & (table->size - 1)];
    for (; state; state = state->next)
        if (state->hash == hash && state->length == length && memcmp(state->block, block, length) == 0)
            return state_ref(state);
    state = malloc(sizeof *state + length);
    if (!state)
        return NULL;
    if (table->count >= table->size)
        table_grow(table);
    struct state **slot = &table->slots[hash & (table->size - 1)];
    *state = (struct state){.next = *slot,
                            .refs = 1,
                            .length = (uint32_t)length,
                            .hash = hash,
                            .reading = reading_of(block, length)};
    memcpy(state->block, block, length);
    *slot = state;
    table->count++;
    return state;
}

bool state_table_init(struct state_table *table)
{
    *table = (struct state_table){.size = 64};
    table->slots = calloc(table->size, sizeof *table->slots);
    if (!table->slots)
        return false;
    table->empty = intern(table, (const uint8_t *)"", 0);
    if (!table->empty)
        free(table->slots);
    return table->empty != NULL;
}

void state_table_done(struct state_table *table)
{
    for (size_t i = 0; i < table->size; i++)
        for (struct state *state = table->slots[i], *next; state; state = next) {
            next = state->next;
            free(state);
        }
    free(table->slots);
    *table = (struct state_table){0};
}

struct state *state_ref(struct state *state)
{
    state->refs++;
    return state;
}

void state_unref(struct state_table *table, struct state *state)
{
    if (!state || --state->refs)
        return;
    struct state **at = &table->slots[state->hash & (table->size - 1)];
    while (*at != state)
        at = &(*at)->next;
    *at = state->next;
    table->count--;
    free(state);
}

/* ---- making one from another ---- */

struct state *state_with(struct state_table *table, const struct state *state, enum state_kind kind,
                         const char *name, size_t name_length, const char *value, size_t value_length)
{
    char folded[NAME_MAX_LENGTH];
    if (name_length > sizeof folded || value_length > UINT16_MAX)
        return NULL;
    for (size_t i = 0; i < name_length; i++)
        folded[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    struct state_entry fresh = {kind, folded, value, name_length, value_length};
    uint8_t *block = malloc(state->length + ENTRY_HEADER + name_length + value_length);
    if (!block)
        return NULL;
    size_t length = 0;
    bool placed = value == NULL;
    struct state_entry entry;
    for (struct state_walk walk = state_walk_of(state); state_walk_next(&walk, &entry);) {
        int order = state_entry_compare(&entry, &fresh);
        if (!placed && order >= 0) {
            length += entry_write(block + length, &fresh);
            placed = true;
        }
        if (order != 0)
            length += entry_write(block + length, &entry);
    }
    if (!placed)
        length += entry_write(block + length, &fresh);
    struct state *made = length <= STATE_MAX ? intern(table, block, length) : NULL;
    free(block);
    return made;
}

/* The state with those entries that are kept. */
static struct state *filtered(struct state_table *table, const struct state *state,
                              bool (*keeps)(const struct state_entry *entry, const void *arg),
                              const void *arg)
{
    uint8_t *block = malloc(state->length + 1);
    if (!block)
        return NULL;
    size_t length = 0;
    struct state_entry entry;
    for (struct state_walk walk = state_walk_of(state); state_walk_next(&walk, &entry);) {
        if (keeps(&entry, arg))
            length += entry_write(block + length, &entry);
    }
    struct state *made = intern(table, block, length);
    free(block);
    return made;
}

static bool is_of_another_kind(const struct state_entry *entry, const void *kind)
{
    return entry->kind != *(const enum state_kind *)kind;
}

struct state *state_without(struct state_table *table, const struct state *state, enum state_kind kind)
{
    return filtered(table, state, is_of_another_kind, &kind);
}

static bool settles_meaning(const struct state_entry *entry, const void *arg)
{
    static const char *const names[] = {"sql_mode", "character_set_client", "character_set_connection",
                                        "character_set_results", "collation_connection"};
    (void)arg;
    if (entry->kind != STATE_VARIABLE)
        return entry->kind == STATE_SCHEMA || entry->kind == STATE_NAMES;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (state_entry_is(entry, names[i]))
            return true;
    return false;
}

struct state *state_context(struct state_table *table, const struct state *state)
{
    return filtered(table, state, settles_meaning, NULL);
}

const char *state_get(const struct state *state, enum state_kind kind, const char *name, size_t *ret_length)
{
    struct state_entry entry, wanted = {.kind = kind, .name = name, .name_length = strlen(name)};
    for (struct state_walk walk = state_walk_of(state); state_walk_next(&walk, &entry);) {
        if (state_entry_compare(&entry, &wanted) == 0) {
            *ret_length = entry.value_length;
            return entry.value;
        }
    }
    *ret_length = 0;
    return NULL;
}

bool state_has_kind(const struct state *state, enum state_kind kind)
{
    struct state_entry entry;
    for (struct state_walk walk = state_walk_of(state); state_walk_next(&walk, &entry);) {
        if (entry.kind == kind)
            return true;
    }
    return false;
}

const struct state_reading *state_reading(const struct state *state)
{
    return &state->reading;
}

struct state *state_after_reset(struct state_table *table, const struct state *base,
                                const struct state *state)
{
    static const enum state_kind kinds[] = {STATE_SCHEMA, STATE_ROLE};
    struct state *after = state_without(table, base, STATE_SCHEMA);
    for (int i = 0; after && i < 2; i++) {
        size_t length;
        const char *value = state_get(state, kinds[i], "", &length);
        struct state *before = after;
        if (!value)
            continue;
        after = state_with(table, before, kinds[i], "", 0, value, length);
        state_unref(table, before);
    }
    return after;
}
