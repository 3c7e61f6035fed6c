/*
 * gtid.h - positions in the replication stream: does one contain another?
 *
 *   MariaDB   "0-11-42,1-11-7"                        domain-server-sequence, one a domain: all of the domain
 * up to it MySQL     "3e11fa47-...:1-5:7,8a94f357-...:1-9"   sets: per server_uuid (and tag) intervals of
 * numbers
 *
 * Pure: text in, an answer out; nothing is allocated and nothing but the text is read. A position of one
 * transaction
 * ("0-11-42", "3e11fa47-...:7", as servers report it with a write) is a position as well.
 */
#ifndef POINTSMAN_TOPOLOGY_GTID_H
#define POINTSMAN_TOPOLOGY_GTID_H

#include <stdbool.h>
#include <stddef.h>

enum gtid_answer {
    GTID_UNKNOWN = -1, /* one of them is malformed, cut, or they are of different flavours */
    GTID_MISSING = 0,  /* something of `want` is not in `have` */
    GTID_CONTAINED = 1,
};

/* Whether `have` contains all of `want`. "" contains nothing but "", and is contained in everything
 * well-formed. */
enum gtid_answer gtid_contains(const char *have, const char *want);

/* Whether text is a well-formed position of either flavour; "" is. */
bool gtid_valid(const char *text);

/*
 * Copies a position without its blanks and line feeds into out[size], size >= 8. One that doesn't fit is cut
 * behind a comma and ends in "...": no longer valid, so that nothing is concluded from half a position. False
 * if it was cut.
 */
bool gtid_copy(char *out, size_t size, const char *text);

#endif
