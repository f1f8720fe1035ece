#include "dataplane/cmd/slot_move.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/script_shards.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/watch.h"

const char *slot_move_order(struct node *node, uint32_t first, uint32_t last, uint32_t to)
{
    struct slot_move *m = &node->move;
    if (m->is_running) return "ERR Slots are being moved already";
    if (first > last || last >= SLOT_COUNT) return "ERR Invalid range of slots";
    if (to >= node->shard_count) return "ERR No such shard";
    *m = (struct slot_move){ .is_running = true, .first = first, .last = last, .to = to };
    return NULL;
}

static bool is_in_transit(void *context, struct bytes name)
{
    return placement_is_in_transit(context, key_slot(name));
}

static void set_held(struct node *node, uint64_t *held, bool is_held)
{
    for (uint32_t i = 0; i < node->shard_count; i++) {
        struct server *s = node->servers[i];
        if (is_held) held[i] = s->held;
        s->held = is_held ? shard_set_all(node->shard_count) : held[i];
    }
}

// What the old shard knows of keys in transit beside their values.
static void leave(struct node *node, struct server *from)
{
    struct placement *p = &node->placement;
    uint64_t held[PLACEMENT_SHARDS_MAX];
    set_held(node, held, true); // each may touch all others
    for (uint32_t i = 0; i < node->shard_count; i++)
        blocks_reroute(node->servers[i], is_in_transit, p);
    watch_touch_those(from, is_in_transit, p);
    tracking_forget_those(from, is_in_transit, p);
    set_held(node, held, false);
}

// False: the range is all where it has to be.
static bool begin(struct node *node)
{
    struct slot_move *m = &node->move;
    const uint8_t *owner = node->placement.shard_of_slot;
    uint32_t slot = m->first;
    while (slot <= m->last && owner[slot] == m->to) slot++;
    if (slot > m->last) return false;
    struct server *from = node->servers[owner[slot]], *to = node->servers[m->to];
    struct placement_move move = {
        .from = owner[slot], .to = (uint8_t)m->to, .first = slot, .last = m->last
    };
    placement_begin_move(&node->placement, &move);
    m->takeover = (struct takeover){ .from = from->keyspace,
                                     .to = to->keyspace,
                                     .concerns = is_in_transit,
                                     .context = &node->placement };
    leave(node, from);
    return true;
}

// What was done to keys that change their shard stands in the old one's log so far.
static void put_order(struct node *node, struct server *s)
{
    const struct placement_move *move = &node->placement.move;
    effects_put_order(s, shard_set_of(move->from) | shard_set_of(move->to));
}

bool slot_move_step(struct node *node, uint64_t until_tsc)
{
    struct slot_move *m = &node->move;
    m->portions++;
    if (!node->placement.move.is_active && !begin(node)) {
        m->is_running = false;
        return true;
    }
    const struct placement_move *move = &node->placement.move;
    uint64_t before = m->takeover.keys;
    bool is_through = takeover_step(&m->takeover, until_tsc);
    m->keys_taken += m->takeover.keys - before;
    if (m->takeover.keys != before || is_through) put_order(node, node->servers[move->to]);
    if (is_through) placement_end_move(&node->placement);
    return false;
}

bool slot_move_may_step(const struct node *node)
{
    for (uint32_t i = 0; i < node->shard_count; i++) {
        const struct jobs *jobs = &node->servers[i]->jobs;
        if (jobs->closed || jobs->watchers.count) return false;
    }
    return !script_busy_among(node->servers[0], shard_set_all(node->shard_count));
}

shard_set slot_move_shards(struct server *s, struct bytes key)
{
    struct node *node = s->node;
    const struct placement_move *move = &node->placement.move;
    shard_set shards = placement_shards(&node->placement, key);
    if (!shard_set_rest(shards) || (shards & ~s->held)) return shards;
    put_order(node, s);
    node->move.keys_fetched +=
        keyspace_fetch(node->servers[move->to]->keyspace, node->servers[move->from]->keyspace, key);
    return shard_set_of(move->to);
}
