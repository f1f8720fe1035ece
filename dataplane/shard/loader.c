#include "dataplane/shard/loader.h"
#include <stdio.h>
#include <unistd.h>
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/load.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/replay.h"
#include "dataplane/shard/shard.h"

enum { REPORT_S = 5 };

static struct persist *persist_of(const struct shard *s) { return s->server.persist; }

// ---- the end in error

static void log_line(struct server *server, int level, const char *line)
{
    shard_log(server->shard, level, "%s", line);
}

// Of the snapshot, or of the log's base.
static const char *file_name(const struct shard *s)
{
    const char *base = replay_base_path(persist_of(s));
    return base ? base : s->settings->dbfilename;
}

void loader_end_process(struct shard *s, const char *line, const char *text)
{
    struct region_dataplane *part = s->server.region->dataplane;
    shard_log(s, LOG_WARNING, "%s", line);
    snprintf(part->start_error, sizeof part->start_error, "%.440s\n%s", text,
             "Fatal error loading the DB, check server logs. Exiting.");
    __atomic_store_n(&part->is_final, 1, __ATOMIC_RELEASE);
    _exit(1);
}

// Said once. The others' turns do nothing any more.
static void fail(struct shard *s, const struct load_error *e)
{
    struct persist *p = persist_of(s);
    char text[LOADER_FATAL_MAX];
    s->loader.is_dead = true;
    if (__atomic_exchange_n(&p->load_failed, 1, __ATOMIC_ACQ_REL)) return;
    if (e->is_short)
        shard_log(s, LOG_WARNING,
                  "Short read or OOM loading DB. Unrecoverable error, aborting now.");
    snprintf(text, sizeof text,
             "%.150s cannot be loaded, at offset %lu of %lu: %.220s. The file is left as it is.",
             file_name(s), (unsigned long)e->offset, (unsigned long)p->load_file_bytes, e->reason);
    loader_end_process(s, e->line, text);
}

static void fail_to_read(struct shard *s, const struct file_trouble *t)
{
    struct load_error e = { .offset = t->offset, .is_short = t->is_short };
    snprintf(e.reason, sizeof e.reason, "%s", t->why);
    snprintf(e.line, sizeof e.line,
             "Internal error in RDB reading offset %lu, function at pread -> %s",
             (unsigned long)t->offset, t->why);
    fail(s, &e);
}

// What seems wrong in the file may not have been there.
static void fail_load(struct shard *s, const struct load_error *e)
{
    struct file_trouble trouble;
    if (file_view_find_trouble(&persist_of(s)->load_view, &trouble))
        fail_to_read(s, &trouble);
    else
        fail(s, e);
}

// Who wants this shard to stand has little patience (meeting.h).
static bool may_go_on(const struct shard *s, uint64_t until_tsc)
{
    return clock_tsc() < until_tsc && !meeting_is_wanted(s);
}

// ---- reading ahead

static void read_ahead(struct shard *s, uint64_t until_tsc)
{
    struct file_view *v = &persist_of(s)->load_view;
    struct file_trouble trouble;
    uint64_t end = s->loader.load->file.offset + LOADER_LEAD_BYTES;
    if (end > v->file_bytes) end = v->file_bytes;
    enum status status = OK;
    while (status == OK && file_view_read_bytes(v) < end && may_go_on(s, until_tsc))
        status = file_view_read_ahead(v, end, &trouble);
    if (status != OK) fail_to_read(s, &trouble);
}

static bool is_read_ahead(const struct shard *s)
{
    const struct file_view *v = &persist_of(s)->load_view;
    uint64_t end = s->loader.load->file.offset + LOADER_LEAD_BYTES / 2;
    uint64_t done = file_view_read_bytes(v);
    return done >= end || done == v->file_bytes;
}

// ---- a shard's share

static bool checks_sums(const struct shard *s)
{
    char text[8];
    const struct setting_row *row = setting_find(BYTES_LITERAL("rdbchecksum"));
    size_t size = setting_text(s->settings, row, text, sizeof text);
    return s->server.shard_index == 0 && !bytes_equal(bytes_make(text, size), BYTES_LITERAL("no"));
}

