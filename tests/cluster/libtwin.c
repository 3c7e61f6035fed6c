/*
 * libtwin.c - the two sides of twin.h, and what their answers look like as text:
 *
 *   column name ... type 3 flags 32769 ...       one line a column
 *   row 1 | lamp
 *   end of rows: warnings 0, status 2
 *   ok: affected 1, id 17, warnings 0, status 2, ...
 *   error 1146 (42S02): ...
 *
 * What differs by nature is left out: lengths of what is in a buffer, flags of the server's load.
 */
#include "twin.h"

#include "internal.h"

#include <ctype.h>
#include <errmsg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a transaction, autocommit, NO_BACKSLASH_ESCAPES, in a read-only transaction. */
enum { STATUS_SEEN = 0x1 | 0x2 | 0x200 | 0x2000, VALUE_MAX = 400, COLUMNS_MAX = 40 };

/* --- text --- */

static void put_value(FILE *out, const char *at, unsigned long length)
{
    if (!at)
        fputs("NULL", out);
    for (unsigned long i = 0; at && i < length; i++)
        if (isprint((unsigned char)at[i]))
            fputc(at[i], out);
        else
            fprintf(out, "\\x%02x", (unsigned char)at[i]);
}

static void put_columns(FILE *out, MYSQL_RES *result)
{
    for (unsigned i = 0; i < mysql_num_fields(result); i++) {
        const MYSQL_FIELD *field = mysql_fetch_field_direct(result, i);
        bool variable = field->name[0] == '@' && field->name[1] != '@'; /* one that was set once is typed */
        fputs("column ", out);
        put_value(out, field->name, field->name_length);
        if (variable) {
            fputc('\n', out);
            continue;
        }
        fprintf(out, " (%s of %s, %s of %s) type %d, length %lu, flags %x, decimals %u, charset %u\n",
                field->org_name, field->table, field->org_table, field->db, (int)field->type, field->length,
                field->flags, field->decimals, field->charsetnr);
    }
}

static void put_error(FILE *out, unsigned code, const char *state, const char *message)
{
    fprintf(out, "error %u (%s): %s\n", code, state, message);
}

static void put_rows(FILE *out, MYSQL *side, MYSQL_RES *result)
{
    MYSQL_ROW row;
    put_columns(out, result);
    while ((row = mysql_fetch_row(result))) {
        const unsigned long *lengths = mysql_fetch_lengths(result);
        fputs("row", out);
        for (unsigned i = 0; i < mysql_num_fields(result); i++) {
            fputs(i ? " | " : " ", out);
            put_value(out, row[i], lengths[i]);
        }
        fputc('\n', out);
    }
    fprintf(out, "end of rows: warnings %u, status %x\n", mysql_warning_count(side),
            side->server_status & STATUS_SEEN);
}

static void put_ok(FILE *out, MYSQL *side)
{
    const char *info = mysql_info(side);
    fprintf(out, "ok: affected %lld, id %lld, warnings %u, status %x, %s\n",
            (long long)mysql_affected_rows(side), (long long)mysql_insert_id(side), mysql_warning_count(side),
            side->server_status & STATUS_SEEN, info ? info : "");
}

/* What the session is told of its own changes; the order is the server's whim. */
static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_tracked(FILE *out, MYSQL *side, const char *text)
{
    enum { MOST = 40 };
    char *pairs[MOST];
    const char *name, *value;
    size_t name_length, value_length, count = 0;
    enum enum_session_state_type type = SESSION_TRACK_SYSTEM_VARIABLES;
    /* The library still has an older one's; and MariaDB tells some of it late, with a result set. */
    if (!(side->server_status & SERVER_SESSION_STATE_CHANGED) || strncmp(text, "SET ", 4) != 0 ||
        strncmp(text, "SET STATEMENT", 13) == 0)
        return;
    for (int more = mysql_session_track_get_first(side, type, &name, &name_length); !more && count < MOST;
         more = mysql_session_track_get_next(side, type, &name, &name_length)) {
        if (mysql_session_track_get_next(side, type, &value, &value_length))
            break;
        if (name_length == strlen("last_gtid") && memcmp(name, "last_gtid", name_length) == 0)
            continue; /* each side has its own */
        pairs[count++] = text_printf("%.*s=%.*s", (int)name_length, name, (int)value_length,
                                     value ? value : "");
    }
    qsort(pairs, count, sizeof *pairs, compare_lines);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "told: %s\n", pairs[i]);
        free(pairs[i]);
    }
}

