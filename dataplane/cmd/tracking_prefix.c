#include "dataplane/cmd/push.h"
#include "dataplane/cmd/tracking_priv.h"

// A key is looked up once for each size of prefix that occurs, however many prefixes there are.
struct prefix_size {
    struct list_node link;
    size_t size;
    uint64_t count;
};

void prefixes_open(struct server *s)
{
    names_open(&s->tracking.prefixes, s->heap);
    list_init(&s->tracking.prefix_sizes);
    list_init(&s->tracking.fresh);
}

void prefixes_close(struct server *s) { names_close(&s->tracking.prefixes); }

static struct prefix *prefix_of(const struct name *name)
{
    return LIST_OWNER(list_first(&name->members), struct prefix, in_name);
}

// ---- who has which

static struct prefix_size *find_size(struct server *s, size_t size)
{
    const struct list *sizes = &s->tracking.prefix_sizes;
    for (struct list_node *n = list_first(sizes); n; n = list_next(sizes, n))
        if (LIST_OWNER(n, struct prefix_size, link)->size == size)
            return LIST_OWNER(n, struct prefix_size, link);
    return NULL;
}

static void take_size(struct server *s, size_t size)
{
    struct prefix_size *z = find_size(s, size);
    if (!z) {
        z = heap_take_zeroed(s->heap, sizeof *z, HEAP_SESSION);
        z->size = size;
        list_append(&s->tracking.prefix_sizes, &z->link);
    }
    z->count++;
}

static void give_size(struct server *s, size_t size)
{
    struct prefix_size *z = find_size(s, size);
    if (--z->count) return;
    list_remove(&s->tracking.prefix_sizes, &z->link);
    heap_give(s->heap, z, sizeof *z, HEAP_SESSION);
}

static struct prefix *take_prefix(struct server *s, struct bytes text)
{
    struct name *name = names_take(&s->tracking.prefixes, 0, text);
    if (name->members.count) return prefix_of(name);
    struct prefix *p = heap_take_zeroed(s->heap, sizeof *p, HEAP_SESSION);
    p->name = name;
    list_init(&p->clients);
    names_open_like(&p->fresh, &s->tracking.prefixes);
    list_append(&name->members, &p->in_name);
    take_size(s, text.size);
    return p;
}

static void give_prefix(struct server *s, struct prefix *p)
{
    if (list_node_is_linked(&p->in_fresh)) list_remove(&s->tracking.fresh, &p->in_fresh);
    names_close(&p->fresh);
    give_size(s, p->name->size);
    list_remove(&p->name->members, &p->in_name);
    names_give(&s->tracking.prefixes, p->name);
    heap_give(s->heap, p, sizeof *p, HEAP_SESSION);
}

bool prefix_has(const struct server *s, const struct client *c, struct bytes text)
{
    const struct list *own = &c->tracker->prefixes;
    const struct name *name = names_find(&s->tracking.prefixes, 0, text);
    if (!name) return false;
    for (struct list_node *n = list_first(own); n; n = list_next(own, n))
        if (LIST_OWNER(n, struct prefix_client, in_client)->prefix->name == name) return true;
    return false;
}

void prefix_add(struct server *s, struct client *c, struct bytes text)
{
    struct prefix_client *pc = heap_take_zeroed(s->heap, sizeof *pc, HEAP_SESSION);
    pc->prefix = take_prefix(s, text);
    pc->client = c;
    list_append(&pc->prefix->clients, &pc->in_prefix);
    list_append(&c->tracker->prefixes, &pc->in_client);
}

void prefixes_forget_client(struct server *s, struct client *c)
{
    struct list_node *node;
    while ((node = list_first(&c->tracker->prefixes)) != NULL) {
        struct prefix_client *pc = LIST_OWNER(node, struct prefix_client, in_client);
        struct prefix *p = pc->prefix;
        list_remove(&c->tracker->prefixes, &pc->in_client);
        list_remove(&p->clients, &pc->in_prefix);
        heap_give(s->heap, pc, sizeof *pc, HEAP_SESSION);
        if (!p->clients.count) give_prefix(s, p);
    }
}

// ---- what changed

// Written by two clients before the broadcast, a key is told as nobody's: to everyone.
static void note_fresh(struct server *s, struct prefix *p, struct bytes key,
                       const struct client *by)
{
    uint64_t before = p->fresh.count;
    struct name *name = names_take(&p->fresh, 0, key);
    if (p->fresh.count > before)
        name->tag = by ? by->id : 0;
    else if (!by || name->tag != by->id)
        name->tag = 0;
    if (!list_node_is_linked(&p->in_fresh)) list_append(&s->tracking.fresh, &p->in_fresh);
}

void prefixes_key_changed(struct server *s, struct bytes key, const struct client *by)
{
    const struct list *sizes = &s->tracking.prefix_sizes;
    for (struct list_node *n = list_first(sizes); n; n = list_next(sizes, n)) {
        size_t size = LIST_OWNER(n, struct prefix_size, link)->size;
        if (size > key.size) continue;
        struct name *name = names_find(&s->tracking.prefixes, 0, bytes_make(key.data, size));
        if (name) note_fresh(s, prefix_of(name), key, by);
    }
}

static void broadcast(struct server *s, struct prefix *p)
{
    struct invalidation shared = { 0 };
    for (struct list_node *n = list_first(&p->clients); n; n = list_next(&p->clients, n)) {
        struct client *c = LIST_OWNER(n, struct prefix_client, in_prefix)->client;
        struct client *to = tracking_receiver(s, c);
        if (!to) continue;
        uint8_t version = to->reply.version;
        if (c->tracker->mode & TRACKING_NOLOOP) {
            struct blob *others = message_of_fresh(s, p, version, c->id);
            if (!others) continue;
            client_push(s, to, others);
            blob_release(others);
        } else {
            struct blob **wire = &shared.wire[version == 3];
            if (!*wire) *wire = message_of_fresh(s, p, version, 0);
            client_push(s, to, *wire);
        }
    }
    invalidation_close(&shared);
}

void prefixes_broadcast(struct server *s)
{
    struct list_node *node;
    while ((node = list_take_first(&s->tracking.fresh)) != NULL) {
        struct prefix *p = LIST_OWNER(node, struct prefix, in_fresh);
        broadcast(s, p);
        names_clear(&p->fresh);
    }
}
