/*
 * changes.c - see changes.h.
 *
 *   server   db2: online -> lagging (lags more than max_lag = 5000 ms)      one a server whose state, role or
 * reason changed primary  db1 -> nobody (db1 was the primary and does not answer; ...)   one when writes go
 * elsewhere or nowhere
 */
#include "changes.h"

#include <string.h>

#include "pointsman/base/log.h"
#include "pointsman/monitor/events.h"

static bool view_matters(const struct server_view *a, const struct server_view *b)
{
    return a->role != b->role || a->state != b->state || a->usable_for_reads != b->usable_for_reads ||
           a->usable_for_writes != b->usable_for_writes || a->weight != b->weight || a->share != b->share ||
           strcmp(a->reason, b->reason) != 0;
}

bool changes_matter(const struct topology *last, const struct topology *next)
{
    if (!last || last->config != next->config || last->primary != next->primary ||
        strcmp(last->why_no_primary, next->why_no_primary) != 0)
        return true;
    for (size_t i = 0; i < next->count; i++)
        if (view_matters(&last->servers[i], &next->servers[i]))
            return true;
    return false;
}

static void tell_server(const struct server_view *before, const struct server_view *after, uint64_t *since,
                        uint64_t now)
{
    const char *state = server_state_name(after->state), *role = server_role_name(after->role);
    const char *was = before ? server_state_name(before->state) : "unknown";
    bool moved = !before || before->state != after->state;
    int64_t lasted = before ? (int64_t)(now - *since) : EVENT_NO_DURATION;
    enum log_level level = after->usable_for_reads || !before ? LOG_INFO : LOG_WARNING;

    log_event(level, "server-state", "a server's state or role changed", log_text("server", after->name),
              log_text("address", after->address.text), log_text("role", role), log_text("was", was),
              log_text("state", state), log_number("lag_ms", after->lag_ms),
              log_text("reason", after->reason));
    events_add("server", after->name, state, moved ? lasted : EVENT_NO_DURATION, "%s, %s%s%s", role, state,
               after->reason[0] ? ": " : "", after->reason);
    if (moved)
        *since = now;
}

static const char *name_of(const struct topology *topology, int index)
{
    return index == TOPOLOGY_NOBODY ? "nobody" : topology->servers[index].name;
}

static void tell_primary(const struct topology *last, const struct topology *next, uint64_t *since,
                         uint64_t now)
{
    const char *name = name_of(next, next->primary);
    const char *was = last ? name_of(last, last->primary) : "unknown";
    bool nobody = next->primary == TOPOLOGY_NOBODY;
    int64_t lasted = last ? (int64_t)(now - *since) : EVENT_NO_DURATION;
    log_event(nobody ? LOG_WARNING : LOG_INFO, "primary", nobody ? "no server takes writes" : "writes go to",
              log_text("server", name), log_text("was", was), log_number("after_ms", lasted),
              log_text("reason", next->why_no_primary));
    events_add("primary", nobody ? NULL : name, was, lasted, "%s%s%s", nobody ? "nobody" : name,
               nobody ? ": " : "", next->why_no_primary);
    *since = now;
}

static bool worth_telling(const struct server_view *before, const struct server_view *after)
{
    return before->role != after->role || before->state != after->state ||
           strcmp(before->reason, after->reason) != 0;
}

void changes_tell(const struct topology *last, const struct topology *next, struct changes_since *since,
                  uint64_t now)
{
    for (size_t i = 0; i < next->count; i++) {
        const struct server_view *before = last ? &last->servers[i] : NULL;
        if (!before || worth_telling(before, &next->servers[i]))
            tell_server(before, &next->servers[i], &since->server[i], now);
    }
    if (!last || last->primary != next->primary ||
        (next->primary == TOPOLOGY_NOBODY && strcmp(last->why_no_primary, next->why_no_primary) != 0))
        tell_primary(last, next, &since->primary, now);
}
