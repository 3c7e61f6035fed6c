/*
 * main.c - stands in for libFuzzer: a target's main that feeds it files and nothing else.
 *
 *   fuzz_NAME [FILE|FOLDER]...   by default tests/fuzz/corpus/NAME; run from the top of the source tree
 *
 * A target that finds fault aborts; the file it was fed is then named on standard error.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char current[PATH_MAX]; /* the file being fed, for on_abort() */

/* After what the target or a sanitizer has said. */
static void on_abort(int number)
{
    static const char before[] = "\ninput: ";
    (void)number;
    if (write(STDERR_FILENO, before, sizeof before - 1) < 0 ||
        write(STDERR_FILENO, current, strlen(current)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
        _exit(2);
    _exit(1);
}

/* The memory is exactly as long as the file, so that a sanitizer sees an overread. */
static int feed_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (!file || fstat(fileno(file), &about) < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    size_t size = (size_t)about.st_size;
    uint8_t *data = malloc(size ? size : 1);
    int fed = -1;
    if (data && fread(data, 1, size, file) == size) {
        snprintf(current, sizeof current, "%s", path);
        LLVMFuzzerTestOneInput(data, size);
        fed = 1;
    }
    free(data);
    fclose(file);
    return fed;
}

/* How many files were fed; -1 if one could not be read. */
static int feed(const char *path)
{
    DIR *folder = opendir(path);
    int fed = 0;
    if (!folder)
        return feed_file(path);
    for (struct dirent *entry; fed >= 0 && (entry = readdir(folder));) {
        char *inside;
        if (entry->d_name[0] == '.')
            continue;
        if (asprintf(&inside, "%s/%s", path, entry->d_name) < 0)
            return -1;
        fed = feed_file(inside) < 0 ? -1 : fed + 1;
        free(inside);
    }
    closedir(folder);
    return fed;
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/'), *prefix = "fuzz_";
    char corpus[PATH_MAX];
    int fed = 0;
    name = name ? name + 1 : argv[0];
    if (strncmp(name, prefix, strlen(prefix)) == 0)
        name += strlen(prefix);
    signal(SIGABRT, on_abort);
    snprintf(corpus, sizeof corpus, "tests/fuzz/corpus/%s", name);
    for (int i = 1; i < argc || i == 1; i++) {
        int more = feed(i < argc ? argv[i] : corpus);
        if (more <= 0) {
            fprintf(stderr, "%s: no input to be had\n", i < argc ? argv[i] : corpus);
            return 1;
        }
        fed += more;
    }
    printf("%s: %d inputs\n", name, fed);
    return 0;
}
