/*
 * session.h - a client's session (private to proxy/session).
 *
 *   GREETED ──login packet──> [SWITCHED ──answer──>] [OPENING: default schema is tried] ──> READY
 *
 *   READY ──command──> statement_begin ──> WAITING ──granted──> RUNNING ──answer complete──> READY
 *                        (read, route)      (for a connection,    (relay.c passes
 *                                            or for a server)      the answer)
 *
 * Files: session.c life and the client's socket · login.c · command.c a table of COM_* · statement.c one
 * statement's way · send.c what is written for it · relay.c the answer's way · effects.c what answers say of
 * the session · past.c LAST_INSERT_ID() and its kin · holds.c what ties it to its connection, by name, in
 * ledger.c's list · define.c statements that define views and routines · share.c reads of several sessions on
 * one connection, pace.c which are quick enough · heal.c misroutes · diagnose.c warnings · stream.c requests
 * longer than a chunk · worker.c the loop.
 */
#ifndef POINTSMAN_SESSION_SESSION_H
#define POINTSMAN_SESSION_SESSION_H

#include "handles.h"
#include "ledger.h"
#include "pointsman/protocol/answer.h"
#include "pointsman/session/worker.h"

enum { RETRIES_MAX = 8 };

enum session_step {
    SESSION_GREETED,
    SESSION_SWITCHED,
    SESSION_OPENING,
    SESSION_READY,
    SESSION_WAITING,
    SESSION_RUNNING,
    SESSION_REFUSING, /* a failed login whose answer is held back */
    SESSION_CLOSED,
};

/* Packets that are passed to the server while they arrive, since they don't fit into a chunk (or are a file).
 */
struct stream {
    bool active;
    bool is_file;     /* LOCAL INFILE: ends with an empty packet */
    bool is_open;     /* a replica's, while it is sent the binary log: has no end */
    bool longer;      /* the present packet is PACKET_MAX long: another follows */
    uint8_t have;     /* bytes of the header seen */
    bool renumbers;   /* the compressed protocol doesn't number its packets as servers expect it */
    uint8_t sequence; /* of the next header */
    uint8_t header[PACKET_HEADER];
    uint32_t left; /* payload bytes of the present packet */
};

struct session {
    struct conn conn;
    struct list link;       /* worker->sessions */
    struct list phase_link; /* worker->logins or worker->waiting */
    struct waiter waiter;
    struct worker *worker;
    enum session_step step;
    bool in_next;     /* session_next is on the stack */
    bool after_carry; /* RUNNING, but only the state was sent: the request follows when it has succeeded */
    bool must_wait;   /* the server it goes to is asked to wait for its last write first */
    bool alone;       /* the statement wants a connection of its own */
    uint8_t probing; /* questions to the server whether it still holds something: its next statement waits for
                        the answers */
    bool stay;       /* it is to run where the session is held, though it might run elsewhere */
    bool muted;      /* the client has its answer: it runs again for what it leaves behind (share.c) */
    bool killed;     /* KILL QUERY of its statement is under way: it isn't begun again elsewhere */
    bool interrupted;   /* the server said so: run again, muted, it only says it once more */
    bool errand;        /* it has no client, and what it says is for one server only (kill.c) */
    bool close_after;   /* to be closed when the statement is over */
    bool awaits_header; /* of the PROXY protocol, before it is greeted */
    bool half_closed;   /* the client sends no more: closed when what it has sent is answered */
    uint8_t sequence;   /* next to be sent while the server isn't asked, or is no more */
    uint8_t retries;
    uint8_t changes_failed; /* COM_CHANGE_USERs */
    uint32_t id;
    uint32_t capabilities;         /* what both sides have */
    uint8_t zstd_level;            /* that the client asked for */
    char *address;                 /* owned; NULL: unix socket */
    struct identity *identity;     /* referenced; NULL before login */
    struct state *state, *initial; /* referenced */
    uint16_t status;               /* as last told to the client */
    unsigned pins;                 /* enum pin */
    unsigned lost;                 /* pins whose connection was lost: the next statement is told */
    struct backend *backend;       /* RUNNING on it, or held */
    struct backend *parked;        /* the one it holds, while a read runs that has nothing to do with it */
    struct ledger *ledger;         /* owned, NULL while nothing pins it: what is held, and since when */
    uint32_t idle_limit;           /* s: it set its wait_timeout; 0: no */
    uint64_t since;                /* ms: when its step began */
    uint64_t began;                /* us: when the statement came */
    uint64_t deadline;             /* ms: of waiting */
    uint64_t avoid;                /* servers that failed this statement */
    uint64_t answer_sent;          /* bytes of the answer that went to the client */
    uint32_t request;              /* bytes of conn.in that are the present request, headers included */
    uint8_t code;                  /* its command */
    unsigned reason;               /* why it goes where it goes: enum route_reason */
    uint64_t kill_id;              /* of a KILL */
    const struct order *order;     /* borrowed: its KILL that is under way (kill.c) */
    uint64_t defining;             /* ticket of definitions_announce(), till the statement is over; 0 */
    struct route_statement statement;
    struct stream stream;
    /* what its last statements left (past.c) */
    struct backend *past[PAST_KINDS]; /* borrowed, weak: cleared by pool_events.forget */
    unsigned saving;                  /* bits of enum past_kind: the values are on their way */
    bool changed;      /* the server reported a change of the session that its variables don't tell */
    bool untold;       /* and there may be some among it that they would have told */
    uint16_t warnings; /* of the last result */
    char *position;    /* owned: GTIDs of its last write, until every replica has them (position.c) */
    uint64_t wrote_at; /* ms: it wrote something without being told the GTID; 0: no */
    struct diagnostics *diagnostics; /* owned, NULL: none were kept (diagnose.c) */
    bool gets_diagnostics;           /* it has used GET DIAGNOSTICS */
    struct handles *handles;         /* owned, NULL: it has prepared nothing (handles.c) */
    struct handle *executing;        /* borrowed: what the present COM_STMT_* is about */
    struct handle *preparing;        /* owned: of a COM_STMT_PREPARE that isn't answered yet */
    struct prepared *variant;        /* referenced: what is executed in its place, with literals in it */
    struct tracking
        *tracking; /* owned; what the client wants to be told, NULL: the servers' default (effects.c) */
    uint64_t insert_id, found_rows;
    /* What an INSERT told: LAST_INSERT_ID(), if it was generated, and else not. 0: none did. Whether the
     * connection's LAST_INSERT_ID() is the same tells; if not, that is somebody else's. */
    uint64_t insert_maybe;
    int64_t row_count;
    uint16_t results;                  /* results of the present command that were good */
    uint8_t scramble[SCRAMBLE_LENGTH]; /* of the greeting; COM_CHANGE_USER is answered by it too */
    struct login_attempt *login;       /* owned; only while logging in (login.c) */
};

