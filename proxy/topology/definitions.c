/*
 * definitions.c - see definitions.h: readings, changes on their way, and the snapshot that is made of both.
 *
 *   rows ──definitions_read()──────┐   items: what each is by itself, and the keys of all names in its body
 *   text ──definitions_announce()──┴──> │
 *                                       └──spread()──> marked: what is bad, or mentions what is marked
 *                                                        └──> names, sorted, in one block ──> current
 *
 * Each kind of mark is spread by itself: unproven ones among the views, the others among all. A name that is
 * being defined is two items, what it was and what it may be already.
 */
#include "pointsman/topology/definitions.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/base/clock.h"

enum { CHANGES_MAX = 256, BLIND_MS = 60000 };

enum mark { MARK_UNPROVEN = 1, MARK_LEAVES = 2, MARK_ASSIGNS = 4 };

struct item {
    enum definition_kind kind;
    const char *name; /* lower case */
    uint64_t key;
    unsigned marks; /* enum mark bits: by itself */
    const uint64_t *mentions;
    size_t mentions_count;
};

struct definitions_reading {
    size_t count;
    struct item *items;
    uint64_t *mentions; /* of all items */
    char *strings;
};

/* One block with its items, their keys (all have the same) and their names. */
struct change {
    struct change *next;
    uint64_t ticket;
    uint64_t ended_at; /* 0: not yet */
    size_t count;
    struct item *items;
};

/* What is current. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct definitions nothing_known = {.refs = 1}; /* its last reference is never given back */
static struct definitions *current = &nothing_known;
static atomic_ullong current_serial;
static uint64_t last_serial;
static struct definitions_reading *reading;
static bool reading_knows_views, reading_knows_routines;
static struct change *changes;
static size_t changes_count; /* of all changes: items */
static uint64_t last_ticket;
static uint64_t blind_until; /* ms: there were more changes than are kept; 0: no */

/* ---- life ---- */

static struct definitions *ref(struct definitions *definitions)
{
    atomic_fetch_add_explicit(&definitions->refs, 1, memory_order_relaxed);
    return definitions;
}

void definitions_unref(struct definitions *definitions)
{
    if (definitions && atomic_fetch_sub_explicit(&definitions->refs, 1, memory_order_acq_rel) == 1)
        free(definitions);
}

struct definitions *definitions_current(void)
{
    pthread_mutex_lock(&lock);
    struct definitions *definitions = ref(current);
    pthread_mutex_unlock(&lock);
    return definitions;
}

/* Not by mail, as other snapshots: who announced a name must find it known to every worker by the time its
 * statement has an answer. */
void definitions_take(struct definitions **definitions)
{
    if ((*definitions)->serial == atomic_load_explicit(&current_serial, memory_order_acquire))
        return;
    definitions_unref(*definitions);
    *definitions = definitions_current();
}

bool definitions_asked(void)
{
    pthread_mutex_lock(&lock);
    bool asked = last_serial > 0;
    pthread_mutex_unlock(&lock);
    return asked;
}

/* ---- readings ---- */

static void copy_lower(char *to, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (char)((unsigned char)from[i] < 0x80 ? tolower((unsigned char)from[i]) : from[i]);
    to[length] = '\0';
}

static int by_key(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static size_t distinct(uint64_t *keys, size_t count)
{
    size_t kept = 0;
    qsort(keys, count, sizeof *keys, by_key);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || keys[i] != keys[kept - 1])
            keys[kept++] = keys[i];
    return kept;
}

/* Servers write views anew before they keep them: backticks around names, backslashes in strings. */
static bool is_proven_view(const char *body, size_t length, const struct sql_options *options)
{
    struct sql_facts facts;
    size_t consumed = sql_read(body, length, options, &facts);
    return consumed == length && facts.verb == SQL_SELECT && facts.reason == SQL_REASON_READ &&
           !(facts.effects & ~(uint32_t)SQL_FOUND_ROWS_UNCERTAIN);
}

