/*
 * sql_bytes.h - eight bytes at a time: loading them without reading past the end, lower case, hashing.
 */
#ifndef SQL_BYTES_H
#define SQL_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The eight bytes at p, the first one lowest, zeroes in place of those at or behind end; reads nothing
   outside of begin..end. */
static inline uint64_t sql_load(const char *p, const char *begin, const char *end)
{
    uint64_t lane = 0;
    if (end - p >= 8) {
        memcpy(&lane, p, 8);
        return le64toh(lane);
    }
    if (end - begin >= 8 && p < end) { /* the last eight, without those before p */
        memcpy(&lane, end - 8, 8);
        return le64toh(lane) >> (64 - 8 * (end - p));
    }
    for (unsigned i = 0; p + i < end; i++)
        lane |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return lane;
}

/* Bytes side by side: what is computed is computed for each; comparisons give ff or 00. */
typedef uint8_t sql_bytes __attribute__((vector_size(16)));
typedef uint64_t sql_lanes __attribute__((vector_size(16)));

/* ff for each of the eight bytes that is a letter, a digit or an underscore of ASCII, else 00. */
static inline uint64_t sql_name_bytes(uint64_t lane)
{
    sql_bytes bytes = (sql_bytes)(sql_lanes){lane, 0};
    sql_bytes letter = (bytes | 0x20) - 'a', digit = bytes - '0'; /* what is below wraps around */
    return ((sql_lanes)((letter < 26) | (digit < 10) | (bytes == '_')))[0];
}

/* The bytes before the first one that `ends` marks by ff, zeroes behind; all if none is. */
static inline uint64_t sql_before(uint64_t lane, uint64_t ends)
{
    return lane & ((ends & -ends) - 1);
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
static inline uint64_t sql_name_hash(const char *p, const char *to, const char *begin, uint64_t *ret_key)
{
    uint64_t hash = *ret_key = SQL_FOLD(sql_load(p, begin, to));
    while (to - p > 8) {
        p += 8;
        hash = sql_mix(hash, SQL_FOLD(sql_load(p, begin, to)));
    }
    return hash;
}

#endif
