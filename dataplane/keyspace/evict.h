// evict.h: which key goes when memory is short.
//
// Source:  Redis 7.2: maxmemory-policy, maxmemory-samples; a pool of the best candidates seen so
//          far, so that few samples choose nearly as well as looking at every key
// Thread:  the shard
// Memory:  the pool is part of the keyspace; names in it are copies of at most EVICT_NAME_MAX bytes
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/keyspace/keyspace.h"

enum { EVICT_POOL_SIZE = 16, EVICT_NAME_MAX = 255 };
enum evict_by { EVICT_BY_IDLE, EVICT_BY_FREQUENCY, EVICT_BY_DEADLINE, EVICT_BY_CHANCE };

struct evict_rule {
    enum evict_by by;
    bool only_with_deadline; // volatile-*
    uint32_t samples;        // 1..64
};
// Removes one key by the rule; hook (keyspace_on_evicted) is told before. False: none is left that
// may go.
bool keyspace_evict(struct keyspace *k, const struct evict_rule *rule, uint64_t now_ms);
void keyspace_on_evicted(struct keyspace *k,
                         void (*hook)(void *context, uint32_t db, struct bytes key), void *context);
