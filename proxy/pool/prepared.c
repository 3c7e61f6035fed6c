/*
 * prepared.c - see prepared.h: interned texts, and what of them is prepared on a connection.
 */
#include "pointsman/pool/prepared.h"

#include <stdlib.h>
#include <string.h>

#include "pointsman/pool/pool.h"
#include "pointsman/protocol/wire.h"

/* ---- texts ---- */

static uint64_t hash_of(const struct state *context, const char *text, size_t length)
{
    uint64_t hash = 1469598103934665603u ^ (uint64_t)(uintptr_t)context;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * 1099511628211u;
    return hash ^ hash >> 29;
}

static bool grow(struct prepared_table *table)
{
    size_t size = table->size ? 2 * table->size : 64;
    struct prepared **slots = calloc(size, sizeof *slots);
    if (!slots)
        return table->size > 0; /* longer chains, nothing worse */
    for (size_t i = 0; i < table->size; i++)
        for (struct prepared *prepared = table->slots[i], *next; prepared; prepared = next) {
            next = prepared->next;
            prepared->next = slots[prepared->hash & (size - 1)];
            slots[prepared->hash & (size - 1)] = prepared;
        }
    free(table->slots);
    table->slots = slots;
    table->size = size;
    return true;
}

/* Takes over the context. */
static struct prepared *intern(struct prepared_table *table, struct state_table *states,
                               struct state *context, const char *text, size_t length)
{
    uint64_t hash = hash_of(context, text, length);
    struct prepared *prepared = table->size ? table->slots[hash & (table->size - 1)] : NULL;
    for (; prepared; prepared = prepared->next)
        if (prepared->hash == hash && prepared->context == context && prepared->length == length &&
            memcmp(prepared->text, text, length) == 0)
            break;
    bool found = prepared, room = found || table->count < table->size || grow(table);
    if (found || !room || !(prepared = malloc(sizeof *prepared + length))) {
        state_unref(states, context);
        return found ? prepared_ref(prepared) : NULL;
    }
    struct prepared **slot = &table->slots[hash & (table->size - 1)];
    *prepared = (struct prepared){
        .next = *slot, .refs = 1, .length = (uint32_t)length, .hash = hash, .context = context};
    memcpy(prepared->text, text, length);
    *slot = prepared;
    table->count++;
    return prepared;
}

struct prepared *prepared_of(struct prepared_table *table, struct state_table *states,
                             const struct state *state, const char *text, size_t length)
{
    struct state *context = state_context(states, state);
    return context ? intern(table, states, context, text, length) : NULL;
}

struct prepared *prepared_loose(const struct prepared *model)
{
    struct prepared *loose = malloc(sizeof *loose + model->length);
    if (!loose)
        return NULL;
    *loose = (struct prepared){.refs = 1,
                               .length = model->length,
                               .hash = model->hash,
                               .context = state_ref(model->context),
                               .loose = true};
    memcpy(loose->text, model->text, model->length);
    return loose;
}

static void take_out_of_table(struct prepared_table *table, const struct prepared *prepared)
{
    struct prepared **at = &table->slots[prepared->hash & (table->size - 1)];
    while (*at != prepared)
        at = &(*at)->next;
    *at = prepared->next;
    table->count--;
}

struct prepared *prepared_ref(struct prepared *prepared)
{
    prepared->refs++;
    return prepared;
}

void prepared_unref(struct prepared_table *table, struct state_table *states, struct prepared *prepared)
{
    if (!prepared || --prepared->refs)
        return;
    if (!prepared->loose)
        take_out_of_table(table, prepared);
    state_unref(states, prepared->context);
    free(prepared);
}

struct state *prepared_state(struct state_table *states, const struct prepared *prepared, struct state *state)
{
    struct state *context = state_context(states, state);
    if (!context)
        return NULL;
    bool same = context == prepared->context;
    state_unref(states, context);
    if (same)
        return state_ref(state);
    /* Without a default schema no name was looked for in one: any will do, and none takes it away again. */
    size_t length, ignored;
    const char *schema = state_schema(state, &length);
    if (!schema || state_schema(prepared->context, &ignored))
        return state_ref(prepared->context);
    return state_with(states, prepared->context, STATE_SCHEMA, "", 0, schema, length);
}

