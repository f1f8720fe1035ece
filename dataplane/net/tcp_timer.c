#include "dataplane/net/tcp_priv.h"

enum { KEEPALIVE_PROBES = 3 }; // a third of keepalive_s apart, as Redis sets its sockets

// One wheel timer per connection, armed no later than its earliest deadline. Deadlines move with
// every segment; the timer stays, and looks again when it fires.
void tcp_timer_update(struct tcp_pcb *p)
{
    uint64_t at = p->send_at_ns < p->ack_at_ns ? p->send_at_ns : p->ack_at_ns;
    if (p->idle_at_ns < at) at = p->idle_at_ns;
    if (at == TCP_NEVER) return;
    uint64_t tick = at / TCP_NS_PER_MS + 1;
    if (wheel_is_armed(&p->timer.timer)) {
        if (p->timer.timer.deadline <= tick) return;
        wheel_cancel(&p->net->wheel, &p->timer.timer);
    }
    wheel_arm(&p->net->wheel, &p->timer.timer, tick);
}

void tcp_send_timer_start(struct tcp_pcb *p)
{
    p->send_at_ns = p->net->now_ns + (uint64_t)p->rto.rto_us * 1000;
}

static void syn_timeout(struct tcp_pcb *p)
{
    if (p->state == TCP_SYN_RECEIVED && p->retries > TCP_SYN_RETRIES) {
        tcp_pcb_die(p, STREAM_TIMED_OUT);
        return;
    }
    tcp_rto_back_off(&p->rto);
    p->flags &= ~(uint32_t)TCP_F_TIMING;
    p->retry_ts = tcp_ts_now(p->net, p->ts_offset);
    p->net->tally->tcp_retransmits++;
    tcp_send_syn(p);
}

// RFC 9293 3.8.6.1: one byte beyond the closed window, or what fits into a silly one. snd_nxt does
// not count the byte: when the window opens, its segment is sent whole.
static void persist_timeout(struct tcp_pcb *p)
{
    p->net->tally->tcp_zero_window_probes++;
    tcp_rto_back_off(&p->rto);
    p->flags |= TCP_F_PROBE_DUE;
    tcp_output(p);
    if (p->snd_nxt == p->snd_una && p->queue) tcp_send_data(p, p->snd_una, 1);
    p->flags &= ~(uint32_t)TCP_F_PROBE_DUE;
    if (p->snd_nxt != p->snd_una) p->flags &= ~(uint32_t)TCP_F_PERSIST;
    tcp_send_timer_start(p);
}

// RFC 6298 5.4 to 5.6, RFC 5681 3.1; RFC 2018 section 8: the scoreboard is not believed any more.
static void retransmit_timeout(struct tcp_pcb *p)
{
    uint32_t flight = p->snd_max - p->snd_una;
    p->net->tally->tcp_timeouts++;
    tcp_cc_timeout(&p->cc, flight, p->retries == 1);
    tcp_rto_back_off(&p->rto);
    tcp_sack_clear(&p->sack);
    p->retry_ts = tcp_ts_now(p->net, p->ts_offset);
    p->flags &= ~(uint32_t)(TCP_F_RECOVERY | TCP_F_TIMING);
    p->recover = p->snd_max;
    p->dup_acks = 0;
    p->snd_nxt = p->snd_una;
    tcp_output(p);
}

static void send_timeout(struct tcp_pcb *p)
{
    uint64_t now = p->net->now_ns;
    p->send_at_ns = TCP_NEVER;
    if (p->stuck_since_ns == 0) p->stuck_since_ns = now;
    if (p->retries < UINT8_MAX) p->retries++;
    if (now - p->stuck_since_ns > TCP_GIVE_UP_NS) {
        tcp_pcb_die(p, STREAM_TIMED_OUT);
        return;
    }
    if (!tcp_is_open(p))
        syn_timeout(p);
    else if (p->flags & TCP_F_PERSIST)
        persist_timeout(p);
    else if (p->snd_una != p->snd_max)
        retransmit_timeout(p);
    else
        tcp_output(p);
}

// RFC 1122 4.2.3.6: a segment that the peer must answer, without data of its own.
static void keepalive(struct tcp_pcb *p)
{
    uint64_t idle_ns = p->net->config.keepalive_s * TCP_NS_PER_S;
    uint64_t due_ns = p->last_rx_ns + idle_ns + p->probes * (idle_ns / KEEPALIVE_PROBES);
    if (p->net->now_ns < due_ns || p->send_at_ns != TCP_NEVER) { // busy with retransmissions
        p->idle_at_ns = p->net->now_ns < due_ns ? due_ns : p->net->now_ns + idle_ns;
        return;
    }
    if (p->probes >= KEEPALIVE_PROBES) {
        tcp_send_reset(p);
        tcp_pcb_die(p, STREAM_TIMED_OUT);
        return;
    }
    p->probes++;
    p->net->tally->tcp_keepalives++;
    p->idle_at_ns = p->net->now_ns + idle_ns / KEEPALIVE_PROBES;
    tcp_send_ack(p, p->snd_una - 1);
}

static void idle_timeout(struct tcp_pcb *p)
{
    p->idle_at_ns = TCP_NEVER;
    if (p->state == TCP_SYN_SENT)
        tcp_pcb_die(p, STREAM_TIMED_OUT);
    else if (p->state == TCP_FIN_WAIT_2 && p->flags & TCP_F_DISCARD)
        tcp_pcb_die(p, STREAM_CLOSED_LOCALLY); // the peer had its minute
    else if (tcp_is_open(p) && p->net->config.keepalive_s)
        keepalive(p);
}

void tcp_timer_fired(struct net *n, struct net_timer *t)
{
    if (t == &n->tcp->wait_timer) {
        tcp_wait_expire(n);
        return;
    }
    struct tcp_pcb *p = LIST_OWNER(t, struct tcp_pcb, timer);
    if (p->state == TCP_CLOSED) return;
    if (p->ack_at_ns <= n->now_ns) {
        p->ack_at_ns = TCP_NEVER;
        p->flags |= TCP_F_ACK_NOW;
        tcp_want_output(p);
    }
    if (p->send_at_ns <= n->now_ns) send_timeout(p);
    if (p->state != TCP_CLOSED && p->idle_at_ns <= n->now_ns) idle_timeout(p);
    if (p->state != TCP_CLOSED) tcp_timer_update(p);
}
