/* test_proxy_header.c - headers of the PROXY protocol, whole, in pieces and forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pointsman/net/proxy_header.h"

#define V2       "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(s) s, sizeof(s) - 1
#define IP4      "\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x34\x0c\xea"
#define IP6      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x34\x0c\xea"
#define FORTY    "0123456789012345678901234567890123456789"

static const struct {
    const char *bytes;
    size_t length;
    const char *address; /* NULL: BAD */
} headers[] = {
    {BYTES("PROXY TCP4 192.0.2.1 10.0.0.1 4711 3306\r\n"), "192.0.2.1"},
    {BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255"},
    {BYTES("PROXY TCP6 2001:DB8::7 fd00::1 1 0\r\n"), "2001:db8::7"},
    {BYTES("PROXY UNKNOWN\r\n"), ""},
    {BYTES("PROXY UNKNOWN whatever 1 2 3 4 5 6 7\r\n"), ""},
    {BYTES("PROXY TCP4 192.0.2.1 10.0.0.1 4711\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 10.0.0.1 4711 3306 1\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.256 10.0.0.1 4711 3306\r\n"), NULL},
    {BYTES("PROXY TCP4 2001:db8::7 fd00::1 1 0\r\n"), NULL},
    {BYTES("PROXY TCP6 192.0.2.1 10.0.0.1 4711 3306\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 10.0.0.1 4711 65536\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 10.0.0.1 04711 3306\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 10.0.0.1 -1 3306\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 nobody 4711 3306\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 10.0.0.1 4711 3306\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1\0 10.0.0.1 4711 3306\r\n"), NULL},
    {BYTES("PROXY \n"), NULL},
    {BYTES("PROXY TCP5 a b 1 2\r\n"), NULL},
    {BYTES("PROXY " FORTY FORTY FORTY), NULL},
    {BYTES("proxy TCP4"), NULL},
    {BYTES("\x20\0\0\1\x85\xa6\xff\x01"), NULL}, /* a login */
    {BYTES(V2 "\x21\x11\0\x0c" IP4), "192.0.2.1"},
    {BYTES(V2 "\x21\x11\0\x0f" IP4 "\x04\0\0"), "192.0.2.1"},
    {BYTES(V2 "\x21\x21\0\x24" IP6), "2001:db8::7"},
    {BYTES(V2 "\x20\0\0\0"), ""},
    {BYTES(V2 "\x20\x11\0\x0c" IP4), ""},
    {BYTES(V2 "\x21\0\0\0"), ""},
    {BYTES(V2 "\x21\x31\0\x02xx"), ""},
    {BYTES(V2 "\x21\x11\0\x0b" IP4), NULL},
    {BYTES(V2 "\x21\x21\0\x0c" IP4), NULL},
    {BYTES(V2 "\x11\x11\0\x0c" IP4), NULL},
    {BYTES(V2 "\x22\x11\0\x0c" IP4), NULL},
    {BYTES(V2 "\x21\x11\xff\xff" IP4), NULL},
};

static void headers_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char address[PROXY_HEADER_ADDRESS] = "?";
        size_t length = 0;
        enum proxy_header is = proxy_header_read((const uint8_t *)headers[i].bytes, headers[i].length,
                                                 &length, address);
        if (is != (headers[i].address ? PROXY_HEADER_OK : PROXY_HEADER_BAD))
            fail_msg("header %zu: %d", i, is);
        if (headers[i].address && (strcmp(address, headers[i].address) != 0 || length != headers[i].length))
            fail_msg("header %zu: %s, %zu bytes", i, address, length);
    }
}

static void pieces_are_waited_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        for (size_t n = 0; headers[i].address && n < headers[i].length; n++) {
            char address[PROXY_HEADER_ADDRESS];
            size_t length;
            if (proxy_header_read((const uint8_t *)headers[i].bytes, n, &length, address) !=
                PROXY_HEADER_MORE)
                fail_msg("header %zu: %zu bytes are enough", i, n);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read),
        cmocka_unit_test(pieces_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
