// aof_play.h: runs commands of an append-only log on the servers that they belong to, many in a
// row: their buckets and entries are asked for ahead.
//
// Source:  spec/aof.md chapters 4, 7 and 10; Redis 7.0 for what is said of errors
// Thread:  the first shard; all others are held between aof_play_begin and aof_play_end
// Memory:  embedded in its user, some 2 KiB; nothing on the heap but replies that are dropped
//
// As Redis runs them: no user, no limit of memory, nobody waits, no checks but name and arity;
// nothing is counted, told to a log, a watcher or a listener. Nothing expires: what had expired
// when the log was written, the log says, and what expires now is still found by what follows.
//
//   writes, EVAL, EVALSHA, FCALL, PFCOUNT, SCRIPT LOAD, SCRIPT FLUSH   run
//   SELECT                         chooses the file's database
//   PING, PUBLISH, what only reads read past
//   anything else                  refused: no log holds it
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/log_limit.h"
#include "dataplane/cmd/aof_queue.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/keyspace/placement.h"

enum {
    AOF_PLAY_AHEAD = 16,
    AOF_PLAY_REFUSAL_MAX = 320,
    AOF_PLAY_LOG_EVERY_S = 30, // a line about commands that answered with an error
};

enum aof_play_result {
    AOF_PLAY_GOES_ON, // some were run
    AOF_PLAY_DONE,    // all that may run did
    AOF_PLAY_WAITS,   // the next is about the whole server
    AOF_PLAY_REFUSED, // the next cannot be run: refusal says why
};

struct aof_play {
    uint64_t commands_left; // no more than these run. The caller's to set; UINT64_MAX at first
    uint64_t errors;        // commands that answered with an error
    char refusal[AOF_PLAY_REFUSAL_MAX];
    // Its own:
    struct server *server; // of the first shard; borrowed
    struct client client;  // in whose name they run
    struct stream stream;
    struct heap_piece_source pieces;
    char error_text[REPLY_ERROR_TEXT_MAX];
    uint64_t error_logged_ns, errors_logged;
    struct aof_play_sink { // where the shards' effects go else
        effects_sink *sink;
        bool is_muted;
    } sinks[PLACEMENT_SHARDS_MAX];
};

void aof_play_open(struct aof_play *p, struct server *first);
void aof_play_close(struct aof_play *p);
// Around each slice; not nested.
void aof_play_begin(struct aof_play *p);
void aof_play_end(struct aof_play *p);
// Runs the next few of q in database *db, which SELECT changes. is_part: of what several logs have
// a part of: stops before a command about the whole server, which is to be run once for all.
enum aof_play_result aof_play_step(struct aof_play *p, struct aof_queue *q, uint32_t *db,
                                   bool is_part);
// Runs that one.
void aof_play_whole(struct aof_play *p, struct aof_queue *q, uint32_t db);
