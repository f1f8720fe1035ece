// metrics_persist.c: snapshots and the append-only log of the whole process: under redis_exporter's
// names where it has them, under our own what Redis has not. What each shard has is in the ledger.
#include "control/metrics_view.h"

static const struct row {
    const char *name;
    enum metrics_type type;
    uint32_t offset; // of a word with a sign: -1 is shown as such, as the exporter does
    const char *help;
} rows[] = {
#define FIELD(field) offsetof(struct persist_tally, field)
    { "redis_rdb_bgsave_in_progress", METRICS_GAUGE, FIELD(is_saving),
      "1 while a snapshot is under way, else 0." },
    { "redis_rdb_last_save_timestamp_seconds", METRICS_GAUGE, FIELD(last_save.unix_s),
      "When the last snapshot that worked was done, since 1970; at first, the start." },
    { "redis_rdb_last_bgsave_status", METRICS_GAUGE, FIELD(last_save.is_ok),
      "1 when the last snapshot worked, else 0." },
    { "redis_rdb_last_bgsave_duration_sec", METRICS_GAUGE, FIELD(last_save.took_s),
      "Time that the last snapshot took; -1: there was none." },
    { "redis_rdb_current_bgsave_duration_sec", METRICS_GAUGE, FIELD(save_s),
      "Time of the snapshot under way so far; -1: there is none." },
    { "redis_rdb_last_cow_size_bytes", METRICS_GAUGE, FIELD(last_save.extra_bytes),
      "Most memory that the last snapshot took beside the data." },
    { "redis_rdb_saves_total", METRICS_COUNTER, FIELD(last_save.count), "Snapshots that worked." },
    { "redis_rdb_last_load_loaded_keys", METRICS_GAUGE, FIELD(load_keys),
      "Keys that the last snapshot loaded had." },
    { "redis_rdb_last_load_expired_keys", METRICS_GAUGE, FIELD(load_expired_keys),
      "Keys of it that had expired and were left out." },
    { "redis_aof_enabled", METRICS_GAUGE, FIELD(has_log),
      "1 when there is an append-only log, else 0." },
    { "redis_aof_rewrite_in_progress", METRICS_GAUGE, FIELD(is_rewriting),
      "1 while the log is rewritten, else 0." },
    { "redis_aof_rewrite_scheduled", METRICS_GAUGE, FIELD(is_rewrite_scheduled),
      "1 while a rewrite waits for a snapshot's end, else 0." },
    { "redis_aof_pending_rewrite", METRICS_GAUGE, FIELD(is_rewrite_scheduled),
      "1 while a rewrite waits for a snapshot's end, else 0." },
    { "redis_aof_last_rewrite_duration_sec", METRICS_GAUGE, FIELD(last_rewrite_s),
      "Time that the last rewrite took; -1: there was none." },
    { "redis_aof_current_rewrite_duration_sec", METRICS_GAUGE, FIELD(rewrite_s),
      "Time of the rewrite under way so far; -1: there is none." },
    { "redis_aof_last_bgrewrite_status", METRICS_GAUGE, FIELD(last_rewrite_ok),
      "1 when the last rewrite worked, else 0." },
    { "redis_aof_last_write_status", METRICS_GAUGE, FIELD(is_log_writable),
      "1 when the log can be written, else 0." },
    { "redis_aof_last_cow_size_bytes", METRICS_GAUGE, FIELD(last_rewrite_extra_bytes),
      "Most memory that the last rewrite took beside the data." },
    { "redis_aof_current_size_bytes", METRICS_GAUGE, FIELD(log_bytes),
      "Bytes of the log's files, of all shards and the base." },
    { "redis_aof_base_size_bytes", METRICS_GAUGE, FIELD(log_base_bytes),
      "Bytes of the log when it was loaded or rewritten last." },
    { "penstock_snapshot_last_bytes", METRICS_GAUGE, FIELD(last_save.bytes),
      "Size of the last snapshot's file." },
    { "penstock_log_rewrites_total", METRICS_COUNTER, FIELD(rewrites),
      "Rewrites of the log that worked." },
    { "penstock_log_rewrite_failures", METRICS_GAUGE, FIELD(rewrite_failures),
      "Rewrites of the log that failed since one worked." },
    { "penstock_log_lost", METRICS_GAUGE, FIELD(lost_logs),
      "Shards whose log has a gap until it is rewritten: the disk lost what it had taken." },
#undef FIELD
};

// Sums of what each shard says. The first shard may have said more of them than they themselves.
static void write_sums(struct metrics_text *t, const struct shard_tally *sum, uint64_t dirty_saved)
{
    metrics_single(t, "redis_rdb_changes_since_last_save", METRICS_GAUGE,
                   "Changes of the dataset since the last snapshot that worked.",
                   sum->dirty > dirty_saved ? (double)(sum->dirty - dirty_saved) : 0);
    metrics_single(t, "redis_aof_buffer_length", METRICS_GAUGE,
                   "Bytes of the log that the kernel has not taken yet.",
                   (double)sum->log_buffered_bytes);
    metrics_single(t, "redis_aof_pending_bio_fsync", METRICS_GAUGE,
                   "1 while bytes of the log wait to be synced, else 0.",
                   sum->log_unsynced_bytes != 0);
    metrics_single(t, "redis_aof_delayed_fsync", METRICS_GAUGE,
                   "Times that writing had to wait for a sync.", (double)sum->log_delayed_syncs);
}

static void write_load(struct metrics_text *t, const struct persist_tally *p)
{
    metrics_single(t, "redis_loading_dump_file", METRICS_GAUGE,
                   "1 while a snapshot or a log is loaded, else 0.", (double)p->is_loading);
    metrics_single(t, "penstock_load_bytes", METRICS_GAUGE,
                   "Bytes of the files that are being loaded; 0: none are.", (double)p->load_bytes);
    metrics_single(t, "penstock_load_done_bytes", METRICS_GAUGE, "Bytes of them that are done.",
                   (double)p->load_done_bytes);
}

void metrics_write_persist(struct metrics_text *t, const struct metrics_view *v)
{
    if (!v->has_persist) return;
    write_load(t, &v->persist);
    if (!v->is_alive) return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int64_t *field = (const int64_t *)((const char *)&v->persist + rows[i].offset);
        metrics_single(t, rows[i].name, rows[i].type, rows[i].help, (double)*field);
    }
    write_sums(t, &v->sum, v->persist.last_save.dirty);
}
