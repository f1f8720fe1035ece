#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "dataplane/base/hash.h"
#include "dataplane/net/tcp_sack.h"

enum { MSS = 100 };

static struct tcp_sack board(uint32_t count, const struct tcp_range *ranges)
{
    struct tcp_sack s = { 0 };
    for (uint32_t i = 0; i < count; i++) tcp_sack_add(&s, ranges[i].start, ranges[i].end);
    return s;
}

Test(tcp_sack, keeps_blocks_sorted_and_joined)
{
    struct tcp_sack s = board(3, (struct tcp_range[]){ { 300, 400 }, { 100, 200 }, { 200, 300 } });
    cr_assert(eq(u32, s.count, 1));
    cr_expect(eq(u32, s.ranges[0].start, 100));
    cr_expect(eq(u32, s.ranges[0].end, 400));
}

Test(tcp_sack, says_whether_a_block_is_news)
{
    struct tcp_sack s = { 0 };
    cr_expect(tcp_sack_add(&s, 100, 200));
    cr_expect(not(tcp_sack_add(&s, 100, 200)));
    cr_expect(not(tcp_sack_add(&s, 120, 180)));
    cr_expect(tcp_sack_add(&s, 150, 201));
    cr_expect(tcp_sack_add(&s, 99, 150));
}

Test(tcp_sack, joins_over_the_wrap)
{
    struct tcp_sack s = board(2, (struct tcp_range[]){ { 0xfffffff0, 0 }, { 0, 16 } });
    cr_assert(eq(u32, s.count, 1));
    cr_expect(eq(u32, s.ranges[0].start, 0xfffffff0));
    cr_expect(eq(u32, s.ranges[0].end, 16));
    tcp_sack_drop_below(&s, 8);
    cr_expect(eq(u32, s.ranges[0].start, 8));
}

Test(tcp_sack, forgets_what_does_not_fit)
{
    struct tcp_sack s = { 0 };
    for (uint32_t i = 0; i < TCP_SACK_RANGES_MAX; i++)
        cr_expect(tcp_sack_add(&s, 1000 + 20 * i, 1010 + 20 * i));
    cr_expect(not(tcp_sack_add(&s, 9000, 9010)));
    cr_expect(eq(u32, s.count, TCP_SACK_RANGES_MAX));
    cr_expect(tcp_sack_add(&s, 1000, 9000), "joining makes room");
    cr_expect(eq(u32, s.count, 1));
}

Test(tcp_sack, finds_the_holes_between)
{
    struct tcp_sack s = board(2, (struct tcp_range[]){ { 200, 300 }, { 500, 600 } });
    struct tcp_range hole;
    cr_assert(tcp_sack_find_hole(&s, 100, 700, &hole));
    cr_expect(eq(u32, hole.start, 100));
    cr_expect(eq(u32, hole.end, 200));
    cr_assert(tcp_sack_find_hole(&s, 200, 700, &hole));
    cr_expect(eq(u32, hole.start, 300));
    cr_expect(eq(u32, hole.end, 500));
    cr_assert(tcp_sack_find_hole(&s, 550, 700, &hole));
    cr_expect(eq(u32, hole.start, 600));
    cr_expect(eq(u32, hole.end, 700));
    cr_expect(not(tcp_sack_find_hole(&s, 550, 600, &hole)));
}

// RFC 6675 4, IsLost: three runs above, or more than two segments' bytes.
Test(tcp_sack, calls_lost_what_enough_was_reported_above)
{
    struct tcp_sack s = board(2, (struct tcp_range[]){ { 200, 210 }, { 300, 310 } });
    cr_expect(not(tcp_sack_is_lost(&s, 100, MSS)));
    tcp_sack_add(&s, 400, 410);
    cr_expect(tcp_sack_is_lost(&s, 100, MSS));
    cr_expect(not(tcp_sack_is_lost(&s, 210, MSS)), "only two above");
    s = board(1, (struct tcp_range[]){ { 200, 400 } });
    cr_expect(not(tcp_sack_is_lost(&s, 100, MSS)), "exactly two segments");
    tcp_sack_add(&s, 400, 401);
    cr_expect(tcp_sack_is_lost(&s, 100, MSS));
}

// RFC 6675 4, SetPipe, against the definition byte by byte.
Test(tcp_sack, counts_the_pipe_as_the_definition_does)
{
    struct rng rng;
    rng_seed(&rng, 7);
    for (uint32_t run = 0; run < 300; run++) {
        uint32_t una = (uint32_t)rng_next(&rng), max = una + 500;
        uint32_t high = una + (uint32_t)rng_below(&rng, 500), pipe = 0;
        struct tcp_sack s = { 0 };
        for (uint64_t i = rng_below(&rng, 8); i > 0; i--) {
            uint32_t start = una + 1 + (uint32_t)rng_below(&rng, 450);
            tcp_sack_add(&s, start, start + 1 + (uint32_t)rng_below(&rng, 49));
        }
        for (uint32_t at = una; at != max; at++) {
            struct tcp_range hole;
            if (!tcp_sack_find_hole(&s, at, at + 1, &hole)) continue;
            pipe += !tcp_sack_is_lost(&s, at, 50);
            pipe += seq_lt(at, high);
        }
        cr_assert(eq(u32, tcp_sack_pipe(&s, una, max, high, 50), pipe));
    }
}

// The scoreboard against a plain bitmap.
Test(tcp_sack, agrees_with_a_bitmap)
{
    struct rng rng;
    rng_seed(&rng, 3);
    for (uint32_t run = 0; run < 200; run++) {
        uint8_t map[400] = { 0 };
        uint32_t base = (uint32_t)rng_next(&rng), una = base;
        struct tcp_sack s = { 0 };
        for (uint32_t step = 0; step < 40; step++) {
            if (rng_below(&rng, 5) == 0) {
                una += (uint32_t)rng_below(&rng, 20);
                tcp_sack_drop_below(&s, una);
                continue;
            }
            uint32_t start = una + 1 + (uint32_t)rng_below(&rng, 100);
            uint32_t end = start + 1 + (uint32_t)rng_below(&rng, 30);
            if (end - base >= sizeof map) continue;
            bool is_news = false;
            for (uint32_t at = start; at != end; at++) {
                is_news |= !map[at - base];
                map[at - base] = 1;
            }
            cr_assert(eq(int, tcp_sack_add(&s, start, end), is_news));
        }
        uint32_t below = base + 200, expected = 0;
        if (seq_gt(una, below)) continue;
        for (uint32_t at = una; at != below; at++) expected += map[at - base];
        cr_assert(eq(u32, tcp_sack_bytes_below(&s, below), expected));
    }
}
