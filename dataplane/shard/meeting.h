// meeting.h: the rendezvous: a command with keys on several shards runs on one core, alone.
//
// Source:  DESIGN "Shards"
// Thread:  each function says whose
// Memory:  a struct rendezvous is its shard's (HEAP_SESSION); others see its address only
//
// The shard that runs the command (the holder) asks each shard concerned for a sign of life
// (MESH_ASK) and goes on serving. Who answers (MESH_READY) is between two commands and in no long
// script: it will stand soon when it is wanted. When all have answered, the holder takes them in
// the order of their indices, itself included, and waits for each in place, for it is a matter of a
// command's length:
//
//   holder                                        the other
//   its grant there: none -> wanted; sets its
//   bit in wanted, wakes it, spins                between two commands sees a bit in wanted,
//                                                 that grant: wanted -> stands, spins
//   sees stands: holds it
//   runs the command; both memories are its own
//   clears its bit; the grant: -> none            sees that it is not stands: goes on
//
// Nobody waits for ever: who is taken in ascending order by everybody cannot be part of a circle. A
// holder that has not come to its own index yet lets itself be taken while it waits, though for one
// other at a time, for those it holds stand meanwhile; from its own index on it does not. One that
// does not stand within HOLD_PATIENCE_US (it began something long after its answer) is given up,
// and with it all that were taken: they run on, and the holder asks anew. So a shard held up by a
// script delays what needs that shard and nothing else.
//   Taken back: the other's step from wanted to stands is one compare and swap, so either the
//   holder
// was faster and it is refused, or it stands until the holder's grant changes, which the holder
// does. (To store that one stands, and then to look again whether one is wanted, is not enough:
// between that look and taking the store back the holder may want it once more, and believe it.)
// The bits in wanted say where to look, no more. While a shard stands its memory belongs to the
// holder: the other's stores before its grant (release) are seen by the holder (acquire), and the
// way back likewise.
//   tests/model/meeting.pml is a model of this, checked with every build.
//   A shard in the midst of a script that takes long stands, too, but only what may be asked of a
// busy server runs then; the others are told BUSY, as the clients of that shard are. A script that
// holds others takes them for each of its slices (script_shards.h).
// Commands that wait for the same shards, or for some of them, run in the same rendezvous, up to
// HOLD_COMMANDS_MAX.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/cmd/route.h"

struct shard;
struct client;
struct server;
struct kept_request;

enum meeting_grant { GRANT_NONE, GRANT_WANTED, GRANT_STANDS };

struct rendezvous {
    struct list_node link;              // on shard->rendezvous
    struct client *client;              // NULL: gone meanwhile
    const struct kept_request *request; // owned, unless it is a retry
    bool is_retry; // of one that waits for a key (cmd/block.h), which lends its request
    struct route route;
    uint32_t generation; // of the placement, when it was routed
    shard_set unanswered;
};

// ---- the holder
// call runs when its shards can be had; its client, suspended (CLIENT_ELSEWHERE), is resumed then.
void meeting_arrange(struct shard *s, struct call *call, const struct route *route);
// The same for a retry; its client stays as it is. struct server_ops.retry_together
void meeting_arrange_retry(struct server *server, struct client *c,
                           const struct kept_request *request, uint64_t shards);
// Runs what can be run, at most budget commands. Returns how many.
uint32_t meeting_run(struct shard *s, uint32_t budget);
// For a slice of a script that takes long: the others are taken, or none (false), and let go again.
bool meeting_hold(struct shard *s, shard_set others);
void meeting_let_go(struct shard *s, shard_set others);
void meeting_forget_client(struct shard *s, struct client *c);
void meeting_ready(struct shard *s, uint32_t from, struct rendezvous *r); // MESH_READY
void meeting_close(struct shard *s);

// ---- those asked
void meeting_asked(struct shard *s, uint32_t from, struct rendezvous *r); // MESH_ASK
// Between two commands: stands still for those who want it.
void meeting_stand(struct shard *s);
bool meeting_is_wanted(const struct shard *s);
