/* loop.h - runs an event loop until something holds, at most some seconds: tests wait for conditions. */
#ifndef POINTSMAN_TESTS_UNIT_LOOP_H
#define POINTSMAN_TESTS_UNIT_LOOP_H

#include <ev.h>
#include <stdbool.h>

enum { LOOP_PATIENCE_S = 10 };

static inline void loop_out_of_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    *(bool *)timer->data = true;
}

/* False: it didn't come to hold in time. */
static inline bool loop_until(struct ev_loop *loop, bool (*holds)(void *arg), void *arg)
{
    bool late = false;
    ev_timer timer;
    ev_timer_init(&timer, loop_out_of_patience, LOOP_PATIENCE_S, 0);
    timer.data = &late;
    ev_now_update(loop);
    ev_timer_start(loop, &timer);
    while (!holds(arg) && !late)
        ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &timer);
    return !late;
}

/* What is ready now is handled; waits for nothing. */
static inline void loop_round(struct ev_loop *loop)
{
    ev_run(loop, EVRUN_NOWAIT);
}

#endif
