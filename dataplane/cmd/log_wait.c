#include "dataplane/cmd/log_wait.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/persist.h"

void log_waits_open(struct server *s) { list_init(&s->log_waits.waiting); }

static struct client *first_of(const struct server *s)
{
    return LIST_OWNER(list_first(&s->log_waits.waiting), struct client, log_link);
}

static void go_on(struct server *s, struct client *c)
{
    list_remove(&s->log_waits.waiting, &c->log_link);
    c->flags &= ~(uint32_t)CLIENT_LOGGED;
    s->ops->resume_client(s, c);
}

void log_waits_set(struct server *s, bool on)
{
    s->log_waits.is_on = on;
    while (!on && s->log_waits.waiting.count) go_on(s, first_of(s));
}

void log_wait_note(struct server *s, uint64_t position, const struct effects_joint *joint)
{
    struct client *c = s->executing;
    if (!c) return;
    if (c->stream) c->stream->out.is_held = true;
    if (joint->shards) {
        c->log_joint.number = joint->number;
        c->log_joint.shards |= joint->shards;
    } else {
        c->log_position = position;
    }
}

// A shard has nothing to do with a transaction that it has no part of: then joint_ready is beyond
// it or at least just before the next one of its own, which has a larger number.
static bool joint_is_over(const struct server *s, const struct effects_joint *joint)
{
    const struct aof_shard *shards = s->persist->aof.shards;
    for (shard_set left = joint->shards; left; left = shard_set_rest(left)) {
        const struct aof_shard *one = &shards[shard_set_first(left)];
        if (__atomic_load_n(&one->joint_ready, __ATOMIC_ACQUIRE) < joint->number) return false;
    }
    return true;
}

bool log_wait_is_over(const struct server *s, const struct client *c)
{
    return c->log_position <= s->log_waits.durable &&
           (!c->log_joint.shards || joint_is_over(s, &c->log_joint));
}

bool log_wait_begin(struct server *s, struct client *c)
{
    if (!s->log_waits.is_on || log_wait_is_over(s, c)) {
        c->log_joint.shards = 0;
        if (c->stream) c->stream->out.is_held = false;
        return false;
    }
    c->flags |= CLIENT_LOGGED;
    list_append(&s->log_waits.waiting, &c->log_link);
    return true;
}

// Most wait in the order of their positions; transactions of several shards may take longer.
uint32_t log_waits_run(struct server *s)
{
    uint32_t count = 0;
    struct list *waiting = &s->log_waits.waiting;
    for (struct list_node *next, *n = list_first(waiting); n; n = next) {
        struct client *c = LIST_OWNER(n, struct client, log_link);
        next = list_next(waiting, n);
        if (!log_wait_is_over(s, c)) {
            if (c->log_position > s->log_waits.durable && !c->log_joint.shards) break;
            continue;
        }
        c->log_joint.shards = 0;
        go_on(s, c);
        count++;
    }
    return count;
}

// What its own log reports the shard hears of anyhow.
bool log_waits_can_run(const struct server *s)
{
    const struct list *waiting = &s->log_waits.waiting;
    for (struct list_node *n = list_first(waiting); n; n = list_next(waiting, n)) {
        const struct client *c = LIST_OWNER(n, struct client, log_link);
        if (c->log_joint.shards && log_wait_is_over(s, c)) return true;
    }
    return false;
}

void log_wait_forget_client(struct server *s, struct client *c)
{
    c->log_position = c->log_joint.shards = 0;
    if (!(c->flags & CLIENT_LOGGED)) return;
    list_remove(&s->log_waits.waiting, &c->log_link);
    c->flags &= ~(uint32_t)CLIENT_LOGGED;
}
