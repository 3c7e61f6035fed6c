/* events.c - the ring of events.h, under one lock. */
#include "pointsman/monitor/events.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static struct {
    pthread_mutex_t lock;
    uint64_t count; /* ever added; the next one goes to slot count % EVENTS_KEPT */
    struct event kept[EVENTS_KEPT];
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t time_of_day_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void events_add(const char *kind, const char *server, const char *step, int64_t duration_ms,
                const char *format, ...)
{
    struct event event = {.time_ms = time_of_day_ms(), .duration_ms = duration_ms};
    snprintf(event.kind, sizeof event.kind, "%s", kind);
    snprintf(event.server, sizeof event.server, "%s", server ? server : "");
    snprintf(event.step, sizeof event.step, "%s", step ? step : "");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event.text, sizeof event.text, format, arguments);
    va_end(arguments);

    pthread_mutex_lock(&ring.lock);
    struct event *slot = &ring.kept[ring.count++ % EVENTS_KEPT];
    event.serial = ring.count;
    *slot = event;
    pthread_mutex_unlock(&ring.lock);
}

size_t events_copy(struct event *out, size_t room)
{
    pthread_mutex_lock(&ring.lock);
    uint64_t kept = ring.count < EVENTS_KEPT ? ring.count : EVENTS_KEPT;
    size_t count = kept < room ? (size_t)kept : room;
    for (size_t i = 0; i < count; i++)
        out[i] = ring.kept[(ring.count - count + i) % EVENTS_KEPT];
    pthread_mutex_unlock(&ring.lock);
    return count;
}
