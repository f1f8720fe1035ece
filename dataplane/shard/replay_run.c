// replay_run.c: the logs of one generation: each on its own, and together where several have a part
// of the same transaction.
#include <stdio.h>
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/replay_priv.h"
#include "dataplane/shard/shard.h"

// ---- all shards are this one's

static shard_set others_of(const struct replay *r)
{
    return shard_set_all(r->shard->server.shard_count) & ~shard_set_of(0);
}

static bool hold(struct replay *r)
{
    shard_set others = others_of(r);
    if (others && !meeting_hold(r->shard, others)) return false;
    aof_play_begin(&r->play);
    return true;
}

static void let_go(struct replay *r)
{
    shard_set others = others_of(r);
    aof_play_end(&r->play);
    if (others) meeting_let_go(r->shard, others);
}

// ---- trouble

static enum replay_result fail(struct replay_trouble *t, const struct replay_log *l)
{
    snprintf(t->path, sizeof t->path, "%s", l->path);
    return REPLAY_FAILED;
}

static enum replay_result refuse_command(struct replay *r, struct replay_trouble *t,
                                         const struct replay_log *l)
{
    t->error = (struct replay_error){ .offset = l->queue.commands[l->queue.done].offset };
    snprintf(t->error.why, sizeof t->error.why, "%s", r->play.refusal);
    return fail(t, l);
}

// What the plan has looked at is not so any more, or never was.
static enum replay_result refuse_parts(const struct replay *r, struct replay_trouble *t,
                                       const struct replay_log *l, const char *why)
{
    t->error = (struct replay_error){ .offset = l->scan.whole_offset, .is_format = true };
    snprintf(t->error.why, sizeof t->error.why, "transaction %lu of several shards: %s",
             (unsigned long)r->transaction, why);
    return fail(t, l);
}

// ---- a log on its own

static enum replay_result run_queue(struct replay *r, struct replay_log *l, uint64_t until_tsc,
                                    struct replay_trouble *t)
{
    enum aof_play_result result;
    do {
        result = aof_play_step(&r->play, &l->queue, &l->db, false);
    } while (result == AOF_PLAY_GOES_ON && r->play.commands_left && clock_tsc() < until_tsc);
    return result == AOF_PLAY_REFUSED ? refuse_command(r, t, l) : REPLAY_GOES_ON;
}

static enum replay_result fill(struct replay_log *l, uint64_t until_tsc, struct replay_trouble *t)
{
    if (replay_log_fill(l, until_tsc, &t->error) == OK) return REPLAY_GOES_ON;
    return fail(t, l);
}

// ---- a transaction over several shards

static bool is_part(const struct replay *r, const struct replay_log *l)
{
    return l->state == REPLAY_LOG_AT_JOINT && l->scan.transaction == r->transaction;
}

// The next log that has a part; NULL: no more.
static struct replay_log *next_part(struct replay *r, const struct replay_log *before)
{
    for (uint32_t i = before ? (uint32_t)(before - r->logs) + 1 : 0; i < r->log_count; i++)
        if (is_part(r, &r->logs[i])) return &r->logs[i];
    return NULL;
}

static bool is_at_hand(struct replay *r, const struct replay_log *l)
{
    r->transaction = l->scan.transaction;
    r->part_count = 0;
    for (struct replay_log *p = NULL; (p = next_part(r, p)) != NULL;) r->part_count++;
    return r->part_count == l->scan.shard_count;
}

static bool is_same_command(const struct replay_log *a, const struct replay_log *b)
{
    const struct aof_command *one = &a->queue.commands[a->queue.done];
    const struct aof_command *other = &b->queue.commands[b->queue.done];
    if (one->argc != other->argc || a->db != b->db) return false;
    for (uint32_t i = 0; i < one->argc; i++)
        if (!bytes_equal(aof_queue_argv(&a->queue, one)[i], aof_queue_argv(&b->queue, other)[i]))
            return false;
    return true;
}

// Each stands before a command about the whole server: it is the same one. Once, for all.
static enum replay_result run_whole(struct replay *r, struct replay_trouble *t)
{
    struct replay_log *first = next_part(r, NULL);
    for (struct replay_log *p = first; (p = next_part(r, p)) != NULL;)
        if (!is_same_command(first, p))
            return refuse_parts(r, t, p, "its parts do not say the same of the whole server");
    for (struct replay_log *p = first; (p = next_part(r, p)) != NULL;) p->queue.done++;
    aof_play_whole(&r->play, &first->queue, first->db);
    return REPLAY_GOES_ON;
}

