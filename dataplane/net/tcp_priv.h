// tcp_priv.h: TCP's own structures. Only net/tcp_*.c, net.c and their tests include it.
//
// Source:  RFC 9293 (TCP), 7323 (scaling, timestamps, PAWS), 2018/2883/6675 (SACK), 6298 (RTO),
//          5681/6582/3042/9438 (congestion), 5961 (blind attacks), 6528 (ISNs), 4987 (SYN cookies),
//          6191 and 1337 (TIME_WAIT), 1122 (hosts), 1191/8201 (path MTU)
// Thread:  the shard that owns the struct net
// Memory:  control blocks, TIME_WAIT entries and the table are carved by tcp_open; frames are
// borrowed from the pool, and every queue is bounded
// Units:   ns for deadlines, sequence numbers modulo 2^32
//
//   tcp_table.c   4-tuple to node, carving          tcp_listen.c  LISTEN, active open, resets
//   tcp_cookie.c  ISNs and SYN cookies              tcp_in.c      a segment, state by state
//   tcp_ack.c     what an ACK acknowledges          tcp_sack.c    the sender's scoreboard
//   tcp_recv.c    bytes in order to the application tcp_send.c    what may leave now
//   tcp_out.c     one segment onto a frame          tcp_timer.c   deadlines
//   tcp_wait.c    TIME_WAIT                         tcp_stream.c  the calls of stream.h
#pragma once
#include <stdalign.h>
#include "dataplane/base/check.h"
#include "dataplane/base/list.h"
#include "dataplane/base/pool.h"
#include "dataplane/net/net_priv.h"
#include "dataplane/net/tcp_cc.h"
#include "dataplane/net/tcp_opt.h"
#include "dataplane/net/tcp_rto.h"
#include "dataplane/net/tcp_sack.h"

enum {
    TCP_PROTOCOL = 6,
    TCP_HEADER = 20,       // without options
    TCP_TS_BYTES = 12,     // timestamps with two no-ops in front
    TCP_MSS_DEFAULT = 536, // RFC 9293 MUST-15; IPv6: 1220
    TCP_MSS_DEFAULT6 = 1220,
    TCP_MSS_MIN = 64, // a peer that names less is not believed: it would drown us in headers
};

enum tcp_flag {
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_PSH = 8,
    TCP_ACK = 16,
    TCP_URG = 32,
};

#define TCP_NEVER UINT64_MAX
#define TCP_NS_PER_S 1000000000ull
#define TCP_NS_PER_MS 1000000ull
#define TCP_WAIT_NS (60 * TCP_NS_PER_S)     // 2 MSL as Linux has it
#define TCP_FIN_WAIT_NS (60 * TCP_NS_PER_S) // FIN_WAIT_2 of a connection nobody reads any more
#define TCP_GIVE_UP_NS (300 * TCP_NS_PER_S) // RFC 1122 4.2.3.5: R2, at least 100 s
#define TCP_PAWS_IDLE_NS (24ull * 86400 * TCP_NS_PER_S) // RFC 7323 5.5

enum {
    TCP_SYN_RETRIES = 5,
    TCP_OVERFLOW_BYTES = 64 * 1024, // a connection that holds more writes to overflow_source
    TCP_COALESCE_BYTES = 512,       // pieces up to this are copied behind the one before them
    TCP_CHAIN_MAX = 16,             // slices of one segment
    TCP_FLUSH_SEGMENTS = 64,        // of one connection before the next has its turn
    TCP_HOT_LINES = 7,              // of a control block, touched by every segment
    TCP_OUT_FRAMES_MAX = 512,       // on net->out: beyond it segments wait in their connections
    TCP_OUT_FRAMES_MIN = 64,        // whatever the pool
    TCP_FEED_MAX = 16,              // connections that get a try a turn when frames are short
};

// What every entry of the table begins with: full connections and TIME_WAIT entries.
enum tcp_node_kind { TCP_NODE_PCB, TCP_NODE_WAIT };
struct tcp_node {
    struct tcp_node *next; // in its bucket
    uint32_t hash;
    uint16_t local_port, remote_port;
    uint8_t local[16], remote[16];
    uint8_t kind; // enum tcp_node_kind
};

enum tcp_state {
    TCP_CLOSED,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_LAST_ACK,
    // TIME_WAIT is struct tcp_wait, LISTEN a bit in the table
};

