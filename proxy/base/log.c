/*
 * log.c - the program's log.
 *
 *   log_write ─┬─> line_begin   time, level, event, text   ┐  struct line: LOG_LINE_MAX bytes on the stack,
 *              ├─> line_field   one a field                ┘  always with room for its end
 *              └─> line_end     "}" if JSON, newline, one write(2)
 *
 * A field goes in whole or not at all; a value longer than VALUE_MAX bytes is cut first. So a line is valid
 * JSON however long its values are, and says with cut=yes that something is missing.
 *
 * Escaping: text values that hold anything but harmless characters are quoted as JSON strings are, in both
 * formats. Bytes that are no UTF-8 become U+FFFD, since a JSON reader would refuse the line.
 */
#include "pointsman/base/log.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    VALUE_MAX = 1024,                     /* bytes of a value as it stands in the line */
    END_ROOM = sizeof ",\"cut\":true}\n", /* always kept free for line_end */
};

struct line {
    enum log_format format;
    size_t length; /* <= LOG_LINE_MAX - END_ROOM */
    bool cut;      /* something did not go in; nothing more does */
    char bytes[LOG_LINE_MAX];
};

static _Atomic(enum log_level) log_threshold = LOG_INFO;
static _Atomic(enum log_format) log_style = LOG_TEXT;
static atomic_int log_fd = STDERR_FILENO;

void log_setup(enum log_level level, enum log_format format)
{
    atomic_store_explicit(&log_threshold, level, memory_order_relaxed);
    atomic_store_explicit(&log_style, format, memory_order_relaxed);
}

void log_setup_fd(int fd)
{
    atomic_store_explicit(&log_fd, fd, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return level <= atomic_load_explicit(&log_threshold, memory_order_relaxed);
}

static void line_bytes(struct line *line, const char *bytes, size_t length)
{
    if (line->cut || length > LOG_LINE_MAX - END_ROOM - line->length) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

static void line_string(struct line *line, const char *string)
{
    line_bytes(line, string, strlen(string));
}

/* The length of the UTF-8 character at s, or 0 if there is none: stray and missing continuation bytes,
 * overlong forms, surrogates, beyond U+10FFFF (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *s)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t length;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    switch (s[0]) {
    case 0xe0: low = 0xa0; break;
    case 0xed: high = 0x9f; break;
    case 0xf0: low = 0x90; break;
    case 0xf4: high = 0x8f; break;
    }
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return length;
}

static void line_escaped(struct line *line, unsigned char byte)
{
    static const char shorts[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
    const char *found = byte ? strchr(shorts, byte) : NULL;
    char escape[8];

    if (found)
        snprintf(escape, sizeof escape, "\\%c", letters[found - shorts]);
    else
        snprintf(escape, sizeof escape, "\\u%04x", byte);
    line_string(line, escape);
}

/* Text with control bytes and `specials` escaped, at most VALUE_MAX bytes of it. */
static void line_text(struct line *line, const char *text, const char *specials)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t start = line->length;

    while (*at && line->length - start < VALUE_MAX && !line->cut) {
        size_t length = utf8_length(at);
        if (length == 0)
            line_string(line, "\xef\xbf\xbd");
        else if (length == 1 && (*at < 0x20 || *at == 0x7f || strchr(specials, *at)))
            line_escaped(line, *at);
        else
            line_bytes(line, (const char *)at, length);
        at += length ? length : 1;
    }
    if (*at)
        line_string(line, "...");
}

static void line_quoted(struct line *line, const char *text)
{
    line_string(line, "\"");
    line_text(line, text, "\"\\");
    line_string(line, "\"");
}

/* Words that stand in a text line as they are. "=" and blanks would make it ambiguous. */
static bool is_plain(const char *text)
{
    size_t length = strspn(text,
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.,:;/@[]()*#%");

    return length > 0 && length <= VALUE_MAX && text[length] == '\0';
}

static void line_value(struct line *line, const struct log_field *field)
{
    bool json = line->format == LOG_JSON;
    char digits[64];

    switch (field->kind) {
    case LOG_FIELD_TEXT:
        if (!json && is_plain(field->value.text))
            line_string(line, field->value.text);
        else
            line_quoted(line, field->value.text);
        return;
    case LOG_FIELD_FLAG:
        line_string(line, json ? (field->value.flag ? "true" : "false") : (field->value.flag ? "yes" : "no"));
        return;
    case LOG_FIELD_REAL:
        if (isfinite(field->value.real))
            snprintf(digits, sizeof digits, "%.6g", field->value.real);
        else
            snprintf(digits, sizeof digits, "null");
        break;
    case LOG_FIELD_NUMBER:
    default: snprintf(digits, sizeof digits, "%lld", (long long)field->value.number);
    }
    line_string(line, digits);
}

static void line_field(struct line *line, const struct log_field *field)
{
    size_t before = line->length;

    if (line->cut || (field->kind == LOG_FIELD_TEXT && !field->value.text))
        return;
    line_string(line, line->format == LOG_JSON ? ",\"" : " ");
    line_string(line, field->key);
    line_string(line, line->format == LOG_JSON ? "\":" : "=");
    line_value(line, field);
    if (line->cut)
        line->length = before;
}

static void line_begin(struct line *line, enum log_level level, const char *event, const char *text)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    bool json = line->format == LOG_JSON;
    struct timespec now = {0};
    struct tm utc;
    char time[32], head[256];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(head, sizeof head,
             json ? "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"event\":\"%.100s\"" : "%s.%03ldZ %s %.100s",
             time, now.tv_nsec / 1000000, levels[level], event);
    line_string(line, head);
    if (text && json) {
        struct log_field field = log_text("text", text);
        line_field(line, &field);
    } else if (text) {
        line_string(line, ": ");
        line_text(line, text, "");
    }
}

/* The room for this was kept free by line_bytes(). */
static void line_end(struct line *line)
{
    bool json = line->format == LOG_JSON;
    const char *end = line->cut ? (json ? ",\"cut\":true}\n" : " cut=yes\n") : (json ? "}\n" : "\n");

    memcpy(line->bytes + line->length, end, strlen(end));
    line->length += strlen(end);
}

void log_write(enum log_level level, const char *event, const char *text, const struct log_field *fields)
{
    struct line line;
    int saved = errno, fd = atomic_load_explicit(&log_fd, memory_order_relaxed);

    if (!log_enabled(level))
        return;
    line.format = atomic_load_explicit(&log_style, memory_order_relaxed);
    line.length = 0;
    line.cut = false;
    line_begin(&line, level, event, text);
    for (; fields->kind != LOG_FIELDS_END; fields++)
        line_field(&line, fields);
    line_end(&line);
    while (write(fd, line.bytes, line.length) < 0 && errno == EINTR)
        ;
    errno = saved;
}
