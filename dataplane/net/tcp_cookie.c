#include <string.h>
#include "dataplane/net/tcp_priv.h"

// SYN cookie (RFC 4987 3.6), the ISN of a SYN-ACK for which nothing is kept:
//
//    31        27 26    24 23                                0
//   +------------+--------+-----------------------------------+
//   | minute % 32| MSS no.| MAC(tuple, client ISN, these two) |
//   +------------+--------+-----------------------------------+
//
// Window scale and SACK-permitted travel in the lowest bits of the timestamp that the peer echoes.
enum { COOKIE_PERIOD_S = 64, COOKIE_AGE_MAX = 2, COOKIE_TS_BITS = 5, COOKIE_NO_WSCALE = 15 };
static const uint16_t cookie_mss[8] = { 64, 536, 1024, 1220, 1400, 1440, 1460, 8960 };

static uint64_t tuple_hash(const struct tcp_node *tuple, uint32_t a, uint32_t b,
                           const struct hash_key *key)
{
    uint8_t in[44];
    memcpy(in, tuple->local, 16);
    memcpy(in + 16, tuple->remote, 16);
    memcpy(in + 32, &tuple->local_port, 2);
    memcpy(in + 34, &tuple->remote_port, 2);
    memcpy(in + 36, &a, 4);
    memcpy(in + 40, &b, 4);
    return siphash_24(in, sizeof in, key);
}

uint32_t tcp_isn(const struct net *n, const struct tcp_node *tuple)
{
    uint32_t clock = (uint32_t)(n->now_ns / 4000); // RFC 6528 section 3: 4 microseconds
    return clock + (uint32_t)tuple_hash(tuple, 0, 0, &n->tcp->isn_key);
}

// A function of the tuple, so that timestamps of a tuple never run backwards (RFC 7323 5.4).
uint32_t tcp_ts_offset(const struct net *n, const struct tcp_node *tuple)
{
    return (uint32_t)(tuple_hash(tuple, 0, 0, &n->tcp->isn_key) >> 32);
}

static uint32_t cookie_mac(const struct net *n, const struct tcp_node *tuple, uint32_t irs,
                           uint32_t top)
{
    return (uint32_t)tuple_hash(tuple, irs, top, &n->tcp->cookie_key) & 0xffffff;
}

static uint32_t cookie_time(const struct net *n)
{
    return (uint32_t)(n->now_ns / TCP_NS_PER_S / COOKIE_PERIOD_S) & 31;
}

uint32_t tcp_cookie_make(const struct net *n, const struct tcp_node *tuple, uint32_t irs,
                         const struct tcp_opts *opts)
{
    uint16_t mss = opts->has_mss ? opts->mss_bytes : TCP_MSS_DEFAULT;
    uint32_t index = 7;
    while (index > 0 && cookie_mss[index] > mss) index--;
    uint32_t top = cookie_time(n) << 3 | index;
    return top << 24 | cookie_mac(n, tuple, irs, top);
}

uint32_t tcp_cookie_ts(const struct net *n, uint32_t ts_offset, const struct tcp_opts *opts)
{
    uint32_t now = tcp_ts_now(n, ts_offset), mask = (1u << COOKIE_TS_BITS) - 1;
    uint32_t word =
        (opts->has_wscale ? opts->wscale : COOKIE_NO_WSCALE) | (uint32_t)opts->sack_permitted << 4;
    uint32_t ts = (now & ~mask) | word;
    return seq_gt(ts, now) ? ts - mask - 1 : ts; // never ahead of the clock
}

bool tcp_cookies_in_use(const struct net *n)
{
    uint64_t life_ns = COOKIE_PERIOD_S * COOKIE_AGE_MAX * TCP_NS_PER_S;
    return n->tcp->cookie_sent_ns != 0 && n->now_ns - n->tcp->cookie_sent_ns <= life_ns;
}

bool tcp_cookie_check(const struct net *n, const struct tcp_node *tuple, const struct tcp_seg *seg,
                      struct tcp_cookie *out)
{
    uint32_t cookie = seg->ack - 1, top = cookie >> 24;
    if (!tcp_cookies_in_use(n)) return false;
    if (((cookie_time(n) - (top >> 3)) & 31) >= COOKIE_AGE_MAX) return false;
    if ((cookie & 0xffffff) != cookie_mac(n, tuple, seg->seq - 1, top)) return false;
    *out = (struct tcp_cookie){ .mss = cookie_mss[top & 7] };
    if (!seg->opts.has_ts) return true;
    uint32_t ts = seg->opts.tsecr;
    out->has_ts = true;
    out->has_wscale = (ts & 15) != COOKIE_NO_WSCALE;
    out->wscale = out->has_wscale ? (uint8_t)(ts & 15) : 0;
    out->has_sack = (ts >> 4) & 1;
    return true;
}
