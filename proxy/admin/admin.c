/*
 * admin.c - beginning and end of what operators talk to.
 *
 *   admin_start ──> http_start   (http.c: a thread an address)
 */
#include "pointsman/admin/admin.h"

#include "figures.h"
#include "http.h"

static struct config *started_with; /* referenced: its addresses are those that we listen on */

bool admin_start(struct config *config, const struct admin_context *context)
{
    process_began();
    if (!http_start(config, context->workers))
        return false;
    started_with = config_ref(config);
    return true;
}

void admin_stop(void)
{
    http_stop();
    config_unref(started_with);
    started_with = NULL;
}