static void open_load(struct shard *s)
{
    struct persist *p = persist_of(s);
    struct load_config config = { .server = &s->server,
                                  .file = file_view_at(&p->load_view, 0),
                                  .flags = p->load_flags,
                                  .log = log_line };
    struct load *l = heap_take(&s->heap, sizeof *l, HEAP_OTHER);
    if (s->server.shard_index != 0) config.flags |= LOAD_QUIET;
    if (!checks_sums(s)) config.flags |= LOAD_UNCHECKED;
    s->loader.generation = p->load_generation;
    s->loader.is_waiting = true;
    s->loader.next_report_ns = s->server.now_ns + REPORT_S * 1000000000ull;
    if (load_open(l, &config)) {
        s->loader.load = l;
        return;
    }
    fail_load(s, &l->error);
    heap_give(&s->heap, l, sizeof *l, HEAP_OTHER);
}

static void close_load(struct shard *s)
{
    if (!s->loader.load) return;
    load_close(s->loader.load);
    heap_give(&s->heap, s->loader.load, sizeof *s->loader.load, HEAP_OTHER);
    s->loader.load = NULL;
}

void loader_close(struct shard *s)
{
    close_load(s);
    if (s->server.shard_index != 0 || !persist_of(s)) return;
    file_view_close(&persist_of(s)->load_view); // it is the last one to close
    replay_close(persist_of(s));
}

// Others look at it meanwhile.
static void tell(uint64_t *at, uint64_t value) { __atomic_store_n(at, value, __ATOMIC_RELAXED); }
static uint64_t look(const uint64_t *at) { return __atomic_load_n(at, __ATOMIC_RELAXED); }

static void publish(struct shard *s)
{
    const struct load *l = s->loader.load;
    struct persist *p = persist_of(s);
    struct persist_shard *mine = &p->shards[s->server.shard_index];
    tell(&mine->keys_loaded, l->keys_loaded);
    tell(&mine->keys_expired, l->keys_expired);
    tell(&mine->keys_empty, l->keys_empty);
    tell(&mine->loaded_bytes, l->file.offset);
    if (s->server.shard_index == 0) p->load_used_memory = l->used_memory;
}

static void sum(const struct persist *p, struct persist_shard *out)
{
    *out = (struct persist_shard){ 0 };
    for (uint32_t i = 0; i < p->shard_count; i++) {
        out->keys_loaded += look(&p->shards[i].keys_loaded);
        out->keys_expired += look(&p->shards[i].keys_expired);
        out->keys_empty += look(&p->shards[i].keys_empty);
    }
}

static void report_progress(struct shard *s)
{
    const struct persist *p = persist_of(s);
    struct persist_shard all;
    if (s->server.shard_index != 0 || s->server.now_ns < s->loader.next_report_ns) return;
    s->loader.next_report_ns = s->server.now_ns + REPORT_S * 1000000000ull;
    sum(p, &all);
    shard_log(s, LOG_NOTICE, "Loading %.200s: %.0f%% of %.2f Mb, keys loaded so far: %lu",
              file_name(s), 100.0 * (double)p->shards[0].loaded_bytes / (double)p->load_file_bytes,
              (double)p->load_file_bytes / (1024 * 1024), (unsigned long)all.keys_loaded);
}

static void report_end(struct shard *s)
{
    const struct persist *p = persist_of(s);
    struct persist_shard all;
    char empty[64] = "";
    uint64_t took_ms = clock_wall_us() / 1000 - p->load_started_ms;
    sum(p, &all);
    if (all.keys_empty)
        snprintf(empty, sizeof empty, ", empty keys skipped: %lu", (unsigned long)all.keys_empty);
    shard_log(s, LOG_NOTICE, "Done loading RDB, keys loaded: %lu, keys expired: %lu%s.",
              (unsigned long)all.keys_loaded, (unsigned long)all.keys_expired, empty);
    if (!replay_base_path(p))
        shard_log(s, LOG_NOTICE, "DB loaded from disk: %.3f seconds", (double)took_ms / 1000);
}

// It is over for all.
static void end_load(struct shard *s)
{
    struct persist *p = persist_of(s);
    __atomic_store_n(&p->loading_left, 0, __ATOMIC_RELEASE);
    if (s->mesh.hub) waker_wake(&s->mesh.hub->wakers[0]); // it tells control
}

static void say_behind(struct shard *s, uint64_t behind)
{
    if (replay_base_path(persist_of(s)))
        replay_note_snapshot(persist_of(s), behind);
    else if (behind)
        shard_log(s, LOG_WARNING,
                  "The last %lu bytes of %.200s are behind the snapshot's end, and "
                  "were not looked at",
                  (unsigned long)behind, s->settings->dbfilename);
}

