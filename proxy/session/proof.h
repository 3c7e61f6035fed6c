/*
 * proof.h - whether a client knows its account's password, by the account's plugin, in as many turns as that
 * takes (private to proxy/session).
 */
#ifndef POINTSMAN_SESSION_PROOF_H
#define POINTSMAN_SESSION_PROOF_H

#include "session.h"

/* What the client's next packet is. */
enum proof_turn {
    PROOF_SCRAMBLE,  /* the answer to the scramble */
    PROOF_PASSWORD,  /* the password itself, or a question for our key */
    PROOF_ENCRYPTED, /* the password for that key */
    PROOF_TURNS
};

struct proof {
    enum account_plugin plugin; /* NATIVE or CACHING_SHA2 */
    enum proof_turn turn;
};

enum proof_outcome {
    PROOF_GOOD,  /* session->identity is made */
    PROOF_WRONG, /* or there is no memory */
    PROOF_ASKED, /* the client was asked for more */
};

/* By which plugin a client has to answer for this account (NULL: there is none, and `usual` is as good as
 * any); `offered`: the one that it has answered by. */
enum account_plugin proof_plugin(const struct account *account, enum account_plugin usual,
                                 enum account_plugin offered);
const char *proof_plugin_name(enum account_plugin plugin);

/* One packet of the client. */
enum proof_outcome proof_take(struct session *session, struct proof *proof, const char *user,
                              const struct account *account, struct bytes answer);
/* It came with no password at all. */
bool proof_is_empty(const struct proof *proof, struct bytes answer);

#endif
