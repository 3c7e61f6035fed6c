/*
 * past.c - LAST_INSERT_ID(), FOUND_ROWS(), ROW_COUNT() and CONNECTION_ID() of a session whose statements run
 * on connections that it shares with others.
 *
 *   a statement ends ──> its values are known from the answer (past_know)
 *                   └──> or only its connection knows them (past_leave): a weak link both ways
 *
 *   another session is given that connection ──> past_save: "SELECT LAST_INSERT_ID(), FOUND_ROWS()" goes
 * ahead of what it the session itself asks elsewhere       ──>  wants, and the answer makes the values known
 *
 *   the session asks ──> known values stand as literals in the text (past_rewrite); on the very connection
 * that knows, the text stays as it is
 *
 * Literals stand in a COALESCE with the call, so that the column's type and length stay the function's; where
 * the call stood in a select list without an alias, its text becomes the column's name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session.h"

/* With a LIMIT of its own, since the session that had the connection may have set sql_select_limit = 0. */
static const char question[] = "SELECT LAST_INSERT_ID(),FOUND_ROWS() LIMIT 1";

/* ---- links ---- */

static void unlink_past(struct session *session, enum past_kind kind)
{
    struct backend *backend = session->past[kind];
    if (backend)
        backend->past[kind] = NULL;
    session->past[kind] = NULL;
}

void past_leave(struct session *session, enum past_kind kind)
{
    struct backend *backend = session->backend;
    unlink_past(session, kind);
    session->saving &= ~(1u << kind);
    if (backend->past[kind])
        backend->past[kind]->past[kind] = NULL;
    backend->past[kind] = session;
    session->past[kind] = backend;
}

void past_know(struct session *session, enum past_kind kind, uint64_t value)
{
    unlink_past(session, kind);
    session->saving &= ~(1u << kind);
    if (kind == PAST_INSERT_ID) {
        session->insert_id = value;
        session->insert_maybe = 0;
    } else {
        session->found_rows = value;
    }
}

void past_forget(struct backend *backend)
{
    struct session *owner = backend->past[PAST_INSERT_ID];
    if (owner && owner->insert_maybe)
        past_know(owner, PAST_INSERT_ID, owner->insert_maybe); /* nobody else can tell */
    for (int kind = 0; kind < PAST_KINDS; kind++) {
        if (backend->past[kind])
            backend->past[kind]->past[kind] = NULL;
        backend->past[kind] = NULL;
    }
    list_each (node, &backend->commands) {
        struct command *command = list_entry(node, struct command, link);
        if (command->kind != COMMAND_SAVE || !command->session)
            continue;
        unsigned kinds = command->session->saving & command->kinds;
        command->session->saving &= ~kinds;
        if (kinds >> PAST_INSERT_ID & 1 && command->session->insert_maybe)
            past_know(command->session, PAST_INSERT_ID, command->session->insert_maybe);
    }
}

void past_drop(struct session *session)
{
    for (int kind = 0; kind < PAST_KINDS; kind++)
        unlink_past(session, kind);
    if (!session->saving)
        return;
    session->saving = 0;
    list_each (node, &session->worker->pools.backends) {
        struct backend *backend = list_entry(node, struct backend, in_pools);
        list_each (other, &backend->commands) {
            struct command *command = list_entry(other, struct command, link);
            if (command->kind == COMMAND_SAVE && command->session == session)
                command->session = NULL;
        }
    }
}

/* ---- saving ---- */

static void ask_for(struct backend *backend, struct session *owner, struct writer *w)
{
    struct command *command = backend_query(backend, COMMAND_SAVE, owner, question, w);
    if (!command) {
        w->full = true;
        return;
    }
    command->kinds = 0;
    for (int kind = 0; kind < PAST_KINDS; kind++)
        if (backend->past[kind] == owner) {
            unlink_past(owner, kind);
            owner->saving |= 1u << kind;
            command->kinds |= (uint8_t)(1u << kind);
        }
    figure_add(&owner->worker->figures.saves, 1);
}

size_t past_save(struct backend *backend, const struct session *session, uint8_t *out, size_t size)
{
    /* The question itself changes FOUND_ROWS(): who wants that goes first. */
    static const enum past_kind order[] = {PAST_FOUND_ROWS, PAST_INSERT_ID};
    struct writer w = writer_of(out, size);
    for (int i = 0; i < PAST_KINDS; i++) {
        struct session *owner = backend->past[order[i]];
        if (owner && owner != session)
            ask_for(backend, owner, &w);
    }
    return w.full ? 0 : writer_length(&w);
}

