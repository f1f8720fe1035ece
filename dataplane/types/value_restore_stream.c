// Streams: nodes, facts, groups. The listpack of a node is read an entry at a time; the fields that
// its entries may have in common are read again for each of them, so that nothing grows with what
// the payload says.
#include "dataplane/types/value_restore.h"

enum {
    FLAG_DELETED = 1,
    FLAG_SAME_FIELDS = 2,
    ELEMENTS_OF_SAME = 3,
    ELEMENTS_OF_OTHER = 4,
    NODE_ENTRIES_MAX = INT32_MAX, // live, or deleted
};
enum phase {
    NODE_COUNT,
    NODE_ID,
    NODE_LISTPACK,
    NODE_ENTRIES,
    FACTS,
    GROUP_NAME,
    GROUP_PENDING,
    CONSUMER_NAME,
    CONSUMER_PENDING,
    DONE
};

void value_restore_stream_begin(struct value_restore *r)
{
    stream_build_begin(&r->stream.builder, r->keyspace);
}

// ---- nodes

static bool next_int(struct compact *c, int64_t *value)
{
    struct compact_element e;
    if (compact_next(c, &e) != COMPACT_ELEMENT || !e.is_int) return false;
    *value = e.value;
    return true;
}

static bool skip_elements(struct compact *c, uint64_t count)
{
    struct compact_element e;
    for (; count > 0; count--)
        if (compact_next(c, &e) != COMPACT_ELEMENT) return false;
    return true;
}

static bool read_node_head(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    struct compact *c = &r->compact;
    int64_t field_count, end;
    if (!compact_open(c, COMPACT_LISTPACK, r->text[1].bytes) || !next_int(c, &s->live) ||
        !next_int(c, &s->deleted) || !next_int(c, &field_count))
        return false;
    if (s->live <= 0 || s->live > NODE_ENTRIES_MAX || s->deleted < 0 ||
        s->deleted > NODE_ENTRIES_MAX || field_count < 0)
        return false;
    s->fields = *c;
    s->field_count = (uint64_t)field_count;
    s->has_begun = false;
    return skip_elements(c, s->field_count) && next_int(c, &end) && end == 0;
}

static bool add_pair(struct value_restore *r, struct compact *fields)
{
    struct compact_element field, value;
    char digits[2][24];
    if (compact_next(fields, &field) != COMPACT_ELEMENT) return false;
    if (compact_next(&r->compact, &value) != COMPACT_ELEMENT) return false;
    return stream_build_pair(&r->stream.builder, compact_text(&field, digits[0]),
                             compact_text(&value, digits[1]));
}

static bool read_live(struct value_restore *r, struct stream_id id, uint64_t count, bool is_same)
{
    struct value_restore_stream *s = &r->stream;
    struct compact common = s->fields;
    if (s->live-- == 0) return false;
    if (!stream_build_entry(&s->builder, id, count, !s->has_begun)) return false;
    s->has_begun = true;
    for (uint64_t i = 0; i < count; i++)
        if (!add_pair(r, is_same ? &common : &r->compact)) return false;
    if (s->facts.count++ == 0) s->facts.first = id;
    return true;
}

static bool read_deleted(struct value_restore *r, uint64_t count, bool is_same)
{
    if (r->stream.deleted-- == 0) return false;
    return skip_elements(&r->compact, is_same ? count : count * 2);
}

static bool read_entry(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    struct compact *c = &r->compact;
    int64_t flags, ms, seq, own_count, elements;
    uint64_t count = s->field_count;
    if (!next_int(c, &flags) || !next_int(c, &ms) || !next_int(c, &seq)) return false;
    bool is_same = flags & FLAG_SAME_FIELDS;
    if (!is_same) {
        if (!next_int(c, &own_count) || own_count < 0 || own_count > UINT32_MAX) return false;
        count = (uint64_t)own_count;
    }
    r->spent += count;
    struct stream_id id = { s->base.ms + (uint64_t)ms, s->base.seq + (uint64_t)seq };
    bool fits =
        flags & FLAG_DELETED ? read_deleted(r, count, is_same) : read_live(r, id, count, is_same);
    uint64_t expected = is_same ? count + ELEMENTS_OF_SAME : count * 2 + ELEMENTS_OF_OTHER;
    return fits && next_int(c, &elements) && (uint64_t)elements == expected;
}

static bool node_id(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    if (s->nodes == 0) {
        s->phase = FACTS;
        return true;
    }
    enum rdb_result text = value_restore_text(r, 0);
    if (text == RDB_MORE) return true;
    if (text == RDB_BROKEN || r->text[0].bytes.size != STREAM_ID_BYTES) return false;
    s->base = stream_id_load(r->text[0].bytes.data);
    s->nodes--;
    s->phase = NODE_LISTPACK;
    return true;
}

static bool node_listpack(struct value_restore *r)
{
    enum rdb_result text = value_restore_text(r, 1);
    if (text == RDB_MORE) return true;
    if (text == RDB_BROKEN || !read_node_head(r)) return false;
    r->stream.phase = NODE_ENTRIES;
    return true;
}

static bool node_entries(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    struct compact_element e;
    if (s->live + s->deleted > 0) return read_entry(r);
    s->phase = NODE_ID;
    return compact_next(&r->compact, &e) == COMPACT_END;
}

