// ip_priv.h: Ethernet, ARP, IPv4, IPv6, ICMP and the neighbour table: what these files know of each
// other.
//
// Source:  RFC 826, 894, 5227 (ARP); 791, 792, 1122, 1191, 6864 (IPv4); 8200, 4291, 4443, 6946
//          (IPv6); 4861 (neighbour discovery and the neighbour states, used for ARP alike)
// Thread:  the shard that owns the stack
// Memory:  carved at ip_open; frames waiting for a neighbour are counted in net.frames_held
// Duplicate address detection (RFC 4862) is not run for our own addresses: they are configured by
// the operator; probes of others are answered. Router advertisements are ignored: the gateway is
// configured. No multicast listener reports (RFC 3810) are sent.
#pragma once
#include "dataplane/base/list.h"
#include "dataplane/net/net_priv.h"

enum {
    ETH_BYTES = 14,
    VLAN_BYTES = 4,
    ETHERTYPE_IP4 = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_IP6 = 0x86dd,
    ETH_PAYLOAD_MIN = 46, // short messages of ours are padded to this

    IP4_BYTES = 20,
    IP6_BYTES = 40,
    IP4_MTU_MIN = 576,  // what we go down to; smaller claims are attacks (RFC 5927 7.3)
    IP6_MTU_MIN = 1280, // RFC 8200 section 5
    IP_HOPS = 64,       // TTL and hop limit of what we send
    IP_PROTOCOL_ICMP4 = 1,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_ICMP6 = 58,
    IP6_EXTENSION_HEADERS_MAX = 8,
    TCP_CHECKSUM_OFFSET = 16,
    ICMP_CHECKSUM_OFFSET = 2,
    ICMP_ECHO_BURST_MAX = 64, // replies per call of net_input

    IP_LOCALS_MAX = NET_ADDRESSES_MAX + 1, // and the link-local one
};

// RFC 4861 7.3.2. Timer runs in all but STALE and FREE.
enum neighbour_state {
    NEIGHBOUR_FREE,
    NEIGHBOUR_INCOMPLETE, // asked, no answer yet; frames wait
    NEIGHBOUR_REACHABLE,  // confirmed within the last NEIGHBOUR_REACHABLE_MS
    NEIGHBOUR_STALE,      // address known, not confirmed lately, not in use
    NEIGHBOUR_DELAY,      // in use again: upper layers get a moment to confirm
    NEIGHBOUR_PROBE,      // asking by unicast
};

enum {
    NEIGHBOUR_QUEUE_MAX = 8, // frames that wait for one neighbour
    NEIGHBOUR_REACHABLE_MS = 30000,
    NEIGHBOUR_DELAY_MS = 5000,
    NEIGHBOUR_RETRY_MS = 1000,
    NEIGHBOUR_PROBES_MAX = 3,  // requests in INCOMPLETE, and again in PROBE
    NEIGHBOUR_EVICT_SCAN = 16, // entries looked at when the table is full
};

struct neighbour {
    // Read for every packet sent.
    uint32_t generation; // what a route's header template was made from; never 0 in use
    uint8_t state;       // enum neighbour_state
    uint8_t probes_sent;
    uint8_t mac[6];
    uint64_t confirmed_ns; // by an upper layer or a solicited answer
    uint8_t ip[16];
    struct frame *waiting_head, *waiting_tail;
    uint32_t waiting_count;
    uint16_t hash_next;    // index of the next in the bucket; UINT16_MAX = end
    bool is_gateway;       // never evicted for another
    struct list_node node; // free list, or in order of creation and change
    struct net_timer timer;
};

struct ip_local {
    uint8_t ip[16];
    uint8_t prefix_bits; // of the 16 bytes: 96 + bits for IPv4
    bool is_ipv6;
};

struct ip_table {
    uint32_t local4[NET_ADDRESSES_MAX];     // as in memory
    uint32_t broadcast4[NET_ADDRESSES_MAX]; // of the subnet; 0 when it has none
    uint32_t local4_count;
    uint32_t local_count;
    struct ip_local locals[IP_LOCALS_MAX];
    bool has_gateway4, has_gateway6;
    uint16_t next_ip_id;
    uint16_t echo_count; // since echo_ns
    uint64_t echo_ns;    // the burst that echo_count belongs to

