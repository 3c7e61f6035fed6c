/* test_list.c - intrusive lists: order, removal anywhere, and nodes on no list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pointsman/base/list.h"

struct item {
    int before; /* so that the link isn't the first member */
    struct list link;
    char name;
};

enum { ITEMS = 4 };

/* The names in order, checked by walking both ways. */
static const char *names(const struct list *list)
{
    static char out[16];
    size_t n = 0;
    list_each (node, list)
        out[n++] = list_entry(node, struct item, link)->name;
    out[n] = 0;
    for (const struct list *node = list->previous; node != list; node = node->previous)
        assert_int_equal(list_entry(node, struct item, link)->name, out[--n]);
    assert_int_equal(n, 0);
    return out;
}

static void make(struct list *list, struct item items[ITEMS])
{
    list_init(list);
    for (int i = 0; i < ITEMS; i++) {
        items[i] = (struct item){.name = (char)('a' + i)};
        list_init(&items[i].link);
    }
}

static void both_ends(void **state)
{
    struct list list;
    struct item items[ITEMS];
    (void)state;
    make(&list, items);
    assert_true(list_empty(&list));
    assert_null(list_first(&list, struct item, link));
    list_append(&list, &items[0].link);
    list_append(&list, &items[1].link);
    list_prepend(&list, &items[2].link);
    list_insert(&items[1].link, &items[3].link);
    assert_string_equal(names(&list), "cadb");
    assert_ptr_equal(list_first(&list, struct item, link), &items[2]);
    assert_false(list_empty(&list));
    assert_false(list_empty(&items[0].link));
}

static void removal(void **state)
{
    struct list list;
    struct item items[ITEMS];
    (void)state;
    make(&list, items);
    for (int i = 0; i < ITEMS; i++)
        list_append(&list, &items[i].link);
    list_remove(&items[1].link);
    assert_string_equal(names(&list), "acd");
    assert_true(list_empty(&items[1].link));
    list_remove(&items[1].link); /* on no list: nothing happens */
    assert_string_equal(names(&list), "acd");
    list_remove(&items[0].link);
    list_remove(&items[3].link);
    assert_string_equal(names(&list), "c");
    list_append(&list, &items[1].link);
    assert_string_equal(names(&list), "cb");
    list_remove(&items[2].link);
    list_remove(&items[1].link);
    assert_true(list_empty(&list));
}

static void removal_while_walking(void **state)
{
    struct list list, other;
    struct item items[ITEMS];
    (void)state;
    make(&list, items);
    list_init(&other);
    for (int i = 0; i < ITEMS; i++)
        list_append(&list, &items[i].link);
    list_each_safe (node, &list)
        if (list_entry(node, struct item, link)->name % 2) {
            list_remove(node);
            list_prepend(&other, node);
        }
    assert_string_equal(names(&list), "bd");
    assert_string_equal(names(&other), "ca");
    list_each_safe (node, &list)
        list_remove(node);
    assert_true(list_empty(&list));
}

static void splicing(void **state)
{
    struct list to, from;
    struct item items[ITEMS];
    (void)state;
    make(&to, items);
    list_init(&from);
    list_splice(&to, &from);
    assert_true(list_empty(&to));
    list_append(&from, &items[0].link);
    list_append(&from, &items[1].link);
    list_splice(&to, &from);
    assert_string_equal(names(&to), "ab");
    assert_true(list_empty(&from));
    list_splice(&to, &from); /* nothing to move */
    assert_string_equal(names(&to), "ab");
    list_append(&from, &items[2].link);
    list_splice(&to, &from);
    assert_string_equal(names(&to), "abc");
    list_append(&from, &items[3].link);
    assert_string_equal(names(&from), "d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends),
        cmocka_unit_test(removal),
        cmocka_unit_test(removal_while_walking),
        cmocka_unit_test(splicing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
