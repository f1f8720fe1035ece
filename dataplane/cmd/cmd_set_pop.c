// SPOP.
//
// Many members of a hashtable take a job: what stays is made beside the set while its key
// is closed, and takes its place in one step.
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/effect_batch.h"
#include "dataplane/cmd/effect_draft.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/set_call.h"

static command_body cmd_spop;

// clang-format off
const struct command cmd_sets_pop[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(SPOP, "spop", cmd_spop, -2, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_SET),
};
// clang-format on

enum {
    REPACK_SHARE = 5,   // Redis makes a new set of what is left when it took so many times as much
    POPS_AT_ONCE = 512, // from a tree: half a microsecond each, twice that beside a cut
};

static bool makes_new_set(uint64_t total, uint64_t count)
{
    return (total - count) * REPACK_SHARE <= count;
}

// ---- one

static void take_one(void *context, struct bytes member)
{
    struct call *call = context;
    call_effectf(call, "sbb", "SREM", call->argv[1], member);
    reply_bulk(call->reply, member);
}

static void pop_one(struct call *call, struct set_place *place)
{
    uint64_t rank = rng_below(&call->server->rng, set_count(place->entry));
    set_pop(place, rank, take_one, call);
    set_note_removed(call, place, 1, "spop");
}

// ---- all

static void pop_all(struct call *call, struct set_place *place)
{
    struct set_cut cut;
    uint64_t count = set_count(place->entry);
    bool at_once = count < JOB_ELEMENTS_MIN;
    reply_set(call->reply, count);
    if (at_once)
        set_reply_members(call, place->entry);
    else
        set_cut(call->keyspace, place->entry, &cut);
    keyspace_drop_entry(call->keyspace, place->db, place->entry);
    place->entry = NULL;
    call_effectf(call, "sb", "DEL", call->argv[1]);
    set_note_removed(call, place, count, "spop");
    if (!at_once) set_reply_cut(call, &cut);
}

// ---- some

struct taking {
    struct reply *reply;
    struct effect_batch effect;
};

static void take_some(void *context, struct bytes member)
{
    struct taking *t = context;
    reply_bulk(t->reply, member);
    effect_batch_add(&t->effect, member);
}

static void pop_some(struct call *call, struct set_place *place, uint64_t count)
{
    struct taking t = { .reply = call->reply };
    bool repacks = makes_new_set(set_count(place->entry), count);
    reply_set(call->reply, count);
    effect_batch_begin(&t.effect, call, "SREM", call->argv[1]);
    set_pop_some(place, count, &call->server->rng, take_some, &t);
    if (repacks) set_repack(place);
    effect_batch_end(&t.effect);
    set_note_removed(call, place, count, "spop");
}

// ---- many

struct pop_job {
    struct job job;
    struct set_cut cut; // as it was
    struct set_iter iter;
    struct set_builder rest;
    bool makes_new; // rest is made of what stays; else it is the cut without what goes
    uint64_t count, wanted, unread;
    struct effect_draft gone;
};

static void put_rest(struct pop_job *j, struct call *call, const struct key *key, struct entry *e)
{
    struct set_place place = set_place_of(call, key, e);
    place.entry = set_build_replace(&j->rest, place.db, key, e);
    set_note_removed(call, &place, j->count, "spop");
    effect_draft_put(&j->gone, call);
}

// The key was closed: nothing but its deadline can have come between.
static void finish(struct pop_job *j, struct call *call)
{
    struct key key = key_make(call->keyspace, call->argv[1]);
    struct entry *e =
        keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
    if (e && set_cut_is_current(&j->cut, e)) put_rest(j, call, &key, e);
}

static void pop_next(struct pop_job *j, struct call *call)
{
    struct bytes member;
    set_iter_next(&j->iter, &member);
    bool goes = rng_below(&call->server->rng, j->unread) < j->wanted;
    j->unread--;
    if (!goes) {
        if (j->makes_new) set_build_add(&j->rest, member);
        return;
    }
    reply_bulk(call->reply, member);
    if (!j->makes_new) set_build_remove(&j->rest, member);
    effect_draft_add(&j->gone, member);
    j->wanted--;
}

static void begin_gone(struct pop_job *j, struct call *call)
{
    effect_draft_begin(&j->gone, call, "SREM", call->argv[1], j->count, false);
}

static bool pop_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct pop_job *j = (struct pop_job *)(void *)job;
    if (j->unread == j->cut.count) begin_gone(j, call);
    while (j->unread > 0 && (j->wanted > 0 || j->makes_new)) {
        pop_next(j, call);
        if (!job_may_go_on(until_tsc)) return false;
    }
    finish(j, call);
    return true;
}

static void pop_close(struct job *job, struct server *server)
{
    struct pop_job *j = (struct pop_job *)(void *)job;
    effect_draft_drop(&j->gone);
    set_build_drop(&j->rest);
    set_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops pop_ops = { .step = pop_step, .close = pop_close };

static void pop_many(struct call *call, struct set_place *place, uint64_t count)
{
    struct keyspace *k = call->keyspace;
    struct heap *heap = call->server->heap;
    struct pop_job *j = heap_take_zeroed(heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &pop_ops;
    set_cut(k, place->entry, &j->cut);
    set_iter_init(&j->iter, &j->cut);
    j->count = j->wanted = count;
    j->unread = j->cut.count;
    j->makes_new = makes_new_set(j->cut.count, count);
    if (j->makes_new)
        set_build_begin_pack(&j->rest, k, &call->server->thresholds);
    else
        set_build_begin_cut(&j->rest, k, &call->server->thresholds, &j->cut);
    reply_set(call->reply, count);
    call_start_write_job(call, &j->job, place->key);
}

// ---- the command

static bool parse_count(struct call *call, uint64_t *count)
{
    static const char *const error = "ERR value is out of range, must be positive";
    int64_t value;
    if (!call_int(call, 2, &value, error)) return false;
    *count = (uint64_t)value;
    if (value >= 0) return true;
    reply_error(call->reply, error);
    return false;
}

static void pop_count(struct call *call, struct set_place *place, uint64_t count)
{
    uint64_t total = set_count(place->entry);
    bool is_tree = entry_encoding(place->entry) == ENCODING_HASHTABLE;
    if (count == 0)
        reply_set(call->reply, 0);
    else if (count >= total)
        pop_all(call, place);
    else if (is_tree && count > POPS_AT_ONCE)
        pop_many(call, place, count);
    else
        pop_some(call, place, count);
}

static void cmd_spop(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    uint64_t count = 0;
    bool has_count = call->argc == 3;
    if (call->argc > 3) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    if (has_count && !parse_count(call, &count)) return;
    if (!set_find(call, &key, FIND_WRITE, &e)) return;
    struct set_place place = set_place_of(call, &key, e);
    if (!e && has_count)
        reply_set(call->reply, 0);
    else if (!e)
        reply_null(call->reply);
    else if (has_count)
        pop_count(call, &place, count);
    else
        pop_one(call, &place);
}
