/*
 * readers.h - clients that read without pause, in threads, while something is done to the servers.
 *
 *   readers_start ──> each asks which server answers, again and again
 *   readers_await      until one server, or any, has given so many answers more; or until each has been
 * answered readers_look       what went wrong up to now, and how long the longest answer took since the last
 * look readers_stop
 */
#ifndef POINTSMAN_TESTS_READERS_H
#define POINTSMAN_TESTS_READERS_H

#include "pointsman.h"

struct readers;

struct readers_outcome {
    int errors;         /* all of them since the start */
    int64_t longest_us; /* the longest answer; what isn't answered yet counts up to now */
    char why[200];      /* one of the errors */
};

/* `count` sessions of the account app, logged in when it returns. `read` gives @@server_id as its first
 * value. NULL: they could not log in. */
struct readers *readers_start(struct pointsman *proxy, int count, const char *read);
/* False: they weren't given in time. server: an index into the set, or -1 for whichever. */
bool readers_await(struct readers *readers, int server, int answers, int timeout_ms);
/* Until each of them has an answer to a question that it asked after this call. */
bool readers_await_each(struct readers *readers, int timeout_ms);
int readers_answers(const struct readers *readers, int server); /* since the start */
struct readers_outcome readers_look(struct readers *readers);
struct readers_outcome readers_stop(struct readers *readers); /* frees them too */

#endif
