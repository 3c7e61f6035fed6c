/*
 * commands.h - what the console understands: one table, and the way from a statement's text to a reply.
 *
 *   text ──words──> the longest row that it begins with ──> role? ──> run() ──> reply: rows, OK or ERR
 *                              └─ none: ERR 1064 with the nearest row's name
 *
 * A new command is a row of the table in commands.c and a function here.
 */
#ifndef PROXY_ADMIN_COMMANDS_H
#define PROXY_ADMIN_COMMANDS_H

#include "filter.h"
#include "pointsman/admin/admin.h"
#include "result_set.h"
#include "words.h"

/* Who asks: borrowed from the connection. */
struct asker {
    const struct admin_context *context;
    uint32_t id;        /* of the connection */
    const char *user;   /* the name given at login */
    const char *host;   /* "127.0.0.1", "localhost" for a unix socket */
    const char *schema; /* chosen by COM_INIT_DB, "" if none: for rules of EXPLAIN ROUTE */
    bool may_act;
};

struct console_command;

/* One statement being answered. */
struct request {
    const struct asker *asker;
    const struct console_command *command;
    const char *text; /* the whole statement, for the log */
    size_t length;
    struct words words; /* what stands behind the command's words */
};

enum reply_kind { REPLY_OK, REPLY_ERR, REPLY_ROWS };
struct reply {
    enum reply_kind kind;
    uint16_t code;         /* REPLY_ERR */
    char state[6];         /* SQLSTATE */
    char text[512];        /* REPLY_ERR: what is wrong; REPLY_OK: what was done */
    struct result_set set; /* REPLY_ROWS */
    /* For rows whose columns are made up on the way: where they and their names live. */
    struct column columns[RESULT_COLUMNS_MAX];
    char names[4096];
};

struct console_command {
    const char *words;            /* in upper case, one blank between them */
    const char *arguments;        /* for HELP, "" if there are none */
    const struct column *columns; /* of its rows; NULL: it makes its reply itself */
    size_t columns_count;
    bool acts; /* needs the acting role, and is logged */
    /* With columns: fills request->reply's rows; LIKE, WHERE and FORMAT are read by the dispatcher. */
    void (*run)(struct request *request, struct reply *reply);
    const char *help; /* one line; NULL: what clients send by themselves, not shown */
};

/* Always makes a reply, to be freed by reply_done(). */
void command_answer(const struct asker *asker, const char *text, size_t length, struct reply *ret_reply);
void reply_done(struct reply *reply);

void reply_ok(struct reply *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_err(struct reply *reply, uint16_t code, const char *state, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* ERR 1064, with how the command is used. */
void reply_usage(const struct request *request, struct reply *reply);
/* ERR 1064 for a statement that no row answers, with the nearest command. */
void reply_unknown(const struct request *request, struct reply *reply);
/* False, and reply_usage(), if something is left of the statement. */
bool request_ends(struct request *request, struct reply *reply);

/* ---- the commands' functions, by file ---- */

/* show_servers.c */
extern const struct column servers_columns[12], pool_columns[4];
void show_servers(struct request *request, struct reply *reply);
void show_pool(struct request *request, struct reply *reply);

/* show_sessions.c */
extern const struct column sessions_columns[9], pins_columns[5];
void show_sessions(struct request *request, struct reply *reply);
void show_pins(struct request *request, struct reply *reply);

/* show_status.c */
extern const struct column named_columns[2], events_columns[6];
void show_status(struct request *request, struct reply *reply);
void show_variables(struct request *request, struct reply *reply);
void show_events(struct request *request, struct reply *reply);

/* explain.c */
void explain_route(struct request *request, struct reply *reply);

/* acting.c */
void act_reload(struct request *request, struct reply *reply);
void act_set_server(struct request *request, struct reply *reply);
void act_kill(struct request *request, struct reply *reply);

/* chatter.c: what clients and drivers send by themselves */
void chatter_select(struct request *request, struct reply *reply);
void chatter_set(struct request *request, struct reply *reply);
void chatter_ok(struct request *request, struct reply *reply);
void chatter_nothing(struct request *request, struct reply *reply);
/* What SHOW VARIABLES has for clients besides the configuration; false at the end. */
bool chatter_variable(size_t index, const char **ret_name, const char **ret_value);

#endif
