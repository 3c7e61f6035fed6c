/*
 * sql_things.c - the names of what a statement ties to its connection or frees: a second look, for the few
 * statements whose effects say that there is something.
 *
 *   CREATE TEMPORARY TABLE a.t ...    table made a.t        GET_LOCK('l', 1)   lock 'l', wherever it stands
 *   DROP TABLE IF EXISTS t, u         tables dropped t, u   @v                 variable v, likewise
 *   HANDLER t OPEN AS h               handler opened h      XA COMMIT 'x'      XA ended
 */
#include "sql_lex.h"

struct look {
    struct sql_lexer lexer;
    struct sql_token token, before;
    struct sql_thing *out;
    unsigned count, max;
};

static void step(struct look *look)
{
    look->before = look->token;
    sql_lex_next(&look->lexer, &look->token);
}

static bool at_end(const struct look *look)
{
    return look->token.flags & SQL_ENDS;
}

static bool take_word(struct look *look, const char *word)
{
    if (look->token.kind != SQL_TOKEN_WORD || !sql_token_is(&look->token, word))
        return false;
    step(look);
    return true;
}

static void put(struct look *look, enum sql_thing_kind kind, struct sql_span schema, struct sql_span name)
{
    if (look->count < look->max)
        look->out[look->count] = (struct sql_thing){.kind = kind, .schema = schema, .name = name};
    look->count++;
}

/* name or schema.name, stepped over. False: there is none. */
static bool take_name(struct look *look, struct sql_span *ret_schema, struct sql_span *ret_name)
{
    *ret_schema = (struct sql_span){0};
    if (!sql_is_name(&look->token))
        return false;
    *ret_name = look->token.name;
    step(look);
    if (look->token.punctuation != '.')
        return true;
    step(look);
    if (!sql_is_name(&look->token))
        return false;
    *ret_schema = *ret_name;
    *ret_name = look->token.name;
    step(look);
    return true;
}

static void take_thing(struct look *look, enum sql_thing_kind kind)
{
    struct sql_span schema, name;
    if (take_name(look, &schema, &name))
        put(look, kind, schema, name);
}

static void skip_if_exists(struct look *look)
{
    if (take_word(look, "if")) {
        take_word(look, "not");
        take_word(look, "exists");
    }
}

/* ---- by the first word ---- */

static void look_create(struct look *look)
{
    while (!at_end(look) && !take_word(look, "temporary"))
        step(look);
    if (!take_word(look, "table"))
        take_word(look, "sequence");
    skip_if_exists(look);
    take_thing(look, SQL_THING_TABLE_MADE);
}

static void look_drop(struct look *look)
{
    if (take_word(look, "prepare")) {
        take_thing(look, SQL_THING_DEALLOCATED);
        return;
    }
    take_word(look, "temporary");
    if (!take_word(look, "table") && !take_word(look, "tables") && !take_word(look, "sequence"))
        return;
    skip_if_exists(look);
    do
        take_thing(look, SQL_THING_TABLE_DROPPED);
    while (look->token.punctuation == ',' && (step(look), true));
}

/* The text of the thing noted last, if it is nothing but a literal. */
static void take_text(struct look *look)
{
    struct sql_token literal = look->token;
    if (literal.kind != SQL_TOKEN_STRING || look->count == 0 || look->count > look->max)
        return;
    step(look);
    if (at_end(look) || sql_token_is(&look->token, "using"))
        look->out[look->count - 1].text = sql_token_span(&literal);
}

static void look_prepare(struct look *look)
{
    take_thing(look, SQL_THING_PREPARED);
    if (take_word(look, "from"))
        take_text(look);
}

static void look_execute(struct look *look)
{
    if (!take_word(look, "immediate")) {
        take_thing(look, SQL_THING_EXECUTED);
        return;
    }
    put(look, SQL_THING_EXECUTED, (struct sql_span){0}, (struct sql_span){0});
    take_text(look);
}

static void look_deallocate(struct look *look)
{
    take_word(look, "prepare");
    take_thing(look, SQL_THING_DEALLOCATED);
}

static void look_handler(struct look *look)
{
    struct sql_span schema, name, alias, ignored;
    if (!take_name(look, &schema, &name))
        return;
    if (take_word(look, "close")) {
        put(look, SQL_THING_HANDLER_CLOSED, (struct sql_span){0}, name);
    } else if (take_word(look, "open")) {
        take_word(look, "as");
        bool has_alias = take_name(look, &ignored, &alias);
        put(look, SQL_THING_HANDLER_OPENED, (struct sql_span){0}, has_alias ? alias : name);
    }
}

static void look_xa(struct look *look)
{
    if (take_word(look, "commit") || take_word(look, "rollback"))
        put(look, SQL_THING_XA_ENDED, (struct sql_span){0}, (struct sql_span){0});
}

static const struct {
    const char *word;
    void (*look)(struct look *look);
} firsts[] = {
    {"create", look_create},   {"drop", look_drop},
    {"prepare", look_prepare}, {"deallocate", look_deallocate},
    {"execute", look_execute}, {"handler", look_handler},
    {"xa", look_xa},
};

/* ---- anywhere ---- */

/* At the token behind GET_LOCK's '('. */
static void look_lock(struct look *look)
{
    struct sql_token literal = look->token;
    struct sql_span name = {0};
    step(look);
    if (literal.kind == SQL_TOKEN_STRING && look->token.punctuation == ',')
        name = sql_token_span(&literal);
    put(look, SQL_THING_LOCK, (struct sql_span){0}, name);
}

static void look_everywhere(struct look *look)
{
    while (!at_end(look)) {
        if (look->token.kind == SQL_TOKEN_USER_VARIABLE)
            put(look, SQL_THING_VARIABLE, (struct sql_span){0}, look->token.name);
        bool call = look->token.punctuation == '(' && look->before.kind == SQL_TOKEN_WORD &&
                    sql_token_is(&look->before, "get_lock");
        step(look);
        if (call)
            look_lock(look);
    }
}

unsigned sql_things(const char *text, size_t length, const struct sql_options *options, struct sql_thing *out,
                    unsigned max)
{
    struct look look = {.out = out, .max = max};
    sql_lex_init(&look.lexer, text, length, options, NULL);
    step(&look);
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        if (take_word(&look, firsts[i].word)) {
            firsts[i].look(&look);
            break;
        }
    look_everywhere(&look);
    return look.count;
}
