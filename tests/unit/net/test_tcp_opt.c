#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include "dataplane/net/tcp_opt.h"

struct refused {
    const char *why;
    uint8_t in[40];
    uint8_t size;
    enum tcp_opt_result result;
};

// RFC 9293 MUST-7: an illegal length must not harm.
ParameterizedTestParameters(tcp_opt, refuses)
{
    static struct refused cases[] = {
        { "kind without length", { 2 }, 1, TCP_OPT_TRUNCATED },
        { "length 0 would not advance", { 8, 0, 0, 0 }, 4, TCP_OPT_BAD_LENGTH },
        { "length 1 would not advance", { 8, 1, 0, 0 }, 4, TCP_OPT_BAD_LENGTH },
        { "unknown kind of length 0", { 99, 0, 0, 0 }, 4, TCP_OPT_BAD_LENGTH },
        { "length beyond the header", { 99, 5, 0, 0 }, 4, TCP_OPT_TRUNCATED },
        { "MSS too short", { 2, 3, 5 }, 3, TCP_OPT_BAD_LENGTH },
        { "MSS too long", { 2, 5, 5, 0xb4, 0 }, 5, TCP_OPT_BAD_LENGTH },
        { "MSS cut off", { 2, 4, 5 }, 3, TCP_OPT_TRUNCATED },
        { "window scale empty", { 3, 2 }, 2, TCP_OPT_BAD_LENGTH },
        { "window scale too long", { 3, 4, 7, 7 }, 4, TCP_OPT_BAD_LENGTH },
        { "SACK permitted with a body", { 4, 3, 0 }, 3, TCP_OPT_BAD_LENGTH },
        { "SACK without blocks", { 5, 2 }, 2, TCP_OPT_BAD_LENGTH },
        { "half a SACK block", { 5, 6, 0, 0, 0, 1 }, 6, TCP_OPT_BAD_LENGTH },
        { "SACK block and a half", { 5, 14 }, 14, TCP_OPT_BAD_LENGTH },
        { "SACK cut off", { 5, 10, 0, 0, 0, 1 }, 6, TCP_OPT_TRUNCATED },
        { "timestamps too short", { 8, 9 }, 9, TCP_OPT_BAD_LENGTH },
        { "timestamps too long", { 8, 11 }, 11, TCP_OPT_BAD_LENGTH },
        { "timestamps cut off", { 8, 10, 0, 0 }, 4, TCP_OPT_TRUNCATED },
        { "good one, then bad one", { 2, 4, 5, 0xb4, 8, 0 }, 6, TCP_OPT_BAD_LENGTH },
    };
    return cr_make_param_array(struct refused, cases, sizeof cases / sizeof cases[0]);
}
ParameterizedTest(struct refused *c, tcp_opt, refuses)
{
    struct tcp_opts opts;
    cr_expect(eq(int, tcp_opt_decode(bytes_make(c->in, c->size), &opts), c->result), "%s", c->why);
}

Test(tcp_opt, reads_every_kind)
{
    static const uint8_t in[] = { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1,
                                  0, 0, 0,    2,    1, 3, 3, 7,  0, 9, 9, 9 };
    struct tcp_opts o;
    cr_assert(eq(int, tcp_opt_decode(bytes_make(in, sizeof in), &o), TCP_OPT_OK));
    cr_expect(o.has_mss && o.sack_permitted && o.has_ts && o.has_wscale);
    cr_expect(eq(u32, o.mss_bytes, 1460));
    cr_expect(eq(u32, o.tsval, 1));
    cr_expect(eq(u32, o.tsecr, 2));
    cr_expect(eq(u32, o.wscale, 7));
}

// RFC 9293 MUST-6
Test(tcp_opt, skips_unknown_kinds_and_stops_at_the_end)
{
    static const uint8_t in[] = { 99, 6, 1, 2, 3, 4, 34, 2, 3, 3, 5, 0, 2, 1 };
    struct tcp_opts o;
    cr_assert(eq(int, tcp_opt_decode(bytes_make(in, sizeof in), &o), TCP_OPT_OK));
    cr_expect(eq(u32, o.wscale, 5));
    cr_expect(not(o.has_mss), "behind the end");
}

