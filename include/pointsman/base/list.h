/*
 * list.h - intrusive doubly linked lists. A node that is on no list points to itself, so list_remove() is
 * always safe on an initialised node and list_empty() tells both "empty list" and "node on no list".
 */
#ifndef POINTSMAN_BASE_LIST_H
#define POINTSMAN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *previous;
};

static inline void list_init(struct list *list)
{
    list->next = list->previous = list;
}
static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}
static inline void list_insert(struct list *before, struct list *node)
{
    node->next = before;
    node->previous = before->previous;
    before->previous->next = node;
    before->previous = node;
}
static inline void list_append(struct list *list, struct list *node)
{
    list_insert(list, node);
}
static inline void list_prepend(struct list *list, struct list *node)
{
    list_insert(list->next, node);
}
static inline void list_remove(struct list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}
/* Moves all nodes of `from` to the end of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    list_init(from);
}

#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))
#define list_first(list, type, member)                                                                       \
    (list_empty(list) ? (type *)NULL : list_entry((list)->next, type, member))
#define list_each(node, head) for (struct list *node = (head)->next; node != (head); node = node->next)
/* `node` may be removed, and nothing else. */
#define list_each_safe(node, head)                                                                           \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);                        \
         node = node##_next, node##_next = node->next)

#endif
