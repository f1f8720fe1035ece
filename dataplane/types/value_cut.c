#include "dataplane/types/value_cut.h"
#include "dataplane/keyspace/joint.h"

static struct blob *hold_text(struct keyspace *k, const struct entry *e)
{
    struct string_view view;
    string_read(e, &view);
    if (view.blob) return blob_hold(view.blob);
    struct heap *heap = keyspace_space_for(k, entry_key(e))->heap;
    struct blob *copy = blob_new(heap, view.bytes.size, HEAP_OTHER); // the entry may go
    if (view.bytes.size) memcpy(copy->data, view.bytes.data, view.bytes.size);
    copy->size = view.bytes.size;
    return copy;
}

void value_cut(struct keyspace *k, const struct entry *e, bool with_groups, uint64_t now_ms,
               struct value_cut *cut)
{
    cut->keyspace = k;
    cut->type = entry_type(e);
    switch (cut->type) {
    case TYPE_STRING:
        cut->string = hold_text(k, e);
        break;
    case TYPE_LIST:
        list_cut(k, e, &cut->list);
        break;
    case TYPE_SET:
        set_cut(k, e, &cut->set);
        break;
    case TYPE_ZSET:
        zset_cut(k, e, &cut->zset);
        break;
    case TYPE_HASH:
        hash_cut(k, e, now_ms, &cut->hash);
        break;
    case TYPE_STREAM:
        stream_cut(k, e, with_groups, &cut->stream);
        break;
    }
}

void value_cut_drop(struct value_cut *cut)
{
    switch (cut->type) {
    case TYPE_STRING:
        blob_release(cut->string);
        break;
    case TYPE_LIST:
        list_cut_drop(cut->keyspace, &cut->list);
        break;
    case TYPE_SET:
        set_cut_drop(cut->keyspace, &cut->set);
        break;
    case TYPE_ZSET:
        zset_cut_drop(cut->keyspace, &cut->zset);
        break;
    case TYPE_HASH:
        hash_cut_drop(cut->keyspace, &cut->hash);
        break;
    case TYPE_STREAM:
        stream_cut_drop(cut->keyspace, &cut->stream);
        break;
    }
}

uint64_t value_cut_count(const struct value_cut *cut)
{
    switch (cut->type) {
    case TYPE_LIST:
        return cut->list.count;
    case TYPE_SET:
        return cut->set.count;
    case TYPE_ZSET:
        return cut->zset.count;
    case TYPE_HASH:
        return cut->hash.count;
    case TYPE_STREAM:
        return cut->stream.facts.count;
    default:
        return 1;
    }
}

void value_iter_init(union value_iter *i, const struct value_cut *cut)
{
    switch (cut->type) {
    case TYPE_STRING:
        break;
    case TYPE_LIST:
        list_iter_init(&i->list, &cut->list, 0, false);
        break;
    case TYPE_SET:
        set_iter_init(&i->set, &cut->set);
        break;
    case TYPE_ZSET:
        zset_iter_init(&i->zset, &cut->zset, 0, false);
        break;
    case TYPE_HASH:
        hash_iter_init(&i->hash, &cut->hash);
        break;
    case TYPE_STREAM:
        stream_iter_init(&i->stream, &cut->stream, STREAM_ID_ZERO, STREAM_ID_MAX, false);
        break;
    }
}
