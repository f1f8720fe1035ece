#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/net/ip_priv.h"

#define NS_PER_MS 1000000u

enum { INDEX_NONE = UINT16_MAX };

static uint16_t *bucket_of(const struct net *n, const uint8_t ip[16])
{
    struct ip_table *t = n->ip;
    return &t->buckets[siphash_13(ip, 16, &n->hash_key) & t->bucket_mask];
}

static void new_generation(struct ip_table *t, struct neighbour *nb)
{
    if (++t->generation_last == 0) t->generation_last = 1; // 0 marks a route never looked up
    nb->generation = t->generation_last;
}

static void arm_ms(struct net *n, struct neighbour *nb, uint32_t delay_ms)
{
    wheel_cancel(&n->wheel, &nb->timer.timer);
    wheel_arm(&n->wheel, &nb->timer.timer, net_now_ms(n) + delay_ms);
}

enum status neighbour_open(struct net *n)
{
    struct ip_table *t = n->ip;
    uint32_t count = n->config.neighbour_count_max, bucket_count = 16;
    if (count == 0 || count >= INDEX_NONE) return ERR_PEER;
    while (bucket_count < count) bucket_count *= 2;
    t->neighbours = calloc(count, sizeof *t->neighbours);
    t->buckets = calloc(bucket_count, sizeof *t->buckets);
    if (!t->neighbours || !t->buckets) return ERR_NO_SPACE;
    memset(t->buckets, 0xff, bucket_count * sizeof *t->buckets);
    t->neighbour_count_max = count;
    t->bucket_mask = bucket_count - 1;
    t->waiting_total_max = net_pool_share(n) / 8 + 1; // the rest must stay for receiving
    for (uint32_t i = 0; i < count; i++) {
        t->neighbours[i].timer.kind = NET_TIMER_NEIGHBOUR;
        list_append(&t->free, &t->neighbours[i].node);
    }
    return OK;
}

static void drop_waiting(struct net *n, struct neighbour *nb)
{
    while (nb->waiting_head) {
        struct frame *f = nb->waiting_head;
        nb->waiting_head = f->next;
        f->next = NULL;
        n->ip->waiting_total--;
        n->tally->drop_no_route++;
        net_give_held(n, f);
    }
    nb->waiting_tail = NULL;
    nb->waiting_count = 0;
}

static void neighbour_drop(struct net *n, struct neighbour *nb)
{
    struct ip_table *t = n->ip;
    uint16_t *link = bucket_of(n, nb->ip);
    while (*link != INDEX_NONE && &t->neighbours[*link] != nb)
        link = &t->neighbours[*link].hash_next;
    CHECK(*link != INDEX_NONE);
    *link = nb->hash_next;
    drop_waiting(n, nb);
    wheel_cancel(&n->wheel, &nb->timer.timer);
    nb->state = NEIGHBOUR_FREE;
    nb->generation = 0;
    list_remove(&t->used, &nb->node);
    list_prepend(&t->free, &nb->node);
}

void neighbour_close(struct net *n)
{
    struct ip_table *t = n->ip;
    struct list_node *node;
    while (t->neighbours && t->buckets && (node = list_first(&t->used)))
        neighbour_drop(n, LIST_OWNER(node, struct neighbour, node));
    free(t->neighbours);
    free(t->buckets);
}

struct neighbour *neighbour_find(const struct net *n, const uint8_t ip[16])
{
    struct ip_table *t = n->ip;
    for (uint16_t i = *bucket_of(n, ip); i != INDEX_NONE; i = t->neighbours[i].hash_next)
        if (ip_equal(t->neighbours[i].ip, ip)) return &t->neighbours[i];
    return NULL;
}

// Makes room: the oldest entry nobody uses, else (for one of our own making) the oldest at all.
// Gateways stay.
static bool evict_one(struct net *n, bool even_in_use)
{
    struct neighbour *oldest = NULL;
    struct list_node *node = list_first(&n->ip->used);
    for (uint32_t i = 0; node && i < NEIGHBOUR_EVICT_SCAN; i++) {
        struct neighbour *nb = LIST_OWNER(node, struct neighbour, node);
        node = list_next(&n->ip->used, node);
        if (nb->is_gateway) continue;
        if (nb->state == NEIGHBOUR_STALE) {
            neighbour_drop(n, nb);
            return true;
        }
        if (!oldest) oldest = nb;
    }
    if (!even_in_use || !oldest) return false;
    neighbour_drop(n, oldest);
    return true;
}

static struct neighbour *make_entry(struct net *n, const uint8_t ip[16], bool even_in_use)
{
    struct ip_table *t = n->ip;
    if (t->free.count == 0 && !evict_one(n, even_in_use)) return NULL;
    struct list_node *node = list_take_first(&t->free);
    struct neighbour *nb = LIST_OWNER(node, struct neighbour, node);
    list_append(&t->used, node);
    memcpy(nb->ip, ip, 16);
    memset(nb->mac, 0, 6);
    nb->state = NEIGHBOUR_INCOMPLETE;
    nb->probes_sent = 0;
    nb->confirmed_ns = 0;
    nb->is_gateway = (t->has_gateway4 && ip_equal(ip, n->config.gateway4)) ||
                     (t->has_gateway6 && ip_equal(ip, n->config.gateway6));
    new_generation(t, nb);
    uint16_t *bucket = bucket_of(n, ip);
    nb->hash_next = *bucket;
    *bucket = (uint16_t)(nb - t->neighbours);
    return nb;
}

struct neighbour *neighbour_make(struct net *n, const uint8_t ip[16])
{
    struct neighbour *nb = neighbour_find(n, ip);
    return nb ? nb : make_entry(n, ip, true);
}

