// Bytes in and out of an established connection: windows, acknowledgements, loss, validity.
#include <string.h>
#include "dataplane/net/net_priv.h"
#include "tests/wire/wire.h"

static struct wire w;
static struct seg s;
static uint8_t bytes[3000];

static void open_wire(void)
{
    wire_open(&w, NULL);
    for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)i;
}
static void close_wire(void) { wire_close(&w); }

// ---- receiving

TestSuite(tcp_receive, .init = open_wire, .fini = close_wire);

// RFC 1122 4.2.3.2: delayed, but less than half a second.
Test(tcp_receive, delays_the_ack_of_a_small_segment)
{
    wire_establish(&w, NULL);
    peer_data(&w, "hello", 5);
    cr_expect(eq(u32, w.app.size, 5));
    EXPECT_SILENCE(&w);
    wire_run_ms(&w, 45);
    EXPECT(&w, &s, ACK, w.iss + 1, 1006, 0);
}

Test(tcp_receive, acknowledges_every_second_full_segment_at_once)
{
    wire_establish(&w, NULL);
    peer_data(&w, bytes, 1460);
    EXPECT_SILENCE(&w);
    peer_data(&w, bytes, 1460);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001 + 2920, 0);
}

Test(tcp_receive, lets_the_ack_ride_on_a_reply)
{
    wire_establish(&w, NULL);
    peer_data(&w, "hello", 5);
    app_send(&w, 7);
    EXPECT(&w, &s, ACK | PSH, w.iss + 1, 1006, 7);
    wire_run_ms(&w, 100);
    EXPECT_SILENCE(&w);
}

// RFC 5681 4.2, RFC 2018 4
Test(tcp_receive, reports_a_gap_at_once_and_its_filling_too)
{
    struct tcp_opts o = { .sack_permitted = true };
    wire_establish(&w, &o);
    peer_send(&w, ACK, 1101, w.ack, bytes + 100, 100);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
    cr_expect(eq(u32, s.opts.sack_count, 1));
    cr_expect(eq(u32, s.opts.sack[0].start, 1101));
    cr_expect(eq(u32, s.opts.sack[0].end, 1201));
    peer_send(&w, ACK, 1001, w.ack, bytes, 100);
    EXPECT(&w, &s, ACK, w.iss + 1, 1201, 0);
    cr_expect(eq(u32, s.opts.sack_count, 0));
    cr_expect(eq(u32, w.app.size, 200));
    cr_expect(eq(int, memcmp(w.app.data, bytes, 200), 0));
}

// RFC 2018 4 (a): the first block holds the segment that came last.
Test(tcp_receive, names_the_latest_block_first)
{
    struct tcp_opts o = { .sack_permitted = true };
    wire_establish(&w, &o);
    peer_send(&w, ACK, 1101, w.ack, bytes, 50);
    peer_send(&w, ACK, 1301, w.ack, bytes, 50);
    peer_send(&w, ACK, 1201, w.ack, bytes, 50);
    for (int i = 0; i < 3; i++) cr_assert(peer_take(&w, &s));
    cr_assert(eq(u32, s.opts.sack_count, 3));
    cr_expect(eq(u32, s.opts.sack[0].start, 1201));
    cr_expect(eq(u32, s.opts.sack[1].start, 1101));
    cr_expect(eq(u32, s.opts.sack[2].start, 1301));
}

// RFC 2883 4.1
Test(tcp_receive, reports_a_duplicate_below_the_acknowledgement)
{
    struct tcp_opts o = { .sack_permitted = true };
    wire_establish(&w, &o);
    peer_data(&w, bytes, 100);
    wire_run_ms(&w, 50);
    cr_assert(peer_take(&w, &s));
    peer_send(&w, ACK, 1001, w.ack, bytes, 100);
    EXPECT(&w, &s, ACK, w.iss + 1, 1101, 0);
    cr_assert(eq(u32, s.opts.sack_count, 1));
    cr_expect(eq(u32, s.opts.sack[0].start, 1001));
    cr_expect(eq(u32, s.opts.sack[0].end, 1101));
    cr_expect(eq(u32, w.app.size, 100));
}

Test(tcp_receive, takes_the_new_part_of_an_overlapping_segment)
{
    wire_establish(&w, NULL);
    peer_data(&w, bytes, 100);
    peer_send(&w, ACK, 1051, w.ack, bytes + 50, 100);
    cr_expect(eq(u32, w.app.size, 150));
    cr_expect(eq(int, memcmp(w.app.data, bytes, 150), 0));
}

