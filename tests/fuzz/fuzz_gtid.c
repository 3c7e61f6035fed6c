/* fuzz_gtid.c - two positions, split at the first NUL: no overread, and the rules that hold for any texts. */
#include "pointsman/topology/gtid.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static char *text_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t first = nul ? (size_t)(nul - data) : size;
    char *have = text_of(data, first);
    char *want = nul ? text_of(nul + 1, size - first - 1) : text_of(data, 0);

    enum gtid_answer answer = gtid_contains(have, want);
    require((answer == GTID_UNKNOWN) >= (!gtid_valid(have) || !gtid_valid(want)));
    if (gtid_valid(have)) {
        require(gtid_contains(have, have) == GTID_CONTAINED);
        require(gtid_contains(have, "") == GTID_CONTAINED);
    }
    char copy[64];
    if (gtid_copy(copy, sizeof copy, have) && gtid_valid(have))
        require(gtid_valid(copy));
    require(strlen(copy) < sizeof copy);

    free(have);
    free(want);
    return 0;
}