/* ---- session.c ---- */
struct session *session_new(struct worker *worker, int fd, char *address); /* takes over both */
struct session *session_new_errand(const struct backend *model); /* without a client, as the same account */
void session_close(struct session *session); /* closes and frees; what runs for it is swallowed */
/* What it asked a connection for has come: if it waited for nothing else, its statement goes on. */
void session_continue(struct session *session);
void session_consume(struct session *session); /* the request is over, or was answered here */
void session_next(struct session *session);    /* runs the commands that lie ready */
void session_step_to(struct session *session, enum session_step step);
void session_send(struct session *session, const void *packet, size_t length);
void session_send_ok(struct session *session, uint8_t sequence);
void session_send_eof(struct session *session, uint8_t sequence); /* as an OK where EOF is deprecated */
void session_send_err(struct session *session, uint8_t sequence, uint16_t code, const char *state,
                      const char *message, size_t length);
/* The server's own words for a code, with its arguments. */
void session_send_error(struct session *session, uint8_t sequence, enum server_error code, ...);
/* The words of the servers behind: the flavours differ in some. */
const char *session_words(const struct session *session, const struct server_error_text *text);
void session_tick(struct session *session, uint64_t now); /* those in worker->waiting and ->logins */
void session_drained_backend(struct session *session);    /* the server takes bytes again */
const char *session_host(const struct session *session);
uint64_t session_now(const struct session *session); /* ms */

/* ---- login.c ---- */
void login_greet_late(struct session *session); /* if it wasn't greeted yet and can be now */
bool login_greet(struct session *session);      /* false: refused and to be closed */
/* True: it was an SSLRequest, and all that comes from here on is TLS. */
bool login_secure(struct session *session, const uint8_t *payload, size_t length, uint8_t sequence);
void login_packet(struct session *session, const uint8_t *payload, size_t length, uint8_t sequence);
void login_opened(struct session *session,
                  const struct answer_err *err); /* default schema tried; NULL: fine */
/* The schema exists and may be used: the connection is in it now, and the session (NULL: gone). */
void login_tried(struct session *session, struct backend *backend);
void login_change_user(struct session *session, const uint8_t *payload, size_t length);
void login_refuse_now(struct session *session); /* its time has come */
void login_attempt_free(struct session *session);