Test(tcp_receive, puts_overlapping_pieces_together_in_any_order)
{
    wire_establish(&w, NULL);
    peer_send(&w, ACK, 1301, w.ack, bytes + 300, 100);
    peer_send(&w, ACK, 1101, w.ack, bytes + 100, 250);
    peer_send(&w, ACK, 1151, w.ack, bytes + 150, 50);
    peer_send(&w, ACK, 1051, w.ack, bytes + 50, 600);
    peer_send(&w, ACK, 1001, w.ack, bytes, 60);
    cr_expect(eq(u32, w.app.size, 650));
    cr_expect(eq(int, memcmp(w.app.data, bytes, 650), 0));
}

Test(tcp_receive, takes_a_fin_that_came_before_its_data)
{
    wire_establish(&w, NULL);
    peer_send(&w, ACK | FIN, 1101, w.ack, bytes + 100, 10);
    cr_expect(eq(u32, w.app.ended, 0));
    peer_send(&w, ACK, 1001, w.ack, bytes, 100);
    cr_expect(eq(u32, w.app.size, 110));
    cr_expect(eq(u32, w.app.ended, 1));
}

// RFC 9293 3.10.7.4 first: segments beyond the window are not taken.
Test(tcp_receive, cuts_what_lies_beyond_its_window)
{
    struct net_config c;
    wire_close(&w);
    wire_defaults(&c);
    c.receive_buffer_bytes_max = 4096;
    wire_open(&w, &c);
    wire_establish(&w, NULL);
    w.app.stream->ops->pause(w.app.stream, true);
    for (uint32_t i = 0; i < 3; i++) peer_data(&w, bytes, 1400);
    while (peer_take(&w, &s)) {
    }
    cr_expect(eq(u32, s.ack, 1001 + 4096));
    cr_expect(eq(u32, s.window, 0));
    peer_send(&w, ACK, 1001 + 4096, w.ack, bytes, 1);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001 + 4096, 0);
    cr_expect(eq(u32, w.app.size, 0));
}

// RFC 9293 3.8.6.2.2: the window opens by a segment or half the buffer, not byte by byte.
Test(tcp_receive, announces_room_when_a_paused_reader_resumes)
{
    wire_establish(&w, NULL);
    w.app.stream->ops->pause(w.app.stream, true);
    for (uint32_t i = 0; i < 10; i++) peer_data(&w, bytes, 1400);
    while (peer_take(&w, &s)) {
    }
    cr_expect(eq(u32, w.app.size, 0));
    cr_expect(eq(u32, s.window, 65535 - 14000));
    w.app.stream->ops->pause(w.app.stream, false);
    cr_expect(eq(u32, w.app.size, 0), "not inside the call");
    wire_turn(&w);
    cr_expect(eq(u32, w.app.size, 14000));
    EXPECT(&w, &s, ACK, w.iss + 1, 1001 + 14000, 0);
    cr_expect(eq(u32, s.window, 65535));
}

Test(tcp_receive, keeps_small_segments_of_a_paused_stream_in_few_frames)
{
    wire_establish(&w, NULL);
    w.app.stream->ops->pause(w.app.stream, true);
    for (uint32_t i = 0; i < 300; i++) peer_data(&w, bytes + i, 1);
    cr_expect(le(u32, net_frames_held(w.net), 2));
    w.app.stream->ops->pause(w.app.stream, false);
    wire_turn(&w);
    cr_assert(eq(u32, w.app.size, 300));
    cr_expect(eq(int, memcmp(w.app.data, bytes, 300), 0));
}

// ---- what is not believed

TestSuite(tcp_validity, .init = open_wire, .fini = close_wire);

Test(tcp_validity, ends_on_a_reset_at_the_next_number)
{
    wire_establish(&w, NULL);
    peer_send(&w, RST, 1001, 0, NULL, 0);
    cr_expect(eq(u32, w.app.closed, 1));
    cr_expect(eq(int, w.app.reason, STREAM_RESET));
    EXPECT_SILENCE(&w);
}

// RFC 5961 3.2
Test(tcp_validity, challenges_a_reset_elsewhere_in_the_window)
{
    wire_establish(&w, NULL);
    peer_send(&w, RST, 1002, 0, NULL, 0);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
    cr_expect(eq(u32, w.app.closed, 0));
    cr_expect(eq(u64, w.tally.tcp_challenge_acks, 1));
}

