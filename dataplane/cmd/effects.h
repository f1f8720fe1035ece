// effects.h: what a write did, encoded once, for the log and for replicas.
//
// Source:  spec/aof.md chapters 3 and 4: RESP commands, SELECT when the database changes, MULTI and
//          EXEC around a unit of more than one
// Thread:  the shard
// Memory:  a unit is gathered in a buffer of the heap (HEAP_LOG), what is long in pieces behind it,
//          and handed to the sink whole; a sink that keeps it takes the pieces over
//
// By default a write command that changed something is its own effect, as it was sent
// (cmd_exec.c); one with keys of several shards is split (effect_split.h). A body whose effect is
// another says so with call_effect, as often as it likes, or call_no_effect. Without a sink nothing
// is encoded.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/byte_queue.h"

enum { EFFECTS_FRONT_MAX = 128 * 1024 };

struct call;
struct server;
// One or more whole commands, SELECT included: front, and what is in rest behind it. front is good
// during the call only; the sink may take rest's pieces over, or its bytes.
typedef void effects_sink(void *context, struct bytes front, struct byte_queue *rest,
                          uint32_t command_count);
struct effects {
    struct heap *heap; // borrowed
    effects_sink *sink;
    void *context;
    int64_t db;             // last one selected in the stream; -1: none
    uint8_t *buffer;        // the unit's front
    size_t size, room;      // EFFECTS_FRONT_MAX and little more
    struct byte_queue rest; // what comes behind that; from then on all does
    uint32_t count;         // commands in the unit so far
    uint32_t held;          // a transaction or script is under way: one unit
    bool muted;             // a script wants its writes to stay here (redis.set_repl)
    // The unit is one part of what several shards did together; shards 0: it is not. Still told to
    // the sink.
    struct effects_joint {
        uint64_t number, shards; // shard_set
    } joint;
    bool is_ordered; // it is such a part, even without a command
    uint64_t commands_total, bytes_total;
};
void effects_init(struct effects *e, struct heap *heap);
void effects_close(struct effects *e);
// NULL: off. The database is forgotten.
void effects_set_sink(struct effects *e, effects_sink *sink, void *context);
static inline bool effects_are_on(const struct effects *e) { return e->sink != NULL && !e->muted; }
void effects_add(struct effects *e, uint32_t db, const struct bytes *argv, uint32_t argc);
void effects_end_unit(struct effects *e); // to the sink, if there is anything and it is not held
// All effects from here to the matching release are one unit. Nests.
static inline void effects_hold(struct effects *e) { e->held++; }
static inline void effects_release(struct effects *e)
{
    if (--e->held == 0) effects_end_unit(e);
}
// What is about to end at several of these shards, which s holds, is one transaction, and each part
// says so: a line with its number, MULTI and EXEC around it even if it is one command. held: of
// effects whose unit is about to end.
void effects_number_parts(struct server *s, uint64_t shards, uint32_t held);
// For who knows ahead: the next unit of each of these shards is such a part, a draft or what is
// added and ended. While what is done at s is held nothing happens: it is numbered as a whole.
void effects_number_next(struct server *s, uint64_t shards);
// A point of order between these shards, which s holds: what each of them did before it comes
// before what any of them does behind it. The units under way become parts of one transaction, or
// units without commands do.
void effects_put_order(struct server *s, uint64_t shards);

// A place in the unit that is held, to which it can be taken back: a script's writes were undone.
struct effects_mark {
    uint32_t count;
    size_t size;
    uint64_t rest;
    int64_t db;
};
static inline struct effects_mark effects_mark(const struct effects *e)
{
    return (struct effects_mark){ e->count, e->size, e->rest.size, e->db };
}
void effects_back_to(struct effects *e, struct effects_mark mark);

// ---- for effect_draft.c and effect_restore.c: commands that are encoded ahead
struct effects_ahead {
    struct byte_queue bytes;
    uint32_t count; // commands
};
void effects_ahead_open(struct effects_ahead *a, struct heap *heap);
void effects_ahead_close(struct effects_ahead *a); // one that is all zeros may be closed
static inline bool effects_ahead_is_open(const struct effects_ahead *a) { return a->bytes.heap; }
void effects_ahead_put_head(struct effects_ahead *a, uint32_t argc); // argc texts follow
void effects_ahead_put_text(struct effects_ahead *a, struct bytes text);
void effects_ahead_put_removal(struct effects_ahead *a, struct bytes key); // the command DEL key
void effects_ahead_put_size(struct effects_ahead *a, uint64_t size); // of a text; size bytes follow
static inline void effects_ahead_put_bytes(struct effects_ahead *a, struct bytes bytes)
{
    byte_queue_append(&a->bytes, bytes);
}
static inline void effects_ahead_end_text(struct effects_ahead *a) // behind those bytes
{
    byte_queue_append(&a->bytes, BYTES_LITERAL("\r\n"));
}
// As they were done in database db: a unit of its own behind what there was, or part of the unit
// that is held. Nothing is copied, if a has e's heap; a is empty behind it.
void effects_add_ahead(struct effects *e, uint32_t db, struct effects_ahead *a);

// ---- for bodies
// The command's effect is this one (and those of further calls) instead of itself.
void call_effect(struct call *call, const struct bytes *argv, uint32_t argc);
void call_effect_in(struct call *call, uint32_t db, const struct bytes *argv, uint32_t argc);
void call_no_effect(struct call *call); // it changed nothing that others have to know
// call_effect of texts and numbers: "s" a C string, "b" a struct bytes, "i" an int64_t, "u" a
// uint64_t. call_effectf(call, "sbb", "SREM", key, member)
void call_effectf(struct call *call, const char *format, ...);
