#include "dataplane/cmd/effects.h"
#include <stdarg.h>
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/effect_split.h"
#include "dataplane/cmd/node.h"
#include "storage/aof/aof_write.h"

enum {
    ROOM_FIRST = 4096,
    FORMAT_WORDS_MAX = 16,
};

static const struct bytes multi_wire = { (const uint8_t *)"*1\r\n$5\r\nMULTI\r\n", 15 };
static const struct bytes exec_wire = { (const uint8_t *)"*1\r\n$4\r\nEXEC\r\n", 14 };

void effects_init(struct effects *e, struct heap *heap)
{
    *e = (struct effects){ .heap = heap, .db = -1 };
    byte_queue_init(&e->rest, heap, HEAP_LOG);
}

void effects_close(struct effects *e)
{
    if (e->buffer) heap_give(e->heap, e->buffer, e->room, HEAP_LOG);
    byte_queue_clear(&e->rest);
    effects_init(e, e->heap);
}

void effects_set_sink(struct effects *e, effects_sink *sink, void *context)
{
    CHECK(e->count == 0);
    e->sink = sink;
    e->context = context;
    e->db = -1;
}

static uint8_t *want(struct effects *e, size_t size)
{
    size_t room = e->room ? e->room : ROOM_FIRST;
    while (room - e->size < size) room *= 2;
    if (room != e->room) {
        e->buffer = heap_resize(e->heap, e->buffer, e->room, room, HEAP_LOG);
        e->room = room;
    }
    return e->buffer + e->size;
}

static bool fits_front(const struct effects *e, size_t size)
{
    return LIKELY(e->rest.size == 0) && LIKELY(e->size + size <= EFFECTS_FRONT_MAX);
}

static void put_bytes(struct effects *e, struct bytes bytes)
{
    if (!fits_front(e, bytes.size)) {
        byte_queue_append(&e->rest, bytes);
        return;
    }
    if (bytes.size) memcpy(want(e, bytes.size), bytes.data, bytes.size);
    e->size += bytes.size;
}

static void put_head(struct effects *e, char kind, uint64_t value)
{
    uint8_t head[RESP_HEAD_MAX];
    if (fits_front(e, RESP_HEAD_MAX)) // where it belongs: this is done for every argument
        e->size += resp_put_head(want(e, RESP_HEAD_MAX), kind, value);
    else
        put_bytes(e, bytes_make(head, resp_put_head(head, kind, value)));
}

static void put_text(struct effects *e, struct bytes text)
{
    put_head(e, '$', text.size);
    put_bytes(e, text);
    put_bytes(e, BYTES_LITERAL("\r\n"));
}

static void put_command(struct effects *e, const struct bytes *argv, uint32_t argc)
{
    put_head(e, '*', argc);
    for (uint32_t i = 0; i < argc; i++) put_text(e, argv[i]);
}

static void put_in_front(struct effects *e, struct bytes bytes)
{
    want(e, bytes.size);
    memmove(e->buffer + bytes.size, e->buffer, e->size);
    memcpy(e->buffer, bytes.data, bytes.size);
    e->size += bytes.size;
}

// The unit turned out to be more than one command. MULTI has no database; SELECT comes after it
// (spec/aof.md chapter 3).
static void put_multi(struct effects *e) { put_in_front(e, multi_wire); }

static void put_select(struct effects *e, uint32_t db)
{
    char digits[NUM_INT_MAX];
    struct bytes select[] = { BYTES_LITERAL("SELECT"),
                              bytes_make(digits, num_format_uint(digits, db)) };
    if (e->db == db) return;
    put_command(e, select, 2);
    e->db = db;
}

void effects_add(struct effects *e, uint32_t db, const struct bytes *argv, uint32_t argc)
{
    if (!effects_are_on(e)) return;
    if (e->count == 1) put_multi(e);
    put_select(e, db);
    put_command(e, argv, argc);
    e->count++;
}

static void put_transaction(struct effects *e)
{
    char line[AOF_TRANSACTION_BYTES_MAX];
    uint32_t shards = (uint32_t)__builtin_popcountll(e->joint.shards);
    if (e->count <= 1) put_multi(e); // else it is there
    put_in_front(e, bytes_make(line, aof_put_transaction(line, e->joint.number, shards)));
}

static void end_unit(struct effects *e)
{
    if (UNLIKELY(e->joint.shards != 0)) put_transaction(e);
    if (e->count > 1 || e->joint.shards) put_bytes(e, exec_wire);
    uint32_t count = e->count;
    e->commands_total += count;
    e->bytes_total += e->size + e->rest.size;
    e->count = 0;
    if (e->sink) e->sink(e->context, bytes_make(e->buffer, e->size), &e->rest, count);
    if (UNLIKELY(e->rest.size != 0)) byte_queue_clear(&e->rest);
    e->size = 0;
    e->joint.shards = 0;
    e->is_ordered = false;
}

void effects_end_unit(struct effects *e)
{
    if ((e->count != 0 || e->is_ordered) && !e->held) end_unit(e);
}

// ---- of several shards

static void number(struct server *s, shard_set parts)
{
    struct effects_joint joint = { node_next_joint(s->node), parts };
    for (shard_set left = parts; left; left = shard_set_rest(left))
        server_peer(s, shard_set_first(left))->effects.joint = joint;
}

