// ip_fixture.h: the IP layers alone, with what lies above and beside them recorded: frames that
// leave, segments that reach TCP, what ICMP told TCP. Linking these doubles keeps tcp_*.c and net.c
// of the library out of the test.
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/net/ip_priv.h"

enum { FIXTURE_FRAMES = 64, FIXTURE_BUFFER_BYTES = FRAME_HEADROOM + 2048 };

struct fixture_frame {
    struct frame frame;
    uint16_t refs;
    bool is_slice;
    struct frame *of; // slice: the frame whose buffer it holds
    uint8_t buffer[FIXTURE_BUFFER_BYTES];
};

struct fixture {
    struct net net;
    struct net_tally tally;
    struct frame_pool pool;
    struct fixture_frame frames[FIXTURE_FRAMES];
    uint32_t free_count;
    uint32_t receive_flags; // of what is received from now on
    // what reached TCP last
    uint32_t tcp_count;
    uint8_t tcp_bytes[2048], tcp_source[16], tcp_destination[16];
    uint32_t tcp_size;
    struct ip_packet tcp_packet;
    // what ICMP reported last
    uint32_t path_mtu_count, unreachable_count;
    uint16_t mtu, local_port, remote_port;
    uint32_t seq;
    bool hard_error;
    uint8_t icmp_local[16], icmp_remote[16];
};
static struct fixture fx;

static const uint8_t MAC_US[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t MAC_PEER[6] = { 2, 0, 0, 0, 0, 9 };
static const uint8_t MAC_OTHER[6] = { 2, 0, 0, 0, 0, 77 };
static const uint8_t MAC_ALL[6] = { 255, 255, 255, 255, 255, 255 };
static const uint8_t IP4_US[4] = { 10, 0, 0, 1 };
static const uint8_t IP4_PEER[4] = { 10, 0, 0, 9 };
static const uint8_t IP4_FAR[4] = { 192, 0, 2, 7 };
static const uint8_t IP4_GATEWAY[4] = { 10, 0, 0, 254 };
static const uint8_t IP6_US[16] = { 0xfd, 0, [15] = 1 };
static const uint8_t IP6_PEER[16] = { 0xfd, 0, [15] = 9 };

static inline struct fixture_frame *fixture_of(struct frame *f)
{
    return (struct fixture_frame *)(void *)f;
}
static struct frame *fixture_take(struct frame_pool *p)
{
    for (int i = 0; i < FIXTURE_FRAMES; i++) {
        struct fixture_frame *x = &fx.frames[i];
        if (x->refs) continue;
        *x = (struct fixture_frame){ .refs = 1 };
        x->frame = (struct frame){ .buffer = x->buffer,
                                   .data = x->buffer + FRAME_HEADROOM,
                                   .buffer_size = FIXTURE_BUFFER_BYTES,
                                   .refs = &x->refs };
        fx.free_count--;
        return &x->frame;
    }
    return NULL;
}
static void fixture_give(struct frame_pool *p, struct frame *f)
{
    cr_assert(ne(u16, *f->refs, 0));
    if (--*f->refs) return;
    fx.free_count++;
    if (f->body) fixture_give(p, f->body);
}
static inline struct frame *fixture_slice(const void *data, uint32_t size) // a body with its bytes
{
    struct frame *f = fixture_take(&fx.pool);
    memcpy(f->data, data, size);
    f->size = size;
    return f;
}
static inline void fixture_v4(uint8_t out[16], const uint8_t ip4[4]) { ip_map_v4(out, ip4); }

static inline struct net_config fixture_config(void)
{
    struct net_config c = { .mtu = 1500, .neighbour_count_max = 8, .address_count = 2 };
    memcpy(c.mac, MAC_US, 6);
    fixture_v4(c.addresses[0].ip, IP4_US);
    c.addresses[0].prefix_bits = 24;
    memcpy(c.addresses[1].ip, IP6_US, 16);
    c.addresses[1].prefix_bits = 64;
    fixture_v4(c.gateway4, IP4_GATEWAY);
    return c;
}
static inline enum status fixture_open_with(const struct net_config *c)
{
    memset(&fx, 0, sizeof fx);
    fx.pool = (struct frame_pool){
        .take = fixture_take, .give = fixture_give, .total = FIXTURE_FRAMES, .payload_bytes = 2048
    };
    fx.free_count = FIXTURE_FRAMES;
    fx.net.config = *c;
    fx.net.pool = &fx.pool;
    fx.net.tally = &fx.tally;
    fx.net.now_ns = 1000000000;
    rng_seed(&fx.net.rng, 1);
    wheel_init(&fx.net.wheel, net_now_ms(&fx.net));
    return ip_open(&fx.net);
}
static inline void fixture_open(void)
{
    struct net_config c = fixture_config();
    cr_assert(eq(int, fixture_open_with(&c), OK));
}

// The oldest frame that left; the test gives it back. NULL: nothing left.
static inline struct frame *fixture_sent(void)
{
    struct frame *f = fx.net.out_head;
    if (!f) return NULL;
    fx.net.out_head = f->next;
    if (!f->next) fx.net.out_tail = NULL;
    f->next = NULL;
    return f;
}
static inline void fixture_close(void)
{
    struct frame *f;
    while ((f = fixture_sent())) fixture_give(&fx.pool, f);
    ip_close(&fx.net);
    cr_assert(eq(u32, fx.free_count, FIXTURE_FRAMES));
    cr_assert(eq(u32, fx.net.frames_held, 0));
}
static void fixture_fire(void *context, struct wheel_timer *t)
{
    ip_timer_fired(&fx.net, (struct net_timer *)(void *)t);
}
static inline void fixture_wait_ms(uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i++) {
        fx.net.now_ns += 1000000;
        wheel_advance(&fx.net.wheel, net_now_ms(&fx.net), 100, fixture_fire, NULL);
    }
}

