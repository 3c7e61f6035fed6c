/*
 * value_text.c - text, secrets, and one of some known words.
 */
#include "value_type.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pointsman/config/nearest.h"

enum { SECRET_MAX = 1024 }; /* bytes of a password in a file */

/* ---- text ---- */

static bool text_read(const struct option *option, const char *text, void *base,
                      const struct value_place *place)
{
    char **at = value_field(option, base), *copy = NULL;

    if (*text == '\0' && option->flags & OPTION_REQUIRED)
        return value_refuse(option, text, place, "it is empty; %s", option->help);
    if (*text && !(copy = strdup(text)))
        return value_no_memory(place);
    free(*at);
    *at = copy;
    return true;
}

static void text_print(const struct option *option, const void *base, char *out, size_t size)
{
    char **at = value_field(option, base);

    snprintf(out, size, "%s", *at ? *at : "");
}

static void text_done(const struct option *option, void *base)
{
    char **at = value_field(option, base);

    free(*at);
    *at = NULL;
}

static void text_describe(const struct option *option, char *out, size_t size)
{
    (void)option;
    snprintf(out, size, "text");
}

const struct value_type value_text = {text_read, text_print, text_done, text_describe};

/* ---- secrets ---- */

static bool secret_store(const char *text, char **at, const struct value_place *place)
{
    char *copy = strdup(text);

    if (!copy)
        return value_no_memory(place);
    value_wipe(*at);
    *at = copy;
    return true;
}

static void secret_done(const struct option *option, void *base)
{
    char **at = value_field(option, base);

    value_wipe(*at);
    *at = NULL;
}

/* An account without a password is possible, but only if somebody wrote so. */
static bool secret_read(const struct option *option, const char *text, void *base,
                        const struct value_place *place)
{
    if (*text || option->flags & OPTION_REQUIRED)
        return secret_store(text, value_field(option, base), place);
    secret_done(option, base);
    return true;
}

static void secret_print(const struct option *option, const void *base, char *out, size_t size)
{
    char **at = value_field(option, base);

    snprintf(out, size, "%s", *at ? "***" : "");
}

static void secret_describe(const struct option *option, char *out, size_t size)
{
    (void)option;
    snprintf(out, size, "text; shown as ***");
}

const struct value_type value_secret = {secret_read, secret_print, secret_done, secret_describe};

/* Reads the first line of an open file into secret. Returns NULL, or what is wrong. */
static const char *first_line(int fd, char secret[SECRET_MAX + 2])
{
    ssize_t length = read(fd, secret, SECRET_MAX + 1);

    if (length < 0)
        return strerror(errno);
    secret[length] = '\0';
    if (memchr(secret, '\0', (size_t)length))
        return "it holds a zero byte";
    secret[strcspn(secret, "\r\n")] = '\0';
    if (*secret == '\0')
        return "its first line is empty, the password should stand there";
    return strlen(secret) > SECRET_MAX ? "its first line is too long for a password" : NULL;
}

/* Not a pipe or a device: reading one could wait for ever. */
static const char *plain_file_line(int fd, char secret[SECRET_MAX + 2], bool *ret_public)
{
    struct stat stat;

    if (fstat(fd, &stat) < 0)
        return strerror(errno);
    if (!S_ISREG(stat.st_mode))
        return "this is not a plain file";
    *ret_public = stat.st_mode & S_IROTH;
    return first_line(fd, secret);
}

static bool secret_file_read(const struct option *option, const char *text, void *base,
                             const struct value_place *place)
{
    int fd = open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool everybody = false, stored;
    char secret[SECRET_MAX + 2];
    const char *wrong;

    if (fd < 0)
        return value_refuse(option, text, place, "the file can't be opened: %s", strerror(errno));
    wrong = plain_file_line(fd, secret, &everybody);
    close(fd);
    if (everybody)
        fault_warning(place->faults, place->line,
                      "%s = %s: everybody on this machine may read it; chmod 600 it", option_key(option),
                      text);
    stored = wrong ? value_refuse(option, text, place, "%s", wrong)
                   : secret_store(secret, value_field(option, base), place);
    explicit_bzero(secret, sizeof secret);
    return stored;
}

static void path_describe(const struct option *option, char *out, size_t size)
{
    (void)option;
    snprintf(out, size, "a path");
}

const struct value_type value_secret_file = {secret_file_read, secret_print, secret_done, path_describe};

/* ---- words ---- */

/* "a, b or c" */
static void words_join(const char *const *words, char *out, size_t size)
{
    size_t length = 0;

    *out = '\0';
    for (size_t i = 0; words[i] && length < size; i++)
        length += (size_t)snprintf(out + length, size - length, "%s%s",
                                   i == 0         ? ""
                                   : words[i + 1] ? ", "
                                                  : " or ",
                                   words[i]);
}

static bool word_find(const struct option *option, const char *const *words, const char *text,
                      const struct value_place *place, unsigned *ret_index)
{
    struct nearest nearest = {.word = text};
    char known[200];

    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *ret_index = i;
            return true;
        }
        nearest_look(&nearest, words[i], NULL);
    }
    words_join(words, known, sizeof known);
    if (*text && nearest_is_likely(&nearest))
        return value_refuse(option, text, place, "it may be %s; did you mean '%s'?", known, nearest.name);
    return value_refuse(option, text, place, "it may be %s", known);
}

static bool choice_read(const struct option *option, const char *text, void *base,
                        const struct value_place *place)
{
    return word_find(option, option->words, text, place, value_field(option, base));
}

static void choice_print(const struct option *option, const void *base, char *out, size_t size)
{
    snprintf(out, size, "%s", option->words[*(unsigned *)value_field(option, base)]);
}

static void choice_describe(const struct option *option, char *out, size_t size)
{
    words_join(option->words, out, size);
}

const struct value_type value_choice = {choice_read, choice_print, NULL, choice_describe};

static const char *const no_yes[] = {"no", "yes", NULL};

static bool yes_no_read(const struct option *option, const char *text, void *base,
                        const struct value_place *place)
{
    unsigned index;

    if (!word_find(option, no_yes, text, place, &index))
        return false;
    *(bool *)value_field(option, base) = index;
    return true;
}

static void yes_no_print(const struct option *option, const void *base, char *out, size_t size)
{
    snprintf(out, size, "%s", no_yes[*(bool *)value_field(option, base)]);
}

static void yes_no_describe(const struct option *option, char *out, size_t size)
{
    (void)option;
    words_join(no_yes, out, size);
}

const struct value_type value_yes_no = {yes_no_read, yes_no_print, NULL, yes_no_describe};
