#include "dataplane/cmd/block_far.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/node.h"

enum { FAR_TRY_NS = FAR_TRY_MS * 1000000 };

struct far_waiter {
    struct list_node in_name, in_all;
    struct list_node in_told; // linked: told, and nothing has come of it yet
    struct name *name;        // the client's id, in home->blocks.far_ids
    uint64_t client_id, ticket, told_ns;
    bool is_put_off;            // in_told: told when that time is over
    struct block_waiter waiter; // with its waits behind it
};

void far_waiters_open(struct server *s)
{
    list_init(&s->blocks.far);
    list_init(&s->blocks.told);
    names_open(&s->blocks.far_ids, s->heap);
}

// ---- coming and going

static struct far_waiter *find(struct server *home, uint64_t client_id)
{
    struct bytes id = bytes_make(&client_id, sizeof client_id);
    struct name *name = names_find(&home->blocks.far_ids, 0, id);
    return name ? LIST_OWNER(list_first(&name->members), struct far_waiter, in_name) : NULL;
}

static bool is_at(const struct server *home, struct bytes name)
{
    return placement_shard(&home->node->placement, name) == home->shard_index;
}

static uint32_t count_here(const struct server *home, const struct far_wish *wish)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < wish->name_count; i++) count += is_at(home, wish->names[i]);
    return count;
}

static size_t bytes_of(uint32_t wait_count)
{
    return sizeof(struct far_waiter) + wait_count * sizeof(struct block_wait);
}

static void stand_in_line(struct server *home, struct far_waiter *f, const struct far_wish *wish)
{
    size_t bytes = f->waiter.wait_count * sizeof(struct bytes);
    if (!bytes) {
        block_waiter_begin(home, &f->waiter, wish->db, NULL);
        return;
    }
    struct bytes *here = heap_take(home->heap, bytes, HEAP_OTHER);
    for (uint32_t i = 0, at = 0; i < wish->name_count; i++)
        if (is_at(home, wish->names[i])) here[at++] = wish->names[i];
    block_waiter_begin(home, &f->waiter, wish->db, here);
    heap_give(home->heap, here, bytes, HEAP_OTHER);
}

void far_waiter_begin(struct server *home, const struct far_wish *wish)
{
    uint32_t count = count_here(home, wish);
    far_waiter_forget(home, wish->client_id, UINT64_MAX); // it is not known yet that it had gone
    struct far_waiter *f = heap_take_zeroed(home->heap, bytes_of(count), HEAP_SESSION);
    f->client_id = wish->client_id;
    f->ticket = wish->ticket;
    f->waiter = (struct block_waiter){ .type = wish->type,
                                       .wants_loss = wish->wants_loss,
                                       .is_far = true,
                                       .wait_count = count,
                                       .waits = (struct block_wait *)(f + 1) };
    f->name =
        names_take(&home->blocks.far_ids, 0, bytes_make(&wish->client_id, sizeof wish->client_id));
    list_append(&f->name->members, &f->in_name);
    list_append(&home->blocks.far, &f->in_all);
    stand_in_line(home, f, wish);
    blocks_steer_hook(home);
}

// It has been told nothing, from here on: its keys go on with those behind it.
static void end_turn(struct server *home, struct far_waiter *f)
{
    if (!list_node_is_linked(&f->in_told)) return;
    list_remove(&home->blocks.told, &f->in_told);
    f->is_put_off = false;
    for (uint32_t i = 0; i < f->waiter.wait_count; i++) {
        struct block_key *k = f->waiter.waits[i].key;
        if (k && k->told == f) block_key_go_on(home, k);
    }
}

static void drop(struct server *home, struct far_waiter *f)
{
    end_turn(home, f);
    block_waiter_end(home, &f->waiter);
    list_remove(&home->blocks.far, &f->in_all);
    list_remove(&f->name->members, &f->in_name);
    names_give(&home->blocks.far_ids, f->name);
    heap_give(home->heap, f, bytes_of(f->waiter.wait_count), HEAP_SESSION);
}

void far_waiter_forget(struct server *home, uint64_t client_id, uint64_t ticket)
{
    struct far_waiter *f = find(home, client_id);
    if (!f || f->ticket > ticket) return;
    drop(home, f);
    blocks_steer_hook(home);
}

void far_waiters_close(struct server *home)
{
    struct list_node *node;
    while ((node = list_first(&home->blocks.far)) != NULL)
        drop(home, LIST_OWNER(node, struct far_waiter, in_all));
    names_close(&home->blocks.far_ids);
}

// ---- turns

static void begin_turn(struct server *home, struct far_waiter *f, bool is_put_off)
{
    if (list_node_is_linked(&f->in_told)) list_remove(&home->blocks.told, &f->in_told);
    f->told_ns = home->now_ns;
    f->is_put_off = is_put_off;
    list_append(&home->blocks.told, &f->in_told);
}

void far_waiter_tell(struct server *home, struct block_wait *wait)
{
    struct far_waiter *f = LIST_OWNER(wait->waiter, struct far_waiter, waiter);
    wait->key->told = f;
    wait->key->last_served = &wait->in_key;
    // Told already for another key: what it tries then is all of them.
    if (list_node_is_linked(&f->in_told) && !f->is_put_off) return;
    begin_turn(home, f, false);
    home->ops->tell_try(home, f->client_id, f->ticket);
}

void far_waiter_tried(struct server *home, uint64_t client_id)
{
    struct far_waiter *f = find(home, client_id);
    if (f && !f->is_put_off) end_turn(home, f);
}

void far_waiter_put_off(struct server *home, uint64_t client_id)
{
    struct far_waiter *f = find(home, client_id);
    if (!f) return;
    end_turn(home, f);
    begin_turn(home, f, true);
}

void far_waiters_signal_all(struct server *home)
{
    const struct list *all = &home->blocks.far;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n))
        block_waiter_signal(home, &LIST_OWNER(n, struct far_waiter, in_all)->waiter);
}

uint64_t far_waiters_next_ns(const struct server *home)
{
    struct list_node *first = list_first(&home->blocks.told);
    return first ? LIST_OWNER(first, struct far_waiter, in_told)->told_ns + FAR_TRY_NS : UINT64_MAX;
}

void far_waiters_expire(struct server *home)
{
    while (far_waiters_next_ns(home) <= home->now_ns) {
        struct list_node *first = list_first(&home->blocks.told);
        struct far_waiter *f = LIST_OWNER(first, struct far_waiter, in_told);
        bool was_put_off = f->is_put_off;
        end_turn(home, f);
        if (was_put_off) home->ops->tell_try(home, f->client_id, f->ticket);
    }
}
