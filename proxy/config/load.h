/*
 * load.h - a file while it is read: the configuration so far, and what stood in which line.
 */
#ifndef POINTSMAN_CONFIG_LOAD_H
#define POINTSMAN_CONFIG_LOAD_H

#include "fault.h"
#include "option.h"

/* A section that stands in the file. */
struct load_section {
    const struct section *section;
    size_t item;                         /* index in the section's array; SECTION_NAMED */
    unsigned line;                       /* of its heading */
    unsigned lines[SECTION_OPTIONS_MAX]; /* of each option's key; 0: not in the file */
    char target[64];                     /* a rule's NAME of "server NAME", else "" */
};

struct load {
    struct config *config;
    struct faults faults;
    struct load_section *sections; /* in file order */
    size_t sections_count;
    struct load_section *current; /* where keys go; NULL: they don't */
    bool skips;                   /* keys don't go anywhere because the heading was faulty, which was told */
    unsigned last_line;
};

/* The line of an option ("pool.idle_timeout"), else of its section, else the last one. item: of a named
 * section, else 0. */
unsigned load_line(const struct load *load, const char *name, size_t item);

struct load_section *load_find(const struct load *load, const char *section, size_t item); /* or NULL */

/* What no single line can say: what collides, contradicts or can never work. */
void check_config(struct load *load);
void check_tls_files(struct load *load); /* check_tls.c */

#endif
