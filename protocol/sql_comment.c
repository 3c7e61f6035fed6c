/*
 * sql_comment.c - comments that are code, comments that are not.
 *
 *   slash-star  !              code for everybody
 *               !50000, !101100   code if the server is that old at least; MariaDB passes over 50700..99999,
 *                              which are MySQL's
 *               M!, M!100100   code for MariaDB (by its version), a plain comment elsewhere
 *               +              an optimizer hint: no code, but hints may quote names, and a quoted
 *                              star-slash does not end one on servers that read hints: such text is broken
 *               else           a comment up to the first star-slash
 *
 * A comment for another server may hold one level of comments. An executable comment inside of an executable
 * comment is an error on some servers and not on others, so it is broken here.
 */
#include "sql_comment.h"

#include <string.h>

static bool at_mark(const char *p, const char *end, char first, char second)
{
    return end - p > 1 && p[0] == first && p[1] == second;
}

/* Behind the star-slash, from p on; with `inner`, comments inside are stepped over. NULL if there is none. */
static const char *find_close(const char *p, const char *end, bool inner)
{
    while (p < end) {
        const char *star = memchr(p, '*', (size_t)(end - p));
        if (!star)
            return NULL;
        if (inner && star > p && star[-1] == '/') {
            p = find_close(star + 1, end, false);
            if (!p)
                return NULL;
        } else if (at_mark(star, end, '*', '/')) {
            return star + 2;
        } else {
            p = star + 1;
        }
    }
    return NULL;
}

/* Behind a hint's star-slash; NULL if a quote in it is not closed before. */
static const char *find_hint_close(const char *p, const char *end)
{
    for (; p < end; p++) {
        if (at_mark(p, end, '*', '/'))
            return p + 2;
        if (*p != '`' && *p != '"' && *p != '\'')
            continue;
        const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));
        if (!close || find_close(p, close, false))
            return NULL;
        p = close;
    }
    return NULL;
}

struct version {
    uint32_t number;
    size_t digits; /* 0: none was given */
};

static struct version read_version(const char *p, const char *end, size_t digits)
{
    struct version version = {0, digits};
    for (size_t i = 0; i < digits; i++) {
        if (p + i >= end || p[i] < '0' || p[i] > '9')
            return (struct version){0, 0};
        version.number = version.number * 10 + (uint32_t)(p[i] - '0');
    }
    return version;
}

static bool runs_on(const struct sql_options *options, struct version version, bool for_mariadb)
{
    if (version.digits == 0)
        return true;
    if (version.number > options->version)
        return false;
    return !options->mariadb || for_mariadb || version.number < 50700 || version.number > 99999;
}

/* p stands behind the exclamation mark. */
static const char *enter_code(struct sql_lexer *lexer, const char *p, bool for_mariadb)
{
    const struct sql_options *options = lexer->options;
    struct version five = read_version(p, lexer->end, 5), six = read_version(p, lexer->end, 6);
    struct version version = six.digits ? six : five;
    bool run = runs_on(options, version, for_mariadb);

    /* MySQL took exactly five digits for long, six later; and wants a blank behind them some day. */
    if (!options->mariadb && six.digits && (run || runs_on(options, five, false)))
        return NULL;
    if (lexer->in_code)
        return NULL;
    if (!run)
        return find_close(p, lexer->end, true);
    lexer->in_code = true;
    return p + version.digits;
}

const char *sql_comment_skip(struct sql_lexer *lexer, const char *p)
{
    const char *inside = p + 2, *end = lexer->end;

    if (inside < end && *inside == '!')
        return enter_code(lexer, inside + 1, false);
    if (at_mark(inside, end, 'M', '!') && lexer->options->mariadb)
        return enter_code(lexer, inside + 2, true);
    if (inside < end && *inside == '+')
        return find_hint_close(inside + 1, end);

    const char *close = find_close(inside, end, false);
    /* A hint stands before or behind the statement's first word. */
    if (close && lexer->hint && lexer->tokens <= 1 && lexer->hint->kind == SQL_HINT_NONE)
        sql_hint_read(inside, close - 2, lexer->hint);
    return close;
}
