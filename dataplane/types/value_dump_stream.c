// Streams: nodes as listpacks, then the facts, then the groups. What a listpack says of itself
// stands at its front, so that a node is made of parts which are put together at its end.
#include "dataplane/base/check.h"
#include "dataplane/types/value_dump.h"

enum {
    NODE_BYTES_MAX = 64 * 1024, // of texts; more than Redis's limits only when the operator said so
    FLAG_SAME_FIELDS = 2,
    ELEMENTS_OF_SAME = 3,  // flags and the two parts of the ID
    ELEMENTS_OF_OTHER = 4, // and the number of fields
};
enum phase { COUNTING, NODES, GROUP, GROUP_HEAD, PENDING, CONSUMER, CONSUMER_HEAD, OWNED, DONE };

static bool has_lost_times(const struct stream_groups *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        for (uint32_t j = 0; j < all->groups[i]->consumer_count; j++) {
            const struct stream_consumer *c = all->groups[i]->consumers[j];
            if (c->active_ms != c->seen_ms) return true;
        }
    return false;
}

static void next_entry(struct value_dump *d)
{
    d->stream.has_item = stream_iter_next(&d->iter.stream, &d->stream.item);
}

static void start_items(struct value_dump *d)
{
    value_iter_init(&d->iter, &d->cut);
    next_entry(d);
    d->stream.node_bytes = 0;
}

void value_dump_stream_begin(struct value_dump *d)
{
    struct value_dump_stream *s = &d->stream;
    d->rdb_type = RDB_STREAM_2;
    if (d->options.keeps_active_times && has_lost_times(&d->cut.stream.groups)) {
        d->rdb_type = RDB_STREAM_3;
        d->rdb_version = RDB_VERSION_STREAMS_3;
    }
    for (uint32_t i = 0; i < PART_COUNT; i++)
        rdb_buffer_init(&s->parts[i], d->out->heap, HEAP_OTHER);
    s->phase = COUNTING;
    s->nodes = 0;
    s->group = 0;
    start_items(d);
}

void value_dump_stream_end(struct value_dump *d)
{
    for (uint32_t i = 0; i < PART_COUNT; i++) rdb_buffer_close(&d->stream.parts[i]);
}

// ---- nodes. Both passes come to the same ones.

static bool begins_node(const struct value_dump_stream *s)
{
    return s->item.starts_node || s->node_bytes >= NODE_BYTES_MAX;
}

// Not of the pairs: of an entry of which nothing is written yet.
static void count_item(struct value_dump *d)
{
    struct value_dump_stream *s = &d->stream;
    struct bytes field, value;
    if (!s->has_item) {
        rdb_put_length(d->out, s->nodes);
        s->phase = NODES;
        start_items(d);
        return;
    }
    if (s->nodes == 0 || begins_node(s)) {
        s->nodes++;
        s->node_bytes = 0;
    }
    for (; stream_iter_pair(&d->iter.stream, &field, &value); d->spent++)
        s->node_bytes += field.size + value.size;
    next_entry(d);
}

static struct listpack_writer begin_part(struct value_dump_stream *s, uint32_t part)
{
    struct listpack_writer w;
    rdb_buffer_clear(&s->parts[part]);
    listpack_begin_part(&w, &s->parts[part]);
    return w;
}

struct node {
    struct stream_id base;
    int64_t entry_count;
    struct listpack_writer master, entries;
};

static void put_entry(struct value_dump *d, struct node *n)
{
    struct value_dump_stream *s = &d->stream;
    struct listpack_writer fields = begin_part(s, PART_FIELDS), values = begin_part(s, PART_VALUES),
                           pairs = begin_part(s, PART_PAIRS);
    struct bytes field, value;
    while (stream_iter_pair(&d->iter.stream, &field, &value)) {
        listpack_put(&fields, field);
        listpack_put(&values, value);
        listpack_put(&pairs, field);
        listpack_put(&pairs, value);
        s->node_bytes += field.size + value.size;
    }
    if (n->entry_count++ == 0) listpack_put_part(&n->master, &fields);
    bool is_same = fields.count == n->master.count &&
                   bytes_equal(rdb_buffer_bytes(fields.buffer), rdb_buffer_bytes(n->master.buffer));
    listpack_put_int(&n->entries, is_same ? FLAG_SAME_FIELDS : 0);
    listpack_put_int(&n->entries, (int64_t)(s->item.id.ms - n->base.ms));
    listpack_put_int(&n->entries, (int64_t)(s->item.id.seq - n->base.seq));
    if (!is_same) listpack_put_int(&n->entries, fields.count);
    listpack_put_part(&n->entries, is_same ? &values : &pairs);
    listpack_put_int(&n->entries,
                     is_same ? values.count + ELEMENTS_OF_SAME : pairs.count + ELEMENTS_OF_OTHER);
}

static void put_raw_id(struct value_dump *d, struct stream_id id)
{
    stream_id_store(rdb_buffer_reserve(d->out, STREAM_ID_BYTES), id);
    rdb_buffer_commit(d->out, STREAM_ID_BYTES);
}

