/*
 * lines.c - an INI file as headings and keys, split by inih.
 *
 *   FILE ──> next_line() ──────────────> inih ──> on_key() ──> listener.key
 *            counts, refuses what inih    splits at "="
 *            would misread, cuts comments
 *            └─> listener.heading
 *
 * inih alone has no line numbers, cuts a line that is too long for its buffer into invented keys, takes an
 * indented line for the continuation of the last value, splits at ":" too, knows only one of the two comment
 * signs after a value, and says nothing of sections without keys. So it gets each line cleaned, and empty if
 * there was a fault in it. A line after which inih called no handler was not a key.
 */
#include "lines.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>

enum {
    FILE_MAX = 1 << 20, /* bytes; a configuration is some kilobytes, /dev/zero is not one */
    LINE_MAX_BYTES = 200,
};

struct lines {
    FILE *file;
    struct faults *faults;
    const struct lines_listener *listener;
    unsigned line;
    size_t bytes;
    bool expects_key; /* inih was given a line that should be a key and hasn't called on_key() */
    bool ended;
};

static const char blanks[] = " \t\r\v\f";

/* Reads one line without its newline (or CR LF) into text. What is too long for it is read over. Returns
 * false at the end. */
static bool read_raw(struct lines *lines, char *text, size_t room, size_t *ret_length)
{
    size_t length = 0;
    int c, last = 0;

    for (; (c = getc(lines->file)) != EOF && ++lines->bytes <= FILE_MAX && c != '\n'; last = c)
        if (length++ < room)
            text[length - 1] = (char)c;
    if (lines->bytes > FILE_MAX && !lines->ended)
        fault(lines->faults, lines->line + 1, "the file is larger than %d bytes, the rest was not read",
              FILE_MAX);
    lines->ended = c != '\n' || lines->bytes > FILE_MAX;
    if (lines->ended && length == 0)
        return false;
    *ret_length = last == '\r' ? length - 1 : length;
    return true;
}

static bool has_control_bytes(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)text[i] < ' ' && !strchr(blanks, text[i])) || text[i] == '\0' || text[i] == 0x7f)
            return true;
    return false;
}

/* Ends the text where a comment begins: ";" or "#" at its start or after a blank. */
static void cut_comment(char *text)
{
    for (char *at = text; (at = strpbrk(at, ";#")); at++) {
        if (at == text || strchr(blanks, at[-1])) {
            *at = '\0';
            return;
        }
    }
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, blanks);
    length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]))
        text[--length] = '\0';
    return text;
}

static void tell_heading(struct lines *lines, char *text)
{
    char *end = strchr(text, ']'), *name;

    if (!end || end[1] != '\0') {
        fault(lines->faults, lines->line, "a section's heading is [NAME] and nothing else in its line");
        return;
    }
    *end = '\0';
    name = trim(text + 1);
    if (*name == '\0')
        fault(lines->faults, lines->line, "this section has no name");
    else
        lines->listener->heading(lines->listener->user, lines->line, name);
}

/* A key's line stays as it is for inih; of any other nothing is left. */
static void take_line(struct lines *lines, char *text)
{
    char *start = trim(text), *sign = strpbrk(start, "=:");

    if (*start == '[') {
        tell_heading(lines, start);
        *text = '\0';
    } else if (sign && *sign == ':') {
        fault(lines->faults, lines->line, "between a key and its value stands \"=\", not \":\"");
        *text = '\0';
    } else {
        lines->expects_key = *start != '\0';
        memmove(text, start, strlen(start) + 1);
    }
}

static void fault_if_no_key(struct lines *lines)
{
    if (lines->expects_key)
        fault(lines->faults, lines->line, "this is neither a [section] nor key = value");
    lines->expects_key = false;
}

/* inih's reader: fills text with one line and returns it, or NULL at the end. The buffer is wiped first,
 * since it may hold a password. */
static char *next_line(char *text, int size, void *user)
{
    struct lines *lines = user;
    size_t room = (size_t)size - 1 < LINE_MAX_BYTES ? (size_t)size - 1 : LINE_MAX_BYTES, length;

    fault_if_no_key(lines);
    explicit_bzero(text, (size_t)size);
    if (lines->ended || !read_raw(lines, text, room, &length))
        return NULL;
    if (lines->line++ == 0 && length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        memset(text, ' ', 3);
    if (length > room)
        fault(lines->faults, lines->line, "the line has %zu bytes, at most %zu are read", length, room);
    else if (has_control_bytes(text, length))
        fault(lines->faults, lines->line,
              "the line holds a control character; only text and tabs may stand here");
    else {
        cut_comment(text);
        take_line(lines, text);
        return text;
    }
    *text = '\0';
    return text;
}

static int on_key(void *user, const char *section, const char *key, const char *value)
{
    struct lines *lines = user;

    (void)section; /* cut at 49 bytes; the listener knows the whole */
    lines->expects_key = false;
    if (*key == '\0')
        fault(lines->faults, lines->line, "before the \"=\" stands no key");
    else
        lines->listener->key(lines->listener->user, lines->line, key, value);
    return 1;
}

unsigned lines_read(FILE *file, const struct lines_listener *listener, struct faults *faults)
{
    struct lines lines = {.file = file, .faults = faults, .listener = listener};

    errno = 0;
    if (ini_parse_stream(next_line, &lines, on_key, &lines) == -2)
        fault_memory(faults);
    fault_if_no_key(&lines);
    if (ferror(file))
        fault(faults, 0, "it can't be read: %s", strerror(errno ? errno : EIO));
    return lines.line ? lines.line : 1;
}
