// info_loading.c: what INFO's section persistence says of the snapshot that is, or was, loaded.
//
// Source:  Redis 7.2; estimates of the rest as it makes them
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/lane/persist_tally.h"

void info_loading(struct text *t, const struct persist_tally *p)
{
    text_add(t, "loading:%d\r\nasync_loading:0\r\n", (int)p->is_loading);
}

void info_loaded(struct text *t, const struct persist_tally *p)
{
    text_add(t, "rdb_last_load_keys_expired:%lu\r\nrdb_last_load_keys_loaded:%lu\r\n",
             (unsigned long)p->load_expired_keys, (unsigned long)p->load_keys);
}

void info_load_progress(struct text *t, const struct info *info, const struct persist_tally *p)
{
    if (!p->is_reading) return;
    const struct persist *from = info->server->persist;
    uint64_t total = p->load_bytes, done = p->load_done_bytes;
    uint64_t start_s = from->load_started_ms / 1000, now_s = info->server->now_ms / 1000;
    uint64_t elapsed_s = now_s > start_s ? now_s - start_s : 0;
    uint64_t eta_s = elapsed_s ? elapsed_s * (total - done) / (done + 1) : 1;
    text_add(t, "loading_start_time:%lu\r\nloading_total_bytes:%lu\r\nloading_rdb_used_mem:%lu\r\n",
             (unsigned long)start_s, (unsigned long)total, (unsigned long)from->load_used_memory);
    text_add(t,
             "loading_loaded_bytes:%lu\r\nloading_loaded_perc:%.2f\r\nloading_eta_seconds:%lu\r\n",
             (unsigned long)done, total ? 100.0 * (double)done / (double)total : 0,
             (unsigned long)eta_s);
}