enum tcp_pcb_flags {
    TCP_F_ACK_NOW = 1 << 0,    // an ACK must leave this turn
    TCP_F_ACK_LATER = 1 << 1,  // within delayed_ack_ms
    TCP_F_TS = 1 << 2,         // timestamps on every segment
    TCP_F_SACK = 1 << 3,       // the peer sends and takes SACK
    TCP_F_FIN_WANTED = 1 << 4, // FIN follows the last byte
    TCP_F_FIN_SENT = 1 << 5,   // sequence number queue_end is taken by it
    TCP_F_FIN_SEEN = 1 << 6,   // the peer's FIN is in order
    TCP_F_END_DUE = 1 << 7,    // on_end waits for paused bytes
    TCP_F_PAUSED = 1 << 8,
    TCP_F_DISCARD = 1 << 9,   // close was called: nobody reads
    TCP_F_TOLD = 1 << 10,     // the application knows this stream: on_closed is due
    TCP_F_ACTIVE = 1 << 11,   // we opened it
    TCP_F_RECOVERY = 1 << 12, // fast recovery until recover is acknowledged
    TCP_F_WSCALE = 1 << 13,   // both SYNs carried window scale
    TCP_F_PERSIST = 1 << 14,  // the send timer probes a closed window
    TCP_F_DRAIN_DUE = 1 << 16,
    TCP_F_TIMING = 1 << 17,    // a round trip is being measured
    TCP_F_DSACK = 1 << 18,     // dsack names a duplicate to report
    TCP_F_RST_DUE = 1 << 19,   // abort was called
    TCP_F_PROBE_DUE = 1 << 20, // the persist timer ran out: send what fits, whatever its size
    TCP_F_RESCUED = 1 << 21,   // the rescue retransmission of this recovery is done (RFC 6675)
    TCP_F_HALF_OPEN = 1 << 22, // counted in half_open_count
};

struct tcp_pcb {
    struct tcp_node node; // first: the table links it
    uint8_t state;        // enum tcp_state
    uint8_t close_reason; // enum stream_close
    uint8_t snd_wscale, rcv_wscale;

    // Touched by every segment.
    alignas(64) uint32_t flags;
    uint32_t rcv_nxt;
    uint32_t rcv_adv;   // right edge we offered
    uint32_t ack_sent;  // RFC 7323's Last.ACK.sent
    uint32_t ts_recent; // what we echo
    uint32_t ts_offset;
    uint32_t snd_una, snd_nxt, snd_max; // snd_nxt < snd_max while going back after a timeout
    uint32_t snd_wnd, snd_wl1, snd_wl2;
    uint32_t queue_end;               // sequence number after the last byte queued
    uint32_t mss;                     // payload of a full segment, options taken off
    struct piece *queue, *queue_tail; // frames not yet acknowledged, linked by piece.next
    struct piece *cursor;             // frame of the queue where the last search ended, or NULL
    struct net *net;
    uint64_t send_at_ns; // retransmission or persist deadline
    uint64_t ack_at_ns;  // delayed ACK
    uint64_t idle_at_ns; // keepalive, FIN_WAIT_2, connect timeout
    uint64_t last_rx_ns;
    uint64_t timed_ns;         // when timed_seq was sent
    uint32_t timed_seq;        // its ACK gives a round trip sample
    uint32_t rcv_mss;          // largest payload seen: when two of them came, an ACK is due
    struct list_node out_link; // on tcp_table.out
    struct tcp_rto rto;
    struct tcp_cc cc;

    struct stream stream;
    struct ip_route route;
    struct net_timer timer;

    // Loss, out of order, pause: not touched when all is well.
    uint32_t iss, irs;
    uint32_t recover;  // RFC 6582, 6675
    uint32_t high_rxt; // one past the highest byte retransmitted in this recovery
    uint32_t rxt_mark; // snd_max at the last retransmission: what lies above left after it
    uint32_t snd_wnd_max;
    uint32_t peer_mss; // as its SYN said
    uint16_t dup_acks;
    uint32_t retry_ts;       // our timestamp at the last timeout
    uint8_t retries;         // timeouts without an answer
    uint8_t probes;          // keepalive probes without an answer
    uint64_t stuck_since_ns; // first timeout without progress; 0 = none
    uint64_t ts_recent_ns;
    uint64_t ooo_reply_ns;        // last answer to a segment outside the window
    uint64_t confirmed_ns;        // last neighbour confirmation
    struct frame *ooo, *ooo_tail; // out of order, sorted by seq, linked by next
    uint32_t ooo_count, ooo_last; // ooo_last: seq of the one that arrived last
    struct frame *paused, *paused_tail;
    uint32_t paused_bytes, paused_count;
    struct tcp_range dsack;
    struct list_node dead_link;   // on tcp_table.dead
    struct list_node resume_link; // on tcp_table.resumed
    struct list_node starved_link;
    struct list_node all_link;
    struct tcp_sack sack; // last: its ranges are written only after losses
};
_Static_assert(offsetof(struct tcp_pcb, flags) == 64, "the lookup has a cache line of its own");

struct tcp_wait { // TIME_WAIT
    struct tcp_node node;
    struct list_node link; // by age
    uint64_t expires_ns, ts_recent_ns;
    uint32_t snd_nxt, rcv_nxt, rcv_wnd;
    uint32_t ts_recent, ts_offset;
    bool has_ts;
};

