#include "dataplane/cmd/names.h"

enum { SEGMENT_BYTES = NAMES_SEGMENT * sizeof(struct name *) };

void names_open(struct names *n, struct heap *heap)
{
    *n = (struct names){ .heap = heap };
    rng_entropy(&n->hash_key, sizeof n->hash_key);
}

void names_open_like(struct names *n, const struct names *like)
{
    *n = (struct names){ .heap = like->heap, .hash_key = like->hash_key };
}

static struct name **bucket_at(const struct names *n, uint32_t index)
{
    return &n->segments[index / NAMES_SEGMENT][index % NAMES_SEGMENT];
}

// With b buckets, 2^l <= b < 2^(l+1): the low l+1 bits, or the low l when that bucket is not there.
static uint32_t bucket_index(const struct names *n, uint64_t hash)
{
    uint32_t high = 1u << (31 - __builtin_clz(n->bucket_count));
    uint32_t index = (uint32_t)hash & (2 * high - 1);
    return index < n->bucket_count ? index : index - high;
}

static void add_segment(struct names *n)
{
    uint32_t index = n->bucket_count / NAMES_SEGMENT;
    if (index == n->segment_room) {
        uint32_t room = n->segment_room ? 2 * n->segment_room : 4;
        n->segments = heap_resize(n->heap, n->segments, n->segment_room * sizeof *n->segments,
                                  room * sizeof *n->segments, HEAP_SESSION);
        n->bytes += (room - n->segment_room) * sizeof *n->segments;
        n->segment_room = room;
    }
    n->segments[index] = heap_take_zeroed(n->heap, SEGMENT_BYTES, HEAP_SESSION);
    n->bytes += SEGMENT_BYTES;
}

// The next bucket in line shares its names with a new one.
static void split(struct names *n)
{
    if (n->bucket_count % NAMES_SEGMENT == 0) add_segment(n);
    uint32_t fresh = n->bucket_count;
    uint32_t high = 1u << (31 - __builtin_clz(fresh));
    struct name **from = bucket_at(n, fresh - high), **to = bucket_at(n, fresh);
    n->bucket_count++;
    while (*from) {
        struct name *name = *from;
        if (bucket_index(n, name->hash) == fresh) {
            *from = name->next;
            name->next = *to;
            *to = name;
        } else {
            from = &name->next;
        }
    }
}

static uint64_t hash_of(const struct names *n, uint32_t db, struct bytes text)
{
    return siphash_13(text.data, text.size, &n->hash_key) ^ db * 0x9e3779b97f4a7c15ull;
}

static struct name *find(const struct names *n, uint64_t hash, uint32_t db, struct bytes text)
{
    if (!n->bucket_count) return NULL;
    for (struct name *name = *bucket_at(n, bucket_index(n, hash)); name; name = name->next)
        if (name->hash == hash && name->db == db && bytes_equal(name_text(name), text)) return name;
    return NULL;
}

struct name *names_find(const struct names *n, uint32_t db, struct bytes text)
{
    return n->count ? find(n, hash_of(n, db, text), db, text) : NULL;
}

struct name *names_take(struct names *n, uint32_t db, struct bytes text)
{
    uint64_t hash = hash_of(n, db, text);
    struct name *name = find(n, hash, db, text);
    if (name) return name;
    if (!n->bucket_count) {
        add_segment(n);
        n->bucket_count = 1;
    } else if (n->count >= n->bucket_count) {
        split(n);
    }
    name = heap_take(n->heap, sizeof *name + text.size, HEAP_SESSION);
    struct name **bucket = bucket_at(n, bucket_index(n, hash));
    *name = (struct name){ .next = *bucket, .hash = hash, .db = db, .size = text.size };
    if (text.size) memcpy(name->text, text.data, text.size);
    list_init(&name->members);
    *bucket = name;
    n->count++;
    n->bytes += sizeof *name + text.size;
    return name;
}

static void give_memory(struct names *n, struct name *name)
{
    n->bytes -= sizeof *name + name->size;
    heap_give(n->heap, name, sizeof *name + name->size, HEAP_SESSION);
}

void names_give(struct names *n, struct name *name)
{
    struct name **at = bucket_at(n, bucket_index(n, name->hash));
    while (*at != name) at = &(*at)->next;
    *at = name->next;
    n->count--;
    give_memory(n, name);
}

struct name *names_next(const struct names *n, uint32_t *position, struct name *last)
{
    if (last && last->next) return last->next;
    while (*position < n->bucket_count) {
        struct name *first = *bucket_at(n, (*position)++);
        if (first) return first;
    }
    return NULL;
}

static void give_all(struct names *n)
{
    for (uint32_t i = 0; i < n->bucket_count; i++) {
        struct name *name = *bucket_at(n, i);
        while (name) {
            struct name *next = name->next;
            give_memory(n, name);
            name = next;
        }
    }
}

static void give_segments(struct names *n, uint32_t from_bucket)
{
    for (uint32_t i = from_bucket; i < n->bucket_count; i += NAMES_SEGMENT) {
        heap_give(n->heap, n->segments[i / NAMES_SEGMENT], SEGMENT_BYTES, HEAP_SESSION);
        n->bytes -= SEGMENT_BYTES;
    }
}

void names_close(struct names *n)
{
    give_all(n);
    give_segments(n, 0);
    if (n->segments)
        heap_give(n->heap, n->segments, n->segment_room * sizeof *n->segments, HEAP_SESSION);
    names_open_like(n, n);
}

void names_clear(struct names *n)
{
    if (!n->bucket_count) return;
    give_all(n);
    give_segments(n, NAMES_SEGMENT);
    memset(n->segments[0], 0, SEGMENT_BYTES);
    n->bucket_count = 1;
    n->count = 0;
}
