/*
 * sql_ddl.c - CREATE, ALTER, DROP, RENAME: of what? Temporary tables, accounts and routines are special.
 *
 *   CREATE [OR REPLACE] [DEFINER = user] [TEMPORARY] ... TABLE    a temporary table ties the session
 *                                                    PROCEDURE    its body holds semicolons: the rest of the
 * text USER         an account else         nothing more to know
 */
#include "sql_reader.h"

static void set_verb(struct sql_reader *reader, enum sql_verb verb, enum sql_reason reason)
{
    reader->facts->verb = verb;
    reader->facts->reason = reason;
}

static bool at_one_of(const struct sql_reader *reader, const char *const *words)
{
    for (; *words; words++) {
        if (sql_at_word(reader, *words))
            return true;
    }
    return false;
}

static bool at_account(const struct sql_reader *reader)
{
    return sql_at_word(reader, "user") || sql_at_word(reader, "role");
}

static bool at_routine(const struct sql_reader *reader)
{
    static const char *const words[] = {"procedure", "function", "trigger", "event",
                                        "package",   "library",  NULL};
    return at_one_of(reader, words);
}

/* DEFINER = user@host, stepped over: an account may be called anything, `table` too. */
static bool take_definer(struct sql_reader *reader)
{
    if (!sql_take_word(reader, "definer"))
        return false;
    sql_take_punctuation(reader, '=');
    if (!sql_at_end(reader))
        sql_step(reader);
    if (sql_take_punctuation(reader, '('))
        sql_take_punctuation(reader, ')');
    if (sql_now(reader)->kind == SQL_TOKEN_USER_VARIABLE) /* @host */
        sql_step(reader);
    return true;
}

/* What stands between CREATE (or ALTER) and the kind of thing. */
static bool take_modifier(struct sql_reader *reader)
{
    static const char *const words[] = {"or",       "replace", "online", "offline",  "aggregate", "unique",
                                        "fulltext", "spatial", "undo",   "external", NULL};
    if (take_definer(reader))
        return true;
    if (sql_take_word(reader, "algorithm") ||
        (sql_take_word(reader, "sql") && sql_at_word(reader, "security"))) {
        if (!sql_at_end(reader))
            sql_step(reader); /* = or SECURITY */
        if (!sql_at_end(reader))
            sql_step(reader);
        return true;
    }
    if (!at_one_of(reader, words))
        return false;
    sql_step(reader);
    return true;
}

static void take_if_exists(struct sql_reader *reader)
{
    if (sql_take_word(reader, "if")) {
        sql_take_word(reader, "not");
        sql_take_word(reader, "exists");
    }
}

static void create_temporary(struct sql_reader *reader)
{
    set_verb(reader, SQL_DDL, SQL_REASON_TEMPORARY_TABLE);
    reader->facts->effects &= ~(uint32_t)SQL_IMPLICIT_COMMIT;
    sql_effect(reader, SQL_MAKES_TEMPORARY_TABLE);
    if (!sql_take_word(reader, "table"))
        sql_take_word(reader, "sequence");
    take_if_exists(reader);
    reader->facts->name = sql_take_name(reader);
}

void sql_read_create(struct sql_reader *reader)
{
    sql_step(reader);
    while (take_modifier(reader))
        continue;
    if (at_routine(reader)) {
        sql_skip_text(reader);
    } else if (at_account(reader)) {
        set_verb(reader, SQL_ACCOUNT, SQL_REASON_WRITE);
    } else {
        if (sql_take_word(reader, "temporary"))
            create_temporary(reader);
        reader->free_of_calls = true; /* up to a SELECT: CREATE TABLE t AS SELECT */
        sql_prove(reader);
    }
}

void sql_read_alter(struct sql_reader *reader)
{
    sql_step(reader);
    while (take_modifier(reader))
        continue;
    if (at_account(reader))
        set_verb(reader, SQL_ACCOUNT, SQL_REASON_WRITE);
    else if (sql_at_word(reader, "event"))
        sql_skip_text(reader); /* ALTER EVENT e DO BEGIN ...; END */
}

void sql_read_drop(struct sql_reader *reader)
{
    sql_step(reader);
    if (sql_take_word(reader, "prepare")) {
        set_verb(reader, SQL_DEALLOCATE, SQL_REASON_PREPARED);
        reader->facts->effects = (reader->facts->effects & ~(uint32_t)SQL_IMPLICIT_COMMIT) |
                                 SQL_DROPS_PREPARED;
        reader->facts->name = sql_take_name(reader);
        return;
    }
    if (at_account(reader)) {
        set_verb(reader, SQL_ACCOUNT, SQL_REASON_WRITE);
        return;
    }
    if (sql_take_word(reader, "temporary"))
        reader->facts->effects &= ~(uint32_t)SQL_IMPLICIT_COMMIT;
    if (sql_at_word(reader, "table") || sql_at_word(reader, "tables") || sql_at_word(reader, "sequence"))
        sql_effect(reader, SQL_DROPS_TABLE);
}

void sql_read_rename(struct sql_reader *reader)
{
    sql_step(reader);
    if (at_account(reader))
        set_verb(reader, SQL_ACCOUNT, SQL_REASON_WRITE);
}
