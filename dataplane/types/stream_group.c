#include "dataplane/types/stream_group.h"
#include "dataplane/base/check.h"
#include "dataplane/types/stream_priv.h"

// ---- arrays of pointers, sorted by name

static int name_compare(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

// Where name is, or would be.
#define FIND_BY_NAME(NAME, TYPE, NAME_OF)                                                          \
    static uint32_t NAME(TYPE *const *all, uint32_t count, struct bytes name, bool *found)         \
    {                                                                                              \
        uint32_t low = 0, high = count;                                                            \
        while (low < high) {                                                                       \
            uint32_t middle = low + (high - low) / 2;                                              \
            if (name_compare(NAME_OF(all[middle]), name) < 0)                                      \
                low = middle + 1;                                                                  \
            else                                                                                   \
                high = middle;                                                                     \
        }                                                                                          \
        *found = low < count && bytes_equal(NAME_OF(all[low]), name);                              \
        return low;                                                                                \
    }
FIND_BY_NAME(group_place, struct stream_group, stream_group_name)
FIND_BY_NAME(consumer_place, struct stream_consumer, stream_consumer_name)

static void *grow_array(struct heap *h, void *array, uint32_t *room, uint32_t count)
{
    if (count < *room) return array;
    uint32_t next = *room ? *room * 2 : 4;
    array = heap_resize(h, array, *room * sizeof(void *), next * sizeof(void *), HEAP_DATASET);
    *room = next;
    return array;
}

static void open_place(void *array, uint32_t at, uint32_t count)
{
    void **p = array;
    memmove(p + at + 1, p + at, (count - at) * sizeof *p);
}

static void close_place(void *array, uint32_t at, uint32_t count)
{
    void **p = array;
    memmove(p + at, p + at + 1, (count - at - 1) * sizeof *p);
}

static void give_array(struct heap *h, void *array, uint32_t room)
{
    heap_give(h, array, room * sizeof(void *), HEAP_DATASET);
}

// ---- groups

struct stream_group *stream_group_find(const struct stream_groups *all, struct bytes name)
{
    bool found;
    uint32_t at = group_place(all->groups, all->count, name, &found);
    return found ? all->groups[at] : NULL;
}

static struct stream_group *group_make(struct tree_space *s, struct bytes name)
{
    struct stream_group *g = heap_take_zeroed(s->heap, sizeof *g + name.size, HEAP_DATASET);
    g->name_size = (uint32_t)name.size;
    if (name.size) memcpy(g->name, name.data, name.size);
    tree_init(&g->pending, &stream_group_pending_shape);
    return g;
}

struct stream_group *stream_group_new(struct tree_space *s, struct stream_groups *all,
                                      struct bytes name, struct stream_id last,
                                      int64_t entries_read)
{
    bool found;
    uint32_t at = group_place(all->groups, all->count, name, &found);
    if (found) return NULL;
    struct stream_group *g = group_make(s, name);
    g->last = last;
    g->entries_read = entries_read;
    all->groups = grow_array(s->heap, all->groups, &all->room, all->count);
    open_place(all->groups, at, all->count++);
    all->groups[at] = g;
    return g;
}

static void consumer_give(struct tree_space *s, struct stream_consumer *c)
{
    tree_drop(s, &c->pending);
    heap_give(s->heap, c, sizeof *c + c->name_size, HEAP_DATASET);
}

static void group_give(struct tree_space *s, struct stream_group *g)
{
    for (uint32_t i = 0; i < g->consumer_count; i++) consumer_give(s, g->consumers[i]);
    tree_drop(s, &g->pending);
    give_array(s->heap, g->consumers, g->consumer_room);
    give_array(s->heap, g->slots, g->slot_room);
    heap_give(s->heap, g, sizeof *g + g->name_size, HEAP_DATASET);
}

void stream_group_drop(struct tree_space *s, struct stream_groups *all, struct stream_group *g)
{
    bool found;
    uint32_t at = group_place(all->groups, all->count, stream_group_name(g), &found);
    CHECK(found && all->groups[at] == g);
    close_place(all->groups, at, all->count--);
    group_give(s, g);
}

void stream_groups_drop(struct tree_space *s, struct stream_groups *all)
{
    for (uint32_t i = 0; i < all->count; i++) group_give(s, all->groups[i]);
    give_array(s->heap, all->groups, all->room);
    *all = (struct stream_groups){ 0 };
}

// ---- copies

static struct stream_consumer *consumer_make(struct tree_space *s, struct bytes name)
{
    struct stream_consumer *c = heap_take_zeroed(s->heap, sizeof *c + name.size, HEAP_DATASET);
    c->name_size = (uint32_t)name.size;
    if (name.size) memcpy(c->name, name.data, name.size);
    tree_init(&c->pending, &stream_consumer_pending_shape);
    return c;
}

static struct stream_consumer *consumer_copy(struct tree_space *s,
                                             const struct stream_consumer *from)
{
    struct stream_consumer *c = consumer_make(s, stream_consumer_name(from));
    c->seen_ms = from->seen_ms;
    c->active_ms = from->active_ms;
    c->slot = from->slot;
    tree_cut(&c->pending, &from->pending);
    return c;
}

static struct stream_group *group_copy(struct tree_space *s, const struct stream_group *from)
{
    struct stream_group *g = group_make(s, stream_group_name(from));
    g->last = from->last;
    g->entries_read = from->entries_read;
    tree_cut(&g->pending, &from->pending);
    if (from->consumer_count == 0) return g;
    g->consumer_room = g->consumer_count = from->consumer_count;
    g->slot_room = g->slot_count = from->slot_count;
    g->slot_free = from->slot_free;
    g->consumers = heap_take(s->heap, g->consumer_room * sizeof(void *), HEAP_DATASET);
    g->slots = heap_take_zeroed(s->heap, g->slot_room * sizeof(void *), HEAP_DATASET);
    for (uint32_t i = 0; i < g->consumer_count; i++) {
        g->consumers[i] = consumer_copy(s, from->consumers[i]);
        g->slots[g->consumers[i]->slot] = g->consumers[i];
    }
    return g;
}

void stream_groups_copy(struct tree_space *s, const struct stream_groups *from,
                        struct stream_groups *to)
{
    *to = (struct stream_groups){ 0 };
    if (from->count == 0) return;
    to->count = to->room = from->count;
    to->groups = heap_take(s->heap, to->room * sizeof(void *), HEAP_DATASET);
    for (uint32_t i = 0; i < to->count; i++) to->groups[i] = group_copy(s, from->groups[i]);
}

struct tree *stream_groups_next_tree(const struct stream_groups *all, struct object_place *place)
{
    if (place->group > all->count) return NULL;
    struct stream_group *g = all->groups[place->group - 1];
    uint32_t member = place->member++;
    if (member < g->consumer_count) return &g->consumers[member]->pending;
    place->group++;
    place->member = 0;
    return &g->pending;
}

uint64_t stream_groups_memory_bytes(const struct stream_groups *all)
{
    uint64_t sum = all->room ? heap_usable(all->room * sizeof(void *)) : 0;
    for (uint32_t i = 0; i < all->count; i++) {
        const struct stream_group *g = all->groups[i];
        sum += heap_usable(sizeof *g + g->name_size) + tree_memory_bytes(&g->pending);
        sum += g->consumer_room ? heap_usable(g->consumer_room * sizeof(void *)) : 0;
        sum += g->slot_room ? heap_usable(g->slot_room * sizeof(void *)) : 0;
        for (uint32_t j = 0; j < g->consumer_count; j++) {
            const struct stream_consumer *c = g->consumers[j];
            sum += heap_usable(sizeof *c + c->name_size) + tree_memory_bytes(&c->pending);
        }
    }
    return sum;
}

// ---- consumers

struct stream_consumer *stream_consumer_find(const struct stream_group *g, struct bytes name)
{
    bool found;
    uint32_t at = consumer_place(g->consumers, g->consumer_count, name, &found);
    return found ? g->consumers[at] : NULL;
}

static uint32_t take_slot(struct tree_space *s, struct stream_group *g)
{
    while (g->slot_free < g->slot_count && g->slots[g->slot_free]) g->slot_free++;
    if (g->slot_free == g->slot_count) {
        CHECK(g->slot_count < STREAM_NO_SLOT);
        g->slots = grow_array(s->heap, g->slots, &g->slot_room, g->slot_count);
        g->slot_count++;
    }
    return g->slot_free++;
}

struct stream_consumer *stream_consumer_new(struct tree_space *s, struct stream_group *g,
                                            struct bytes name, int64_t now_ms)
{
    bool found;
    uint32_t at = consumer_place(g->consumers, g->consumer_count, name, &found);
    if (found) return NULL;
    struct stream_consumer *c = consumer_make(s, name);
    c->seen_ms = now_ms;
    c->active_ms = STREAM_NEVER_ACTIVE;
    g->consumers = grow_array(s->heap, g->consumers, &g->consumer_room, g->consumer_count);
    open_place(g->consumers, at, g->consumer_count++);
    g->consumers[at] = c;
    c->slot = take_slot(s, g);
    g->slots[c->slot] = c;
    return c;
}

bool stream_consumer_drop(struct tree_space *s, struct stream_group *g, struct stream_consumer *c,
                          uint64_t budget)
{
    bool found;
    stream_pending_remove_first(s, g, c, budget);
    if (c->pending.count > 0) return false;
    uint32_t at = consumer_place(g->consumers, g->consumer_count, stream_consumer_name(c), &found);
    CHECK(found && g->consumers[at] == c);
    close_place(g->consumers, at, g->consumer_count--);
    g->slots[c->slot] = NULL;
    if (c->slot < g->slot_free) g->slot_free = c->slot;
    consumer_give(s, c);
    return true;
}
