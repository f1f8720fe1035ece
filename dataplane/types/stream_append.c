// stream_append.c: a new entry at the end.
#include "dataplane/base/check.h"
#include "dataplane/types/stream_priv.h"

enum {
    NEEDLES_NEAR = 32,
    NODE_BYTES_MAX = 1 << 30, // also where stream-node-max-bytes says 0
    // Redis's nodes have no such bound when both directives are 0. Here the chunks of the last node
    // are gone through now and then.
    NODE_CHUNKS_MAX = 4096,
    LISTPACK_FRAME = 7, // its head and its end
    LISTPACK_FLAG = 2,  // a number below 128
    HEAD_SHARE = 8,     // a chunk with large names is that many times larger
};

struct append {
    struct keyspace *keyspace;
    struct stream_object *s;
    struct stream_chunk_entry entry;
    bool starts_node; // wanted, and then: it does
};

// ---- the node

static bool node_is_full(const struct stream_node *n, const struct thresholds *t,
                         uint64_t text_bytes)
{
    uint64_t bytes_max = (uint64_t)t->stream_node_bytes;
    if (bytes_max == 0 || bytes_max > NODE_BYTES_MAX) bytes_max = NODE_BYTES_MAX;
    uint64_t bytes = n->listpack_bytes + stream_listpack_int((int64_t)n->live) +
                     stream_listpack_int((int64_t)(n->ever - n->live));
    if (bytes + text_bytes >= bytes_max || n->chunk_count >= NODE_CHUNKS_MAX) return true;
    return t->stream_node_entries && n->ever >= (uint64_t)t->stream_node_entries;
}

// The names of fields that entries of the last node may leave out.
static struct bytes node_fields(const struct stream_object *s)
{
    struct stream_spot spot;
    bool is_there = stream_spot_last(&s->now, &spot);
    CHECK(is_there);
    return stream_chunk_fields(spot.chunk.body);
}

static bool starts_node(struct stream_object *s, const struct thresholds *t, uint64_t text_bytes)
{
    if (s->now.facts.node_count == 0) return true;
    if (!s->node.is_known) stream_node_measure(s);
    return node_is_full(&s->node, t, text_bytes);
}

static uint32_t texts_listpack(const struct append *a, uint32_t from, uint32_t step)
{
    uint32_t sum = 0;
    for (uint32_t i = from; i < a->entry.text_count; i += step)
        sum += stream_listpack_element(a->entry.needles[i].size);
    return sum;
}

// What Redis's listpack grows by.
static uint32_t listpack_bytes(const struct append *a)
{
    const struct stream_chunk_entry *e = &a->entry;
    struct stream_id master = a->starts_node ? e->id : a->s->node.master;
    uint32_t pairs = e->text_count / 2, sum = LISTPACK_FLAG;
    sum += stream_listpack_int((int64_t)(e->id.ms - master.ms));
    sum += stream_listpack_int((int64_t)(e->id.seq - master.seq));
    if (e->is_same)
        sum += texts_listpack(a, 1, 2) + stream_listpack_int(pairs + 3);
    else
        sum += texts_listpack(a, 0, 1) + stream_listpack_int(pairs) +
               stream_listpack_int((int64_t)pairs * 2 + 4);
    if (a->starts_node)
        sum +=
            LISTPACK_FRAME + stream_listpack_int(pairs) + texts_listpack(a, 0, 2) + LISTPACK_FLAG;
    return sum;
}

// ---- the tail

static void flush_tail(struct append *a)
{
    struct stream_object *s = a->s;
    struct blob *tail = s->now.tail;
    struct packed_needle needle;
    if (!tail) return;
    packed_needle_init(&needle,
                       bytes_make(tail->data + STREAM_ID_BYTES, tail->size - STREAM_ID_BYTES));
    uint8_t *to = tree_append(keyspace_space(a->keyspace), &s->now.chunks, load_be64(tail->data),
                              STREAM_ID_BYTES + needle.size);
    memcpy(to, tail->data, STREAM_ID_BYTES);
    packed_put(to + STREAM_ID_BYTES, &needle);
}

// Whether an entry of size bytes belongs into the tail that is there.
static bool fits_tail(const struct stream_object *s, size_t size)
{
    if (!s->now.tail) return false;
    const uint8_t *body = s->now.tail->data + STREAM_ID_BYTES;
    size_t max = (STREAM_CHUNK_HEAD + stream_chunk_fields(body).size) * HEAD_SHARE;
    if (max < STREAM_CHUNK_BYTES) max = STREAM_CHUNK_BYTES;
    return stream_chunk_ever(body) < STREAM_CHUNK_ENTRIES_MAX &&
           stream_chunk_written(body) < STREAM_CHUNK_ENTRIES_MAX &&
           s->now.tail->size - STREAM_ID_BYTES + size <= max;
}

