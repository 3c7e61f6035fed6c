/* route.c - where a statement goes: see route.h for the four steps. */
#include "pointsman/route/route.h"

#include <limits.h>
#include <string.h>

/* ---- step 2: what is held ---- */

static unsigned held_reason(const struct route_session *session)
{
    if (session->pins & PIN_TRANSACTION)
        return session->read_only_transaction ? ROUTE_REASON_READ_ONLY_TRANSACTION
                                              : ROUTE_REASON_IN_TRANSACTION;
    return ROUTE_REASON_PINNED;
}

/* A proven read that has nothing to do with what is held may run elsewhere: it names no temporary table, and
 * neither reads variables nor what the session's last statement left. */
static bool may_leave(const struct route_statement *statement, const struct route_session *session)
{
    static const unsigned named = PIN_TEMPORARY_TABLE | PIN_USER_VARIABLE | PIN_PREPARED;
    static const uint32_t ties = SQL_MENTIONS_WATCHED | SQL_READS_USER_VARIABLE | SQL_READS_INSERT_ID |
                                 SQL_READS_FOUND_ROWS | SQL_READS_ROW_COUNT | SQL_READS_DIAGNOSTICS |
                                 SQL_READS_SESSION_TRACK;
    return !session->stay && !(session->pins & ~named) && session->autocommit && statement->anywhere &&
           statement->kind == ROUTE_CLASS_READ && !(statement->effects & ties);
}

/* ---- step 3: what it is ---- */

enum where { TO_PRIMARY, TO_REPLICA, TO_ONE };

struct wish {
    enum where where;
    int server; /* TO_ONE */
    unsigned reason;
};

/* What an operator's rule may send to a replica: what is merely not known to be harmless, never what writes
 * or locks. */
static bool admits_replica(const struct route_statement *statement)
{
    static const uint32_t never = SQL_MAKES_TEMPORARY_TABLE | SQL_TAKES_USER_LOCK | SQL_RELEASES_USER_LOCK |
                                  SQL_TAKES_TABLE_LOCK | SQL_RELEASES_TABLE_LOCK | SQL_USES_HANDLER |
                                  SQL_USES_XA | SQL_SETS_USER_VARIABLE | SQL_SETS_GLOBAL |
                                  SQL_MAKES_PREPARED | SQL_SETS_INSERT_ID | SQL_LEAVES_UNKNOWN;
    return statement->count == 1 && (statement->verb == SQL_SELECT || statement->verb == SQL_SHOW) &&
           (statement->reason == SQL_REASON_FUNCTION || statement->reason == SQL_REASON_VIEW) &&
           !(statement->effects & never);
}

static void apply_rule(struct wish *wish, const struct route_statement *statement,
                       const struct topology *topology)
{
    if (statement->rule < 0)
        return;
    const struct config_rule *rule = &topology->config->rules[statement->rule];
    bool read = wish->where == TO_REPLICA;
    if (rule->target == CONFIG_RULE_PRIMARY)
        *wish = (struct wish){TO_PRIMARY, TOPOLOGY_NOBODY, ROUTE_REASON_RULE};
    else if (rule->target == CONFIG_RULE_REPLICA && (read || admits_replica(statement)))
        *wish = (struct wish){TO_REPLICA, TOPOLOGY_NOBODY, ROUTE_REASON_RULE};
    else if (rule->target == CONFIG_RULE_SERVER && (read || admits_replica(statement)))
        *wish = (struct wish){TO_ONE, rule->server, ROUTE_REASON_RULE};
}

static void apply_hint(struct wish *wish, const struct route_statement *statement,
                       const struct topology *topology)
{
    if (statement->healed)
        *wish = (struct wish){TO_PRIMARY, TOPOLOGY_NOBODY, ROUTE_REASON_HEALED};
    else if (statement->hint == SQL_HINT_PRIMARY)
        *wish = (struct wish){TO_PRIMARY, TOPOLOGY_NOBODY, ROUTE_REASON_HINT};
    else if (statement->hint == SQL_HINT_SERVER && wish->where != TO_PRIMARY &&
             statement->hint_server != TOPOLOGY_NOBODY &&
             topology->servers[statement->hint_server].usable_for_reads)
        *wish = (struct wish){TO_ONE, statement->hint_server, ROUTE_REASON_HINT};
}

static struct wish wish_of(const struct route_statement *statement, const struct route_session *session,
                           const struct topology *topology)
{
    struct wish wish = {TO_PRIMARY, TOPOLOGY_NOBODY, statement->reason};
    if (statement->kind == ROUTE_CLASS_STATE && statement->anywhere)
        wish.where = TO_REPLICA;
    else if (!session->autocommit && statement->anywhere)
        wish.reason = ROUTE_REASON_AUTOCOMMIT_OFF;
    else if (statement->anywhere || statement->read_only_begin)
        wish.where = TO_REPLICA;
    if (wish.reason != ROUTE_REASON_AUTOCOMMIT_OFF) {
        apply_rule(&wish, statement, topology);
        apply_hint(&wish, statement, topology);
    }
    return wish;
}

/* ---- step 4: who can do it ---- */

static bool takes_reads(const struct route_statement *statement, const struct topology *topology, int i)
{
    const struct server_view *server = &topology->servers[i];
    if (!server->usable_for_reads || server->share == 0)
        return false;
    if (server->role == ROLE_PRIMARY)
        return topology->config->primary_reads == CONFIG_PRIMARY_READS_ALWAYS;
    return statement->hint_max_lag < 0 ||
           (server->lag_ms != TOPOLOGY_LAG_UNKNOWN && server->lag_ms <= statement->hint_max_lag);
}

