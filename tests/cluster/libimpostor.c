/*
 * libimpostor.c - see impostor.h. One thread accepts; each connection has a thread of its own, which ends
 * when either side closes or the impostor is stopped.
 */
#include "impostor.h"
#include "internal.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PACKET = 70000, LOOK_MS = 50 };

struct impostor {
    int listener, port, real_port;
    pthread_t thread;
    atomic_bool stopping;
    atomic_int connections;
    _Atomic(const struct impostor_script *) script;
};

struct visit {
    struct impostor *impostor;
    int peer, real;
};

/* ---- bytes ---- */

/* False: the connection is over. */
static bool say(int fd, const void *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        ssize_t n = send(fd, (const uint8_t *)bytes + at, length - at, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool readable(const struct impostor *impostor, int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (!atomic_load(&impostor->stopping))
        if (poll(&wait, 1, LOOK_MS) > 0)
            return true;
    return false;
}

static bool hear_exactly(const struct impostor *impostor, int fd, uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        ssize_t n = readable(impostor, fd) ? recv(fd, bytes + at, length - at, 0) : 0;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* One packet with its header; its whole length, 0 at the end. */
static size_t hear(const struct impostor *impostor, int fd, uint8_t packet[PACKET])
{
    if (!hear_exactly(impostor, fd, packet, 4))
        return 0;
    size_t length = packet[0] | (size_t)packet[1] << 8 | (size_t)packet[2] << 16;
    if (length + 4 > PACKET || !hear_exactly(impostor, fd, packet + 4, length))
        return 0;
    return length + 4;
}

/* ---- a visit ---- */

/* True: the script is for this stage; *ret_goes_on tells whether the connection lives on. */
static bool play(struct visit *visit, enum impostor_stage stage, bool *ret_goes_on)
{
    const struct impostor_script *script = atomic_load(&visit->impostor->script);
    *ret_goes_on = true;
    if (!script || script->stage != stage)
        return false;
    *ret_goes_on = say(visit->peer, script->says, script->length) && script->then != IMPOSTOR_CLOSES;
    if (script->then == IMPOSTOR_REPEATS)
        while (*ret_goes_on && !atomic_load(&visit->impostor->stopping))
            *ret_goes_on = say(visit->peer, script->again, script->again_length);
    return true;
}

static bool pass(int from, int to)
{
    uint8_t bytes[16384];
    ssize_t n = recv(from, bytes, sizeof bytes, 0);
    return n > 0 && say(to, bytes, (size_t)n);
}

/* What the monitor says goes to the real server, and back. */
static void be_honest(struct visit *visit)
{
    struct pollfd wait[] = {{.fd = visit->peer, .events = POLLIN}, {.fd = visit->real, .events = POLLIN}};
    while (!atomic_load(&visit->impostor->stopping)) {
        if (poll(wait, 2, LOOK_MS) <= 0)
            continue;
        if (wait[0].revents && !pass(visit->peer, visit->real))
            return;
        if (wait[1].revents && !pass(visit->real, visit->peer))
            return;
    }
}

static void converse(struct visit *visit, uint8_t packet[PACKET], uint8_t login_sequence)
{
    static const uint8_t ok[] = {7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0};
    uint8_t welcome[sizeof ok];
    bool goes_on;
    memcpy(welcome, ok, sizeof ok);
    welcome[3] = (uint8_t)(login_sequence + 1);
    if (!play(visit, IMPOSTOR_LOGIN, &goes_on))
        goes_on = say(visit->peer, welcome, sizeof welcome);
    for (int commands = 0; goes_on; commands++) {
        size_t length = hear(visit->impostor, visit->peer, packet);
        if (length == 0)
            return;
        bool rogue = memmem(packet, length, "rogue", 5);
        if (!(commands == 0 && play(visit, IMPOSTOR_SETUP, &goes_on)) &&
            !(rogue && play(visit, IMPOSTOR_COMMAND, &goes_on)))
            goes_on = say(visit->peer, ok, sizeof ok);
    }
}

static void receive(struct visit *visit, uint8_t packet[PACKET])
{
    bool goes_on;
    if (play(visit, IMPOSTOR_GREETING, &goes_on)) {
        while (goes_on && hear(visit->impostor, visit->peer, packet))
            ;
        return;
    }
    visit->real = port_dial(visit->impostor->real_port);
    size_t length = visit->real < 0 ? 0 : hear(visit->impostor, visit->real, packet);
    if (!length || !say(visit->peer, packet, length))
        return;
    length = hear(visit->impostor, visit->peer, packet);
    if (!length)
        return;
    if (memmem(packet, length, "monitor", 8)) {
        if (say(visit->real, packet, length))
            be_honest(visit);
    } else {
        converse(visit, packet, packet[3]);
    }
}

static void *run_visit(void *arg)
{
    struct visit *visit = arg;
    uint8_t *packet = malloc(PACKET);
    if (packet)
        receive(visit, packet);
    free(packet);
    close(visit->peer);
    if (visit->real >= 0)
        close(visit->real);
    atomic_fetch_sub(&visit->impostor->connections, 1);
    free(visit);
    return NULL;
}

/* ---- the impostor ---- */

static void *run(void *arg)
{
    struct impostor *impostor = arg;
    while (readable(impostor, impostor->listener)) {
        struct visit *visit = calloc(1, sizeof *visit);
        pthread_t thread;
        if (!visit)
            continue;
        *visit = (struct visit){.impostor = impostor, .real = -1};
        visit->peer = accept4(impostor->listener, NULL, NULL, SOCK_CLOEXEC);
        atomic_fetch_add(&impostor->connections, 1);
        if (visit->peer >= 0 && pthread_create(&thread, NULL, run_visit, visit) == 0) {
            pthread_detach(thread);
            continue;
        }
        atomic_fetch_sub(&impostor->connections, 1);
        free(visit);
    }
    return NULL;
}

struct impostor *impostor_start(int real_port)
{
    struct impostor *impostor = calloc(1, sizeof *impostor);
    if (!impostor)
        return NULL;
    impostor->real_port = real_port;
    impostor->listener = port_listen(&impostor->port);
    if (impostor->listener >= 0 && pthread_create(&impostor->thread, NULL, run, impostor) == 0)
        return impostor;
    if (impostor->listener >= 0)
        close(impostor->listener);
    free(impostor);
    return NULL;
}

int impostor_port(const struct impostor *impostor)
{
    return impostor->port;
}

void impostor_play(struct impostor *impostor, const struct impostor_script *script)
{
    atomic_store(&impostor->script, script);
}

void impostor_stop(struct impostor *impostor)
{
    if (!impostor)
        return;
    atomic_store(&impostor->stopping, true);
    pthread_join(impostor->thread, NULL);
    close(impostor->listener);
    while (atomic_load(&impostor->connections) > 0)
        poll(NULL, 0, 1);
    free(impostor);
}
