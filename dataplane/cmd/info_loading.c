// info_loading.c: what INFO's section persistence says of the snapshot that is, or was, loaded.
//
// Source:  Redis 7.2; estimates of the rest as it makes them
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/persist.h"

void info_loading(struct text *t, const struct info *info)
{
    text_add(t, "loading:%d\r\nasync_loading:0\r\n", persist_is_loading(info->server->persist));
}

void info_loaded(struct text *t, const struct info *info)
{
    const struct persist *p = info->server->persist;
    uint64_t expired = 0, loaded = 0;
    for (uint32_t i = 0; p && i < p->shard_count; i++) {
        expired += p->shards[i].keys_expired;
        loaded += p->shards[i].keys_loaded;
    }
    text_add(t, "rdb_last_load_keys_expired:%lu\r\nrdb_last_load_keys_loaded:%lu\r\n",
             (unsigned long)expired, (unsigned long)loaded);
}

// Every shard goes through the whole file: it is over when the last of them has. Commands of a log
// follow.
static uint64_t done_by_all(const struct persist *p)
{
    uint64_t bytes = p->load_file_bytes;
    for (uint32_t i = 0; i < p->shard_count; i++)
        if (p->shards[i].loaded_bytes < bytes) bytes = p->shards[i].loaded_bytes;
    return bytes + p->load_log_done;
}

void info_load_progress(struct text *t, const struct info *info)
{
    const struct persist *p = info->server->persist;
    if (!persist_reads(p)) return;
    uint64_t total = p->load_file_bytes + p->load_log_bytes, done = done_by_all(p);
    uint64_t start_s = p->load_started_ms / 1000, now_s = info->server->now_ms / 1000;
    uint64_t elapsed_s = now_s > start_s ? now_s - start_s : 0;
    uint64_t eta_s = elapsed_s ? elapsed_s * (total - done) / (done + 1) : 1;
    text_add(t, "loading_start_time:%lu\r\nloading_total_bytes:%lu\r\nloading_rdb_used_mem:%lu\r\n",
             (unsigned long)start_s, (unsigned long)total, (unsigned long)p->load_used_memory);
    text_add(t,
             "loading_loaded_bytes:%lu\r\nloading_loaded_perc:%.2f\r\nloading_eta_seconds:%lu\r\n",
             (unsigned long)done, total ? 100.0 * (double)done / (double)total : 0,
             (unsigned long)eta_s);
}
