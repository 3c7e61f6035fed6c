/* identity.c - see identity.h. Few accounts are in use at a time: a list is enough. */
#include "pointsman/pool/identity.h"

#include <stdlib.h>
#include <string.h>

#include "pointsman/topology/secrets.h"

static bool same(const struct identity *identity, const char *user, uint64_t serial, const uint8_t *stage1,
                 const char *password, bool learnt)
{
    return identity->serial == serial && identity->learnt == learnt && strcmp(identity->user, user) == 0 &&
           identity->has_stage1 == (stage1 != NULL) &&
           (!stage1 || memcmp(identity->stage1, stage1, NATIVE_LENGTH) == 0) &&
           !identity->password == !password && (!password || strcmp(identity->password, password) == 0);
}

static struct identity *intern(struct identities *set, const char *user, uint64_t serial,
                               const uint8_t *stage1, const char *password, bool learnt)
{
    list_each (node, &set->all) {
        struct identity *identity = list_entry(node, struct identity, link);
        if (same(identity, user, serial, stage1, password, learnt))
            return identity_ref(identity);
    }
    struct identity *identity = calloc(1, sizeof *identity + strlen(user) + 1);
    if (!identity)
        return NULL;
    if (password && !(identity->password = strdup(password))) {
        free(identity);
        return NULL;
    }
    strcpy(identity->user, user);
    identity->refs = 1;
    identity->serial = serial;
    identity->learnt = learnt;
    list_init(&identity->pools);
    if (stage1) {
        identity->has_stage1 = true;
        memcpy(identity->stage1, stage1, NATIVE_LENGTH);
    }
    list_append(&set->all, &identity->link);
    return identity;
}

struct identity *identity_intern(struct identities *set, const char *user, uint64_t serial,
                                 const uint8_t *stage1, const char *password)
{
    return intern(set, user, serial, stage1, password, false);
}

struct identity *identity_intern_learnt(struct identities *set, const char *user, uint64_t serial)
{
    return intern(set, user, serial, NULL, NULL, true);
}

bool identity_password(const struct identity *identity, char password[AUTH_PASSWORD_MAX + 1])
{
    const char *own = identity->password ? identity->password : "";
    if (identity->learnt)
        return secrets_know(identity->serial, password);
    if (identity->has_stage1 || strlen(own) > AUTH_PASSWORD_MAX)
        return false;
    strcpy(password, own);
    return true;
}

struct identity *identity_ref(struct identity *identity)
{
    identity->refs++;
    return identity;
}

void identity_unref(struct identity *identity)
{
    if (!identity || --identity->refs)
        return;
    list_remove(&identity->link);
    if (identity->password)
        explicit_bzero(identity->password, strlen(identity->password));
    free(identity->password);
    explicit_bzero(identity->stage1, sizeof identity->stage1);
    free(identity);
}