const char *route_candidate(const struct route_statement *statement, const struct topology *topology, int i)
{
    const struct server_view *server = &topology->servers[i];
    if (takes_reads(statement, topology, i))
        return "";
    if (!server->usable_for_reads)
        return *server->reason ? server->reason : "not usable";
    if (server->role == ROLE_PRIMARY)
        return "the primary serves reads only when no replica can (primary_reads)";
    return server->share == 0 ? "weight 0" : "lags behind more than the hint allows";
}

/* Smooth weighted round robin: everybody earns its share, the richest serves and pays the sum. */
static int pick_round_robin(const struct route_statement *statement, const struct topology *topology,
                            struct route_balance *balance, uint64_t avoid)
{
    int best = TOPOLOGY_NOBODY, sum = 0;
    for (int i = 0; i < (int)topology->count; i++) {
        if (avoid >> i & 1 || !takes_reads(statement, topology, i))
            continue;
        int share = (int)topology->servers[i].share;
        sum += share;
        balance->credit[i] += share;
        if (best == TOPOLOGY_NOBODY || balance->credit[i] > balance->credit[best])
            best = i;
    }
    if (best != TOPOLOGY_NOBODY)
        balance->credit[best] -= sum;
    return best;
}

/* Fewest running statements for its share; round robin among equals. */
static int pick_least_busy(const struct route_statement *statement, const struct topology *topology,
                           struct route_balance *balance, uint64_t avoid)
{
    uint64_t least = UINT64_MAX;
    uint64_t tied = 0;
    for (int i = 0; i < (int)topology->count; i++) {
        if (avoid >> i & 1 || !takes_reads(statement, topology, i))
            continue;
        uint64_t load = (uint64_t)balance->busy[i] * 10000 / topology->servers[i].share;
        if (load < least)
            tied = 0;
        if (load <= least) {
            tied |= UINT64_C(1) << i;
            least = load;
        }
    }
    return tied ? pick_round_robin(statement, topology, balance, ~tied) : TOPOLOGY_NOBODY;
}

static int pick_reader(const struct route_statement *statement, const struct topology *topology,
                       struct route_balance *balance, uint64_t avoid)
{
    bool least = topology->config->balance == CONFIG_BALANCE_LEAST_BUSY;
    return (least ? pick_least_busy : pick_round_robin)(statement, topology, balance, avoid);
}

static struct route_decision to_primary(const struct topology *topology, unsigned reason)
{
    int primary = topology->primary;
    if (primary != TOPOLOGY_NOBODY && topology->servers[primary].usable_for_writes)
        return (struct route_decision){ROUTE_SERVER, primary, reason, NULL};
    const char *why = *topology->why_no_primary ? topology->why_no_primary : "no primary is known";
    return (struct route_decision){ROUTE_WAIT, TOPOLOGY_NOBODY, reason, why};
}

/* `stale` servers are never asked, `avoid` ones only if nobody else is left. */
static struct route_decision to_replica(const struct route_statement *statement,
                                        const struct topology *topology, struct route_balance *balance,
                                        uint64_t avoid, uint64_t stale, unsigned reason)
{
    int server = pick_reader(statement, topology, balance, avoid | stale);
    if (server != TOPOLOGY_NOBODY)
        return (struct route_decision){ROUTE_SERVER, server, reason, NULL};
    int primary = topology->primary;
    bool asked = (stale || topology->config->primary_reads != CONFIG_PRIMARY_READS_NEVER) &&
                 primary != TOPOLOGY_NOBODY && topology->servers[primary].usable_for_reads;
    struct route_decision there = {ROUTE_SERVER, primary,
                                   stale ? ROUTE_REASON_OWN_WRITES : ROUTE_REASON_NO_REPLICA, NULL};
    if (asked && !(avoid >> primary & 1))
        return there;
    server = avoid ? pick_reader(statement, topology, balance, stale) : TOPOLOGY_NOBODY;
    if (server != TOPOLOGY_NOBODY)
        return (struct route_decision){ROUTE_SERVER, server, reason, NULL};
    if (asked) /* it failed just now, and nobody else is left */
        return there;
    return (struct route_decision){ROUTE_WAIT, TOPOLOGY_NOBODY, reason, "no server is usable for reads"};
}

struct route_decision route_pick(const struct route_statement *statement, const struct route_session *session,
                                 const struct topology *topology, struct route_balance *balance,
                                 uint64_t avoid)
{
    if (statement->rule >= 0 && topology->config->rules[statement->rule].target == CONFIG_RULE_REJECT)
        return (struct route_decision){ROUTE_REJECT, TOPOLOGY_NOBODY, ROUTE_REASON_RULE,
                                       topology->config->rules[statement->rule].name};
    if (session->pins && !may_leave(statement, session))
        return (struct route_decision){ROUTE_HELD, session->held, held_reason(session), NULL};
    struct wish wish = wish_of(statement, session, topology);
    uint64_t stale = statement->kind == ROUTE_CLASS_STATE ? 0 : session->stale;
    if (wish.where == TO_ONE && topology->servers[wish.server].usable_for_reads &&
        !((avoid | stale) >> wish.server & 1))
        return (struct route_decision){ROUTE_SERVER, wish.server, wish.reason, NULL};
    if (wish.where == TO_PRIMARY)
        return to_primary(topology, wish.reason);
    return to_replica(statement, topology, balance, avoid, stale, wish.reason);
}
