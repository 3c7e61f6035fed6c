/* network.c - see network.h. */
#include "pointsman/config/network.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct network {
    int family;
    unsigned bits;
    uint8_t bytes[16];
};

static bool read_address(const char *text, struct network *ret)
{
    ret->family = strchr(text, ':') ? AF_INET6 : AF_INET;
    ret->bits = ret->family == AF_INET6 ? 128 : 32;
    return inet_pton(ret->family, text, ret->bytes) == 1;
}

static bool read_network(const char *text, struct network *ret)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    int length = (int)(slash ? (size_t)(slash - text) : strlen(text));
    if (length >= (int)sizeof address)
        return false;
    snprintf(address, sizeof address, "%.*s", length, text);
    if (!read_address(address, ret))
        return false;
    if (!slash)
        return true;
    size_t digits = strspn(slash + 1, "0123456789");
    unsigned bits = (unsigned)strtoul(slash + 1, NULL, 10);
    bool good = digits > 0 && digits < 4 && slash[1 + digits] == 0 && bits <= ret->bits;
    ret->bits = bits;
    return good;
}

bool network_is(const char *text)
{
    struct network ignored;
    return read_network(text, &ignored);
}

static bool contains(const struct network *network, const struct network *address)
{
    if (network->family != address->family || memcmp(network->bytes, address->bytes, network->bits / 8) != 0)
        return false;
    unsigned rest = network->bits % 8;
    uint8_t differing = rest ? network->bytes[network->bits / 8] ^ address->bytes[network->bits / 8] : 0;
    return differing >> (8 - rest) == 0;
}

bool networks_have(char *const *networks, size_t count, const char *address)
{
    struct network one, peer;
    if (!address || !read_address(address, &peer))
        return false;
    for (size_t i = 0; i < count; i++)
        if (read_network(networks[i], &one) && contains(&one, &peer))
            return true;
    return false;
}
