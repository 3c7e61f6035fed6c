/*
 * gtid.c - GTID positions as text: walked in place, compared piece by piece.
 *
 *   text ──walk_next()──> pieces, one at a time: (source, first..last)
 *                          MariaDB  0-11-42     source "0",            1..42
 *                          MySQL    uuid:1-5:7  source uuid (and tag), 1..5 then 7..7
 *
 *   contains(have, want): every piece of want lies within one piece of the same source in have.
 *
 * Servers write sets merged and sorted, so that one interval of `have` covers what it can; a set that
 * somebody wrote by hand in overlapping pieces may be answered MISSING though it isn't: the careful side.
 * Positions hold a few dozen pieces at most; walking `have` anew for each piece of `want` costs less than a
 * table.
 */
#include "pointsman/topology/gtid.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { UUID_LENGTH = 36, TAG_MAX = 32 };
enum flavour { FLAVOUR_NONE, FLAVOUR_MARIADB, FLAVOUR_MYSQL };
enum step { STEP_PIECE, STEP_END, STEP_BAD };

struct piece {
    const char *source; /* MySQL: the uuid; borrowed from the text */
    const char *tag;    /* MySQL 8.3 and later; length 0: none */
    size_t tag_length;
    uint64_t domain; /* MariaDB */
    uint64_t first, last;
};

struct walk {
    enum flavour flavour;
    const char *at;
    const char *source; /* the uuid and tag that the intervals at `at` belong to */
    const char *tag;
    size_t tag_length;
    bool started;
};

static enum flavour flavour_of(const char *text)
{
    if (*text == '\0')
        return FLAVOUR_NONE;
    return strchr(text, ':') ? FLAVOUR_MYSQL : FLAVOUR_MARIADB;
}

static struct walk walk_begin(const char *text)
{
    return (struct walk){.flavour = flavour_of(text), .at = text};
}

static void skip_blanks(struct walk *walk)
{
    while (*walk->at == ' ' || *walk->at == '\n' || *walk->at == '\r' || *walk->at == '\t')
        walk->at++;
}

static bool take(struct walk *walk, char wanted)
{
    if (*walk->at != wanted)
        return false;
    walk->at++;
    return true;
}