static enum replay_result end_transaction(struct replay *r)
{
    for (struct replay_log *p = NULL; (p = next_part(r, p)) != NULL;) p->state = REPLAY_LOG_READS;
    r->in_transaction = false;
    return REPLAY_DONE;
}

// Each part up to its next command about the whole server; then that. REPLAY_DONE: all of it ran.
static enum replay_result step_transaction(struct replay *r, struct replay_trouble *t)
{
    uint32_t waiting = 0;
    for (struct replay_log *p = NULL; (p = next_part(r, p)) != NULL;) {
        enum aof_play_result result = aof_play_step(&r->play, &p->queue, &p->db, true);
        if (result == AOF_PLAY_REFUSED) return refuse_command(r, t, p);
        if (result == AOF_PLAY_GOES_ON) return REPLAY_GOES_ON;
        waiting += result == AOF_PLAY_WAITS;
    }
    if (!waiting) return end_transaction(r);
    if (waiting == r->part_count) return run_whole(r, t);
    return refuse_parts(r, t, next_part(r, NULL),
                        "not all of its parts have a command about the whole server");
}

// ---- all of them

// The current one stands, or has ended: another one that can be read on.
static enum replay_result change_log(struct replay *r, struct replay_trouble *t)
{
    const struct replay_log *stands = NULL;
    for (uint32_t i = 0; i < r->log_count; i++) {
        const struct replay_log *l = &r->logs[i];
        if (l->state == REPLAY_LOG_AT_JOINT) stands = l;
        if (l->state != REPLAY_LOG_READS) continue;
        r->current = i;
        return REPLAY_GOES_ON;
    }
    if (!stands) return REPLAY_DONE;
    r->transaction = stands->scan.transaction;
    return refuse_parts(r, t, stands, "not all of its parts are there");
}

static enum replay_result step_log(struct replay *r, uint64_t until_tsc, struct replay_trouble *t)
{
    struct replay_log *l = &r->logs[r->current];
    if (l->state == REPLAY_LOG_AT_JOINT) {
        r->in_transaction = is_at_hand(r, l);
        return r->in_transaction ? REPLAY_GOES_ON : change_log(r, t);
    }
    if (aof_queue_may_run(&l->queue)) return run_queue(r, l, until_tsc, t);
    if (l->state == REPLAY_LOG_READS) return fill(l, until_tsc, t);
    if (l->state == REPLAY_LOG_TORN && r->log_count > 1)
        return refuse_parts(r, t, l, "its file has changed since it was looked at");
    enum replay_result result = change_log(r, t);
    if (result != REPLAY_FAILED) replay_report_log(r, l);
    return result;
}

static enum replay_result step(struct replay *r, uint64_t until_tsc, struct replay_trouble *t)
{
    if (!r->in_transaction) return step_log(r, until_tsc, t);
    enum replay_result result = step_transaction(r, t);
    return result == REPLAY_DONE ? REPLAY_GOES_ON : result;
}

// What was done in this turn rests on files that were there; and what is wrong in them may not have
// been there.
static enum replay_result check_files(struct replay *r, enum replay_result result,
                                      struct replay_trouble *t)
{
    struct replay_error error;
    for (uint32_t i = 0; i < r->log_count; i++) {
        const struct replay_log *l = &r->logs[i];
        bool is_doubtful = result == REPLAY_FAILED || file_view_has_failed(&l->view);
        if (!is_doubtful || !replay_log_find_trouble(l, &error)) continue;
        *t = (struct replay_trouble){ .error = error };
        return fail(t, l);
    }
    return result;
}

// Held once for the turn: to have others stand costs far more than a command. What is to be read
// from the disk is read before, as far as one knows.
enum replay_result replay_run(struct replay *r, uint64_t until_tsc, struct replay_trouble *t)
{
    enum replay_result result;
    struct replay_log *l = &r->logs[r->current];
    if (replay_log_read_ahead(l, &t->error) != OK) return fail(t, l);
    if (!hold(r)) return REPLAY_CANNOT;
    do {
        result = step(r, until_tsc, t);
    } while (result == REPLAY_GOES_ON && r->play.commands_left && clock_tsc() < until_tsc);
    let_go(r);
    return check_files(r, result, t);
}
