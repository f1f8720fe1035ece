// stream_radix.c: the shape of a tree that is not there: Redis keeps its nodes in a radix tree by
// the 16 bytes of their first IDs. A key has a leaf; where keys part there is one node, and what
// they have in common beyond the byte by which they were chosen is one more.
#include "dataplane/types/stream_priv.h"

enum { LOOK_MAX = 1024, DEPTH_MAX = STREAM_ID_BYTES };

struct radix {
    uint64_t nodes;
    uint32_t forks[DEPTH_MAX + 1], fork_count; // depths where the last key's path parts, from above
    uint8_t last[STREAM_ID_BYTES];
    bool has_last;
};

static uint32_t common_bytes(const uint8_t *a, const uint8_t *b)
{
    uint32_t n = 0;
    while (n < STREAM_ID_BYTES && a[n] == b[n]) n++;
    return n;
}

// All forks below depth are complete. Returns where the lowest thing there begins.
static uint32_t close_forks(struct radix *x, uint32_t depth)
{
    uint32_t below = STREAM_ID_BYTES;
    while (x->fork_count > 0 && x->forks[x->fork_count - 1] > depth) {
        uint32_t fork = x->forks[--x->fork_count];
        x->nodes += below - fork > 1 ? 2 : 1;
        below = fork;
    }
    return below;
}

static void add_key(struct radix *x, struct stream_id id)
{
    uint8_t key[STREAM_ID_BYTES];
    stream_id_store(key, id);
    if (x->has_last) {
        uint32_t depth = common_bytes(x->last, key), below = close_forks(x, depth);
        x->nodes += below - depth > 1;
        if (x->fork_count == 0 || x->forks[x->fork_count - 1] != depth)
            x->forks[x->fork_count++] = depth;
    }
    memcpy(x->last, key, sizeof key);
    x->has_last = true;
    x->nodes++;
}

uint64_t stream_radix_nodes(const struct stream_cut *cut)
{
    struct radix x = { .has_last = false };
    struct stream_spot spot;
    uint64_t all = cut->facts.node_count;
    if (all == 0) return 1;
    if (stream_spot_count(cut) > LOOK_MAX) return all * 2 + all / 128;
    for (bool is_there = stream_spot_first(cut, &spot); is_there;
         is_there = stream_spot_next(cut, &spot))
        if (stream_chunk_starts_node(spot.chunk.body)) add_key(&x, spot.chunk.base);
    uint32_t below = STREAM_ID_BYTES;
    if (x.fork_count > 0) {
        uint32_t top = x.forks[0];
        uint32_t rest = close_forks(&x, top);
        x.nodes += rest - top > 1 ? 2 : 1;
        below = top;
    }
    return x.nodes + (below > 0);
}
