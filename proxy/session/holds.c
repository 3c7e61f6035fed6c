/*
 * holds.c - what ties a session to its connection, and when that is over.
 *
 *   a statement's end ──> sql_things(): names made and freed ──> the ledger ──> pins of which nothing is left
 * end
 *
 *   GET_LOCK and RELEASE_LOCK say only in their rows what they did, and a lock may be taken twice. So the
 * server is asked behind them (holds_probe): does this connection have any of the locks that the ledger
 * names?
 */
#include <string.h>

#include "session.h"

enum { THINGS_MAX = 32, PROBE_MAX = 4096 };

bool holds_may_leave(const struct session *session)
{
    return session->ledger && !ledger_has_unnamed(session->ledger, PIN_TEMPORARY_TABLE);
}

/* What each kind of thing means for which pin. */
static const struct {
    unsigned pin;
    bool adds;
    bool even_if_failed; /* a statement that failed may have done it before */
} meanings[] = {
    [SQL_THING_TABLE_MADE] = {PIN_TEMPORARY_TABLE, true, false},
    [SQL_THING_TABLE_DROPPED] = {PIN_TEMPORARY_TABLE, false, false},
    [SQL_THING_PREPARED] = {PIN_PREPARED, true, false},
    [SQL_THING_DEALLOCATED] = {PIN_PREPARED, false, false},
    [SQL_THING_EXECUTED] = {0, false, true},
    [SQL_THING_HANDLER_OPENED] = {PIN_HANDLER, true, false},
    [SQL_THING_HANDLER_CLOSED] = {PIN_HANDLER, false, false},
    [SQL_THING_XA_ENDED] = {PIN_XA, false, false},
    [SQL_THING_LOCK] = {PIN_USER_LOCK, true, true},
    [SQL_THING_VARIABLE] = {PIN_USER_VARIABLE, true, true},
};

static struct sql_span schema_of(const struct session *session, const struct sql_thing *thing)
{
    size_t length = 0;
    const char *schema = thing->schema.at ? thing->schema.at : state_schema(session->state, &length);
    if (thing->schema.at || (thing->kind != SQL_THING_TABLE_MADE && thing->kind != SQL_THING_TABLE_DROPPED))
        return thing->schema;
    return (struct sql_span){schema, (uint32_t)length};
}

/* Whether running a statement's literal may leave what no server reports. Escapes other than doubled quotes
 * are not understood here. */
static bool text_leaves(const struct session *session, struct sql_span literal)
{
    char text[4096];
    size_t length = 0;
    if (!literal.at || literal.length < 2 || literal.length > sizeof text ||
        (*literal.at != '\'' && *literal.at != '"') || memchr(literal.at, '\\', literal.length))
        return true;
    for (uint32_t i = 1; i + 1 < literal.length; i++) {
        text[length++] = literal.at[i];
        i += literal.at[i] == *literal.at;
    }
    return define_leaves(session, text, length, true);
}

/* What a routine prepared has no name here. */
static bool executed_leaves(const struct session *session, struct sql_span name)
{
    return session->pins & PIN_UNKNOWN_STATE || (session->ledger && ledger_leaves(session->ledger, name));
}

bool holds_may_leave_unknown(const struct session *session, const char *text, size_t length)
{
    struct sql_thing things[THINGS_MAX];
    struct sql_options options = statement_options(session);
    unsigned count = sql_things(text, length, &options, things, THINGS_MAX);
    for (unsigned i = 0; i < count && i < THINGS_MAX; i++)
        if (things[i].kind == SQL_THING_EXECUTED)
            return things[i].name.at ? executed_leaves(session, things[i].name)
                                     : text_leaves(session, things[i].text);
    return true;
}

/* Notes one thing. Returns the pin that it adds to, or 0. */
static unsigned note(struct session *session, const struct sql_thing *thing, unsigned pins, bool good)
{
    unsigned pin = meanings[thing->kind].pin;
    if (!pin)
        return 0;
    if (!good && !meanings[thing->kind].even_if_failed)
        return 0;
    if (!meanings[thing->kind].adds) {
        ledger_remove(session->ledger, pin, schema_of(session, thing), thing->name);
        return 0;
    }
    if (!(pins & pin)) /* a variable that is only read */
        return 0;
    ledger_add(session->ledger, pin, schema_of(session, thing), thing->name);
    if (thing->kind == SQL_THING_PREPARED)
        ledger_set_leaves(session->ledger, thing->name, text_leaves(session, thing->text));
    return pin;
}

/* One statement's names. `made`: pins that the request calls for. Returns those that got a name; -1: there
 * are too many. */
