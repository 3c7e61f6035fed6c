/*
 * sql_lex.c - cutting text into tokens.
 *
 *   text ──> a plain name, integer or sign? ──> sql_lex_short.h, done
 *        └─> skip_gap() ──> one of lex_word / lex_number / lex_quoted / lex_variable / lex_punctuation
 *            │
 *            ├ blanks, '#' and '-- ' to the end of the line
 *            ├ comments and optimizer hints: skipped (pointsman: hints are read, sql_hint.c)
 *            └ executable comments: their opening and closing are skipped, what stands between is code,
 *              or all of it is skipped if it is for another server (sql_comment.c)
 *
 * Where servers differ, or would need to be asked, the text is BROKEN or the word dubious: a statement that
 * holds such a token is never a proven read.
 */
#include "sql_lex.h"

#include <string.h>

#include "sql_bytes.h"
#include "sql_comment.h"
#include "sql_lex_short.h"
#include "sql_multibyte.h"

const uint8_t sql_classes[256] = {
    [0x00 ... 0x08] = CLASS_BAD,
    [0x09 ... 0x0d] = CLASS_BLANK,
    [0x0e ... 0x1f] = CLASS_BAD,
    [' '] = CLASS_BLANK,
    ['!'] = CLASS_SINGLE,
    ['$'] = CLASS_NAME,
    ['%' ... '&'] = CLASS_SINGLE,
    ['(' ... ')'] = CLASS_SINGLE,
    ['+' ... ','] = CLASS_SINGLE,
    ['0' ... '9'] = CLASS_NAME | CLASS_DIGIT,
    [';' ... '>'] = CLASS_SINGLE,
    ['A' ... 'Z'] = CLASS_NAME | CLASS_LETTER,
    ['_'] = CLASS_NAME | CLASS_LETTER,
    ['a' ... 'z'] = CLASS_NAME | CLASS_LETTER,
    [0x7f] = CLASS_BAD,
    [0x80 ... 0x9f] = CLASS_NAME | CLASS_HIGH,
    [0xa0] = CLASS_NAME | CLASS_HIGH | CLASS_DUBIOUS,
    [0xa1 ... 0xfe] = CLASS_NAME | CLASS_HIGH,
    [0xff] = CLASS_NAME | CLASS_HIGH | CLASS_DUBIOUS,
};

/* ---- gaps ---- */

/* '-- ' begins a comment only before a blank, a control character or the end. What is above ASCII may be a
   control character in one character set and a letter in another: nobody can tell. */
enum dashes { DASHES_MINUS, DASHES_COMMENT, DASHES_UNCLEAR };

static enum dashes dashes(const char *p, const char *end)
{
    if (end - p < 2 || p[1] != '-')
        return DASHES_MINUS;
    if (end - p == 2 || (sql_class(p + 2) & (CLASS_BLANK | CLASS_BAD)))
        return DASHES_COMMENT;
    return (sql_class(p + 2) & CLASS_HIGH) ? DASHES_UNCLEAR : DASHES_MINUS;
}

/* Behind the comment that goes to the end of the line; NULL if a NUL is in it (servers stop reading there).
 */
static const char *skip_line(const char *p, const char *end)
{
    const char *line_end = memchr(p, '\n', (size_t)(end - p));
    const char *stop = line_end ? line_end : end;
    if (memchr(p, '\0', (size_t)(stop - p)))
        return NULL;
    return line_end ? line_end + 1 : end;
}

