#include "dataplane/cmd/snapshot.h"
#include <stdio.h>
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/cmd/server.h"
#include "dataplane/keyspace/walk.h"
#include "dataplane/types/value_dump.h"

enum {
    STEP_ELEMENTS = 64,
    STEP_NAMES = 256,
    NO_DATABASE = UINT32_MAX,
    OUT_ROOM_BYTES = 128 * 1024
};

struct snapshot_walk {
    struct keyspace_walk walk;
    struct snapshot *snapshot;
};

// In front of a value: what its key is, and what belongs to it.
struct key_head {
    uint32_t db;
    uint64_t deadline_ms; // KEYSPACE_NO_DEADLINE: none
    uint32_t idle_s, frequency;
};

struct large_value {
    struct list_node link;
    struct value_dump value;
    struct key_head head;
    bool has_begun;
    size_t name_size;
    uint8_t name[];
};

void snapshot_open(struct snapshot *s, struct server *server)
{
    *s = (struct snapshot){ .server = server };
    list_init(&s->pieces);
    list_init(&s->large);
}

// ---- pieces

static void open_out(struct snapshot *s, struct snapshot_out *out)
{
    rdb_buffer_init(&out->buffer, s->server->heap, HEAP_LOG);
    out->db = NO_DATABASE;
}

static void add_piece(struct snapshot *s, struct blob *blob, bool ends_group)
{
    struct snapshot_piece *p = heap_take(s->server->heap, sizeof *p, HEAP_LOG);
    *p = (struct snapshot_piece){ .blob = blob, .ends_group = ends_group };
    s->pieces_bytes += blob->capacity;
    list_append(&s->pieces, &p->link);
}

static void end_piece(struct snapshot *s, struct snapshot_out *out, bool ends_group)
{
    struct blob *blob = rdb_buffer_take(&out->buffer);
    if (ends_group) out->db = NO_DATABASE;
    if (blob) add_piece(s, blob, ends_group);
}

void snapshot_add_piece(struct snapshot *s, struct rdb_buffer *b)
{
    struct blob *blob = rdb_buffer_take(b);
    if (blob) add_piece(s, blob, true);
}

void snapshot_drop_piece(struct snapshot *s)
{
    struct snapshot_piece *p = LIST_OWNER(list_take_first(&s->pieces), struct snapshot_piece, link);
    s->pieces_bytes -= p->blob->capacity;
    blob_release(p->blob);
    heap_give(s->server->heap, p, sizeof *p, HEAP_LOG);
}

// ---- keys

static bool tells_idle_time(int64_t policy)
{
    return policy == EVICT_VOLATILE_LRU || policy == EVICT_ALLKEYS_LRU;
}
static bool tells_frequency(int64_t policy)
{
    return policy == EVICT_VOLATILE_LFU || policy == EVICT_ALLKEYS_LFU;
}

static void put_text(struct snapshot *s, struct rdb_buffer *b, struct bytes text)
{
    bool may_compress = s->server->settings->rdbcompression;
    if (LIKELY(text.size <= RDB_TEXT_ONCE_BYTES)) {
        rdb_put_text(b, text, may_compress);
        return;
    }
    struct rdb_long_text long_text;
    rdb_long_text_begin(&long_text, s->server->heap, text, may_compress);
    while (!rdb_long_text_step(&long_text, b)) {
    }
    rdb_long_text_end(&long_text);
}

static struct key_head head_of(const struct snapshot *s, uint32_t db, const struct entry *e)
{
    const struct keyspace *k = s->server->keyspace;
    return (struct key_head){ .db = db,
                              .deadline_ms = entry_deadline_ms(e),
                              .idle_s = entry_idle_s(k, e, s->now_ms),
                              .frequency = entry_frequency(k, e, s->now_ms) };
}

static void put_head(struct snapshot *s, struct snapshot_out *out, const struct key_head *h,
                     enum rdb_type type, struct bytes name)
{
    struct rdb_buffer *b = &out->buffer;
    int64_t policy = s->server->settings->maxmemory_policy;
    if (out->db != h->db) {
        rdb_put_u8(b, RDB_OPCODE_DATABASE);
        rdb_put_length(b, h->db);
        out->db = h->db;
    }
    if (h->deadline_ms != KEYSPACE_NO_DEADLINE) {
        rdb_put_u8(b, RDB_OPCODE_DEADLINE_MS);
        rdb_put_le64(b, h->deadline_ms);
    }
    if (tells_idle_time(policy)) {
        rdb_put_u8(b, RDB_OPCODE_IDLE);
        rdb_put_length(b, h->idle_s);
    } else if (tells_frequency(policy)) {
        rdb_put_u8(b, RDB_OPCODE_FREQUENCY);
        rdb_put_u8(b, (uint8_t)h->frequency);
    }
    rdb_put_u8(b, (uint8_t)type);
    put_text(s, b, name);
}

