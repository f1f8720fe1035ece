// address.h: IP addresses as the command line gives them.
//
// Thread:  any
// Memory:  none
#pragma once
#include <stdbool.h>
#include "dataplane/net/net.h"

// "a.b.c.d/len" or "v6/len"; without the length, all bits.
bool address_parse_own(const char *text, struct net_address *out);
// "a.b.c.d", "a.b.c.d:port", "v6" or "[v6]:port"; without a port, port.
bool address_parse_target(const char *text, uint16_t port, struct net_addr *out);
