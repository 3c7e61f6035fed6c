/*
 * handles.h - a session's statements of the binary protocol, by the ids that its client has (private to
 * proxy/session).
 *
 *   COM_STMT_PREPARE ──> handle ──> struct prepared (pointsman/pool/prepared.h), shared with all who prepare
 * the same ├── the parameters' types, as sent once: servers are told them with each EXECUTE ├── long data,
 * until it is executed (a little of it: else it is where it was sent) └── whether its cursor, or its long
 * data, is on the connection that the session holds
 */
#ifndef POINTSMAN_SESSION_HANDLES_H
#define POINTSMAN_SESSION_HANDLES_H

#include "pointsman/pool/prepared.h"

enum { HANDLE_LATEST = UINT32_MAX /* in place of an id: the one prepared last */ };
enum { LONG_DATA_MAX = 1024 * 1024 /* bytes that a session may have waiting here */ };

/* One COM_STMT_SEND_LONG_DATA: a whole packet, but for the server's id. */
struct long_data {
    struct long_data *next;
    uint32_t length;
    uint8_t packet[];
};

struct handle {
    struct handle *next; /* hash chain */
    uint32_t id;
    uint16_t parameters;
    bool cursor;               /* open on the connection that the session holds */
    bool streamed;             /* long data went to the connection that the session holds */
    bool spoilt;               /* long data was lost: the next EXECUTE says so */
    struct prepared *prepared; /* referenced */
    uint8_t *types;         /* owned: 1, and two bytes a parameter, as EXECUTE has them; NULL: never sent */
    struct long_data *data; /* owned, in the order of coming */
};

struct handles {
    struct handle **slots; /* owned */
    uint32_t size, count, last_id;
    struct handle *latest; /* prepared last, if that worked */
    size_t data_bytes;
    unsigned held; /* handles with a cursor or long data on the held connection */
};

struct session;

/* Takes over a reference, even if it fails. NULL: no memory. */
struct handle *handle_new(struct session *session, struct prepared *prepared);
/* It is the client's from now on, under an id of its own. False: no memory. */
bool handle_add(struct session *session, struct handle *handle);
void handle_free(struct session *session, struct handle *handle); /* one that was not added; NULL-safe */
struct handle *handle_find(const struct session *session, uint32_t id); /* NULL: none */
void handle_remove(struct session *session, struct handle *handle);
void handles_free(struct session *session); /* all of them */
/* Whatever lay on the held connection is gone with it; long data that did is missed by the next EXECUTE. */
void handles_lose_held(struct session *session);
unsigned handles_pins(const struct session *session); /* PIN_CURSOR, PIN_LONG_DATA */
void handle_set_held(struct session *session, struct handle *handle, bool cursor, bool streamed);

/* False: there would be too much of it, or no memory. */
bool handle_keep_data(struct session *session, struct handle *handle, const uint8_t *payload, size_t length);
void handle_drop_data(struct session *session, struct handle *handle);
/* False: no memory. */
bool handle_set_types(struct handle *handle, const uint8_t *types);

#endif
