/*
 * libgenerallog.c - what ran on a server, from its general log.
 *
 *   261123  4:45:34<TAB>     4 Connect<TAB>app@localhost on shop using TCP/IP
 *   <TAB><TAB>     4 Query<TAB>select 1      the same second
 *   from t                                   a statement's second line
 */
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

long general_log_mark(const struct cluster_server *server)
{
    struct stat status;
    return stat(server->log, &status) == 0 ? (long)status.st_size : 0;
}

/* Reads an entry's first line in place; false if this line only continues the one before. */
static bool begin_entry(char *line, struct general_log_entry *ret_entry)
{
    char *at = strchr(line, '\t'), *end;
    if (!at || (at != line && (at - line != 15 || !isdigit((unsigned char)line[0]))))
        return false;
    at += strspn(at, "\t ");
    unsigned long thread = strtoul(at, &end, 10);
    char *command = end + 1, *text = end > at && *end == ' ' ? strchr(command, '\t') : NULL;
    if (!text || !isupper((unsigned char)*command))
        return false;
    *text++ = '\0';
    *ret_entry = (struct general_log_entry){.thread = thread, .command = command, .text = text};
    return true;
}

bool general_log_each(const struct cluster_server *server, long mark,
                      bool (*each)(const struct general_log_entry *entry, void *arg), void *arg)
{
    char *log = text_from(server->log, mark);
    if (!log)
        return false;
    struct general_log_entry entry = {0}, next;
    bool go_on = true;
    for (char *line = log; go_on && line && *line;) {
        char *line_end = strchr(line, '\n');
        if (line_end)
            *line_end = '\0';
        if (begin_entry(line, &next)) {
            go_on = !entry.text || each(&entry, arg);
            entry = next;
        } else if (line > log) {
            line[-1] = '\n'; /* part of the entry before */
        }
        line = line_end ? line_end + 1 : NULL;
    }
    if (go_on && entry.text)
        each(&entry, arg);
    free(log);
    return true;
}

struct search {
    const char *marker;
    int found;
};

static bool count_in(const struct general_log_entry *entry, void *arg)
{
    struct search *search = arg;
    if (strcmp(entry->command, "Query") != 0 && strcmp(entry->command, "Execute") != 0)
        return true;
    for (const char *at = entry->text; (at = strstr(at, search->marker)); at++)
        search->found++;
    return true;
}

int general_log_count(const struct cluster_server *server, long mark, const char *marker)
{
    struct search search = {.marker = marker};
    general_log_each(server, mark, count_in, &search);
    return search.found;
}
