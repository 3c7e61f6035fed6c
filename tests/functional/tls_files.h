/*
 * tls_files.h - certificates in a folder of their own, and reloads of a proxy that bring other ones, for
 * tests/functional/test_tls*.c.
 *
 *   [tls] is the last section of the proxies' files: reload() exchanges its lines and waits for what comes of
 * it
 */
#ifndef POINTSMAN_TESTS_FUNCTIONAL_TLS_FILES_H
#define POINTSMAN_TESTS_FUNCTIONAL_TLS_FILES_H

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../certificate.h"
#include "../cluster/pointsman.h"

enum { RELOAD_PATIENCE_MS = 15000 };

static char folder[] = "/tmp/pointsman-tls-XXXXXX";

static inline bool folder_make(void)
{
    return mkdtemp(folder) != NULL;
}

static inline void folder_remove(void)
{
    DIR *files = opendir(folder);
    for (struct dirent *file; files && (file = readdir(files));)
        unlinkat(dirfd(files), file->d_name, 0);
    if (files)
        closedir(files);
    rmdir(folder);
}

static inline char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, 65536);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

struct awaited {
    const struct pointsman *proxy;
    const char *event;
    int count;
};

static inline int events(const struct pointsman *proxy, const char *event)
{
    int count = 0;
    char *log = read_file(proxy->log);
    for (const char *at = log; (at = strstr(at, event)); at++)
        count++;
    free(log);
    return count;
}

static inline bool has_come(void *arg)
{
    const struct awaited *awaited = arg;
    return events(awaited->proxy, awaited->event) > awaited->count;
}

/* The file as it was at the start, with other lines in [tls]. */
static inline void reload(const struct pointsman *proxy, const char *lines, const char *event)
{
    struct awaited awaited = {proxy, event, events(proxy, event)};
    char *before = read_file(proxy->config), *tls = strstr(before, "[tls]");
    FILE *file = fopen(proxy->config, "we");
    assert_non_null(file);
    fprintf(file, "%.*s[tls]\n%s", (int)(tls - before), before, lines);
    fclose(file);
    free(before);
    kill(proxy->pid, SIGHUP);
    if (!wait_for(has_come, &awaited, RELOAD_PATIENCE_MS))
        fail_msg("no %s", event);
}

#endif
