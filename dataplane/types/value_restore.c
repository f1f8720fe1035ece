#include "dataplane/types/value_restore.h"
#include <math.h>
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"

enum { NOT_COMPACT = -1 };

// ---- types

static const struct value_restore_facts {
    uint8_t rdb_type;
    uint8_t type;
    int8_t form;    // enum compact_form of its buffers
    bool has_nodes; // any number of buffers
    uint8_t texts;  // of an item, when there are no buffers
    uint8_t group;  // elements of a buffer that belong together
} type_facts[] = {
    { RDB_STRING, TYPE_STRING, NOT_COMPACT, false, 1, 0 },
    { RDB_LIST, TYPE_LIST, NOT_COMPACT, false, 1, 0 },
    { RDB_SET, TYPE_SET, NOT_COMPACT, false, 1, 0 },
    { RDB_ZSET, TYPE_ZSET, NOT_COMPACT, false, 1, 0 },
    { RDB_HASH, TYPE_HASH, NOT_COMPACT, false, 2, 0 },
    { RDB_ZSET_2, TYPE_ZSET, NOT_COMPACT, false, 1, 0 },
    { RDB_HASH_ZIPMAP, TYPE_HASH, COMPACT_ZIPMAP, false, 1, 2 },
    { RDB_LIST_ZIPLIST, TYPE_LIST, COMPACT_ZIPLIST, false, 1, 1 },
    { RDB_SET_INTSET, TYPE_SET, COMPACT_INTSET, false, 1, 1 },
    { RDB_ZSET_ZIPLIST, TYPE_ZSET, COMPACT_ZIPLIST, false, 1, 2 },
    { RDB_HASH_ZIPLIST, TYPE_HASH, COMPACT_ZIPLIST, false, 1, 2 },
    { RDB_LIST_QUICKLIST, TYPE_LIST, COMPACT_ZIPLIST, true, 1, 1 },
    { RDB_STREAM, TYPE_STREAM, NOT_COMPACT, false, 0, 0 },
    { RDB_HASH_LISTPACK, TYPE_HASH, COMPACT_LISTPACK, false, 1, 2 },
    { RDB_ZSET_LISTPACK, TYPE_ZSET, COMPACT_LISTPACK, false, 1, 2 },
    { RDB_LIST_QUICKLIST_2, TYPE_LIST, COMPACT_LISTPACK, true, 1, 1 },
    { RDB_STREAM_2, TYPE_STREAM, NOT_COMPACT, false, 0, 0 },
    { RDB_SET_LISTPACK, TYPE_SET, COMPACT_LISTPACK, false, 1, 1 },
    { RDB_STREAM_3, TYPE_STREAM, NOT_COMPACT, false, 0, 0 },
    { RDB_HASH_DEADLINES_EARLY, TYPE_HASH, NOT_COMPACT, false, 2, 0 },
    { RDB_HASH_PACK_DEADLINES_EARLY, TYPE_HASH, COMPACT_LISTPACK, false, 1, 3 },
    { RDB_HASH_DEADLINES, TYPE_HASH, NOT_COMPACT, false, 2, 0 },
    { RDB_HASH_PACK_DEADLINES, TYPE_HASH, COMPACT_LISTPACK, false, 1, 3 },
};

static const struct value_restore_facts *facts_of(uint8_t rdb_type)
{
    for (uint32_t i = 0; i < sizeof type_facts / sizeof type_facts[0]; i++)
        if (type_facts[i].rdb_type == rdb_type) return &type_facts[i];
    return NULL;
}

static void open_builder(struct value_restore *r)
{
    struct keyspace *k = r->keyspace;
    if (r->type == TYPE_LIST) list_build_begin(&r->list, k);
    if (r->type == TYPE_SET) set_build_begin(&r->set, k, r->thresholds);
    if (r->type == TYPE_ZSET) zset_build_begin(&r->zset, k, r->thresholds);
    if (r->type == TYPE_HASH) hash_build_begin(&r->hash, k, r->thresholds);
    if (r->type == TYPE_STREAM) value_restore_stream_begin(r);
    r->is_open = true;
}

bool value_restore_begin(struct value_restore *r, struct keyspace *k, const struct thresholds *t,
                         uint8_t rdb_type, struct bytes payload, uint64_t text_bytes_max)
{
    const struct value_restore_facts *f = facts_of(rdb_type);
    if (!f) return false;
    *r = (struct value_restore){ .keyspace = k,
                                 .thresholds = t,
                                 .rdb_type = (enum rdb_type)rdb_type,
                                 .type = (enum value_type)f->type,
                                 .facts = f,
                                 .in = payload,
                                 .text_bytes_max = text_bytes_max };
    struct heap *heap = keyspace_space(k)->heap;
    for (uint32_t i = 0; i < 2; i++) rdb_text_init(&r->text[i], heap, text_bytes_max);
    open_builder(r);
    return true;
}

