/*
 * identity.h - who a session is towards the servers: the account and what is needed to log in with it.
 * Interned by worker: sessions of the same account share one, and with it the pools.
 */
#ifndef POINTSMAN_POOL_IDENTITY_H
#define POINTSMAN_POOL_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "pointsman/base/list.h"
#include "pointsman/protocol/auth.h"

struct identity {
    struct list link;  /* identities->all */
    struct list pools; /* struct pool, of all servers and capabilities */
    unsigned refs;
    uint64_t serial; /* of the account's row: a changed account is another identity */
    bool has_stage1; /* native: what the client proved to know */
    uint8_t stage1[NATIVE_LENGTH];
    char *password; /* of [accounts], or NULL */
    bool learnt;    /* it is in topology/secrets.h, by the serial */
    bool stale;     /* the account changed: connections are closed when they become idle */
    char user[];
};

struct identities {
    struct list all;
};

/* One with these contents; a new reference. stage1 NULL: an account without password, or one with `password`.
 * NULL: no memory. */
struct identity *identity_intern(struct identities *set, const char *user, uint64_t serial,
                                 const uint8_t *stage1, const char *password);
/* One whose password a client has told. */
struct identity *identity_intern_learnt(struct identities *set, const char *user, uint64_t serial);
/* Its password with a NUL, to be wiped by the caller; false: only stage1 is known, or nothing any more. */
bool identity_password(const struct identity *identity, char password[AUTH_PASSWORD_MAX + 1]);
struct identity *identity_ref(struct identity *identity);
void identity_unref(struct identity *identity); /* wipes what it knew */

#endif