/* ---- command.c ---- */
/* One whole command packet (the payload of conn.in's front), or the beginning of a longer one. */
void command_run(struct session *session, const uint8_t *payload, size_t length, bool whole);
/* Whether one that begins so and doesn't fit into a chunk must be here as a whole all the same. */
bool command_wants_whole(const struct session *session, const uint8_t *payload, size_t length);

/* ---- statement.c ---- */
void statement_begin(
    struct session *session); /* session->request and ->statement are set: route and send or wait */
void statement_read(struct session *session, const char *text, size_t length); /* fills session->statement */
void statement_send_to(struct session *session, int server);                   /* without routing */
void statement_granted(struct session *session, struct backend *backend);
void statement_end(struct session *session, bool good); /* its answer is complete */
void statement_fail(struct session *session, uint16_t code, const char *state, const char *message,
                    size_t length);
void statement_fail_with(struct session *session, uint16_t code, const char *state, const char *format,
                         const char *what); /* the same in words: of a format with one %s */
void statement_become(struct session *session, enum session_step step); /* but a login stays one */
void statement_interrupt(
    struct session *session); /* fails, in the words of a server that was told KILL QUERY */
bool statement_again(
    struct session *session); /* after a fault, to another server; false: can't be sent again */
void statement_move(struct session *session); /* nothing is wrong, but it had better run elsewhere */
bool statement_may_repeat(const struct session *session);
void statement_lost(struct session *session,
                    struct backend *backend); /* its connection is gone (discarded already) */
void session_let_go(struct session *session); /* gives back the connection it holds */
/* The pins of the connection that its statement runs on. */
static inline unsigned statement_pins(const struct session *session)
{
    return session->parked ? 0 : session->pins;
}
struct sql_options statement_options(const struct session *session);

/* ---- execute.c ---- */
void execute_prepare(struct session *session, const uint8_t *payload, size_t length);
void execute_run(struct session *session, const uint8_t *payload, size_t length, bool whole);
/* It must get types that its client sent earlier, and so it becomes longer. */
bool execute_lacks_types(const struct session *session, const uint8_t *payload, size_t length);
void execute_keep_data(struct session *session, const uint8_t *payload, size_t length, bool whole);
void execute_fetch(struct session *session, const uint8_t *payload, size_t length);
void execute_reset(struct session *session, const uint8_t *payload, size_t length);
void execute_close(struct session *session, const uint8_t *payload, size_t length);
/* What had better be prepared where it runs, NULL: nothing. Whether it may lie in a queue with others. */
const struct prepared *execute_wishes(const struct session *session);
bool execute_may_share(const struct session *session);
/* Now that it is known where it runs: what must be prepared there first (borrowed), NULL: nothing. */
struct prepared *execute_lacks(struct session *session);
/* COM_STMT_PREPARE for that, as parts of one packet; its command is expected. 0: no memory. */
enum { PLACE_PARTS = 2, PLACE_HEAD = 5, EXECUTE_PARTS = 4, EXECUTE_HEAD = 9 };
int execute_place(struct session *session, struct prepared *lacks, uint8_t head[PLACE_HEAD],
                  struct iovec parts[PLACE_PARTS]);
/* The request with the server's id, as parts. Returns how many. */
int execute_request(struct session *session, struct backend *backend, uint8_t head[EXECUTE_HEAD],
                    struct iovec parts[EXECUTE_PARTS]);
bool execute_send_data(struct session *session); /* ahead of it; false: the connection is gone */
void execute_patch(struct session *session); /* the server's id into a request that is passed on in pieces */
/* The first packet of the answer to a COM_STMT_PREPARE: gets the client's id in its place. */
void execute_prepared(struct session *session, struct backend *backend, uint8_t *packet);
void execute_placed(struct backend *backend, struct command *command);
/* The command is over: what of it lies on its connection. */
void execute_settle(struct session *session, bool good);
/* The text of the present COM_QUERY or COM_STMT_EXECUTE; empty: it has none, or it isn't all here. */
struct sql_span execute_text(const struct session *session);
/* The state that settled what the present text means. */
const struct state *execute_meaning(const struct session *session);

/* ---- send.c ---- */
/* session->backend is its own: sends what is missing there, and the request. */
void send_statement(struct session *session);
void send_begin_answer(struct session *session);

