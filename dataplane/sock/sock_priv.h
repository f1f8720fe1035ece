// sock_priv.h: what the files of sock/ share: the ring, listeners, connections.
//
// Thread:  the shard's
// Memory:  struct sock owns all of it; connection slots are reused only when the kernel holds no
//          request that names them
//
//   a connection:  FREE -> OPEN -> CLOSING (close called, output still leaving) -> DYING -> GONE
//   DYING: on_closed is due at the next sock_poll; abort and errors come here straight from OPEN
//   GONE:  the app has forgotten it; waits for requests in flight, then its fd is closed -> FREE
#pragma once
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "dataplane/base/check.h"
#include "dataplane/base/list.h"
#include "dataplane/sock/sock.h"
#include "dataplane/sock/sock_block.h"

enum {
    SOCK_SQ_ENTRIES = 2048,
    SOCK_CQ_ENTRIES_MAX = 32768,
    SOCK_SEND_PIECES_MAX = 64,     // of one sendmsg
    SOCK_SEND_BYTES_MAX = 4 << 20, // of one send: how far output may run ahead of its release
    SOCK_MESSAGES_MAX = 128,       // sendmsg requests prepared before they must be submitted
    SOCK_ACCEPT_RETRY_MS = 100,    // pause after EMFILE and the like
    SOCK_BUFFER_GROUP = 0,
};

// What a completion is about; in the top byte of user_data, then 24 bits of generation, then the
// index of the listener, watch or connection.
enum sock_op {
    SOCK_OP_NONE,
    SOCK_OP_ACCEPT,
    SOCK_OP_RECEIVE,
    SOCK_OP_SEND,
    SOCK_OP_SEND_QUIET, // completes only when it failed or was short
    SOCK_OP_CANCEL,     // of a connection's receive or send; completes only when it failed
    SOCK_OP_WATCH,
    SOCK_OP_VERIFY
};

static inline uint64_t sock_tag(enum sock_op op, uint32_t generation, uint32_t index)
{
    return (uint64_t)op << 56 | (uint64_t)(generation & 0xffffff) << 32 | index;
}

enum sock_state { SOCK_FREE, SOCK_OPEN, SOCK_CLOSING, SOCK_DYING, SOCK_GONE };

// Bytes that arrived while the app had paused the stream.
struct sock_held {
    struct sock_held *next;
    uint64_t arrival_tsc;
    uint32_t size;
    uint8_t data[];
};

struct sock_conn {
    struct stream stream; // first: a stream pointer is a connection pointer
    struct sock *sock;
    struct list_node wanting;             // on sock.wanting: has requests to prepare at sock_submit
    struct list_node due;                 // on sock.due: has callbacks to make at sock_poll
    struct piece *sending, *sending_tail; // taken from stream.out, in the kernel's hands
    uint64_t sending_bytes;
    uint64_t flushed_total; // stream.out may leave up to this position (of bytes_total)
    struct sock_held *held, *held_tail;
    uint32_t index, generation;
    enum sock_state state;
    enum stream_close why;
    bool receive_armed, receive_cancelled, receive_starved;
    bool receive_stale;    // armed, but it slept through the end (sock_verify.c): to be armed anew
    uint8_t verify_rounds; // left until it is looked at; 0: it was, since the last data
    bool send_armed, send_cancelled;
    bool send_quiet;   // the send in flight is a quiet one
    bool send_blocked; // the socket was full: the next send waits in the kernel
    bool paused;
    bool ended, end_told; // the peer will send no more; on_end was called
};

struct sock_listener {
    int fd; // -1 when unused
    uint32_t generation;
    uint16_t port;
    enum stream_kind kind;
    enum stream_listener listener;
    bool armed;
    bool cancelled;
    bool local_known; // bound to one address: accepted sockets have the same
    struct net_addr local;
    uint64_t retry_at_ns; // 0: none
    char *path;           // Unix: removed at the end; owned
};

struct sock_watch {
    int fd; // -1 when unused
    bool armed;
    void (*on_ready)(void *context);
    void *context;
};

// The provided buffer ring. A buffer goes: ring -> kernel fills (a part of) it -> app reads ->
// spent -> ring at sock_submit.
struct sock_receive {
    struct io_uring_buf_ring *ring; // mapped, count entries
    uint8_t *memory;                // mapped, count x bytes
    uint32_t *offset;               // first byte of each buffer that the kernel has not filled
    uint16_t *spent;                // identifiers to give back
    uint32_t spent_count;
    uint32_t count, bytes;
    uint32_t wanted;    // in the ring after sock_submit; doubles, up to count, when it ran dry
    bool starved;       // it ran dry since the last sock_submit
    uint32_t available; // in the ring, as far as completions seen tell
    bool incremental;   // the kernel fills a buffer piece by piece (Linux 6.12)
};

struct sock_message {
    struct msghdr header;
    struct iovec parts[SOCK_SEND_PIECES_MAX];
};

struct sock {
    struct io_uring ring;
    struct stream_app app;
    struct sock_receive receive;
    struct list wanting, due;
    struct sock_held *delivered;    // given to on_data this turn; freed at sock_submit
    uint32_t group_tail, seen_tail; // completion queue: end of the group being handled; seen so far
    uint64_t seen_tsc;              // when those after group_tail were seen
    uint64_t poll_tsc;              // when the completions being handled were reaped
    struct sock_blocks blocks;
    struct heap *heap; // borrowed

