/*
 * sql.h - reading SQL: one pass over a statement's text, no allocation, facts out.
 *
 *   text ──> sql_read() ──> struct sql_facts   what kind it is, whether it is a *proven* read and if
 *            │                                 not why not, what it ties to its connection, what
 *            │                                 it reads of the connection's past
 *            └─ consumed: where the next statement of a multi-statement packet begins
 *
 *   SET statements: sql_set_next() walks the assignments one by one.
 *   Diagnostics calls (FOUND_ROWS() and so on): facts.calls[] says where they stand in the text, so that
 *   the caller can put a literal there.
 *
 * The reader proves, it does not guess: a statement is a read only if all of its syntax is known, every
 * function it calls is on the allow-list of harmless built-ins (or in options.safe_functions), it takes no
 * lock and writes nowhere but into its result set. Whatever it does not understand is SQL_UNKNOWN or has
 * a reason other than SQL_REASON_READ, and belongs on the primary.
 *
 * All results point into the caller's text. Nothing here can fail for want of memory.
 */
#ifndef POINTSMAN_PROTOCOL_SQL_H
#define POINTSMAN_PROTOCOL_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of the caller's text (borrowed). */
struct sql_span {
    const char *at;
    uint32_t length;
};

/* Character sets whose multi-byte characters may contain a byte below 0x80 that looks like syntax. */
enum sql_charset {
    SQL_CHARSET_PLAIN,
    SQL_CHARSET_GBK,
    SQL_CHARSET_BIG5,
    SQL_CHARSET_SJIS,
    SQL_CHARSET_GB18030
};

/* sql_mode bits that change how text is read (others don't matter here). */
enum {
    SQL_MODE_ANSI_QUOTES = 1 << 0,
    SQL_MODE_NO_BACKSLASH_ESCAPES = 1 << 1,
    SQL_MODE_IGNORE_SPACE = 1 << 2,
    SQL_MODE_FOREIGN = 1 << 3, /* ORACLE or MSSQL: nothing is a proven read */
};

/* The SQL_MODE_* bits of a value of sql_mode ("ANSI_QUOTES,STRICT_TRANS_TABLES"). */
unsigned sql_mode_bits(const char *value, size_t length);

/* An immutable, sorted set of lower-case names; made by sql_names_init() over caller's memory. */
struct sql_names {
    const char *const *names; /* borrowed, sorted by strcmp, lower case */
    size_t count;
};
bool sql_names_has(const struct sql_names *set, const char *name, size_t length); /* case-insensitive */

struct sql_options {
    enum sql_charset charset;               /* of character_set_client */
    unsigned mode;                          /* SQL_MODE_* */
    bool mariadb;                           /* which flavour reads the text */
    uint32_t version;                       /* 80036, 101119: decides on executable comments */
    const struct sql_names *safe_functions; /* may be NULL: functions declared harmless by the operator */
    const struct sql_names *unsafe_tables;  /* may be NULL: views not proven; a statement that mentions one
                                               as any identifier gets SQL_REASON_VIEW */
    const struct sql_names *leaving; /* may be NULL: routines, views and tables with triggers that leave what
                                        nothing reports; mentioning one has the effect SQL_LEAVES_UNKNOWN */
    const struct sql_names *assigning; /* may be NULL: likewise, those that may set user variables;
                                          SQL_MAY_ASSIGN */
    const struct sql_names *watched; /* may be NULL: e.g. live temporary tables; sets SQL_MENTIONS_WATCHED */
};

