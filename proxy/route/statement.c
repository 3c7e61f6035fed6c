/*
 * statement.c - what a packet of statements is, taken together: the weakest proof counts, effects add up.
 * Also the names of everything that is counted.
 */
#include <stdlib.h>
#include <string.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "pointsman/route/route.h"

const char *pin_name(unsigned bit)
{
    static const char *const names[PINS] = {"transaction",
                                            "diagnostics",
                                            "temporary-table",
                                            "user-lock",
                                            "table-lock",
                                            "handler",
                                            "xa",
                                            "prepared",
                                            "user-variable",
                                            "session-variable",
                                            "role",
                                            "unknown-state",
                                            "next-transaction",
                                            "cursor",
                                            "long-data"};
    return bit < PINS ? names[bit] : "";
}

const char *route_class_name(enum route_class route_class)
{
    static const char *const names[] = {"read", "write", "state", "transaction"};
    return names[route_class];
}

static const struct {
    const char *name, *text;
} reasons[ROUTE_REASONS - SQL_REASONS] = {
    [ROUTE_REASON_PINNED - SQL_REASONS] = {"pinned", "the session holds a connection"},
    [ROUTE_REASON_IN_TRANSACTION - SQL_REASONS] = {"in-transaction", "a transaction lives on one server"},
    [ROUTE_REASON_AUTOCOMMIT_OFF -
        SQL_REASONS] = {"autocommit-off", "with autocommit = 0 it begins a transaction"},
    [ROUTE_REASON_READ_ONLY_TRANSACTION -
        SQL_REASONS] = {"read-only-transaction", "a READ ONLY transaction lives on one replica"},
    [ROUTE_REASON_NO_REPLICA - SQL_REASONS] = {"no-replica", "a read, but no replica is usable"},
    [ROUTE_REASON_OWN_WRITES -
        SQL_REASONS] = {"own-writes", "a read, but no replica has what the session wrote"},
    [ROUTE_REASON_HINT - SQL_REASONS] = {"hint", "a hint in a comment asks for it"},
    [ROUTE_REASON_RULE - SQL_REASONS] = {"rule", "a rule of the configuration says so"},
    [ROUTE_REASON_TOO_LONG - SQL_REASONS] = {"too-long", "longer than what is read of a statement"},
    [ROUTE_REASON_COMMAND - SQL_REASONS] = {"command", "not a text statement"},
    [ROUTE_REASON_HEALED - SQL_REASONS] = {"healed", "again elsewhere after a replica's fault"},
};

const char *route_reason_name(unsigned reason)
{
    return reason < SQL_REASONS ? sql_reason_name((enum sql_reason)reason)
                                : reasons[reason - SQL_REASONS].name;
}

const char *route_reason_text(unsigned reason)
{
    return reason < SQL_REASONS ? sql_reason_text((enum sql_reason)reason)
                                : reasons[reason - SQL_REASONS].text;
}

static enum route_class class_of(const struct sql_facts *facts)
{
    switch (facts->reason) {
    case SQL_REASON_READ: return ROUTE_CLASS_READ;
    case SQL_REASON_SESSION_STATE: return ROUTE_CLASS_STATE;
    case SQL_REASON_TRANSACTION: return ROUTE_CLASS_TRANSACTION;
    default: return ROUTE_CLASS_WRITE;
    }
}

void route_merge_begin(struct route_statement *statement)
{
    *statement = (struct route_statement){.kind = ROUTE_CLASS_READ,
                                          .reason = SQL_REASON_EMPTY,
                                          .verb = SQL_EMPTY,
                                          .anywhere = true,
                                          .hint_server = TOPOLOGY_NOBODY,
                                          .hint_max_lag = -1,
                                          .rule = -1};
}

static int server_named(const struct topology *topology, struct sql_span name)
{
    for (int i = 0; i < (int)topology->count; i++)
        if (strlen(topology->servers[i].name) == name.length &&
            strncasecmp(topology->servers[i].name, name.at, name.length) == 0)
            return i;
    return TOPOLOGY_NOBODY;
}

/* "250ms", "5s", "10m" in ms; -1 if it is none. */
static int64_t duration_of(struct sql_span text)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};
    int64_t value = 0;
    uint32_t i = 0;
    for (; i < text.length && text.at[i] >= '0' && text.at[i] <= '9' && value < 1000000000; i++)
        value = value * 10 + (text.at[i] - '0');
    for (size_t u = 0; i && u < sizeof units / sizeof *units; u++)
        if (text.length - i == strlen(units[u].unit) && !memcmp(text.at + i, units[u].unit, text.length - i))
            return value * units[u].ms;
    return -1;
}

static void merge_hint(struct route_statement *statement, const struct sql_hint *hint,
                       const struct topology *topology)
{
    if (hint->kind != SQL_HINT_NONE)
        statement->hint = hint->kind;
    if (hint->kind == SQL_HINT_SERVER) {
        statement->hint_server = server_named(topology, hint->server);
        statement->hint_ignored |= statement->hint_server == TOPOLOGY_NOBODY;
    }
    if (hint->max_lag.at) {
        statement->hint_max_lag = duration_of(hint->max_lag);
        statement->hint_ignored |= statement->hint_max_lag < 0;
    }
    statement->hint_ignored |= hint->faulty;
}

