#include "dataplane/base/check.h"
#include "dataplane/sock/sock_priv.h"

// A multishot receive reads once per wake-up of its socket and waits for the next one when nothing
// is left. When data and a reset came before the same wake-up (the core was busy), it has read the
// data and the reset wakes nobody any more: the request stays armed on a dead socket for good (seen
// on Linux 6.18; an orderly end is told by the kernel in the same place). So a connection that has
// been quiet for two rounds of sock_verify is looked at once.

enum { QUIET_ROUNDS = 2 };

void sock_verify_later(struct sock_conn *c) { c->verify_rounds = QUIET_ROUNDS; }

static bool verify_prepare(struct sock *s, struct sock_conn *c)
{
    struct io_uring_sqe *sqe = sock_sqe(s);
    if (!sqe) return false;
    io_uring_prep_recv(sqe, c->stream.fd, &s->verify_byte, 1, MSG_PEEK | MSG_DONTWAIT);
    sqe->user_data = sock_tag(SOCK_OP_VERIFY, c->generation, c->index);
    return true;
}

static void verify_one(struct sock *s, struct sock_conn *c)
{
    if (c->state != SOCK_OPEN || !c->receive_armed || c->verify_rounds == 0) return;
    if (c->verify_rounds > 1 || verify_prepare(s, c)) c->verify_rounds--;
}

void sock_verify(struct sock *s, uint32_t count)
{
    if (count > s->conn_used) count = s->conn_used;
    for (uint32_t i = 0; i < count; i++) {
        if (s->verify_next >= s->conn_used) s->verify_next = 0;
        verify_one(s, &s->conns[s->verify_next++]);
    }
}

// Nothing to read is as it should be, and bytes will be told of by the receive itself. An end or an
// error means that it slept through it: cancelled, it is armed anew and meets the same answer at
// once.
void sock_on_verify(struct sock *s, const struct io_uring_cqe *cqe)
{
    struct sock_conn *c = &s->conns[(uint32_t)cqe->user_data];
    CHECK((uint32_t)cqe->user_data < s->conn_used);
    if ((c->generation & 0xffffff) != (cqe->user_data >> 32 & 0xffffff)) return;
    if (cqe->res > 0 || cqe->res == -EAGAIN || cqe->res == -EINTR) return;
    if (c->state != SOCK_OPEN || !c->receive_armed) return;
    c->receive_stale = true;
    sock_conn_want_requests(c);
}
