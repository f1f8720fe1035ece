// memory.h: maxmemory: what counts, and making room.
//
// Source:  Redis 7.2: maxmemory, its eight policies, maxmemory-samples, maxmemory-clients
// Thread:  the shard
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct server;

enum { MEMORY_SLICE_US = 250 }; // of evicting, ahead of one command or once a turn

// What is booked, less the replication backlog and the log's buffers, as Redis counts.
uint64_t memory_counted_bytes(const struct server *server);
uint64_t memory_counted_of_all(const struct server *server); // of all shards, as they told it
bool memory_is_over(const struct server *server);            // all shards together
// Evicts keys of this shard by the policy, for MEMORY_SLICE_US at most, when it is its turn. False:
// still over, and nothing may go.
bool memory_make_room(struct server *server);
// Follows how long memory has been above maxmemory: called when it may have changed.
void memory_note_level(struct server *server);
uint64_t memory_over_ns(const struct server *server, bool before_too); // now, or altogether
// maxmemory-clients: the client with the most is disconnected until all fit (one per call).
void memory_check_clients(struct server *server);
// What one client costs: its struct, input and output, queue, subscriptions, what it tracks.
struct client;
uint64_t memory_of_client(const struct client *c);
// Expiry and eviction propagate as DEL and are told as events.
void memory_hook_keyspace(struct server *server);
