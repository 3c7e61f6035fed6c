/*
 * fuzz_state.c - tracked entries of any kind become states of a session and of a connection; the difference
 * between the two never overruns, and what it says holds.
 *
 *   input: room for the SETs (u16) | tracked entries of an OK packet | 0xee | tracked entries
 *                                     └─> the connection's state              └─> the session's
 */
#include "pointsman/protocol/answer.h"
#include "pointsman/state/state.h"
#include "same.h"

enum { ROOM_MAX = 4096 };

static struct state_table table;

static void replace(struct state **state, enum state_kind kind, struct bytes name, struct bytes value)
{
    const char *text = (const char *)value.at;
    struct state *made = state_with(&table, *state, kind, (const char *)name.at, name.length, text,
                                    value.length);
    if (!made) /* too large */
        return;
    state_unref(&table, *state);
    *state = made;
}

/* As the session does it: variables as they are, a schema's empty name for none; the other types of entries
 * stand here for what the text of a SET says. */
static void take(struct state **state, const struct track_entry *entry)
{
    static const struct bytes nothing = {(const uint8_t *)"", 0};
    switch (entry->type) {
    case TRACK_SYSTEM_VARIABLE: replace(state, STATE_VARIABLE, entry->name, entry->value); break;
    case TRACK_SCHEMA:
        replace(state, STATE_SCHEMA, nothing, entry->value.length ? entry->value : (struct bytes){0});
        break;
    case TRACK_GTIDS: replace(state, STATE_NAMES, nothing, entry->value); break;
    case TRACK_TRANSACTION_STATE: replace(state, STATE_USER, entry->value, entry->value); break;
    case TRACK_TRANSACTION_CHARACTERISTICS:
        replace(state, STATE_USER, entry->value, (struct bytes){0});
        break;
    default: break;
    }
}

static struct state *state_from(const uint8_t *data, size_t size)
{
    struct state *state = state_ref(table.empty);
    struct track_walk walk = track_walk_of((struct bytes){data, size});
    struct track_entry entry;
    bool bad = false;
    while (track_next(&walk, &entry, &bad))
        take(&state, &entry);
    return state;
}

/* Exactly as much memory as is said, so that a sanitizer sees one byte too many. */
static void differ(const struct state *from, const struct state *to, size_t room)
{
    struct state_difference difference = {.set_length = SIZE_MAX};
    char *out = malloc(room ? room : 1);
    require(out != NULL);
    if (state_difference(from, to, out, room, &difference)) {
        require(difference.set_length <= room && difference.user_length <= room - difference.set_length);
        require(!difference.set_length || memcmp(out, "SET ", 4) == 0);
        require(!difference.user_length || memcmp(out + difference.set_length, "SET @`", 6) == 0);
        bool nothing = !difference.schema && !difference.set_length && !difference.user_length;
        require(from != to || (nothing && !difference.impossible));
        require(from == to || !nothing || difference.impossible);
    } else {
        require(difference.set_length == SIZE_MAX);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t room = (data[0] | (size_t)data[1] << 8) % ROOM_MAX, half = 2 + (size - 2) / 2;
    const uint8_t *cut = memchr(data + 2, 0xee, size - 2); /* where the second state's entries begin */
    if (cut)
        half = (size_t)(cut - data);
    require(state_table_init(&table));
    struct state *from = state_from(data + 2, half - 2);
    struct state *to = state_from(data + half + (cut != NULL), size - half - (cut != NULL));
    differ(from, to, room);
    differ(to, from, room);
    differ(from, table.empty, room);
    differ(to, to, room);
    struct state *without = state_without(&table, to, STATE_VARIABLE);
    require(without != NULL && !state_has_kind(without, STATE_VARIABLE));
    state_unref(&table, without);
    state_unref(&table, from);
    state_unref(&table, to);
    require(table.count == 1); /* all references are given back */
    state_table_done(&table);
    return 0;
}
