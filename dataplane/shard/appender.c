#include "dataplane/shard/appender.h"
#include <errno.h>
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/cmd/log_wait.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/shard.h"
#include "storage/aof/aof_write.h"

void appender_open(struct shard *s)
{
    struct appender *a = &s->appender;
    struct persist *persist = s->server.persist;
    byte_queue_init(&a->backlog, &s->heap, HEAP_LOG);
    a->torn_bases = UINT64_MAX;
    if (!persist || !s->saver.port) return;
    a->aof = &persist->aof;
    a->told = &persist->aof.shards[s->server.shard_index];
    a->port = s->saver.port;
    a->told->joint_ready = UINT64_MAX;
}

void appender_close(struct shard *s)
{
    if (!s->appender.aof) return;
    appender_joint_close(s);
    byte_queue_clear(&s->appender.backlog);
}

bool appender_is_full(const struct appender *a) { return a->backlog.size > APPENDER_BACKLOG_MAX; }

// ---- chunks

static void hand_over(struct appender *a)
{
    if (!a->chunk) return;
    if (a->chunk->size)
        flush_write(a->port, &a->file->file, a->chunk, true);
    else
        flush_give_chunk(a->port, a->chunk);
    a->chunk = NULL;
}

static bool may_write(const struct appender *a)
{
    return !a->older && a->file->is_open &&
           __atomic_load_n(&a->aof->older_left, __ATOMIC_ACQUIRE) == 0;
}

// Returns how much of it found room.
static size_t fill(struct shard *s, struct bytes bytes)
{
    struct appender *a = &s->appender;
    size_t done = 0;
    while (done < bytes.size) {
        if (!a->chunk) {
            a->chunk = flush_take_chunk(a->port);
            a->chunk_since_ns = s->server.now_ns;
        }
        if (!a->chunk) break;
        size_t size = FLUSH_CHUNK_BYTES - a->chunk->size;
        if (size > bytes.size - done) size = bytes.size - done;
        memcpy(a->chunk->data + a->chunk->size, bytes.data + done, size);
        a->chunk->size += (uint32_t)size;
        done += size;
        if (a->chunk->size == FLUSH_CHUNK_BYTES) hand_over(a);
    }
    return done;
}

static void put(struct shard *s, struct bytes bytes)
{
    struct appender *a = &s->appender;
    a->appended += bytes.size;
    if (LIKELY(!a->backlog.size && may_write(a))) (void)bytes_skip(&bytes, fill(s, bytes));
    if (UNLIKELY(bytes.size != 0)) byte_queue_append(&a->backlog, bytes);
}

static void put_rest(struct shard *s, struct byte_queue *rest)
{
    s->appender.appended += rest->size;
    byte_queue_take_over(&s->appender.backlog, rest);
}

static void send_backlog(struct shard *s)
{
    struct byte_queue *backlog = &s->appender.backlog;
    for (uint64_t sent = 0; backlog->size && sent < APPENDER_SEND_BYTES;) {
        struct bytes first = byte_queue_first(backlog);
        size_t size = fill(s, first);
        byte_queue_skip(backlog, size);
        sent += size;
        if (size < first.size) return;
    }
}

// ---- effects

static void put_timestamp(struct shard *s)
{
    char line[AOF_TIMESTAMP_BYTES_MAX];
    int64_t second = (int64_t)(s->server.now_ms / 1000);
    if (second == s->appender.second) return;
    s->appender.second = second;
    put(s, bytes_make(line, aof_put_timestamp(line, second)));
}

// Of a client of another shard, whose own log says nothing of it.
static void follow_alone(struct server *server, struct effects_joint *joint)
{
    joint->number = node_next_joint(server->node);
    joint->shards = shard_set_of(server->shard_index);
}

