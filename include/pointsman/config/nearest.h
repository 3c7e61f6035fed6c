/*
 * nearest.h - the known name that somebody who mistyped most likely meant.
 */
#ifndef POINTSMAN_CONFIG_NEAREST_H
#define POINTSMAN_CONFIG_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* How many insertions, deletions, substitutions and swaps of neighbours lie between two names, upper and
 * lower case being the same, "-" and "_" too. Longer names than NEAREST_MAX bytes are compared by their
 * beginning. */
enum { NEAREST_MAX = 63 };
unsigned nearest_distance(const char *a, const char *b);

/* Looks at names one by one and keeps the best. Start with {.word = ...}. The names are borrowed. */
struct nearest {
    const char *word;
    const char *name;  /* the best so far; NULL: none was looked at */
    const void *about; /* what the caller said about it */
    unsigned distance;
};
void nearest_look(struct nearest *nearest, const char *name, const void *about);

/* The best is near enough to be meant: at most a third of the word differs, or the word is its beginning. */
bool nearest_is_likely(const struct nearest *nearest);

#endif
