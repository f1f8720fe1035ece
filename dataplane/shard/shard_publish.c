// shard_publish.c: the levels that the shard copies into the region a few times a second, for who
// reads them without disturbing it.
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/script_cache.h"
#include "dataplane/shard/shard.h"

_Static_assert(sizeof(((struct server *)0)->error_stats) ==
                   sizeof(((struct region_errors *)0)->rows),
               "what is copied has the same rows");
_Static_assert((int)LATENCY_EVENT_COUNT <= (int)LATENCY_TALLY_MAX, "each kind of event has a row");

static void publish_databases(struct shard *s)
{
    struct database_tally *rows = s->server.tally->databases;
    int64_t count = s->settings->databases;
    if (count > DATABASE_TALLY_MAX) count = DATABASE_TALLY_MAX;
    for (uint32_t db = 0; db < (uint32_t)count; db++)
        rows[db] = (struct database_tally){
            .keys = keyspace_size(s->keyspace, db),
            .keys_with_deadline = keyspace_deadline_count(s->keyspace, db),
            .ttl_ms_average = keyspace_average_ttl_ms(s->keyspace, db, s->server.now_ms),
        };
}

static void publish_errors(struct shard *s)
{
    const struct server *from = &s->server;
    struct region_errors *to = &from->region_shard->errors;
    uint64_t writing = to->sequence + 1;
    __atomic_store_n(&to->sequence, writing, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    to->count = from->error_stat_count;
    to->others = from->error_stats_overflow;
    for (uint32_t i = 0; i < from->error_stat_count; i++) {
        memcpy(to->rows[i].code, from->error_stats[i].code, sizeof to->rows[i].code);
        to->rows[i].count = from->error_stats[i].count;
    }
    __atomic_store_n(&to->sequence, writing + 1, __ATOMIC_RELEASE);
}

static void publish_heap(struct shard *s)
{
    struct shard_tally *t = s->server.tally;
    struct heap_pages pages;
    heap_measure(&s->heap, &pages);
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) t->heap_bytes[i] = s->heap.bytes[i];
    t->heap_allocated = pages.allocated_bytes;
    t->heap_active = pages.active_bytes;
    t->heap_resident = pages.resident_bytes;
    t->heap_peak = s->heap.bytes_peak;
    t->heap_startup = s->server.startup_memory_bytes;
    if (s->heap.bytes_total <= s->server.peak_memory_bytes) return;
    s->server.peak_memory_bytes = s->heap.bytes_total;
    s->server.peak_memory_ms = s->server.now_ms;
}

static void publish_clients(struct shard *s)
{
    const struct server *from = &s->server;
    struct shard_tally *t = from->tally;
    t->connected_clients = from->clients.all.count;
    t->timeout_clients = blocks_timeout_count(from);
    t->pubsub_channels = from->pubsub.names[PUBSUB_CHANNEL].count;
    t->pubsub_patterns = from->pubsub.names[PUBSUB_PATTERN].count;
    t->pubsub_shard_channels = from->pubsub.names[PUBSUB_SHARD_CHANNEL].count;
    t->tracking_clients = from->tracking.clients;
    t->tracking_keys = from->tracking.keys.count;
    t->tracking_items = from->tracking.items;
    // Each shard knows those of all.
    t->tracking_prefixes = from->shard_index ? 0 : from->tracking.prefixes.count;
}

static void publish_scripts(struct shard *s)
{
    struct shard_tally *t = s->server.tally;
    struct scripts_memory m;
    scripts_measure(&s->server, &m);
    t->cached_scripts = m.eval.count;
    t->functions = m.function_count;
    t->libraries = m.library_count;
    t->script_vm_bytes = m.eval.vm_bytes;
    t->script_bytes = m.eval.cached_bytes + m.functions.cached_bytes;
}

static void publish_defrag(struct shard *s)
{
    const struct defrag *from = &s->server.defrag;
    struct shard_tally *t = s->server.tally;
    t->defrag_percent = from->percent;
    t->defrag_hits = from->hits;
    t->defrag_misses = from->misses;
    t->defrag_key_hits = from->key_hits;
    t->defrag_key_misses = from->key_misses;
}

static struct slowlog_tally newest_slow(const struct slowlog *log)
{
    const struct list_node *newest = list_first(&log->all);
    if (!newest) return (struct slowlog_tally){ 0 };
    const struct slowlog_entry *e = LIST_OWNER(newest, struct slowlog_entry, link);
    return (struct slowlog_tally){ e->time_s, e->id, e->execute_us };
}

static struct latency_tally newest_sample(const struct latency_series *series)
{
    if (!series) return (struct latency_tally){ 0 };
    const struct latency_sample *newest = latency_at(series, series->count - 1);
    return (struct latency_tally){ newest->time_s, newest->latency_ms };
}

static void publish_slow(struct shard *s)
{
    const struct server *from = &s->server;
    struct shard_tally *t = from->tally;
    t->slowlog_entries = from->slowlog.all.count;
    t->slowlog_last = newest_slow(&from->slowlog);
    for (uint32_t i = 0; i < LATENCY_EVENT_COUNT; i++)
        t->latencies[i] = newest_sample(from->latency.series[i]);
}

static void publish_log(struct shard *s, const struct aof_shard *from)
{
    struct shard_tally *t = s->server.tally;
    t->log_appended_bytes = from->appended;
    t->log_file_bytes = from->file_bytes;
    t->log_buffered_bytes = from->buffered_bytes;
    t->log_unsynced_bytes = from->written - from->durable;
    t->log_lag_bytes = from->appended - from->durable;
    t->log_delayed_syncs = from->delayed;
}

static void publish_persist(struct shard *s)
{
    const struct persist *p = s->server.persist;
    struct shard_tally *t = s->server.tally;
    uint32_t index = s->server.shard_index;
    if (index == 0) persist_publish(&s->server, &s->server.region->dataplane->persist);
    if (!p) return;
    t->snapshot_extra_bytes = p->shards[index].extra_bytes;
    t->snapshot_slice_cycles_max = p->shards[index].slice_cycles_max;
    publish_log(s, &p->aof.shards[index]);
}

void shard_refresh_tally(struct shard *s)
{
    struct shard_tally *t = s->server.tally;
    t->lazyfree_pending = keyspace_reap_pending(s->keyspace);
    t->dirty = keyspace_dirty(s->keyspace);
    publish_persist(s);
    publish_heap(s);
    publish_clients(s);
    publish_scripts(s);
    publish_defrag(s);
    publish_slow(s);
    publish_databases(s);
    publish_errors(s);
    // Last: who finds it recent finds the rest recent.
    __atomic_store_n(&t->refreshed_wall_us, clock_wall_us(), __ATOMIC_RELEASE);
}
