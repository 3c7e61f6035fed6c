/*
 * libflavour_mysql.c - Oracle's MySQL 8.4 and later, as tools/mysql-root fetches it.
 *
 * All accounts have caching_sha2_password, since the server has nothing else for passwords any more.
 * libmariadb takes its plugin from where its package puts it, and fetches the server's key unasked where
 * there is no TLS.
 */
#include "flavour.h"
#include "internal.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *home(void)
{
    const char *asked = getenv("HOME");
    const struct passwd *entry = asked ? NULL : getpwuid(geteuid());
    return text_printf("%s", asked ? asked : entry ? entry->pw_dir : "/");
}

/* The same folder as tools/mysql-root's. */
static char *server(void)
{
    const char *asked = getenv("POINTSMAN_MYSQLD"), *root = getenv("POINTSMAN_MYSQL_ROOT");
    const char *cache = getenv("XDG_CACHE_HOME");
    if (asked)
        return text_printf("%s", asked);
    if (root)
        return text_printf("%s/mysqld", root);
    if (cache)
        return text_printf("%s/pointsman/mysql-root/mysqld", cache);
    char *folder = home(), *program = text_printf("%s/.cache/pointsman/mysql-root/mysqld", folder);
    free(folder);
    return program;
}

#define REDO_SIZE "--innodb-redo-log-capacity=32M"

static const char *const usual[] = {
    "--log-replica-updates=1",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--mysqlx=0",
    "--innodb-log-buffer-size=1M",
    "--innodb-buffer-pool-dump-at-shutdown=0",
    "--innodb-buffer-pool-load-at-startup=0",
    "--table-definition-cache=400",
    /* as MariaDB has it by default: statements of files, and no events unless a test asks */
    "--local-infile=1",
    "--secure-file-priv=",
    "--event-scheduler=0",
    "--log-raw=1", /* statements as they came: packets as a whole, and those that can't be parsed */
    "--log-error-verbosity=1",
    NULL,
};

static const char *const semi_sync[] = {
    "--plugin-load-add=semisync_source.so",
    "--plugin-load-add=semisync_replica.so",
    "--rpl-semi-sync-source-enabled=1",
    "--rpl-semi-sync-replica-enabled=1",
    "--rpl-semi-sync-source-wait-point=AFTER_SYNC",
    NULL,
};

/* The same accounts as MariaDB's; root@localhost is there already, and alone. */
static const char accounts[] =
    "CREATE DATABASE shop;\n"
    "CREATE DATABASE stock;\n"

    "CREATE USER monitor@'%' IDENTIFIED BY 'monitor';\n"
    /* positions, lag, threads; who replicates from whom; it is the replication account as well */
    "GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO monitor@'%';\n"
    /* promote and repoint; RESET REPLICA is RELOAD's */
    "GRANT REPLICATION_SLAVE_ADMIN, RELOAD ON *.* TO monitor@'%';\n"
    /* fence: super_read_only, KILL of clients */
    "GRANT SYSTEM_VARIABLES_ADMIN, CONNECTION_ADMIN, PROCESS ON *.* TO monitor@'%';\n"
    /* start events on a new primary, under their definers */
    "GRANT EVENT, SET_ANY_DEFINER ON *.* TO monitor@'%';\n"
    /* definitions of views, routines and triggers */
    "GRANT SELECT, SHOW VIEW, SHOW_ROUTINE, TRIGGER ON *.* TO monitor@'%';\n"

    "CREATE USER app@'%' IDENTIFIED BY 'app-secret';\n"
    "GRANT RELOAD, PROCESS, FILE, REPLICATION CLIENT ON *.* TO app@'%';\n"
    "GRANT ALL ON shop.* TO app@'%';\n"
    "GRANT ALL ON stock.* TO app@'%';\n"

    "CREATE USER report@'%' IDENTIFIED BY 'report-secret';\n"
    "GRANT SELECT ON shop.* TO report@'%';\n";

/* Without a binlog GTIDs would be counted in a table; and a server's UUID must be its own. */
static bool install(const struct installation *at)
{
    char *file = text_printf("--init-file=%s", at->sql), *uuid = text_printf("%s/auto.cnf", at->data);
    const char *const create[] = {
        at->server,       "--no-defaults",   "--initialize-insecure",          at->datadir, REDO_SIZE, file,
        "--skip-log-bin", "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF", at->user,    NULL};
    bool made = run_logged(create, NULL, at->log, at->guard) && remove(uuid) == 0;
    if (!made)
        complain("%s: `make check-mysql-deps` fetches MySQL's server", at->server);
    free(file);
    free(uuid);
    return made;
}

const struct flavour flavour_mysql = {
    .dialect = {.replica = "REPLICA",
                .source = "SOURCE",
                .status = "SHOW REPLICA STATUS",
                .io_running = "Replica_IO_Running",
                .sql_running = "Replica_SQL_Running",
                .source_port = "Source_Port"},
    .name = "mysql",
    .server = server,
    .redo_size = REDO_SIZE,
    .usual = usual,
    .semi_sync = semi_sync,
    .read_only = "super_read_only",
    .accounts = accounts,
    .install = install,
    .position = "@@GLOBAL.gtid_executed",
    .reached = "@@GLOBAL.gtid_executed",
    .wait = "WAIT_FOR_EXECUTED_GTID_SET",
    .before_following = "DO 0",
    .change = "REPLICATION SOURCE",
    /* by default it gives up after ten tries, and never sends a password without TLS unless it has the key */
    .following = "SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_RETRY_COUNT = 0",
    .log_stamp = 27, /* 2026-11-25T10:54:47.563970Z */
    .log_of_appliers = true,
};
