#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/sock/sock_priv.h"

static const struct stream_ops conn_ops;

static struct sock_conn *conn_of(struct stream *st) { return (struct sock_conn *)st; }

void sock_conn_want_requests(struct sock_conn *c)
{
    if (!list_node_is_linked(&c->wanting)) list_append(&c->sock->wanting, &c->wanting);
}

static void want_callbacks(struct sock_conn *c)
{
    if (!list_node_is_linked(&c->due)) list_append(&c->sock->due, &c->due);
}

// Bytes held back for a paused stream

static void held_append(struct sock_conn *c, struct bytes data)
{
    if (data.size == 0) return;
    struct sock_held *h = heap_take(c->sock->heap, sizeof *h + data.size, HEAP_CLIENT_IN);
    *h = (struct sock_held){ .size = (uint32_t)data.size, .arrival_tsc = c->sock->poll_tsc };
    memcpy(h->data, data.data, data.size);
    if (c->held)
        c->held_tail->next = h;
    else
        c->held = h;
    c->held_tail = h;
}

static void held_drop_first(struct sock_conn *c)
{
    struct sock_held *h = c->held;
    c->held = h->next;
    heap_give(c->sock->heap, h, sizeof *h + h->size, HEAP_CLIENT_IN);
}

// Life

// Output and held input go now, on_closed follows in sock_poll.
static void conn_die(struct sock_conn *c, enum stream_close why)
{
    if (c->state == SOCK_DYING || c->state == SOCK_GONE) return;
    c->state = SOCK_DYING;
    c->why = why;
    c->stream.is_closing = true;
    c->flushed_total = 0;
    outq_clear(&c->stream.out);
    if (!c->send_armed) sock_send_clear(c);
    want_callbacks(c);
    sock_conn_want_requests(c);
}

static enum stream_close why_of(int error)
{
    return error == ETIMEDOUT ? STREAM_TIMED_OUT : STREAM_RESET;
}

// The close that was asked for is complete once what was queued then has left.
static void finish_closing(struct sock_conn *c)
{
    if (c->state == SOCK_CLOSING && !c->send_armed && !sock_send_is_due(c))
        conn_die(c, c->ended ? STREAM_CLOSED_BY_PEER : STREAM_CLOSED_LOCALLY);
}

static struct sock_conn *conn_take(struct sock *s)
{
    uint32_t index;
    if (s->free_count > 0)
        index = s->free_index[--s->free_count];
    else if (s->conn_used < s->conn_count_max)
        index = s->conn_used++;
    else
        return NULL;
    struct sock_conn *c = &s->conns[index];
    CHECK(c->state == SOCK_FREE);
    uint32_t generation = c->generation + 1;
    *c = (struct sock_conn){
        .sock = s, .index = index, .generation = generation, .state = SOCK_OPEN
    };
    s->conn_count++;
    return c;
}

static void conn_give(struct sock *s, struct sock_conn *c)
{
    CHECK(c->state == SOCK_GONE && !c->receive_armed && !c->send_armed && !c->sending);
    c->state = SOCK_FREE;
    c->stream.fd = -1;
    s->conn_gone--;
    s->free_index[s->free_count++] = c->index;
}

static void conn_forget(struct sock_conn *c)
{
    while (c->held) held_drop_first(c);
    outq_clear(&c->stream.out); // written when it was dying already
    c->state = SOCK_GONE;
    c->sock->conn_count--;
    c->sock->conn_gone++;
    sock_conn_want_requests(c);
}

static void address_copy(struct net_addr *out, const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        memcpy(out->ip, &in6->sin6_addr, 16);
        out->port = ntohs(in6->sin6_port);
    } else if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)from;
        out->ip[10] = out->ip[11] = 0xff;
        memcpy(out->ip + 12, &in4->sin_addr, 4);
        out->port = ntohs(in4->sin_port);
    }
}