    struct neighbour *neighbours;
    uint16_t *buckets;
    uint32_t neighbour_count_max, bucket_mask;
    uint32_t generation_last;
    uint32_t waiting_total, waiting_total_max;
    struct list free, used;
};

static inline bool ip_is_v4(const uint8_t ip[16])
{
    return load_le64(ip) == 0 && load_be32(ip + 8) == 0xffff;
}
static inline void ip_map_v4(uint8_t out[16], const void *v4)
{
    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);
    memcpy(out + 12, v4, 4);
}
static inline bool ip_equal(const uint8_t a[16], const uint8_t b[16])
{
    return ((load_le64(a) ^ load_le64(b)) | (load_le64(a + 8) ^ load_le64(b + 8))) == 0;
}
static inline bool ip_is_zero(const uint8_t ip[16])
{
    return (load_le64(ip) | load_le64(ip + 8)) == 0;
}
static inline bool ip6_is_link_local(const uint8_t ip[16]) // fe80::/10
{
    return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}
static inline bool mac_equal(const uint8_t a[6], const uint8_t b[6])
{
    return ((load_le32(a) ^ load_le32(b)) | (uint32_t)(load_le16(a + 4) ^ load_le16(b + 4))) == 0;
}
static inline void net_drop(struct net *n, struct frame *f, uint64_t *why)
{
    ++*why;
    net_give(n, f);
}

// eth.c: writes an Ethernet header, tagged when the stack speaks a VLAN; returns its size.
uint32_t eth_header(const struct net *n, uint8_t *out, const uint8_t destination[6],
                    uint16_t ethertype);
// An empty frame at its full headroom, made from one that has been read (owns nothing new).
void frame_restart(struct frame *f);

// Input of each layer; data is at its header, eth at the Ethernet header that came before it.
void arp_input(struct net *n, struct frame *f);
void ip4_input(struct net *n, struct frame *f, const uint8_t *eth);
void ip6_input(struct net *n, struct frame *f, const uint8_t *eth);
void icmp4_input(struct net *n, struct frame *f, const struct ip_packet *p);
void icmp6_input(struct net *n, struct frame *f, const struct ip_packet *p, uint8_t hop_limit,
                 const uint8_t *eth);
void nd_input(struct net *n, struct frame *f, const struct ip_packet *p, uint8_t hop_limit,
              const uint8_t *eth);

// Asks who has nb->ip: broadcast or solicited-node multicast, or unicast to what is known.
void arp_ask(struct net *n, const struct neighbour *nb, bool unicast);
void nd_ask(struct net *n, const struct neighbour *nb, bool unicast);

// ip_route.c
bool ip_prefix_equal(const uint8_t a[16], const uint8_t b[16], uint32_t bits);
// The address of ours to speak to an on-link neighbour from; NULL: none of that family.
const struct ip_local *ip_source_for(const struct ip_table *ip, const uint8_t neighbour[16]);
void ip6_solicited_node(uint8_t out[16], const uint8_t ip[16]);   // RFC 4291 2.7.1
uint32_t checksum_frame(uint32_t partial, const struct frame *f); // with its bodies

// neighbour.c
enum status neighbour_open(struct net *n) MUST_USE;
void neighbour_close(struct net *n);
struct neighbour *neighbour_find(const struct net *n, const uint8_t ip[16]);
// Finds, or makes one in INCOMPLETE with nothing asked yet. NULL: the table is full of entries
// that must stay.
struct neighbour *neighbour_make(struct net *n, const uint8_t ip[16]);
// Learned without asking (a request to us): creates, or updates as STALE when the address is new.
void neighbour_heard(struct net *n, const uint8_t ip[16], const uint8_t mac[6]);
// The address of nb is mac. solicited: it answered us, so it is REACHABLE. Waiting frames leave.
void neighbour_set(struct net *n, struct neighbour *nb, const uint8_t mac[6], bool solicited);
// f: whole frame, template of nb prepended. Sends it, or keeps it until the address is known.
void neighbour_output(struct net *n, struct neighbour *nb, struct frame *f);
