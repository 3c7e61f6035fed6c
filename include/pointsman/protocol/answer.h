/*
 * answer.h - OK, ERR and EOF packets: read, written, rewritten.
 *
 * Payloads only. Sources: page_protocol_basic_ok_packet.html, ..._err_packet.html, ..._eof_packet.html.
 */
#ifndef POINTSMAN_PROTOCOL_ANSWER_H
#define POINTSMAN_PROTOCOL_ANSWER_H

#include "pointsman/protocol/protocol.h"
#include "pointsman/protocol/wire.h"

struct answer_ok {
    uint64_t affected;
    uint64_t insert_id;
    uint16_t status;
    uint16_t warnings;
    struct bytes info;    /* human-readable, may be empty (at may then be NULL) */
    struct bytes tracked; /* session state entries, raw; walked by track_next; empty if none */
};

/* Reads an OK packet: 0x00, or 0xfe under DEPRECATE_EOF. capabilities: of the connection it came by. */
bool answer_ok_read(const void *payload, size_t length, uint32_t capabilities, struct answer_ok *ret);
/*
 * Writes it for a connection with other capabilities: without CAP_SESSION_TRACK the tracked entries go, with
 * it they stay as they are in ok->tracked. The SESSION_STATE_CHANGED flag is set if entries are written and
 * only then, whatever ok->status says. header is 0x00 or 0xfe.
 */
void answer_ok_write(struct writer *w, uint8_t header, const struct answer_ok *ok, uint32_t capabilities);

struct answer_eof {
    uint16_t warnings;
    uint16_t status;
};
bool answer_eof_read(const void *payload, size_t length, struct answer_eof *ret);
void answer_eof_write(struct writer *w, const struct answer_eof *eof);

struct answer_err {
    uint16_t code;
    char state[6]; /* SQLSTATE with a NUL; "HY000" if the packet had none (as before login) */
    struct bytes message;
};
bool answer_err_read(const void *payload, size_t length, struct answer_err *ret);
/* capabilities 0: before login, where there is no SQLSTATE marker. */
void answer_err_write(struct writer *w, uint16_t code, const char *state, const char *message, size_t length,
                      uint32_t capabilities);

/* One entry of ok.tracked. */
struct track_entry {
    uint8_t type;       /* TRACK_* */
    struct bytes raw;   /* the whole entry, type and length included: to copy it */
    struct bytes name;  /* TRACK_SYSTEM_VARIABLE; else at NULL */
    struct bytes value; /* variable's value, schema, "1", GTIDs, SQL, state characters */
};
/* Walks the entries; false at the end. A malformed entry ends the walk with *ret_bad = true. An entry of
 * several variables (MySQL and MariaDB may put more than one name/value pair into one) comes out as one call
 * a pair, raw being the whole's for the first and at NULL for the rest. */
struct track_walk {
    struct reader entries, pairs;
    uint8_t type;
    struct bytes raw;
};
struct track_walk track_walk_of(struct bytes tracked);
bool track_next(struct track_walk *walk, struct track_entry *ret, bool *ret_bad);

/* Servers' own errors that the proxy gives itself: code, SQLSTATE and printf format, in the servers' English.
 */
enum server_error {
    SERVER_ERROR_HANDSHAKE = 1043, /* Bad handshake */
    SERVER_ERROR_TOO_MANY_CONNECTIONS = 1040,
    SERVER_ERROR_HOST_NOT_ALLOWED = 1130,
    SERVER_ERROR_ACCESS_DENIED = 1045, /* 'user'@'host' (using password: YES|NO) */
    SERVER_ERROR_ACCESS_DENIED_DB = 1044,
    SERVER_ERROR_NO_DB = 1046,
    SERVER_ERROR_UNKNOWN_COMMAND = 1047,
    SERVER_ERROR_BAD_DB = 1049,
    SERVER_ERROR_OUT_OF_RESOURCES = 1041,
    SERVER_ERROR_SERVER_SHUTDOWN = 1053,
    SERVER_ERROR_PARSE = 1064,
    SERVER_ERROR_EMPTY_QUERY = 1065,
    SERVER_ERROR_PACKET_TOO_LARGE = 1153,
    SERVER_ERROR_OUT_OF_ORDER = 1156,
    SERVER_ERROR_QUERY_INTERRUPTED = 1317,
    SERVER_ERROR_NO_SUCH_THREAD = 1094,
    SERVER_ERROR_KILL_DENIED = 1095,
    SERVER_ERROR_DEADLOCK = 1213,
    SERVER_ERROR_LOCK_WAIT = 1205,
    SERVER_ERROR_OPTION_PREVENTS = 1290,
    SERVER_ERROR_READ_ONLY_TRANSACTION = 1792,
    SERVER_ERROR_CONNECTION_KILLED = 1927,
    SERVER_ERROR_PASSWORD_EXPIRED_LOGIN = 1862,
    SERVER_ERROR_MUST_CHANGE_PASSWORD = 1820,
    SERVER_ERROR_ACCOUNT_LOCKED_MYSQL = 3118,
    SERVER_ERROR_SECURE_TRANSPORT_REQUIRED = 3159,
    SERVER_ERROR_ACCOUNT_LOCKED_MARIADB = 4151,
    SERVER_ERROR_CLIENT_INTERACTION_TIMEOUT = 4031,
    SERVER_ERROR_MALFORMED = 1835,
};
struct server_error_text {
    uint16_t code;
    const char *state;
    const char *format;       /* MariaDB's; arguments: %s strings, %llu thread ids, %d a line */
    const char *mysql_format; /* where MySQL words it otherwise, with the same arguments; else NULL */
};
/* Never NULL; for a code that isn't above, 1105 (Unknown error). */
const struct server_error_text *server_error_text(enum server_error code);

#endif
