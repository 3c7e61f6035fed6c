/*
 * diagnose.c - warnings and errors of a session's last statement, when others need the connection that knows
 * them.
 *
 *   a statement leaves some ──> the session holds its connection (PIN_DIAGNOSTICS)
 *   somebody waits and the server allows no connection more ──> diagnose_starved(): three questions
 *        SHOW COUNT(*) WARNINGS · SHOW COUNT(*) ERRORS · SHOW WARNINGS ──> kept with the session, the hold
 * ends the client asks ──> diagnose_reply(): SHOW from what was kept; @@warning_count is a literal (past.c)
 *   its next statement of another kind ──> forgotten
 *
 * What was kept are the server's own packets, so that nobody can tell the difference. GET DIAGNOSTICS can't
 * be answered so: a session that has used it is left alone.
 */
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum question { ASK_WARNINGS, ASK_ERRORS, ASK_ROWS, QUESTIONS };

static const char *const questions[QUESTIONS] = {"SHOW COUNT(*) WARNINGS", "SHOW COUNT(*) ERRORS",
                                                 "SHOW WARNINGS"};

struct diagnostics {
    unsigned answered;           /* questions; all of them: complete */
    uint8_t *answers[QUESTIONS]; /* owned; all packets of each answer */
    size_t lengths[QUESTIONS];
    uint64_t counts[2];
    uint32_t capabilities; /* of the connection that gave them: how they end */
};

void diagnose_forget(struct session *session)
{
    struct diagnostics *diagnostics = session->diagnostics;
    session->diagnostics = NULL;
    for (int i = 0; diagnostics && i < QUESTIONS; i++)
        free(diagnostics->answers[i]);
    free(diagnostics);
}

bool diagnose_kept(const struct session *session)
{
    return session->diagnostics && session->diagnostics->answered == QUESTIONS;
}

bool diagnose_count(const struct session *session, bool errors, uint64_t *ret_count)
{
    if (session->pins & PIN_DIAGNOSTICS)
        return false; /* its connection knows */
    *ret_count = diagnose_kept(session) ? session->diagnostics->counts[errors] : 0;
    return true;
}

/* ---- clearing ---- */

bool diagnose_asks(const struct session *session)
{
    return session->statement.effects & SQL_READS_DIAGNOSTICS && session->statement.verb != SQL_SELECT &&
           !(session->pins & PIN_DIAGNOSTICS);
}

/* MariaDB clears them for statements with a table or a subquery in FROM only (sql/sql_parse.cc,
 * mysql_execute_command). */
size_t diagnose_clear(struct session *session, struct backend *backend, uint8_t *out, size_t size)
{
    static const char text[] = "DO (SELECT 1 FROM (SELECT 1) x)";
    struct writer w = writer_of(out, size);
    if (!backend_query(backend, COMMAND_CARRY, session, text, &w))
        return 0;
    backend->warnings = false;
    return writer_length(&w);
}

/* ---- keeping ---- */

static bool may_be_kept(const struct session *session, const struct backend *backend)
{
    return session && session->pins == PIN_DIAGNOSTICS && session->step == SESSION_READY &&
           session->backend == backend && list_empty(&backend->commands) && !session->diagnostics &&
           !session->gets_diagnostics && !session->close_after;
}

static void ask(struct session *session)
{
    struct backend *backend = session->backend;
    uint8_t packet[512];
    session->diagnostics = calloc(1, sizeof *session->diagnostics);
    if (!session->diagnostics)
        return;
    session->diagnostics->capabilities = backend->capabilities;
    size_t saved = past_save(backend, NULL, packet, sizeof packet / 2);
    struct writer w = writer_of(packet + saved, sizeof packet - saved);
    bool expected = true;
    for (int i = 0; i < QUESTIONS; i++)
        expected = expected && backend_query(backend, COMMAND_DIAGNOSE, session, questions[i], &w);
    if (!expected || conn_write(&backend->conn, packet, saved + writer_length(&w)) != CONN_OK)
        relay_events.lost(backend);
}

