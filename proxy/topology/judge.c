/*
 * judge.c - from looks to the next picture.
 *
 *   looks + memory + clock
 *     │ evidence_gather   who answers, who follows whom
 *     │ roles_find        the primary, the quarantined
 *     │ note_position     where the primary stands now
 *     │ for each server:  lag ──> the first verdict that holds: state and reason ──> share of the reads
 *     v
 *   struct topology
 *
 * A server that no verdict holds against is online and usable for reads; whether the primary gets any is for
 * routing.
 */
#include "judge.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/topology/gtid.h"
#include "positions.h"

enum {
    RAMP_MS = 5000,
    RAMP_FROM = 10, /* percent of the full share that a server begins with after its return */
    RETURN_AT = 80, /* percent of max_lag at which a replica that was over it is used again */
    SHARE_UNIT = 100,
};

struct reason {
    char text[sizeof((struct server_view *)0)->reason];
};

__attribute__((format(printf, 2, 3))) static bool because(struct reason *reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason->text, sizeof reason->text, format, arguments);
    va_end(arguments);
    return true;
}

bool topology_memory_init(struct topology_memory *memory)
{
    struct position_history *positions = positions_new();
    if (!positions)
        return false;
    *memory = (struct topology_memory){.primary = TOPOLOGY_NOBODY, .positions = positions};
    for (size_t i = 0; i < TOPOLOGY_SERVERS_MAX; i++)
        memory->servers[i].wished_weight = UINT_MAX;
    return true;
}

void topology_memory_done(struct topology_memory *memory)
{
    positions_free(memory->positions);
    memory->positions = NULL;
}

static int same_server(const struct config *in, const struct config_server *wanted)
{
    for (size_t i = 0; i < in->servers_count && i < TOPOLOGY_SERVERS_MAX; i++)
        if (strcmp(in->servers[i].name, wanted->name) == 0 &&
            strcmp(in->servers[i].address.text, wanted->address.text) == 0)
            return (int)i;
    return TOPOLOGY_NOBODY;
}

void topology_memory_move(struct topology_memory *memory, const struct config *from, const struct config *to)
{
    struct server_memory moved[TOPOLOGY_SERVERS_MAX];
    int primary = TOPOLOGY_NOBODY;
    for (size_t i = 0; i < TOPOLOGY_SERVERS_MAX; i++) {
        moved[i] = (struct server_memory){.wished_weight = UINT_MAX};
        int old = i < to->servers_count ? same_server(from, &to->servers[i]) : TOPOLOGY_NOBODY;
        if (old == TOPOLOGY_NOBODY)
            continue;
        moved[i] = memory->servers[old];
        if (old == memory->primary)
            primary = (int)i;
    }
    memcpy(memory->servers, moved, sizeof moved);
    memory->primary = primary;
}

/* The replica that has executed most, if they can all be compared: all that is left to tell where a primary
 * stood that was never seen. */
static const char *best_position(const struct judging *judging)
{
    const char *best = "";
    for (int i = 0; i < judging->count; i++)
        if (judging->evidence[i].answers &&
            gtid_contains(judging->looks[i].gtid_executed, best) == GTID_CONTAINED)
            best = judging->looks[i].gtid_executed;
    return best;
}

static bool note_position(struct judging *judging)
{
    struct position_history *positions = judging->memory->positions;
    if (judging->primary_answers) {
        const struct server_look *look = &judging->looks[judging->primary];
        return positions_note(positions, look->gtid_executed, look->at);
    }
    if (judging->settled && judging->primary == TOPOLOGY_NOBODY && positions_empty(positions))
        return positions_note(positions, best_position(judging), judging->now);
    return true;
}

/* By positions; by the server's own word in addition where positions don't reach, and never 0 for its NULL.
 */
static int64_t lag_of(const struct judging *judging, int index)
{
    const struct server_look *look = &judging->looks[index];
    if (index == judging->primary)
        return judging->evidence[index].alive ? 0 : TOPOLOGY_LAG_UNKNOWN;
    if (!judging->evidence[index].answers || !look->replicates)
        return TOPOLOGY_LAG_UNKNOWN;

    bool older = true;
    int64_t lag = positions_lag(judging->memory->positions, look->gtid_executed, look->at, &older);
    bool reference_old = judging->primary != TOPOLOGY_NOBODY && judging->evidence[judging->primary].locked;
    if (lag != TOPOLOGY_LAG_UNKNOWN && !older && !reference_old)
        return lag;
    if (look->seconds_behind < 0)
        return TOPOLOGY_LAG_UNKNOWN;
    int64_t told = look->seconds_behind * 1000;
    return told > lag ? told : lag;
}

