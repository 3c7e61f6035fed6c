/*
 * fault.h - what is wrong with a configuration file, told to whoever wrote it.
 */
#ifndef POINTSMAN_CONFIG_FAULT_H
#define POINTSMAN_CONFIG_FAULT_H

#include <stdio.h>

struct faults {
    FILE *to;         /* borrowed */
    const char *path; /* borrowed; as the user named the file */
    unsigned count;   /* faults so far, warnings not counted */
};

/* Prints "PATH:LINE: ..." and counts it. Line 0: the file as a whole, "PATH: ...". */
void fault(struct faults *faults, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fault_memory(struct faults *faults);

/* Prints "PATH:LINE: warning: ..."; the file is still good. */
void fault_warning(struct faults *faults, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
