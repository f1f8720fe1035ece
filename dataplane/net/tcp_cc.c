#include "dataplane/net/tcp_cc.h"
#include <math.h>
#include "dataplane/base/check.h"

enum {
    CC_GROWTH_SEGMENTS_MAX = 16, // RFC 3465's L; receivers that answer a whole burst at once need
                                 // more than its 2
    CC_CWND_MAX_BYTES = 1 << 30
};
static const double cubic_c = 0.4, cubic_beta = 0.7; // RFC 9438 4.1.2, 4.6

uint32_t tcp_cc_initial_window(uint32_t mss_bytes) // RFC 6928 section 2
{
    uint32_t most = 2 * mss_bytes > 14600 ? 2 * mss_bytes : 14600;
    return 10 * mss_bytes < most ? 10 * mss_bytes : most;
}

void tcp_cc_init(struct tcp_cc *cc, bool is_reno, uint32_t mss_bytes)
{
    CHECK(mss_bytes > 0);
    *cc = (struct tcp_cc){ .is_reno = is_reno, .mss_bytes = mss_bytes };
    cc->cwnd_bytes = tcp_cc_initial_window(mss_bytes);
    cc->ssthresh_bytes = CC_CWND_MAX_BYTES; // RFC 5681 3.1: arbitrarily high
}

void tcp_cc_set_mss(struct tcp_cc *cc, uint32_t mss_bytes)
{
    CHECK(mss_bytes > 0);
    cc->mss_bytes = mss_bytes;
    if (cc->cwnd_bytes < mss_bytes) cc->cwnd_bytes = mss_bytes;
}

static void cc_grow(struct tcp_cc *cc, double bytes)
{
    cc->credit += bytes;
    if (cc->credit < 1) return;
    uint32_t whole = cc->credit > CC_CWND_MAX_BYTES ? CC_CWND_MAX_BYTES : (uint32_t)cc->credit;
    cc->credit -= whole;
    if (cc->cwnd_bytes < CC_CWND_MAX_BYTES) cc->cwnd_bytes += whole;
}

static void cubic_begin_epoch(struct tcp_cc *cc, double cwnd, uint64_t now_us)
{
    cc->epoch_us = now_us ? now_us : 1;
    cc->last_us = cc->epoch_us;
    cc->w_est = cwnd;
    if (cwnd < cc->w_max) {
        cc->k_s = cbrt((cc->w_max - cwnd) / cubic_c); // RFC 9438 figure 2
    } else {
        cc->w_max = cwnd;
        cc->k_s = 0;
    }
}

static double cubic_window(const struct tcp_cc *cc, double t_s) // RFC 9438 figure 1
{
    double d = t_s - cc->k_s;
    return cubic_c * d * d * d + cc->w_max;
}

static void cubic_avoid(struct tcp_cc *cc, uint32_t acked_bytes, uint64_t now_us, uint32_t srtt_us)
{
    double mss = cc->mss_bytes, cwnd = cc->cwnd_bytes / mss, acked = acked_bytes / mss;
    if (cc->epoch_us == 0) cubic_begin_epoch(cc, cwnd, now_us);
    double t_s = (double)(now_us - cc->epoch_us) / 1e6;
    // RFC 9438 4.3: what Reno with the same average would have reached.
    double alpha = cc->w_est < cc->cwnd_prior ? 3 * (1 - cubic_beta) / (1 + cubic_beta) : 1;
    cc->w_est += alpha * acked / cwnd;
    if (cubic_window(cc, t_s) < cc->w_est) {
        if (cc->w_est > cwnd) cc_grow(cc, (cc->w_est - cwnd) * mss - cc->credit);
        return;
    }
    double target = cubic_window(cc, t_s + srtt_us / 1e6); // RFC 9438 4.2
    if (target < cwnd) target = cwnd;
    if (target > 1.5 * cwnd) target = 1.5 * cwnd;
    cc_grow(cc, (target - cwnd) / cwnd * acked * mss);
}

static void cc_avoid(struct tcp_cc *cc, uint32_t acked_bytes, uint64_t now_us, uint32_t srtt_us)
{
    if (cc->is_reno) // RFC 5681 3.1, counted in bytes: one segment per window acknowledged
        cc_grow(cc, (double)cc->mss_bytes * acked_bytes / cc->cwnd_bytes);
    else
        cubic_avoid(cc, acked_bytes, now_us, srtt_us);
}

void tcp_cc_ack(struct tcp_cc *cc, uint32_t acked_bytes, bool is_limited, uint64_t now_us,
                uint32_t srtt_us)
{
    if (!is_limited) return; // RFC 9438 5.8, RFC 7661: an unused window proves nothing
    if (cc->epoch_us && now_us > cc->last_us + 1000000) // time without growth does not count
        cc->epoch_us += now_us - cc->last_us;
    cc->last_us = now_us;
    if (cc->cwnd_bytes < cc->ssthresh_bytes) { // slow start
        uint32_t most = CC_GROWTH_SEGMENTS_MAX * cc->mss_bytes;
        uint32_t step = acked_bytes < most ? acked_bytes : most;
        if (step > cc->ssthresh_bytes - cc->cwnd_bytes) step = cc->ssthresh_bytes - cc->cwnd_bytes;
        cc->cwnd_bytes += step;
        acked_bytes -= step < acked_bytes ? step : acked_bytes;
        if (acked_bytes == 0 || cc->cwnd_bytes < cc->ssthresh_bytes) return;
    }
    cc_avoid(cc, acked_bytes, now_us, srtt_us);
}

// ssthresh after a congestion event; CUBIC remembers where it was (fast convergence, RFC 9438 4.7).
static uint32_t cc_reduce(struct tcp_cc *cc, uint32_t flight_bytes)
{
    double mss = cc->mss_bytes, cwnd = cc->cwnd_bytes / mss;
    double kept = flight_bytes * (cc->is_reno ? 0.5 : cubic_beta);
    uint32_t least = 2 * cc->mss_bytes;
    cc->w_max = cwnd < cc->w_max ? cwnd * (1 + cubic_beta) / 2 : cwnd;
    cc->cwnd_prior = cwnd;
    cc->epoch_us = 0;
    cc->credit = 0;
    return kept > least ? (uint32_t)kept : least;
}

void tcp_cc_loss(struct tcp_cc *cc, uint32_t flight_bytes)
{
    cc->ssthresh_bytes = cc_reduce(cc, flight_bytes);
    cc->cwnd_bytes = cc->ssthresh_bytes;
}

void tcp_cc_timeout(struct tcp_cc *cc, uint32_t flight_bytes, bool is_first)
{
    if (is_first) cc->ssthresh_bytes = cc_reduce(cc, flight_bytes);
    cc->cwnd_bytes = cc->mss_bytes; // RFC 5681 3.1: loss window
}

void tcp_cc_idle(struct tcp_cc *cc)
{
    uint32_t restart = tcp_cc_initial_window(cc->mss_bytes);
    if (cc->cwnd_bytes > restart) cc->cwnd_bytes = restart;
    cc->epoch_us = 0;
}