static void begin_tail(struct append *a)
{
    struct stream_object *s = a->s;
    const struct stream_chunk_entry *e = &a->entry;
    size_t fields_size = STREAM_CHUNK_HEAD + 10;
    bool had_tail = s->now.tail != NULL;
    flush_tail(a);
    if (a->starts_node)
        for (uint32_t i = 0; i < e->text_count; i += 2) fields_size += e->needles[i].size;
    else
        fields_size = STREAM_CHUNK_HEAD + node_fields(s).size;
    stream_tail_reserve(a->keyspace, s, fields_size);
    uint8_t *base = s->now.tail->data, *body = base + STREAM_ID_BYTES;
    size_t size;
    if (a->starts_node) {
        size = stream_chunk_begin_of(body, true, e->needles, e->text_count);
    } else if (had_tail) {
        size = stream_chunk_begin(body, false, stream_chunk_fields(body));
    } else {
        struct blob *tail = s->now.tail;
        s->now.tail = NULL;
        size = stream_chunk_begin(body, false, node_fields(s));
        s->now.tail = tail;
    }
    stream_id_store(base, e->id);
    s->now.tail->size = STREAM_ID_BYTES + size;
}

static void put_entry(struct append *a)
{
    struct stream_object *s = a->s;
    struct stream_chunk_entry *e = &a->entry;
    e->before = s->tail_last;
    size_t size = stream_chunk_entry_size(e);
    bool is_new = a->starts_node || !fits_tail(s, size);
    if (is_new) {
        begin_tail(a);
        e->before = e->id;
        size = stream_chunk_entry_size(e);
    }
    size_t used = s->now.tail->size - STREAM_ID_BYTES;
    stream_tail_reserve(a->keyspace, s, used + size);
    used = stream_chunk_append(s->now.tail->data + STREAM_ID_BYTES, used, e);
    s->now.tail->size = STREAM_ID_BYTES + used;
    s->tail_last = e->id;
    s->node.chunk_count += is_new;
}

static void count_entry(struct append *a)
{
    struct stream_facts *f = &a->s->now.facts;
    struct stream_node *n = &a->s->node;
    n->live++;
    n->ever++;
    n->listpack_bytes += a->entry.listpack_bytes;
    f->node_count += a->starts_node;
    f->count++;
    f->entries_added++;
    f->last = a->entry.id;
    if (f->count == 1) f->first = a->entry.id;
}

// ---- all of it

static void append(struct append *a)
{
    struct stream_object *s = a->s;
    struct stream_chunk_entry *e = &a->entry;
    CHECK(stream_id_compare(e->id, s->now.facts.last) > 0);
    CHECK(e->text_count >= 2 && e->text_count % 2 == 0);
    e->is_same =
        a->starts_node || stream_chunk_has_fields(node_fields(s), e->needles, e->text_count);
    e->listpack_bytes = listpack_bytes(a);
    if (a->starts_node) s->node = (struct stream_node){ .is_known = true, .master = e->id };
    put_entry(a);
    count_entry(a);
}

static uint64_t make_needles(const struct bytes *texts, uint32_t count, struct packed_needle *out)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        packed_needle_init(&out[i], texts[i]);
        bytes += texts[i].size;
    }
    CHECK(bytes <= STREAM_ITEM_BYTES_MAX);
    return bytes;
}

static void append_texts(struct append *a, const struct thresholds *t, struct stream_id id,
                         const struct bytes *texts, uint32_t text_count)
{
    struct packed_needle near[NEEDLES_NEAR], *needles = near;
    struct heap *heap = keyspace_space(a->keyspace)->heap;
    if (text_count > NEEDLES_NEAR)
        needles = heap_take(heap, text_count * sizeof *needles, HEAP_OTHER);
    uint64_t text_bytes = make_needles(texts, text_count, needles);
    a->entry =
        (struct stream_chunk_entry){ .id = id, .needles = needles, .text_count = text_count };
    a->starts_node = starts_node(a->s, t, text_bytes) || a->starts_node;
    append(a);
    if (needles != near) heap_give(heap, needles, text_count * sizeof *needles, HEAP_OTHER);
}

void stream_append(struct keyspace *k, const struct thresholds *t, struct stream_object *s,
                   struct stream_id id, const struct bytes *texts, uint32_t text_count)
{
    struct append a = { .keyspace = k, .s = s };
    append_texts(&a, t, id, texts, text_count);
}

void stream_append_as(struct keyspace *k, struct stream_object *s, struct stream_id id,
                      const struct bytes *texts, uint32_t text_count, bool starts_node)
{
    static const struct thresholds none = { 0 }; // what a node is bounded by in any case
    struct append a = { .keyspace = k, .s = s, .starts_node = starts_node };
    append_texts(&a, &none, id, texts, text_count);
}