    struct sock_conn *conns; // mapped, conn_count_max slots
    uint32_t *free_index;    // mapped: a stack of slots that were used and are free again
    uint32_t free_count;
    uint32_t conn_used;  // slots from here on were never used
    uint32_t conn_count; // OPEN and CLOSING and DYING
    uint32_t conn_gone;  // GONE
    uint32_t conn_count_max;

    struct sock_listener listeners[SOCK_LISTENERS_MAX];
    struct sock_watch watches[SOCK_WATCHES_MAX];
    uint32_t watch_count;
    bool accept_paused;     // some listener waits for its retry_at_ns
    bool listeners_wanting; // some listener or watch has a request to prepare
    uint32_t keepalive_s;
    sock_steer *steer; // NULL: all that is accepted stays here
    void *steer_context;

    uint32_t *quiet_index; // mapped: slots of connections whose quiet send is not settled
    uint32_t quiet_count;
    uint32_t quiet_scanned; // completion queue position up to which failures were looked for

    struct sock_message *messages; // SOCK_MESSAGES_MAX; the kernel copies them at submission
    uint32_t message_count;
    struct sock_tally tally;
    uint32_t verify_next; // connection that sock_verify goes on with
    uint8_t verify_byte;  // what a look at a socket reads; never used
    bool ring_is_open;
    uint64_t gather_ns;
    uint32_t awake_count; // completions since the last sleep
    uint32_t gather_goal; // the same of recent sleeps, smoothed, in sixteenths
};

// The connection that a completion names. A slot is not reused while the kernel holds a request of
// it, so another generation is a bug.
static inline struct sock_conn *sock_conn_find(struct sock *s, uint64_t tag)
{
    uint32_t index = (uint32_t)tag;
    CHECK(index < s->conn_used);
    CHECK((s->conns[index].generation & 0xffffff) == (tag >> 32 & 0xffffff));
    return &s->conns[index];
}

// sock_uring.c
// A request slot; makes room by submitting once. NULL when the kernel takes none now.
struct io_uring_sqe *sock_sqe(struct sock *s);
bool sock_flush_requests(struct sock *s); // submits without waiting; false: try again next turn
// Asks to cancel the request that tag names; own_tag is the cancellation's. False: no slot.
bool sock_cancel(struct sock *s, uint64_t tag, uint64_t own_tag);

// sock_receive.c
enum status sock_receive_open(struct sock *s, const struct sock_config *config) MUST_USE;
void sock_receive_close(struct sock *s);
// The bytes of a completion; they stay until sock_receive_give_back.
struct bytes sock_receive_take(struct sock_receive *r, const struct io_uring_cqe *cqe);
void sock_receive_give_back(struct sock_receive *r);

// sock_steer.c
// A descriptor that l accepted: the steerer's, or a connection here.
void sock_accepted(struct sock *s, const struct sock_listener *l, int fd);

// sock_listen.c
void sock_on_accept(struct sock *s, const struct io_uring_cqe *cqe);
void sock_on_watch(struct sock *s, const struct io_uring_cqe *cqe);
bool sock_listeners_prepare(struct sock *s);      // false: no slot, again next turn
uint64_t sock_listeners_retry_ns(struct sock *s); // earliest retry, UINT64_MAX: none
void sock_listeners_wake(struct sock *s);         // retries that are due

// sock_conn.c
// fd came in by l, or as if it had. False: gone, refused or no room; fd is taken care of.
bool sock_conn_open(struct sock *s, const struct sock_listener *l, int fd);
void sock_on_receive(struct sock *s, const struct io_uring_cqe *cqe);
void sock_on_send(struct sock *s, const struct io_uring_cqe *cqe);
void sock_on_cancel(struct sock *s, const struct io_uring_cqe *cqe);
void sock_conns_prepare(struct sock *s);
void sock_held_release(struct sock *s); // held bytes that were delivered
bool sock_address(int fd, bool of_peer, struct net_addr *out);
uint32_t sock_conns_run_due(struct sock *s); // callbacks that are due; returns how many
void sock_conns_end(struct sock *s);         // every open stream is dying now

void sock_conn_sent(struct sock *s, struct sock_conn *c, int32_t result);

void sock_conn_want_requests(struct sock_conn *c);

// sock_verify.c
void sock_verify_later(struct sock_conn *c); // something was received
void sock_on_verify(struct sock *s, const struct io_uring_cqe *cqe);

// sock_send.c
void sock_send_settle(struct sock *s);                       // quiet sends: which have left
bool sock_send_prepare(struct sock *s, struct sock_conn *c); // false: no slot
void sock_send_drop(struct sock_conn *c, uint64_t size);     // releases what has left
void sock_send_clear(struct sock_conn *c);
static inline bool sock_send_is_due(const struct sock_conn *c)
{
    const struct outq *out = &c->stream.out;
    return c->sending || (!out->is_held && out->bytes_total - out->bytes < c->flushed_total);
}
