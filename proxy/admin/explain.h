/* explain.h - where a statement would go, as rows: for the console, and for whoever explains a file of them.
 */
#ifndef PROXY_ADMIN_EXPLAIN_H
#define PROXY_ADMIN_EXPLAIN_H

#include "commands.h"

/*
 * Begins `set` with the columns item, value, text and fills it: target, server, class, reason, rule, pins,
 * carries, a candidate a server, digest. Of asker only user and schema count (rules look at them). To be
 * ended by result_set_done().
 */
void explain_statement(const struct asker *asker, const struct topology *topology, const char *text,
                       size_t length, struct result_set *set);

#endif
