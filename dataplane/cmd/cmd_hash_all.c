// Whole hashes: HGETALL, HKEYS, HVALS.
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/hash_job.h"

static command_body cmd_hgetall, cmd_hkeys, cmd_hvals;

// clang-format off
const struct command cmd_hashes_all[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(HGETALL, "hgetall", cmd_hgetall, 2, 1, 1, 1, CMD_READONLY, ACL_HASH),
    COMMAND(HKEYS, "hkeys", cmd_hkeys, 2, 1, 1, 1, CMD_READONLY, ACL_HASH),
    COMMAND(HVALS, "hvals", cmd_hvals, 2, 1, 1, 1, CMD_READONLY, ACL_HASH),
};
// clang-format on

enum { WITH_FIELDS = 1, WITH_VALUES = 2 };

// The fields of a version of the hash, on their way into the reply.
struct all_job {
    struct job job;
    struct hash_cut cut;
    struct hash_iter iter;
    uint32_t parts;
};

static bool all_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct all_job *j = (struct all_job *)(void *)job;
    struct hash_field field;
    do {
        if (!hash_iter_next(&j->iter, &field)) return true;
        if (j->parts & WITH_FIELDS) reply_bulk(call->reply, field.field);
        if (j->parts & WITH_VALUES) reply_bulk(call->reply, field.value);
    } while (job_may_go_on(until_tsc));
    return false;
}

static void all_close(struct job *job, struct server *server)
{
    struct all_job *j = (struct all_job *)(void *)job;
    hash_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops all_ops = { .step = all_step, .close = all_close };

static void reply_header(struct call *call, uint32_t parts, uint64_t count)
{
    if (parts == (WITH_FIELDS | WITH_VALUES))
        reply_map(call->reply, count);
    else
        reply_array(call->reply, count);
}

static void reply_all_later(struct call *call, const struct entry *e, uint32_t parts)
{
    struct all_job *j = heap_take_zeroed(call->server->heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &all_ops;
    j->parts = parts;
    hash_cut(call->keyspace, e, call->now_ms, &j->cut);
    hash_iter_init(&j->iter, &j->cut);
    reply_header(call, parts, j->cut.count);
    call_start_job(call, &j->job);
}

static void reply_all(struct call *call, uint32_t parts)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_HASH)) return;
    if (!e) {
        reply_header(call, parts, 0);
    } else if (hash_wants_job(e, hash_count(e))) {
        reply_all_later(call, e, parts);
    } else {
        struct all_job j = { .parts = parts };
        hash_view(e, call->now_ms, &j.cut);
        hash_iter_init(&j.iter, &j.cut);
        reply_header(call, parts, j.cut.count);
        all_step(&j.job, call, UINT64_MAX);
    }
}

static void cmd_hgetall(struct call *call) { reply_all(call, WITH_FIELDS | WITH_VALUES); }

static void cmd_hkeys(struct call *call) { reply_all(call, WITH_FIELDS); }

static void cmd_hvals(struct call *call) { reply_all(call, WITH_VALUES); }
