#include "dataplane/net/ip_priv.h"

enum { ARP_BYTES = 28, ARP_REQUEST = 1, ARP_REPLY = 2 };

//  0      2      4    5    6    8           14         18          24         28
//  | htype| ptype|hlen|plen| op | sender MAC| sender IP| target MAC| target IP|
struct arp {
    uint16_t op;
    const uint8_t *sender_mac, *sender_ip4, *target_mac, *target_ip4;
};

static bool arp_decode(struct bytes in, struct arp *out)
{
    const uint8_t *p = in.data;
    if (in.size < ARP_BYTES) return false;
    if (load_be16(p) != 1 || load_be16(p + 2) != ETHERTYPE_IP4 || p[4] != 6 || p[5] != 4)
        return false;
    *out = (struct arp){ load_be16(p + 6), p + 8, p + 14, p + 18, p + 24 };
    return (out->op == ARP_REQUEST || out->op == ARP_REPLY) && !(out->sender_mac[0] & 1) &&
           out->sender_ip4[0] < 224;
}

static bool is_local4(const struct ip_table *ip, const uint8_t *ip4)
{
    uint32_t address = load_le32(ip4);
    for (uint32_t i = 0; i < ip->local4_count; i++)
        if (ip->local4[i] == address) return true;
    return false;
}

static void arp_send(struct net *n, struct frame *f, uint16_t op, const uint8_t mac[6],
                     const void *sender_ip4, const void *target_ip4)
{
    static const uint8_t zero[6], all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    uint8_t *p = f->data;
    p += eth_header(n, p, mac ? mac : all, ETHERTYPE_ARP);
    memset(p, 0, ETH_PAYLOAD_MIN);
    store_be16(p, 1);
    store_be16(p + 2, ETHERTYPE_IP4);
    p[4] = 6;
    p[5] = 4;
    store_be16(p + 6, op);
    memcpy(p + 8, n->config.mac, 6);
    memcpy(p + 14, sender_ip4, 4);
    memcpy(p + 18, mac ? mac : zero, 6);
    memcpy(p + 24, target_ip4, 4);
    f->size = (uint32_t)(p - f->data) + ETH_PAYLOAD_MIN;
    net_emit(n, f);
}

void arp_ask(struct net *n, const struct neighbour *nb, bool unicast)
{
    const struct ip_local *from = ip_source_for(n->ip, nb->ip);
    struct frame *f = from ? n->pool->take(n->pool) : NULL;
    if (!f) {
        n->tally->drop_no_buffer++;
        return;
    }
    arp_send(n, f, ARP_REQUEST, unicast ? nb->mac : NULL, from->ip + 12, nb->ip + 12);
}

// The reply leaves in the frame that the request came in, so it needs no buffer.
static void arp_answer(struct net *n, struct frame *f, const struct arp *a)
{
    uint8_t mac[6], asker[4], asked[4];
    memcpy(mac, a->sender_mac, 6);
    memcpy(asker, a->sender_ip4, 4);
    memcpy(asked, a->target_ip4, 4);
    frame_restart(f);
    n->tally->arp_replies++;
    arp_send(n, f, ARP_REPLY, mac, asked, asker);
}

// RFC 826 "Packet Reception": whoever is known is updated; only who asks for us is added. A sender
// address of zero is a probe (RFC 5227 2.1.1) and teaches nothing.
static void arp_learn(struct net *n, const struct arp *a, bool to_us)
{
    uint8_t sender[16];
    ip_map_v4(sender, a->sender_ip4);
    struct neighbour *nb = neighbour_find(n, sender);
    if (nb) {
        bool solicited = a->op == ARP_REPLY && to_us &&
                         (nb->state == NEIGHBOUR_INCOMPLETE || nb->state == NEIGHBOUR_PROBE);
        neighbour_set(n, nb, a->sender_mac, solicited);
    } else if (to_us && a->op == ARP_REQUEST) {
        neighbour_heard(n, sender, a->sender_mac);
    }
}

void arp_input(struct net *n, struct frame *f)
{
    struct arp a;
    if (!arp_decode(frame_bytes(f), &a)) {
        net_drop(n, f, &n->tally->drop_arp);
        return;
    }
    // Our address: a conflict (RFC 5227 2.4), in which we keep it, or our own frame come back. Our
    // MAC alone means nothing: the kernel's end of a tap port has the same.
    if (is_local4(n->ip, a.sender_ip4)) {
        net_drop(n, f, &n->tally->drop_arp);
        return;
    }
    bool to_us = is_local4(n->ip, a.target_ip4);
    if (load_le32(a.sender_ip4) != 0) arp_learn(n, &a, to_us);
    if (to_us && a.op == ARP_REQUEST && !(f->flags & FRAME_IS_COPY))
        arp_answer(n, f, &a);
    else
        net_give(n, f);
}
