// batch.h: the commands of one burst: parsed first, their memory asked for, then run in order.
//
// Thread:  the shard
// Memory:  embedded in struct shard; arguments point into packets and receive buffers of this turn
#pragma once
#include <stdint.h>
#include "dataplane/cmd/cmd.h"

enum { BATCH_CALLS_MAX = 64, BATCH_ARGS_MAX = BATCH_CALLS_MAX * 8 };

struct batch {
    uint32_t call_count, arg_count;
    struct call calls[BATCH_CALLS_MAX];
    struct resp_request requests[BATCH_CALLS_MAX];
    struct bytes args[BATCH_ARGS_MAX];
};

struct shard;
struct session;
// Adds a request; runs what is there first when there is no room. held: its arguments live in the
// reader, so it is run before this returns.
void batch_add(struct shard *shard, struct session *session, const struct resp_request *request,
               uint64_t arrival_tsc, bool held);
void batch_run(struct shard *shard);
