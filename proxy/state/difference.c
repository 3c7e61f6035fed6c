/*
 * difference.c - what must be sent to a connection so that it is in another state: one merge of two sorted
 * lists, giving at most one SET ROLE, one COM_INIT_DB and two SET statements.
 *
 *   from ─┐         ROLE             -> SET ROLE ...      first, since the rest may need its privileges
 *         │         SCHEMA           -> COM_INIT_DB
 *         ├ merge ─ NAMES, VARIABLE  -> SET NAMES ..., a = 1, b = DEFAULT
 *   to ───┘         USER             -> SET @c = 'x'      a statement of its own: a server reads all of a
 *                                                         statement in the character set and the sql_mode
 *                                                         that were before it
 *
 * The character set is one unit: if anything of it differs, SET NAMES and all its variables are sent again,
 * since NAMES overwrites them. If it or the sql_mode differs, all user variables are sent again too: the same
 * literal is another value then.
 */
#include <string.h>

#include "pointsman/state/state.h"
#include "pointsman/protocol/wire.h"
#include "state_entry.h"

struct sink {
    struct writer w;
    bool first;        /* of its SET */
    size_t set_length; /* of the first SET, once the second was begun */
    bool users;        /* the second was begun */
};

static void put(struct sink *sink, const char *text)
{
    write_string(&sink->w, text);
}

/* What comes before an entry: entries of users stand behind all others. */
static void put_separator(struct sink *sink, enum state_kind kind)
{
    if (kind == STATE_USER && !sink->users) {
        sink->users = sink->first = true;
        sink->set_length = writer_length(&sink->w);
    }
    put(sink, sink->first ? "SET " : ", ");
    sink->first = false;
}

static bool is_number(const char *at, size_t length)
{
    size_t digits = 0, dots = 0, i = length && *at == '-';
    for (; i < length; i++)
        if (at[i] >= '0' && at[i] <= '9')
            digits++;
        else if (at[i] == '.' && digits)
            dots++;
        else
            return false;
    return digits && dots <= 1;
}

static bool is_plain(const char *at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (at[i] == '\\' || (unsigned char)at[i] >= 0x80)
            return false;
    return true;
}

static void put_hex(struct sink *sink, const char *at, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";
    put(sink, "_utf8 X'");
    for (size_t i = 0; i < length; i++) {
        write_u8(&sink->w, (uint8_t)digits[(unsigned char)at[i] >> 4]);
        write_u8(&sink->w, (uint8_t)digits[(unsigned char)at[i] & 15]);
    }
    put(sink, "'");
}

/* A value as a literal that means the same under every sql_mode and character set: quotes are doubled, what
 * may be read otherwise is hexadecimal. */
static void put_value(struct sink *sink, const char *at, size_t length)
{
    if (is_number(at, length)) {
        write_bytes(&sink->w, at, length);
    } else if (!is_plain(at, length)) {
        put_hex(sink, at, length);
    } else {
        put(sink, "'");
        for (size_t i = 0; i < length; i++) {
            if (at[i] == '\'')
                put(sink, "'");
            write_u8(&sink->w, (uint8_t)at[i]);
        }
        put(sink, "'");
    }
}

/* What a server reports of a variable but doesn't take back as a string. */
static const struct {
    const char *name, *reported, *sent;
} keywords[] = {
    {"character_set_results", "", "NULL"},  {"default_tmp_storage_engine", "", "NULL"},
    {"enforce_storage_engine", "", "NULL"}, {"innodb_ft_user_stopword_table", "", "NULL"},
    {"innodb_tmpdir", "", "NULL"},          {"system_versioning_asof", "DEFAULT", "DEFAULT"},
};

static const char *keyword_of(const struct state_entry *entry)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (state_entry_is(entry, keywords[i].name) && entry->value_length == strlen(keywords[i].reported) &&
            memcmp(entry->value, keywords[i].reported, entry->value_length) == 0)
            return keywords[i].sent;
    return NULL;
}

static void put_user_name(struct sink *sink, const struct state_entry *entry)
{
    put(sink, "@`");
    for (size_t i = 0; i < entry->name_length; i++) {
        if (entry->name[i] == '`')
            put(sink, "`");
        write_u8(&sink->w, (uint8_t)entry->name[i]);
    }
    put(sink, "`=");
}

static void put_entry(struct sink *sink, const struct state_entry *entry)
{
    const char *keyword;
    if (entry->kind == STATE_SCHEMA || entry->kind == STATE_ROLE)
        return;
    put_separator(sink, entry->kind);
    switch (entry->kind) {
    case STATE_NAMES:
        put(sink, "NAMES ");
        write_bytes(&sink->w, entry->value, entry->value_length);
        break;
    case STATE_VARIABLE:
        write_bytes(&sink->w, entry->name, entry->name_length);
        put(sink, "=");
        if ((keyword = keyword_of(entry)))
            put(sink, keyword);
        else
            put_value(sink, entry->value, entry->value_length);
        break;
    case STATE_USER:
        put_user_name(sink, entry);
        write_bytes(&sink->w, entry->value, entry->value_length);
        break;
    case STATE_ROLE:
    case STATE_SCHEMA: break;
    }
}

/* MySQL takes DEFAULT for the opposite of the global value, with which sessions begin. */
static bool has_wrong_default(const struct state_entry *entry)
{
    return state_entry_is(entry, "foreign_key_checks") || state_entry_is(entry, "unique_checks");
}