static void put_node(struct value_dump *d, const struct node *n)
{
    struct listpack_writer w;
    rdb_buffer_clear(&d->scratch);
    listpack_begin(&w, &d->scratch);
    listpack_put_int(&w, n->entry_count);
    listpack_put_int(&w, 0); // none are deleted
    listpack_put_int(&w, n->master.count);
    listpack_put_part(&w, &n->master);
    listpack_put_int(&w, 0); // where a walk backwards ends
    listpack_put_part(&w, &n->entries);
    listpack_end(&w);
    rdb_put_length(d->out, STREAM_ID_BYTES);
    put_raw_id(d, n->base);
    value_dump_text(d, rdb_buffer_bytes(&d->scratch));
}

static void write_facts(struct value_dump *d)
{
    const struct stream_facts *f = &d->cut.stream.facts;
    const struct stream_id ids[] = { f->last, f->first, f->max_deleted };
    rdb_put_length(d->out, f->count);
    for (uint32_t i = 0; i < 3; i++) {
        rdb_put_length(d->out, ids[i].ms);
        rdb_put_length(d->out, ids[i].seq);
    }
    rdb_put_length(d->out, f->entries_added);
    rdb_put_length(d->out, d->cut.stream.groups.count);
}

static void next_node(struct value_dump *d)
{
    struct value_dump_stream *s = &d->stream;
    if (!s->has_item) {
        write_facts(d);
        s->phase = GROUP;
        return;
    }
    struct node n = { .base = s->item.id,
                      .master = begin_part(s, PART_MASTER),
                      .entries = begin_part(s, PART_ENTRIES) };
    s->node_bytes = 0;
    do {
        put_entry(d, &n);
        d->spent += 1 + s->item.pair_count;
        next_entry(d);
    } while (s->has_item && !begins_node(s));
    put_node(d, &n);
}

// ---- groups

static const struct stream_group *group_of(const struct value_dump *d)
{
    return d->cut.stream.groups.groups[d->stream.group];
}

static const struct stream_consumer *consumer_of(const struct value_dump *d)
{
    return group_of(d)->consumers[d->stream.consumer];
}

static void begin_group(struct value_dump *d)
{
    struct value_dump_stream *s = &d->stream;
    if (s->group == d->cut.stream.groups.count) {
        s->phase = DONE;
        return;
    }
    value_dump_text(d, stream_group_name(group_of(d)));
    s->phase = GROUP_HEAD;
}

static void write_group_head(struct value_dump *d)
{
    struct value_dump_stream *s = &d->stream;
    const struct stream_group *g = group_of(d);
    rdb_put_length(d->out, g->last.ms);
    rdb_put_length(d->out, g->last.seq);
    rdb_put_length(d->out, (uint64_t)g->entries_read); // unknown is the largest number
    rdb_put_length(d->out, g->pending.count);
    stream_pending_iter_init(&s->pending, g, NULL, STREAM_ID_ZERO);
    s->phase = PENDING;
}

static void next_pending(struct value_dump *d)
{
    struct value_dump_stream *s = &d->stream;
    struct stream_pending p;
    if (stream_pending_iter_next(&s->pending, &p)) {
        put_raw_id(d, p.id);
        rdb_put_le64(d->out, (uint64_t)p.delivered_ms);
        rdb_put_length(d->out, p.delivery_count);
        return;
    }
    rdb_put_length(d->out, group_of(d)->consumer_count);
    s->consumer = 0;
    s->phase = CONSUMER;
}

static void begin_consumer(struct value_dump *d)
{
    struct value_dump_stream *s = &d->stream;
    if (s->consumer == group_of(d)->consumer_count) {
        s->group++;
        s->phase = GROUP;
        return;
    }
    value_dump_text(d, stream_consumer_name(consumer_of(d)));
    s->phase = CONSUMER_HEAD;
}

static void write_consumer_head(struct value_dump *d)
{
    struct value_dump_stream *s = &d->stream;
    const struct stream_consumer *c = consumer_of(d);
    rdb_put_le64(d->out, (uint64_t)c->seen_ms);
    if (d->rdb_type == RDB_STREAM_3) rdb_put_le64(d->out, (uint64_t)c->active_ms);
    rdb_put_length(d->out, c->pending.count);
    stream_pending_iter_init(&s->pending, group_of(d), c, STREAM_ID_ZERO);
    s->phase = OWNED;
}

static void next_owned(struct value_dump *d)
{
    struct value_dump_stream *s = &d->stream;
    struct stream_pending p;
    if (stream_pending_iter_next(&s->pending, &p)) {
        put_raw_id(d, p.id);
        return;
    }
    s->consumer++;
    s->phase = CONSUMER;
}

bool value_dump_stream_item(struct value_dump *d)
{
    static void (*const steps[])(struct value_dump *) = {
        [COUNTING] = count_item,  [NODES] = next_node,
        [GROUP] = begin_group,    [GROUP_HEAD] = write_group_head,
        [PENDING] = next_pending, [CONSUMER] = begin_consumer,
        [OWNED] = next_owned,     [CONSUMER_HEAD] = write_consumer_head,
    };
    if (d->stream.phase == DONE) return true;
    steps[d->stream.phase](d);
    return d->stream.phase == DONE;
}
