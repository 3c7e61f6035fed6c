/*
 * positions.c - the history of the primary's positions. See positions.h for what it means.
 *
 *   entries, oldest first; each contains the one before it, so what a replica lacks is a tail: found by
 * halving. Full: neighbours in the older half become one, the later position with the earlier time. Lag is
 * then told too high by one gap there, never too low; the newer half keeps the resolution of one look.
 */
#include "positions.h"

#include <stdlib.h>
#include <string.h>

#include "pointsman/topology/gtid.h"
#include "pointsman/topology/topology.h"

enum { ENTRIES_MAX = 1024 };

struct entry {
    char *gtid; /* owned */
    uint64_t since;
};

struct position_history {
    size_t count;
    uint64_t seen_at; /* when the primary was last seen */
    struct entry entries[ENTRIES_MAX];
};

struct position_history *positions_new(void)
{
    return calloc(1, sizeof(struct position_history));
}

static void forget_from(struct position_history *history, size_t first)
{
    for (size_t i = first; i < history->count; i++)
        free(history->entries[i].gtid);
    history->count = first;
}

void positions_free(struct position_history *history)
{
    if (!history)
        return;
    forget_from(history, 0);
    free(history);
}

/* A server without GTIDs stands at "" for ever: that alone says nothing about who is behind. */
bool positions_empty(const struct position_history *history)
{
    return history->count == 0 || history->entries[history->count - 1].gtid[0] == '\0';
}

/* How many of the entries, from the oldest on, the position contains. */
static size_t contained(const struct position_history *history, const char *gtid)
{
    size_t low = 0, high = history->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (gtid_contains(gtid, history->entries[middle].gtid) == GTID_CONTAINED)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The oldest stays as it is: what a server that has just that one lacks is told exactly. */
static void thin_out(struct position_history *history)
{
    struct entry *entries = history->entries;
    size_t kept = 1, from = 1;
    for (; from + 1 < ENTRIES_MAX / 2; from += 2, kept++) {
        uint64_t since = entries[from].since;
        free(entries[from].gtid);
        entries[kept] = (struct entry){.gtid = entries[from + 1].gtid, .since = since};
    }
    memmove(entries + kept, entries + from, (ENTRIES_MAX - from) * sizeof *entries);
    history->count = kept + ENTRIES_MAX - from;
}

bool positions_note(struct position_history *history, const char *gtid, uint64_t at)
{
    if (!gtid_valid(gtid))
        return true;
    struct entry *newest = history->count > 0 ? &history->entries[history->count - 1] : NULL;
    if (newest && strcmp(newest->gtid, gtid) == 0) {
        history->seen_at = at;
        return true;
    }
    char *copy = strdup(gtid);
    if (!copy)
        return false;
    forget_from(history, contained(history, gtid));
    if (history->count == ENTRIES_MAX)
        thin_out(history);
    history->entries[history->count++] = (struct entry){.gtid = copy, .since = at};
    history->seen_at = at;
    return true;
}

int64_t positions_lag(const struct position_history *history, const char *executed, uint64_t at,
                      bool *ret_older)
{
    if (positions_empty(history) || gtid_contains(executed, history->entries[0].gtid) == GTID_UNKNOWN)
        return TOPOLOGY_LAG_UNKNOWN;
    size_t has = contained(history, executed);
    *ret_older = has == 0;
    if (has == history->count)
        return 0;
    uint64_t reference = at < history->seen_at ? at : history->seen_at;
    uint64_t since = history->entries[has].since;
    return reference > since ? (int64_t)(reference - since) : 0;
}
