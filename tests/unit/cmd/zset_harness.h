// zset_harness.h: what the tests of sorted sets' commands share: a harness, events, effects, and
// long sorted sets.
#pragma once
#include "dataplane/types/zset_value.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static char events[512]; // of the last EXPECT_CHANGE: "z:zadd:key g:del:key "

static inline void note_event(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                              const char *event)
{
    size_t size = strlen(events);
    (void)s;
    (void)db;
    snprintf(events + size, sizeof events - size, "%c:%s:%.*s ", class == EVENT_ZSET ? 'z' : 'g',
             event, (int)key.size, (const char *)key.data);
}

static inline void open_zsets(void)
{
    h = harness_open();
    h->server.on_changed = note_event;
}
static inline void close_zsets(void) { harness_close(h); }

// What the command changed: Redis's count of changes, its events, its effects.
#define EXPECT_CHANGE(command, dirty, expected_events, expected_effects)                           \
    do {                                                                                           \
        uint64_t before = keyspace_dirty(h->server.keyspace);                                      \
        events[0] = 0;                                                                             \
        harness_run(h, (command));                                                                 \
        cr_expect(eq(u64, keyspace_dirty(h->server.keyspace) - before, (dirty)), "%s", (command)); \
        cr_expect(eq(str, events, (char *)(expected_events)), "%s", (command));                    \
        cr_expect(eq(str, h->effects, (char *)(expected_effects)), "%s", (command));               \
    } while (0)

// Members m0, m1 ... with the scores 0, 1 ...: more than is gone over at once.
enum { LONG_COUNT = 6000 };
static inline void fill_long(const char *name, uint32_t first, uint32_t count)
{
    struct key key = key_make(h->server.keyspace, bytes_text(name));
    struct zset_place p = {
        .keyspace = h->server.keyspace,
        .thresholds = &h->server.thresholds,
        .key = &key,
        .entry = keyspace_find(h->server.keyspace, 0, &key, FIND_QUIET, h->now_ms),
    };
    char text[24];
    for (uint32_t i = first; i < first + count; i++)
        zset_put(&p, bytes_make(text, (size_t)snprintf(text, sizeof text, "m%u", i)), i);
}

// Sends a command and runs its body, but no slices of anything: what is sent next happens
// meanwhile. Whether the client is suspended now.
static inline bool send_only(struct harness_client *c, const char *command)
{
    char line[256];
    struct bytes in = bytes_make(line, (size_t)snprintf(line, sizeof line, "%s\r\n", command));
    struct resp_limits limits = { 1 << 20, 1 << 20, true };
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
    return call.suspended;
}
// All slices of all long commands.
static inline void run_slices(void)
{
    h->effects_size = 0;
    h->effects[0] = 0;
    for (h->slices = 0; jobs_run(&h->server, h->job_slice_cycles);) h->slices++;
}
#define EXPECT_SENT(c, expected)                                                                   \
    cr_expect(eq(str, (char *)harness_client_wire(c), (char *)(expected)))
