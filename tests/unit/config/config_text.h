/*
 * config_text.h - reading a configuration out of a string, for the tests of proxy/config.
 */
#ifndef TESTS_CONFIG_TEXT_H
#define TESTS_CONFIG_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/config/config.h"

/* What a file needs at least; three lines of [monitor], two of [server db1]. */
#define MINIMAL "[monitor]\nuser = m\npassword = hush\n[server db1]\naddress = 127.0.0.1:3310\n"

static char config_said[65536]; /* the faults and warnings of the last reading */

static inline struct config *config_from_bytes(const char *bytes, size_t length)
{
    FILE *file = length ? fmemopen((void *)(uintptr_t)bytes, length, "r") : fopen("/dev/null", "r");
    FILE *faults = fmemopen(config_said, sizeof config_said, "w");
    struct config *config;

    if (!file || !faults)
        abort();
    config_said[0] = '\0';
    config = config_load_stream(file, "f", faults);
    fclose(file);
    fclose(faults);
    return config;
}

static inline struct config *config_from(const char *text)
{
    return config_from_bytes(text, strlen(text));
}

#endif
