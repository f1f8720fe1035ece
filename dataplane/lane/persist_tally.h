// persist_tally.h: what a process says of what it loads, its snapshots and its append-only log, for
// INFO and for who reads the region. What each shard has of its own is in its tally.
//
// Source:  spec/aof.md chapter 8, Redis 7.0: INFO's section persistence
// Thread:  the first shard publishes it a few times a second; read by any, field by field (each is
//          one aligned 8-byte word)
// Memory:  plain words
// Units:   seconds (-1: none), bytes, counts; 0 or 1 where the name is a question
#pragma once
#include <stdint.h>

// What changes when a snapshot ends.
struct persist_last {
    uint64_t unix_s, is_ok; // the last that worked; of the last
    int64_t took_s;
    uint64_t took_ms, bytes, extra_bytes;
    uint64_t count; // that worked
    uint64_t dirty; // changes of all shards up to the cut of the last that worked
};

struct persist_tally {
    // What is, or was last, loaded.
    uint64_t is_loading; // also while the log is only being opened
    uint64_t is_reading;
    uint64_t load_bytes, load_done_bytes; // of snapshot and log, while is_reading
    uint64_t load_keys, load_expired_keys;
    // Snapshots.
    uint64_t is_saving; // for itself: not as the base of a log
    int64_t save_s;     // so far
    struct persist_last last_save;
    // The append-only log.
    uint64_t has_log;
    uint64_t is_rewriting, is_rewrite_scheduled;
    int64_t rewrite_s, last_rewrite_s;
    uint64_t last_rewrite_ok, last_rewrite_extra_bytes;
    uint64_t rewrites, rewrite_failures; // that worked; in a row
    uint64_t is_log_writable;
    uint64_t log_bytes, log_base_bytes;
    uint64_t lost_logs; // of shards: with a gap until they are rewritten
};
