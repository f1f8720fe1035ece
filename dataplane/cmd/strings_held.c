#include "dataplane/cmd/strings_held.h"
#include <string.h>

struct survey { // of the keys
    uint32_t count;
    bool has_wrong_type;
    size_t copies_bytes, longest_bytes;
    uint64_t total_bytes;
};

// Looks at every key once: what has expired goes now, so that entries stay where they are while
// they are collected.
static struct survey look(struct call *call, uint32_t index)
{
    struct survey v = { 0 };
    struct key keys[CALL_KEYS_MAX];
    for (uint32_t n; (n = call_keys(call, index, 1, keys)); index += n) {
        for (uint32_t j = 0; j < n; j++) {
            struct string_view view = { .blob = NULL };
            struct entry *e = call_find(call, &keys[j], FIND_READ);
            if (e && entry_type(e) != TYPE_STRING) {
                v.has_wrong_type = true;
                return v;
            }
            v.count++;
            if (!e) continue;
            string_read(e, &view);
            if (!view.blob) v.copies_bytes += view.bytes.size;
            if (view.bytes.size > v.longest_bytes) v.longest_bytes = view.bytes.size;
            v.total_bytes += view.bytes.size;
        }
    }
    return v;
}

static struct strings_held *open_for(struct heap *heap, const struct survey *v)
{
    size_t each = sizeof(struct bytes) + sizeof(struct blob *) + sizeof(bool);
    size_t bytes = sizeof(struct strings_held) + v->count * each + v->copies_bytes;
    struct strings_held *s = heap_take(heap, bytes, HEAP_OTHER);
    *s = (struct strings_held){ .bytes = bytes,
                                .total_bytes = v->total_bytes,
                                .longest_bytes = v->longest_bytes,
                                .count = v->count,
                                .has_wrong_type = v->has_wrong_type };
    s->texts = (struct bytes *)(void *)(s + 1);
    s->blobs = (struct blob **)(void *)(s->texts + v->count);
    s->exists = (bool *)(void *)(s->blobs + v->count);
    s->copies = (uint8_t *)(s->exists + v->count);
    return s;
}

struct strings_held *strings_hold(struct call *call, uint32_t index)
{
    struct survey v = look(call, index);
    struct strings_held *s = open_for(call->server->heap, &v);
    uint8_t *copy = s->copies;
    for (uint32_t i = 0; i < s->count; i++) {
        struct string_view view = { .blob = NULL };
        struct key key = call_key(call, index + i);
        const struct entry *e = call_find(call, &key, FIND_QUIET);
        if (e) string_read(e, &view);
        s->exists[i] = e != NULL;
        s->texts[i] = view.bytes;
        s->blobs[i] = view.blob ? blob_hold(view.blob) : NULL;
        if (view.blob || !view.bytes.size) continue;
        memcpy(copy, view.bytes.data, view.bytes.size);
        s->texts[i].data = copy;
        copy += view.bytes.size;
    }
    return s;
}

void strings_release(struct strings_held *s, struct heap *heap)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->blobs[i]) blob_release(s->blobs[i]);
    heap_give(heap, s, s->bytes, HEAP_OTHER);
}