/* Skips what begins like a comment. False if it doesn't end, or is unclear. *ret_gap: was it one at all? */
static bool skip_comment(struct sql_lexer *lexer, bool *ret_gap)
{
    const char *p = lexer->at, *end = lexer->end;

    *ret_gap = true;
    if (*p == '#') {
        p = skip_line(p, end);
    } else if (*p == '-') {
        enum dashes kind = dashes(p, end);
        if (kind == DASHES_MINUS)
            *ret_gap = false;
        p = kind == DASHES_COMMENT ? skip_line(p, end) : kind == DASHES_UNCLEAR ? NULL : p;
    } else if (*p == '/' && end - p > 1 && p[1] == '*') {
        p = sql_comment_skip(lexer, p);
    } else if (*p == '*' && end - p > 1 && p[1] == '/' && lexer->in_code) {
        lexer->in_code = false;
        p += 2;
    } else {
        *ret_gap = false;
    }
    if (p)
        lexer->at = p;
    return p != NULL;
}

/* To the next token's first byte. False if the text is broken there. */
static bool skip_gap(struct sql_lexer *lexer)
{
    lexer->behind = lexer->at;
    for (;;) {
        while (lexer->at < lexer->end && (sql_class(lexer->at) & CLASS_BLANK))
            lexer->at++;
        if (lexer->at >= lexer->end || (sql_class(lexer->at) & CLASS_NAME))
            return true;
        bool gap;
        if (!skip_comment(lexer, &gap))
            return false;
        if (!gap)
            return true;
    }
}

/* ---- names ---- */

static void finish(struct sql_lexer *lexer, struct sql_token *token, enum sql_token_kind kind, const char *to)
{
    token->kind = (uint8_t)kind;
    token->length = (uint32_t)(to - token->text);
    lexer->at = to;
}

static void break_off(struct sql_lexer *lexer, struct sql_token *token)
{
    token->text = lexer->at;
    finish(lexer, token, SQL_TOKEN_BROKEN, lexer->end);
    token->flags |= SQL_ENDS;
}

/* The end of the unquoted name at p, NULL if a byte in it begins no character of its character set. */
static const char *name_end(const struct sql_lexer *lexer, const char *p, uint8_t *ret_flags)
{
    const char *end = lexer->end;
    uint8_t seen = 0, class;

    if (lexer->options->charset == SQL_CHARSET_PLAIN) {
        while (p < end && ((class = sql_class(p)) & CLASS_NAME)) {
            seen |= class;
            p++;
        }
        *ret_flags |= (seen & CLASS_DUBIOUS) ? SQL_DUBIOUS : 0;
        return p;
    }
    while (p < end && ((class = sql_class(p)) & CLASS_NAME)) {
        size_t bytes = (class & CLASS_HIGH) ? sql_char_length(lexer->options->charset, p, end) : 1;
        if ((class & CLASS_HIGH) && bytes == 1)
            return NULL;
        p += bytes;
    }
    return p;
}

static void lex_word(struct sql_lexer *lexer, struct sql_token *token)
{
    const char *to = name_end(lexer, lexer->at, &token->flags);

    /* MySQL has dollar-quoted strings since 9.0 and wants no names that begin so since 8.0.32. */
    if (!to || (*token->text == '$' && !lexer->options->mariadb)) {
        break_off(lexer, token);
        return;
    }
    sql_set_name(lexer, token, lexer->at, to);
    finish(lexer, token, SQL_TOKEN_WORD, to);
}

/* ---- quotes ---- */

/* Behind the closing quote of the string or name whose opening one stands at p; NULL if there is none. A name
   has no escapes, and servers end it at a NUL. */
static const char *quoted_end(const struct sql_lexer *lexer, const char *p, bool is_name)
{
    const char quote = *p, *end = lexer->end;
    bool escapes = !is_name && !(lexer->options->mode & SQL_MODE_NO_BACKSLASH_ESCAPES);
    bool wide = lexer->options->charset != SQL_CHARSET_PLAIN;

    for (p++; p < end; p++) {
        if (*p == quote) {
            if (end - p < 2 || p[1] != quote)
                return p + 1;
            p++;
        } else if (*p == '\\' && escapes) {
            p++; /* one byte, even if it begins a character: so do the servers */
        } else if (wide && (sql_class(p) & CLASS_HIGH)) {
            p += sql_char_length(lexer->options->charset, p, end) - 1;
        } else if (*p == '\0' && is_name) {
            return NULL;
        }
    }
    return NULL;
}

