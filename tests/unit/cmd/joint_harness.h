// joint_harness.h: a server of three shards in one thread: each is a harness of its own, and
// nobody else runs meanwhile. Commands run as at a rendezvous, by shard 0 for its client.
//
// Memory:  joint_close checks that every byte of each heap was given back
#pragma once
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/route.h"
#include "tests/unit/cmd/harness.h"

enum { JOINT_SHARDS = 3, JOINT_ALL = (1 << JOINT_SHARDS) - 1 };

struct joint_node {
    struct harness *shard[JOINT_SHARDS];
    struct node node;
};

static inline enum routed joint_run_here(struct call *call)
{
    (void)call;
    return ROUTED_HERE;
}
static inline void joint_forget_nothing(struct server *s, uint64_t client_id, uint64_t generation,
                                        uint64_t homes)
{
    (void)s, (void)client_id, (void)generation, (void)homes;
}
static const struct server_ops joint_ops = { .resume_client = harness_note_client,
                                             .client_wrote = harness_note_client,
                                             .route = joint_run_here,
                                             .forget_watches = joint_forget_nothing };

static inline struct joint_node *joint_open(void)
{
    struct joint_node *n = calloc(1, sizeof *n);
    struct keyspace *homes[JOINT_SHARDS];
    n->node.shard_count = JOINT_SHARDS;
    placement_init(&n->node.placement, JOINT_SHARDS);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        n->shard[i] = harness_open();
        struct server *s = n->node.servers[i] = &n->shard[i]->server;
        homes[i] = s->keyspace;
        s->node = &n->node;
        s->shard_index = i;
        s->shard_count = JOINT_SHARDS;
        s->ops = &joint_ops;
        n->shard[i]->client.reply.heap = &n->shard[i]->heap;
    }
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        cr_assert(eq(int,
                     keyspace_open_joint(&n->shard[i]->server.joint, &n->shard[i]->heap,
                                         &n->node.placement, homes, &n->shard[i]->tally),
                     OK));
    return n;
}

static inline void joint_close(struct joint_node *n)
{
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        struct server *s = &n->shard[i]->server;
        keyspace_close(s->joint);
        s->joint = NULL;
        s->node = NULL;
    }
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) harness_close(n->shard[i]);
    free(n);
}

static inline uint32_t joint_home_of(const struct joint_node *n, const char *key)
{
    return placement_shard(&n->node.placement, bytes_text(key));
}

static inline void joint_set_time(struct joint_node *n, uint64_t now_ms)
{
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) harness_set_time(n->shard[i], now_ms);
}

// With the joint keyspace, wherever its keys are; or where the router has it run.
static inline const char *joint_execute(struct joint_node *n, struct resp_request *request,
                                        bool is_joint)
{
    struct harness *h = n->shard[0];
    struct route route = { ROUTE_ALL, JOINT_ALL };
    struct call call = { .server = &h->server,
                         .client = &h->client,
                         .reply = &h->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = request->argv,
                         .argc = request->argc,
                         .request = request };
    command_prepare(&call);
    // What of DEBUG has keys goes by them: the rest may wait.
    if (call.command && strcmp(call.command->name, "debug") == 0) is_joint = false;
    if (!is_joint && call.command && call.command->flags & CMD_BLOCKING) {
        h->server.held = JOINT_ALL;
        (void)route_of(&call); // fetches what is in transit; it answers at once, as with all shards
        h->server.held = 0;
    } else if (!is_joint && call.command) {
        route = route_of(&call);
    }
    struct kept_request *kept = kept_new(&h->heap, request->argv, request->argc, clock_tsc());
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) n->shard[i]->effects_size = 0;
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) n->shard[i]->effects[0] = 0;
    command_execute_held(&h->server, &h->client, kept, &route, false);
    kept_free(&h->heap, kept);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) blocks_serve(&n->shard[i]->server);
    harness_drain(h);
    return h->wire;
}

static inline const char *joint_send(struct joint_node *n, const void *wire, size_t size,
                                     bool is_joint)
{
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(wire, size);
    struct resp_request request;
    cr_assert(eq(int, resp_read(&n->shard[0]->reader, &in, &limits, &request), RESP_REQUEST));
    return joint_execute(n, &request, is_joint);
}

static inline const char *joint_run(struct joint_node *n, const char *command)
{
    char line[8192];
    int size = snprintf(line, sizeof line, "%s\r\n", command);
    cr_assert(lt(int, size, (int)sizeof line));
    return joint_send(n, line, (size_t)size, true);
}
static inline const char *joint_run_routed(struct joint_node *n, const char *command)
{
    char line[8192];
    int size = snprintf(line, sizeof line, "%s\r\n", command);
    cr_assert(lt(int, size, (int)sizeof line));
    return joint_send(n, line, (size_t)size, false);
}
