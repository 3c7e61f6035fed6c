/*
 * rawclient.h - a client that speaks the protocol packet by packet: capabilities as one likes, packets as
 * malformed as one likes, answers byte for byte as they came.
 *
 *   raw_dial ──> raw_greeting ──> raw_login ──> raw_command, raw_answer ... ──> raw_close
 *                 (or none of that, and raw_bytes at once)
 *
 * Functions that wait do so for RAW_PATIENCE_MS at most. Any thread may use a connection of its own.
 */
#ifndef POINTSMAN_TESTS_RAWCLIENT_H
#define POINTSMAN_TESTS_RAWCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No header of protocol/ is included here: <mysql.h> has macros and enumerators of the same names. */
enum {
    RAW_PATIENCE_MS = 10000,
    RAW_HEADER = 4,
    RAW_PACKET_MAX = 0xffffff,
    RAW_SCRAMBLE = 20,
    RAW_ANSWER_MAX = 32
};

/* Capabilities that tests choose. */
enum {
    RAW_FOUND_ROWS = 1u << 1,
    RAW_WITH_SCHEMA = 1u << 3,
    RAW_LOCAL_FILES = 1u << 7,
    RAW_IGNORE_SPACE = 1u << 8,
    RAW_SSL = 1u << 11,
    RAW_MULTI_STATEMENTS = 1u << 16,
    RAW_SESSION_TRACK = 1u << 23,
    RAW_DEPRECATE_EOF = 1u << 24,
    /* what any client of today asks for */
    RAW_PLAIN = 1u << 0 | 1u << 2 | 1u << 9 | 1u << 13 | 1u << 15 | RAW_MULTI_STATEMENTS | 1u << 17 |
                1u << 19,
};

struct raw {
    int fd;
    uint32_t offered;      /* by the greeting */
    uint32_t capabilities; /* both sides' */
    uint32_t connection_id;
    uint8_t scramble[RAW_SCRAMBLE];
    bool sha2;             /* the plugin meant last is caching_sha2_password, else mysql_native_password */
    uint8_t sequence;      /* of the packet read last */
    const uint8_t *packet; /* its payload: borrowed until the next read */
    size_t length;
    void *ssl;     /* private: NULL in clear */
    bool local;    /* private: a unix socket */
    uint8_t *data; /* private: what was read */
    size_t start, end, size;
};

enum raw_outcome { RAW_GOT, RAW_CLOSED, RAW_LATE };

/* A connection to 127.0.0.1:port, or to a unix socket if path isn't NULL. Never NULL: the test fails. */
struct raw *raw_dial(int port, const char *path);
struct raw *raw_dial_from(const char *ip, int port); /* by TCP, from another loopback address: 127.0.0.2 */
void raw_close(struct raw *raw);                     /* NULL-safe */

void raw_bytes(struct raw *raw, const void *data, size_t length); /* as they are; errors are ignored */
void raw_packet(struct raw *raw, uint8_t sequence, const void *payload, size_t length);
void raw_command(struct raw *raw, uint8_t command, const void *data, size_t length);
void raw_query(struct raw *raw, const char *text);

/* One packet: raw->packet, length, sequence. */
enum raw_outcome raw_read(struct raw *raw);
enum raw_outcome raw_read_within(struct raw *raw, int timeout_ms);
/* Nothing but the connection's end comes: what it ends with is dropped. False: it is still open. */
bool raw_ends(struct raw *raw);

/* Reads the greeting. */
bool raw_greeting(struct raw *raw);
/* Behind a greeting: asks for TLS and shakes hands; no certificate is verified. session: NULL, or what
 * raw_session() gave. False: refused. */
bool raw_secure(struct raw *raw, const void *session);
bool raw_resumed(const struct raw *raw);
void *raw_session(struct raw *raw); /* to be given to raw_forget() */
void raw_forget(void *session);
/* The login behind raw_greeting(), or behind raw_secure(). */
bool raw_log_in(struct raw *raw, const char *user, const char *password, const char *schema,
                uint32_t capabilities);
/* The login packet, by the greeting's plugin; `schema` may be NULL. Returns its length. */
size_t raw_login_packet(struct raw *raw, const char *user, const char *password, const char *schema,
                        uint32_t capabilities, uint8_t *out, size_t size);
/* The answer to a scramble: RAW_SCRAMBLE bytes, or none for an empty password. Returns the length. */
size_t raw_native_answer(const char *password, const uint8_t *scramble, uint8_t *out);
/* The same by raw->sha2 and raw->scramble: at most RAW_ANSWER_MAX bytes. */
size_t raw_auth_answer(const struct raw *raw, const char *password, uint8_t *out);
/* Behind a login packet: answers auth switches and requests for the password until it is over. False:
 * refused; the ERR packet, if there was one, is raw->packet. */
bool raw_proceed(struct raw *raw, const char *password);
/* Greeting and login, as raw_proceed() does it. */
bool raw_login(struct raw *raw, const char *user, const char *password, const char *schema,
               uint32_t capabilities);
/* raw_dial and raw_login; the test fails if it is refused. */
struct raw *raw_open(int port, const char *user, const char *password, const char *schema,
                     uint32_t capabilities);

/* An ERR packet's parts, of raw->packet as raw_read() left it. False: it isn't one. */
struct raw_err {
    unsigned code;
    char state[6]; /* "" if there was none */
    char message[512];
};
bool raw_err(const struct raw *raw, struct raw_err *ret);

/* The whole answer to a command, headers included, appended to *data (realloc'ed; *length is raised).
 * RAW_CLOSED and RAW_LATE: what came before that. */
enum raw_outcome raw_answer(struct raw *raw, uint8_t command, uint8_t **data, size_t *length);
/* Reads an answer and drops it; the code of its ERR, 0 if there was none. The connection's end is -1, no
 * answer in time -2, a request for a file -3. */
int raw_error(struct raw *raw, uint8_t command);
/* raw_query and raw_error. */
int raw_run(struct raw *raw, const char *text);

#endif
