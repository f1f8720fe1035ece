// appender_joint.c: how far a log is durable together with the other shards' logs that it has
// transactions in common with.
//
// A transaction is whole when its part is durable in every log that has one, and each of those logs
// has come that far: all before it there is whole, too. The numbers of a shard's transactions
// ascend, for they are given out while the shard is held. So each shard says one number,
// joint_ready: of its own transactions, all up to that one are durable here, and whole but for the
// last. It goes on to the next one when all others have come to this one. UINT64_MAX: there is
// none that it waits for.
#include "dataplane/cmd/effects.h"
#include "dataplane/shard/appender.h"
#include "dataplane/shard/shard.h"

enum { ROOM_FIRST = 64 };

static struct appender_joint *joint_at(const struct appender *a, uint32_t i)
{
    return &a->joints[(a->joint_first + i) % a->joint_room];
}

static void grow(struct shard *s)
{
    struct appender *a = &s->appender;
    uint32_t room = a->joint_room ? 2 * a->joint_room : ROOM_FIRST;
    struct appender_joint *joints = heap_take(&s->heap, room * sizeof *joints, HEAP_LOG);
    for (uint32_t i = 0; i < a->joint_count; i++) joints[i] = *joint_at(a, i);
    if (a->joints) heap_give(&s->heap, a->joints, a->joint_room * sizeof *joints, HEAP_LOG);
    a->joints = joints;
    a->joint_room = room;
    a->joint_first = 0;
}

static void say_ready(struct appender *a, uint64_t number)
{
    __atomic_store_n(&a->told->joint_ready, number, __ATOMIC_RELEASE);
}

void appender_joint_add(struct shard *s, const struct effects_joint *joint, uint64_t begin)
{
    struct appender *a = &s->appender;
    if (a->joint_count == a->joint_room) grow(s);
    if (a->joint_count == 0) say_ready(a, joint->number - 1);
    *joint_at(a, a->joint_count++) =
        (struct appender_joint){ joint->number, joint->shards, begin, a->appended };
}

static bool is_whole(const struct appender *a, const struct appender_joint *j)
{
    for (shard_set left = j->shards; left; left = shard_set_rest(left)) {
        const struct aof_shard *one = &a->aof->shards[shard_set_first(left)];
        if (__atomic_load_n(&one->joint_ready, __ATOMIC_ACQUIRE) < j->number) return false;
    }
    return true;
}

uint64_t appender_joint_advance(struct shard *s, uint64_t durable)
{
    struct appender *a = &s->appender;
    uint64_t ready_before = a->told->joint_ready;
    if (LIKELY(a->joint_count == 0)) return durable;
    while (a->joint_count) {
        const struct appender_joint *j = joint_at(a, 0);
        if (j->end > durable) break;
        say_ready(a, j->number);
        if (!is_whole(a, j)) break;
        a->joint_first = (a->joint_first + 1) % a->joint_room;
        a->joint_count--;
    }
    if (a->joint_count == 0)
        say_ready(a, UINT64_MAX);
    else if (a->told->joint_ready < joint_at(a, 0)->number)
        say_ready(a, joint_at(a, 0)->number - 1);
    if (a->told->joint_ready != ready_before)
        appender_wake(s, UINT64_MAX); // who has a part, or a client that waits
    if (a->joint_count == 0) return durable;
    uint64_t begin = joint_at(a, 0)->begin;
    return begin < durable ? begin : durable;
}

bool appender_joint_can_advance(const struct appender *a)
{
    if (LIKELY(a->joint_count == 0)) return false;
    const struct appender_joint *j = joint_at(a, 0);
    return a->told->joint_ready == j->number && is_whole(a, j);
}

void appender_joint_close(struct shard *s)
{
    struct appender *a = &s->appender;
    if (a->joints) heap_give(&s->heap, a->joints, a->joint_room * sizeof *a->joints, HEAP_LOG);
    a->joints = NULL;
    a->joint_room = a->joint_count = 0;
}
