// harness.h: commands run as text against a real keyspace and server struct; the reply's wire bytes
// come back. No network, no shard: what a command body may touch is all there is.
//
// Memory:  harness_close checks that every byte of the heap was given back
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/errand.h"
#include "dataplane/cmd/hash_expiry.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/memory.h"

enum { HARNESS_WIRE_BYTES = 8 << 20 };
#define HARNESS_START_MS 1700000000000ull // the wall clock, until a test moves it

struct harness {
    struct heap heap;
    struct heap_piece_source source;
    struct stream stream;
    struct settings settings;
    struct server server;
    struct shard_tally tally;
    struct client client;
    struct resp_reader reader;
    struct clock clock;
    uint64_t now_ms;
    uint64_t job_slice_cycles; // small, so that long commands take many slices
    uint32_t slices;           // of the last command
    bool no_slices;            // jobs stay where they are, until another command runs
    size_t effects_size;
    uint64_t joint_number, joint_count; // of the last unit that was a part of a transaction; or 0
    char effects[1 << 16]; // of the last command: "SET a 1 | DEL b;" a unit ends with ';'
    size_t wire_size;
    char wire[HARNESS_WIRE_BYTES + 1]; // of the last reply, NUL-ended
};

// Who resumes, and that a job wrote, is nothing to the harness: replies are drained after each run.
static inline void harness_note_client(struct server *s, struct client *c)
{
    (void)s;
    (void)c;
}
static const struct server_ops harness_ops = { .resume_client = harness_note_client,
                                               .client_wrote = harness_note_client };

// What a sink of effects was given, whole, for the caller to free; rest is empty behind it.
static inline struct bytes harness_whole_unit(struct bytes front, struct byte_queue *rest)
{
    uint8_t *whole = malloc(front.size + rest->size + 1);
    size_t size = front.size;
    if (size) memcpy(whole, front.data, size);
    for (struct bytes piece; (piece = byte_queue_first(rest)).size;) {
        memcpy(whole + size, piece.data, piece.size);
        size += piece.size;
        byte_queue_skip(rest, piece.size);
    }
    whole[size] = 0;
    return bytes_make(whole, size);
}

// "*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n" becomes "DEL b"; SELECT 0 is left out, and so is what stands
// around the one command of a part of a transaction over several shards.
static inline void harness_note_effects(void *context, struct bytes front, struct byte_queue *rest,
                                        uint32_t command_count)
{
    struct harness *h = context;
    struct bytes unit = harness_whole_unit(front, rest);
    size_t at = h->effects_size, room = sizeof h->effects;
    const char *in = (const char *)unit.data, *end = in + unit.size;
    bool is_first = true, is_part = in < end && *in == '#';
    h->joint_number = h->joint_count = 0;
    if (is_part) {
        int found = sscanf(in, "#TX:%lu %lu", &h->joint_number, &h->joint_count);
        cr_assert(eq(int, found, 2));
        in = strchr(in, '*');
    }
    while (in < end) {
        char text[4096];
        size_t size = 0;
        long argc = strtol(in + 1, (char **)(uintptr_t)&in, 10);
        in += 2;
        for (long i = 0; i < argc; i++) {
            long bytes = strtol(in + 1, (char **)(uintptr_t)&in, 10);
            in += 2;
            if (size + (size_t)bytes + 2 < sizeof text)
                size += (size_t)sprintf(text + size, "%s%.*s", i ? " " : "", (int)bytes, in);
            in += bytes + 2;
        }
        text[size] = 0;
        if (strcmp(text, "SELECT 0") == 0) continue;
        if (is_part && command_count <= 1 && (!strcmp(text, "MULTI") || !strcmp(text, "EXEC")))
            continue;
        cr_assert(lt(sz, at + size + 8, room), "more effects than the harness keeps");
        at += (size_t)snprintf(h->effects + at, room - at, "%s%s", is_first ? "" : " | ", text);
        is_first = false;
    }
    at += (size_t)snprintf(h->effects + at, room - at, ";");
    h->effects_size = at;
    free((void *)(uintptr_t)unit.data);
}

