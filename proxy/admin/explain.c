/*
 * explain.c - EXPLAIN ROUTE: the statement is read, merged and routed by the functions that the data path
 * calls (sql_read, route_merge, route_rule, route_pick), for a session that has just logged in. Nothing runs.
 *
 *   text ──read──> struct route_statement ──route_pick──> decision ──> rows: target, server, class, ...
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "explain.h"
#include "pointsman/protocol/answer.h"

static const struct column columns[] = {{"item", COLUMN_TEXT}, {"value", COLUMN_TEXT}, {"text", COLUMN_TEXT}};

struct explanation {
    const struct topology *topology;
    struct route_statement statement;
    struct route_decision decision;
    char because[64];  /* what in the text decided */
    char carries[512]; /* session state that it makes */
    char normalised[4096];
    bool reads; /* a server for reads was looked for, not the primary */
};

/* ---- reading ---- */

static struct sql_options options_for(const struct topology *topology, const struct sql_names *safe,
                                      const struct definitions *definitions)
{
    int model = topology->primary != TOPOLOGY_NOBODY ? topology->primary : 0;
    const struct server_look *look = &topology->servers[model].look;
    return (struct sql_options){.charset = SQL_CHARSET_PLAIN,
                                .mariadb = look->mariadb,
                                .version = look->version,
                                .safe_functions = safe,
                                .unsafe_tables = &definitions->unsafe_views,
                                .leaving = &definitions->leaving,
                                .assigning = &definitions->assigning};
}

static void add_carried(char *list, size_t size, const char *prefix, struct sql_span name)
{
    size_t length = strlen(list);
    snprintf(list + length, size - length, "%s%s%.*s", length ? ", " : "", prefix, (int)name.length, name.at);
}

/* What a SET leaves to be carried to other servers. */
static void read_carried(struct explanation *it, const struct sql_facts *facts,
                         const struct sql_options *options)
{
    static const struct sql_span names = {"NAMES", 5}, schema = {"schema", 6};
    struct sql_span rest = facts->set_text;
    struct sql_assignment assignment;
    bool bad = false;
    if (facts->verb == SQL_USE)
        add_carried(it->carries, sizeof it->carries, "", schema);
    while (facts->verb == SQL_SET && sql_set_next(&rest, options, &assignment, &bad)) {
        struct sql_span name = assignment.name;
        enum sql_variable_class class = SQL_VARIABLE_CARRIED;
        if (assignment.kind == SQL_SET_SESSION_VARIABLE)
            class = sql_variable_class(name.at, name.length);
        if (assignment.kind == SQL_SET_NAMES)
            add_carried(it->carries, sizeof it->carries, "", names);
        else if (assignment.kind == SQL_SET_USER_VARIABLE && assignment.value_kind <= SQL_VALUE_LITERAL_NULL)
            add_carried(it->carries, sizeof it->carries, "@", name);
        else if (assignment.kind == SQL_SET_SESSION_VARIABLE && class <= SQL_VARIABLE_AUTOCOMMIT)
            add_carried(it->carries, sizeof it->carries, "", name);
    }
}

/* As statement_read() of the session does it. */
static void read_text(struct explanation *it, const struct asker *asker, const char *text, size_t length)
{
    const struct config *config = it->topology->config;
    const struct sql_names safe = {(const char *const *)config->safe_functions, config->safe_functions_count};
    struct definitions *definitions = definitions_current();
    struct sql_options options = options_for(it->topology, &safe, definitions);
    struct sql_facts facts;
    route_merge_begin(&it->statement);
    for (size_t at = 0; at < length;) {
        at += sql_read(text + at, length - at, &options, &facts);
        route_merge(&it->statement, &facts, it->topology);
        if (facts.reason == it->statement.reason && facts.because.at && !*it->because)
            snprintf(it->because, sizeof it->because, "%.*s", (int)facts.because.length, facts.because.at);
        read_carried(it, &facts, &options);
    }
    route_doubt(&it->statement, definitions);
    if (it->statement.count == 0)
        it->statement.anywhere = false;
    sql_normalise(text, length, &options, it->normalised, sizeof it->normalised);
    it->statement.rule = route_rule(config, it->normalised, asker->user, asker->schema);
    definitions_unref(definitions);
}