static int note_statement(struct session *session, const char *text, size_t length,
                          const struct sql_options *options, unsigned made, bool good, unsigned *pins)
{
    struct sql_thing things[THINGS_MAX];
    unsigned named = 0, count = sql_things(text, length, options, things, THINGS_MAX);
    if (count > THINGS_MAX)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        named |= note(session, &things[i], made, good);
        if (good && things[i].kind == SQL_THING_XA_ENDED)
            *pins &= ~(unsigned)PIN_XA;
    }
    return (int)named;
}

/* The request's names. Returns the pins that it calls for without giving a name: those of a packet of several
 * statements that failed on the way, or changed the schema on the way, have none that can be relied on. */
static unsigned note_request(struct session *session, unsigned made, bool good, unsigned *pins)
{
    const struct chunk *in = session->conn.in;
    const struct route_statement *statement = &session->statement;
    bool clear = statement->count == 1 || (good && !route_has_verb(statement, SQL_USE));
    if (session->code != COM_QUERY || !session->request || !clear)
        return made;
    const char *text = (const char *)in->data + in->start + PACKET_HEADER + 1;
    size_t length = session->request - PACKET_HEADER - 1;
    struct sql_options options = statement_options(session);
    struct sql_facts facts;
    unsigned named = 0;
    for (size_t at = 0, n; at < length; at += n) {
        n = sql_read(text + at, length - at, &options, &facts);
        int some = note_statement(session, text + at, n, &options, made, good, pins);
        if (some < 0)
            return made;
        named |= (unsigned)some;
    }
    return made & ~named;
}

unsigned holds_settle(struct session *session, unsigned pins, unsigned unclear, bool good)
{
    static const unsigned named = PIN_TEMPORARY_TABLE | PIN_PREPARED | PIN_HANDLER | PIN_USER_LOCK |
                                  PIN_USER_VARIABLE;
    pins |= unclear;
    if (!pins)
        return 0;
    if (!session->ledger && !(session->ledger = ledger_new()))
        return pins;
    unsigned made = route_pins(&session->statement, good || session->results) & named;
    session->ledger->unnamed |= (unclear & named) | note_request(session, made, good, &pins);
    return pins & ~ledger_ended(session->ledger, pins & ~(unsigned)PIN_USER_LOCK);
}

/* ---- user locks ---- */

static bool write_probe(const struct ledger *ledger, struct writer *w)
{
    const char *joint = "SELECT ";
    size_t mark = packet_begin(w);
    write_u8(w, COM_QUERY);
    for (unsigned i = 0; i < ledger->count; i++) {
        if (ledger->things[i]->pin != PIN_USER_LOCK)
            continue;
        write_string(w, joint);
        write_string(w, "IS_USED_LOCK(");
        write_string(w, ledger->things[i]->name);
        write_string(w, ")<=>CONNECTION_ID()");
        joint = " OR ";
    }
    write_string(w, " LIMIT 1");
    packet_end(w, mark, 0);
    return !w->full && joint[0] == ' ';
}

void holds_probe(struct session *session)
{
    static const uint32_t asks = SQL_TAKES_USER_LOCK | SQL_RELEASES_USER_LOCK | SQL_MAY_CHANGE_SESSION;
    struct backend *backend = session->backend;
    uint8_t packet[PROBE_MAX];
    if (!(session->pins & PIN_USER_LOCK) || session->pins & PIN_DIAGNOSTICS || !session->ledger ||
        ledger_has_unnamed(session->ledger, PIN_USER_LOCK) || !(session->statement.effects & asks))
        return;
    size_t saved = past_save(backend, NULL, packet, sizeof packet / 2);
    struct writer w = writer_of(packet + saved, sizeof packet - saved);
    bool fits = write_probe(session->ledger, &w); /* too many locks: held until the session's end */
    size_t length = saved + (fits ? writer_length(&w) : 0);
    if ((fits && !backend_expect(backend, COMMAND_PROBE, COM_QUERY, session)) ||
        (length && conn_write(&backend->conn, packet, length) != CONN_OK))
        relay_events.lost(backend);
    else
        session->probing = fits;
}

void holds_probed(struct backend *backend, struct session *session, const uint8_t *answer, size_t length)
{
    struct reader row = relay_row(backend, answer, length, 1);
    struct bytes value = read_lenenc_bytes(&row);
    bool none = !row.bad && value.length == 1 && *value.at == '0';
    if (!session)
        return;
    session->probing = false;
    if (none && session->ledger) {
        ledger_remove_all(session->ledger, PIN_USER_LOCK);
        effects_set_pins(session, session->pins & ~(unsigned)PIN_USER_LOCK);
    }
    if (!session->pins && session->backend == backend)
        session_let_go(session);
    if (session->step == SESSION_WAITING && list_empty(&session->waiter.link))
        statement_begin(session);
}
