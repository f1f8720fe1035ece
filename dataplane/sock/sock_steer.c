#include "dataplane/base/check.h"
#include "dataplane/sock/sock_priv.h"

// Accepted sockets are ordinary descriptors of the process, not slots of one ring, so any ring may
// go on with them.

void sock_set_steer(struct sock *s, sock_steer *steer, void *context)
{
    s->steer = steer;
    s->steer_context = context;
}

void sock_accepted(struct sock *s, const struct sock_listener *l, int fd)
{
    if (s->steer && s->steer(s->steer_context, fd, l->kind, l->listener))
        s->tally.steered++;
    else
        (void)sock_conn_open(s, l, fd);
}

bool sock_adopt(struct sock *s, int fd, enum stream_kind kind, enum stream_listener listener)
{
    CHECK(fd >= 0 && (kind == STREAM_SOCK_TCP || kind == STREAM_SOCK_UNIX));
    // Of the listener only this is known; addresses are asked of the socket.
    const struct sock_listener came_by = { .fd = -1, .kind = kind, .listener = listener };
    return sock_conn_open(s, &came_by, fd);
}
