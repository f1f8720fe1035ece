#include "dataplane/cmd/zset_take.h"
#include "dataplane/cmd/job.h"

static uint64_t first_shown(const struct zset_take *t)
{
    return t->backwards ? t->first + t->count - 1 : t->first;
}

static void say_effect(struct call *call, const struct zset_take *t, const struct key *key)
{
    const char *pop = t->backwards ? "ZPOPMAX" : "ZPOPMIN";
    if (t->effect == ZSET_EFFECT_ITSELF)
        call_effect(call, call->argv, call->argc);
    else if (t->effect == ZSET_EFFECT_POP)
        call_effectf(call, "sb", pop, key->name);
    else
        call_effectf(call, "sbu", pop, key->name, t->count);
}

static void note(struct call *call, const struct zset_take *t, const struct zset_place *p)
{
    zset_note_removed(call, p, t->count, t->event);
    say_effect(call, t, p->key);
}

// ---- at once

static void take_now(struct call *call, struct zset_place *p, const struct zset_take *t)
{
    struct zset_cut look;
    struct zset_iter i;
    uint64_t left = t->count;
    if (t->shows) {
        zset_look(p->entry, &look);
        zset_iter_init(&i, &look, first_shown(t), t->backwards);
        zset_reply_some(call->reply, &i, &left, t->form, UINT64_MAX);
    }
    zset_remove_ranks(p, t->first, t->count);
    note(call, t, p);
    if (!t->shows) reply_int(call->reply, (int64_t)t->count);
}

// The value goes at once, and is shown in slices.
static void take_all(struct call *call, struct zset_place *p, const struct zset_take *t)
{
    struct zset_cut cut;
    zset_cut(call->keyspace, p->entry, &cut);
    zset_remove_ranks(p, t->first, t->count);
    note(call, t, p);
    zset_reply_cut(call, &cut, first_shown(t), t->count, t->backwards, t->form);
}

// ---- in slices

struct take_job {
    struct job job;
    struct zset_take take;
    struct zset_removal removal;
    struct zset_iter shown;
    uint64_t unshown;
    bool is_put;
};

// The key is closed to commands, but may have expired or been evicted: then there is nothing left
// to take from.
static void put(struct take_job *j, struct call *call)
{
    struct key key = call_key(call, j->take.key_index);
    struct entry *e =
        keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
    if (!e || !zset_cut_is_current(&j->removal.cut, e)) return;
    zset_removal_put(&j->removal, call->keyspace, e);
    j->is_put = true;
    struct zset_place p = zset_place_of(call, &key, e);
    note(call, &j->take, &p);
}

static bool take_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct take_job *j = (struct take_job *)(void *)job;
    if (j->unshown &&
        !zset_reply_some(call->reply, &j->shown, &j->unshown, j->take.form, until_tsc))
        return false;
    while (zset_removal_step(&j->removal, call->keyspace, 1))
        if (!job_may_go_on(until_tsc)) return false;
    put(j, call);
    if (!j->take.shows) reply_int(call->reply, (int64_t)j->take.count);
    return true;
}

static void take_close(struct job *job, struct server *server)
{
    struct take_job *j = (struct take_job *)(void *)job;
    if (!j->is_put) zset_removal_drop(&j->removal, server->keyspace);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops take_ops = { .step = take_step, .close = take_close };

static void take_later(struct call *call, const struct entry *e, const struct zset_take *t)
{
    struct take_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    struct key key = call_key(call, t->key_index);
    j->job.ops = &take_ops;
    j->take = *t;
    j->is_put = false;
    j->unshown = t->shows ? t->count : 0;
    zset_removal_begin(&j->removal, call->keyspace, e, t->first, t->count);
    zset_iter_init(&j->shown, &j->removal.cut, first_shown(t), t->backwards);
    call_start_write_job(call, &j->job, &key);
}

void zset_take(struct call *call, struct entry *e, const struct zset_take *t)
{
    struct key key = call_key(call, t->key_index);
    struct zset_place p = zset_place_of(call, &key, e);
    bool is_all = t->count == zset_count(e);
    bool is_long = t->count >= JOB_ELEMENTS_MIN && entry_encoding(e) == ENCODING_SKIPLIST;
    if (!is_long || (is_all && !t->shows))
        take_now(call, &p, t);
    else if (is_all)
        take_all(call, &p, t);
    else
        take_later(call, e, t);
}
