#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/hll_call.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/string_edit.h"
#include "dataplane/cmd/strings_held.h"
#include "dataplane/types/hll.h"

static command_body cmd_pfadd, cmd_pfcount, cmd_pfmerge;

// clang-format off
const struct command cmd_hlls[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(PFADD, "pfadd", cmd_pfadd, -2, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HYPERLOGLOG),
    COMMAND(PFCOUNT, "pfcount", cmd_pfcount, -2, 1, -1, 1, CMD_READONLY | CMD_MAY_REPLICATE, ACL_HYPERLOGLOG),
    COMMAND(PFMERGE, "pfmerge", cmd_pfmerge, -2, 1, -1, 1, CMD_WRITE | CMD_DENYOOM, ACL_HYPERLOGLOG),
};
// clang-format on

// ---- what all have in common

void hll_reply_corrupt(struct call *call)
{
    reply_error(call->reply, "INVALIDOBJ Corrupted HLL object detected");
}

bool hll_check(struct call *call, struct bytes value)
{
    if (hll_is_one(value)) return true;
    reply_error(call->reply, "WRONGTYPE Key is not a valid HyperLogLog string value.");
    return false;
}

bool hll_read(struct call *call, const struct entry *e, struct string_view *view)
{
    if (!call_check_type(call, e, TYPE_STRING)) return false;
    string_read(e, view);
    return hll_check(call, view->bytes);
}

void hll_put(struct call *call, const struct key *key, struct entry *e, const struct hll *h)
{
    uint8_t *bytes;
    string_edit(call->keyspace, call->client->db, key, e, h->size, &bytes);
    memcpy(bytes, h->bytes, h->size);
}

// ---- PFADD

// How many registers change. In place: a dense one is far larger than what changes in it.
static uint64_t add_to_dense(struct call *call, const struct key *key, struct entry *e,
                             struct bytes value)
{
    uint64_t updated = 0;
    uint8_t *bytes = NULL;
    for (uint32_t i = 2; i < call->argc; i++) {
        uint32_t index, count = hll_place(call->argv[i], &index);
        if (hll_dense_get(bytes ? bytes : value.data, index) >= count) continue;
        if (!bytes) string_edit(call->keyspace, call->client->db, key, e, HLL_DENSE_BYTES, &bytes);
        hll_dense_set(bytes, index, count);
        updated++;
    }
    if (bytes) hll_forget_count(bytes);
    return updated;
}

// False: corrupt; nothing is changed then.
static bool add_to(struct call *call, struct hll *h, uint64_t *updated)
{
    uint64_t sparse_max = (uint64_t)call->server->settings->hll_sparse_max_bytes;
    for (uint32_t i = 2; i < call->argc; i++) {
        uint32_t index, count = hll_place(call->argv[i], &index);
        hll_rewind(h);
        enum hll_change change = hll_set(h, index, count, sparse_max);
        if (change == HLL_CORRUPT) return false;
        *updated += change == HLL_CHANGED;
    }
    if (*updated) hll_forget_count(h->bytes);
    return true;
}

static void pfadd_done(struct call *call, const struct key *key, struct entry *e, uint64_t updated)
{
    if (updated) {
        keyspace_add_dirty(call->keyspace, updated - 1); // one was counted by the edit
        call_changed(call, key, EVENT_STRING, "pfadd");
    } else {
        call_make_raw(call, key, e);
    }
    reply_int(call->reply, updated != 0);
}

static void pfadd_sparse(struct call *call, const struct key *key, struct entry *e,
                         struct bytes value)
{
    struct hll h;
    uint64_t updated = 0;
    if (!e) {
        hll_init(&h);
        updated = 1;
    }
    if ((e && !hll_load(&h, value)) || !add_to(call, &h, &updated)) {
        hll_reply_corrupt(call);
        return;
    }
    if (updated) hll_put(call, key, e, &h);
    pfadd_done(call, key, e, updated);
}

static void cmd_pfadd(struct call *call)
{
    struct string_view view = { .blob = NULL };
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (e && !hll_read(call, e, &view)) return;
    if (e && hll_encoding(view.bytes) == HLL_DENSE)
        pfadd_done(call, &key, e, add_to_dense(call, &key, e, view.bytes));
    else
        pfadd_sparse(call, &key, e, view.bytes);
}

// ---- PFCOUNT of one

// The count is kept in the value. Not a write command's change: nobody is notified, but others get
// to know it.
static void keep_count(struct call *call, const struct key *key, struct entry *e, size_t size,
                       uint64_t count)
{
    uint8_t *bytes;
    string_edit(call->keyspace, call->client->db, key, e, size, &bytes);
    hll_cache_count(bytes, count);
    call_changed(call, key, (enum event_class)0, "pfcount");
    call_effect(call, call->argv, call->argc);
}

