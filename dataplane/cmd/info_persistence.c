// info_persistence.c: INFO's section persistence. Nothing forks, so what Redis calls copy-on-write
// is what a snapshot takes of memory beside the data.
//
// Source:  spec/aof.md chapter 8: the fields and their order
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/lane/persist_tally.h"

struct progress {
    uint64_t keys_total, keys_done, extra, extra_most, slice_cycles;
};

static struct progress progress_of(const struct persist *p)
{
    struct progress sum = { 0 };
    for (uint32_t i = 0; i < p->shard_count; i++) {
        const struct persist_shard *s = &p->shards[i];
        sum.keys_total += s->keys_total;
        sum.keys_done += s->keys_done;
        sum.extra += s->extra_bytes;
        sum.extra_most += s->extra_bytes_most;
        if (s->slice_cycles_max > sum.slice_cycles) sum.slice_cycles = s->slice_cycles_max;
    }
    return sum;
}

static void add_under_way(struct text *t, const struct persist *p, const struct progress *sum)
{
    bool is_on = persist_is_saving(p);
    double share = sum->keys_total ? 100.0 * (double)sum->keys_done / (double)sum->keys_total : 0;
    text_add(t, "current_cow_peak:%lu\r\ncurrent_cow_size:%lu\r\ncurrent_cow_size_age:0\r\n",
             (unsigned long)(is_on ? sum->extra_most : 0), (unsigned long)(is_on ? sum->extra : 0));
    text_add(t,
             "current_fork_perc:%.2f\r\ncurrent_save_keys_processed:%lu\r\n"
             "current_save_keys_total:%lu\r\n",
             is_on ? share : 0, (unsigned long)(is_on ? sum->keys_done : 0),
             (unsigned long)(is_on ? sum->keys_total : 0));
}

static void add_snapshots(struct text *t, const struct server *s, const struct persist_tally *p)
{
    text_add(t,
             "rdb_changes_since_last_save:%lu\r\nrdb_bgsave_in_progress:%d\r\n"
             "rdb_last_save_time:%lu\r\nrdb_last_bgsave_status:%s\r\n",
             (unsigned long)persist_dirty(s), (int)p->is_saving, (unsigned long)p->last_save.unix_s,
             p->last_save.is_ok ? "ok" : "err");
    text_add(t,
             "rdb_last_bgsave_time_sec:%ld\r\nrdb_current_bgsave_time_sec:%ld\r\nrdb_saves:%lu\r\n"
             "rdb_last_cow_size:%lu\r\n",
             (long)p->last_save.took_s, (long)p->save_s, (unsigned long)p->last_save.count,
             (unsigned long)p->last_save.extra_bytes);
}

// ---- the append-only log

static void add_log(struct text *t, const struct persist_tally *p)
{
    text_add(t,
             "aof_enabled:%d\r\naof_rewrite_in_progress:%d\r\naof_rewrite_scheduled:%d\r\n"
             "aof_last_rewrite_time_sec:%ld\r\naof_current_rewrite_time_sec:%ld\r\n",
             (int)p->has_log, (int)p->is_rewriting, (int)p->is_rewrite_scheduled,
             (long)p->last_rewrite_s, (long)p->rewrite_s);
    text_add(t,
             "aof_last_bgrewrite_status:%s\r\naof_rewrites:%lu\r\n"
             "aof_rewrites_consecutive_failures:%lu\r\naof_last_write_status:%s\r\n"
             "aof_last_cow_size:%lu\r\n",
             p->last_rewrite_ok ? "ok" : "err", (unsigned long)p->rewrites,
             (unsigned long)p->rewrite_failures, p->is_log_writable ? "ok" : "err",
             (unsigned long)p->last_rewrite_extra_bytes);
}

struct log_sums {
    uint64_t buffered, delayed, unsynced; // unsynced: the kernel has it, the disk perhaps not
    uint64_t lag;                         // not durable yet
};

static struct log_sums log_sums_of(const struct persist *p)
{
    struct log_sums sum = { 0 };
    for (uint32_t i = 0; i < p->shard_count; i++) {
        const struct aof_shard *one = &p->aof.shards[i];
        sum.buffered += one->buffered_bytes;
        sum.delayed += one->delayed;
        sum.unsynced += one->written - one->durable;
        sum.lag += one->appended - one->durable;
    }
    return sum;
}

static void add_log_bytes(struct text *t, const struct persist_tally *p, const struct log_sums *sum)
{
    text_add(t,
             "aof_current_size:%lu\r\naof_base_size:%lu\r\naof_pending_rewrite:%d\r\n"
             "aof_buffer_length:%lu\r\naof_pending_bio_fsync:%d\r\naof_delayed_fsync:%lu\r\n",
             (unsigned long)p->log_bytes, (unsigned long)p->log_base_bytes,
             (int)p->is_rewrite_scheduled, (unsigned long)sum->buffered, sum->unsynced != 0,
             (unsigned long)sum->delayed);
}

// Our own: how much a loss of power would cost now, and logs with a gap until they are rewritten.
static void add_log_costs(struct text *t, const struct persist_tally *p, const struct log_sums *sum)
{
    text_add(t, "aof_durable_lag_bytes:%lu\r\naof_lost_logs:%lu\r\n", (unsigned long)sum->lag,
             (unsigned long)p->lost_logs);
}

// Our own: how fast, and at what cost to others.
static void add_costs(struct text *t, const struct server *s, const struct persist_tally *p,
                      const struct progress *sum)
{
    uint64_t per_us = s->clock ? s->clock->tsc_hz / 1000000 : 1;
    uint64_t took_ms = p->last_save.took_ms, bytes = p->last_save.bytes;
    text_add(t,
             "rdb_last_file_size:%lu\r\nrdb_last_bytes_per_sec:%lu\r\n"
             "rdb_slice_usec_max:%lu\r\nrdb_extra_memory_max:%lu\r\n",
             (unsigned long)bytes, (unsigned long)(took_ms ? bytes * 1000 / took_ms : 0),
             (unsigned long)(sum->slice_cycles / per_us),
             (unsigned long)s->settings->snapshot_max_extra_memory);
}

void info_persistence(struct text *t, const struct info *info)
{
    static const struct persist none;
    const struct server *s = info->server;
    const struct persist *p = s->persist ? s->persist : &none;
    struct progress sum = progress_of(p);
    struct log_sums log = log_sums_of(p);
    struct persist_tally tally;
    persist_tell(s, &tally);
    info_loading(t, &tally);
    add_under_way(t, p, &sum);
    add_snapshots(t, s, &tally);
    info_loaded(t, &tally);
    add_log(t, &tally);
    text_add(t, "module_fork_in_progress:0\r\nmodule_fork_last_cow_size:0\r\n");
    bool has_log = s->persist && s->settings->appendonly;
    if (has_log) add_log_bytes(t, &tally, &log);
    info_load_progress(t, info, &tally);
    if (s->persist) add_costs(t, s, &tally, &sum);
    if (has_log) add_log_costs(t, &tally, &log);
}
