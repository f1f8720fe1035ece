#include "dataplane/shard/saver.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/script_shards.h"
#include "dataplane/cmd/snapshot_form.h"
#include "dataplane/shard/keeper.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/shard.h"
#include "storage/aof/temporary.h"

static struct shard *peer(struct shard *s, uint32_t index)
{
    return server_peer(&s->server, index)->shard;
}

void saving_open(struct saving *g, struct persist *persist, struct flusher *flusher)
{
    *g = (struct saving){ .persist = persist, .flusher = flusher };
    temporary_remove_snapshots();
}

void saver_open(struct shard *s, struct saving *saving)
{
    struct saver *v = &s->saver;
    v->saving = saving;
    snapshot_open(&v->snapshot, &s->server);
    if (saving) v->port = flusher_port_of(saving->flusher, s->server.shard_index);
}

void saver_close(struct shard *s) { snapshot_end(&s->saver.snapshot); }

// ---- errors: the first one counts, and all hear of it

static int error_of(const struct saving *g) { return __atomic_load_n(&g->error, __ATOMIC_ACQUIRE); }

static void fail(struct saving *g, int error)
{
    int32_t none = 0;
    __atomic_compare_exchange_n(&g->error, &none, error, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

// ---- the moment

static void begin_part(struct shard *s, struct persist *p, const struct snapshot_form *form)
{
    struct persist_shard *told = &p->shards[s->server.shard_index];
    struct saver *v = &s->saver;
    snapshot_begin(&v->snapshot, form);
    v->phase = SAVER_WALKING;
    v->is_coordinator = false;
    v->walked_keys = 0;
    told->keys_total = v->snapshot.keys_total;
    told->keys_done = told->extra_bytes = told->extra_bytes_most = told->slice_cycles_max = 0;
    told->dirty_at_cut = keyspace_dirty(s->keyspace);
}

static void on_created(void *context, struct flush_request *r)
{
    struct shard *s = context;
    s->saver.is_creating = false;
    s->saver.is_file_open = !r->error;
    if (!r->error) return;
    s->saver.error_step = r->error_step;
    fail(s->saver.saving, r->error);
}

static void ask(struct shard *s, enum flush_op op,
                void (*done)(void *context, struct flush_request *r))
{
    struct saver *v = &s->saver;
    v->saving->request = (struct flush_request){
        .op = op, .file = &v->saving->file, .target = v->saving->target, .done = done, .context = s
    };
    flush_ask(v->port, &v->saving->request);
}

static void note_begin(struct persist *p, uint64_t now_ms, bool is_base)
{
    if (!is_base) p->started_ms = now_ms;
    __atomic_store_n(&p->saving, is_base ? PERSIST_SAVING_BASE : PERSIST_SAVING, __ATOMIC_RELEASE);
}

// target and path are there.
static void begin_all(struct shard *s, const struct snapshot_form *form)
{
    struct server *server = &s->server;
    struct saving *g = s->saver.saving;
    bool is_base = g->on_base_end != NULL;
    g->file = (struct flush_file){ .kind = FLUSH_SNAPSHOT,
                                   .path = g->path,
                                   .has_trailer = form->has_trailer,
                                   .has_checksum = form->has_trailer && s->settings->rdbchecksum };
    g->is_open = 0;
    g->error = 0;
    g->left = server->shard_count;
    for (uint32_t i = 0; i < server->shard_count; i++) begin_part(peer(s, i), g->persist, form);
    s->saver.is_coordinator = s->saver.is_creating = true;
    s->saver.is_file_open = false;
    s->saver.error_step = NULL;
    s->saver.has_sent_head = !snapshot_add_file_head(&s->saver.snapshot, is_base);
    ask(s, FLUSH_CREATE, on_created);
    note_begin(g->persist, server->now_ms, is_base);
}

const char *saver_begin(struct server *server)
{
    struct shard *s = server->shard;
    struct saving *g = s->saver.saving;
    if (!g) return "ERR This server has no disk";
    int size = snprintf(g->target, sizeof g->target, "%s", s->settings->dbfilename);
    if (size >= (int)sizeof g->target) return "ERR The name of the file is too long";
    (void)temporary_snapshot_name(g->path);
    g->on_base_end = NULL;
    begin_all(s, &snapshot_rdb);
    shard_log(s, LOG_NOTICE, "Background saving started");
    return NULL;
}

void saver_begin_base(struct shard *s, const struct snapshot_form *form, const char *path,
                      const char *target,
                      void (*on_end)(struct shard *s, int error, const char *step))
{
    struct saving *g = s->saver.saving;
    snprintf(g->target, sizeof g->target, "%s", target);
    snprintf(g->path, sizeof g->path, "%s", path);
    g->on_base_end = on_end;
    begin_all(s, form);
}

void saver_give_up(struct shard *s) { fail(s->saver.saving, ECANCELED); }

// ---- a shard's part

static uint32_t chunks_under_way(const struct saver *v)
{
    return flush_chunks_of(v->port, FLUSH_SNAPSHOT);
}

// The file is, and has its head.
static bool is_open(const struct shard *s)
{
    return __atomic_load_n(&s->saver.saving->is_open, __ATOMIC_ACQUIRE);
}

// As much as the flusher has room for. Not beyond the file's head before that is written.
static uint32_t send_pieces(struct shard *s)
{
    struct saver *v = &s->saver;
    uint32_t count = 0;
    bool is_head = !is_open(s);
    if (is_head && (!v->is_coordinator || v->has_sent_head)) return 0;
    while (v->snapshot.pieces.count && chunks_under_way(v) < SAVER_CHUNKS_MAX) {
        struct flush_chunk *c = flush_take_chunk(v->port);
        if (!c) break;
        struct snapshot_piece *p =
            LIST_OWNER(list_first(&v->snapshot.pieces), struct snapshot_piece, link);
        size_t left = p->blob->size - p->sent;
        c->size = left < FLUSH_CHUNK_BYTES ? (uint32_t)left : FLUSH_CHUNK_BYTES;
        memcpy(c->data, p->blob->data + p->sent, c->size);
        p->sent += c->size;
        bool is_last = c->size == left;
        flush_write(v->port, &v->saving->file, c, is_last && p->ends_group);
        count++;
        if (!is_last) continue;
        snapshot_drop_piece(&v->snapshot);
        if (!is_head) continue;
        v->has_sent_head = true;
        break;
    }
    return count;
}

static void open_for_all(struct shard *s)
{
    struct saver *v = &s->saver;
    if (!v->is_coordinator || !v->has_sent_head || !v->is_file_open || is_open(s)) return;
    if (chunks_under_way(v) == 0) __atomic_store_n(&v->saving->is_open, 1, __ATOMIC_RELEASE);
}

static void tell_progress(struct shard *s)
{
    struct saver *v = &s->saver;
    struct persist_shard *told = &v->saving->persist->shards[s->server.shard_index];
    told->keys_done = v->snapshot.keys_done;
    told->extra_bytes = snapshot_extra_bytes(&v->snapshot);
    told->extra_bytes += chunks_under_way(v) * (uint64_t)FLUSH_CHUNK_BYTES;
    if (told->extra_bytes > told->extra_bytes_most) told->extra_bytes_most = told->extra_bytes;
}

static uint64_t memory_limit(const struct shard *s)
{
    return s->settings->snapshot_max_extra_memory / s->server.shard_count;
}

// Who saves to stop, or has no memory left for what changes, lets nobody write.
static void steer_writes(struct shard *s)
{
    const struct persist *p = s->saver.saving->persist;
    bool is_full = s->saver.phase != SAVER_IDLE &&
                   p->shards[s->server.shard_index].extra_bytes > memory_limit(s);
    pause_writes(&s->server, is_full || persist_is_stopping(p) || p->is_frozen ||
                                 appender_is_full(&s->appender));
}

// rdb-key-save-delay
static uint64_t pause_ns(const struct shard *s)
{
    int64_t delay = s->settings->rdb_key_save_delay;
    uint64_t keys_ns = s->saver.walked_keys * 1000;
    return delay < 0 ? keys_ns / (uint64_t)-delay : keys_ns * (uint64_t)delay;
}

static bool may_walk(const struct shard *s)
{
    const struct saver *v = &s->saver;
    return v->phase == SAVER_WALKING && v->snapshot.pieces_bytes < SAVER_PIECES_BYTES &&
           s->server.now_ns - v->walked_ns >= pause_ns(s);
}

static void walk(struct shard *s, bool has_others)
{
    struct saver *v = &s->saver;
    struct persist_shard *told = &v->saving->persist->shards[s->server.shard_index];
    uint64_t limit = memory_limit(s);
    uint64_t slice_us = has_others ? SAVER_SLICE_SHARED_US : SAVER_SLICE_US;
    if (told->extra_bytes > limit / 2) slice_us = SAVER_SLICE_PRESSED_US;
    if (UNLIKELY(s->settings->rdb_key_save_delay != 0)) slice_us = 0;
    uint64_t start = clock_tsc(), keys_before = v->snapshot.keys_done;
    if (snapshot_step(&v->snapshot, start + s->server.clock->tsc_hz / 1000000 * slice_us))
        v->phase = SAVER_DRAINING;
    v->walked_keys = v->snapshot.keys_done - keys_before;
    v->walked_ns = s->server.now_ns;
    uint64_t used = clock_tsc() - start;
    if (used > told->slice_cycles_max) told->slice_cycles_max = used;
    tally_slice(s->server.tally, used);
}

static void end_part(struct shard *s)
{
    struct saver *v = &s->saver;
    snapshot_end(&v->snapshot);
    tell_progress(s);
    v->phase = v->is_coordinator ? SAVER_DONE : SAVER_IDLE;
    steer_writes(s);
    __atomic_fetch_sub(&v->saving->left, 1, __ATOMIC_ACQ_REL);
}

static uint32_t work(struct shard *s, bool has_others)
{
    struct saver *v = &s->saver;
    if (error_of(v->saving)) {
        snapshot_end(&v->snapshot);
        v->phase = SAVER_DRAINING;
    }
    uint32_t count = 0;
    if (may_walk(s)) {
        walk(s, has_others);
        count++;
    }
    count += send_pieces(s);
    open_for_all(s);
    tell_progress(s);
    steer_writes(s);
    bool is_over = v->phase == SAVER_DRAINING && !v->snapshot.pieces.count &&
                   chunks_under_way(v) == 0 && (is_open(s) || error_of(v->saving));
    if (is_over) end_part(s);
    return count;
}

// ---- the end, by the coordinator

// Of a snapshot that was made to stop.
static void stop_or_go_on(struct shard *s, bool worked)
{
    struct persist *p = s->saver.saving->persist;
    struct lane_msg refused = { .kind = LANE_STOP_REFUSED };
    bool is_aborted = __atomic_load_n(&p->stop, __ATOMIC_ACQUIRE) == PERSIST_STOP_FAILED;
    if (!is_aborted && (worked || (p->stop_flags & LANE_STOP_FORCE))) {
        s->server.ops->stop(&s->server, p->stop_flags);
        return;
    }
    if (!is_aborted) shard_log(s, LOG_WARNING, "Error trying to save the DB, can't exit.");
    __atomic_store_n(&p->stop, PERSIST_STOP_FAILED, __ATOMIC_RELEASE);
    s->server.region->dataplane->state = DATAPLANE_READY;
    if (lane_send(&s->server.region_shard->events, &refused) == OK) bell_ring(s->bell);
}

uint64_t saver_extra_bytes(const struct persist *p)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < p->shard_count; i++) bytes += p->shards[i].extra_bytes_most;
    return bytes;
}

