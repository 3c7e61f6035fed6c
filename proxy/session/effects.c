/*
 * effects.c - what an answer says of its session: variables, schema, transaction; and which of it ties the
 * session to its connection.
 *
 *   OK's tracked entries ──> state of the session and of the connection (the same again: it ran there)
 *   status flags         ──> transaction open or not
 *   the text's effects   ──> pins (temporary tables, locks, ...), by one table
 *
 * The servers' own words decide; the text is asked only for what no server reports: user variables, SET
 * NAMES' collation.
 */
#include <stdlib.h>
#include <string.h>

#include "session.h"

/* What the client wants to be told in OK packets, once it has said so itself. */
struct tracking {
    bool schema, state_change, gtids;
    char variables[]; /* as given: comma-separated names, or "*" */
};

static const char default_tracking[] =
    "autocommit,character_set_client,character_set_connection,character_set_results,time_zone";

void effects_tracking_free(struct session *session)
{
    free(session->tracking);
    session->tracking = NULL;
}

/* ---- states ---- */

bool effects_set_state(struct session *session, struct state *state)
{
    if (!state) { /* no memory to say what the session is: only its connection knows */
        effects_set_pins(session, session->pins | PIN_UNKNOWN_STATE);
        return false;
    }
    state_unref(&session->worker->states, session->state);
    session->state = state;
    return true;
}

/* The session's state with one entry changed; the connection it ran on is in it too. */
static void change(struct session *session, struct backend *backend, enum state_kind kind, const char *name,
                   size_t name_length, const char *value, size_t value_length)
{
    struct state_table *states = &session->worker->states;
    struct state *changed = state_with(states, session->state, kind, name, name_length, value, value_length);
    if (effects_set_state(session, changed))
        backend_set_state(backend, session->state);
}

/* Seconds; digits, or 0. */
static uint32_t number_of(struct bytes text)
{
    uint32_t number = 0;
    for (size_t i = 0; i < text.length && text.at[i] >= '0' && text.at[i] <= '9' && number < 100000000; i++)
        number = number * 10 + (text.at[i] - '0');
    return number;
}

static void change_variable(struct session *session, struct backend *backend, struct bytes name,
                            struct bytes value)
{
    static const char connection[] = "character_set_connection", collation[] = "collation_connection";
    static const char idle[] = "wait_timeout";  /* a session that set it is closed by us, as a server would */
    static const char position[] = "last_gtid"; /* reported with each write; nobody can set it */
    const char *text = (const char *)name.at;
    if (name.length == sizeof position - 1 && memcmp(text, position, name.length) == 0) {
        position_write(session, value);
        return;
    }
    if (name.length == sizeof idle - 1 && memcmp(text, idle, name.length) == 0)
        session->idle_limit = number_of(value);
    switch (sql_variable_class(text, name.length)) {
    case SQL_VARIABLE_CARRIED:
    case SQL_VARIABLE_AUTOCOMMIT:
    case SQL_VARIABLE_UNLESS_OFF:
    case SQL_VARIABLE_PROXY: break;
    default: return; /* one-shot and privileged ones pin by the text; gtids and the like are no state */
    }
    if (name.length == sizeof connection - 1 && memcmp(text, connection, name.length) == 0)
        change(session, backend, STATE_VARIABLE, collation, sizeof collation - 1, NULL, 0);
    change(session, backend, STATE_VARIABLE, text, name.length, (const char *)value.at, value.length);
}

void effects_of_ok(struct session *session, struct backend *backend, const struct answer_ok *ok)
{
    struct track_walk walk = track_walk_of(ok->tracked);
    struct track_entry entry;
    bool bad = false;
    while (track_next(&walk, &entry, &bad)) {
        switch (entry.type) {
        case TRACK_SYSTEM_VARIABLE: change_variable(session, backend, entry.name, entry.value); break;
        case TRACK_SCHEMA:
            change(session, backend, STATE_SCHEMA, "", 0,
                   entry.value.length ? (const char *)entry.value.at : NULL, entry.value.length);
            break;
        case TRACK_STATE_CHANGE: session->changed = true; break;
        case TRACK_GTIDS: position_write(session, entry.value); break;
        default: break;
        }
    }
    if (bad) /* nonsense, or more than a state can hold */
        effects_set_pins(session, session->pins | PIN_UNKNOWN_STATE);
}

