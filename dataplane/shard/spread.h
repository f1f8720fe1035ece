// spread.h: connections over the shards of a process, and when a shard may sleep.
//
// Source:  DESIGN "Shards"
// Thread:  the shard's, unless it says otherwise
//
// Shard 0 listens. Each connection it accepts goes to the shard that has the fewest, so that they
// are balanced whatever the clients' addresses are; counting is exact, as each shard tells of its
// own.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"

struct shard;
struct server;

enum status spread_open(struct shard *s) MUST_USE; // ERR_IO: its waker cannot be watched
// A client has come (1) or gone (-1): for the others, too.
void spread_count_client(struct shard *s, int change);
uint64_t spread_client_count(const struct shard *s); // of all shards
// Nothing has come for it since it looked: others will wake it from here to spread_end_sleep.
bool spread_may_sleep(struct shard *s);
void spread_end_sleep(struct shard *s);
// struct server_ops.forget_watches
void spread_forget_watches(struct server *server, uint64_t client_id, uint64_t generation,
                           uint64_t homes);
void spread_stop(struct shard *s, uint32_t flags); // the other shards, too
