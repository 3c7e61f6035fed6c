/*
 * fault.c - faults and warnings as lines of text.
 */
#include "fault.h"

#include <stdarg.h>

static void fault_line(struct faults *faults, unsigned line, const char *kind, const char *format,
                       va_list values)
{
    fprintf(faults->to, "%s:", faults->path);
    if (line)
        fprintf(faults->to, "%u:", line);
    fprintf(faults->to, " %s", kind);
    vfprintf(faults->to, format, values);
    fputc('\n', faults->to);
}

void fault(struct faults *faults, unsigned line, const char *format, ...)
{
    va_list values;

    faults->count++;
    va_start(values, format);
    fault_line(faults, line, "", format, values);
    va_end(values);
}

void fault_memory(struct faults *faults)
{
    fault(faults, 0, "there was not enough memory to read it");
}

void fault_warning(struct faults *faults, unsigned line, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    fault_line(faults, line, "warning: ", format, values);
    va_end(values);
}
