#include "dataplane/cmd/client.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/base/heap.h"

void client_table_init(struct client_table *t)
{
    list_init(&t->all);
    list_init(&t->walks);
    for (uint32_t i = 0; i < CLIENT_TABLE_BUCKETS; i++) list_init(&t->buckets[i]);
    t->next_id = 1;
    t->id_step = 1;
}

void client_table_number(struct client_table *t, uint32_t index, uint32_t shard_count)
{
    t->next_id = index ? index : shard_count; // 0 is nobody's
    t->id_step = shard_count;
}

// Ids count up by steps, so they spread evenly by themselves.
static uint64_t bucket_index(const struct client_table *t, uint64_t id)
{
    return id / t->id_step % CLIENT_TABLE_BUCKETS;
}

void client_table_add(struct client_table *t, struct client *c)
{
    c->id = t->next_id;
    t->next_id += t->id_step;
    list_append(&t->all, &c->all);
    list_append(&t->buckets[bucket_index(t, c->id)], &c->by_id);
}

static void step_over(struct client_table *t, const struct client *c)
{
    for (struct list_node *n = list_first(&t->walks); n; n = list_next(&t->walks, n)) {
        struct client_walk *w = LIST_OWNER(n, struct client_walk, link);
        if (w->next == &c->all) w->next = list_next(&t->all, &c->all);
    }
}

void client_table_remove(struct client_table *t, struct client *c)
{
    step_over(t, c);
    list_remove(&t->all, &c->all);
    list_remove(&t->buckets[bucket_index(t, c->id)], &c->by_id);
}

struct client *client_table_find(const struct client_table *t, uint64_t id)
{
    const struct list *bucket = &t->buckets[bucket_index(t, id)];
    for (struct list_node *n = list_first(bucket); n; n = list_next(bucket, n)) {
        struct client *c = LIST_OWNER(n, struct client, by_id);
        if (c->id == id) return c;
    }
    return NULL;
}

void client_walk_begin(struct client_table *t, struct client_walk *w)
{
    *w = (struct client_walk){ .next = list_first(&t->all) };
    list_append(&t->walks, &w->link);
}

struct client *client_walk_next(struct client_table *t, struct client_walk *w)
{
    struct client *c = client_walk_peek(w);
    if (c) w->next = list_next(&t->all, &c->all);
    return c;
}

struct client *client_walk_peek(const struct client_walk *w)
{
    return w->next ? LIST_OWNER(w->next, struct client, all) : NULL;
}

void client_walk_end(struct client_table *t, struct client_walk *w)
{
    list_remove(&t->walks, &w->link);
}

static bool is_ip4(const struct net_addr *a)
{
    static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
    return memcmp(a->ip, prefix, sizeof prefix) == 0;
}

uint32_t client_address_text(const struct client *c, bool local, const char *unix_path,
                             char out[128])
{
    if (c->stream->kind == STREAM_SOCK_UNIX) {
        int size = snprintf(out, 128, "%.120s:0", unix_path ? unix_path : "");
        return (uint32_t)size;
    }
    const struct net_addr *a = local ? &c->stream->local : &c->stream->remote;
    char ip[INET6_ADDRSTRLEN];
    bool four = is_ip4(a);
    inet_ntop(four ? AF_INET : AF_INET6, four ? a->ip + 12 : a->ip, ip, sizeof ip);
    return (uint32_t)snprintf(out, 128, four ? "%s:%u" : "[%s]:%u", ip, (unsigned)a->port);
}

enum output_limit client_output_class(const struct client *c)
{
    return c->flags & (CLIENT_SUBSCRIBED | CLIENT_MONITOR) ? OUTPUT_LIMIT_PUBSUB
                                                           : OUTPUT_LIMIT_NORMAL;
}

void client_drop_texts(struct client *c, struct heap *heap)
{
    char **texts[] = { &c->name, &c->lib_name, &c->lib_version };
    for (uint32_t i = 0; i < 3; i++) {
        if (*texts[i]) heap_give(heap, *texts[i], strlen(*texts[i]) + 1, HEAP_SESSION);
        *texts[i] = NULL;
    }
}

bool client_is_local(const struct client *c)
{
    static const uint8_t loopback6[16] = { [15] = 1 };
    const struct net_addr *a = &c->stream->remote;
    if (c->stream->kind == STREAM_SOCK_UNIX) return true;
    return is_ip4(a) ? a->ip[12] == 127 : memcmp(a->ip, loopback6, sizeof loopback6) == 0;
}