// What was put by loading is no change since the last save.
static void end_share(struct shard *s)
{
    struct persist *p = persist_of(s);
    uint64_t behind = s->loader.load->behind_end;
    p->shards[s->server.shard_index].dirty_saved = keyspace_dirty(s->keyspace);
    publish(s);
    close_load(s);
    if (s->server.shard_index == 0) say_behind(s, behind);
    if (__atomic_sub_fetch(&p->loading_left, 1, __ATOMIC_ACQ_REL) != 1) return;
    report_end(s);
    if (replay_base_path(p)) { // the first shard goes on, and unmaps it
        if (s->mesh.hub) waker_wake(&s->mesh.hub->wakers[0]);
        return;
    }
    file_view_close(&p->load_view);
    end_load(s);
}

// Who waits for a key gets what came meanwhile.
static void after_load(struct shard *s)
{
    void (*on_over)(void *context) = s->loader.on_over;
    s->loader.on_over = NULL;
    s->loader.is_waiting = false;
    block_signal_all(&s->server);
    blocks_serve(&s->server);
    if (on_over) on_over(s->loader.context);
}

uint64_t loader_keys_now(const struct shard *s)
{
    int64_t delay = s->settings->key_load_delay;
    uint64_t wait_ns = delay < 0 ? 1000 : (uint64_t)delay * 1000;
    if (LIKELY(delay == 0)) return UINT64_MAX;
    if (s->server.now_ns < s->loader.last_key_ns + wait_ns) return 0;
    return delay < 0 ? (uint64_t)-delay : 1;
}

static enum load_result step(struct shard *s, uint64_t until_tsc)
{
    uint64_t slice = s->server.clock->tsc_hz / 1000000 * LOADER_SLICE_US;
    struct load *l = s->loader.load;
    enum load_result result = LOAD_MORE;
    l->keys_left = loader_keys_now(s);
    if (!l->keys_left) return result;
    s->loader.last_key_ns = s->server.now_ns;
    do {
        result = load_step(l, clock_tsc() + slice);
    } while (result == LOAD_MORE && l->keys_left && may_go_on(s, until_tsc));
    return result;
}

// All have done their share of the snapshot, or there is none.
static bool goes_on_with_log(const struct shard *s)
{
    const struct persist *p = persist_of(s);
    return s->server.shard_index == 0 && replay_base_path(p) &&
           __atomic_load_n(&p->loading_left, __ATOMIC_ACQUIRE) == 1;
}

static void work_on_log(struct shard *s, uint64_t until_tsc)
{
    file_view_close(&persist_of(s)->load_view);
    if (!replay_turn(s, until_tsc)) end_load(s);
}

static void work_on_snapshot(struct shard *s, uint64_t until_tsc)
{
    struct loader *l = &s->loader;
    enum load_result result = LOAD_MORE;
    if (!l->load) open_load(s);
    if (l->load && s->server.shard_index == 0) read_ahead(s, until_tsc);
    if (l->load && !l->is_dead && is_read_ahead(s)) result = step(s, until_tsc);
    if (l->load && file_view_has_failed(&persist_of(s)->load_view)) result = LOAD_FAILED;
    if (result == LOAD_FAILED) fail_load(s, &l->load->error);
    if (l->load && result == LOAD_MORE) publish(s);
    if (result == LOAD_DONE) end_share(s);
    report_progress(s);
}

// Its share is done, and it is not the one that goes on.
static bool is_idle(const struct shard *s)
{
    const struct loader *l = &s->loader;
    bool is_done = !l->load && l->generation == persist_of(s)->load_generation;
    return is_done && !goes_on_with_log(s);
}

// A load of a log alone has no share for it.
static void join(struct shard *s)
{
    const struct persist *p = persist_of(s);
    if (s->loader.generation == p->load_generation || p->load_view.is_open) return;
    s->loader.generation = p->load_generation;
    s->loader.is_waiting = true;
}

uint32_t loader_turn(struct shard *s)
{
    struct loader *l = &s->loader;
    const struct persist *p = persist_of(s);
    if (LIKELY(!persist_is_loading(p))) {
        if (p && UNLIKELY(l->generation != p->load_generation)) join(s);
        if (UNLIKELY(l->is_waiting)) after_load(s);
        return 0;
    }
    if (l->is_dead || s->stopping || s->server.busy_script) return 0;
    join(s);
    if (is_idle(s)) return 0;
    uint64_t until_tsc = clock_tsc() + s->server.clock->tsc_hz / 1000000 * LOADER_TURN_US;
    cycle_meter_switch(&s->server.meter, CYCLES_EXECUTE);
    if (goes_on_with_log(s))
        work_on_log(s, until_tsc);
    else
        work_on_snapshot(s, until_tsc);
    s->job_ran = true; // there is more to do: not to sleep
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    return 1;
}