bool sock_address(int fd, bool of_peer, struct net_addr *out)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    *out = (struct net_addr){ 0 };
    int r = of_peer ? getpeername(fd, (struct sockaddr *)&from, &size)
                    : getsockname(fd, (struct sockaddr *)&from, &size);
    if (r != 0) return false;
    address_copy(out, &from);
    return true;
}

static bool addresses_fill(struct stream *st, const struct sock_listener *l)
{
    if (l->kind == STREAM_SOCK_UNIX) return true;
    if (!sock_address(st->fd, true, &st->remote)) return false;
    if (!l->local_known) return sock_address(st->fd, false, &st->local);
    st->local = l->local;
    return true;
}

bool sock_conn_open(struct sock *s, const struct sock_listener *l, int fd)
{
    struct stream st = {
        .ops = &conn_ops, .app = &s->app, .kind = l->kind, .listener = l->listener, .fd = fd
    };
    struct sock_conn *c = NULL;
    if (!addresses_fill(&st, l)) { // gone already
        close(fd);
        return false;
    }
    if (!(c = conn_take(s))) {
        s->tally.over_limit++;
        close(fd);
        return false;
    }
    c->stream = st;
    outq_init(&c->stream.out, &s->blocks.source);
    sock_conn_want_requests(c);
    if (s->app.on_open(s->app.app, &c->stream)) {
        s->tally.accepted++;
        return true;
    }
    conn_die(c, STREAM_CLOSED_LOCALLY);
    list_remove(&s->due, &c->due); // refused: the app hears no more of it
    conn_forget(c);
    return false;
}

// Receiving

static void tell_end(struct sock_conn *c)
{
    if (c->state != SOCK_OPEN || c->paused || c->held || !c->ended || c->end_told) return;
    c->end_told = true;
    c->stream.app->on_end(c->stream.app->app, &c->stream);
}

static void receive_ended(struct sock *s, struct sock_conn *c, int result)
{
    c->receive_armed = c->receive_cancelled = c->receive_stale = false;
    sock_conn_want_requests(c); // armed again there, or torn down
    if (result == 0) {
        c->ended = true;
        tell_end(c);
    } else if (result == -ENOBUFS) {
        c->receive_starved = s->receive.starved = true;
        s->tally.receive_starved++;
    } else if (result < 0 && result != -ECANCELED && result != -EINTR && result != -EAGAIN) {
        conn_die(c, why_of(-result));
    }
}

static void deliver(struct sock_conn *c, struct bytes data, uint64_t arrival_tsc)
{
    c->stream.arrival_tsc = arrival_tsc;
    c->stream.app->on_data(c->stream.app->app, &c->stream, data);
}

void sock_on_receive(struct sock *s, const struct io_uring_cqe *cqe)
{
    struct sock_conn *c = sock_conn_find(s, cqe->user_data);
    CHECK(c->receive_armed);
    struct bytes data = sock_receive_take(&s->receive, cqe);
    if (data.size > 0) {
        c->stream.rx_bytes += data.size;
        sock_verify_later(c);
    }
    if (data.size > 0 && c->state == SOCK_OPEN) { // a closing stream reads no more
        if (c->paused || c->held)
            held_append(c, data);
        else
            deliver(c, data, s->poll_tsc);
    }
    if (!(cqe->flags & IORING_CQE_F_MORE)) receive_ended(s, c, cqe->res);
}

// on_data of what was held back, until it is spent or the app pauses again.
static void deliver_held(struct sock_conn *c)
{
    while (c->held && !c->paused && c->state == SOCK_OPEN) {
        struct sock_held *h = c->held;
        // The bytes must outlive this call by a turn, so they go into the receive path's care.
        c->held = h->next;
        h->next = c->sock->delivered;
        c->sock->delivered = h;
        deliver(c, bytes_make(h->data, h->size), h->arrival_tsc);
    }
    sock_conn_want_requests(c);
    tell_end(c);
}

