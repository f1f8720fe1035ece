// job_shards.h: long commands of a client of shard 0 with keys on several shards, slice by slice.
// The shards are servers in one thread, nobody else runs meanwhile.
//
// Memory:  close_node checks that every byte of each heap was given back
#pragma once
#include "dataplane/cmd/script_run.h"
#include "tests/unit/cmd/joint_harness.h"

enum { BIG = 5000 };

static struct joint_node *node;
static struct harness_client *caller;                // of shard 0
static struct harness_client *clients[JOINT_SHARDS]; // one of each
static uint64_t held_now;
static uint32_t holds;
static bool refuses_hold;

static inline bool hold(struct server *s, uint64_t shards)
{
    cr_assert(held_now == 0 && s->held == 0 && s->shard_index == 0);
    cr_assert(not(shards & 1));
    if (refuses_hold) return false;
    held_now = shards;
    holds++;
    return true;
}
static inline void let_go(struct server *s, uint64_t shards)
{
    cr_assert(s->held == 0 && held_now == shards);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        cr_assert(node->node.servers[i]->holder == NULL &&
                  node->node.servers[i]->executing == NULL);
    held_now = 0;
}
static struct server_ops ops;

static inline struct server *server(uint32_t index) { return &node->shard[index]->server; }

// Of that shard, by its name: "a0", "a1", ...
static inline const char *name(char letter, uint32_t index)
{
    static char names[8][16];
    static uint32_t next;
    char *to = names[next++ % 8];
    for (int i = 0;; i++) {
        sprintf(to, "%c%d", letter, i);
        if (joint_home_of(node, to) == index) return to;
    }
}

static inline void open_node(void)
{
    node = joint_open();
    ops = joint_ops;
    ops.hold = hold;
    ops.let_go = let_go;
    held_now = holds = 0;
    refuses_hold = false;
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        server(i)->ops = &ops;
        node->shard[i]->no_slices = true;
        node->shard[i]->settings.enable_debug_command = LOCAL_YES;
        clients[i] = harness_client_open(node->shard[i]);
    }
    caller = harness_client_open(node->shard[0]);
}

static inline void close_node(void)
{
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        struct server *s = server(i);
        cr_expect(s->effects.held == 0 && !s->in_command && !s->held && !s->jobs.closed);
        cr_expect(s->jobs.list.count == 0 && s->jobs.held.count == 0);
        cr_expect(eq(u64, s->jobs.watchers.count, 0));
        harness_client_close(clients[i]);
    }
    if (caller) harness_client_close(caller);
    joint_close(node);
}

// On the shard alone, as its client's.
static const char *run_at(uint32_t index, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline const char *run_at(uint32_t index, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return harness_client_run(clients[index], line);
}

static inline void fill(uint32_t index, const char *verb, const char *key, uint32_t first,
                        uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) run_at(index, "%s %s %u", verb, key, i);
}

static inline struct kept_request *request_of(const char *line, struct route *route)
{
    struct harness *h = node->shard[0];
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_text(line);
    struct resp_request request;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    struct call call = { .server = &h->server,
                         .client = &caller->client,
                         .reply = &caller->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = request.argv,
                         .argc = request.argc };
    command_prepare(&call);
    *route = route_of(&call);
    return kept_new(&h->heap, request.argv, request.argc, clock_tsc());
}

static inline void forget_effects(void)
{
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        node->shard[i]->effects_size = node->shard[i]->effects[0] = 0;
}

// As at a rendezvous of the shards of its keys.
static void begin(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void begin(const char *format, ...)
{
    char line[256];
    va_list args;
    struct route route;
    va_start(args, format);
    size_t size = (size_t)vsnprintf(line, sizeof line - 2, format, args);
    va_end(args);
    memcpy(line + size, "\r\n", 3);
    forget_effects();
    struct kept_request *kept = request_of(line, &route);
    command_execute_held(server(0), &caller->client, kept, &route, false);
    kept_free(&node->shard[0]->heap, kept);
}

static inline bool is_under_way(void) { return caller->client.flags & CLIENT_IN_JOB; }

static inline const char *finish(void)
{
    for (uint32_t i = 0; is_under_way(); i++) {
        cr_assert(jobs_run(server(0), 1) && i < 100 * BIG);
        cr_assert(eq(u64, held_now, 0));
    }
    return harness_client_wire(caller);
}

static inline bool must_wait(const char *format, const char *key)
{
    char line[256];
    struct route route;
    sprintf(line, format, key);
    strcat(line, "\r\n");
    struct kept_request *kept = request_of(line, &route);
    bool waits = jobs_must_wait(server(0), &caller->client, kept, route.shards);
    kept_free(&node->shard[0]->heap, kept);
    return waits;
}

// What was detached so far is given back.
static inline void reap(void)
{
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        while (keyspace_reap_step(server(i)->keyspace, 1000)) continue;
}

#define EXPECT(text, expected) cr_expect(eq(str, (char *)(uintptr_t)(text), (char *)(expected)))
