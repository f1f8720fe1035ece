// snapshot_rdb.c: keys as entries of an RDB file.
#include <stdio.h>
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/cmd/server.h"
#include "dataplane/cmd/snapshot_form.h"

// ---- small keys

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

static void put_head(struct snapshot *s, struct snapshot_out *out, const struct snapshot_key *key,
                     enum rdb_type type)
{
    struct rdb_buffer *b = &out->buffer;
    int64_t policy = s->server->settings->maxmemory_policy;
    if (out->db != key->db) {
        rdb_put_u8(b, RDB_OPCODE_DATABASE);
        rdb_put_length(b, key->db);
        out->db = key->db;
    }
    if (key->deadline_ms != KEYSPACE_NO_DEADLINE) {
        rdb_put_u8(b, RDB_OPCODE_DEADLINE_MS);
        rdb_put_le64(b, key->deadline_ms);
    }
    if (tells_idle_time(policy)) {
        rdb_put_u8(b, RDB_OPCODE_IDLE);
        rdb_put_length(b, key->idle_s);
    } else if (tells_frequency(policy)) {
        rdb_put_u8(b, RDB_OPCODE_FREQUENCY);
        rdb_put_u8(b, (uint8_t)key->frequency);
    }
    rdb_put_u8(b, (uint8_t)type);
    put_text(s, b, key->name);
}

static struct value_dump_options options_of(const struct snapshot *s)
{
    return (struct value_dump_options){ .may_compress = s->server->settings->rdbcompression };
}

static void put_string(struct snapshot *s, struct snapshot_out *out, const struct snapshot_key *key,
                       const struct entry *e)
{
    struct string_view view;
    string_read(e, &view);
    put_head(s, out, key, RDB_STRING);
    put_text(s, &out->buffer, view.bytes);
}

static void put(struct snapshot *s, struct snapshot_out *out, const struct snapshot_key *key,
                const struct entry *e)
{
    struct value_dump value;
    if (entry_type(e) == TYPE_STRING) {
        put_string(s, out, key, e); // most keys are
        return;
    }
    if (!value_dump_begin(&value, s->server->keyspace, e, &out->buffer, options_of(s), s->now_ms))
        return;
    put_head(s, out, key, value.rdb_type);
    while (!value_dump_step(&value, UINT32_MAX)) {
    }
    value_dump_end(&value);
}

// ---- large ones

static bool cut(struct snapshot *s, struct snapshot_large *l, const struct entry *e)
{
    return value_dump_begin(&l->dump, s->server->keyspace, e, &s->out.buffer, options_of(s),
                            s->now_ms);
}

static void begin(struct snapshot *s, struct snapshot_large *l)
{
    put_head(s, &s->out, &l->key, l->dump.rdb_type);
}

static bool step(struct snapshot_large *l, uint32_t budget)
{
    return value_dump_step(&l->dump, budget);
}

static void drop(struct snapshot_large *l) { value_dump_end(&l->dump); }

// ---- the file's head

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

// What hashes with fields that have deadlines need.
static int version_of(struct server *server)
{
    for (uint32_t i = 0; i < server_peer_count(server); i++) {
        const struct hash_deadlines *fields = &server_peer(server, i)->hash_deadlines;
        if (fields->wheel.armed_count || fields->due.count) return RDB_VERSION_DEADLINES;
    }
    return RDB_VERSION_WRITTEN;
}

static uint64_t used_memory(struct server *server)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < server_peer_count(server); i++)
        bytes += server_peer(server, i)->heap->bytes_total;
    return bytes;
}

static void put_sizes(struct rdb_buffer *out, struct server *server, uint32_t db)
{
    uint64_t keys = 0, deadlines = 0;
    for (uint32_t i = 0; i < server_peer_count(server); i++) {
        const struct keyspace *k = server_peer(server, i)->keyspace;
        keys += keyspace_size(k, db);
        deadlines += keyspace_deadline_count(k, db);
    }
    if (keys == 0) return;
    rdb_put_u8(out, RDB_OPCODE_DATABASE);
    rdb_put_length(out, db);
    rdb_put_u8(out, RDB_OPCODE_RESIZE);
    rdb_put_length(out, keys);
    rdb_put_length(out, deadlines);
}

static void put_file_head(struct rdb_buffer *out, struct server *server, bool is_aof_base)
{
    const struct settings *settings = server->settings;
    char magic[16];
    int size = snprintf(magic, sizeof magic, RDB_MAGIC "%04d", version_of(server));
    rdb_buffer_append(out, bytes_make(magic, (size_t)size));
    put_fact(out, "redis-ver", BYTES_LITERAL(SERVER_REDIS_VERSION));
    put_number(out, "redis-bits", 64);
    put_number(out, "ctime", server->now_ms / 1000);
    put_number(out, "used-mem", used_memory(server));
    put_number(out, "aof-base", is_aof_base);
    function_store_dump(&server->scripts->functions, out, settings->rdbcompression);
    for (uint32_t db = 0; db < (uint32_t)settings->databases; db++) put_sizes(out, server, db);
}

static const uint8_t file_end[] = { RDB_OPCODE_END };

const struct snapshot_form snapshot_rdb = {
    .put = put,
    .cut = cut,
    .begin = begin,
    .step = step,
    .drop = drop,
    .put_file_head = put_file_head,
    .file_end = { file_end, sizeof file_end },
    .has_trailer = true,
};
