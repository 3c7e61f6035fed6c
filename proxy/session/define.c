/*
 * define.c - statements that make, alter or rename views, routines and triggers.
 *
 *   read ──define_add()──> names ──define_announce()──> all workers know it (definitions.h)
 *                                        │
 *                                        └──> sent ──> over, or in doubt ──define_settle()
 */
#include "session.h"

#include "pointsman/base/clock.h"

void define_add(struct defined *defined, const struct sql_facts *facts, const struct sql_options *options)
{
    struct sql_span rest = facts->defines, name;
    defined->views |= facts->defines_as != SQL_DEFINES_ROUTINE;
    defined->unproven |= facts->defines_as == SQL_DEFINES_VIEW;
    while (sql_defined_next(&rest, options, &name) && defined->count <= DEFINED_MAX)
        if (defined->count++ < DEFINED_MAX)
            defined->names[defined->count - 1] = name;
}

void define_settle(struct session *session, uint64_t outlives)
{
    if (session->defining)
        definitions_settle(session->defining, clock_ms() + outlives);
    session->defining = 0;
}

void define_announce(struct session *session, const struct defined *defined, const char *text, size_t length,
                     const struct sql_options *options)
{
    bool all = defined->count <= DEFINED_MAX;
    const struct definition_change change = {.names = all ? defined->names : NULL,
                                             .count = defined->count,
                                             .views = defined->views,
                                             .unproven = defined->unproven,
                                             .text = text,
                                             .length = length};
    if (defined->count == 0)
        return;
    session->defining = definitions_announce(&change, options);
    definitions_take(&session->worker->definitions);
}

uint32_t define_leaves(const struct session *session, const char *text, size_t length, bool any)
{
    struct sql_options options = statement_options(session);
    struct sql_facts facts;
    struct route_statement statement;
    route_merge_begin(&statement);
    sql_read(text, length, &options, &facts);
    route_merge(&statement, &facts, session->worker->topology);
    route_doubt(&statement, session->worker->definitions);
    unsigned ties = route_pins(&statement, true) & (any ? ~0u : (unsigned)PIN_ROLE);
    bool leaves = statement.effects & SQL_LEAVES_UNKNOWN || statement.plain_role || ties;
    return leaves ? SQL_LEAVES_UNKNOWN : 0;
}
