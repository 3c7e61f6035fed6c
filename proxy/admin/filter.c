/* filter.c - see filter.h. */
#include "filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- LIKE ---- */

static bool same_byte(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* One element of the pattern against one byte; *ret_step is the element's length. */
static bool matches_one(const char *pattern, char c, size_t *ret_step)
{
    bool escaped = pattern[0] == '\\' && pattern[1];
    *ret_step = escaped ? 2 : 1;
    return *pattern && ((!escaped && *pattern == '_') || same_byte(pattern[escaped], c));
}

/* A mismatch goes back to the last %, which then takes one byte more: never further back. */
bool filter_like(const char *text, size_t length, const char *pattern)
{
    const char *behind = NULL; /* what follows the last % */
    size_t retry = 0, i = 0, step;
    while (i < length) {
        if (*pattern == '%') {
            behind = ++pattern;
            retry = i;
        } else if (matches_one(pattern, text[i], &step)) {
            pattern += step;
            i++;
        } else if (behind) {
            pattern = behind;
            i = ++retry;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "%")] == 0;
}

/* ---- rows ---- */

static bool as_number(const char *text, double *ret_number)
{
    char *end;
    *ret_number = strtod(text, &end);
    return end != text && *end == 0;
}

/* <0, 0, >0 */
static int compare(struct bytes value, enum column_type type, const char *with)
{
    char text[WORD_MAX];
    double a, b;
    snprintf(text, sizeof text, "%.*s", (int)value.length, (const char *)value.at);
    if ((type == COLUMN_NUMBER || type == COLUMN_REAL) && as_number(text, &a) && as_number(with, &b))
        return (a > b) - (a < b);
    return strcasecmp(text, with);
}

static bool equals_any(const struct filter *filter, const struct filter_condition *condition,
                       struct bytes value, enum column_type type)
{
    const char *with = filter->values + condition->values;
    for (size_t i = 0; i < condition->values_count; i++, with += strlen(with) + 1)
        if (compare(value, type, with) == 0)
            return true;
    return false;
}

static bool holds(const struct filter *filter, const struct filter_condition *condition,
                  const struct result_row *row)
{
    struct bytes value = row->values[condition->column];
    enum column_type type = row->columns[condition->column].type;
    const char *with = filter->values + condition->values;
    if (condition->test == FILTER_IS_NULL || !value.at)
        return (condition->test == FILTER_IS_NULL) == !value.at;
    switch (condition->test) {
    case FILTER_EQUAL: return equals_any(filter, condition, value, type);
    case FILTER_NOT_EQUAL: return !equals_any(filter, condition, value, type);
    case FILTER_LESS: return compare(value, type, with) < 0;
    case FILTER_LESS_EQUAL: return compare(value, type, with) <= 0;
    case FILTER_GREATER: return compare(value, type, with) > 0;
    case FILTER_GREATER_EQUAL: return compare(value, type, with) >= 0;
    case FILTER_LIKE: return filter_like((const char *)value.at, value.length, with);
    case FILTER_NOT_LIKE: return !filter_like((const char *)value.at, value.length, with);
    default: return true; /* IS NOT NULL */
    }
}

bool filter_admits(const struct filter *filter, const struct result_row *row)
{
    bool group = true;
    for (size_t i = 0; i < filter->count; i++) {
        if (filter->conditions[i].begins_group) {
            if (group)
                return true;
            group = true;
        }
        group = group && holds(filter, &filter->conditions[i], row);
    }
    return group;
}

/* ---- reading ---- */

struct reading {
    struct words *words;
    const struct column *columns;
    size_t columns_count;
    struct filter *filter;
    char *why;
    size_t size;
};

static bool refuse(const struct reading *reading, const char *what, const struct word *at)
{
    snprintf(reading->why, reading->size, "%s near '%.*s'", what, at->length < 60 ? (int)at->length : 60,
             at->at);
    return false;
}

static bool add(struct reading *reading, const struct filter_condition *condition)
{
    if (reading->filter->count == FILTER_CONDITIONS_MAX) {
        snprintf(reading->why, reading->size, "more than %d conditions", FILTER_CONDITIONS_MAX);
        return false;
    }
    reading->filter->conditions[reading->filter->count++] = *condition;
    return true;
}

/* `variable_name` is what servers call the first column of SHOW VARIABLES and SHOW STATUS. */
static bool find_column(const struct reading *reading, const char *name, size_t *ret_column)
{
    size_t length = 0;
    if (strcasecmp(name, "variable_name") == 0)
        name = reading->columns[0].name;
    for (size_t i = 0; i < reading->columns_count; i++)
        if (strcasecmp(reading->columns[i].name, name) == 0) {
            *ret_column = i;
            return true;
        }
    length += (size_t)snprintf(reading->why, reading->size, "there is no column '%s', but", name);
    for (size_t i = 0; i < reading->columns_count && length < reading->size; i++)
        length += (size_t)snprintf(reading->why + length, reading->size - length, "%s %s", i ? "," : "",
                                   reading->columns[i].name);
    return false;
}

static bool add_value(struct reading *reading, struct filter_condition *condition)
{
    struct filter *filter = reading->filter;
    struct word word = word_next(reading->words);
    if (!word_copy(&word, filter->values + filter->used, sizeof filter->values - filter->used))
        return refuse(reading, "a value was expected", &word);
    filter->used += word.length + 1;
    condition->values_count++;
    return true;
}

static bool read_one(struct reading *reading, struct filter_condition *condition)
{
    return add_value(reading, condition) && add(reading, condition);
}

static bool read_list(struct reading *reading, struct filter_condition *condition)
{
    struct word word = word_next(reading->words);
    if (!word_is(&word, "("))
        return refuse(reading, "a list in parentheses was expected", &word);
    do {
        if (!add_value(reading, condition))
            return false;
    } while (word_take(reading->words, ","));
    word = word_next(reading->words);
    return word_is(&word, ")") ? add(reading, condition) : refuse(reading, "',' or ')' was expected", &word);
}

static bool read_test(struct reading *reading, struct filter_condition *condition)
{
    static const struct {
        const char *text;
        enum filter_test test;
    } tests[] = {{"=", FILTER_EQUAL},   {"<>", FILTER_NOT_EQUAL},    {"!=", FILTER_NOT_EQUAL},
                 {"<", FILTER_LESS},    {"<=", FILTER_LESS_EQUAL},   {">", FILTER_GREATER},
                 {"LIKE", FILTER_LIKE}, {">=", FILTER_GREATER_EQUAL}};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (word_take(reading->words, tests[i].text)) {
            condition->test = tests[i].test;
            return read_one(reading, condition);
        }
    bool is = word_take(reading->words, "IS"), not = word_take(reading->words, "NOT");
    if (is && word_take(reading->words, "NULL")) {
        condition->test = not ? FILTER_IS_NOT_NULL : FILTER_IS_NULL;
        return add(reading, condition);
    }
    if (!is && word_take(reading->words, "IN")) {
        condition->test = not ? FILTER_NOT_EQUAL : FILTER_EQUAL;
        return read_list(reading, condition);
    }
    if (!is && not &&word_take(reading->words, "LIKE")) {
        condition->test = FILTER_NOT_LIKE;
        return read_one(reading, condition);
    }
    struct word word = word_next(reading->words);
    return refuse(reading, "an operator (= <> < > LIKE IN IS NULL) was expected", &word);
}

static bool read_where(struct reading *reading)
{
    bool or = false;
    char name[64];
    do {
        struct filter_condition condition = {.begins_group = or, .values = reading->filter->used};
        struct word word = word_next(reading->words);
        if (word.kind != WORD_NAME || !word_copy(&word, name, sizeof name))
            return refuse(reading, "a column was expected", &word);
        if (!find_column(reading, name, &condition.column) || !read_test(reading, &condition))
            return false;
        or = word_take(reading->words, "OR");
    } while (or || word_take(reading->words, "AND"));
    return true;
}

bool filter_read(struct words *words, const struct column *columns, size_t count, struct filter *ret_filter,
                 char *why, size_t size)
{
    struct reading reading = {words, columns, count, ret_filter, why, size};
    ret_filter->count = ret_filter->used = 0;
    if (word_take(words, "LIKE"))
        return read_one(&reading, &(struct filter_condition){.test = FILTER_LIKE});
    return !word_take(words, "WHERE") || read_where(&reading);
}
