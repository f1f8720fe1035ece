// Opening, refusing, half-open connections and SYN cookies.
#include <string.h>
#include "tests/wire/wire.h"

static struct wire w;
static struct seg s;

static void open_wire(void) { wire_open(&w, NULL); }
static void close_wire(void) { wire_close(&w); }
TestSuite(tcp_open, .init = open_wire, .fini = close_wire);

// RFC 7323 2.2 and 3.2, RFC 2018 2: options only when the SYN had them; a SYN's window unscaled.
Test(tcp_open, answers_a_syn_with_the_options_it_offered)
{
    w.use_ts = true;
    w.next_opts = (struct tcp_opts){
        .has_mss = true, .mss_bytes = 1460, .has_wscale = true, .wscale = 7, .sack_permitted = true
    };
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    cr_expect(eq(int, s.flags, SYN | ACK));
    cr_expect(eq(u32, s.ack, 1001));
    cr_expect(eq(u32, s.opts.mss_bytes, 1460));
    cr_expect(s.opts.has_wscale);
    cr_expect(s.opts.sack_permitted);
    cr_expect(s.opts.has_ts);
    cr_expect(eq(u32, s.opts.tsecr, w.ts));
    cr_expect(eq(u32, s.window, 65535));
    cr_expect(eq(u32, w.app.opened, 0), "not before the last ACK");
}

Test(tcp_open, offers_no_option_that_the_syn_did_not)
{
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    cr_expect(s.opts.has_mss);
    cr_expect(not(s.opts.has_wscale));
    cr_expect(not(s.opts.sack_permitted));
    cr_expect(not(s.opts.has_ts));
}

Test(tcp_open, is_established_by_the_last_ack)
{
    wire_establish(&w, NULL);
    cr_expect(eq(u32, w.app.stream->remote.port, WIRE_PEER_PORT));
    cr_expect(eq(u32, w.app.stream->local.port, WIRE_PORT));
    cr_expect(eq(u64, w.tally.tcp_accepted, 1));
}

// RFC 9293 3.10.7.4: the segment that completes the handshake may carry data and FIN.
Test(tcp_open, takes_data_and_fin_with_the_last_ack)
{
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    peer_send(&w, ACK | FIN, 1001, s.seq + 1, "hello", 5);
    cr_expect(eq(u32, w.app.size, 5));
    cr_expect(eq(u32, w.app.ended, 1));
    EXPECT(&w, &s, ACK, s.seq + 1, 1007, 0);
}

// RFC 9293 3.10.7.1
Test(tcp_open, resets_a_syn_to_a_closed_port)
{
    uint8_t syn[20] = { 0xc3, 0x50, 0x00, 0x63, 0, 0, 3, 0xe8, [12] = 0x50, SYN, 0xff, 0xff };
    peer_raw(&w, syn, 20, true);
    EXPECT(&w, &s, RST | ACK, 0, 1001, 0);
}

Test(tcp_open, resets_an_ack_to_a_closed_port_at_its_own_number)
{
    uint8_t ack[20] = { 0xc3, 0x50, 0x00, 0x63, 0, 0, 3, 0xe8, 0, 0, 0, 77, 0x50, ACK, 0xff, 0xff };
    peer_raw(&w, ack, 20, true);
    EXPECT(&w, &s, RST, 77, 0, 0);
}

Test(tcp_open, is_silent_to_a_reset_for_nothing)
{
    uint8_t rst[20] = { 0xc3, 0x50, 0x00, 0x63, 0, 0, 3, 0xe8, [12] = 0x50, RST };
    peer_raw(&w, rst, 20, true);
    peer_send(&w, RST, 1, 0, NULL, 0);
    EXPECT_SILENCE(&w);
}

// RFC 9293 3.10.7.2 second
Test(tcp_open, resets_an_ack_to_a_listening_port)
{
    peer_send(&w, ACK, 5, 99, NULL, 0);
    EXPECT(&w, &s, RST, 99, 0, 0);
}

// RFC 9293 3.5.3: back to LISTEN, and nobody is told.
Test(tcp_open, forgets_a_half_open_connection_that_is_reset)
{
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    cr_expect(eq(u32, net_connection_count(w.net), 1));
    peer_send(&w, RST, 1001, 0, NULL, 0);
    cr_expect(eq(u32, net_connection_count(w.net), 0));
    cr_expect(eq(u32, w.app.closed, 0));
    EXPECT_SILENCE(&w);
}

Test(tcp_open, repeats_its_syn_ack_when_the_syn_comes_again)
{
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    uint32_t iss = s.seq;
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    EXPECT(&w, &s, SYN | ACK, iss, 1001, 0);
}

