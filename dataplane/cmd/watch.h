// watch.h: WATCH: which clients watch which keys, and which of them have seen one change.
//
// Source:  Redis 7.2's rules for when a watched key has changed
// Thread:  a watch lives with its key's shard (the home), in that shard's struct server, and says
//          nothing but the client's id: a change marks what the home keeps, never the client. Who
//          watches, or asks for what became of it, holds the homes (server->held); who only wants
//          to be forgotten need not: other homes are told (ops->forget_watches)
// Memory:  HEAP_SESSION of the home. What a client watches of its own shard is in its transaction
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/list.h"
#include "dataplane/keyspace/placement.h"

struct call;
struct key;
struct server;

struct watcher { // a client, as one home knows it
    struct list watches;
    bool is_stale;   // one of the keys changed
    bool is_counted; // in the home's watching_clients, while it watches: a client counts once
};
struct watches { // all of one client, on its own shard
    struct watcher own;
    shard_set shards;   // homes that know of it, its own shard among them
    uint32_t far_count; // of keys of other shards; those that changed are not taken off
};

void watches_open(struct server *server);
void watches_close(struct server *server);

void watches_init(struct watches *w);
// Of call's client, whose watches are w. What it has watched already stays as it is.
void watch_key(struct call *call, struct watches *w, const struct key *key);
void watches_drop(struct server *server, uint64_t client_id, struct watches *w);
// Whether EXEC has to answer null. A key whose time is over, though nobody has removed it yet, has
// changed.
bool watches_are_stale(struct call *call, struct watches *w);
// The same for those who only show it: as far as it can be seen from server.
bool watches_seem_stale(const struct server *server, uint64_t client_id, const struct watches *w);
uint32_t watches_count(const struct watches *w);
uint64_t watches_bytes(const struct watches *w);

// On the home, at some time after ops->forget_watches asked for it: what the client has watched up
// to that generation is forgotten. What it watched since then stays; nothing there is no error.
void watches_forget_client(struct server *home, uint64_t client_id, uint64_t generation);

// ---- told by changed.c
void watch_touch(struct server *server, uint32_t db, struct bytes key);
// Each name that concerns, in whatever database.
void watch_touch_those(struct server *server, bool (*concerns)(void *context, struct bytes name),
                       void *context);
// All of db (or of all databases) is about to go, and what other_db has takes its place
// (CHANGED_ALL_DATABASES: nothing does).
void watch_touch_database(struct server *server, uint32_t db, uint32_t other_db);
