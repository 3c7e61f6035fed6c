/*
 * sql_ddl.c - CREATE, ALTER, DROP, RENAME: of what? Temporary tables, accounts and routines are special.
 *
 *   CREATE [OR REPLACE] [DEFINER = user] [TEMPORARY] ... TABLE    a temporary table ties the session
 *                                                    PROCEDURE    its body holds semicolons: the rest of the
 * text USER         an account else         nothing more to know
 *
 *   What becomes another view, routine or table with triggers stands in facts->defines.
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

/* name or schema.name, stepped over: it is something else from now on. */
static void take_defined(struct sql_reader *reader, enum sql_defines as)
{
    const char *from = sql_now(reader)->text;
    if (!sql_take_name(reader).at)
        return;
    const struct sql_token *last = sql_back(reader, 1);
    reader->facts->defines = (struct sql_span){from, (uint32_t)(last->text + last->length - from)};
    reader->facts->defines_as = as;
}

/* PROCEDURE p, PACKAGE BODY p, TRIGGER x BEFORE INSERT ON t: of a trigger it is the table that counts. */
static void create_routine(struct sql_reader *reader)
{
    bool trigger = sql_at_word(reader, "trigger");
    sql_step(reader);
    sql_take_word(reader, "body");
    take_if_exists(reader);
    while (trigger && !sql_at_end(reader) && !sql_take_word(reader, "on"))
        sql_step(reader);
    take_defined(reader, SQL_DEFINES_ROUTINE);
    sql_skip_text(reader);
}

void sql_read_create(struct sql_reader *reader)
{
    sql_step(reader);
    while (take_modifier(reader))
        continue;
    if (at_routine(reader)) {
        create_routine(reader);
    } else if (at_account(reader)) {
        set_verb(reader, SQL_ACCOUNT, SQL_REASON_WRITE);
    } else {
        if (sql_take_word(reader, "temporary"))
            create_temporary(reader);
        if (sql_take_word(reader, "view")) {
            take_if_exists(reader);
            take_defined(reader, SQL_DEFINES_VIEW);
        }
        reader->free_of_calls = true; /* up to a SELECT: CREATE TABLE t AS SELECT */
        sql_prove(reader);
    }
}

/* ALTER TABLE t ..., RENAME [TO | AS] u: its triggers go with it. */
static void alter_table(struct sql_reader *reader)
{
    static const char *const parts[] = {"column", "index", "key", NULL};
    while (!sql_at_end(reader)) {
        bool renames = sql_take_word(reader, "rename") && !at_one_of(reader, parts);
        if (renames && !sql_take_word(reader, "to") && !sql_take_word(reader, "as"))
            sql_take_punctuation(reader, '=');
        if (renames)
            take_defined(reader, SQL_DEFINES_OTHER_NAME);
        else if (!sql_at_end(reader))
            sql_step(reader);
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
    else if (sql_take_word(reader, "view"))
        take_defined(reader, SQL_DEFINES_VIEW);
    else if (sql_at_word(reader, "table") || sql_at_word(reader, "ignore"))
        alter_table(reader);
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
    if (at_account(reader)) {
        set_verb(reader, SQL_ACCOUNT, SQL_REASON_WRITE);
        return;
    }
    if (!sql_take_word(reader, "tables"))
        sql_take_word(reader, "table");
    const char *from = sql_now(reader)->text;
    sql_skip_statement(reader);
    /* Views are renamed by it as well, and triggers go with their tables. */
    reader->facts->defines = (struct sql_span){from, (uint32_t)(sql_now(reader)->text - from)};
    reader->facts->defines_as = SQL_DEFINES_OTHER_NAME;
}
