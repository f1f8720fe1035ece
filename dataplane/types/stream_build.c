// stream_build.c: a stream from elsewhere. What it is given may be hostile: only sizes within our
// own memory are trusted.
#include "dataplane/base/check.h"
#include "dataplane/types/stream_priv.h"

static struct heap *heap_of(const struct stream_builder *b)
{
    return keyspace_space(b->keyspace)->heap;
}

void stream_build_begin(struct stream_builder *b, struct keyspace *k)
{
    *b = (struct stream_builder){ .keyspace = k };
    b->object = stream_object_new(k);
}

// ---- entries

bool stream_build_entry(struct stream_builder *b, struct stream_id id, uint64_t pair_count,
                        bool starts_node)
{
    if (stream_id_compare(id, b->object->now.facts.last) <= 0 || b->text_count < b->text_total)
        return false;
    if (pair_count == 0 || pair_count > UINT32_MAX / 2) return false;
    b->id = id;
    b->starts_node = starts_node;
    b->text_count = 0;
    b->text_total = pair_count * 2;
    b->bytes_used = 0;
    return true;
}

static void make_room(struct stream_builder *b, size_t more_bytes)
{
    if (b->text_count + 2 > b->texts_room) {
        uint64_t room = b->texts_room ? b->texts_room * 2 : 16;
        b->texts = heap_resize(heap_of(b), b->texts, b->texts_room * sizeof *b->texts,
                               room * sizeof *b->texts, HEAP_OTHER);
        b->texts_room = room;
    }
    if (b->bytes_used + more_bytes > b->bytes_room) {
        size_t room = b->bytes_room ? b->bytes_room * 2 : 256;
        if (room < b->bytes_used + more_bytes) room = b->bytes_used + more_bytes;
        b->bytes = heap_resize(heap_of(b), b->bytes, b->bytes_room, room, HEAP_OTHER);
        b->bytes_room = room;
    }
}

static void add_text(struct stream_builder *b, struct bytes text)
{
    if (text.size) memcpy(b->bytes + b->bytes_used, text.data, text.size);
    b->texts[b->text_count++] = bytes_make(NULL, text.size);
    b->bytes_used += text.size;
}

static void put_entry(struct stream_builder *b)
{
    const uint8_t *at = b->bytes;
    for (uint64_t i = 0; i < b->text_total; at += b->texts[i++].size) b->texts[i].data = at;
    uint32_t count = (uint32_t)b->text_total;
    stream_append_as(b->keyspace, b->object, b->id, b->texts, count, b->starts_node);
}

bool stream_build_pair(struct stream_builder *b, struct bytes field, struct bytes value)
{
    if (b->text_count >= b->text_total) return false;
    if (field.size > STREAM_ITEM_BYTES_MAX || value.size > STREAM_ITEM_BYTES_MAX) return false;
    size_t more = field.size + value.size;
    if (b->bytes_used + more > STREAM_ITEM_BYTES_MAX) return false;
    make_room(b, more);
    add_text(b, field);
    add_text(b, value);
    if (b->text_count == b->text_total) put_entry(b);
    return true;
}

bool stream_build_facts(struct stream_builder *b, const struct stream_facts *facts)
{
    struct stream_facts *f = &b->object->now.facts;
    if (b->text_count < b->text_total || stream_id_compare(facts->last, f->last) < 0) return false;
    f->last = facts->last;
    f->entries_added = facts->entries_added;
    f->max_deleted = facts->max_deleted;
    return true;
}

// ---- groups

bool stream_build_group(struct stream_builder *b, struct bytes name, struct stream_id last,
                        int64_t entries_read)
{
    b->consumer = NULL;
    b->group = stream_group_new(keyspace_space(b->keyspace), &b->object->now.groups, name, last,
                                entries_read);
    return b->group != NULL;
}

bool stream_build_pending(struct stream_builder *b, struct stream_id id, int64_t delivered_ms,
                          uint64_t delivery_count)
{
    struct stream_pending p;
    CHECK(b->group);
    if (stream_pending_find(b->group, id, &p)) return false;
    p = (struct stream_pending){ id, delivered_ms, delivery_count, NULL };
    stream_pending_put(keyspace_space(b->keyspace), b->group, &p);
    return true;
}

bool stream_build_consumer(struct stream_builder *b, struct bytes name, int64_t seen_ms,
                           int64_t active_ms)
{
    CHECK(b->group);
    b->consumer = stream_consumer_new(keyspace_space(b->keyspace), b->group, name, seen_ms);
    if (!b->consumer) return false;
    b->consumer->active_ms = active_ms;
    return true;
}

bool stream_build_owned(struct stream_builder *b, struct stream_id id)
{
    struct stream_pending p;
    CHECK(b->consumer);
    if (!stream_pending_find(b->group, id, &p) || p.consumer) return false;
    p.consumer = b->consumer;
    stream_pending_put(keyspace_space(b->keyspace), b->group, &p);
    return true;
}

bool stream_build_group_end(const struct stream_builder *b)
{
    uint64_t owned = 0;
    CHECK(b->group);
    for (uint32_t i = 0; i < b->group->consumer_count; i++)
        owned += b->group->consumers[i]->pending.count;
    return owned == b->group->pending.count;
}

// ---- the end

static void give_buffers(struct stream_builder *b)
{
    heap_give(heap_of(b), b->texts, b->texts_room * sizeof *b->texts, HEAP_OTHER);
    heap_give(heap_of(b), b->bytes, b->bytes_room, HEAP_OTHER);
    b->texts = NULL;
    b->bytes = NULL;
    b->texts_room = b->bytes_room = 0;
}

struct entry *stream_build_put(struct stream_builder *b, uint32_t db, const struct key *key)
{
    struct entry *e = value_set_object(b->keyspace, db, key, NULL, TYPE_STREAM, ENCODING_STREAM,
                                       &b->object->object);
    b->object = NULL;
    give_buffers(b);
    return e;
}

void stream_build_drop(struct stream_builder *b)
{
    if (b->object) stream_object_give(b->keyspace, b->object);
    b->object = NULL;
    give_buffers(b);
}