static bool opens_name(const struct sql_lexer *lexer, char quote)
{
    return quote == '`' || (quote == '"' && (lexer->options->mode & SQL_MODE_ANSI_QUOTES));
}

/* The token's text begins at token->text, its quote stands at p (behind N, X or B). */
static void lex_quoted(struct sql_lexer *lexer, struct sql_token *token, const char *p)
{
    bool is_name = opens_name(lexer, *p);
    const char *to = quoted_end(lexer, p, is_name);

    if (!to) {
        break_off(lexer, token);
        return;
    }
    if (is_name)
        sql_set_name(lexer, token, p + 1, to - 1);
    finish(lexer, token, is_name ? SQL_TOKEN_QUOTED : SQL_TOKEN_STRING, to);
}

/* ---- numbers ---- */

/* Behind the exponent at p, or p if there is none. */
static const char *skip_exponent(const char *p, const char *end)
{
    if (p >= end || (*p | 0x20) != 'e')
        return p;
    const char *digits = p + 1;
    if (digits < end && (*digits == '+' || *digits == '-'))
        digits++;
    const char *to = sql_skip_digits(digits, end);
    return to > digits ? to : p;
}

static bool is_radix(const char *p, const char *to)
{
    if (to - p < 3 || *p != '0' || (p[1] != 'x' && p[1] != 'b'))
        return false;
    for (const char *q = p + 2; q < to; q++) {
        bool hex = (sql_class(q) & CLASS_DIGIT) || ((*q | 0x20) >= 'a' && (*q | 0x20) <= 'f');
        if (p[1] == 'x' ? !hex : (*q != '0' && *q != '1'))
            return false;
    }
    return true;
}

/* Begins with a digit: a number, or a name like 1st. Behind a dot it is always a name. */
static void lex_number(struct sql_lexer *lexer, struct sql_token *token)
{
    const char *p = lexer->at, *end = lexer->end;
    const char *word = name_end(lexer, p, &token->flags);
    const char *digits = sql_skip_digits(p, end), *to = skip_exponent(digits, end);

    if (lexer->last_punctuation == '.' || !word) {
        lex_word(lexer, token);
    } else if (digits < end && *digits == '.') {
        finish(lexer, token, SQL_TOKEN_NUMBER, skip_exponent(sql_skip_digits(digits + 1, end), end));
    } else if (word == digits || to >= word) {
        finish(lexer, token, SQL_TOKEN_NUMBER, to > word ? to : word);
    } else if (is_radix(p, word)) {
        finish(lexer, token, SQL_TOKEN_NUMBER, word);
    } else {
        lex_word(lexer, token);
    }
}

/* ---- variables and the rest ---- */

static const char *user_variable_end(const char *p, const char *end)
{
    while (p < end && ((sql_class(p) & (CLASS_NAME | CLASS_HIGH)) == CLASS_NAME || *p == '.'))
        p++;
    return p;
}

/* @name, @'name', @@name, @@`name`. What is above ASCII in an unquoted @name is not read alike everywhere. */
static void lex_variable(struct sql_lexer *lexer, struct sql_token *token)
{
    const char *p = lexer->at + 1, *end = lexer->end, *to;
    bool system = p < end && *p == '@';

    p += system;
    bool quoted = p < end && (*p == '`' || *p == '"' || (*p == '\'' && !system)) &&
                  (!system || opens_name(lexer, *p));
    if (quoted)
        to = quoted_end(lexer, p, opens_name(lexer, *p));
    else
        to = system ? name_end(lexer, p, &token->flags) : user_variable_end(p, end);
    if (!to || (system && to == p) || (!quoted && !system && to < end && (sql_class(to) & CLASS_HIGH))) {
        break_off(lexer, token);
        return;
    }
    sql_set_name(lexer, token, p + quoted, to - quoted);
    finish(lexer, token, system ? SQL_TOKEN_SYSTEM_VARIABLE : SQL_TOKEN_USER_VARIABLE, to);
}

