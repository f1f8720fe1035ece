// stream_pending.c: pending entries. A group's record: ID, then one text: a zero (so that it never
// reads as a number), le32 slot of the consumer, le64 time, le64 count. A consumer's: ID, a zero.
#include "dataplane/base/check.h"
#include "dataplane/types/stream_group.h"
#include "dataplane/types/stream_priv.h"

enum { DETAIL_SLOT = 1, DETAIL_TIME = 5, DETAIL_COUNT = 13, DETAIL_BYTES = 21, MARKED = 0 };

static uint64_t record_mark(const uint8_t *record) { return load_be64(record); }

const struct tree_shape stream_group_pending_shape = {
    .order = TREE_SORTED,
    .prefix_bytes = STREAM_ID_BYTES,
    .elements = 1,
    .leaf_bytes = TREE_LEAF_BYTES,
    .mark = record_mark,
};
const struct tree_shape stream_consumer_pending_shape = {
    .order = TREE_SORTED,
    .prefix_bytes = STREAM_ID_BYTES,
    .elements = 1,
    .leaf_bytes = TREE_LEAF_BYTES,
    .mark = record_mark,
};

static int compare(const void *target, const uint8_t *record)
{
    return stream_id_compare(stream_id_load(record), *(const struct stream_id *)target);
}

static bool seek(const struct tree *t, struct stream_id id, struct tree_cursor *c)
{
    return tree_seek(t, id.ms, compare, &id, c);
}

static void read_record(const struct stream_group *g, const uint8_t *record,
                        struct stream_pending *out)
{
    char scratch[24];
    struct bytes detail = packed_text(record + STREAM_ID_BYTES, scratch);
    CHECK(detail.size == DETAIL_BYTES);
    uint32_t slot = load_le32(detail.data + DETAIL_SLOT);
    out->id = stream_id_load(record);
    out->delivered_ms = (int64_t)load_le64(detail.data + DETAIL_TIME);
    out->delivery_count = load_le64(detail.data + DETAIL_COUNT);
    out->consumer = slot == STREAM_NO_SLOT ? NULL : g->slots[slot];
}

bool stream_pending_find(const struct stream_group *g, struct stream_id id,
                         struct stream_pending *out)
{
    struct tree_cursor c;
    if (!seek(&g->pending, id, &c)) return false;
    read_record(g, c.record, out);
    return true;
}

// ---- changes

static void add_to_consumer(struct tree_space *s, struct stream_consumer *consumer,
                            struct stream_id id)
{
    struct tree_cursor c;
    bool is_there = seek(&consumer->pending, id, &c);
    CHECK(!is_there);
    uint8_t *to = tree_insert(s, &consumer->pending, &c, id.ms, STREAM_ID_BYTES + 1);
    stream_id_store(to, id);
    to[STREAM_ID_BYTES] = MARKED;
}

static void remove_from_consumer(struct tree_space *s, struct stream_consumer *consumer,
                                 struct stream_id id)
{
    struct tree_cursor c;
    bool is_there = seek(&consumer->pending, id, &c);
    CHECK(is_there);
    tree_remove(s, &consumer->pending, &c);
}

void stream_pending_put(struct tree_space *s, struct stream_group *g,
                        const struct stream_pending *p)
{
    uint8_t detail[DETAIL_BYTES] = { 0 };
    struct packed_needle needle;
    struct tree_cursor c;
    struct stream_pending old = { .consumer = NULL };
    store_le32(detail + DETAIL_SLOT, p->consumer ? p->consumer->slot : STREAM_NO_SLOT);
    store_le64(detail + DETAIL_TIME, (uint64_t)p->delivered_ms);
    store_le64(detail + DETAIL_COUNT, p->delivery_count);
    packed_needle_init(&needle, bytes_make(detail, sizeof detail));
    bool is_there = seek(&g->pending, p->id, &c);
    if (is_there) read_record(g, c.record, &old);
    uint8_t *to = is_there
                      ? tree_write(s, &g->pending, &c)
                      : tree_insert(s, &g->pending, &c, p->id.ms, STREAM_ID_BYTES + needle.size);
    stream_id_store(to, p->id);
    packed_put(to + STREAM_ID_BYTES, &needle);
    if (old.consumer == p->consumer) return;
    if (old.consumer) remove_from_consumer(s, old.consumer, p->id);
    if (p->consumer) add_to_consumer(s, p->consumer, p->id);
}

bool stream_pending_remove(struct tree_space *s, struct stream_group *g, struct stream_id id)
{
    struct tree_cursor c;
    struct stream_pending p;
    if (!seek(&g->pending, id, &c)) return false;
    read_record(g, c.record, &p);
    tree_remove(s, &g->pending, &c);
    if (p.consumer) remove_from_consumer(s, p.consumer, id);
    return true;
}

void stream_pending_remove_first(struct tree_space *s, struct stream_group *g,
                                 struct stream_consumer *consumer, uint64_t count)
{
    struct tree_cursor mine, all;
    uint64_t done = 0;
    for (bool is_more = tree_first(&consumer->pending, &mine); is_more && done < count; done++) {
        bool is_there = seek(&g->pending, stream_id_load(mine.record), &all);
        CHECK(is_there);
        tree_remove(s, &g->pending, &all);
        is_more = tree_next(&mine);
    }
    if (done > 0) tree_remove_range(s, &consumer->pending, 0, done);
}

// ---- one after the other

void stream_pending_iter_init(struct stream_pending_iter *i, const struct stream_group *g,
                              const struct stream_consumer *consumer, struct stream_id from)
{
    i->group = g;
    i->consumer = consumer;
    seek(consumer ? &consumer->pending : &g->pending, from, &i->cursor);
}

bool stream_pending_iter_next(struct stream_pending_iter *i, struct stream_pending *out)
{
    const uint8_t *record = i->cursor.record;
    if (!record) return false;
    if (i->consumer) {
        bool is_there = stream_pending_find(i->group, stream_id_load(record), out);
        CHECK(is_there);
    } else {
        read_record(i->group, record, out);
    }
    tree_next(&i->cursor);
    return true;
}
