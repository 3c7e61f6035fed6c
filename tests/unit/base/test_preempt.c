/* test_preempt.c - when a thread lets others run on, and that the kernel is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "pointsman/base/preempt.h"

enum { START = 1000000 /* ms */, LONG = PREEMPT_PATIENCE + 1 };

static struct preempt preempt;
static uint64_t all_waits, all_us;

static int begin(void **state)
{
    (void)state;
    all_waits = all_us = 0;
    preempt = (struct preempt){.fd = -1, .defers = true};
    return 0;
}

/* Waits some more times, each for so long. */
static bool judge(uint64_t now, uint64_t waits, uint64_t each)
{
    all_waits += waits;
    all_us += waits * each;
    return preempt.defers = preempt_judge(&preempt, now, all_waits, all_us);
}

static void short_waits_are_borne(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_true(judge(START + 20 * i, PREEMPT_ENOUGH, PREEMPT_PATIENCE));
}

static void long_waits_end_it(void **state)
{
    (void)state;
    assert_true(judge(START, 1000, 10));
    assert_false(judge(START + 20, PREEMPT_ENOUGH, LONG)); /* what was before doesn't count */
}

static void a_few_say_nothing(void **state)
{
    (void)state;
    assert_true(judge(START, PREEMPT_ENOUGH - 1, 100 * LONG));
    assert_false(judge(START + 20, 1, LONG)); /* but they count with what follows */
}

static void it_is_tried_again_later_and_later(void **state)
{
    uint64_t now = START, pause = PREEMPT_PAUSE;
    (void)state;
    for (int i = 0; i < 6; i++) {
        assert_false(judge(now, PREEMPT_ENOUGH, LONG));
        assert_false(judge(now + pause - 1, 1000, 0));
        assert_true(judge(now + pause, 1000, LONG)); /* while it preempted: no matter */
        now += pause + 20;
        pause = 2 * pause < PREEMPT_PAUSE_MOST ? 2 * pause : PREEMPT_PAUSE_MOST;
    }
    assert_int_equal(pause, PREEMPT_PAUSE_MOST);
    now += PREEMPT_PAUSE_MOST; /* it went well for long */
    assert_false(judge(now, PREEMPT_ENOUGH, LONG));
    assert_true(judge(now + PREEMPT_PAUSE, 1, 0));
}

/* ---- the kernel ---- */

static void *in_thread(void *argument)
{
    int *policies = argument;
    struct preempt own;
    preempt_init(&own);
    policies[0] = sched_getscheduler(0);
    own.us -= (uint64_t)LONG * 1000000; /* as if it had waited since then */
    own.waits -= PREEMPT_ENOUGH;
    preempt_tick(&own, START);
    policies[1] = sched_getscheduler(0);
    preempt_tick(&own, START + PREEMPT_PAUSE);
    policies[2] = sched_getscheduler(0);
    preempt_done(&own);
    return NULL;
}

static void the_kernel_is_told(void **state)
{
    int policies[3];
    pthread_t thread;
    bool told = access("/proc/thread-self/schedstat", R_OK) == 0; /* else it isn't done at all */
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, in_thread, policies), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(policies[0], told ? SCHED_BATCH : SCHED_OTHER);
    assert_int_equal(policies[1], SCHED_OTHER);
    assert_int_equal(policies[2], policies[0]);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER); /* other threads are let alone */
}

/* Somebody chose another policy for the program: it stays. */
static void *in_idle_thread(void *argument)
{
    int *policy = argument;
    struct sched_param none = {0};
    struct preempt own;
    sched_setscheduler(0, SCHED_IDLE, &none);
    preempt_init(&own);
    preempt_tick(&own, START);
    *policy = sched_getscheduler(0);
    preempt_done(&own);
    return NULL;
}

static void another_policy_stays(void **state)
{
    int policy;
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, in_idle_thread, &policy), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(policy, SCHED_IDLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(short_waits_are_borne, begin),
        cmocka_unit_test_setup(long_waits_end_it, begin),
        cmocka_unit_test_setup(a_few_say_nothing, begin),
        cmocka_unit_test_setup(it_is_tried_again_later_and_later, begin),
        cmocka_unit_test(the_kernel_is_told),
        cmocka_unit_test(another_policy_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
