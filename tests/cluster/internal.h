/*
 * internal.h - what the harness's files share: processes, the guard that cleans up, ports, the template.
 */
#ifndef POINTSMAN_TESTS_CLUSTER_INTERNAL_H
#define POINTSMAN_TESTS_CLUSTER_INTERNAL_H

#include "cluster.h"
#include "pointsman.h"

/* --- libprocess.c --- */

struct process_setting {
    const char *log;      /* standard output and error are appended to this file; NULL keeps ours */
    const char *input;    /* standard input; NULL means /dev/null */
    struct guard *guard;  /* ends the process if we die; NULL for none */
    char *const *environ; /* NULL means ours */
    bool foreground;      /* stays in our session: gets the terminal's Ctrl-C and our standard input */
};
/* argv[0] is looked for in PATH and in sbin folders. 0 on failure. */
pid_t process_start(const char *const *argv, const struct process_setting *setting);
/* Waits for a child of ours. True when it ended; its wait status is then in *ret_status (may be NULL). */
bool process_wait(pid_t pid, int timeout_ms, int *ret_status);
/* Exit status as a shell has it. */
int process_status(int wait_status);
/* Runs to the end; the exit status, 127 if it could not be started. */
int process_run(const char *const *argv, const struct process_setting *setting);

/* --- libguard.c --- */

/* A process beside us that outlives us: ends what was started and removes the folder. NULL on failure. */
struct guard *guard_start(const char *directory);
/* In a child between fork and exec: puts it under guard. */
void guard_enter(const struct guard *guard);
/* All is well: end everything, remove the folder, return when that is done. NULL-safe. */
void guard_stop(struct guard *guard, const char *directory);

/* --- libports.c --- */

/* A port free on 127.0.0.1 that no other test takes while *ret_claim is open. 0 if there is none. */
int port_take(int *ret_claim);
/* A connection to 127.0.0.1:port; a socket that listens on a free port there, which nobody else need know
 * before. -1 on failure. */
int port_dial(int port);
int port_listen(int *ret_port);

/* --- libtemplate.c --- */

struct flavour;

/* The path of a data directory with the accounts and schemas of cluster.h, to be freed; made at first use.
 * scratch is a folder for files of the moment; NULL on failure. */
char *template_ready(const struct flavour *flavour, const char *scratch, struct guard *guard);
/* destination must not exist. */
bool template_copy(const char *ready, const char *destination, struct guard *guard);
/* Runs a program with its output in a file, which is printed if it fails. */
bool run_logged(const char *const *argv, const char *input, const char *log, struct guard *guard);
char *build_path(const char *name); /* a file in the build folder, to be freed */

/* --- libserver.c --- */

bool server_prepare(struct cluster *cluster, int server); /* names, port, data directory */
bool server_spawn(struct cluster *cluster, int server);   /* starts, doesn't wait */
bool server_await(struct cluster *cluster, int server);   /* until it accepts */
void server_done(struct cluster_server *server);          /* reaps, frees; the guard has killed it */

/* --- libgenerallog.c --- */

bool general_log_prepare(struct cluster_server *server);
void general_log_done(struct cluster_server *server);

/* --- small things --- */

void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_printf(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* aborts when out of memory */
/* A file from an offset on, or its last -from bytes; ends in NUL, to be freed. NULL if it can't be read. */
char *text_from(const char *path, long from);

#endif
