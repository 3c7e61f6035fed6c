/*
 * librows.c - runs rows of statements and compares where they ran with where they should have.
 *
 *   row.text ── {m} becomes a marker of this run ──> session ──> value, column's name, error
 *                                                                   │
 *   general logs of all servers since then ── how often the marker occurs on each ──> verdict
 */
#include "rows.h"
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYNC_MS = 10000, PLACES_MAX = 100 };

static const char placeholder[] = "{m}";

/* What a row came to. */
struct outcome {
    unsigned error;
    char *message; /* the error's; else NULL */
    char *value;   /* never NULL */
    char *column;  /* of that value, or NULL */
};

static void outcome_done(struct outcome *outcome)
{
    free(outcome->message);
    free(outcome->value);
    free(outcome->column);
}

/* Where a marker goes in a text that doesn't say: behind the first word. */
static size_t first_word_end(const char *text)
{
    size_t at = strcspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    while (isalpha((unsigned char)text[at]))
        at++;
    return at;
}

/* The text with its markers; *ret_count is how many. To be freed. */
static char *with_markers(const char *text, const char *marker, int *ret_count)
{
    char *marked = NULL;
    const char *at = strstr(text, placeholder);
    *ret_count = 1;
    if (!at)
        return text_printf("%.*s %s%s", (int)first_word_end(text), text, marker, text + first_word_end(text));
    for (*ret_count = 0; at; at = strstr(text, placeholder)) {
        char *longer = text_printf("%s%.*s%s", marked ? marked : "", (int)(at - text), text, marker);
        free(marked);
        marked = longer;
        text = at + strlen(placeholder);
        ++*ret_count;
    }
    char *whole = text_printf("%s%s", marked, text);
    free(marked);
    return whole;
}

static void note_result(struct outcome *outcome, MYSQL_RES *result)
{
    MYSQL_ROW row = mysql_fetch_row(result);
    free(outcome->value);
    free(outcome->column);
    outcome->value = text_printf("%s", !row ? "(none)" : row[0] ? row[0] : "NULL");
    outcome->column = text_printf("%s", mysql_fetch_field_direct(result, 0)->name);
}

static struct outcome send_text(MYSQL *connection, const char *text)
{
    struct outcome outcome = {.value = text_printf("(none)")};
    int more = mysql_real_query(connection, text, strlen(text));
    while (more == 0) {
        MYSQL_RES *result = mysql_store_result(connection);
        if (result)
            note_result(&outcome, result);
        else if (mysql_errno(connection))
            break;
        mysql_free_result(result);
        more = mysql_next_result(connection);
    }
    outcome.error = mysql_errno(connection);
    if (outcome.error)
        outcome.message = text_printf("%s", mysql_error(connection));
    return outcome;
}

/* How often the marker occurs on each server, as words; and the one server where it does: -1 if nowhere, -2
 * if on several or not `expected` times. */
static int find_place(const struct row_session *session, const long *marks, const char *marker, int expected,
                      char places[PLACES_MAX])
{
    int place = -1, length = snprintf(places, PLACES_MAX, "ran on");
    for (int i = 0; i < session->set->count; i++) {
        int count = general_log_count(&session->set->server[i], marks[i], marker);
        if (count == 0)
            continue;
        place = place == -1 && count == expected ? i : -2;
        length += snprintf(places + length, (size_t)(PLACES_MAX - length),
                           count == 1 ? " db%d" : " db%d (%d times)", i + 1, count);
    }
    if (place == -1)
        snprintf(places, PLACES_MAX, "ran nowhere");
    return place;
}

static bool is_right_place(const struct row_session *session, enum row_target target, int place)
{
    switch (target) {
    case PRIMARY: return place == session->primary;
    case REPLICA: return place >= 0 && place != session->primary;
    case ANYWHERE: return place >= -1;
    case UNCHECKED: return true;
    case SAME: return place >= 0 && place == session->last;
    default: return place == (int)(target - ON_DB1);
    }
}

static const char *target_name(enum row_target target)
{
    static const char *const names[] = {
        [PRIMARY] = "the primary",  [REPLICA] = "a replica", [ANYWHERE] = "one server",
        [SAME] = "the same server", [UNCHECKED] = "any",     [ON_DB1] = "db1",
        [ON_DB2] = "db2",           [ON_DB3] = "db3"};
    return names[target];
}

/* Prints what is wrong with a row, if anything. */
static bool judge(const struct row_session *session, const struct row *row, const struct outcome *outcome,
                  int place, const char *places)
{
    bool placed = is_right_place(session, row->target, place), answered = outcome->error == row->error;
    bool valued = !row->value || strcmp(outcome->value, row->value) == 0;
    bool named = !row->column || (outcome->column && strcmp(outcome->column, row->column) == 0);
    if (placed && answered && valued && named)
        return true;
    fprintf(stderr, "wrong: %s\n", row->text);
    if (!placed)
        fprintf(stderr, "       %s, not on %s\n", places, target_name(row->target));
    if (!answered)
        fprintf(stderr, "       error %u %s, not %u\n", outcome->error,
                outcome->message ? outcome->message : "", row->error);
    if (!valued)
        fprintf(stderr, "       answered %s, not %s\n", outcome->value, row->value);
    if (!named)
        fprintf(stderr, "       named %s, not %s\n", outcome->column ? outcome->column : "(none)",
                row->column);
    return false;
}

static void run_row(struct row_session *session, const struct row *row)
{
    static unsigned number;
    long marks[CLUSTER_SERVERS_MAX];
    char marker[40], places[PLACES_MAX];
    int expected;
    snprintf(marker, sizeof marker, "/* m:%u */", ++number);
    char *text = with_markers(row->text, marker, &expected);
    for (int i = 0; i < session->set->count; i++)
        marks[i] = general_log_mark(&session->set->server[i]);
    struct outcome outcome = send_text(session->connection, text);
    int place = find_place(session, marks, marker, expected, places);
    session->failed += !judge(session, row, &outcome, place, places);
    session->last = place;
    if (place == session->primary && !cluster_sync(session->set, session->primary, SYNC_MS))
        session->failed++;
    outcome_done(&outcome);
    free(text);
}

void rows_run(struct row_session *session, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!rows[i].only || rows[i].only == session->set->options.flavour)
            run_row(session, &rows[i]);
}
