/* commands.c - the table of commands, finding one, and its reply: see commands.h. */
#include "commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman/base/log.h"
#include "pointsman/config/nearest.h"
#include "pointsman/protocol/answer.h"
#include "result_json.h"

#define COLUMNS(columns) columns, sizeof columns / sizeof *columns

static void help(struct request *request, struct reply *reply);

static const struct column help_columns[] = {
    {"command", COLUMN_TEXT}, {"role", COLUMN_TEXT}, {"help", COLUMN_TEXT}};
static const struct column warnings_columns[] = {
    {"Level", COLUMN_TEXT}, {"Code", COLUMN_NUMBER}, {"Message", COLUMN_TEXT}};
static const struct column one_column[] = {{"Database", COLUMN_TEXT}};

static const struct console_command commands[] = {
    {"SHOW SERVERS", "", COLUMNS(servers_columns), false, show_servers,
     "the servers with role, state, lag, connections, and why one is not usable"},
    {"SHOW SESSIONS", "", COLUMNS(sessions_columns), false, show_sessions,
     "the clients' sessions: where they run, what holds them to a connection"},
    {"SHOW POOL", "", COLUMNS(pool_columns), false, show_pool,
     "connections to the servers by account and state"},
    {"SHOW PINS", "", COLUMNS(pins_columns), false, show_pins,
     "why sessions hold connections, and for how long"},
    {"SHOW EVENTS", "", COLUMNS(events_columns), false, show_events,
     "what happened to the servers, oldest first; times are UTC"},
    {"SHOW STATUS", "", COLUMNS(named_columns), false, show_status, "counters since the start, and gauges"},
    {"SHOW VARIABLES", "", COLUMNS(named_columns), false, show_variables,
     "the configuration as it is in force"},
    {"EXPLAIN ROUTE", "<statement>", NULL, 0, false, explain_route,
     "where a statement would go and why; runs nothing. Rules see the login's name and the current schema"},
    {"SET SERVER", "name MAINTENANCE | DRAIN | ONLINE | WEIGHT n", NULL, 0, true, act_set_server,
     "takes a server out of use, lets its sessions end, gives it back, or sets its share of the reads; "
     "until the program ends"},
    {"RELOAD", "", NULL, 0, true, act_reload, "reads the configuration again; a faulty one changes nothing"},
    {"KILL", "[QUERY] n", NULL, 0, true, act_kill, "ends a session of SHOW SESSIONS, or only its statement"},
    {"SHOW COMMANDS", "", COLUMNS(help_columns), false, help,
     "this list. SHOW commands take LIKE 'pattern', WHERE column = 'x' AND ..., and FORMAT=JSON"},
    {"HELP", "", COLUMNS(help_columns), false, help,
     "the same; the mysql and mariadb command lines keep HELP for themselves"},

    /* What clients and drivers send by themselves. */
    {"SHOW SESSION STATUS", "", COLUMNS(named_columns), false, show_status, NULL},
    {"SHOW GLOBAL STATUS", "", COLUMNS(named_columns), false, show_status, NULL},
    {"SHOW SESSION VARIABLES", "", COLUMNS(named_columns), false, show_variables, NULL},
    {"SHOW GLOBAL VARIABLES", "", COLUMNS(named_columns), false, show_variables, NULL},
    {"SHOW WARNINGS", "", COLUMNS(warnings_columns), false, chatter_nothing, NULL},
    {"SHOW ERRORS", "", COLUMNS(warnings_columns), false, chatter_nothing, NULL},
    {"SHOW DATABASES", "", COLUMNS(one_column), false, chatter_nothing, NULL},
    {"SHOW SCHEMAS", "", COLUMNS(one_column), false, chatter_nothing, NULL},
    {"SHOW TABLES", "", COLUMNS(one_column), false, chatter_nothing, NULL},
    {"SELECT", "", NULL, 0, false, chatter_select, NULL},
    {"SET", "", NULL, 0, false, chatter_set, NULL},
    {"BEGIN", "", NULL, 0, false, chatter_ok, NULL},
    {"START TRANSACTION", "", NULL, 0, false, chatter_ok, NULL},
    {"COMMIT", "", NULL, 0, false, chatter_ok, NULL},
    {"ROLLBACK", "", NULL, 0, false, chatter_ok, NULL},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* ---- replies ---- */

void reply_ok(struct reply *reply, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    reply->kind = REPLY_OK;
    vsnprintf(reply->text, sizeof reply->text, format, arguments);
    va_end(arguments);
}

void reply_err(struct reply *reply, uint16_t code, const char *state, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    reply->kind = REPLY_ERR;
    reply->code = code;
    snprintf(reply->state, sizeof reply->state, "%s", state);
    vsnprintf(reply->text, sizeof reply->text, format, arguments);
    va_end(arguments);
}

void reply_done(struct reply *reply)
{
    result_set_done(&reply->set);
}

void reply_usage(const struct request *request, struct reply *reply)
{
    const struct console_command *command = request->command;
    reply_err(reply, SERVER_ERROR_PARSE, "42000", "the command is: %s%s%s", command->words,
              *command->arguments ? " " : "", command->arguments);
}

bool request_ends(struct request *request, struct reply *reply)
{
    struct word word = word_next(&request->words);
    if (word.kind != WORD_END)
        reply_usage(request, reply);
    return word.kind == WORD_END;
}

/* ---- finding ---- */

/* As many words of the statement as `like` has, with one blank between them. */
static void first_words(const struct request *request, const char *like, char *out, size_t size)
{
    struct words words = words_of(request->text, request->length);
    size_t length = 0;
    *out = 0;
    for (const char *c = like; c && length < size; c = strchr(c + 1, ' ')) {
        struct word word = word_next(&words);
        if (word.kind == WORD_END || word.kind == WORD_BAD)
            return;
        int n = snprintf(out + length, size - length, "%s%.*s", length ? " " : "", (int)word.length, word.at);
        length += n > 0 ? (size_t)n : 0;
    }
}

void reply_unknown(const struct request *request, struct reply *reply)
{
    const struct console_command *best = NULL;
    unsigned least = 0;
    char begins[64], shown[64];
    for (const struct console_command *it = commands; it < commands + COMMANDS; it++) {
        first_words(request, it->words, begins, sizeof begins);
        unsigned distance = nearest_distance(begins, it->words);
        if (it->help && distance <= (strlen(it->words) + 2) / 3 && (!best || distance < least)) {
            best = it;
            least = distance;
        }
    }
    first_words(request, "ONE TWO THREE", shown, sizeof shown);
    reply_err(reply, SERVER_ERROR_PARSE, "42000",
              "the console has no command '%s'%s%s%s SHOW COMMANDS lists them all", shown,
              best ? "; did you mean " : ".", best ? best->words : "", best ? "?" : "");
}

/* Takes the command's words if the statement begins with them. */
static bool take(struct words *words, const char *command)
{
    struct words before = *words;
    for (const char *c = command; c; c = strchr(c, ' ')) {
        char word[32];
        c += *c == ' ';
        snprintf(word, sizeof word, "%.*s", (int)strcspn(c, " "), c);
        if (!word_take(words, word)) {
            *words = before;
            return false;
        }
    }
    return true;
}

static const struct console_command *find(struct words *words)
{
    const struct console_command *best = NULL;
    const struct words start = *words;
    for (const struct console_command *it = commands; it < commands + COMMANDS; it++) {
        struct words rest = start;
        if ((!best || strlen(it->words) > strlen(best->words)) && take(&rest, it->words)) {
            best = it;
            *words = rest;
        }
    }
    return best;
}

/* ---- running ---- */

static bool read_format(struct request *request, bool *ret_json, struct reply *reply)
{
    *ret_json = word_take(&request->words, "FORMAT");
    if (*ret_json) {
        word_take(&request->words, "=");
        if (!word_take(&request->words, "JSON")) {
            reply_err(reply, SERVER_ERROR_PARSE, "42000", "the only FORMAT is JSON");
            return false;
        }
    }
    return true;
}

/* Rows are filtered as they are made. */
static void run_with_rows(struct request *request, struct reply *reply)
{
    const struct console_command *command = request->command;
    struct filter filter;
    char why[400];
    bool json = false;
    if (!read_format(request, &json, reply))
        return;
    if (!filter_read(&request->words, command->columns, command->columns_count, &filter, why, sizeof why)) {
        reply_err(reply, SERVER_ERROR_PARSE, "42000", "%s", why);
        return;
    }
    if ((!json && !read_format(request, &json, reply)) || !request_ends(request, reply))
        return;
    reply->kind = REPLY_ROWS;
    result_set_begin(&reply->set, command->columns, command->columns_count);
    reply->set.filter = &filter;
    command->run(request, reply);
    reply->set.filter = NULL;
    if (json && reply->kind == REPLY_ROWS)
        result_set_to_json(&reply->set);
}

static void log_acting(const struct request *request, const struct reply *reply)
{
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)request->length, request->text);
    log_event(LOG_INFO, "admin-command", NULL, log_text("command", text),
              log_text("user", request->asker->user), log_text("host", request->asker->host),
              log_text("outcome", reply->kind == REPLY_ERR ? reply->text : "done"));
}

