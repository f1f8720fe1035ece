#include "dataplane/cmd/command_latency.h"
#include <math.h>
#include "dataplane/cmd/node.h"

_Static_assert(sizeof(struct command_latency) == 8192, "a size class of the heap");

struct command_latency *command_latency_start(struct server *s, uint16_t id)
{
    struct command_latency *h = heap_take_zeroed(s->heap, sizeof *h, HEAP_OTHER);
    s->command_latencies.by_id[id] = h;
    return h;
}

void command_latency_reset(struct server *s)
{
    for (uint32_t i = 0; i < COMMAND_TALLY_MAX; i++) {
        struct command_latency **h = &s->command_latencies.by_id[i];
        heap_give(s->heap, *h, sizeof **h, HEAP_OTHER);
        *h = NULL;
    }
}

bool command_latency_sum(struct server *s, uint16_t id, struct command_latency *out)
{
    bool is_any = false;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct command_latency *h = server_peer(s, i)->command_latencies.by_id[id];
        if (!h) continue;
        if (!is_any) *out = (struct command_latency){ 0 };
        is_any = true;
        for (uint32_t b = 0; b < COMMAND_LATENCY_BUCKETS; b++) out->counts[b] += h->counts[b];
    }
    return is_any;
}

uint64_t command_latency_count(const struct command_latency *h)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < COMMAND_LATENCY_BUCKETS; i++) count += h->counts[i];
    return count;
}

uint64_t command_latency_below(const struct command_latency *h, uint64_t cycles)
{
    uint64_t count = 0;
    uint32_t last = command_latency_bucket(cycles);
    for (uint32_t i = 0; i <= last; i++) count += h->counts[i];
    return count;
}

static uint64_t upper_edge(uint32_t bucket)
{
    const uint32_t subs = 1u << COMMAND_LATENCY_SUB_BITS;
    uint32_t shift =
        (bucket >> COMMAND_LATENCY_SUB_BITS) + COMMAND_LATENCY_LOW_BITS - COMMAND_LATENCY_SUB_BITS;
    return ((uint64_t)(subs + bucket % subs + 1) << shift) - 1;
}

uint64_t command_latency_percentile(const struct command_latency *h, double percent)
{
    double wanted = ceil(percent / 100 * (double)command_latency_count(h));
    uint64_t rank = wanted < 1 ? 1 : (uint64_t)wanted, seen = 0;
    for (uint32_t i = 0; i < COMMAND_LATENCY_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen >= rank) return upper_edge(i);
    }
    return upper_edge(COMMAND_LATENCY_BUCKETS - 1);
}