static void note_unit(struct shard *s, uint64_t begin)
{
    struct server *server = &s->server;
    struct effects_joint joint = server->effects.joint;
    if (UNLIKELY(server->holder != NULL) && !joint.shards) follow_alone(server, &joint);
    if (UNLIKELY(joint.shards != 0)) appender_joint_add(s, &joint, begin);
    log_wait_note(server, s->appender.appended, &joint);
}

static void take_unit(void *context, struct bytes front, struct byte_queue *rest,
                      uint32_t command_count)
{
    struct shard *s = context;
    struct appender *a = &s->appender;
    uint64_t begin = a->appended;
    (void)command_count;
    if (UNLIKELY(s->settings->aof_timestamp_enabled)) put_timestamp(s);
    put(s, front);
    if (UNLIKELY(rest->size != 0)) put_rest(s, rest);
    __atomic_store_n(&a->told->appended, a->appended, __ATOMIC_RELEASE);
    if (UNLIKELY(log_waits_are_on(&s->server))) note_unit(s, begin);
}

// ---- from file to file

static void on_finished(void *context, struct flush_request *r)
{
    struct appender_file *f = context;
    (void)r; // what failed was told by file.error meanwhile
    __atomic_store_n(&f->is_open, false, __ATOMIC_RELEASE);
}

// Behind everything that belongs to it.
static void finish_older(struct shard *s)
{
    struct appender_file *f = s->appender.older;
    f->finish = (struct flush_request){
        .op = FLUSH_FINISH, .file = &f->file, .done = on_finished, .context = f
    };
    flush_ask(s->appender.port, &f->finish);
}

bool appender_may_turn(const struct appender *a)
{
    return !a->older && !a->backlog.size && (!a->file || a->file->is_open);
}

uint64_t appender_file_bytes(const struct appender *a)
{
    const struct appender_file *f = a->file;
    if (!f) return 0;
    return (f->file.must_append ? f->file.start_size : 0) + a->appended - f->start;
}

void appender_turn_to(struct shard *s, struct appender_file *file)
{
    struct appender *a = &s->appender;
    if (a->file) {
        CHECK(appender_may_turn(a));
        hand_over(a);
        a->older = a->file;
        a->older_bases = __atomic_load_n(&a->aof->bases, __ATOMIC_ACQUIRE);
        __atomic_fetch_add(&a->aof->older_left, 1, __ATOMIC_ACQ_REL);
        finish_older(s);
    }
    a->file = file;
    a->second = 0;
    if (file) file->start = a->appended;
    effects_set_sink(&s->server.effects, file ? take_unit : NULL, s);
}

// ---- what the flusher reports

static void tell_error(struct shard *s, int error)
{
    struct appender *a = &s->appender;
    if (LIKELY(a->told->error == error)) return;
    aof_set_error(a->aof, s->server.shard_index, error);
    if (error)
        shard_log(s, LOG_WARNING, "Error writing to the AOF file: %s", strerror(error));
    else
        shard_log(s, LOG_WARNING, "AOF write error looks solved, the server can write again.");
}

void appender_wake(struct shard *s, uint64_t shards)
{
    struct hub *hub = s->mesh.hub;
    if (LIKELY(!hub)) return;
    shard_set left = shards & shard_set_all(hub->shard_count);
    left &= ~shard_set_of(s->server.shard_index);
    for (; left; left = shard_set_rest(left)) waker_wake(&hub->wakers[shard_set_first(left)]);
}

static void tell_durable(struct shard *s, uint64_t position)
{
    struct aof_shard *told = s->appender.told;
    if (LIKELY(told->durable == position)) return;
    __atomic_store_n(&told->durable, position, __ATOMIC_SEQ_CST);
    // WAITAOF wants to know it of all shards.
    appender_wake(s, __atomic_load_n(&s->appender.aof->waiting, __ATOMIC_SEQ_CST));
}

static void tell_value(uint64_t *where, uint64_t value)
{
    __atomic_store_n(where, value, __ATOMIC_RELAXED);
}

