/*
 * sql_hint.c - pointsman: primary | replica | server=NAME, max_lag=DURATION, wait_for=GTID
 *
 *   inside of a comment ──> "pointsman:" ──> items, parted by blanks or commas ──> struct sql_hint
 *
 * An item that is not known, or has no value where it needs one, makes the hint faulty; the others still
 * count.
 */
#include "sql_comment.h"

#include <string.h>

static bool is_part(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ';';
}

/* The value behind `word` and '=' (or nothing, if word takes none): is that what the item is? */
static bool item_is(struct sql_span item, const char *word, struct sql_span *ret_value)
{
    size_t length = strlen(word);
    if (item.length < length || strncasecmp(item.at, word, length) != 0)
        return false;
    if (!ret_value)
        return item.length == length;
    if (item.length < length + 2 || item.at[length] != '=')
        return false;
    *ret_value = (struct sql_span){item.at + length + 1, item.length - (uint32_t)length - 1};
    return true;
}

static void read_item(struct sql_span item, struct sql_hint *hint)
{
    if (item_is(item, "primary", NULL))
        hint->kind = SQL_HINT_PRIMARY;
    else if (item_is(item, "replica", NULL))
        hint->kind = SQL_HINT_REPLICA;
    else if (item_is(item, "server", &hint->server))
        hint->kind = SQL_HINT_SERVER;
    else if (!item_is(item, "max_lag", &hint->max_lag) && !item_is(item, "wait_for", &hint->wait_for))
        hint->faulty = true;
}

/* A GTID set has commas and colons of its own: wait_for takes all up to the next blank. */
static const char *item_end(const char *p, const char *to)
{
    bool whole = to - p > 9 && strncasecmp(p, "wait_for=", 9) == 0;
    while (p < to && (whole && *p == ',' ? true : !is_part(*p)))
        p++;
    return p;
}

void sql_hint_read(const char *from, const char *to, struct sql_hint *hint)
{
    static const char mark[] = "pointsman:";
    unsigned items = 0;

    while (from < to && is_part(*from))
        from++;
    if ((size_t)(to - from) < sizeof(mark) - 1 || strncasecmp(from, mark, sizeof(mark) - 1) != 0)
        return;
    for (from += sizeof(mark) - 1; from < to;) {
        if (is_part(*from)) {
            from++;
            continue;
        }
        const char *end = item_end(from, to);
        read_item((struct sql_span){from, (uint32_t)(end - from)}, hint);
        from = end;
        items++;
    }
    if (items == 0)
        hint->faulty = true;
}
