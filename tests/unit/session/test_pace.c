/* test_pace.c - which statements are known to be quick enough to share a connection, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../../proxy/session/pace.h"

enum { DIGEST = 0x123456, OTHER = DIGEST + 2, STALL_US = 20001, ODD_FOR = 255 };

static struct paces paces;

static int forget_all(void **state)
{
    (void)state;
    memset(&paces, 0, sizeof paces);
    return 0;
}

static void learn(int times, uint64_t digest, uint64_t us)
{
    for (int i = 0; i < times; i++)
        pace_learn(&paces, digest, us, true);
}

/* ---- what is known, and what is quick ---- */

static const struct {
    const char *what;
    int first_times;
    uint64_t first_us;
    int then_times;
    uint64_t then_us;
    uint32_t expected; /* us; 0: alone */
} courses[] = {
    {"never seen", 0, 0, 0, 0, 0},
    {"seen once", 1, 300, 0, 0, 0},
    {"seen twice", 2, 300, 0, 0, 0},
    {"seen three times", 3, 300, 0, 0, 301},
    {"seen often", 70000, 300, 0, 0, 301},
    {"takes no time that could be measured", 3, 0, 0, 0, 1},
    {"just quick enough", 3, PACE_QUICK - 1, 0, 0, PACE_QUICK},
    {"too slow", 3, PACE_QUICK, 0, 0, 0},
    {"as slow as can be", 3, UINT64_MAX, 0, 0, 0},
    {"falls by a quarter", 3, 800, 1, 400, 601},
    {"falls soon", 3, 1600, 10, 100, 101},
    {"slow at first only", 3, 3000, 3, 100, 1267},
    {"rises slowly", 3, 100, 1, 740, 102},
    {"rises by a 128th", 3, 1280, 1, 1900, 1292},
    {"hindered for long", 3, 100, 5, 19000, 106},
    {"has become slow", 3, 100, 20, 10000, 0},
    {"takes some times as long: in its own time", 3, 100, 20, 800, 121},
};

static void what_is_quick(void **state)
{
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
        memset(&paces, 0, sizeof paces);
        learn(courses[i].first_times, DIGEST, courses[i].first_us);
        learn(courses[i].then_times, DIGEST, courses[i].then_us);
        uint32_t us = pace_of(&paces, DIGEST);
        if (us != courses[i].expected) {
            print_error("%s: %u us, not %u\n", courses[i].what, us, courses[i].expected);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void each_digest_for_itself(void **state)
{
    (void)state;
    learn(3, DIGEST, 100);
    learn(3, OTHER, PACE_QUICK);
    assert_int_equal(pace_of(&paces, DIGEST), 101);
    assert_int_equal(pace_of(&paces, OTHER), 0);
    assert_int_equal(pace_of(&paces, OTHER + 2), 0);
}

/* ---- in a queue ---- */

/* Each statement's part of the time is what it was expected to take. */
static void a_bunch_is_divided(void **state)
{
    (void)state;
    learn(3, DIGEST, 100);
    learn(3, OTHER, 1000);
    pace_queued(&paces, DIGEST, 100, true);
    pace_queued(&paces, OTHER, 1000, true);
    pace_queued(&paces, DIGEST, 100, true);
    pace_bunch(&paces, 1080); /* nine tenths */
    assert_int_equal(pace_of(&paces, DIGEST), 91);
    assert_int_equal(pace_of(&paces, OTHER), 901);
    pace_bunch(&paces, 5000); /* none came: nothing is learned */
    assert_int_equal(pace_of(&paces, DIGEST), 91);
}

static void a_bunch_that_is_too_long_counts_in_part(void **state)
{
    (void)state;
    learn(3, DIGEST, 100);
    for (int i = 0; i < PACE_BUNCH + 10; i++)
        pace_queued(&paces, DIGEST, 100, true);
    pace_bunch(&paces, 90 * PACE_BUNCH);
    assert_int_equal(pace_of(&paces, DIGEST), 91);
}

/* The head of the queue is the one that was waited for. */
static void the_first_of_a_bunch_stalls(void **state)
{
    (void)state;
    learn(3, DIGEST, 100);
    learn(3, OTHER, 100);
    for (int i = 0; i < 3; i++) {
        pace_queued(&paces, DIGEST, 100, true);
        pace_queued(&paces, OTHER, 100, true);
        pace_bunch(&paces, STALL_US);
    }
    assert_int_equal(pace_of(&paces, DIGEST), 0);
    assert_int_not_equal(pace_of(&paces, OTHER), 0);
}

static void an_odd_one_in_a_bunch_runs_alone(void **state)
{
    (void)state;
    learn(3, DIGEST, 100);
    learn(3, OTHER, 100);
    pace_queued(&paces, DIGEST, 100, true);
    pace_queued(&paces, OTHER, 100, false);
    pace_bunch(&paces, 200);
    assert_int_equal(pace_of(&paces, DIGEST), 101);
    assert_int_equal(pace_of(&paces, OTHER), 0);
}

/* ---- slow now and then, odd ---- */

/* Two of late are borne, three are not, until as many quick ones came as make them rare again. */
static void one_that_stalls_runs_alone(void **state)
{
    (void)state;
    learn(3, DIGEST, 100);
    for (int i = 0; i < 2; i++) {
        pace_learn(&paces, DIGEST, STALL_US, true);
        assert_int_not_equal(pace_of(&paces, DIGEST), 0);
    }
    pace_learn(&paces, DIGEST, STALL_US, true);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(pace_of(&paces, DIGEST), 0);
        learn(1, DIGEST, 100);
    }
    assert_int_equal(pace_of(&paces, DIGEST), 101);
}

static void rare_stalls_are_borne(void **state)
{
    int alone = 0;
    (void)state;
    learn(3, DIGEST, 100);
    for (int i = 0; i < 640; i++) {
        pace_learn(&paces, DIGEST, i % 10 ? 100 : STALL_US, true);
        alone += pace_of(&paces, DIGEST) == 0;
    }
    assert_int_equal(alone, 0);
}

/* However often it stalls, what counts them doesn't wrap. */
static void one_that_always_stalls_stays_alone(void **state)
{
    (void)state;
    learn(3, DIGEST, 100);
    for (int i = 0; i < 3; i++)
        pace_learn(&paces, DIGEST, STALL_US, true);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(pace_of(&paces, DIGEST), 0);
        pace_learn(&paces, DIGEST, STALL_US, true);
    }
}

