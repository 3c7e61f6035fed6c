/*
 * test_mailbox.c - messages between threads: none is lost, each sender's come in order, in the owner's
 * thread, and handlers may send again.
 *
 *   SENDERS threads ──mailbox_send──> box ──ev_async──> the test's loop: received()
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../loop.h"
#include "pointsman/base/mailbox.h"

enum { SENDERS = 4, LETTERS = 5000 };

struct owner {
    pthread_t thread;
    int next[SENDERS]; /* number of the letter expected of each */
    int total;
    int replies; /* how many more letters a handler sends to its own box */
    struct mailbox box;
};

struct letter {
    struct mail mail;
    int sender, number;
};

struct sender {
    struct mailbox *box;
    int id;
    pthread_t thread;
};

static struct ev_loop *loop;
static struct owner owner;

static int set_up(void **state)
{
    (void)state;
    loop = ev_loop_new(0);
    owner = (struct owner){.thread = pthread_self()};
    mailbox_init(&owner.box, loop, &owner);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mailbox_done(&owner.box);
    ev_loop_destroy(loop);
    return 0;
}

static void post(struct mailbox *box, void (*handle)(void *, struct mail *), int sender, int number)
{
    struct letter *letter = malloc(sizeof *letter);
    if (!letter)
        abort();
    *letter = (struct letter){.mail.handle = handle, .sender = sender, .number = number};
    mailbox_send(box, &letter->mail);
}

static void received(void *of, struct mail *mail)
{
    struct owner *me = of;
    struct letter *letter = list_entry(mail, struct letter, mail);
    assert_true(pthread_equal(me->thread, pthread_self()));
    assert_true(list_empty(&mail->link));
    assert_int_equal(letter->number, me->next[letter->sender]);
    me->next[letter->sender]++;
    me->total++;
    free(letter);
}

static void received_and_replied(void *of, struct mail *mail)
{
    struct owner *me = of;
    int sender = list_entry(mail, struct letter, mail)->sender;
    received(of, mail);
    if (me->replies-- > 0)
        post(&me->box, received_and_replied, sender, me->next[sender]);
}

static bool has_all(void *total)
{
    return owner.total == *(int *)total;
}

static void *send_letters(void *arg)
{
    struct sender *sender = arg;
    for (int i = 0; i < LETTERS; i++)
        post(sender->box, received, sender->id, i);
    return NULL;
}

static void several_senders(void **state)
{
    struct sender senders[SENDERS];
    int all = SENDERS * LETTERS;
    (void)state;
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.box = &owner.box, .id = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_letters, &senders[i]), 0);
    }
    assert_true(loop_until(loop, has_all, &all));
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(senders[i].thread, NULL);
        assert_int_equal(owner.next[i], LETTERS);
    }
}

static void nothing_is_handled_before_the_loop_runs(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        post(&owner.box, received, 0, i);
    assert_int_equal(owner.total, 0);
    loop_round(loop);
    assert_int_equal(owner.total, 3);
}

/* What a handler sends is handled in a later round, so that the loop's other events get their turn. */
static void a_handler_sends_to_its_own_box(void **state)
{
    (void)state;
    owner.replies = 5;
    post(&owner.box, received_and_replied, 0, 0);
    loop_round(loop);
    assert_int_equal(owner.total, 1);
    int all = 6;
    assert_true(loop_until(loop, has_all, &all));
}

static void what_is_left_at_the_end_is_handled(void **state)
{
    (void)state;
    struct owner late = {.thread = pthread_self()};
    mailbox_init(&late.box, loop, &late);
    post(&late.box, received, 0, 0);
    post(&late.box, received, 0, 1);
    mailbox_done(&late.box);
    assert_int_equal(late.total, 2);
}

/* A handler that sends while the box is being closed: that too is handled, not leaked. */
static void what_handlers_send_at_the_end_is_handled(void **state)
{
    (void)state;
    struct owner late = {.thread = pthread_self(), .replies = 2};
    mailbox_init(&late.box, loop, &late);
    post(&late.box, received_and_replied, 0, 0);
    mailbox_done(&late.box);
    assert_int_equal(late.total, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_senders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_handled_before_the_loop_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_handler_sends_to_its_own_box, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_left_at_the_end_is_handled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_handlers_send_at_the_end_is_handled, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
