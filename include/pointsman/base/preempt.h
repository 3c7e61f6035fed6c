/*
 * preempt.h - a thread that, when it is woken up, lets those run on who woke it.
 *
 * Where clients, servers and the proxy share processors, a worker that takes the processor from the first
 * client that sends something finds one statement to pass on, and goes to sleep again. Let it wait until the
 * processor is free, and it finds many: fewer context switches, and statements that share sends. The
 * kernel does so for SCHED_BATCH, which any process may choose (sched(7)); nothing changes where a processor
 * is idle.
 *
 * But somebody who computes without end is waited for too, a time slice for each statement. So each thread
 * looks at how long it waits for a processor when it could run (/proc/thread-self/schedstat, in the kernel's
 * Documentation/scheduler/sched-stats.rst): longer than PREEMPT_PATIENCE on average, and it preempts others
 * as any thread does, for PREEMPT_PAUSE and twice as long each time that this happens again.
 */
#ifndef POINTSMAN_BASE_PREEMPT_H
#define POINTSMAN_BASE_PREEMPT_H

#include <stdbool.h>
#include <stdint.h>

enum { PREEMPT_PATIENCE = 1000 /* us */, PREEMPT_ENOUGH = 10 /* waits, so that their mean says something */ };
enum { PREEMPT_PAUSE = 5000 /* ms */, PREEMPT_PAUSE_MOST = 80000 };

struct preempt {
    int fd;         /* of schedstat; -1: how long it waits can't be told, and nothing is done */
    bool defers;    /* doesn't preempt */
    uint64_t waits; /* how often it had waited for a processor when looked at last */
    uint64_t us;    /* and for how long in all */
    uint64_t until; /* ms: preempts till then */
    uint64_t pause; /* ms: the last */
};

/* For the calling thread, whose own it is: each function is to be called by it. */
void preempt_init(struct preempt *preempt);
/* To be called now and then (20 to 500 ms). */
void preempt_tick(struct preempt *preempt, uint64_t now);
void preempt_done(struct preempt *preempt);

/* What preempt_tick() decides: whether to defer, now that it waited so often and so long since it began. */
bool preempt_judge(struct preempt *preempt, uint64_t now, uint64_t waits, uint64_t us);

#endif
