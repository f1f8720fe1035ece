#include <string.h>
#include "dataplane/base/bits.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/effect_draft.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/strings_held.h"

static command_body cmd_bitop_body;

const struct command cmd_bitop[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(BITOP, "bitop", cmd_bitop_body, -4, 2, -1, 1, CMD_WRITE | CMD_DENYOOM, ACL_BITMAP),
};

enum {
    BITOP_SMALL_BYTES = 1024,         // results that are made on the stack
    BITOP_DIRECT_BYTES = 1024 * 1024, // of all sources and the result, together
    BITOP_PIECE_BYTES = 16 * 1024,    // stay in the first cache while the sources go over them
};

struct bitop {
    struct job job;
    enum bits_operation operation;
    struct strings_held *sources;
    size_t size, done; // of the result
    struct blob *result;
    struct effect_draft effect; // of a job: the sources may have changed until it is done
};

static bool operation_find(struct bytes word, enum bits_operation *operation)
{
    static const char *const words[] = { "and", "or", "xor", "not" };
    for (uint32_t i = 0; i < 4; i++) {
        if (!bytes_is_option(word, words[i])) continue;
        *operation = (enum bits_operation)i;
        return true;
    }
    return false;
}

// ---- results

static void put_small(struct call *call, const struct bitop *b, const struct key *key)
{
    uint8_t result[BITOP_SMALL_BYTES], *bytes;
    bits_combine(b->operation, b->sources->texts, b->sources->count, 0, result, b->size);
    string_edit(call->keyspace, call->client->db, key, NULL, b->size, &bytes);
    memcpy(bytes, result, b->size);
}

static struct heap *result_heap(const struct call *call)
{
    return keyspace_space(call_keyspace(call, call->argv[2]))->heap;
}

// A piece of a large result; true when it was the last.
static bool combine_piece(struct bitop *b, struct heap *heap)
{
    if (!b->result) b->result = blob_new(heap, b->size, HEAP_DATASET);
    size_t size = b->size - b->done;
    if (size > BITOP_PIECE_BYTES) size = BITOP_PIECE_BYTES;
    bits_combine(b->operation, b->sources->texts, b->sources->count, b->done,
                 b->result->data + b->done, size);
    b->done += size;
    return b->done == b->size;
}

static void put_large(struct call *call, struct bitop *b, const struct key *key)
{
    struct blob *result = b->result;
    b->result = NULL;
    result->size = b->size;
    string_set(call->keyspace, call->client->db, key, blob_bytes(result), result,
               KEYSPACE_NO_DEADLINE, SET_TEXT, call->now_ms);
}

static void reply_result(struct call *call, const struct bitop *b, const struct key *key)
{
    call_changed(call, key, EVENT_STRING, "set");
    reply_int(call->reply, (int64_t)b->size);
}

// ---- in slices

static bool combine_and_tell(struct bitop *b, struct heap *heap)
{
    size_t from = b->done;
    bool is_done = combine_piece(b, heap);
    effect_draft_add_piece(&b->effect, bytes_make(b->result->data + from, b->done - from));
    return is_done;
}

static bool bitop_job_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct bitop *b = (struct bitop *)job;
    struct key key = call_key(call, 2);
    if (!b->result) effect_draft_begin_set(&b->effect, call, key.name, b->size);
    while (!combine_and_tell(b, result_heap(call)))
        if (!job_may_go_on(until_tsc)) return false;
    put_large(call, b, &key);
    reply_result(call, b, &key);
    effect_draft_put(&b->effect, call);
    return true;
}

static void bitop_close(struct bitop *b, struct heap *heap)
{
    strings_release(b->sources, heap);
    if (b->result) blob_release(b->result);
}

static void bitop_job_close(struct job *job, struct server *server)
{
    struct bitop *b = (struct bitop *)job;
    bitop_close(b, server->heap);
    effect_draft_drop(&b->effect);
    heap_give(server->heap, b, sizeof *b, HEAP_OTHER);
}

static const struct job_ops bitop_job_ops = { bitop_job_step, bitop_job_close };

static bool is_long(const struct bitop *b)
{
    return b->size > BITOP_SMALL_BYTES && b->sources->total_bytes + b->size > BITOP_DIRECT_BYTES;
}

static void start_job(struct call *call, const struct bitop *b, const struct key *destination)
{
    struct bitop *job = heap_take(call->server->heap, sizeof *job, HEAP_OTHER);
    *job = *b;
    job->job.ops = &bitop_job_ops;
    call_start_write_job(call, &job->job, destination);
}

static void remove_destination(struct call *call, const struct key *key)
{
    if (keyspace_delete(call->keyspace, call->client->db, key, call->now_ms))
        call_changed(call, key, EVENT_GENERIC, "del");
    reply_int(call->reply, 0);
}

static void run_now(struct call *call, struct bitop *b, const struct key *key)
{
    if (b->size == 0) {
        remove_destination(call, key);
        return;
    }
    if (b->size <= BITOP_SMALL_BYTES) {
        put_small(call, b, key);
    } else {
        while (!combine_piece(b, result_heap(call))) {
        }
        put_large(call, b, key);
    }
    reply_result(call, b, key);
}

static void cmd_bitop_body(struct call *call)
{
    struct bitop b = { 0 };
    if (!operation_find(call->argv[1], &b.operation)) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    if (b.operation == BITS_NOT && call->argc != 4) {
        reply_error(call->reply, "ERR BITOP NOT must be called with a single source key.");
        return;
    }
    struct key key = call_key(call, 2);
    b.sources = strings_hold(call, 3);
    b.size = b.sources->longest_bytes;
    if (b.sources->has_wrong_type)
        reply_error(call->reply, reply_text_wrong_type);
    else if (is_long(&b)) {
        start_job(call, &b, &key);
        return;
    } else
        run_now(call, &b, &key);
    bitop_close(&b, call->server->heap);
}
