/*
 * penalty.c - failed logins by address. One small table for all workers: it is asked for failures only, and
 * for the address of a success only if anybody failed of late. Old entries make room for new ones, so its
 * size is fixed.
 */
#include "penalty.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { ENTRIES = 1024, FREE_TRIES = 3, FIRST_MS = 100, LONGEST_MS = 5000, FORGET_MS = 60000 };

static struct {
    char address[64];
    unsigned failures;
    uint64_t last;
} entries[ENTRIES];
static atomic_uint used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned slot_of(const char *address)
{
    uint32_t hash = 2166136261u;
    for (; *address; address++)
        hash = (hash ^ (unsigned char)*address) * 16777619u;
    return hash % ENTRIES;
}

uint64_t penalty_of(const char *address, uint64_t now)
{
    pthread_mutex_lock(&lock);
    unsigned slot = slot_of(address);
    if (strncmp(entries[slot].address, address, sizeof entries->address - 1) != 0 ||
        now - entries[slot].last > FORGET_MS) {
        if (!entries[slot].address[0])
            atomic_fetch_add(&used, 1);
        snprintf(entries[slot].address, sizeof entries->address, "%s", address);
        entries[slot].failures = 0;
    }
    entries[slot].last = now;
    unsigned failures = ++entries[slot].failures;
    pthread_mutex_unlock(&lock);
    if (failures <= FREE_TRIES)
        return 0;
    unsigned doublings = failures - FREE_TRIES - 1;
    uint64_t ms = doublings < 8 ? (uint64_t)FIRST_MS << doublings : LONGEST_MS;
    return ms < LONGEST_MS ? ms : LONGEST_MS;
}

void penalty_forgive(const char *address)
{
    if (atomic_load(&used) == 0)
        return;
    pthread_mutex_lock(&lock);
    unsigned slot = slot_of(address);
    if (entries[slot].address[0] &&
        strncmp(entries[slot].address, address, sizeof entries->address - 1) == 0) {
        entries[slot].address[0] = 0;
        atomic_fetch_sub(&used, 1);
    }
    pthread_mutex_unlock(&lock);
}
