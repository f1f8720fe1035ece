#include "dataplane/cmd/aof_queue.h"
#include "dataplane/base/check.h"

enum {
    ROOM_FIRST = 1024,
    ROOM_KEPT_MAX = 64 * 1024, // of commands; and four times as many arguments
};

void aof_queue_init(struct aof_queue *q, struct heap *heap)
{
    *q = (struct aof_queue){ .heap = heap };
}

static void set_command_room(struct aof_queue *q, size_t room)
{
    size_t size = sizeof *q->commands;
    q->commands = heap_resize(q->heap, q->commands, q->room * size, room * size, HEAP_LOG);
    q->room = room;
}

static void set_argument_room(struct aof_queue *q, size_t room)
{
    size_t size = sizeof *q->args;
    q->args = heap_resize(q->heap, q->args, q->arg_room * size, room * size, HEAP_LOG);
    q->arg_room = room;
}

void aof_queue_close(struct aof_queue *q)
{
    if (q->commands) heap_give(q->heap, q->commands, q->room * sizeof *q->commands, HEAP_LOG);
    if (q->args) heap_give(q->heap, q->args, q->arg_room * sizeof *q->args, HEAP_LOG);
    aof_queue_init(q, q->heap);
}

static size_t more_room(size_t room, size_t wanted)
{
    if (!room) room = ROOM_FIRST;
    while (room < wanted) room *= 2;
    return room;
}

void aof_queue_add(struct aof_queue *q, const struct bytes *argv, uint32_t argc, uint64_t offset)
{
    if (UNLIKELY(q->count == q->room)) set_command_room(q, more_room(q->room, q->count + 1));
    if (UNLIKELY(q->arg_count + argc > q->arg_room))
        set_argument_room(q, more_room(q->arg_room, q->arg_count + argc));
    q->commands[q->count++] = (struct aof_command){ q->arg_count, argc, offset };
    memcpy(q->args + q->arg_count, argv, argc * sizeof *argv);
    q->arg_count += argc;
}

// What is left is the begin of a unit.
static void move_to_front(struct aof_queue *q)
{
    size_t shift = q->done < q->count ? q->commands[q->done].first : q->arg_count;
    q->count -= q->done;
    q->arg_count -= shift;
    memmove(q->commands, q->commands + q->done, q->count * sizeof *q->commands);
    memmove(q->args, q->args + shift, q->arg_count * sizeof *q->args);
    for (size_t i = 0; i < q->count; i++) q->commands[i].first -= shift;
}

void aof_queue_trim(struct aof_queue *q)
{
    CHECK(!aof_queue_may_run(q));
    if (!q->done) return;
    if (q->done == q->count)
        q->count = q->arg_count = 0;
    else
        move_to_front(q);
    q->done = q->whole = 0;
    if (q->count) return;
    if (q->room > ROOM_KEPT_MAX) set_command_room(q, ROOM_KEPT_MAX);
    if (q->arg_room > 4 * ROOM_KEPT_MAX) set_argument_room(q, 4 * ROOM_KEPT_MAX);
}
