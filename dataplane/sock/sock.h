// sock.h: kernel sockets as streams: TCP and Unix, driven through one io_uring per shard.
//
// Source:  io_uring(7): multishot accept and receive, provided buffer rings, SINGLE_ISSUER |
//          DEFER_TASKRUN; spec/testbed.md section 2 for what pays
// Thread:  the shard's (sock_open too: the ring belongs to the thread that makes it)
// Memory:  connections and receive buffers are mapped at sock_open and touched as they are used;
//          reply blocks come from the shard's heap, a bounded number of them is kept for reuse.
//          Bytes of on_data lie in a receive buffer and stay valid until the next sock_submit
// Units:   ns of CLOCK_MONOTONIC for deadlines
//
// A turn: sock_poll (callbacks run), the app writes and calls stream ops, sock_submit. Stream ops
// only note what is wanted; sock_submit turns all of it into one io_uring_enter. No callback runs
// outside sock_poll (and sock_close; and on_open inside sock_adopt).
// Output of SOCK_QUIET_BYTES_MAX or less does not end the sleep of sock_submit when it has left:
// pending() and on_drained tell of it at the next turn, whatever causes that.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/heap.h"
#include "dataplane/base/status.h"
#include "dataplane/base/stream.h"

enum {
    SOCK_LISTENERS_MAX = 32,
    SOCK_WATCHES_MAX = 8,
    SOCK_CONNECTIONS_MAX = 1 << 20,
    SOCK_QUIET_BYTES_MAX = 16384,
};

struct sock_config {
    uint32_t connection_count_max; // streams at once; sessions above maxclients are refused by the
                                   // app, what exceeds this number is closed unseen
    uint32_t receive_buffer_count; // power of two, <= 32768
    uint32_t receive_buffer_bytes; // >= 16384 pays off for large values (spec/testbed.md)
    uint32_t keepalive_s;          // tcp-keepalive; 0 = off
    bool receive_whole_buffers;    // one receive, one buffer, as Linux before 6.12 does; otherwise
                                   // small receives share a buffer
};

struct sock_tally {
    uint64_t accepted;           // connections handed to the app, adopted ones among them
    uint64_t steered;            // accepted here, but taken over by the steerer
    uint64_t over_limit;         // closed at once: connection_count_max reached
    uint64_t accept_errors;      // EMFILE, ENFILE, ENOMEM ...: accepting paused for a moment
    uint64_t receive_starved;    // receives that found no buffer and were armed again
    uint64_t enters;             // io_uring_enter calls
    uint64_t completions;        // handled by sock_poll
    uint64_t overflows;          // times the completion queue was too small for what was ready
    uint64_t sends, sends_split; // send requests; those that were short or found the socket full
};

struct sock;
// ERR_IO when the kernel refuses an io_uring (errno says why), ERR_NO_SPACE for memory.
enum status sock_open(struct sock **out, const struct sock_config *config, struct heap *heap,
                      const struct stream_app *app) MUST_USE;
// Every stream still open gets its on_closed; NULL is tolerated.
void sock_close(struct sock *s);

// Listeners. error receives one line such as "bind: Address already in use". ERR_IO then,
// ERR_NO_SPACE when SOCK_LISTENERS_MAX are open.
// ip: textual IPv4 or IPv6 address ("*" and "::*" handled by the caller). IPv6 listeners are
// IPV6_V6ONLY. port 0: the kernel chooses, sock_listener_port tells.
enum status sock_listen_tcp(struct sock *s, const char *ip, uint16_t port, int backlog, char *error,
                            uint32_t error_bytes) MUST_USE;
// The same; connections accepted there carry listener.
enum status sock_listen_tcp_as(struct sock *s, enum stream_listener listener, const char *ip,
                               uint16_t port, int backlog, char *error,
                               uint32_t error_bytes) MUST_USE;
// Removes a stale socket file first. mode 0 leaves the permissions to the umask.
enum status sock_listen_unix(struct sock *s, const char *path, uint32_t mode, int backlog,
                             char *error, uint32_t error_bytes) MUST_USE;
// Closes every listener (and removes socket files); connection attempts fail from here on.
void sock_stop_listening(struct sock *s);
uint32_t sock_listener_count(const struct sock *s);
uint16_t sock_listener_port(const struct sock *s, uint32_t index); // 0 for Unix sockets
// tcp-keepalive of connections accepted from now on; 0 = off.
void sock_set_keepalive(struct sock *s, uint32_t keepalive_s);

// Connections accepted by one sock and served by another.
// steer is asked about every descriptor that is accepted here, inside sock_poll, before a stream is
// made of it. True: it has taken fd over (to have it adopted elsewhere, or to close it). False: the
// connection begins here. Not asked any more after sock_stop_listening. NULL, as at first: all
// begin here.
typedef bool sock_steer(void *context, int fd, enum stream_kind kind,
                        enum stream_listener listener);
void sock_set_steer(struct sock *s, sock_steer *steer, void *context);
// A connection that another sock accepted begins here, as if it had been accepted here; fd is ours
// from now on, whatever comes of it. on_open is called from within (also inside a callback, such as
// a watch's; not inside sock_close); receiving begins at the next sock_submit, with what has come
// before. The socket keeps the options of the listener that accepted it (sock_set_keepalive there).
// False: it does not begin: no room (over_limit), the peer is gone already, or on_open refused; fd
// is closed, at the latest after the next sock_submit.
bool sock_adopt(struct sock *s, int fd, enum stream_kind kind, enum stream_listener listener);

// A file descriptor whose readability ends the sleep and calls on_ready once per wake-up (control's
// doorbell). on_ready must drain fd (read until EAGAIN, or an eventfd's counter).
enum status sock_watch(struct sock *s, int fd, void (*on_ready)(void *context),
                       void *context) MUST_USE;

// Handles up to budget completions: accepts, data, ends, sends. Never sleeps, and enters the kernel
// only when there is deferred work. Returns how many.
uint32_t sock_poll(struct sock *s, uint32_t budget);
// End of turn: gives consumed receive buffers back and submits everything prepared, in one
// io_uring_enter. With sleep_until_ns > 0 (CLOCK_MONOTONIC) waits in the kernel for a completion
// until then (UINT64_MAX: no limit); it does not wait when callbacks are already due.
void sock_submit(struct sock *s, uint64_t sleep_until_ns);
// Looks at count further connections, in turn, for an end that the kernel did not tell. To be
// called so that each connection's turn comes about once a second; costs one request for one that
// fell quiet.
void sock_verify(struct sock *s, uint32_t count);
uint32_t sock_connection_count(const struct sock *s);
// How long a sleep may last beyond the first completion, to gather as many as came per turn lately
// (as NICs moderate interrupts). 0, the default: not at all. Below 1 s.
void sock_set_gather(struct sock *s, uint64_t gather_ns);
const struct sock_tally *sock_tally(const struct sock *s);
