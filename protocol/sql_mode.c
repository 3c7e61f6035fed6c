/* sql_mode.c - the words of sql_mode that change how text is read: see sql.h. */
#include "pointsman/protocol/sql.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *word;
    unsigned bits;
} words[] = {
    {"ANSI_QUOTES", SQL_MODE_ANSI_QUOTES},
    {"ANSI", SQL_MODE_ANSI_QUOTES | SQL_MODE_IGNORE_SPACE},
    {"NO_BACKSLASH_ESCAPES", SQL_MODE_NO_BACKSLASH_ESCAPES},
    {"IGNORE_SPACE", SQL_MODE_IGNORE_SPACE},
    {"ORACLE", SQL_MODE_FOREIGN},
    {"MSSQL", SQL_MODE_FOREIGN},
};

static unsigned bits_of(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == length && strncasecmp(words[i].word, word, length) == 0)
            return words[i].bits;
    return 0;
}

unsigned sql_mode_bits(const char *value, size_t length)
{
    unsigned bits = 0;
    for (size_t begin = 0, at = 0; at <= length; at++)
        if (at == length || value[at] == ',') {
            bits |= bits_of(value + begin, at - begin);
            begin = at + 1;
        }
    return bits;
}
