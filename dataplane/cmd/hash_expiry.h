// hash_expiry.h: fields of hashes whose time has passed: what the log, the replicas and watchers
// hear of it.
//
// Source:  Redis 7.4: HDEL for each field, alone; "hexpired", and "del" when the key goes with its
//          last field
// Thread:  the shard
// Memory:  server->hash_deadlines; nothing to close
#pragma once
#include <stdint.h>
#include "dataplane/types/hash_value.h"

struct call;
struct server;
void hash_expiry_open(struct server *s); // after the keyspace; before the first hash
// As hash_deadlines_step. Between commands.
uint32_t hash_expiry_step(struct server *s, uint64_t now_ms, uint32_t budget);
uint64_t hash_expiry_next_ms(const struct server *s); // UINT64_MAX: none
// Ahead of a command's write of this field: removed if its time has passed. Costs a compare where
// no field has a deadline.
void call_expire_field(struct call *call, struct hash_place *place, struct bytes field);
