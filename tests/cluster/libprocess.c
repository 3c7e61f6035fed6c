/*
 * libprocess.c - starting programs, waiting for their end with a time limit, and what they have used.
 *
 *   process_start: fork ── child: enters the guard, new session, log file, no file of ours ── exec
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *find_program(const char *name)
{
    if (strchr(name, '/'))
        return strdup(name);
    char *path = text_printf("%s:/usr/local/sbin:/usr/sbin:/sbin",
                             getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    char *rest = path, *folder, *found = NULL;
    while (!found && (folder = strsep(&rest, ":"))) {
        found = text_printf("%s/%s", folder, name);
        if (access(found, X_OK) != 0) {
            free(found);
            found = NULL;
        }
    }
    free(path);
    return found;
}

/* Only what is safe after a fork of a program with threads. */
static void become(const char *program, const char *const *argv, const struct process_setting *setting)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (setting->guard)
        guard_enter(setting->guard);
    if (!setting->foreground)
        setsid();
    if (setting->input || !setting->foreground) {
        int in = open(setting->input ? setting->input : "/dev/null", O_RDONLY);
        if (in < 0 || dup2(in, STDIN_FILENO) < 0)
            _exit(127);
    }
    if (setting->log) {
        int out = open(setting->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
            _exit(127);
    }
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    execve(program, (char *const *)(uintptr_t)argv, setting->environ ? setting->environ : environ);
    _exit(127);
}

pid_t process_start(const char *const *argv, const struct process_setting *setting)
{
    char *program = find_program(argv[0]);
    if (!program) {
        complain("%s: no such program", argv[0]);
        return 0;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(program, argv, setting);
    if (pid < 0)
        complain("fork: %s", strerror(errno));
    free(program);
    return pid > 0 ? pid : 0;
}

bool process_wait(pid_t pid, int timeout_ms, int *ret_status)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return false;
    struct pollfd end = {.fd = fd, .events = POLLIN};
    int ended, status = 0;
    while ((ended = poll(&end, 1, timeout_ms)) < 0 && errno == EINTR)
        ;
    close(fd);
    if (ended <= 0 || waitpid(pid, &status, 0) != pid)
        return false;
    if (ret_status)
        *ret_status = status;
    return true;
}

int process_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int process_run(const char *const *argv, const struct process_setting *setting)
{
    int status;
    pid_t pid = process_start(argv, setting);
    return pid && process_wait(pid, -1, &status) ? process_status(status) : 127;
}

/* Fields 14 and 15 of stat: user and system time in ticks, behind a name that may have blanks. */
static bool read_times(pid_t pid, struct process_usage *usage)
{
    char *path = text_printf("/proc/%d/stat", pid), line[1024];
    FILE *file = fopen(path, "re");
    free(path);
    if (!file)
        return false;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    unsigned long user, system;
    char *name_end = strrchr(line, ')');
    if (!name_end ||
        sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return false;
    int64_t tick_us = 1000000 / sysconf(_SC_CLK_TCK);
    usage->user_us = (int64_t)user * tick_us;
    usage->system_us = (int64_t)system * tick_us;
    return true;
}

bool process_usage(pid_t pid, struct process_usage *ret_usage)
{
    struct process_usage usage = {0};
    char *path = text_printf("/proc/%d/status", pid), line[256];
    FILE *file = fopen(path, "re");
    free(path);
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "VmRSS: %ld", &usage.resident_kb);
        sscanf(line, "VmHWM: %ld", &usage.peak_kb);
    }
    fclose(file);
    if (!read_times(pid, &usage))
        return false;
    *ret_usage = usage;
    return true;
}
