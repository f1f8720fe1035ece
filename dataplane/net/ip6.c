#include "dataplane/net/ip_priv.h"

enum {
    EXTENSION_HOP_BY_HOP = 0,
    EXTENSION_ROUTING = 43,
    EXTENSION_FRAGMENT = 44,
    EXTENSION_DESTINATION = 60,
    OPTION_PAD1 = 0,
};

// What an option we do not know asks for (RFC 8200 4.2): 00 in its top bits, and it is skipped.
// The other three ask for the packet to be dropped.
static bool options_ok(struct bytes in)
{
    uint8_t kind, size;
    while (bytes_u8(&in, &kind)) {
        if (kind == OPTION_PAD1) continue;
        if (!bytes_u8(&in, &size) || !bytes_skip(&in, size)) return false;
        if (kind >> 6 != 0) return false;
    }
    return true;
}

// One extension header off the front of in. Returns NULL or the counter of what is wrong.
static uint64_t *extension_fault(struct net *n, struct bytes *in, uint8_t kind, uint8_t *next)
{
    struct bytes header;
    if (in->size < 8) return &n->tally->drop_ip_header;
    const uint8_t *p = in->data;
    *next = p[0];
    if (kind == EXTENSION_FRAGMENT) { // offset and M zero: atomic, a whole packet (RFC 6946)
        bytes_skip(in, 8);
        return (load_be16(p + 2) & 0xfff9) ? &n->tally->drop_ip_fragment : NULL;
    }
    if (!bytes_take(in, (p[1] + 1u) * 8, &header)) return &n->tally->drop_ip_header;
    if (kind == EXTENSION_ROUTING) return p[3] != 0 ? &n->tally->drop_ip_header : NULL;
    return options_ok(bytes_make(p + 2, header.size - 2)) ? NULL : &n->tally->drop_ip_header;
}

static bool is_extension(uint8_t kind, bool is_first)
{
    return kind == EXTENSION_DESTINATION || kind == EXTENSION_ROUTING ||
           kind == EXTENSION_FRAGMENT || (kind == EXTENSION_HOP_BY_HOP && is_first);
}

static uint64_t *walk_extensions(struct net *n, struct frame *f, uint8_t *protocol)
{
    struct bytes in = frame_bytes(f);
    for (uint32_t i = 0; is_extension(*protocol, i == 0); i++) {
        if (i == IP6_EXTENSION_HEADERS_MAX) return &n->tally->drop_ip_header;
        uint64_t *fault = extension_fault(n, &in, *protocol, protocol);
        if (fault) return fault;
    }
    frame_pull(f, (uint32_t)(in.data - f->data));
    return NULL;
}

// A mapped address on the wire would pass for an IPv4 one in here.
static bool source_ok(const struct net *n, const uint8_t *source)
{
    static const uint8_t loopback[16] = { [15] = 1 };
    return source[0] != 0xff && !ip_equal(source, loopback) && !ip_is_v4(source) &&
           !ip_is_local(n, source);
}

// All nodes, or the solicited-node group of an address of ours.
static bool is_our_group(const struct ip_table *t, const uint8_t *ip)
{
    static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
    if (ip_equal(ip, all_nodes)) return true;
    for (uint32_t i = 0; i < t->local_count; i++) {
        uint8_t group[16];
        ip6_solicited_node(group, t->locals[i].ip);
        if (t->locals[i].is_ipv6 && ip_equal(ip, group)) return true;
    }
    return false;
}

// NULL when the header is good; trims the frame to the packet (padding, RFC 2464 section 3).
static uint64_t *ip6_fault(struct net *n, struct frame *f)
{
    const uint8_t *p = f->data;
    if (f->size < IP6_BYTES) return &n->tally->drop_short;
    uint32_t packet_bytes = IP6_BYTES + (uint32_t)load_be16(p + 4);
    if (p[0] >> 4 != 6 || packet_bytes > f->size || packet_bytes == IP6_BYTES)
        return &n->tally->drop_ip_header;
    if (!source_ok(n, p + 8) || ip_is_v4(p + 24)) return &n->tally->drop_ip_header;
    if (!ip_is_local(n, p + 24) && !is_our_group(n->ip, p + 24)) return &n->tally->drop_not_for_us;
    f->size = packet_bytes;
    return NULL;
}

void ip6_input(struct net *n, struct frame *f, const uint8_t *eth)
{
    uint64_t *fault = ip6_fault(n, f);
    if (UNLIKELY(fault)) {
        net_drop(n, f, fault);
        return;
    }
    const uint8_t *header = f->data;
    uint8_t addresses[32], protocol = header[6], hop_limit = header[7];
    memcpy(addresses, header + 8, 32);
    frame_pull(f, IP6_BYTES);
    if (UNLIKELY(protocol != IP_PROTOCOL_TCP) && (fault = walk_extensions(n, f, &protocol))) {
        net_drop(n, f, fault);
        return;
    }
    struct ip_packet p = { .source = addresses,
                           .destination = addresses + 16,
                           .protocol = protocol,
                           .ecn = (header[1] >> 4) & 3,
                           .is_ipv6 = true,
                           .to_multicast = (eth[0] & 1) || addresses[16] == 0xff };
    if (protocol == IP_PROTOCOL_ICMP6)
        icmp6_input(n, f, &p, hop_limit, eth);
    else if (UNLIKELY(protocol != IP_PROTOCOL_TCP))
        net_drop(n, f, &n->tally->drop_ip_protocol);
    else if (UNLIKELY(ip_is_zero(addresses)))
        net_drop(n, f, &n->tally->drop_ip_header);
    else
        tcp_input(n, f, &p);
}