// ---- items, one by one

static bool add_scored(struct value_restore *r, struct bytes member, double score)
{
    return !isnan(score) && zset_build_add(&r->zset, member, score);
}

static bool add_item(struct value_restore *r)
{
    struct bytes first = r->text[0].bytes;
    double score;
    switch (r->type) {
    case TYPE_LIST:
        list_build_add(&r->list, first);
        return true;
    case TYPE_SET:
        return set_build_add(&r->set, first);
    case TYPE_HASH:
        return hash_build_add(&r->hash, first, r->text[1].bytes, r->deadline_ms);
    case TYPE_ZSET:
        return (r->rdb_type == RDB_ZSET ? rdb_read_double_text(&r->in, &score)
                                        : rdb_read_f64(&r->in, &score)) &&
               add_scored(r, first, score);
    default:
        return false;
    }
}

// Before the field: 0, or a deadline, which is a distance from the base plus one.
static bool read_deadline(struct value_restore *r)
{
    uint64_t value;
    if (!rdb_read_length(&r->in, &value)) return false;
    if (value && r->rdb_type == RDB_HASH_DEADLINES)
        if (__builtin_add_overflow(value - 1, r->deadline_base_ms, &value) || !value) return false;
    r->deadline_ms = value;
    r->has_deadline = true;
    return value <= RDB_DEADLINE_MS_MAX;
}

enum rdb_result value_restore_text(struct value_restore *r, uint32_t i)
{
    size_t at = r->text[i].lzf.at;
    enum rdb_result result = rdb_text_step(&r->text[i], &r->in);
    r->spent += (result == RDB_DONE ? r->text[i].bytes.size : r->text[i].lzf.at - at) / 1024;
    return result;
}

// Reads the texts of an item; each may take several calls.
static enum rdb_result read_texts(struct value_restore *r)
{
    while (r->text_count < r->facts->texts) {
        enum rdb_result result = value_restore_text(r, r->text_count);
        if (result != RDB_DONE) return result;
        r->text_count++;
    }
    r->text_count = 0;
    return RDB_DONE;
}

static enum value_restore_result item_step(struct value_restore *r)
{
    bool wants_deadline =
        r->rdb_type == RDB_HASH_DEADLINES || r->rdb_type == RDB_HASH_DEADLINES_EARLY;
    if (r->left == 0) return VALUE_RESTORE_DONE;
    if (wants_deadline && !r->has_deadline && !read_deadline(r)) return VALUE_RESTORE_BROKEN;
    enum rdb_result result = read_texts(r);
    if (result == RDB_MORE) return VALUE_RESTORE_MORE;
    if (result == RDB_BROKEN || !add_item(r)) return VALUE_RESTORE_BROKEN;
    r->has_deadline = false;
    r->left--;
    return VALUE_RESTORE_MORE;
}

// ---- elements of buffers

static bool score_of(const struct compact_element *e, double *score)
{
    if (!e->is_int) return num_parse_double(e->text, score);
    *score = (double)e->value;
    return true;
}

static bool deadline_of(const struct compact_element *e, uint64_t *deadline_ms)
{
    *deadline_ms = (uint64_t)e->value;
    return e->is_int && e->value >= 0 && (uint64_t)e->value <= RDB_DEADLINE_MS_MAX;
}

static bool add_group(struct value_restore *r)
{
    char digits[2][24];
    double score;
    uint64_t deadline_ms = 0;
    struct bytes first = compact_text(&r->group[0], digits[0]);
    switch (r->type) {
    case TYPE_LIST:
        list_build_add(&r->list, first);
        return true;
    case TYPE_SET:
        return set_build_add(&r->set, first);
    case TYPE_HASH:
        if (r->facts->group == 3 && !deadline_of(&r->group[2], &deadline_ms)) return false;
        return hash_build_add(&r->hash, first, compact_text(&r->group[1], digits[1]), deadline_ms);
    case TYPE_ZSET:
        return score_of(&r->group[1], &score) && add_scored(r, first, score);
    default:
        return false;
    }
}

static enum value_restore_result element_step(struct value_restore *r)
{
    enum compact_result result = compact_next(&r->compact, &r->group[r->group_count]);
    if (result == COMPACT_BROKEN) return VALUE_RESTORE_BROKEN;
    if (result == COMPACT_END) {
        r->in_compact = false;
        return r->group_count == 0 ? VALUE_RESTORE_MORE : VALUE_RESTORE_BROKEN;
    }
    if (++r->group_count < r->facts->group) return VALUE_RESTORE_MORE;
    r->group_count = 0;
    return add_group(r) ? VALUE_RESTORE_MORE : VALUE_RESTORE_BROKEN;
}

