// An append-only file in pieces, as its first byte says, and at once: the same is told, no byte
// beyond those at hand is read, and what is said to be whole is whole when the rest is cut off.
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/aof/aof_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    uint64_t hash; // of all that was yielded
    uint64_t count;
    enum aof_scan_result end;
    uint64_t whole_offset, whole_line, error_offset, error_line;
    const char *error;
};

static void take(struct told *t, const void *data, size_t size)
{
    t->hash = crc64(t->hash ^ size, data, size);
}

static void take_event(struct told *t, const struct aof_scan *s)
{
    take(t, &t->end, sizeof t->end);
    t->count++;
    if (t->end == AOF_SCAN_COMMAND)
        for (uint32_t i = 0; i < s->argc; i++) take(t, s->argv[i].data, s->argv[i].size);
    else if (t->end == AOF_SCAN_TIMESTAMP)
        take(t, &s->timestamp_s, sizeof s->timestamp_s);
    else if (t->end == AOF_SCAN_REMARK)
        take(t, s->remark.data, s->remark.size);
    if (s->in_unit && s->shard_count) take(t, &s->transaction, sizeof s->transaction);
}

static struct told scan(struct heap *heap, struct bytes file, size_t piece, bool forgives)
{
    struct aof_scan s;
    struct told t = { .end = AOF_SCAN_MORE };
    size_t read = 0;
    aof_scan_init(&s, heap, file.size, 0);
    s.forgives_nested = forgives;
    while (t.end < AOF_SCAN_END) {
        size_t have = read - s.offset;
        uint8_t *window = malloc(have ? have : 1); // so that a sanitizer sees its end
        CHECK(window != NULL);
        if (have) memcpy(window, file.data + s.offset, have);
        t.end = aof_scan_step(&s, bytes_make(window, have));
        if (t.end == AOF_SCAN_MORE) {
            CHECK(s.offset + s.wanted_bytes <= file.size);
            read += piece < file.size - read ? piece : file.size - read;
        } else if (t.end < AOF_SCAN_END) {
            take_event(&t, &s);
        }
        CHECK(s.whole_offset <= s.offset && s.offset <= read);
        free(window);
    }
    t.whole_offset = s.whole_offset, t.whole_line = s.whole_line;
    if (t.end != AOF_SCAN_END) {
        t.error_offset = s.error_offset, t.error_line = s.error_line, t.error = s.error;
        CHECK(s.error_offset >= s.offset && s.error_offset <= file.size);
    }
    aof_scan_close(&s);
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap heap;
    struct bytes file = bytes_make(data, size);
    uint8_t how;
    if (size > 4096 || !bytes_u8(&file, &how)) return 0;
    CHECK(heap_open(&heap) == OK);
    struct told whole = scan(&heap, file, file.size + 1, how & 1);
    struct told pieces = scan(&heap, file, 1 + how / 2 % 64, how & 1);
    CHECK(whole.hash == pieces.hash && whole.count == pieces.count && whole.end == pieces.end);
    CHECK(whole.whole_offset == pieces.whole_offset && whole.whole_line == pieces.whole_line);
    CHECK(whole.error_offset == pieces.error_offset && whole.error_line == pieces.error_line);
    CHECK(whole.error == pieces.error);
    struct told cut =
        scan(&heap, bytes_make(file.data, whole.whole_offset), file.size + 1, how & 1);
    CHECK(cut.end == AOF_SCAN_END && cut.whole_offset == whole.whole_offset);
    CHECK(cut.whole_line == whole.whole_line);
    CHECK(heap.bytes_total == 0);
    heap_close(&heap);
    return 0;
}
