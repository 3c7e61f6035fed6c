/*
 * address.c - addresses.
 *
 *   text ──┬─ unix:/path ──> address_unix
 *          └─ host:port  ──> split_port ──> getaddrinfo
 */
#include "address.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool refuse(char *why, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool refuse(char *why, size_t size, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(why, size, format, values);
    va_end(values);
    return false;
}

static bool address_unix(const char *path, struct config_address *address, char *why, size_t size)
{
    struct sockaddr_un *un = &address->sa.un;

    if (path[0] != '/')
        return refuse(why, size, "a unix socket is written unix:/PATH with its whole path");
    if (strlen(path) >= sizeof un->sun_path)
        return refuse(why, size, "the path of a unix socket has at most %zu bytes", sizeof un->sun_path - 1);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, strlen(path) + 1);
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    return true;
}

static bool is_port(const char *text)
{
    size_t length = strlen(text);

    return length >= 1 && length <= 5 && strspn(text, "0123456789") == length && atoi(text) >= 1 &&
           atoi(text) <= 65535;
}

/* Splits host:port in place, brackets around the host taken away. */
static bool split_port(char *text, char **ret_host, char **ret_port, char *why, size_t size)
{
    char *colon = strrchr(text, ':'), *host = text;

    if (!colon)
        return refuse(why, size, "the port is missing; an address is HOST:PORT or unix:/PATH");
    *colon = '\0';
    if (!is_port(colon + 1))
        return refuse(why, size, "\"%s\" is not a port; ports are 1 to 65535", colon + 1);
    if (host[0] == '[' && colon > host + 1 && colon[-1] == ']') {
        host++;
        colon[-1] = '\0';
    } else if (strchr(host, ':')) {
        return refuse(why, size, "an IPv6 address stands in brackets: [%s]:%s", host, colon + 1);
    }
    if (*host == '\0')
        return refuse(why, size, "the host is missing; 0.0.0.0 or [::] is every address of this machine");
    *ret_host = host;
    *ret_port = colon + 1;
    return true;
}

/* "localhost" is often both ::1 and 127.0.0.1, and servers listen on the latter. */
static const struct addrinfo *prefer_ipv4(const struct addrinfo *found)
{
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        if (at->ai_family == AF_INET)
            return at;
    return found;
}

static bool resolve(const char *host, const char *port, struct config_address *address, char *why,
                    size_t size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    const struct addrinfo *chosen;
    int error = getaddrinfo(host, port, &hints, &found);

    if (error == EAI_MEMORY)
        return refuse(why, size, "%s", "");
    if (error)
        return refuse(why, size, "the host \"%s\" can't be resolved: %s", host,
                      error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    chosen = prefer_ipv4(found);
    memcpy(&address->sa, chosen->ai_addr, chosen->ai_addrlen);
    address->length = chosen->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

bool address_read(const char *text, struct config_address *ret_address, char *why, size_t size)
{
    struct config_address address = {.text = strdup(text)};
    char *copy = strdup(text), *host = NULL, *port = NULL;
    bool good = false;

    if (!address.text || !copy)
        refuse(why, size, "%s", "");
    else if (strncmp(copy, "unix:", 5) == 0)
        good = address_unix(copy + 5, &address, why, size);
    else
        good = split_port(copy, &host, &port, why, size) && resolve(host, port, &address, why, size);
    free(copy);
    if (good)
        *ret_address = address;
    else
        free(address.text);
    return good;
}

void address_done(struct config_address *address)
{
    free(address->text);
    *address = (struct config_address){0};
}

bool address_equal(const struct config_address *a, const struct config_address *b)
{
    if (a->sa.any.sa_family != b->sa.any.sa_family)
        return false;
    switch (a->sa.any.sa_family) {
    case AF_UNIX: return strcmp(a->sa.un.sun_path, b->sa.un.sun_path) == 0;
    case AF_INET:
        return a->sa.in.sin_port == b->sa.in.sin_port && a->sa.in.sin_addr.s_addr == b->sa.in.sin_addr.s_addr;
    case AF_INET6:
        return a->sa.in6.sin6_port == b->sa.in6.sin6_port &&
               a->sa.in6.sin6_scope_id == b->sa.in6.sin6_scope_id &&
               memcmp(&a->sa.in6.sin6_addr, &b->sa.in6.sin6_addr, sizeof a->sa.in6.sin6_addr) == 0;
    default: return false;
    }
}

static bool is_every_address(const struct config_address *a)
{
    if (a->sa.any.sa_family == AF_INET)
        return a->sa.in.sin_addr.s_addr == htonl(INADDR_ANY);
    return a->sa.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->sa.in6.sin6_addr);
}

bool address_collide(const struct config_address *a, const struct config_address *b)
{
    if (address_equal(a, b))
        return true;
    if (a->sa.any.sa_family != b->sa.any.sa_family || a->sa.any.sa_family == AF_UNIX)
        return false;
    /* sin_port and sin6_port stand at the same place */
    return a->sa.in.sin_port == b->sa.in.sin_port && (is_every_address(a) || is_every_address(b));
}

bool address_is_local(const struct config_address *address)
{
    switch (address->sa.any.sa_family) {
    case AF_UNIX: return true;
    case AF_INET: return ntohl(address->sa.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6: return IN6_IS_ADDR_LOOPBACK(&address->sa.in6.sin6_addr);
    default: return false;
    }
}

bool config_address_host(const struct config_address *address, char *host, size_t size)
{
    const char *text = address->text, *colon = text ? strrchr(text, ':') : NULL;
    if (!colon || address->sa.any.sa_family == AF_UNIX)
        return false;
    bool brackets = *text == '[' && colon > text && colon[-1] == ']';
    size_t length = (size_t)(colon - text) - (brackets ? 2 : 0);
    if (length == 0 || length >= size)
        return false;
    memcpy(host, text + brackets, length);
    host[length] = 0;
    return true;
}
