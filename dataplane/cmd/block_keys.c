#include "dataplane/cmd/block_keys.h"

enum { BUCKETS = 4096 };

// ---- names

void block_keys_open(struct server *s)
{
    struct blocks *b = &s->blocks;
    b->buckets = heap_take_zeroed(s->heap, BUCKETS * sizeof *b->buckets, HEAP_OTHER);
    for (uint32_t i = 0; i < BUCKETS; i++) list_init(&b->buckets[i]);
}

void block_keys_close(struct server *s)
{
    heap_give(s->heap, s->blocks.buckets, BUCKETS * sizeof *s->blocks.buckets, HEAP_OTHER);
    s->blocks.buckets = NULL;
}

static struct list *bucket_of(struct server *s, uint32_t db, struct bytes name)
{
    struct key key = key_make(s->keyspace, name);
    return &s->blocks.buckets[(key.hash ^ db) % BUCKETS];
}

struct block_key *block_key_find(struct server *s, uint32_t db, struct bytes name)
{
    struct list *bucket = bucket_of(s, db, name);
    for (struct list_node *n = list_first(bucket); n; n = list_next(bucket, n)) {
        struct block_key *k = LIST_OWNER(n, struct block_key, in_bucket);
        if (k->db == db && bytes_equal(bytes_make(k->name, k->size), name)) return k;
    }
    return NULL;
}

static struct block_key *take_key(struct server *s, uint32_t db, struct bytes name)
{
    struct block_key *k = block_key_find(s, db, name);
    if (k) return k;
    k = heap_take_zeroed(s->heap, sizeof *k + name.size, HEAP_SESSION);
    k->db = db;
    k->size = name.size;
    if (name.size) memcpy(k->name, name.data, name.size);
    list_init(&k->waiters);
    list_append(bucket_of(s, db, name), &k->in_bucket);
    s->blocks.key_count++;
    return k;
}

void block_key_give_if_unused(struct server *s, struct block_key *k)
{
    if (k->waiters.count || list_node_is_linked(&k->in_ready)) return;
    list_remove(bucket_of(s, k->db, bytes_make(k->name, k->size)), &k->in_bucket);
    s->blocks.key_count--;
    heap_give(s->heap, k, sizeof *k + k->size, HEAP_SESSION);
}

static void make_ready(struct server *s, struct block_key *k)
{
    if (!list_node_is_linked(&k->in_ready)) list_append(&s->blocks.ready, &k->in_ready);
}

void block_key_signal(struct server *s, struct block_key *k)
{
    if (UNLIKELY(k->told != NULL))
        k->is_again = true;
    else
        k->last_served = NULL;
    make_ready(s, k);
}

void block_key_go_on(struct server *s, struct block_key *k)
{
    k->told = NULL;
    if (k->is_again) k->last_served = NULL;
    k->is_again = false;
    make_ready(s, k);
}

// ---- lines

static bool waits_for(const struct block_waiter *w, uint32_t upto, const struct block_key *k)
{
    for (uint32_t i = 0; i < upto; i++)
        if (w->waits[i].key == k) return true;
    return false;
}

void block_waiter_begin(struct server *s, struct block_waiter *w, uint32_t db,
                        const struct bytes *names)
{
    for (uint32_t i = 0; i < w->wait_count; i++) {
        struct block_wait *wait = &w->waits[i];
        struct block_key *k = take_key(s, db, names[i]);
        wait->waiter = w;
        if (waits_for(w, i, k)) continue;
        wait->key = k;
        s->blocks.loss_key_count += w->wants_loss && k->loss_count == 0;
        k->loss_count += w->wants_loss;
        list_append(&k->waiters, &wait->in_key);
    }
    s->blocks.loss_count += w->wants_loss;
}

static void leave(struct block_key *k, struct block_wait *wait)
{
    struct list_node *node = &wait->in_key, *before = node->prev;
    if (k->last_served == node) k->last_served = before == &k->waiters.root ? NULL : before;
    list_remove(&k->waiters, node);
}

void block_waiter_end(struct server *s, struct block_waiter *w)
{
    for (uint32_t i = 0; i < w->wait_count; i++) {
        struct block_key *k = w->waits[i].key;
        if (!k) continue;
        k->loss_count -= w->wants_loss;
        s->blocks.loss_key_count -= w->wants_loss && k->loss_count == 0;
        leave(k, &w->waits[i]);
        block_key_give_if_unused(s, k);
    }
    s->blocks.loss_count -= w->wants_loss;
}

void block_waiter_signal(struct server *s, const struct block_waiter *w)
{
    for (uint32_t i = 0; i < w->wait_count; i++)
        if (w->waits[i].key) block_key_signal(s, w->waits[i].key);
}