static inline void harness_apply_thresholds(struct harness *h)
{
    const struct settings *f = &h->settings;
    h->server.thresholds = (struct thresholds){
        .hash_entries = f->hash_max_listpack_entries,
        .hash_value_bytes = f->hash_max_listpack_value,
        .list_size = f->list_max_listpack_size,
        .set_intset_entries = f->set_max_intset_entries,
        .set_entries = f->set_max_listpack_entries,
        .set_value_bytes = f->set_max_listpack_value,
        .zset_entries = f->zset_max_listpack_entries,
        .zset_value_bytes = f->zset_max_listpack_value,
        .stream_node_bytes = f->stream_node_max_bytes,
        .stream_node_entries = f->stream_node_max_entries,
    };
}

static inline uint64_t harness_pending(const struct stream *s)
{
    (void)s;
    return 0;
}
static const struct stream_ops harness_stream_ops = { .pending = harness_pending };

static inline struct harness *harness_open(void)
{
    struct harness *h = calloc(1, sizeof *h);
    struct server *s = &h->server;
    struct keyspace_config config = { .database_count = 16, .hash_key = { 1, 2 } };
    h->now_ms = HARNESS_START_MS;
    cr_assert(eq(int, heap_open(&h->heap), OK));
    settings_init(&h->settings);
    // What a slow machine makes slow shall not take memory that a test counts.
    h->settings.slowlog_log_slower_than = -1;
    cr_assert(eq(int, keyspace_open(&s->keyspace, &h->heap, &config, &h->tally, h->now_ms), OK));
    s->settings = &h->settings;
    s->heap = &h->heap;
    s->tally = &h->tally;
    s->meter = (struct cycle_meter){ .cycles = h->tally.cycles, .since = clock_tsc() };
    s->shard_count = 1;
    s->ops = &harness_ops;
    cr_assert(eq(int, clock_init(&h->clock), OK));
    s->clock = &h->clock;
    s->now_ms = h->now_ms;
    s->now_ns = h->now_ms * 1000000;
    h->job_slice_cycles = 1; // one look at the clock
    harness_apply_thresholds(h);
    server_open_parts(s);
    effects_set_sink(&s->effects, harness_note_effects, h);
    rng_seed(&s->rng, 1);
    client_table_init(&s->clients);
    heap_piece_source_init(&h->source, &h->heap, 4096);
    outq_init(&h->stream.out, &h->source.source);
    h->stream.kind = STREAM_SOCK_UNIX;
    h->stream.ops = &harness_stream_ops;
    h->client.stream = &h->stream;
    h->client.reply = (struct reply){ .out = &h->stream.out, .version = 2 };
    h->client.authenticated = true;
    client_table_add(&s->clients, &h->client);
    resp_reader_init(&h->reader, &h->heap);
    return h;
}

static inline void harness_close(struct harness *h)
{
    resp_reader_close(&h->reader);
    server_forget_client(&h->server, &h->client);
    server_close_parts(&h->server);
    keyspace_close(h->server.keyspace);
    cr_expect(eq(u64, h->heap.bytes_total, 0));
    heap_close(&h->heap);
    settings_close(&h->settings);
    free(h);
}

static inline void harness_collect(struct harness *h) // behind what is in h->wire
{
    struct piece *p;
    while ((p = outq_take(&h->stream.out))) {
        cr_assert(le(sz, h->wire_size + p->used, HARNESS_WIRE_BYTES));
        memcpy(h->wire + h->wire_size, p->data, p->used);
        h->wire_size += p->used;
        p->release(p);
    }
    h->wire[h->wire_size] = 0;
}
static inline void harness_drain(struct harness *h)
{
    h->wire_size = 0;
    harness_collect(h);
}

static inline void harness_execute(struct harness *h, struct resp_request *request)
{
    struct call call = {
        .server = &h->server,
        .client = &h->client,
        .reply = &h->client.reply,
        .keyspace = h->server.keyspace,
        .argv = request->argv,
        .argc = request->argc,
        .request = request,
        .arrival_tsc = clock_tsc(),
        .now_ms = h->now_ms,
    };
    h->server.now_ms = h->now_ms;
    h->server.now_ns = h->now_ms * 1000000;
    h->effects_size = 0;
    h->effects[0] = 0;
    command_prepare(&call);
    command_prefetch(&call);
    command_execute(&call);
    h->wire_size = 0;
    for (h->slices = 0; h->server.jobs.list.count && !h->no_slices;) {
        if (jobs_run(&h->server, h->job_slice_cycles))
            h->slices++;
        else
            harness_collect(h); // it waits for its reader
    }
}

