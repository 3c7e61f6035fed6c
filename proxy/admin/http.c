/*
 * http.c - see http.h.
 *
 *   request ──> GET or HEAD? ──no──> 405
 *                   │
 *                   └──> pages[]: path ──> function fills a struct page ──> status, type, body
 *
 * Every page is made from atomics and the current topology: no worker is asked, no lock of theirs is taken.
 */
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figures.h"
#include "metrics.h"
#include "pointsman/base/log.h"
#include "pointsman/monitor/events.h"
#include "pointsman/net/listen.h"
#include "state_json.h"

enum {
    LISTENERS_MAX = 8,
    CONNECTIONS_MAX = 64, /* an address */
    IDLE_SECONDS = 10,
    MEMORY_BYTES = 16384, /* a connection: request line and headers must fit in */
};

struct page {
    unsigned status;
    const char *type;
    char *body; /* owned; NULL: no memory */
    size_t length;
};

static struct {
    const struct worker_shared *workers;
    const struct config *config; /* borrowed: its addresses are those that we listen on */
    struct MHD_Daemon *daemons[LISTENERS_MAX];
    size_t count;
} http;

/* ---- pages ---- */

static void say(struct page *page, unsigned status, const char *type, const char *text)
{
    *page = (struct page){status, type, strdup(text), strlen(text)};
}

static const char plain[] = "text/plain; charset=utf-8";

static void page_health(struct page *page)
{
    say(page, MHD_HTTP_OK, plain, "ok\n");
}

static void page_ready(struct page *page)
{
    struct topology *topology = topology_current();
    char text[256];
    bool stopping = atomic_load(&http.workers->stopping);
    bool writable = topology->primary != TOPOLOGY_NOBODY, asked = definitions_asked();
    snprintf(text, sizeof text, "%s\n",
             stopping                    ? "stopping"
             : writable && asked         ? "ready"
             : writable                  ? "views and routines were not asked for yet"
             : *topology->why_no_primary ? topology->why_no_primary
                                         : "no primary is writable");
    topology_unref(topology);
    say(page, writable && asked && !stopping ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, plain, text);
}

static void page_metrics(struct page *page)
{
    struct figures figures;
    struct process_figures process;
    *page = (struct page){.status = MHD_HTTP_OK, .type = "text/plain; version=0.0.4; charset=utf-8"};
    FILE *to = open_memstream(&page->body, &page->length);
    if (!to)
        return;
    struct topology *topology = topology_current();
    figures_take(http.workers, &figures);
    process_take(&process);
    metrics_write(to, &figures, topology, &process);
    topology_unref(topology);
    bool failed = ferror(to);
    if (fclose(to) != 0 || failed) {
        free(page->body);
        page->body = NULL;
    }
}

static void page_state(struct page *page)
{
    struct figures figures;
    struct process_figures process;
    struct event *events = malloc(EVENTS_KEPT * sizeof *events);
    size_t count = events ? events_copy(events, EVENTS_KEPT) : 0;
    struct topology *topology = topology_current();
    figures_take(http.workers, &figures);
    process_take(&process);
    *page = (struct page){.status = MHD_HTTP_OK, .type = "application/json"};
    page->body = state_json(&figures, topology, &process, events, count);
    page->length = page->body ? strlen(page->body) : 0;
    topology_unref(topology);
    free(events);
}

static void page_index(struct page *page)
{
    say(page, MHD_HTTP_OK, "text/html; charset=utf-8",
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Pointsman</title>\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<style>:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:40em;"
        "margin:3em auto;padding:0 1em}</style></head>\n"
        "<body><h1>Pointsman " POINTSMAN_VERSION "</h1>\n<ul>\n"
        "<li><a href=\"/metrics\">/metrics</a>: figures for Prometheus</li>\n"
        "<li><a href=\"/api/state\">/api/state</a>: servers, figures and events as JSON</li>\n"
        "<li><a href=\"/healthz\">/healthz</a>: whether the process serves</li>\n"
        "<li><a href=\"/readyz\">/readyz</a>: whether a primary is writable</li>\n</ul></body></html>\n");
}

static const struct {
    const char *path;
    void (*make)(struct page *page);
} pages[] = {
    {"/", page_index},       {"/metrics", page_metrics}, {"/healthz", page_health},
    {"/readyz", page_ready}, {"/api/state", page_state},
};

static void make_page(const char *method, const char *path, struct page *page)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        say(page, MHD_HTTP_METHOD_NOT_ALLOWED, plain, "only GET and HEAD\n");
        return;
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(path, pages[i].path) == 0) {
            pages[i].make(page);
            return;
        }
    say(page, MHD_HTTP_NOT_FOUND, plain, "there is /, /metrics, /healthz, /readyz and /api/state\n");
}

/* ---- requests ---- */

static void add_headers(struct MHD_Response *response, const struct page *page)
{
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Content-Security-Policy",
                            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    if (page->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **mark)
{
    static char begun;
    (void)arg, (void)version, (void)upload;
    bool served = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (served && (!*mark || *upload_size)) { /* answered when all of it has come; a body is of no interest */
        *mark = &begun;
        *upload_size = 0;
        return MHD_YES;
    }
    struct page page;
    make_page(method, path, &page);
    if (!page.body)
        return MHD_NO; /* no memory: the connection is closed */
    struct MHD_Response *response = MHD_create_response_from_buffer(page.length, page.body,
                                                                    MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(page.body);
        return MHD_NO;
    }
    add_headers(response, &page);
    enum MHD_Result result = MHD_queue_response(connection, page.status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- listening ---- */

/* The library complains of every malformed request: of interest only to whoever looks for it. */
static void on_complaint(void *arg, const char *format, va_list arguments)
{
    (void)arg;
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = 0;
    log_event(LOG_DEBUG, "http", NULL, log_text("what", text));
}

static bool listen_on(const struct config_address *address)
{
    int fd = listen_open(address);
    if (fd < 0) {
        log_event(LOG_ERROR, "http-listen-failed", "cannot listen for HTTP",
                  log_text("address", address->text), log_text("why", strerror(errno)));
        return false;
    }
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, NULL,
        MHD_OPTION_EXTERNAL_LOGGER, on_complaint, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_END);
    if (!daemon) {
        log_event(LOG_ERROR, "http-start-failed", NULL, log_text("address", address->text));
        listen_close(fd, address);
        return false;
    }
    http.daemons[http.count++] = daemon;
    return true;
}

bool http_start(const struct config *config, const struct worker_shared *workers)
{
    http.workers = workers;
    http.config = config;
    for (size_t i = 0; i < config->http_count && i < LISTENERS_MAX; i++)
        if (!listen_on(&config->http[i])) {
            http_stop();
            return false;
        }
    return true;
}

void http_stop(void)
{
    for (size_t i = 0; i < http.count; i++) {
        MHD_stop_daemon(http.daemons[i]); /* closes the socket */
        if (http.config->http[i].sa.any.sa_family == AF_UNIX)
            unlink(http.config->http[i].sa.un.sun_path);
    }
    http.count = 0;
}
