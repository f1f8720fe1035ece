// shard_net.h: the shard's own TCP/IP stack: configuration from the directives, and its opening.
//
// Thread:  the shard
#pragma once
#include "dataplane/shard/shard.h"

// Needs s->nic, s->settings and s->overflow. error: one line for the operator.
enum status shard_net_open(struct shard *s, char *error, uint32_t error_bytes) MUST_USE;
