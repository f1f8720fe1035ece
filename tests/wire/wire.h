// wire.h: one stack under test and a peer played by hand: what arrives, what must leave, and when.
//
// Source:  frames are built here from RFC 894, 791 and 9293 figures, not with the stack's own code
// Thread:  one
// The stack (10.0.0.1) is side 0 of a nic_mem without impairments; the peer (10.0.0.2) side 1.
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "dataplane/net/net.h"
#include "dataplane/net/tcp_opt.h"
#include "dataplane/nic/nic_mem.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum {
    WIRE_PORT = 6379,
    WIRE_PEER_PORT = 50000,
    WIRE_ISN = 1000,
    WIRE_FRAMES = 512,
    WIRE_LEFT_MAX = 64
};

struct wire_app { // what the application was told
    uint32_t opened, ended, drained, closed;
    enum stream_close reason;
    struct stream *stream;
    uint8_t data[1 << 17];
    uint32_t size;
    bool refuse;
};

struct seg { // one that left the stack
    uint8_t flags;
    uint16_t local_port, remote_port, window;
    uint32_t seq, ack, size;
    struct tcp_opts opts;
    uint8_t data[2048];
};

struct wire {
    struct nic_mem *mem;
    struct net *net;
    struct net_tally tally;
    struct stream_app calls;
    struct wire_app app;
    uint64_t now_ns;
    // The peer.
    uint16_t port, window;
    uint32_t seq; // next byte the peer sends
    uint32_t ack; // next byte it expects
    uint32_t iss; // of the stack
    bool use_ts;
    uint32_t ts, ts_echo;
    struct tcp_opts next_opts;      // once, for the next segment
    struct seg left[WIRE_LEFT_MAX]; // left the stack, not yet taken
    uint32_t left_first, left_count;
};

void wire_defaults(struct net_config *c);
void wire_open(struct wire *w, const struct net_config *c); // c NULL: the defaults
void wire_close(struct wire *w);                            // checks that every frame came back
void wire_run_ms(struct wire *w, uint64_t ms); // time passes; what leaves can be taken afterwards
void wire_turn(struct wire *w);                // one turn at the present time

// The peer sends. Options: timestamps when use_ts, and next_opts.
void peer_send(struct wire *w, uint8_t flags, uint32_t seq, uint32_t ack, const void *data,
               uint32_t size);
void peer_data(struct wire *w, const void *data, uint32_t size); // in order, seq moves on
void peer_ack(struct wire *w);                                   // of everything taken so far
void peer_raw(struct wire *w, const uint8_t *tcp, uint32_t size, bool good_checksum);
// The next TCP segment that left. False: none. ack follows what is taken in order.
bool peer_take(struct wire *w, struct seg *s);
void peer_expect(struct wire *w, struct seg *s, uint8_t flags, uint32_t seq, uint32_t ack,
                 uint32_t size, int line);
#define EXPECT(w, s, flags, seq, ack, size) peer_expect(w, s, flags, seq, ack, size, __LINE__)
#define EXPECT_SILENCE(w)                                                                          \
    do {                                                                                           \
        struct seg silence_;                                                                       \
        cr_assert(not(peer_take(w, &silence_)), "a segment left: flags %d seq +%u size %u",        \
                  silence_.flags, silence_.seq - (w)->iss, silence_.size);                         \
    } while (0)

// The peer opens a connection: SYN with the options given (NULL: MSS 1460 only), then ACK.
void wire_establish(struct wire *w, const struct tcp_opts *opts);
void wire_establish_all(struct wire *w);      // with timestamps, SACK and window scale 7
void app_send(struct wire *w, uint32_t size); // the application writes size bytes, one turn
uint8_t app_byte(uint32_t at);
