/*
 * libpointsman.c - the proxy as a process: ini, start, readiness, end, and its log if the test failed.
 */
#include "internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { STOP_TIMEOUT_MS = 40000, KILL_TIMEOUT_MS = 10000, LOG_TAIL = 32768 };

/* Logs of proxies that have ended, kept until it is known whether the test program passes. */
static char *kept_logs;

static void print_kept_logs(int status, void *arg)
{
    (void)arg;
    if (status != 0 && kept_logs)
        fputs(kept_logs, stderr);
    free(kept_logs);
    kept_logs = NULL;
}

static void keep_log(const char *path)
{
    char *tail = text_from(path, -LOG_TAIL);
    if (!kept_logs)
        on_exit(print_kept_logs, NULL);
    char *longer = text_printf("%s--- %s\n%s---\n", kept_logs ? kept_logs : "", path, tail ? tail : "");
    free(kept_logs);
    free(tail);
    kept_logs = longer;
}

/* A connection that waits for nothing longer than a second. */
static int dial(int port)
{
    const struct timeval limit = {.tv_sec = 1};
    int fd = port_dial(port);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    return fd;
}

/* All that comes until the peer closes; NULL if that is nothing. */
static char *read_all(int fd)
{
    char *text = NULL;
    size_t size = 0;
    for (;;) {
        char *larger = realloc(text, size + 4096 + 1);
        if (!larger)
            break;
        text = larger;
        ssize_t got = recv(fd, text + size, 4096, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    if (text)
        text[size] = '\0';
    return text;
}

int http_get(int port, const char *path, char **ret_body)
{
    int fd = dial(port), code = 0;
    if (fd < 0)
        return 0;
    char *request = text_printf("GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
    size_t length = strlen(request);
    char *answer = send(fd, request, length, MSG_NOSIGNAL) == (ssize_t)length ? read_all(fd) : NULL;
    char *body = answer ? strstr(answer, "\r\n\r\n") : NULL;
    if (body && sscanf(answer, "HTTP/%*s %d", &code) == 1 && ret_body)
        *ret_body = strdup(body + 4);
    free(request);
    free(answer);
    close(fd);
    return code;
}

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

static bool write_config(const struct pointsman *proxy, const struct cluster *cluster,
                         const struct pointsman_options *options)
{
    FILE *file = fopen(proxy->config, "we");
    if (!file)
        return false;
    fprintf(file,
            "[pointsman]\nlisten = 127.0.0.1:%d, unix:%s\nadmin = 127.0.0.1:%d\nhttp = 127.0.0.1:%d\n%s",
            proxy->port, proxy->socket, proxy->admin_port, proxy->http_port, or_nothing(options->pointsman));
    fprintf(file, "\n[monitor]\nuser = %s\npassword = %s\n%s", cluster_monitor.user, cluster_monitor.password,
            or_nothing(options->monitor));
    for (int i = 0; i < cluster->count; i++)
        fprintf(file, "\n[server db%d]\naddress = 127.0.0.1:%d\n%s", i + 1, cluster->server[i].port,
                or_nothing(options->server[i]));
    fprintf(file, "\n%s", or_nothing(options->more));
    return fclose(file) == 0;
}

struct readiness {
    struct pointsman *proxy;
    bool http;
    int status; /* of the process, if it ended */
};

static bool ready_or_ended(void *arg)
{
    struct readiness *it = arg;
    if (process_wait(it->proxy->pid, 0, &it->status)) {
        it->proxy->pid = 0;
        return true;
    }
    int fd = dial(it->proxy->port);
    if (fd < 0)
        return false;
    close(fd);
    return !it->http || http_get(it->proxy->http_port, "/readyz", NULL) == 200;
}

static bool launch(struct pointsman *proxy, struct cluster *cluster, const struct pointsman_options *options)
{
    const char *asked = getenv("POINTSMAN");
    char *binary = asked ? text_printf("%s", asked) : build_path("pointsman");
    const char *const argv[] = {binary, "--config", proxy->config, NULL};
    const struct process_setting setting = {.log = proxy->log, .guard = cluster->guard};
    struct readiness readiness = {.proxy = proxy, .http = !options->no_wait};
    proxy->pid = process_start(argv, &setting);
    free(binary);
    if (!proxy->pid)
        return false;
    bool ready = wait_for(ready_or_ended, &readiness, options->timeout_ms ? options->timeout_ms : 10000);
    if (!proxy->pid)
        complain("the proxy ended with %d", process_status(readiness.status));
    else if (!ready)
        complain("the proxy is not ready in time");
    return ready && proxy->pid;
}

static void done(struct pointsman *proxy)
{
    const int ports[] = {proxy->port, proxy->admin_port, proxy->http_port};
    for (int i = 0; i < 3; i++)
        if (ports[i])
            close(proxy->claims[i]);
    free(proxy->config);
    free(proxy->log);
    free(proxy->socket);
    free(proxy);
}

struct pointsman *pointsman_start(struct cluster *cluster, const struct pointsman_options *options)
{
    struct pointsman *proxy = calloc(1, sizeof *proxy);
    if (!proxy)
        return NULL;
    int number = ++cluster->proxies;
    proxy->config = text_printf("%s/pointsman-%d.ini", cluster->directory, number);
    proxy->log = text_printf("%s/pointsman-%d.log", cluster->directory, number);
    proxy->socket = text_printf("%s/pointsman-%d.sock", cluster->directory, number);
    proxy->port = port_take(&proxy->claims[0]);
    proxy->admin_port = port_take(&proxy->claims[1]);
    proxy->http_port = port_take(&proxy->claims[2]);
    if (proxy->port && proxy->admin_port && proxy->http_port && write_config(proxy, cluster, options) &&
        launch(proxy, cluster, options))
        return proxy;
    char *tail = text_from(proxy->log, -LOG_TAIL);
    complain("the proxy did not start; its log:\n%s", or_nothing(tail));
    free(tail);
    if (proxy->pid && kill(proxy->pid, SIGKILL) == 0)
        process_wait(proxy->pid, KILL_TIMEOUT_MS, NULL);
    done(proxy);
    return NULL;
}

int pointsman_stop(struct pointsman *proxy)
{
    int status = 0;
    if (!proxy)
        return 0;
    if (proxy->pid) {
        kill(proxy->pid, SIGTERM);
        if (!process_wait(proxy->pid, STOP_TIMEOUT_MS, &status)) {
            complain("the proxy does not end; killed");
            kill(proxy->pid, SIGKILL);
            process_wait(proxy->pid, KILL_TIMEOUT_MS, &status);
        }
    }
    keep_log(proxy->log);
    done(proxy);
    return process_status(status);
}

MYSQL *pointsman_connect(struct pointsman *proxy, const struct cluster_account *account, const char *schema)
{
    return sql_connect(NULL, proxy->port, account, schema, 0);
}
