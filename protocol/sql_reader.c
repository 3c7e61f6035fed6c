/*
 * sql_reader.c - stepping from token to token: hashing, names that are watched, reasons.
 */
#include "sql_reader.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

void sql_reader_init(struct sql_reader *reader, const char *text, size_t length,
                     const struct sql_options *options, struct sql_facts *facts)
{
    /* Part by part, in pieces that compilers clear by a few moves. All at once they clear by a string
       instruction, which takes longer. */
    sql_lex_init(&reader->lexer, text, length, options, &facts->hint);
    reader->options = options;
    reader->facts = facts;
    reader->digest = (struct sql_digest){0};
    reader->window[0] = reader->window[1] = reader->window[2] = (struct sql_token){0};
    memset((char *)reader + offsetof(struct sql_reader, now), 0,
           sizeof(*reader) - offsetof(struct sql_reader, now));
    reader->now = &reader->window[SQL_BACK_MAX - 1];
    if ((options->unsafe_tables && options->unsafe_tables->count > 0) ||
        (options->watched && options->watched->count > 0) ||
        (options->leaving && options->leaving->count > 0) ||
        (options->assigning && options->assigning->count > 0))
        reader->lexer.flags = SQL_COMPARE;
}

/* Names above ASCII may be written in another character set, or in capitals that only the server knows:
   any of them may be any of the set's. */
static bool set_is_ascii(const struct sql_names *set)
{
    for (size_t i = 0; i < set->count; i++) {
        for (const char *p = set->names[i]; *p; p++) {
            if ((unsigned char)*p >= 0x80)
                return false;
        }
    }
    return true;
}

static bool span_is_ascii(struct sql_span span)
{
    for (uint32_t i = 0; i < span.length; i++) {
        if ((unsigned char)span.at[i] >= 0x80)
            return false;
    }
    return true;
}

/* The names of the set may hold quote characters, which are doubled in the text. */
static bool mentions(const struct sql_names *set, const struct sql_token *token)
{
    char plain[256];
    size_t length = 0;

    if (!set || set->count == 0)
        return false;
    if (!span_is_ascii(token->name) && !set_is_ascii(set))
        return true;
    if (token->kind != SQL_TOKEN_QUOTED || !memchr(token->name.at, token->text[0], token->name.length))
        return sql_names_has(set, token->name.at, token->name.length);
    for (uint32_t i = 0; i < token->name.length && length < sizeof(plain); i++) {
        plain[length++] = token->name.at[i];
        i += token->name.at[i] == token->text[0];
    }
    return sql_names_has(set, plain, length);
}

static void compare_names(struct sql_reader *reader, const struct sql_token *token)
{
    if (mentions(reader->options->unsafe_tables, token))
        sql_blame(reader, SQL_REASON_VIEW, token);
    if (mentions(reader->options->watched, token))
        sql_effect(reader, SQL_MENTIONS_WATCHED);
    if (mentions(reader->options->leaving, token))
        sql_effect(reader, SQL_LEAVES_UNKNOWN);
    if (mentions(reader->options->assigning, token))
        sql_effect(reader, SQL_MAY_ASSIGN);
}

/* What is rare: a word that may be cut differently, names to compare with, trouble. */
void sql_look_closer(struct sql_reader *reader, const struct sql_token *token)
{
    if (token->flags & SQL_DUBIOUS)
        sql_blame(reader, SQL_REASON_UNKNOWN, token);
    if ((token->flags & SQL_COMPARE) && sql_is_name(token))
        compare_names(reader, token);
    if (token->kind == SQL_TOKEN_BROKEN)
        reader->broken = true;
    if (token->kind == SQL_TOKEN_BROKEN || !(token->flags & SQL_ENDS))
        sql_digest_token(&reader->digest, token);
}

void sql_step(struct sql_reader *reader)
{
    sql_step_inline(reader);
}

bool sql_at_word(const struct sql_reader *reader, const char *word)
{
    return sql_now(reader)->kind == SQL_TOKEN_WORD && sql_token_is(sql_now(reader), word);
}

bool sql_take_word(struct sql_reader *reader, const char *word)
{
    if (!sql_at_word(reader, word))
        return false;
    sql_step(reader);
    return true;
}

bool sql_take_punctuation(struct sql_reader *reader, char punctuation)
{
    if (sql_now(reader)->punctuation != punctuation)
        return false;
    sql_step(reader);
    return true;
}

/* What is merely not known to be harmless, which a rule may admit to a replica: what is worse counts more. */
static bool gives_way(enum sql_reason reason)
{
    return reason == SQL_REASON_FUNCTION || reason == SQL_REASON_VIEW;
}

void sql_blame(struct sql_reader *reader, enum sql_reason reason, const struct sql_token *because)
{
    enum sql_reason present = reader->facts->reason;
    if (present != SQL_REASON_READ && !(gives_way(present) && !gives_way(reason)))
        return;
    reader->facts->reason = reason;
    if (because)
        reader->facts->because = sql_token_span(because);
}

void sql_skip_statement(struct sql_reader *reader)
{
    while (!sql_at_end(reader))
        sql_step(reader);
}

void sql_skip_text(struct sql_reader *reader)
{
    while (sql_now(reader)->kind != SQL_TOKEN_END && sql_now(reader)->kind != SQL_TOKEN_BROKEN)
        sql_step(reader);
}

struct sql_span sql_take_name(struct sql_reader *reader)
{
    struct sql_span name = {0};
    while (sql_is_name(sql_now(reader))) {
        name = sql_now(reader)->name;
        sql_step(reader);
        if (!sql_take_punctuation(reader, '.'))
            break;
    }
    return name;
}
