/*
 * mailbox.h - messages between threads. Anybody may send; the owner's loop wakes up and handles all that
 * came, in order.
 */
#ifndef POINTSMAN_BASE_MAILBOX_H
#define POINTSMAN_BASE_MAILBOX_H

#include <ev.h>
#include <pthread.h>

#include "pointsman/base/list.h"

struct mail {
    struct list link;
    void (*handle)(void *owner, struct mail *mail); /* in the owner's thread; owns the mail from then on */
};

struct mailbox {
    pthread_mutex_t lock;
    struct list waiting;
    struct ev_loop *loop; /* the owner's; borrowed */
    ev_async wake;
    void *owner;
};

void mailbox_init(struct mailbox *box, struct ev_loop *loop, void *owner);
void mailbox_done(
    struct mailbox *box); /* by the owner, when nobody can send any more; handles what is left */
void mailbox_send(struct mailbox *box, struct mail *mail);

#endif
