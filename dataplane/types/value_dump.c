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

// ---- strings

static void begin_string(struct value_dump *d, const struct entry *e)
{
    struct string_view view;
    string_read(e, &view);
    d->rdb_type = RDB_STRING;
    if (view.blob) {
        d->blob = blob_hold(view.blob);
        value_dump_text(d, view.bytes);
        return;
    }
    rdb_buffer_append(&d->scratch, view.bytes); // small; the entry may go
    value_dump_scratch(d);
}

// ---- sets

static void begin_set(struct value_dump *d, const struct entry *e)
{
    set_cut(d->keyspace, e, &d->set.cut);
    if (d->set.cut.encoding == ENCODING_INTSET) {
        d->rdb_type = RDB_SET_INTSET;
        value_dump_text(d, d->set.cut.bytes);
        return;
    }
    d->rdb_type = RDB_SET;
    set_iter_init(&d->set.iter, &d->set.cut);
    d->left = d->set.cut.count;
}

static void next_member(struct value_dump *d)
{
    struct bytes member;
    CHECK(set_iter_next(&d->set.iter, &member));
    value_dump_text(d, member);
}

// ---- sorted sets

static void begin_small_zset(struct value_dump *d)
{
    struct listpack_writer w;
    struct bytes member;
    double score;
    char text[NUM_DOUBLE_SHORT_MAX];
    zset_iter_init(&d->zset.iter, &d->zset.cut, 0, false);
    listpack_begin(&w, &d->scratch);
    while (zset_iter_next(&d->zset.iter, &member, &score)) {
        listpack_put(&w, member);
        listpack_put(&w, bytes_make(text, num_format_double(text, score)));
    }
    listpack_end(&w);
    d->rdb_type = RDB_ZSET_LISTPACK;
    value_dump_scratch(d);
}

static void begin_zset(struct value_dump *d, const struct entry *e)
{
    struct zset_cut *cut = &d->zset.cut;
    zset_cut(d->keyspace, e, cut);
    if (cut->encoding == ENCODING_LISTPACK && cut->bytes.data &&
        cut->bytes.size <= VALUE_DUMP_SMALL_BYTES) {
        begin_small_zset(d);
        return;
    }
    d->rdb_type = RDB_ZSET_2;
    d->left = cut->count;
    zset_iter_init(&d->zset.iter, cut, cut->count - 1, true); // from the highest score down
}

static void next_scored(struct value_dump *d)
{
    struct bytes member;
    CHECK(zset_iter_next(&d->zset.iter, &member, &d->score));
    value_dump_text(d, member);
    d->has_score = true;
}

// ---- lists

static void begin_list(struct value_dump *d, const struct entry *e)
{
    struct value_dump_list *l = &d->list;
    list_cut(d->keyspace, e, &l->cut);
    list_iter_init(&l->iter, &l->cut, 0, false);
    d->rdb_type = RDB_LIST_QUICKLIST_2;
    l->next = list_iter_next_packed(&l->iter);
    l->nodes = 0;
    l->is_counted = false;
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
        l->next = list_iter_next_packed(&l->iter);
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
    list_iter_init(&l->iter, &l->cut, 0, false);
    l->next = list_iter_next_packed(&l->iter);
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
        l->next = list_iter_next_packed(&l->iter);
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

bool value_dump_begin(struct value_dump *d, struct keyspace *k, const struct entry *e,
                      struct rdb_buffer *out, struct value_dump_options options, uint64_t now_ms)
{
    *d = (struct value_dump){ .keyspace = k,
                              .out = out,
                              .options = options,
                              .type = entry_type(e),
                              .rdb_version = RDB_VERSION_WRITTEN };
    rdb_buffer_init(&d->scratch, out->heap, HEAP_OTHER);
    bool is_there = true;
    switch (d->type) {
    case TYPE_STRING:
        begin_string(d, e);
        break;
    case TYPE_LIST:
        begin_list(d, e);
        break;
    case TYPE_SET:
        begin_set(d, e);
        break;
    case TYPE_ZSET:
        begin_zset(d, e);
        break;
    case TYPE_HASH:
        is_there = value_dump_hash_begin(d, e, now_ms);
        break;
    case TYPE_STREAM:
        value_dump_stream_begin(d, e);
        break;
    }
    return is_there;
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
    if (d->type == TYPE_STREAM) return value_dump_stream_item(d);
    if (d->type == TYPE_LIST && !d->list.is_counted) {
        count_node(d);
        return false;
    }
    if (d->left == 0) return true;
    d->left--;
    switch (d->type) {
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
    struct keyspace *k = d->keyspace;
    if (d->has_long) rdb_long_text_end(&d->long_text);
    rdb_buffer_close(&d->scratch);
    if (d->type == TYPE_STRING && d->blob) blob_release(d->blob);
    if (d->type == TYPE_LIST) list_cut_drop(k, &d->list.cut);
    if (d->type == TYPE_SET) set_cut_drop(k, &d->set.cut);
    if (d->type == TYPE_ZSET) zset_cut_drop(k, &d->zset.cut);
    if (d->type == TYPE_HASH) hash_cut_drop(k, &d->hash.cut);
    if (d->type == TYPE_STREAM) value_dump_stream_end(d);
}
