// replay_priv.h: what replay.c, replay_run.c and replay_end.c share.
//
// Thread:  the first shard
// Memory:  struct replay is on the heap of the log's directory (HEAP_OTHER), and so is its plan;
//          files and what runs them are on the first shard's
//
//   base    its snapshot, by all shards (loader.c)       none: at once
//           commands behind it, or a base of commands    a generation of one log
//   incrs   generation by generation (aof_plan.h)
//   end     what is torn is cut, the rest of the server is told
#pragma once
#include "dataplane/cmd/aof_play.h"
#include "dataplane/shard/replay.h"
#include "dataplane/shard/replay_log.h"
#include "storage/aof/aof_plan.h"

enum { REPLAY_IS_BASE = UINT32_MAX, REPLAY_REPORT_S = 5 };

struct replay {
    struct heap *heap;       // borrowed
    struct persist *persist; // likewise
    struct aof_plan plan;
    char base_path[AOF_PATH_MAX]; // "": none
    uint64_t base_bytes;
    uint64_t base_start; // where its commands begin; a snapshot is done when this is known
    bool has_snapshot;
    bool may_cut;
    bool base_is_done;
    uint64_t base_cut_at; // less than base_bytes: its tail is torn
    const char *base_why; // then: a literal
    uint32_t next_generation;

    // The generation under way.
    struct replay_log *logs; // NULL: none is
    uint32_t log_count, current;
    bool in_transaction; // the parts of transaction run
    uint64_t transaction;
    uint32_t part_count;
    uint64_t generation_ns; // when it began

    uint64_t done_bytes; // of the generations before
    uint64_t next_report_ns;
    struct shard *shard; // the first; NULL: it has not begun
    struct aof_play play;
};

enum replay_result {
    REPLAY_GOES_ON,
    REPLAY_DONE,   // of what was asked for
    REPLAY_CANNOT, // the others cannot be held now
    REPLAY_FAILED, // the error is told
};
struct replay_trouble { // ends the process
    char path[AOF_PATH_MAX];
    bool is_torn; // and may not be cut
    struct replay_error error;
};

// replay_run.c
// The logs of a generation, a turn's work.
enum replay_result replay_run(struct replay *r, uint64_t until_tsc, struct replay_trouble *t);
// replay_end.c
void replay_report_log(struct replay *r, const struct replay_log *l);
void replay_report_progress(struct replay *r);
// Cuts what is torn, says that all is loaded. REPLAY_DONE, CANNOT or FAILED.
enum replay_result replay_end(struct replay *r, struct replay_trouble *t);
__attribute__((noreturn)) void replay_fail(struct replay *r, const struct replay_trouble *t);
