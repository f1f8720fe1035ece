#include "dataplane/cmd/memory_report.h"
#include <string.h>
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/script_cache.h"

void memory_report_make(struct server *s, struct memory_report *r)
{
    const struct heap *heap = s->heap;
    struct scripts_memory scripts;
    if (s->ops) s->ops->refresh_tally(s);
    scripts_measure(s, &scripts);
    *r = (struct memory_report){ .used = heap->bytes_total,
                                 .peak = heap->bytes_peak,
                                 .startup = s->startup_memory_bytes,
                                 .dataset = heap->bytes[HEAP_DATASET],
                                 .scripts = scripts.eval.cached_bytes,
                                 .functions = scripts.functions.cached_bytes,
                                 .script_count = scripts.eval.count,
                                 .allocated = s->tally->heap_allocated,
                                 .active = s->tally->heap_active,
                                 .resident = s->tally->heap_resident,
                                 .rss = info_rss_bytes() };
    if (r->peak < r->used) r->peak = r->used;
    r->overhead = r->used - r->dataset;
    memcpy(r->owners, heap->bytes, sizeof r->owners);
    r->clients = r->owners[HEAP_CLIENT_IN] + r->owners[HEAP_CLIENT_OUT] + r->owners[HEAP_SESSION];
    for (int64_t db = 0; db < s->settings->databases; db++)
        r->keys += keyspace_size(s->keyspace, (uint32_t)db);
}
