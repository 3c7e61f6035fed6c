/* result_json.c - see result_json.h. */
#include "result_json.h"

#include <jansson.h>
#include <stdlib.h>

static const struct column json_column[] = {{"json", COLUMN_TEXT}};

static json_t *value_of(struct bytes value, enum column_type type)
{
    char number[64];
    json_t *made = NULL;
    if (value.at && (type == COLUMN_NUMBER || type == COLUMN_REAL)) {
        snprintf(number, sizeof number, "%.*s", (int)value.length, (const char *)value.at);
        made = type == COLUMN_NUMBER ? json_integer(strtoll(number, NULL, 10))
                                     : json_real(strtod(number, NULL));
    } else if (value.at) {
        made = json_stringn((const char *)value.at, value.length);
    }
    return made ? made : json_null();
}

static json_t *object_of(const struct result_row *row)
{
    json_t *object = json_object();
    for (size_t i = 0; i < row->count; i++)
        json_object_set_new(object, row->columns[i].name, value_of(row->values[i], row->columns[i].type));
    return object;
}

void result_set_to_json(struct result_set *set)
{
    json_t *rows = json_array();
    struct result_row row;
    size_t at = 0;
    while (result_row_next(set, &at, &row))
        json_array_append_new(rows, object_of(&row));
    char *text = rows ? json_dumps(rows, JSON_INDENT(2)) : NULL;
    json_decref(rows);
    bool failed = set->failed || !text;
    result_set_done(set);
    result_set_begin(set, json_column, 1);
    set->failed = failed;
    if (text) {
        result_text(set, text);
        result_row_end(set);
    }
    free(text);
}