static enum server_role role_of(const struct judging *judging, int index)
{
    if (index == judging->primary)
        return ROLE_PRIMARY;
    bool writable_alone = judging->evidence[index].writable && !judging->looks[index].replicates;
    bool replica = judging->looks[index].ever && judging->looks[index].replicates && !writable_alone;
    return replica && !judging->memory->servers[index].quarantined ? ROLE_REPLICA : ROLE_UNKNOWN;
}

/* ---- verdicts: each says whether it holds against a server, and why ---- */

static bool in_maintenance(const struct judging *judging, const struct server_view *view, int index,
                           struct reason *reason)
{
    (void)view;
    return judging->memory->servers[index].wish == WISH_MAINTENANCE && because(reason, "in maintenance");
}

static bool is_down(const struct judging *judging, const struct server_view *view, int index,
                    struct reason *reason)
{
    const struct server_look *look = &view->look;
    const struct evidence *evidence = &judging->evidence[index];
    if (evidence->alive)
        return false;
    if (!evidence->looked_at)
        return because(reason, "not looked at yet");
    if (evidence->locked)
        return because(reason, "answers, but does not let the monitor in: %s (%u)", look->error_text,
                       look->error);
    if (look->ok)
        return because(reason, "no answer within %u ms", judging->config->monitor_timeout);
    const char *what = look->failure == LOOK_GONE ? "no connection" : "no answer in time";
    return because(reason, "%s: %s (%u)", what, look->error_text, look->error);
}

static bool is_quarantined(const struct judging *judging, const struct server_view *view, int index,
                           struct reason *reason)
{
    if (view->role != ROLE_UNKNOWN)
        return false;
    if (judging->writer != TOPOLOGY_NOBODY && judging->memory->servers[index].quarantined)
        return because(reason, "writable like the primary %s: not used until it is read-only and replicates",
                       judging_name(judging, judging->writer));
    if (judging->evidence[index].writable)
        return because(reason, "writable, but not known as the primary: %s", judging->why_nobody);
    return because(reason, "read-only and replicates from nobody");
}

static bool is_foreign(const struct judging *judging, const struct server_view *view, int index,
                       struct reason *reason)
{
    if (view->role != ROLE_REPLICA || judging->writer == TOPOLOGY_NOBODY)
        return false;
    if (evidence_origin(judging, index, judging->writer) == judging->writer)
        return false;
    return because(reason, "replicates from %s:%u, not from the primary %s", view->look.source_host,
                   view->look.source_port, judging_name(judging, judging->writer));
}

static bool is_draining(const struct judging *judging, const struct server_view *view, int index,
                        struct reason *reason)
{
    (void)view;
    return judging->memory->servers[index].wish == WISH_DRAIN && because(reason, "drained by an operator");
}

static bool is_locked(const struct judging *judging, const struct server_view *view, int index,
                      struct reason *reason)
{
    if (!judging->evidence[index].locked || view->role == ROLE_PRIMARY)
        return false;
    return because(reason, "lag unknown: it does not let the monitor in: %s (%u)", view->look.error_text,
                   view->look.error);
}

/*
 * A primary that dies takes its replicas' connections with it, and theirs may be seen to fail before it is:
 * an IO thread counts as broken only once the primary was seen alive after that.
 */
static bool is_broken(const struct judging *judging, const struct server_view *view, int index,
                      struct reason *reason)
{
    if (view->role != ROLE_REPLICA || !judging->primary_answers)
        return false;
    if (!view->look.sql_running)
        return because(reason, "replication is broken: the SQL thread does not run");
    uint64_t since = judging->memory->servers[index].broken_since;
    if (since == 0 || judging->looks[judging->primary].at <= since)
        return false;
    return because(reason, "replication is broken: the IO thread is not connected");
}

static bool lags(const struct judging *judging, const struct server_view *view, int index,
                 struct reason *reason)
{
    if (view->role != ROLE_REPLICA)
        return false;
    if (view->lag_ms == TOPOLOGY_LAG_UNKNOWN)
        return because(reason, "lag unknown");
    if (!judging->memory->servers[index].lagging)
        return false;
    unsigned limit = judging->config->max_lag;
    return because(reason, "%s max_lag = %u ms",
                   view->lag_ms > limit ? "lags more than" : "not yet back below 80 % of", limit);
}

