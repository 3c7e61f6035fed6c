/* listen.c - listening sockets: see listen.h. */
#include "pointsman/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

/* A socket file that nobody listens on was left by a process that died. */
static void remove_stale(const struct config_address *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    struct stat status;
    bool is_socket = stat(address->sa.un.sun_path, &status) == 0 && S_ISSOCK(status.st_mode);
    if (is_socket && connect(fd, &address->sa.any, address->length) < 0 && errno == ECONNREFUSED)
        unlink(address->sa.un.sun_path);
    close(fd);
}

int listen_open(const struct config_address *address)
{
    int family = address->sa.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (family == AF_UNIX)
        remove_stale(address);
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (family == AF_INET6) /* so that [::] and 0.0.0.0 may stand beside each other */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    if (bind(fd, &address->sa.any, address->length) == 0 && listen(fd, BACKLOG) == 0) {
        if (family == AF_UNIX)
            chmod(address->sa.un.sun_path, 0777); /* as servers do: who may log in is decided by accounts */
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

void listen_close(int fd, const struct config_address *address)
{
    close(fd);
    if (address->sa.any.sa_family == AF_UNIX)
        unlink(address->sa.un.sun_path);
}

int listen_accept(int fd, char *peer, size_t size)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    int client = accept4(fd, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0)
        return -1;
    const void *ip = NULL;
    if (storage.ss_family == AF_INET)
        ip = &((const struct sockaddr_in *)&storage)->sin_addr;
    else if (storage.ss_family == AF_INET6)
        ip = &((const struct sockaddr_in6 *)&storage)->sin6_addr;
    if (!ip || !inet_ntop(storage.ss_family, ip, peer, (socklen_t)size))
        *peer = 0;
    if (ip) {
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int)); /* hosts that vanished */
    }
    return client;
}