Test(tcp_validity, ignores_a_reset_outside_the_window)
{
    wire_establish(&w, NULL);
    peer_send(&w, RST, 900, 0, NULL, 0);
    peer_send(&w, RST, 1001 + 65535, 0, NULL, 0);
    EXPECT_SILENCE(&w);
    cr_expect(eq(u32, w.app.closed, 0));
}

// RFC 5961 4.2: wherever it is.
Test(tcp_validity, challenges_a_syn_on_an_open_connection)
{
    wire_establish(&w, NULL);
    peer_send(&w, SYN, 1001, 0, NULL, 0);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
    peer_send(&w, SYN, 77777777, 0, NULL, 0);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
    cr_expect(eq(u32, w.app.closed, 0));
}

// RFC 5961 5.2
Test(tcp_validity, challenges_acks_of_the_future_and_the_far_past)
{
    wire_establish(&w, NULL);
    peer_send(&w, ACK, 1001, w.iss + 2, "x", 1);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
    peer_send(&w, ACK, 1001, w.iss + 1 - 65536, "x", 1);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
    cr_expect(eq(u32, w.app.size, 0));
    peer_send(&w, ACK, 1001, w.iss + 1 - 65535, "x", 1);
    cr_expect(eq(u32, w.app.size, 1), "just old");
}

// RFC 5961 7
Test(tcp_validity, rations_challenges)
{
    wire_establish(&w, NULL);
    for (uint32_t i = 0; i < 3000; i++) {
        peer_send(&w, RST, 1002, 0, NULL, 0);
        while (peer_take(&w, &s)) {
        }
    }
    cr_expect(ge(u64, w.tally.tcp_challenge_acks, 500));
    cr_expect(le(u64, w.tally.tcp_challenge_acks, 1000));
}

// RFC 9293 3.10.7.4 first: answered, unless it is empty and one was answered just now.
Test(tcp_validity, answers_what_is_outside_the_window)
{
    wire_establish(&w, NULL);
    peer_send(&w, ACK, 900, w.ack, "x", 1);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
    peer_send(&w, ACK, 900, w.ack, NULL, 0);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
    peer_send(&w, ACK, 900, w.ack, NULL, 0);
    EXPECT_SILENCE(&w);
}

Test(tcp_validity, drops_a_segment_without_ack)
{
    wire_establish(&w, NULL);
    peer_send(&w, PSH, 1001, 0, "x", 1);
    cr_expect(eq(u32, w.app.size, 0));
    EXPECT_SILENCE(&w);
}

// RFC 7323 5.3 R1
Test(tcp_validity, drops_a_segment_with_an_older_timestamp)
{
    wire_establish_all(&w);
    w.ts += 10;
    peer_data(&w, "abc", 3);
    wire_run_ms(&w, 50);
    cr_assert(peer_take(&w, &s));
    cr_expect(eq(u32, s.opts.tsecr, w.ts));
    w.ts -= 1;
    peer_send(&w, ACK, w.seq, w.ack, "d", 1);
    EXPECT(&w, &s, ACK, w.iss + 1, 1004, 0);
    cr_expect(eq(u32, w.app.size, 3));
    cr_expect(eq(u64, w.tally.drop_tcp_paws, 1));
}

// RFC 7323 3.2
Test(tcp_validity, drops_a_segment_without_the_timestamp_agreed_upon)
{
    wire_establish_all(&w);
    w.use_ts = false;
    peer_send(&w, ACK, w.seq, w.ack, "d", 1);
    cr_expect(eq(u32, w.app.size, 0));
    peer_send(&w, RST, w.seq, 0, NULL, 0);
    cr_expect(eq(u32, w.app.closed, 1), "a reset may come without");
}

Test(tcp_validity, drops_bad_checksums_and_impossible_headers)
{
    uint8_t h[24] = { 0xc3, 0x50, 0x18, 0xeb, [12] = 0x50, SYN };
    peer_raw(&w, h, 20, false);
    cr_expect(eq(u64, w.tally.drop_l4_checksum, 1));
    h[12] = 0x40; // header shorter than a header
    peer_raw(&w, h, 20, true);
    h[12] = 0x70; // longer than the segment
    peer_raw(&w, h, 24, true);
    peer_raw(&w, h, 12, true);
    cr_expect(eq(u64, w.tally.drop_tcp_header, 3));
    h[12] = 0x60;
    h[20] = 2; // MSS of length 0 (RFC 9293 MUST-7)
    peer_raw(&w, h, 24, true);
    cr_expect(eq(u64, w.tally.drop_tcp_option, 1));
    EXPECT_SILENCE(&w);
}

