// tcp_cc.h: congestion window of one connection: CUBIC or NewReno.
//
// Source:  RFC 9438 (CUBIC), RFC 5681 and 6582 (Reno), RFC 3465 (byte counting), RFC 6928 (initial
// window)
// Thread:  the shard that owns the connection
// Memory:  embedded in struct tcp_pcb
// Units:   bytes; microseconds of the stack's clock
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct tcp_cc {
    uint32_t cwnd_bytes;
    uint32_t ssthresh_bytes;
    uint32_t mss_bytes;
    bool is_reno;
    double credit; // growth in congestion avoidance not yet a whole byte
    // CUBIC, windows in segments
    double w_max, k_s, w_est, cwnd_prior;
    uint64_t epoch_us; // start of the present avoidance epoch; 0 = none
    uint64_t last_us;  // last time that growth was allowed: idle time does not count
};

void tcp_cc_init(struct tcp_cc *cc, bool is_reno, uint32_t mss_bytes);
void tcp_cc_set_mss(struct tcp_cc *cc, uint32_t mss_bytes);
// New data was acknowledged outside recovery. is_limited: the window, not the application, held
// sending back. srtt_us may be 0.
void tcp_cc_ack(struct tcp_cc *cc, uint32_t acked_bytes, bool is_limited, uint64_t now_us,
                uint32_t srtt_us);
// Loss found by duplicate ACKs: lowers ssthresh and the window (once per recovery).
void tcp_cc_loss(struct tcp_cc *cc, uint32_t flight_bytes);
// Retransmission timeout. is_first: not a repeated timeout of the same segment (RFC 5681 eq. 4).
void tcp_cc_timeout(struct tcp_cc *cc, uint32_t flight_bytes, bool is_first);
// Nothing was sent for longer than an RTO (RFC 5681 4.1).
void tcp_cc_idle(struct tcp_cc *cc);
uint32_t tcp_cc_initial_window(uint32_t mss_bytes);