/* ---- what the client is shown ---- */

static bool names_variable(const char *list, struct bytes name)
{
    if (strcmp(list, "*") == 0)
        return true;
    for (const char *at = list; *at; at += *at == ',') {
        size_t n = strcspn(at, ",");
        if (n == name.length && strncasecmp(at, (const char *)name.at, n) == 0)
            return true;
        at += n;
    }
    return false;
}

static bool is_shown(const struct session *session, const struct track_entry *entry)
{
    const struct tracking *tracking = session->tracking;
    switch (entry->type) {
    case TRACK_SYSTEM_VARIABLE:
        return names_variable(tracking ? tracking->variables : default_tracking, entry->name);
    case TRACK_SCHEMA: return !tracking || tracking->schema;
    case TRACK_STATE_CHANGE: return tracking && tracking->state_change;
    case TRACK_GTIDS: return tracking && tracking->gtids;
    default: return true; /* transaction entries come only if asked for */
    }
}

static void put_entry(struct writer *w, const struct track_entry *entry)
{
    if (entry->type != TRACK_SYSTEM_VARIABLE) {
        write_bytes(w, entry->raw.at, entry->raw.length);
        return;
    }
    uint8_t pair[1024]; /* entries may hold several variables: each shown one goes in an entry of its own */
    struct writer inner = writer_of(pair, sizeof pair);
    write_lenenc_bytes(&inner, entry->name.at, entry->name.length);
    write_lenenc_bytes(&inner, entry->value.at, entry->value.length);
    if (inner.full)
        return;
    write_u8(w, TRACK_SYSTEM_VARIABLE);
    write_lenenc_bytes(w, pair, writer_length(&inner));
}

void effects_filter(const struct session *session, struct answer_ok *ok, uint8_t *out, size_t size)
{
    struct writer w = writer_of(out, size);
    struct track_walk walk = track_walk_of(ok->tracked);
    struct track_entry entry;
    bool bad = false;
    if (session->capabilities & CAP_SESSION_TRACK)
        while (track_next(&walk, &entry, &bad))
            if (is_shown(session, &entry))
                put_entry(&w, &entry);
    ok->tracked = (struct bytes){out, w.full ? 0 : writer_length(&w)};
    if (ok->tracked.length == 0)
        ok->status &= (uint16_t)~STATUS_SESSION_STATE_CHANGED;
}

/* ---- results ---- */

/* SHOW WARNINGS, but not SHOW COUNT(*) WARNINGS, which is a SELECT to servers. */
static bool shows_conditions(const struct session *session)
{
    struct sql_options options = statement_options(session);
    struct sql_span text = execute_text(session);
    struct sql_shown shown;
    return session->statement.effects & SQL_READS_DIAGNOSTICS &&
           sql_show_diagnostics(text.at, text.length, &options, &shown) && !shown.count;
}

/* After a result set. Those of RETURNING, CHECK TABLE and SHOW WARNINGS leave FOUND_ROWS() as it is. */
static void learn_found_rows(struct session *session, uint64_t rows)
{
    const struct route_statement *statement = &session->statement;
    bool leaves_it = statement->verb == SQL_DML || statement->verb == SQL_DDL ||
                     (statement->verb == SQL_SHOW && shows_conditions(session));
    if (statement->count > 1 || statement->effects & (SQL_FOUND_ROWS_UNCERTAIN | SQL_MAY_CHANGE_SESSION))
        past_leave(session, PAST_FOUND_ROWS);
    else if (!leaves_it)
        past_know(session, PAST_FOUND_ROWS, rows);
}