void past_release(struct backend *backend)
{
    uint8_t packets[2 * (PACKET_HEADER + sizeof question)];
    bool forgets = backend->dirty || backend->tainted;
    backend->session = NULL;
    size_t length = forgets && !backend->broken && list_empty(&backend->commands)
                        ? past_save(backend, NULL, packets, sizeof packets)
                        : 0;
    if (!length)
        backend_release(backend);
    else if (conn_write(&backend->conn, packets, length) != CONN_OK)
        backend_discard(backend);
    else if (backend->list == BACKEND_HELD)
        backend_unhold(backend);
}

void past_retire(struct backend *backend)
{
    backend_take(backend);
    backend->tainted = true;
    past_release(backend);
}

static bool parse_number(struct bytes text, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value = value * 10 + (text.at[i] - '0');
    }
    *ret = value;
    return text.at && text.length;
}

static bool read_saved(const struct backend *backend, const uint8_t *answer, size_t length,
                       uint64_t *ret_insert_id, uint64_t *ret_found_rows)
{
    struct reader columns = relay_row(backend, answer, length, 2);
    struct bytes insert_id = read_lenenc_bytes(&columns), found_rows = read_lenenc_bytes(&columns);
    return reader_done(&columns) && parse_number(insert_id, ret_insert_id) &&
           parse_number(found_rows, ret_found_rows);
}

/* What its connection says that it is. */
static void learn_insert_id(struct session *session, uint64_t value)
{
    if (!session->insert_maybe || session->insert_maybe == value)
        session->insert_id = value;
    session->insert_maybe = 0;
}

void past_saved(struct backend *backend, struct session *session, unsigned kinds, const uint8_t *answer,
                size_t length)
{
    uint64_t insert_id, found_rows;
    if (!session)
        return;
    unsigned saving = session->saving & kinds;
    session->saving &= ~kinds;
    if (read_saved(backend, answer, length, &insert_id, &found_rows)) {
        if (saving >> PAST_INSERT_ID & 1)
            learn_insert_id(session, insert_id);
        if (saving >> PAST_FOUND_ROWS & 1)
            session->found_rows = found_rows;
    }
    session_continue(session);
}

/* ---- asking ---- */

enum past_answer past_ask(struct session *session, uint32_t effects)
{
    static const uint32_t wanted[PAST_KINDS] = {
        [PAST_INSERT_ID] = SQL_READS_INSERT_ID, [PAST_FOUND_ROWS] = SQL_READS_FOUND_ROWS};
    unsigned asked = 0;
    for (int kind = 0; kind < PAST_KINDS; kind++) {
        struct backend *backend = session->past[kind];
        if (!(effects & wanted[kind]))
            continue;
        asked |= 1u << kind;
        if (!backend || backend == session->backend || backend->list != BACKEND_IDLE)
            continue;
        uint8_t packet[2 * (PACKET_HEADER + sizeof question)];
        backend_take(backend);
        size_t length = past_save(backend, NULL, packet, sizeof packet);
        if (!length || conn_write(&backend->conn, packet, length) != CONN_OK)
            backend_discard(backend);
    }
    return session->saving & asked ? PAST_SAVING : PAST_KNOWN;
}

static bool is_native(const struct session *session, enum past_kind kind)
{
    return session->past[kind] && session->past[kind] == session->backend;
}

bool past_must_tell(const struct session *session)
{
    const struct route_statement *statement = &session->statement;
    bool asks = statement->overflow && statement->effects & SQL_READS_INSERT_ID;
    bool unseen = statement->effects & SQL_MAY_CHANGE_SESSION ||
                  (statement->effects & SQL_SETS_INSERT_ID && statement->verb == SQL_SELECT);
    return asks || (unseen && !session->login && statement->verb != SQL_KILL);
}

size_t past_tell(struct session *session, struct backend *backend, uint8_t *out, size_t size)
{
    char text[160];
    bool native = is_native(session, PAST_INSERT_ID);
    if (native && !session->insert_maybe)
        return 0;
    if (native)
        snprintf(text, sizeof text,
                 "SET last_insert_id=IF(@@last_insert_id=%" PRIu64 ",%" PRIu64 ",%" PRIu64 ")",
                 session->insert_maybe, session->insert_maybe, session->insert_id);
    else
        snprintf(text, sizeof text, "SET last_insert_id=%" PRIu64, session->insert_id);
    struct writer w = writer_of(out, size);
    if (!backend_query(backend, COMMAND_CARRY, session, text, &w))
        return 0;
    past_leave(session, PAST_INSERT_ID); /* this connection knows it now */
    session->insert_maybe = 0;
    return writer_length(&w);
}

/* ---- literals ---- */

/* The literal for a call; false: the connection's own answer is right. Its type, length and flags are those
 * of what it stands for: a function's can't be NULL, a variable's could. */
