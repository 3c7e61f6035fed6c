/*
 * address.h - addresses: from text, and whether two of them are one place.
 */
#ifndef POINTSMAN_CONFIG_ADDRESS_H
#define POINTSMAN_CONFIG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "pointsman/config/config.h"

/*
 * Reads "HOST:PORT", "[IPv6]:PORT" or "unix:/PATH" and resolves it, which may ask the network and wait. Of a
 * host name's addresses the first IPv4 one is taken, else the first. On success ret_address owns a copy of
 * the text. On failure it is left alone and why says what is wrong, without a newline; "" if memory is
 * wanting.
 */
bool address_read(const char *text, struct config_address *ret_address, char *why, size_t size);
void address_done(struct config_address *address);

bool address_equal(const struct config_address *a, const struct config_address *b);

/* Two listeners that could not both be bound: equal, or the same port and one of them is every address of its
 * family. IPv4 and IPv6 don't meet: a listener on [::] is for IPv6 only. */
bool address_collide(const struct config_address *a, const struct config_address *b);

/* Only this machine can reach it: loopback or a unix socket. */
bool address_is_local(const struct config_address *address);

#endif