void effects_of_result(struct session *session, const struct result *result, uint16_t status,
                       uint16_t warnings, const struct answer_ok *ok)
{
    const struct route_statement *statement = &session->statement;
    bool rows = result->had_result_set;
    session->status = (uint16_t)(status & ~(STATUS_MORE_RESULTS | STATUS_SESSION_STATE_CHANGED));
    session->warnings = warnings;
    session->results++;
    if (rows) {
        session->row_count = -1;
        learn_found_rows(session, result->rows);
    } else if (ok) {
        session->row_count = (int64_t)ok->affected;
        if (statement->verb == SQL_SELECT) /* INTO a variable */
            past_leave(session, PAST_FOUND_ROWS);
    }
    if ((ok && !rows && ok->insert_id) || (rows && statement->effects & SQL_SETS_INSERT_ID) ||
        statement->effects & SQL_MAY_CHANGE_SESSION) {
        past_leave(session, PAST_INSERT_ID);
        if (session->insert_maybe)
            session->insert_id = session->insert_maybe; /* never asked for: most are generated */
        session->insert_maybe = ok ? ok->insert_id : 0;
    }
}

/* ---- pins ---- */

void effects_set_pins(struct session *session, unsigned pins)
{
    unsigned changed = pins ^ session->pins;
    if (!changed)
        return;
    if (!session->ledger)
        session->ledger = ledger_new();
    if (!pins && session->ledger)
        ledger_clear(session->ledger);
    for (unsigned bit = 0; changed >> bit; bit++)
        if (changed >> bit & 1) {
            if (pins >> bit & 1 && session->ledger)
                ledger_pinned(session->ledger, bit, session->statement.digest, session_now(session));
            if (pins >> bit & 1)
                atomic_fetch_add_explicit(&session->worker->figures.pins[bit], 1, memory_order_relaxed);
            else
                atomic_fetch_sub_explicit(&session->worker->figures.pins[bit], 1, memory_order_relaxed);
        }
    session->pins = pins;
}

/* A procedure that sets no user variable, and makes nothing, dropped a temporary table (which holds_probe()
 * asks for), or set variables, of which we were told. */
static bool is_explained_by_tables(const struct session *session)
{
    static const uint32_t other = SQL_MAY_ASSIGN | SQL_LEAVES_UNKNOWN | SQL_SETS_USER_VARIABLE;
    const struct route_statement *statement = &session->statement;
    return statement->verb == SQL_CALL && statement->count == 1 && !(statement->effects & other) &&
           session->pins & PIN_TEMPORARY_TABLE && !session->untold;
}

static unsigned pins_of_text(const struct session *session, bool good)
{
    const struct route_statement *statement = &session->statement;
    bool some = good || session->results || statement->count > 1; /* part of it may have worked */
    unsigned pins = route_pins(statement, some);
    if (!some)
        return pins;
    if (!good && statement->sets && session->results)
        pins |= PIN_UNKNOWN_STATE; /* some of a packet's SETs worked, and nobody says which */
    /* Variables are carried and explained; anything else that a routine or a trigger changed is known only
     * there. */
    static const uint32_t frees = SQL_DROPS_PREPARED | SQL_DROPS_TABLE | SQL_RELEASES_TABLE_LOCK;
    bool explained = statement->kind == ROUTE_CLASS_STATE || statement->kind == ROUTE_CLASS_TRANSACTION ||
                     statement->sets || statement->effects & frees || pins;
    if (statement->effects & SQL_MAY_CHANGE_SESSION)
        explained = is_explained_by_tables(session);
    if (session->changed && !explained)
        pins |= PIN_UNKNOWN_STATE;
    return pins;
}

static unsigned pins_ended(const struct session *session, bool good)
{
    const struct route_statement *statement = &session->statement;
    unsigned ended = 0;
    if (good && statement->effects & SQL_RELEASES_TABLE_LOCK)
        ended |= PIN_TABLE_LOCK;
    if (!(statement->kind == ROUTE_CLASS_STATE) && statement->verb != SQL_SET_TRANSACTION)
        ended |= PIN_NEXT_TRANSACTION;
    return ended;
}

/* Without an OK nobody says whether a transaction is open: it was, or with autocommit = 0 it may have begun.
 */
