// Whole snapshot files: every item is read, every key's value both skipped and restored. What
// restores ends where skipping it does, and everything is given back.
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/types/hash_deadlines.h"
#include "dataplane/types/value_restore.h"
#include "storage/rdb/rdb_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_MS = 1700000000, TEXT_BYTES_MAX = 1 << 20, BUDGET = 50 };

static const struct thresholds limits = { .hash_entries = 10,
                                          .hash_value_bytes = 16,
                                          .list_size = 10,
                                          .set_intset_entries = 10,
                                          .set_entries = 10,
                                          .set_value_bytes = 16,
                                          .zset_entries = 10,
                                          .zset_value_bytes = 16,
                                          .stream_node_bytes = 512,
                                          .stream_node_entries = 10 };

// The same in small steps and in one go: what is left, or SIZE_MAX for a broken one.
static size_t skip(const struct rdb_key *key)
{
    struct rdb_skip steps, once;
    enum rdb_result result;
    rdb_skip_begin(&steps, key->rdb_type, key->value);
    while ((result = rdb_skip_step(&steps, 3)) == RDB_MORE) continue;
    rdb_skip_begin(&once, key->rdb_type, key->value);
    CHECK(rdb_skip_step(&once, UINT64_MAX) == result && once.in.size == steps.in.size);
    CHECK(once.in.data + once.in.size == key->value.data + key->value.size);
    return result == RDB_DONE ? once.in.size : SIZE_MAX;
}

static enum value_restore_result restore(struct keyspace *k, const struct rdb_key *from,
                                         size_t *left)
{
    struct value_restore r;
    struct key key = key_make(k, from->name);
    enum value_restore_result result;
    CHECK(value_restore_begin(&r, k, &limits, from->rdb_type, from->value, TEXT_BYTES_MAX));
    do {
        result = value_restore_step(&r, BUDGET);
    } while (result == VALUE_RESTORE_MORE);
    *left = value_restore_rest(&r).size;
    if (result == VALUE_RESTORE_DONE) value_restore_put(&r, 0, &key, NOW_MS);
    value_restore_end(&r);
    return result;
}

static void read_key(struct rdb_file *f, struct keyspace *k, const struct rdb_key *key)
{
    size_t left, skipped = skip(key);
    if (restore(k, key, &left) == VALUE_RESTORE_BROKEN) {
        CHECK(rdb_file_skip_value(f) == (skipped != SIZE_MAX));
        return;
    }
    CHECK(left == skipped);
    rdb_file_after_value(f, left);
}

static void read_file(struct rdb_file *f, struct keyspace *k)
{
    struct rdb_item item;
    uint64_t at = f->offset;
    do {
        rdb_file_next(f, &item);
        CHECK(f->offset > at || item.kind == RDB_ITEM_BROKEN);
        CHECK(f->offset <= f->file.size);
        at = f->offset;
        if (item.kind == RDB_ITEM_KEY) read_key(f, k, &item.key);
    } while (item.kind != RDB_ITEM_END && item.kind != RDB_ITEM_BROKEN);
}

static void run(struct bytes file)
{
    static struct shard_tally tally;
    struct heap heap;
    struct keyspace *k;
    struct hash_deadlines deadlines;
    struct rdb_file f;
    struct keyspace_config config = { .database_count = 1, .hash_key = { 1, 2 } };
    CHECK(heap_open(&heap) == OK);
    CHECK(keyspace_open(&k, &heap, &config, &tally, NOW_MS) == OK);
    hash_deadlines_open(&deadlines, k, NOW_MS);
    if (rdb_file_open(&f, &heap, file) == RDB_FILE_OPEN) {
        read_file(&f, k);
        rdb_file_close(&f);
    }
    keyspace_close(k);
    CHECK(heap.bytes_total == 0);
    heap_close(&heap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1); // so that a sanitizer sees its end
    CHECK(copy != NULL);
    if (size) memcpy(copy, data, size);
    run(bytes_make(copy, size));
    free(copy);
    return 0;
}
