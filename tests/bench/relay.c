/*
 * relay.c - a TCP relay that parses nothing: what passing bytes on costs at the least, to compare with.
 *
 *   relay [-t THREADS] [-l PORT] BACKEND_PORT...       listens on 127.0.0.1, prints "PORT n" when it does
 *
 *   main: accept ── connect to the next backend in turn ── hand the pair to the next thread's epoll
 *   thread: epoll ── recv ── send to the other side; what that doesn't take is kept, and the source not read
 *                                                    until it has
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS_MAX = 64, BUFFER = 65536, EVENTS = 256 };

/* One end of a pair; the pair is one allocation. */
struct end {
    int fd;
    bool readable_watched, writable_watched;
    struct end *other;
    struct pair *pair;
    char *late; /* what the socket didn't take; NULL: nothing */
    size_t late_at, late_length;
};

struct pair {
    struct end end[2];
    struct pair *next_closed;
    bool closed;
};

struct thread {
    int epoll;
    char buffer[BUFFER];
    struct pair *closed;  /* freed when no event of this round can name them any more */
    pthread_mutex_t lock; /* held over a round, and while main adds a pair, which is two steps */
};

static void watch(struct thread *thread, struct end *end, bool readable, bool writable)
{
    if (end->readable_watched == readable && end->writable_watched == writable)
        return;
    struct epoll_event event = {.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0),
                                .data.ptr = end};
    end->readable_watched = readable;
    end->writable_watched = writable;
    epoll_ctl(thread->epoll, EPOLL_CTL_MOD, end->fd, &event);
}

static void close_pair(struct thread *thread, struct pair *pair)
{
    if (pair->closed)
        return;
    pair->closed = true;
    pair->next_closed = thread->closed;
    thread->closed = pair;
    for (int i = 0; i < 2; i++) {
        close(pair->end[i].fd);
        free(pair->end[i].late);
    }
}

static void free_closed(struct thread *thread)
{
    while (thread->closed) {
        struct pair *pair = thread->closed;
        thread->closed = pair->next_closed;
        free(pair);
    }
}

/* How much the socket took; -1: it is broken. */
static ssize_t try_send(int fd, const char *data, size_t length)
{
    ssize_t n = send(fd, data, length, MSG_NOSIGNAL);
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

static bool keep(struct end *end, const char *data, size_t length)
{
    end->late = malloc(length);
    if (!end->late)
        return false;
    memcpy(end->late, data, length);
    end->late_at = 0;
    end->late_length = length;
    return true;
}

static void on_readable(struct thread *thread, struct end *end)
{
    struct end *to = end->other;
    ssize_t got = recv(end->fd, thread->buffer, BUFFER, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    ssize_t sent = got > 0 ? try_send(to->fd, thread->buffer, (size_t)got) : -1;
    if (sent < 0 || (sent < got && !keep(to, thread->buffer + sent, (size_t)(got - sent)))) {
        close_pair(thread, end->pair);
    } else if (sent < got) {
        watch(thread, end, false, end->writable_watched);
        watch(thread, to, to->readable_watched, true);
    }
}

static void on_writable(struct thread *thread, struct end *end)
{
    ssize_t sent = try_send(end->fd, end->late + end->late_at, end->late_length - end->late_at);
    if (sent < 0) {
        close_pair(thread, end->pair);
        return;
    }
    end->late_at += (size_t)sent;
    if (end->late_at < end->late_length)
        return;
    free(end->late);
    end->late = NULL;
    watch(thread, end, end->readable_watched, false);
    watch(thread, end->other, true, end->other->writable_watched);
}

static void *run(void *argument)
{
    struct thread *thread = argument;
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(thread->epoll, events, EVENTS, -1);
        pthread_mutex_lock(&thread->lock);
        for (int i = 0; i < count; i++) {
            struct end *end = events[i].data.ptr;
            if (!end->pair->closed && end->late && events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
                on_writable(thread, end);
            if (!end->pair->closed && end->readable_watched &&
                events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
                on_readable(thread, end);
        }
        free_closed(thread);
        pthread_mutex_unlock(&thread->lock);
    }
    return NULL;
}

static struct sockaddr_in local(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int listen_on(int port)
{
    struct sockaddr_in address = local(port);
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        perror("relay: listen");
        exit(2);
    }
    printf("PORT %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

/* Blocking until it is connected, which on loopback is at once; -1 on failure. */
static int dial(int port)
{
    struct sockaddr_in address = local(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool give(struct thread *thread, int client, int server)
{
    const int fds[2] = {client, server};
    struct pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        return false;
    for (int i = 0; i < 2; i++) {
        pair->end[i] = (struct end){
            .fd = fds[i], .readable_watched = true, .other = &pair->end[1 - i], .pair = pair};
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    pthread_mutex_lock(&thread->lock);
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &pair->end[i]};
        if (epoll_ctl(thread->epoll, EPOLL_CTL_ADD, fds[i], &event) < 0) {
            perror("relay: epoll");
            exit(2);
        }
    }
    pthread_mutex_unlock(&thread->lock);
    return true;
}

static void serve(int listener, struct thread *threads, int thread_count, char **ports, int port_count)
{
    for (unsigned n = 0;; n++) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        int server = client < 0 ? -1 : dial(atoi(ports[n % (unsigned)port_count]));
        /* Clients take the backends in turn, and the threads in turns of that, so that each thread has all.
         */
        struct thread *thread = &threads[n / (unsigned)port_count % (unsigned)thread_count];
        if (server >= 0 && give(thread, client, server))
            continue;
        if (client >= 0)
            close(client);
        if (server >= 0)
            close(server);
    }
}

int main(int argc, char **argv)
{
    static struct thread threads[THREADS_MAX];
    int count = 1, port = 0, option;
    while ((option = getopt(argc, argv, "t:l:")) != -1) {
        switch (option) {
        case 't': count = atoi(optarg); break;
        case 'l': port = atoi(optarg); break;
        default: return 1;
        }
    }
    if (count < 1 || count > THREADS_MAX || optind == argc) {
        fputs("usage: relay [-t THREADS] [-l PORT] BACKEND_PORT...\n", stderr);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        pthread_t id;
        pthread_mutex_init(&threads[i].lock, NULL);
        threads[i].epoll = epoll_create1(EPOLL_CLOEXEC);
        if (threads[i].epoll < 0 || pthread_create(&id, NULL, run, &threads[i]) != 0) {
            perror("relay: thread");
            return 2;
        }
    }
    serve(listen_on(port), threads, count, argv + optind, argc - optind);
}
