/*
 * twin.h - a session twice: behind the proxy and on one connection to a server. What both answer is written
 * down as text, all that the client library tells of it, so that two answers can be compared and shown.
 *
 *   twin_open ──> twin_ask ──(others may ask meanwhile)──> twin_answers ──> answers[0] == answers[1]?
 *                 twin_command                                                  ^
 *                     └─────────────────────────────────────────────────────────┘
 */
#ifndef POINTSMAN_TESTS_TWIN_H
#define POINTSMAN_TESTS_TWIN_H

#include "cluster.h"

enum { TWIN_BEHIND, TWIN_DIRECT, TWIN_SIDES, TWIN_STATEMENTS = 2 };

struct twin {
    MYSQL *side[TWIN_SIDES];
    MYSQL_STMT *prepared[TWIN_SIDES][TWIN_STATEMENTS];
    char *answers[TWIN_SIDES]; /* of the last statement or command; owned */
};

/* True if both sides could be opened. schema may be NULL; flags are mysql_real_connect()'s. */
bool twin_open(struct twin *twin, const int ports[TWIN_SIDES], const struct cluster_account *account,
               const char *schema, unsigned long flags);
void twin_close(struct twin *twin);

/* Sends text to the side behind the proxy, without waiting. */
void twin_ask(struct twin *twin, const char *text);
/* Runs the same text directly, and reads the answer of the other side. */
void twin_answers(struct twin *twin, const char *text);

/* Commands on both sides, with their answers. */
void twin_reset(struct twin *twin);
void twin_change_user(struct twin *twin, const char *user, const char *password, const char *schema);
void twin_select_db(struct twin *twin, const char *schema);
void twin_ping(struct twin *twin);
void twin_prepare(struct twin *twin, int which, const char *text);
/* All parameters are `parameter`. Nothing happens where nothing is prepared. */
void twin_execute(struct twin *twin, int which, long long parameter);
void twin_drop(struct twin *twin, int which);

#endif
