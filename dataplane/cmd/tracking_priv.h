// tracking_priv.h: what the files of tracking.h have in common.
//
// Thread:  the shard
#pragma once
#include "dataplane/cmd/tracking.h"

struct prefix { // that some client gave; a name of tracking->prefixes
    struct list_node in_name, in_fresh;
    struct name *name;
    struct list clients; // of struct prefix_client.in_prefix
    struct list homes;   // of struct prefix_home: other shards whose clients gave it
    struct names fresh;  // keys changed since the last broadcast; tag: the writer's id, 0: several
};
struct prefix_client {
    struct list_node in_prefix, in_client;
    struct prefix *prefix;
    struct client *client;
};
struct prefix_home {
    struct list_node link;
    uint32_t index;
    uint64_t count; // of its clients; they come at a rendezvous, and go by posts
};

// ---- clients (tracking.c)
void tracking_start(struct call *call, uint32_t mode, uint64_t redirect);
void tracking_steer(struct server *server); // a shard began to have such clients, or has none left

// ---- prefixes (tracking_prefix.c)
void prefixes_open(struct server *server);
void prefixes_close(struct server *server);
void prefix_add(struct server *server, struct client *c, struct bytes text); // that it has not yet
bool prefix_has(const struct server *server, const struct client *c, struct bytes text);
void prefixes_forget_client(struct server *server, struct client *c);
void prefixes_key_changed(struct server *server, struct bytes key, const struct client *by);
void prefixes_broadcast(struct server *server);
// Of a client of shard home.
void prefix_add_home(struct server *server, struct bytes text, uint32_t home);
void prefix_drop_home(struct server *server, struct bytes text, uint32_t home);
// Keys that changed on another shard (struct packed_key), to the clients of this one.
void prefix_tell_own(struct server *server, struct bytes text, struct bytes packed);

// ---- what is told (tracking_tell.c)
enum invalidation_kind { INVALIDATE_KEY, INVALIDATE_PACKED, INVALIDATE_ALL };
struct invalidation {
    enum invalidation_kind kind;
    struct bytes text;    // the key, or packed ones
    uint64_t without;     // packed: those that the client of this id wrote are left out; 0: none
    struct blob *wire[2]; // RESP2, RESP3: made when the first who speaks them is met
};
struct packed_key {  // its bytes follow
    uint64_t writer; // id of the client; 0: several, or nobody
    uint64_t size;
};
struct blob *pack_keys(struct server *server, const struct names *keys); // tags: writers
// What c tracks has changed: it is told, or whoever is told on its behalf.
void tracking_tell(struct server *server, struct client *c, struct invalidation *i);
// The receiver of a redirection, of this shard, on behalf of the client of id from.
void tracking_tell_redirected(struct server *server, uint64_t to, uint64_t from,
                              struct invalidation *i);
void tracking_tell_broken(struct server *server, struct client *c); // its redirection is
void invalidation_close(struct invalidation *i);

// ---- other shards (tracking_elsewhere.c)
// Readers of a key, of which ids are not of this shard, are told at home. by: as in
// tracking_key_changed, or 0.
void elsewhere_tell_readers(struct server *server, struct bytes key, const uint64_t *ids,
                            uint32_t room, uint64_t by);
void elsewhere_tell_redirected(struct server *server, const struct client *c,
                               const struct invalidation *i);
void elsewhere_tell_gone(struct server *server, uint64_t to, uint64_t from); // of a redirection
void elsewhere_tell_prefix(struct server *server, const struct prefix *p, struct bytes packed);
void elsewhere_steer(struct server *server); // all others look who tracks
void elsewhere_add_prefix(struct server *server, struct bytes text);
void elsewhere_drop_prefix(struct server *server, struct bytes text);
uint64_t elsewhere_key_count(const struct server *server); // of all shards
// A reader of key, of this shard (tracking.c).
void tracking_tell_reader(struct server *server, uint64_t id, uint64_t by, struct invalidation *i);
