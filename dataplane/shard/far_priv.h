// far_priv.h: what the parts of far.h share: the far calls' sender (far.c), its slots (far_slot.c),
// the memory of both (far_pool.c), and their runner (far_run.c).
//
// Thread:  as far.h says
// Memory:  proxies are the runner's, slots the sender's; source far.h
#pragma once
#include "dataplane/cmd/tracking.h"
#include "dataplane/shard/far.h"

struct proxy {
    struct client client;
    struct stream stream;   // its addresses and output; no connection
    struct tracker tracker; // what of the client's concerns how it reads
    struct far_source source;
    struct far_call *call;       // what it runs; NULL: nothing
    struct resp_request request; // the call's, as commands see it
    uint32_t from;
    struct list_node link; // on shard->proxies_idle, or ->proxies_waiting
    struct list_node resumed;
};

struct far_slot { // a reply that keeps its place behind others
    struct far_call call;
    struct outq out;
    struct far_source source;
    uint64_t pushed_bytes; // in client->pushes_bytes
    uint8_t bytes[FAR_REPLY_BYTES];
};

// A call with bytes behind it, of which the sender's part is zero, and a slot likewise. far_free.
struct far_call *far_take(struct shard *s, size_t bytes_behind);
struct far_slot *far_take_slot(struct shard *s);
void far_free_kept(struct shard *s);
// Output whose first block are these FAR_REPLY_BYTES, the others beyond's.
void far_source_init(struct far_source *f, struct piece_source *beyond, uint8_t *bytes);
// f's reply, behind what is in the session's output; f is gone.
void far_deliver(struct shard *s, struct session *session, struct far_call *f);
// The replies of session that are complete, from the first on.
void far_deliver_ready(struct shard *s, struct session *session);
