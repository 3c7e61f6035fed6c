/* offers.c - see offers.h. */
#include "offers.h"

#include <stdlib.h>

#include "pointsman/base/log.h"
#include "pointsman/monitor/events.h"

static bool is_among(const uint64_t *ids, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static void offer(const char *server, uint64_t id, const char *host, const char *port)
{
    bool named = host && *host; /* report_host is empty unless somebody set it */
    log_event(LOG_INFO, "offer", "a server that is not configured replicates from this one",
              log_text("server", server), log_number("server_id", (int64_t)id),
              log_text("host", named ? host : NULL), log_text("port", port));
    events_add("offer", server, NULL, EVENT_NO_DURATION,
               "server_id %llu (%s%s%s) replicates from it and is not configured", (unsigned long long)id,
               named ? host : "address unknown", named && port ? ":" : "", named && port ? port : "");
}

bool offers_ask(struct client *client, bool mariadb, const char *server, const uint64_t *known, size_t count,
                struct offers *offers)
{
    MYSQL_RES *result = client_query(client, mariadb ? "SHOW SLAVE HOSTS" : "SHOW REPLICAS");
    if (!result)
        return !client_lost(client);
    for (MYSQL_ROW row; offers->count < OFFERS_MAX && (row = mysql_fetch_row(result));) {
        const char *text = client_column(result, row, "Server_id");
        uint64_t id = text ? strtoull(text, NULL, 10) : 0;
        if (id == 0 || is_among(known, count, id) || is_among(offers->server_ids, offers->count, id))
            continue;
        offers->server_ids[offers->count++] = id;
        offer(server, id, client_column(result, row, "Host"), client_column(result, row, "Port"));
    }
    mysql_free_result(result);
    return true;
}
