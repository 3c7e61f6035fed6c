/*
 * libgenerallog.c - what ran on a server, from its general log.
 *
 *   261123  4:45:34<TAB>     4 Connect<TAB>app@localhost on shop using TCP/IP
 *   <TAB><TAB>     4 Query<TAB>select 1      the same second (MySQL: each entry has its time)
 *   from t                                   a statement's second line
 *
 * MySQL's log has what a replica's threads apply as well. Those are told from clients by never having logged
 * in since the server's start, which is a heading in the log; so what is before the mark is read too, once.
 */
#include "flavour.h"
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
static bool begin_entry(const struct flavour *flavour, char *line, struct general_log_entry *ret_entry)
{
    char *at = strchr(line, '\t'), *end;
    bool stamped = at && (size_t)(at - line) == flavour->log_stamp && isdigit((unsigned char)line[0]);
    if (!stamped && !(at == line && flavour->log_stamp_spare))
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

/* Threads that have logged in since the server was started. */
struct log_clients {
    bool *known; /* by thread */
    size_t room;
    long at; /* up to here the log was read for them */
};

/* What goes through a log. */
struct reading {
    const struct flavour *flavour;
    struct log_clients *clients;                                    /* NULL: all entries are of clients */
    bool (*each)(const struct general_log_entry *entry, void *arg); /* or NULL */
    void *arg;
};

static void log_in(struct log_clients *clients, unsigned long thread)
{
    if (thread >= clients->room) {
        size_t room = 2 * thread + 64;
        bool *larger = realloc(clients->known, room * sizeof *larger);
        if (!larger)
            abort();
        memset(larger + clients->room, 0, (room - clients->room) * sizeof *larger);
        clients->known = larger;
        clients->room = room;
    }
    clients->known[thread] = true;
}

static bool pass(const struct reading *reading, const struct general_log_entry *entry)
{
    struct log_clients *clients = reading->clients;
    if (!entry->text)
        return true;
    if (clients && strcmp(entry->command, "Connect") == 0)
        log_in(clients, entry->thread);
    if (clients && (entry->thread >= clients->room || !clients->known[entry->thread]))
        return true;
    return !reading->each || reading->each(entry, reading->arg);
}

/* "/usr/sbin/mysqld, Version: 9.7.4 (Debian). started with:" */
static bool is_heading(const char *line)
{
    const char *end = strstr(line, "started with:");
    return *line == '/' && end && !end[strlen("started with:")] && strstr(line, ", Version: ");
}

static void read_log(const struct reading *reading, char *log)
{
    struct general_log_entry entry = {0}, next;
    bool go_on = true;
    for (char *line = log; go_on && line && *line;) {
        char *line_end = strchr(line, '\n');
        if (line_end)
            *line_end = '\0';
        if (begin_entry(reading->flavour, line, &next)) {
            go_on = pass(reading, &entry);
            entry = next;
        } else if (is_heading(line)) {
            go_on = pass(reading, &entry);
            entry.text = NULL;
            if (reading->clients && reading->clients->room)
                memset(reading->clients->known, 0, reading->clients->room * sizeof(bool));
        } else if (line > log) {
            line[-1] = '\n'; /* part of the entry before */
        }
        line = line_end ? line_end + 1 : NULL;
    }
    if (go_on)
        pass(reading, &entry);
    free(log);
}

/* Who was logged in where the mark is, as a copy to go on with; its `known` is to be freed. */
static struct log_clients clients_at(const struct cluster_server *server, long mark)
{
    struct log_clients *past = server->log_clients, copy;
    if (mark < past->at)
        *past = (struct log_clients){.known = past->known}; /* all that is left of it is its memory */
    char *log = text_from(server->log, past->at);
    if (log && mark - past->at < (long)strlen(log))
        log[mark - past->at] = '\0';
    if (log)
        read_log(&(const struct reading){.flavour = server->flavour, .clients = past}, log);
    past->at = mark;
    copy = *past;
    copy.known = calloc(copy.room + 1, sizeof *copy.known);
    if (!copy.known)
        abort();
    if (copy.room)
        memcpy(copy.known, past->known, copy.room * sizeof *copy.known);
    return copy;
}

bool general_log_each(const struct cluster_server *server, long mark,
                      bool (*each)(const struct general_log_entry *entry, void *arg), void *arg)
{
    struct log_clients clients = {0};
    struct reading reading = {.flavour = server->flavour, .each = each, .arg = arg};
    char *log = text_from(server->log, mark);
    if (!log)
        return false;
    if (server->log_clients) {
        clients = clients_at(server, mark);
        reading.clients = &clients;
    }
    read_log(&reading, log);
    free(clients.known);
    return true;
}

bool general_log_prepare(struct cluster_server *server)
{
    if (server->flavour->log_of_appliers)
        server->log_clients = calloc(1, sizeof *server->log_clients);
    return server->log_clients || !server->flavour->log_of_appliers;
}

void general_log_done(struct cluster_server *server)
{
    if (server->log_clients)
        free(server->log_clients->known);
    free(server->log_clients);
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
