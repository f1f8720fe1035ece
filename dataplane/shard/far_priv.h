// far_priv.h: what the parts of far.h share: the far calls' sender (far.c), its slots (far_slot.c)
// and their runner (far_run.c).
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
    struct far_call *call; // what it runs; NULL: nothing
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

// Output whose first block are these FAR_REPLY_BYTES, the others beyond's.
void far_source_init(struct far_source *f, struct piece_source *beyond, uint8_t *bytes);
// f's reply, behind what is in the session's output; f is gone.
void far_deliver(struct shard *s, struct session *session, struct far_call *f);
// The replies of session that are complete, from the first on.
void far_deliver_ready(struct shard *s, struct session *session);