/* ---- define.c ---- */
enum {
    DEFINED_MAX = 16,
    DEFINE_OUTLIVES_MS = 60000 /* may a statement whose connection was lost or closed */
};
/* What a packet's statements define. */
struct defined {
    struct sql_span names[DEFINED_MAX];
    size_t count; /* more than DEFINED_MAX: there are others */
    bool views, unproven;
};
void define_add(struct defined *defined, const struct sql_facts *facts, const struct sql_options *options);
/* If it defines anything: all workers know it afterwards. Definitions that were borrowed are void. */
void define_announce(struct session *session, const struct defined *defined, const char *text, size_t length,
                     const struct sql_options *options);
/* What it defines is known by the next reading that begins so many ms from now. */
void define_settle(struct session *session, uint64_t outlives);
/* SQL_LEAVES_UNKNOWN if running this text may leave what no server reports, or (any) what holds; else 0. */
uint32_t define_leaves(const struct session *session, const char *text, size_t length, bool any);

/* ---- relay.c ---- */
/* The only row of an answer that is there as a whole: behind the column count, so many definitions, and an
 * EOF that isn't there with DEPRECATE_EOF. Bad (also: no row) as a reader is. */
struct reader relay_row(const struct backend *backend, const uint8_t *answer, size_t length, int columns);
extern const struct pool_events relay_events;

/* ---- effects.c ---- */
void effects_of_ok(struct session *session, struct backend *backend, const struct answer_ok *ok);
/* One statement's result is complete: an OK, or a result set that ended with this status. */
void effects_of_result(struct session *session, const struct result *result, uint16_t status,
                       uint16_t warnings, const struct answer_ok *ok);
void effects_of_end(struct session *session, bool good); /* pins, and what the text of a SET says */
void effects_set_pins(struct session *session, unsigned pins);
bool effects_set_state(struct session *session,
                       struct state *state); /* takes over the reference; NULL: no memory */
/* ok with only those tracked entries that the client asked for; they are written to out. */
void effects_track(struct session *session); /* SET session_track_...: counts from its own answer on */
void effects_filter(const struct session *session, struct answer_ok *ok, uint8_t *out, size_t size);
void effects_tracking_free(struct session *session);

/* ---- holds.c ---- */
/* The names of what the statement tied or freed are noted. `pins` are those that would hold the session now
 * (`unclear` more of them, of something without a name); returns those that do. */
unsigned holds_settle(struct session *session, unsigned pins, unsigned unclear, bool good);
/* Nothing of what it holds has a name that a read could use without being noticed. */
bool holds_may_leave(const struct session *session);
/* Whether an EXECUTE may leave what no server reports. */
bool holds_may_leave_unknown(const struct session *session, const char *text, size_t length);
/* Asks, if need be, whether it still has its user locks and temporary tables. */
void holds_probe(struct session *session);
/* The answer to question `number`. */
void holds_probed(struct backend *backend, struct session *session, unsigned number, const uint8_t *answer,
                  size_t length);

/* ---- values.c ---- */
/* Whether it is held on a replica by user variables, which may be fetched from there. */
bool values_are_wanted(const struct session *session);
struct command *values_ask(struct session *session,
                           struct writer *w); /* NULL: too many, no room, no memory */
/* The answer: what can be carried becomes part of the state, and holds no more. */
void values_carry(struct session *session, const uint8_t *answer, size_t length);

/* ---- past.c ---- */
/* What past_rewrite() replaces. */
enum {
    PAST_REPLACED = SQL_READS_INSERT_ID | SQL_READS_FOUND_ROWS | SQL_READS_ROW_COUNT |
                    SQL_READS_CONNECTION_ID | SQL_READS_DIAGNOSTICS
};
enum past_answer { PAST_KNOWN, PAST_SAVING };
enum past_answer past_ask(struct session *session, uint32_t effects);
void past_leave(struct session *session, enum past_kind kind); /* only its backend knows */
void past_know(struct session *session, enum past_kind kind, uint64_t value);
void past_drop(struct session *session);   /* it ends, or begins anew */
void past_forget(struct backend *backend); /* the connection is gone */
/* Questions for those whose past is on this connection, to be sent ahead of what `session` wants there.
 * Returns the bytes written to out; commands are expected. */
/* Gives it back; what it alone knows and would lose on the way is asked for before. */
void past_release(struct backend *backend);
void past_retire(struct backend *backend); /* the same for an idle one that is closed then */
size_t past_save(struct backend *backend, const struct session *session, uint8_t *out, size_t size);
/* Whether the statement asks for LAST_INSERT_ID() where no literal can stand, or may change it without
 * telling, so that the connection must have it. */
bool past_must_tell(const struct session *session);
/* Tells it, ahead of such a statement. Returns the bytes written to out; the command is expected. 0: it knows
 * already, or no room. */