struct tcp_table {
    struct tcp_node **buckets;
    uint32_t bucket_mask;
    struct pool pcbs, waits, refs;
    struct list all;     // every pcb
    struct list out;     // something to send this turn
    struct list dead;    // to be told and freed
    struct list resumed; // paused bytes to hand over
    struct list starved; // wait for frames
    struct list waiting; // TIME_WAIT by age
    struct net_timer wait_timer;
    uint32_t half_open_count;
    uint32_t blocks_out;     // frames in reply queues and send queues
    uint32_t out_frames_max; // on net->out
    uint32_t rx_frames_max;  // out of order and paused, in all
    uint32_t rx_frames;
    uint64_t cookie_sent_ns; // 0 = never
    uint64_t limit_second;   // the second that the two budgets below belong to
    uint32_t challenges_left, resets_left;
    struct hash_key isn_key, cookie_key;
    struct piece_source source; // blocks of stream.out
    struct net *net;
    uint8_t listening[65536 / 8], listening_tls[65536 / 8]; // a bit for each port
};

// A segment as tcp_in.c took it apart. Payload is at frame->data.
struct tcp_seg {
    uint32_t seq, ack;
    uint32_t size; // payload bytes
    uint16_t window;
    uint8_t flags;
    uint16_t source_port, destination_port;
    struct tcp_opts opts;
    const struct ip_packet *ip;
};
static inline uint32_t tcp_seg_end(const struct tcp_seg *s) // SEG.SEQ + SEG.LEN
{
    return s->seq + s->size + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

static inline struct frame *tcp_piece_frame(struct piece *p)
{
    return LIST_OWNER(p, struct frame, piece);
}
static inline struct tcp_pcb *tcp_of(const struct stream *s)
{
    return LIST_OWNER(s, struct tcp_pcb, stream);
}
// The sequence number of a segment without payload: what the peer takes for in window even when
// we went back to retransmit, or it took window away. Otherwise two ends that both retransmit would
// refuse each other's ACKs for ever.
static inline uint32_t tcp_ack_seq(const struct tcp_pcb *p)
{
    return seq_min(p->snd_max, p->snd_una + p->snd_wnd);
}
static inline bool tcp_is_open(const struct tcp_pcb *p) // bytes may flow at least one way
{
    return p->state >= TCP_ESTABLISHED;
}
// Sequence number after everything sent, a FIN too.
static inline uint32_t tcp_fin_seq_end(const struct tcp_pcb *p)
{
    return p->queue_end + ((p->flags & TCP_F_FIN_SENT) != 0);
}
static inline uint32_t tcp_ts_now(const struct net *n, uint32_t offset)
{
    return (uint32_t)(n->now_ns / TCP_NS_PER_MS) + offset;
}

// ---- tcp_table.c
uint32_t tcp_hash(const struct net *n, const uint8_t local[16], uint16_t local_port,
                  const uint8_t remote[16], uint16_t remote_port);
struct tcp_node *tcp_table_find(const struct tcp_table *t, uint32_t hash, const uint8_t local[16],
                                uint16_t local_port, const uint8_t remote[16],
                                uint16_t remote_port);
static inline void tcp_table_prefetch_bucket(const struct tcp_table *t, uint32_t hash)
{
    __builtin_prefetch(&t->buckets[hash & t->bucket_mask]);
}
static inline void tcp_table_prefetch_node(const struct tcp_table *t, uint32_t hash)
{
    const char *node = (const char *)t->buckets[hash & t->bucket_mask];
    for (uint32_t line = 0; node && line < TCP_HOT_LINES; line++)
        __builtin_prefetch(node + 64u * line);
}
void tcp_table_add(struct tcp_table *t, struct tcp_node *node);
void tcp_table_remove(struct tcp_table *t, struct tcp_node *node);
static inline bool tcp_is_listening(const struct tcp_table *t, uint16_t port)
{
    return (t->listening[port >> 3] >> (port & 7)) & 1;
}
static inline enum stream_listener tcp_listener(const struct tcp_table *t, uint16_t port)
{
    return (t->listening_tls[port >> 3] >> (port & 7)) & 1 ? STREAM_TLS : STREAM_PLAIN;
}
// A control block in the table, CLOSED, with its route; NULL when the budget is spent or there is
// no route (counted).
struct tcp_pcb *tcp_pcb_new(struct net *n, const uint8_t local[16], uint16_t local_port,
                            const uint8_t remote[16], uint16_t remote_port);
// Out of the table and onto the dead list; its owner is told by tcp_reap. Idempotent.
void tcp_pcb_die(struct tcp_pcb *p, enum stream_close why);
void tcp_reap(struct net *n);
void tcp_pcb_set_mss(struct tcp_pcb *p); // from peer_mss, path MTU and options

// ---- tcp_cookie.c
struct tcp_cookie {
    uint16_t mss;
    uint8_t wscale;
    bool has_wscale, has_sack, has_ts;
};
uint32_t tcp_isn(const struct net *n, const struct tcp_node *tuple); // RFC 6528
uint32_t tcp_ts_offset(const struct net *n, const struct tcp_node *tuple);
uint32_t tcp_cookie_make(const struct net *n, const struct tcp_node *tuple, uint32_t irs,
                         const struct tcp_opts *opts);
// The TSval of a cookie's SYN-ACK: the clock with its lowest bits given to the options.
uint32_t tcp_cookie_ts(const struct net *n, uint32_t ts_offset, const struct tcp_opts *opts);
bool tcp_cookies_in_use(const struct net *n); // one sent not long ago may still come back
bool tcp_cookie_check(const struct net *n, const struct tcp_node *tuple, const struct tcp_seg *seg,
                      struct tcp_cookie *out);

// ---- tcp_listen.c
void tcp_no_connection(struct net *n, struct tcp_seg *seg, struct frame *f, uint32_t hash);
// seg is a SYN for a listening port; iss_least: 0, or what a new ISN must not be below (TIME_WAIT).
void tcp_accept_syn(struct net *n, const struct tcp_seg *seg, uint32_t hash, uint32_t iss_least);
void tcp_take_syn_options(struct tcp_pcb *p, const struct tcp_opts *opts); // the peer's SYN
bool tcp_may_challenge(struct net *n);                                     // RFC 5961 section 7
bool tcp_may_reset(struct net *n);

// ---- tcp_in.c
uint32_t tcp_peek_hash(const struct net *n, const struct frame *f); // into frame.tag
void tcp_segment(struct tcp_pcb *p, const struct tcp_seg *seg, struct frame *f);
void tcp_fin_received(struct tcp_pcb *p); // all bytes before it are delivered

// ---- tcp_ack.c
// seg->ack is not beyond snd_max. May kill p.
void tcp_ack(struct tcp_pcb *p, const struct tcp_seg *seg);
void tcp_queue_clear(struct tcp_pcb *p);

// ---- tcp_recv.c
void tcp_receive(struct tcp_pcb *p, const struct tcp_seg *seg, struct frame *f); // owns f
void tcp_receive_clear(struct tcp_pcb *p);
void tcp_resume(struct net *n);
uint32_t tcp_sack_blocks(const struct tcp_pcb *p, struct tcp_range *blocks, uint32_t max);

// ---- tcp_send.c
void tcp_want_output(struct tcp_pcb *p); // puts it on the out list
void tcp_output(struct tcp_pcb *p);
void tcp_retransmit_first(struct tcp_pcb *p); // one segment, whatever the windows say
uint32_t tcp_flight(const struct tcp_pcb *p);

// ---- tcp_out.c
// Sends up to size payload bytes from seq on; returns how many, 0 when no frame could be had.
uint32_t tcp_send_data(struct tcp_pcb *p, uint32_t seq, uint32_t size);
bool tcp_send_fin(struct tcp_pcb *p);
void tcp_send_ack(struct tcp_pcb *p, uint32_t seq); // tcp_ack_seq, or below it as a probe
void tcp_send_syn(struct tcp_pcb *p);               // SYN or SYN-ACK, by state
void tcp_send_reset(struct tcp_pcb *p);
// Segments without a connection: what is asked for, from local to remote of the tuple.
struct tcp_bare {
    uint32_t seq, ack;
    uint16_t window;
    uint8_t flags;
    struct tcp_opts opts;
};
void tcp_send_bare(struct net *n, const struct tcp_node *tuple, const struct tcp_bare *bare);
uint32_t tcp_window_scale(uint32_t receive_buffer_bytes);
// How far the right edge of our window could move now.
uint32_t tcp_window_growth(const struct tcp_pcb *p);

// ---- tcp_timer.c
void tcp_timer_update(struct tcp_pcb *p); // after deadlines changed
void tcp_send_timer_start(struct tcp_pcb *p);

// ---- tcp_wait.c
void tcp_wait_start(struct tcp_pcb *p);
void tcp_wait_segment(struct net *n, struct tcp_wait *w, struct tcp_seg *seg, struct frame *f);
void tcp_wait_expire(struct net *n);
void tcp_wait_drop(struct net *n, struct tcp_wait *w);

// ---- tcp_stream.c
extern const struct stream_ops tcp_stream_ops;
void tcp_source_init(struct tcp_table *t, struct net *n);
void tcp_fill(struct tcp_pcb *p); // stream.out -> send queue
void tcp_piece_release(struct piece *piece);
bool tcp_pool_is_low(const struct net *n);
