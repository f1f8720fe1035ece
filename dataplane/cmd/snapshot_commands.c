// snapshot_commands.c: keys as the commands that make them.
#include "dataplane/base/num.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/cmd/server.h"
#include "dataplane/cmd/snapshot_form.h"
#include "storage/aof/aof_write.h"

// ---- keys

static void put_select(struct snapshot_out *out, uint32_t db)
{
    char digits[NUM_INT_MAX];
    const struct bytes select[] = { BYTES_LITERAL("SELECT"),
                                    bytes_make(digits, num_format_uint(digits, db)) };
    if (out->db == db) return;
    key_commands_put_one(&out->buffer, select, 2);
    out->db = db;
}

static void put(struct snapshot *s, struct snapshot_out *out, const struct snapshot_key *key,
                const struct entry *e)
{
    put_select(out, key->db);
    key_commands_put(s->server->keyspace, e, &out->buffer, s->now_ms);
}

static bool cut(struct snapshot *s, struct snapshot_large *l, const struct entry *e)
{
    return key_commands_begin(&l->commands, s->server->keyspace, e, l->key.name, &s->out.buffer,
                              s->now_ms);
}

static void begin(struct snapshot *s, struct snapshot_large *l) { put_select(&s->out, l->key.db); }

static bool step(struct snapshot_large *l, uint32_t budget)
{
    return key_commands_step(&l->commands, budget);
}

static void drop(struct snapshot_large *l) { key_commands_end(&l->commands); }

// ---- the file's head

static void put_function(struct rdb_buffer *out, const struct library *library)
{
    const struct bytes load[] = { BYTES_LITERAL("FUNCTION"), BYTES_LITERAL("LOAD"), library->code };
    key_commands_put_one(out, load, 3);
}

static void put_file_head(struct rdb_buffer *out, struct server *server, bool is_aof_base)
{
    (void)is_aof_base; // it is no other file
    char line[AOF_TIMESTAMP_BYTES_MAX];
    const struct list *all = &server->scripts->functions.libraries;
    if (server->settings->aof_timestamp_enabled) {
        uint32_t size = aof_put_timestamp(line, (int64_t)(server->now_ms / 1000));
        rdb_buffer_append(out, bytes_make(line, size));
    }
    for (struct list_node *n = list_first(all); n; n = list_next(all, n))
        put_function(out, LIST_OWNER(n, struct library, link));
}

const struct snapshot_form snapshot_commands = {
    .put = put,
    .cut = cut,
    .begin = begin,
    .step = step,
    .drop = drop,
    .put_file_head = put_file_head,
};
