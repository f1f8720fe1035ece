// A log's list: it is taken or refused with a reason. What was taken reads back the same after it
// was written, also when a rewrite went over it.
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "storage/aof/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct manifest *m)
{
    struct manifest again;
    struct manifest_error error;
    char *first = malloc(manifest_text_max(m)), *second = malloc(manifest_text_max(m));
    CHECK(first != NULL && second != NULL);
    size_t size = manifest_format(m, first);
    CHECK(size <= manifest_text_max(m));
    manifest_init(&again, m->heap);
    if (m->count) {
        CHECK(manifest_parse(&again, bytes_make(first, size), &error) == OK);
        CHECK(again.count == m->count);
        CHECK(manifest_format(&again, second) == size && memcmp(first, second, size) == 0);
    }
    manifest_close(&again);
    free(first);
    free(second);
}

static void check_rewrite(struct manifest *m, uint32_t shard_count)
{
    uint32_t incrs = manifest_incr_count(m);
    manifest_begin_rewrite(m, "a b.aof", shard_count);
    CHECK(manifest_incr_count(m) == incrs + shard_count);
    check_round_trip(m);
    struct manifest_file base = manifest_next_base(m, "a b.aof", shard_count % 2);
    manifest_end_rewrite(m, &base, shard_count);
    check_round_trip(m);
    manifest_drop_history(m);
    check_round_trip(m);
    CHECK(m->count == 1 + shard_count && manifest_base(m) && manifest_incr_count(m) == shard_count);
    for (uint32_t i = 0; i < m->count; i++) CHECK(manifest_may_be_torn(m, i) == (i > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap heap;
    struct manifest m;
    struct manifest_error error;
    uint8_t *copy = malloc(size ? size : 1); // so that a sanitizer sees its end
    CHECK(copy != NULL);
    if (size) memcpy(copy, data, size);
    CHECK(heap_open(&heap) == OK);
    manifest_init(&m, &heap);
    if (manifest_parse(&m, bytes_make(copy, size), &error) == OK) {
        check_round_trip(&m);
        check_rewrite(&m, 1 + size % 3);
    } else {
        CHECK(error.why && m.count == 0);
        CHECK(error.text.size == 0 ||
              (error.text.data >= copy && error.text.data + error.text.size <= copy + size));
    }
    manifest_close(&m);
    CHECK(heap.bytes_total == 0);
    heap_close(&heap);
    free(copy);
    return 0;
}
