/*
 * lines.h - an INI file as headings and keys, each with the number of its line.
 */
#ifndef POINTSMAN_CONFIG_LINES_H
#define POINTSMAN_CONFIG_LINES_H

#include <stdio.h>

#include "fault.h"

/* Who is told. The strings are borrowed for the call, trimmed, without comments; name and key are never
 * empty. */
struct lines_listener {
    void (*heading)(void *user, unsigned line, const char *name);
    void (*key)(void *user, unsigned line, const char *key, const char *value);
    void *user;
};

/* Reads the stream to its end and tells the listener of every sound line; the others are faults. Returns the
 * number of the last line, at least 1. */
unsigned lines_read(FILE *file, const struct lines_listener *listener, struct faults *faults);

#endif