// RFC 7323 2.3
Test(tcp_opt, takes_a_window_scale_above_14_for_14)
{
    static const uint8_t in[] = { 3, 3, 255 };
    struct tcp_opts o;
    cr_assert(eq(int, tcp_opt_decode(bytes_make(in, 3), &o), TCP_OPT_OK));
    cr_expect(eq(u32, o.wscale, 14));
}

Test(tcp_opt, takes_four_sack_blocks_and_not_five)
{
    uint8_t in[42] = { 5, 34 };
    struct tcp_opts o;
    for (uint8_t i = 2; i < 34; i++) in[i] = i;
    cr_assert(eq(int, tcp_opt_decode(bytes_make(in, 34), &o), TCP_OPT_OK));
    cr_expect(eq(u32, o.sack_count, 4));
    cr_expect(eq(u32, o.sack[3].start, 0x1a1b1c1d));
    in[1] = 42;
    cr_expect(eq(int, tcp_opt_decode(bytes_make(in, 42), &o), TCP_OPT_BAD_LENGTH));
}

static struct tcp_opts full(void)
{
    return (struct tcp_opts){ .has_mss = true,
                              .mss_bytes = 1440,
                              .has_wscale = true,
                              .wscale = 9,
                              .sack_permitted = true,
                              .has_ts = true,
                              .tsval = 0xfffffffe,
                              .tsecr = 3 };
}

Test(tcp_opt, survives_every_prefix_of_a_good_header)
{
    uint8_t out[TCP_OPTIONS_MAX];
    struct tcp_opts o = full(), back;
    uint32_t size = tcp_opt_encode(&o, out);
    for (uint32_t i = 0; i <= size; i++) {
        enum tcp_opt_result r = tcp_opt_decode(bytes_make(out, i), &back);
        cr_expect(r == TCP_OPT_OK || r == TCP_OPT_TRUNCATED);
    }
}

Test(tcp_opt, reads_what_it_writes_in_words_of_four)
{
    uint8_t out[TCP_OPTIONS_MAX];
    for (uint32_t mask = 0; mask < 32; mask++) {
        struct tcp_opts o = full(), back;
        o.has_mss = mask & 1;
        o.has_wscale = mask & 2;
        o.sack_permitted = mask & 4;
        o.has_ts = mask & 8;
        o.sack_count = mask & 16 ? 2 : 0;
        if (o.sack_count) o.has_mss = o.has_wscale = o.sack_permitted = false;
        o.sack[0] = (struct tcp_range){ 10, 20 };
        o.sack[1] = (struct tcp_range){ 0xfffffff0, 5 };
        uint32_t size = tcp_opt_encode(&o, out);
        cr_expect(eq(u32, size % 4, 0));
        cr_expect(le(u32, size, TCP_OPTIONS_MAX));
        cr_assert(eq(int, tcp_opt_decode(bytes_make(out, size), &back), TCP_OPT_OK));
        cr_expect(eq(u32, back.has_mss, o.has_mss));
        cr_expect(eq(u32, back.has_wscale, o.has_wscale));
        cr_expect(eq(u32, back.sack_permitted, o.sack_permitted));
        cr_expect(eq(u32, back.has_ts, o.has_ts));
        cr_expect(eq(u32, back.sack_count, o.sack_count));
        if (o.sack_count) cr_expect(eq(u32, back.sack[1].end, 5));
        if (o.has_ts) cr_expect(eq(u32, back.tsval, 0xfffffffe));
    }
}

Test(tcp_opt, leaves_out_sack_blocks_that_do_not_fit)
{
    uint8_t out[TCP_OPTIONS_MAX];
    struct tcp_opts o = { .has_ts = true, .sack_count = 4 }, back;
    uint32_t size = tcp_opt_encode(&o, out);
    cr_expect(eq(u32, size, 12 + 4 + 24));
    cr_assert(eq(int, tcp_opt_decode(bytes_make(out, size), &back), TCP_OPT_OK));
    cr_expect(eq(u32, back.sack_count, 3));
}
