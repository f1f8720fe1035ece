#include "dataplane/cmd/kept.h"
#include "dataplane/shard/far_priv.h"
#include "dataplane/shard/shard.h"

enum {
    // With room for the arguments of most requests. A class of jemalloc's, and no power of two,
    // whose heads would all contend for the same few places of a cache.
    KEPT_BYTES = 1280,
    LINE_BYTES = 64,
};
_Static_assert(KEPT_BYTES % LINE_BYTES == 0 && sizeof(struct far_slot) % LINE_BYTES == 0,
               "heap_take_aligned wants whole lines");

static void *take_kept(struct far_kept *kept)
{
    struct list_node *first = kept->first;
    if (UNLIKELY(!first)) return NULL;
    kept->first = first->next;
    kept->count--;
    return first;
}

static bool keep(struct far_kept *kept, struct far_call *f)
{
    if (UNLIKELY(kept->count == FAR_CALLS_KEPT)) return false;
    f->link.next = kept->first;
    kept->first = &f->link;
    kept->count++;
    return true;
}

static struct far_call *clear(struct far_call *f)
{
    memset(f, 0, offsetof(struct far_call, command));
    return f;
}

static struct far_call *take_small(struct shard *s)
{
    struct far_call *f = take_kept(&s->mesh.far_calls);
    return clear(f ? f : heap_take_aligned(&s->heap, KEPT_BYTES, LINE_BYTES, HEAP_SESSION));
}

struct far_call *far_take(struct shard *s, size_t bytes_behind)
{
    if (LIKELY(bytes_behind <= KEPT_BYTES - sizeof(struct far_call))) return take_small(s);
    size_t bytes = (sizeof(struct far_call) + bytes_behind + LINE_BYTES - 1) & ~(LINE_BYTES - 1ul);
    struct far_call *f = clear(heap_take_aligned(&s->heap, bytes, LINE_BYTES, HEAP_CLIENT_IN));
    f->bytes = bytes;
    return f;
}

struct far_slot *far_take_slot(struct shard *s)
{
    struct far_slot *slot = take_kept(&s->mesh.far_slots);
    if (!slot) slot = heap_take_aligned(&s->heap, sizeof *slot, LINE_BYTES, HEAP_SESSION);
    (void)clear(&slot->call);
    slot->call.is_slot = true;
    return slot;
}

void far_free(struct shard *s, struct far_call *f)
{
    if (f->is_slot) {
        if (!keep(&s->mesh.far_slots, f))
            heap_give(&s->heap, f, sizeof(struct far_slot), HEAP_SESSION);
        return;
    }
    if (UNLIKELY(f->again != NULL)) kept_free(&s->heap, f->again);
    if (UNLIKELY(f->bytes))
        heap_give(&s->heap, f, f->bytes, HEAP_CLIENT_IN);
    else if (!keep(&s->mesh.far_calls, f))
        heap_give(&s->heap, f, KEPT_BYTES, HEAP_SESSION);
}

static void give_kept(struct shard *s, struct far_kept *kept, size_t bytes, uint32_t count)
{
    for (; count > 0 && kept->count; count--)
        heap_give(&s->heap, take_kept(kept), bytes, HEAP_SESSION);
}

static void give_share(struct shard *s, struct far_kept *kept, size_t bytes)
{
    enum { SHARE = 8 };
    give_kept(s, kept, bytes, (kept->count + SHARE - 1) / SHARE);
}

void far_trim_kept(struct shard *s)
{
    give_share(s, &s->mesh.far_calls, KEPT_BYTES);
    give_share(s, &s->mesh.far_slots, sizeof(struct far_slot));
}

void far_free_kept(struct shard *s)
{
    give_kept(s, &s->mesh.far_calls, KEPT_BYTES, UINT32_MAX);
    give_kept(s, &s->mesh.far_slots, sizeof(struct far_slot), UINT32_MAX);
}
