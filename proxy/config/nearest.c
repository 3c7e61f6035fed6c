/*
 * nearest.c - edit distance (optimal string alignment) over three rows.
 */
#include "pointsman/config/nearest.h"

#include <ctype.h>
#include <string.h>

static unsigned min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int folded(char c)
{
    return c == '_' ? '-' : tolower((unsigned char)c);
}

unsigned nearest_distance(const char *a, const char *b)
{
    size_t a_length = strnlen(a, NEAREST_MAX), b_length = strnlen(b, NEAREST_MAX);
    unsigned rows[3][NEAREST_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2], *spare;

    for (size_t j = 0; j <= b_length; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            bool same = folded(a[i - 1]) == folded(b[j - 1]);
            row[j] = min(min(last[j], row[j - 1]) + 1, last[j - 1] + !same);
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]))
                row[j] = min(row[j], before[j - 2] + 1);
        }
        spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_length];
}

void nearest_look(struct nearest *nearest, const char *name, const void *about)
{
    unsigned distance = nearest_distance(nearest->word, name);

    if (nearest->name && nearest->distance <= distance)
        return;
    nearest->name = name;
    nearest->about = about;
    nearest->distance = distance;
}

bool nearest_is_likely(const struct nearest *nearest)
{
    size_t length = strlen(nearest->word);

    if (!nearest->name)
        return false;
    return nearest->distance <= (length + 2) / 3 ||
           (length >= 3 && strncmp(nearest->word, nearest->name, length) == 0);
}
