// pubsub.h: channels, patterns and shard channels: who listens, and bringing messages to them.
//
// Source:  Redis 7.2 (SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE; RESP2 arrays, RESP3 pushes)
// Thread:  the shard
// Memory:  a message is one blob for each protocol version that its receivers speak; subscriptions
//          are booked to HEAP_SESSION
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/list.h"
#include "dataplane/cmd/names.h"

struct client;
struct server;

enum pubsub_kind { PUBSUB_CHANNEL, PUBSUB_PATTERN, PUBSUB_SHARD_CHANNEL, PUBSUB_KIND_COUNT };

struct pubsub { // of a server
    struct names names[PUBSUB_KIND_COUNT];
    uint64_t clients; // with at least one subscription
};
// Where struct server has them, for peers.h.
#define PUBSUB_NAMES(kind) (offsetof(struct server, pubsub.names) + (kind) * sizeof(struct names))
struct subscriber { // of a client; NULL while it has subscribed to nothing
    struct list subscriptions[PUBSUB_KIND_COUNT];
};

void pubsub_open(struct server *server);
void pubsub_close(struct server *server);
void pubsub_forget_client(struct server *server, struct client *c); // says nothing

// To all of this shard's clients who subscribed to channel (and, unless it is a shard channel, to
// patterns that match it), after what other shards have told them before (posted.h). Returns how
// many receivers there are.
uint64_t pubsub_publish(struct server *server, struct bytes channel, struct bytes message,
                        bool is_shard_channel);
// To those of all shards, none of which need stand still.
void pubsub_tell_all(struct server *server, struct bytes channel, struct bytes message);
// Anybody of this shard who might get something: for those who would have to make a message first.
static inline bool pubsub_has_listeners(const struct pubsub *p) { return p->clients != 0; }
uint64_t pubsub_count(const struct client *c, enum pubsub_kind kind);
uint64_t pubsub_memory(const struct client *c);
// A client's subscriptions, for ACL: visit returns false to stop.
typedef bool pubsub_visit(void *context, struct bytes name, enum pubsub_kind kind);
void pubsub_each(const struct client *c, pubsub_visit *visit, void *context);