static const struct verdict {
    enum server_state state;
    bool (*holds)(const struct judging *judging, const struct server_view *view, int index,
                  struct reason *reason);
} verdicts[] = {
    {STATE_MAINTENANCE, in_maintenance}, {STATE_DOWN, is_down},         {STATE_QUARANTINED, is_quarantined},
    {STATE_QUARANTINED, is_foreign},     {STATE_DRAINING, is_draining}, {STATE_LAGGING, is_locked},
    {STATE_LAGGING, is_broken},          {STATE_LAGGING, lags},
};

/* ---- one server ---- */

static void update_memory(const struct judging *judging, const struct server_view *view, int index)
{
    struct server_memory *memory = &judging->memory->servers[index];
    const struct server_look *look = &judging->looks[index];
    if (look->ok)
        memory->broken_since = !look->replicates || look->io_running ? 0
                               : memory->broken_since                ? memory->broken_since
                                                                     : look->at;
    int64_t limit = judging->config->max_lag;
    if (view->lag_ms > limit)
        memory->lagging = true;
    else if (view->lag_ms != TOPOLOGY_LAG_UNKNOWN && view->lag_ms <= limit * RETURN_AT / 100)
        memory->lagging = false;
}

/* The first time the process sees the set nobody returns from anywhere: all begin with their full share. */
static unsigned share_of(const struct judging *judging, struct server_memory *memory, bool usable,
                         unsigned weight)
{
    if (usable && !memory->was_usable)
        memory->usable_since = judging->memory->settled ? judging->now : 0;
    memory->was_usable = usable;
    if (!usable)
        return 0;
    unsigned full = weight * SHARE_UNIT;
    uint64_t since = judging->now - memory->usable_since;
    if (memory->usable_since == 0 || since >= RAMP_MS)
        return full;
    uint64_t share = full * (RAMP_FROM + (100 - RAMP_FROM) * since / RAMP_MS) / 100;
    return share > 0 || full == 0 ? (unsigned)share : 1;
}

static void judge_server(const struct judging *judging, int index, struct server_view *view)
{
    struct server_memory *memory = &judging->memory->servers[index];
    const struct config_server *server = &judging->config->servers[index];
    snprintf(view->name, sizeof view->name, "%s", server->name);
    view->address = server->address;
    view->look = judging->looks[index];
    view->role = role_of(judging, index);
    view->lag_ms = lag_of(judging, index);
    update_memory(judging, view, index);

    struct reason reason = {""};
    const struct verdict *held = NULL;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts && !held; i++)
        if (verdicts[i].holds(judging, view, index, &reason))
            held = &verdicts[i];
    view->state = held ? held->state : STATE_ONLINE;
    view->usable_for_reads = !held;
    view->usable_for_writes = !held && index == judging->writer;
    if (!held && index == judging->primary && index != judging->writer)
        because(&reason, "takes no writes: %s", judging->why_nobody);
    memcpy(view->reason, reason.text, sizeof view->reason);
    view->weight = memory->wished_weight == UINT_MAX ? server->weight : memory->wished_weight;
    view->share = share_of(judging, memory, view->usable_for_reads, view->weight);
}

static void name_the_primary(const struct judging *judging, struct topology *topology)
{
    int writer = judging->writer;
    topology->primary = writer != TOPOLOGY_NOBODY && topology->servers[writer].usable_for_writes
                            ? writer
                            : TOPOLOGY_NOBODY;
    if (topology->primary != TOPOLOGY_NOBODY)
        return;
    if (writer == TOPOLOGY_NOBODY)
        snprintf(topology->why_no_primary, sizeof topology->why_no_primary, "%s", judging->why_nobody);
    else
        snprintf(topology->why_no_primary, sizeof topology->why_no_primary, "the primary %s: %.100s",
                 judging_name(judging, writer), topology->servers[writer].reason);
}

struct topology *topology_judge(struct config *config, const struct server_look *looks,
                                struct topology_memory *memory, uint64_t now)
{
    size_t count = config->servers_count < TOPOLOGY_SERVERS_MAX ? config->servers_count
                                                                : TOPOLOGY_SERVERS_MAX;
    struct topology *topology = calloc(1, sizeof *topology + count * sizeof *topology->servers);
    if (!topology)
        return NULL;
    struct judging judging = {
        .config = config, .looks = looks, .memory = memory, .now = now, .count = (int)count};
    evidence_gather(&judging);
    judging.settled = roles_find(&judging);
    if (!note_position(&judging)) {
        free(topology);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        judge_server(&judging, (int)i, &topology->servers[i]);
    name_the_primary(&judging, topology);
    memory->settled |= judging.settled;

    atomic_init(&topology->refs, 1);
    topology->config = config_ref(config);
    topology->count = count;
    return topology;
}