static unsigned pin_of_transaction(const struct session *session, bool good)
{
    if (session->status & STATUS_IN_TRANS)
        return PIN_TRANSACTION;
    bool unsure = !good && !session->results && !state_reading(session->state)->autocommit &&
                  session->statement.kind != ROUTE_CLASS_STATE;
    return unsure ? PIN_TRANSACTION : 0;
}

static unsigned pin_of_diagnostics(const struct session *session, bool good)
{
    const struct route_statement *statement = &session->statement;
    bool leaves_alone = statement->effects & SQL_READS_DIAGNOSTICS || statement->kind == ROUTE_CLASS_STATE;
    if (!good || session->warnings)
        return PIN_DIAGNOSTICS;
    return leaves_alone ? session->pins & PIN_DIAGNOSTICS : 0;
}

/* ---- what only the text says ---- */

static void set_names(struct session *session, struct backend *backend, struct sql_span value)
{
    static const char *const overwritten[] = {"character_set_client", "character_set_connection",
                                              "character_set_results", "collation_connection"};
    for (size_t i = 0; i < sizeof overwritten / sizeof *overwritten; i++)
        change(session, backend, STATE_VARIABLE, overwritten[i], strlen(overwritten[i]), NULL, 0);
    change(session, backend, STATE_NAMES, "", 0, value.at, value.length);
}

static bool is_literal(enum sql_value_kind kind)
{
    return kind == SQL_VALUE_LITERAL_NUMBER || kind == SQL_VALUE_LITERAL_STRING ||
           kind == SQL_VALUE_LITERAL_NULL;
}

static bool same_name(struct sql_span name, const char *what)
{
    return name.length == strlen(what) && strncasecmp(name.at, what, name.length) == 0;
}

/* What is tracked from now on; `value` without quotes. A list of names is written by the caller. */
static void track(struct tracking *tracking, struct sql_span name, struct sql_span value, bool is_default)
{
    bool off = value.length == 3 && strncasecmp(value.at, "off", 3) == 0;
    bool on = value.length && strchr("1oOtT", *value.at) && !off;
    if (same_name(name, "session_track_schema"))
        tracking->schema = is_default || on;
    else if (same_name(name, "session_track_state_change"))
        tracking->state_change = !is_default && on;
    else if (same_name(name, "session_track_gtids"))
        tracking->gtids = !is_default && value.length && !off;
}

static void set_tracking(struct session *session, const struct sql_assignment *assignment)
{
    static const struct sql_span usual = {default_tracking, sizeof default_tracking - 1};
    struct sql_span value = assignment->value;
    bool is_default = same_name(value, "default");
    if (value.length >= 2 && (*value.at == '\'' || *value.at == '"'))
        value = (struct sql_span){value.at + 1, value.length - 2};
    const struct tracking *old = session->tracking;
    struct sql_span list = old ? (struct sql_span){old->variables, (uint32_t)strlen(old->variables)} : usual;
    if (same_name(assignment->name, "session_track_system_variables"))
        list = is_default ? usual : value;
    struct tracking *fresh = malloc(sizeof *fresh + list.length + 1);
    if (!fresh)
        return;
    *fresh = old ? *old : (struct tracking){.schema = true};
    memcpy(fresh->variables, list.at, list.length);
    fresh->variables[list.length] = 0;
    track(fresh, assignment->name, value, is_default);
    effects_tracking_free(session);
    session->tracking = fresh;
}

