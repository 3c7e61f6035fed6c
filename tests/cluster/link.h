/*
 * link.h - the cable to a server: passes bytes on until it is told to do worse.
 *
 *   peer ──> 127.0.0.1:link_port() ──> server          LINK_WHOLE
 *   peer <─FIN───────────────────┘──> server           LINK_HALF_CLOSED: whatever the peer still sends
 * arrives, nothing comes back peer ──>│                       │<── server        LINK_SILENT: nothing
 * arrives, nobody is told
 *
 * What is no server's doing: a process that dies or stops takes both directions with it.
 */
#ifndef POINTSMAN_TESTS_LINK_H
#define POINTSMAN_TESTS_LINK_H

enum link_mode { LINK_WHOLE, LINK_HALF_CLOSED, LINK_SILENT };

struct link;

/* Listens on a free port of 127.0.0.1, in front of a server's port. NULL: it could not. */
struct link *link_start(int server_port);
int link_port(const struct link *link);
/* HALF_CLOSED does it to those connections that there are, new ones are whole. SILENT counts for new ones
 * too, which are accepted. Connections that were SILENT are closed by WHOLE. */
void link_set(struct link *link, enum link_mode mode);
void link_stop(struct link *link); /* NULL-safe */

#endif
