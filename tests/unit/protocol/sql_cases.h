/*
 * sql_cases.h - tables of statements for the tests of the SQL reader: what goes in, what has to come out.
 */
#ifndef POINTSMAN_TESTS_UNIT_SQL_CASES_H
#define POINTSMAN_TESTS_UNIT_SQL_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../guard.h"
#include "pointsman/protocol/sql.h"

static const struct sql_options mariadb = {.mariadb = true, .version = 101119};
static const struct sql_options mysql = {.mariadb = false, .version = 90704};

/* Reads text[0..length) out of memory that ends there. The facts' spans are moved into `text`. */
static inline size_t read_guarded(const char *text, size_t length, const struct sql_options *options,
                                  struct sql_facts *facts)
{
    struct guard guard = guard_of(text, length);
    size_t consumed = sql_read((const char *)guard.at, length, options, facts);
    struct sql_span *spans[] = {&facts->because,     &facts->name,         &facts->set_text,
                                &facts->hint.server, &facts->hint.max_lag, &facts->hint.wait_for,
                                &facts->defines};
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        if (spans[i]->at)
            spans[i]->at = text + (spans[i]->at - (const char *)guard.at);
    }
    for (uint8_t i = 0; i < facts->calls_count; i++) {
        facts->calls[i].text.at = text + (facts->calls[i].text.at - (const char *)guard.at);
        if (facts->calls[i].item.at)
            facts->calls[i].item.at = text + (facts->calls[i].item.at - (const char *)guard.at);
    }
    guard_done(&guard);
    return consumed;
}

static inline struct sql_facts read_one(const char *text, const struct sql_options *options)
{
    struct sql_facts facts;
    read_guarded(text, strlen(text), options, &facts);
    return facts;
}

static inline bool span_equals(struct sql_span span, const char *text)
{
    if (!text || !span.at)
        return !text && !span.at;
    return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

struct reason_case {
    const char *text;
    enum sql_reason reason;
};

/* Reports every case that differs, then fails if one did. */
static inline void check_reasons(const struct reason_case *cases, size_t count,
                                 const struct sql_options *options)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct sql_facts facts = read_one(cases[i].text, options);
        if (facts.reason == cases[i].reason)
            continue;
        print_error("%s: is %s, should be %s\n", cases[i].text, sql_reason_name(facts.reason),
                    sql_reason_name(cases[i].reason));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}
#define CHECK_REASONS(cases, options) check_reasons(cases, sizeof(cases) / sizeof((cases)[0]), options)

static inline void check_all(const char *const *texts, size_t count, enum sql_reason reason,
                             const struct sql_options *options)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct sql_facts facts = read_one(texts[i], options);
        if (facts.reason == reason)
            continue;
        print_error("%s: is %s, should be %s\n", texts[i], sql_reason_name(facts.reason),
                    sql_reason_name(reason));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}
#define CHECK_ALL(texts, reason, options)                                                                    \
    check_all(texts, sizeof(texts) / sizeof((texts)[0]), reason, options)

#endif