void prepared_table_done(struct prepared_table *table)
{
    free(table->slots);
    *table = (struct prepared_table){0};
}

/* ---- on a connection ---- */

static struct placed **slot_of(const struct backend *backend, const struct prepared *prepared)
{
    return &backend->placements->slots[prepared->hash % PLACED_SLOTS];
}

static void close_later(struct placements *placements, uint32_t id)
{
    if (placements->closing_count < PLACED_CLOSING)
        placements->closing[placements->closing_count++] = id;
    /* else it stays with the server until the connection is reset or closed */
}

static void take_out(struct backend *backend, struct placed *placed)
{
    struct pools *set = backend->pool->set;
    struct placed **at = slot_of(backend, placed->prepared);
    while (*at != placed)
        at = &(*at)->next;
    *at = placed->next;
    list_remove(&placed->in_use_order);
    backend->placements->count--;
    prepared_unref(&set->prepared, set->states, placed->prepared);
    free(placed);
}

static struct placed *find(const struct backend *backend, const struct prepared *prepared)
{
    struct placed *placed = backend->placements ? *slot_of(backend, prepared) : NULL;
    while (placed && placed->prepared != prepared)
        placed = placed->next;
    return placed;
}

bool placed_is(const struct backend *backend, const struct prepared *prepared)
{
    return find(backend, prepared);
}

struct placed *placed_find(struct backend *backend, const struct prepared *prepared)
{
    struct placed *placed = find(backend, prepared);
    if (placed) {
        list_remove(&placed->in_use_order);
        list_prepend(&backend->placements->used, &placed->in_use_order);
    }
    return placed;
}

void placed_remove(struct backend *backend, const struct prepared *prepared)
{
    struct placed *placed = placed_find(backend, prepared);
    if (!placed)
        return;
    close_later(backend->placements, placed->id);
    take_out(backend, placed);
}

static struct placements *make_placements(struct backend *backend)
{
    if (!backend->placements && (backend->placements = calloc(1, sizeof *backend->placements)))
        list_init(&backend->placements->used);
    return backend->placements;
}

bool placed_add(struct backend *backend, struct prepared *prepared, uint32_t id, unsigned max_prepared)
{
    struct placements *placements = make_placements(backend);
    struct placed *placed = placements ? malloc(sizeof *placed) : NULL;
    if (!placed) {
        if (placements)
            close_later(placements, id);
        return false;
    }
    placed_remove(backend, prepared); /* the fresh one knows the tables as they are now */
    while (placements->count && placements->count >= max_prepared) {
        struct placed *oldest = list_entry(placements->used.previous, struct placed, in_use_order);
        close_later(placements, oldest->id);
        take_out(backend, oldest);
    }
    struct placed **slot = slot_of(backend, prepared);
    *placed = (struct placed){.next = *slot, .prepared = prepared_ref(prepared), .id = id};
    *slot = placed;
    list_prepend(&placements->used, &placed->in_use_order);
    placements->count++;
    return true;
}

size_t placed_write_closing(struct backend *backend, uint8_t *out, size_t size)
{
    struct placements *placements = backend->placements;
    struct writer w = writer_of(out, size);
    size_t written = 0;
    while (placements && placements->closing_count) {
        size_t mark = packet_begin(&w);
        write_u8(&w, COM_STMT_CLOSE);
        write_u32(&w, placements->closing[placements->closing_count - 1]);
        packet_end(&w, mark, 0);
        if (w.full)
            break;
        placements->closing_count--;
        written = writer_length(&w);
    }
    return written;
}

void placed_forget(struct backend *backend)
{
    struct placements *placements = backend->placements;
    while (placements && !list_empty(&placements->used))
        take_out(backend, list_first(&placements->used, struct placed, in_use_order));
    free(placements);
    backend->placements = NULL;
}
