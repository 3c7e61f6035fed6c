/*
 * option.h - the option table: everything that may stand in the file.
 */
#ifndef POINTSMAN_CONFIG_OPTION_H
#define POINTSMAN_CONFIG_OPTION_H

#include <stddef.h>

#include "pointsman/config/config.h"

/* How a value is written and what field it goes to; value.c has a row for each. */
enum option_type {
    OPTION_TEXT,        /* char *; "" is NULL */
    OPTION_SECRET,      /* char *, never shown; "" is NULL unless it is required */
    OPTION_SECRET_FILE, /* a path; the file's first line goes to the same char * as a secret */
    OPTION_YES_NO,      /* bool */
    OPTION_NUMBER,      /* unsigned; "auto" is CONFIG_AUTO if the flag says so */
    OPTION_DURATION,    /* unsigned, milliseconds */
    OPTION_SIZE,        /* unsigned, bytes */
    OPTION_CHOICE,      /* an enum whose constants stand in the order of words */
    OPTION_ADDRESS,     /* struct config_address */
    OPTION_ADDRESSES,   /* struct config_address *, count at also */
    OPTION_NAMES,       /* char **, lower case and sorted, count at also */
    OPTION_NETWORKS,    /* the same, of networks (pointsman/config/network.h) */
    OPTION_REGEX,       /* char *, compiled code at also */
    OPTION_TARGET,      /* enum config_rule_target, server index at also (-1 until all servers are known) */
};

enum {
    OPTION_REQUIRED = 1 << 0,  /* without it the file is faulty; never empty unless it is a secret */
    OPTION_AUTO = 1 << 1,      /* takes the word "auto" */
    OPTION_FILLED = 1 << 2,    /* a list with at least one element */
    OPTION_RESTART = 1 << 3,   /* a reload does not change it */
    OPTION_NO_EFFECT = 1 << 4, /* read and checked, but nothing asks for it yet */
};

struct option {
    const char *name; /* "routing.max_lag": section, dot, key */
    enum option_type type;
    unsigned flags;
    size_t offset, also;      /* in the section's struct */
    unsigned min, max;        /* of numbers, durations (ms) and sizes (bytes), inclusive */
    const char *const *words; /* of choices, NULL-ended */
    const char *fallback;     /* the default, as it would be written; NULL: none */
    const char *example;      /* for the sample where there is no default */
    const char *help;         /* what it is; one line, no full stop */
    const char *why;          /* when one would change it; one sentence */
};

enum section_form {
    SECTION_SINGLE,   /* [name]: keys of the table, into struct config */
    SECTION_NAMED,    /* [name NAME]: the same, into one item of an array; any number of them */
    SECTION_ACCOUNTS, /* [name]: any key; user = password, into an array of struct config_account */
};

struct section {
    const char *name;
    enum section_form form;
    const struct option *options;
    size_t options_count;
    size_t items, items_count; /* offsets in struct config of the array and its count; not SECTION_SINGLE */
    size_t item_size;    /* an item begins with its name, a char * (struct config_server, config_rule, ...) */
    const char *example; /* NAME, or "user = password" of accounts, for the sample */
    const char *help;    /* as an option's */
    const char *more;    /* lines that follow the section in the sample, or NULL */
    bool optional;       /* the sample shows its heading as a comment */
};

enum { SECTION_OPTIONS_MAX = 16 };

extern const struct section option_sections[];
extern const size_t option_sections_count;

const char *option_key(const struct option *option); /* the name without its section */

/* The option of that key, or NULL. */
const struct option *section_option(const struct section *section, const char *key);

#endif
