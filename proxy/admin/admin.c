/*
 * admin.c - beginning and end of what operators talk to.
 *
 *   admin_start ─┬─> http_start      (http.c: a thread an address)
 *                └─> console_start   (console.c: one thread)
 */
#include "pointsman/admin/admin.h"

#include "console.h"
#include "figures.h"
#include "http.h"

static struct config *started_with; /* referenced: its addresses are those that we listen on */

bool admin_start(struct config *config, const struct admin_context *context)
{
    process_began();
    if (!http_start(config, context->workers))
        return false;
    if (!console_start(config, context)) {
        http_stop();
        return false;
    }
    started_with = config_ref(config);
    return true;
}

void admin_stop(void)
{
    console_stop();
    http_stop();
    config_unref(started_with);
    started_with = NULL;
}
