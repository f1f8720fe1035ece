// tracking_priv.h: what the files of tracking.h have in common.
//
// Thread:  the shard
#pragma once
#include "dataplane/cmd/tracking.h"

struct prefix { // that some client gave; a name of tracking->prefixes
    struct list_node in_name, in_fresh;
    struct name *name;
    struct list clients; // of struct prefix_client.in_prefix
    struct names fresh;  // keys changed since the last broadcast; tag: the writer's id, 0: several
};
struct prefix_client {
    struct list_node in_prefix, in_client;
    struct prefix *prefix;
    struct client *client;
};

// ---- clients (tracking.c)
void tracking_start(struct call *call, uint32_t mode, uint64_t redirect);

// ---- prefixes (tracking_prefix.c)
void prefixes_open(struct server *server);
void prefixes_close(struct server *server);
void prefix_add(struct server *server, struct client *c, struct bytes text); // that it has not yet
bool prefix_has(const struct server *server, const struct client *c, struct bytes text);
void prefixes_forget_client(struct server *server, struct client *c);
void prefixes_key_changed(struct server *server, struct bytes key, const struct client *by);
void prefixes_broadcast(struct server *server);

// ---- what is told (tracking_tell.c)
struct invalidation {     // wire forms, made when the first who speaks them is met
    struct blob *wire[2]; // RESP2, RESP3
};
// Who is told on behalf of c; NULL: nobody can be.
struct client *tracking_receiver(struct server *server, struct client *c);
void tell_key(struct server *server, struct client *to, struct bytes key, struct invalidation *i);
void tell_flush(struct server *server, struct client *to, struct invalidation *i);
void invalidation_close(struct invalidation *i);
// The fresh keys of p, without those of the client of id without (0: all). NULL: none are left.
struct blob *message_of_fresh(struct server *server, const struct prefix *p, uint8_t version,
                              uint64_t without);
