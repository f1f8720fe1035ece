// defer.h: input of clients that send more than their share: kept aside, served a piece a turn.
//
// Source:  DESIGN "no command holds a core": nor does a client with thousands of short ones
// Thread:  the shard
// Memory:  copies on the shard's heap (HEAP_CLIENT_IN); beyond DEFER_BYTES_MAX the stream is
// paused, so
//          the peer waits and the memory is bounded
// Input comes in the order in which clients sent it. Were a deep pipeline run as it comes,
// everybody behind it would wait for all of it; Redis reads each client's socket in turn for the
// same reason.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

enum {
    DEFER_COMMANDS_MIN = 128, // in one piece of input: its client is heavy for the next second
    DEFER_BYTES_MAX = 1024 * 1024,
};

struct shard;
struct session;
struct deferred_piece;

struct deferral {
    struct deferred_piece *head, *tail;
    uint64_t bytes;
    bool is_heavy;  // input is kept aside
    bool is_paused; // the stream is
    bool has_ended; // the peer's end follows what is kept
};

// Keeps a copy of data for later turns.
void defer_keep(struct shard *shard, struct session *session, struct bytes data,
                uint64_t arrival_tsc);
// It has deferred input and may go on with it.
void defer_rest(struct shard *shard, struct session *session);
// One piece of each session that has some; returns how many ran.
uint32_t defer_run(struct shard *shard);
// All that is kept of one session, at once: its connection is going.
void defer_run_all(struct shard *shard, struct session *session);
void defer_drop(struct shard *shard, struct session *session);
