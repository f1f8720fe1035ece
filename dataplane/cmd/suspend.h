// suspend.h: what server.h holds of block.h, job.h, errand.h, pause.h, log_wait.h and aof_wait.h.
//
// Memory:  owned by struct server; see those headers
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/cmd/names.h"

struct wheel;
struct closed_key;

struct blocks {
    struct list all;      // every blocked client's struct blocked
    struct list *buckets; // of struct block_key by (db, key)
    struct list ready;    // keys signalled and not served yet
    struct wheel *wheel;  // timeouts, in ms of the monotonic clock
    uint64_t key_count;
    uint64_t loss_key_count; // keys that they want to know it of
    uint64_t loss_count;     // clients that want to know of a key's end
    bool has_met_closed;     // somebody's retry needs a key that a job will put
    // Of several shards: block_far.h.
    struct list far;      // of struct far_waiter.in_all
    struct list told;     // those that were told to try, the first of them first
    struct names far_ids; // clients' ids
    uint64_t last_ticket; // of this shard's clients
};
struct jobs {
    struct list list;           // of job->link, the next one first
    struct list held;           // of struct held_back: clients that wait for a closed key
    struct list watchers;       // of struct job_watch
    struct job_watch *snapshot; // hears of writes, too, and makes nobody wait; NULL: none
    struct closed_key *closed;  // destinations of writing jobs; NULL: none
    bool were_opened;           // some of them, by a job of another shard
};
struct pause {
    uint64_t until_ns; // monotonic; 0: there is none
    bool writes_wait;  // until somebody says so: pause_writes
    bool all;          // else what may write
    struct list held;  // of struct paused
};
struct log_waits { // log_wait.h
    bool is_on;
    uint64_t durable;    // position up to which this shard's log is, with all it rests on
    struct list waiting; // of client->log_link
};
struct aof_waits { // aof_wait.h: of struct aof_wait
    struct list local;    // who waits for the logs only, in the order of coming
    struct list replicas; // and for replicas, too
};
struct errands {
    struct list list; // of struct errand, the first is under way
    uint64_t number;  // of the last one that control was asked for
    bool is_closing;
};
