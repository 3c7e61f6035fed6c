/*
 * sql_names.c - sorted sets of names, and the words for verbs and reasons.
 */
#include "pointsman/protocol/sql.h"

#include <strings.h>

/* Like strcmp of the set's name with the lower-cased text. */
static int compare(const char *name, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char a = (unsigned char)name[i], b = (unsigned char)text[i];
        if (b >= 'A' && b <= 'Z')
            b |= 0x20;
        if (a != b || a == '\0')
            return a < b ? -1 : 1;
    }
    return name[length] ? 1 : 0;
}

bool sql_names_has(const struct sql_names *set, const char *name, size_t length)
{
    size_t low = 0, high = set ? set->count : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(set->names[middle], name, length);
        if (order == 0)
            return true;
        if (order > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static const struct {
    const char *name, *text;
} reasons[SQL_REASONS] = {
    [SQL_REASON_READ] = {"read", "a proven read"},
    [SQL_REASON_WRITE] = {"write", "changes data, schema or accounts"},
    [SQL_REASON_TRANSACTION] = {"transaction", "begins, ends or shapes a transaction"},
    [SQL_REASON_SESSION_STATE] = {"session-state",
                                  "changes the session's own state, which every server is told"},
    [SQL_REASON_LOCKING_READ] = {"locking-read", "locks the rows it reads"},
    [SQL_REASON_INTO] = {"into", "writes its result elsewhere than to the client"},
    [SQL_REASON_USER_VARIABLE] = {"user-variable",
                                  "assigns a user variable whose value only the server knows"},
    [SQL_REASON_FUNCTION] = {"function", "calls a function that is not known to be harmless"},
    [SQL_REASON_SEQUENCE] = {"sequence", "uses a sequence"},
    [SQL_REASON_USER_LOCK] = {"user-lock", "takes, releases or looks at a named lock"},
    [SQL_REASON_LOCK] = {"lock", "takes or releases locks, handlers or XA transactions"},
    [SQL_REASON_TEMPORARY_TABLE] = {"temporary-table", "makes a temporary table"},
    [SQL_REASON_PREPARED] = {"prepared", "prepares, executes or drops a prepared statement by SQL"},
    [SQL_REASON_CALL] = {"call", "calls a stored procedure"},
    [SQL_REASON_SERVER_VARIABLE] = {"server-variable", "reads or sets a variable of one server"},
    [SQL_REASON_SERVER_STATE] = {"server-state", "asks for the state of one server"},
    [SQL_REASON_PRIVILEGED] = {"privileged", "sets a one-shot or privileged variable"},
    [SQL_REASON_VIEW] = {"view", "names a view that is not proven harmless"},
    [SQL_REASON_FOREIGN_MODE] = {"foreign-mode", "sql_mode ORACLE or MSSQL: nothing is proven"},
    [SQL_REASON_KILL] = {"kill", "ends a connection or its statement"},
    [SQL_REASON_UNKNOWN] = {"unknown", "syntax that is not known, so nothing is proven"},
    [SQL_REASON_EMPTY] = {"empty", "holds no statement"},
};

static const char *const verbs[] = {
    [SQL_EMPTY] = "empty",
    [SQL_SELECT] = "select",
    [SQL_SHOW] = "show",
    [SQL_EXPLAIN] = "explain",
    [SQL_SET] = "set",
    [SQL_SET_TRANSACTION] = "set-transaction",
    [SQL_SET_ROLE] = "set-role",
    [SQL_SET_OTHER] = "set-other",
    [SQL_USE] = "use",
    [SQL_BEGIN] = "begin",
    [SQL_COMMIT] = "commit",
    [SQL_ROLLBACK] = "rollback",
    [SQL_SAVEPOINT] = "savepoint",
    [SQL_DML] = "dml",
    [SQL_DDL] = "ddl",
    [SQL_ACCOUNT] = "account",
    [SQL_LOAD] = "load",
    [SQL_DO] = "do",
    [SQL_CALL] = "call",
    [SQL_LOCK] = "lock",
    [SQL_UNLOCK] = "unlock",
    [SQL_FLUSH] = "flush",
    [SQL_HANDLER] = "handler",
    [SQL_XA] = "xa",
    [SQL_PREPARE] = "prepare",
    [SQL_EXECUTE] = "execute",
    [SQL_DEALLOCATE] = "deallocate",
    [SQL_KILL] = "kill",
    [SQL_DIAGNOSTICS] = "diagnostics",
    [SQL_UNKNOWN] = "unknown",
};

const char *sql_reason_name(enum sql_reason reason)
{
    return (unsigned)reason < SQL_REASONS ? reasons[reason].name : "unknown";
}

const char *sql_reason_text(enum sql_reason reason)
{
    return (unsigned)reason < SQL_REASONS ? reasons[reason].text : reasons[SQL_REASON_UNKNOWN].text;
}

const char *sql_verb_name(enum sql_verb verb)
{
    return (unsigned)verb <= SQL_UNKNOWN ? verbs[verb] : "unknown";
}