enum sql_verb {
    SQL_EMPTY,  /* nothing but blanks and comments */
    SQL_SELECT, /* SELECT, WITH ... SELECT, ( SELECT, VALUES, TABLE */
    SQL_SHOW,
    SQL_EXPLAIN, /* EXPLAIN/DESCRIBE/DESC of whatever; ANALYZE of a statement runs it and counts as it */
    SQL_SET,     /* SET of variables, NAMES, CHARACTER SET; SET GLOBAL/PERSIST has SQL_SETS_GLOBAL */
    SQL_SET_TRANSACTION, /* SET [SESSION|GLOBAL] TRANSACTION ...; without SESSION it is one-shot */
    SQL_SET_ROLE,
    SQL_SET_OTHER, /* SET PASSWORD, SET DEFAULT ROLE, SET STATEMENT ... FOR ..., SET RESOURCE GROUP */
    SQL_USE,
    SQL_BEGIN, /* BEGIN, START TRANSACTION; SQL_READ_ONLY if READ ONLY was said */
    SQL_COMMIT,
    SQL_ROLLBACK,  /* ROLLBACK [TO] too */
    SQL_SAVEPOINT, /* SAVEPOINT, RELEASE SAVEPOINT */
    SQL_DML,       /* INSERT UPDATE DELETE REPLACE, WITH ... UPDATE/DELETE */
    SQL_DDL,       /* CREATE ALTER DROP RENAME TRUNCATE OPTIMIZE ANALYZE TABLE REPAIR ... */
    SQL_ACCOUNT,   /* GRANT REVOKE CREATE/ALTER/DROP/RENAME USER/ROLE */
    SQL_LOAD,      /* LOAD DATA/XML */
    SQL_DO,
    SQL_CALL,
    SQL_LOCK, /* LOCK TABLES, FLUSH TABLES WITH READ LOCK/FOR EXPORT, LOCK INSTANCE, BACKUP LOCK/STAGE */
    SQL_UNLOCK,
    SQL_FLUSH,
    SQL_HANDLER,
    SQL_XA,
    SQL_PREPARE,
    SQL_EXECUTE, /* EXECUTE name and EXECUTE IMMEDIATE */
    SQL_DEALLOCATE,
    SQL_KILL,        /* facts.kill_id, SQL_KILL_QUERY */
    SQL_DIAGNOSTICS, /* GET DIAGNOSTICS (SHOW WARNINGS/ERRORS are SQL_SHOW with SQL_READS_DIAGNOSTICS) */
    SQL_UNKNOWN,
};

/* Why a statement is, or is not, a proven read. Counted and shown: keep sql_reason_name() in step. */
enum sql_reason {
    SQL_REASON_READ,            /* proven harmless: may run on a replica */
    SQL_REASON_WRITE,           /* DML, DDL, LOAD, DO, account statements, administration */
    SQL_REASON_TRANSACTION,     /* BEGIN, COMMIT, ... : the session decides */
    SQL_REASON_SESSION_STATE,   /* SET, USE with harmless values: may run anywhere, to be carried */
    SQL_REASON_LOCKING_READ,    /* FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE */
    SQL_REASON_INTO,            /* INTO OUTFILE/DUMPFILE, PROCEDURE ANALYSE */
    SQL_REASON_USER_VARIABLE,   /* assigns a user variable whose value only the server knows */
    SQL_REASON_FUNCTION,        /* calls a function that is not on the allow-list */
    SQL_REASON_SEQUENCE,        /* NEXTVAL and its kin */
    SQL_REASON_USER_LOCK,       /* GET_LOCK, RELEASE_LOCK, IS_FREE_LOCK, ... */
    SQL_REASON_LOCK,            /* LOCK TABLES, FTWRL, HANDLER, XA, UNLOCK */
    SQL_REASON_TEMPORARY_TABLE, /* CREATE TEMPORARY TABLE */
    SQL_REASON_PREPARED,        /* PREPARE, EXECUTE, DEALLOCATE in SQL */
    SQL_REASON_CALL,
    SQL_REASON_SERVER_VARIABLE, /* @@global.x, @@read_only and its kin, SET GLOBAL/PERSIST */
    SQL_REASON_SERVER_STATE,    /* SHOW PROCESSLIST/STATUS/..., information_schema.PROCESSLIST,
                                   performance_schema, sys */
    SQL_REASON_PRIVILEGED,      /* SET of a one-shot or privileged variable: primary, and held */
    SQL_REASON_VIEW,            /* names a view that is not proven */
    SQL_REASON_FOREIGN_MODE,    /* sql_mode ORACLE or MSSQL */
    SQL_REASON_KILL,
    SQL_REASON_UNKNOWN, /* syntax not known */
    SQL_REASON_EMPTY,
    SQL_REASONS
};
/* "read", "locking-read", ... : a short stable word for metrics */
const char *sql_reason_name(enum sql_reason reason);
const char *sql_reason_text(enum sql_reason reason); /* a sentence for EXPLAIN ROUTE */
const char *sql_verb_name(enum sql_verb verb);

