#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <signal.h>
#include "dataplane/net/tcp_cc.h"

enum { MSS = 1000 };

static struct tcp_cc fresh(bool is_reno)
{
    struct tcp_cc cc;
    tcp_cc_init(&cc, is_reno, MSS);
    return cc;
}

// A round trip: the whole window is acknowledged, one segment an ACK.
static void round_trip(struct tcp_cc *cc, uint64_t now_us, uint32_t rtt_us)
{
    for (uint32_t left = cc->cwnd_bytes / MSS; left > 0; left--)
        tcp_cc_ack(cc, MSS, true, now_us, rtt_us);
}

// RFC 6928 2: min(10 MSS, max(2 MSS, 14600)).
Test(tcp_cc, begins_with_ten_segments_or_what_that_allows)
{
    cr_expect(eq(u32, tcp_cc_initial_window(536), 5360));
    cr_expect(eq(u32, tcp_cc_initial_window(1460), 14600));
    cr_expect(eq(u32, tcp_cc_initial_window(1461), 14600));
    cr_expect(eq(u32, tcp_cc_initial_window(8948), 17896));
}

// RFC 5681 3.1
Test(tcp_cc, doubles_per_round_trip_in_slow_start)
{
    struct tcp_cc cc = fresh(true);
    round_trip(&cc, 0, 1000);
    cr_expect(eq(u32, cc.cwnd_bytes, 20 * MSS));
    round_trip(&cc, 1000, 1000);
    cr_expect(eq(u32, cc.cwnd_bytes, 40 * MSS));
}

Test(tcp_cc, does_not_grow_a_window_that_is_not_used)
{
    struct tcp_cc cc = fresh(false);
    for (int i = 0; i < 100; i++) tcp_cc_ack(&cc, MSS, false, 1000, 1000);
    cr_expect(eq(u32, cc.cwnd_bytes, 10 * MSS));
}

Test(tcp_cc, enters_avoidance_exactly_at_ssthresh)
{
    struct tcp_cc cc = fresh(true);
    cc.ssthresh_bytes = 12500;
    for (int i = 0; i < 3; i++) tcp_cc_ack(&cc, MSS, true, 1000, 1000);
    cr_expect(ge(u32, cc.cwnd_bytes, 12500));
    cr_expect(lt(u32, cc.cwnd_bytes, 12700));
}

// RFC 5681 3.1: one segment per round trip.
Test(tcp_cc, reno_adds_a_segment_per_round_trip)
{
    struct tcp_cc cc = fresh(true);
    cc.ssthresh_bytes = cc.cwnd_bytes = 50 * MSS;
    for (int i = 0; i < 10; i++) round_trip(&cc, 1000, 1000);
    cr_expect(ge(u32, cc.cwnd_bytes, 59 * MSS));
    cr_expect(le(u32, cc.cwnd_bytes, 60 * MSS));
}

// RFC 5681 eq. 4
Test(tcp_cc, reno_halves_on_loss)
{
    struct tcp_cc cc = fresh(true);
    cc.cwnd_bytes = 50 * MSS;
    tcp_cc_loss(&cc, 40 * MSS);
    cr_expect(eq(u32, cc.ssthresh_bytes, 20 * MSS));
    cr_expect(eq(u32, cc.cwnd_bytes, 20 * MSS));
    tcp_cc_loss(&cc, MSS);
    cr_expect(eq(u32, cc.ssthresh_bytes, 2 * MSS), "never below two segments");
}

// RFC 9438 4.6
Test(tcp_cc, cubic_keeps_seven_tenths_on_loss)
{
    struct tcp_cc cc = fresh(false);
    cc.cwnd_bytes = 100 * MSS;
    tcp_cc_loss(&cc, 100 * MSS);
    cr_expect(eq(u32, cc.cwnd_bytes, 70 * MSS));
}