/* All results of a statement that was sent; `failed`: there is none. */
static void put_answer(FILE *out, MYSQL *side, const char *text, bool failed)
{
    int more = failed;
    while (more == 0) {
        MYSQL_RES *result = mysql_store_result(side);
        if (!result && mysql_errno(side))
            break;
        if (result)
            put_rows(out, side, result);
        else
            put_ok(out, side);
        mysql_free_result(result);
        put_tracked(out, side, text);
        more = mysql_next_result(side);
    }
    if (mysql_errno(side))
        put_error(out, mysql_errno(side), mysql_sqlstate(side), mysql_error(side));
}

/* --- the sides --- */

static FILE *answer_begin(struct twin *twin, int side, size_t *length)
{
    free(twin->answers[side]);
    twin->answers[side] = NULL;
    FILE *out = open_memstream(&twin->answers[side], length);
    if (!out)
        abort();
    return out;
}

bool twin_open(struct twin *twin, const int ports[TWIN_SIDES], const struct cluster_account *account,
               const char *schema, unsigned long flags)
{
    bool open = true;
    *twin = (struct twin){.answers = {NULL}};
    for (int i = 0; i < TWIN_SIDES; i++) {
        twin->side[i] = sql_connect(NULL, ports[i], account, schema, flags);
        open &= twin->side[i] != NULL;
    }
    return open;
}

void twin_close(struct twin *twin)
{
    for (int i = 0; i < TWIN_SIDES; i++) {
        for (int which = 0; which < TWIN_STATEMENTS; which++)
            if (twin->prepared[i][which])
                mysql_stmt_close(twin->prepared[i][which]);
        mysql_close(twin->side[i]);
        free(twin->answers[i]);
    }
    *twin = (struct twin){.answers = {NULL}};
}

void twin_ask(struct twin *twin, const char *text)
{
    mysql_send_query(twin->side[TWIN_BEHIND], text, strlen(text));
}

void twin_answers(struct twin *twin, const char *text)
{
    for (int i = TWIN_SIDES - 1; i >= 0; i--) {
        size_t length;
        MYSQL *side = twin->side[i];
        FILE *out = answer_begin(twin, i, &length);
        bool failed = i == TWIN_DIRECT ? mysql_real_query(side, text, strlen(text))
                                       : mysql_errno(side) || mysql_read_query_result(side);
        put_answer(out, side, text, failed);
        fclose(out);
    }
}

/* --- commands --- */

static void put_outcome(struct twin *twin, int side, bool failed)
{
    size_t length;
    MYSQL *connection = twin->side[side];
    FILE *out = answer_begin(twin, side, &length);
    if (failed)
        put_error(out, mysql_errno(connection), mysql_sqlstate(connection), mysql_error(connection));
    else
        put_ok(out, connection);
    fclose(out);
}

/* A server forgets its prepared statements. */
static void forget_prepared(struct twin *twin)
{
    for (int i = 0; i < TWIN_STATEMENTS; i++)
        twin_drop(twin, i);
}

void twin_reset(struct twin *twin)
{
    forget_prepared(twin);
    for (int i = 0; i < TWIN_SIDES; i++)
        put_outcome(twin, i, mysql_reset_connection(twin->side[i]));
}

void twin_change_user(struct twin *twin, const char *user, const char *password, const char *schema)
{
    forget_prepared(twin);
    for (int i = 0; i < TWIN_SIDES; i++)
        put_outcome(twin, i, mysql_change_user(twin->side[i], user, password, schema));
}

void twin_select_db(struct twin *twin, const char *schema)
{
    for (int i = 0; i < TWIN_SIDES; i++)
        put_outcome(twin, i, mysql_select_db(twin->side[i], schema));
}

void twin_ping(struct twin *twin)
{
    for (int i = 0; i < TWIN_SIDES; i++)
        put_outcome(twin, i, mysql_ping(twin->side[i]));
}

