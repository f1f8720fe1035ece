// stream_harness.h: what the tests of stream commands share: a harness with a second client, the
// events of what changed, and long commands that are stopped midway.
//
// Memory:  harness.h's
#pragma once
#include "dataplane/types/stream_value.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static struct harness_client *other;
static char events[4096]; // of streams, of the last EXPECT_CHANGE: "s:xadd s:xtrim "

static inline void note_event(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                              const char *event)
{
    size_t at = strlen(events);
    (void)s;
    (void)db;
    if ((class & EVENT_EVERY) != EVENT_STREAM) return;
    snprintf(events + at, sizeof events - at, "%.*s:%s ", (int)key.size, (const char *)key.data,
             event);
}
static inline void open_streams(void)
{
    h = harness_open();
    h->server.on_changed = note_event;
    other = harness_client_open(h);
}
static inline void close_streams(void)
{
    harness_client_close(other);
    harness_close(h);
}

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
#define EXPECT_BLOCKS(c, command)                                                                  \
    cr_expect(eq(str, (char *)harness_client_run((c), (command)), (char *)""), "%s", (command))
#define EXPECT_SENT(c, expected)                                                                   \
    cr_expect(eq(str, (char *)harness_client_wire(c), (char *)(expected)))
#define EXPECT_STARTS(text, expected)                                                              \
    cr_expect(strncmp((text), (expected), strlen(expected)) == 0, "%.80s", (text))
#define EXPECT_ENDS(text, expected)                                                                \
    cr_expect(strlen(text) >= strlen(expected) &&                                                  \
              strcmp((text) + strlen(text) - strlen(expected), (expected)) == 0)

// Replies of one digit IDs and values, as fill_stream makes them.
#define ENTRY(id, value) "*2\r\n$3\r\n" id "\r\n*2\r\n$1\r\nf\r\n$1\r\n" value "\r\n"
#define STREAM_BAD_ID "-ERR Invalid stream ID specified as stream command argument\r\n"
#define STREAM_NOT_INTEGER "-ERR value is not an integer or out of range\r\n"

static inline void set_node_entries(int64_t count)
{
    h->settings.stream_node_max_entries = count;
    harness_apply_thresholds(h);
}

// Entries 1-0 .. count-0, each f <number>.
static inline void fill_stream(const char *key, uint32_t count)
{
    char command[128];
    for (uint32_t i = 1; i <= count; i++) {
        snprintf(command, sizeof command, "xadd %s %u-0 f %u", key, i, i);
        harness_run(h, command);
    }
}

static inline struct stream_object *stream_at(const char *name)
{
    struct key key = key_make(h->server.keyspace, bytes_text(name));
    struct entry *e = keyspace_find(h->server.keyspace, 0, &key, FIND_QUIET, h->now_ms);
    cr_assert(e != NULL);
    return stream_of(e);
}

// Sends a command and runs its body, but no slices of anything: what is sent next happens
// meanwhile. Whether the client is suspended now.
static inline bool begin_for(struct client *client, const char *command)
{
    char line[8192];
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(line, (size_t)snprintf(line, sizeof line, "%s\r\n", command));
    struct resp_request request;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    struct call call = { .server = &h->server,
                         .client = client,
                         .reply = &client->reply,
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
static inline void run_slices(uint32_t count)
{
    for (uint32_t i = 0; i < count && h->server.jobs.list.count; i++) jobs_run(&h->server, 1);
}
// All that is left to do; the first client's reply is in h->wire.
static inline void run_to_the_end(void)
{
    run_slices(UINT32_MAX);
    harness_drain(h);
}
