/*
 * libports.c - free ports for servers that are started later, and again after a crash.
 *
 * A port is claimed by the name of an abstract unix socket, which vanishes with the process that holds it;
 * so test programs that run at once never choose the same, and none is lost. They lie below the range from
 * which the kernel takes the ports of outgoing connections: none of those can sit on a port whose server is
 * down for the moment.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PORT_FIRST = 20000, PORT_COUNT = 12000 };

static int claim(int port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "pointsman-test-port-%d", port);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, size) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool is_free(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_ANY); /* also against who listens everywhere */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool free_now = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return free_now;
}

int port_take(int *ret_claim)
{
    unsigned start = (unsigned)getpid() * 37U + (unsigned)monotonic_us();
    for (unsigned i = 0; i < PORT_COUNT; i++) {
        int port = PORT_FIRST + (int)((start + i) % PORT_COUNT);
        int fd = claim(port);
        if (fd >= 0 && is_free(port)) {
            *ret_claim = fd;
            return port;
        }
        if (fd >= 0)
            close(fd);
    }
    complain("no free port");
    return 0;
}

static int loopback(int port, struct sockaddr_in *ret_address)
{
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    ret_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int close_failed(int fd)
{
    if (fd >= 0)
        close(fd);
    return -1;
}

int port_dial(int port)
{
    struct sockaddr_in address;
    int fd = loopback(port, &address);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return close_failed(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

int port_listen(int *ret_port)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = loopback(0, &address);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 256) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return close_failed(fd);
    *ret_port = ntohs(address.sin_port);
    return fd;
}