/* Effects: what it leaves on its connection, and what it reads of it. */
enum {
    /* leaves behind */
    SQL_MAKES_TEMPORARY_TABLE = 1 << 0, /* CREATE TEMPORARY TABLE (facts.name: its name if one plain name) */
    SQL_DROPS_TABLE = 1 << 1,           /* DROP [TEMPORARY] TABLE: a temporary table may end */
    SQL_TAKES_USER_LOCK = 1 << 2,       /* GET_LOCK anywhere in it */
    SQL_RELEASES_USER_LOCK = 1 << 3,    /* RELEASE_LOCK, RELEASE_ALL_LOCKS anywhere in it */
    SQL_TAKES_TABLE_LOCK = 1 << 4,      /* LOCK TABLES, FTWRL, LOCK INSTANCE, BACKUP LOCK */
    SQL_RELEASES_TABLE_LOCK = 1 << 5,   /* UNLOCK TABLES/INSTANCE, BACKUP UNLOCK */
    SQL_USES_HANDLER = 1 << 6,          /* HANDLER ... OPEN */
    SQL_USES_XA = 1 << 7,               /* XA START/END/PREPARE */
    SQL_MAKES_PREPARED = 1 << 8,        /* PREPARE */
    SQL_DROPS_PREPARED = 1 << 9,        /* DEALLOCATE/DROP PREPARE */
    SQL_SETS_USER_VARIABLE = 1 << 10,   /* a user variable whose value only the server knows afterwards */
    SQL_SETS_GLOBAL = 1 << 11,
    SQL_MAY_CHANGE_SESSION = 1 << 12, /* may change session state in ways the text does not tell: CALL,
                                         EXECUTE, unknown functions, unknown statements */
    /* reads of the connection's past */
    SQL_READS_INSERT_ID = 1 << 13, /* LAST_INSERT_ID(), @@last_insert_id, @@identity */
    SQL_READS_FOUND_ROWS = 1 << 14,
    SQL_READS_ROW_COUNT = 1 << 15,
    SQL_READS_DIAGNOSTICS = 1 << 16,   /* SHOW WARNINGS/ERRORS, SHOW COUNT(*) ..., GET DIAGNOSTICS,
                                          @@warning_count, @@error_count */
    SQL_READS_USER_VARIABLE = 1 << 17, /* @x in an expression */
    SQL_READS_CONNECTION_ID = 1 << 18, /* CONNECTION_ID(), @@pseudo_thread_id */
    SQL_READS_SESSION_TRACK = 1 << 19, /* names a session_track_* variable */
    /* how it behaves */
    SQL_SETS_INSERT_ID = 1 << 20,       /* may change LAST_INSERT_ID(): INSERT, REPLACE, LOAD,
                                           LAST_INSERT_ID(expr), CALL, ... */
    SQL_FOUND_ROWS_UNCERTAIN = 1 << 21, /* FOUND_ROWS() afterwards is not simply the rows sent: LIMIT, UNION,
                                           INTERSECT, EXCEPT, SQL_CALC_FOUND_ROWS */
    SQL_READ_ONLY = 1 << 22,            /* START TRANSACTION READ ONLY; SET TRANSACTION READ ONLY */
    SQL_ONE_SHOT = 1 << 23,             /* SET TRANSACTION without SESSION/GLOBAL */
    SQL_KILL_QUERY = 1 << 24,           /* KILL QUERY, not KILL [CONNECTION] */
    SQL_IMPLICIT_COMMIT = 1 << 25,      /* DDL and the like end a transaction */
    SQL_MENTIONS_WATCHED = 1 << 26,
    SQL_CHAINS = 1 << 27,           /* COMMIT/ROLLBACK AND CHAIN */
    SQL_RELEASES_SESSION = 1 << 28, /* COMMIT/ROLLBACK RELEASE: the server closes the connection */
    SQL_LEAVES_UNKNOWN = 1 << 29, /* may leave what no server reports (a named lock, a role): mentions one of
                                     options.leaving and may run it, or runs a text that isn't read */
    SQL_MAY_ASSIGN = 1 << 30,     /* mentions one of options.assigning */
};

enum sql_call_kind {
    SQL_CALL_INSERT_ID,
    SQL_CALL_FOUND_ROWS,
    SQL_CALL_ROW_COUNT,
    SQL_CALL_CONNECTION_ID,
    SQL_CALL_WARNING_COUNT, /* @@warning_count */
    SQL_CALL_ERROR_COUNT,
};

/*
 * A place in the text where a value of the connection's past is read: FOUND_ROWS(), @@identity ...
 * The whole of `text` can be replaced by an expression. Where it stands in an item of a select list (the
 * outermost one, for an item within an item) that has no alias, the item's text is `item` (the server would
 * name the column so) and an alias must be added right behind it; else item.at is NULL.
 */
struct sql_call {
    enum sql_call_kind kind;
    struct sql_span text;
    struct sql_span item;
};

enum { SQL_CALLS_MAX = 8 };