static struct value_dump_options options_of(const struct snapshot *s)
{
    return (struct value_dump_options){ .may_compress = s->server->settings->rdbcompression };
}

static void put_string(struct snapshot *s, struct snapshot_out *out, const struct key_head *h,
                       const struct entry *e)
{
    struct string_view view;
    string_read(e, &view);
    put_head(s, out, h, RDB_STRING, entry_key(e));
    put_text(s, &out->buffer, view.bytes);
}

static void put_small(struct snapshot *s, struct snapshot_out *out, const struct key_head *h,
                      const struct entry *e)
{
    struct value_dump value;
    if (!value_dump_begin(&value, s->server->keyspace, e, &out->buffer, options_of(s), s->now_ms))
        return;
    put_head(s, out, h, value.rdb_type, entry_key(e));
    while (!value_dump_step(&value, UINT32_MAX)) {
    }
    value_dump_end(&value);
}

static void keep_large(struct snapshot *s, const struct key_head *h, const struct entry *e)
{
    struct bytes name = entry_key(e);
    struct heap *heap = s->server->heap;
    struct large_value *l = heap_take(heap, sizeof *l + name.size, HEAP_LOG);
    l->head = *h;
    l->has_begun = false;
    l->name_size = name.size;
    if (name.size) memcpy(l->name, name.data, name.size);
    l->link = (struct list_node){ 0 };
    if (value_dump_begin(&l->value, s->server->keyspace, e, &s->out.buffer, options_of(s),
                         s->now_ms)) {
        list_append(&s->large, &l->link);
    } else {
        heap_give(heap, l, sizeof *l + name.size, HEAP_LOG);
    }
}

static bool is_large_half_written(const struct snapshot *s)
{
    const struct list_node *n = list_first(&s->large);
    return n && LIST_OWNER(n, struct large_value, link)->has_begun;
}

static void show(void *context, const struct entry *e)
{
    const struct snapshot_walk *w = context;
    struct snapshot *s = w->snapshot;
    struct key_head h = head_of(s, w->walk.db, e);
    struct snapshot_out *out = is_large_half_written(s) ? &s->aside : &s->out;
    s->keys_done++;
    if (entry_memory_bytes(e) > SNAPSHOT_ONCE_BYTES) {
        keep_large(s, &h, e);
        return;
    }
    if (rdb_buffer_size(&out->buffer) == 0) rdb_buffer_reserve(&out->buffer, OUT_ROOM_BYTES);
    if (entry_type(e) == TYPE_STRING)
        put_string(s, out, &h, e);
    else
        put_small(s, out, &h, e);
    if (out == &s->out && rdb_buffer_size(&out->buffer) >= SNAPSHOT_PIECE_BYTES)
        end_piece(s, out, true);
}

static void drop_large(struct snapshot *s, struct large_value *l)
{
    list_remove(&s->large, &l->link);
    value_dump_end(&l->value);
    heap_give(s->server->heap, l, sizeof *l + l->name_size, HEAP_LOG);
}

// A slice of the first large value. What was shown meanwhile comes behind it.
static void step_large(struct snapshot *s, uint64_t until_tsc)
{
    struct large_value *l = LIST_OWNER(list_first(&s->large), struct large_value, link);
    if (!l->has_begun)
        put_head(s, &s->out, &l->head, l->value.rdb_type, bytes_make(l->name, l->name_size));
    l->has_begun = true;
    while (!value_dump_step(&l->value, STEP_ELEMENTS)) {
        if (rdb_buffer_size(&s->out.buffer) >= SNAPSHOT_PIECE_BYTES) {
            end_piece(s, &s->out, false);
            rdb_buffer_reserve(&s->out.buffer, OUT_ROOM_BYTES);
        }
        if (!job_may_go_on(until_tsc)) return;
    }
    drop_large(s, l);
    end_piece(s, &s->out, true);
    end_piece(s, &s->aside, true);
}

// ---- writes are heard of

static void before_write(struct job_watch *w, struct server *server, struct bytes name)
{
    struct snapshot *s = LIST_OWNER(w, struct snapshot, watch);
    struct key key = key_make(server->keyspace, name);
    for (uint32_t i = s->walk_at; i < s->walk_count; i++)
        keyspace_walk_show_now(&s->walks[i].walk, &key);
}

// ---- life

