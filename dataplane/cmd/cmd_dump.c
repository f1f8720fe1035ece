// DUMP: a value as an object of the snapshot format behind its type, then the version of the format
// and a CRC64 of all before.
//
// Source:  spec/rdb.md section 10
#include "dataplane/base/hash.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/types/value_dump.h"

static command_body cmd_dump;

const struct command cmd_dumps[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(DUMP, "dump", cmd_dump, 2, 1, 1, 1, CMD_READONLY, ACL_KEYSPACE),
};

enum {
    DUMP_DIRECT_BYTES = 64 * 1024, // of the value
    CHUNK_BYTES = 64 * 1024,
    CHUNK_ROOM_BYTES = 2 * CHUNK_BYTES,
    STEP_ELEMENTS = 64,
};

struct dump {
    struct job job;
    struct value_dump value;
    struct rdb_buffer out;
    uint64_t crc, size; // of the chunks
    struct blob **chunks;
    uint32_t chunk_count, chunk_room;
};

static void take_chunk(struct dump *d, struct heap *heap)
{
    enum { ROOM_MIN = 16 };
    struct blob *chunk = rdb_buffer_take(&d->out);
    if (d->chunk_count == d->chunk_room) {
        uint32_t room = d->chunk_room ? d->chunk_room * 2 : ROOM_MIN;
        d->chunks = heap_resize(heap, d->chunks, d->chunk_room * sizeof d->chunks[0],
                                room * sizeof d->chunks[0], HEAP_OTHER);
        d->chunk_room = room;
    }
    d->chunks[d->chunk_count++] = chunk;
    d->crc = crc64(d->crc, chunk->data, chunk->size);
    d->size += chunk->size;
}

// The version belongs to what the CRC is of.
static void put_footer(struct dump *d)
{
    store_le16(rdb_buffer_reserve(&d->out, RDB_FOOTER_BYTES), d->value.rdb_version);
    rdb_buffer_commit(&d->out, 2);
    struct bytes last = rdb_buffer_bytes(&d->out);
    rdb_put_le64(&d->out, crc64(d->crc, last.data, last.size));
}

// One bulk, though it lies in pieces, which are sent from where they are.
static void reply_chunks(struct reply *r, struct dump *d)
{
    char head[NUM_INT_MAX + 3] = "$";
    uint32_t size = 1 + num_format_uint(head + 1, d->size);
    memcpy(head + size, "\r\n", 2);
    reply_raw(r, bytes_make(head, size + 2));
    for (uint32_t i = 0; i < d->chunk_count && !r->muted; i++)
        outq_append_ref(r->out, blob_bytes(d->chunks[i]), blob_release_value,
                        blob_hold(d->chunks[i]));
    reply_raw(r, BYTES_LITERAL("\r\n"));
}

static void reply_dump(struct call *call, struct dump *d)
{
    put_footer(d);
    if (d->chunk_count == 0) {
        reply_blob(call->reply, d->out.blob, rdb_buffer_bytes(&d->out));
        return;
    }
    take_chunk(d, call->server->heap);
    reply_chunks(call->reply, d);
}

static bool dump_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct dump *d = (struct dump *)job;
    do {
        if (value_dump_step(&d->value, STEP_ELEMENTS)) {
            reply_dump(call, d);
            return true;
        }
        if (rdb_buffer_size(&d->out) >= CHUNK_BYTES) {
            take_chunk(d, call->server->heap);
            rdb_buffer_reserve(&d->out, CHUNK_ROOM_BYTES); // so that it need not grow
        }
    } while (job_may_go_on(until_tsc));
    return false;
}

static void dump_close(struct job *job, struct server *server)
{
    struct dump *d = (struct dump *)job;
    struct heap *heap = server->heap;
    value_dump_end(&d->value);
    rdb_buffer_close(&d->out);
    for (uint32_t i = 0; i < d->chunk_count; i++) blob_release(d->chunks[i]);
    heap_give(heap, d->chunks, d->chunk_room * sizeof d->chunks[0], HEAP_OTHER);
    heap_give(heap, d, sizeof *d, HEAP_OTHER);
}

static const struct job_ops dump_ops = { dump_step, dump_close };

// NULL: nothing of the value is left.
static struct dump *dump_open(struct call *call, const struct entry *e)
{
    struct heap *heap = call->server->heap;
    struct value_dump_options options = { .may_compress = call->server->settings->rdbcompression };
    struct dump *d = heap_take(heap, sizeof *d, HEAP_OTHER);
    d->job = (struct job){ .ops = &dump_ops };
    d->crc = d->size = 0;
    d->chunks = NULL;
    d->chunk_count = d->chunk_room = 0;
    rdb_buffer_init(&d->out, heap, HEAP_CLIENT_OUT);
    if (!value_dump_begin(&d->value, call->keyspace, e, &d->out, options, call->now_ms)) {
        heap_give(heap, d, sizeof *d, HEAP_OTHER);
        return NULL;
    }
    rdb_put_u8(&d->out, (uint8_t)d->value.rdb_type);
    return d;
}

static void cmd_dump(struct call *call)
{
    struct key key = call_key(call, 1);
    const struct entry *e = call_find(call, &key, FIND_READ);
    struct dump *d = e ? dump_open(call, e) : NULL;
    if (!d) {
        reply_null(call->reply);
    } else if (entry_memory_bytes(e) > DUMP_DIRECT_BYTES) {
        call_start_job(call, &d->job);
    } else {
        while (!dump_step(&d->job, call, UINT64_MAX)) {
        }
        dump_close(&d->job, call->server);
    }
}
