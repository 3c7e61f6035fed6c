/* words.c - see words.h. */
#include "words.h"

#include <ctype.h>
#include <string.h>

struct words words_of(const char *text, size_t length)
{
    struct words words = {.at = text, .end = text + length};
    /* What clients put behind a statement says nothing. */
    while (words.end > words.at &&
           (words.end[-1] == ';' || words.end[-1] == 0 || isspace((unsigned char)words.end[-1])))
        words.end--;
    return words;
}

/* ---- blanks and comments ---- */

static bool starts(const struct words *words, const char *with)
{
    size_t length = strlen(with);
    return (size_t)(words->end - words->at) >= length && memcmp(words->at, with, length) == 0;
}

static void skip_line(struct words *words)
{
    const char *feed = memchr(words->at, '\n', (size_t)(words->end - words->at));
    words->at = feed ? feed + 1 : words->end;
}

/* False: a comment doesn't end. */
static bool skip_blanks(struct words *words)
{
    for (;;) {
        while (words->at < words->end && (isspace((unsigned char)*words->at) || *words->at == 0))
            words->at++;
        if (starts(words, "/*")) {
            size_t left = (size_t)(words->end - words->at) - 2;
            const char *close = memmem(words->at + 2, left, "*/", 2);
            if (!close)
                return false;
            words->at = close + 2;
        } else if (starts(words, "#") || starts(words, "-- ")) {
            skip_line(words);
        } else {
            return true;
        }
    }
}

/* ---- words ---- */

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_$.-@", c)) || (unsigned char)c >= 0x80;
}

static struct word plain(struct words *words)
{
    const char *start = words->at;
    bool number = isdigit((unsigned char)*start);
    while (words->at < words->end && in_name(*words->at))
        words->at++;
    for (const char *c = start; c < words->at; c++)
        number = number && (isdigit((unsigned char)*c) || *c == '.');
    return (struct word){number ? WORD_NUMBER : WORD_NAME, start, (size_t)(words->at - start), start};
}

static struct word sign(struct words *words)
{
    static const char *const doubles[] = {"<=", ">=", "<>", "!="};
    const char *start = words->at;
    size_t length = 1;
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        if (starts(words, doubles[i]))
            length = 2;
    words->at += length;
    return (struct word){WORD_OPERATOR, start, length, start};
}

static struct word bad_at(struct words *words)
{
    const char *start = words->at;
    words->at = words->end;
    return (struct word){WORD_BAD, start, (size_t)(words->end - start), start};
}

/* 'it''s', "a\"b", `a``b`: to the reader's buffer. In backticks a backslash is nothing special. */
static struct word quoted(struct words *words)
{
    char quote = *words->at;
    char *out = words->unquoted[words->turn++ % 4];
    size_t length = 0;
    for (const char *c = words->at + 1; c < words->end; c++) {
        if (*c == quote && (c + 1 == words->end || c[1] != quote)) {
            struct word word = {quote == '`' ? WORD_NAME : WORD_TEXT, out, length, words->at};
            out[length] = 0;
            words->at = c + 1;
            return word;
        }
        bool escaped = *c == '\\' && quote != '`';
        if ((*c == quote || escaped) && ++c == words->end)
            break;
        if (length >= WORD_MAX - 2)
            break;
        if (escaped && (*c == '%' || *c == '_')) /* they mean themselves only in patterns, which see that */
            out[length++] = '\\';
        out[length++] = *c;
    }
    return bad_at(words);
}

struct word word_next(struct words *words)
{
    if (!skip_blanks(words))
        return bad_at(words);
    if (words->at == words->end)
        return (struct word){WORD_END, words->at, 0, words->at};
    if (strchr("'\"`", *words->at))
        return quoted(words);
    return in_name(*words->at) ? plain(words) : sign(words);
}

struct word word_peek(const struct words *words)
{
    struct words copy = *words;
    struct word word = word_next(&copy);
    word.at = word.start; /* a quoted one's text goes with the copy */
    return word;
}

/* ---- what they are ---- */

bool word_is(const struct word *word, const char *what)
{
    return (word->kind == WORD_NAME || word->kind == WORD_OPERATOR) && word->at == word->start &&
           word->length == strlen(what) && strncasecmp(word->at, what, word->length) == 0;
}

bool word_take(struct words *words, const char *what)
{
    struct words before = *words;
    struct word word = word_next(words);
    if (word_is(&word, what))
        return true;
    *words = before;
    return false;
}

bool word_copy(const struct word *word, char *out, size_t size)
{
    bool value = word->kind == WORD_NAME || word->kind == WORD_NUMBER || word->kind == WORD_TEXT;
    if (!value || word->length >= size || memchr(word->at, 0, word->length))
        return false;
    memcpy(out, word->at, word->length);
    out[word->length] = 0;
    return true;
}

bool word_number(const struct word *word, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (word->kind != WORD_NUMBER || word->length > 18)
        return false;
    for (size_t i = 0; i < word->length; i++) {
        if (!isdigit((unsigned char)word->at[i]))
            return false;
        number = number * 10 + (uint64_t)(word->at[i] - '0');
    }
    *ret_number = number;
    return true;
}
