/*
 * sql_variables.c - session variables by class: how SET treats them, what reading them tells.
 *
 * One table for SET, one for reading. A name that stands in neither is carried when set and a plain read.
 * A star at the end of an entry matches all that begins so.
 */
#include "sql_variables.h"

#include <string.h>
#include <strings.h>

struct entry {
    const char *name;
    uint8_t class;
};

static const struct entry set_classes[] = {
    {"autocommit", SQL_VARIABLE_AUTOCOMMIT},

    /* For the next statement, or until it is set again by hand: no value to carry. */
    {"identity", SQL_VARIABLE_ONE_SHOT},
    {"insert_id", SQL_VARIABLE_ONE_SHOT},
    {"last_insert_id", SQL_VARIABLE_ONE_SHOT},
    {"proxy_user", SQL_VARIABLE_ONE_SHOT},
    {"rand_seed*", SQL_VARIABLE_ONE_SHOT},
    {"statement_id", SQL_VARIABLE_ONE_SHOT}, /* MySQL's, reported with each statement to who tracks all */
    {"timestamp", SQL_VARIABLE_ONE_SHOT},

    /* Need a privilege, or change what is replicated. */
    {"binlog_*", SQL_VARIABLE_PRIVILEGED},
    {"debug*", SQL_VARIABLE_PRIVILEGED},
    {"default_table_encryption", SQL_VARIABLE_PRIVILEGED},
    {"enforce_storage_engine", SQL_VARIABLE_PRIVILEGED},
    {"explicit_defaults_for_timestamp", SQL_VARIABLE_PRIVILEGED},
    {"gtid_*", SQL_VARIABLE_PRIVILEGED},
    {"immediate_server_version", SQL_VARIABLE_PRIVILEGED},
    {"max_relay_log_size", SQL_VARIABLE_PRIVILEGED},
    {"original_commit_timestamp", SQL_VARIABLE_PRIVILEGED},
    {"original_server_version", SQL_VARIABLE_PRIVILEGED},
    {"pseudo_*", SQL_VARIABLE_PRIVILEGED},
    {"require_row_format", SQL_VARIABLE_PRIVILEGED},
    {"restrict_fk_on_non_standard_key", SQL_VARIABLE_PRIVILEGED},
    {"rbr_exec_mode", SQL_VARIABLE_PRIVILEGED},
    {"server_id", SQL_VARIABLE_PRIVILEGED},
    {"skip_parallel_replication", SQL_VARIABLE_PRIVILEGED},
    {"skip_replication", SQL_VARIABLE_PRIVILEGED},
    {"sql_log_bin", SQL_VARIABLE_PRIVILEGED},
    {"sql_log_off", SQL_VARIABLE_PRIVILEGED},
    {"sql_slave_skip_counter", SQL_VARIABLE_PRIVILEGED},
    {"sql_require_primary_key", SQL_VARIABLE_PRIVILEGED},
    {"system_versioning_insert_history", SQL_VARIABLE_PRIVILEGED},
    {"wsrep_*", SQL_VARIABLE_PRIVILEGED},
    {"xa_detach_on_prepare", SQL_VARIABLE_PRIVILEGED},

    /* `x IS NULL` is the row that this connection inserted last. */
    {"sql_auto_is_null", SQL_VARIABLE_UNLESS_OFF},

    /* Between client and proxy. */
    {"interactive_timeout", SQL_VARIABLE_PROXY},
    {"net_read_timeout", SQL_VARIABLE_PROXY},
    {"net_write_timeout", SQL_VARIABLE_PROXY},
    {"wait_timeout", SQL_VARIABLE_PROXY},

    /* What a transaction did is reported by its own connection only. */
    {"session_track_transaction_info", SQL_VARIABLE_PRIVILEGED},
    {"session_track_*", SQL_VARIABLE_TRACKING},
};

static const struct entry read_classes[] = {
    {"binlog_snapshot_*", SQL_VARIABLE_READ_SERVER},
    {"error_count", SQL_VARIABLE_READ_DIAGNOSTICS},
    {"event_scheduler", SQL_VARIABLE_READ_SERVER},
    {"group_replication_*", SQL_VARIABLE_READ_SERVER},
    {"gtid_*", SQL_VARIABLE_READ_SERVER},
    {"identity", SQL_VARIABLE_READ_INSERT_ID},
    {"innodb_read_only", SQL_VARIABLE_READ_SERVER},
    {"last_gtid", SQL_VARIABLE_READ_SERVER},
    {"last_insert_id", SQL_VARIABLE_READ_INSERT_ID},
    {"log_bin*", SQL_VARIABLE_READ_SERVER},
    {"master_*", SQL_VARIABLE_READ_SERVER},
    {"offline_mode", SQL_VARIABLE_READ_SERVER},
    {"pseudo_thread_id", SQL_VARIABLE_READ_CONNECTION_ID},
    {"read_only", SQL_VARIABLE_READ_SERVER},
    {"relay_*", SQL_VARIABLE_READ_SERVER},
    {"replica_*", SQL_VARIABLE_READ_SERVER},
    {"replicate_*", SQL_VARIABLE_READ_SERVER},
    {"rpl_*", SQL_VARIABLE_READ_SERVER},
    {"session_track_*", SQL_VARIABLE_READ_TRACKING},
    {"slave_*", SQL_VARIABLE_READ_SERVER},
    {"super_read_only", SQL_VARIABLE_READ_SERVER},
    {"warning_count", SQL_VARIABLE_READ_DIAGNOSTICS},
    {"wsrep_*", SQL_VARIABLE_READ_SERVER},
};

static bool matches(const char *pattern, const char *name, size_t length)
{
    size_t fixed = strlen(pattern);
    if (pattern[fixed - 1] == '*')
        return length >= fixed - 1 && strncasecmp(pattern, name, fixed - 1) == 0;
    return length == fixed && strncasecmp(pattern, name, length) == 0;
}

static uint8_t lookup(const struct entry *entries, size_t count, const char *name, size_t length,
                      uint8_t otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (matches(entries[i].name, name, length))
            return entries[i].class;
    }
    return otherwise;
}

enum sql_variable_class sql_variable_class(const char *name, size_t length)
{
    size_t count = sizeof(set_classes) / sizeof(set_classes[0]);
    return (enum sql_variable_class)lookup(set_classes, count, name, length, SQL_VARIABLE_CARRIED);
}

enum sql_variable_read sql_variable_read(const char *name, size_t length)
{
    size_t count = sizeof(read_classes) / sizeof(read_classes[0]);
    return (enum sql_variable_read)lookup(read_classes, count, name, length, SQL_VARIABLE_READ_PLAIN);
}

enum sql_scope sql_scope(const char *word, size_t length)
{
    static const struct entry scopes[] = {
        {"global", SQL_SCOPE_SERVER},   {"persist", SQL_SCOPE_SERVER}, {"persist_only", SQL_SCOPE_SERVER},
        {"session", SQL_SCOPE_SESSION}, {"local", SQL_SCOPE_SESSION},
    };
    return (enum sql_scope)lookup(scopes, sizeof(scopes) / sizeof(scopes[0]), word, length, SQL_SCOPE_NONE);
}

bool sql_variable_is_transaction(const char *name, size_t length)
{
    static const struct entry entries[] = {
        {"transaction_isolation", 1},
        {"transaction_read_only", 1},
        {"tx_isolation", 1},
        {"tx_read_only", 1},
    };
    return lookup(entries, sizeof(entries) / sizeof(entries[0]), name, length, 0) != 0;
}
