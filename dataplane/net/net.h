// net.h: one TCP/IP stack instance, as one shard runs it: frames and time in, frames and deadlines
// out.
//
// Source:  RFC 894, 826, 791, 792, 1122, 8200, 4443, 4861, 9293 and those named in tcp_priv.h
// Thread:  the shard that owns it; instances share nothing but perhaps the pool
// Memory:  everything is carved at net_open from the limits in net_config; frames are borrowed from
// the pool Units:   ns for now_ns (any monotonic start), bytes Calls no clock, no DPDK and no
// operating system: a test runs thousands of connections in simulated time.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"
#include "dataplane/base/stream.h"
#include "dataplane/base/tally.h"
#include "dataplane/nic/frame.h"

enum { NET_ADDRESSES_MAX = 8 };

struct net_address {     // one of our own
    uint8_t ip[16];      // IPv4 as ::ffff:a.b.c.d
    uint8_t prefix_bits; // of the family: 0..32 or 0..128
};

struct net_config {
    uint8_t mac[6];
    uint16_t mtu;  // 576..9698
    uint16_t vlan; // 0: untagged (priority tags are accepted); else only this tag is spoken
    struct net_address addresses[NET_ADDRESSES_MAX];
    uint32_t
        address_count; // an IPv6 link-local address is added by itself when any IPv6 one is given
    uint8_t gateway4[16], gateway6[16];  // all zero = none
    bool tx_ip_checksum, tx_l4_checksum; // the port fills these in (nic_caps)
    uint32_t tso_bytes_max;              // 0 = none
    uint32_t connection_count_max;       // established and half-open together
    uint32_t syn_backlog_max;            // half-open beyond this: SYN cookies
    uint32_t time_wait_count_max;
    uint32_t neighbour_count_max;
    uint32_t send_buffer_bytes_max;    // of one connection: unacked + queued in the stack
    uint32_t receive_buffer_bytes_max; // of one connection: out of order + paused; the largest
                                       // window offered
    uint32_t keepalive_s;              // 0 = off
    uint32_t connect_timeout_ms;       // active open
    uint32_t rto_min_us;               // default 200000 (as Linux)
    uint32_t delayed_ack_ms;           // default 40
    bool congestion_reno;              // default CUBIC
    uint64_t seed;                     // ISNs, ephemeral ports, cookies
    // Blocks for connections that hold much already, or when frames run low. Borrowed; NULL = none.
    struct piece_source *overflow_source;
    uint32_t pool_sharers; // stacks that take frames from the same pool; 0: this one alone
};
void net_config_defaults(struct net_config *c);

struct net;
// app: told about connections (stream.h). tally: counted into. On failure *out is NULL.
enum status net_open(struct net **out, const struct net_config *config, struct frame_pool *pool,
                     const struct stream_app *app, struct net_tally *tally,
                     uint64_t now_ns) MUST_USE;
void net_close(
    struct net *n); // drops every connection without a word on the wire; gives back every frame
uint64_t net_memory_bytes(const struct net *n); // carved at open

// A burst as the port delivered it; the stack owns the frames from here on. Frames whose bytes were
// given to on_data stay valid until net_release.
void net_input(struct net *n, struct frame **frames, uint32_t count, uint64_t now_ns);
// A frame that another stack with the same addresses received and answers (FLOW_TEACHES of flow.h):
// what it says of neighbours and paths is learned, nothing else comes of it. Owned from here on.
void net_learn(struct net *n, struct frame *f, uint64_t now_ns);
void net_release(struct net *n); // end of turn: give back frames whose bytes were consumed
// Runs due timers (at most budget); returns how many ran.
uint32_t net_timers(struct net *n, uint64_t now_ns, uint32_t budget);
uint64_t net_next_deadline_ns(const struct net *n); // UINT64_MAX: none
// Takes up to max frames that must leave, in order. Delayed ACKs that can ride on data do. The
// caller owns them until the port accepts them; a frame the port refuses is given back with
// net_output_return (front of the queue).
uint32_t net_output(struct net *n, struct frame **frames, uint32_t max, uint64_t now_ns);
void net_output_return(struct net *n, struct frame **frames, uint32_t count);

// Passive and active open. Streams are tcp connections (stream.h gives the calls on them).
enum status net_listen(struct net *n, uint16_t port) MUST_USE; // every address of ours
// The same; streams accepted there carry listener.
enum status net_listen_as(struct net *n, enum stream_listener listener, uint16_t port) MUST_USE;
void net_unlisten(struct net *n, uint16_t port); // newcomers are refused, connections stay
// local_port 0 picks one. app->on_open or on_closed(STREAM_REFUSED / STREAM_TIMED_OUT) follows.
// ERR_NO_SPACE: table full.
enum status net_connect(struct net *n, const struct net_addr *remote, uint16_t local_port,
                        void *user, uint64_t now_ns, struct stream **out) MUST_USE;
// Half close: FIN follows what is queued, bytes still come in. stream_ops.close may follow.
void net_shutdown(struct stream *s);
uint32_t net_connection_count(const struct net *n); // without TIME_WAIT
uint32_t net_frames_held(const struct net *n);      // by queues of any kind: zero when all is quiet