static bool literal_of(const struct session *session, const struct sql_call *call, char *out, size_t size)
{
    bool variable = *call->text.at == '@';
    uint64_t count;
    switch (call->kind) {
    case SQL_CALL_INSERT_ID:
        if (is_native(session, PAST_INSERT_ID) && !session->insert_maybe)
            return false;
        char value[100];
        if (is_native(session, PAST_INSERT_ID))
            snprintf(value, sizeof value, "IF(LAST_INSERT_ID()=%" PRIu64 ",%" PRIu64 ",%" PRIu64 ")",
                     session->insert_maybe, session->insert_maybe, session->insert_id);
        else
            snprintf(value, sizeof value, "%" PRIu64, session->insert_id);
        snprintf(out, size,
                 variable ? "NULLIF(COALESCE(CAST(%s AS UNSIGNED),@@last_insert_id),-1)"
                          : "COALESCE(CAST(%s AS UNSIGNED),LAST_INSERT_ID())",
                 value);
        return true;
    case SQL_CALL_FOUND_ROWS:
        if (is_native(session, PAST_FOUND_ROWS))
            return false;
        snprintf(out, size, "COALESCE(CAST(%" PRIu64 " AS SIGNED),FOUND_ROWS())", session->found_rows);
        return true;
    case SQL_CALL_ROW_COUNT:
        snprintf(out, size, "COALESCE(CAST(%" PRId64 " AS SIGNED),ROW_COUNT())", session->row_count);
        return true;
    case SQL_CALL_CONNECTION_ID:
        snprintf(out, size, "CAST(%" PRIu32 " AS UNSIGNED)", session->id);
        return true;
    case SQL_CALL_WARNING_COUNT:
    case SQL_CALL_ERROR_COUNT:
        if (!diagnose_count(session, call->kind == SQL_CALL_ERROR_COUNT, &count))
            return false;
        snprintf(out, size, "NULLIF(COALESCE(CAST(%" PRIu64 " AS UNSIGNED),@@%s_count),-1)", count,
                 call->kind == SQL_CALL_ERROR_COUNT ? "error" : "warning");
        return true;
    }
    return false;
}

/* Later statements of a packet read what earlier ones left, which only the server can tell. */
static bool is_of_the_past(enum sql_call_kind kind, unsigned statement, uint32_t earlier)
{
    switch (kind) {
    case SQL_CALL_INSERT_ID: return !(earlier & SQL_SETS_INSERT_ID);
    case SQL_CALL_WARNING_COUNT:
    case SQL_CALL_ERROR_COUNT:
    case SQL_CALL_FOUND_ROWS:
    case SQL_CALL_ROW_COUNT: return statement == 0;
    case SQL_CALL_CONNECTION_ID: return true;
    }
    return false;
}

static void put_alias(struct writer *w, struct sql_span item)
{
    write_string(w, " AS `");
    for (uint32_t i = 0; i < item.length; i++) {
        if (item.at[i] == '`')
            write_u8(w, '`');
        write_u8(w, (uint8_t)item.at[i]);
    }
    write_u8(w, '`');
}

/* One statement's calls replaced; `copied` is how far the text has been written. */
static void put_calls(struct session *session, const struct sql_facts *facts, unsigned statement,
                      uint32_t earlier, struct writer *w, const char **copied)
{
    char literal[200];
    struct sql_span item = {0};
    for (unsigned i = 0; i < facts->calls_count; i++) {
        const struct sql_call *call = &facts->calls[i];
        if (!is_of_the_past(call->kind, statement, earlier) ||
            !literal_of(session, call, literal, sizeof literal))
            continue;
        write_bytes(w, *copied, (size_t)(call->text.at - *copied));
        write_string(w, literal);
        *copied = call->text.at + call->text.length;
        item = call->item;
        bool last_of_item = i + 1 == facts->calls_count || facts->calls[i + 1].item.at != item.at;
        if (item.at && last_of_item) {
            const char *end = item.at + item.length;
            write_bytes(w, *copied, (size_t)(end - *copied));
            *copied = end;
            put_alias(w, item);
        }
    }
}

const char *past_rewrite(struct session *session, const char *text, size_t length, char *out, size_t size,
                         size_t *ret_length)
{
    struct sql_options options = statement_options(session);
    struct sql_facts facts;
    struct writer w = writer_of(out, size);
    const char *copied = text;
    uint32_t earlier = 0;
    unsigned statement = 0;
    for (size_t at = 0; at < length;) {
        at += sql_read(text + at, length - at, &options, &facts);
        if (!facts.defines.at) /* a view keeps its calls for those who will read it */
            put_calls(session, &facts, statement, earlier, &w, &copied);
        earlier |= facts.effects;
        statement += facts.verb != SQL_EMPTY;
    }
    if (copied == text)
        return NULL;
    write_bytes(&w, copied, (size_t)(text + length - copied));
    if (w.full)
        return NULL;
    *ret_length = writer_length(&w);
    return out;
}
