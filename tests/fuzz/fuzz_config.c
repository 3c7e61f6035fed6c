/*
 * Fuzz target: a configuration file. Whatever the bytes, it is either refused with a fault or read whole,
 * shown and freed. Host names are not asked for: a fuzzer must not talk to the network.
 */
#include <assert.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int (*resolver)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* In place of libc's: only addresses in numbers are found. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    struct addrinfo numeric = *hints;
    resolver real = (resolver)dlsym(RTLD_NEXT, "getaddrinfo");

    numeric.ai_flags |= AI_NUMERICHOST;
    return real(host, port, &numeric, found);
}

static void show(const struct config *config)
{
    const char *name;
    char value[300], out[300];

    for (size_t i = 0; config_option_at(config, i, &name, value, sizeof value); i++)
        assert(strlen(value) < sizeof value);
    config_restart_only(config, config, out, sizeof out);
    assert(*out == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *file = size ? fmemopen((void *)(uintptr_t)data, size, "r") : fopen("/dev/null", "r");
    char *said = NULL;
    size_t length;
    FILE *faults = open_memstream(&said, &length);
    struct config *config;

    assert(file && faults);
    config = config_load_stream(file, "f", faults);
    fclose(file);
    fclose(faults);
    assert(config || length > 0);
    if (config)
        show(config);
    config_unref(config);
    free(said);
    return 0;
}