// ---- sending

TestSuite(tcp_send, .init = open_wire, .fini = close_wire);

static void expect_run(uint32_t from, uint32_t size, uint32_t mss)
{
    for (uint32_t at = 0; at < size; at += mss) {
        uint32_t part = size - at < mss ? size - at : mss;
        cr_assert(peer_take(&w, &s), "byte %u", from + at);
        cr_assert(eq(u32, s.seq, w.iss + 1 + from + at));
        cr_assert(eq(u32, s.size, part));
        for (uint32_t i = 0; i < part; i++) cr_assert(eq(int, s.data[i], app_byte(from + at + i)));
    }
}

// RFC 6928 2: ten segments at first.
Test(tcp_send, begins_with_the_initial_window)
{
    wire_establish(&w, NULL);
    app_send(&w, 30000);
    expect_run(0, 14600, 1460);
    EXPECT_SILENCE(&w);
    peer_ack(&w);
    expect_run(14600, 15400, 1460);
    EXPECT_SILENCE(&w);
}

// RFC 9293 3.7.1 MUST-15, MUST-16
Test(tcp_send, keeps_to_the_default_segment_size_without_an_option)
{
    struct tcp_opts none = { .sack_permitted = true };
    wire_establish(&w, &none);
    app_send(&w, 1500);
    expect_run(0, 1500, 536);
}

// RFC 6691 and 7323 3.2: timestamps come off the payload.
Test(tcp_send, takes_timestamps_off_the_segment_size)
{
    wire_establish_all(&w);
    app_send(&w, 3000);
    expect_run(0, 3000, 1448);
}

Test(tcp_send, scales_the_windows_of_the_peer)
{
    w.window = 100;
    wire_establish_all(&w); // times 128
    app_send(&w, 20000);
    uint32_t sum = 0;
    while (peer_take(&w, &s)) sum += s.size;
    cr_expect(eq(u32, sum, 12800 / 1448 * 1448));
}

Test(tcp_send, stops_at_a_window_that_closes_and_goes_on_when_it_opens)
{
    w.window = 1460;
    wire_establish(&w, NULL);
    app_send(&w, 4000);
    expect_run(0, 1460, 1460);
    EXPECT_SILENCE(&w);
    w.window = 0;
    peer_ack(&w);
    EXPECT_SILENCE(&w);
    w.window = 3000;
    peer_ack(&w);
    expect_run(1460, 2540, 1460);
}

// RFC 9293 3.8.6.1: probes, ever further apart, as long as they are answered.
Test(tcp_send, probes_a_closed_window_with_back_off)
{
    wire_establish(&w, NULL);
    w.window = 0;
    peer_ack(&w);
    app_send(&w, 100);
    EXPECT_SILENCE(&w);
    uint64_t gaps[4], last = w.now_ns;
    for (uint32_t i = 0; i < 4; i++) {
        while (!peer_take(&w, &s)) wire_run_ms(&w, 10);
        cr_assert(eq(u32, s.seq, w.iss + 1));
        cr_assert(eq(u32, s.size, 1));
        gaps[i] = (w.now_ns - last) / 1000000;
        last = w.now_ns;
        w.ack = w.iss + 1; // the byte is not taken
        peer_ack(&w);
    }
    for (uint32_t i = 1; i < 4; i++) cr_expect(ge(u64, gaps[i], gaps[i - 1] * 3 / 2));
    cr_expect(ge(u64, w.tally.tcp_zero_window_probes, 4));
    w.window = 1000;
    peer_ack(&w);
    EXPECT(&w, &s, ACK | PSH, w.iss + 1, 1001, 100);
}

