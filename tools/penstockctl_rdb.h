// penstockctl_rdb.h: a snapshot file item by item, each key's value restored by itself.
//
// Source:  rdb_file.h, value_restore.h
// Thread:  one
// Memory:  the file is mapped; a heap and a keyspace of its own, which hold one value at a time.
//          The struct is large: not for small stacks; and stays where it is from open to close
//
// What goes wrong with reading, also when somebody cuts the file meanwhile, is told as what is
// wrong in it is: base/file_view.h. Without a checksum, the last keys before a cut may be wrong.
#pragma once
#include "dataplane/base/file_view.h"
#include "dataplane/types/hash_deadlines.h"
#include "dataplane/types/value_restore.h"
#include "storage/rdb/rdb_file.h"

struct rdb_reading {
    // What a caller may look at.
    struct rdb_file file;
    struct keyspace *keyspace;
    struct rdb_item item;      // the latest; RDB_ITEM_BROKEN also when a value is, or reading
                               // failed
    uint64_t database;         // that a key is in
    const struct entry *entry; // of a key, until the next item; NULL: it is an empty collection
    struct bytes key;          // of the item; also of a value that is broken. Else data is NULL
    // For penstockctl_rdb.c:
    struct heap heap;
    struct hash_deadlines deadlines;
    struct shard_tally tally;
    struct value_restore value;
    struct key name;
    struct file_view view;
    struct file_trouble trouble;
};

// NULL, or what is wrong with the file, valid as long as r. *offset: where.
const char *rdb_reading_open(struct rdb_reading *r, const char *path, uint64_t *offset);
// To the next item. False: it is RDB_ITEM_END or RDB_ITEM_BROKEN, and no other follows.
bool rdb_reading_next(struct rdb_reading *r);
void rdb_reading_close(struct rdb_reading *r);
