/*
 * libtemplate.c - a data directory made once and copied for every server.
 *
 *   POINTSMAN_TEMPLATE_DIR or BUILD/cluster-template/
 *     lock                 held by who makes one
 *     KEY/                 ready; KEY is made of the server's version and of the accounts below
 *     KEY.new/             being made: as libflavour_*.c say; renamed when whole
 *
 * The accounts are part of it, so no server's binlog has them and all servers begin at the same empty
 * position.
 */
#include "flavour.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const struct cluster_account cluster_root = {"root", ""};
const struct cluster_account cluster_monitor = {"monitor", "monitor"};
const struct cluster_account cluster_app = {"app", "app-secret"};
const struct cluster_account cluster_report = {"report", "report-secret"};

char *build_path(const char *name)
{
    char *self = realpath("/proc/self/exe", NULL), *slash;
    while (self && (slash = strrchr(self, '/'))) {
        *slash = '\0';
        char *mark = text_printf("%s/libcluster.a", self);
        bool here = access(mark, F_OK) == 0;
        free(mark);
        if (here) {
            char *path = text_printf("%s/%s", self, name);
            free(self);
            return path;
        }
    }
    free(self);
    return text_printf("%s/%s", getenv("BUILD") ? getenv("BUILD") : "build", name);
}

/* FNV-1a */
static uint64_t hash(uint64_t seed, const char *text)
{
    for (; *text; text++)
        seed = (seed ^ (unsigned char)*text) * 0x100000001b3u;
    return seed;
}

bool run_logged(const char *const *argv, const char *input, const char *log, struct guard *guard)
{
    const struct process_setting setting = {.log = log, .input = input, .guard = guard};
    int status = process_run(argv, &setting);
    if (status == 0)
        return true;
    char *tail = text_from(log, -4000);
    complain("%s ended with %d:\n%s", argv[0], status, tail ? tail : "");
    free(tail);
    return false;
}

/* Made of the server's version line; NULL if there is no server to ask. */
static char *template_key(const struct flavour *flavour, const char *scratch, struct guard *guard)
{
    char *log = text_printf("%s/version", scratch), *server = flavour->server();
    const char *const argv[] = {server, "--no-defaults", "--version", NULL};
    char *version = run_logged(argv, NULL, log, guard) ? text_from(log, 0) : NULL;
    free(log);
    free(server);
    if (!version)
        return NULL;
    uint64_t sum = hash(hash(0xcbf29ce484222325u, version), flavour->accounts);
    free(version);
    return text_printf("%s-%016llx", flavour->name, (unsigned long long)hash(sum, flavour->redo_size));
}

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

/* Makes the template in `work` and moves it to `ready` when it is whole. */
static bool make_template(const struct flavour *flavour, const char *work, const char *ready,
                          struct guard *guard)
{
    char *log = text_printf("%s/log", work), *sql = text_printf("%s/accounts.sql", work);
    char *data = text_printf("%s/data", work), *datadir = text_printf("--datadir=%s", data);
    char *server = flavour->server();
    const struct installation at = {.server = server,
                                    .datadir = datadir,
                                    .data = data,
                                    .sql = sql,
                                    .user = geteuid() == 0 ? "--user=root" : NULL,
                                    .log = log,
                                    .guard = guard};
    bool made = mkdir(work, 0755) == 0 && write_file(sql, flavour->accounts) && flavour->install(&at) &&
                rename(data, ready) == 0;
    free(log);
    free(sql);
    free(data);
    free(datadir);
    free(server);
    return made;
}

/* One maker at a time; what makers left that were killed is swept away by the next. */
static bool make_under_lock(const struct flavour *flavour, const char *folder, const char *ready,
                            struct guard *guard)
{
    char *sweep = text_printf("exec rm -rf '%s'/*.new 2>/dev/null", folder);
    char *lock = text_printf("%s/lock", folder), *work = text_printf("%s.%d.new", ready, getpid());
    const char *const mkdirs[] = {"mkdir", "-p", "--", folder, NULL}, *const clear[] = {"sh", "-c", sweep,
                                                                                        NULL};
    const struct process_setting guarded = {.guard = guard};
    process_run(mkdirs, &guarded);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    bool there = false;
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        complain("%s: %s", lock, strerror(errno));
    else if (!(there = access(ready, F_OK) == 0)) {
        process_run(clear, &guarded);
        there = make_template(flavour, work, ready, guard);
        process_run(clear, &guarded);
    }
    if (fd >= 0)
        close(fd);
    free(sweep);
    free(lock);
    free(work);
    return there;
}

char *template_ready(const struct flavour *flavour, const char *scratch, struct guard *guard)
{
    const char *asked = getenv("POINTSMAN_TEMPLATE_DIR");
    char *folder = asked ? text_printf("%s", asked) : build_path("cluster-template");
    char *key = template_key(flavour, scratch, guard);
    char *ready = key ? text_printf("%s/%s", folder, key) : NULL;
    if (ready && access(ready, F_OK) != 0 && !make_under_lock(flavour, folder, ready, guard)) {
        free(ready);
        ready = NULL;
    }
    free(key);
    free(folder);
    return ready;
}

bool template_copy(const char *ready, const char *destination, struct guard *guard)
{
    /* Most of a fresh data directory is zeros: with holes it is copied in a third of the time. */
    const char *const copy[] = {"cp", "-r",  "--reflink=auto", "--sparse=always",
                                "--", ready, destination,      NULL};
    const struct process_setting guarded = {.guard = guard};
    return process_run(copy, &guarded) == 0;
}
