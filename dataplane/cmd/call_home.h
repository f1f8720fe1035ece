// call_home.h: what belongs to one of a command's keys, when they are on several shards: its
// server, its keyspace, and the rest of a command that is about this key alone.
//
// Source:  DESIGN "Shards"; node.h
// Thread:  the shard that runs the command and holds those of its keys
// Memory:  none
// Rules for a body with more than one key, because its call->keyspace may be a joint one:
//   - what is put at a key (a builder, an object, a cut of its value) is made with the keyspace of
//     that key, and given back to the same one: heaps are the shards' own;
//   - call->server->heap is for what goes again before the reply; call->server->keyspace is a real
//     keyspace that hashes as all others do, for lookups in a value, wherever it lies;
//   - who waits for, watches or tracks a key is known to the key's server.
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/node.h"

static inline bool call_is_joint(const struct call *call)
{
    return UNLIKELY(call->keyspace == call->server->joint);
}
static inline struct server *call_home(const struct call *call, struct bytes key)
{
    return call_is_joint(call) ? server_home(call->server, key) : call->server;
}
static inline struct keyspace *call_keyspace(const struct call *call, struct bytes key)
{
    return call_is_joint(call) ? keyspace_home(call->keyspace, key) : call->keyspace;
}
// The same call, on the server and keyspace of key alone: of a command that found among its keys
// the one it deals with. *room is where that is made when it is another than call itself; what it
// said of its effect goes back by call_rejoin.
static inline struct call *call_settle(struct call *call, struct bytes key, struct call *room)
{
    if (LIKELY(!call_is_joint(call))) return call;
    *room = *call;
    room->server = server_home(call->server, key);
    room->keyspace = keyspace_home(call->keyspace, key);
    return room;
}
static inline void call_rejoin(struct call *call, const struct call *settled)
{
    call->has_effect = call->has_effect || settled->has_effect;
}
// The unit of effects is complete, at each shard that the command may have touched.
void call_end_effects(struct call *call);
