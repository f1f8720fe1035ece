#include "dataplane/net/ip_priv.h"

enum {
    ND_SOLICITATION = 135,
    ND_ADVERTISEMENT = 136,
    ND_BYTES = 24, // fixed part of both
    ND_HOP_LIMIT = 255,
    ND_OPTION_SOURCE_MAC = 1,
    ND_OPTION_TARGET_MAC = 2,
    ND_MESSAGE_BYTES = ND_BYTES + 8, // with the one option we send
};
enum nd_flags { ND_SOLICITED = 0x40, ND_OVERRIDE = 0x20 }; // ND_ROUTER is not ours to set

static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };

//  0    1    2        4              8       24
//  |type|code|checksum|flags,reserved|target |options: kind, length in 8 bytes, value
struct nd {
    uint8_t type, flags;
    const uint8_t *target;
    const uint8_t *mac; // of the option that belongs to the type; NULL: not there
};

// RFC 4861 7.1.1 and 7.1.2, what both have in common: an option of length zero refuses the packet.
static bool nd_decode(struct bytes in, struct nd *out)
{
    const uint8_t *p = in.data;
    if (!bytes_skip(&in, ND_BYTES) || p[1] != 0 || p[8] == 0xff) return false;
    *out = (struct nd){ .type = p[0], .flags = p[4], .target = p + 8 };
    uint8_t wanted = p[0] == ND_SOLICITATION ? ND_OPTION_SOURCE_MAC : ND_OPTION_TARGET_MAC;
    while (in.size > 0) {
        struct bytes option;
        if (in.size < 2 || in.data[1] == 0) return false;
        if (!bytes_take(&in, in.data[1] * 8u, &option)) return false;
        if (option.data[0] == wanted && option.size == 8) out->mac = option.data + 2;
    }
    return !out->mac || !(out->mac[0] & 1);
}

// f is empty. Fills in and sends a solicitation or advertisement about target.
static void nd_send(struct net *n, struct frame *f, uint8_t type, uint8_t flags,
                    const uint8_t source[16], const uint8_t destination[16],
                    const uint8_t target[16], const uint8_t mac[6])
{
    uint8_t *ip = f->data + eth_header(n, f->data, mac, ETHERTYPE_IP6);
    uint8_t *p = ip + IP6_BYTES;
    memset(ip, 0, IP6_BYTES + ND_MESSAGE_BYTES);
    ip[0] = 0x60;
    store_be16(ip + 4, ND_MESSAGE_BYTES);
    ip[6] = IP_PROTOCOL_ICMP6;
    ip[7] = ND_HOP_LIMIT;
    memcpy(ip + 8, source, 16);
    memcpy(ip + 24, destination, 16);
    p[0] = type;
    p[4] = flags;
    memcpy(p + 8, target, 16);
    p[ND_BYTES] = type == ND_SOLICITATION ? ND_OPTION_SOURCE_MAC : ND_OPTION_TARGET_MAC;
    p[ND_BYTES + 1] = 1;
    memcpy(p + ND_BYTES + 2, n->config.mac, 6);
    uint32_t sum = checksum_pseudo(source, destination, IP_PROTOCOL_ICMP6, ND_MESSAGE_BYTES, true);
    store_le16(p + ICMP_CHECKSUM_OFFSET, checksum_fold(checksum_add(sum, p, ND_MESSAGE_BYTES)));
    f->size = (uint32_t)(p - f->data) + ND_MESSAGE_BYTES;
    net_emit(n, f);
}

static void group_mac(uint8_t out[6], const uint8_t group[16]) // RFC 2464 section 7
{
    out[0] = out[1] = 0x33;
    memcpy(out + 2, group + 12, 4);
}

