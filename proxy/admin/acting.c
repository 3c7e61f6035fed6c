/* acting.c - the commands that change something: RELOAD, SET SERVER, KILL. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "pointsman/monitor/monitor.h"
#include "pointsman/protocol/answer.h"

enum { WEIGHT_MAX = 1000 /* as in the configuration */ };

void act_reload(struct request *request, struct reply *reply)
{
    char text[2048] = "";
    if (!request_ends(request, reply))
        return;
    bool reloaded = request->asker->context->reload(text, sizeof text);
    for (size_t length = strlen(text); length && text[length - 1] == '\n'; length--)
        text[length - 1] = 0;
    if (!reloaded)
        reply_err(reply, 1105, "HY000", "nothing was changed: %.480s", text);
    else if (*text)
        reply_ok(reply, "reloaded; only a restart changes: %.450s", text);
    else
        reply_ok(reply, "reloaded");
}

/* ---- SET SERVER ---- */

static void no_such_server(const char *name, struct reply *reply)
{
    struct topology *topology = topology_current();
    char known[300];
    size_t length = 0;
    *known = 0;
    for (size_t i = 0; i < topology->count && length < sizeof known; i++)
        length += (size_t)snprintf(known + length, sizeof known - length, "%s %s", i ? "," : "",
                                   topology->servers[i].name);
    topology_unref(topology);
    reply_err(reply, 1477, "HY000", "there is no server '%s', but%s", name, known);
}

static void set_weight(struct request *request, const char *name, struct reply *reply)
{
    struct word word = word_next(&request->words);
    uint64_t weight;
    if (!word_number(&word, &weight) || weight > WEIGHT_MAX) {
        reply_err(reply, SERVER_ERROR_PARSE, "42000", "a weight is a number from 0 to %d", WEIGHT_MAX);
        return;
    }
    if (!request_ends(request, reply))
        return;
    if (monitor_set_weight(name, (unsigned)weight))
        reply_ok(reply, "%s has weight %" PRIu64, name, weight);
    else
        no_such_server(name, reply);
}

void act_set_server(struct request *request, struct reply *reply)
{
    static const struct {
        const char *word;
        enum server_wish wish;
    } wishes[] = {{"MAINTENANCE", WISH_MAINTENANCE}, {"DRAIN", WISH_DRAIN}, {"ONLINE", WISH_ONLINE}};
    char name[CONFIG_NAME_MAX + 1];
    struct word word = word_next(&request->words);
    if (!word_copy(&word, name, sizeof name)) {
        reply_usage(request, reply);
        return;
    }
    if (word_take(&request->words, "WEIGHT")) {
        set_weight(request, name, reply);
        return;
    }
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        if (!word_take(&request->words, wishes[i].word))
            continue;
        if (!request_ends(request, reply))
            return;
        if (monitor_set_wish(name, wishes[i].wish))
            reply_ok(reply, "%s: %s", name, wishes[i].word);
        else
            no_such_server(name, reply);
        return;
    }
    reply_usage(request, reply);
}

/* ---- KILL ---- */

void act_kill(struct request *request, struct reply *reply)
{
    bool query_only = word_take(&request->words, "QUERY");
    if (!query_only)
        word_take(&request->words, "CONNECTION");
    struct word word = word_next(&request->words);
    uint64_t id;
    if (!word_number(&word, &id)) {
        reply_usage(request, reply);
        return;
    }
    if (!request_ends(request, reply))
        return;
    if (id <= UINT32_MAX && worker_kill(request->asker->context->workers, (uint32_t)id, query_only))
        reply_ok(reply, "killed");
    else
        reply_err(reply, SERVER_ERROR_NO_SUCH_THREAD, "HY000", "Unknown thread id: %" PRIu64, id);
}
