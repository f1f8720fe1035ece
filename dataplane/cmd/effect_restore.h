// effect_restore.h: the effect of a job that puts a giant value as it is: RESTORE, with what DUMP
// would give, encoded ahead in slices (effect_draft.h is for what is added text by text).
//
// Source:  spec/aof.md chapter 4; spec/rdb.md section 10
// Thread:  the shard that runs the job, which holds the value's home
// Memory:  pieces (HEAP_LOG) and cuts of the value, until put or drop
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/types/value_dump.h"

struct effect_restore {
    struct effects_ahead out; // the payload, then the command. Not open: nobody wants to know
    struct rdb_buffer piece;
    struct value_dump value;
    bool is_open, is_complete; // value; the command
    uint64_t crc;
    uint64_t deadline_ms;
};
// "RESTORE key", with the value that e, of home, has now, and its deadline. key is the same each
// time, wherever it lies.
void effect_restore_begin(struct effect_restore *r, struct call *call, struct keyspace *home,
                          const struct entry *e, struct bytes key);
// True: it is complete.
bool effect_restore_step(struct effect_restore *r, struct bytes key, uint64_t until_tsc);
static inline bool effect_restore_is_on(const struct effect_restore *r)
{
    return effects_ahead_is_open(&r->out);
}
// In database db: a unit of its own at the key's home, or part of the one that is held.
void effect_restore_put(struct effect_restore *r, struct call *call, uint32_t db, struct bytes key);
void effect_restore_drop(struct effect_restore *r);
