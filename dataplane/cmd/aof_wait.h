// aof_wait.h: clients in WAITAOF, which wait until what was written before is durable.
//
// Source:  Redis 7.2: WAITAOF; spec/aof.md chapter 5
// Thread:  the shard of the client
// Memory:  a struct aof_wait each (HEAP_SESSION), which its struct blocked owns (block.c): time
//          out, CLIENT UNBLOCK and clients that go are its business
//
// Redis waits for the caller's last write. Here it is all that was logged before, by whomever, on
// every shard: what the caller wrote is among it, wherever it went.
#pragma once
#include <stdbool.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/server.h"

struct aof_wait;
struct client;

void aof_waits_open(struct server *s);
// Those go on for whom the logs are durable by now, or off. Once a turn: behind the commands, and
// before the shard sleeps.
void aof_waits_look(struct server *s);
static inline void aof_waits_run(struct server *s)
{
    if (UNLIKELY(s->aof_waits.local.count != 0) || UNLIKELY(s->aof_waits.replicas.count != 0))
        aof_waits_look(s);
}

// ---- for block.c: the wait of c ends
void aof_wait_reply(struct server *s, struct client *c, const struct aof_wait *wait);
void aof_wait_close(struct server *s, struct aof_wait *wait);
