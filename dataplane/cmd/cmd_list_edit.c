// Changes at elements that have to be found first: LINSERT and LREM. In a giant that takes a job,
// with the key closed to others meanwhile.
#include "dataplane/cmd/cmd_list.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"

static command_body cmd_linsert, cmd_lrem;

// clang-format off
const struct command cmd_list_edits[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(LINSERT, "linsert", cmd_linsert, 5, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_LIST),
    COMMAND(LREM, "lrem", cmd_lrem, 4, 1, 1, 1, CMD_WRITE, ACL_LIST),
};
// clang-format on

enum { STEP_ELEMENTS = 64 };

static void start(struct call *call, struct job *job, const struct key *key, uint64_t length)
{
    if (length > JOB_ELEMENTS_MIN)
        call_start_write_job(call, job, key);
    else
        call_run_job(call, job);
}

// The list as it is now; the key may have expired since the command came: then entry is NULL.
static struct list_place place_now(struct call *call, struct key *key)
{
    *key = call_key(call, 1);
    return call_list_place(call, key, call_find(call, key, FIND_QUIET));
}

// ---- LINSERT

struct insert_job {
    struct job job;
    struct list_cut cut;
    struct list_search search;
    bool behind;
};

static void insert_at(struct call *call, uint64_t index)
{
    struct key key;
    struct list_place p = place_now(call, &key);
    if (!p.entry) {
        reply_int(call->reply, 0);
        return;
    }
    list_value_insert(&p, index, call->argv[4]);
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &key, EVENT_LIST, "linsert");
    call_effect(call, call->argv, call->argc);
    reply_int(call->reply, (int64_t)list_value_count(p.entry));
}

static bool insert_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct insert_job *in = (struct insert_job *)job;
    struct packed_needle pivot;
    packed_needle_init(&pivot, call->argv[3]);
    do {
        uint32_t budget = STEP_ELEMENTS;
        uint64_t index;
        if (list_search_next(&in->search, &pivot, &budget, &index)) {
            insert_at(call, in->behind ? index + 1 : index);
            return true;
        }
        if (in->search.iter.left == 0) {
            reply_int(call->reply, -1);
            return true;
        }
    } while (job_may_go_on(until_tsc));
    return false;
}

static void insert_close(struct job *job, struct server *server)
{
    struct insert_job *in = (struct insert_job *)job;
    list_cut_drop(server->keyspace, &in->cut);
    heap_give(server->heap, in, sizeof *in, HEAP_OTHER);
}

static const struct job_ops insert_ops = { insert_step, insert_close };

static void cmd_linsert(struct call *call)
{
    bool behind = bytes_is_option(call->argv[2], "after");
    if (!behind && !bytes_is_option(call->argv[2], "before")) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!e) {
        reply_int(call->reply, 0);
        return;
    }
    if (!call_check_type(call, e, TYPE_LIST)) return;
    struct list_place p = call_list_place(call, &key, e);
    list_value_expect(&p, &call->argv[4], 1); // as Redis, whether the pivot is found or not
    struct insert_job *in = heap_take(call->server->heap, sizeof *in, HEAP_OTHER);
    in->job.ops = &insert_ops;
    in->behind = behind;
    list_cut(call->keyspace, p.entry, &in->cut);
    list_search_init(&in->search, &in->cut, false);
    start(call, &in->job, &key, in->cut.count);
}

// ---- LREM

// Elements are looked for in a cut. Those side by side go together: at once from a list that is
// gone through in one go, else from a draft that takes the list's place at the end, so that nobody
// (a snapshot, say) ever sees half of it.
struct remove_job {
    struct job job;
    struct list_cut cut;
    struct list_search search;
    bool has_draft, backwards;
    struct tree draft;
    uint64_t wanted;               // to remove at most
    uint64_t found;                // so far, those removed among them
    uint64_t removed;              // so far
    uint64_t run_first, run_count; // found and not removed yet, by their place in the cut
};

static void remove_run(struct remove_job *r, struct call *call, struct list_place *p)
{
    if (r->run_count == 0) return;
    // What was removed lay before the run, or backwards behind it.
    uint64_t first = r->backwards ? r->run_first : r->run_first - r->removed;
    if (r->has_draft)
        tree_remove_range(keyspace_space(call->keyspace), &r->draft, first, r->run_count);
    else
        list_value_remove_range(p, first, r->run_count);
    r->removed += r->run_count;
    r->run_count = 0;
}

static void add_to_run(struct remove_job *r, struct call *call, struct list_place *p,
                       uint64_t index)
{
    bool is_next = r->backwards ? index + 1 == r->run_first : index == r->run_first + r->run_count;
    if (!is_next) remove_run(r, call, p);
    if (r->run_count == 0 || r->backwards) r->run_first = index;
    r->run_count++;
    r->found++;
}

static void finish_remove(struct remove_job *r, struct call *call, struct list_place *p)
{
    remove_run(r, call, p);
    if (r->removed) {
        if (r->has_draft) list_draft_put(p, &r->draft);
        r->has_draft = false;
        call_list_removed(call, p, "lrem", r->removed);
        call_effect(call, call->argv, call->argc);
    }
    reply_int(call->reply, (int64_t)r->removed);
}

static bool remove_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct remove_job *r = (struct remove_job *)job;
    struct packed_needle needle;
    struct key key;
    struct list_place p = place_now(call, &key);
    packed_needle_init(&needle, call->argv[3]);
    if (!p.entry) {
        reply_int(call->reply, 0);
        return true;
    }
    do {
        uint32_t budget = STEP_ELEMENTS;
        uint64_t index;
        if (list_search_next(&r->search, &needle, &budget, &index)) add_to_run(r, call, &p, index);
        if (r->found == r->wanted || r->search.iter.left == 0) {
            finish_remove(r, call, &p);
            return true;
        }
    } while (job_may_go_on(until_tsc));
    return false;
}

static void remove_close(struct job *job, struct server *server)
{
    struct remove_job *r = (struct remove_job *)job;
    if (r->has_draft) tree_drop(keyspace_space(server->keyspace), &r->draft);
    list_cut_drop(server->keyspace, &r->cut);
    heap_give(server->heap, r, sizeof *r, HEAP_OTHER);
}

static const struct job_ops remove_ops = { remove_step, remove_close };

static void cmd_lrem(struct call *call)
{
    int64_t count;
    if (!call_int(call, 2, &count, NULL)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!e) {
        reply_int(call->reply, 0);
        return;
    }
    if (!call_check_type(call, e, TYPE_LIST)) return;
    struct remove_job *r = heap_take(call->server->heap, sizeof *r, HEAP_OTHER);
    r->job.ops = &remove_ops;
    r->backwards = count < 0;
    r->wanted = count < 0 ? -(uint64_t)count : count > 0 ? (uint64_t)count : UINT64_MAX;
    r->found = r->removed = r->run_first = r->run_count = 0;
    list_cut(call->keyspace, e, &r->cut);
    list_search_init(&r->search, &r->cut, r->backwards);
    r->has_draft = r->cut.count > JOB_ELEMENTS_MIN;
    if (r->has_draft) list_draft_open(e, &r->draft);
    start(call, &r->job, &key, r->cut.count);
}
