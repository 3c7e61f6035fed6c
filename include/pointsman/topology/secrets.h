/*
 * secrets.h - passwords that clients have told us, by their account's row.
 *
 *   full path of a login ──secrets_learn──> locked memory ──secrets_know──> fast path of later logins
 *                                              │                            login to the servers
 *   accounts_publish() ── rows that are gone or changed ──> wiped
 *
 * caching_sha2_password's accounts need them: what their table holds checks no scramble. They are in memory
 * that is never swapped nor dumped, once for all workers. Any thread may call.
 */
#ifndef POINTSMAN_TOPOLOGY_SECRETS_H
#define POINTSMAN_TOPOLOGY_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pointsman/protocol/auth.h"

struct accounts;

/* The account's serial is that of its row. False: no memory, or too long: it will be asked for again. */
bool secrets_learn(uint64_t serial, const char *password, size_t length);
/* The password with a NUL; false: not known. To be wiped by the caller. */
bool secrets_know(uint64_t serial, char password[AUTH_PASSWORD_MAX + 1]);
/* Forgets what no row of these has. */
void secrets_review(const struct accounts *accounts);

#endif
