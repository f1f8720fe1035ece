// hub.h: what the shards of one process share: where they meet, how they reach each other.
//
// Source:  DESIGN "Shards"
// Thread:  opened and closed while no shard runs. Each field says who writes it
// Memory:  owned by the process
#pragma once
#include <stdalign.h>
#include <stdint.h>
#include "dataplane/base/status.h"
#include "dataplane/base/waker.h"
#include "dataplane/base/word_ring.h"
#include "dataplane/cmd/node.h"

enum { HUB_RING_WORDS = 4096 }; // from one shard to another; what exceeds it waits with the sender

// Of one shard: meeting.h has the protocol.
struct meeting_point {
    alignas(64) uint64_t wanted; // shard_set of those who want it to stand; each its own bit
    alignas(64) uint8_t grants[PLACEMENT_SHARDS_MAX]; // to each of them: enum meeting_grant
};

struct hub {
    uint32_t shard_count;
    struct meeting_point points[PLACEMENT_SHARDS_MAX];
    struct word_ring *rings[PLACEMENT_SHARDS_MAX][PLACEMENT_SHARDS_MAX]; // [from][to]
    struct waker wakers[PLACEMENT_SHARDS_MAX];                           // of the shard that sleeps
    struct {
        alignas(64) int64_t count; // clients, and connections on their way to it; anybody's
    } clients[PLACEMENT_SHARDS_MAX];
    struct node node;
};

// ERR_NO_SPACE: memory; ERR_IO: no descriptors, errno tells.
enum status hub_open(struct hub **out, uint32_t shard_count) MUST_USE;
void hub_close(struct hub *h);