void diagnose_starved(struct pool *pool)
{
    list_each (node, &pool->set->backends) {
        struct backend *backend = list_entry(node, struct backend, in_pools);
        if (backend->list != BACKEND_HELD || backend->pool->server != pool->server ||
            !may_be_kept(backend->session, backend))
            continue;
        ask(backend->session);
        return;
    }
}

static bool read_count(const struct backend *backend, const uint8_t *answer, size_t length, uint64_t *ret)
{
    struct reader row = relay_row(backend, answer, length, 1);
    struct bytes digits = read_lenenc_bytes(&row);
    *ret = 0;
    for (size_t i = 0; !row.bad && i < digits.length; i++)
        *ret = *ret * 10 + (uint64_t)(digits.at[i] - '0');
    return !row.bad;
}

void diagnose_answered(struct backend *backend, struct session *session, const uint8_t *answer, size_t length)
{
    struct diagnostics *kept = session ? session->diagnostics : NULL;
    if (!kept)
        return;
    unsigned n = kept->answered++;
    kept->answers[n] = malloc(length);
    bool good = kept->answers[n] && length > PACKET_HEADER && answer[PACKET_HEADER] != 0xff &&
                (n == ASK_ROWS || read_count(backend, answer, length, &kept->counts[n]));
    if (!good) {
        diagnose_forget(session); /* its connection goes on knowing */
        return;
    }
    memcpy(kept->answers[n], answer, length);
    kept->lengths[n] = length;
    if (n + 1 < QUESTIONS)
        return;
    if (session->step != SESSION_READY || session->pins != PIN_DIAGNOSTICS)
        diagnose_forget(session); /* its next statement has come: it is asked there */
    else
        session_let_go(session);
}

/* ---- answering ---- */

/* The rows of SHOW WARNINGS from `offset` on, `limit` of them at most, those of errors only if asked for;
 * with sequence ids of their own. */
static void send_rows(struct session *session, const struct sql_shown *shown)
{
    const struct diagnostics *kept = session->diagnostics;
    const uint8_t *at = kept->answers[ASK_ROWS], *end = at + kept->lengths[ASK_ROWS];
    unsigned head = kept->capabilities & CAP_DEPRECATE_EOF ? 4 : 5; /* count, three columns, EOF */
    struct writer w = writer_of(session->worker->outgoing, WORKER_SCRATCH);
    uint64_t passed = 0, sent = 0;
    uint8_t sequence = 1;
    for (unsigned n = 0; end - at > PACKET_HEADER; n++) {
        size_t length = PACKET_HEADER + packet_length(at);
        bool last = at + length >= end;
        struct reader row = reader_of(at + PACKET_HEADER, length - PACKET_HEADER);
        bool is_row = n >= head && !last;
        struct bytes level = is_row ? read_lenenc_bytes(&row) : (struct bytes){0};
        bool meant = !shown->errors || (level.length == 5 && memcmp(level.at, "Error", 5) == 0);
        if (!is_row || (meant && passed++ >= shown->offset && sent++ < shown->limit)) {
            write_bytes(&w, at, PACKET_HEADER - 1);
            write_u8(&w, sequence++);
            write_bytes(&w, at + PACKET_HEADER, length - PACKET_HEADER);
        }
        at += length;
    }
    session_send(session, session->worker->outgoing, writer_length(&w));
}

bool diagnose_reply(struct session *session, const char *text, size_t length)
{
    struct sql_options options = statement_options(session);
    struct sql_shown shown;
    if (!diagnose_kept(session) || session->statement.count != 1 ||
        !sql_show_diagnostics(text, length, &options, &shown))
        return false;
    const struct diagnostics *kept = session->diagnostics;
    session->row_count = -1;
    if (shown.count) {
        past_know(session, PAST_FOUND_ROWS, 1);
        session_send(session, kept->answers[shown.errors], kept->lengths[shown.errors]);
    } else {
        send_rows(session, &shown);
    }
    return true;
}