/* --- prepared statements --- */

static void put_stmt_error(FILE *out, MYSQL_STMT *statement)
{
    put_error(out, mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement), mysql_stmt_error(statement));
}

void twin_prepare(struct twin *twin, int which, const char *text)
{
    twin_drop(twin, which);
    for (int i = 0; i < TWIN_SIDES; i++) {
        size_t length;
        FILE *out = answer_begin(twin, i, &length);
        MYSQL_STMT *statement = twin->prepared[i][which] = mysql_stmt_init(twin->side[i]);
        if (mysql_stmt_prepare(statement, text, strlen(text))) {
            put_stmt_error(out, statement);
            mysql_stmt_close(statement);
            twin->prepared[i][which] = NULL;
        } else {
            fprintf(out, "prepared: %lu parameters, %u columns, warnings %u\n",
                    mysql_stmt_param_count(statement), mysql_stmt_field_count(statement),
                    mysql_warning_count(twin->side[i]));
        }
        fclose(out);
    }
}

static void put_stmt_rows(FILE *out, MYSQL_STMT *statement)
{
    static char values[COLUMNS_MAX][VALUE_MAX];
    MYSQL_BIND binds[COLUMNS_MAX];
    unsigned long lengths[COLUMNS_MAX];
    my_bool nulls[COLUMNS_MAX];
    unsigned count = mysql_stmt_field_count(statement);
    memset(binds, 0, sizeof binds);
    for (unsigned i = 0; i < count && i < COLUMNS_MAX; i++)
        binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                .buffer = values[i],
                                .buffer_length = VALUE_MAX,
                                .length = &lengths[i],
                                .is_null = &nulls[i]};
    mysql_stmt_bind_result(statement, binds);
    for (int got; (got = mysql_stmt_fetch(statement)) == 0 || got == MYSQL_DATA_TRUNCATED;) {
        fputs("row", out);
        for (unsigned i = 0; i < count && i < COLUMNS_MAX; i++) {
            fputs(i ? " | " : " ", out);
            put_value(out, nulls[i] ? NULL : values[i], lengths[i] < VALUE_MAX ? lengths[i] : VALUE_MAX);
        }
        fputc('\n', out);
    }
}

static void put_executed(FILE *out, MYSQL_STMT *statement, MYSQL *side)
{
    MYSQL_RES *columns = mysql_stmt_result_metadata(statement);
    if (columns) {
        put_columns(out, columns);
        mysql_free_result(columns);
        put_stmt_rows(out, statement);
    }
    if (mysql_stmt_errno(statement))
        put_stmt_error(out, statement);
    fprintf(out, "executed: affected %lld, id %lld, warnings %u, status %x\n",
            (long long)mysql_stmt_affected_rows(statement), (long long)mysql_stmt_insert_id(statement),
            mysql_warning_count(side), side->server_status & STATUS_SEEN);
    mysql_stmt_free_result(statement);
}

void twin_execute(struct twin *twin, int which, long long parameter)
{
    enum { PARAMETERS_MAX = 4 };
    MYSQL_BIND in[PARAMETERS_MAX];
    for (int i = 0; i < PARAMETERS_MAX; i++)
        in[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &parameter};
    for (int i = 0; i < TWIN_SIDES; i++) {
        size_t length;
        FILE *out = answer_begin(twin, i, &length);
        MYSQL_STMT *statement = twin->prepared[i][which];
        if (!statement)
            fputs("nothing is prepared\n", out);
        else if ((mysql_stmt_param_count(statement) && mysql_stmt_bind_param(statement, in)) ||
                 mysql_stmt_execute(statement))
            put_stmt_error(out, statement);
        else
            put_executed(out, statement, twin->side[i]);
        fclose(out);
    }
}

void twin_drop(struct twin *twin, int which)
{
    for (int i = 0; i < TWIN_SIDES; i++) {
        size_t length;
        FILE *out = answer_begin(twin, i, &length);
        if (twin->prepared[i][which])
            mysql_stmt_close(twin->prepared[i][which]);
        twin->prepared[i][which] = NULL;
        fclose(out);
    }
}
