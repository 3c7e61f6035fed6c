/*
 * proxy_header.h - the PROXY protocol, versions 1 and 2: whose connection it is that a balancer passes on.
 * Source: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
 */
#ifndef POINTSMAN_NET_PROXY_HEADER_H
#define POINTSMAN_NET_PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>

enum proxy_header {
    PROXY_HEADER_MORE, /* it isn't all there yet */
    PROXY_HEADER_OK,   /* *ret_length bytes are it; address is the client's, "" if it is the balancer's own
                          connection */
    PROXY_HEADER_BAD
};
enum { PROXY_HEADER_MAX = 16 + 2048 /* longer ones are BAD */, PROXY_HEADER_ADDRESS = 64 };

enum proxy_header proxy_header_read(const uint8_t *data, size_t n, size_t *ret_length,
                                    char address[PROXY_HEADER_ADDRESS]);

#endif
