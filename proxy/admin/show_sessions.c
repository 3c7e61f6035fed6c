/* show_sessions.c - SHOW SESSIONS and SHOW PINS: both from the rows that workers copy for us. */
#include <inttypes.h>
#include <stdio.h>
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

/* Sessions that are held for one reason because of one kind of statement. */
struct pin_group {
    unsigned bit;
    uint64_t digest, sessions, age_ms, idle_ms; /* the oldest, the longest idle */
};

struct pin_groups {
    struct pin_group *groups; /* owned */
    size_t count;
    bool failed;
};

/* So that an application with a thousand kinds of transactions doesn't get a thousand rows: what is left over
 * is summed up under no digest. */
enum { PIN_GROUPS_MAX = 256 };

static struct pin_group *group_of(struct pin_groups *all, unsigned bit, uint64_t digest)
{
    if (all->count >= PIN_GROUPS_MAX)
        digest = 0;
    for (size_t i = 0; i < all->count; i++)
        if (all->groups[i].bit == bit && all->groups[i].digest == digest)
            return &all->groups[i];
    struct pin_group *groups = realloc(all->groups, (all->count + 1) * sizeof *groups);
    if (!groups)
        return NULL;
    all->groups = groups;
    groups[all->count] = (struct pin_group){.bit = bit, .digest = digest};
    return &groups[all->count++];
}

static void add_pins(const struct session_row *row, void *arg)
{
    struct pin_groups *all = arg;
    for (unsigned bit = 0; bit < PINS; bit++) {
        struct pin_group *group = row->pins >> bit & 1 ? group_of(all, bit, row->pin_digests[bit]) : NULL;
        if (!group) {
            all->failed |= row->pins >> bit & 1;
            continue;
        }
        group->sessions++;
        if (row->pin_ages_ms[bit] > group->age_ms)
            group->age_ms = row->pin_ages_ms[bit];
        if (row->idle_ms > group->idle_ms)
            group->idle_ms = row->idle_ms;
    }
}

/* Those that hold the most connections first. */
static int compare_groups(const void *a, const void *b)
{
    const struct pin_group *one = a, *other = b;
    if (one->sessions != other->sessions)
        return one->sessions < other->sessions ? 1 : -1;
    return one->bit != other->bit ? (one->bit < other->bit ? -1 : 1) : 0;
}

void show_pins(struct request *request, struct reply *reply)
{
    struct result_set *set = &reply->set;
    struct pin_groups all = {0};
    bool complete = each_session(request->asker->context->workers, add_pins, &all);
    set->failed |= !complete || all.failed;
    if (all.count)
        qsort(all.groups, all.count, sizeof *all.groups, compare_groups);
    for (size_t i = 0; i < all.count; i++) {
        const struct pin_group *group = &all.groups[i];
        char digest[20] = "";
        if (group->digest)
            snprintf(digest, sizeof digest, "%016" PRIx64, group->digest);
        result_text(set, pin_name(group->bit));
        result_text(set, digest);
        result_number(set, (int64_t)group->sessions);
        result_number(set, (int64_t)group->age_ms);
        result_number(set, (int64_t)group->idle_ms);
        result_row_end(set);
    }
    free(all.groups);
}
