// lent.h: output that was written on another shard and is sent from where it lies.
//
// Source:  DESIGN "Shards": replies of millions are not copied from one shard to the next
// Thread:  the shard of the connection
// Memory:  the output is the writer's (far.h: a proxy's); it is released (MESH_RELEASE) when the
//          last of its bytes has left, or was dropped with its queue
#pragma once
#include <stdint.h>
#include "dataplane/base/outq.h"

enum {
    LENT_PIECE_MIN = 2048,       // what is shorter is copied
    LENT_OUTPUT_MIN = 64 * 1024, // output below this is copied as a whole
};

struct shard;
struct proxy;

struct lent {
    struct shard *shard; // who sends it
    struct proxy *proxy;
    uint32_t owner; // index of the proxy's shard; may be the same
    uint32_t users; // pieces on their way, and who adds them
};

// lent_done is called when all that is wanted of the output was added.
struct lent *lent_open(struct shard *s, uint32_t owner, struct proxy *proxy);
void lent_add(struct lent *l, struct outq *to, struct bytes part);
void lent_done(struct lent *l);
