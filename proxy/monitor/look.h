/* look.h - one look at a server over an open connection: the questions and the reading of their answers. */
#ifndef PROXY_MONITOR_LOOK_H
#define PROXY_MONITOR_LOOK_H

#include "client.h"

/*
 * Fills in all of *look but the failure. `deep`: also what changes rarely and costs more to ask
 * (semi-synchronous state); otherwise that stays as it is in *look. False: client_failure() has why, *look is
 * as it was.
 */
bool look_at(struct client *client, bool deep, struct server_look *look);

/* "5.5.5-10.11.19-MariaDB", "9.7.4" -> 101119, 90704; 0 if there is no number. */
uint32_t look_version(const char *text);

#endif
