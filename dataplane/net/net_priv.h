// net_priv.h: how the layers of the stack call each other. Only net/ and its tests include it.
//
//   net_input -> eth_input -> arp_input | ip4_input | ip6_input -> icmp_input | tcp_input
//   tcp_out   -> ip_output (prepends IP and Ethernet, resolves the neighbour) -> net_emit ->
//   net_output
#pragma once
#include "dataplane/base/hash.h"
#include "dataplane/base/wheel.h"
#include "dataplane/net/net.h"

struct tcp_table; // tcp_priv.h
struct ip_table;  // ip_priv.h: addresses, routes, neighbours

struct net {
    struct net_config config;
    struct frame_pool *pool;
    const struct stream_app *app;
    struct net_tally *tally;
    uint64_t now_ns; // of the call that is running
    struct rng rng;
    struct hash_key hash_key;          // from the seed: connection table, ISNs, cookies
    struct wheel wheel;                // ticks of 1 ms: TCP and neighbour timers
    struct frame *out_head, *out_tail; // linked by frame->next, ready for the port
    uint32_t out_count;
    struct frame
        *consumed;        // rx frames whose bytes the application may still read, until net_release
    uint32_t frames_held; // rx frames kept: consumed, out of order, paused, waiting for a neighbour
    struct tcp_table *tcp;
    struct ip_table *ip;
};

// What the IP layers found out about a packet, for the layers above. The frame's data is at the
// payload then.
struct ip_packet {
    const uint8_t *source,
        *destination; // 16 bytes each, v4 mapped; source points into scratch owned by the caller
    uint8_t protocol;
    uint8_t ecn; // two bits
    bool is_ipv6;
    bool to_multicast; // or broadcast: TCP ignores such packets
};

// A route that a connection keeps: the header template, refreshed when the neighbour table's
// generation moves.
struct ip_route {
    uint8_t local[16], remote[16];
    uint8_t next_hop[16];
    uint16_t mtu; // path MTU: the link's, or less after fragmentation-needed / packet-too-big
    bool is_ipv6;
    uint16_t neighbour_index; // in ip_table; UINT16_MAX = not looked up
    uint32_t neighbour_generation;
    // The bytes that ip_output prepends, valid while the neighbour's generation is the one above.
    uint32_t header_sum;  // IPv4: partial checksum of the template's IP header
    uint32_t pseudo_sum;  // partial checksum of both addresses
    uint8_t l2_bytes;     // 14, or 18 with a VLAN tag
    uint8_t header_bytes; // l2_bytes + 20 or 40
    uint8_t header[58];   // Ethernet (and tag) and IP, lengths and checksum zero
};

// ---- eth.c, arp.c, ip4.c, ip6.c, icmp.c, neighbour.c (N2 side)
enum status ip_open(struct net *n) MUST_USE;
void ip_close(struct net *n);
void eth_input(struct net *n, struct frame *f); // owns f
// Picks source address (if route->local is all zero) and next hop for remote. ERR_IO: no route.
enum status ip_route_find(struct net *n, const uint8_t remote[16], struct ip_route *route) MUST_USE;
// f: an L4 header (and perhaps payload, perhaps f->body) at data. Prepends IP and Ethernet and
// emits it, or keeps it for the neighbour (at most NEIGHBOUR_QUEUE_MAX frames, the oldest dropped).
// Owns f. The L4 checksum (TCP at offset 16, ICMP at 2) is completed here, or by the port:
// then f->l4_bytes must hold the TCP header's size.
void ip_output(struct net *n, struct frame *f, struct ip_route *route, uint8_t protocol,
               uint8_t ecn);
bool ip_is_local(const struct net *n, const uint8_t ip[16]);
// The peer answered on this connection: its neighbour entry is alive (RFC 4861 7.3.1 upper-layer
// confirmation).
void ip_confirm_neighbour(struct net *n, struct ip_route *route);
uint64_t ip_memory_bytes(const struct net *n); // carved at ip_open
// One timer type per layer hangs in n->wheel; net.c asks who owns a fired timer by this tag placed
// before it.
enum net_timer_kind { NET_TIMER_TCP, NET_TIMER_NEIGHBOUR };
struct net_timer {
    struct wheel_timer timer;
    enum net_timer_kind kind;
};
void ip_timer_fired(struct net *n, struct net_timer *t);

// Ones' complement sums (RFC 1071), over words as they lie in memory: sums need no byte swapping,
// and what checksum_fold returns (complemented) is stored with store_le16. A packet that carries
// its checksum folds to 0.
uint32_t checksum_add(uint32_t partial, const void *data,
                      size_t size); // size odd only for the last part
uint16_t checksum_fold(uint32_t partial);
uint32_t checksum_pseudo(const uint8_t source[16], const uint8_t destination[16], uint8_t protocol,
                         uint32_t l4_bytes, bool is_ipv6);

// ---- net.c
void net_emit(struct net *n, struct frame *f); // onto the out queue; owns f
// Frames of the pool that this stack may count on.
static inline uint32_t net_pool_share(const struct net *n)
{
    return n->config.pool_sharers ? n->pool->total / n->config.pool_sharers : n->pool->total;
}
static inline uint64_t net_now_ms(const struct net *n) { return n->now_ns / 1000000u; }
static inline void net_give(struct net *n, struct frame *f) { n->pool->give(n->pool, f); }
static inline void net_give_held(struct net *n, struct frame *f)
{
    n->frames_held--;
    net_give(n, f);
}

// ---- tcp (N1 side)
enum status tcp_open(struct net *n) MUST_USE;
void tcp_close(struct net *n);
// Checksum not yet verified unless f->flags says FRAME_RX_L4_GOOD. Owns f.
void tcp_input(struct net *n, struct frame *f, const struct ip_packet *p);
void tcp_timer_fired(struct net *n, struct net_timer *t);
// ICMP fragmentation-needed or packet-too-big about a segment we sent (RFC 1191, 8201): ports and
// seq from the quoted header. hard_error: unreachable (RFC 1122 4.2.3.9: aborts only connections
// being opened).
void tcp_path_mtu(struct net *n, const uint8_t local[16], uint16_t local_port,
                  const uint8_t remote[16], uint16_t remote_port, uint32_t seq, uint16_t mtu);
void tcp_unreachable(struct net *n, const uint8_t local[16], uint16_t local_port,
                     const uint8_t remote[16], uint16_t remote_port, uint32_t seq, bool hard_error);
// Connections with something to send this turn put themselves on a list; net_output drains it
// through here.
void tcp_flush(struct net *n);
