/*
 * verdict.h - what the servers themselves say ran on them, from their general logs.
 */
#ifndef POINTSMAN_TESTS_DEMO_VERDICT_H
#define POINTSMAN_TESTS_DEMO_VERDICT_H

#include <stdbool.h>

#include "../cluster/cluster.h"

/* Judges what ran since the marks (one a server, from general_log_mark()), and says so on standard output.
 * True if each replica served its part of the reads, none was sent anything that could write, and the primary
 * had writes. The marks must be from before the application's first connection. */
bool verdict(const struct cluster *cluster, const long *marks);

#endif