/* A literal means what it does in the character set and mode of its time. */
static bool reinterprets_literals(const struct sql_assignment *assignment)
{
    static const char *const names[] = {"sql_mode", "character_set_client", "character_set_connection",
                                        "collation_connection"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (same_name(assignment->name, names[i]))
            return true;
    return assignment->kind == SQL_SET_NAMES || assignment->kind == SQL_SET_CHARACTER_SET;
}

/* Keeps one assignment; returns the pin that it calls for, or 0. */
static unsigned assign(struct session *session, struct backend *backend,
                       const struct sql_assignment *assignment)
{
    bool outlived = reinterprets_literals(assignment) && state_has_kind(session->state, STATE_USER);
    switch (assignment->kind) {
    case SQL_SET_NAMES: set_names(session, backend, assignment->value); break;
    case SQL_SET_USER_VARIABLE:
        if (is_literal(assignment->value_kind)) {
            change(session, backend, STATE_USER, assignment->name.at, assignment->name.length,
                   assignment->value.at, assignment->value.length);
            if (session->ledger) /* whatever only the server knew of it is over */
                ledger_remove(session->ledger, PIN_USER_VARIABLE, (struct sql_span){0}, assignment->name);
        }
        break;
    case SQL_SET_SESSION_VARIABLE:
        if (sql_variable_class(assignment->name.at, assignment->name.length) == SQL_VARIABLE_TRACKING) {
            if (session->statement.count != 1) /* else effects_track() has */
                set_tracking(session, assignment);
            backend->tainted = true; /* it tells us less than it should from now on */
        }
        break;
    case SQL_SET_CHARACTER_SET: /* holds, by its reason */
    case SQL_SET_GLOBAL_VARIABLE: break;
    }
    return outlived ? PIN_USER_VARIABLE : 0;
}

/* The SETs of the present request, as far as the text is what carries them. Returns the pins that they call
 * for. */
static unsigned read_sets(struct session *session, struct backend *backend)
{
    unsigned pins = 0;
    if (!(session->statement.sets || session->statement.plain_role))
        return 0;
    struct sql_options options = statement_options(session);
    struct sql_span text = execute_text(session);
    struct sql_facts facts;
    for (size_t at = 0; at < text.length;) {
        at += sql_read(text.at + at, text.length - at, &options, &facts);
        struct sql_span rest = facts.set_text;
        struct sql_assignment assignment;
        bool bad = false;
        if (facts.verb == SQL_SET_ROLE && facts.name.at)
            change(session, backend, STATE_ROLE, "", 0, facts.name.at, facts.name.length);
        while (facts.verb == SQL_SET && sql_set_next(&rest, &options, &assignment, &bad))
            pins |= assign(session, backend, &assignment);
    }
    return pins;
}

void effects_track(struct session *session)
{
    const struct route_statement *statement = &session->statement;
    if (!(statement->effects & SQL_READS_SESSION_TRACK) || !statement->sets || statement->count != 1)
        return;
    struct sql_options options = statement_options(session);
    struct sql_span text = execute_text(session);
    struct sql_facts facts;
    sql_read(text.at, text.length, &options, &facts);
    struct sql_span rest = facts.set_text;
    struct sql_assignment assignment;
    bool bad = false;
    while (facts.verb == SQL_SET && sql_set_next(&rest, &options, &assignment, &bad))
        if (assignment.kind == SQL_SET_SESSION_VARIABLE &&
            sql_variable_class(assignment.name.at, assignment.name.length) == SQL_VARIABLE_TRACKING)
            set_tracking(session, &assignment);
}

void effects_of_end(struct session *session, bool good)
{
    struct backend *backend = session->backend;
    static const unsigned fleeting = PIN_TRANSACTION | PIN_DIAGNOSTICS;
    unsigned pins = session->pins & ~fleeting & ~pins_ended(session, good);
    unsigned unclear = good ? read_sets(session, backend) : 0;
    pins |= pins_of_text(session, good);
    pins = holds_settle(session, pins, unclear, good);
    execute_settle(session, good);
    pins = (pins & ~(unsigned)(PIN_CURSOR | PIN_LONG_DATA)) | handles_pins(session);
    if (pins)
        backend->dirty = true;
    if (pins & (PIN_ROLE | PIN_XA) || session->statement.effects & SQL_LEAVES_UNKNOWN)
        backend->tainted = true;
    pins |= pin_of_transaction(session, good) | pin_of_diagnostics(session, good);
    if (!good || session->warnings)
        diagnose_forget(session); /* there are newer ones */
    if (pins & PIN_DIAGNOSTICS)
        backend->warnings = true;
    if (!good)
        session->row_count = -1;
    effects_set_pins(session, pins);
}
