#include "dataplane/cmd/posted.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/cmd/tracking.h"

enum { POSTED_OVERHEAD = 96 }; // bytes of one, beside its texts

struct kept_post {
    struct list_node link;
    posted_action *action;
    struct posted posted;
    size_t bytes; // of this allocation; the texts are behind it
};

void posted_open(struct server *s) { list_init(&s->posts.waiting); }

void posted_close(struct server *s)
{
    struct list_node *node;
    while ((node = list_take_first(&s->posts.waiting)) != NULL) {
        struct kept_post *k = LIST_OWNER(node, struct kept_post, link);
        heap_give(s->heap, k, k->bytes, HEAP_OTHER);
    }
}

// ---- bits

uint64_t posted_others(const struct server *s, const uint64_t *set)
{
    return __atomic_load_n(set, __ATOMIC_ACQUIRE) & ~shard_set_of(s->shard_index);
}

void posted_mark(struct server *s, uint64_t *set, bool is_set)
{
    uint64_t bit = shard_set_of(s->shard_index);
    if (is_set)
        __atomic_fetch_or(set, bit, __ATOMIC_ACQ_REL);
    else
        __atomic_fetch_and(set, ~bit, __ATOMIC_ACQ_REL);
}

// ---- what was left out

static void disconnect(struct server *s, uint32_t flag, const char *what)
{
    uint64_t count = 0;
    const struct list *all = &s->clients.all;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct client *c = LIST_OWNER(n, struct client, all);
        if (!(c->flags & flag) || (c->flags & CLIENT_CLOSE_NOW)) continue;
        s->ops->kill_client(s, c);
        s->tally->output_limit_disconnections++;
        count++;
    }
    script_log(s, LOG_WARNING, "Disconnected %lu %s: this shard is too far behind the others",
               (unsigned long)count, what);
}

// Whom an invalidation was for is not known any more.
static void tell_all_trackers(struct server *s, const struct posted *p)
{
    (void)p;
    tracking_tell_flush(s);
}

static void make_known(struct server *s, uint32_t lost)
{
    struct posted nothing = { 0 };
    if (lost & 1u << POSTED_MESSAGE) disconnect(s, CLIENT_SUBSCRIBED, "subscribers");
    if (lost & 1u << POSTED_LINE) disconnect(s, CLIENT_MONITOR, "monitors");
    if (lost & 1u << POSTED_INVALIDATION)
        post_to_all(s, shard_set_all(server_peer_count(s)), POSTED_NEWS, tell_all_trackers,
                    &nothing);
}

// ---- posting

static size_t cost_of(const struct posted *p)
{
    return POSTED_OVERHEAD + p->texts[0].size + p->texts[1].size;
}

bool post_fits(const struct server *s, uint32_t to)
{
    return __atomic_load_n(&s->node->mail[to].bytes, __ATOMIC_RELAXED) < POSTED_BYTES_MAX;
}

void post_lose(struct server *s, uint32_t to, enum posted_kind kind)
{
    __atomic_fetch_or(&s->node->mail[to].lost, 1u << kind, __ATOMIC_RELEASE);
}

// Whoever runs the command may act for these right now. Not for lines, which would overtake those
// that are under way; of invalidations none makes another one wrong.
static uint64_t at_hand(const struct server *s, enum posted_kind kind)
{
    const struct server *who = s->holder ? s->holder : s;
    if (kind == POSTED_LINE || kind == POSTED_NEWS) return shard_set_of(s->shard_index);
    return who->held | shard_set_of(who->shard_index) | shard_set_of(s->shard_index);
}

void post(struct server *s, uint32_t to, enum posted_kind kind, posted_action *action,
          const struct posted *p)
{
    struct node_mail *mail = &s->node->mail[to];
    struct posted own = *p;
    if (kind < POSTED_COMMAND && UNLIKELY(!post_fits(s, to))) {
        post_lose(s, to, kind);
        return;
    }
    __atomic_fetch_add(&mail->bytes, cost_of(p), __ATOMIC_RELAXED);
    own.ticket = kind == POSTED_MESSAGE || kind == POSTED_COMMAND
                     ? __atomic_fetch_add(&mail->next_ticket, 1, __ATOMIC_ACQ_REL)
                     : UINT64_MAX;
    if (at_hand(s, kind) & shard_set_of(to))
        posted_arrived(s->node->servers[to], action, &own);
    else
        s->ops->post(s, to, action, &own);
}

void post_to_all(struct server *s, uint64_t shards, enum posted_kind kind, posted_action *action,
                 const struct posted *p)
{
    for (; shards; shards = shard_set_rest(shards))
        post(s, shard_set_first(shards), kind, action, p);
}

// ---- the receiver

bool posted_is_quiet(const struct server *s)
{
    const struct node_mail *mail = &s->node->mail[s->shard_index];
    return __atomic_load_n(&mail->next_ticket, __ATOMIC_ACQUIRE) == s->posts.next;
}

static void keep(struct server *s, posted_action *action, const struct posted *p)
{
    struct list *waiting = &s->posts.waiting;
    size_t bytes = sizeof(struct kept_post) + bytes_sum(p->texts, 2);
    struct kept_post *k = heap_take(s->heap, bytes, HEAP_OTHER);
    *k = (struct kept_post){ .action = action, .posted = *p, .bytes = bytes };
    bytes_copy_each(k->posted.texts, p->texts, 2, (uint8_t *)(k + 1));
    struct list_node *before = waiting->root.prev;
    while (before != &waiting->root &&
           LIST_OWNER(before, struct kept_post, link)->posted.ticket > p->ticket)
        before = before->prev;
    list_insert_between(waiting, before, before->next, &k->link);
}

static void run(struct server *s, posted_action *action, const struct posted *p)
{
    struct node_mail *mail = &s->node->mail[s->shard_index];
    __atomic_fetch_sub(&mail->bytes, cost_of(p), __ATOMIC_RELAXED);
    if (UNLIKELY(__atomic_load_n(&mail->lost, __ATOMIC_ACQUIRE)))
        make_known(s, __atomic_exchange_n(&mail->lost, 0, __ATOMIC_ACQ_REL));
    action(s, p);
}

void posted_arrived(struct server *s, posted_action *action, const struct posted *p)
{
    struct posted_order *order = &s->posts;
    struct list_node *node;
    if (p->ticket == UINT64_MAX) {
        run(s, action, p);
        return;
    }
    if (p->ticket != order->next || order->is_running) {
        keep(s, action, p);
        return;
    }
    order->is_running = true;
    run(s, action, p);
    order->next++;
    while ((node = list_first(&order->waiting)) != NULL) {
        struct kept_post *k = LIST_OWNER(node, struct kept_post, link);
        if (k->posted.ticket != order->next) break;
        list_remove(&order->waiting, &k->link);
        run(s, k->action, &k->posted);
        order->next++;
        heap_give(s->heap, k, k->bytes, HEAP_OTHER);
    }
    order->is_running = false;
}
