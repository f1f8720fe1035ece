// tcp_opt.h: TCP options, decoded into a struct that the caller acts on, and encoded.
//
// Source:  RFC 9293 3.1 and 3.2, RFC 7323 (window scale, timestamps), RFC 2018 and 2883 (SACK)
// Thread:  any; pure functions
// Memory:  borrows the header bytes during the call only
// Units:   bytes; window scale as shift count
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

enum { TCP_OPTIONS_MAX = 40, TCP_SACK_BLOCKS_MAX = 4, TCP_WSCALE_MAX = 14 };

struct tcp_range { // [start, end) in sequence space
    uint32_t start, end;
};

struct tcp_opts {
    bool has_mss, has_wscale, sack_permitted, has_ts;
    uint8_t wscale; // 0..14
    uint8_t sack_count;
    uint16_t mss_bytes;
    uint32_t tsval, tsecr;
    struct tcp_range sack[TCP_SACK_BLOCKS_MAX];
};

enum tcp_opt_result { TCP_OPT_OK, TCP_OPT_TRUNCATED, TCP_OPT_BAD_LENGTH };

// in: the 0..40 bytes after the fixed header; *out is zeroed first. Unknown kinds are skipped
// (RFC 9293 MUST-6); anything but TCP_OPT_OK says why the segment is refused, and its caller counts
// it (MUST-7).
enum tcp_opt_result tcp_opt_decode(struct bytes in, struct tcp_opts *out);
// Writes what *opts says, padded with no-ops to a multiple of 4, and returns how many bytes.
// out: TCP_OPTIONS_MAX bytes; SACK blocks that no longer fit are left out.
uint32_t tcp_opt_encode(const struct tcp_opts *opts, uint8_t *out);
