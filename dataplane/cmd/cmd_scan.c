#include <stdio.h>
#include "dataplane/base/glob.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/scan_args.h"
#include "dataplane/keyspace/walk.h"

static command_body cmd_keys_body, cmd_randomkey, cmd_scan_body;

// clang-format off
const struct command cmd_scans[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(KEYS, "keys", cmd_keys_body, 2, 0, 0, 0, CMD_READONLY, ACL_KEYSPACE | ACL_DANGEROUS),
    COMMAND(RANDOMKEY, "randomkey", cmd_randomkey, 1, 0, 0, 0, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS,
            ACL_KEYSPACE),
    COMMAND(SCAN, "scan", cmd_scan_body, -2, 0, 0, 0, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS,
            ACL_KEYSPACE),
};
// clang-format on

// What is shown of the keys, and where.
struct visit {
    struct reply *reply;
    struct bytes pattern; // data NULL: every key
    struct bytes type;    // data NULL: every type
    int64_t count;
};

static void visit_entry(void *context, const struct entry *e)
{
    struct visit *w = context;
    struct bytes name = entry_key(e);
    if (w->pattern.data && !glob_match(w->pattern, name, false)) return;
    if (w->type.data && !bytes_is_option(w->type, value_type_name(entry_type(e)))) return;
    reply_bulk(w->reply, name);
    w->count++;
}

static struct bytes pattern_or_all(struct bytes pattern)
{
    return bytes_equal(pattern, BYTES_LITERAL("*")) ? (struct bytes){ 0 } : pattern;
}

// ---- KEYS: the names at one moment, in slices when there are many

enum { BUCKETS_PER_LOOK = 4 }; // some 60 keys between two looks at the clock

struct keys_job {
    struct job job;
    struct keyspace_walk walk;
    struct visit visit;
    struct reply_later later;
};

static void keys_show(void *context, const struct entry *e)
{
    struct keys_job *k = context;
    visit_entry(&k->visit, e);
}

static bool keys_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct keys_job *k = (struct keys_job *)job;
    do {
        for (uint32_t i = 0; i < BUCKETS_PER_LOOK; i++) keyspace_walk_step(&k->walk);
    } while (!k->walk.is_done && job_may_go_on(until_tsc));
    if (!k->walk.is_done) return false;
    reply_later_array(call->reply, k->later, (uint64_t)k->visit.count);
    return true;
}

static void keys_close(struct job *job, struct server *server)
{
    struct keys_job *k = (struct keys_job *)job;
    keyspace_walk_end(&k->walk);
    if (k->visit.pattern.data)
        heap_give(server->heap, (void *)(uintptr_t)k->visit.pattern.data, k->visit.pattern.size + 1,
                  HEAP_OTHER);
    heap_give(server->heap, k, sizeof *k, HEAP_OTHER);
}

// The walk shows keys also when other clients remove them, so the pattern has to outlive the
// packet.
static struct bytes own_pattern(struct heap *heap, struct bytes pattern)
{
    if (!pattern.data) return pattern;
    uint8_t *copy = heap_take(heap, pattern.size + 1, HEAP_OTHER);
    memcpy(copy, pattern.data, pattern.size);
    return bytes_make(copy, pattern.size);
}

static const struct job_ops keys_ops = { keys_step, keys_close };

static void cmd_keys_body(struct call *call)
{
    struct server *s = call->server;
    struct keys_job *k = heap_take_zeroed(s->heap, sizeof *k, HEAP_OTHER);
    k->job.ops = &keys_ops;
    k->visit = (struct visit){ .reply = call->reply,
                               .pattern = own_pattern(s->heap, pattern_or_all(call->argv[1])) };
    k->later = reply_later_begin(call->reply);
    keyspace_walk_begin(&k->walk, call->keyspace, call->client->db, call->now_ms, keys_show, k);
    if (keyspace_size(call->keyspace, call->client->db) <= JOB_ELEMENTS_MIN)
        call_run_job(call, &k->job);
    else
        call_start_job(call, &k->job);
}

static void cmd_randomkey(struct call *call)
{
    struct entry *e =
        keyspace_random(call->keyspace, call->client->db, &call->server->rng, call->now_ms);
    if (e)
        reply_bulk(call->reply, entry_key(e));
    else
        reply_null(call->reply);
}

// ---- SCAN: a call shows what is there while it goes on, so a large COUNT needs no one moment

enum {
    SCAN_STRIDE = 32, // keys between two looks at the clock
    // In a call with other shards held, who stand still meanwhile. COUNT is a hint.
    SCAN_HELD_MAX = JOB_ELEMENTS_MIN - 1,
};

struct scan_job {
    struct job job;
    struct scan_args args;
    uint64_t cursor, left;
    int64_t count;                   // shown so far
    struct reply_later cursor_later; // comes before the keys, but is known after them
    struct reply_later keys_later;
};

static void fill_cursor(struct reply *r, struct reply_later gap, uint64_t cursor)
{
    char digits[NUM_INT_MAX], wire[OUTQ_GAP_MAX + 1];
    uint32_t size = num_format_uint(digits, cursor);
    int wire_size = snprintf(wire, sizeof wire, "$%u\r\n%.*s\r\n", size, (int)size, digits);
    if (gap.gap) outq_gap_fill(r->out, gap.gap, bytes_make(wire, (size_t)wire_size));
}

static void scan_some(struct scan_job *j, struct call *call, uint64_t stride)
{
    struct visit w = { .reply = call->reply, .count = j->count };
    if (j->args.pattern) w.pattern = call->argv[j->args.pattern];
    if (j->args.type) w.type = call->argv[j->args.type]; // of an unknown name there are no keys
    j->cursor = keyspace_scan(call->keyspace, call->client->db, j->cursor, stride, call->now_ms,
                              visit_entry, &w);
    j->left -= stride;
    j->count = w.count;
}

static void scan_end(struct scan_job *j, struct call *call)
{
    reply_later_array(call->reply, j->keys_later, (uint64_t)j->count);
    fill_cursor(call->reply, j->cursor_later, j->cursor);
}

static bool scan_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct scan_job *j = (struct scan_job *)job;
    do {
        scan_some(j, call, j->left < SCAN_STRIDE ? j->left : SCAN_STRIDE);
    } while (j->cursor && j->left && job_may_go_on(until_tsc));
    if (j->cursor && j->left) return false;
    scan_end(j, call);
    return true;
}

static void scan_close(struct job *job, struct server *server)
{
    heap_give(server->heap, job, sizeof(struct scan_job), HEAP_OTHER);
}

static const struct job_ops scan_ops = { scan_step, scan_close };

static void cmd_scan_body(struct call *call)
{
    struct scan_job now = { .job.ops = &scan_ops };
    if (!scan_cursor(call, 1, &now.cursor)) return;
    if (!scan_options(call, 2, NULL, SCAN_ARGS_TYPE, &now.args)) return;
    reply_array(call->reply, 2);
    now.cursor_later = reply_later_begin(call->reply);
    now.keys_later = reply_later_begin(call->reply);
    now.left = now.args.count;
    if (call_is_joint(call) && now.left > SCAN_HELD_MAX) now.left = SCAN_HELD_MAX;
    if (now.left < JOB_ELEMENTS_MIN) {
        scan_some(&now, call, now.left);
        scan_end(&now, call);
        return;
    }
    struct scan_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = now;
    if (keyspace_size(call->keyspace, call->client->db) < JOB_ELEMENTS_MIN)
        call_run_job(call, &j->job);
    else
        call_start_job(call, &j->job);
}