static void ask(struct net *n, struct neighbour *nb, bool unicast)
{
    nb->probes_sent++;
    if (ip_is_v4(nb->ip))
        arp_ask(n, nb, unicast);
    else
        nd_ask(n, nb, unicast);
    arm_ms(n, nb, NEIGHBOUR_RETRY_MS);
}

static void enter_delay(struct net *n, struct neighbour *nb)
{
    nb->state = NEIGHBOUR_DELAY;
    arm_ms(n, nb, NEIGHBOUR_DELAY_MS);
}

static void send_waiting(struct net *n, struct neighbour *nb)
{
    struct frame *f = nb->waiting_head;
    nb->waiting_head = nb->waiting_tail = NULL;
    n->ip->waiting_total -= nb->waiting_count;
    n->frames_held -= nb->waiting_count;
    nb->waiting_count = 0;
    while (f) {
        struct frame *next = f->next;
        f->next = NULL;
        memcpy(f->data, nb->mac, 6); // the destination was not known when it was queued
        net_emit(n, f);
        f = next;
    }
}

static void become_reachable(struct net *n, struct neighbour *nb)
{
    nb->state = NEIGHBOUR_REACHABLE;
    nb->confirmed_ns = n->now_ns;
    arm_ms(n, nb, NEIGHBOUR_REACHABLE_MS);
}

void neighbour_set(struct net *n, struct neighbour *nb, const uint8_t mac[6], bool solicited)
{
    bool is_new = nb->state == NEIGHBOUR_INCOMPLETE || !mac_equal(nb->mac, mac);
    if (is_new) {
        memcpy(nb->mac, mac, 6);
        new_generation(n->ip, nb);
        wheel_cancel(&n->wheel, &nb->timer.timer);
        nb->state = NEIGHBOUR_STALE;
        list_remove(&n->ip->used, &nb->node);
        list_append(&n->ip->used, &nb->node);
    }
    if (solicited)
        become_reachable(n, nb);
    else if (is_new && nb->waiting_head)
        enter_delay(n, nb);
    if (nb->waiting_head) send_waiting(n, nb);
}

void neighbour_heard(struct net *n, const uint8_t ip[16], const uint8_t mac[6])
{
    struct neighbour *nb = neighbour_find(n, ip);
    if (!nb) nb = make_entry(n, ip, false);
    if (nb) neighbour_set(n, nb, mac, false);
}

static void keep_waiting(struct net *n, struct neighbour *nb, struct frame *f)
{
    struct ip_table *t = n->ip;
    if (nb->waiting_count == NEIGHBOUR_QUEUE_MAX) { // the newest is the likeliest to be of use
        struct frame *oldest = nb->waiting_head;
        nb->waiting_head = oldest->next;
        if (!nb->waiting_head) nb->waiting_tail = NULL;
        oldest->next = NULL;
        nb->waiting_count--;
        t->waiting_total--;
        n->tally->drop_no_route++;
        net_give_held(n, oldest);
    }
    if (t->waiting_total >= t->waiting_total_max) {
        net_drop(n, f, &n->tally->drop_no_buffer);
        return;
    }
    f->next = NULL;
    if (nb->waiting_tail)
        nb->waiting_tail->next = f;
    else
        nb->waiting_head = f;
    nb->waiting_tail = f;
    nb->waiting_count++;
    t->waiting_total++;
    n->frames_held++;
}

void neighbour_output(struct net *n, struct neighbour *nb, struct frame *f)
{
    if (nb->state != NEIGHBOUR_INCOMPLETE) {
        if (nb->state == NEIGHBOUR_STALE) enter_delay(n, nb);
        net_emit(n, f);
        return;
    }
    keep_waiting(n, nb, f);
    if (nb->probes_sent == 0) ask(n, nb, false);
}

void ip_confirm_neighbour(struct net *n, struct ip_route *route)
{
    if (route->neighbour_index >= n->ip->neighbour_count_max) return;
    struct neighbour *nb = &n->ip->neighbours[route->neighbour_index];
    if (nb->generation != route->neighbour_generation) return;
    if (LIKELY(nb->state == NEIGHBOUR_REACHABLE))
        nb->confirmed_ns = n->now_ns;
    else if (nb->state != NEIGHBOUR_INCOMPLETE)
        become_reachable(n, nb);
}

static void reachable_due(struct net *n, struct neighbour *nb)
{
    uint64_t age_ms = (n->now_ns - nb->confirmed_ns) / NS_PER_MS;
    if (age_ms < NEIGHBOUR_REACHABLE_MS)
        arm_ms(n, nb, (uint32_t)(NEIGHBOUR_REACHABLE_MS - age_ms));
    else
        nb->state = NEIGHBOUR_STALE;
}

// RFC 4861 7.3.3, figure in appendix C.
void ip_timer_fired(struct net *n, struct net_timer *t)
{
    struct neighbour *nb = LIST_OWNER(t, struct neighbour, timer);
    switch ((enum neighbour_state)nb->state) {
    case NEIGHBOUR_REACHABLE:
        reachable_due(n, nb);
        return;
    case NEIGHBOUR_DELAY:
        nb->state = NEIGHBOUR_PROBE;
        nb->probes_sent = 0;
        ask(n, nb, true);
        return;
    case NEIGHBOUR_INCOMPLETE:
    case NEIGHBOUR_PROBE:
        if (nb->probes_sent < NEIGHBOUR_PROBES_MAX)
            ask(n, nb, nb->state == NEIGHBOUR_PROBE);
        else
            neighbour_drop(n, nb);
        return;
    case NEIGHBOUR_STALE:
    case NEIGHBOUR_FREE:
        return;
    }
}
