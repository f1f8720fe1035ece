#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include "dataplane/net/tcp_rto.h"

static struct tcp_rto fresh(uint32_t min_us)
{
    struct tcp_rto r;
    tcp_rto_init(&r, min_us);
    return r;
}

// RFC 6298 2.1
Test(tcp_rto, begins_with_one_second)
{
    struct tcp_rto r = fresh(200000);
    cr_expect(eq(u32, r.rto_us, 1000000));
}

// RFC 6298 2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR.
Test(tcp_rto, takes_the_first_sample_whole)
{
    struct tcp_rto r = fresh(1000);
    tcp_rto_sample(&r, 100000);
    cr_expect(eq(u32, r.srtt_us, 100000));
    cr_expect(eq(u32, r.rttvar_us, 50000));
    cr_expect(eq(u32, r.rto_us, 300000));
}

// RFC 6298 2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, then SRTT = 7/8 SRTT + 1/8 R.
Test(tcp_rto, smooths_later_samples)
{
    struct tcp_rto r = fresh(1000);
    tcp_rto_sample(&r, 100000);
    tcp_rto_sample(&r, 180000);
    cr_expect(eq(u32, r.rttvar_us, (3 * 50000 + 80000) / 4));
    cr_expect(eq(u32, r.srtt_us, (7 * 100000 + 180000) / 8));
    cr_expect(eq(u32, r.rto_us, 110000 + 4 * 57500));
}

Test(tcp_rto, settles_on_a_steady_path)
{
    struct tcp_rto r = fresh(1000);
    for (int i = 0; i < 200; i++) tcp_rto_sample(&r, 40000);
    cr_expect(eq(u32, r.srtt_us, 40000));
    cr_expect(eq(u32, r.rto_us, 41000), "the clock's granularity stays (RFC 6298 2.3)");
}

Test(tcp_rto, keeps_to_its_minimum_and_maximum)
{
    struct tcp_rto r = fresh(200000);
    for (int i = 0; i < 100; i++) tcp_rto_sample(&r, 1);
    cr_expect(eq(u32, r.rto_us, 200000));
    tcp_rto_sample(&r, UINT32_MAX);
    for (int i = 0; i < 100; i++) tcp_rto_sample(&r, UINT32_MAX);
    cr_expect(eq(u32, r.rto_us, TCP_RTO_MAX_US));
}

// RFC 6298 5.5
Test(tcp_rto, doubles_up_to_a_minute)
{
    struct tcp_rto r = fresh(200000);
    uint32_t expected = 1000000;
    for (int i = 0; i < 20; i++) {
        cr_expect(eq(u32, r.rto_us, expected));
        tcp_rto_back_off(&r);
        expected = expected > TCP_RTO_MAX_US / 2 ? TCP_RTO_MAX_US : 2 * expected;
    }
}

Test(tcp_rto, forgets_the_back_off_with_a_sample)
{
    struct tcp_rto r = fresh(1000);
    tcp_rto_sample(&r, 100000);
    tcp_rto_back_off(&r);
    tcp_rto_back_off(&r);
    cr_expect(eq(u32, r.rto_us, 1200000));
    tcp_rto_restore(&r);
    cr_expect(eq(u32, r.rto_us, 300000));
}

Test(tcp_rto, refuses_a_zero_sample, .signal = SIGABRT)
{
    struct tcp_rto r = fresh(1000);
    tcp_rto_sample(&r, 0);
}
