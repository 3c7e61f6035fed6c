/* metrics.h - the figures as Prometheus reads them (text format 0.0.4). */
#ifndef PROXY_ADMIN_METRICS_H
#define PROXY_ADMIN_METRICS_H

#include <stdio.h>

#include "figures.h"

/* Names begin with pointsman_, units are seconds and bytes. How many lines there are depends on the servers
 * only. Errors stay in the stream (ferror). */
void metrics_write(FILE *to, const struct figures *figures, const struct topology *topology,
                   const struct process_figures *process);

#endif