static unsigned marks_of(unsigned habits)
{
    return (habits & SQL_BODY_LEAVES ? MARK_LEAVES : 0) | (habits & SQL_BODY_ASSIGNS ? MARK_ASSIGNS : 0);
}

/* Returns how many keys it took. */
static size_t read_item(struct item *item, const struct definition_source *row,
                        const struct sql_options *options, uint64_t *keys)
{
    struct sql_options own = *options;
    size_t length = row->body ? strlen(row->body) : 0;
    item->kind = row->kind;
    item->key = sql_name_key(item->name, strlen(item->name));
    item->mentions = keys;
    if (length == 0) {
        item->marks = MARK_UNPROVEN | MARK_LEAVES | MARK_ASSIGNS;
        return 0;
    }
    own.mode = row->mode;
    unsigned habits;
    item->mentions_count = distinct(keys, sql_body_names(row->body, length, &own, keys, &habits));
    item->marks = marks_of(habits);
    if (row->kind == DEFINITION_VIEW && !is_proven_view(row->body, length, &own))
        item->marks |= MARK_UNPROVEN;
    return item->mentions_count;
}

void definitions_reading_free(struct definitions_reading *old)
{
    if (!old)
        return;
    free(old->items);
    free(old->mentions);
    free(old->strings);
    free(old);
}

/* Room for all there might be. */
static struct definitions_reading *new_reading(const struct definition_source *rows, size_t count)
{
    size_t keys = 1, bytes = 1;
    for (size_t i = 0; i < count; i++) {
        keys += (rows[i].body ? strlen(rows[i].body) : 0) / 2 + 1;
        bytes += strlen(rows[i].name) + 1;
    }
    struct definitions_reading *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->items = calloc(count + 1, sizeof *made->items);
    made->mentions = calloc(keys, sizeof *made->mentions);
    made->strings = calloc(bytes, 1);
    if (made->items && made->mentions && made->strings)
        return made;
    definitions_reading_free(made);
    return NULL;
}

/* Most of the room for keys was not needed. */
static void give_back_room(struct definitions_reading *of, size_t keys)
{
    uint64_t *old = of->mentions, *less = realloc(old, (keys + 1) * sizeof *less);
    if (!less)
        return;
    size_t at = 0;
    for (size_t i = 0; i < of->count; at += of->items[i++].mentions_count)
        of->items[i].mentions = less + at;
    of->mentions = less;
}

struct definitions_reading *definitions_read(const struct definition_source *rows, size_t count,
                                             const struct sql_options *options)
{
    struct definitions_reading *made = new_reading(rows, count);
    if (!made)
        return NULL;
    char *strings = made->strings;
    size_t keys = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(rows[i].name);
        copy_lower(strings, rows[i].name, length);
        made->items[i].name = strings;
        strings += length + 1;
        keys += read_item(&made->items[i], &rows[i], options, made->mentions + keys);
    }
    made->count = count;
    give_back_room(made, keys);
    return made;
}

/* ---- marks ---- */

/* A set of keys, open addressing; and the items that are marked. */
struct marks {
    bool *items;
    uint64_t *slots; /* 0: empty */
    size_t mask;
};

static bool has_key(const struct marks *marks, uint64_t key)
{
    size_t at = (key ^ key >> 32) * 0x9e3779b97f4a7c15u >> 20 & marks->mask;
    for (; marks->slots[at]; at = (at + 1) & marks->mask)
        if (marks->slots[at] == key)
            return true;
    return false;
}

static void add_key(struct marks *marks, uint64_t key)
{
    size_t at = (key ^ key >> 32) * 0x9e3779b97f4a7c15u >> 20 & marks->mask;
    while (marks->slots[at] && marks->slots[at] != key)
        at = (at + 1) & marks->mask;
    marks->slots[at] = key;
}

static bool marks_init(struct marks *marks, size_t names)
{
    size_t size = 16;
    while (size < 2 * names)
        size *= 2;
    *marks = (struct marks){calloc(names + 1, sizeof(bool)), calloc(size, sizeof(uint64_t)), size - 1};
    return marks->items && marks->slots;
}

