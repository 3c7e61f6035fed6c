/*
 * model.h - a session as a server would keep it, and a small interpreter of what state_difference() writes:
 * the reference that states are compared with.
 *
 *   model_apply(m, difference, set) ──> model_is(m, state)
 *
 * Only the texts that the difference can produce are understood; anything else is a fault.
 */
#ifndef POINTSMAN_TESTS_UNIT_STATE_MODEL_H
#define POINTSMAN_TESTS_UNIT_STATE_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../../proxy/state/state_entry.h"

enum { MODEL_ENTRIES = 64, MODEL_VALUE = 65536 };

struct model_entry {
    enum state_kind kind;
    char name[256];
    size_t name_length;
    char *value; /* MODEL_VALUE bytes */
    size_t value_length;
};

struct model {
    struct model_entry entries[MODEL_ENTRIES];
    size_t count;
};

static inline void model_done(struct model *model)
{
    for (size_t i = 0; i < model->count; i++)
        free(model->entries[i].value);
    model->count = 0;
}

static inline struct model_entry *model_find(struct model *model, enum state_kind kind, const char *name,
                                             size_t length)
{
    for (size_t i = 0; i < model->count; i++) {
        struct model_entry *entry = &model->entries[i];
        if (entry->kind == kind && entry->name_length == length && memcmp(entry->name, name, length) == 0)
            return entry;
    }
    return NULL;
}

/* value NULL: takes the entry away. */
static inline void model_set(struct model *model, enum state_kind kind, const char *name, size_t name_length,
                             const char *value, size_t value_length)
{
    struct model_entry *entry = model_find(model, kind, name, name_length);
    if (!value) {
        if (entry) {
            free(entry->value);
            *entry = model->entries[--model->count];
        }
        return;
    }
    if (!entry) {
        if (model->count == MODEL_ENTRIES || name_length > sizeof entry->name)
            abort();
        entry = &model->entries[model->count++];
        *entry = (struct model_entry){.kind = kind, .name_length = name_length};
        memcpy(entry->name, name, name_length);
        entry->value = malloc(MODEL_VALUE);
    }
    memmove(entry->value, value, value_length);
    entry->value_length = value_length;
}

static inline void model_of_state(struct model *model, const struct state *state)
{
    struct state_entry entry;
    *model = (struct model){0};
    for (struct state_walk walk = state_walk_of(state); state_walk_next(&walk, &entry);)
        model_set(model, entry.kind, entry.name, entry.name_length, entry.value, entry.value_length);
}

static inline bool model_is(struct model *model, const struct state *state)
{
    struct state_entry entry;
    size_t count = 0;
    for (struct state_walk walk = state_walk_of(state); state_walk_next(&walk, &entry); count++) {
        struct model_entry *mine = model_find(model, entry.kind, entry.name, entry.name_length);
        if (!mine || mine->value_length != entry.value_length ||
            memcmp(mine->value, entry.value, entry.value_length) != 0)
            return false;
    }
    return count == model->count;
}

/* ---- the interpreter ---- */

struct model_text {
    const char *at, *end;
    bool bad;
};

static inline bool model_accept(struct model_text *text, const char *word)
{
    size_t n = strlen(word);
    if (text->bad || (size_t)(text->end - text->at) < n || memcmp(text->at, word, n) != 0)
        return false;
    text->at += n;
    return true;
}

static inline void model_expect(struct model_text *text, const char *word)
{
    text->bad |= !model_accept(text, word);
}

/* Between quotes of this kind, which are doubled inside. Returns the length. */
static inline size_t model_quoted(struct model_text *text, char quote, char *out)
{
    size_t n = 0;
    for (; !text->bad; out[n++] = *text->at++) {
        if (text->at == text->end || n == MODEL_VALUE) {
            text->bad = true;
        } else if (*text->at == quote) {
            text->at++;
            if (text->at == text->end || *text->at != quote)
                return n;
        }
    }
    return 0;
}