static void decide(struct explanation *it)
{
    static const unsigned busy[TOPOLOGY_SERVERS_MAX];
    struct route_balance balance = {.busy = busy};
    const struct route_session session = {.held = TOPOLOGY_NOBODY, .autocommit = true};
    const struct route_statement *statement = &it->statement;
    it->decision = route_pick(statement, &session, it->topology, &balance, 0);
    unsigned reason = it->decision.reason;
    bool hint = reason == ROUTE_REASON_HINT && statement->hint == SQL_HINT_PRIMARY;
    bool rule = reason == ROUTE_REASON_RULE &&
                it->topology->config->rules[statement->rule].target == CONFIG_RULE_PRIMARY;
    bool elsewhere = it->decision.target == ROUTE_SERVER && it->decision.server != it->topology->primary;
    it->reads = !hint && !rule && (statement->anywhere || statement->read_only_begin || elsewhere);
}

/* ---- rows ---- */

static void row(struct result_set *set, const char *item, const char *value, const char *text)
{
    result_text(set, item);
    result_text(set, value);
    result_text(set, text);
    result_row_end(set);
}

static void target_rows(struct result_set *set, const struct explanation *it)
{
    const struct topology *topology = it->topology;
    const struct route_decision *decision = &it->decision;
    char text[300] = "";
    const char *target = it->reads ? "replica" : "primary", *server = "", *address = "";
    if (decision->target == ROUTE_REJECT) {
        target = "reject";
        snprintf(text, sizeof text, "the rule '%s' rejects it", decision->text);
    } else if (decision->target == ROUTE_SERVER) {
        const struct server_view *view = &topology->servers[decision->server];
        target = view->role == ROLE_PRIMARY || decision->server == topology->primary ? "primary" : "replica";
        server = view->name;
        address = view->address.text;
    } else {
        snprintf(text, sizeof text, "it would wait, at most %u ms (queue_timeout): %s",
                 topology->config->queue_timeout, decision->text);
    }
    row(set, "target", target, text);
    row(set, "server", server, address);
}

static void reason_rows(struct result_set *set, const struct explanation *it)
{
    const struct route_statement *statement = &it->statement;
    char text[300];
    if (statement->count > 1)
        snprintf(text, sizeof text, "%u statements, the first: %s", statement->count,
                 sql_verb_name(statement->verb));
    else
        snprintf(text, sizeof text, "%s", sql_verb_name(statement->verb));
    row(set, "class", route_class_name(statement->kind), text);
    snprintf(text, sizeof text, "%s%s%s%s", route_reason_text(it->decision.reason),
             *it->because ? " (at '" : "", it->because, *it->because ? "')" : "");
    row(set, "reason", route_reason_name(it->decision.reason), text);
}

static void rule_row(struct result_set *set, const struct explanation *it)
{
    static const char *const hints[] = {[SQL_HINT_NONE] = "",
                                        [SQL_HINT_PRIMARY] = "hint: primary",
                                        [SQL_HINT_REPLICA] = "hint: replica",
                                        [SQL_HINT_SERVER] = "hint: server"};
    const struct route_statement *statement = &it->statement;
    const struct config_rule *rule = statement->rule >= 0 ? &it->topology->config->rules[statement->rule]
                                                          : NULL;
    char text[300];
    snprintf(text, sizeof text, "%s%s%s%s", rule && rule->match ? rule->match : "",
             rule && rule->match && *hints[statement->hint] ? "; " : "", hints[statement->hint],
             statement->hint_ignored ? " (a hint was ignored: not understood, or it can't be met)" : "");
    row(set, "rule", rule ? rule->name : "", text);
}

