/*
 * libtext.c - the harness's words: complaints, made-up strings, ends of files. And waiting.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("cluster: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

char *text_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        abort();
    va_end(args);
    return text;
}

char *text_from(const char *path, long from)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    if (from < 0)
        from = size + from > 0 ? size + from : 0;
    size_t length = size > from ? (size_t)(size - from) : 0;
    char *text = malloc(length + 1);
    fseek(file, from, SEEK_SET);
    if (text)
        text[fread(text, 1, length, file)] = '\0';
    fclose(file);
    return text;
}

int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool wait_for(bool (*holds)(void *arg), void *arg, int timeout_ms)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    int64_t end = monotonic_us() + (int64_t)timeout_ms * 1000;
    while (!holds(arg)) {
        if (monotonic_us() > end)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}