static void finish_base(struct shard *s, int error, const char *step)
{
    struct saving *g = s->saver.saving;
    s->saver.phase = SAVER_IDLE;
    __atomic_store_n(&g->persist->saving, PERSIST_IDLE, __ATOMIC_RELEASE);
    g->on_base_end(s, error, step ? step : g->path);
}

static void finish(struct shard *s, int error, const char *step)
{
    struct saving *g = s->saver.saving;
    struct persist *p = g->persist;
    uint64_t now_ms = clock_wall_us() / 1000;
    if (g->on_base_end) {
        finish_base(s, error, step);
        return;
    }
    s->saver.phase = SAVER_IDLE;
    __atomic_store_n(&p->last_ok, error == 0, __ATOMIC_RELAXED);
    p->last_took_ms = now_ms - p->started_ms;
    p->last_took_s = (int64_t)(p->last_took_ms / 1000);
    p->last_extra_bytes = saver_extra_bytes(p);
    for (uint32_t i = 0; i < p->shard_count && !error; i++)
        p->shards[i].dirty_saved = p->shards[i].dirty_at_cut;
    if (error) {
        p->last_try_ms = now_ms;
        shard_log(s, LOG_WARNING, "Background saving error: %s: %s", step ? step : g->path,
                  strerror(error));
    } else {
        p->saves++;
        p->last_save_s = now_ms / 1000;
        p->last_file_bytes = g->file.durable;
        shard_log(s, LOG_NOTICE, "DB saved on disk");
        shard_log(s, LOG_NOTICE, "Background saving terminated with success");
    }
    persist_tell_end(&s->server);
    __atomic_store_n(&p->saving, PERSIST_IDLE, __ATOMIC_RELEASE);
    if (s->saver.is_for_stop) stop_or_go_on(s, error == 0);
    s->saver.is_for_stop = false;
}

