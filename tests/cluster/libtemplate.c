/*
 * libtemplate.c - a data directory made once and copied for every server.
 *
 *   POINTSMAN_TEMPLATE_DIR or BUILD/cluster-template/
 *     lock                 held by who makes one
 *     KEY/                 ready; KEY is made of the server's version and of the accounts below
 *     KEY.new/             being made: mariadb-install-db, then the accounts by --bootstrap; renamed when
 * whole
 *
 * The accounts are part of it, so no server's binlog has them and all servers begin at the same empty
 * position.
 */
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

const char template_redo_size[] = "--innodb-log-file-size=16M";

/* What is in a prepared data directory besides the system tables; IDENTIFIED BY is mysql_native_password. */
static const char accounts[] =
    "FLUSH PRIVILEGES;\n"
    "DELETE FROM mysql.global_priv WHERE User = '' OR User = 'root' AND Host <> 'localhost';\n"
    "FLUSH PRIVILEGES;\n"
    "CREATE DATABASE shop;\n"
    "CREATE DATABASE stock;\n"

    "CREATE USER monitor@'%' IDENTIFIED BY 'monitor';\n"
    /* positions, lag, threads; who replicates from whom */
    "GRANT BINLOG MONITOR, SLAVE MONITOR, REPLICATION MASTER ADMIN ON *.* TO monitor@'%';\n"
    /* promote and repoint; it is the replication account as well */
    "GRANT REPLICATION SLAVE ADMIN, REPLICATION SLAVE ON *.* TO monitor@'%';\n"
    /* fence: read_only, KILL of clients */
    "GRANT READ_ONLY ADMIN, CONNECTION ADMIN, PROCESS ON *.* TO monitor@'%';\n"
    /* start events on a new primary, under their definers */
    "GRANT EVENT, SET USER ON *.* TO monitor@'%';\n"
    /* definitions of views, which MariaDB shows only to who may read the view too; of triggers */
    "GRANT SELECT, SHOW VIEW, TRIGGER ON *.* TO monitor@'%';\n"

    /* RELOAD, PROCESS, FILE, BINLOG MONITOR: for statements that tests try */
    "CREATE USER app@'%' IDENTIFIED BY 'app-secret';\n"
    "GRANT RELOAD, PROCESS, FILE, BINLOG MONITOR ON *.* TO app@'%';\n"
    "GRANT ALL ON shop.* TO app@'%';\n"
    "GRANT ALL ON stock.* TO app@'%';\n"

    "CREATE USER report@'%' IDENTIFIED BY 'report-secret';\n"
    "GRANT SELECT ON shop.* TO report@'%';\n";

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

const char *template_server(void)
{
    const char *server = getenv("POINTSMAN_MARIADBD");
    return server ? server : "mariadbd";
}

/* FNV-1a */
static uint64_t hash(uint64_t seed, const char *text)
{
    for (; *text; text++)
        seed = (seed ^ (unsigned char)*text) * 0x100000001b3u;
    return seed;
}

/* Runs a program with its output in a file, which is printed if it fails. */
static bool run_logged(const char *const *argv, const char *input, const char *log, struct guard *guard)
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
static char *template_key(const char *scratch, struct guard *guard)
{
    char *log = text_printf("%s/version", scratch);
    const char *const argv[] = {template_server(), "--no-defaults", "--version", NULL};
    char *version = run_logged(argv, NULL, log, guard) ? text_from(log, 0) : NULL;
    free(log);
    if (!version)
        return NULL;
    uint64_t sum = hash(hash(0xcbf29ce484222325u, version), accounts);
    free(version);
    return text_printf("mariadb-%016llx", (unsigned long long)hash(sum, template_redo_size));
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
static bool make_template(const char *work, const char *ready, struct guard *guard)
{
    char *log = text_printf("%s/log", work), *sql = text_printf("%s/accounts.sql", work);
    char *data = text_printf("%s/data", work), *datadir = text_printf("--datadir=%s", data);
    const char *user = geteuid() == 0 ? "--user=root" : NULL;
    const char *const install[] = {"mariadb-install-db",
                                   "--no-defaults",
                                   datadir,
                                   "--skip-test-db",
                                   "--auth-root-authentication-method=normal",
                                   template_redo_size,
                                   user,
                                   NULL};
    const char *const fill[] = {
        template_server(), "--no-defaults", "--bootstrap", datadir, template_redo_size, user, NULL};
    bool made = mkdir(work, 0755) == 0 && write_file(sql, accounts) &&
                run_logged(install, NULL, log, guard) && run_logged(fill, sql, log, guard) &&
                rename(data, ready) == 0;
    free(log);
    free(sql);
    free(data);
    free(datadir);
    return made;
}

/* One maker at a time; what makers left that were killed is swept away by the next. */
static bool make_under_lock(const char *folder, const char *ready, struct guard *guard)
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
        there = make_template(work, ready, guard);
        process_run(clear, &guarded);
    }
    if (fd >= 0)
        close(fd);
    free(sweep);
    free(lock);
    free(work);
    return there;
}

char *template_ready(const char *scratch, struct guard *guard)
{
    const char *asked = getenv("POINTSMAN_TEMPLATE_DIR");
    char *folder = asked ? text_printf("%s", asked) : build_path("cluster-template");
    char *key = template_key(scratch, guard);
    char *ready = key ? text_printf("%s/%s", folder, key) : NULL;
    if (ready && access(ready, F_OK) != 0 && !make_under_lock(folder, ready, guard)) {
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
