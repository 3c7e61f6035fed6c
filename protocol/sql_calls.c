/*
 * sql_calls.c - where values of the connection's past are read, and what their columns are called.
 *
 *   SELECT a, LAST_INSERT_ID() + 1, FOUND_ROWS() n FROM t
 *             └─ text ───────┘
 *             └─ item ───────────┘                   (none for FOUND_ROWS(): it has an alias)
 *
 * So it is in every select list but those within an item: a derived table's columns are named too. Where a
 * literal in the call's place would change what a column is called, and no alias can repair that,
 * calls_overflow says so: the statement has to run where it belongs.
 */
#include "sql_reader.h"

void sql_calls_add(struct sql_reader *reader, enum sql_call_kind kind, struct sql_span text)
{
    struct sql_facts *facts = reader->facts;

    if (facts->calls_count == SQL_CALLS_MAX) {
        facts->calls_overflow = true;
        return;
    }
    facts->calls[facts->calls_count++] = (struct sql_call){.kind = kind, .text = text};
}

/* ---- FOUND_ROWS ( ) ---- */

void sql_calls_open(struct sql_reader *reader, enum sql_call_kind kind, const struct sql_token *name)
{
    reader->awaits |= SQL_AWAITS_CLOSE;
    reader->call = (int)kind;
    reader->call_at = name->text;
}

static void close_call(struct sql_reader *reader)
{
    static const uint32_t effects[] = {
        [SQL_CALL_INSERT_ID] = SQL_READS_INSERT_ID,
        [SQL_CALL_FOUND_ROWS] = SQL_READS_FOUND_ROWS,
        [SQL_CALL_ROW_COUNT] = SQL_READS_ROW_COUNT,
        [SQL_CALL_CONNECTION_ID] = SQL_READS_CONNECTION_ID,
    };
    const struct sql_token *token = sql_now(reader);
    enum sql_call_kind kind = (enum sql_call_kind)reader->call;

    if (token->punctuation == ')') {
        sql_effect(reader, effects[kind]);
        sql_calls_add(reader, kind,
                      (struct sql_span){reader->call_at, (uint32_t)(token->text + 1 - reader->call_at)});
        return;
    }
    /* LAST_INSERT_ID(expr) sets it. The others take no arguments, so that is the server's to refuse. */
    if (kind == SQL_CALL_INSERT_ID)
        sql_effect(reader, SQL_SETS_INSERT_ID);
    else
        sql_effect(reader, effects[kind]);
    sql_blame(reader, SQL_REASON_FUNCTION, sql_back(reader, 2));
}

/* ---- items of select lists that give columns their names ---- */

void sql_calls_select(struct sql_reader *reader)
{
    reader->selects++;
    if (reader->in_list) /* a subquery in an item, which is named by the whole of that */
        return;
    reader->in_list = true;
    reader->list_depth = reader->depth;
    reader->item = NULL;
    reader->awaits |= SQL_AWAITS_ITEM;
    reader->item_calls = reader->facts->calls_count;
}

static void begin_item(struct sql_reader *reader)
{
    if (sql_word_is_modifier(sql_now(reader)))
        return;
    reader->item = sql_now(reader)->text;
    reader->awaits &= (uint8_t)~SQL_AWAITS_ITEM;
}

void sql_calls_await(struct sql_reader *reader)
{
    if (reader->awaits & SQL_AWAITS_CLOSE) {
        reader->awaits &= (uint8_t)~SQL_AWAITS_CLOSE;
        close_call(reader);
    }
    if (reader->awaits & SQL_AWAITS_ITEM)
        begin_item(reader);
}

static bool is_keyword_value(const struct sql_token *token)
{
    return token->kind == SQL_TOKEN_WORD && (sql_token_is(token, "null") || sql_token_is(token, "true") ||
                                             sql_token_is(token, "false") || sql_token_is(token, "unknown"));
}

/* An END at the item's end: of its last CASE, or a name? */
static bool ends_case(const struct sql_reader *reader, const struct sql_token *last)
{
    struct sql_lexer lexer;
    struct sql_token token;
    int open = 0;

    sql_lex_init(&lexer, reader->item, (size_t)(last->text - reader->item), reader->options, NULL);
    for (sql_lex_next(&lexer, &token); !(token.flags & SQL_ENDS); sql_lex_next(&lexer, &token)) {
        if (token.kind == SQL_TOKEN_WORD)
            open += sql_token_is(&token, "case") - sql_token_is(&token, "end");
    }
    return open > 0;
}

/* Does the item that ends before the current token have an alias? */
static bool has_alias(const struct sql_reader *reader)
{
    const struct sql_token *last = sql_back(reader, 1), *before = sql_back(reader, 2);

    if (last->kind != SQL_TOKEN_STRING && !sql_is_name(last))
        return false;
    if (before->kind == SQL_TOKEN_WORD && sql_token_is(before, "as"))
        return true;
    if (is_keyword_value(last) || sql_word_is_operator(before))
        return false;
    if (last->kind == SQL_TOKEN_WORD && sql_token_is(last, "end"))
        return !ends_case(reader, last);
    if (before->kind == SQL_TOKEN_PUNCTUATION)
        return before->punctuation == ')';
    return before->kind != SQL_TOKEN_ASSIGN;
}

void sql_calls_item_end(struct sql_reader *reader)
{
    struct sql_facts *facts = reader->facts;
    const struct sql_token *last = sql_back(reader, 1);
    bool named = reader->item_calls == facts->calls_count || !reader->item || has_alias(reader);

    for (; reader->item_calls < facts->calls_count; reader->item_calls++) {
        if (!named)
            facts->calls[reader->item_calls].item = (struct sql_span){
                reader->item, (uint32_t)(last->text + last->length - reader->item)};
    }
    reader->item = NULL;
    reader->awaits |= SQL_AWAITS_ITEM;
}

void sql_calls_list_end(struct sql_reader *reader)
{
    if (reader->item)
        sql_calls_item_end(reader);
    reader->in_list = false;
    reader->awaits &= (uint8_t)~SQL_AWAITS_ITEM;
}
