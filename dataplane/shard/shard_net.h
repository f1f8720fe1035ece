// shard_net.h: the shard's own TCP/IP stack: its configuration from the directives, its opening,
// and its part in a turn.
//
// Thread:  the shard
#pragma once
#include "dataplane/shard/shard.h"

// Needs s->ferry, s->settings and s->overflow. error: one line for the operator.
enum status shard_net_open(struct shard *s, char *error, uint32_t error_bytes) MUST_USE;
// Bursts that the port has, and what other shards handed over. Return how many frames that was.
uint32_t shard_rx_nic(struct shard *s);
uint32_t shard_rx_ferry(struct shard *s);
void shard_tx_nic(struct shard *s);
