// posted.h: what one shard tells another without waiting for an answer: messages, invalidations,
// MONITOR's lines, and news that both keep account of.
//
// Source:  DESIGN "Shards"
// Thread:  post: who runs a command of server, or holds it; the action: the receiver's
// Memory:  what is on its way is the carrier's (server_ops.post) and copied by it; what came before
//          its turn is kept on the receiver's heap (HEAP_OTHER). Bounded by POSTED_BYTES_MAX
//
// Order. What one shard posts to another arrives in order, and in order with the replies that go
// the same way. Messages and commands keep an order over all shards, too: each takes a number of
// its receiver's, at the moment when it is made, and they are run by these numbers, whichever way
// they come. So a receiver sees what all shards did in the order in which it was done: an event
// before the message that its cause's author sent next. A shard's posts to itself keep to this as
// well.
//   Bounds. A receiver that is behind by POSTED_BYTES_MAX gets no more messages, invalidations and
// lines; it is told so, and makes it known: subscribers and monitors are disconnected, as those are
// who read too slowly, and clients that track are told that any key may have changed. News are
// never left out.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/list.h"

enum { POSTED_BYTES_MAX = 64 << 20 }; // on their way to one shard

struct server;

enum posted_kind {
    POSTED_MESSAGE,      // to subscribers
    POSTED_INVALIDATION, // to clients that track
    POSTED_LINE,         // to monitors
    POSTED_COMMAND,      // to shard 0, which makes lines of them; the sender sees to the bound
    POSTED_NEWS,
};

struct posted {
    uint64_t numbers[3];
    struct bytes texts[2];
    uint64_t ticket; // post's: its number, or UINT64_MAX
};
typedef void posted_action(struct server *server, const struct posted *p);

struct posted_order {    // of a receiver
    uint64_t next;       // the number of the post that is run next
    struct list waiting; // of those that came before their turn, by their numbers
    bool is_running;     // what an action posts to its own shard comes after it
};

void posted_open(struct server *server);
void posted_close(struct server *server);

// p's texts are the caller's. When to is server itself, or stands still for the same command, what
// has an order of its own is run at once, or in its turn.
void post(struct server *server, uint32_t to, enum posted_kind kind, posted_action *action,
          const struct posted *p);
bool post_fits(const struct server *server, uint32_t to); // now; news are posted all the same
void post_lose(struct server *server, uint32_t to, enum posted_kind kind); // as if it did not fit
// The same to each of several (shard_set).
void post_to_all(struct server *server, uint64_t shards, enum posted_kind kind,
                 posted_action *action, const struct posted *p);
// What server_ops.post carried has arrived.
void posted_arrived(struct server *server, posted_action *action, const struct posted *p);
// Nothing is under way to server that a post of now would have to wait for.
bool posted_is_quiet(const struct server *server);

// ---- what each shard tells of itself by a bit, in a shard_set of struct node
// Which other shards have theirs set.
uint64_t posted_others(const struct server *server, const uint64_t *set);
void posted_mark(struct server *server, uint64_t *set, bool is_set);
