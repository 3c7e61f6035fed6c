/* published.c - see published.h. Subscribers are told outside the lock, so that they may fetch what is new.
 */
#include "published.h"

#include <string.h>

void *published_get(struct published *published)
{
    pthread_mutex_lock(&published->lock);
    void *thing = published->current;
    if (thing)
        published->ref(thing);
    pthread_mutex_unlock(&published->lock);
    return thing;
}

void published_set(struct published *published, void *thing)
{
    struct subscriber subscribers[TOPOLOGY_SUBSCRIBERS_MAX];

    pthread_mutex_lock(&published->lock);
    void *last = published->current;
    published->current = thing;
    size_t count = published->count;
    memcpy(subscribers, published->subscribers, count * sizeof *subscribers);
    pthread_mutex_unlock(&published->lock);

    if (last)
        published->unref(last);
    for (size_t i = 0; i < count; i++)
        subscribers[i].tell(subscribers[i].arg);
}

bool published_subscribe(struct published *published, void (*tell)(void *arg), void *arg)
{
    pthread_mutex_lock(&published->lock);
    bool room = published->count < TOPOLOGY_SUBSCRIBERS_MAX;
    if (room)
        published->subscribers[published->count++] = (struct subscriber){.tell = tell, .arg = arg};
    pthread_mutex_unlock(&published->lock);
    return room;
}
