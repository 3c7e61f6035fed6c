/*
 * libflavour_mariadb.c - MariaDB 10.6 and later.
 */
#include "flavour.h"
#include "internal.h"

#include <stdlib.h>

static char *server(void)
{
    const char *asked = getenv("POINTSMAN_MARIADBD");
    return text_printf("%s", asked ? asked : "mariadbd");
}

#define REDO_SIZE "--innodb-log-file-size=16M"

static const char *const usual[] = {
    "--log-slave-updates",
    "--gtid-strict-mode=1",
    "--aria-pagecache-buffer-size=2M",
    "--log-disabled-statements=slave,sp", /* general logs show what clients sent, only */
    "--skip-log-warnings",
    NULL,
};

static const char *const semi_sync[] = {
    "--rpl-semi-sync-master-enabled=1",
    "--rpl-semi-sync-slave-enabled=1",
    "--rpl-semi-sync-master-wait-point=AFTER_SYNC",
    NULL,
};

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

static bool install(const struct installation *at)
{
    const char *const create[] = {"mariadb-install-db",
                                  "--no-defaults",
                                  at->datadir,
                                  "--skip-test-db",
                                  "--auth-root-authentication-method=normal",
                                  REDO_SIZE,
                                  at->user,
                                  NULL};
    const char *const fill[] = {at->server, "--no-defaults", "--bootstrap", at->datadir,
                                REDO_SIZE,  at->user,        NULL};
    return run_logged(create, NULL, at->log, at->guard) && run_logged(fill, at->sql, at->log, at->guard);
}

const struct flavour flavour_mariadb = {
    .dialect = {.replica = "SLAVE",
                .source = "MASTER",
                .status = "SHOW SLAVE STATUS",
                .io_running = "Slave_IO_Running",
                .sql_running = "Slave_SQL_Running",
                .source_port = "Master_Port"},
    .name = "mariadb",
    .server = server,
    .redo_size = REDO_SIZE,
    .usual = usual,
    .semi_sync = semi_sync,
    .read_only = "read_only",
    .accounts = accounts,
    .install = install,
    .position = "@@GLOBAL.gtid_current_pos",
    .reached = "@@GLOBAL.gtid_slave_pos",
    .wait = "MASTER_GTID_WAIT",
    .before_following = "SET GLOBAL gtid_slave_pos = @@gtid_current_pos",
    .change = "MASTER",
    .following = "MASTER_USE_GTID = slave_pos",
    .log_stamp = 15, /* 261123  4:45:34 */
    .log_stamp_spare = true,
};
