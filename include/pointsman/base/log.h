/*
 * log.h - the program's log: one event a line to standard error.
 *
 *   log_event(LOG_WARNING, "server-down", "no good look within the timeout",
 *             log_text("server", name), log_number("age_ms", age));
 *
 *   text:  2026-07-01T12:00:00.123Z warning server-down: no good look within the timeout server=db1
 * age_ms=1200 json:  {"time":"2026-07-01T12:00:00.123Z","level":"warning","event":"server-down", "text":"no
 * good look within the timeout","server":"db1","age_ms":1200}            (on one line)
 *
 * The event is a fixed name in lower case with hyphens, to be searched and counted; the text is a sentence
 * for people, fixed too; what differs from line to line stands in the fields. Never put a password or a
 * statement's literals there.
 *
 * Any thread may log at any time: a line is built on the stack and leaves by one write(2) of at most
 * LOG_LINE_MAX bytes, which a pipe takes whole. Nothing is allocated, nothing fails: a line that nobody can
 * take is dropped. Values from outside are escaped, so that nobody can forge a line; too long ones are cut
 * and end in "...".
 */
#ifndef POINTSMAN_BASE_LOG_H
#define POINTSMAN_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum { LOG_LINE_MAX = 4096 }; /* bytes with the newline; PIPE_BUF of Linux */

/* In the configuration's order. <syslog.h> has macros of some of these names; a file can't include both. */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

enum log_kind { LOG_FIELDS_END, LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_REAL, LOG_FIELD_FLAG };

/* One field of a line. Borrowed: key and text need to live only as long as the call. */
struct log_field {
    enum log_kind kind;
    const char
        *key; /* lower case with underscores; a unit as its end: _ms, _bytes. Not time, level, event, text */
    union {
        const char *text;
        int64_t number;
        double real;
        bool flag;
    } value;
};

/* Until log_setup() is called: LOG_INFO, text, standard error. May be called again at a reload, by any
 * thread. */
void log_setup(enum log_level level, enum log_format format);
void log_setup_fd(int fd); /* where lines go; borrowed. For tests; the program keeps standard error */

/* False: a line of this level would be dropped. Costs one relaxed load. */
bool log_enabled(enum log_level level);

/* Writes one line if its level is on. text may be NULL. The fields are evaluated only if it is. */
#define log_event(level, event, text, ...)                                                                   \
    do {                                                                                                     \
        if (log_enabled(level))                                                                              \
            log_write(level, event, text,                                                                    \
                      (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.kind = LOG_FIELDS_END}});       \
    } while (0)

/* What log_event() calls: fields end with one of kind LOG_FIELDS_END. errno is left as it was. */
void log_write(enum log_level level, const char *event, const char *text, const struct log_field *fields);

/* NULL: the field is left out. */
static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.kind = LOG_FIELD_TEXT, .key = key, .value.text = text};
}

static inline struct log_field log_number(const char *key, int64_t number)
{
    return (struct log_field){.kind = LOG_FIELD_NUMBER, .key = key, .value.number = number};
}

/* Printed with 6 digits; null if it is not finite. */
static inline struct log_field log_real(const char *key, double real)
{
    return (struct log_field){.kind = LOG_FIELD_REAL, .key = key, .value.real = real};
}

/* yes or no; true or false in JSON. */
static inline struct log_field log_flag(const char *key, bool flag)
{
    return (struct log_field){.kind = LOG_FIELD_FLAG, .key = key, .value.flag = flag};
}

#endif
