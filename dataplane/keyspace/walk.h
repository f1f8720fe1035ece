// walk.h: over all keys of a database as they were at one moment, in slices.
//
// Source:  DESIGN "Walks". A walk goes through the table in the order of hash space; what lies
//          behind its position was shown, what lies before it is still to come, whatever splits in
//          between. Whoever removes a key that is still to come has it shown first; a key that is
//          put where none was, is remembered as new and passed over. So each key that was there at
//          the beginning is shown exactly once, and no other.
//          Values are shown as they are when their key is. Who wants them as they were at the
//          beginning hears of writes (job.h) and calls keyspace_walk_show_now.
//          A flush detaches the table: the walk goes on over it, and it is freed afterwards. With
//          no walk under way a change costs one compare.
//          Over a joint keyspace it goes on from home to home, and has to be done within the
//          command: in the homes that it has not come to it does not see what changes.
// Thread:  the shard
// Memory:  embedded in its user; names of new keys on the heap (HEAP_OTHER), as many as were
//          created, or shown early, ahead of the walk
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/keyspace/index.h"
#include "dataplane/keyspace/keyspace.h"

struct table;
struct keyspace_walk {
    struct list_node link; // on its table
    struct keyspace *keyspace;
    struct keyspace *joint; // joint.h: what it goes over home by home; NULL: just keyspace
    uint32_t home, db;
    struct table *table;
    uint64_t position; // hash space, 2^48 places; everything below it was shown
    bool is_done;
    uint64_t now_ms;       // keys whose deadline had passed then are not shown
    struct index new_keys; // and keys that were shown early
    uint64_t new_bytes;    // of memory for them, without the index
    void (*show)(void *context, const struct entry *e);
    void *context;
};

// now_ms: the moment. show is called from keyspace_walk_step, and from whatever removes a key.
void keyspace_walk_begin(struct keyspace_walk *w, struct keyspace *k, uint32_t db, uint64_t now_ms,
                         void (*show)(void *context, const struct entry *e), void *context);
bool keyspace_walk_step(struct keyspace_walk *w); // one bucket; true: done
// Shows the key now if it is to come, and passes it over later: ahead of a change, for those who
// want values as they were at the beginning. Not over a joint keyspace.
void keyspace_walk_show_now(struct keyspace_walk *w, const struct key *key);
// Memory that names take which are passed over.
uint64_t keyspace_walk_bytes(const struct keyspace_walk *w);
void keyspace_walk_end(struct keyspace_walk *w); // any time; idempotent
// The same in slices: at most budget of the names that are passed over are given back, 20 ns each.
// True: it has ended.
bool keyspace_walk_end_step(struct keyspace_walk *w, uint32_t budget);