static void run(struct request *request, struct reply *reply)
{
    if (request->command->acts && !request->asker->may_act)
        reply_err(reply, 1227, "42000", "Access denied; %s needs an account of [admin], and '%s' is not one",
                  request->command->words, request->asker->user);
    else if (request->command->columns)
        run_with_rows(request, reply);
    else
        request->command->run(request, reply);
    if (request->command->acts)
        log_acting(request, reply);
}

void command_answer(const struct asker *asker, const char *text, size_t length, struct reply *ret_reply)
{
    struct request request = {
        .asker = asker, .text = text, .length = length, .words = words_of(text, length)};
    request.length = (size_t)(request.words.end - text);
    *ret_reply = (struct reply){.kind = REPLY_OK};
    struct words ahead = request.words;
    struct word first = word_next(&ahead);
    if (first.kind == WORD_END) {
        const struct server_error_text *error = server_error_text(SERVER_ERROR_EMPTY_QUERY);
        reply_err(ret_reply, error->code, error->state, "%s", "Query was empty");
        return;
    }
    request.command = find(&request.words);
    if (request.command)
        run(&request, ret_reply);
    else
        reply_unknown(&request, ret_reply);
    if (ret_reply->kind == REPLY_ROWS && ret_reply->set.failed)
        reply_err(ret_reply, SERVER_ERROR_OUT_OF_RESOURCES, "HY000", "%s", "Out of memory.");
}

/* ---- HELP ---- */

static void help(struct request *request, struct reply *reply)
{
    (void)request;
    for (const struct console_command *it = commands; it < commands + COMMANDS; it++) {
        if (!it->help)
            continue;
        result_format(&reply->set, "%s%s%s", it->words, *it->arguments ? " " : "", it->arguments);
        result_text(&reply->set, it->acts ? "acting" : "reading");
        result_text(&reply->set, it->help);
        result_row_end(&reply->set);
    }
}
