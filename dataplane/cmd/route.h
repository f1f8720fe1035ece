// route.h: where a command runs: here, on another shard, or here while others stand still.
//
// Source:  DESIGN "Shards"
// Thread:  the shard of the connection
// Memory:  none
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/keyspace/placement.h"

enum route_kind {
    // About the connection, or needs nothing that belongs to a shard: PING, SELECT, MULTI, AUTH,
    // SUBSCRIBE, ...
    ROUTE_LOCAL,
    // By its keys: on the shard that has them all, or on the connection's with those shards held.
    ROUTE_KEYS,
    // With all shards held, once, on shard 0: the body looks at each of them (server_peer) or uses
    // the joint keyspace: INFO, DBSIZE, KEYS, CLIENT LIST, FLUSHALL, ...
    ROUTE_ALL,
    // With all shards held, on shard 0: the body runs once for each shard, for it changes what each
    // has a copy of: CONFIG SET, ACL SETUSER, FUNCTION LOAD, CLIENT PAUSE, ... The first reply is
    // sent; when it is an error the others are left alone.
    ROUTE_EACH,
    // Of the whole keyspace, too, and long: with all shards held the body begins on each of them,
    // on the keys of each, at the same moment; the parts of what is to be done then go on for
    // themselves, and their replies are put together (shard/scatter.h). On the connection's shard.
    ROUTE_SCATTER,
    // Does not work with several shards yet: refused with a clear error.
    ROUTE_REFUSED,
};
struct route {
    enum route_kind kind;
    shard_set shards; // ROUTE_KEYS: of its keys; 0: it names none. ALL, EACH, SCATTER: all
};
// Of call, which has passed its checks and whose server is one of many. EXEC, DISCARD, UNWATCH and
// RESET: of all that is queued and watched, WATCH: and of its keys; with the client's own shard,
// which has what is queued. Scripts: the keys that they declare; all shards when they declare none,
// when the script is new or is known to need them (script_shards.h), and for an EXEC of scripts.
struct route route_of(struct call *call);
// The shards of the keys that request has, by today's placement; 0 when it names no command.
shard_set route_of_request(struct server *server, struct client *client,
                           const struct kept_request *request);
// The kind alone, for the test that walks the table.
enum route_kind route_kind_of(const struct command *command);
// A command of a transaction or script, prepared: runs it (command_run) with the server and
// keyspace that its keys belong to; a ROUTE_EACH one for every shard. held: what may be touched.
// False: a key, or the command, needs more than that; nothing was changed and nothing replied, and
// route_refusal is its error.
bool route_run(struct call *call, shard_set held);
const char *route_refusal(struct call *call);
// In two steps, route being call's: whether route_run would run it; and running it then.
bool route_is_within(const struct call *call, const struct route *route, shard_set held);
void route_run_within(struct call *call, const struct route *route);
// The server and keyspace that call runs with, where its route's shards are all held.
void route_bind(struct call *call, const struct route *route);
// What the commands of a script may touch, by the keys that its EVAL or FCALL declares: their
// shards. None declared: all.
shard_set route_script_keys(const struct call *call, uint32_t key_count);
// The body of a ROUTE_EACH command, which has run for call->server without an error, for the others
// too, all held: no reply, nothing counted. What it changed at each is told in the stream of each.
void route_run_for_others(const struct call *call);
