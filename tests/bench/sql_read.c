/*
 * sql_read.c - how long reading a 100-byte SELECT takes, digest included: the median of many rounds, in ns.
 *
 *   $ build/tests/bench/sql_read
 *   sql_read 100-byte select (100 bytes): 291 ns (median of 2001 rounds of 500; fastest 262 ns)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pointsman/protocol/sql.h"

enum { ROUNDS = 2001, READS = 500 }; /* short rounds: most are not interrupted, so the median is calm */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *text, size_t length, const struct sql_options *options, double *ret_median,
                    double *ret_fastest)
{
    static double rounds[ROUNDS];
    struct sql_facts facts;
    uint64_t sum = 0;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_ns();
        for (int i = 0; i < READS; i++) {
            sql_read(text, length, options, &facts);
            sum += facts.digest;
        }
        rounds[round] = (double)(now_ns() - start) / READS;
    }
    qsort(rounds, ROUNDS, sizeof(rounds[0]), ascending);
    if (sum == 0)
        puts("no digest");
    *ret_median = rounds[ROUNDS / 2];
    *ret_fastest = rounds[0];
}

int main(void)
{
    static const struct {
        const char *what, *text;
    } texts[] = {
        {"100-byte select", "SELECT c, pad, k FROM sbtest1 WHERE id = 12345 AND k BETWEEN 10 AND 20 ORDER BY "
                            "c, pad, k LIMIT 1000"},
        {"point select", "SELECT c FROM sbtest1 WHERE id=4711"},
        {"select with calls", "SELECT COUNT(*), MAX(a), IFNULL(b, 0) FROM shop.orders o JOIN items i ON i.id "
                              "= o.item WHERE o.at > NOW()"},
        {"update", "UPDATE sbtest1 SET k=k+1 WHERE id=4711"},
        {"set", "SET NAMES utf8mb4, autocommit = 1"},
    };
    struct sql_options options = {.mariadb = true, .version = 101119};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        double median, fastest;
        measure(texts[i].text, strlen(texts[i].text), &options, &median, &fastest);
        printf("sql_read %s (%zu bytes): %.0f ns (median of %d rounds of %d; fastest %.0f ns)\n",
               texts[i].what, strlen(texts[i].text), median, ROUNDS, READS, fastest);
    }
    return 0;
}
