/* result_json.h - SHOW ... FORMAT=JSON: the rows as one value. */
#ifndef PROXY_ADMIN_RESULT_JSON_H
#define PROXY_ADMIN_RESULT_JSON_H

#include "result_set.h"

/* Puts one row with one column, json, in the place of the rows: an array of objects, numbers as numbers. Text
 * that isn't UTF-8 becomes null. */
void result_set_to_json(struct result_set *set);

#endif