void nd_ask(struct net *n, const struct neighbour *nb, bool unicast)
{
    const struct ip_local *from = ip_source_for(n->ip, nb->ip);
    struct frame *f = from ? n->pool->take(n->pool) : NULL;
    uint8_t group[16], mac[6];
    if (!f) {
        n->tally->drop_no_buffer++;
        return;
    }
    ip6_solicited_node(group, nb->ip);
    group_mac(mac, group);
    nd_send(n, f, ND_SOLICITATION, 0, from->ip, unicast ? nb->ip : group, nb->ip,
            unicast ? nb->mac : mac);
}

// RFC 4861 7.2.4. A probe for duplicates has no source: its answer goes to all nodes (and tells
// the other that the address is taken, RFC 4862 5.4.4).
static void solicited(struct net *n, struct frame *f, const struct ip_packet *p,
                      const struct nd *message, const uint8_t *eth)
{
    uint8_t asker[16], target[16], mac[6];
    bool is_probe = ip_is_zero(p->source);
    memcpy(asker, is_probe ? all_nodes : p->source, 16);
    memcpy(target, message->target, 16);
    if (is_probe)
        group_mac(mac, all_nodes);
    else
        memcpy(mac, message->mac ? message->mac : eth + 6, 6);
    if (!is_probe && message->mac) neighbour_heard(n, asker, mac);
    if (f->flags & FRAME_IS_COPY) {
        net_give(n, f);
        return;
    }
    frame_restart(f);
    nd_send(n, f, ND_ADVERTISEMENT, ND_OVERRIDE | (is_probe ? 0 : ND_SOLICITED), target, asker,
            target, mac);
}

static void solicitation(struct net *n, struct frame *f, const struct ip_packet *p,
                         const struct nd *message, const uint8_t *eth)
{
    bool ok = true;
    if (ip_is_zero(p->source)) { // 7.1.1: a probe goes to the group and names no link address
        uint8_t group[16];
        ip6_solicited_node(group, message->target);
        ok = ip_equal(p->destination, group) && !message->mac;
    }
    if (!ok || ip_is_v4(message->target) || !ip_is_local(n, message->target))
        net_drop(n, f, &n->tally->drop_nd);
    else
        solicited(n, f, p, message, eth);
}

// RFC 4861 7.2.5: only who is known is updated, and without the override flag not even that.
static void advertised(struct net *n, struct neighbour *nb, const struct nd *message)
{
    bool is_answer = message->flags & ND_SOLICITED;
    if (nb->state == NEIGHBOUR_INCOMPLETE) {
        if (message->mac) neighbour_set(n, nb, message->mac, is_answer);
        return;
    }
    bool is_other = message->mac && !mac_equal(message->mac, nb->mac);
    if (is_other && !(message->flags & ND_OVERRIDE)) {
        if (nb->state == NEIGHBOUR_REACHABLE) nb->state = NEIGHBOUR_STALE;
        return;
    }
    if (is_other || is_answer) neighbour_set(n, nb, is_other ? message->mac : nb->mac, is_answer);
}

static void advertisement(struct net *n, struct frame *f, const struct ip_packet *p,
                          const struct nd *message)
{
    bool is_ours = ip_is_local(n, message->target); // somebody else claims it: we keep it
    if (is_ours || ((message->flags & ND_SOLICITED) && p->destination[0] == 0xff)) {
        net_drop(n, f, &n->tally->drop_nd);
        return;
    }
    struct neighbour *nb = neighbour_find(n, message->target);
    if (nb) advertised(n, nb, message);
    net_give(n, f);
}

// Only messages that no router has forwarded are heard (hop limit 255).
void nd_input(struct net *n, struct frame *f, const struct ip_packet *p, uint8_t hop_limit,
              const uint8_t *eth)
{
    struct nd message;
    uint8_t type = f->data[0];
    bool is_neighbour = type == ND_SOLICITATION || type == ND_ADVERTISEMENT;
    if (hop_limit != ND_HOP_LIMIT || !is_neighbour || !nd_decode(frame_bytes(f), &message))
        net_drop(n, f, &n->tally->drop_nd);
    else if (type == ND_SOLICITATION)
        solicitation(n, f, p, &message, eth);
    else
        advertisement(n, f, p, &message);
}
