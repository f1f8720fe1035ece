// Closing: FIN both ways, half close, TIME_WAIT, aborts, keepalive.
#include <string.h>
#include "tests/wire/wire.h"

static struct wire w;
static struct seg s;

static void open_wire(void) { wire_open(&w, NULL); }
static void close_wire(void) { wire_close(&w); }
TestSuite(tcp_close, .init = open_wire, .fini = close_wire);

static void app_close(void)
{
    w.app.stream->ops->close(w.app.stream);
    wire_turn(&w);
}

// RFC 9293 3.6 case 2
Test(tcp_close, follows_a_peer_that_closes)
{
    wire_establish(&w, NULL);
    peer_send(&w, ACK | FIN, w.seq++, w.ack, NULL, 0);
    cr_expect(eq(u32, w.app.ended, 1));
    EXPECT(&w, &s, ACK, w.iss + 1, 1002, 0);
    app_send(&w, 10); // CLOSE_WAIT still sends
    EXPECT(&w, &s, ACK | PSH, w.iss + 1, 1002, 10);
    app_close();
    EXPECT(&w, &s, ACK | FIN, w.iss + 11, 1002, 0);
    cr_expect(eq(u32, w.app.closed, 0));
    peer_ack(&w);
    cr_expect(eq(u32, w.app.closed, 1));
    cr_expect(eq(int, w.app.reason, STREAM_CLOSED_BY_PEER));
    cr_expect(eq(u32, net_connection_count(w.net), 0));
}

// RFC 9293 3.6 case 1 and figure 12
Test(tcp_close, waits_after_closing_first)
{
    wire_establish(&w, NULL);
    app_close();
    EXPECT(&w, &s, ACK | FIN, w.iss + 1, 1001, 0);
    peer_ack(&w);
    peer_send(&w, ACK | FIN, w.seq, w.ack, NULL, 0);
    EXPECT(&w, &s, ACK, w.iss + 2, 1002, 0);
    cr_expect(eq(u32, w.app.closed, 1));
    cr_expect(eq(int, w.app.reason, STREAM_CLOSED_LOCALLY));
    peer_send(&w, ACK | FIN, w.seq, w.ack, NULL, 0); // our ACK was lost
    EXPECT(&w, &s, ACK, w.iss + 2, 1002, 0);
}

Test(tcp_close, puts_the_fin_on_the_last_bytes)
{
    wire_establish(&w, NULL);
    uint8_t *at = outq_reserve(&w.app.stream->out, 5);
    memcpy(at, "reply", 5);
    outq_commit(&w.app.stream->out, 5);
    app_close();
    EXPECT(&w, &s, ACK | PSH | FIN, w.iss + 1, 1001, 5);
}

// RFC 9293 figure 13
Test(tcp_close, survives_a_simultaneous_close)
{
    wire_establish(&w, NULL);
    app_close();
    EXPECT(&w, &s, ACK | FIN, w.iss + 1, 1001, 0);
    peer_send(&w, ACK | FIN, 1001, w.iss + 1, NULL, 0);
    EXPECT(&w, &s, ACK, w.iss + 2, 1002, 0);
    cr_expect(eq(u32, w.app.closed, 0));
    peer_send(&w, ACK, 1002, w.iss + 2, NULL, 0);
    cr_expect(eq(u32, w.app.closed, 1));
}

Test(tcp_close, takes_data_after_half_closing)
{
    wire_establish(&w, NULL);
    net_shutdown(w.app.stream);
    wire_turn(&w);
    EXPECT(&w, &s, ACK | FIN, w.iss + 1, 1001, 0);
    peer_ack(&w);
    peer_data(&w, "still here", 10);
    cr_expect(eq(u32, w.app.size, 10));
    peer_send(&w, ACK | FIN, w.seq, w.ack, NULL, 0);
    cr_expect(eq(u32, w.app.ended, 1));
    cr_expect(eq(u32, w.app.closed, 1));
}

Test(tcp_close, throws_away_what_arrives_after_close)
{
    wire_establish(&w, NULL);
    app_close();
    EXPECT(&w, &s, ACK | FIN, w.iss + 1, 1001, 0);
    peer_data(&w, "too late", 8);
    wire_run_ms(&w, 50);
    EXPECT(&w, &s, ACK, w.iss + 2, 1009, 0);
    cr_expect(eq(u32, w.app.size, 0));
}

Test(tcp_close, retransmits_its_fin)
{
    wire_establish(&w, NULL);
    app_close();
    EXPECT(&w, &s, ACK | FIN, w.iss + 1, 1001, 0);
    wire_run_ms(&w, 1100);
    EXPECT(&w, &s, ACK | FIN, w.iss + 1, 1001, 0);
}

Test(tcp_close, leaves_a_peer_that_never_closes_after_a_minute)
{
    wire_establish(&w, NULL);
    app_close();
    cr_assert(peer_take(&w, &s));
    peer_ack(&w);
    wire_run_ms(&w, 59000);
    cr_expect(eq(u32, w.app.closed, 0));
    wire_run_ms(&w, 2000);
    cr_expect(eq(u32, w.app.closed, 1));
}

Test(tcp_close, tells_the_end_after_the_paused_bytes)
{
    wire_establish(&w, NULL);
    w.app.stream->ops->pause(w.app.stream, true);
    peer_data(&w, "abc", 3);
    peer_send(&w, ACK | FIN, w.seq++, w.ack, NULL, 0);
    cr_expect(eq(u32, w.app.size + w.app.ended, 0));
    w.app.stream->ops->pause(w.app.stream, false);
    wire_turn(&w);
    cr_expect(eq(u32, w.app.size, 3));
    cr_expect(eq(u32, w.app.ended, 1));
}