/* What becomes of the names that a statement defines. */
enum sql_defines {
    SQL_DEFINES_NOTHING,
    SQL_DEFINES_VIEW,       /* each is a view of whatever text */
    SQL_DEFINES_ROUTINE,    /* a routine, or a table with a trigger */
    SQL_DEFINES_OTHER_NAME, /* the table or view of one name has another one */
};

/* What a comment asked for: pointsman: primary, replica, server=NAME, max_lag=DURATION, wait_for=GTID. */
enum sql_hint_kind { SQL_HINT_NONE, SQL_HINT_PRIMARY, SQL_HINT_REPLICA, SQL_HINT_SERVER };
struct sql_hint {
    enum sql_hint_kind kind;
    struct sql_span server;   /* SQL_HINT_SERVER */
    struct sql_span max_lag;  /* as written ("1s"), at NULL if none */
    struct sql_span wait_for; /* as written, at NULL if none */
    bool faulty;              /* a pointsman: comment that could not be understood */
};

struct sql_facts {
    enum sql_verb verb;
    enum sql_reason reason;
    uint32_t effects; /* SQL_MAKES_ ... bits */
    uint64_t digest;  /* hash of the normalised text: literals are one '?', lists of them too; never 0 but
                         for SQL_EMPTY */
    struct sql_span because; /* the token that decided the reason (function's name, keyword, variable), or
                                at NULL */
    struct sql_span name; /* USE: schema, unquoted span without the quotes; CREATE TEMPORARY TABLE: the table;
                             PREPARE/DEALLOCATE: the statement's name; SET ROLE: one plain role as written,
                             quotes and all; else at NULL */
    struct sql_span defines; /* views, routines or tables with triggers that are something else after it, for
                                sql_defined_next(); else at NULL */
    enum sql_defines defines_as;
    uint64_t kill_id; /* SQL_KILL with a literal id; else 0 */
    bool kill_own;    /* SQL_KILL of CONNECTION_ID(), and nothing but that */
    struct sql_hint hint;
    struct sql_call calls[SQL_CALLS_MAX];
    uint8_t calls_count; /* more than SQL_CALLS_MAX: calls_overflow */
    bool calls_overflow;
    struct sql_span set_text; /* SQL_SET: the text behind the word SET, for sql_set_next() */
};

/*
 * Reads one statement of text[0..length). Returns how many bytes belong to it, its ';' included: the next
 * statement (if any) begins there; a return of `length` means that this was the last one. A text that ends
 * inside a string or comment is SQL_UNKNOWN and consumed whole. Cost: one pass, well under 300 ns for a
 * 100-byte SELECT.
 */
size_t sql_read(const char *text, size_t length, const struct sql_options *options,
                struct sql_facts *ret_facts);

/* ---- the names of what is tied to the connection, or freed ---- */

enum sql_thing_kind {
    SQL_THING_TABLE_MADE, /* a temporary one */
    SQL_THING_TABLE_DROPPED,
    SQL_THING_PREPARED,
    SQL_THING_DEALLOCATED,
    SQL_THING_EXECUTED,       /* EXECUTE name; of EXECUTE IMMEDIATE only the text, name.at NULL */
    SQL_THING_HANDLER_OPENED, /* by its alias, if it has one */
    SQL_THING_HANDLER_CLOSED,
    SQL_THING_XA_ENDED, /* XA COMMIT or ROLLBACK; without a name */
    SQL_THING_LOCK,     /* GET_LOCK(): name is the literal with its quotes, or at NULL: no plain literal */
    SQL_THING_VARIABLE, /* a user variable, set or read */
};

struct sql_thing {
    enum sql_thing_kind kind;
    struct sql_span schema; /* TABLE_*: at NULL if none is said */
    struct sql_span name;   /* without quotes (doubled ones left as they are) */
    struct sql_span text;   /* PREPARED, EXECUTED: the literal with its quotes; at NULL: something else */
};

/* The things of one statement (as cut by sql_read), up to max of them into out. Returns how many there are.
 */
unsigned sql_things(const char *text, size_t length, const struct sql_options *options, struct sql_thing *out,
                    unsigned max);

/* ---- SHOW WARNINGS and its kin ---- */

struct sql_shown {
    bool errors;            /* SHOW ERRORS, not WARNINGS */
    bool count;             /* SHOW COUNT(*) of them */
    uint64_t offset, limit; /* without LIMIT: 0 and UINT64_MAX */
};
/* False: it is another statement, or one that a server would refuse. */
bool sql_show_diagnostics(const char *text, size_t length, const struct sql_options *options,
                          struct sql_shown *ret);

