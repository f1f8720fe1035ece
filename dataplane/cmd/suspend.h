// suspend.h: what server.h holds of block.h and job.h.
//
// Memory:  owned by struct server; see the two headers
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"

struct wheel;
struct closed_key;

struct blocks {
    struct list all;      // every blocked client's struct blocked
    struct list *buckets; // of struct block_key by (db, key)
    struct list ready;    // keys signalled and not served yet
    struct wheel *wheel;  // timeouts, in ms of the monotonic clock
    uint64_t key_count;
    bool is_hooked; // the keyspace tells of new keys
};
struct jobs {
    struct list list;          // of job->link, the next one first
    struct list held;          // of struct held_back: clients that wait for a closed key
    struct list watchers;      // of struct job_watch
    struct closed_key *closed; // destinations of writing jobs; NULL: none
};
