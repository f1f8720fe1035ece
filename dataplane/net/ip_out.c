#include "dataplane/base/check.h"
#include "dataplane/net/ip_priv.h"

static void template4(struct ip_route *r)
{
    uint8_t *p = r->header + r->l2_bytes;
    memset(p, 0, IP4_BYTES);
    p[0] = 0x45;
    p[6] = 0x40; // DF: routers shall tell us their MTU (RFC 1191)
    p[8] = IP_HOPS;
    memcpy(p + 12, r->local + 12, 4);
    memcpy(p + 16, r->remote + 12, 4);
    r->header_bytes = (uint8_t)(r->l2_bytes + IP4_BYTES);
    r->header_sum = checksum_add(0, p, IP4_BYTES);
}

static void template6(struct ip_route *r)
{
    uint8_t *p = r->header + r->l2_bytes;
    memset(p, 0, 8);
    p[0] = 0x60;
    p[7] = IP_HOPS;
    memcpy(p + 8, r->local, 16);
    memcpy(p + 24, r->remote, 16);
    r->header_bytes = (uint8_t)(r->l2_bytes + IP6_BYTES);
}

// Finds (or makes) the neighbour and builds the header template anew.
static struct neighbour *route_refresh(struct net *n, struct ip_route *r)
{
    struct neighbour *nb = neighbour_make(n, r->next_hop);
    if (!nb) return NULL;
    r->neighbour_index = (uint16_t)(nb - n->ip->neighbours);
    r->neighbour_generation = nb->generation;
    r->l2_bytes =
        (uint8_t)eth_header(n, r->header, nb->mac, r->is_ipv6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4);
    if (r->is_ipv6)
        template6(r);
    else
        template4(r);
    r->pseudo_sum = checksum_pseudo(r->local, r->remote, 0, 0, r->is_ipv6);
    return nb;
}

static inline struct neighbour *route_neighbour(struct net *n, struct ip_route *r)
{
    if (LIKELY(r->neighbour_index < n->ip->neighbour_count_max)) {
        struct neighbour *nb = &n->ip->neighbours[r->neighbour_index];
        if (LIKELY(nb->generation == r->neighbour_generation)) return nb;
    }
    return route_refresh(n, r);
}

// A part that starts at an odd offset contributes with its bytes swapped (RFC 1071 section 2 B).
uint32_t checksum_frame(uint32_t partial, const struct frame *f)
{
    bool is_odd = false;
    for (; f; f = f->body) {
        if (LIKELY(!is_odd)) {
            partial = checksum_add(partial, f->data, f->size);
        } else {
            uint16_t part = (uint16_t)~checksum_fold(checksum_add(0, f->data, f->size));
            uint16_t swapped = __builtin_bswap16(part);
            partial = checksum_add(partial, &swapped, 2);
        }
        is_odd ^= f->size & 1;
    }
    return partial;
}

// Segments the port will cut leave their length out of the pseudo-header sum: the port adds each.
static void tcp_checksum(struct net *n, struct frame *f, const struct ip_route *r,
                         uint32_t l4_bytes)
{
    uint8_t *field = f->data + TCP_CHECKSUM_OFFSET;
    uint64_t sum = (uint64_t)r->pseudo_sum + (IP_PROTOCOL_TCP << 8);
    if (!(f->flags & FRAME_TX_TSO)) sum += __builtin_bswap32(l4_bytes);
    uint32_t partial = (uint32_t)(sum & UINT32_MAX) + (uint32_t)(sum >> 32);
    if (n->config.tx_l4_checksum) {
        store_le16(field, (uint16_t)~checksum_fold(partial));
        f->flags |= FRAME_TX_L4_CSUM;
        return;
    }
    store_le16(field, 0);
    store_le16(field, checksum_fold(checksum_frame(partial, f)));
}

static void icmp_checksum(struct frame *f, const struct ip_route *r, uint32_t l4_bytes)
{
    uint8_t *field = f->data + ICMP_CHECKSUM_OFFSET;
    uint32_t partial = 0;
    if (r->is_ipv6)
        partial = checksum_pseudo(r->local, r->remote, IP_PROTOCOL_ICMP6, l4_bytes, true);
    store_le16(field, 0);
    store_le16(field, checksum_fold(checksum_frame(partial, f)));
}

