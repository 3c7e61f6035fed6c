/* test_chunk.c - chunks come in two sizes, empty, are used again last first, and don't pile up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pointsman/base/chunk.h"

static struct chunk_pool pool;

static int set_up(void **state)
{
    (void)state;
    chunk_pool_init(&pool);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    chunk_pool_done(&pool); /* asserts that nothing is taken still */
    return 0;
}

static void sizes(void **state)
{
    static const struct {
        size_t size;
        uint32_t capacity; /* 0: none to be had */
    } cases[] = {
        {0, CHUNK_SMALL},           {1, CHUNK_SMALL},
        {CHUNK_SMALL, CHUNK_SMALL}, {CHUNK_SMALL + 1, CHUNK_LARGE},
        {65000, CHUNK_LARGE},       {CHUNK_LARGE, CHUNK_LARGE},
        {CHUNK_LARGE + 1, 0},       {SIZE_MAX, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct chunk *chunk = chunk_take(&pool, cases[i].size);
        if (!cases[i].capacity) {
            assert_null(chunk);
            continue;
        }
        assert_non_null(chunk);
        assert_int_equal(chunk->capacity, cases[i].capacity);
        assert_int_equal(chunk_used(chunk), 0);
        assert_int_equal(chunk_room(chunk), cases[i].capacity);
        memset(chunk->data, 0x5a, chunk->capacity); /* it is all there */
        chunk_give(&pool, chunk);
    }
    assert_int_equal(pool.taken, 0);
}

static void nothing_is_given_back(void **state)
{
    (void)state;
    chunk_give(&pool, NULL);
    assert_int_equal(pool.taken, 0);
    assert_int_equal(pool.small_count + pool.large_count, 0);
}

static void the_last_used_is_the_next(void **state)
{
    (void)state;
    struct chunk *first = chunk_take(&pool, 10), *second = chunk_take(&pool, 10);
    assert_ptr_not_equal(first, second);
    first->end = 100;
    first->start = 40;
    assert_int_equal(chunk_used(first), 60);
    chunk_give(&pool, second);
    chunk_give(&pool, first);
    assert_int_equal(pool.small_count, 2);
    struct chunk *again = chunk_take(&pool, 10);
    assert_ptr_equal(again, first);
    assert_int_equal(chunk_used(again), 0);
    assert_int_equal(again->start, 0);
    chunk_give(&pool, again);
}

/* What a burst took is given back to the system but for some. */
static void no_more_than_some_are_kept(void **state)
{
    enum { BURST = 1000 };
    static const struct {
        size_t size;
        unsigned kept;
    } kinds[] = {{CHUNK_SMALL, 256}, {CHUNK_LARGE, 16}};
    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        struct list taken;
        list_init(&taken);
        for (int i = 0; i < BURST; i++) {
            struct chunk *chunk = chunk_take(&pool, kinds[kind].size);
            assert_non_null(chunk);
            list_append(&taken, &chunk->link);
        }
        assert_int_equal(pool.taken, BURST);
        list_each_safe (node, &taken) {
            list_remove(node);
            chunk_give(&pool, list_entry(node, struct chunk, link));
        }
        assert_int_equal(pool.taken, 0);
        assert_int_equal(kind ? pool.large_count : pool.small_count, kinds[kind].kept);
    }
}

/* Any order of taking and giving: the counters tell what is, and no chunk is had twice. */
static void at_random(void **state)
{
    enum { HELD = 400, ROUNDS = 20000 };
    static struct chunk *held[HELD];
    unsigned taken = 0;
    (void)state;
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        int i = rand() % HELD;
        if (held[i]) {
            assert_int_equal(held[i]->data[0], (uint8_t)i);
            assert_int_equal(held[i]->data[1], i >> 8);
            chunk_give(&pool, held[i]);
            held[i] = NULL;
            taken--;
        } else {
            held[i] = chunk_take(&pool, rand() % 2 ? CHUNK_SMALL : CHUNK_LARGE);
            held[i]->data[0] = (uint8_t)i;
            held[i]->data[1] = (uint8_t)(i >> 8);
            taken++;
        }
        assert_int_equal(pool.taken, taken);
        assert_true(pool.small_count <= 256 && pool.large_count <= 16);
    }
    for (int i = 0; i < HELD; i++)
        chunk_give(&pool, held[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_used_is_the_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_more_than_some_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(at_random, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
