/*
 * hosts.h - the host part of a database account: which clients it admits, and which of two is the more
 * specific.
 *
 *   pattern   ""  "%"      anybody                     "app%"  "10.0._.%"       wildcards, case-insensitive,
 * \ escapes "localhost"  a unix socket, loopback     "10.1.2.3"  "::1"        one address
 *             "10.1.0.0/255.255.0.0"  "10.1.0.0/16"    a net (IPv4; the second form is MySQL's alone)
 */
#ifndef PROXY_TOPOLOGY_HOSTS_H
#define PROXY_TOPOLOGY_HOSTS_H

#include <stdbool.h>

/* A client as a server sees it: by name, by address, or both; NULL for what is not known. Borrowed. */
struct host_seen {
    const char *name;
    const char *ip;
};

bool hosts_match(const char *pattern, const struct host_seen *seen);

/* How specific a pattern is: servers try higher ones first. */
int hosts_rank(const char *pattern);

bool hosts_is_loopback(const char *ip); /* 127.0.0.0/8 or ::1, as text */

#endif
