/*
 * hosts.c - host patterns of accounts, as servers read them. See hosts.h.
 *
 *   Specific before general:  whole names and addresses, nets (the narrower kind first), then patterns by
 * where their first wildcard stands (the later, the more specific), "%" last but for "".
 */
#include "hosts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { RANK_EXACT = 1003, RANK_CIDR = 1002, RANK_NETMASK = 1001, RANK_WILD_MAX = 1000 };

struct net {
    uint32_t base, mask; /* host byte order */
};

static bool parse_ip(const char *text, size_t length, uint32_t *ret_ip)
{
    char copy[INET_ADDRSTRLEN];
    struct in_addr address;
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET, copy, &address) != 1)
        return false;
    *ret_ip = ntohl(address.s_addr);
    return true;
}

static bool parse_bits(const char *text, uint32_t *ret_mask)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    unsigned long bits = strtoul(text, &end, 10);
    if (*end != '\0' || bits > 32)
        return false;
    *ret_mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
    return true;
}

/* The rank of a net pattern, 0 if it isn't one. */
static int parse_net(const char *pattern, struct net *net)
{
    const char *slash = strchr(pattern, '/');
    if (!slash || !parse_ip(pattern, (size_t)(slash - pattern), &net->base))
        return 0;
    if (parse_ip(slash + 1, strlen(slash + 1), &net->mask))
        return RANK_NETMASK;
    return parse_bits(slash + 1, &net->mask) ? RANK_CIDR : 0;
}

static bool net_admits(const struct net *net, const char *ip)
{
    uint32_t address;
    return ip && parse_ip(ip, strlen(ip), &address) && (address & net->mask) == net->base;
}

/*
 * % any characters, _ one, \ takes the next one as it is. On a mismatch behind a % the text is tried again
 * one character further: quadratic at worst, over names of at most 255 characters.
 */
static bool wild_match(const char *pattern, const char *text)
{
    const char *after_many = NULL, *retry = NULL;
    while (*text) {
        if (*pattern == '%') {
            after_many = ++pattern;
            retry = text;
            continue;
        }
        bool escaped = *pattern == '\\' && pattern[1];
        char wanted = escaped ? pattern[1] : *pattern;
        bool one = (*pattern == '_') || tolower((unsigned char)wanted) == tolower((unsigned char)*text);
        if (*pattern && one) {
            pattern += escaped ? 2 : 1;
            text++;
        } else if (after_many) {
            pattern = after_many;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '%')
        pattern++;
    return *pattern == '\0';
}

bool hosts_match(const char *pattern, const struct host_seen *seen)
{
    struct net net;
    if (*pattern == '\0')
        return true;
    if (parse_net(pattern, &net))
        return net_admits(&net, seen->ip);
    return (seen->name && wild_match(pattern, seen->name)) || (seen->ip && wild_match(pattern, seen->ip));
}

int hosts_rank(const char *pattern)
{
    struct net net;
    if (*pattern == '\0')
        return 0;
    if (strcmp(pattern, "%") == 0)
        return 1;
    int net_rank = parse_net(pattern, &net);
    if (net_rank)
        return net_rank;
    for (const char *at = pattern; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '%' || *at == '_')
            return at - pattern < RANK_WILD_MAX - 2 ? (int)(at - pattern) + 2 : RANK_WILD_MAX;
    }
    return RANK_EXACT;
}

bool hosts_is_loopback(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}