static void marks_done(struct marks *marks)
{
    free(marks->items);
    free(marks->slots);
}

static bool mentions_marked(const struct marks *marks, const struct item *item)
{
    for (size_t i = 0; i < item->mentions_count; i++)
        if (has_key(marks, item->mentions[i]))
            return true;
    return false;
}

/* Until nothing new is marked. */
static void spread(struct marks *marks, const struct item *const *items, size_t count, enum mark mark)
{
    bool grew = true;
    while (grew) {
        grew = false;
        for (size_t i = 0; i < count; i++) {
            const struct item *item = items[i];
            if (marks->items[i] || (mark == MARK_UNPROVEN && item->kind != DEFINITION_VIEW))
                continue;
            if (!(item->marks & mark) && !mentions_marked(marks, item))
                continue;
            marks->items[i] = grew = true;
            add_key(marks, item->key);
        }
    }
}

/* All items; NULL: no memory. */
static const struct item **all_items(size_t *ret_count)
{
    size_t count = 0;
    const struct item **items = calloc((reading ? reading->count : 0) + changes_count + 1, sizeof *items);
    if (!items)
        return NULL;
    for (size_t i = 0; reading && i < reading->count; i++)
        items[count++] = &reading->items[i];
    for (const struct change *change = changes; change; change = change->next)
        for (size_t i = 0; i < change->count; i++)
            items[count++] = &change->items[i];
    *ret_count = count;
    return items;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

struct names {
    const char **at; /* borrowed from the items, sorted; NULL: no memory */
    size_t count;
};

static struct names marked_names(const struct item *const *items, size_t count, enum mark mark)
{
    struct names names = {calloc(count + 1, sizeof *names.at), 0};
    struct marks marks;
    if (marks_init(&marks, count) && names.at) {
        spread(&marks, items, count, mark);
        for (size_t i = 0; i < count; i++)
            if (marks.items[i])
                names.at[names.count++] = items[i]->name;
        qsort(names.at, names.count, sizeof *names.at, by_name);
    } else {
        free(names.at);
        names.at = NULL;
    }
    marks_done(&marks);
    return names;
}

/* ---- the snapshot ---- */

static size_t room_for(struct names names)
{
    size_t bytes = names.count * sizeof *names.at;
    for (size_t i = 0; i < names.count; i++)
        bytes += strlen(names.at[i]) + 1;
    return bytes;
}

/* Copies sorted names into the block, equal ones once. */
static void put_names(struct sql_names *set, struct names names, const char ***slots, char **strings)
{
    set->names = *slots;
    for (size_t i = 0; i < names.count; i++) {
        if (i > 0 && strcmp(names.at[i], names.at[i - 1]) == 0)
            continue;
        size_t size = strlen(names.at[i]) + 1;
        (*slots)[set->count++] = memcpy(*strings, names.at[i], size);
        *strings += size;
    }
    *slots += set->count;
}

enum { SETS = 3 };

static struct definitions *snapshot_of(const struct names names[SETS])
{
    size_t count = 0, bytes = 0;
    for (int i = 0; i < SETS; i++) {
        if (!names[i].at)
            return NULL;
        count += names[i].count;
        bytes += room_for(names[i]);
    }
    struct definitions *made = calloc(1, sizeof *made + bytes);
    if (!made)
        return NULL;
    const char **slots = (const char **)(made + 1);
    char *strings = (char *)(slots + count);
    struct sql_names *const sets[SETS] = {&made->unsafe_views, &made->leaving, &made->assigning};
    for (int i = 0; i < SETS; i++)
        put_names(sets[i], names[i], &slots, &strings);
    atomic_init(&made->refs, 1);
    made->views_known = reading && reading_knows_views && blind_until == 0;
    made->routines_known = reading && reading_knows_routines && blind_until == 0;
    return made;
}

static struct definitions *snapshot(void)
{
    static const enum mark kinds[SETS] = {MARK_UNPROVEN, MARK_LEAVES, MARK_ASSIGNS};
    size_t count = 0;
    const struct item **items = all_items(&count);
    if (!items)
        return NULL;
    struct names names[SETS];
    for (int i = 0; i < SETS; i++)
        names[i] = marked_names(items, count, kinds[i]);
    struct definitions *made = snapshot_of(names);
    for (int i = 0; i < SETS; i++)
        free(names[i].at);
    free(items);
    return made;
}

/* Without memory for a snapshot nothing is known any more. With the lock held. */
static void make_current(void)
{
    struct definitions *old = current, *made = snapshot();
    if (made)
        made->serial = ++last_serial;
    current = made ? made : &nothing_known;
    atomic_store_explicit(&current_serial, current->serial, memory_order_release);
    if (old != &nothing_known)
        definitions_unref(old);
}

static void forget_ended(uint64_t began_at)
{
    for (struct change **at = &changes, *change; (change = *at);) {
        if (change->ended_at == 0 || change->ended_at >= began_at) {
            at = &change->next;
            continue;
        }
        *at = change->next;
        changes_count -= change->count;
        free(change);
    }
    if (began_at > blind_until)
        blind_until = 0;
}

void definitions_publish(struct definitions_reading *made, uint64_t began_at, bool views_known,
                         bool routines_known)
{
    pthread_mutex_lock(&lock);
    struct definitions_reading *old = reading;
    reading = made;
    reading_knows_views = views_known;
    reading_knows_routines = routines_known;
    forget_ended(began_at);
    make_current();
    pthread_mutex_unlock(&lock);
    definitions_reading_free(old);
}

/* ---- changes on their way ---- */

/* NULL: no memory. */
static struct change *new_change(const struct definition_change *source, const struct sql_options *options)
{
    size_t bytes = 0, keys_max = source->length / 2 + 1;
    for (size_t i = 0; i < source->count; i++)
        bytes += source->names[i].length + 1;
    struct change *change = calloc(1, sizeof *change + source->count * sizeof *change->items +
                                          keys_max * sizeof(uint64_t) + bytes);
    if (!change)
        return NULL;
    change->items = (struct item *)(change + 1);
    change->count = source->count;
    uint64_t *keys = (uint64_t *)(change->items + source->count);
    char *strings = (char *)(keys + keys_max);
    unsigned habits;
    size_t keys_count = distinct(keys, sql_body_names(source->text, source->length, options, keys, &habits));
    for (size_t i = 0; i < source->count; i++) {
        struct sql_span name = source->names[i];
        copy_lower(strings, name.at, name.length);
        change->items[i] = (struct item){source->views ? DEFINITION_VIEW : DEFINITION_ROUTINE,
                                         strings,
                                         sql_name_key(strings, name.length),
                                         marks_of(habits) | (source->unproven ? MARK_UNPROVEN : 0),
                                         keys,
                                         keys_count};
        strings += name.length + 1;
    }
    return change;
}

uint64_t definitions_announce(const struct definition_change *source, const struct sql_options *options)
{
    struct change *change = source->names ? new_change(source, options) : NULL;
    pthread_mutex_lock(&lock);
    uint64_t ticket = ++last_ticket;
    if (change && changes_count + change->count <= CHANGES_MAX) {
        change->ticket = ticket;
        change->next = changes;
        changes = change;
        changes_count += change->count;
    } else {
        free(change);
        blind_until = clock_ms() + BLIND_MS;
    }
    make_current();
    pthread_mutex_unlock(&lock);
    return ticket;
}

void definitions_settle(uint64_t ticket, uint64_t ended_at)
{
    pthread_mutex_lock(&lock);
    for (struct change *change = changes; change; change = change->next)
        if (change->ticket == ticket)
            change->ended_at = ended_at;
    pthread_mutex_unlock(&lock);
}

bool definitions_awaited(uint64_t now)
{
    bool awaited = false;
    pthread_mutex_lock(&lock);
    awaited |= blind_until > 0 && now > blind_until;
    for (const struct change *change = changes; change; change = change->next)
        awaited |= change->ended_at > 0 && now > change->ended_at;
    pthread_mutex_unlock(&lock);
    return awaited;
}
