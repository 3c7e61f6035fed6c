/*
 * proxy_header.c - see proxy_header.h.
 *
 *   1: "PROXY TCP4 192.0.2.1 192.0.2.2 4711 3306\r\n", "PROXY UNKNOWN ...\r\n"; at most 107 bytes
 *   2: signature (12) | version 2, command | family | length u16 | addresses | more, which is passed over
 */
#include "pointsman/net/proxy_header.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    V1_MAX = 107,
    V2_HEAD = 16,
    COMMAND_LOCAL = 0x20,
    COMMAND_PROXY = 0x21,
    OVER_IP4 = 0x11,
    OVER_IP6 = 0x21
};

static const char v1_begin[] = "PROXY ";
static const uint8_t v2_begin[] = "\r\n\r\n\0\r\nQUIT\n";

/* A port as the protocol has it: no sign, no leading zeros but for 0 itself. */
static bool is_port(const char *text)
{
    size_t length = strlen(text);
    unsigned value = 0;
    if (length == 0 || length > 5 || strspn(text, "0123456789") != length || (text[0] == '0' && length > 1))
        return false;
    for (; *text; text++)
        value = value * 10 + (unsigned)(*text - '0');
    return value <= 65535;
}

/* The words of a line: family, source, destination and their ports. */
static enum proxy_header read_words(char *line, char *address)
{
    char *words[6] = {NULL}, *rest = line;
    uint8_t ip[16];
    int count = 0;
    for (char *word; count < 6 && (word = strsep(&rest, " ")); count++)
        words[count] = word;
    if (count > 0 && strcmp(words[0], "UNKNOWN") == 0) {
        *address = 0;
        return PROXY_HEADER_OK;
    }
    int family = count && strcmp(words[0], "TCP4") == 0 ? AF_INET : AF_INET6;
    if (count != 5 || rest || (family == AF_INET6 && strcmp(words[0], "TCP6") != 0) ||
        inet_pton(family, words[1], ip) != 1 || !is_port(words[3]) || !is_port(words[4]))
        return PROXY_HEADER_BAD;
    inet_ntop(family, ip, address, PROXY_HEADER_ADDRESS); /* written as we do */
    return inet_pton(family, words[2], ip) == 1 ? PROXY_HEADER_OK : PROXY_HEADER_BAD;
}

static enum proxy_header read_v1(const uint8_t *data, size_t n, size_t *ret_length, char *address)
{
    char line[V1_MAX + 1];
    const uint8_t *end = memchr(data, '\n', n < V1_MAX ? n : V1_MAX);
    if (!end)
        return n < V1_MAX ? PROXY_HEADER_MORE : PROXY_HEADER_BAD;
    size_t length = (size_t)(end - data) - (sizeof v1_begin - 1);
    if (length == 0 || end[-1] != '\r' || memchr(data, 0, (size_t)(end - data)))
        return PROXY_HEADER_BAD;
    memcpy(line, data + sizeof v1_begin - 1, length - 1);
    line[length - 1] = 0;
    *ret_length = (size_t)(end - data) + 1;
    return read_words(line, address);
}

static enum proxy_header read_v2(const uint8_t *data, size_t n, size_t *ret_length, char *address)
{
    if (n < V2_HEAD)
        return PROXY_HEADER_MORE;
    size_t length = (size_t)data[14] << 8 | data[15];
    uint8_t command = data[12], over = data[13];
    if ((command != COMMAND_LOCAL && command != COMMAND_PROXY) || V2_HEAD + length > PROXY_HEADER_MAX)
        return PROXY_HEADER_BAD;
    if (n < V2_HEAD + length)
        return PROXY_HEADER_MORE;
    *ret_length = V2_HEAD + length;
    *address = 0;
    if (command == COMMAND_LOCAL ||
        (over != OVER_IP4 && over != OVER_IP6)) /* unspecified, or a unix socket's */
        return PROXY_HEADER_OK;
    if (length < (over == OVER_IP4 ? 12u : 36u))
        return PROXY_HEADER_BAD;
    inet_ntop(over == OVER_IP4 ? AF_INET : AF_INET6, data + V2_HEAD, address, PROXY_HEADER_ADDRESS);
    return PROXY_HEADER_OK;
}

enum proxy_header proxy_header_read(const uint8_t *data, size_t n, size_t *ret_length,
                                    char address[PROXY_HEADER_ADDRESS])
{
    size_t first = n < sizeof v1_begin - 1 ? n : sizeof v1_begin - 1;
    size_t second = n < sizeof v2_begin - 1 ? n : sizeof v2_begin - 1;
    if (memcmp(data, v1_begin, first) == 0)
        return first < sizeof v1_begin - 1 ? PROXY_HEADER_MORE : read_v1(data, n, ret_length, address);
    if (memcmp(data, v2_begin, second) == 0)
        return second < sizeof v2_begin - 1 ? PROXY_HEADER_MORE : read_v2(data, n, ret_length, address);
    return PROXY_HEADER_BAD;
}