static void on_ended(void *context, struct flush_request *r)
{
    struct shard *s = context;
    int error = error_of(s->saver.saving);
    if (!error) error = r->error;
    finish(s, error, r->error_step ? r->error_step : s->saver.error_step);
}

// False: the log has all chunks.
static bool write_end(struct saver *v)
{
    struct bytes end = v->snapshot.form->file_end;
    if (end.size == 0) return true;
    struct flush_chunk *c = flush_take_chunk(v->port);
    if (!c) return false;
    memcpy(c->data, end.data, end.size);
    c->size = (uint32_t)end.size;
    flush_write(v->port, &v->saving->file, c, true);
    return true;
}

static void end_file(struct shard *s)
{
    struct saver *v = &s->saver;
    if (__atomic_load_n(&v->saving->left, __ATOMIC_ACQUIRE) != 0 || v->is_creating) return;
    if (error_of(v->saving)) {
        v->phase = SAVER_ENDING;
        if (v->is_file_open)
            ask(s, FLUSH_DISCARD, on_ended);
        else
            finish(s, error_of(v->saving), v->error_step);
        return;
    }
    if (!write_end(v)) return;
    v->phase = SAVER_ENDING;
    ask(s, FLUSH_COMMIT, on_ended);
}

uint32_t saver_turn(struct shard *s, bool has_others)
{
    struct saver *v = &s->saver;
    uint32_t count = 0;
    if (LIKELY(v->phase == SAVER_IDLE)) return 0;
    int error = __atomic_load_n(&v->saving->file.error, __ATOMIC_RELAXED);
    if (UNLIKELY(error) && v->phase != SAVER_ENDING) fail(v->saving, error);
    if (v->phase == SAVER_WALKING || v->phase == SAVER_DRAINING) count += work(s, has_others);
    if (v->phase == SAVER_DONE) end_file(s);
    return count;
}

