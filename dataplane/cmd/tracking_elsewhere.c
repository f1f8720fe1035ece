#include "dataplane/base/check.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/tracking_priv.h"

static uint64_t all_others(const struct server *s)
{
    return shard_set_all(s->node->shard_count) & ~shard_set_of(s->shard_index);
}

// ---- readers of a key

static void told_readers(struct server *s, const struct posted *p)
{
    struct invalidation i = { .kind = INVALIDATE_KEY, .text = p->texts[0] };
    const uint8_t *ids = p->texts[1].data;
    for (size_t at = 0; at < p->texts[1].size; at += sizeof(uint64_t)) {
        uint64_t id;
        memcpy(&id, ids + at, sizeof id);
        tracking_tell_reader(s, id, p->numbers[0], &i);
    }
    invalidation_close(&i);
}

void elsewhere_tell_readers(struct server *s, struct bytes key, const uint64_t *ids, uint32_t room,
                            uint64_t by)
{
    shard_set homes = 0;
    for (uint32_t i = 0; i < room; i++)
        if (ids[i]) homes |= shard_set_of(client_home_index(s, ids[i]));
    homes &= ~shard_set_of(s->shard_index);
    if (!homes) return;
    uint64_t *of_home = heap_take(s->heap, room * sizeof *ids, HEAP_OTHER);
    for (shard_set left = homes; left; left = shard_set_rest(left)) {
        uint32_t home = shard_set_first(left), count = 0;
        for (uint32_t i = 0; i < room; i++)
            if (ids[i] && client_home_index(s, ids[i]) == home) of_home[count++] = ids[i];
        struct posted p = { .numbers = { by },
                            .texts = { key, bytes_make(of_home, count * sizeof *of_home) } };
        post(s, home, POSTED_INVALIDATION, told_readers, &p);
    }
    heap_give(s->heap, of_home, room * sizeof *ids, HEAP_OTHER);
}

// ---- redirections

static void found_broken(struct server *s, const struct posted *p)
{
    struct client *c = client_table_find(&s->clients, p->numbers[0]);
    if (c && c->tracker && c->tracker->redirect == p->numbers[1]) tracking_tell_broken(s, c);
}

// texts[1]: struct told_head.
struct told_head {
    uint64_t kind, without;
};
static void told_redirected(struct server *s, const struct posted *p)
{
    struct told_head head;
    memcpy(&head, p->texts[1].data, sizeof head);
    struct invalidation i = { .kind = (enum invalidation_kind)head.kind,
                              .text = p->texts[0],
                              .without = head.without };
    tracking_tell_redirected(s, p->numbers[0], p->numbers[1], &i);
    invalidation_close(&i);
}

void elsewhere_tell_redirected(struct server *s, const struct client *c,
                               const struct invalidation *i)
{
    uint64_t to = c->tracker->redirect;
    struct told_head head = { i->kind, i->without };
    struct posted p = { .numbers = { to, c->id },
                        .texts = { i->text, bytes_make(&head, sizeof head) } };
    post(s, client_home_index(s, to), POSTED_INVALIDATION, told_redirected, &p);
}

void elsewhere_tell_gone(struct server *s, uint64_t to, uint64_t from)
{
    struct posted p = { .numbers = { from, to } };
    post(s, client_home_index(s, from), POSTED_NEWS, found_broken, &p);
}

// ---- prefixes

static void told_prefix(struct server *s, const struct posted *p)
{
    prefix_tell_own(s, p->texts[0], p->texts[1]);
}

void elsewhere_tell_prefix(struct server *s, const struct prefix *prefix, struct bytes packed)
{
    struct posted p = { .texts = { name_text(prefix->name), packed } };
    const struct list *homes = &prefix->homes;
    for (struct list_node *n = list_first(homes); n; n = list_next(homes, n))
        post(s, LIST_OWNER(n, struct prefix_home, link)->index, POSTED_INVALIDATION, told_prefix,
             &p);
}

// Before the reply to CLIENT TRACKING is sent: no change after it shall be missed.
void elsewhere_add_prefix(struct server *s, struct bytes text)
{
    CHECK(held_are_all(s));
    for (shard_set left = all_others(s); left; left = shard_set_rest(left))
        prefix_add_home(s->node->servers[shard_set_first(left)], text, s->shard_index);
}

static void dropped_prefix(struct server *s, const struct posted *p)
{
    prefix_drop_home(s, p->texts[0], (uint32_t)p->numbers[0]);
}

void elsewhere_drop_prefix(struct server *s, struct bytes text)
{
    struct posted p = { .numbers = { s->shard_index }, .texts = { text } };
    post_to_all(s, all_others(s), POSTED_NEWS, dropped_prefix, &p);
}

// ---- who tracks at all

static void steered(struct server *s, const struct posted *p)
{
    (void)p;
    tracking_steer(s);
}

// What a client reads elsewhere is asked for after this, on the same way.
void elsewhere_steer(struct server *s)
{
    struct posted nothing = { 0 };
    for (shard_set left = all_others(s); left; left = shard_set_rest(left)) {
        uint32_t index = shard_set_first(left);
        if (s->held & shard_set_of(index))
            tracking_steer(s->node->servers[index]);
        else
            post(s, index, POSTED_NEWS, steered, &nothing);
    }
}

uint64_t elsewhere_key_count(const struct server *s)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < s->node->shard_count; i++)
        count += __atomic_load_n(&s->node->levels[i].tracked_keys, __ATOMIC_RELAXED);
    return count;
}