// Another client of the same server: it blocks, or pushes while the first one is blocked. Give it
// back before harness_close.
struct harness_client {
    struct harness *harness;
    struct client client;
    struct stream stream;
    char wire[65536]; // what it was sent since it was last looked at
};
static inline struct harness_client *harness_client_open(struct harness *h)
{
    struct harness_client *c = calloc(1, sizeof *c);
    c->harness = h;
    outq_init(&c->stream.out, &h->source.source);
    c->stream.ops = &harness_stream_ops;
    c->client.stream = &c->stream;
    c->client.reply = (struct reply){ .out = &c->stream.out, .version = 2 };
    c->client.authenticated = true;
    client_table_add(&h->server.clients, &c->client);
    return c;
}
static inline void harness_client_close(struct harness_client *c)
{
    block_forget_client(&c->harness->server, &c->client);
    jobs_forget_client(&c->harness->server, &c->client);
    server_forget_client(&c->harness->server, &c->client);
    client_table_remove(&c->harness->server.clients, &c->client);
    outq_clear(&c->stream.out);
    free(c);
}
static inline const char *harness_client_wire(struct harness_client *c)
{
    size_t size = 0;
    struct piece *p;
    while ((p = outq_take(&c->stream.out))) {
        cr_assert(lt(sz, size + p->used, sizeof c->wire));
        memcpy(c->wire + size, p->data, p->used);
        size += p->used;
        p->release(p);
    }
    c->wire[size] = 0;
    return c->wire;
}
// An inline command of that client; "" when it blocked.
static inline const char *harness_client_run(struct harness_client *c, const char *command)
{
    struct harness *h = c->harness;
    char line[8192];
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(line, (size_t)snprintf(line, sizeof line, "%s\r\n", command));
    struct resp_request request;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    struct call call = { .server = &h->server,
                         .client = &c->client,
                         .reply = &c->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = request.argv,
                         .argc = request.argc,
                         .request = &request,
                         .arrival_tsc = clock_tsc(),
                         .now_ms = h->now_ms };
    h->effects_size = 0;
    h->effects[0] = 0;
    command_prepare(&call);
    command_execute(&call);
    while (!h->no_slices && jobs_run(&h->server, h->job_slice_cycles)) continue;
    return harness_client_wire(c);
}
static inline void harness_set_time(struct harness *h, uint64_t now_ms)
{
    h->now_ms = h->server.now_ms = now_ms;
    h->server.now_ns = now_ms * 1000000;
}

// Bytes as a client would send them: one request, inline or RESP. Its reply is in h->wire.
static inline const char *harness_send(struct harness *h, const void *wire, size_t size)
{
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(wire, size);
    struct resp_request request;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    harness_execute(h, &request);
    harness_collect(h);
    return h->wire;
}

// An inline command: quotes and \x escapes work as in redis-cli.
static inline const char *harness_run(struct harness *h, const char *command)
{
    char line[8192];
    int size = snprintf(line, sizeof line, "%s\r\n", command);
    cr_assert(lt(int, size, (int)sizeof line));
    return harness_send(h, line, (size_t)size);
}
#define EXPECT_REPLY(h, command, expected)                                                         \
    cr_expect(eq(str, (char *)harness_run((h), (command)), (char *)(expected)), "%s", (command))

// count arguments in RESP form, for large ones.
static inline const char *harness_run_args(struct harness *h, const struct bytes *args,
                                           uint32_t count)
{
    size_t size = 64;
    for (uint32_t i = 0; i < count; i++) size += args[i].size + 64;
    char *wire = malloc(size), *at = wire;
    at += sprintf(at, "*%u\r\n", count);
    for (uint32_t i = 0; i < count; i++) {
        at += sprintf(at, "$%zu\r\n", args[i].size);
        memcpy(at, args[i].data, args[i].size);
        at += args[i].size;
        at += sprintf(at, "\r\n");
    }
    harness_send(h, wire, (size_t)(at - wire));
    free(wire);
    return h->wire;
}
