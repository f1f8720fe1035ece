#include "dataplane/cmd/set_call.h"
#include "dataplane/cmd/job.h"

enum { MEMBERS_PER_LOOK = 16 }; // at the clock: 20-50 ns each

bool set_find(struct call *call, const struct key *key, enum find_flags flags, struct entry **e)
{
    *e = call_find(call, key, flags);
    return call_check_type(call, *e, TYPE_SET);
}

struct set_place set_place_of(struct call *call, const struct key *key, struct entry *e)
{
    return (struct set_place){ .keyspace = call_keyspace(call, key->name),
                               .thresholds = &call->server->thresholds,
                               .db = call->client->db,
                               .key = key,
                               .entry = e };
}

void set_note_removed(struct call *call, const struct set_place *p, uint64_t count,
                      const char *event)
{
    if (count == 0) return;
    keyspace_add_dirty(p->keyspace, count);
    call_changed(call, p->key, EVENT_SET, event);
    if (!p->entry) call_changed(call, p->key, EVENT_GENERIC, "del");
}

// ---- replies

struct members_job {
    struct job job;
    struct set_cut cut;
    struct set_iter iter;
};

static bool members_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct members_job *j = (struct members_job *)(void *)job;
    struct bytes member;
    do {
        for (uint32_t n = 0; n < MEMBERS_PER_LOOK; n++) {
            if (!set_iter_next(&j->iter, &member)) return true;
            reply_bulk(call->reply, member);
        }
    } while (job_may_go_on(until_tsc));
    return j->iter.left == 0;
}

static void members_close(struct job *job, struct server *server)
{
    struct members_job *j = (struct members_job *)(void *)job;
    set_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops members_ops = { .step = members_step, .close = members_close };

void set_reply_cut(struct call *call, struct set_cut *cut)
{
    struct members_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &members_ops;
    j->cut = *cut;
    set_iter_init(&j->iter, &j->cut);
    call_start_job(call, &j->job);
}

void set_reply_members(struct call *call, const struct entry *e)
{
    struct members_job now;
    if (set_count(e) >= JOB_ELEMENTS_MIN) {
        set_cut(call->keyspace, e, &now.cut);
        set_reply_cut(call, &now.cut);
        return;
    }
    set_look(e, &now.cut);
    set_iter_init(&now.iter, &now.cut);
    members_step(&now.job, call, UINT64_MAX);
}
