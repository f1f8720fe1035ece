// info_persistence.c: INFO's section persistence. Nothing forks, so what Redis calls copy-on-write
// is what a snapshot takes of memory beside the data.
//
// Source:  spec/aof.md chapter 8: the fields and their order
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/persist.h"

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

static void add_snapshots(struct text *t, const struct server *s, const struct persist *p)
{
    bool is_on = persist_is_saving(p) && !persist_is_saving_base(p);
    int64_t took_s = is_on ? (int64_t)((s->now_ms - p->started_ms) / 1000) : -1;
    text_add(t,
             "rdb_changes_since_last_save:%lu\r\nrdb_bgsave_in_progress:%d\r\n"
             "rdb_last_save_time:%lu\r\nrdb_last_bgsave_status:%s\r\n",
             (unsigned long)persist_dirty(s), is_on, (unsigned long)p->last_save_s,
             p->last_ok ? "ok" : "err");
    text_add(t,
             "rdb_last_bgsave_time_sec:%ld\r\nrdb_current_bgsave_time_sec:%ld\r\nrdb_saves:%lu\r\n"
             "rdb_last_cow_size:%lu\r\n",
             (long)p->last_took_s, (long)took_s, (unsigned long)p->saves,
             (unsigned long)p->last_extra_bytes);
}

// ---- the append-only log

static void add_log(struct text *t, const struct server *s, const struct aof *a)
{
    bool is_on = aof_is_rewriting(s);
    bool is_running = a->is_rewriting && a->rewrite_started_ms < s->now_ms;
    uint64_t took_ms = is_running ? s->now_ms - a->rewrite_started_ms : 0;
    text_add(t,
             "aof_enabled:%d\r\naof_rewrite_in_progress:%d\r\naof_rewrite_scheduled:%d\r\n"
             "aof_last_rewrite_time_sec:%ld\r\naof_current_rewrite_time_sec:%ld\r\n",
             aof_state(a) != AOF_OFF || aof_is_asked_on(a), is_on, aof_is_scheduled(s),
             (long)a->last_rewrite_s, is_on ? (long)(took_ms / 1000) : -1l);
    text_add(t,
             "aof_last_bgrewrite_status:%s\r\naof_rewrites:%lu\r\n"
             "aof_rewrites_consecutive_failures:%lu\r\naof_last_write_status:%s\r\n"
             "aof_last_cow_size:%lu\r\n",
             a->last_rewrite_ok ? "ok" : "err", (unsigned long)a->rewrites,
             (unsigned long)a->failures, aof_error(s) ? "err" : "ok",
             (unsigned long)a->last_extra_bytes);
}

struct log_sums {
    uint64_t buffered, delayed, unsynced; // unsynced: the kernel has it, the disk perhaps not
    uint64_t lag;                         // not durable yet
    uint32_t lost;                        // shards whose log needs a rewrite
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
        sum.lost += one->has_lost;
    }
    return sum;
}

static void add_log_bytes(struct text *t, const struct server *s, const struct persist *p)
{
    struct log_sums sum = log_sums_of(p);
    text_add(t,
             "aof_current_size:%lu\r\naof_base_size:%lu\r\naof_pending_rewrite:%d\r\n"
             "aof_buffer_length:%lu\r\naof_pending_bio_fsync:%d\r\naof_delayed_fsync:%lu\r\n",
             (unsigned long)aof_current_bytes(s), (unsigned long)p->aof.base_bytes,
             aof_is_scheduled(s), (unsigned long)sum.buffered, sum.unsynced != 0,
             (unsigned long)sum.delayed);
}

// Our own: how much a loss of power would cost now, and logs with a gap until they are rewritten.
static void add_log_costs(struct text *t, const struct persist *p)
{
    struct log_sums sum = log_sums_of(p);
    text_add(t, "aof_durable_lag_bytes:%lu\r\naof_lost_logs:%u\r\n", (unsigned long)sum.lag,
             sum.lost);
}

// Our own: how fast, and at what cost to others.
static void add_costs(struct text *t, const struct server *s, const struct progress *sum)
{
    uint64_t per_us = s->clock ? s->clock->tsc_hz / 1000000 : 1;
    const struct persist *p = s->persist;
    uint64_t took_ms = p->last_took_ms, speed = took_ms ? p->last_file_bytes * 1000 / took_ms : 0;
    text_add(t,
             "rdb_last_file_size:%lu\r\nrdb_last_bytes_per_sec:%lu\r\n"
             "rdb_slice_usec_max:%lu\r\nrdb_extra_memory_max:%lu\r\n",
             (unsigned long)p->last_file_bytes, (unsigned long)speed,
             (unsigned long)(sum->slice_cycles / per_us),
             (unsigned long)s->settings->snapshot_max_extra_memory);
}

void info_persistence(struct text *t, const struct info *info)
{
    static const struct persist none = { .last_ok = true,
                                         .last_took_s = -1,
                                         .aof = { .last_rewrite_ok = true, .last_rewrite_s = -1 } };
    const struct server *s = info->server;
    const struct persist *p = s->persist ? s->persist : &none;
    struct progress sum = progress_of(p);
    info_loading(t, info);
    add_under_way(t, p, &sum);
    add_snapshots(t, s, p);
    info_loaded(t, info);
    add_log(t, s, &p->aof);
    text_add(t, "module_fork_in_progress:0\r\nmodule_fork_last_cow_size:0\r\n");
    bool has_log = s->persist && s->settings->appendonly;
    if (has_log) add_log_bytes(t, s, p);
    info_load_progress(t, info);
    if (s->persist) add_costs(t, s, &sum);
    if (has_log) add_log_costs(t, p);
}
