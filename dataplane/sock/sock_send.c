#include "dataplane/base/check.h"
#include "dataplane/sock/sock_priv.h"

// Moves flushed pieces into the kernel's list until it holds enough for one request. A piece that
// left stream.out is never written to again, so the kernel may read it at any time. The last one
// may have more than was flushed, which shall not leave while it is held.
static void take_pieces(struct sock_conn *c)
{
    struct outq *out = &c->stream.out;
    uint32_t count = 0;
    for (struct piece *p = c->sending; p && count < SOCK_SEND_PIECES_MAX; p = p->next) count++;
    while (!out->is_held && count < SOCK_SEND_PIECES_MAX &&
           c->sending_bytes < SOCK_SEND_BYTES_MAX &&
           out->bytes_total - out->bytes < c->flushed_total) {
        struct piece *p = outq_take(out);
        CHECK(p && p->used > 0);
        p->next = NULL;
        if (c->sending)
            c->sending_tail->next = p;
        else
            c->sending = p;
        c->sending_tail = p;
        c->sending_bytes += p->used;
        count++;
    }
}

// One request slot and one message. Submitting in between would hand over the slot half filled, so
// both are made sure of first.
static bool has_room(struct sock *s)
{
    if (io_uring_sq_space_left(&s->ring) > 0 && s->message_count < SOCK_MESSAGES_MAX) return true;
    return sock_flush_requests(s);
}

static void fill_message(struct sock_message *m, const struct sock_conn *c)
{
    size_t count = 0, bytes = 0;
    for (struct piece *p = c->sending; p && count < SOCK_SEND_PIECES_MAX; p = p->next) {
        size_t size = p->used;
        if (size > SOCK_SEND_BYTES_MAX - bytes) size = SOCK_SEND_BYTES_MAX - bytes;
        if (size == 0) break;
        m->parts[count++] = (struct iovec){ p->data, size };
        bytes += size;
    }
    m->header = (struct msghdr){ .msg_iov = m->parts, .msg_iovlen = count };
}

// Quiet sends: a short reply nearly always fits into the socket. Sent with MSG_DONTWAIT it is done,
// or has failed, when the submission returns, and IOSQE_CQE_SKIP_SUCCESS leaves a completion only
// for failure (MSG_WAITALL makes a short send one). So the call that sends the replies of a turn
// can also be the one that sleeps: no completion of its own sends ends that sleep. sock_send_settle
// then takes what did not fail as sent. It runs at the next sock_poll, so sends that somebody may
// wait for (a closing stream, much output) are not quiet.
static bool is_quiet(const struct sock_conn *c)
{
    return c->state == SOCK_OPEN && !c->send_blocked && c->stream.out.bytes == 0 &&
           c->sock->quiet_count < c->sock->conn_count_max &&
           c->sending_bytes <= SOCK_QUIET_BYTES_MAX;
}

static void make_quiet(struct sock *s, struct sock_conn *c, struct io_uring_sqe *sqe)
{
    sqe->msg_flags |= MSG_DONTWAIT;
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = sock_tag(SOCK_OP_SEND_QUIET, c->generation, c->index);
    c->send_quiet = true;
    s->quiet_index[s->quiet_count++] = c->index;
}

static void settle_one(struct sock *s, struct sock_conn *c, int32_t result)
{
    c->send_quiet = false;
    sock_conn_sent(s, c, result);
}

// Failures first; each completion is looked at once.
static void settle_failed(struct sock *s)
{
    const struct io_uring_cq *cq = &s->ring.cq;
    uint32_t tail = io_uring_smp_load_acquire(cq->ktail), at = *cq->khead;
    if ((int32_t)(s->quiet_scanned - at) > 0) at = s->quiet_scanned;
    for (; at != tail; at++) {
        const struct io_uring_cqe *cqe = &cq->cqes[at & *cq->kring_mask];
        if (cqe->user_data >> 56 != SOCK_OP_SEND_QUIET) continue;
        struct sock_conn *c = sock_conn_find(s, cqe->user_data);
        CHECK(c->send_quiet);
        c->send_blocked = true;
        settle_one(s, c, cqe->res);
    }
    s->quiet_scanned = tail;
}

void sock_send_settle(struct sock *s)
{
    if (s->quiet_count == 0) return;
    settle_failed(s);
    // Not all submitted, or completions that are not to be seen yet: next time.
    if (io_uring_sq_ready(&s->ring) > 0 || io_uring_cq_has_overflow(&s->ring)) return;
    for (uint32_t i = 0; i < s->quiet_count; i++) {
        struct sock_conn *c = &s->conns[s->quiet_index[i]];
        if (c->send_quiet) settle_one(s, c, (int32_t)c->sending_bytes);
    }
    s->quiet_count = 0;
}

bool sock_send_prepare(struct sock *s, struct sock_conn *c)
{
    const int flags = MSG_NOSIGNAL | MSG_WAITALL; // the kernel itself goes on after a short send
    if (!has_room(s)) return false;
    struct io_uring_sqe *sqe = sock_sqe(s);
    if (!sqe) return false;
    take_pieces(c);
    struct piece *first = c->sending;
    if (first->next) {
        // The kernel copies it at submission: one array serves all connections of a turn.
        struct sock_message *m = &s->messages[s->message_count++];
        fill_message(m, c);
        io_uring_prep_sendmsg(sqe, c->stream.fd, &m->header, (unsigned)flags);
    } else {
        size_t size = first->used < SOCK_SEND_BYTES_MAX ? first->used : SOCK_SEND_BYTES_MAX;
        io_uring_prep_send(sqe, c->stream.fd, first->data, size, flags);
    }
    sqe->user_data = sock_tag(SOCK_OP_SEND, c->generation, c->index);
    if (is_quiet(c)) make_quiet(s, c, sqe);
    c->send_armed = true;
    s->tally.sends++;
    return true;
}

void sock_send_drop(struct sock_conn *c, uint64_t size)
{
    CHECK(size <= c->sending_bytes);
    c->sending_bytes -= size;
    while (size > 0) {
        struct piece *p = c->sending;
        if (p->used > size) {
            p->data += size;
            p->used -= (uint32_t)size;
            return;
        }
        size -= p->used;
        c->sending = p->next;
        p->release(p);
    }
}

void sock_send_clear(struct sock_conn *c) { sock_send_drop(c, c->sending_bytes); }
