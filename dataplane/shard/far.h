// far.h: commands of one shard's clients that run on another shard, and the order of replies.
//
// Source:  DESIGN "Shards": there
// Thread:  each function says whose: the sender's is the shard of the connection
// Memory:  a far call is the sender's (a small one, which is kept for the next, HEAP_SESSION, else
//          HEAP_CLIENT_IN), lent to the runner from MESH_CALL to MESH_REPLY; the runner writes into
//          its reply part only. A proxy and the output behind the reply's first FAR_REPLY_BYTES are
//          the runner's, lent to the sender from MESH_REPLY to MESH_RELEASE
//
// A session has its far calls in a list, in the order of the pipeline. While the list is not empty,
// the reply of a command that runs here goes into a far call of its own (a slot) at its end.
// Replies leave from the head as they are complete.
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/base/outq.h"
#include "dataplane/base/stream.h"
#include "dataplane/cmd/client.h"
#include "dataplane/cmd/cmd.h"

enum {
    FAR_REPLY_BYTES = 640,  // a block of output has at least OUTQ_RESERVE_MAX
    FAR_CALLS_MAX = 1024,   // of one session, before it waits for replies
    FAR_PROXIES_KEPT = 256, // that run nothing, for the next calls
    FAR_CALLS_KEPT = 512,   // likewise of small calls, and of slots
};

struct shard;
struct session;
struct scatter;
struct proxy;

struct far_source { // whose first block lies in a far call
    struct piece_source source;
    struct piece_source *beyond; // the others, and references
    struct piece first;
    uint8_t *bytes; // FAR_REPLY_BYTES
    bool is_used;
};

// In lines of the cache by who writes them, for each line that changes hands costs its way from
// core to core. What a runner of one small command reads is the request's two lines, its arguments,
// and the line of the reply.
struct far_call {
    // The sender's.
    alignas(64) struct list_node link; // on session->far
    struct session *session;           // NULL: gone
    struct scatter *scatter;           // of a part: whose; NULL: gone
    size_t bytes;                      // of this allocation; 0: it is one of those that are kept
    uint32_t to;
    bool is_done, may_block;
    bool is_back;  // it was returned, and waits to be sent again (far_again.h)
    bool is_slot;  // struct far_slot: nothing was sent, and of what follows nothing is set
    bool is_part;  // of a command on all shards: on no list, session is NULL
    bool is_alone; // nothing of its session that came back is sent beside it

    // The request: written before it is sent.
    alignas(64) const struct command *command;
    struct key key;     // call->key; name points below
    struct bytes *argv; // behind this, and their bytes behind them
    uint32_t argc, db;
    uint64_t client_id, arrival_tsc;
    uint64_t request_bytes;
    struct kept_request *again; // what argv is of, when it came back with another one; else NULL
    const char *client_name;    // points below; NULL: none
    uint64_t kept_deadline_ms;  // client_keep_deadline; 0: none
    uint32_t generation;        // of the placement, when it was sent (far_again.h)
    uint8_t client_flags;       // of enum client_flags: those that concern how it runs
    uint8_t kind, version;      // enum stream_kind; of the reply
    bool has_key, is_muted, is_tracking;
    struct net_addr remote;
    uint8_t tracking_mode; // enum tracking_mode, if is_tracking

    // By who runs it.
    alignas(64) struct list_node behind; // on shard->far_behind: waits for another of its client
    // The reply: likewise.
    struct proxy *proxy;  // with output beyond reply[]; NULL: there is none
    uint64_t cycles;      // of a part: what it took
    uint32_t reply_bytes; // in reply[]
    bool closes;          // the client is to be closed after it
    bool is_returned;     // it was not run; what the sender knows of that is is_back
    uint8_t reply[FAR_REPLY_BYTES];
};
_Static_assert(offsetof(struct far_call, behind) == 192, "the request has two lines");

void far_open(struct shard *s);
void far_close(struct shard *s);
// Several times a second: gives back a part of what is kept for the next calls.
void far_trim_kept(struct shard *s);

// ---- the sender
// It may wait for a key: a blocking command, and not an XREAD without BLOCK.
bool far_may_block(const struct call *call);
void far_send(struct shard *s, struct session *session, struct call *call, uint32_t to);
void far_prefetch_reply(const struct far_call *f);     // before far_replied
void far_replied(struct shard *s, struct far_call *f); // MESH_REPLY
// Around each command of a session that has far calls: begin lets its reply go into a slot.
void far_slot_begin(struct shard *s, struct session *session);
void far_slot_end(struct shard *s, struct session *session);
// Where bytes that are pushed to c belong: behind the replies that it waits for already, so that
// what is said of a key or a change never comes before the reply that it is about. Before one that
// may wait for long, for that is what happens meanwhile.
struct outq *far_push_output(struct server *server, struct client *c, size_t bytes);
// The session is going: replies are waited for and dropped, what waits there is cancelled.
void far_forget_session(struct shard *s, struct session *session);
// Parts of a command on all shards (scatter.h): calls that are not sent, as their shards are held.
struct far_call *far_new_part(struct shard *s, const struct call *call, uint32_t to);
void far_cancel_part(struct shard *s, struct far_call *part); // its reply comes nevertheless
const struct outq *far_output(const struct far_call *f); // of one that is done; NULL: in f->reply
void far_give_back(struct shard *s, uint32_t to, struct proxy *p); // its output has been read
void far_free(struct shard *s, struct far_call *f);
// The peer has hung up: who waits for a key there waits no more.
bool far_has_blocked(const struct session *session);

// ---- the runner
// Of a call that has just come, before it is run: asks for what it says, then for the bucket of its
// key, then for the entry; in between, there are those of other calls to be asked for.
void far_prefetch(const struct far_call *f);
void far_prefetch_bucket(const struct shard *s, const struct far_call *f);
void far_prefetch_entry(const struct shard *s, const struct far_call *f);
void far_run(struct shard *s, uint32_t from, struct far_call *f); // MESH_CALL
// By who holds s: the body, which may become a job of s. now_ms is the moment of all parts.
void far_run_part(struct shard *s, uint32_t from, struct far_call *part, uint64_t now_ms);
void far_resume(struct shard *s, struct client *proxy); // it goes on, or is done
void far_release(struct shard *s, struct proxy *p);     // MESH_RELEASE
// Slots have come or gone since it was sent (far_again.h); it is to go back then, not run.
bool far_is_outdated(const struct shard *s, struct client *proxy);
void far_mark_returned(struct client *proxy);
bool far_is_own(const struct shard *s, struct client *proxy); // it runs on its sender's shard
// One that is suspended: it goes back. request: what is to be run instead; NULL: the same. Its
// sender is held then.
void far_return(struct shard *s, struct client *proxy, const struct kept_request *request);
void far_cancelled(struct shard *s, struct far_call *f); // MESH_CANCEL
uint32_t far_settle(struct shard *s);                    // replies of those that were resumed