// RFC 9438 4.2: back at W_max after K = cbrt(W_max (1 - beta) / C) seconds, flat there, then
// faster.
Test(tcp_cc, cubic_returns_to_its_plateau_after_k)
{
    struct tcp_cc cc = fresh(false);
    cc.cwnd_bytes = 1000 * MSS;
    tcp_cc_loss(&cc, 1000 * MSS);
    uint32_t rtt_us = 100000;
    double k = cbrt(1000 * 0.3 / 0.4); // about 9.09 s
    uint64_t start = 1000000, now = start;
    while (now < start + (uint64_t)(k * 1e6)) {
        round_trip(&cc, now, rtt_us);
        now += rtt_us;
    }
    cr_expect(ge(u32, cc.cwnd_bytes, 980 * MSS));
    cr_expect(le(u32, cc.cwnd_bytes, 1010 * MSS));
    uint32_t plateau = cc.cwnd_bytes;
    for (int i = 0; i < 60; i++, now += rtt_us) round_trip(&cc, now, rtt_us);
    cr_expect(ge(u32, cc.cwnd_bytes, plateau + 50 * MSS));
}

// RFC 9438 4.7: a flow that lost below its last maximum leaves room for others.
Test(tcp_cc, cubic_converges_fast_when_losses_come_early)
{
    struct tcp_cc cc = fresh(false);
    cc.cwnd_bytes = 100 * MSS;
    tcp_cc_loss(&cc, 100 * MSS);
    tcp_cc_loss(&cc, 70 * MSS);
    cr_expect(cc.w_max > 59.4 && cc.w_max < 59.6); // 70 * 1.7 / 2
}

// RFC 9438 4.3: on short paths it is at least as fast as Reno.
Test(tcp_cc, cubic_is_no_slower_than_reno_on_short_paths)
{
    struct tcp_cc cubic = fresh(false), reno = fresh(true);
    cubic.cwnd_bytes = reno.cwnd_bytes = 20 * MSS;
    tcp_cc_loss(&cubic, 20 * MSS);
    tcp_cc_loss(&reno, 20 * MSS);
    for (uint64_t now = 1000000; now < 1200000; now += 1000) {
        round_trip(&cubic, now, 1000);
        round_trip(&reno, now, 1000);
    }
    cr_expect(ge(u32, cubic.cwnd_bytes, reno.cwnd_bytes * 9 / 10));
}

// RFC 5681 3.1: the loss window is one segment; a second timeout does not lower ssthresh again.
Test(tcp_cc, begins_again_after_a_timeout)
{
    struct tcp_cc cc = fresh(true);
    cc.cwnd_bytes = 40 * MSS;
    tcp_cc_timeout(&cc, 40 * MSS, true);
    cr_expect(eq(u32, cc.cwnd_bytes, MSS));
    cr_expect(eq(u32, cc.ssthresh_bytes, 20 * MSS));
    tcp_cc_timeout(&cc, MSS, false);
    cr_expect(eq(u32, cc.ssthresh_bytes, 20 * MSS));
}

// RFC 5681 4.1
Test(tcp_cc, forgets_its_window_after_idling)
{
    struct tcp_cc cc = fresh(true);
    cc.cwnd_bytes = 40 * MSS;
    tcp_cc_idle(&cc);
    cr_expect(eq(u32, cc.cwnd_bytes, 10 * MSS));
    cc.cwnd_bytes = 3 * MSS;
    tcp_cc_idle(&cc);
    cr_expect(eq(u32, cc.cwnd_bytes, 3 * MSS), "never up");
}

Test(tcp_cc, stays_within_bounds_for_years)
{
    struct tcp_cc cc = fresh(false);
    for (uint64_t now = 1; now < 1ull << 50; now += 1ull << 40) {
        tcp_cc_ack(&cc, 1u << 30, true, now, 60000000);
        if (cc.cwnd_bytes > 1u << 29) tcp_cc_loss(&cc, cc.cwnd_bytes);
    }
    cr_expect(le(u32, cc.cwnd_bytes, 2u << 30));
    cr_expect(ge(u32, cc.cwnd_bytes, MSS));
}

Test(tcp_cc, refuses_a_segment_of_nothing, .signal = SIGABRT)
{
    struct tcp_cc cc;
    tcp_cc_init(&cc, false, 0);
}