// A node of RDB_LIST_QUICKLIST_2 may be a text by itself.
static bool read_container(struct value_restore *r)
{
    if (r->rdb_type != RDB_LIST_QUICKLIST_2 || r->has_container) return true;
    r->has_container = true;
    return rdb_read_length(&r->in, &r->container) &&
           (r->container == RDB_CONTAINER_PLAIN || r->container == RDB_CONTAINER_LISTPACK);
}

static enum value_restore_result buffer_step(struct value_restore *r)
{
    if (r->in_compact) return element_step(r);
    if (r->left == 0) return VALUE_RESTORE_DONE;
    if (!read_container(r)) return VALUE_RESTORE_BROKEN;
    enum rdb_result result = read_texts(r);
    if (result == RDB_MORE) return VALUE_RESTORE_MORE;
    if (result == RDB_BROKEN) return VALUE_RESTORE_BROKEN;
    r->left--;
    r->has_container = false;
    struct bytes buffer = r->text[0].bytes;
    if (r->rdb_type == RDB_LIST_QUICKLIST_2 && r->container == RDB_CONTAINER_PLAIN) {
        list_build_add(&r->list, buffer);
        return VALUE_RESTORE_MORE;
    }
    r->in_compact = compact_open(&r->compact, (enum compact_form)r->facts->form, buffer);
    return r->in_compact ? VALUE_RESTORE_MORE : VALUE_RESTORE_BROKEN;
}

// ---- all types

// How many items or buffers there are, and what else is in front of them.
static bool read_head(struct value_restore *r)
{
    bool has_base = r->rdb_type == RDB_HASH_DEADLINES || r->rdb_type == RDB_HASH_PACK_DEADLINES;
    r->has_head = true;
    r->left = 1;
    if (has_base && !bytes_le64(&r->in, &r->deadline_base_ms)) return false;
    if (r->facts->form == NOT_COMPACT || r->facts->has_nodes)
        return rdb_read_length(&r->in, &r->left);
    return true;
}

static bool is_empty(const struct value_restore *r)
{
    switch (r->type) {
    case TYPE_LIST:
        return r->list.tree.count == 0;
    case TYPE_SET:
        return set_build_count(&r->set) == 0;
    case TYPE_ZSET:
        return zset_build_count(&r->zset) == 0;
    case TYPE_HASH:
        return r->hash.count == 0;
    default:
        return false;
    }
}

static enum value_restore_result step(struct value_restore *r)
{
    if (r->type == TYPE_STRING) return value_restore_string_step(r);
    if (r->type == TYPE_STREAM) return value_restore_stream_step(r);
    if (!r->has_head && !read_head(r)) return VALUE_RESTORE_BROKEN;
    return r->facts->form == NOT_COMPACT ? item_step(r) : buffer_step(r);
}

enum value_restore_result value_restore_step(struct value_restore *r, uint32_t budget)
{
    enum value_restore_result result = VALUE_RESTORE_MORE;
    for (r->spent = 0; r->spent < budget && result == VALUE_RESTORE_MORE; r->spent++)
        result = step(r);
    if (result == VALUE_RESTORE_DONE && is_empty(r)) return VALUE_RESTORE_EMPTY;
    return result;
}

struct entry *value_restore_put(struct value_restore *r, uint32_t db, const struct key *key,
                                uint64_t now_ms)
{
    CHECK(r->is_open);
    r->is_open = false;
    switch (r->type) {
    case TYPE_STRING:
        return value_restore_string_put(r, db, key, now_ms);
    case TYPE_LIST:
        return list_build_put(&r->list, r->thresholds, db, key, now_ms);
    case TYPE_SET:
        return set_build_put(&r->set, db, key, now_ms);
    case TYPE_ZSET:
        return zset_build_put(&r->zset, db, key, now_ms);
    case TYPE_HASH:
        return hash_build_put(&r->hash, db, key, now_ms);
    case TYPE_STREAM:
        return stream_build_put(&r->stream.builder, db, key);
    }
    return NULL;
}

static void drop_builder(struct value_restore *r)
{
    if (r->type == TYPE_STRING && r->string.blob) blob_release(r->string.blob);
    if (r->type == TYPE_LIST) list_build_drop(&r->list);
    if (r->type == TYPE_SET) set_build_drop(&r->set);
    if (r->type == TYPE_ZSET) zset_build_drop(&r->zset);
    if (r->type == TYPE_HASH) hash_build_drop(&r->hash);
    if (r->type == TYPE_STREAM) stream_build_drop(&r->stream.builder);
}

void value_restore_end(struct value_restore *r)
{
    if (r->is_open) drop_builder(r);
    r->is_open = false;
    for (uint32_t i = 0; i < 2; i++) rdb_text_close(&r->text[i]);
}
