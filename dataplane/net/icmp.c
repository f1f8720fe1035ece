#include "dataplane/net/ip_priv.h"

enum {
    ICMP_BYTES = 8,
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_ECHO = 8,
    ICMP4_CODE_FRAGMENTATION_NEEDED = 4,
    ICMP6_UNREACHABLE = 1,
    ICMP6_PACKET_TOO_BIG = 2,
    ICMP6_ECHO = 128,
    ICMP6_ECHO_REPLY = 129,
    ICMP6_ROUTER_SOLICITATION = 133,
    ICMP6_REDIRECT = 137,
    QUOTED_TCP_BYTES = 8, // ports and sequence number: all that an error must carry (RFC 792)
};

// The packet of ours that an error message quotes.
struct quoted {
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint32_t seq;
    uint32_t packet_bytes;
};

static bool echo_allowed(struct net *n)
{
    if (n->ip->echo_ns != n->now_ns) { // another burst
        n->ip->echo_ns = n->now_ns;
        n->ip->echo_count = 0;
    }
    if (n->ip->echo_count >= ICMP_ECHO_BURST_MAX) return false;
    n->ip->echo_count++;
    return true;
}

// The request becomes the reply, in the frame it came in (RFC 792 page 14, RFC 4443 4.2).
static void echo(struct net *n, struct frame *f, const struct ip_packet *p, uint8_t reply)
{
    struct ip_route route = { 0 };
    memcpy(route.local, p->destination, 16);
    if (p->to_multicast || !echo_allowed(n)) { // RFC 1122 3.2.2.6 leaves broadcasts to us
        net_drop(n, f, &n->tally->drop_icmp);
        return;
    }
    if (ip_route_find(n, p->source, &route) != OK) {
        net_drop(n, f, &n->tally->drop_no_route);
        return;
    }
    n->tally->icmp_echo++;
    f->data[0] = reply;
    ip_output(n, f, &route, p->protocol, 0);
}

static bool quoted_tcp(struct bytes in, struct quoted *out)
{
    return in.size >= QUOTED_TCP_BYTES && bytes_be16(&in, &out->local_port) &&
           bytes_be16(&in, &out->remote_port) && bytes_be32(&in, &out->seq);
}

static bool quoted4_decode(const struct net *n, struct bytes in, struct quoted *out)
{
    const uint8_t *p = in.data;
    if (in.size < IP4_BYTES || p[0] >> 4 != 4) return false;
    uint32_t header_bytes = (p[0] & 15u) * 4;
    if (header_bytes < IP4_BYTES || !bytes_skip(&in, header_bytes)) return false;
    if (p[9] != IP_PROTOCOL_TCP || (load_be16(p + 6) & 0x1fff) != 0) return false;
    ip_map_v4(out->local, p + 12);
    ip_map_v4(out->remote, p + 16);
    out->packet_bytes = load_be16(p + 2);
    return ip_is_local(n, out->local) && quoted_tcp(in, out);
}

// We send no extension headers, so TCP follows at once or the packet was not ours.
static bool quoted6_decode(const struct net *n, struct bytes in, struct quoted *out)
{
    const uint8_t *p = in.data;
    if (in.size < IP6_BYTES || p[0] >> 4 != 6 || p[6] != IP_PROTOCOL_TCP) return false;
    memcpy(out->local, p + 8, 16);
    memcpy(out->remote, p + 24, 16);
    out->packet_bytes = load_be16(p + 4) + (uint32_t)IP6_BYTES;
    bytes_skip(&in, IP6_BYTES);
    return ip_is_local(n, out->local) && quoted_tcp(in, out);
}

// A router older than RFC 1191 tells no MTU: the next lower common one is tried (section 7).
static uint32_t plateau_below(uint32_t packet_bytes)
{
    static const uint16_t plateaus[] = { 8166, 4352, 2002, 1492, 1006 };
    for (uint32_t i = 0; i < sizeof plateaus / sizeof plateaus[0]; i++)
        if (plateaus[i] < packet_bytes) return plateaus[i];
    return IP4_MTU_MIN;
}

