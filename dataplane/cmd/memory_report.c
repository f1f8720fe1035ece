#include "dataplane/cmd/memory_report.h"
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/script_cache.h"

static void add_shard(struct memory_report *r, struct server *s)
{
    const struct heap *heap = s->heap;
    if (s->ops) s->ops->refresh_tally(s);
    r->used += heap->bytes_total;
    r->peak += heap->bytes_peak;
    r->startup += s->startup_memory_bytes;
    r->allocated += s->tally->heap_allocated;
    r->active += s->tally->heap_active;
    r->resident += s->tally->heap_resident;
    r->client_count += s->clients.all.count;
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) r->owners[i] += heap->bytes[i];
    for (int64_t db = 0; db < s->settings->databases; db++)
        r->keys += keyspace_size(s->keyspace, (uint32_t)db);
}

void memory_report_make(struct server *s, struct memory_report *r)
{
    struct scripts_memory scripts;
    *r = (struct memory_report){ 0 };
    for (uint32_t i = 0; i < server_peer_count(s); i++) add_shard(r, server_peer(s, i));
    scripts_measure_all(s, &scripts);
    r->scripts = scripts.eval.cached_bytes;
    r->functions = scripts.functions.cached_bytes;
    r->script_count = scripts.eval.count;
    r->rss = info_rss_bytes();
    if (r->peak < r->used) r->peak = r->used;
    r->dataset = r->owners[HEAP_DATASET];
    r->overhead = r->used - r->dataset;
    r->clients = r->owners[HEAP_CLIENT_IN] + r->owners[HEAP_CLIENT_OUT] + r->owners[HEAP_SESSION];
}