static void put_default(struct sink *sink, const struct state_entry *entry)
{
    write_bytes(&sink->w, entry->name, entry->name_length);
    if (has_wrong_default(entry)) {
        put(sink, "=@@GLOBAL.");
        write_bytes(&sink->w, entry->name, entry->name_length);
    } else {
        put(sink, "=DEFAULT");
    }
}

/* What `from` has and `to` has not goes back to its default; a character set's is not known here. */
static void put_undo(struct sink *sink, const struct state_entry *entry, struct state_difference *difference)
{
    switch (entry->kind) {
    case STATE_ROLE:
    case STATE_SCHEMA:
    case STATE_NAMES: difference->impossible = true; break;
    case STATE_VARIABLE:
        put_separator(sink, entry->kind);
        put_default(sink, entry);
        break;
    case STATE_USER:
        /* One that was never set is binary. */
        put_separator(sink, entry->kind);
        put_user_name(sink, entry);
        put(sink, "_binary''");
        put_separator(sink, entry->kind);
        put_user_name(sink, entry);
        put(sink, "NULL");
        break;
    }
}

static bool is_charset(const struct state_entry *entry)
{
    return entry->kind == STATE_NAMES ||
           (entry->kind == STATE_VARIABLE && (state_entry_is(entry, "character_set_client") ||
                                              state_entry_is(entry, "character_set_connection") ||
                                              state_entry_is(entry, "character_set_results") ||
                                              state_entry_is(entry, "collation_connection")));
}

/* What a literal's meaning depends on. */
static bool is_reading(const struct state_entry *entry)
{
    return is_charset(entry) || (entry->kind == STATE_VARIABLE && state_entry_is(entry, "sql_mode"));
}

enum merged { ONLY_FROM, ONLY_TO, CHANGED, SAME, MERGED_END };

struct merge {
    struct state_walk from, to;
    struct state_entry a, b; /* of from, of to */
    bool have_a, have_b;
};

static struct merge merge_of(const struct state *from, const struct state *to)
{
    struct merge merge = {.from = state_walk_of(from), .to = state_walk_of(to)};
    merge.have_a = state_walk_next(&merge.from, &merge.a);
    merge.have_b = state_walk_next(&merge.to, &merge.b);
    return merge;
}

/* The next pair; the entries that count are copied to *a, *b before the walk moves on. */
static enum merged merge_next(struct merge *merge, struct state_entry *a, struct state_entry *b)
{
    if (!merge->have_a && !merge->have_b)
        return MERGED_END;
    int order = !merge->have_a ? 1 : !merge->have_b ? -1 : state_entry_compare(&merge->a, &merge->b);
    *a = merge->a;
    *b = merge->b;
    if (order <= 0)
        merge->have_a = state_walk_next(&merge->from, &merge->a);
    if (order >= 0)
        merge->have_b = state_walk_next(&merge->to, &merge->b);
    if (order)
        return order < 0 ? ONLY_FROM : ONLY_TO;
    return state_entry_same_value(a, b) ? SAME : CHANGED;
}

/* Whether any of the entries that matter differs. */
static bool differs(const struct state *from, const struct state *to,
                    bool (*matters)(const struct state_entry *entry))
{
    struct merge merge = merge_of(from, to);
    struct state_entry a, b;
    for (enum merged what; (what = merge_next(&merge, &a, &b)) != MERGED_END;)
        if (what != SAME && matters(what == ONLY_FROM ? &a : &b))
            return true;
    return false;
}

static bool has_names(const struct state *state)
{
    return state_has_kind(state, STATE_NAMES);
}

/* One entry of the character set, which is sent anew as a whole. */
static void put_charset(struct sink *sink, enum merged what, const struct state_entry *entry,
                        struct state_difference *difference, const struct state *to)
{
    if (what != ONLY_FROM)
        put_entry(sink, entry);
    else if (!has_names(to)) /* NAMES would have overwritten it */
        put_undo(sink, entry, difference);
}

bool state_difference(const struct state *from, const struct state *to, char *out, size_t size,
                      struct state_difference *ret)
{
    struct state_difference difference = {0};
    struct sink sink = {.w = writer_of(out, size), .first = true};
    bool charset = differs(from, to, is_charset);
    bool reread = state_has_kind(to, STATE_USER) && differs(from, to, is_reading);
    struct merge merge = merge_of(from, to);
    struct state_entry a, b;
    for (enum merged what; (what = merge_next(&merge, &a, &b)) != MERGED_END;) {
        const struct state_entry *entry = what == ONLY_FROM ? &a : &b;
        if (charset && is_charset(entry)) {
            put_charset(&sink, what, entry, &difference, to);
        } else if (what == ONLY_FROM) {
            put_undo(&sink, entry, &difference);
        } else if (what != SAME && entry->kind == STATE_SCHEMA) {
            difference.schema = entry->value;
            difference.schema_length = entry->value_length;
        } else if (what != SAME && entry->kind == STATE_ROLE) {
            difference.role = entry->value;
            difference.role_length = entry->value_length;
        } else if (what != SAME || (reread && entry->kind == STATE_USER)) {
            put_entry(&sink, entry);
        }
    }
    if (sink.w.full)
        return false;
    size_t length = writer_length(&sink.w);
    difference.set_length = sink.users ? sink.set_length : length;
    difference.user_length = length - difference.set_length;
    *ret = difference;
    return true;
}

bool state_reachable(const struct state *from, const struct state *to)
{
    size_t ignored;
    return from == to || !state_get(from, STATE_ROLE, "", &ignored) ||
           state_get(to, STATE_ROLE, "", &ignored);
}
