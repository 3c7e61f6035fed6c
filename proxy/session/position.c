/*
 * position.c - reads see the session's own writes: where its last write stands, and who has it.
 *
 *   a write's OK ──GTID──> session->position            a write that ends without telling it ──>
 * session->wrote_at │                                    │  (a result set's end without DEPRECATE_EOF) │ the
 * primary's position at a later look stands for it a read ──> position_stale: the servers whose position, as
 * the watchers saw it, doesn't contain it
 *
 *   nobody is known to have it: a replica is asked to wait, in the same write as the read (position_wait);
 * when the time runs out the read's answer is thrown away and the primary serves
 *
 * As soon as every replica has it there is nothing left to remember.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/topology/gtid.h"
#include "session.h"

enum { LONGEST = sizeof((struct server_look *)0)->gtid_executed };

void position_forget(struct session *session)
{
    free(session->position);
    session->position = NULL;
    session->wrote_at = 0;
}

static bool remembers(const struct session *session)
{
    return worker_config(session->worker)->read_your_writes != CONFIG_RYW_OFF;
}

void position_write(struct session *session, struct bytes gtid)
{
    if (!remembers(session))
        return;
    char *position = gtid.length < LONGEST ? malloc(gtid.length + 1) : NULL;
    if (!position) {
        position_write_somewhere(session);
        return;
    }
    memcpy(position, gtid.at, gtid.length);
    position[gtid.length] = 0;
    position_forget(session);
    session->position = position;
}

void position_write_somewhere(struct session *session)
{
    if (remembers(session))
        session->wrote_at = session_now(session);
}

/* A look that began after the write shows a position that contains it; one can take as long as the watchers'
 * timeout. */
static void take_primarys(struct session *session)
{
    const struct topology *topology = session->worker->topology;
    if (!session->wrote_at || topology->primary == TOPOLOGY_NOBODY)
        return;
    const struct server_look *look = &topology->servers[topology->primary].look;
    if (!look->ok || look->at <= session->wrote_at + topology->config->monitor_timeout)
        return;
    char *position = strdup(look->gtid_executed);
    if (!position)
        return;
    position_forget(session);
    session->position = position;
}

uint64_t position_stale(struct session *session)
{
    const struct topology *topology = session->worker->topology;
    uint64_t stale = 0;
    take_primarys(session);
    if (!session->position && !session->wrote_at)
        return 0;
    for (size_t i = 0; i < topology->count; i++) {
        const struct server_view *server = &topology->servers[i];
        bool has = !session->wrote_at && session->position &&
                   gtid_contains(server->look.gtid_executed, session->position) == GTID_CONTAINED;
        if (server->role != ROLE_PRIMARY && !has)
            stale |= UINT64_C(1) << i;
    }
    if (!stale)
        position_forget(session);
    return stale;
}

bool position_may_wait(const struct session *session, int server)
{
    const struct worker *worker = session->worker;
    return session->position && !session->wrote_at && session->retries == 0 &&
           worker_config(worker)->causal_timeout && worker->slow_until[server] <= session_now(session);
}

size_t position_wait(struct session *session, struct backend *backend, uint8_t *out, size_t size)
{
    const struct topology *topology = session->worker->topology;
    bool mariadb = topology_server(topology, backend->pool->server)->look.mariadb;
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%.3f", topology->config->causal_timeout / 1000.0);
    struct writer w = writer_of(out, size);
    size_t mark = packet_begin(&w);
    write_u8(&w, COM_QUERY);
    write_string(&w, mariadb ? "SELECT MASTER_GTID_WAIT('" : "SELECT WAIT_FOR_EXECUTED_GTID_SET('");
    write_string(&w, session->position);
    write_string(&w, "',");
    write_string(&w, seconds);
    write_string(&w, ")");
    packet_end(&w, mark, 0);
    return !w.full && backend_expect(backend, COMMAND_WAIT, COM_QUERY, session) ? writer_length(&w) : 0;
}

bool position_waited(struct backend *backend, const uint8_t *answer, size_t length)
{
    struct reader row = relay_row(backend, answer, length, 1);
    struct bytes value = read_lenenc_bytes(&row);
    return !row.bad && value.length == 1 && *value.at == '0';
}
