/* show_sessions.c - SHOW SESSIONS and SHOW PINS: both from the rows that workers copy for us. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"

/* Calls `each` for every session of every worker. False: no memory. */
static bool each_session(const struct worker_shared *workers,
                         void (*each)(const struct session_row *row, void *arg), void *arg)
{
    bool complete = true;
    for (unsigned i = 0; i < workers->workers_count; i++) {
        struct session_row *rows = NULL;
        size_t count = worker_sessions(workers->workers[i], &rows);
        complete &= rows != NULL;
        for (size_t j = 0; j < count; j++)
            each(&rows[j], arg);
        free(rows);
    }
    return complete;
}

/* ---- SHOW SESSIONS ---- */

const struct column sessions_columns[] = {
    {"id", COLUMN_NUMBER},       {"user", COLUMN_TEXT},      {"host", COLUMN_TEXT},
    {"db", COLUMN_TEXT},         {"server", COLUMN_TEXT},    {"state", COLUMN_TEXT},
    {"since_ms", COLUMN_NUMBER}, {"pinned_by", COLUMN_TEXT}, {"statement", COLUMN_TEXT},
};

static void session_row(const struct session_row *row, void *arg)
{
    struct result_set *set = arg;
    result_number(set, row->id);
    result_text(set, row->user);
    result_text(set, row->host);
    result_text(set, *row->schema ? row->schema : NULL);
    result_text(set, row->server);
    result_text(set, row->state);
    result_number(set, (int64_t)row->since_ms);
    result_text(set, row->pinned_by);
    result_text(set, row->statement);
    result_row_end(set);
}

void show_sessions(struct request *request, struct reply *reply)
{
    if (!each_session(request->asker->context->workers, session_row, &reply->set))
        reply->set.failed = true;
}

/* ---- SHOW PINS ---- */

const struct column pins_columns[] = {
    {"reason", COLUMN_TEXT},   {"digest", COLUMN_TEXT},    {"sessions", COLUMN_NUMBER},
    {"age_ms", COLUMN_NUMBER}, {"idle_ms", COLUMN_NUMBER},
};

struct pin_sums {
    uint64_t sessions[PINS], idle[PINS];
    uint64_t longest_idle_ms[PINS]; /* of those that are idle now */
};

static void add_pin(struct pin_sums *sums, const char *name, size_t length, const struct session_row *row)
{
    for (unsigned bit = 0; bit < PINS; bit++) {
        if (strlen(pin_name(bit)) != length || memcmp(pin_name(bit), name, length) != 0)
            continue;
        bool idle = strcmp(row->state, "idle") == 0;
        sums->sessions[bit]++;
        sums->idle[bit] += idle;
        if (idle && row->since_ms > sums->longest_idle_ms[bit])
            sums->longest_idle_ms[bit] = row->since_ms;
    }
}

/* A row names its pins with commas between them. */
static void add_pins(const struct session_row *row, void *arg)
{
    for (const char *name = row->pinned_by; *name;) {
        size_t length = strcspn(name, ",");
        add_pin(arg, name, length, row);
        name += length + (name[length] == ',');
    }
}

/* Which statement pinned, and when, is not in the workers' rows: digest is empty, age_ms NULL. */
void show_pins(struct request *request, struct reply *reply)
{
    struct result_set *set = &reply->set;
    struct pin_sums sums = {0};
    if (!each_session(request->asker->context->workers, add_pins, &sums))
        set->failed = true;
    for (unsigned bit = 0; bit < PINS; bit++) {
        if (sums.sessions[bit] == 0)
            continue;
        result_text(set, pin_name(bit));
        result_text(set, "");
        result_number(set, (int64_t)sums.sessions[bit]);
        result_null(set);
        if (sums.idle[bit])
            result_number(set, (int64_t)sums.longest_idle_ms[bit]);
        else
            result_null(set);
        result_row_end(set);
    }
}
