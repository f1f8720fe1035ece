#include "dataplane/types/value_dump.h"
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"

enum {
    NODE_BYTES = 8192,       // of a list, as Redis's normal -2
    PLAIN_BYTES = 64 * 1024, // of a list's element that is no listpack
    // What an element costs, more or less, where it is not written by itself.
    SPENT_TEXT_BYTES = 128,         // compressing
    SPENT_ELEMENTS = 4,             // into a listpack
    SCRATCH_KEEP_BYTES = 64 * 1024, // a buffer that a giant element made larger is not kept
};

// ---- the item under way

void value_dump_text(struct value_dump *d, struct bytes text)
{
    d->texts[0] = text;
    d->text_count = 1;
    d->text_at = 0;
    d->has_score = false;
}

// True: the item is written.
static bool write_item(struct value_dump *d)
{
    for (; d->text_at < d->text_count; d->text_at++) {
        struct bytes text = d->texts[d->text_at];
        if (!d->has_long && text.size <= RDB_TEXT_ONCE_BYTES) {
            rdb_put_text(d->out, text, d->options.may_compress);
            d->spent += text.size / SPENT_TEXT_BYTES;
            continue;
        }
        if (!d->has_long)
            rdb_long_text_begin(&d->long_text, d->out->heap, text, d->options.may_compress);
        d->has_long = true;
        d->spent += RDB_TEXT_ONCE_BYTES / SPENT_TEXT_BYTES;
        if (!rdb_long_text_step(&d->long_text, d->out)) return false;
        rdb_long_text_end(&d->long_text);
        d->has_long = false;
    }
    if (d->has_score) rdb_put_f64(d->out, d->score);
    d->has_score = false;
    return true;
}

void value_dump_scratch(struct value_dump *d) { value_dump_text(d, rdb_buffer_bytes(&d->scratch)); }

static void clear_scratch(struct value_dump *d)
{
    if (d->scratch.blob && d->scratch.blob->capacity > SCRATCH_KEEP_BYTES)
        rdb_buffer_close(&d->scratch);
    rdb_buffer_clear(&d->scratch);
}

// ---- sets

static void begin_set(struct value_dump *d)
{
    if (d->cut.set.encoding == ENCODING_INTSET) {
        d->rdb_type = RDB_SET_INTSET;
        value_dump_text(d, d->cut.set.bytes);
        return;
    }
    d->rdb_type = RDB_SET;
    value_iter_init(&d->iter, &d->cut);
    d->left = d->cut.set.count;
}

static void next_member(struct value_dump *d)
{
    struct bytes member;
    CHECK(set_iter_next(&d->iter.set, &member));
    value_dump_text(d, member);
}

// ---- sorted sets

static void begin_small_zset(struct value_dump *d)
{
    struct listpack_writer w;
    struct bytes member;
    double score;
    char text[NUM_DOUBLE_SHORT_MAX];
    value_iter_init(&d->iter, &d->cut);
    listpack_begin(&w, &d->scratch);
    while (zset_iter_next(&d->iter.zset, &member, &score)) {
        listpack_put(&w, member);
        listpack_put(&w, bytes_make(text, num_format_double(text, score)));
    }
    listpack_end(&w);
    d->rdb_type = RDB_ZSET_LISTPACK;
    value_dump_scratch(d);
}

static void begin_zset(struct value_dump *d)
{
    const struct zset_cut *cut = &d->cut.zset;
    if (cut->encoding == ENCODING_LISTPACK && cut->bytes.data &&
        cut->bytes.size <= VALUE_DUMP_SMALL_BYTES) {
        begin_small_zset(d);
        return;
    }
    d->rdb_type = RDB_ZSET_2;
    d->left = cut->count;
    zset_iter_init(&d->iter.zset, cut, cut->count - 1, true); // from the highest score down
}

static void next_scored(struct value_dump *d)
{
    struct bytes member;
    CHECK(zset_iter_next(&d->iter.zset, &member, &d->score));
    value_dump_text(d, member);
    d->has_score = true;
}

// ---- lists

static void start_list(struct value_dump *d)
{
    value_iter_init(&d->iter, &d->cut);
    d->list.next = list_iter_next_packed(&d->iter.list);
}

static void begin_list(struct value_dump *d)
{
    d->rdb_type = RDB_LIST_QUICKLIST_2;
    d->list.nodes = 0;
    d->list.is_counted = false;
    start_list(d);
}

