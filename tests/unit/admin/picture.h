/*
 * picture.h - a hand-made replication set for the tests of proxy/admin: db1 is the primary, db2 a replica,
 * db3 one that lags; and somebody who asks.
 */
#ifndef TESTS_ADMIN_PICTURE_H
#define TESTS_ADMIN_PICTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../proxy/admin/commands.h"
#include "../config/config_text.h"

static const char picture_ini[] = "[monitor]\nuser = m\npassword = hush\n"
                                  "[server db1]\naddress = 127.0.0.1:3310\n"
                                  "[server db2]\naddress = 127.0.0.1:3311\n"
                                  "[server db3]\naddress = 127.0.0.1:3312\n";

/* `more` is put behind the ini above. The caller's reference; a test that publishes it gives that away. */
static inline struct topology *picture_new(const char *more)
{
    static const char *const names[] = {"db1", "db2", "db3"};
    char ini[4096];
    snprintf(ini, sizeof ini, "%s%s", picture_ini, more);
    struct config *config = config_from(ini);
    struct topology *picture = calloc(1, sizeof *picture + 3 * sizeof picture->servers[0]);
    if (!config || !picture) {
        fprintf(stderr, "%s", config_said);
        abort();
    }
    *picture = (struct topology){.refs = 1, .serial = 1, .config = config, .primary = 0, .count = 3};
    for (size_t i = 0; i < picture->count; i++) {
        struct server_view *server = &picture->servers[i];
        *server = (struct server_view){.address = config->servers[i].address,
                                       .role = i ? ROLE_REPLICA : ROLE_PRIMARY,
                                       .state = i == 2 ? STATE_LAGGING : STATE_ONLINE,
                                       .usable_for_reads = i != 2,
                                       .usable_for_writes = i == 0,
                                       .weight = 1,
                                       .share = i == 2 ? 0 : 100,
                                       .lag_ms = i == 2 ? 7000 : (int64_t)i * 12};
        snprintf(server->name, sizeof server->name, "%s", names[i]);
        server->look.mariadb = server->look.ever = true;
        server->look.version = 101119;
        snprintf(server->look.gtid_executed, sizeof server->look.gtid_executed, "0-1-%zu", 50 - i);
    }
    snprintf(picture->servers[2].reason, sizeof picture->servers[2].reason, "lags 7000 ms behind");
    return picture;
}

/* No workers: nothing of theirs can be asked, and all figures are 0. */
static struct worker_shared picture_workers;
static int picture_reloads;

static inline bool picture_reload(char *text, size_t size)
{
    picture_reloads++;
    snprintf(text, size, "%s", picture_reloads == 1 ? "" : "p.ini:3: no such key");
    return picture_reloads == 1;
}

static const struct admin_context picture_context = {.workers = &picture_workers, .reload = picture_reload};

static const struct asker picture_operator = {
    .context = &picture_context, .id = 7, .user = "op", .host = "127.0.0.1", .schema = "", .may_act = true};

/* A cell of the n-th row, as text; NULL for SQL's NULL. Valid until the next call. */
static inline const char *picture_cell(const struct result_set *set, size_t n, const char *column)
{
    static char text[8192];
    struct result_row row;
    size_t at = 0;
    for (size_t i = 0; i <= n; i++)
        if (!result_row_next(set, &at, &row))
            return "(no such row)";
    for (size_t i = 0; i < row.count; i++)
        if (strcmp(row.columns[i].name, column) == 0) {
            snprintf(text, sizeof text, "%.*s", (int)row.values[i].length, (const char *)row.values[i].at);
            return row.values[i].at ? text : NULL;
        }
    return "(no such column)";
}

#endif