void snapshot_begin(struct snapshot *s)
{
    struct server *server = s->server;
    struct keyspace *k = server->keyspace;
    uint32_t databases = (uint32_t)server->settings->databases;
    CHECK(!s->is_on);
    s->is_on = true;
    s->now_ms = server->now_ms;
    s->keys_total = s->keys_done = s->deadlines_total = 0;
    s->walk_count = s->walk_at = 0;
    for (uint32_t db = 0; db < databases; db++) s->walk_count += keyspace_size(k, db) != 0;
    if (s->walk_count)
        s->walks = heap_take(server->heap, s->walk_count * sizeof s->walks[0], HEAP_LOG);
    open_out(s, &s->out);
    open_out(s, &s->aside);
    for (uint32_t db = 0, i = 0; db < databases; db++) {
        if (keyspace_size(k, db) == 0) continue;
        struct snapshot_walk *w = &s->walks[i++];
        w->snapshot = s;
        keyspace_walk_begin(&w->walk, k, db, s->now_ms, show, w);
        s->keys_total += keyspace_size(k, db);
        s->deadlines_total += keyspace_deadline_count(k, db);
    }
    s->watch.before_write = before_write;
    server->jobs.snapshot = &s->watch;
}

// A bucket of keys, or when all were shown some of what the walk remembers.
static void step_walk(struct snapshot *s)
{
    struct keyspace_walk *w = &s->walks[s->walk_at].walk;
    if (keyspace_walk_step(w) && keyspace_walk_end_step(w, STEP_NAMES)) s->walk_at++;
}

bool snapshot_step(struct snapshot *s, uint64_t until_tsc)
{
    do {
        if (s->large.count)
            step_large(s, until_tsc);
        else if (s->walk_at < s->walk_count)
            step_walk(s);
        if (!s->large.count && s->walk_at == s->walk_count) break;
    } while (job_may_go_on(until_tsc));
    if (s->large.count || s->walk_at < s->walk_count) return false;
    s->server->jobs.snapshot = NULL;
    end_piece(s, &s->out, true);
    return true;
}

void snapshot_end(struct snapshot *s)
{
    if (!s->is_on) return;
    s->is_on = false;
    s->server->jobs.snapshot = NULL;
    for (; s->walk_at < s->walk_count; s->walk_at++) keyspace_walk_end(&s->walks[s->walk_at].walk);
    while (s->large.count)
        drop_large(s, LIST_OWNER(list_first(&s->large), struct large_value, link));
    while (s->pieces.count) snapshot_drop_piece(s);
    rdb_buffer_close(&s->out.buffer);
    rdb_buffer_close(&s->aside.buffer);
    heap_give(s->server->heap, s->walks, s->walk_count * sizeof s->walks[0], HEAP_LOG);
    s->walks = NULL;
}

static uint64_t room_of(const struct snapshot_out *out)
{
    return out->buffer.blob ? out->buffer.blob->capacity : 0;
}

uint64_t snapshot_extra_bytes(const struct snapshot *s)
{
    if (!s->is_on) return 0;
    uint64_t bytes = s->pieces_bytes + s->walk_count * sizeof s->walks[0];
    bytes += room_of(&s->out) + room_of(&s->aside);
    bytes += s->large.count * sizeof(struct large_value);
    for (uint32_t i = s->walk_at; i < s->walk_count; i++)
        bytes += keyspace_walk_bytes(&s->walks[i].walk);
    return bytes;
}

// ---- the file's beginning and end

static void put_fact(struct rdb_buffer *out, const char *name, struct bytes value)
{
    rdb_put_u8(out, RDB_OPCODE_AUX);
    rdb_put_text(out, bytes_text(name), false);
    rdb_put_text(out, value, false);
}

static void put_number(struct rdb_buffer *out, const char *name, uint64_t value)
{
    char digits[NUM_INT_MAX];
    put_fact(out, name, bytes_make(digits, num_format_uint(digits, value)));
}

void snapshot_put_head(struct rdb_buffer *out, const struct snapshot_facts *facts)
{
    char magic[16];
    int version = facts->has_hash_deadlines ? RDB_VERSION_DEADLINES : RDB_VERSION_WRITTEN;
    int size = snprintf(magic, sizeof magic, RDB_MAGIC "%04d", version);
    rdb_buffer_append(out, bytes_make(magic, (size_t)size));
    put_fact(out, "redis-ver", BYTES_LITERAL(SERVER_REDIS_VERSION));
    put_number(out, "redis-bits", 64);
    put_number(out, "ctime", facts->now_s);
    put_number(out, "used-mem", facts->used_memory);
    put_number(out, "aof-base", facts->is_aof_base);
}

void snapshot_put_functions(struct rdb_buffer *out, const struct server *server)
{
    function_store_dump(&server->scripts->functions, out, server->settings->rdbcompression);
}

void snapshot_put_sizes(struct rdb_buffer *out, uint32_t db, uint64_t keys, uint64_t deadlines)
{
    rdb_put_u8(out, RDB_OPCODE_DATABASE);
    rdb_put_length(out, db);
    rdb_put_u8(out, RDB_OPCODE_RESIZE);
    rdb_put_length(out, keys);
    rdb_put_length(out, deadlines);
}

void snapshot_put_end(struct rdb_buffer *out) { rdb_put_u8(out, RDB_OPCODE_END); }