static inline void fixture_receive(const void *bytes, size_t size)
{
    struct frame *f = fixture_take(&fx.pool);
    cr_assert(f != NULL);
    memcpy(f->data, bytes, size);
    f->size = (uint32_t)size;
    f->flags = fx.receive_flags;
    eth_input(&fx.net, f);
}

// Ethernet header in front of payload; returns the frame's size.
static inline uint32_t build_eth(uint8_t *out, const uint8_t *to, uint16_t type,
                                 const void *payload, size_t size)
{
    memcpy(out, to, 6);
    memcpy(out + 6, MAC_PEER, 6);
    store_be16(out + 12, type);
    memcpy(out + 14, payload, size);
    return (uint32_t)(14 + size);
}
static inline uint32_t build_ip4(uint8_t *out, const uint8_t *source, const uint8_t *destination,
                                 uint8_t protocol, const void *payload, size_t size)
{
    memset(out, 0, 20);
    out[0] = 0x45;
    store_be16(out + 2, (uint16_t)(20 + size));
    out[8] = 64;
    out[9] = protocol;
    memcpy(out + 12, source, 4);
    memcpy(out + 16, destination, 4);
    store_le16(out + 10, checksum_fold(checksum_add(0, out, 20)));
    if (size) memcpy(out + 20, payload, size);
    return (uint32_t)(20 + size);
}
static inline uint32_t build_ip6(uint8_t *out, const uint8_t *source, const uint8_t *destination,
                                 uint8_t next, uint8_t hop_limit, const void *payload, size_t size)
{
    memset(out, 0, 40);
    out[0] = 0x60;
    store_be16(out + 4, (uint16_t)size);
    out[6] = next;
    out[7] = hop_limit;
    memcpy(out + 8, source, 16);
    memcpy(out + 24, destination, 16);
    memcpy(out + 40, payload, size);
    return (uint32_t)(40 + size);
}
static inline void receive_ip4(const uint8_t *source, const uint8_t *destination, uint8_t protocol,
                               const void *payload, size_t size)
{
    uint8_t packet[2048], frame[2048];
    uint32_t packet_bytes = build_ip4(packet, source, destination, protocol, payload, size);
    fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_IP4, packet, packet_bytes));
}
static inline void receive_ip6(const uint8_t *to_mac, const uint8_t *source,
                               const uint8_t *destination, uint8_t next, uint8_t hop_limit,
                               const void *payload, size_t size)
{
    uint8_t packet[2048], frame[2048];
    uint32_t packet_bytes = build_ip6(packet, source, destination, next, hop_limit, payload, size);
    fixture_receive(frame, build_eth(frame, to_mac, ETHERTYPE_IP6, packet, packet_bytes));
}
static inline void receive_arp(uint16_t op, const uint8_t *to_mac, const uint8_t *sender_mac,
                               const uint8_t *sender_ip, const uint8_t *target_ip)
{
    uint8_t arp[46] = { 0, 1, 8, 0, 6, 4 }, frame[64];
    store_be16(arp + 6, op);
    memcpy(arp + 8, sender_mac, 6);
    memcpy(arp + 14, sender_ip, 4);
    memcpy(arp + 24, target_ip, 4);
    fixture_receive(frame, build_eth(frame, to_mac, ETHERTYPE_ARP, arp, sizeof arp));
}
// A message of ICMPv6 with its checksum filled in.
static inline void receive_icmp6(const uint8_t *to_mac, const uint8_t *source,
                                 const uint8_t *destination, uint8_t hop_limit, uint8_t *message,
                                 size_t size)
{
    store_le16(message + 2, 0);
    uint32_t sum = checksum_pseudo(source, destination, 58, (uint32_t)size, true);
    store_le16(message + 2, checksum_fold(checksum_add(sum, message, size)));
    receive_ip6(to_mac, source, destination, 58, hop_limit, message, size);
}