// RFC 6298 2.1 and 5.5: one second, then twice as long each time.
Test(tcp_open, repeats_its_syn_ack_with_back_off_and_gives_up)
{
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    uint32_t iss = s.seq;
    wire_run_ms(&w, 900);
    EXPECT_SILENCE(&w);
    wire_run_ms(&w, 150);
    EXPECT(&w, &s, SYN | ACK, iss, 1001, 0);
    wire_run_ms(&w, 1800);
    EXPECT_SILENCE(&w);
    wire_run_ms(&w, 300);
    EXPECT(&w, &s, SYN | ACK, iss, 1001, 0);
    wire_run_ms(&w, 200000);
    uint32_t count = 0;
    while (peer_take(&w, &s)) count++;
    cr_expect(eq(u32, count, 3));
    cr_expect(eq(u32, net_connection_count(w.net), 0));
}

// RFC 9293 3.10.7.4 fifth, SYN-RECEIVED
Test(tcp_open, resets_a_wrong_ack_of_its_syn)
{
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    uint32_t iss = s.seq;
    peer_send(&w, ACK, 1001, iss + 2, NULL, 0);
    EXPECT(&w, &s, RST, iss + 2, 0, 0);
    peer_send(&w, ACK, 1001, iss + 1, NULL, 0);
    cr_expect(eq(u32, w.app.opened, 1), "the connection lives");
}

Test(tcp_open, resets_a_connection_that_the_application_refuses)
{
    w.app.refuse = true;
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    uint32_t iss = s.seq;
    peer_send(&w, ACK, 1001, iss + 1, NULL, 0);
    EXPECT(&w, &s, RST | ACK, iss + 1, 1001, 0);
    cr_expect(eq(u32, w.app.closed, 0), "no other call");
    cr_expect(eq(u32, net_connection_count(w.net), 0));
}

// ---- active open

static void connect_to_peer(void)
{
    struct net_addr remote = { .ip = { [10] = 0xff, 0xff, 10, 0, 0, 2 }, .port = WIRE_PEER_PORT };
    cr_assert(eq(int, net_connect(w.net, &remote, WIRE_PORT, NULL, w.now_ns, &w.app.stream), OK));
    wire_turn(&w);
    cr_assert(peer_take(&w, &s));
    w.iss = s.seq;
    cr_assert(eq(int, s.flags, SYN));
}

Test(tcp_open, opens_actively_with_every_option)
{
    connect_to_peer();
    cr_expect(s.opts.has_mss && s.opts.has_wscale && s.opts.has_ts && s.opts.sack_permitted);
    peer_send(&w, SYN | ACK, 1000, w.iss + 1, NULL, 0);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
    cr_expect(eq(u32, w.app.opened, 1));
    cr_expect(not(s.opts.has_ts), "the peer did not agree");
}

Test(tcp_open, is_refused_by_a_reset_that_acknowledges_its_syn)
{
    connect_to_peer();
    peer_send(&w, RST, 0, 0, NULL, 0);
    cr_expect(eq(u32, w.app.closed, 0), "RFC 9293 3.10.7.3: without ACK it proves nothing");
    peer_send(&w, RST | ACK, 0, w.iss + 1, NULL, 0);
    cr_expect(eq(u32, w.app.closed, 1));
    cr_expect(eq(int, w.app.reason, STREAM_REFUSED));
}

Test(tcp_open, resets_a_syn_ack_for_another_syn)
{
    connect_to_peer();
    peer_send(&w, SYN | ACK, 1000, w.iss + 5, NULL, 0);
    EXPECT(&w, &s, RST, w.iss + 5, 0, 0);
    cr_expect(eq(u32, w.app.closed, 0));
    peer_send(&w, SYN | ACK, 1000, w.iss + 1, NULL, 0);
    cr_expect(eq(u32, w.app.opened, 1));
}

Test(tcp_open, gives_up_opening_after_the_configured_time)
{
    connect_to_peer();
    wire_run_ms(&w, 29900);
    cr_expect(eq(u32, w.app.closed, 0));
    wire_run_ms(&w, 200);
    cr_expect(eq(int, w.app.reason, STREAM_TIMED_OUT));
    cr_expect(eq(u32, w.app.closed, 1));
}

// RFC 9293 3.5 figure 8
Test(tcp_open, survives_a_simultaneous_open)
{
    connect_to_peer();
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    EXPECT(&w, &s, SYN | ACK, w.iss, 1001, 0);
    peer_send(&w, SYN | ACK, 1000, w.iss + 1, NULL, 0);
    cr_expect(eq(u32, w.app.opened, 1));
    w.seq = 1001;
    w.ack = w.iss + 1;
    peer_data(&w, "abc", 3);
    cr_expect(eq(u32, w.app.size, 3));
}