/* An error, warnings or a long answer: it may leave them again. */
static void an_odd_one_runs_alone_for_a_while(void **state)
{
    (void)state;
    learn(3, DIGEST, 100);
    assert_int_equal(pace_of(&paces, DIGEST), 101);
    for (int turn = 0; turn < 2; turn++) {
        pace_learn(&paces, DIGEST, 100, false);
        for (int i = 0; i < ODD_FOR - 50 * turn; i++) {
            assert_int_equal(pace_of(&paces, DIGEST), 0);
            learn(1, DIGEST, 100);
        }
        assert_int_equal(pace_of(&paces, DIGEST), turn == 0 ? 101 : 0);
    }
    pace_learn(&paces, DIGEST, 100, false); /* once more: from the beginning */
    learn(ODD_FOR - 1, DIGEST, 100);
    assert_int_equal(pace_of(&paces, DIGEST), 0);
    learn(1, DIGEST, 100);
    assert_int_equal(pace_of(&paces, DIGEST), 101);
}

/* ---- places ---- */

/* Three digests for the two places of a pair. */
enum { RARE = DIGEST, COMMON = DIGEST | 1, NEWCOMER = DIGEST + PACE_ENTRIES };

static bool has_place(uint64_t digest)
{
    const struct pace *pair = &paces.entries[digest & (PACE_ENTRIES - 2)];
    return pair[0].digest == digest || pair[1].digest == digest;
}

static void the_one_seen_less_often_goes(void **state)
{
    (void)state;
    learn(4, RARE, 100);
    learn(100, COMMON, 200);
    learn(2, NEWCOMER, 300);                    /* 4, 2, 1: nothing is kept of it yet */
    assert_int_equal(pace_of(&paces, RARE), 0); /* not known well enough any more */
    assert_true(has_place(RARE));
    learn(1, NEWCOMER, 300);
    assert_true(has_place(NEWCOMER) && !has_place(RARE));
    assert_int_equal(pace_of(&paces, NEWCOMER), 0); /* seen once */
    learn(2, NEWCOMER, 300);
    assert_int_equal(pace_of(&paces, NEWCOMER), 301);
    assert_int_equal(pace_of(&paces, COMMON), 201);
    assert_int_equal(pace_of(&paces, RARE), 0);
}

/* Nothing of who had the place before is left to the next. */
static void a_place_is_taken_over_clean(void **state)
{
    (void)state;
    learn(100, COMMON, 200);
    pace_learn(&paces, RARE, STALL_US, false);
    for (int i = 0; i < 2; i++)
        pace_learn(&paces, RARE, STALL_US, true);
    learn(5, NEWCOMER, 300);
    assert_true(has_place(NEWCOMER) && !has_place(RARE));
    assert_int_equal(pace_of(&paces, NEWCOMER), 301);
}

/* Many that come once each don't take the place of those that come often. */
static void those_in_use_keep_their_places(void **state)
{
    (void)state;
    learn(100, COMMON, 200);
    learn(100, RARE, 100);
    for (int i = 0; i < 1000; i++) {
        learn(3, RARE, 100);
        learn(3, COMMON, 200);
        learn(1, NEWCOMER + (uint64_t)i * PACE_ENTRIES, 300);
        if (!has_place(RARE) || !has_place(COMMON))
            fail_msg("lost to newcomer %d", i);
    }
    assert_int_equal(pace_of(&paces, RARE), 101);
    assert_int_equal(pace_of(&paces, COMMON), 201);
}

int main(void)
{
#define afresh(test) cmocka_unit_test_setup(test, forget_all)
    const struct CMUnitTest tests[] = {
        afresh(what_is_quick),
        afresh(each_digest_for_itself),
        afresh(one_that_stalls_runs_alone),
        afresh(rare_stalls_are_borne),
        afresh(one_that_always_stalls_stays_alone),
        afresh(an_odd_one_runs_alone_for_a_while),
        afresh(a_bunch_is_divided),
        afresh(a_bunch_that_is_too_long_counts_in_part),
        afresh(the_first_of_a_bunch_stalls),
        afresh(an_odd_one_in_a_bunch_runs_alone),
        afresh(the_one_seen_less_often_goes),
        afresh(a_place_is_taken_over_clean),
        afresh(those_in_use_keep_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