/* A decimal number; false if there is none or it needs more than 64 bits. */
static bool take_number(struct walk *walk, uint64_t *ret_number)
{
    if (!isdigit((unsigned char)*walk->at))
        return false;
    uint64_t number = 0;
    while (isdigit((unsigned char)*walk->at)) {
        unsigned digit = (unsigned)(*walk->at++ - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

static bool take_uuid(struct walk *walk)
{
    const char *text = walk->at;
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    walk->source = text;
    walk->tag = NULL;
    walk->tag_length = 0;
    walk->at += UUID_LENGTH;
    return true;
}

static bool take_tag(struct walk *walk)
{
    const char *tag = walk->at;
    while (isalnum((unsigned char)*walk->at) || *walk->at == '_')
        walk->at++;
    walk->tag = tag;
    walk->tag_length = (size_t)(walk->at - tag);
    return walk->tag_length <= TAG_MAX;
}

static enum step mariadb_next(struct walk *walk, struct piece *piece)
{
    uint64_t server, sequence, domain;
    skip_blanks(walk);
    if (walk->started && *walk->at == '\0')
        return STEP_END;
    if (walk->started && !take(walk, ','))
        return STEP_BAD;
    skip_blanks(walk);
    if (!take_number(walk, &domain) || !take(walk, '-') || !take_number(walk, &server) || !take(walk, '-') ||
        !take_number(walk, &sequence))
        return STEP_BAD;
    walk->started = true;
    *piece = (struct piece){.domain = domain, .first = sequence, .last = sequence};
    return STEP_PIECE;
}

/* "first-last" or "number" of the source that stands before it. */
static enum step take_interval(struct walk *walk, struct piece *piece)
{
    uint64_t first, last;
    if (!take_number(walk, &first))
        return STEP_BAD;
    last = first;
    if (take(walk, '-') && !take_number(walk, &last))
        return STEP_BAD;
    if (first == 0 || last < first)
        return STEP_BAD;
    *piece = (struct piece){.source = walk->source,
                            .tag = walk->tag,
                            .tag_length = walk->tag_length,
                            .first = first,
                            .last = last};
    return STEP_PIECE;
}

static enum step mysql_next(struct walk *walk, struct piece *piece)
{
    skip_blanks(walk);
    if (walk->started && *walk->at == '\0')
        return STEP_END;
    if (!walk->started || take(walk, ',')) {
        skip_blanks(walk);
        if (!take_uuid(walk))
            return STEP_BAD;
        walk->started = true;
    }
    if (!take(walk, ':'))
        return STEP_BAD;
    if (isalpha((unsigned char)*walk->at) || *walk->at == '_') {
        if (!take_tag(walk) || !take(walk, ':'))
            return STEP_BAD;
    }
    return take_interval(walk, piece);
}

static enum step walk_next(struct walk *walk, struct piece *piece)
{
    switch (walk->flavour) {
    case FLAVOUR_MARIADB: return mariadb_next(walk, piece);
    case FLAVOUR_MYSQL: return mysql_next(walk, piece);
    case FLAVOUR_NONE: break;
    }
    return STEP_END;
}

/* MariaDB: a position stands for all of its domain up to it, whatever server wrote it. */
static bool covers(enum flavour flavour, const struct piece *have, const struct piece *want)
{
    if (flavour == FLAVOUR_MARIADB)
        return have->domain == want->domain && have->last >= want->last;
    return strncasecmp(have->source, want->source, UUID_LENGTH) == 0 &&
           have->tag_length == want->tag_length &&
           (want->tag_length == 0 || strncasecmp(have->tag, want->tag, want->tag_length) == 0) &&
           have->first <= want->first && want->last <= have->last;
}

static bool any_covers(const char *have, const struct piece *want)
{
    struct walk walk = walk_begin(have);
    struct piece piece;
    while (walk_next(&walk, &piece) == STEP_PIECE)
        if (covers(walk.flavour, &piece, want))
            return true;
    return false;
}

bool gtid_valid(const char *text)
{
    struct walk walk = walk_begin(text);
    struct piece piece;
    enum step step;
    while ((step = walk_next(&walk, &piece)) == STEP_PIECE) {
    }
    return step == STEP_END;
}

enum gtid_answer gtid_contains(const char *have, const char *want)
{
    if (!gtid_valid(have) || !gtid_valid(want))
        return GTID_UNKNOWN;
    struct walk walk = walk_begin(want);
    if (walk.flavour == FLAVOUR_NONE)
        return GTID_CONTAINED;
    if (flavour_of(have) == FLAVOUR_NONE)
        return GTID_MISSING;
    if (flavour_of(have) != walk.flavour)
        return GTID_UNKNOWN;

    struct piece piece;
    while (walk_next(&walk, &piece) == STEP_PIECE)
        if (!any_covers(have, &piece))
            return GTID_MISSING;
    return GTID_CONTAINED;
}

/* Where a text that must end before `room` bytes is best cut: behind its last comma. */
static size_t cut_at(const char *out, size_t room)
{
    while (room > 0 && out[room - 1] != ',')
        room--;
    return room;
}

bool gtid_copy(char *out, size_t size, const char *text)
{
    static const char cut_mark[] = "...";
    size_t used = 0;
    for (; *text; text++) {
        if (isspace((unsigned char)*text))
            continue;
        if (used + 1 == size) {
            size_t kept = cut_at(out, size - sizeof cut_mark);
            memcpy(out + kept, cut_mark, sizeof cut_mark);
            return false;
        }
        out[used++] = *text;
    }
    out[used] = '\0';
    return true;
}
