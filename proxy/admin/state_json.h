/* state_json.h - the whole picture as one JSON object: /api/state, and what the dashboard draws. */
#ifndef PROXY_ADMIN_STATE_JSON_H
#define PROXY_ADMIN_STATE_JSON_H

#include "figures.h"
#include "pointsman/monitor/events.h"

/*
 * {"version", "uptime_seconds", "cpu_seconds", "memory_bytes", "primary": name or null, "why_no_primary",
 *  "clients", "figures": {...}, "statements": {class: n}, "reasons": [{"target","reason","count"}],
 *  "latency": {"primary": {"sum_us", "buckets": [n below 2^i us]}, "replica": ...}, "pins": {reason: n},
 *  "servers": [{...}], "events": [{...}, newest last]}
 * A string to be freed by the caller; NULL: no memory.
 */
char *state_json(const struct figures *figures, const struct topology *topology,
                 const struct process_figures *process, const struct event *events, size_t events_count);

#endif
