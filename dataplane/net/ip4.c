#include "dataplane/net/ip_priv.h"

//  0    1    2       4   6         8    9     10       12      16           20..60
//  |4|hl|tos |length |id |DF,MF,off|ttl |proto|checksum|source |destination |options
enum { IP4_FRAGMENT_BITS = 0x3fff }; // MF and the offset

// 0, loopback, multicast, reserved and broadcast addresses never are a sender (RFC 1122 3.2.1.3);
// neither are we.
static bool source_ok(const struct ip_table *t, const uint8_t *source)
{
    uint32_t address = load_le32(source);
    if (source[0] == 0 || source[0] == 127 || source[0] >= 224) return false;
    for (uint32_t i = 0; i < t->local4_count; i++)
        if (address == t->local4[i] || address == t->broadcast4[i]) return false;
    return true;
}

static bool destination_ok(const struct ip_table *t, const uint8_t *destination)
{
    uint32_t address = load_le32(destination);
    for (uint32_t i = 0; i < t->local4_count; i++)
        if (address == t->local4[i]) return true;
    return false;
}

// NULL when the header is good; else the counter of what is wrong. Trims the frame to the packet:
// what follows is Ethernet padding. A TTL of 0 or 1 is no reason to refuse (RFC 1122 3.2.1.7), and
// options mean nothing to a host that does not forward.
static uint64_t *ip4_fault(struct net *n, struct frame *f)
{
    const uint8_t *p = f->data;
    if (f->size < IP4_BYTES) return &n->tally->drop_short;
    uint32_t header_bytes = (p[0] & 15u) * 4, packet_bytes = load_be16(p + 2);
    if (p[0] >> 4 != 4 || header_bytes < IP4_BYTES || header_bytes > packet_bytes ||
        packet_bytes > f->size)
        return &n->tally->drop_ip_header;
    if (f->flags & FRAME_RX_IP_BAD) return &n->tally->drop_ip_checksum;
    if (!(f->flags & FRAME_RX_IP_GOOD) && checksum_fold(checksum_add(0, p, header_bytes)) != 0)
        return &n->tally->drop_ip_checksum;
    if (!source_ok(n->ip, p + 12)) return &n->tally->drop_ip_header;
    if (!destination_ok(n->ip, p + 16)) return &n->tally->drop_not_for_us;
    if (load_be16(p + 6) & IP4_FRAGMENT_BITS) return &n->tally->drop_ip_fragment;
    f->size = packet_bytes;
    return NULL;
}

void ip4_input(struct net *n, struct frame *f, const uint8_t *eth)
{
    uint64_t *fault = ip4_fault(n, f);
    if (UNLIKELY(fault)) {
        net_drop(n, f, fault);
        return;
    }
    const uint8_t *header = f->data;
    uint8_t source[16], destination[16];
    ip_map_v4(source, header + 12);
    ip_map_v4(destination, header + 16);
    struct ip_packet p = { .source = source,
                           .destination = destination,
                           .protocol = header[9],
                           .ecn = header[1] & 3,
                           .to_multicast = eth[0] & 1 };
    frame_pull(f, (header[0] & 15u) * 4);
    if (LIKELY(p.protocol == IP_PROTOCOL_TCP))
        tcp_input(n, f, &p);
    else if (p.protocol == IP_PROTOCOL_ICMP4)
        icmp4_input(n, f, &p);
    else
        net_drop(n, f, &n->tally->drop_ip_protocol);
}
