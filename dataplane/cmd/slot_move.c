#include "dataplane/cmd/slot_move.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/script_shards.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/transaction.h"
#include "dataplane/cmd/watch.h"
#include "dataplane/keyspace/takeover_giant.h"

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

// ---- giants that a command wants

// As long a rest follows, in which the shards serve others.
static bool take_slice_for(struct server *s, struct bytes name)
{
    struct slot_move *m = &s->node->move;
    uint64_t start = clock_tsc(), before = m->takeover.keys;
    uint64_t cycles = s->clock->tsc_hz / 1000000 * JOB_SLICE_SHARED_US;
    bool is_there = takeover_step_for(&m->takeover, name, start + cycles);
    m->keys_fetched += m->takeover.keys - before;
    if (m->takeover.keys != before) put_order(s->node, s);
    uint64_t end = clock_tsc();
    m->rest_until_tsc = end + (end - start);
    return is_there;
}

static bool must_wait_for(struct server *s, struct bytes name)
{
    const struct slot_move *m = &s->node->move;
    if (!is_in_transit(&s->node->placement, name)) return false;
    if (!keyspace_has_giant(m->takeover.from, name)) return false;
    return clock_tsc() < m->rest_until_tsc || !take_slice_for(s, name);
}

struct look {
    const struct call *call;
    bool must_wait;
};

static void look_at_key(void *context, uint32_t index, uint32_t flags)
{
    struct look *l = context;
    (void)flags;
    if (!l->must_wait) l->must_wait = must_wait_for(l->call->server, l->call->argv[index]);
}

static bool wants_giant(void *context, const struct call *call)
{
    struct look l = { .call = call };
    (void)context;
    if (call->command->id == CMD_ID_EXEC) return transaction_any(call, wants_giant, NULL);
    command_find_keys(call->command, call->argv, call->argc, look_at_key, &l);
    return l.must_wait;
}

bool slot_move_must_wait(const struct call *call, shard_set shards)
{
    struct server *s = call->server;
    const struct placement_move *move = &s->node->placement.move;
    shard_set both = shard_set_of(move->from) | shard_set_of(move->to);
    shards |= shard_set_of(s->shard_index);
    if (both & ~shards) return false; // it goes through the router once more
    if (script_busy_among(s, shards) || persist_is_loading(s->persist)) return false; // refused
    return wants_giant(NULL, call);
}
