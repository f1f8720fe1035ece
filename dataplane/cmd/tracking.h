// tracking.h: client-side caching: who has read which keys, and telling them when these change.
//
// Source:  Redis 7.2 CLIENT TRACKING: default mode (keys that were read are remembered, whatever
//          their database), BCAST (prefixes), OPTIN, OPTOUT, NOLOOP, REDIRECT
// Thread:  the shard
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
    TRACKING_MODES = TRACKING_BCAST | TRACKING_OPTIN | TRACKING_OPTOUT | TRACKING_NOLOOP,
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
// A command has run (or become a job): if it was a read of a client that tracks, its keys are
// remembered. Only to be called while tracking_is_on.
void tracking_after(const struct call *call);
// Told by changed.c. by: whose command it was; NULL: nobody's.
void tracking_key_changed(struct server *server, struct bytes key, const struct client *by);
void tracking_flushed(struct server *server); // any key may be gone
// Once a turn, before replies leave, while tracking_is_on: tells BCAST clients what changed, and
// gives keys up (a bounded number) while there are more than tracking-table-max-keys.
void tracking_turn(struct server *server);
void tracking_forget_client(struct server *server, struct client *c);
static inline bool tracking_is_on(const struct tracking *t) { return t->clients != 0; }

// ---- CLIENT's subcommands
void client_tracking(struct call *call);
void client_caching(struct call *call);
void client_getredir(struct call *call);
void client_trackinginfo(struct call *call);
