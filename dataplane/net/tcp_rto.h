// tcp_rto.h: retransmission timeout estimator of one connection.
//
// Source:  RFC 6298, sections 2 (estimator), 3 (which samples count), 5.5 (back-off)
// Thread:  the shard that owns the connection
// Memory:  embedded in struct tcp_pcb; nothing to free
// Units:   microseconds, in uint32_t
#pragma once
#include <stdint.h>

enum {
    TCP_RTO_INITIAL_US = 1000000, // RFC 6298 2.1
    TCP_RTO_MAX_US = 60000000,    // RFC 6298 2.5
    TCP_RTO_GRANULARITY_US = 1000 // the wheel's tick
};

struct tcp_rto {
    uint32_t srtt_us;   // smoothed round trip; 0 = no sample yet
    uint32_t rttvar_us; // mean deviation
    uint32_t rto_us;    // what the timer is armed with, min_us..TCP_RTO_MAX_US
    uint32_t min_us;    // from the configuration
};

void tcp_rto_init(struct tcp_rto *rto, uint32_t min_us);
// Feed one sample, 1..: longer than TCP_RTO_MAX_US counts as that. Never one taken from a
// retransmitted segment (section 3).
void tcp_rto_sample(struct tcp_rto *rto, uint32_t rtt_us);
void tcp_rto_back_off(struct tcp_rto *rto); // section 5.5
// What the estimator says, back-off forgotten.
void tcp_rto_restore(struct tcp_rto *rto);
