#include "dataplane/cmd/node.h"
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
    list_init(&p->homes);
    names_open_like(&p->fresh, &s->tracking.prefixes);
    list_append(&name->members, &p->in_name);
    take_size(s, text.size);
    return p;
}

static void give_if_unused(struct server *s, struct prefix *p)
{
    if (p->clients.count || p->homes.count) return;
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
    if (server_is_one_of_many(s)) elsewhere_add_prefix(s, text);
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
        if (server_is_one_of_many(s)) elsewhere_drop_prefix(s, name_text(p->name));
        give_if_unused(s, p);
    }
}

static struct prefix_home *find_home(const struct prefix *p, uint32_t index)
{
    for (struct list_node *n = list_first(&p->homes); n; n = list_next(&p->homes, n))
        if (LIST_OWNER(n, struct prefix_home, link)->index == index)
            return LIST_OWNER(n, struct prefix_home, link);
    return NULL;
}

void prefix_add_home(struct server *s, struct bytes text, uint32_t index)
{
    struct prefix *p = take_prefix(s, text);
    struct prefix_home *home = find_home(p, index);
    if (!home) {
        home = heap_take_zeroed(s->heap, sizeof *home, HEAP_SESSION);
        home->index = index;
        list_append(&p->homes, &home->link);
    }
    home->count++;
}

static void give_home(struct server *s, struct prefix *p, struct prefix_home *home)
{
    list_remove(&p->homes, &home->link);
    heap_give(s->heap, home, sizeof *home, HEAP_SESSION);
    give_if_unused(s, p);
}

void prefix_drop_home(struct server *s, struct bytes text, uint32_t index)
{
    struct name *name = names_find(&s->tracking.prefixes, 0, text);
    struct prefix_home *home = name ? find_home(prefix_of(name), index) : NULL;
    if (home && --home->count == 0) give_home(s, prefix_of(name), home);
}

// The clients of this shard are gone; those of others may not have come to say it.
void prefixes_close(struct server *s)
{
    uint32_t position = 0;
    struct name *name = names_next(&s->tracking.prefixes, &position, NULL);
    while (name) {
        struct name *next = names_next(&s->tracking.prefixes, &position, name);
        struct prefix *p = prefix_of(name);
        for (size_t left = p->homes.count; left > 0; left--)
            give_home(s, p, LIST_OWNER(list_first(&p->homes), struct prefix_home, link));
        name = next;
    }
    names_close(&s->tracking.prefixes);
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

static void tell_own(struct server *s, const struct prefix *p, struct bytes packed)
{
    struct invalidation shared = { .kind = INVALIDATE_PACKED, .text = packed };
    for (struct list_node *n = list_first(&p->clients); n; n = list_next(&p->clients, n)) {
        struct client *c = LIST_OWNER(n, struct prefix_client, in_prefix)->client;
        if (c->tracker->mode & TRACKING_NOLOOP) {
            struct invalidation others = shared;
            others.without = c->id;
            others.wire[0] = others.wire[1] = NULL;
            tracking_tell(s, c, &others);
            invalidation_close(&others);
        } else {
            tracking_tell(s, c, &shared);
        }
    }
    invalidation_close(&shared);
}

void prefix_tell_own(struct server *s, struct bytes text, struct bytes packed)
{
    struct name *name = names_find(&s->tracking.prefixes, 0, text);
    if (name) tell_own(s, prefix_of(name), packed);
}

void prefixes_broadcast(struct server *s)
{
    struct list_node *node;
    while ((node = list_take_first(&s->tracking.fresh)) != NULL) {
        struct prefix *p = LIST_OWNER(node, struct prefix, in_fresh);
        struct blob *packed = pack_keys(s, &p->fresh);
        names_clear(&p->fresh);
        tell_own(s, p, blob_bytes(packed));
        if (UNLIKELY(p->homes.count)) elsewhere_tell_prefix(s, p, blob_bytes(packed));
        blob_release(packed);
    }
}
