// harness.h: commands run as text against a real keyspace and server struct; the reply's wire bytes
// come back. No network, no shard: what a command body may touch is all there is.
//
// Memory:  harness_close checks that every byte of the heap was given back
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/cmd/cmd.h"

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
    uint64_t now_ms;
    size_t wire_size;
    char wire[HARNESS_WIRE_BYTES + 1]; // of the last reply, NUL-ended
};

static inline struct harness *harness_open(void)
{
    struct harness *h = calloc(1, sizeof *h);
    struct server *s = &h->server;
    struct keyspace_config config = { .database_count = 16, .hash_key = { 1, 2 } };
    h->now_ms = HARNESS_START_MS;
    cr_assert(eq(int, heap_open(&h->heap), OK));
    settings_init(&h->settings);
    cr_assert(eq(int, keyspace_open(&s->keyspace, &h->heap, &config, &h->tally, h->now_ms), OK));
    s->settings = &h->settings;
    s->heap = &h->heap;
    s->tally = &h->tally;
    s->meter = (struct cycle_meter){ .cycles = h->tally.cycles, .since = clock_tsc() };
    s->shard_count = 1;
    rng_seed(&s->rng, 1);
    client_table_init(&s->clients);
    heap_piece_source_init(&h->source, &h->heap, 4096);
    outq_init(&h->stream.out, &h->source.source);
    h->stream.kind = STREAM_SOCK_UNIX;
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
    keyspace_close(h->server.keyspace);
    cr_expect(eq(u64, h->heap.bytes_total, 0));
    heap_close(&h->heap);
    settings_close(&h->settings);
    free(h);
}

static inline void harness_drain(struct harness *h)
{
    struct piece *p;
    h->wire_size = 0;
    while ((p = outq_take(&h->stream.out))) {
        cr_assert(le(sz, h->wire_size + p->used, HARNESS_WIRE_BYTES));
        memcpy(h->wire + h->wire_size, p->data, p->used);
        h->wire_size += p->used;
        p->release(p);
    }
    h->wire[h->wire_size] = 0;
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
    command_prepare(&call);
    command_prefetch(&call);
    command_execute(&call);
}

// Bytes as a client would send them: one request, inline or RESP. Its reply is in h->wire.
static inline const char *harness_send(struct harness *h, const void *wire, size_t size)
{
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(wire, size);
    struct resp_request request;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    harness_execute(h, &request);
    harness_drain(h);
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