static inline size_t model_hex(struct model_text *text, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;
    while (!text->bad && !model_accept(text, "'")) {
        const char *high = text->end - text->at < 2 ? NULL : memchr(digits, text->at[0], 16);
        const char *low = high ? memchr(digits, text->at[1], 16) : NULL;
        if (!low || n == MODEL_VALUE) {
            text->bad = true;
            break;
        }
        out[n++] = (char)((high - digits) * 16 + (low - digits));
        text->at += 2;
    }
    return n;
}

/* Up to a comma or the end, but not inside quotes: what stands there as it is. */
static inline size_t model_raw(struct model_text *text, char *out)
{
    size_t n = 0;
    char quote = 0;
    for (; text->at < text->end && (quote || *text->at != ','); text->at++) {
        if (*text->at == quote)
            quote = 0;
        else if (!quote && (*text->at == '\'' || *text->at == '"'))
            quote = *text->at;
        out[n++] = *text->at;
    }
    return n;
}

static inline void model_names(struct model *model, struct model_text *text, char *value)
{
    static const char *const overwritten[] = {"character_set_client", "character_set_connection",
                                              "character_set_results", "collation_connection"};
    size_t n = model_raw(text, value);
    for (size_t i = 0; i < sizeof overwritten / sizeof *overwritten; i++)
        model_set(model, STATE_VARIABLE, overwritten[i], strlen(overwritten[i]), NULL, 0);
    model_set(model, STATE_NAMES, "", 0, value, n);
}

static inline void model_user(struct model *model, struct model_text *text, char *value)
{
    char name[MODEL_VALUE];
    size_t length = model_quoted(text, '`', name);
    model_expect(text, "=");
    size_t n = model_raw(text, value);
    if (text->bad || length > 255)
        text->bad = true;
    else
        model_set(model, STATE_USER, name, length, n == 4 && memcmp(value, "NULL", 4) == 0 ? NULL : value, n);
}

static inline void model_variable(struct model *model, struct model_text *text, char *value)
{
    const char *name = text->at;
    while (text->at < text->end && *text->at != '=')
        text->at++;
    size_t length = (size_t)(text->at - name), n;
    model_expect(text, "=");
    if (model_accept(text, "DEFAULT")) {
        model_set(model, STATE_VARIABLE, name, length, NULL, 0);
        return;
    }
    if (model_accept(text, "NULL"))
        n = 0;
    else if (model_accept(text, "_utf8 X'"))
        n = model_hex(text, value);
    else if (model_accept(text, "'"))
        n = model_quoted(text, '\'', value);
    else
        n = model_raw(text, value);
    if (!text->bad)
        model_set(model, STATE_VARIABLE, name, length, value, n);
}

/* One SET: of user variables, or of anything but them. False: not one that a server would take, as far as
 * this model knows. */
static inline bool model_run(struct model *model, const char *set, size_t length, bool users)
{
    struct model_text text = {.at = set, .end = set + length};
    static char value[MODEL_VALUE + 1];
    model_expect(&text, "SET ");
    while (!text.bad) {
        if (users && model_accept(&text, "@`"))
            model_user(model, &text, value);
        else if (users)
            text.bad = true;
        else if (model_accept(&text, "NAMES "))
            model_names(model, &text, value);
        else
            model_variable(model, &text, value);
        if (text.at == text.end)
            break;
        model_expect(&text, ", ");
    }
    return !text.bad;
}

static inline bool model_apply(struct model *model, const struct state_difference *difference,
                               const char *set)
{
    if (difference->role)
        model_set(model, STATE_ROLE, "", 0, difference->role, difference->role_length);
    if (difference->schema)
        model_set(model, STATE_SCHEMA, "", 0, difference->schema, difference->schema_length);
    if (difference->set_length && !model_run(model, set, difference->set_length, false))
        return false;
    return !difference->user_length ||
           model_run(model, set + difference->set_length, difference->user_length, true);
}

#endif