size_t past_tell(struct session *session, struct backend *backend, uint8_t *out, size_t size);
/* The answer to one of them, all its packets. */
void past_saved(struct backend *backend, struct session *session, unsigned kinds, const uint8_t *answer,
                size_t length);
/* The text with literals in the place of what it asks of the past; NULL: nothing to be changed, or no room.
 */
const char *past_rewrite(struct session *session, const char *text, size_t length, char *out, size_t size,
                         size_t *ret_length);

/* ---- share.c ---- */
/* us that its statement is expected to take, if it may share a connection; else 0. */
uint32_t share_may(const struct session *session);
/* `backend` is SHARED, and this statement counted there. False: no memory; it has parted already. */
bool share_join(struct session *session, struct backend *backend);
void share_flush(struct worker *worker);   /* sends what has come together in this round */
void share_leave(struct session *session); /* its statement isn't wanted any more */
/* All but `keep` (may be NULL) go elsewhere, as far as they can. */
void share_scatter(struct backend *backend, const struct session *keep);
void share_overrun(struct backend *backend); /* all but the head */
/* Whether the server works at its statement, with nothing of anybody else behind it any more. */
bool share_alone(struct session *session);
void share_lost(struct backend *backend);
/* Its answer is complete. False: it runs again, muted. */
bool share_ended(struct session *session, struct backend *backend);
/* How long the head's answer took, on whatever connection. now: us. */
void share_learn(struct session *session, const struct backend *backend, uint64_t now, bool good);
/* All that there was has been read. */
void share_learn_bunch(struct worker *worker, struct backend *backend, uint64_t now);

/* ---- diagnose.c ---- */
void diagnose_starved(struct pool *pool); /* frees one that is held for warnings only, if there is any */
void diagnose_answered(struct backend *backend, struct session *session, const uint8_t *answer,
                       size_t length);
bool diagnose_kept(const struct session *session); /* its warnings are with us, not on a connection */
/* How many warnings (or errors) its last statement left. False: its connection knows. */
bool diagnose_count(const struct session *session, bool errors, uint64_t *ret_count);
/* Answers a SHOW from what was kept. False: not of that kind, or nothing was. */
bool diagnose_reply(struct session *session, const char *text, size_t length);
void diagnose_forget(struct session *session);
/* Whether the session asks a connection for warnings that its last statement didn't leave there, so that
 * those of who had it before, or its own that a read elsewhere came after, must not be there. */
bool diagnose_asks(const struct session *session);
/* Writes what clears them, which also changes FOUND_ROWS(). Returns its length; 0: no room, no memory. */
size_t diagnose_clear(struct session *session, struct backend *backend, uint8_t *out, size_t size);

/* ---- heal.c ---- */
bool heal_may(uint16_t code); /* an error of a replica that the primary might not give */
void heal_note(struct worker *worker, uint64_t digest, uint64_t now); /* such a statement was met */
bool heal_is_noted(const struct worker *worker, uint64_t digest);     /* the primary, for now */
void heal_review(struct worker *worker, uint64_t now);                /* with a new picture of the topology */
void heal_done(struct worker *worker);

/* ---- kill.c ---- */
bool kill_ask(struct session *session); /* its statement is a KILL of a session of ours: under way */
void kill_session(struct session *target, bool query_only);
void kill_due(struct backend *backend); /* backend->kill: something before the statement was answered */

/* ---- position.c ---- */
void position_write(struct session *session, struct bytes gtid); /* a write of it has this GTID */
void position_write_somewhere(struct session *session); /* it wrote, and nobody said where that stands */
bool position_may_wait(const struct session *session, int server); /* it may be asked to wait for the write */
/* The question that waits, a whole packet; its command is expected. Returns the bytes written to out; 0: no
 * room. */
size_t position_wait(struct session *session, struct backend *backend, uint8_t *out, size_t size);
bool position_waited(struct backend *backend, const uint8_t *answer,
                     size_t length);              /* whether the replica has it now */
uint64_t position_stale(struct session *session); /* bits of the servers that may not have what it wrote */
void position_forget(struct session *session);

/* ---- stream.c ---- */
void stream_begin_request(struct session *session); /* conn.in begins with a packet that doesn't fit */
void stream_begin_file(struct session *session);
void stream_begin_open(struct session *session); /* what the client says from now on, until the answer ends */
void stream_readable(struct session *session);

static inline void figure_add(atomic_ullong *figure, unsigned long long by)
{
    /* Only the worker writes: no locked instruction is needed. */
    atomic_store_explicit(figure, atomic_load_explicit(figure, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

#endif