// What a file before has lost is in no base yet: nothing behind it counts, for a crash would leave
// the gap.
static bool is_torn(const struct appender *a)
{
    return UNLIKELY(a->torn_bases != UINT64_MAX) &&
           __atomic_load_n(&a->aof->bases, __ATOMIC_ACQUIRE) == a->torn_bases;
}

static void tell(struct shard *s)
{
    const struct appender *a = &s->appender;
    const struct appender_file *f = a->older ? a->older : a->file;
    bool was_torn = is_torn(a);
    struct aof_shard *told = a->told;
    uint64_t good = f->file.must_append ? f->file.start_size : 0;
    uint64_t written = __atomic_load_n(&f->file.written, __ATOMIC_RELAXED);
    uint64_t durable = __atomic_load_n(&f->file.durable, __ATOMIC_ACQUIRE);
    tell_value(&told->written, f->start + (written > good ? written - good : 0));
    tell_value(&told->file_bytes, appender_file_bytes(a));
    if (!was_torn) tell_durable(s, f->start + (durable > good ? durable - good : 0));
    tell_value(&told->delayed, a->delayed + __atomic_load_n(&f->file.delayed, __ATOMIC_RELAXED));
    tell_value(&told->buffered_bytes, a->appended - told->written);
    int error = __atomic_load_n(&f->file.error, __ATOMIC_RELAXED);
    tell_error(s, !error && was_torn && a->sync == FLUSH_SYNC_ALWAYS ? EIO : error);
    bool has_lost = was_torn || __atomic_load_n(&f->file.has_lost, __ATOMIC_RELAXED);
    __atomic_store_n(&told->has_lost, has_lost, __ATOMIC_RELAXED);
}

enum flush_sync appender_sync(const struct settings *settings)
{
    static const enum flush_sync by_setting[] = {
        [APPENDFSYNC_EVERYSEC] = FLUSH_SYNC_EVERYSEC,
        [APPENDFSYNC_ALWAYS] = FLUSH_SYNC_ALWAYS,
        [APPENDFSYNC_NO] = FLUSH_SYNC_NO,
    };
    return by_setting[settings->appendfsync];
}

static enum flush_sync wanted_sync(const struct shard *s)
{
    bool is_rewriting = __atomic_load_n(&s->appender.aof->is_rewriting, __ATOMIC_RELAXED);
    enum flush_sync sync = appender_sync(s->settings);
    bool is_left = s->settings->no_appendfsync_on_rewrite && is_rewriting;
    return is_left && sync == FLUSH_SYNC_EVERYSEC ? FLUSH_SYNC_NO : sync;
}

static void follow_settings(struct shard *s)
{
    struct appender *a = &s->appender;
    enum flush_sync sync = wanted_sync(s);
    if (sync != a->sync || a->file != a->sync_file) {
        a->sync = sync;
        a->sync_file = a->file;
        flush_set_sync(a->port, &a->file->file, sync);
    }
    bool waits = sync == FLUSH_SYNC_ALWAYS && aof_state(a->aof) == AOF_ON;
    if (waits != log_waits_are_on(&s->server)) log_waits_set(&s->server, waits);
}

// How long the last sync took says how long it pays to gather for the next one.
static void watch_sync(struct shard *s)
{
    struct appender *a = &s->appender;
    if (!a->handed_over_ns || flush_chunks_of(a->port, FLUSH_LOG) > 0) return;
    uint64_t took_ns = s->server.now_ns - a->handed_over_ns;
    a->gather_ns = took_ns < APPENDER_GATHER_US * 1000ull ? took_ns : APPENDER_GATHER_US * 1000ull;
    a->synced_ns = s->server.now_ns;
    a->handed_over_ns = 0;
}

// A sync costs the same for one write and for many: while commands come, more of them can share the
// next one.
static bool is_gathered(const struct shard *s, bool has_others)
{
    const struct appender *a = &s->appender;
    uint64_t since = a->chunk_since_ns > a->synced_ns ? a->chunk_since_ns : a->synced_ns;
    if (flush_chunks_of(a->port, FLUSH_LOG) > 0) return false;
    return !has_others || s->server.now_ns - since >= a->gather_ns;
}

