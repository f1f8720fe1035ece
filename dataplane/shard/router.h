// router.h: sends each command where its keys are.
//
// Source:  DESIGN "Shards"; cmd/route.h decides, this carries it out
// Thread:  the shard of the connection
//
// Commands of one connection that are under way on other shards run at the same time; each shard
// runs its own in the order in which they were sent, so commands about the same key keep theirs. A
// command that is not about the keys of one shard (a rendezvous) waits until those before it are
// answered, and so does one that comes when FAR_CALLS_MAX of its connection are under way.
// Slots may move to other shards meanwhile (cmd/slot_move.h). A command about keys in transit has
// two shards at least, so it is a rendezvous. Far calls that were sent before the placement changed
// come back and are sent again (far_again.h), also those that have waited at their shard for a key
// in transit; what was kept elsewhere (resume.h, pause.h, a rendezvous) comes through here once
// more.
#pragma once
#include "dataplane/cmd/cmd.h"

enum routed shard_route(struct call *call); // struct server_ops.route
void shard_begin_again(struct call *call);  // struct server_ops.begin_again