void sock_held_release(struct sock *s)
{
    while (s->delivered) {
        struct sock_held *h = s->delivered;
        s->delivered = h->next;
        heap_give(s->heap, h, sizeof *h + h->size, HEAP_CLIENT_IN);
    }
}

// Sending

static void send_went_on(struct sock *s, struct sock_conn *c, uint32_t size)
{
    c->stream.tx_bytes += size;
    sock_send_drop(c, size);
    if (sock_send_is_due(c)) {
        s->tally.sends_split++;
        sock_conn_want_requests(c);
        return;
    }
    finish_closing(c);
    if (c->state == SOCK_OPEN && c->stream.out.bytes == 0)
        c->stream.app->on_drained(c->stream.app->app, &c->stream);
}

void sock_conn_sent(struct sock *s, struct sock_conn *c, int32_t result)
{
    c->send_armed = c->send_cancelled = false;
    if (c->state == SOCK_DYING || c->state == SOCK_GONE) {
        sock_send_clear(c);
        sock_conn_want_requests(c);
    } else if (result >= 0) {
        send_went_on(s, c, (uint32_t)result);
    } else if (result == -EAGAIN || result == -EINTR || result == -ENOMEM) {
        sock_conn_want_requests(c);
    } else {
        conn_die(c, why_of(-result));
    }
}

void sock_on_send(struct sock *s, const struct io_uring_cqe *cqe)
{
    struct sock_conn *c = sock_conn_find(s, cqe->user_data);
    CHECK(c->send_armed && !c->send_quiet);
    c->send_blocked = false;
    sock_conn_sent(s, c, cqe->res);
}

// Requests of one connection at the end of a turn. False: no slot, keep it on the list.

