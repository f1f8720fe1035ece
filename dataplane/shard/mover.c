#include "dataplane/shard/mover.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/shard.h"

static struct node *node_of(const struct shard *s) { return s->server.node; }

uint64_t mover_next_ns(const struct shard *s)
{
    const struct node *n = node_of(s);
    if (LIKELY(!n) || s->server.shard_index != 0 || !n->move.is_running) return UINT64_MAX;
    return s->mover_next_ns;
}

static void publish(struct shard *s)
{
    struct region *region = s->server.region;
    region_slots_write(&region->dataplane->slots, node_of(s)->placement.shard_of_slot);
}

static void tell_end(struct shard *s)
{
    const struct slot_move *m = &node_of(s)->move;
    shard_log(s, LOG_NOTICE,
              "Slots %u-%u belong to shard %u: %lu keys moved, %lu of them on demand", m->first,
              m->last, m->to, (unsigned long)(m->keys_taken + m->keys_fetched),
              (unsigned long)m->keys_fetched);
}

// False: they cannot be had now.
static bool step_held(struct shard *s, shard_set others, bool *is_over)
{
    struct node *n = node_of(s);
    uint64_t cycles = s->server.clock->tsc_hz / 1000000 * MOVER_PORTION_US;
    if (!meeting_hold(s, others)) return false;
    bool may = slot_move_may_step(n);
    uint32_t generation = n->placement.generation;
    if (may) *is_over = slot_move_step(n, clock_tsc() + cycles);
    meeting_let_go(s, others);
    if (n->placement.generation != generation) publish(s);
    return may;
}

void mover_turn(struct shard *s)
{
    if (LIKELY(mover_next_ns(s) > s->server.now_ns)) return;
    if (UNLIKELY(persist_is_loading(s->server.persist))) return;
    shard_set others = shard_set_all(node_of(s)->shard_count) & ~shard_set_of(0);
    bool is_over = false;
    uint64_t start = clock_tsc();
    bool done = step_held(s, others, &is_over);
    uint64_t took_ns = (clock_tsc() - start) / (s->server.clock->tsc_hz / 1000000) * 1000;
    shard_read_clocks(s);
    s->mover_next_ns = s->server.now_ns + (done ? MOVER_REST * took_ns : MOVER_RETRY_US * 1000u);
    if (is_over) tell_end(s);
}