// RFC 9293 3.8.6.1: a peer that answers probes is never given up; a silent one is.
Test(tcp_send, gives_up_a_closed_window_only_when_nobody_answers)
{
    wire_establish(&w, NULL);
    w.window = 0;
    peer_ack(&w);
    app_send(&w, 100);
    for (uint32_t i = 0; i < 300; i++) {
        wire_run_ms(&w, 1000);
        if (!peer_take(&w, &s)) continue;
        w.ack = w.iss + 1;
        peer_ack(&w);
    }
    cr_expect(eq(u32, w.app.closed, 0));
    wire_run_ms(&w, 400000);
    cr_expect(eq(int, w.app.reason, STREAM_TIMED_OUT));
    cr_expect(eq(u32, w.app.closed, 1));
}

// RFC 9293 3.8.6.2.1: the window may shrink; what is beyond is not sent, what was sent is kept.
Test(tcp_send, survives_a_window_that_shrinks)
{
    w.window = 5000;
    wire_establish(&w, NULL);
    app_send(&w, 10000);
    expect_run(0, 4380, 1460);
    w.window = 100;
    peer_send(&w, ACK, w.seq, w.iss + 1 + 1460, NULL, 0);
    wire_run_ms(&w, 100);
    EXPECT_SILENCE(&w);
    w.window = 20000;
    peer_send(&w, ACK, w.seq, w.iss + 1 + 4380, NULL, 0);
    expect_run(4380, 5620, 1460);
}

// RFC 1122 4.2.3.4: no dribbling into a small window.
Test(tcp_send, does_not_send_silly_segments)
{
    wire_establish(&w, NULL);
    w.window = 500;
    peer_ack(&w);
    app_send(&w, 5000);
    EXPECT_SILENCE(&w);
    wire_run_ms(&w, 1100); // the override timer
    cr_assert(peer_take(&w, &s));
    cr_expect(eq(u32, s.size, 500));
}

// The same rule does not hold back what was sent before the window became small.
Test(tcp_send, retransmits_into_a_small_window)
{
    wire_establish(&w, NULL);
    app_send(&w, 1460);
    expect_run(0, 1460, 1460);
    w.window = 400;
    peer_send(&w, ACK, w.seq, w.iss + 1, NULL, 0);
    wire_run_ms(&w, 250);
    cr_assert(peer_take(&w, &s));
    cr_expect(eq(u32, s.seq, w.iss + 1));
    cr_expect(eq(u32, s.size, 400));
}

Test(tcp_send, tells_when_all_is_acknowledged)
{
    wire_establish(&w, NULL);
    app_send(&w, 2000);
    expect_run(0, 2000, 1460);
    peer_send(&w, ACK, w.seq, w.ack - 1, NULL, 0);
    cr_expect(eq(u32, w.app.drained, 0));
    cr_expect(eq(u64, w.app.stream->ops->pending(w.app.stream), 1));
    peer_ack(&w);
    cr_expect(eq(u32, w.app.drained, 1));
    cr_expect(eq(u64, w.app.stream->ops->pending(w.app.stream), 0));
}

// ---- loss

TestSuite(tcp_loss, .init = open_wire, .fini = close_wire);

// RFC 6298 5.4 and 5.5; R2 of RFC 1122 4.2.3.5 is at least 100 seconds.
Test(tcp_loss, retransmits_with_back_off_and_gives_up)
{
    wire_establish(&w, NULL);
    app_send(&w, 100);
    EXPECT(&w, &s, ACK | PSH, w.iss + 1, 1001, 100);
    uint64_t start = w.now_ns, last = start, gap = 0;
    for (uint32_t i = 0; i < 6; i++) {
        while (!peer_take(&w, &s)) wire_run_ms(&w, 5);
        cr_assert(eq(u32, s.seq, w.iss + 1));
        cr_assert(eq(u32, s.size, 100));
        if (i > 0) cr_expect(ge(u64, w.now_ns - last, gap * 19 / 10));
        gap = w.now_ns - last;
        last = w.now_ns;
    }
    while (!w.app.closed) wire_run_ms(&w, 100);
    cr_expect(eq(int, w.app.reason, STREAM_TIMED_OUT));
    cr_expect(ge(u64, w.now_ns - start, 100000000000ull));
}

// RFC 6298 3, Karn: the answer to a retransmission is no sample.
Test(tcp_loss, waits_for_the_minimum_timeout_of_the_configuration)
{
    wire_establish(&w, NULL);
    app_send(&w, 10); // a round trip of nothing
    cr_assert(peer_take(&w, &s));
    peer_ack(&w);
    app_send(&w, 10);
    cr_assert(peer_take(&w, &s));
    wire_run_ms(&w, 199);
    EXPECT_SILENCE(&w);
    wire_run_ms(&w, 3);
    EXPECT(&w, &s, ACK | PSH, w.iss + 11, 1001, 10);
}

