// stream_trim.c: entries that go: one by its ID, many from the left.
#include "dataplane/base/check.h"
#include "dataplane/types/stream_priv.h"

// ---- nodes

// From a chunk of a node to its first one.
static void go_to_node(const struct stream_cut *now, struct stream_spot *spot)
{
    while (!stream_chunk_starts_node(spot->chunk.body)) {
        bool is_there = stream_spot_prev(now, spot);
        CHECK(is_there);
    }
}

// The node that begins at spot, which moves to the next one.
struct node_look {
    uint64_t live, chunk_count;
    bool has_tail, is_last;
    struct stream_id bound; // its last ID is not above, and is below when it is not the last node
};

static void look_at_node(const struct stream_cut *now, struct stream_spot *spot,
                         struct node_look *n)
{
    struct stream_chunk last;
    *n = (struct node_look){ .is_last = true };
    do {
        last = spot->chunk;
        n->live += stream_chunk_live(last.body);
        n->chunk_count += !spot->in_tail;
        n->has_tail |= spot->in_tail;
        if (!stream_spot_next(now, spot)) {
            n->bound = stream_chunk_last(&last);
            return;
        }
    } while (!stream_chunk_starts_node(spot->chunk.body));
    n->is_last = false;
    n->bound = spot->chunk.base;
}

// Whether all its IDs, those of deleted entries too, are below id.
static bool node_is_below(const struct stream_cut *now, uint64_t first, const struct node_look *n,
                          struct stream_id id)
{
    struct stream_spot spot;
    int order = stream_id_compare(n->bound, id);
    if (n->is_last || order <= 0) return n->is_last ? order < 0 : true;
    bool is_there = stream_spot_at(now, first + n->chunk_count - 1, &spot);
    CHECK(is_there);
    return stream_id_compare(stream_chunk_last(&spot.chunk), id) < 0;
}

static void remove_nodes(struct keyspace *k, struct stream_object *s, uint64_t first,
                         uint64_t chunk_count, bool takes_tail)
{
    if (takes_tail) {
        stream_tail_drop(s);
        s->node.is_known = false;
    }
    if (chunk_count == 0) return;
    struct tree_space *space = keyspace_space(k);
    if (chunk_count == s->now.chunks.count)
        tree_drop(space, &s->now.chunks);
    else
        tree_remove_range(space, &s->now.chunks, first, chunk_count);
    // The last node may end in the tree when its tail has gone before.
    if (!s->now.tail) s->node.is_known = false;
}

// ---- one entry

// The node of spot goes when nothing is left in it.
static void remove_node_if_empty(struct keyspace *k, struct stream_object *s,
                                 struct stream_spot *spot)
{
    struct node_look n;
    go_to_node(&s->now, spot);
    uint64_t first = stream_spot_index(&s->now, spot);
    look_at_node(&s->now, spot, &n);
    if (n.live > 0) return;
    remove_nodes(k, s, first, n.chunk_count, n.has_tail);
    s->now.facts.node_count--;
}

static void count_removed(struct stream_object *s, const struct stream_spot *spot, uint64_t n)
{
    s->now.facts.count -= n;
    if (s->node.is_known && stream_id_compare(spot->chunk.base, s->node.master) >= 0)
        s->node.live -= n;
}

bool stream_remove(struct keyspace *k, struct stream_object *s, struct stream_id id)
{
    struct stream_edit e;
    struct stream_facts *f = &s->now.facts;
    if (!stream_spot_of(&s->now, id, &e.spot) || !stream_chunk_has(&e.spot.chunk, id)) return false;
    stream_edit_begin(k, s, &e);
    bool is_removed = stream_chunk_remove(e.body, &e.size, e.spot.chunk.base, id);
    CHECK(is_removed);
    bool is_empty = stream_chunk_live(e.body) == 0;
    stream_edit_end(k, s, &e);
    count_removed(s, &e.spot, 1);
    if (is_empty && stream_spot_of(&s->now, id, &e.spot)) remove_node_if_empty(k, s, &e.spot);
    if (stream_id_compare(id, f->max_deleted) > 0) f->max_deleted = id;
    if (f->count == 0 || stream_id_compare(id, f->first) == 0) stream_find_first(s);
    return true;
}

// ---- trimming

bool stream_trim_plan(const struct stream_cut *now, struct stream_trim *t, uint64_t budget)
{
    struct stream_spot spot;
    struct node_look n;
    if (t->takes_tail || !stream_spot_at(now, t->chunk_count, &spot)) return true;
    do {
        uint64_t left = now->facts.count - t->removed;
        if (!t->by_id && left <= t->count_max) return true;
        look_at_node(now, &spot, &n);
        if (t->limit && t->removed + n.live > t->limit) return true;
        bool is_whole = t->by_id ? node_is_below(now, t->chunk_count, &n, t->id_min)
                                 : left - n.live >= t->count_max;
        if (!is_whole) {
            if (!t->approximate) t->part = t->by_id ? UINT64_MAX : left - t->count_max;
            return true;
        }
        t->removed += n.live;
        t->chunk_count += n.chunk_count;
        t->node_count++;
        t->takes_tail = n.has_tail;
        if (n.is_last) return true;
        budget -= n.chunk_count < budget ? n.chunk_count : budget;
    } while (budget > 0);
    return false;
}

void stream_trim_forget(struct stream_trim *t)
{
    t->removed = t->chunk_count = t->node_count = t->part = 0;
    t->takes_tail = false;
}

// From the first node. What is emptied of it stays as long as the node does.
static uint64_t trim_part(struct keyspace *k, struct stream_object *s, const struct stream_trim *t)
{
    const struct stream_id *below = t->by_id ? &t->id_min : NULL;
    struct stream_edit e;
    uint64_t removed = 0;
    for (uint64_t index = 0; removed < t->part; index++) {
        if (!stream_spot_at(&s->now, index, &e.spot)) break;
        if (stream_chunk_live(e.spot.chunk.body) == 0) continue;
        stream_edit_begin(k, s, &e);
        uint32_t n =
            stream_chunk_trim(e.body, &e.size, e.spot.chunk.base, t->part - removed, below);
        bool goes_on = stream_chunk_live(e.body) == 0;
        stream_edit_end(k, s, &e);
        count_removed(s, &e.spot, n);
        removed += n;
        if (!goes_on) break;
    }
    return removed;
}

uint64_t stream_trim_apply(struct keyspace *k, struct stream_object *s, struct stream_trim *t)
{
    struct stream_facts *f = &s->now.facts;
    remove_nodes(k, s, 0, t->chunk_count, t->takes_tail);
    f->node_count -= t->node_count;
    f->count -= t->removed;
    if (t->part > 0) t->removed += trim_part(k, s, t);
    if (t->removed > 0) stream_find_first(s);
    return t->removed;
}
