// hash_deadlines.h: which hashes have fields with deadlines, and when the next of each is due.
//
// Source:  Redis 7.4's active expiry of fields; DESIGN: expired memory is freed within 100 ms
// Thread:  the shard
// Memory:  embedded in struct server; timers lie in the hash objects
// Units:   ms since 1970; a tick of the wheel is a ms
//
// Every hash object with deadlines arms one timer, for its earliest. When it fires, the object goes
// to the end of a list of those that are due, and each step takes a bounded number of fields from
// the first of the list: a hash of a million expired fields shares the core, and other hashes are
// not kept waiting by it.
//
// An object has to know its key to say what expired. It does not keep the name: it points at the
// entry that holds it (struct object, set wherever a value is put into an entry), and the entry
// knows name and table. So nothing has to be told of
//   RENAME, MOVE   the object goes to another entry, which becomes its owner there
//   COPY           the copy is an object of its own, with a timer of its own
//   SWAPDB         entries stay in their tables; the table's number is asked when it is needed
//   FLUSHALL       the table is detached: its objects' timers fire for nothing until the reaper
//                  closes them
//   DEL, SET, ...  the object is closed, and leaves wheel and list then
//
// The wall clock may be set back, a wheel does not go back: as in keyspace/expire.c ticks are the
// wall clock plus what it was set back so far; a timer that fires early for that is armed again.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/list.h"
#include "dataplane/base/wheel.h"

struct keyspace;

struct hash_deadlines {
    struct keyspace *keyspace; // borrowed
    struct wheel wheel;
    struct list due; // of struct hash_timer
    uint64_t tick, skew_ms;
    // A field of the hash at key is about to go, because its time has passed.
    void (*on_field)(void *context, uint32_t db, struct bytes key, struct bytes field);
    // So many fields of it went, and with is_last the key goes too, after this call.
    void (*on_hash)(void *context, uint32_t db, struct bytes key, uint32_t count, bool is_last);
    void *context;
};

// From here on hashes of k register. To be opened before the first of them; nothing is to be
// closed, but it has to outlive k.
void hash_deadlines_open(struct hash_deadlines *d, struct keyspace *k, uint64_t now_ms);
// Removes what is due. budget: of some 0.2 us each; a field takes two, the key that goes with its
// last field as many more. Returns the work done; budget or more: there may be more to do.
// Nothing while active expiry is off (keyspace_set_active_expire).
uint32_t hash_deadlines_step(struct hash_deadlines *d, uint64_t now_ms, uint32_t budget);
uint64_t hash_deadlines_next_ms(const struct hash_deadlines *d); // UINT64_MAX: none; 0: due