static bool is_due(const struct shard *s, bool has_others)
{
    const struct appender *a = &s->appender;
    if (!a->chunk || !a->chunk->size) return false;
    if (s->stopping) return true;
    if (a->sync == FLUSH_SYNC_ALWAYS) return is_gathered(s, has_others);
    return s->server.now_ns - a->chunk_since_ns >= APPENDER_HAND_OVER_US * 1000ull;
}

static uint32_t hand_over_if_due(struct shard *s, bool has_others)
{
    struct appender *a = &s->appender;
    if (a->sync == FLUSH_SYNC_ALWAYS) watch_sync(s);
    if (!is_due(s, has_others)) return 0;
    if (a->sync == FLUSH_SYNC_ALWAYS) a->handed_over_ns = s->server.now_ns;
    hand_over(a);
    return 1;
}

static uint32_t end_older(struct shard *s)
{
    struct appender *a = &s->appender;
    if (!a->older || __atomic_load_n(&a->older->is_open, __ATOMIC_ACQUIRE)) return 0;
    a->delayed += a->older->file.delayed;
    if (a->older->file.has_lost && !is_torn(a)) a->torn_bases = a->older_bases;
    a->older = NULL;
    if (__atomic_sub_fetch(&a->aof->older_left, 1, __ATOMIC_ACQ_REL) == 0)
        appender_wake(s, UINT64_MAX); // what they keep for their new files can go there
    return 1;
}

static void end_all(struct shard *s)
{
    struct aof_shard *told = s->appender.told;
    uint64_t end = s->appender.appended;
    log_waits_set(&s->server, false);
    appender_joint_close(s);
    __atomic_store_n(&told->joint_ready, UINT64_MAX, __ATOMIC_RELEASE);
    tell_value(&told->written, end);
    __atomic_store_n(&told->durable, end, __ATOMIC_RELEASE);
    tell_error(s, 0);
    tell_value(&told->file_bytes, 0);
    tell_value(&told->buffered_bytes, 0);
    __atomic_store_n(&told->has_lost, false, __ATOMIC_RELAXED);
    s->appender.torn_bases = UINT64_MAX;
}

uint32_t appender_turn(struct shard *s, bool has_others)
{
    struct appender *a = &s->appender;
    if (LIKELY(!a->file && !a->older)) return 0;
    uint32_t count = end_older(s);
    if (!a->file && !a->older) {
        end_all(s);
        return count;
    }
    if (a->file && a->file->is_open) follow_settings(s);
    if (a->backlog.size && a->file && may_write(a)) send_backlog(s);
    count += hand_over_if_due(s, has_others);
    tell(s);
    s->server.log_waits.durable = appender_joint_advance(s, a->told->durable);
    if (UNLIKELY(s->server.log_waits.waiting.count != 0)) count += log_waits_run(&s->server);
    return count;
}

uint64_t appender_next_ns(const struct shard *s)
{
    const struct appender *a = &s->appender;
    if (LIKELY(!a->chunk) || !a->chunk->size) return UINT64_MAX;
    if (a->sync == FLUSH_SYNC_ALWAYS) return is_due(s, false) ? 0 : UINT64_MAX; // it is woken
    return a->chunk_since_ns + APPENDER_HAND_OVER_US * 1000ull;
}

bool appender_has_input(const struct shard *s)
{
    const struct appender *a = &s->appender;
    if (LIKELY(!a->file && !a->older)) return false;
    if (a->file && a->backlog.size && may_write(a) && !flush_is_out_of_chunks(a->port)) return true;
    return appender_joint_can_advance(a) || log_waits_can_run(&s->server);
}

bool appender_is_quiet(const struct appender *a)
{
    return !a->older && !a->backlog.size && (!a->chunk || !a->chunk->size);
}
