/*
 * value.h - a value between its text in the file and its field.
 */
#ifndef POINTSMAN_CONFIG_VALUE_H
#define POINTSMAN_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"
#include "option.h"

/* Where a value stands, for what is wrong with it. */
struct value_place {
    struct faults *faults;
    unsigned line;
};

/* Reads the text into the option's field of base (the section's struct), in place of what is there. On
 * failure the field is left alone and the fault has been told; secrets are not repeated in it. */
bool value_read(const struct option *option, const char *text, void *base, const struct value_place *place);

/* Writes the field's value as it could stand in the file, cut at size - 1; a secret as "***", nothing as "".
 */
void value_print(const struct option *option, const void *base, char *out, size_t size);

/* Frees what the field owns and empties it; secrets are wiped. */
void value_done(const struct option *option, void *base);

/* What may be written: "session, global or off", "10ms to 1h", "a list of addresses". For the documentation.
 */
void value_describe(const struct option *option, char *out, size_t size);

/* The NAME in a rule's "server NAME" (it points into the text), or NULL for any other target. */
const char *value_target_server(const char *text);

void value_wipe(char *secret); /* overwrites and frees; NULL-safe */

#endif
