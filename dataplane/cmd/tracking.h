// tracking.h: client-side caching: who has read which keys, and telling them when these change.
//
// Source:  Redis 7.2 CLIENT TRACKING: default mode (keys that were read are remembered, whatever
//          their database), BCAST (prefixes), OPTIN, OPTOUT, NOLOOP, REDIRECT
// Thread:  the shard. Of several, a key's is the one that remembers its readers, and a client's own
//          one knows what it wants and tells it: they post (posted.h), so that what is said of a
//          key comes after the reply that its reader got
// Memory:  a key is remembered with the ids of its readers (HEAP_SESSION), so that a client that
//          goes costs nothing; beyond tracking-table-max-keys keys are given up, which their
//          readers are told as if they had changed
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/cmd/cmd.h"

enum tracking_mode {
    TRACKING_BCAST = 1 << 0,
    TRACKING_OPTIN = 1 << 1,
    TRACKING_OPTOUT = 1 << 2,
    TRACKING_NOLOOP = 1 << 3,
    TRACKING_CACHING = 1 << 4, // CLIENT CACHING was said: for the next command
    TRACKING_BROKEN_REDIRECT = 1 << 5,
};

struct tracker { // of a client; NULL: tracking is off
    uint32_t mode;
    uint64_t redirect;    // id of the client that is told instead; 0: itself
    struct list prefixes; // of struct prefix_client.in_client
};

void tracking_open(struct server *server);
void tracking_close(struct server *server);
static inline bool tracking_is_on(const struct tracking *t) { return t->is_on; }
// Only to be called while tracking_is_on: a command has run (or become a job). If it was a read in
// the name of a client that tracks, its keys are remembered.
void tracking_after(const struct call *call);
// What CLIENT CACHING said was about call, a command that its client is done with, also when it was
// refused.
void tracking_caching_used(const struct call *call);
void tracking_caching_over(const struct call *call); // the same, of one that ran at a rendezvous
// Told by changed.c. by: whose command it was; NULL: nobody's.
void tracking_key_changed(struct server *server, struct bytes key, const struct client *by);
// Their readers are told as if they had changed; who tracks prefixes is not.
void tracking_forget_those(struct server *server,
                           bool (*concerns)(void *context, struct bytes name), void *context);
void tracking_flushed(struct server *server); // any key may be gone
// Tells each client of this shard that tracks that any key may have changed.
void tracking_tell_flush(struct server *server);
// A command of server with others held is over: BCAST clients are told what it changed there.
void tracking_end_held(struct server *server);
// Once a turn, before replies leave, while tracking_has_work: tells BCAST clients what changed, and
// does a bounded piece of giving keys up and freeing. True: there is more to do.
bool tracking_turn(struct server *server);
static inline bool tracking_has_work(const struct tracking *t)
{
    return tracking_is_on(t) || t->dying.count;
}
void tracking_forget_client(struct server *server, struct client *c);
uint64_t tracking_memory(const struct client *c); // without the keys it has read

// ---- CLIENT's subcommands (tracking_args.c)
void client_tracking(struct call *call);
void client_caching(struct call *call);
void client_getredir(struct call *call);
void client_trackinginfo(struct call *call);
