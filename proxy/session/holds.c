/*
 * holds.c - what ties a session to its connection, and when that is over.
 *
 *   a statement's end ──> sql_things(): names made and freed ──> the ledger ──> pins of which nothing is left
 * end
 *
 *   GET_LOCK and RELEASE_LOCK say only in their rows what they did, and a lock may be taken twice; a
 * procedure may drop a table. So the server is asked behind them (holds_probe): does this connection have any
 * of the locks that the ledger names, and is each of the tables still there?
 */
#include <stdio.h>
#include <string.h>

#include "session.h"

enum { THINGS_MAX = 32, PROBE_MAX = 4096, NO_SUCH_TABLE = 1146 };

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
    const struct sql_span request = execute_text(session);
    const struct route_statement *statement = &session->statement;
    bool clear = statement->count == 1 || (good && !route_has_verb(statement, SQL_USE));
    if (!request.length || !clear)
        return made;
    const char *text = request.at;
    size_t length = request.length;
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

/* What the statement may have ended without naming it. */
static void doubt(struct session *session)
{
    static const uint32_t locks = SQL_TAKES_USER_LOCK | SQL_RELEASES_USER_LOCK | SQL_MAY_CHANGE_SESSION;
    if (session->statement.effects & locks)
        session->ledger->doubtful |= PIN_USER_LOCK;
    if (session->statement.effects & SQL_MAY_CHANGE_SESSION)
        session->ledger->doubtful |= PIN_TEMPORARY_TABLE;
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
    doubt(session);
    return pins & ~ledger_ended(session->ledger, pins & ~(unsigned)PIN_USER_LOCK);
}

/* ---- asking the server ---- */

/* Questions by number; those between ask for the table of that number. */
enum { ASK_LOCKS = 0, ASK_VALUES = UINT8_MAX };

static bool ask_for_values(struct session *session, struct writer *w)
{
    struct command *command = values_ask(session, w);
    if (command)
        command->kinds = ASK_VALUES;
    return command;
}

/* Does this connection have any of the locks? */
static bool ask_for_locks(struct session *session, struct writer *w)
{
    const struct ledger *ledger = session->ledger;
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
    struct command *command = w->full ? NULL
                                      : backend_expect(session->backend, COMMAND_PROBE, COM_QUERY, session);
    if (command)
        command->kinds = ASK_LOCKS;
    return command;
}

/* Is the thing before this number, a temporary table, still there? An ordinary one of the
 * same name answers as well; then it is held for longer than it need be. */
static bool ask_for_table(struct session *session, unsigned number, struct writer *w)
{
    const char *name = session->ledger->things[number - 1]->name, *quote = strchr(name, '`');
    char text[600];
    int schema = (int)(quote - name);
    snprintf(text, sizeof text, "SELECT 1 FROM %s%.*s%s`%s` LIMIT 0", schema ? "`" : "", schema, name,
             schema ? "`." : "", quote + 1);
    struct command *command = backend_query(session->backend, COMMAND_PROBE, session, text, w);
    if (command)
        command->kinds = (uint8_t)number;
    return command;
}

/* Pins that may be asked for now. The warnings of the last statement would be gone; a read of a table would
 * begin a transaction, or take its picture of the data. */
static unsigned to_be_asked(const struct session *session)
{
    const struct ledger *ledger = session->ledger;
    if (!ledger || session->pins & PIN_DIAGNOSTICS)
        return 0;
    unsigned doubtful = ledger->doubtful | (values_are_wanted(session) ? PIN_USER_VARIABLE : 0);
    unsigned asked = doubtful & session->pins & ~ledger->unnamed;
    if (session->pins & PIN_TRANSACTION || !state_reading(session->state)->autocommit)
        asked &= ~(unsigned)PIN_TEMPORARY_TABLE;
    return asked;
}

/* The questions, as far as there is room; what isn't asked for is held until the session's end. Returns how
 * many. */
static unsigned ask(struct session *session, unsigned asked, struct writer *w)
{
    const struct ledger *ledger = session->ledger;
    unsigned questions = 0;
    struct writer before = *w;
    if (asked & PIN_USER_LOCK)
        questions += ask_for_locks(session, w);
    if (asked & PIN_USER_VARIABLE)
        questions += ask_for_values(session, w);
    for (unsigned i = 0; asked & PIN_TEMPORARY_TABLE && i < ledger->count && i < ASK_VALUES - 1; i++) {
        *w = w->full ? before : *w;
        before = *w;
        if (ledger->things[i]->pin == PIN_TEMPORARY_TABLE)
            questions += ask_for_table(session, i + 1, w);
    }
    *w = w->full ? before : *w;
    return questions;
}

void holds_probe(struct session *session)
{
    struct backend *backend = session->backend;
    unsigned asked = to_be_asked(session);
    uint8_t packets[PROBE_MAX];
    if (!asked)
        return;
    session->ledger->doubtful &= ~asked;
    size_t saved = past_save(backend, NULL, packets, sizeof packets / 2);
    struct writer w = writer_of(packets + saved, sizeof packets - saved);
    session->probing = (uint8_t)ask(session, asked, &w);
    size_t length = saved + writer_length(&w);
    if (length && conn_write(&backend->conn, packets, length) != CONN_OK)
        relay_events.lost(backend);
}

static bool is_gone(const uint8_t *answer, size_t length)
{
    struct answer_err err;
    return answer_err_read(answer + PACKET_HEADER, length - PACKET_HEADER, &err) && err.code == NO_SUCH_TABLE;
}

static bool has_no_lock(struct backend *backend, const uint8_t *answer, size_t length)
{
    struct reader row = relay_row(backend, answer, length, 1);
    struct bytes value = read_lenenc_bytes(&row);
    return !row.bad && value.length == 1 && *value.at == '0';
}

void holds_probed(struct backend *backend, struct session *session, unsigned number, const uint8_t *answer,
                  size_t length)
{
    if (!session)
        return;
    struct ledger *ledger = session->ledger;
    backend->warnings = true; /* perhaps */
    if (number == ASK_VALUES)
        values_carry(session, answer, length);
    else if (number && number <= ledger->count)
        ledger->things[number - 1]->gone = is_gone(answer, length);
    else if (has_no_lock(backend, answer, length))
        ledger_mark_gone(ledger, PIN_USER_LOCK);
    if (--session->probing)
        return;
    ledger_remove_gone(ledger);
    effects_set_pins(session, session->pins & ~ledger_ended(ledger, session->pins));
    if (!session->pins && session->backend == backend)
        session_let_go(session);
    session_continue(session);
}