// RFC 6056
Test(tcp_open, picks_another_port_for_each_connection)
{
    struct net_addr remote = { .ip = { [10] = 0xff, 0xff, 10, 0, 0, 2 }, .port = 7000 };
    struct stream *a, *b;
    cr_assert(eq(int, net_connect(w.net, &remote, 0, NULL, w.now_ns, &a), OK));
    cr_assert(eq(int, net_connect(w.net, &remote, 0, NULL, w.now_ns, &b), OK));
    cr_expect(ne(u32, a->local.port, b->local.port));
    cr_expect(ge(u32, a->local.port, 32768));
}

Test(tcp_open, is_silent_when_the_table_is_full)
{
    for (uint16_t i = 0; i < 16; i++) {
        w.port = (uint16_t)(2000 + i);
        peer_send(&w, SYN, 1000, 0, NULL, 0);
        cr_assert(peer_take(&w, &s));
    }
    w.port = 3000;
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    EXPECT_SILENCE(&w);
    cr_expect(eq(u64, w.tally.drop_tcp_memory, 1));
}

// RFC 6528 section 3: numbers of one tuple grow with time, those of two tuples are unrelated.
Test(tcp_open, chooses_unrelated_initial_numbers)
{
    uint32_t isn[2];
    for (uint16_t i = 0; i < 2; i++) {
        w.port = (uint16_t)(2000 + i);
        peer_send(&w, SYN, 1000, 0, NULL, 0);
        cr_assert(peer_take(&w, &s));
        isn[i] = s.seq;
    }
    uint32_t distance = isn[1] - isn[0];
    cr_expect(distance > 100000 && distance < 0u - 100000);
}

// ---- SYN cookies (RFC 4987 3.6)

static void open_with_cookies(void)
{
    struct net_config c;
    wire_defaults(&c);
    c.syn_backlog_max = 0;
    c.receive_buffer_bytes_max = 1 << 20;
    wire_open(&w, &c);
}
TestSuite(tcp_cookie, .init = open_with_cookies, .fini = close_wire);

Test(tcp_cookie, keeps_nothing_for_a_syn_beyond_the_backlog)
{
    for (uint16_t i = 0; i < 100; i++) {
        w.port = (uint16_t)(2000 + i);
        peer_send(&w, SYN, 1000, 0, NULL, 0);
        cr_assert(peer_take(&w, &s));
        cr_assert(eq(int, s.flags, SYN | ACK));
    }
    cr_expect(eq(u32, net_connection_count(w.net), 0));
    cr_expect(eq(u64, w.tally.tcp_syn_cookies_sent, 100));
}

Test(tcp_cookie, opens_a_connection_when_the_cookie_comes_back)
{
    wire_establish(&w, NULL);
    peer_data(&w, "abc", 3);
    cr_expect(eq(u32, w.app.size, 3));
    cr_expect(eq(u64, w.tally.tcp_syn_cookies_ok, 1));
}

Test(tcp_cookie, remembers_mss_scale_and_sack_through_the_echo)
{
    struct tcp_opts o = {
        .has_mss = true, .mss_bytes = 1220, .has_wscale = true, .wscale = 5, .sack_permitted = true
    };
    w.use_ts = true;
    w.window = 200; // times 32 when the scale is known
    wire_establish(&w, &o);
    app_send(&w, 6000);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 1208);
    EXPECT(&w, &s, ACK, w.iss + 1209, 1001, 1208);
    peer_send(&w, ACK, w.seq + 10, w.iss + 1, "later", 5);
    while (peer_take(&w, &s) && s.size) {
    }
    cr_expect(eq(u32, s.opts.sack_count, 1));
}

Test(tcp_cookie, refuses_a_cookie_that_was_not_sent)
{
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    for (uint32_t bit = 0; bit < 32; bit++)
        peer_send(&w, ACK, 1001, (s.seq + 1) ^ (1u << bit), NULL, 0);
    w.port++; // another tuple
    peer_send(&w, ACK, 1001, s.seq + 1, NULL, 0);
    cr_expect(eq(u32, w.app.opened, 0));
}

Test(tcp_cookie, refuses_a_cookie_of_minutes_ago)
{
    peer_send(&w, SYN, 1000, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    uint32_t iss = s.seq;
    wire_run_ms(&w, 200000);
    peer_send(&w, ACK, 1001, iss + 1, NULL, 0);
    EXPECT(&w, &s, RST, iss + 1, 0, 0);
    cr_expect(eq(u32, w.app.opened, 0));
}
