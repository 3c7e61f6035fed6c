/*
 * http.h - the HTTP listener: /metrics /healthz /readyz /api/state and a page that names them.
 *
 * libmicrohttpd runs one thread an address; connections are few and those that say nothing are closed.
 */
#ifndef PROXY_ADMIN_HTTP_H
#define PROXY_ADMIN_HTTP_H

#include "pointsman/admin/admin.h"

/* Listens on all of config->http. False: an address can't be had; logged, and nothing listens. */
bool http_start(const struct config *config, const struct worker_shared *workers);
void http_stop(void);

#endif
