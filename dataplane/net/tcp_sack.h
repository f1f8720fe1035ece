// tcp_sack.h: the sender's scoreboard: which bytes beyond SND.UNA the peer says it holds.
//
// Source:  RFC 2018 (what a SACK block means), RFC 6675 section 4 (IsLost, SetPipe, NextSeg)
// Thread:  the shard that owns the connection
// Memory:  embedded in struct tcp_pcb; at most TCP_SACK_RANGES_MAX ranges, what does not fit is
// forgotten (SACK is advice)
// Units:   sequence numbers; ranges are [start, end), sorted, apart from each other
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/net/tcp_opt.h"

enum { TCP_SACK_RANGES_MAX = 128, TCP_DUP_THRESHOLD = 3 };

struct tcp_sack {
    uint32_t count;
    struct tcp_range ranges[TCP_SACK_RANGES_MAX];
};

static inline bool seq_lt(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
static inline bool seq_le(uint32_t a, uint32_t b) { return (int32_t)(a - b) <= 0; }
static inline bool seq_gt(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }
static inline bool seq_ge(uint32_t a, uint32_t b) { return (int32_t)(a - b) >= 0; }
static inline uint32_t seq_max(uint32_t a, uint32_t b) { return seq_gt(a, b) ? a : b; }
static inline uint32_t seq_min(uint32_t a, uint32_t b) { return seq_lt(a, b) ? a : b; }

static inline void tcp_sack_clear(struct tcp_sack *s) { s->count = 0; }
// Adds a block. True when it told something new.
bool tcp_sack_add(struct tcp_sack *s, uint32_t start, uint32_t end);
void tcp_sack_drop_below(struct tcp_sack *s, uint32_t una); // SND.UNA moved
uint32_t tcp_sack_bytes_below(const struct tcp_sack *s, uint32_t limit);
// The first hole at or after from and before limit. False when there is none.
bool tcp_sack_find_hole(const struct tcp_sack *s, uint32_t from, uint32_t limit,
                        struct tcp_range *hole);
bool tcp_sack_is_lost(const struct tcp_sack *s, uint32_t seq, uint32_t mss_bytes); // IsLost
// SetPipe: bytes of [una, max) thought to be in the network; retransmitted up to high_rxt.
uint32_t tcp_sack_pipe(const struct tcp_sack *s, uint32_t una, uint32_t max, uint32_t high_rxt,
                       uint32_t mss_bytes);
// One past the highest byte SACKed; una when nothing is.
uint32_t tcp_sack_highest(const struct tcp_sack *s, uint32_t una);
