/* listen.h - listening sockets, TCP and unix. */
#ifndef POINTSMAN_NET_LISTEN_H
#define POINTSMAN_NET_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "pointsman/config/config.h"

/* A non-blocking listening socket; -1: errno says why. A stale unix socket (nobody answers there) is removed
 * first. */
int listen_open(const struct config_address *address);
/* Closes it, and removes a unix socket's file. */
void listen_close(int fd, const struct config_address *address);

/* One client, non-blocking, TCP_NODELAY; -1: none is there (or errno EMFILE and the like). The peer's IP
 * address as text goes to `peer` (at least 64 bytes); a unix socket's peer is "". */
int listen_accept(int fd, char *peer, size_t size);

#endif
