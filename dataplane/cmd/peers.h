// peers.h: what commands that speak for all shards of a server ask of them: who has a client, which
// names are known anywhere.
//
// Source:  DESIGN "Shards": N shards are one server
// Thread:  the shard that runs such a command, with all others held (route.h: ROUTE_ALL)
// Memory:  none of its own
#pragma once
#include <stddef.h>
#include "dataplane/cmd/node.h"

// The client with that id, and whose it is. NULL: there is none.
struct client *peers_find_client(struct server *s, uint64_t id, struct server **home);

// Channels, patterns and prefixes are known to each shard that has a client for them: who lists or
// counts them sees each once. offset: of the struct names in struct server.
struct peer_names {
    size_t offset;
    uint32_t peer, position;
    struct name *last;
};
struct name *peer_names_next(struct server *s, struct peer_names *at); // NULL: no more
uint64_t peer_names_count(struct server *s, size_t offset);
static inline const struct names *peer_names_of(const struct server *s, size_t offset)
{
    return (const struct names *)(const void *)((const char *)s + offset);
}