// A segment of ours towards remote; header of 20 bytes, zero but for its length.
static inline struct frame *fixture_segment(uint32_t payload_bytes)
{
    struct frame *f = fixture_take(&fx.pool);
    memset(f->data, 0, 20 + payload_bytes);
    f->data[12] = 0x50;
    f->size = 20 + payload_bytes;
    f->l4_bytes = 20;
    return f;
}
static inline struct ip_route fixture_route(const uint8_t remote[16])
{
    struct ip_route r = { 0 };
    cr_assert(eq(int, ip_route_find(&fx.net, remote, &r), OK));
    return r;
}
static inline struct ip_route fixture_route4(const uint8_t remote[4])
{
    uint8_t mapped[16];
    fixture_v4(mapped, remote);
    return fixture_route(mapped);
}
static inline struct neighbour *fixture_neighbour4(const uint8_t ip4[4])
{
    uint8_t mapped[16];
    fixture_v4(mapped, ip4);
    return neighbour_find(&fx.net, mapped);
}

// ---- doubles
void net_emit(struct net *n, struct frame *f)
{
    f->next = NULL;
    if (n->out_tail)
        n->out_tail->next = f;
    else
        n->out_head = f;
    n->out_tail = f;
}
void tcp_input(struct net *n, struct frame *f, const struct ip_packet *p)
{
    fx.tcp_count++;
    fx.tcp_size = f->size;
    memcpy(fx.tcp_bytes, f->data, f->size);
    memcpy(fx.tcp_source, p->source, 16);
    memcpy(fx.tcp_destination, p->destination, 16);
    fx.tcp_packet = *p;
    net_give(n, f);
}
void tcp_path_mtu(struct net *n, const uint8_t local[16], uint16_t local_port,
                  const uint8_t remote[16], uint16_t remote_port, uint32_t seq, uint16_t mtu)
{
    fx.path_mtu_count++;
    fx.mtu = mtu;
    fx.local_port = local_port;
    fx.remote_port = remote_port;
    fx.seq = seq;
    memcpy(fx.icmp_local, local, 16);
    memcpy(fx.icmp_remote, remote, 16);
}
void tcp_unreachable(struct net *n, const uint8_t local[16], uint16_t local_port,
                     const uint8_t remote[16], uint16_t remote_port, uint32_t seq, bool hard_error)
{
    fx.unreachable_count++;
    fx.local_port = local_port;
    fx.remote_port = remote_port;
    fx.seq = seq;
    fx.hard_error = hard_error;
}
