// pause.h: CLIENT PAUSE: commands of a kind wait until a moment, or until CLIENT UNPAUSE.
//
// Source:  Redis 7.2: WRITE holds what may write or propagate, ALL everything; keys neither expire
//          nor are evicted meanwhile; commands that have begun go on, a client that waits for a key
//          is served later, and its timeout is answered as ever
// Thread:  the shard
// Memory:  a client that is held has one request kept (HEAP_CLIENT_IN); what it sends behind it is
//          deferred input as of any suspended client
// Costs a branch per command while there is no pause. Held clients go on in the order in which they
// came, a bounded number per turn.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"

void pause_open(struct server *server);
void pause_close(struct server *server);
static inline bool pause_is_on(const struct server *s)
{
    return s->pause.until_ns != 0 || s->pause.writes_wait;
}
// Beside CLIENT PAUSE, for the server's own reasons (a snapshot takes too much memory): what may
// write waits until it is called with false.
void pause_writes(struct server *server, bool wait);
// Of a pause that is on. True: the call is kept and its client suspended.
bool pause_holds(struct call *call);
// Ends a pause whose time is over; runs up to budget of those who were held. Returns how many.
uint32_t pause_run(struct server *server, uint32_t budget);
uint64_t pause_next_ns(const struct server *server); // when pause_run is due; UINT64_MAX: never
void pause_forget_client(struct server *server, struct client *c);

// ---- CLIENT's subcommands
void client_pause(struct call *call);
void client_unpause(struct call *call);
