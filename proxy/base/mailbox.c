/* mailbox.c - messages between threads: see mailbox.h. The list is taken whole, so the lock is held for some
 * instructions. */
#include "pointsman/base/mailbox.h"

/* False: nothing was there. */
static bool take_all(struct mailbox *box)
{
    struct list taken;
    list_init(&taken);
    pthread_mutex_lock(&box->lock);
    list_splice(&taken, &box->waiting);
    pthread_mutex_unlock(&box->lock);
    bool some = !list_empty(&taken);
    while (!list_empty(&taken)) {
        struct mail *mail = list_first(&taken, struct mail, link);
        list_remove(&mail->link);
        mail->handle(box->owner, mail);
    }
    return some;
}

static void on_wake(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop, (void)events;
    take_all(watcher->data);
}

void mailbox_init(struct mailbox *box, struct ev_loop *loop, void *owner)
{
    pthread_mutex_init(&box->lock, NULL);
    list_init(&box->waiting);
    box->loop = loop;
    box->owner = owner;
    ev_async_init(&box->wake, on_wake);
    box->wake.data = box;
    ev_async_start(loop, &box->wake);
}

void mailbox_done(struct mailbox *box)
{
    while (take_all(box)) /* handlers may send to their own box */
        ;
    ev_async_stop(box->loop, &box->wake);
    pthread_mutex_destroy(&box->lock);
}

void mailbox_send(struct mailbox *box, struct mail *mail)
{
    pthread_mutex_lock(&box->lock);
    list_append(&box->waiting, &mail->link);
    pthread_mutex_unlock(&box->lock);
    ev_async_send(box->loop, &box->wake);
}