static void send_ten(const struct tcp_opts *o)
{
    wire_establish(&w, o);
    app_send(&w, 30000);
    for (uint32_t i = 0; i < 10; i++) cr_assert(peer_take(&w, &s));
    w.ack = w.iss + 1;
    EXPECT_SILENCE(&w);
}

// RFC 5681 3.2, RFC 3042: two duplicates let two new segments out, the third retransmits.
Test(tcp_loss, retransmits_after_three_duplicates)
{
    send_ten(NULL);
    peer_ack(&w);
    EXPECT(&w, &s, ACK, w.iss + 1 + 14600, 1001, 1460);
    w.ack = w.iss + 1;
    peer_ack(&w);
    EXPECT(&w, &s, ACK, w.iss + 1 + 16060, 1001, 1460);
    w.ack = w.iss + 1;
    peer_ack(&w);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 1460);
    cr_expect(eq(u64, w.tally.tcp_fast_retransmits, 1));
}

// RFC 6582 3.2 step 3: a partial ACK shows the next hole.
Test(tcp_loss, repairs_one_hole_per_partial_ack_without_sack)
{
    send_ten(NULL);
    for (uint32_t i = 0; i < 3; i++) {
        w.ack = w.iss + 1;
        peer_ack(&w);
    }
    while (peer_take(&w, &s)) {
    }
    peer_send(&w, ACK, w.seq, w.iss + 1 + 2920, NULL, 0);
    cr_assert(peer_take(&w, &s));
    cr_expect(eq(u32, s.seq, w.iss + 1 + 2920));
    cr_expect(eq(u64, w.tally.tcp_fast_retransmits, 1), "the same recovery");
}

static void peer_sack(uint32_t ack, uint32_t from, uint32_t to)
{
    w.next_opts = (struct tcp_opts){ .sack_count = 1 };
    w.next_opts.sack[0] = (struct tcp_range){ w.iss + 1 + from, w.iss + 1 + to };
    peer_send(&w, ACK, w.seq, w.iss + 1 + ack, NULL, 0);
}

// RFC 6675 5: what is SACKed is not sent again.
Test(tcp_loss, retransmits_only_the_holes_that_sack_shows)
{
    struct tcp_opts o = { .has_mss = true, .mss_bytes = 1460, .sack_permitted = true };
    bool seen[30] = { false };
    send_ten(&o);
    peer_sack(0, 1460, 4380); // lost: 0 and 3
    peer_sack(0, 1460, 4380); // nothing new: no duplicate
    peer_sack(0, 5840, 7300);
    peer_sack(0, 5840, 10220);
    peer_sack(0, 5840, 14600);
    while (peer_take(&w, &s)) seen[(s.seq - w.iss - 1) / 1460] = true;
    cr_expect(seen[0]);
    cr_expect(seen[3]);
    for (uint32_t i = 1; i < 10; i++)
        if (i != 3) cr_expect(not(seen[i]), "segment %u", i);
    cr_expect(eq(u64, w.tally.tcp_fast_retransmits, 1));
    cr_expect(eq(u64, w.tally.tcp_retransmits, 2));
}

// RFC 6675 4, NextSeg rule 4: the tail goes again once, without waiting for the timer.
Test(tcp_loss, rescues_the_tail_once_per_recovery)
{
    struct tcp_opts o = { .has_mss = true, .mss_bytes = 1460, .sack_permitted = true };
    uint32_t tail = 0;
    wire_establish(&w, &o);
    app_send(&w, 14600);
    for (uint32_t i = 0; i < 10; i++) cr_assert(peer_take(&w, &s));
    peer_sack(0, 1460, 2920);
    peer_sack(0, 1460, 4380);
    peer_sack(0, 1460, 13140); // lost: the first and the last
    while (peer_take(&w, &s)) tail += s.seq == w.iss + 1 + 13140;
    cr_expect(eq(u32, tail, 1));
    cr_expect(eq(u64, w.tally.tcp_timeouts, 0));
    cr_expect(eq(u64, w.tally.tcp_retransmits, 2));
}

static uint32_t count_taken(uint32_t offset)
{
    uint32_t count = 0;
    while (peer_take(&w, &s)) count += s.seq == w.iss + 1 + offset;
    return count;
}

