// rdb_skip.h: finds the end of an object of the snapshot format, without building anything.
//
// Source:  spec/rdb.md sections 5 and 7; every type of versions 1 to 12, but modules
// Thread:  any
// Memory:  borrowed bytes, nothing else
// The object comes from outside. Its texts are not looked into: what ends well here may still be
// refused by value_restore.h, but what that accepts ends at the same byte.
#pragma once
#include "storage/rdb/rdb_read.h"

struct rdb_skip {
    struct bytes in; // what is left
    // For rdb_skip.c:
    const struct rdb_skip_form *form; // of the type
    uint8_t rdb_type, phase;
    const char *item;           // what each item of this phase consists of
    uint64_t left;              // items still to come in this phase
    uint64_t groups, consumers; // of a stream, still to come
};
bool rdb_skip_knows(uint8_t rdb_type);
// in: behind the type and the key. A type that rdb_skip_knows.
void rdb_skip_begin(struct rdb_skip *s, uint8_t rdb_type, struct bytes in);
// About budget items. RDB_DONE: s->in is what comes behind the object. RDB_BROKEN: s->in begins
// where it went wrong.
enum rdb_result rdb_skip_step(struct rdb_skip *s, uint64_t budget);
