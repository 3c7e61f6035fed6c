/*
 * sql_multibyte.c - lengths of multi-byte characters; see sql_multibyte.h for the table.
 */
#include "sql_multibyte.h"

static bool within(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

static size_t gb18030_length(const unsigned char *p, size_t left)
{
    if (!within(p[0], 0x81, 0xfe) || left < 2)
        return 1;
    if (within(p[1], 0x40, 0x7e) || within(p[1], 0x80, 0xfe))
        return 2;
    bool four = left >= 4 && within(p[1], '0', '9') && within(p[2], 0x81, 0xfe) && within(p[3], '0', '9');
    return four ? 4 : 1;
}

size_t sql_char_length(enum sql_charset charset, const char *at, const char *end)
{
    const unsigned char *p = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    bool two = false;

    if (left < 2 || p[0] < 0x80)
        return 1;
    switch (charset) {
    case SQL_CHARSET_PLAIN: break;
    case SQL_CHARSET_GBK:
        two = within(p[0], 0x81, 0xfe) && (within(p[1], 0x40, 0x7e) || within(p[1], 0x80, 0xfe));
        break;
    case SQL_CHARSET_BIG5:
        two = within(p[0], 0xa1, 0xf9) && (within(p[1], 0x40, 0x7e) || within(p[1], 0xa1, 0xfe));
        break;
    case SQL_CHARSET_SJIS:
        two = (within(p[0], 0x81, 0x9f) || within(p[0], 0xe0, 0xfc)) &&
              (within(p[1], 0x40, 0x7e) || within(p[1], 0x80, 0xfc));
        break;
    case SQL_CHARSET_GB18030: return gb18030_length(p, left);
    }
    return two ? 2 : 1;
}
