/*
 * console.h - the console's listeners and connections (private to proxy/admin).
 *
 *   accept ──greeting──> GREETED ──login──> [SWITCHED ──answer──>] READY ──command──> reply ──> READY
 *                            └── refused: ERR, at once or (wrong password) after a second
 *
 * Files: console.c listeners, thread, packets · console_login.c · commands.c and its neighbours: what a
 * statement answers.
 */
#ifndef PROXY_ADMIN_CONSOLE_H
#define PROXY_ADMIN_CONSOLE_H

#include "commands.h"
#include "pointsman/net/conn.h"
#include "pointsman/protocol/protocol.h"

enum guest_step {
    GUEST_GREETED,
    GUEST_SWITCHED, /* asked for mysql_native_password */
    GUEST_READY,
    GUEST_REFUSED, /* its ERR is held back */
    GUEST_CLOSED,  /* freed when the callback that it is in returns */
};

struct guest {
    struct conn conn;
    struct list link; /* console.guests */
    ev_timer timer;   /* the login's deadline, a refusal's, or the end of a long silence */
    enum guest_step step;
    uint32_t capabilities; /* what both sides have; 0 before login */
    uint8_t scramble[SCRAMBLE_LENGTH];
    uint8_t sequence; /* of the next packet to be sent */
    bool with_password;
    char user[128];
    char host[64];
    char schema[128];
    struct asker asker;
};

/* console.c */
bool console_start(const struct config *config, const struct admin_context *context);
void console_stop(void);
void guest_send(struct guest *guest, const struct writer *w);
void guest_send_ok(struct guest *guest, const char *info);
void guest_send_err(struct guest *guest, uint16_t code, const char *state, const char *message);
void guest_close(struct guest *guest);
void guest_wait(struct guest *guest, double seconds); /* until then something must come */

/* console_login.c */
void console_greet(struct guest *guest);
void console_login(struct guest *guest, const uint8_t *payload, size_t length);
void console_refuse_now(struct guest *guest); /* the held back refusal's time has come */

#endif
