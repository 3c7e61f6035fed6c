/*
 * sql_bytes.h - eight bytes at a time: loading them without reading past the end, lower case, hashing.
 */
#ifndef SQL_BYTES_H
#define SQL_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The first n (1 to 8) bytes at p, the first one lowest, zeroes behind; reads nothing at or behind end. */
static inline uint64_t sql_load(const char *p, size_t n, const char *end)
{
    uint64_t lane = 0;
    if (end - p >= 8) {
        memcpy(&lane, p, 8);
        lane = le64toh(lane);
        return lane & (UINT64_MAX >> (64 - 8 * n));
    }
    for (size_t i = 0; i < n && p + i < end; i++)
        lane |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return lane;
}

/* Case folded away, in each of the eight bytes: a letter's bit of case is cleared. What else may stand in an
   ASCII name stays apart from all others ('_' 5f, digits 10..19, '$' 04). */
#define SQL_FOLD(lane) ((lane)&UINT64_C(0xdfdfdfdfdfdfdfdf))

/* Two words into one: the 128-bit product, folded. */
static inline uint64_t sql_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ UINT64_C(0x8f1bbcdcbfa53e0b)) *
                                (b ^ UINT64_C(0xc2b2ae3d27d4eb4f));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The hash of a name without regard to case; *ret_key gets its first eight bytes, folded. Short names are
   their own hash: what they are mixed into does the mixing. */
static inline uint64_t sql_name_hash(const char *p, size_t n, const char *end, uint64_t *ret_key)
{
    if (n <= 8) {
        *ret_key = n > 0 ? SQL_FOLD(sql_load(p, n, end)) : 0;
        return *ret_key;
    }
    uint64_t key = SQL_FOLD(sql_load(p, 8, end)), hash = key;
    for (size_t i = 8; i < n; i += 8)
        hash = sql_mix(hash, SQL_FOLD(sql_load(p + i, n - i < 8 ? n - i : 8, end)));
    *ret_key = key;
    return hash;
}

#endif
