/*
 * sql_functions.h - what a name in front of a parenthesis is. Private to the reading of SQL.
 */
#ifndef SQL_FUNCTIONS_H
#define SQL_FUNCTIONS_H

#include "pointsman/protocol/sql.h"

enum sql_function_kind {
    SQL_FUNCTION_UNKNOWN,        /* a stored function, a UDF, or one that is not known to be harmless */
    SQL_FUNCTION_HARMLESS,       /* built in, writes nothing, locks nothing */
    SQL_FUNCTION_HARMLESS_TIGHT, /* the same, if its parenthesis follows at once: else it may be a stored one
                                  */
    SQL_FUNCTION_SYNTAX,         /* no function: a keyword that may stand before a parenthesis */
    SQL_FUNCTION_TABLE,          /* JSON_TABLE: harmless where a table stands */
    SQL_FUNCTION_PRIMARY,        /* built in and leaves nothing behind, but tells about one server, or draws
                                    from a sequence */
    SQL_FUNCTION_TAKE_LOCK,      /* GET_LOCK */
    SQL_FUNCTION_RELEASE_LOCK,   /* RELEASE_LOCK, RELEASE_ALL_LOCKS */
    SQL_FUNCTION_LOOK_AT_LOCK,   /* IS_FREE_LOCK, IS_USED_LOCK */
    SQL_FUNCTION_SEQUENCE,
    SQL_FUNCTION_INSERT_ID,
    SQL_FUNCTION_FOUND_ROWS,
    SQL_FUNCTION_ROW_COUNT,
    SQL_FUNCTION_CONNECTION_ID,
};

/* Names longer than this are no functions of ours. */
enum { SQL_FUNCTION_NAME_MAX = 31 };

/* What the flavour and version of the options makes of the name (any case). */
enum sql_function_kind sql_function_kind(const struct sql_options *options, const char *name, size_t length);

#endif
