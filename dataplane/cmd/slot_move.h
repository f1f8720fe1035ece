// slot_move.h: slots that change their shard while the server serves.
//
// Source:  DESIGN "Shards"
// Thread:  whoever holds the shards concerned: all of them, unless it says otherwise
// Memory:  embedded in struct node
//
// An order names a range of slots and the shard that is to have them. It is carried out for one
// shard that has some of them after the other, in portions, all shards standing:
//
//   begin    its slots are in transit from here on (placement.h). Who waits for one of their keys
//            is sent through the router once more and keeps its deadline; watches of them become
//            stale and their readers are told, for from now on all of that is known to the new
//            shard
//   step     keys that nobody asked for are taken over, in the order of hash space
//   end      the slots belong to the new shard
//
// A command with a key in transit runs with both shards held. Before it is bound its keys are
// fetched, so to the command they are at the new shard, those that are not there yet among them.
// Nothing is ever made at the old one, so what the mover has passed stays passed.
//
// A giant is made anew in slices (takeover_giant.h), one at a time. A command about one that is
// still at the old shard waits, and those who wait see to it themselves: each look at whether it
// may run is a slice, with the two shards held that it needs, whatever keeps the mover. So a giant
// never changes at the old shard while it is made anew. A key that a script or DEBUG touches
// without having named it is fetched in one go, whatever its size.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/keyspace/placement.h"
#include "dataplane/keyspace/takeover.h"

struct call;
struct node;
struct server;

struct slot_move {
    bool is_running;
    uint32_t first, last, to;
    struct takeover takeover; // of the shard that is being left
    uint64_t rest_until_tsc;  // before that nobody makes a slice for a command
    uint64_t keys_taken;      // of this order, by the mover
    uint64_t keys_fetched;    // for commands that wanted them
    uint64_t portions;
};

// NULL: it is begun with the next step. Otherwise an error for the operator.
const char *slot_move_order(struct node *node, uint32_t first, uint32_t last, uint32_t to);
// One portion, to until_tsc or a little longer; true: all is done. A shard in the midst of a long
// command or script is no time for it (slot_move_may_step).
bool slot_move_step(struct node *node, uint64_t until_tsc);
bool slot_move_may_step(const struct node *node);
// While slots are in transit: the shards that a command about this key needs. When s holds them
// already the key is fetched, and it is one.
shard_set slot_move_shards(struct server *s, struct bytes key);
// While slots are in transit, call being about to run with these shards held. True: a giant among
// its keys is not there yet.
bool slot_move_must_wait(const struct call *call, shard_set shards);
