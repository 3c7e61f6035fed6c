/*
 * liblink.c - see link.h. One thread, one poll() over all pairs of sockets; bytes go on by a write that
 * waits, which a cable does too.
 */
#include "link.h"
#include "internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS_MAX = 512, LOOK_MS = 20 };

struct pair {
    int peer, server; /* server: -1, it was accepted while the link was silent */
    bool closed;      /* towards the peer */
};

struct link {
    int listener, port, server_port;
    pthread_t thread;
    atomic_bool stopping;
    atomic_int mode;
    enum link_mode present; /* what the thread has made of it */
    struct pair pairs[PAIRS_MAX];
    int count;
};

static void drop(struct link *link, int i)
{
    close(link->pairs[i].peer);
    if (link->pairs[i].server >= 0)
        close(link->pairs[i].server);
    link->pairs[i] = link->pairs[--link->count];
}

static void take_in(struct link *link)
{
    struct pair pair = {accept4(link->listener, NULL, NULL, SOCK_CLOEXEC), -1, false};
    if (pair.peer < 0)
        return;
    setsockopt(pair.peer, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (link->present != LINK_SILENT)
        pair.server = port_dial(link->server_port);
    if (link->count == PAIRS_MAX || (link->present != LINK_SILENT && pair.server < 0))
        close(pair.peer);
    else
        link->pairs[link->count++] = pair;
}

static void change(struct link *link, enum link_mode mode)
{
    for (int i = link->count; i-- > 0;) {
        if (mode == LINK_HALF_CLOSED) {
            shutdown(link->pairs[i].peer, SHUT_WR);
            link->pairs[i].closed = true;
        } else if (mode == LINK_WHOLE && link->present == LINK_SILENT) {
            drop(link, i);
        }
    }
    link->present = mode;
}

/* False: the pair is at its end. A direction that is closed swallows what comes. */
static bool pass(int from, int to, bool swallow)
{
    uint8_t bytes[65536];
    ssize_t n = recv(from, bytes, sizeof bytes, 0);
    for (ssize_t at = 0; n > 0 && !swallow && at < n;) {
        ssize_t sent = send(to, bytes + at, (size_t)(n - at), MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
    }
    return n > 0;
}

static void *run(void *arg)
{
    struct link *link = arg;
    struct pollfd wait[1 + 2 * PAIRS_MAX];
    while (!atomic_load(&link->stopping)) {
        if ((int)link->present != atomic_load(&link->mode))
            change(link, (enum link_mode)atomic_load(&link->mode));
        int watched = link->present == LINK_SILENT ? 0 : link->count;
        wait[0] = (struct pollfd){.fd = link->listener, .events = POLLIN};
        for (int i = 0; i < watched; i++) {
            wait[1 + 2 * i] = (struct pollfd){.fd = link->pairs[i].peer, .events = POLLIN};
            wait[2 + 2 * i] = (struct pollfd){.fd = link->pairs[i].server, .events = POLLIN};
        }
        if (poll(wait, (nfds_t)(1 + 2 * watched), LOOK_MS) <= 0)
            continue;
        for (int i = watched; i-- > 0;) {
            struct pair *pair = &link->pairs[i];
            if ((wait[1 + 2 * i].revents && !pass(pair->peer, pair->server, false)) ||
                (wait[2 + 2 * i].revents && !pass(pair->server, pair->peer, pair->closed)))
                drop(link, i);
        }
        if (wait[0].revents)
            take_in(link);
    }
    return NULL;
}

struct link *link_start(int server_port)
{
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->server_port = server_port;
    link->listener = port_listen(&link->port);
    if (link->listener >= 0 && pthread_create(&link->thread, NULL, run, link) == 0)
        return link;
    if (link->listener >= 0)
        close(link->listener);
    free(link);
    return NULL;
}

int link_port(const struct link *link)
{
    return link->port;
}

void link_set(struct link *link, enum link_mode mode)
{
    atomic_store(&link->mode, mode);
}

void link_stop(struct link *link)
{
    if (!link)
        return;
    atomic_store(&link->stopping, true);
    pthread_join(link->thread, NULL);
    while (link->count > 0)
        drop(link, 0);
    close(link->listener);
    free(link);
}
