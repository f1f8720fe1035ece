// stream.h: a connection as a session sees it: bytes in, bytes out, whatever the transport.
//
// Thread:  the shard that owns the transport
// Memory:  the transport owns the stream and embeds it in its own connection; app->on_closed is the
//          last call about it
// net/ (our TCP) and sock/ (kernel sockets through io_uring) both offer connections of this shape.
// tls/ sits between: it is the app of such a stream, the lower one, and the transport of another,
// the upper one, that sessions see.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/outq.h"

enum stream_kind { STREAM_NIC_TCP, STREAM_SOCK_TCP, STREAM_SOCK_UNIX };
enum stream_listener { STREAM_PLAIN, STREAM_TLS }; // what is spoken at the port it came in by

// IPv4 as ::ffff:a.b.c.d, so one comparison serves both families. Network byte order.
struct net_addr {
    uint8_t ip[16];
    uint16_t port; // host order; 0 for Unix sockets
};

enum stream_close {
    STREAM_CLOSED_BY_PEER, // orderly end, both ways
    STREAM_CLOSED_LOCALLY, // we asked for it
    STREAM_RESET,          // the peer reset it, or the kernel reported an error
    STREAM_TIMED_OUT,      // retransmissions, keepalive or connect gave up
    STREAM_REFUSED,        // active open only: the peer answered with a reset
};

struct stream;

// What the user of a transport is told. app is the pointer given when the transport was opened, or
// by whoever took a stream over (stream.app).
struct stream_app {
    void *app;
    // A new connection is established. May set s->user. Returns false to refuse it (it is then
    // closed, no other call).
    bool (*on_open)(void *app, struct stream *s);
    // In-order bytes. They stay valid until the transport's release call at the end of the turn
    // (see each transport), or until the stream is closed, whichever is first.
    void (*on_data)(void *app, struct stream *s, struct bytes data);
    void (*on_end)(void *app, struct stream *s); // the peer will send no more (half close)
    void (*on_drained)(
        void *app, struct stream *s); // all output handed over has left (socket) or is acked (nic)
    void (*on_closed)(void *app, struct stream *s,
                      enum stream_close why); // s is gone when this returns
};

struct stream_ops {
    // Move what out holds towards the wire. Called once per turn per stream with output, not per
    // reply.
    void (*flush)(struct stream *s);
    // Send what is queued, then close in order (FIN). on_closed follows, possibly much later.
    void (*close)(struct stream *s);
    // Throw output away and reset. on_closed follows before the transport's next poll returns,
    // never inside this call.
    void (*abort)(struct stream *s);
    // paused: keep incoming bytes in the transport, bounded by its window or buffer; the peer is
    // held back.
    void (*pause)(struct stream *s, bool paused);
    // Bytes accepted from out but not yet acknowledged or sent by the kernel: for output limits and
    // CLIENT LIST.
    uint64_t (*pending)(const struct stream *s);
};

struct stream {
    const struct stream_ops *ops;
    const struct stream_app *app; // who is told; on_open may put another in its place
    void *user;                   // the session's
    struct outq out;
    struct net_addr local, remote;
    enum stream_kind kind;
    enum stream_listener listener; // STREAM_TLS on an upper stream: what passes here is encrypted
    int fd;                        // kernel socket, -1 on the NIC transport; shown by CLIENT LIST
    bool is_closing;               // close or abort was called
    uint64_t arrival_tsc; // when the bytes of the current on_data reached us: rx burst or receive
                          // completion
    uint64_t rx_bytes, tx_bytes;
};
