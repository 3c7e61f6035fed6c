/* network.h - networks of addresses: "10.0.0.0/8", "fd00::/8", or a single address. */
#ifndef POINTSMAN_CONFIG_NETWORK_H
#define POINTSMAN_CONFIG_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the text is one: an address and, behind a slash, how many of its bits count. */
bool network_is(const char *text);
/* Whether the address, as text (NULL or "": of nobody's network), lies in one of them. */
bool networks_have(char *const *networks, size_t count, const char *address);

#endif