static void count_one(struct call *call)
{
    uint64_t count = 0;
    struct string_view view = { .blob = NULL };
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (e && !hll_read(call, e, &view)) return;
    if (e && !hll_cached_count(view.bytes, &count)) {
        if (!hll_count(view.bytes, &count)) {
            hll_reply_corrupt(call);
            return;
        }
        keep_count(call, &key, e, view.bytes.size, count);
    }
    reply_int(call->reply, (int64_t)count);
}

// ---- several: PFCOUNT and PFMERGE

enum { MERGE_DIRECT_BYTES = 256 * 1024 }; // some 20 dense ones, at 10 microseconds each

struct merge {
    struct job job;
    struct strings_held *sources;
    bool (*finish)(struct call *call, const struct merge *m); // replies; true
    uint32_t done;
    bool has_dense, is_job;
    uint8_t registers[HLL_REGISTERS];
};

// True: an answer was given.
static bool merge_next(struct call *call, struct merge *m)
{
    uint32_t i = m->done++;
    if (i == m->sources->count) {
        if (!m->sources->has_wrong_type) return m->finish(call, m);
        reply_error(call->reply, reply_text_wrong_type);
        return true;
    }
    struct bytes value = m->sources->texts[i];
    if (!m->sources->exists[i]) return false;
    if (!hll_check(call, value)) return true;
    if (hll_encoding(value) == HLL_DENSE) m->has_dense = true;
    if (hll_merge(m->registers, value)) return false;
    hll_reply_corrupt(call);
    return true;
}

static bool merge_job_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct merge *m = (struct merge *)job;
    do {
        if (merge_next(call, m)) return true;
    } while (job_may_go_on(until_tsc));
    return false;
}

static void merge_job_close(struct job *job, struct server *server)
{
    struct merge *m = (struct merge *)job;
    strings_release(m->sources, server->heap);
    heap_give(server->heap, m, sizeof *m, HEAP_OTHER);
}

static const struct job_ops merge_job_ops = { merge_job_step, merge_job_close };

// destination: NULL for a reading one.
static void merge_run(struct call *call, const struct key *destination,
                      bool (*finish)(struct call *call, const struct merge *m))
{
    struct heap *heap = call->server->heap;
    struct merge *m = heap_take_zeroed(heap, sizeof *m, HEAP_OTHER);
    m->job.ops = &merge_job_ops;
    m->sources = strings_hold(call, 1);
    m->finish = finish;
    m->is_job = m->sources->total_bytes > MERGE_DIRECT_BYTES;
    if (m->is_job && destination) {
        call_start_write_job(call, &m->job, destination);
    } else if (m->is_job) {
        call_start_job(call, &m->job);
    } else {
        while (!merge_next(call, m)) {
        }
        merge_job_close(&m->job, call->server);
    }
}

static bool finish_count(struct call *call, const struct merge *m)
{
    reply_int(call->reply, (int64_t)hll_count_registers(m->registers));
    return true;
}

static void cmd_pfcount(struct call *call)
{
    if (call->argc == 2)
        count_one(call);
    else
        merge_run(call, NULL, finish_count);
}

// Redis sets the registers one by one, in order: the runs of a sparse one come out alike.
static void set_registers(struct hll *h, const uint8_t registers[HLL_REGISTERS],
                          uint64_t sparse_max)
{
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        if (registers[i]) CHECK(hll_set(h, i, registers[i], sparse_max) != HLL_CORRUPT);
}

// The destination is the first of the sources: it was read, so it is not corrupt.
static bool finish_merge(struct call *call, const struct merge *m)
{
    struct hll h;
    struct string_view view;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    hll_init(&h);
    if (e) string_read(e, &view);
    if (e && !hll_load(&h, view.bytes)) {
        hll_reply_corrupt(call);
        return true;
    }
    if (m->has_dense) {
        CHECK(hll_make_dense(&h));
        hll_dense_set_all(h.bytes, m->registers);
    } else {
        set_registers(&h, m->registers, (uint64_t)call->server->settings->hll_sparse_max_bytes);
    }
    hll_forget_count(h.bytes);
    hll_put(call, &key, e, &h);
    call_changed(call, &key, EVENT_STRING, "pfadd");
    // The sources of a job may have changed since: others need the result.
    if (m->is_job)
        call_effectf(call, "sbbs", "SET", key.name, bytes_make(h.bytes, h.size), "KEEPTTL");
    reply_ok(call->reply);
    return true;
}

static void cmd_pfmerge(struct call *call)
{
    struct key key = call_key(call, 1);
    merge_run(call, &key, finish_merge);
}
