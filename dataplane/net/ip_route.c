#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/net/ip_priv.h"

bool ip_prefix_equal(const uint8_t a[16], const uint8_t b[16], uint32_t bits)
{
    uint32_t whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0) return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

void ip6_solicited_node(uint8_t out[16], const uint8_t ip[16])
{
    static const uint8_t group[13] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff };
    memcpy(out, group, 13);
    memcpy(out + 13, ip + 13, 3);
}

// RFC 4291 appendix A: the interface identifier is the MAC with ff:fe in its middle and the
// universal bit inverted.
static void link_local_from_mac(uint8_t out[16], const uint8_t mac[6])
{
    memset(out, 0, 16);
    out[0] = 0xfe;
    out[1] = 0x80;
    memcpy(out + 8, mac, 3);
    out[8] ^= 2;
    out[11] = 0xff;
    out[12] = 0xfe;
    memcpy(out + 13, mac + 3, 3);
}

static bool is_host_address(const uint8_t ip[16]) // one that a single host can have
{
    static const uint8_t loopback6[16] = { [15] = 1 };
    if (ip_is_v4(ip)) return ip[12] != 0 && ip[12] != 127 && ip[12] < 224;
    return ip[0] != 0xff && !ip_is_zero(ip) && !ip_equal(ip, loopback6);
}

static uint32_t subnet_broadcast4(const uint8_t ip4[4], uint32_t bits)
{
    if (bits == 0 || bits >= 31) return 0; // RFC 3021: a /31 has none
    return load_le32(ip4) | __builtin_bswap32(UINT32_MAX >> bits);
}

static bool add_local(struct ip_table *t, const struct net_address *a)
{
    struct ip_local *l = &t->locals[t->local_count];
    bool is_v4 = ip_is_v4(a->ip);
    if (!is_host_address(a->ip) || a->prefix_bits > (is_v4 ? 32 : 128)) return false;
    memcpy(l->ip, a->ip, 16);
    l->is_ipv6 = !is_v4;
    l->prefix_bits = (uint8_t)(a->prefix_bits + (is_v4 ? 96 : 0));
    t->local_count++;
    if (!is_v4) return true;
    t->local4[t->local4_count] = load_le32(a->ip + 12);
    t->broadcast4[t->local4_count++] = subnet_broadcast4(a->ip + 12, a->prefix_bits);
    return true;
}

static bool add_locals(struct ip_table *t, const struct net_config *c)
{
    bool has_ipv6 = false, has_link_local = false;
    if (c->address_count > NET_ADDRESSES_MAX) return false;
    for (uint32_t i = 0; i < c->address_count; i++) {
        const uint8_t *ip = c->addresses[i].ip;
        if (!add_local(t, &c->addresses[i])) return false;
        if (!ip_is_v4(ip)) has_ipv6 = true;
        if (ip6_is_link_local(ip)) has_link_local = true;
    }
    if (has_ipv6 && !has_link_local) {
        struct net_address own = { .prefix_bits = 64 };
        link_local_from_mac(own.ip, c->mac);
        return add_local(t, &own) && c->mtu >= IP6_MTU_MIN;
    }
    return !has_ipv6 || c->mtu >= IP6_MTU_MIN;
}

static bool gateways_ok(struct ip_table *t, const struct net_config *c)
{
    t->has_gateway4 = !ip_is_zero(c->gateway4);
    t->has_gateway6 = !ip_is_zero(c->gateway6);
    if (t->has_gateway4 && !(ip_is_v4(c->gateway4) && is_host_address(c->gateway4))) return false;
    return !t->has_gateway6 || (!ip_is_v4(c->gateway6) && is_host_address(c->gateway6));
}

// ERR_PEER: the configuration is wrong (address, prefix, gateway, MTU, neighbour count).
enum status ip_open(struct net *n)
{
    struct ip_table *t = calloc(1, sizeof *t);
    if (!t) return ERR_NO_SPACE;
    n->ip = t;
    list_init(&t->free);
    list_init(&t->used);
    t->next_ip_id = (uint16_t)rng_next(&n->rng);
    enum status s = ERR_PEER;
    if (n->config.mtu >= IP4_MTU_MIN && n->config.vlan < 4095 && add_locals(t, &n->config) &&
        gateways_ok(t, &n->config))
        s = neighbour_open(n);
    if (s != OK) ip_close(n);
    return s;
}

void ip_close(struct net *n)
{
    if (!n->ip) return;
    neighbour_close(n);
    free(n->ip);
    n->ip = NULL;
}

uint64_t ip_memory_bytes(const struct net *n)
{
    const struct ip_table *t = n->ip;
    return sizeof *t + t->neighbour_count_max * sizeof *t->neighbours +
           (t->bucket_mask + 1) * sizeof *t->buckets;
}

bool ip_is_local(const struct net *n, const uint8_t ip[16])
{
    for (uint32_t i = 0; i < n->ip->local_count; i++)
        if (ip_equal(n->ip->locals[i].ip, ip)) return true;
    return false;
}

static const struct ip_local *on_link(const struct ip_table *t, const uint8_t ip[16])
{
    bool is_ipv6 = !ip_is_v4(ip);
    for (uint32_t i = 0; i < t->local_count; i++) {
        const struct ip_local *l = &t->locals[i];
        if (l->is_ipv6 == is_ipv6 && ip_prefix_equal(l->ip, ip, l->prefix_bits)) return l;
    }
    return NULL;
}

const struct ip_local *ip_source_for(const struct ip_table *t, const uint8_t neighbour[16])
{
    const struct ip_local *l = on_link(t, neighbour);
    for (uint32_t i = 0; !l && i < t->local_count; i++)
        if (t->locals[i].is_ipv6 == !ip_is_v4(neighbour)) l = &t->locals[i];
    return l;
}

// Through a gateway a link-local source is of no use, even when the gateway's own address is one.
static const struct ip_local *routable_source(const struct ip_table *t, const uint8_t gateway[16])
{
    const struct ip_local *l = ip_source_for(t, gateway);
    if (!l || !ip6_is_link_local(l->ip)) return l;
    for (uint32_t i = 0; i < t->local_count; i++)
        if (t->locals[i].is_ipv6 && !ip6_is_link_local(t->locals[i].ip)) return &t->locals[i];
    return NULL;
}

enum status ip_route_find(struct net *n, const uint8_t remote[16], struct ip_route *route)
{
    const struct ip_table *t = n->ip;
    bool is_ipv6 = !ip_is_v4(remote);
    if (!is_host_address(remote) || ip_is_local(n, remote)) return ERR_IO;
    const struct ip_local *from = on_link(t, remote);
    const uint8_t *next_hop = remote;
    if (!from) {
        if (!(is_ipv6 ? t->has_gateway6 : t->has_gateway4)) return ERR_IO;
        next_hop = is_ipv6 ? n->config.gateway6 : n->config.gateway4;
        from = routable_source(t, next_hop);
        if (!from || ip6_is_link_local(remote)) return ERR_IO;
    }
    if (ip_is_zero(route->local)) memcpy(route->local, from->ip, 16);
    memcpy(route->remote, remote, 16);
    memcpy(route->next_hop, next_hop, 16);
    route->mtu = n->config.mtu;
    route->is_ipv6 = is_ipv6;
    route->neighbour_index = UINT16_MAX;
    route->neighbour_generation = 0;
    return OK;
}
