/*
 * sql_variables.h - what reading a system variable means. Private to the reading of SQL.
 */
#ifndef SQL_VARIABLES_H
#define SQL_VARIABLES_H

#include "pointsman/protocol/sql.h"

enum sql_variable_read {
    SQL_VARIABLE_READ_PLAIN,         /* the session's own value, or one that may be any server's */
    SQL_VARIABLE_READ_SERVER,        /* tells about one server: the primary is asked */
    SQL_VARIABLE_READ_INSERT_ID,     /* last_insert_id, identity */
    SQL_VARIABLE_READ_CONNECTION_ID, /* pseudo_thread_id */
    SQL_VARIABLE_READ_DIAGNOSTICS,   /* warning_count, error_count */
    SQL_VARIABLE_READ_TRACKING,      /* session_track_* */
};
enum sql_variable_read sql_variable_read(const char *name, size_t length);

/* global, persist, persist_only are server scopes, session and local the session's; else none. */
enum sql_scope { SQL_SCOPE_NONE, SQL_SCOPE_SESSION, SQL_SCOPE_SERVER };
enum sql_scope sql_scope(const char *word, size_t length);

/* transaction_isolation and its kin: SET @@x without a scope is for the next transaction only. */
bool sql_variable_is_transaction(const char *name, size_t length);

#endif