uint64_t saver_next_ns(const struct shard *s)
{
    const struct saver *v = &s->saver;
    if (LIKELY(v->phase == SAVER_IDLE)) return UINT64_MAX;
    return s->server.now_ns + (may_walk(s) ? 0 : SAVER_POLL_US * 1000u);
}

// ---- save points, and servers that stop: the first shard begins

static bool begin_now(struct shard *s)
{
    shard_set others = shard_set_all(s->server.shard_count) & ~shard_set_of(0);
    if (others && !meeting_hold(s, others)) return false; // at the next cron
    const char *error = "a script is in the midst of its moment";
    if (!script_busy_among(&s->server, others | shard_set_of(0))) error = persist_save(&s->server);
    if (others) meeting_let_go(s, others);
    return error == NULL;
}

static void begin_to_stop(struct shard *s, struct persist *p)
{
    if (persist_is_saving_base(p)) saver_give_up(s);
    if (persist_is_saving(p) || !begin_now(s)) return;
    shard_log(s, LOG_NOTICE, "Saving the final RDB snapshot before exiting.");
    s->saver.is_for_stop = true;
    s->server.region->dataplane->state = DATAPLANE_SAVING;
    uint32_t wanted = PERSIST_STOP_WANTED;
    __atomic_compare_exchange_n(&p->stop, &wanted, PERSIST_STOP_SAVING, false, __ATOMIC_ACQ_REL,
                                __ATOMIC_ACQUIRE);
}

static void begin_scheduled(struct shard *s, struct persist *p)
{
    if (!persist_is_saving(p) && begin_now(s))
        __atomic_store_n(&p->is_scheduled, 0, __ATOMIC_RELAXED);
}

void saver_cron(struct shard *s)
{
    struct server *server = &s->server;
    if (!s->saver.saving) return;
    struct persist *p = s->saver.saving->persist;
    p->shards[server->shard_index].dirty_now = keyspace_dirty(s->keyspace);
    steer_writes(s);
    if (server->shard_index != 0 || s->stopping) return;
    if (__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE) == PERSIST_STOP_WANTED)
        begin_to_stop(s, p);
    else if (__atomic_load_n(&p->is_scheduled, __ATOMIC_RELAXED))
        begin_scheduled(s, p);
    else if (persist_is_due(server) && begin_now(s))
        shard_log(s, LOG_NOTICE, "Changes since the last snapshot reached a save point. Saving...");
}
