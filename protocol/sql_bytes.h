/*
 * sql_bytes.h - eight bytes at a time: loading them without reading past the end, lower case, hashing.
 */
#ifndef SQL_BYTES_H
#define SQL_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The first n (1..8) bytes at p, the first one lowest, zeroes behind; reads nothing at or behind end. */
static inline uint64_t sql_load(const char *p, size_t n, const char *end)
{
    uint64_t lane = 0;
    if (end - p >= 8) {
        memcpy(&lane, p, 8);
        lane = le64toh(lane);
        return n >= 8 ? lane : lane & ((UINT64_C(1) << (8 * n)) - 1);
    }
    for (size_t i = 0; i < n && p + i < end; i++)
        lane |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return lane;
}

/* ASCII capitals to small letters, in each of the eight bytes; others stay. */
static inline uint64_t sql_lower(uint64_t lane)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t low7 = lane & (each * 0x7f);
    uint64_t above_z = low7 + each * (0x7f - 'Z');
    uint64_t from_a = low7 + each * (0x80 - 'A');
    uint64_t capital = ~lane & (from_a ^ above_z) & (each * 0x80);
    return lane | capital >> 2;
}

/* Two words into one: the 128-bit product, folded. */
static inline uint64_t sql_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ UINT64_C(0x8f1bbcdcbfa53e0b)) *
                                (b ^ UINT64_C(0xc2b2ae3d27d4eb4f));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The hash of a name in lower case; *ret_key gets its first eight bytes. */
static inline uint64_t sql_name_hash(const char *p, size_t n, const char *end, uint64_t *ret_key)
{
    uint64_t key = n > 0 ? sql_lower(sql_load(p, n < 8 ? n : 8, end)) : 0;
    uint64_t hash = sql_mix(key, n);
    for (size_t i = 8; i < n; i += 8)
        hash = sql_mix(hash, sql_lower(sql_load(p + i, n - i < 8 ? n - i : 8, end)));
    *ret_key = key;
    return hash;
}

#endif