/* .5 is a number, t.5 a name behind a dot, t .5 a number again: as the servers see it. */
static bool begins_fraction(const struct sql_lexer *lexer)
{
    const char *p = lexer->at;
    bool behind_name = lexer->last_kind == SQL_TOKEN_WORD || lexer->last_kind == SQL_TOKEN_QUOTED ||
                       lexer->last_kind == SQL_TOKEN_SYSTEM_VARIABLE;
    return lexer->end - p > 1 && (sql_class(p + 1) & CLASS_DIGIT) && !(behind_name && lexer->behind == p);
}

static void lex_punctuation(struct sql_lexer *lexer, struct sql_token *token)
{
    const char *p = lexer->at, *end = lexer->end;

    if (*p == '.' && begins_fraction(lexer)) {
        finish(lexer, token, SQL_TOKEN_NUMBER, skip_exponent(sql_skip_digits(p + 1, end), end));
        return;
    }
    if (*p == ':' && end - p > 1 && p[1] == '=') {
        finish(lexer, token, SQL_TOKEN_ASSIGN, p + 2);
        return;
    }
    finish(lexer, token, *p == '?' ? SQL_TOKEN_PARAMETER : SQL_TOKEN_PUNCTUATION, p + 1);
    token->punctuation = *p == '?' ? 0 : *p;
    token->flags |= *p == ';' ? SQL_ENDS : 0;
}

/* N'..', X'..', B'..': one token with the string that follows at once. */
static bool is_prefixed_string(const char *p, const char *end)
{
    char c = (char)(*p | 0x20);
    return (c == 'n' || c == 'x' || c == 'b') && end - p > 1 && p[1] == '\'';
}

static void lex_token(struct sql_lexer *lexer, struct sql_token *token)
{
    const char *p = lexer->at;
    uint8_t class = sql_class(p);

    if (class & CLASS_DIGIT)
        lex_number(lexer, token);
    else if ((class & CLASS_NAME) && !is_prefixed_string(p, lexer->end))
        lex_word(lexer, token);
    else if (class & CLASS_NAME)
        lex_quoted(lexer, token, p + 1);
    else if (*p == '\'' || *p == '"' || *p == '`')
        lex_quoted(lexer, token, p);
    else if (*p == '@')
        lex_variable(lexer, token);
    else if (class & CLASS_BAD)
        break_off(lexer, token);
    else
        lex_punctuation(lexer, token);
}

/* ---- the way in ---- */

void sql_lex_long(struct sql_lexer *lexer, struct sql_token *token)
{
    *token = (struct sql_token){.flags = lexer->flags};
    if (lexer->last_kind == SQL_TOKEN_BROKEN || !skip_gap(lexer)) {
        break_off(lexer, token);
    } else if (lexer->at >= lexer->end) {
        token->text = lexer->at;
        token->flags |= SQL_ENDS;
        if (lexer->in_code) /* an executable comment that doesn't end */
            break_off(lexer, token);
    } else {
        token->text = lexer->at;
        lex_token(lexer, token);
    }
    lexer->last_kind = token->kind;
    lexer->last_punctuation = token->punctuation;
    lexer->tokens++;
}

void sql_lex_init(struct sql_lexer *lexer, const char *text, size_t length, const struct sql_options *options,
                  struct sql_hint *hint)
{
    *lexer = (struct sql_lexer){
        .begin = text, .at = text, .end = text + length, .options = options, .hint = hint};
}

void sql_lex_next(struct sql_lexer *lexer, struct sql_token *token)
{
    if (!sql_lex_short(lexer, token))
        sql_lex_long(lexer, token);
}
