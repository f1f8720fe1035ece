// tls.h: TLS connections over the streams of either transport, as streams themselves.
//
// Source:  RFC 5246 (TLS 1.2), RFC 8446 (1.3), RFC 5077 (tickets); SSL_read(3) and its family
// Thread:  the shard's; handshake steps on a worker's (tls_worker.h), which has a connection to
//          itself meanwhile
// Memory:  a connection's record comes from the shard's heap (HEAP_SESSION), what it holds back
// from
//          HEAP_CLIENT_IN, its unencrypted output from HEAP_CLIENT_OUT. OpenSSL's own state is
//          allocated by malloc: about 15 KB for an established idle connection (no record buffers:
//          SSL_MODE_RELEASE_BUFFERS), up to 34 KB more within a call
// Units:   ns of the shard's clock
//
//   transport -> lower stream -> tls -> upper stream -> session
//
// A lower stream becomes ours in tls_accept. Its first bytes wait in a queue for a handshake step.
// Signing and key exchange cost 0.1 to 0.5 ms: done on the shard's core, even one of them in a turn
// would raise the latency of all who are connected by more than their own requests take. So steps
// run on a thread off that core, and a turn only gives and takes them, for TLS_BUDGET_NS at most.
// Without that thread (has_worker false, or none to be had) they run in tls_turn, TLS_BUDGET_NS of
// them per turn but at least one, and while clients are being served three times as long passes
// before the next ones, so that those lose a quarter of the core at most.
// When the handshake is done the app is told of the upper stream, and of nothing before.
//
// Input is decrypted out of the bytes that on_data brings, into an arena that tls_release empties;
// output is encrypted into the lower stream's queue, TLS_AHEAD_BYTES ahead of what the transport
// has sent. Upper streams obey stream.h; a peer's close_notify is on_end, and so is a lower stream
// that ends without one: requests carry their length, so a cut-off one is never executed.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/heap.h"
#include "dataplane/base/status.h"
#include "dataplane/base/stream.h"
#include "dataplane/base/tally.h"
#include "dataplane/tls/tls_context.h"

#define TLS_BUDGET_NS 250000ull         // of handshake steps in one turn
#define TLS_HANDSHAKE_NS 10000000000ull // what a peer may take for its part of a handshake
#define TLS_LEAVE_NS 10000000000ull     // for a last alert to leave
enum {
    TLS_REST_FACTOR = 3,           // of a turn's steps, until the next ones
    TLS_ARENA_BYTES = 256 * 1024,  // decrypted input of a turn, before it must be read
    TLS_AHEAD_BYTES = 1024 * 1024, // encrypted output that one transport connection may hold
    TLS_KEPT_BYTES = 64 * 1024,    // input kept of a connection before its transport is paused
    TLS_OPENING_MAX = 16384,       // connections in their handshake; more are refused
};

struct tls_config {
    const struct stream_app *app; // of upper streams; borrowed
    struct heap *heap;            // borrowed, as are all below
    const struct clock *clock;
    struct shard_tally *tally; // its tls_ fields are counted
    struct cycle_meter *meter; // CYCLES_TLS is switched on and off; NULL: none
    // The arena is full: every byte given to on_data so far must be read when this returns.
    void (*read_all)(void *app);
    // A handshake came to nothing; the lower stream is still there. reason: as OpenSSL words it.
    void (*on_failed)(void *app, const struct stream *lower, const char *reason);
    uint64_t budget_ns; // 0: TLS_BUDGET_NS
    bool has_worker;    // handshake steps run on a thread of their own
    int worker_core;    // -1: any but own_core
    int own_core;       // the shard's; -1: it is not pinned
};

struct tls;
enum status tls_open(struct tls **out, const struct tls_config *config) MUST_USE;
// Tells the app that its streams are closed. Lower streams stay open and are nobody's: the
// transport is closed after this. NULL is tolerated.
void tls_close(struct tls *t);

// Takes the context over; connections that exist keep the former one. NULL: none, nothing is
// accepted.
void tls_set_context(struct tls *t, struct tls_context *context);
bool tls_has_context(const struct tls *t);
void tls_set_auth(struct tls *t, enum tls_auth auth); // of connections from now on

// A transport's on_open for the stream of a TLS listener: takes it over. False: refused.
bool tls_accept(struct tls *t, struct stream *lower, uint64_t now_ns);
// Once a turn: callbacks that are due, output that found its transport full, handshake steps.
// is_serving: commands ran since the last turn. Returns how much was done.
uint32_t tls_turn(struct tls *t, uint64_t now_ns, bool is_serving);
void tls_release(struct tls *t); // end of turn: bytes given to on_data are not valid any more
// When tls_turn has something to do: 0 at once, UINT64_MAX nothing.
uint64_t tls_next_ns(const struct tls *t);
// Readable when the worker has done something; -1 without one (it comes with the first context). An
// eventfd: whoever waits for it reads its counter.
int tls_bell_fd(const struct tls *t);
uint32_t tls_opening_count(const struct tls *t); // connections in their handshake