// An MTU that the quoted packet fitted in did not stop it: such a message is made up (RFC 5927
// 7.2). One below the family's minimum is taken for the minimum.
static void path_mtu(struct net *n, const struct quoted *q, uint32_t mtu, uint32_t mtu_min)
{
    if (mtu < mtu_min) mtu = mtu_min;
    if (mtu >= n->config.mtu || mtu >= q->packet_bytes) {
        n->tally->drop_icmp++;
        return;
    }
    tcp_path_mtu(n, q->local, q->local_port, q->remote, q->remote_port, q->seq, (uint16_t)mtu);
}

static void unreachable(struct net *n, const struct quoted *q, bool hard_error)
{
    tcp_unreachable(n, q->local, q->local_port, q->remote, q->remote_port, q->seq, hard_error);
}

// Protocol and port unreachable are hard (RFC 1122 4.2.3.9), and so is what an administrator
// prohibits (codes 9, 10, 13): retrying will not help. Net and host unreachable may pass.
static bool is_hard4(uint8_t code)
{
    return code == 2 || code == 3 || code == 9 || code == 10 || code == 13;
}

static void unreachable4(struct net *n, struct frame *f)
{
    struct quoted q;
    uint8_t code = f->data[1];
    if (!quoted4_decode(n, bytes_make(f->data + ICMP_BYTES, f->size - ICMP_BYTES), &q)) {
        net_drop(n, f, &n->tally->drop_icmp);
        return;
    }
    if (code == ICMP4_CODE_FRAGMENTATION_NEEDED) {
        uint32_t mtu = load_be16(f->data + 6);
        path_mtu(n, &q, mtu ? mtu : plateau_below(q.packet_bytes), IP4_MTU_MIN);
    } else {
        unreachable(n, &q, is_hard4(code));
    }
    net_give(n, f);
}

void icmp4_input(struct net *n, struct frame *f, const struct ip_packet *p)
{
    if (f->size < ICMP_BYTES) {
        net_drop(n, f, &n->tally->drop_icmp);
        return;
    }
    if (checksum_fold(checksum_add(0, f->data, f->size)) != 0) {
        net_drop(n, f, &n->tally->drop_l4_checksum);
        return;
    }
    if (f->data[0] == ICMP4_ECHO && f->data[1] == 0)
        echo(n, f, p, ICMP4_ECHO_REPLY);
    else if (f->data[0] == ICMP4_UNREACHABLE)
        unreachable4(n, f);
    else
        net_drop(n, f, &n->tally->drop_icmp);
}

static void error6(struct net *n, struct frame *f)
{
    struct quoted q;
    uint8_t type = f->data[0], code = f->data[1];
    if (!quoted6_decode(n, bytes_make(f->data + ICMP_BYTES, f->size - ICMP_BYTES), &q)) {
        net_drop(n, f, &n->tally->drop_icmp);
        return;
    }
    if (type == ICMP6_PACKET_TOO_BIG) {
        uint32_t mtu = load_be32(f->data + 4);
        path_mtu(n, &q, mtu, IP6_MTU_MIN);
    } else { // 1 prohibited, 4 port, 5 and 6 policy (RFC 4443 3.1); no route and address may pass
        unreachable(n, &q, code == 1 || code >= 4);
    }
    net_give(n, f);
}

void icmp6_input(struct net *n, struct frame *f, const struct ip_packet *p, uint8_t hop_limit,
                 const uint8_t *eth)
{
    if (f->size < ICMP_BYTES) {
        net_drop(n, f, &n->tally->drop_icmp);
        return;
    }
    uint32_t sum = checksum_pseudo(p->source, p->destination, IP_PROTOCOL_ICMP6, f->size, true);
    if (checksum_fold(checksum_add(sum, f->data, f->size)) != 0) {
        net_drop(n, f, &n->tally->drop_l4_checksum);
        return;
    }
    uint8_t type = f->data[0];
    if (type == ICMP6_ECHO && f->data[1] == 0)
        echo(n, f, p, ICMP6_ECHO_REPLY);
    else if (type == ICMP6_UNREACHABLE || type == ICMP6_PACKET_TOO_BIG)
        error6(n, f);
    else if (type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECT)
        nd_input(n, f, p, hop_limit, eth);
    else
        net_drop(n, f, &n->tally->drop_icmp);
}