// ---- TIME_WAIT

static void into_time_wait(void)
{
    app_close();
    cr_assert(peer_take(&w, &s));
    peer_ack(&w);
    peer_send(&w, ACK | FIN, w.seq++, w.ack, NULL, 0);
    cr_assert(peer_take(&w, &s));
    cr_assert(eq(u32, w.app.closed, 1));
}

// RFC 1337
Test(tcp_close, ignores_a_reset_in_time_wait)
{
    wire_establish(&w, NULL);
    into_time_wait();
    peer_send(&w, RST, w.seq, 0, NULL, 0);
    peer_send(&w, ACK, w.seq, w.ack, "x", 1);
    EXPECT(&w, &s, ACK, w.ack, w.seq, 0);
}

Test(tcp_close, forgets_time_wait_after_a_minute)
{
    wire_establish(&w, NULL);
    into_time_wait();
    wire_run_ms(&w, 61000);
    peer_send(&w, ACK, w.seq, w.ack, "x", 1);
    EXPECT(&w, &s, RST, w.ack, 0, 0);
}

// RFC 1122 4.2.2.13: a higher number begins anew, and ours is beyond the old ones.
Test(tcp_close, reuses_a_tuple_in_time_wait_for_a_later_syn)
{
    wire_establish(&w, NULL);
    into_time_wait();
    uint32_t old = w.ack;
    w.next_opts = (struct tcp_opts){ .has_mss = true, .mss_bytes = 1460 };
    peer_send(&w, SYN, w.seq + 1, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    cr_expect(eq(int, s.flags, SYN | ACK));
    bool is_later = (int32_t)(s.seq - old) > 0;
    cr_expect(is_later);
}

Test(tcp_close, answers_an_old_syn_in_time_wait_with_an_ack)
{
    wire_establish(&w, NULL);
    into_time_wait();
    peer_send(&w, SYN, WIRE_ISN, 0, NULL, 0);
    EXPECT(&w, &s, ACK, w.ack, w.seq, 0);
}

// RFC 6191 2: a later timestamp decides, whatever the number.
Test(tcp_close, reuses_a_tuple_for_a_later_timestamp)
{
    wire_establish_all(&w);
    into_time_wait();
    peer_send(&w, SYN, 7, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    cr_expect(eq(int, s.flags, ACK), "not later");
    w.ts++;
    peer_send(&w, SYN, 7, 0, NULL, 0);
    cr_assert(peer_take(&w, &s));
    cr_expect(eq(int, s.flags, SYN | ACK));
}

Test(tcp_close, drops_the_oldest_when_too_many_wait)
{
    for (uint16_t i = 0; i < 5; i++) {
        w.port = (uint16_t)(3000 + i);
        w.app.closed = 0;
        wire_establish(&w, NULL);
        into_time_wait();
    }
    peer_send(&w, ACK, w.seq, w.ack, "x", 1);
    EXPECT(&w, &s, ACK, w.ack, w.seq, 0);
    w.port = 3000;
    peer_send(&w, ACK, w.seq, 4711, "x", 1);
    EXPECT(&w, &s, RST, 4711, 0, 0);
}

// ---- aborts

// stream.h: on_closed never inside the call.
Test(tcp_close, resets_when_aborted)
{
    wire_establish(&w, NULL);
    app_send(&w, 100);
    cr_assert(peer_take(&w, &s));
    w.app.stream->ops->abort(w.app.stream);
    cr_expect(eq(u32, w.app.closed, 0));
    wire_turn(&w);
    EXPECT(&w, &s, RST | ACK, w.iss + 101, 1001, 0);
    cr_expect(eq(u32, w.app.closed, 1));
    cr_expect(eq(int, w.app.reason, STREAM_CLOSED_LOCALLY));
}

// ---- keepalive (RFC 1122 4.2.3.6)

Test(tcp_close, probes_an_idle_peer_and_gives_it_up)
{
    wire_establish(&w, NULL);
    wire_run_ms(&w, 299000);
    EXPECT_SILENCE(&w);
    wire_run_ms(&w, 2000);
    EXPECT(&w, &s, ACK, w.iss, 1001, 0);
    wire_run_ms(&w, 290000);
    uint32_t count = 1;
    while (peer_take(&w, &s)) count += s.flags == ACK && s.seq == w.iss;
    cr_expect(eq(u32, count, 3));
    wire_run_ms(&w, 20000);
    cr_expect(eq(int, w.app.reason, STREAM_TIMED_OUT));
    cr_expect(eq(u32, w.app.closed, 1));
}

Test(tcp_close, keeps_an_idle_peer_that_answers)
{
    wire_establish(&w, NULL);
    for (uint32_t i = 0; i < 10; i++) {
        wire_run_ms(&w, 301000);
        EXPECT(&w, &s, ACK, w.iss, 1001, 0);
        w.ack = w.iss + 1;
        peer_ack(&w);
    }
    cr_expect(eq(u32, w.app.closed, 0));
    cr_expect(eq(u64, w.tally.tcp_keepalives, 10));
}

Test(tcp_close, answers_the_keepalive_of_the_peer)
{
    wire_establish(&w, NULL);
    peer_send(&w, ACK, w.seq - 1, w.ack, NULL, 0);
    EXPECT(&w, &s, ACK, w.iss + 1, 1001, 0);
}