// The checksum is finished from the template's sum: cheaper than asking the port to do it. With
// TSO the port must, for each segment, and wants the field zero.
static void finish4(struct net *n, struct frame *f, const struct ip_route *r, uint32_t l4_bytes,
                    uint8_t protocol, uint8_t ecn)
{
    uint8_t *p = f->data + r->l2_bytes;
    uint16_t size = __builtin_bswap16((uint16_t)(l4_bytes + IP4_BYTES));
    uint16_t id = n->ip->next_ip_id++;
    p[1] = ecn;
    p[9] = protocol;
    store_le16(p + 2, size);
    store_le16(p + 4, id);
    if ((f->flags & FRAME_TX_TSO) && n->config.tx_ip_checksum) {
        f->flags |= FRAME_TX_IP_CSUM;
        return;
    }
    uint64_t sum = (uint64_t)r->header_sum + size + id;
    sum += ((uint32_t)protocol << 8) + ((uint32_t)ecn << 8);
    store_le16(p + 10, checksum_fold((uint32_t)(sum & UINT32_MAX) + (uint32_t)(sum >> 32)));
}

static void finish6(struct frame *f, const struct ip_route *r, uint32_t l4_bytes, uint8_t protocol,
                    uint8_t ecn)
{
    uint8_t *p = f->data + r->l2_bytes;
    p[1] = (uint8_t)(ecn << 4); // the low two bits of the traffic class
    store_be16(p + 4, (uint16_t)l4_bytes);
    p[6] = protocol;
    f->flags |= FRAME_IS_IPV6;
}

static void push_headers(struct net *n, struct frame *f, const struct ip_route *r,
                         uint32_t l4_bytes, uint8_t protocol, uint8_t ecn)
{
    CHECK(frame_push(f, r->header_bytes)); // every frame has FRAME_HEADROOM for this
    // Sizes the compiler can see become a few moves.
    if (LIKELY(r->header_bytes == ETH_BYTES + IP4_BYTES))
        memcpy(f->data, r->header, ETH_BYTES + IP4_BYTES);
    else if (r->header_bytes == ETH_BYTES + IP6_BYTES)
        memcpy(f->data, r->header, ETH_BYTES + IP6_BYTES);
    else
        memcpy(f->data, r->header, r->header_bytes);
    f->l2_bytes = r->l2_bytes;
    f->l3_bytes = (uint16_t)(r->header_bytes - r->l2_bytes);
    if (r->is_ipv6)
        finish6(f, r, l4_bytes, protocol, ecn);
    else
        finish4(n, f, r, l4_bytes, protocol, ecn);
}

void ip_output(struct net *n, struct frame *f, struct ip_route *route, uint8_t protocol,
               uint8_t ecn)
{
    struct neighbour *nb = route_neighbour(n, route);
    if (UNLIKELY(!nb)) {
        net_drop(n, f, &n->tally->drop_no_route);
        return;
    }
    uint32_t l4_bytes = f->size;
    for (const struct frame *body = f->body; body; body = body->body) l4_bytes += body->size;
    f->flags &= FRAME_TX_TSO; // what an earlier transmission left behind goes
    uint32_t packet_max = f->flags ? UINT16_MAX : n->config.mtu;
    if (UNLIKELY(l4_bytes + (route->is_ipv6 ? IP6_BYTES : IP4_BYTES) > packet_max)) {
        net_drop(n, f, &n->tally->drop_no_route); // no link takes it; TCP never makes one
        return;
    }
    if (LIKELY(protocol == IP_PROTOCOL_TCP))
        tcp_checksum(n, f, route, l4_bytes);
    else
        icmp_checksum(f, route, l4_bytes);
    push_headers(n, f, route, l4_bytes, protocol, ecn);
    if (LIKELY(nb->state == NEIGHBOUR_REACHABLE))
        net_emit(n, f);
    else
        neighbour_output(n, nb, f);
}
