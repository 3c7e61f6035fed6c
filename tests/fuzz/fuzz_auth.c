/* fuzz_auth.c - what others give us for caching_sha2_password: a row of an account table, a public key. */
#include <stdlib.h>
#include <string.h>

#include "pointsman/protocol/auth.h"
#include "same.h"

enum { ROUNDS_AT = 3 };

static void a_row(const uint8_t *data, size_t size)
{
    char *stored = malloc(size + 1);
    require(stored);
    memcpy(stored, data, size);
    stored[size] = 0;
    if (size > ROUNDS_AT + 3) /* more rounds only take longer */
        memcpy(stored + ROUNDS_AT, "001", 3);
    auth_sha2_verify(stored, "secret", 6);
    free(stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t scramble[SCRAMBLE_LENGTH] = {1};
    uint8_t out[AUTH_KEY_MAX];
    size_t length = 0;
    if (size == 0)
        return 0;
    if (data[0] & 1)
        a_row(data + 1, size - 1);
    else if (auth_rsa_encrypt(data + 1, size - 1, "secret", 6, scramble, out, sizeof out, &length))
        require(length <= sizeof out);
    return 0;
}
