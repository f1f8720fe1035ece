// node_harness.h: a node of three servers in one thread, none of which runs meanwhile: for commands
// that speak for all shards.
//
// Memory:  node_close checks that every heap got back what was its own
#pragma once
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/route.h"
#include "tests/unit/cmd/harness.h"

enum { NODE_SHARDS = 3, NODE_KILLED_MAX = 8 };

struct node_post { // under way; its texts follow
    struct list_node link;
    uint32_t from, to;
    posted_action *action;
    struct posted posted;
};
struct node_harness {
    struct node node;
    struct harness *shard[NODE_SHARDS];
    struct harness_client *caller; // of shard 0
    struct list posts;             // of struct node_post
    uint32_t killed_count;
    struct {
        uint64_t id;
        uint32_t shard_index; // whose ops it was
    } killed[NODE_KILLED_MAX];
};

static inline void node_note_kill(struct server *s, struct client *c)
{
    struct node_harness *n = s->shard;
    cr_assert(lt(u32, n->killed_count, NODE_KILLED_MAX));
    n->killed[n->killed_count].id = c->id;
    n->killed[n->killed_count++].shard_index = s->shard_index;
    c->flags |= CLIENT_CLOSE_NOW;
}
static inline enum routed node_run_here(struct call *call)
{
    (void)call;
    return ROUTED_HERE;
}
static inline void node_post(struct server *s, uint32_t to, posted_action *action,
                             const struct posted *p)
{
    struct node_harness *n = s->shard;
    struct node_post *under_way = malloc(sizeof *under_way + p->texts[0].size + p->texts[1].size);
    *under_way = (struct node_post){ { NULL, NULL }, s->shard_index, to, action, *p };
    uint8_t *at = (uint8_t *)(under_way + 1);
    for (uint32_t i = 0; i < 2; i++) {
        under_way->posted.texts[i] = bytes_make(at, p->texts[i].size);
        if (p->texts[i].size) memcpy(at, p->texts[i].data, p->texts[i].size);
        at += p->texts[i].size;
    }
    list_append(&n->posts, &under_way->link);
}
// What from has posted to to arrives; UINT32_MAX: anybody.
static inline void node_carry_some(struct node_harness *n, uint32_t from, uint32_t to)
{
    struct list_node *node = list_first(&n->posts);
    while (node) {
        struct node_post *p = LIST_OWNER(node, struct node_post, link);
        node = list_next(&n->posts, node);
        if ((from != UINT32_MAX && p->from != from) || (to != UINT32_MAX && p->to != to)) continue;
        list_remove(&n->posts, &p->link);
        posted_arrived(n->node.servers[p->to], p->action, &p->posted);
        free(p);
    }
}
static inline void node_carry(struct node_harness *n)
{
    while (n->posts.count) node_carry_some(n, UINT32_MAX, UINT32_MAX);
}
static inline void node_refresh(struct server *s) { s->tally->refreshed_wall_us++; }
static const struct server_ops node_harness_ops = { .kill_client = node_note_kill,
                                                    .resume_client = harness_note_client,
                                                    .client_wrote = harness_note_client,
                                                    .refresh_tally = node_refresh,
                                                    .route = node_run_here,
                                                    .post = node_post };

static inline struct node_harness *node_open(void)
{
    struct node_harness *n = calloc(1, sizeof *n);
    struct keyspace *homes[NODE_SHARDS];
    n->node.shard_count = NODE_SHARDS;
    list_init(&n->posts);
    placement_init(&n->node.placement, NODE_SHARDS);
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        n->shard[i] = harness_open();
        struct server *s = n->node.servers[i] = &n->shard[i]->server;
        homes[i] = s->keyspace;
        s->node = &n->node;
        s->shard = n;
        s->shard_index = i;
        s->shard_count = NODE_SHARDS;
        s->ops = &node_harness_ops;
        client_table_remove(&s->clients, &n->shard[i]->client);
        client_table_number(&s->clients, i, NODE_SHARDS);
        client_table_add(&s->clients, &n->shard[i]->client);
    }
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        cr_assert(eq(int,
                     keyspace_open_joint(&n->shard[i]->server.joint, &n->shard[i]->heap,
                                         &n->node.placement, homes, &n->shard[i]->tally),
                     OK));
    n->caller = harness_client_open(n->shard[0]);
    return n;
}

static inline void node_close(struct node_harness *n)
{
    harness_client_close(n->caller);
    node_carry(n);
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        keyspace_close(n->shard[i]->server.joint);
        n->shard[i]->server.joint = NULL;
    }
    for (uint32_t i = 0; i < NODE_SHARDS; i++) harness_close(n->shard[i]);
    free(n);
}

// A command of c, an inline one, on c's shard with all shards held.
static inline const char *node_run_as(struct node_harness *n, struct harness_client *c,
                                      const char *command)
{
    char line[2048];
    struct harness *h = c->harness;
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(line, (size_t)snprintf(line, sizeof line, "%s\r\n", command));
    struct resp_request request;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    struct kept_request *kept = kept_new(&h->heap, request.argv, request.argc, clock_tsc());
    struct call call = { .server = &h->server,
                         .client = &c->client,
                         .keyspace = h->server.keyspace,
                         .argv = kept->argv,
                         .argc = kept->argc };
    command_prepare(&call);
    struct route route = { route_kind_of(call.command), shard_set_all(NODE_SHARDS) };
    command_execute_held(&h->server, &c->client, kept, &route, false);
    kept_free(&h->heap, kept);
    return harness_client_wire(c);
}
static inline const char *node_run(struct node_harness *n, const char *command)
{
    return node_run_as(n, n->caller, command);
}
#define EXPECT_NODE(n, command, expected)                                                          \
    cr_expect(eq(str, (char *)(uintptr_t)node_run((n), (command)), (char *)(expected)), "%s",      \
              (command))

// What stands on shard index for client c of another.
static inline struct harness_client *node_proxy_open(struct node_harness *n, uint32_t index,
                                                     const struct client *c)
{
    struct harness_client *p = harness_client_open(n->shard[index]);
    client_table_remove(&n->shard[index]->server.clients, &p->client);
    p->client.flags |= CLIENT_PROXY;
    p->client.id = c->id;
    return p;
}
static inline void node_proxy_close(struct harness_client *p)
{
    client_table_add(&p->harness->server.clients, &p->client);
    harness_client_close(p);
}
