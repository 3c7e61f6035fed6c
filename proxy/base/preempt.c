/*
 * preempt.c - see preempt.h.
 */
#include "pointsman/base/preempt.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

/* Another policy than these two was somebody's choice, and stays. False: it did. */
static bool set_policy(bool batch)
{
    static const struct sched_param no_priority = {0};
    int policy = sched_getscheduler(0); /* 0: this thread */
    return (policy == SCHED_OTHER || policy == SCHED_BATCH) &&
           sched_setscheduler(0, batch ? SCHED_BATCH : SCHED_OTHER, &no_priority) == 0;
}

/* "<ns on a processor> <ns waited for one> <time slices>" */
static bool look(const struct preempt *preempt, uint64_t *ret_waits, uint64_t *ret_us)
{
    char text[100];
    ssize_t n = pread(preempt->fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    if (sscanf(text, "%*u %" SCNu64 " %" SCNu64, ret_us, ret_waits) != 2)
        return false;
    *ret_us /= 1000;
    return true;
}

void preempt_init(struct preempt *preempt)
{
    *preempt = (struct preempt){.fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)};
    if (preempt->fd >= 0 && look(preempt, &preempt->waits, &preempt->us))
        preempt->defers = set_policy(true);
    if (!preempt->defers)
        preempt_done(preempt);
}

static uint64_t next_pause(const struct preempt *preempt, uint64_t now)
{
    bool again = preempt->until && now - preempt->until < preempt->pause;
    if (!again)
        return PREEMPT_PAUSE;
    return preempt->pause * 2 < PREEMPT_PAUSE_MOST ? preempt->pause * 2 : PREEMPT_PAUSE_MOST;
}

bool preempt_judge(struct preempt *preempt, uint64_t now, uint64_t waits, uint64_t us)
{
    uint64_t some = waits - preempt->waits, waited = us - preempt->us;
    if (!preempt->defers && now < preempt->until)
        return false;
    if (preempt->defers && some < PREEMPT_ENOUGH)
        return true;
    preempt->waits = waits;
    preempt->us = us;
    if (!preempt->defers || waited <= some * PREEMPT_PATIENCE)
        return true;
    preempt->pause = next_pause(preempt, now);
    preempt->until = now + preempt->pause;
    return false;
}

void preempt_tick(struct preempt *preempt, uint64_t now)
{
    uint64_t waits, us;
    if (preempt->fd < 0 || !look(preempt, &waits, &us))
        return;
    bool defers = preempt_judge(preempt, now, waits, us);
    if (defers != preempt->defers && set_policy(defers))
        preempt->defers = defers;
}

void preempt_done(struct preempt *preempt)
{
    if (preempt->fd >= 0)
        close(preempt->fd);
    preempt->fd = -1;
}
