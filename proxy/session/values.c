/*
 * values.c - user variables whose values a replica knows, and nobody else: fetched, and carried as literals.
 *
 *   GET DIAGNOSTICS behind a read ──> its variables are where the read ran ──> the session is held on a
 * replica its next statement of another kind ──> values_ask(): SELECT @a, @b ──> values_carry(): part of the
 * state
 *
 * What GET DIAGNOSTICS gives is whole numbers and texts in utf8mb3, so a literal means just the same. On the
 * primary variables hold the session instead (holds.c): there they may be of any type, and writes run there
 * anyway.
 */
#include <stdio.h>
#include <string.h>

#include "session.h"

enum { VALUES_MAX = 16, VALUE_TEXT_MAX = 4096, COLUMNS = 3 };
enum { TYPE_LONG = 3, TYPE_LONGLONG = 8, TYPE_TINY_BLOB = 249, TYPE_STRING = 254 };

bool values_are_wanted(const struct session *session)
{
    const struct backend *backend = session->backend;
    return session->pins & PIN_USER_VARIABLE && backend &&
           backend->pool->server != session->worker->topology->primary &&
           !(session->status & STATUS_IN_TRANS_READONLY);
}

static unsigned names_of(const struct session *session, struct thing *ret[VALUES_MAX])
{
    unsigned count = 0;
    const struct ledger *ledger = session->ledger;
    for (unsigned i = 0; i < ledger->count; i++) {
        if (ledger->things[i]->pin != PIN_USER_VARIABLE)
            continue;
        if (count == VALUES_MAX)
            return 0;
        ret[count++] = ledger->things[i];
    }
    return count;
}

static void write_name(struct writer *w, const char *name)
{
    write_string(w, "@`");
    for (; *name; name++) {
        if (*name == '`')
            write_u8(w, '`');
        write_u8(w, (uint8_t)*name);
    }
    write_u8(w, '`');
}

struct command *values_ask(struct session *session, struct writer *w)
{
    struct thing *names[VALUES_MAX];
    unsigned count = names_of(session, names);
    if (!count)
        return NULL;
    size_t mark = packet_begin(w);
    write_u8(w, COM_QUERY);
    for (unsigned i = 0; i < count; i++) {
        write_string(w, i ? "," : "SELECT ");
        write_name(w, names[i]->name); /* for its type, and if it is a number */
        write_string(w, ",HEX(CONVERT(");
        write_name(w, names[i]->name);
        write_string(w, " USING utf8mb3)),CHARSET(");
        write_name(w, names[i]->name);
        write_string(w, ") IN ('utf8','utf8mb3')");
    }
    packet_end(w, mark, 0);
    return w->full ? NULL : backend_expect(session->backend, COMMAND_PROBE, COM_QUERY, session);
}

/* Of a Protocol::ColumnDefinition41. */
static uint8_t type_of(struct bytes packet)
{
    struct reader r = reader_of(packet.at, packet.length);
    for (int i = 0; i < 6; i++) /* catalog to the column's original name */
        read_lenenc_bytes(&r);
    read_lenenc(&r); /* the length of what follows */
    read_u16(&r);    /* collation */
    read_u32(&r);    /* display width */
    return read_u8(&r);
}

/* What the columns of a variable say. */
struct value {
    uint8_t type;
    struct bytes plain, hex, is_utf8mb3;
};

/* False: of a type that isn't expected here, or no room. */
static bool write_literal(struct writer *w, const struct value *value)
{
    bool number = value->type == TYPE_LONG || value->type == TYPE_LONGLONG;
    bool text = value->type >= TYPE_TINY_BLOB && value->type <= TYPE_STRING &&
                value->is_utf8mb3.length == 1 && *value->is_utf8mb3.at == '1';
    if (!value->plain.at) {
        write_string(w, "NULL");
    } else if (number) {
        write_bytes(w, value->plain.at, value->plain.length);
    } else if (text) {
        write_string(w, "_utf8mb3 X'");
        write_bytes(w, value->hex.at, value->hex.length);
        write_u8(w, '\'');
    }
    return !w->full && (number || text || !value->plain.at);
}

static bool carry(struct session *session, struct thing *thing, const struct value *value)
{
    uint8_t text[VALUE_TEXT_MAX];
    struct writer w = writer_of(text, sizeof text);
    if (!write_literal(&w, value))
        return false;
    struct state *with = state_with(&session->worker->states, session->state, STATE_USER, thing->name,
                                    strlen(thing->name), (const char *)text, writer_length(&w));
    if (!effects_set_state(session, with))
        return false;
    backend_set_state(session->backend, session->state); /* it knows them */
    thing->gone = true;
    return true;
}

void values_carry(struct session *session, const uint8_t *answer, size_t length)
{
    struct thing *names[VALUES_MAX];
    uint8_t types[VALUES_MAX];
    unsigned count = names_of(session, names);
    struct reader r = reader_of(answer, length);
    read_skip(&r, (size_t)read_u24(&r) + 1); /* their number; of an ERR, all */
    for (unsigned i = 0; i < COLUMNS * count; i++) {
        uint32_t size = read_u24(&r);
        read_u8(&r);
        uint8_t type = type_of(read_bytes(&r, size));
        if (i % COLUMNS == 0)
            types[i / COLUMNS] = type;
    }
    struct reader row = relay_row(session->backend, answer, length, (int)(COLUMNS * count));
    for (unsigned i = 0; i < count && !r.bad; i++) {
        struct value value = {.type = types[i]};
        value.plain = read_value(&row);
        value.hex = read_value(&row);
        value.is_utf8mb3 = read_value(&row);
        if (row.bad || !carry(session, names[i], &value))
            return;
    }
}