// Three segments sent after a retransmission tell that it is lost, as three tell of a first loss.
Test(tcp_loss, retransmits_a_lost_retransmission_without_the_timer)
{
    struct tcp_opts o = { .has_mss = true, .mss_bytes = 1460, .sack_permitted = true };
    send_ten(&o);
    peer_sack(0, 1460, 14600);
    cr_expect(eq(u32, count_taken(0), 1));
    peer_sack(0, 1460, 17520); // two segments, and it may still be on its way
    cr_expect(eq(u32, count_taken(0), 0));
    peer_sack(0, 1460, 18980);
    cr_expect(eq(u32, count_taken(0), 1));
    peer_sack(0, 1460, 20440); // what left after the third try is not yet reported
    cr_expect(eq(u32, count_taken(0), 0));
    cr_expect(eq(u64, w.tally.tcp_timeouts, 0));
    cr_expect(eq(u64, w.tally.tcp_retransmits, 2));
}

Test(tcp_loss, retransmits_what_a_timeout_sent_in_vain)
{
    struct tcp_opts o = { .has_mss = true, .mss_bytes = 1460, .sack_permitted = true };
    send_ten(&o);
    wire_run_ms(&w, 250);
    cr_expect(eq(u32, count_taken(0), 1));
    peer_sack(0, 1460, 14600); // known before the timeout: proves nothing
    cr_expect(eq(u32, count_taken(0), 0));
    for (uint32_t end = 16060; end <= 18980; end += 1460) {
        cr_expect(eq(u64, w.tally.tcp_retransmits, 1));
        peer_sack(0, 1460, end);
    }
    cr_expect(eq(u32, count_taken(0), 1));
    cr_expect(eq(u64, w.tally.tcp_timeouts, 1));
}

// RFC 2883 5: a D-SACK below the acknowledgement is no loss and no duplicate ACK.
Test(tcp_loss, is_not_moved_by_duplicate_reports)
{
    struct tcp_opts o = { .has_mss = true, .mss_bytes = 1460, .sack_permitted = true };
    send_ten(&o);
    peer_send(&w, ACK, w.seq, w.iss + 1 + 2920, NULL, 0);
    for (uint32_t i = 0; i < 5; i++) peer_sack(2920, 0, 1460);
    while (peer_take(&w, &s)) cr_expect(ge(u32, s.seq - w.iss - 1, 14600));
    cr_expect(eq(u64, w.tally.tcp_fast_retransmits, 0));
}

Test(tcp_loss, does_not_believe_reports_of_what_was_never_sent)
{
    struct tcp_opts o = { .has_mss = true, .mss_bytes = 1460, .sack_permitted = true };
    send_ten(&o);
    peer_sack(0, 100000, 200000);
    peer_sack(0, 14600, 14601);
    peer_sack(0, 5000, 4000);
    EXPECT_SILENCE(&w);
    cr_expect(eq(u64, w.tally.tcp_fast_retransmits, 0));
}

// RFC 5681 3.1: one segment after a timeout, then slow start over what was lost.
Test(tcp_loss, begins_again_with_one_segment_after_a_timeout)
{
    send_ten(NULL);
    wire_run_ms(&w, 250);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 1460);
    EXPECT_SILENCE(&w);
    peer_ack(&w);
    EXPECT(&w, &s, ACK, w.iss + 1 + 1460, 1001, 1460);
    EXPECT(&w, &s, ACK, w.iss + 1 + 2920, 1001, 1460);
    EXPECT_SILENCE(&w);
}

// RFC 1191 6.5, RFC 5927 4: smaller segments, and only for what is in flight.
Test(tcp_loss, sends_smaller_segments_on_a_narrower_path)
{
    static const uint8_t local[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };
    static const uint8_t remote[16] = { [10] = 0xff, 0xff, 10, 0, 0, 2 };
    wire_establish(&w, NULL);
    app_send(&w, 2920);
    expect_run(0, 2920, 1460);
    tcp_path_mtu(w.net, local, WIRE_PORT, remote, WIRE_PEER_PORT, w.iss + 5000, 1000);
    wire_turn(&w);
    EXPECT_SILENCE(&w);
    tcp_path_mtu(w.net, local, WIRE_PORT, remote, WIRE_PEER_PORT, w.iss + 1, 1000);
    wire_turn(&w);
    expect_run(0, 2920, 960);
}
