/*
 * impostor.h - a server that isn't one: honest to the monitor, scripted to everybody else.
 *
 *   monitor's connections ──> passed on to a real server
 *   others:  greeting (the real one's) ──> login (any will do) ──> OK to every command
 *              │                             │                      │ but where the script says
 *              └── IMPOSTOR_GREETING         └── IMPOSTOR_LOGIN     └── IMPOSTOR_SETUP (the first command),
 *                                                                       IMPOSTOR_COMMAND (one that contains
 *                                                                       "rogue")
 */
#ifndef POINTSMAN_TESTS_IMPOSTOR_H
#define POINTSMAN_TESTS_IMPOSTOR_H

#include <stddef.h>

enum impostor_stage { IMPOSTOR_GREETING, IMPOSTOR_LOGIN, IMPOSTOR_SETUP, IMPOSTOR_COMMAND };
enum impostor_then {
    IMPOSTOR_CLOSES,
    IMPOSTOR_STAYS,   /* and says nothing more until the next packet */
    IMPOSTOR_REPEATS, /* says `again` until the peer closes */
};

struct impostor_script {
    enum impostor_stage stage;
    const void *says; /* raw bytes, packet headers included; borrowed while it is played */
    size_t length;
    enum impostor_then then;
    const void *again;
    size_t again_length;
};

struct impostor;

/* Listens on a free port of 127.0.0.1, in front of the real server's port. NULL: it could not. */
struct impostor *impostor_start(int real_port);
int impostor_port(const struct impostor *impostor);
/* From now on, on connections new and old (NULL: honest and boring). Borrowed until the next call. */
void impostor_play(struct impostor *impostor, const struct impostor_script *script);
void impostor_stop(struct impostor *impostor); /* NULL-safe */

#endif
