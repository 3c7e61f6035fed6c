/*
 * picture.h - topologies made of one letter a server, and statements read from text, for the tests of
 * proxy/route.
 *
 *   picture_of("Prr")    db1 the primary, db2 and db3 replicas:
 *     P primary   p primary that can't be written to now   r replica, lag 100 ms   l replica, lag 3 s
 *     u replica, lag unknown   d replica that drains   0 replica with weight 0   x down, role unknown
 */
#ifndef POINTSMAN_TESTS_UNIT_ROUTE_PICTURE_H
#define POINTSMAN_TESTS_UNIT_ROUTE_PICTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/route/route.h"

struct picture {
    struct config config;
    struct config_rule rules[1];
    struct topology *topology;
};

static inline void picture_server(struct server_view *server, char letter)
{
    server->usable_for_reads = !strchr("dx", letter);
    server->usable_for_writes = letter == 'P';
    server->role = strchr("Pp", letter) ? ROLE_PRIMARY : letter == 'x' ? ROLE_UNKNOWN : ROLE_REPLICA;
    server->state = letter == 'x' ? STATE_DOWN : letter == 'd' ? STATE_DRAINING : STATE_ONLINE;
    server->weight = letter != '0';
    server->share = server->weight * 100;
    server->lag_ms = server->role == ROLE_PRIMARY ? 0
                     : letter == 'l'              ? 3000
                     : letter == 'u'              ? TOPOLOGY_LAG_UNKNOWN
                                                  : 100;
    snprintf(server->reason, sizeof server->reason, "%s", letter == 'd' ? "draining" : "");
}

static inline struct picture *picture_of(const char *letters)
{
    struct picture *picture = calloc(1, sizeof *picture);
    size_t count = strlen(letters);
    if (!picture ||
        !(picture->topology = calloc(1, sizeof *picture->topology + count * sizeof(struct server_view))))
        abort();
    struct topology *topology = picture->topology;
    picture->config.rules = picture->rules;
    topology->config = &picture->config;
    topology->count = count;
    topology->primary = TOPOLOGY_NOBODY;
    for (size_t i = 0; i < count; i++) {
        snprintf(topology->servers[i].name, sizeof topology->servers[i].name, "db%zu", i + 1);
        picture_server(&topology->servers[i], letters[i]);
        if (strchr("Pp", letters[i]))
            topology->primary = (int)i;
    }
    return picture;
}

static inline void picture_free(struct picture *picture)
{
    free(picture->topology);
    free(picture);
}

/* As the session does it. */
static inline struct route_statement statement_of(const char *text, const struct topology *topology)
{
    struct sql_options options = {.mariadb = true, .version = 101119};
    struct route_statement statement;
    struct sql_facts facts;
    size_t length = strlen(text);
    route_merge_begin(&statement);
    for (size_t at = 0; at < length;) {
        at += sql_read(text + at, length - at, &options, &facts);
        route_merge(&statement, &facts, topology);
    }
    return statement;
}

#endif