static void pins_row(struct result_set *set, const struct route_statement *statement)
{
    unsigned pins = route_pins(statement, true) | (statement->verb == SQL_BEGIN ? PIN_TRANSACTION : 0);
    char list[256] = "";
    size_t length = 0;
    for (unsigned bit = 0; bit < PINS; bit++)
        if (pins >> bit & 1 && length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", length ? "," : "",
                                       pin_name(bit));
    row(set, "pins", list, pins ? "its session holds the connection afterwards" : "");
}

/* Why this server was passed over, and not the one that was taken. */
static const char *why_not(const struct explanation *it, int i)
{
    const struct server_view *server = &it->topology->servers[i];
    if (it->decision.target == ROUTE_REJECT)
        return "a rule rejects the statement";
    if (!it->reads)
        return server->role != ROLE_PRIMARY ? "not the primary"
               : *server->reason            ? server->reason
                                            : "not writable";
    const char *why = route_candidate(&it->statement, it->topology, i);
    if (*why)
        return why;
    return it->decision.reason == ROUTE_REASON_HINT || it->decision.reason == ROUTE_REASON_RULE
               ? "a hint or rule names another"
               : "usable, and gets its share of the reads";
}

static const char *why_taken(const struct explanation *it)
{
    if (!it->reads)
        return "the primary";
    switch (it->decision.reason) {
    case ROUTE_REASON_NO_REPLICA: return "no replica is usable, and the primary serves reads then";
    case ROUTE_REASON_HINT: return "a hint asks for it";
    case ROUTE_REASON_RULE: return "a rule asks for it";
    default:
        return it->topology->config->balance == CONFIG_BALANCE_LEAST_BUSY
                   ? "the fewest running statements for its share"
                   : "its turn by weight, were this the first statement";
    }
}

static void candidate_row(struct result_set *set, const struct explanation *it, int i)
{
    const struct server_view *server = &it->topology->servers[i];
    bool taken = it->decision.target == ROUTE_SERVER && it->decision.server == i;
    char value[400], text[200], lag[32] = "unknown";
    if (server->lag_ms != TOPOLOGY_LAG_UNKNOWN)
        snprintf(lag, sizeof lag, "%lld ms", (long long)server->lag_ms);
    snprintf(value, sizeof value, "%s: %s: %s", server->name, taken ? "taken" : "passed over",
             taken ? why_taken(it) : why_not(it, i));
    snprintf(text, sizeof text, "%s, %s, lag %s, weight %u, share %u", server_role_name(server->role),
             server_state_name(server->state), lag, server->weight, server->share);
    row(set, "candidate", value, text);
}

void explain_statement(const struct asker *asker, const struct topology *topology, const char *text,
                       size_t length, struct result_set *set)
{
    struct explanation it = {.topology = topology};
    char digest[20];
    read_text(&it, asker, text, length);
    decide(&it);
    result_set_begin(set, columns, sizeof columns / sizeof *columns);
    target_rows(set, &it);
    reason_rows(set, &it);
    rule_row(set, &it);
    pins_row(set, &it.statement);
    row(set, "carries", it.carries, *it.carries ? "sent ahead of later statements on other servers" : "");
    for (int i = 0; i < (int)topology->count; i++)
        candidate_row(set, &it, i);
    snprintf(digest, sizeof digest, "%016llx", (unsigned long long)it.statement.digest);
    row(set, "digest", digest, it.normalised);
}

void explain_route(struct request *request, struct reply *reply)
{
    const char *text = request->words.at;
    size_t length = (size_t)(request->words.end - text);
    struct words ahead = request->words;
    if (word_next(&ahead).kind == WORD_END) {
        reply_usage(request, reply);
        return;
    }
    struct topology *topology = topology_current();
    reply->kind = REPLY_ROWS;
    explain_statement(request->asker, topology, text, length, &reply->set);
    topology_unref(topology);
}