void route_merge(struct route_statement *statement, const struct sql_facts *facts,
                 const struct topology *topology)
{
    merge_hint(statement, &facts->hint, topology);
    if (facts->verb == SQL_EMPTY)
        return;
    enum route_class kind = class_of(facts);
    bool first = statement->count++ == 0;
    if (first) {
        statement->verb = facts->verb;
        statement->digest = facts->digest;
    }
    /* Read and state together stay what may run anywhere; anything else decides. */
    bool anywhere = kind == ROUTE_CLASS_READ || kind == ROUTE_CLASS_STATE;
    if (first || (!anywhere && statement->anywhere) ||
        (anywhere && statement->anywhere && kind == ROUTE_CLASS_READ)) {
        statement->kind = kind;
        statement->reason = facts->reason;
    }
    bool read_only_begin = facts->effects & SQL_READ_ONLY &&
                           (facts->verb == SQL_BEGIN ||
                            (facts->verb == SQL_SET_TRANSACTION && facts->effects & SQL_ONE_SHOT));
    statement->read_only_begin = first ? read_only_begin
                                       : statement->read_only_begin && (read_only_begin || anywhere);
    statement->anywhere &= anywhere && facts->verb != SQL_SET_ROLE; /* a replica may not know it yet */
    statement->plain_role = first && facts->verb == SQL_SET_ROLE && facts->name.at;
    if (statement->count > 1 && (statement->sets || kind == ROUTE_CLASS_STATE))
        statement->anywhere =
            false; /* if one fails in the middle the session is held, and that must be at the primary */
    statement->sets |= kind == ROUTE_CLASS_STATE;
    statement->overflow |= facts->calls_overflow;
    statement->verbs |= UINT64_C(1) << facts->verb;
    statement->reasons |= UINT64_C(1) << facts->reason;
    statement->effects |= facts->effects;
}

struct route_statement route_statement_unread(unsigned reason, bool read)
{
    struct route_statement statement;
    route_merge_begin(&statement);
    statement.kind = read ? ROUTE_CLASS_READ : ROUTE_CLASS_WRITE;
    statement.reason = reason;
    statement.anywhere = read;
    statement.count = 1;
    statement.verb = SQL_UNKNOWN;
    statement.effects = read ? 0 : SQL_MAY_CHANGE_SESSION;
    return statement;
}

void route_doubt(struct route_statement *statement, const struct definitions *definitions)
{
    bool runs = statement->effects & SQL_MAY_CHANGE_SESSION || statement->reasons >> SQL_REASON_VIEW & 1;
    if (!definitions->routines_known && runs)
        statement->effects |= SQL_LEAVES_UNKNOWN;
    if (statement->reason == ROUTE_REASON_TOO_LONG && definitions->leaving.count > 0)
        statement->effects |= SQL_LEAVES_UNKNOWN;
    if (!definitions->views_known && statement->kind == ROUTE_CLASS_READ && statement->count > 0) {
        statement->anywhere = false;
        statement->reason = SQL_REASON_VIEW;
    }
}

static const struct {
    uint32_t effect;
    unsigned pin;
    bool even_if_failed; /* a statement that failed may have done it before */
} pinning[] = {
    {SQL_MAKES_TEMPORARY_TABLE, PIN_TEMPORARY_TABLE, false},
    {SQL_TAKES_USER_LOCK, PIN_USER_LOCK, true},
    {SQL_TAKES_TABLE_LOCK, PIN_TABLE_LOCK, false},
    {SQL_USES_HANDLER, PIN_HANDLER, false},
    {SQL_USES_XA, PIN_XA, false},
    {SQL_MAKES_PREPARED, PIN_PREPARED, false},
    {SQL_SETS_USER_VARIABLE, PIN_USER_VARIABLE, true},
    {SQL_LEAVES_UNKNOWN, PIN_UNKNOWN_STATE, true},
};

unsigned route_pins(const struct route_statement *statement, bool worked)
{
    unsigned pins = 0;
    for (size_t i = 0; i < sizeof pinning / sizeof *pinning; i++)
        if (statement->effects & pinning[i].effect && (worked || pinning[i].even_if_failed))
            pins |= pinning[i].pin;
    if (!worked)
        return pins;
    if (statement->reasons >> SQL_REASON_PRIVILEGED & 1)
        pins |= PIN_SESSION_VARIABLE;
    if (route_has_verb(statement, SQL_SET_ROLE) && !statement->plain_role)
        pins |= PIN_ROLE;
    if (statement->effects & SQL_ONE_SHOT && route_has_verb(statement, SQL_SET_TRANSACTION))
        pins |= PIN_NEXT_TRANSACTION;
    return pins;
}

static bool text_matches(const struct config_rule *rule, const char *normalised)
{
    if (!rule->regex)
        return true;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    bool found = data &&
                 pcre2_match(rule->regex, (PCRE2_SPTR)normalised, strlen(normalised), 0, 0, data, NULL) >= 0;
    pcre2_match_data_free(data);
    return found;
}

int route_rule(const struct config *config, const char *normalised, const char *user, const char *schema)
{
    for (size_t i = 0; i < config->rules_count; i++) {
        const struct config_rule *rule = &config->rules[i];
        if ((!rule->user || strcmp(rule->user, user) == 0) &&
            (!rule->schema || strcmp(rule->schema, schema) == 0) && text_matches(rule, normalised))
            return (int)i;
    }
    return -1;
}
