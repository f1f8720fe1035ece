#include "dataplane/net/flow.h"
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/net/ip_priv.h"

enum {
    PORTS_BYTES = 4,
    EXTENSION_HOP_BY_HOP = 0,
    EXTENSION_ROUTING = 43,
    EXTENSION_FRAGMENT = 44,
    EXTENSION_DESTINATION = 60,
    ICMP4_UNREACHABLE = 3,
    ICMP6_PACKET_TOO_BIG = 2,
    ICMP6_SOLICITATION = 135,
    ICMP6_ADVERTISEMENT = 136,
};

static struct flow tcp_flow(struct bytes in, const uint8_t *remote_ip, uint32_t ip_bytes)
{
    if (in.size < PORTS_BYTES) return (struct flow){ FLOW_OTHER, NULL, NULL, 0 };
    return (struct flow){ FLOW_TCP, remote_ip, in.data, ip_bytes };
}

static struct flow flow4(struct bytes in)
{
    struct flow flow = { FLOW_OTHER, NULL, NULL, 0 };
    const uint8_t *ip = in.data;
    if (in.size < IP4_BYTES || !bytes_skip(&in, (ip[0] & 15u) * 4)) return flow;
    if (LIKELY(ip[9] == IP_PROTOCOL_TCP)) return tcp_flow(in, ip + 12, 4);
    if (ip[9] == IP_PROTOCOL_ICMP4 && in.size && in.data[0] == ICMP4_UNREACHABLE)
        flow.kind = FLOW_TEACHES;
    return flow;
}

static bool is_extension(uint8_t kind)
{
    return kind == EXTENSION_HOP_BY_HOP || kind == EXTENSION_ROUTING ||
           kind == EXTENSION_FRAGMENT || kind == EXTENSION_DESTINATION;
}

static bool skip_extensions(struct bytes *in, uint8_t *protocol)
{
    for (uint32_t i = 0; i < IP6_EXTENSION_HEADERS_MAX && is_extension(*protocol); i++) {
        if (in->size < 8) return false;
        uint32_t size = *protocol == EXTENSION_FRAGMENT ? 8 : (in->data[1] + 1u) * 8;
        *protocol = in->data[0];
        if (!bytes_skip(in, size)) return false;
    }
    return true;
}

static struct flow flow6(struct bytes in)
{
    struct flow flow = { FLOW_OTHER, NULL, NULL, 0 };
    const uint8_t *ip = in.data;
    if (!bytes_skip(&in, IP6_BYTES)) return flow;
    uint8_t protocol = ip[6];
    if (UNLIKELY(protocol != IP_PROTOCOL_TCP) && !skip_extensions(&in, &protocol)) return flow;
    if (LIKELY(protocol == IP_PROTOCOL_TCP)) return tcp_flow(in, ip + 8, 16);
    if (protocol != IP_PROTOCOL_ICMP6 || in.size == 0) return flow;
    uint8_t type = in.data[0];
    if ((type > 0 && type <= ICMP6_PACKET_TOO_BIG) || type == ICMP6_SOLICITATION ||
        type == ICMP6_ADVERTISEMENT)
        flow.kind = FLOW_TEACHES;
    return flow;
}

struct flow flow_of(const struct frame *f)
{
    struct flow flow = { FLOW_OTHER, NULL, NULL, 0 };
    struct bytes in = frame_bytes(f);
    if (!bytes_skip(&in, ETH_BYTES)) return flow;
    uint16_t type = load_be16(f->data + 12);
    if (UNLIKELY(type == ETHERTYPE_VLAN)) {
        if (in.size < VLAN_BYTES) return flow;
        type = load_be16(in.data + 2);
        bytes_skip(&in, VLAN_BYTES);
    }
    if (LIKELY(type == ETHERTYPE_IP4)) return flow4(in);
    if (type == ETHERTYPE_IP6) return flow6(in);
    if (type == ETHERTYPE_ARP) flow.kind = FLOW_TEACHES;
    return flow;
}

uint32_t flow_choose(const struct flow *flow, const struct hash_key *key, uint32_t count)
{
    uint8_t ends[20];
    memcpy(ends, flow->remote_ip, flow->ip_bytes);
    memcpy(ends + flow->ip_bytes, flow->ports, PORTS_BYTES);
    uint64_t hash = siphash_13(ends, flow->ip_bytes + PORTS_BYTES, key);
    return (uint32_t)((hash >> 32) * count >> 32);
}