// The elements from l->next on that make a node: up to NODE_BYTES, or one that is larger. w: where
// they go; NULL: they are only counted. Both passes go the same way.
static void gather_node(struct value_dump *d, struct listpack_writer *w)
{
    struct value_dump_list *l = &d->list;
    size_t size = 0;
    for (uint64_t count = 0; l->next; count++) {
        struct bytes element = bytes_make(l->next, packed_size(l->next));
        size_t with = size + element.size + listpack_back_bytes(element.size);
        if (size && with > NODE_BYTES) return;
        size = with;
        if (count % SPENT_ELEMENTS == 0) d->spent++;
        if (w) listpack_put_encoded(w, element);
        l->next = list_iter_next_packed(&d->iter.list);
    }
}

static void count_node(struct value_dump *d)
{
    struct value_dump_list *l = &d->list;
    gather_node(d, NULL);
    l->nodes++;
    if (l->next) return;
    l->is_counted = true;
    rdb_put_length(d->out, l->nodes);
    start_list(d);
    d->left = l->nodes;
}

// An element that fills a piece of output alone stands there as it is, without a listpack around
// it; l->next is past it when the item is written.
static void next_node(struct value_dump *d)
{
    struct value_dump_list *l = &d->list;
    struct listpack_writer w;
    if (packed_size(l->next) > PLAIN_BYTES) {
        char digits[24];
        rdb_put_length(d->out, RDB_CONTAINER_PLAIN);
        value_dump_text(d, packed_text(l->next, digits));
        l->next = list_iter_next_packed(&d->iter.list);
        return;
    }
    clear_scratch(d);
    listpack_begin(&w, &d->scratch);
    gather_node(d, &w);
    listpack_end(&w);
    rdb_put_length(d->out, RDB_CONTAINER_LISTPACK);
    value_dump_scratch(d);
}

// ---- all types

// False: nothing is left of it.
static bool begin_of_type(struct value_dump *d, const struct entry *e, uint64_t now_ms)
{
    switch (d->cut.type) {
    case TYPE_STRING:
        d->rdb_type = RDB_STRING;
        value_dump_text(d, blob_bytes(d->cut.string));
        return true;
    case TYPE_LIST:
        begin_list(d);
        return true;
    case TYPE_SET:
        begin_set(d);
        return true;
    case TYPE_ZSET:
        begin_zset(d);
        return true;
    case TYPE_HASH:
        return value_dump_hash_begin(d, e, now_ms);
    case TYPE_STREAM:
        value_dump_stream_begin(d);
        return true;
    }
    return false;
}

// What is large in d is not cleared: this is done for every small value.
bool value_dump_begin(struct value_dump *d, struct keyspace *k, const struct entry *e,
                      struct rdb_buffer *out, struct value_dump_options options, uint64_t now_ms)
{
    memset(d, 0, offsetof(struct value_dump, cut));
    d->out = out;
    d->options = options;
    d->rdb_version = RDB_VERSION_WRITTEN;
    rdb_buffer_init(&d->scratch, out->heap, HEAP_OTHER);
    value_cut(k, e, true, now_ms, &d->cut);
    if (begin_of_type(d, e, now_ms)) return true;
    value_cut_drop(&d->cut);
    return false;
}

static void write_head(struct value_dump *d)
{
    bool has_deadlines =
        d->rdb_type == RDB_HASH_DEADLINES || d->rdb_type == RDB_HASH_PACK_DEADLINES;
    bool has_count = d->rdb_type == RDB_SET || d->rdb_type == RDB_ZSET_2 ||
                     d->rdb_type == RDB_HASH || d->rdb_type == RDB_HASH_DEADLINES;
    if (has_deadlines) rdb_put_le64(d->out, d->deadline_ms);
    if (has_count) rdb_put_length(d->out, d->left);
    d->has_head = true;
}

// The next item, or a part of what precedes it. True: there is none.
static bool next_item(struct value_dump *d)
{
    if (d->cut.type == TYPE_STREAM) return value_dump_stream_item(d);
    if (d->cut.type == TYPE_LIST && !d->list.is_counted) {
        count_node(d);
        return false;
    }
    if (d->left == 0) return true;
    d->left--;
    switch (d->cut.type) {
    case TYPE_LIST:
        next_node(d);
        break;
    case TYPE_SET:
        next_member(d);
        break;
    case TYPE_ZSET:
        next_scored(d);
        break;
    default:
        value_dump_hash_item(d);
        break;
    }
    return false;
}

bool value_dump_step(struct value_dump *d, uint32_t budget)
{
    if (!d->has_head) write_head(d);
    for (d->spent = 0; d->spent < budget; d->spent++) {
        if (!write_item(d)) return false;
        if (next_item(d)) return true;
    }
    return false;
}

void value_dump_end(struct value_dump *d)
{
    if (d->has_long) rdb_long_text_end(&d->long_text);
    rdb_buffer_close(&d->scratch);
    if (d->cut.type == TYPE_STREAM) value_dump_stream_end(d);
    value_cut_drop(&d->cut);
}