/* ---- SET, assignment by assignment ---- */

enum sql_set_kind {
    SQL_SET_SESSION_VARIABLE, /* SET x = v, SET SESSION x = v, SET @@x = v, SET LOCAL x = v */
    SQL_SET_GLOBAL_VARIABLE,  /* GLOBAL, PERSIST, PERSIST_ONLY, @@global.x */
    SQL_SET_USER_VARIABLE,    /* SET @x = v, SET @x := v */
    SQL_SET_NAMES,            /* SET NAMES cs [COLLATE c]; name is at NULL */
    SQL_SET_CHARACTER_SET, /* SET CHARACTER SET cs: takes the collation of the schema of the moment; name is
                              at NULL */
};

enum sql_value_kind {
    SQL_VALUE_LITERAL_NUMBER, /* [+-] integer or decimal or float, TRUE, FALSE, hex and bit literals */
    SQL_VALUE_LITERAL_STRING, /* one quoted string, no introducer */
    SQL_VALUE_LITERAL_NULL,
    SQL_VALUE_WORD,       /* a bare word: ON, utf8mb4, DEFAULT */
    SQL_VALUE_EXPRESSION, /* harmless: operators, allow-listed functions, variables; the server computes it */
    SQL_VALUE_PRIMARY,    /* contains a subquery, a function not allow-listed, a lock or global variable */
};

struct sql_assignment {
    enum sql_set_kind kind;
    enum sql_value_kind value_kind;
    struct sql_span name;  /* without @, @@, scope and quotes */
    struct sql_span value; /* as written, blanks around it cut */
};

/*
 * Walks the assignments of a SET statement. `rest` begins as facts.set_text and is moved on; returns false at
 * the end or where the text is not understood (then *ret_bad is true).
 */
bool sql_set_next(struct sql_span *rest, const struct sql_options *options, struct sql_assignment *ret,
                  bool *ret_bad);

/* How a session variable is to be treated when it is SET (name lower or upper case). */
enum sql_variable_class {
    SQL_VARIABLE_CARRIED,    /* its resulting value is carried to every server */
    SQL_VARIABLE_AUTOCOMMIT, /* autocommit: carried, and decides on routing */
    SQL_VARIABLE_ONE_SHOT,   /* insert_id, timestamp, last_insert_id, rand_seed*, ... : primary, held */
    SQL_VARIABLE_PRIVILEGED, /* sql_log_bin, gtid_*, server_id, pseudo_*, binlog_*, ... : primary, held */
    SQL_VARIABLE_UNLESS_OFF, /* sql_auto_is_null: carried if it is set to 0, else primary, held */
    SQL_VARIABLE_PROXY,      /* wait_timeout, interactive_timeout, net_*_timeout: kept here, never carried */
    SQL_VARIABLE_TRACKING,   /* session_track_*: what the client wants to be told; the proxy filters */
};
enum sql_variable_class sql_variable_class(const char *name, size_t length);

/* ---- definitions of views, routines and triggers ---- */

/*
 * The names that a statement defines, without schema and quotes: of CREATE VIEW the view's, of CREATE TRIGGER
 * the table's, of RENAME TABLE all of them. `rest` begins as facts.defines and is moved on.
 */
bool sql_defined_next(struct sql_span *rest, const struct sql_options *options, struct sql_span *ret_name);

/* A name as a number, without regard to case; never 0. All names with characters above ASCII have the same
 * one. */
uint64_t sql_name_key(const char *name, size_t length);

enum sql_body_habit {
    SQL_BODY_LEAVES = 1, /* takes named locks or roles, makes temporary tables, runs texts made up at run
                            time, or could not be read to its end */
    SQL_BODY_ASSIGNS = 2 /* has a user variable in it */
};

/*
 * Reads the body of a view, a routine or a trigger by its words only. keys gets the sql_name_key() of each
 * name and keyword in it, in order, some of them more than once; room for length / 2 + 1 of them is enough.
 * Returns how many; *ret_habits is of enum sql_body_habit.
 */
size_t sql_body_names(const char *text, size_t length, const struct sql_options *options, uint64_t *keys,
                      unsigned *ret_habits);

/*
 * Writes the normalised text (literals as ?, blanks folded, comments gone, keywords upper case) into out,
 * cut at size - 1 and NUL-ended. Returns the length written. For display and rules; not on the fast path.
 */
size_t sql_normalise(const char *text, size_t length, const struct sql_options *options, char *out,
                     size_t size);

#endif
