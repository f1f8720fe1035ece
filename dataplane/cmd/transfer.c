#include "dataplane/cmd/transfer.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/effect_restore.h"
#include "dataplane/cmd/job.h"
#include "dataplane/keyspace/remake.h"

enum { AT_ONCE_BYTES = 64 * 1024 }; // of the value: made anew and encoded in some 100 us

struct transfer_job {
    struct job job;
    struct transfer what;
    struct remake *remake;
    bool is_made;
    struct effect_restore effect;
};

static struct key from_key(const struct call *call) { return call_key(call, 1); }
static struct key to_key(const struct call *call) { return call_key(call, 2); }

// ---- what follows from it

static void signal_at(const struct call *call, uint32_t db, const struct key *key)
{
    block_signal(call_home(call, key->name), db, key->name);
}

void transfer_tell(struct call *call, const struct transfer *t)
{
    struct key from = from_key(call), to = to_key(call);
    if (t->moves) {
        call_changed_in(call, t->from_db, &from, EVENT_GENERIC, "rename_from");
        call_changed_in(call, t->to_db, &to, EVENT_GENERIC, "rename_to");
        signal_at(call, t->from_db, &from);
    } else {
        call_changed_in(call, t->to_db, &to, EVENT_GENERIC, "copy_to");
    }
    signal_at(call, t->to_db, &to); // of another type than before, perhaps
}

// has_moved: the old key was there until now.
static void put_effect(struct transfer_job *j, struct call *call, bool has_moved)
{
    struct server *home = call_home(call, call->argv[1]);
    struct bytes removal[] = { BYTES_LITERAL("DEL"), call->argv[1] };
    if (!effect_restore_is_on(&j->effect)) { // nobody wants to know, or somebody since
        call_effect(call, call->argv, call->argc);
        return;
    }
    call_no_effect(call); // but these
    if (has_moved)
        effects_number_next(call->server,
                            shard_set_of(home->shard_index) |
                                shard_set_of(call_home(call, call->argv[2])->shard_index));
    effect_restore_put(&j->effect, call, j->what.to_db, call->argv[2]);
    if (!has_moved) return;
    effects_add(&home->effects, j->what.from_db, removal, 2);
    effects_end_unit(&home->effects);
}

// ---- its way

static bool remove_source(struct transfer_job *j, struct call *call)
{
    struct key from = from_key(call);
    struct entry *e =
        keyspace_find(call->keyspace, j->what.from_db, &from, FIND_QUIET, call->now_ms);
    if (e) keyspace_drop_entry(call->keyspace, j->what.from_db, e);
    return e != NULL;
}

static void put(struct transfer_job *j, struct call *call)
{
    struct key to = to_key(call);
    remake_put(j->remake, j->what.to_db, &to, !j->what.moves, call->now_ms);
    bool has_moved = j->what.moves && remove_source(j, call);
    transfer_tell(call, &j->what);
    put_effect(j, call, has_moved);
    if (j->what.says_ok)
        reply_ok(call->reply);
    else
        reply_int(call->reply, 1);
}

static bool transfer_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct transfer_job *j = LIST_OWNER(job, struct transfer_job, job);
    if (!j->is_made) j->is_made = remake_step(j->remake, until_tsc);
    if (!j->is_made || !effect_restore_step(&j->effect, call->argv[2], until_tsc)) return false;
    put(j, call);
    return true;
}

static void transfer_close(struct job *job, struct server *server)
{
    struct transfer_job *j = LIST_OWNER(job, struct transfer_job, job);
    remake_end(j->remake);
    effect_restore_drop(&j->effect);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops transfer_ops = { .step = transfer_step, .close = transfer_close };

// ---- its beginning

static bool is_long(struct call *call, const struct entry *e)
{
    if (LIKELY(!call_is_joint(call)) || !remake_may(e)) return false;
    if (call_keyspace(call, call->argv[1]) == call_keyspace(call, call->argv[2])) return false;
    return entry_memory_bytes(e) > AT_ONCE_BYTES;
}

bool transfer_begin(struct call *call, const struct entry *e, const struct transfer *t)
{
    if (!is_long(call, e)) return false;
    struct key from = from_key(call), to = to_key(call);
    struct keyspace *home = call_keyspace(call, from.name);
    struct transfer_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    j->job = (struct job){ .ops = &transfer_ops };
    j->what = *t;
    j->is_made = false;
    j->remake = remake_begin(home, e, call_keyspace(call, to.name));
    effect_restore_begin(&j->effect, call, home, e, to.name);
    call_start_write_job(call, &j->job, &to);
    if (t->moves) call_close_key(call, &j->job, &from);
    return true;
}
