/* fuzz_proxy_header.c - a header is never longer than what there is, and an address always ends. */
#include "pointsman/net/proxy_header.h"
#include "same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char address[PROXY_HEADER_ADDRESS];
    size_t length = 0;
    if (proxy_header_read(data, size, &length, address) == PROXY_HEADER_OK) {
        require(length > 0 && length <= size && length <= PROXY_HEADER_MAX);
        require(memchr(address, 0, sizeof address) != NULL);
    }
    return 0;
}
