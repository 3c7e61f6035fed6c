/*
 * libguard.c - nothing is left behind, however the test program ends.
 *
 *   test program ──pipe──> guard (its own session, so that no Ctrl-C or kill of a group reaches it)
 *     │ fork                 ^
 *     └─ child ── its pid ───┘   each child signs in itself before it execs, so none is missed
 *
 *   The guard waits for a 0 (all is well) or the pipe's end (the test program died: it prints the proxies'
 *   logs). Then it kills who signed in, waits until they are gone and becomes `rm -rf FOLDER`.
 *   There is no other code that removes anything: each run of a test tests the way a crash is cleaned up.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct guard {
    pid_t pid;
    int pipe; /* we write */
};

/* The guard's own list: pidfds name a process for good, even if its number is used again. */
struct wards {
    int fds[512];
    int count;
};

static bool pidfd_ended(int fd, int timeout_ms)
{
    struct pollfd end = {.fd = fd, .events = POLLIN};
    return poll(&end, 1, timeout_ms) > 0;
}

static void forget_ended(struct wards *wards)
{
    int kept = 0;
    for (int i = 0; i < wards->count; i++) {
        if (pidfd_ended(wards->fds[i], 0))
            close(wards->fds[i]);
        else
            wards->fds[kept++] = wards->fds[i];
    }
    wards->count = kept;
}

static void sign_in(struct wards *wards, pid_t pid)
{
    enum { ROOM = sizeof wards->fds / sizeof wards->fds[0] };
    if (wards->count == ROOM)
        forget_ended(wards);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0 && wards->count < ROOM)
        wards->fds[wards->count++] = fd;
}

static void end_all(struct wards *wards)
{
    for (int i = 0; i < wards->count; i++)
        syscall(SYS_pidfd_send_signal, wards->fds[i], SIGKILL, NULL, 0);
    for (int i = 0; i < wards->count; i++)
        pidfd_ended(wards->fds[i], 10000);
}

static void print_logs(const char *directory)
{
    glob_t found = {0};
    char *pattern = text_printf("%s/pointsman-*.log", directory);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            char *tail = text_from(found.gl_pathv[i], -32768);
            fprintf(stderr, "--- %s\n%s---\n", found.gl_pathv[i], tail ? tail : "");
            free(tail);
        }
        globfree(&found);
    }
    free(pattern);
}

/* Detached from the test program but for the pipe (now fd 3) and standard error. */
static void detach(int in)
{
    setsid();
    prctl(PR_SET_NAME, "cluster-guard");
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    dup2(in, 3);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close_range(4, ~0U, 0);
}

static _Noreturn void run(const char *directory, int in)
{
    struct wards wards = {.count = 0};
    pid_t pid;
    ssize_t got;
    detach(in);
    while (((got = read(3, &pid, sizeof pid)) == sizeof pid && pid != 0) || (got < 0 && errno == EINTR))
        sign_in(&wards, pid);
    end_all(&wards);
    if (got != sizeof pid)
        print_logs(directory);
    if (getenv("POINTSMAN_KEEP") && *getenv("POINTSMAN_KEEP")) {
        complain("kept %s", directory);
        _exit(0);
    }
    execlp("rm", "rm", "-rf", "--", directory, (char *)NULL);
    _exit(127);
}

struct guard *guard_start(const char *directory)
{
    int ends[2];
    struct guard *guard = malloc(sizeof *guard);
    if (!guard || pipe2(ends, O_CLOEXEC) < 0) {
        free(guard);
        return NULL;
    }
    fflush(NULL);
    guard->pid = fork();
    if (guard->pid == 0)
        run(directory, ends[0]);
    close(ends[0]);
    guard->pipe = ends[1];
    if (guard->pid > 0)
        return guard;
    close(ends[1]);
    free(guard);
    return NULL;
}

void guard_enter(const struct guard *guard)
{
    pid_t pid = getpid();
    if (write(guard->pipe, &pid, sizeof pid) != sizeof pid)
        _exit(127);
}

void guard_stop(struct guard *guard, const char *directory)
{
    const char *const remove[] = {"rm", "-rf", "--", directory, NULL};
    const struct process_setting plain = {0};
    pid_t well = 0;
    int status;
    if (!guard)
        return;
    signal(SIGPIPE, SIG_IGN);
    bool told = write(guard->pipe, &well, sizeof well) == sizeof well;
    close(guard->pipe);
    if (waitpid(guard->pid, &status, 0) != guard->pid || status != 0 || !told) {
        complain("the guard was lost");
        process_run(remove, &plain);
    }
    free(guard);
}
