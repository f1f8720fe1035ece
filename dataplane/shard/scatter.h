// scatter.h: a command that goes through the keys of all shards: one part on each, at the same
// moment, and one reply.
//
// Source:  DESIGN "Shards", "Walks"; cmd/route.h: ROUTE_SCATTER
// Thread:  each function says whose
// Memory:  a struct scatter is a job of the shard of the connection (HEAP_OTHER); its parts are far
//          calls (far.h), also the one of this very shard
//
// At a rendezvous of all, the holder starts the command's body once for each shard, on that shard's
// server and keyspace, with a proxy as its client. So all cuts are taken at the same moment, and it
// is over soon: a part that has much to do becomes a job of its shard (job.h). Then all are let go.
// Each part goes on in slices on its own thread, and its reply comes as those of far calls do. The
// client waits as one of a job; when it goes, the parts are cancelled.
//   The reply: arrays, sets and maps are one behind the other, below one header with the sum of the
// counts. What is none of these is the same on all shards, and said once. An error of any part is
// the reply.
#pragma once
#include "dataplane/cmd/cmd.h"

struct shard;
struct far_call;

void scatter_begin(struct call *call); // struct server_ops.scatter: the holder
void scatter_part_is_done(struct shard *s, struct far_call *part); // the holder's, later
