/* vectors.h - the captured packets of tests/vectors, for tests that run from the repository's top folder. */
#ifndef POINTSMAN_TESTS_UNIT_PROTOCOL_VECTORS_H
#define POINTSMAN_TESTS_UNIT_PROTOCOL_VECTORS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct vector {
    uint8_t data[16384];
    size_t length;
};

static inline struct vector vector_load(const char *name)
{
    static struct vector v;
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "tests/vectors/%s.bin", name);
    file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "no %s: run this from the repository's top folder\n", path);
        abort();
    }
    v.length = fread(v.data, 1, sizeof v.data, file);
    fclose(file);
    return v;
}

#endif