void effects_number_parts(struct server *s, uint64_t shards, uint32_t held)
{
    shard_set parts = 0;
    for (shard_set left = shards; left; left = shard_set_rest(left)) {
        const struct effects *e = &server_peer(s, shard_set_first(left))->effects;
        if ((e->count || e->is_ordered) && e->held == held)
            parts |= shard_set_of(shard_set_first(left));
    }
    if (UNLIKELY(shard_set_rest(parts) != 0)) number(s, parts);
}

void effects_number_next(struct server *s, uint64_t shards)
{
    if (s->effects.held) return;
    for (shard_set left = shards; left; left = shard_set_rest(left))
        effects_end_unit(&server_peer(s, shard_set_first(left))->effects);
    number(s, shards);
}

void effects_put_order(struct server *s, uint64_t shards)
{
    for (shard_set left = shards; left; left = shard_set_rest(left)) {
        struct effects *e = &server_peer(s, shard_set_first(left))->effects;
        e->is_ordered = e->sink != NULL;
    }
    if (s->effects.held) return; // at the end of what is under way
    effects_number_parts(s, shards, 0);
    for (shard_set left = shards; left; left = shard_set_rest(left))
        effects_end_unit(&server_peer(s, shard_set_first(left))->effects);
}

void effects_back_to(struct effects *e, struct effects_mark mark)
{
    CHECK(mark.count <= e->count && mark.size <= e->size);
    // MULTI came in front of what was there only with the second command.
    if (mark.count <= 1 && e->count > 1) memmove(e->buffer, e->buffer + multi_wire.size, mark.size);
    e->count = mark.count;
    e->size = mark.size;
    byte_queue_cut(&e->rest, mark.rest);
    e->db = mark.db;
}

// ---- encoded ahead

void effects_ahead_open(struct effects_ahead *a, struct heap *heap)
{
    a->count = 0;
    byte_queue_init(&a->bytes, heap, HEAP_LOG);
}

void effects_ahead_close(struct effects_ahead *a)
{
    byte_queue_clear(&a->bytes);
    *a = (struct effects_ahead){ 0 };
}

static void put_ahead(struct effects_ahead *a, char kind, uint64_t value)
{
    uint8_t head[RESP_HEAD_MAX];
    byte_queue_append(&a->bytes, bytes_make(head, resp_put_head(head, kind, value)));
}

void effects_ahead_put_head(struct effects_ahead *a, uint32_t argc)
{
    put_ahead(a, '*', argc);
    a->count++;
}

void effects_ahead_put_size(struct effects_ahead *a, uint64_t size) { put_ahead(a, '$', size); }

void effects_ahead_put_text(struct effects_ahead *a, struct bytes text)
{
    effects_ahead_put_size(a, text.size);
    effects_ahead_put_bytes(a, text);
    effects_ahead_end_text(a);
}

void effects_ahead_put_removal(struct effects_ahead *a, struct bytes key)
{
    effects_ahead_put_head(a, 2);
    effects_ahead_put_text(a, BYTES_LITERAL("DEL"));
    effects_ahead_put_text(a, key);
}

void effects_add_ahead(struct effects *e, uint32_t db, struct effects_ahead *a)
{
    if (!effects_are_on(e) || a->count == 0) return;
    effects_end_unit(e);
    if (e->count == 1 || (e->count == 0 && a->count > 1)) put_multi(e);
    put_select(e, db);
    byte_queue_take_over(&e->rest, &a->bytes);
    e->count += a->count;
    a->count = 0;
    effects_end_unit(e);
}

// ---- for bodies

void call_end_effects(struct call *call)
{
    struct server *s = call->server;
    if (LIKELY(!call_is_joint(call))) {
        effects_end_unit(&s->effects);
        return;
    }
    effects_number_parts(s, s->held | shard_set_of(s->shard_index), 0);
    effects_end_unit(&s->effects);
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        if (s->held >> i & 1) effects_end_unit(&server_peer(s, i)->effects);
}

void call_effect_in(struct call *call, uint32_t db, const struct bytes *argv, uint32_t argc)
{
    call->has_effect = true;
    if (LIKELY(!call_is_joint(call)))
        effects_add(&call->server->effects, db, argv, argc);
    else
        effect_split(call, db, argv, argc);
}

void call_effect(struct call *call, const struct bytes *argv, uint32_t argc)
{
    call_effect_in(call, call->client->db, argv, argc);
}

void call_no_effect(struct call *call) { call->has_effect = true; }

void call_effectf(struct call *call, const char *format, ...)
{
    struct bytes argv[FORMAT_WORDS_MAX];
    char digits[FORMAT_WORDS_MAX][NUM_INT_MAX];
    uint32_t argc = 0;
    call->has_effect = true;
    if (!effects_are_on(&call->server->effects)) return;
    va_list args;
    va_start(args, format);
    for (; format[argc]; argc++) {
        CHECK(argc < FORMAT_WORDS_MAX);
        char *text = digits[argc];
        if (format[argc] == 's')
            argv[argc] = bytes_text(va_arg(args, const char *));
        else if (format[argc] == 'b')
            argv[argc] = va_arg(args, struct bytes);
        else if (format[argc] == 'i')
            argv[argc] = bytes_make(text, num_format_int(text, va_arg(args, int64_t)));
        else
            argv[argc] = bytes_make(text, num_format_uint(text, va_arg(args, uint64_t)));
    }
    va_end(args);
    call_effect(call, argv, argc);
}