static bool receive_arm(struct sock *s, struct sock_conn *c)
{
    struct io_uring_sqe *sqe = sock_sqe(s);
    if (!sqe) return false;
    io_uring_prep_recv_multishot(sqe, c->stream.fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = SOCK_BUFFER_GROUP;
    sqe->user_data = sock_tag(SOCK_OP_RECEIVE, c->generation, c->index);
    c->receive_armed = true;
    c->receive_starved = false;
    sock_verify_later(c);
    return true;
}

static bool cancel(struct sock *s, struct sock_conn *c, enum sock_op op)
{
    return sock_cancel(s, sock_tag(op, c->generation, c->index),
                       sock_tag(SOCK_OP_CANCEL, c->generation, c->index));
}

static bool receive_cancel(struct sock *s, struct sock_conn *c)
{
    if (!c->receive_armed || c->receive_cancelled) return true;
    c->receive_cancelled = cancel(s, c, SOCK_OP_RECEIVE);
    return c->receive_cancelled;
}

static bool send_cancel(struct sock *s, struct sock_conn *c)
{
    if (!c->send_armed || c->send_cancelled || c->send_quiet) return true;
    c->send_cancelled = cancel(s, c, SOCK_OP_SEND);
    return c->send_cancelled;
}

// Failed: the request has just completed, or could not be found for a moment. What is still in
// flight when its turn comes is cancelled again. The connection may be another one by now.
void sock_on_cancel(struct sock *s, const struct io_uring_cqe *cqe)
{
    struct sock_conn *c = &s->conns[(uint32_t)cqe->user_data];
    CHECK((uint32_t)cqe->user_data < s->conn_used);
    if ((c->generation & 0xffffff) != (cqe->user_data >> 32 & 0xffffff)) return;
    if (c->state == SOCK_FREE) return;
    c->receive_cancelled = c->send_cancelled = false;
    sock_conn_want_requests(c);
}

static bool teardown_prepare(struct sock *s, struct sock_conn *c)
{
    if (!receive_cancel(s, c) || !send_cancel(s, c)) return false;
    if (c->state != SOCK_GONE || c->receive_armed || c->send_armed) return true;
    struct io_uring_sqe *sqe = sock_sqe(s);
    if (!sqe) return false;
    io_uring_prep_close(sqe, c->stream.fd);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = sock_tag(SOCK_OP_NONE, 0, 0);
    conn_give(s, c);
    return true;
}

static bool receive_prepare(struct sock *s, struct sock_conn *c, uint32_t *buffers)
{
    if (c->paused || c->receive_stale) return receive_cancel(s, c);
    if (c->receive_armed || c->held || c->ended) return true;
    if (c->receive_starved) { // no more of those than can be served now
        if (*buffers == 0) return false;
        --*buffers;
    }
    return receive_arm(s, c);
}

static bool conn_prepare(struct sock *s, struct sock_conn *c, uint32_t *buffers)
{
    if (c->stream.out.broken) conn_die(c, STREAM_RESET);
    finish_closing(c);
    if (c->state == SOCK_DYING || c->state == SOCK_GONE) return teardown_prepare(s, c);
    if (!c->send_armed && sock_send_is_due(c) && !sock_send_prepare(s, c)) return false;
    return receive_prepare(s, c, buffers);
}

void sock_conns_prepare(struct sock *s)
{
    uint32_t buffers = s->receive.available;
    for (size_t n = s->wanting.count; n > 0; n--) {
        struct list_node *node = list_take_first(&s->wanting);
        struct sock_conn *c = LIST_OWNER(node, struct sock_conn, wanting);
        if (!conn_prepare(s, c, &buffers)) list_append(&s->wanting, &c->wanting);
    }
}

uint32_t sock_conns_run_due(struct sock *s)
{
    uint32_t count = 0;
    // Callbacks may end further streams; those are told in this same call.
    for (struct list_node *node; (node = list_take_first(&s->due)); count++) {
        struct sock_conn *c = LIST_OWNER(node, struct sock_conn, due);
        if (c->state == SOCK_OPEN) {
            deliver_held(c);
        } else if (c->state == SOCK_DYING) {
            c->stream.app->on_closed(c->stream.app->app, &c->stream, c->why);
            conn_forget(c);
        }
    }
    return count;
}

void sock_conns_end(struct sock *s)
{
    for (uint32_t i = 0; i < s->conn_used; i++) {
        struct sock_conn *c = &s->conns[i];
        if (c->state == SOCK_OPEN || c->state == SOCK_CLOSING) conn_die(c, STREAM_CLOSED_LOCALLY);
    }
}

// What the app may ask of a stream. Only notes: callbacks and requests come later.

static void conn_flush(struct stream *st)
{
    struct sock_conn *c = conn_of(st);
    if (c->state != SOCK_OPEN && c->state != SOCK_CLOSING) return;
    c->flushed_total = st->out.bytes_total;
    sock_conn_want_requests(c);
}

static void conn_close(struct stream *st)
{
    struct sock_conn *c = conn_of(st);
    if (c->state != SOCK_OPEN) return;
    c->state = SOCK_CLOSING;
    st->is_closing = true;
    c->flushed_total = st->out.bytes_total;
    sock_conn_want_requests(c);
}

static void conn_abort(struct stream *st)
{
    struct sock_conn *c = conn_of(st);
    const struct linger reset = { .l_onoff = 1, .l_linger = 0 }; // close then sends RST
    if (c->state != SOCK_OPEN && c->state != SOCK_CLOSING) return;
    (void)setsockopt(st->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    conn_die(c, STREAM_CLOSED_LOCALLY);
}

static void conn_pause(struct stream *st, bool paused)
{
    struct sock_conn *c = conn_of(st);
    if (c->state != SOCK_OPEN || c->paused == paused) return;
    c->paused = paused;
    sock_conn_want_requests(c);
    if (!paused && (c->held || (c->ended && !c->end_told))) want_callbacks(c);
}

static uint64_t conn_pending(const struct stream *st)
{
    return ((const struct sock_conn *)st)->sending_bytes;
}

static const struct stream_ops conn_ops = {
    .flush = conn_flush,
    .close = conn_close,
    .abort = conn_abort,
    .pause = conn_pause,
    .pending = conn_pending,
};
