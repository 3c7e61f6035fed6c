/*
 * admin.h - the admin console (MySQL protocol) and HTTP, in threads of their own.
 *
 *   console.c  login, commands from one table      http.c  /metrics /healthz /readyz /api/state
 *   both read: topology_current(), worker figures (atomics), worker_sessions() (mail), events_copy()
 */
#ifndef POINTSMAN_ADMIN_ADMIN_H
#define POINTSMAN_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

#include "pointsman/session/worker.h"

/* What main lends to the console. */
struct admin_context {
    struct worker_shared *workers; /* borrowed */
    /* Reads the configuration again; false: it is faulty, and `text` says why (or what takes effect only at a
     * restart). */
    bool (*reload)(char *text, size_t size);
};

/* Opens the configured listeners and starts serving. False: a port is taken or the like; already logged. */
bool admin_start(struct config *config, const struct admin_context *context);
void admin_stop(void);

#endif
