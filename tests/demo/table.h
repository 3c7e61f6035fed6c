/*
 * table.h - the proxy's own account of what went where and why, taken from its /metrics and drawn as text.
 *
 *   GET /metrics ──table_take()──> struct table ──table_draw(now, before)──> lines on a stream
 */
#ifndef POINTSMAN_TESTS_DEMO_TABLE_H
#define POINTSMAN_TESTS_DEMO_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TABLE_SERVERS = 9, TABLE_REASONS = 128 };

struct table {
    int64_t taken_us; /* CLOCK_MONOTONIC */
    int servers;
    struct {
        char name[32], role[16], state[16];
        uint64_t statements;
        double lag_s; /* < 0: unknown */
    } server[TABLE_SERVERS];
    int reasons;
    struct {
        char name[48];
        uint64_t primary, replica;
    } reason[TABLE_REASONS];
};

/* False if the proxy doesn't answer; *ret_table is then as it was. */
bool table_take(int http_port, struct table *ret_table);

/* Draws `now`, with rates since `before`, which may be NULL. */
void table_draw(FILE *to, const struct table *now, const struct table *before);

#endif
