// Objects of the snapshot format, as RESTORE and loading read them: the first byte is the type, the
// rest the object (no footer, so that the fuzzer need not find a checksum). What is taken must hold
// together: it is dumped, restored again and compared, and everything is given back.
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/types/digest.h"
#include "dataplane/types/hash_deadlines.h"
#include "dataplane/types/value_dump.h"
#include "dataplane/types/value_restore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_MS = 1700000000, TEXT_BYTES_MAX = 1 << 20, BUDGET = 50 };

static const struct thresholds normal = THRESHOLDS_NORMAL;
static const struct thresholds tight = { .hash_entries = 1,
                                         .hash_value_bytes = 4,
                                         .list_size = 2,
                                         .set_intset_entries = 1,
                                         .set_entries = 1,
                                         .set_value_bytes = 4,
                                         .zset_entries = 1,
                                         .zset_value_bytes = 4,
                                         .stream_node_bytes = 64,
                                         .stream_node_entries = 3 };

static bool restore(struct keyspace *k, const struct thresholds *t, struct bytes in,
                    const char *name)
{
    struct value_restore r;
    struct key key = key_make(k, bytes_text(name));
    enum value_restore_result result;
    uint8_t type;
    if (!bytes_u8(&in, &type) || !value_restore_begin(&r, k, t, type, in, TEXT_BYTES_MAX))
        return false;
    do {
        result = value_restore_step(&r, BUDGET);
    } while (result == VALUE_RESTORE_MORE);
    if (result == VALUE_RESTORE_DONE) value_restore_put(&r, 0, &key, NOW_MS);
    value_restore_end(&r);
    return result == VALUE_RESTORE_DONE;
}

static void dump(struct keyspace *k, const struct entry *e, struct rdb_buffer *out)
{
    struct value_dump d;
    struct rdb_buffer object;
    struct value_dump_options options = { .may_compress = true, .keeps_active_times = true };
    rdb_buffer_init(&object, out->heap, HEAP_OTHER);
    if (value_dump_begin(&d, k, e, &object, options, NOW_MS)) {
        rdb_put_u8(out, (uint8_t)d.rdb_type);
        while (!value_dump_step(&d, BUDGET)) continue;
        rdb_buffer_append(out, rdb_buffer_bytes(&object));
        value_dump_end(&d);
    }
    rdb_buffer_close(&object);
}

static struct entry *find(struct keyspace *k, const char *name)
{
    struct key key = key_make(k, bytes_text(name));
    return keyspace_find(k, 0, &key, FIND_QUIET, NOW_MS);
}

static void check_alike(struct keyspace *k, const struct entry *a, const struct entry *b)
{
    uint8_t digests[2][DIGEST_BYTES] = { { 0 } };
    CHECK(a != NULL && b != NULL && entry_type(a) == entry_type(b));
    digest_value(k, a, NOW_MS, digests[0]);
    digest_value(k, b, NOW_MS, digests[1]);
    CHECK(memcmp(digests[0], digests[1], DIGEST_BYTES) == 0);
}

// An object that only holds fields which have expired is fine, and leaves nothing.
static void check_round_trip(struct keyspace *k, const struct thresholds *t, struct heap *heap)
{
    struct rdb_buffer out;
    const struct entry *e = find(k, "a");
    rdb_buffer_init(&out, heap, HEAP_OTHER);
    if (e) dump(k, e, &out);
    if (out.blob) {
        CHECK(restore(k, t, rdb_buffer_bytes(&out), "b"));
        check_alike(k, find(k, "a"), find(k, "b"));
    }
    rdb_buffer_close(&out);
}

static void run(struct bytes in, const struct thresholds *t)
{
    static struct shard_tally tally;
    struct heap heap;
    struct keyspace *k;
    struct hash_deadlines deadlines;
    struct keyspace_config config = { .database_count = 1, .hash_key = { 1, 2 } };
    CHECK(heap_open(&heap) == OK);
    CHECK(keyspace_open(&k, &heap, &config, &tally, NOW_MS) == OK);
    hash_deadlines_open(&deadlines, k, NOW_MS);
    if (restore(k, t, in, "a")) check_round_trip(k, t, &heap);
    keyspace_close(k);
    CHECK(heap.bytes_total == 0);
    heap_close(&heap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1); // so that a sanitizer sees its end
    CHECK(copy != NULL);
    if (size) memcpy(copy, data, size);
    run(bytes_make(copy, size), size % 2 ? &tight : &normal);
    free(copy);
    return 0;
}