// ---- facts

static bool read_id(struct value_restore *r, struct stream_id *id)
{
    uint64_t parts[2];
    if (!rdb_read_id(&r->in, parts)) return false;
    *id = (struct stream_id){ parts[0], parts[1] };
    return true;
}

// The first ID is there to be found in the entries, whatever the payload says.
static bool read_later_facts(struct value_restore *r, struct stream_facts *f)
{
    struct stream_id first;
    f->entries_added = f->count;
    if (r->rdb_type == RDB_STREAM) return true;
    return read_id(r, &first) && read_id(r, &f->max_deleted) &&
           rdb_read_length(&r->in, &f->entries_added);
}

static bool facts(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    uint64_t count;
    if (!rdb_read_length(&r->in, &count) || count != s->facts.count ||
        !read_id(r, &s->facts.last) || !read_later_facts(r, &s->facts) ||
        !stream_build_facts(&s->builder, &s->facts) || !rdb_read_length(&r->in, &s->groups))
        return false;
    s->phase = GROUP_NAME;
    return true;
}

// ---- groups

// How many entries the group has read: what the payload says (the largest number: nobody knows), or
// what follows from the facts.
static bool read_entries_read(struct value_restore *r, struct stream_id last, int64_t *entries_read)
{
    uint64_t value;
    if (r->rdb_type == RDB_STREAM) {
        *entries_read = stream_position(&r->stream.facts, last);
        return true;
    }
    if (!rdb_read_length(&r->in, &value)) return false;
    *entries_read = (int64_t)value;
    return *entries_read >= 0 || *entries_read == STREAM_READ_UNKNOWN;
}

static bool group_name(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    struct stream_id last;
    int64_t entries_read;
    if (s->groups == 0) {
        s->phase = DONE;
        return true;
    }
    enum rdb_result text = value_restore_text(r, 0);
    if (text == RDB_MORE) return true;
    if (text == RDB_BROKEN || !read_id(r, &last) || !read_entries_read(r, last, &entries_read) ||
        !stream_build_group(&s->builder, r->text[0].bytes, last, entries_read) ||
        !rdb_read_length(&r->in, &s->pending))
        return false;
    s->groups--;
    s->phase = GROUP_PENDING;
    return true;
}

static bool read_raw_id(struct value_restore *r, struct stream_id *id)
{
    struct bytes raw;
    if (!bytes_take(&r->in, STREAM_ID_BYTES, &raw)) return false;
    *id = stream_id_load(raw.data);
    return true;
}

static bool group_pending(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    struct stream_id id;
    uint64_t delivered_ms, delivery_count;
    if (s->pending == 0) {
        s->phase = CONSUMER_NAME;
        return rdb_read_length(&r->in, &s->consumers);
    }
    s->pending--;
    bool fits = read_raw_id(r, &id) && bytes_le64(&r->in, &delivered_ms) &&
                rdb_read_length(&r->in, &delivery_count) &&
                stream_build_pending(&s->builder, id, (int64_t)delivered_ms, delivery_count);
    return fits;
}

static bool read_consumer(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    uint64_t seen_ms, active_ms;
    if (!bytes_le64(&r->in, &seen_ms)) return false;
    active_ms = seen_ms;
    if (r->rdb_type == RDB_STREAM_3 && !bytes_le64(&r->in, &active_ms)) return false;
    return stream_build_consumer(&s->builder, r->text[0].bytes, (int64_t)seen_ms,
                                 (int64_t)active_ms) &&
           rdb_read_length(&r->in, &s->pending);
}

static bool consumer_name(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    if (s->consumers == 0) {
        s->phase = GROUP_NAME;
        return stream_build_group_end(&s->builder);
    }
    enum rdb_result text = value_restore_text(r, 0);
    if (text == RDB_MORE) return true;
    if (text == RDB_BROKEN || !read_consumer(r)) return false;
    s->consumers--;
    s->phase = CONSUMER_PENDING;
    return true;
}

static bool consumer_pending(struct value_restore *r)
{
    struct value_restore_stream *s = &r->stream;
    struct stream_id id;
    if (s->pending == 0) {
        s->phase = CONSUMER_NAME;
        return true;
    }
    s->pending--;
    return read_raw_id(r, &id) && stream_build_owned(&s->builder, id);
}

static bool node_count(struct value_restore *r)
{
    r->stream.phase = NODE_ID;
    return rdb_read_length(&r->in, &r->stream.nodes);
}

// Each is false when what it read is wrong; most wait where they are for a text that takes longer.
enum value_restore_result value_restore_stream_step(struct value_restore *r)
{
    static bool (*const steps[])(struct value_restore *) = {
        [NODE_COUNT] = node_count,
        [NODE_ID] = node_id,
        [NODE_LISTPACK] = node_listpack,
        [NODE_ENTRIES] = node_entries,
        [FACTS] = facts,
        [GROUP_NAME] = group_name,
        [GROUP_PENDING] = group_pending,
        [CONSUMER_NAME] = consumer_name,
        [CONSUMER_PENDING] = consumer_pending,
    };
    if (!steps[r->stream.phase](r)) return VALUE_RESTORE_BROKEN;
    return r->stream.phase == DONE ? VALUE_RESTORE_DONE : VALUE_RESTORE_MORE;
}
